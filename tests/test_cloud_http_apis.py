"""HTTP APIs on local URLs: routes, stages, payload formats, limits, CORS."""

from __future__ import annotations

import json
from typing import Any

import pytest
import requests
from aws_lambda_powertools.utilities.data_classes import APIGatewayProxyEvent, APIGatewayProxyEventV2
from http_callers import CAUSE, ECHO, REGION, Gateways, answer, causes, said

ERROR = {"message": "Internal Server Error"}


@pytest.fixture(scope="module")
def gateways(workshop: Any, cloud: Any) -> Gateways:
    return Gateways(workshop, cloud)


@pytest.fixture(scope="module")
def echo(workshop: Any) -> str:
    return workshop.make(ECHO)


@pytest.fixture(scope="module")
def api(gateways: Gateways, echo: str) -> Any:
    keys = [
        *(
            "GET /pets",
            "GET /pets/dog/1",
            "GET /pets/dog/{id}",
            "GET /pets/{proxy+}",
            "ANY /pets/cat",
            "POST /pets/cat",
        ),
        *("GET /", "$default"),
    ]
    return gateways.http_api(dict.fromkeys(keys, echo))


def test_a_target_is_enough_for_an_api(gateways: Gateways, echo: str) -> None:
    apis = gateways.client("apigatewayv2")
    made = apis.create_api(Name="quick", ProtocolType="HTTP", Target=gateways.arn(echo))
    gateways.allow(
        echo, "apigateway.amazonaws.com", f"arn:aws:execute-api:{REGION}:123456789012:{made['ApiId']}/*/$default"
    )
    assert requests.get(f"{made['ApiEndpoint']}/x").json()["rawPath"] == "/x"
    for known in (apis.get_api(ApiId=made["ApiId"]), *apis.get_apis()["Items"]):
        assert known["ApiEndpoint"].startswith(gateways.cloud.endpoint)


ROUTES = {
    "GET /pets": "GET /pets",
    "GET /pets/dog/1": "GET /pets/dog/1",
    "GET /pets/dog/2": "GET /pets/dog/{id}",
    "GET /pets/dog/2/tail": "GET /pets/{proxy+}",
    "POST /pets/dog/2": "$default",
    "GET /pets/cat": "ANY /pets/cat",
    "PUT /pets/cat": "ANY /pets/cat",
    "POST /pets/cat": "POST /pets/cat",
    "GET /": "GET /",
    "GET /pets/": "$default",
    "DELETE /elsewhere": "$default",
}


@pytest.mark.parametrize("asked", ROUTES)
def test_the_most_specific_route_serves(api: Any, asked: str) -> None:
    method, _, path = asked.partition(" ")
    event = requests.request(method, api["ApiEndpoint"] + path).json()
    assert event["routeKey"] == event["requestContext"]["routeKey"] == ROUTES[asked]


def test_parameters_of_the_path_are_decoded(api: Any) -> None:
    one = requests.get(f"{api['ApiEndpoint']}/pets/dog/a%20b%2Fc").json()
    greedy = requests.get(f"{api['ApiEndpoint']}/pets/a/b%20c/d").json()
    assert (one["pathParameters"], greedy["pathParameters"]) == ({"id": "a b/c"}, {"proxy": "a/b c/d"})


def test_the_event_of_format_2_reads_as_aws_describes_it(api: Any) -> None:
    reply = requests.post(f"{api['ApiEndpoint']}/a?x=1&x=2", json={"n": 1}, cookies={"a": "1"})
    seen = APIGatewayProxyEventV2(reply.json())
    host = f"{api['ApiId']}.execute-api.{REGION}.amazonaws.com"
    assert (seen.version, seen.raw_path, seen.raw_query_string) == ("2.0", "/a", "x=1&x=2")
    assert (seen.query_string_parameters, seen.cookies, seen.json_body) == ({"x": "1,2"}, ["a=1"], {"n": 1})
    assert (seen.headers["host"], seen.headers["content-type"]) == (host, "application/json")
    context = seen.request_context
    assert (context.account_id, context.api_id, context.stage) == ("123456789012", api["ApiId"], "$default")
    assert (context.domain_name, context.domain_prefix) == (host, api["ApiId"])
    assert context.request_id == reply.headers["apigw-requestid"]
    assert (context.http.method, context.http.path) == ("POST", "/a")
    assert context.time_epoch == pytest.approx(reply.json()["requestContext"]["timeEpoch"])


