"""REST APIs on local URLs: resources, stages and deployments, binary media types, refusals."""

from __future__ import annotations

import base64
import contextlib
import importlib.metadata
from typing import Any

import pytest
import requests
from aws_lambda_powertools.utilities.data_classes import APIGatewayProxyEvent
from http_callers import CAUSE, ECHO, REGION, Gateways, answer, causes, said

ERROR = {"message": "Internal server error"}
NO_TOKEN = {"message": "Missing Authentication Token"}
PICTURE = b"\x89PNG\x00\xff"


@pytest.fixture(scope="module")
def gateways(workshop: Any, cloud: Any) -> Gateways:
    return Gateways(workshop, cloud)


@pytest.fixture(scope="module")
def echo(workshop: Any) -> str:
    return workshop.make(ECHO)


@pytest.fixture(scope="module")
def url(gateways: Gateways, cloud: Any, echo: str) -> str:
    keys = ["GET /", "GET /pets/{id}", "GET /pets/dog", "POST /pets/dog", "ANY /files/{proxy+}"]
    return cloud.rest_api_url(gateways.rest_api(dict.fromkeys(keys, echo)))


def test_the_event_reads_as_aws_describes_it(url: str) -> None:
    reply = requests.post(f"{url}/files/a/b?x=1&x=2", json={"n": 1}, headers={"tEsT-HEADeR": "aValUE"})
    event = reply.json()
    seen, api = APIGatewayProxyEvent(event), url.split("/")[-2]
    assert (seen.resource, seen.path, seen.http_method) == ("/files/{proxy+}", "/files/a/b", "POST")
    assert event["pathParameters"] == {"proxy": "a/b"}
    assert event["queryStringParameters"] == {"x": "2"}
    assert event["multiValueQueryStringParameters"] == {"x": ["1", "2"]}
    assert (event["headers"]["tEsT-HEADeR"], event["multiValueHeaders"]["tEsT-HEADeR"]) == ("aValUE", ["aValUE"])
    assert event["headers"]["Host"] == f"{api}.execute-api.{REGION}.amazonaws.com"
    assert (seen.json_body, seen.is_base64_encoded, event["stageVariables"]) == ({"n": 1}, False, None)
    context = seen.request_context
    assert (context.api_id, context.stage, context.account_id) == (api, "prod", "123456789012")
    assert (context.path, context.resource_path, context.http_method) == ("/prod/files/a/b", "/files/{proxy+}", "POST")
    assert (context.protocol, context.identity.source_ip) == ("HTTP/1.1", "127.0.0.1")
    assert context.request_id == reply.headers["x-amzn-RequestId"]
    assert context.extended_request_id == reply.headers["x-amz-apigw-id"]
    assert context.request_time.endswith("+0000")
    assert set(event) == {
        *("resource", "path", "httpMethod", "headers", "multiValueHeaders", "queryStringParameters", "body"),
        *("multiValueQueryStringParameters", "pathParameters", "stageVariables", "requestContext", "isBase64Encoded"),
    }


def test_what_a_request_has_not_is_null(url: str) -> None:
    event = requests.get(url).json()
    absent = ("queryStringParameters", "multiValueQueryStringParameters", "pathParameters", "stageVariables", "body")
    assert [event[name] for name in absent] == [None] * 5
    assert event["path"] == "/"


@pytest.mark.parametrize(
    ("asked", "resource"),
    [
        ("GET /pets/dog", "/pets/dog"),
        ("GET /pets/cat", "/pets/{id}"),
        ("GET /pets/cat/", "/pets/{id}"),
        ("PUT /files/x", "/files/{proxy+}"),
    ],
)
def test_the_most_specific_resource_serves(url: str, asked: str, resource: str) -> None:
    method, _, path = asked.partition(" ")
    assert requests.request(method, url + path).json()["resource"] == resource


