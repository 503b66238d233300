"""The shop's HTTP service as a function behind a URL; on the local cloud this one answers."""

from __future__ import annotations

import boto3

from helpers.cloud import stacks
from helpers.cloud.package import zip_function

NAME = "shop"
CODE = """
import json


def handler(event, context):
    if event.get("rawPath") == "/broken":
        raise ValueError("no picture today")
    return {"statusCode": 200, "body": json.dumps({"picture": "noon", "by": "Ada"})}
"""


def rights(log_group: str) -> str:
    """Create the function's role, which may write into its own log and do nothing else; return its ARN."""
    iam = boto3.client("iam")
    trusted = stacks.trust("lambda.amazonaws.com")
    role = iam.create_role(RoleName="shop-function", AssumeRolePolicyDocument=trusted)["Role"]["Arn"]
    logs = {
        "Action": ["logs:CreateLogStream", "logs:PutLogEvents"],
        "Resource": f"arn:aws:logs:*:*:log-group:{log_group}:*",
    }
    iam.put_role_policy(RoleName="shop-function", PolicyName="work", PolicyDocument=stacks.document(logs))
    return role


def function(role: str) -> None:
    """Create the function."""
    boto3.client("lambda").create_function(
        FunctionName=NAME,
        Runtime="python3.13",
        Handler="lambda_function.handler",
        Role=role,
        Code={"ZipFile": zip_function(CODE)},
        MemorySize=256,
        Timeout=5,
    )


def door() -> str:
    """Give the function a URL that everybody may call; return it."""
    lam = boto3.client("lambda")
    lam.get_waiter("function_active_v2").wait(FunctionName=NAME)
    everybody = {"FunctionName": NAME, "Principal": "*"}
    lam.add_permission(StatementId="url", Action="lambda:InvokeFunctionUrl", FunctionUrlAuthType="NONE", **everybody)
    lam.add_permission(StatementId="call", Action="lambda:InvokeFunction", InvokedViaFunctionUrl=True, **everybody)
    return lam.create_function_url_config(FunctionName=NAME, AuthType="NONE")["FunctionUrl"].rstrip("/")


def build() -> str:
    """Build it all; return the URL."""
    group = stacks.log_group(f"/aws/lambda/{NAME}")
    function(rights(group))
    url = door()
    topic, of = stacks.on_call(), {"FunctionName": NAME}
    stacks.alarm(f"{NAME}-errors", "AWS/Lambda", "Errors", of, topic)
    stacks.alarm(f"{NAME}-throttles", "AWS/Lambda", "Throttles", of, topic)
    return url
