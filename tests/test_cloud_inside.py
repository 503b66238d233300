"""Code inside a function: boto3 without arguments, its role's credentials, and loops that are stopped."""

from __future__ import annotations

import json
from typing import Any

import boto3
import pytest

BOTO = "import boto3, json, os\n"
CALLER = """
    import boto3, json
    def handler(event, context):
        answer = boto3.client("lambda").invoke(FunctionName=event["function"], Payload=json.dumps(event["event"]))
        return [answer["StatusCode"], answer.get("FunctionError"), json.loads(answer["Payload"].read())]
"""


def test_a_function_reads_and_writes_the_same_s3(workshop: Any) -> None:
    s3 = boto3.client("s3")
    s3.create_bucket(Bucket="shared")
    s3.put_object(Bucket="shared", Key="in", Body=b"ping")
    name = workshop.make("""
        import boto3
        s3 = boto3.client("s3")
        def handler(event, context):
            text = s3.get_object(Bucket="shared", Key="in")["Body"].read()
            s3.put_object(Bucket="shared", Key="out", Body=text[::-1])
    """)
    workshop.call(name)
    assert s3.get_object(Bucket="shared", Key="out")["Body"].read() == b"gnip"


def test_a_function_keeps_items_in_the_same_table(workshop: Any) -> None:
    table = boto3.resource("dynamodb").create_table(
        TableName="visits",
        KeySchema=[{"AttributeName": "page", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "page", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    name = workshop.make("""
        import boto3
        table = boto3.resource("dynamodb").Table("visits")
        def handler(event, context):
            values = {":one": 1}
            table.update_item(Key={"page": event}, UpdateExpression="ADD seen :one", ExpressionAttributeValues=values)
    """)
    for _ in range(3):
        workshop.call(name, "home")
    assert table.get_item(Key={"page": "home"})["Item"]["seen"] == 3


def test_a_function_invokes_another(workshop: Any) -> None:
    other = workshop.make("def handler(event, context): return event * 2\n")
    assert workshop.call(workshop.make(CALLER), {"function": other, "event": 21}) == [200, None, 42]


def test_a_function_sees_another_s_failure(workshop: Any) -> None:
    other = workshop.make("def handler(event, context): raise ValueError('no such order')\n")
    status, error, said = workshop.call(workshop.make(CALLER), {"function": other, "event": 0})
    assert (status, error, said["errorType"]) == (200, "Unhandled", "ValueError")


def test_a_function_acts_as_its_role(workshop: Any) -> None:
    name = workshop.make("""
        import boto3
        def handler(event, context):
            session = boto3.Session()
            return [boto3.client("sts").get_caller_identity()["Arn"], session.get_credentials().token is not None]
    """)
    role = workshop.role.split("/")[-1]
    assert workshop.call(name) == [f"arn:aws:sts::123456789012:assumed-role/{role}/{name}", True]


def test_functions_of_one_role_have_credentials_of_their_own(workshop: Any) -> None:
    source = "import os\ndef handler(event, context): return os.environ['AWS_ACCESS_KEY_ID']\n"
    first, second = (workshop.call(workshop.make(source)) for _ in range(2))
    assert first.startswith("ASIA")
    assert first != second


def test_a_function_has_the_region_it_was_made_in(workshop: Any) -> None:
    iam_role = workshop.role
    client = boto3.client("lambda", region_name="eu-central-1")
    source = (
        BOTO + "def handler(event, context): return [os.environ['AWS_REGION'], boto3.client('s3').meta.region_name]\n"
    )
    client.create_function(
        FunctionName="abroad", Runtime="python3.13", Role=iam_role, Handler="app.handler",
        Code={"ZipFile": workshop.zipped(source)},
    )  # fmt: skip
    answer = client.invoke(FunctionName="abroad")
    assert json.loads(answer["Payload"].read()) == ["eu-central-1", "eu-central-1"]


def test_a_function_s_own_variables_win(workshop: Any) -> None:
    source = "import os\ndef handler(event, context): return os.environ['PYTHONUNBUFFERED']\n"
    assert workshop.call(workshop.make(source, Environment={"Variables": {"PYTHONUNBUFFERED": "x"}})) == "x"


def test_a_learner_s_secrets_stay_outside(workshop: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MY_PASSWORD", "hunter2")
    source = "import os\ndef handler(event, context): return [k for k, v in os.environ.items() if v == 'hunter2']\n"
    assert workshop.call(workshop.make(source)) == []


# A function that invokes itself.


@pytest.mark.thorough
def test_a_function_that_invokes_itself_is_stopped_after_sixteen_rounds(workshop: Any, cloud: Any) -> None:
    name = workshop.make("""
        import boto3, json
        from botocore.exceptions import ClientError
        client = boto3.client("lambda")
        def handler(event, context):
            try:
                answer = client.invoke(FunctionName=context.function_name, Payload=json.dumps(event + 1))
            except ClientError as error:
                return [event, error.response["Error"]["Code"]]
            return json.loads(answer["Payload"].read())
    """, Timeout=60)  # fmt: skip
    assert workshop.call(name, 1) == [16, "RecursiveInvocationException"]
    assert len(cloud.invocations().query("function == @name")) == 16
    assert set(cloud.environments().query("function == @name").state) == {"idle"}
    assert workshop.call(name, 1) == [16, "RecursiveInvocationException"]  # the next one may do so again


def test_a_function_that_invokes_itself_asynchronously_is_stopped(workshop: Any, cloud: Any) -> None:
    name = workshop.make("""
        import boto3, json
        client = boto3.client("lambda")
        def handler(event, context):
            client.invoke(FunctionName=context.function_name, InvocationType="Event", Payload=json.dumps(event + 1))
    """)
    workshop.client.put_function_event_invoke_config(FunctionName=name, MaximumRetryAttempts=0)
    workshop.invoke(name, 1, InvocationType="Event")
    cloud.settle()
    # By their start: each begins within the one before it, which may end after it.
    rows = cloud.invocations().query("function == @name").sort_values("started_s")
    assert list(rows.status) == ["success"] * 15 + ["error"]
    assert "RecursiveInvocationException" in "".join(workshop.logs(name))


@pytest.mark.thorough
def test_two_functions_that_invoke_each_other_are_stopped(workshop: Any, cloud: Any) -> None:
    names = [workshop.name(), workshop.name()]
    for mine, others in (names, names[::-1]):
        source = f"""
            import boto3, json
            client = boto3.client("lambda")
            def handler(event, context):
                client.invoke(FunctionName="{others}", InvocationType="Event", Payload=json.dumps(event + 1))
        """
        workshop.make(source, FunctionName=mine)
        workshop.client.put_function_event_invoke_config(FunctionName=mine, MaximumRetryAttempts=0)
    workshop.invoke(names[0], 1, InvocationType="Event")
    cloud.settle()
    assert cloud.invocations().function.isin(names).sum() == 16


def test_a_loop_over_s3_is_stopped(workshop: Any, cloud: Any) -> None:
    # By hand, as sixteen processes would import boto3 otherwise: with the key and the trace that boto3 would send.
    name = workshop.make("""
        import os, urllib.request
        def handler(event, context):
            key = event["Records"][0]["s3"]["object"]["key"]
            headers = {
                "Authorization": f"AWS4-HMAC-SHA256 Credential={os.environ['AWS_ACCESS_KEY_ID']}/1/s3/aws4_request",
                "X-Amzn-Trace-Id": os.environ["_X_AMZN_TRACE_ID"],
            }
            url = f"{os.environ['AWS_ENDPOINT_URL']}/loop/{key}x"
            urllib.request.urlopen(urllib.request.Request(url, b"", headers, method="PUT")).read()
    """)
    s3 = boto3.client("s3")
    s3.create_bucket(Bucket="loop")
    workshop.permit(name, "s3.amazonaws.com")
    arn = workshop.client.get_function_configuration(FunctionName=name)["FunctionArn"]
    s3.put_bucket_notification_configuration(
        Bucket="loop",
        NotificationConfiguration={
            "LambdaFunctionConfigurations": [{"LambdaFunctionArn": arn, "Events": ["s3:ObjectCreated:*"]}]
        },
    )
    s3.put_object(Bucket="loop", Key="x", Body=b"")
    cloud.settle()
    assert 10 <= (cloud.invocations().function == name).sum() <= 17
    workshop.until(lambda: "busy" not in set(cloud.environments().query(f"function == '{name}'").state))


def test_a_role_may_attach_the_policies_that_aws_manages(cloud: Any) -> None:
    iam = boto3.client("iam")
    iam.create_role(RoleName="managed", AssumeRolePolicyDocument="{}")
    logs = "arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole"
    iam.attach_role_policy(RoleName="managed", PolicyArn=logs)
    attached = iam.list_attached_role_policies(RoleName="managed")["AttachedPolicies"]
    assert attached == [{"PolicyName": "AWSLambdaBasicExecutionRole", "PolicyArn": logs}]
