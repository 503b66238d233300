"""Application Load Balancers with functions as targets: listeners, rules, and the load balancer's own event.

Its pages of errors are the ones that AWS's load balancers send. 502: the function failed, was throttled, answered what
can't be read or more than 1 MB, or may not be invoked; 503: nothing is registered; 413: a body above 1 MB.
"""

from __future__ import annotations

import base64
import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qsl

from helpers import tables
from helpers.cloud.events.http import Caller, Door, Functions, Refused, Reply, Request, Undelivered, is_path
from helpers.cloud.events.http_payload import Malformed, gateway_headers, lower, many, reply_v1

TEXT = ("text/", "application/json", "application/javascript", "application/xml")
RESPONSE_MAX_BYTES = int(tables.limit("alb.lambda.response").max * 1024 * 1024)
REDIRECT = {"Host": "#{host}", "Port": "#{port}", "Path": "/#{path}", "Query": "#{query}"}
LIMIT_S = float(tables.limit("lambda.timeout").max) + 60


@dataclass(frozen=True)
class TargetGroup:
    """A target group and the functions registered in it."""

    arn: str
    kind: str
    functions: tuple[str, ...]
    multi_value: bool


@dataclass(frozen=True)
class Rule:
    """A listener's rule: conditions that all must hold, and actions; the default has no conditions."""

    conditions: tuple[Mapping[str, Any], ...]
    actions: tuple[Mapping[str, Any], ...]


@dataclass(frozen=True)
class Listener:
    """What a load balancer does on one port."""

    port: int
    protocol: str
    rules: tuple[Rule, ...]  # in order of priority, the default last


@dataclass(frozen=True)
class LoadBalancer:
    """A load balancer as it is now."""

    arn: str
    host: str
    listeners: tuple[Listener, ...]
    groups: Mapping[str, TargetGroup]


class LoadBalancerDoor(Door):
    """All load balancers of a session.

    Parameters
    ----------
    functions, record : see :class:`~helpers.cloud.events.http.Door`
    find : a load balancer by the last part of its ARN
    """

    source = "load balancer"
    max_bytes = int(tables.limit("alb.lambda.request_body").max * 1024 * 1024)

    def __init__(
        self,
        functions: Functions,
        record: Callable[[str, str, str], None],
        find: Callable[[str], LoadBalancer | None],
    ) -> None:
        super().__init__(functions, record)
        self._find = find

    def answer(self, name: str, request: Request) -> Reply:
        """Return what the client of one load balancer gets."""
        balancer = self._find(name)
        if balancer is None:
            raise _page(503, "There is no load balancer of this name")
        port, request = request.entered()
        listener = next((one for one in balancer.listeners if str(one.port) == port), None)
        if listener is None:
            known = ", ".join(str(one.port) for one in balancer.listeners) or "none: create_listener makes one"
            raise _page(503, f"There is no listener on port {port}; listeners: {known}")
        host = _host(request, balancer.host)
        for rule in listener.rules:
            if all(_holds(condition, request, host) for condition in rule.conditions):
                return self._act(balancer, listener, rule, request, host)
        raise _page(503, "The listener has no default action")

    def _act(self, balancer: LoadBalancer, listener: Listener, rule: Rule, request: Request, host: str) -> Reply:
        action = rule.actions[-1]  # authentication comes before
        kind = action.get("Type")
        if kind == "fixed-response":
            fixed = action.get("FixedResponseConfig") or {}
            body = str(fixed.get("MessageBody") or "").encode()
            headers = (("Content-Type", fixed.get("ContentType") or "text/plain"),)
            return Reply(int(fixed.get("StatusCode") or 200), headers, body)
        if kind == "redirect":
            return _redirect(action.get("RedirectConfig") or {}, request, host, listener, balancer.host)
        if kind != "forward":
            raise _page(500, f"The local cloud has no actions of type {kind}")
        group = balancer.groups.get(_group_of(action))
        if group is None or not group.functions:
            raise _page(503, "The target group has no registered targets: register_targets")
        if group.kind != "lambda":
            raise _page(503, f"The local cloud has only functions as targets, and the group's are of type {group.kind}")
        if request.too_large:
            raise _page(413, "A load balancer sends bodies of 1 MB at most to a function")
        return self._invoke(group, listener, request, host)

    def _invoke(self, group: TargetGroup, listener: Listener, request: Request, host: str) -> Reply:
        caller = Caller("elasticloadbalancing.amazonaws.com", (group.arn,))
        event = event_of(request, group, host, listener)
        try:
            answer = self.functions.invoke(
                group.functions[0], event, caller=caller, limit_s=LIMIT_S, trace=request.trace
            )
        except Undelivered as failed:
            raise _page(502, failed.cause) from None
        if answer.function_error:
            raise _page(502, f"The function failed: {answer.payload.decode(errors='replace')[:500]}")
        if len(answer.payload) > RESPONSE_MAX_BYTES:
            raise _page(502, f"The function's answer has {len(answer.payload):,} bytes; a load balancer takes 1 MB")
        try:
            reply = reply_v1(answer.payload, "application/octet-stream")
        except Malformed as wrong:
            raise _page(502, f"The function's answer is malformed: {wrong}") from None
        # A path alone begins at the load balancer's own port.
        return reply.with_location(lambda value: f"/{listener.port}{value}" if is_path(value) else value)


