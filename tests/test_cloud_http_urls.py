"""Function URLs, called as a browser, curl and requests call them."""

from __future__ import annotations

import base64
import http.client
import json
import subprocess
import sys
from typing import Any
from urllib.parse import urlsplit

import boto3
import pytest
import requests
from aws_lambda_powertools.utilities.data_classes import LambdaFunctionUrlEvent
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from http_callers import CAUSE, ECHO, Gateways, answer, causes

FORBIDDEN = "https://docs.aws.amazon.com/lambda/latest/dg/urls-auth.html"


@pytest.fixture(scope="module")
def gateways(workshop: Any, cloud: Any) -> Gateways:
    return Gateways(workshop, cloud)


@pytest.fixture(scope="module")
def echo(gateways: Gateways) -> str:
    return gateways.url(ECHO)


def test_a_process_without_any_of_our_variables_calls_a_function(echo: str) -> None:
    program = "import sys, urllib.request as u; sys.stdout.buffer.write(u.urlopen(sys.argv[1], timeout=10).read())"
    done = subprocess.run([sys.executable, "-c", program, f"{echo}hello"], capture_output=True, check=True, env={})
    assert json.loads(done.stdout)["rawPath"] == "/hello"


def test_the_event_reads_as_aws_describes_it(echo: str) -> None:
    reply = requests.post(
        f"{echo}a/b%20c?x=1&x=2&y=%C3%A4&z=", json={"n": 1}, headers={"X-Two": "1"}, cookies={"a": "1", "b": "2"}
    )
    event = reply.json()
    url = urlsplit(echo).path.strip("/").rpartition("/")[2]
    host = f"{url}.lambda-url.us-east-1.on.aws"
    seen = LambdaFunctionUrlEvent(event)
    assert (seen.version, seen.route_key, seen.raw_path) == ("2.0", "$default", "/a/b%20c")
    assert seen.raw_query_string == "x=1&x=2&y=%C3%A4&z="
    assert seen.query_string_parameters == {"x": "1,2", "y": "ä", "z": ""}
    assert sorted(seen.cookies) == ["a=1", "b=2"]
    assert (seen.headers["x-two"], seen.headers["host"], seen.headers["x-forwarded-proto"]) == ("1", host, "https")
    assert "cookie" not in event["headers"]
    assert (seen.json_body, seen.is_base64_encoded) == ({"n": 1}, False)
    context = seen.request_context
    assert (context.account_id, context.api_id, context.domain_name, context.domain_prefix) == (
        *("anonymous", url),
        *(host, url),
    )
    assert (context.http.method, context.http.path, context.http.source_ip) == ("POST", "/a/b%20c", "127.0.0.1")
    assert (context.http.protocol, context.http.user_agent) == ("HTTP/1.1", requests.utils.default_user_agent())
    assert context.request_id == reply.headers["x-amzn-RequestId"]
    assert "authorizer" not in event["requestContext"]
    assert {"pathParameters", "stageVariables"}.isdisjoint(event)


def test_the_functions_trace_is_the_requests(gateways: Gateways) -> None:
    url = gateways.url("import os\ndef handler(event, context): return os.environ['_X_AMZN_TRACE_ID']")
    root = "Root=1-67891233-abcdef012345678912345678"
    assert requests.get(url, headers={"X-Amzn-Trace-Id": root}).text.startswith(f"{root};")


@pytest.mark.parametrize(
    ("kind", "body", "expected"),
    [
        ("application/json", b'{"a": "\xc3\xa4"}', ('{"a": "ä"}', False)),
        ("text/plain; charset=utf-8", b"abc", ("abc", False)),
        ("application/vnd.api+json", b"{}", ("{}", False)),
        ("image/png", b"\x89PNG\x00\xff", (base64.b64encode(b"\x89PNG\x00\xff").decode(), True)),
        ("application/x-www-form-urlencoded", b"a=1", (base64.b64encode(b"a=1").decode(), True)),
        ("text/plain", b"\xff", (base64.b64encode(b"\xff").decode(), True)),
    ],
)
def test_a_body_is_text_or_base64_by_its_type(echo: str, kind: str, body: bytes, expected: tuple) -> None:
    event = requests.post(echo, data=body, headers={"Content-Type": kind}).json()
    assert (event["body"], event["isBase64Encoded"]) == expected


ANSWERS = {
    "text": ("Hello", 200, b"Hello"),
    "an object without a status": ({"a": [1, 2]}, 200, b'{"a": [1, 2]}'),
    "a status as text": ({"statusCode": "404", "body": "gone"}, 404, b"gone"),
    "base64": ({"statusCode": 200, "body": "iVBORw==", "isBase64Encoded": True}, 200, b"\x89PNG"),
    "no body": ({"statusCode": 204}, 204, b""),
}


@pytest.mark.parametrize("name", ANSWERS)
def test_an_answer_becomes_a_reply(echo: str, name: str) -> None:
    said, status, body = ANSWERS[name]
    reply = answer(echo, said)
    assert (reply.status_code, reply.content) == (status, body)
    assert reply.headers["Content-Type"] == "application/json"