def test_the_event_of_format_1_reads_as_aws_describes_it(gateways: Gateways, echo: str) -> None:
    api = gateways.http_api({"ANY /a/{b}": echo}, payload="1.0")
    event = requests.post(f"{api['ApiEndpoint']}/a/c%20d?x=1&x=2", data=b"\xff", headers={"X-One": "1"}).json()
    seen = APIGatewayProxyEvent(event)
    assert (event["version"], seen.resource, seen.path, seen.http_method) == ("1.0", "/a/{b}", "/a/c d", "POST")
    assert (seen.path_parameters, seen.stage_variables) == ({"b": "c d"}, {})
    assert (event["queryStringParameters"], event["multiValueQueryStringParameters"]) == ({"x": "2"}, {"x": ["1", "2"]})
    assert (event["headers"]["x-one"], event["multiValueHeaders"]["x-one"]) == ("1", ["1"])
    assert (seen.is_base64_encoded, seen.body) == (True, "/w==")
    assert seen.request_context.resource_path == "/a/{b}"
    assert seen.request_context.identity.source_ip == "127.0.0.1"


def test_a_named_stage_has_its_name_in_the_path_and_variables_of_its_own(gateways: Gateways, echo: str) -> None:
    api = gateways.http_api({"GET /users/{id}": echo})
    apis = gateways.client("apigatewayv2")
    apis.create_stage(ApiId=api["ApiId"], StageName="dev", AutoDeploy=True, StageVariables={"table": "users-dev"})
    event = requests.get(f"{api['ApiEndpoint']}/dev/users/7").json()
    assert (event["rawPath"], event["requestContext"]["stage"]) == ("/dev/users/7", "dev")
    assert (event["stageVariables"], event["pathParameters"]) == ({"table": "users-dev"}, {"id": "7"})
    assert APIGatewayProxyEventV2(event).path == "/users/7"


def test_a_stage_variable_names_the_function(gateways: Gateways, workshop: Any) -> None:
    name = workshop.make("def handler(event, context): return context.function_name")
    api = gateways.http_api({})
    apis = gateways.client("apigatewayv2")
    gateways.http_route(api, "GET /", "${stageVariables.function}")
    apis.create_stage(ApiId=api["ApiId"], StageName="dev", AutoDeploy=True, StageVariables={"function": name})
    gateways.allow(
        name, "apigateway.amazonaws.com", f"arn:aws:execute-api:{REGION}:123456789012:{api['ApiId']}/dev/GET/"
    )
    assert requests.get(f"{api['ApiEndpoint']}/dev/").text == name


def test_a_stage_without_auto_deploy_serves_what_was_deployed(gateways: Gateways, echo: str) -> None:
    api = gateways.http_api({"GET /a": echo})
    apis = gateways.client("apigatewayv2")
    apis.create_stage(ApiId=api["ApiId"], StageName="live")
    before = requests.get(f"{api['ApiEndpoint']}/live/a")
    assert said(before) == (404, {"message": "Not Found"})
    assert "AutoDeploy=True" in before.headers[CAUSE]
    apis.create_deployment(ApiId=api["ApiId"], StageName="live")
    gateways.http_route(api, "GET /b", echo)
    statuses = [requests.get(f"{api['ApiEndpoint']}/{path}").status_code for path in ("live/a", "live/b", "b")]
    assert statuses == [200, 404, 200]