@pytest.mark.parametrize("asked", ["DELETE /pets/dog", "GET /pets", "GET /files", "GET /nowhere"])
def test_what_fits_no_resource_and_method_lacks_a_token_as_aws_puts_it(url: str, asked: str, cloud: Any) -> None:
    method, _, path = asked.partition(" ")
    reply = requests.request(method, url + path)
    assert said(reply) == (403, NO_TOKEN)
    assert reply.headers["x-amzn-ErrorType"] == "MissingAuthenticationTokenException"
    assert f"No resource and method fit {asked}" in causes(cloud)[-1]


def test_a_stage_that_does_not_exist_is_forbidden(url: str, cloud: Any) -> None:
    assert said(requests.get(url.replace("/prod", "/test"))) == (403, {"message": "Forbidden"})
    assert "stages: prod" in causes(cloud)[-1]
    with pytest.raises(LookupError, match="there is no REST API 'nowhere'"):
        cloud.rest_api_url("nowhere")


def test_a_change_waits_for_the_next_deployment_which_leaves_the_stages_variables(
    gateways: Gateways, cloud: Any, echo: str
) -> None:
    apis = gateways.client("apigateway")
    api = gateways.rest_api({"GET /a": echo}, deploy=False)
    apis.create_deployment(restApiId=api, stageName="dev", variables={"table": "t"})
    gateways.rest_method(api, "GET /b", echo)
    url = cloud.rest_api_url(api, stage="dev")
    assert said(requests.get(f"{url}/b")) == (403, NO_TOKEN)
    first = requests.get(f"{url}/a").json()
    apis.create_deployment(restApiId=api, stageName="dev")
    second = requests.get(f"{url}/b").json()
    assert first["stageVariables"] == second["stageVariables"] == {"table": "t"}
    deployments = {one["requestContext"]["deploymentId"] for one in (first, second)}
    assert len(deployments) == 2


def test_a_body_is_base64_only_if_its_type_is_named(gateways: Gateways, cloud: Any, echo: str) -> None:
    binary = cloud.rest_api_url(gateways.rest_api({"POST /": echo}, binaryMediaTypes=["image/png"]))
    kind = {"Content-Type": "image/png"}
    event = requests.post(binary, data=PICTURE, headers=kind).json()
    assert (event["body"], event["isBase64Encoded"]) == (base64.b64encode(PICTURE).decode(), True)
    event = requests.post(binary, data=PICTURE, headers={"Content-Type": "image/gif"}).json()
    assert (event["body"], event["isBase64Encoded"]) == (PICTURE.decode(errors="replace"), False)


def test_a_binary_type_is_added_and_taken_away(gateways: Gateways, cloud: Any, echo: str) -> None:
    api = gateways.rest_api({"POST /": echo})
    for done in ("add", "remove"):
        change = {"op": done, "path": "/binaryMediaTypes/image~1png"}
        known = gateways.client("apigateway").update_rest_api(restApiId=api, patchOperations=[change])
        assert known.get("binaryMediaTypes", []) == (["image/png"] if done == "add" else [])


def test_a_binary_answer_wants_a_client_that_accepts_it(gateways: Gateways, cloud: Any, echo: str) -> None:
    picture = {"statusCode": 200, "headers": {"Content-Type": "image/png"}}
    picture |= {"body": base64.b64encode(PICTURE).decode(), "isBase64Encoded": True}
    some = cloud.rest_api_url(gateways.rest_api({"GET /": echo}, binaryMediaTypes=["image/png"]))
    every = cloud.rest_api_url(gateways.rest_api({"GET /": echo}, binaryMediaTypes=["*/*"]))
    assert answer(some, picture, headers={"Accept": "image/png,*/*"}).content == PICTURE
    assert answer(some, picture).text == picture["body"]
    assert answer(every, picture).content == PICTURE


MALFORMED = [["a", "list"], "text", {"statusCode": 200, "body": {}}, {"message": "hello"}, {"statusCode": "x"}]