def test_cookies_headers_and_places_to_go_reach_the_browser(echo: str) -> None:
    headers = {"X-Number": 1, "X-Flag": True, "Location": "/there?a=1", "Content-Length": "999"}
    reply = answer(
        echo, {"statusCode": 302, "headers": headers, "cookies": ["a=1; HttpOnly", "b=2"]}, allow_redirects=False
    )
    assert (reply.headers["X-Number"], reply.headers["X-Flag"]) == ("1", "true")
    assert reply.raw.headers.getlist("Set-Cookie") == ["a=1; HttpOnly", "b=2"]
    assert requests.get(requests.compat.urljoin(echo, reply.headers["Location"])).json()["rawPath"] == "/there"


MALFORMED = [
    {"statusCode": "ok"},
    {"statusCode": 200, "body": {"a": 1}},
    {"statusCode": 200, "headers": ["a"]},
    {"statusCode": 200, "body": "%", "isBase64Encoded": True},
    {"statusCode": 200, "cookies": "a=1"},
]


@pytest.mark.parametrize("said", MALFORMED, ids=str)
def test_a_malformed_answer_is_a_bad_gateway_and_its_fault_on_record(echo: str, cloud: Any, said: dict) -> None:
    reply = answer(echo, said)
    assert (reply.status_code, reply.text) == (502, "Internal Server Error")
    assert reply.headers[CAUSE].startswith("The function's answer is malformed: ")
    assert causes(cloud)[-1].startswith("The function's answer is malformed: ")


def test_a_function_that_fails_is_a_bad_gateway_and_its_error_on_record(gateways: Gateways, cloud: Any) -> None:
    reply = requests.get(gateways.url("def handler(event, context): 1 / 0"))
    assert reply.status_code == 502
    assert "ZeroDivisionError" in reply.headers[CAUSE]
    assert "ZeroDivisionError" in causes(cloud)[-1]


def test_without_a_permission_nobody_gets_in_and_the_cause_says_which(gateways: Gateways, cloud: Any) -> None:
    reply = requests.get(gateways.url(ECHO, allow=False))
    assert (reply.status_code, reply.headers["x-amzn-ErrorType"]) == (403, "AccessDeniedException")
    assert reply.json()["Message"].startswith("Forbidden. ")
    assert reply.json()["Message"].endswith(FORBIDDEN)
    assert 'Action="lambda:InvokeFunctionUrl", Principal="*"' in causes(cloud)[-1]


def test_the_permission_of_2025_is_asked_for_on_record(gateways: Gateways, cloud: Any, workshop: Any) -> None:
    name = workshop.make(ECHO)
    gateways.allow(name, "*", Action="lambda:InvokeFunctionUrl", FunctionUrlAuthType="NONE")
    url = workshop.client.create_function_url_config(FunctionName=name, AuthType="NONE")["FunctionUrl"]
    assert requests.get(url).status_code == 200
    assert "since October 2025" in causes(cloud)[-1]


def test_a_url_with_iam_wants_a_signature(gateways: Gateways) -> None:
    url = gateways.url(ECHO, "AWS_IAM", allow=False)
    unsigned = requests.get(url)
    assert (unsigned.status_code, unsigned.json()["Message"][:9]) == (403, "Forbidden")
    credentials = boto3.session.Session().get_credentials()
    asked = AWSRequest("GET", url)
    SigV4Auth(credentials, "lambda", "us-east-1").add_auth(asked)
    signed = requests.get(url, headers=dict(asked.headers))
    iam = signed.json()["requestContext"]["authorizer"]["iam"]
    assert (signed.status_code, iam["accessKey"]) == (200, credentials.access_key)


CORS = {
    "AllowOrigins": ["https://shop.example"],
    "AllowMethods": ["GET", "POST"],
    "AllowHeaders": ["content-type"],
    "MaxAge": 60,
    "AllowCredentials": True,
}


def test_a_page_of_an_allowed_origin_may_ask_and_another_may_not(gateways: Gateways, cloud: Any) -> None:
    url = gateways.url(ECHO, Cors=CORS)
    before = len(cloud.invocations())
    asks = {"Access-Control-Request-Method": "POST"}
    allowed = requests.options(url, headers={"Origin": "https://shop.example", **asks})
    other = requests.options(url, headers={"Origin": "https://elsewhere.example", **asks})
    assert len(cloud.invocations()) == before
    assert allowed.headers["Access-Control-Allow-Origin"] == "https://shop.example"
    assert allowed.headers["Access-Control-Allow-Methods"] == "GET,POST"
    assert (allowed.headers["Access-Control-Max-Age"], allowed.headers["Access-Control-Allow-Credentials"]) == (
        *("60", "true"),
    )
    assert "Access-Control-Allow-Origin" not in other.headers
    reply = requests.get(url, headers={"Origin": "https://shop.example"})
    assert reply.headers["Access-Control-Allow-Origin"] == "https://shop.example"