def test_what_no_route_fits_is_not_found_and_the_routes_are_named(gateways: Gateways, echo: str, cloud: Any) -> None:
    api = gateways.http_api({"GET /a": echo})
    reply = requests.post(f"{api['ApiEndpoint']}/a")
    assert said(reply) == (404, {"message": "Not Found"})
    assert "POST /a" in causes(cloud)[-1]
    assert "GET /a" in causes(cloud)[-1]
    gateways.client("apigatewayv2").delete_api(ApiId=api["ApiId"])
    assert requests.get(f"{api['ApiEndpoint']}/a").status_code == 404


def test_without_a_permission_the_api_fails_and_the_cause_is_on_record(gateways: Gateways, workshop: Any) -> None:
    name = workshop.make(ECHO)
    api = gateways.http_api({"GET /a": name}, allow=False)
    assert said(requests.get(f"{api['ApiEndpoint']}/a")) == (500, ERROR)
    assert f'add_permission(FunctionName="{name}"' in causes(gateways.cloud)[-1]
    elsewhere = f"arn:aws:execute-api:{REGION}:123456789012:{api['ApiId']}/*/GET/b"
    gateways.allow(name, "apigateway.amazonaws.com", elsewhere)
    assert requests.get(f"{api['ApiEndpoint']}/a").status_code == 500
    gateways.allow(name, "apigateway.amazonaws.com", elsewhere.replace("GET/b", "GET/a"))
    assert requests.get(f"{api['ApiEndpoint']}/a").status_code == 200


FAULTS = {
    "an error": "def handler(event, context): 1 / 0",
    "a status that is none": "def handler(event, context): return {'statusCode': 'ok'}",
    "a body that is no text": "def handler(event, context): return {'statusCode': 200, 'body': {}}",
    "the end of the process": "import os\ndef handler(event, context): os._exit(1)",
}


@pytest.mark.parametrize("name", FAULTS)
def test_a_function_at_fault_is_an_internal_error(gateways: Gateways, workshop: Any, name: str) -> None:
    api = gateways.http_api({"$default": workshop.make(FAULTS[name])})
    reply = requests.get(api["ApiEndpoint"])
    assert said(reply) == (500, ERROR)
    assert reply.headers[CAUSE]


@pytest.mark.parametrize("payload", ["1.0", "2.0"])
def test_answers_of_both_formats_become_replies(gateways: Gateways, echo: str, payload: str) -> None:
    url = gateways.http_api({"$default": echo}, payload=payload)["ApiEndpoint"]
    headers = {"X-A": "1"} if payload == "2.0" else {"multi": None}
    cookies = {"cookies": ["a=1", "b=2"]} if payload == "2.0" else {"multiValueHeaders": {"Set-Cookie": ["a=1", "b=2"]}}
    reply = answer(url, {"statusCode": 201, "headers": headers, **cookies, "body": "iVBORw==", "isBase64Encoded": True})
    assert (reply.status_code, reply.content) == (201, b"\x89PNG")
    assert reply.raw.headers.getlist("Set-Cookie") == ["a=1", "b=2"]
    assert reply.headers["Content-Type"] == "text/plain;charset=UTF-8"


def test_format_1_infers_nothing(gateways: Gateways, echo: str) -> None:
    inferring = gateways.http_api({"$default": echo})["ApiEndpoint"]
    strict = gateways.http_api({"$default": echo}, payload="1.0")["ApiEndpoint"]
    assert said(answer(inferring, {"a": 1})) == (200, {"a": 1})
    assert said(answer(strict, {"a": 1})) == (500, ERROR)


def test_an_integration_that_takes_too_long_is_given_up_and_the_function_goes_on(
    gateways: Gateways, workshop: Any, held: Any
) -> None:
    holding = held(workshop)
    source = """
        import pathlib, time
        def handler(event, context):
            while not pathlib.Path(event["queryStringParameters"]["sign"]).exists():
                time.sleep(0.01)
    """
    api = gateways.http_api({"$default": workshop.make(source, Timeout=30)}, integration={"TimeoutInMillis": 200})
    reply = requests.get(api["ApiEndpoint"], params={"sign": str(holding.folder / "go")})
    assert said(reply) == (503, {"message": "Service Unavailable"})
    assert "did not answer within 0.2 s" in reply.headers[CAUSE]
    before = len(gateways.cloud.invocations())
    holding.let_go()
    workshop.until(lambda: len(gateways.cloud.invocations()) == before + 1)
    assert gateways.cloud.invocations()["status"].iloc[-1] == "success"


