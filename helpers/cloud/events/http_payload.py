"""Events and answers in the two payload formats: 1.0 of REST APIs, 2.0 of HTTP APIs and function URLs.

The shapes are those of "Working with AWS Lambda proxy integrations for HTTP APIs" and of "Input format of a Lambda
function for proxy integration" in the API Gateway Developer Guide, and of "Invoking Lambda function URLs" in Lambda's;
REST events were compared with ones that LocalStack's tests recorded on AWS
(tests/aws/services/apigateway/test_apigateway_lambda.snapshot.json).
"""

from __future__ import annotations

import base64
import binascii
import json
import re
import secrets
import time
from collections.abc import Callable, Iterable, Mapping
from typing import Any
from urllib.parse import parse_qsl, unquote

from helpers.cloud.events.http import NOT_FROM_FUNCTIONS, Reply, Request

MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
TEXT = re.compile(r"text/|application/(?:[\w.-]+\+)?(?:json|xml|javascript)|application/javascript")
PARTS_V1 = {"statusCode", "headers", "multiValueHeaders", "body", "isBase64Encoded"}


class Malformed(Exception):
    """A function's answer that the gateway can't turn into a reply; says what is wrong with it."""


def clock(time_s: float) -> str:
    """Return a time as API Gateway writes it.

    >>> clock(1583348638)
    '04/Mar/2020:19:03:58 +0000'
    """
    at = time.gmtime(time_s)
    return f"{at.tm_mday:02}/{MONTHS[at.tm_mon - 1]}/{at.tm_year}:{at.tm_hour:02}:{at.tm_min:02}:{at.tm_sec:02} +0000"


def extended_id() -> str:
    """Return a request id of API Gateway's own kind, as ``JKJaXmPLvHcESHA=``."""
    return base64.urlsafe_b64encode(secrets.token_bytes(11)).decode()


def query_pairs(request: Request) -> list[tuple[str, str]]:
    """Return the query's parameters, decoded."""
    return parse_qsl(request.query, keep_blank_values=True)


def many(pairs: Iterable[tuple[str, str]]) -> dict[str, list[str]]:
    """Return all values of each name.

    >>> many([("a", "1"), ("a", "2")])
    {'a': ['1', '2']}
    """
    found: dict[str, list[str]] = {}
    for name, value in pairs:
        found.setdefault(name, []).append(value)
    return found


def gateway_headers(request: Request, host: str, *, proto: str = "https", port: int = 443) -> list[tuple[str, str]]:
    """Return the headers that a function sees: the client's, and those that the gateway adds."""
    ours = {
        "host",
        "x-forwarded-for",
        "x-forwarded-port",
        "x-forwarded-proto",
        "x-amzn-trace-id",
        "x-forwarded-context",
    }
    ours |= {"x-proxycontextpath"}
    through = [value for name, value in request.headers if name.lower() == "x-forwarded-for"]
    return [
        *((name, value) for name, value in request.headers if name.lower() not in ours),
        ("Host", host),
        ("X-Amzn-Trace-Id", request.trace),
        ("X-Forwarded-For", ", ".join([*through, request.source_ip])),
        ("X-Forwarded-Port", str(port)),
        ("X-Forwarded-Proto", proto),
    ]