def test_what_is_larger_than_six_megabytes_is_refused(echo: str) -> None:
    reply = requests.post(echo, data=b"x" * (6 * 1024 * 1024 + 1), headers={"Content-Type": "text/plain"})
    assert (reply.status_code, reply.headers["x-amzn-ErrorType"]) == (413, "RequestEntityTooLargeException")
    almost = requests.post(echo, data=b"\xff" * (5 * 1024 * 1024), headers={"Content-Type": "image/png"})
    assert almost.status_code == 413  # as base64 it is larger


def test_a_throttled_function_answers_429_with_lambdas_reason(gateways: Gateways, workshop: Any) -> None:
    url = gateways.url(ECHO)
    name = workshop.client.list_functions()["Functions"][-1]["FunctionName"]
    workshop.client.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=0)
    reply = requests.get(url)
    assert reply.status_code == 429
    assert reply.json()["Reason"] == "ReservedFunctionConcurrentInvocationLimitExceeded"


def test_a_url_is_listed_changed_and_deleted_with_its_function(gateways: Gateways, workshop: Any) -> None:
    client = workshop.client
    name = workshop.make(ECHO)
    made = client.create_function_url_config(FunctionName=name, AuthType="AWS_IAM")
    client.update_function_url_config(FunctionName=name, AuthType="NONE")
    gateways.allow(name, "*", Action="lambda:InvokeFunctionUrl", FunctionUrlAuthType="NONE")
    known = client.list_function_url_configs(FunctionName=name)["FunctionUrlConfigs"]
    assert [(one["FunctionUrl"], one["AuthType"]) for one in known] == [(made["FunctionUrl"], "NONE")]
    assert client.get_function_url_config(FunctionName=name)["FunctionUrl"] == made["FunctionUrl"]
    with pytest.raises(client.exceptions.ResourceConflictException):
        client.create_function_url_config(FunctionName=name, AuthType="NONE")
    assert requests.get(made["FunctionUrl"]).status_code == 200
    client.delete_function(FunctionName=name)
    workshop.make(ECHO, FunctionName=name)
    assert requests.get(made["FunctionUrl"]).status_code == 404
    with pytest.raises(client.exceptions.ResourceNotFoundException):
        client.get_function_url_config(FunctionName=name)


def test_a_url_of_an_alias_calls_its_version(gateways: Gateways, workshop: Any) -> None:
    name = workshop.make("def handler(event, context): return context.function_version", Publish=True)
    workshop.client.create_alias(FunctionName=name, Name="live", FunctionVersion="1")
    both = {"Qualifier": "live", "FunctionUrlAuthType": "NONE"}
    gateways.allow(name, "*", Action="lambda:InvokeFunctionUrl", **both)
    made = workshop.client.create_function_url_config(FunctionName=name, Qualifier="live", AuthType="NONE")
    assert made["FunctionArn"].endswith(f":{name}:live")
    assert requests.get(made["FunctionUrl"]).text == "1"


def test_head_has_the_headers_and_no_body(echo: str) -> None:
    reply = requests.head(echo)
    assert (reply.status_code, reply.content) == (200, b"")
    assert int(reply.headers["Content-Length"]) > 0


def test_a_body_of_unknown_length_arrives_whole(echo: str) -> None:
    pieces = (piece for piece in (b'{"a":', b" 1}"))
    event = requests.post(echo, data=pieces, headers={"Content-Type": "application/json"}).json()
    assert event["body"] == '{"a": 1}'


def test_repeated_headers_are_joined(echo: str) -> None:
    parts = urlsplit(echo)
    connection = http.client.HTTPConnection(parts.netloc, timeout=10)
    connection.putrequest("GET", parts.path)
    connection.putheader("X-Many", "1")
    connection.putheader("X-Many", "2")
    connection.putheader("x_under_score", "3")
    connection.endheaders()
    headers = json.loads(connection.getresponse().read())["headers"]
    connection.close()
    assert (headers["x-many"], headers["x_under_score"]) == ("1,2", "3")


ROUTER = """
from aws_lambda_powertools.event_handler import LambdaFunctionUrlResolver, Response
from aws_lambda_powertools.event_handler.exceptions import NotFoundError
from aws_lambda_powertools.shared.cookies import Cookie
app = LambdaFunctionUrlResolver()

@app.get("/users/<user>")
def user(user):
    if user == "nobody":
        raise NotFoundError("no such user")
    return {"user": user, "page": app.current_event.get_query_string_value("page")}

@app.post("/users")
def create():
    return Response(201, "application/json", '{"made": true}', cookies=[Cookie("a", "1", secure=False)])

def handler(event, context):
    return app.resolve(event, context)
"""


def test_a_router_of_powertools_runs_unchanged(gateways: Gateways) -> None:
    url = gateways.url(ROUTER)
    assert requests.get(f"{url}users/ada?page=2").json() == {"user": "ada", "page": "2"}
    missing = requests.get(f"{url}users/nobody")
    assert (missing.status_code, missing.json()["message"]) == (404, "no such user")
    made = requests.post(f"{url}users", json={})
    assert (made.status_code, made.cookies["a"]) == (201, "1")
