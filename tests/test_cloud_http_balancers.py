"""Load balancers on local URLs: listeners and rules, the load balancer's own event, its pages of errors."""

from __future__ import annotations

import base64
from typing import Any

import pytest
import requests
from aws_lambda_powertools.utilities.data_classes import ALBEvent
from botocore.exceptions import ClientError
from http_callers import CAUSE, ECHO, Gateways, answer, causes

GATEWAY = "<center><h1>502 Bad Gateway</h1></center>"


@pytest.fixture(scope="module")
def gateways(workshop: Any, cloud: Any) -> Gateways:
    return Gateways(workshop, cloud)


@pytest.fixture(scope="module")
def echo(workshop: Any) -> str:
    return workshop.make(ECHO)


@pytest.fixture(scope="module")
def group(gateways: Gateways, echo: str) -> str:
    return gateways.group(echo)


@pytest.fixture(scope="module")
def balancer(gateways: Gateways, group: str) -> tuple[str, str]:
    return gateways.load_balancer(group)


@pytest.fixture(scope="module")
def url(balancer: tuple[str, str]) -> str:
    return balancer[0]


def test_the_event_reads_as_aws_describes_it(url: str, group: str) -> None:
    event = requests.post(f"{url}/a%20b?x=1&x=2&y=%20z", json={"n": 1}, headers={"X-One": "1"}).json()
    seen = ALBEvent(event)
    assert (seen.path, seen.http_method, seen.json_body) == ("/a%20b", "POST", {"n": 1})
    assert event["queryStringParameters"] == {"x": "2", "y": "%20z"}  # as they came
    assert seen.request_context.elb_target_group_arn == group
    headers = event["headers"]
    assert (headers["x-one"], headers["x-forwarded-port"], headers["x-forwarded-proto"]) == ("1", "80", "http")
    assert headers["host"].endswith(".us-east-1.elb.amazonaws.com")
    assert headers["x-amzn-trace-id"].startswith("Root=1-")
    assert set(event) == {
        *("requestContext", "httpMethod", "path", "queryStringParameters", "headers", "body", "isBase64Encoded")
    }
    plain = requests.get(url).json()
    assert (plain["body"], plain["isBase64Encoded"], plain["queryStringParameters"]) == ("", False, {})


def test_with_many_values_headers_and_query_are_lists(gateways: Gateways, workshop: Any) -> None:
    name = workshop.make(
        "import json\ndef handler(event, context):\n"
        "    return {'statusCode': 200, 'multiValueHeaders': {'Set-Cookie': ['a=1', 'b=2']}, 'body': json.dumps(event)}"
    )
    url, _ = gateways.load_balancer(gateways.group(name, multi_value=True))
    reply = requests.get(f"{url}?x=1&x=2", headers={"X-One": "1"})
    event = reply.json()
    assert event["multiValueQueryStringParameters"] == {"x": ["1", "2"]}
    assert event["multiValueHeaders"]["x-one"] == ["1"]
    assert {"headers", "queryStringParameters"}.isdisjoint(event)
    assert reply.raw.headers.getlist("Set-Cookie") == ["a=1", "b=2"]


@pytest.mark.parametrize(
    ("headers", "is_base64"),
    [
        ({"Content-Type": "application/json"}, False),
        ({"Content-Type": "text/plain"}, False),
        ({"Content-Type": "image/png"}, True),
        ({"Content-Type": "text/plain", "Content-Encoding": "gzip"}, True),
    ],
)
def test_a_body_is_base64_unless_it_is_text(url: str, headers: dict, is_base64: bool) -> None:
    event = requests.post(url, data=b"{}", headers=headers).json()
    assert event["isBase64Encoded"] is is_base64
    assert event["body"] == (base64.b64encode(b"{}").decode() if is_base64 else "{}")


def test_rules_choose_by_path_host_method_header_and_query(
    gateways: Gateways, balancer: tuple[str, str], workshop: Any
) -> None:
    url, listener = balancer
    balancers = gateways.client("elbv2")
    conditions = {
        "path": [{"Field": "path-pattern", "Values": ["/img/*.png"]}],
        "host": [{"Field": "host-header", "HostHeaderConfig": {"Values": ["api.*"]}}],
        "method": [{"Field": "http-request-method", "HttpRequestMethodConfig": {"Values": ["DELETE"]}}],
        "both": [
            {"Field": "http-header", "HttpHeaderConfig": {"HttpHeaderName": "X-Beta", "Values": ["yes*"]}},
            {"Field": "query-string", "QueryStringConfig": {"Values": [{"Key": "v", "Value": "2"}]}},
        ],
    }
    for priority, (name, wanted) in enumerate(conditions.items(), 1):
        fixed = {"StatusCode": "203", "ContentType": "text/plain", "MessageBody": name}
        action = {"Type": "fixed-response", "FixedResponseConfig": fixed}
        balancers.create_rule(ListenerArn=listener, Priority=priority, Conditions=wanted, Actions=[action])
    beta = {"X-Beta": "yes, please"}
    served = [
        requests.get(f"{url}/img/a/b.png"),
        requests.get(url, headers={"Host": "api.shop.example"}),
        requests.delete(url),
        requests.get(f"{url}?v=2", headers=beta),
    ]
    assert [(one.status_code, one.text) for one in served] == [(203, name) for name in conditions]
    others = [requests.get(f"{url}/img/a.jpg"), requests.get(f"{url}?v=1", headers=beta)]
    assert [one.status_code for one in others] == [200, 200]


