"""What each lab needs before its own subject begins: a role, a function of a folder, a table, a public URL.

Plain boto3, as notebook 02 shows it step by step. What exists already is brought up to date, so that a cell can be run
again.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable, Iterable
from typing import Any

import boto3

from helpers.cloud.package import zip_function
from helpers.cloud.samples import handler_folder

_THERE_ALREADY = ("EntityAlreadyExists", "ResourceInUseException", "ResourceConflictException", "ConflictException")


def make_role(name: str, actions: Iterable[str], who: str = "lambda.amazonaws.com") -> str:
    """Return the ARN of a role that a service may take on, Lambda if none is named, with rights to ``actions``."""
    iam = boto3.client("iam")
    trust = _document(Action="sts:AssumeRole", Principal={"Service": who})
    _once(iam.create_role, RoleName=name, AssumeRolePolicyDocument=trust)
    rights = _document(Action=list(actions), Resource="*")
    iam.put_role_policy(RoleName=name, PolicyName="work", PolicyDocument=rights)
    return iam.get_role(RoleName=name)["Role"]["Arn"]


def ship(name: str, code: str, role: str, **variables: str) -> str:
    """Create a function, or bring it up to date, and return its ARN.

    Parameters
    ----------
    name : of the function
    code : the text of a module, or the name of a folder in ``data/handlers``
    role : ARN of its role
    variables : its environment variables
    """
    lam = boto3.client("lambda")
    is_text = "\n" in code
    package = zip_function(code if is_text else handler_folder(code))
    handler = "lambda_function.handler" if is_text else "app.handler"
    settings = {"Runtime": "python3.13", "Handler": handler, "Role": role, "MemorySize": 256, "Timeout": 20}
    settings["Environment"] = {"Variables": variables}
    if _once(lam.create_function, FunctionName=name, Code={"ZipFile": package}, **settings) is None:
        lam.update_function_configuration(FunctionName=name, **settings)
        lam.update_function_code(FunctionName=name, ZipFile=package)
    return lam.get_function(FunctionName=name)["Configuration"]["FunctionArn"]


def allow(function: str, who: str, action: str = "lambda:InvokeFunction", **condition: Any) -> None:
    """Let somebody invoke a function: a service, or ``*`` for everybody."""
    statement = f"{who}-{action}".translate(str.maketrans({"*": "all", ".": "-", ":": "-"}))
    may = {"StatementId": statement, "Action": action, "Principal": who, **condition}
    _once(boto3.client("lambda").add_permission, FunctionName=function, **may)


def public_url(function: str) -> str:
    """Return a function's URL, which everybody may call; it has no slash at its end."""
    lam = boto3.client("lambda")
    allow(function, "*", "lambda:InvokeFunctionUrl", FunctionUrlAuthType="NONE")
    allow(function, "*", InvokedViaFunctionUrl=True)
    _once(lam.create_function_url_config, FunctionName=function, AuthType="NONE")
    return lam.get_function_url_config(FunctionName=function)["FunctionUrl"].rstrip("/")


def front_doors(cloud: Any, function: str) -> dict[str, str]:
    """Put a function behind four front doors, all paths of each, and return their URLs on this machine by name.

    Parameters
    ----------
    cloud : a local cloud
    function : ARN of the function
    """
    name = f"{function.rpartition(':')[2]}-{secrets.token_hex(2)}"
    allow(function, "apigateway.amazonaws.com")
    allow(function, "elasticloadbalancing.amazonaws.com")
    http = boto3.client("apigatewayv2").create_api(Name=name, ProtocolType="HTTP", Target=function)
    return {
        "HTTP API": http["ApiEndpoint"],
        "function URL": public_url(function),
        "REST API": cloud.rest_api_url(_rest_api(name, function)).rstrip("/"),
        "load balancer": cloud.load_balancer_url(_load_balancer(name, function)).rstrip("/"),
    }


