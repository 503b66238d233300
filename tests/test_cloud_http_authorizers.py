"""Lambda authorizers of HTTP and REST APIs: who passes, what they tell the function, how long an answer is kept."""

from __future__ import annotations

import json
from typing import Any

import pytest
import requests
from aws_lambda_powertools.utilities.data_classes.api_gateway_authorizer_event import (
    APIGatewayAuthorizerEventV2,
    APIGatewayAuthorizerRequestEvent,
    APIGatewayAuthorizerTokenEvent,
)
from http_callers import CAUSE, ECHO, REGION, Gateways, said

AUTHORIZER = """
import json
def handler(event, context):
    print("asked", json.dumps(event))
    token = event.get("authorizationToken") or (event.get("identitySource") or [""])[0]
    if token == "raise":
        raise Exception("Unauthorized")
    if token == "break":
        return {"principalId": "x"}
    if SIMPLE:
        return {"isAuthorized": token == "let me in", "context": {"role": "admin", "level": 3}}
    arn = event.get("methodArn") or event["routeArn"]
    effect = {"let me in": "Allow", "narrow": "Allow"}.get(token, "Deny")
    resource = arn if token == "narrow" else "*"
    statement = {"Action": "execute-api:Invoke", "Effect": effect, "Resource": resource}
    if token == "nothing":
        statement = {"Action": "execute-api:Invoke", "Effect": "Allow", "Resource": "arn:aws:execute-api:::else"}
    document = {"Version": "2012-10-17", "Statement": [statement]}
    return {"principalId": "ada", "policyDocument": document, "context": {"role": "admin", "level": 3, "on": True}}
"""
HEADER = "$request.header.Authorization"


@pytest.fixture(scope="module")
def gateways(workshop: Any, cloud: Any) -> Gateways:
    return Gateways(workshop, cloud)


@pytest.fixture(scope="module")
def echo(workshop: Any) -> str:
    return workshop.make(ECHO)


def uri(gateways: Gateways, name: str) -> str:
    return f"arn:aws:apigateway:{REGION}:lambda:path/2015-03-31/functions/{gateways.arn(name)}/invocations"


def guarded_http_api(
    gateways: Gateways, echo: str, *, simple: bool, routes: int = 1, **settings: Any
) -> tuple[str, str]:
    """Return the URL of an API with routes /0, /1 behind an authorizer, and the authorizer's function."""
    name = gateways.workshop.make(f"SIMPLE = {simple}\n{AUTHORIZER}")
    gateways.allow(name, "apigateway.amazonaws.com")
    api = gateways.http_api({})
    gateways.allow(echo, "apigateway.amazonaws.com", f"arn:aws:execute-api:{REGION}:123456789012:{api['ApiId']}/*")
    given = {"AuthorizerPayloadFormatVersion": "2.0", "EnableSimpleResponses": simple, "IdentitySource": [HEADER]}
    payload = settings.pop("payload", "2.0")
    made = gateways.client("apigatewayv2").create_authorizer(
        ApiId=api["ApiId"],
        AuthorizerType="REQUEST",
        AuthorizerUri=uri(gateways, name),
        Name="who",
        **{**given, **settings},
    )
    for number in range(routes):
        asks = {"AuthorizationType": "CUSTOM", "AuthorizerId": made["AuthorizerId"]}
        gateways.http_route(api, f"GET /{number}", echo, payload=payload, **asks)
    return api["ApiEndpoint"], name


def guarded_rest_api(gateways: Gateways, echo: str, kind: str = "TOKEN", **settings: Any) -> tuple[str, str]:
    name = gateways.workshop.make(f"SIMPLE = False\n{AUTHORIZER}")
    gateways.allow(name, "apigateway.amazonaws.com")
    apis = gateways.client("apigateway")
    api = gateways.rest_api({}, deploy=False)
    gateways.allow(echo, "apigateway.amazonaws.com", f"arn:aws:execute-api:{REGION}:123456789012:{api}/*")
    given = {"identitySource": "method.request.header.Authorization", "authorizerUri": uri(gateways, name)}
    made = apis.create_authorizer(restApiId=api, name="who", type=kind, **{**given, **settings})
    for path in ("/0", "/1"):
        gateways.rest_method(api, f"GET {path}", echo, authorizationType="CUSTOM", authorizerId=made["id"])
    apis.create_deployment(restApiId=api, stageName="prod")
    return gateways.cloud.rest_api_url(api), name