@pytest.mark.parametrize("wrong", MALFORMED, ids=str)
def test_a_malformed_answer_is_a_bad_gateway(url: str, wrong: Any) -> None:
    reply = answer(url, wrong)
    assert said(reply) == (502, ERROR)
    assert reply.headers[CAUSE].startswith("Malformed Lambda proxy response: ")


def test_an_answer_without_a_status_is_well(url: str) -> None:
    assert answer(url, {"headers": {"X-A": "1"}}).headers["X-A"] == "1"


def test_a_function_that_fails_is_a_bad_gateway(gateways: Gateways, cloud: Any, workshop: Any) -> None:
    name = workshop.make("def handler(event, context): 1 / 0")
    reply = requests.get(cloud.rest_api_url(gateways.rest_api({"GET /": name})))
    assert said(reply) == (502, ERROR)
    assert "ZeroDivisionError" in reply.headers[CAUSE]


def test_several_cookies_come_from_the_headers_with_many_values(url: str) -> None:
    many = {"Set-Cookie": ["a=1", "b=2"], "X-A": ["1"]}
    reply = answer(url, {"statusCode": 200, "headers": {"x-a": "1", "X-B": "2"}, "multiValueHeaders": many, "body": ""})
    assert reply.raw.headers.getlist("Set-Cookie") == ["a=1", "b=2"]
    assert (reply.raw.headers.getlist("X-A"), reply.headers["X-B"]) == (["1"], "2")


REFUSED = {
    "no permission": {},
    "another method's permission": {"source": "POST/"},
}


@pytest.mark.parametrize("name", REFUSED)
def test_without_a_permission_the_api_fails(gateways: Gateways, cloud: Any, workshop: Any, name: str) -> None:
    function = workshop.make(ECHO)
    api = gateways.rest_api({"GET /": function}, allow=False)
    arn = f"arn:aws:execute-api:{REGION}:123456789012:{api}/prod/"
    if "source" in REFUSED[name]:
        gateways.allow(function, "apigateway.amazonaws.com", arn + REFUSED[name]["source"])
    reply = requests.get(cloud.rest_api_url(api))
    assert said(reply) == (500, ERROR)
    assert f"{arn}GET/" in reply.headers[CAUSE]


def test_a_role_of_the_integrations_own_needs_no_permission(gateways: Gateways, cloud: Any, workshop: Any) -> None:
    api = gateways.rest_api({}, deploy=False)
    gateways.rest_method(api, "GET /", workshop.make(ECHO), integration={"credentials": workshop.role})
    gateways.client("apigateway").create_deployment(restApiId=api, stageName="prod")
    assert requests.get(cloud.rest_api_url(api)).status_code == 200


def test_a_function_that_is_asked_with_get_is_never_reached(gateways: Gateways, cloud: Any, echo: str) -> None:
    api = gateways.rest_api({}, deploy=False)
    gateways.rest_method(api, "GET /", echo, integration={"integrationHttpMethod": "GET"})
    gateways.client("apigateway").create_deployment(restApiId=api, stageName="prod")
    reply = requests.get(cloud.rest_api_url(api))
    assert said(reply) == (500, ERROR)
    assert "invoked with POST: integrationHttpMethod is GET" in reply.headers[CAUSE]


def test_an_integration_that_takes_too_long_times_out(gateways: Gateways, cloud: Any, workshop: Any) -> None:
    name = workshop.make("import time\ndef handler(event, context): time.sleep(600)", Timeout=30)
    api = gateways.rest_api({}, deploy=False)
    gateways.rest_method(api, "GET /", name, integration={"timeoutInMillis": 100})
    gateways.allow(name, "apigateway.amazonaws.com")
    gateways.client("apigateway").create_deployment(restApiId=api, stageName="prod")
    reply = requests.get(cloud.rest_api_url(api))
    assert said(reply) == (504, {"message": "Endpoint request timed out"})