def _rest_api(name: str, function: str) -> str:
    gateway = boto3.client("apigateway")
    api = gateway.create_rest_api(name=name)["id"]
    root = gateway.get_resources(restApiId=api)["items"][0]["id"]
    below = gateway.create_resource(restApiId=api, parentId=root, pathPart="{proxy+}")["id"]
    region = gateway.meta.region_name
    uri = f"arn:aws:apigateway:{region}:lambda:path/2015-03-31/functions/{function}/invocations"
    one = {"restApiId": api, "resourceId": below, "httpMethod": "ANY"}
    gateway.put_method(**one, authorizationType="NONE")
    gateway.put_integration(**one, type="AWS_PROXY", integrationHttpMethod="POST", uri=uri)
    gateway.create_deployment(restApiId=api, stageName="prod")
    return api


def _load_balancer(name: str, function: str) -> str:
    balancers = boto3.client("elbv2")
    subnets = [one["SubnetId"] for one in boto3.client("ec2").describe_subnets()["Subnets"]][:2]
    arn = balancers.create_load_balancer(Name=name, Subnets=subnets)["LoadBalancers"][0]["LoadBalancerArn"]
    group = balancers.create_target_group(Name=name, TargetType="lambda")["TargetGroups"][0]["TargetGroupArn"]
    balancers.register_targets(TargetGroupArn=group, Targets=[{"Id": function}])
    forward = [{"Type": "forward", "TargetGroupArn": group}]
    balancers.create_listener(LoadBalancerArn=arn, Protocol="HTTP", Port=80, DefaultActions=forward)
    return arn


def schedule(name: str, expression: str, zone: str, function: str, role: str, event: Any) -> None:
    """Have EventBridge Scheduler invoke a function, or bring such a schedule up to date; its group is ``shop``.

    Parameters
    ----------
    name : of the schedule
    expression : ``rate(...)``, ``cron(...)`` or ``at(...)``
    zone : whose clocks the expression means
    function : ARN of the function
    role : ARN of a role that the Scheduler may take on, and that may invoke the function
    event : what the function gets; keywords such as ``<aws.scheduler.scheduled-time>`` are filled in
    """
    scheduler = boto3.client("scheduler")
    _once(scheduler.create_schedule_group, Name="shop")
    settings = {
        "Name": name,
        "GroupName": "shop",
        "ScheduleExpression": expression,
        "ScheduleExpressionTimezone": zone,
        "FlexibleTimeWindow": {"Mode": "OFF"},
        "Target": {"Arn": function, "RoleArn": role, "Input": json.dumps(event)},
    }
    if _once(scheduler.create_schedule, **settings) is None:
        scheduler.update_schedule(**settings)


def make_table(name: str) -> Any:
    """Return boto3's Table of DynamoDB with a text named ``id`` as its key."""
    dynamodb = boto3.resource("dynamodb")
    _once(
        dynamodb.create_table,
        TableName=name,
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    return dynamodb.Table(name)


def make_queue(name: str, *, dead_letters: Any = None, receives: int = 3, **attributes: str) -> Any:
    """Return boto3's Queue of SQS; its ARN is ``queue.attributes["QueueArn"]``.

    Parameters
    ----------
    name : of the queue
    dead_letters : the Queue to which a message goes that was received ``receives`` times in vain
    receives : how often a message may be received
    attributes : others, as SQS calls them, for instance ``VisibilityTimeout="120"``
    """
    if dead_letters is not None:
        target = {"deadLetterTargetArn": dead_letters.attributes["QueueArn"], "maxReceiveCount": receives}
        attributes["RedrivePolicy"] = json.dumps(target)
    return boto3.resource("sqs").create_queue(QueueName=name, Attributes=attributes)


def stream_of(table: Any) -> str:
    """Return the ARN of a table's stream, with items before and after each change; switch it on where it is off."""
    if not table.latest_stream_arn:
        table.update(StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"})
        table.reload()
    return table.latest_stream_arn


def source_of(folder: str, start: str, end: str) -> str:
    """Return the part of a handler's text from ``start`` to just before ``end``."""
    text = (handler_folder(folder) / "app.py").read_text(encoding="utf-8")
    return text[text.index(start) : text.index(end)].rstrip()


def _document(**statement: Any) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", **statement}]})


def _once(create: Callable[..., Any], **what: Any) -> Any:
    """Create something; return None where it was there already."""
    from botocore.exceptions import ClientError

    try:
        return create(**what)
    except ClientError as error:
        if error.response["Error"]["Code"] not in _THERE_ALREADY:
            raise
        return None