def get(url: str, token: str | None = None) -> requests.Response:
    return requests.get(url, headers={"Authorization": token} if token else {})


def asked(gateways: Gateways, name: str) -> list[Any]:
    return [json.loads(line[6:]) for line in gateways.workshop.logs(name) if line.startswith("asked ")]


@pytest.mark.parametrize("simple", [True, False], ids=["yes or no", "a policy"])
def test_an_http_api_asks_its_authorizer(gateways: Gateways, echo: str, simple: bool) -> None:
    url, name = guarded_http_api(gateways, echo, simple=simple)
    assert said(get(f"{url}/0")) == (401, {"message": "Unauthorized"})
    assert asked(gateways, name) == []
    assert said(get(f"{url}/0", "other")) == (403, {"message": "Forbidden"})
    assert said(get(f"{url}/0", "raise")) == (401, {"message": "Unauthorized"})
    broken = get(f"{url}/0", "break")
    assert said(broken) == (500, {"message": "Internal Server Error"})
    assert "authorizer" in broken.headers[CAUSE]
    event = get(f"{url}/0", "let me in").json()
    told = event["requestContext"]["authorizer"]["lambda"]
    assert (told["role"], told["level"]) == ("admin", 3)


def test_the_authorizers_event_of_format_2_reads_as_aws_describes_it(gateways: Gateways, echo: str) -> None:
    url, name = guarded_http_api(gateways, echo, simple=True)
    get(f"{url}/0?x=1", "let me in")
    event = asked(gateways, name)[-1]
    seen = APIGatewayAuthorizerEventV2(event)
    api = url.rpartition("/")[2]
    assert (seen.version, seen.get("type"), seen.route_key, seen.raw_path) == ("2.0", "REQUEST", "GET /0", "/0")
    assert seen.identity_source == ["let me in"]
    assert seen.parsed_arn.api_id == api
    assert (seen.parsed_arn.stage, seen.parsed_arn.http_method, seen.parsed_arn.resource) == ("$default", "GET", "0")
    assert seen.query_string_parameters == {"x": "1"}
    assert {"body", "isBase64Encoded"}.isdisjoint(event)


def test_format_1_has_the_context_beside_the_principal(gateways: Gateways, echo: str) -> None:
    given = {"AuthorizerPayloadFormatVersion": "1.0", "payload": "1.0"}
    url, name = guarded_http_api(gateways, echo, simple=False, **given)
    told = get(f"{url}/0", "let me in").json()["requestContext"]["authorizer"]
    assert (told["principalId"], told["role"]) == ("ada", "admin")
    event = asked(gateways, name)[-1]
    assert (event["version"], event["authorizationToken"], event["resource"]) == ("1.0", "let me in", "/0")


def test_an_http_api_keeps_answers_only_if_it_is_told_to(gateways: Gateways, echo: str) -> None:
    forgetful, name = guarded_http_api(gateways, echo, simple=True)
    keeping, other = guarded_http_api(gateways, echo, simple=True, routes=2, AuthorizerResultTtlInSeconds=300)
    for _ in range(2):
        get(f"{forgetful}/0", "let me in")
    statuses = [get(f"{keeping}/{number}", "let me in").status_code for number in (0, 1, 0)]
    assert (len(asked(gateways, name)), len(asked(gateways, other)), statuses) == (2, 1, [200] * 3)


def test_a_token_is_checked_before_anybody_is_asked(gateways: Gateways, echo: str) -> None:
    url, name = guarded_rest_api(gateways, echo, identityValidationExpression="[a-z ]+")
    for token in (None, "123"):
        assert said(get(f"{url}/0", token)) == (401, {"message": "Unauthorized"})
    assert asked(gateways, name) == []
    told = get(f"{url}/0", "let me in").json()["requestContext"]["authorizer"]
    assert (told["principalId"], told["role"], told["level"], told["on"]) == ("ada", "admin", "3", "true")
    seen = APIGatewayAuthorizerTokenEvent(asked(gateways, name)[-1])
    assert (seen.get("type"), seen.authorization_token) == ("TOKEN", "let me in")
    assert seen.parsed_arn.arn.endswith("/prod/GET/0")
    assert set(asked(gateways, name)[-1]) == {"type", "authorizationToken", "methodArn"}