def test_a_throttled_function_makes_the_api_unavailable(gateways: Gateways, workshop: Any) -> None:
    name = workshop.make(ECHO)
    api = gateways.http_api({"$default": name})
    workshop.client.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=0)
    assert said(requests.get(api["ApiEndpoint"])) == (503, {"message": "Service Unavailable"})


def test_what_is_larger_than_ten_megabytes_is_refused_and_so_is_what_a_function_cannot_take(api: Any) -> None:
    for size in (10 * 1024 * 1024 + 1, 7 * 1024 * 1024):
        reply = requests.post(api["ApiEndpoint"], data=b"x" * size, headers={"Content-Type": "text/plain"})
        assert said(reply) == (413, {"message": "Request Entity Too Large"})


def test_cors_is_answered_by_the_api_in_the_functions_place(gateways: Gateways, workshop: Any) -> None:
    name = workshop.make(
        "def handler(event, context):\n"
        "    return {'statusCode': 200, 'headers': {'Access-Control-Allow-Origin': 'https://wrong.example'}}\n"
    )
    config = {"AllowOrigins": ["http://localhost:3000"], "AllowMethods": ["*"], "ExposeHeaders": ["date"]}
    url = gateways.http_api({"GET /a": name}, CorsConfiguration=config)["ApiEndpoint"]
    origin = {"Origin": "http://localhost:3000"}
    preflight = requests.options(f"{url}/a", headers={**origin, "Access-Control-Request-Method": "GET"})
    assert (preflight.status_code, preflight.headers["Access-Control-Allow-Methods"]) == (204, "*")
    reply = requests.get(f"{url}/a", headers=origin)
    assert reply.headers["Access-Control-Allow-Origin"] == "http://localhost:3000"
    assert reply.headers["Access-Control-Expose-Headers"] == "date"
    assert "Access-Control-Allow-Origin" not in requests.get(f"{url}/a").headers
    missing = requests.get(f"{url}/b", headers=origin)
    assert (missing.status_code, missing.headers["Access-Control-Allow-Origin"]) == (404, "http://localhost:3000")


ROUTER = """
from aws_lambda_powertools.event_handler import APIGatewayHttpResolver, CORSConfig
app = APIGatewayHttpResolver(cors=CORSConfig(allow_origin="https://shop.example"))

@app.get("/orders/<number>")
def order(number: str):
    return {"number": number}, 203

def handler(event, context):
    return app.resolve(event, context)
"""


def test_a_router_of_powertools_runs_unchanged_in_any_stage(gateways: Gateways, workshop: Any) -> None:
    api = gateways.http_api({"ANY /{proxy+}": workshop.make(ROUTER)})
    gateways.client("apigatewayv2").create_stage(ApiId=api["ApiId"], StageName="dev", AutoDeploy=True)
    for stage in ("", "/dev"):
        reply = requests.get(f"{api['ApiEndpoint']}{stage}/orders/7", headers={"Origin": "https://shop.example"})
        assert said(reply) == (203, {"number": "7"})
        assert reply.headers["Access-Control-Allow-Origin"] == "https://shop.example"
    assert requests.get(f"{api['ApiEndpoint']}/elsewhere").status_code == 404


def test_an_integration_without_a_function_says_so(gateways: Gateways) -> None:
    apis = gateways.client("apigatewayv2")
    api = apis.create_api(Name="web", ProtocolType="HTTP", Target="https://example.com")
    reply = requests.get(api["ApiEndpoint"])
    assert said(reply) == (500, ERROR)
    assert "HTTP_PROXY to https://example.com" in json.dumps(reply.headers[CAUSE])