def test_a_listener_may_send_its_clients_to_another(gateways: Gateways, group: str) -> None:
    url, _ = gateways.load_balancer(group)
    arn = next(
        one["LoadBalancerArn"]
        for one in gateways.client("elbv2").describe_load_balancers()["LoadBalancers"]
        if one["LoadBalancerArn"].endswith(url.split("/")[-2])
    )
    config = {"Protocol": "HTTP", "Port": "80", "StatusCode": "HTTP_301"}
    action = {"Type": "redirect", "RedirectConfig": config}
    gateways.client("elbv2").create_listener(LoadBalancerArn=arn, Protocol="HTTP", Port=8080, DefaultActions=[action])
    other = gateways.cloud.load_balancer_url(arn, port=8080)
    event = requests.get(f"{other}/a?x=1").json()
    assert (event["path"], event["queryStringParameters"], event["headers"]["x-forwarded-port"]) == (
        *("/a", {"x": "1"}),
        "80",
    )


ANSWERS = {
    "base64": ({"statusCode": 200, "body": "iVBORw==", "isBase64Encoded": True}, 200, b"\x89PNG"),
    "a description": ({"statusCode": 404, "statusDescription": "404 Not Found", "body": "no"}, 404, b"no"),
}


@pytest.mark.parametrize("name", ANSWERS)
def test_an_answer_becomes_a_reply(url: str, name: str) -> None:
    said, status, body = ANSWERS[name]
    reply = answer(url, said)
    assert (reply.status_code, reply.content) == (status, body)
    assert reply.headers["Content-Type"] == "application/octet-stream"


@pytest.mark.parametrize("wrong", [{"a": 1}, ["a"], {"statusCode": 200, "body": {}}], ids=str)
def test_a_malformed_answer_is_a_bad_gateway(url: str, wrong: Any) -> None:
    reply = answer(url, wrong)
    assert reply.status_code == 502
    assert GATEWAY in reply.text
    assert reply.headers["Content-Type"] == "text/html"
    assert "malformed" in reply.headers[CAUSE]


FAULTS = {
    "an error": ("def handler(event, context): 1 / 0", "ZeroDivisionError"),
    "too much": ("def handler(event, context): return {'statusCode': 200, 'body': 'x' * 1_100_000}", "takes 1 MB"),
}


@pytest.mark.parametrize("name", FAULTS)
def test_a_function_at_fault_is_a_bad_gateway(gateways: Gateways, workshop: Any, name: str) -> None:
    source, cause = FAULTS[name]
    url, _ = gateways.load_balancer(gateways.group(workshop.make(source)))
    reply = requests.get(url)
    assert (reply.status_code, GATEWAY in reply.text) == (502, True)
    assert cause in causes(gateways.cloud)[-1]


def test_a_throttled_function_is_a_bad_gateway(gateways: Gateways, workshop: Any) -> None:
    name = workshop.make(ECHO)
    url, _ = gateways.load_balancer(gateways.group(name))
    workshop.client.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=0)
    assert requests.get(url).status_code == 502


@pytest.mark.filterwarnings("ignore:.*AccessDenied does not match an error shape")  # as helpers/cloud does elsewhere
def test_a_function_that_does_not_let_it_in_is_not_registered(gateways: Gateways, workshop: Any) -> None:
    with pytest.raises(ClientError, match="elasticloadbalancing principal does not have permission to invoke"):
        gateways.group(workshop.make(ECHO), allow=False)


def test_a_group_without_targets_is_unavailable(gateways: Gateways, workshop: Any) -> None:
    name = workshop.make(ECHO)
    group = gateways.group(name)
    url, _ = gateways.load_balancer(group)
    gateways.client("elbv2").deregister_targets(TargetGroupArn=group, Targets=[{"Id": gateways.arn(name)}])
    reply = requests.get(url)
    assert (reply.status_code, "503 Service Temporarily Unavailable" in reply.text) == (503, True)
    assert "register_targets" in reply.headers[CAUSE]


def test_a_body_above_one_megabyte_is_too_large(url: str) -> None:
    assert requests.post(url, data=b"x" * (1024 * 1024 + 1)).status_code == 413


def test_a_load_balancer_that_is_not_there_has_no_address(cloud: Any, url: str) -> None:
    with pytest.raises(LookupError, match="there is no load balancer"):
        cloud.load_balancer_url("arn:aws:elasticloadbalancing:us-east-1:123456789012:loadbalancer/app/none/1234")


ROUTER = """
from aws_lambda_powertools.event_handler import ALBResolver
app = ALBResolver()

@app.get("/orders/<number>")
def order(number: str):
    return {"number": number}

def handler(event, context):
    return app.resolve(event, context)
"""


def test_a_router_of_powertools_runs_unchanged(gateways: Gateways, workshop: Any) -> None:
    url, _ = gateways.load_balancer(gateways.group(workshop.make(ROUTER)))
    reply = requests.get(f"{url}/orders/7")
    assert (reply.status_code, reply.json(), reply.headers["Content-Type"]) == (
        *(200, {"number": "7"}),
        "application/json",
    )