def event_of(request: Request, group: TargetGroup, host: str, listener: Listener) -> dict[str, Any]:
    """Return the event; parameters of the query stay escaped, as the load balancer leaves them."""
    proto = listener.protocol.lower()
    headers = sorted(lower(gateway_headers(request, host, proto=proto, port=listener.port)))
    query = [(name, value) for name, _, value in (one.partition("=") for one in request.query.split("&") if one)]
    text = not request.header("content-encoding") and request.header("content-type").lower().startswith(TEXT)
    text = text and _is_text(request.body)
    event: dict[str, Any] = {
        "requestContext": {"elb": {"targetGroupArn": group.arn}},
        "httpMethod": request.method,
        "path": request.path,
    }
    if group.multi_value:
        event |= {"multiValueQueryStringParameters": many(query), "multiValueHeaders": many(headers)}
    else:
        event |= {"queryStringParameters": dict(query), "headers": dict(headers)}
    is_base64 = bool(request.body) and not text
    body = base64.b64encode(request.body).decode() if is_base64 else request.body.decode()
    return {**event, "body": body, "isBase64Encoded": is_base64}


def _is_text(body: bytes) -> bool:
    try:
        body.decode()
    except UnicodeDecodeError:
        return False
    return True


def _host(request: Request, own: str) -> str:
    """Return the host that the client named; this machine's own names stand for the load balancer's."""
    given = request.header("host")
    name = given.rpartition(":")[0] if given.rpartition(":")[2].isdigit() else given
    is_local = not name or name == "localhost" or name.startswith("127.") or name == "[::1]"
    return own if is_local or request.header("x-forwarded-context") else given


def _holds(condition: Mapping[str, Any], request: Request, host: str) -> bool:
    kind = condition.get("Field")
    configs = [value for key, value in condition.items() if key.endswith("Config") and value]
    config = configs[0] if configs else {}
    values = list(config.get("Values") or condition.get("Values") or ())
    if kind == "path-pattern":
        return _any(request.path, values)
    if kind == "host-header":
        return _any(host.partition(":")[0].lower(), [one.lower() for one in values])
    if kind == "http-request-method":
        return request.method in values
    if kind == "http-header":
        return _any(request.header(config.get("HttpHeaderName", "")).lower(), [one.lower() for one in values])
    if kind == "query-string":
        pairs = parse_qsl(request.query, keep_blank_values=True)
        return any(_asked(pair, one) for pair in pairs for one in values)
    return kind == "source-ip"  # everybody comes from this machine


def _asked(pair: tuple[str, str], wanted: Mapping[str, str]) -> bool:
    name, value = (part.lower() for part in pair)
    key = wanted.get("Key")
    return (not key or fnmatchcase(name, key.lower())) and fnmatchcase(value, wanted.get("Value", "").lower())


def _any(found: str, patterns: Sequence[str]) -> bool:
    return any(fnmatchcase(found, one.replace("[", "[[]")) for one in patterns)


def _group_of(action: Mapping[str, Any]) -> str:
    groups = (action.get("ForwardConfig") or {}).get("TargetGroups") or []
    weights = [int(one.get("Weight", 1) or 0) for one in groups]
    if sum(weights):
        return random.choices(groups, weights)[0]["TargetGroupArn"]
    return action.get("TargetGroupArn", "")


def _redirect(config: Mapping[str, Any], request: Request, host: str, listener: Listener, own: str) -> Reply:
    known = {
        "#{protocol}": listener.protocol.lower(),
        "#{host}": host.partition(":")[0],
        "#{port}": str(listener.port),
        "#{path}": request.path.lstrip("/"),
        "#{query}": request.query,
    }

    def filled(name: str, default: str) -> str:
        text = str(config.get(name) or default)
        for placeholder, value in known.items():
            text = text.replace(placeholder, value)
        return text

    to, port, path, query = (filled(*one) for one in REDIRECT.items())
    place = f"/{port}" if to == own else f"{filled('Protocol', '#{protocol}').lower()}://{to}:{port}"
    location = f"{place}{path}?{query}" if query else f"{place}{path}"
    status = 301 if config.get("StatusCode") == "HTTP_301" else 302
    return Reply(status, (("Location", location),))


def _page(status: int, cause: str) -> Refused:
    title = f"{status} {HTTPStatus(status).phrase}"
    title = {503: "503 Service Temporarily Unavailable", 504: "504 Gateway Time-out"}.get(status, title)
    page = f"<html>\r\n<head><title>{title}</title></head>\r\n<body>\r\n<center><h1>{title}</h1></center>\r\n"
    return Refused(status, f"{page}</body>\r\n</html>\r\n", cause)