def lower(pairs: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
    """Return headers with their names in small letters."""
    return [(name.lower(), value) for name, value in pairs]


def encoded_body(request: Request) -> tuple[str | None, bool]:
    """Return the body as formats 1.0 and 2.0 of HTTP APIs carry it, and whether it is base64."""
    if not request.body:
        return None, False
    kind = request.header("content-type")
    if not kind or TEXT.match(kind.lower()):
        try:
            return request.body.decode(), False
        except UnicodeDecodeError:
            pass
    return base64.b64encode(request.body).decode(), True


def event_v2(
    request: Request,
    *,
    context: Mapping[str, Any],
    host: str,
    route_key: str = "$default",
    raw_path: str | None = None,
    path_parameters: Mapping[str, str] | None = None,
    stage_variables: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    """Return an event of payload format 2.0.

    Parameters
    ----------
    context : accountId, apiId, requestId, stage, and authorizer where there is one
    host : the door's host name on AWS
    """
    raw_path = request.path if raw_path is None else raw_path
    headers = lower(gateway_headers(request, host))
    cookies = [one.strip() for name, value in headers if name == "cookie" for one in value.split(";") if one.strip()]
    body, is_base64 = encoded_body(request)
    query = {name: ",".join(values) for name, values in many(query_pairs(request)).items()}
    event: dict[str, Any] = {
        "version": "2.0",
        "routeKey": route_key,
        "rawPath": raw_path,
        "rawQueryString": request.query,
        "cookies": cookies,
        "headers": {name: ",".join(values) for name, values in many(headers).items() if name != "cookie"},
        "queryStringParameters": query,
        "requestContext": {
            **context,
            "domainName": host,
            "domainPrefix": host.partition(".")[0],
            "http": {
                "method": request.method,
                "path": raw_path,
                "protocol": request.protocol,
                "sourceIp": request.source_ip,
                "userAgent": request.header("user-agent"),
            },
            "routeKey": route_key,
            "time": clock(request.time_s),
            "timeEpoch": int(request.time_s * 1000),
        },
        "body": body,
        "pathParameters": dict(path_parameters or {}),
        "isBase64Encoded": is_base64,
        "stageVariables": dict(stage_variables or {}),
    }
    # What a request does not have is not there, rather than null.
    absent = ("cookies", "queryStringParameters", "pathParameters", "stageVariables", "body")
    return {name: value for name, value in event.items() if value or name not in absent}


def event_v1(
    request: Request,
    *,
    context: Mapping[str, Any],
    headers: list[tuple[str, str]],
    resource: str,
    path: str,
    path_parameters: Mapping[str, str] | None,
    stage_variables: Mapping[str, str] | None,
    body: tuple[str | None, bool],
) -> dict[str, Any]:
    """Return an event of payload format 1.0; of several values of a name, the last stands in the single-value parts."""
    query = query_pairs(request)
    return {
        "resource": resource,
        "path": path,
        "httpMethod": request.method,
        "headers": dict(headers),
        "multiValueHeaders": many(headers),
        "queryStringParameters": dict(query) or None,
        "multiValueQueryStringParameters": many(query) or None,
        "pathParameters": dict(path_parameters) if path_parameters else None,
        "stageVariables": dict(stage_variables) if stage_variables else None,
        "requestContext": dict(context),
        "body": body[0],
        "isBase64Encoded": body[1],
    }


def identity(request: Request, *names: str) -> dict[str, Any]:
    """Return requestContext.identity: who calls, as far as it is known."""
    known = {"sourceIp": request.source_ip, "userAgent": request.header("user-agent") or None}
    return {name: known.get(name) for name in sorted({*names, *known})}


def reply_v2(payload: bytes, default_type: str) -> Reply:
    """Read a function's answer of format 2.0, or infer one from what isn't in that format.

    Raises
    ------
    Malformed
        when there is a statusCode, and the rest doesn't fit
    """
    try:
        answer = json.loads(payload or b"null")
    except ValueError:
        raise Malformed("the answer is not JSON") from None
    if not (isinstance(answer, dict) and "statusCode" in answer):
        body = answer if isinstance(answer, str) else payload.decode()
        return Reply(200, (("Content-Type", "application/json"),), body.encode())
    headers = list(_written(answer.get("headers") or {}, "headers"))
    cookies = answer.get("cookies") or []
    if not isinstance(cookies, list):
        raise Malformed(f"cookies must be a list of strings, got {_type(cookies)}")
    headers += [("Set-Cookie", str(cookie)) for cookie in cookies]
    return _with_type(Reply(_status(answer), tuple(headers), _body(answer)), default_type)


def reply_v1(
    payload: bytes, default_type: str, *, decode: Callable[[Reply], bool] = lambda reply: True, strict: bool = False
) -> Reply:
    """Read a function's answer of format 1.0.

    Parameters
    ----------
    decode : whether a body that is base64 is decoded for this reply
    strict : parts that the format does not know make it malformed, as in REST APIs

    Raises
    ------
    Malformed
        when it isn't in that format
    """
    try:
        answer = json.loads(payload or b"null")
    except ValueError:
        raise Malformed("the answer is not JSON") from None
    if not isinstance(answer, dict):
        raise Malformed(f"the answer must be an object with statusCode, headers and body, got {_type(answer)}")
    if strict and (strange := set(answer) - PARTS_V1):
        raise Malformed(f"the answer has parts that the format doesn't know: {', '.join(sorted(strange))}")
    if "statusCode" not in answer:
        if not strict:
            raise Malformed("the answer has no statusCode")
        answer = {"statusCode": 200, **answer}  # as REST APIs do
    many_headers = answer.get("multiValueHeaders") or {}
    if not isinstance(many_headers, dict) or not all(isinstance(values, list) for values in many_headers.values()):
        raise Malformed("multiValueHeaders must be an object of lists")
    headers = [(name, value) for name, values in many_headers.items() for _, value in _written({name: values}, "")]
    named = {name.lower(): {value for key, value in headers if key.lower() == name.lower()} for name, _ in headers}
    for name, value in _written(answer.get("headers") or {}, "headers"):
        if value not in named.get(name.lower(), ()):
            headers.append((name, value))
    reply = Reply(_status(answer), tuple(headers))
    reply = _with_type(reply, default_type)
    body = _body(answer, decode=not answer.get("isBase64Encoded") or decode(reply))
    return Reply(reply.status, reply.headers, body)


def decoded_path(path: str) -> str:
    """Return a path with its escapes resolved."""
    return unquote(path)


def _status(answer: Mapping[str, Any]) -> int:
    status = answer["statusCode"]
    if isinstance(status, str) and status.isdigit():
        status = int(status)
    if isinstance(status, bool) or not isinstance(status, int) or not 100 <= status <= 599:
        raise Malformed(f"statusCode must be a number from 100 to 599, got {status!r}")
    return status


def _body(answer: Mapping[str, Any], *, decode: bool = True) -> bytes:
    body = answer.get("body")
    if body is None:
        return b""
    if not isinstance(body, str):
        raise Malformed(f"body must be text, got {_type(body)}: json.dumps makes text of it")
    if not (answer.get("isBase64Encoded") and decode):
        return body.encode()
    try:
        return base64.b64decode(body, validate=True)
    except (binascii.Error, ValueError):
        raise Malformed("isBase64Encoded is true, and body is not base64") from None


def _written(headers: Any, part: str) -> Iterable[tuple[str, str]]:
    if not isinstance(headers, dict):
        raise Malformed(f"{part} must be an object, got {_type(headers)}")
    for name, value in headers.items():
        if name.lower() in NOT_FROM_FUNCTIONS or value is None:
            continue
        values = value if isinstance(value, list) else [value]
        if isinstance(value, dict) or (isinstance(value, list) and part):
            raise Malformed(f"the header {name} must be text, got {_type(value)}")
        for one in values:
            text = str(one).lower() if isinstance(one, bool) else str(one)
            # A line break would begin a header of its own; what isn't Latin-1 can't be sent.
            yield name, " ".join(text.splitlines()).encode("utf-8").decode("latin-1")


def _with_type(reply: Reply, default_type: str) -> Reply:
    if reply.has("content-type") or (not default_type):
        return reply
    return reply.plus(("Content-Type", default_type))


def _type(value: Any) -> str:
    names = {dict: "an object", list: "a list", str: "text", bool: "true or false", type(None): "nothing (null)"}
    return names.get(type(value), "a number")