def test_a_denial_says_whether_it_is_one_in_so_many_words(gateways: Gateways, echo: str) -> None:
    url, _ = guarded_rest_api(gateways, echo)
    denied, unnamed = get(f"{url}/0", "other"), get(f"{url}/0", "nothing")
    message = "User is not authorized to access this resource"
    assert said(denied) == (403, {"Message": f"{message} with an explicit deny"})
    assert said(unnamed) == (403, {"Message": message})
    assert said(get(f"{url}/0", "break")) == (500, {"message": None})


def test_a_kept_policy_for_one_path_refuses_the_next(gateways: Gateways, echo: str) -> None:
    url, name = guarded_rest_api(gateways, echo)
    statuses = [get(f"{url}/{number}", "narrow").status_code for number in (0, 1, 0)]
    assert (statuses, len(asked(gateways, name))) == ([200, 403, 200], 1)
    url, name = guarded_rest_api(gateways, echo, authorizerResultTtlInSeconds=0)
    statuses = [get(f"{url}/{number}", "narrow").status_code for number in (0, 1)]
    assert (statuses, len(asked(gateways, name))) == ([200, 200], 2)


def test_a_rest_authorizer_sees_the_request(gateways: Gateways, echo: str) -> None:
    sources = "method.request.header.Authorization, method.request.querystring.shop"
    url, name = guarded_rest_api(gateways, echo, "REQUEST", identitySource=sources)
    assert get(f"{url}/0", "let me in").status_code == 401
    get(f"{url}/0?shop=1", "let me in")
    event = asked(gateways, name)[-1]
    seen = APIGatewayAuthorizerRequestEvent(event)
    assert (seen.get("type"), seen.resource, seen.path, seen.http_method) == ("REQUEST", "/0", "/0", "GET")
    assert seen.query_string_parameters == {"shop": "1"}
    assert event["requestContext"]["identity"]["sourceIp"] == "127.0.0.1"


def test_an_authorizer_that_may_not_be_asked_is_an_error_with_its_cause(gateways: Gateways, echo: str) -> None:
    url, name = guarded_http_api(gateways, echo, simple=True)
    for statement in json.loads(gateways.functions.get_policy(FunctionName=name)["Policy"])["Statement"]:
        gateways.functions.remove_permission(FunctionName=name, StatementId=statement["Sid"])
    reply = get(f"{url}/0", "let me in")
    assert said(reply) == (500, {"message": "Internal Server Error"})
    assert "/authorizers/" in reply.headers[CAUSE]


AUTHORIZER_OF_POWERTOOLS = """
from aws_lambda_powertools.utilities.data_classes import event_source
from aws_lambda_powertools.utilities.data_classes.api_gateway_authorizer_event import (
    DENY_ALL_RESPONSE, APIGatewayAuthorizerResponse, APIGatewayAuthorizerTokenEvent)

@event_source(data_class=APIGatewayAuthorizerTokenEvent)
def handler(event, context):
    if event.authorization_token != "let me in":
        return DENY_ALL_RESPONSE
    arn = event.parsed_arn
    policy = APIGatewayAuthorizerResponse(principal_id="ada", region=arn.region, aws_account_id=arn.aws_account_id,
                                          api_id=arn.api_id, stage=arn.stage)
    policy.allow_all_routes()
    return policy.asdict()
"""


def test_an_authorizer_of_powertools_runs_unchanged(gateways: Gateways, echo: str) -> None:
    url, name = guarded_rest_api(gateways, echo)
    gateways.functions.update_function_code(
        FunctionName=name, ZipFile=gateways.workshop.zipped(AUTHORIZER_OF_POWERTOOLS)
    )
    assert [get(f"{url}/0", token).status_code for token in ("let me in", "other")] == [200, 403]
