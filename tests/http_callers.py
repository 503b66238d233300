"""What the tests of HTTP call for real: functions, and the APIs and load balancers in front of them."""

from __future__ import annotations

import itertools
import json
from typing import Any

import requests

ECHO = """
import json, urllib.parse
def handler(event, context):
    query = event.get("queryStringParameters") or {}
    if "answer" in query:
        text = query["answer"]
        return json.loads(urllib.parse.unquote_plus(text) if "elb" in event["requestContext"] else text)
    return {"statusCode": 200, "headers": {"Content-Type": "application/json"}, "body": json.dumps(event)}
"""
CAUSE = "x-local-cloud-cause"
ACCOUNT, REGION = "123456789012", "us-east-1"
_numbers = itertools.count(1)


class Gateways:
    """Makes what stands in front of functions, through plain boto3, with the permissions that it needs."""

    def __init__(self, workshop: Any, cloud: Any) -> None:
        import boto3

        self.workshop, self.cloud, self.functions = workshop, cloud, workshop.client
        self.client = boto3.client

    def arn(self, name: str) -> str:
        return f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{name}"

    def allow(self, name: str, principal: str, source: str | None = None, **more: Any) -> None:
        source = {"SourceArn": source} if source else {}
        given = {"StatementId": f"s{next(_numbers)}", "Action": "lambda:InvokeFunction", "Principal": principal}
        self.functions.add_permission(FunctionName=name, **{**given, **source, **more})

    def url(self, source: str, auth: str = "NONE", *, allow: bool = True, **config: Any) -> str:
        """Return the URL of a new function."""
        name = self.workshop.make(source)
        if allow:
            self.allow(name, "*", Action="lambda:InvokeFunctionUrl", FunctionUrlAuthType=auth)
            self.allow(name, "*", InvokedViaFunctionUrl=True)
        return self.functions.create_function_url_config(FunctionName=name, AuthType=auth, **config)["FunctionUrl"]

    def http_api(self, routes: dict[str, str], *, allow: bool = True, payload: str = "2.0", **settings: Any) -> Any:
        """Return an HTTP API with routes to functions, by their names; with its stage $default."""
        apis, more = self.client("apigatewayv2"), settings.pop("integration", {})
        api = apis.create_api(Name="shop", ProtocolType="HTTP", **settings)
        for key, name in routes.items():
            self.http_route(api, key, name, payload=payload, **more)
            if allow:
                self.allow(name, "apigateway.amazonaws.com", f"arn:aws:execute-api:{REGION}:{ACCOUNT}:{api['ApiId']}/*")
        apis.create_stage(ApiId=api["ApiId"], StageName="$default", AutoDeploy=True)
        return api

    def http_route(self, api: Any, key: str, name: str, *, payload: str = "2.0", **more: Any) -> None:
        apis = self.client("apigatewayv2")
        route = {name: more.pop(name) for name in ("AuthorizationType", "AuthorizerId") if name in more}
        made = apis.create_integration(
            ApiId=api["ApiId"],
            IntegrationType="AWS_PROXY",
            IntegrationUri=self.arn(name),
            PayloadFormatVersion=payload,
            **more,
        )
        apis.create_route(ApiId=api["ApiId"], RouteKey=key, Target=f"integrations/{made['IntegrationId']}", **route)

    def rest_api(self, methods: dict[str, str], *, allow: bool = True, deploy: bool = True, **settings: Any) -> str:
        """Return the id of a REST API with methods (``GET /a/{b}``) of functions; deployed to prod."""
        apis = self.client("apigateway")
        api = apis.create_rest_api(name="shop", **settings)["id"]
        for key, name in methods.items():
            self.rest_method(api, key, name)
            if allow:
                self.allow(name, "apigateway.amazonaws.com", f"arn:aws:execute-api:{REGION}:{ACCOUNT}:{api}/*/*/*")
        if deploy:
            apis.create_deployment(restApiId=api, stageName="prod")
        return api

    def rest_method(self, api: str, key: str, name: str, **settings: Any) -> None:
        apis = self.client("apigateway")
        verb, _, path = key.partition(" ")
        given = {"restApiId": api, "resourceId": self.resource(api, path), "httpMethod": verb}
        integration = {"integrationHttpMethod": "POST", **settings.pop("integration", {})}
        apis.put_method(**{"authorizationType": "NONE", **given, **settings})
        uri = f"arn:aws:apigateway:{REGION}:lambda:path/2015-03-31/functions/{self.arn(name)}/invocations"
        apis.put_integration(**given, type="AWS_PROXY", uri=uri, **integration)

    def resource(self, api: str, path: str) -> str:
        """Return the id of the resource at a path, which is made where it is missing."""
        apis = self.client("apigateway")
        known = {one["path"]: one["id"] for one in apis.get_resources(restApiId=api, limit=500)["items"]}
        here = "/"
        for part in path.strip("/").split("/") if path != "/" else []:
            below = f"{here.rstrip('/')}/{part}"
            if below not in known:
                made = apis.create_resource(restApiId=api, parentId=known[here], pathPart=part)
                known[below] = made["id"]
            here = below
        return known[here]

    def group(self, name: str, *, allow: bool = True, multi_value: bool = False) -> str:
        """Return the ARN of a target group with a function."""
        balancers = self.client("elbv2")
        made = balancers.create_target_group(Name=f"group-{next(_numbers)}", TargetType="lambda")
        group = made["TargetGroups"][0]["TargetGroupArn"]
        if allow:
            self.allow(name, "elasticloadbalancing.amazonaws.com", group)
        if multi_value:
            on = {"Key": "lambda.multi_value_headers.enabled", "Value": "true"}
            balancers.modify_target_group_attributes(TargetGroupArn=group, Attributes=[on])
        balancers.register_targets(TargetGroupArn=group, Targets=[{"Id": self.arn(name)}])
        return group

    def load_balancer(self, group: str) -> tuple[str, str]:
        """Return the URL of a load balancer with one listener, and the listener's ARN."""
        balancers = self.client("elbv2")
        subnets = [one["SubnetId"] for one in self.client("ec2").describe_subnets()["Subnets"]][:2]
        made = balancers.create_load_balancer(Name=f"front-{next(_numbers)}", Subnets=subnets)
        arn = made["LoadBalancers"][0]["LoadBalancerArn"]
        forward = [{"Type": "forward", "TargetGroupArn": group}]
        listener = balancers.create_listener(LoadBalancerArn=arn, Protocol="HTTP", Port=80, DefaultActions=forward)
        return self.cloud.load_balancer_url(arn), listener["Listeners"][0]["ListenerArn"]


def answer(url: str, said: Any, **more: Any) -> requests.Response:
    """Call a function that answers what the query says."""
    return requests.get(url, params={"answer": json.dumps(said)}, **more)


def causes(cloud: Any) -> list[str]:
    return list(cloud.problems()["cause"])


def said(reply: requests.Response) -> tuple[int, Any]:
    return reply.status_code, reply.json()