def test_a_throttled_function_is_an_internal_error(gateways: Gateways, cloud: Any, workshop: Any) -> None:
    name = workshop.make(ECHO)
    url = cloud.rest_api_url(gateways.rest_api({"GET /": name}))
    workshop.client.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=0)
    reply = requests.get(url)
    assert said(reply) == (500, ERROR)
    assert "ReservedFunctionConcurrentInvocationLimitExceeded" in reply.headers[CAUSE]


def test_what_is_larger_than_ten_megabytes_is_too_long(url: str) -> None:
    reply = requests.post(f"{url}/pets/dog", data=b"x" * (10 * 1024 * 1024 + 1))
    assert said(reply) == (413, {"message": "Request Too Long"})


def test_a_mock_answers_other_origins(gateways: Gateways, cloud: Any, echo: str) -> None:
    apis = gateways.client("apigateway")
    api = gateways.rest_api({"GET /a": echo}, deploy=False)
    given = {"restApiId": api, "resourceId": gateways.resource(api, "/a"), "httpMethod": "OPTIONS"}
    allow = "method.response.header.Access-Control-Allow-Origin"
    apis.put_method(**given, authorizationType="NONE")
    apis.put_integration(**given, type="MOCK", requestTemplates={"application/json": '{"statusCode": 200}'})
    apis.put_method_response(**given, statusCode="200", responseParameters={allow: True})
    apis.put_integration_response(**given, statusCode="200", responseParameters={allow: "'https://shop.example'"})
    apis.create_deployment(restApiId=api, stageName="prod")
    reply = requests.options(f"{cloud.rest_api_url(api)}/a")
    assert (reply.status_code, reply.headers["Access-Control-Allow-Origin"]) == (200, "https://shop.example")


def test_a_method_may_want_a_key(gateways: Gateways, cloud: Any, echo: str) -> None:
    apis = gateways.client("apigateway")
    api = gateways.rest_api({}, deploy=False)
    gateways.rest_method(api, "GET /", echo, apiKeyRequired=True)
    gateways.allow(echo, "apigateway.amazonaws.com", f"arn:aws:execute-api:{REGION}:123456789012:{api}/*/GET/")
    apis.create_deployment(restApiId=api, stageName="prod")
    key = apis.create_api_key(name="key", enabled=True)["value"]
    url = cloud.rest_api_url(api)
    assert said(requests.get(url)) == (403, {"message": "Forbidden"})
    assert requests.get(url, headers={"x-api-key": key}).status_code == 200


def test_an_openapi_document_needs_a_package_that_is_not_installed(gateways: Gateways) -> None:
    apis = gateways.client("apigateway")
    with contextlib.suppress(importlib.metadata.PackageNotFoundError):
        importlib.metadata.distribution("openapi-spec-validator")
        pytest.skip("the validator itself is installed")
    with pytest.raises(apis.exceptions.BadRequestException, match="pip install openapi_spec_validator"):
        apis.import_rest_api(
            failOnWarnings=True, body=b'{"openapi": "3.0.0", "info": {"title": "t", "description": "d"}, "paths": {}}'
        )


ROUTER = """
from aws_lambda_powertools.event_handler import APIGatewayRestResolver
app = APIGatewayRestResolver()

@app.get("/orders/<number>")
def order(number: str):
    return {"number": number, "stage": app.current_event.request_context.stage}

def handler(event, context):
    return app.resolve(event, context)
"""


def test_a_router_of_powertools_runs_unchanged(gateways: Gateways, cloud: Any, workshop: Any) -> None:
    url = cloud.rest_api_url(gateways.rest_api({"ANY /{proxy+}": workshop.make(ROUTER)}))
    assert said(requests.get(f"{url}/orders/7")) == (200, {"number": "7", "stage": "prod"})
    assert requests.get(f"{url}/elsewhere").status_code == 404
