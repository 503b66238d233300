"""local_lambda() under moto's own mock_aws: the same executor in anyone's tests, and moto as it was afterwards."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from types import FunctionType
from typing import Any

import boto3
import pytest
from moto import mock_aws
from moto.awslambda.models import LambdaBackend, LambdaFunction, LambdaStorage, LayerVersion
from moto.awslambda.responses import LambdaResponse
from moto.logs.models import LogsBackend
from moto.s3 import notifications
from moto.s3.models import S3Backend
from moto.s3.responses import S3Response
from moto.sns.models import Subscription

from helpers.cloud import local_lambda

DOUBLE = "def handler(event, context): return event * 2\n"
CLASSES = (
    LambdaBackend,
    LambdaFunction,
    LambdaStorage,
    LayerVersion,
    LambdaResponse,
    LogsBackend,
    S3Backend,
    S3Response,
    Subscription,
    notifications,
)


def methods() -> list[dict]:
    kinds = (FunctionType, staticmethod, classmethod, property)
    return [{name: value for name, value in vars(owner).items() if isinstance(value, kinds)} for owner in CLASSES]


@pytest.fixture(autouse=True)
def region(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Set what every user of moto sets, and see to it that moto is as it was."""
    before = methods()
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    yield
    assert methods() == before


@pytest.fixture
def make(zipped: Callable) -> Callable[..., str]:
    def make(source: str, **settings: Any) -> str:
        role = boto3.client("iam").create_role(RoleName="role", AssumeRolePolicyDocument="{}")["Role"]["Arn"]
        boto3.client("lambda").create_function(
            FunctionName="function",
            Runtime="python3.13",
            Role=role,
            Handler="app.handler",
            Code={"ZipFile": zipped(source)},
            **settings,
        )
        return "function"

    return make


def call(name: str, event: Any) -> Any:
    return json.loads(boto3.client("lambda").invoke(FunctionName=name, Payload=json.dumps(event))["Payload"].read())


def test_a_function_runs_for_real_under_mock_aws(make: Callable) -> None:
    with mock_aws(), local_lambda():
        name = make("import os\ndef handler(event, context): return os.getpid()\n")
        assert call(name, 1) == call(name, 1) != os.getpid()


def test_it_works_twice_in_a_row_and_the_second_time_begins_with_nothing(make: Callable) -> None:
    for _ in range(2):
        with mock_aws(), local_lambda():
            assert boto3.client("lambda").list_functions()["Functions"] == []
            assert call(make(DOUBLE), 21) == 42


@mock_aws
@local_lambda()
def test_both_work_as_decorators(make: Callable) -> None:
    assert call(make(DOUBLE), 21) == 42


def test_a_notification_of_s3_invokes_a_function_which_reaches_the_mocked_state(make: Callable) -> None:
    with mock_aws(), local_lambda():
        name = make("""
            import boto3
            def handler(event, context):
                record = event["Records"][0]["s3"]
                key = record["object"]["key"]
                boto3.client("s3").copy_object(
                    Bucket="copies", Key=key, CopySource={"Bucket": record["bucket"]["name"], "Key": key})
        """)
        s3 = boto3.client("s3")
        for bucket in ("originals", "copies"):
            s3.create_bucket(Bucket=bucket)
        arn = boto3.client("lambda").get_function(FunctionName=name)["Configuration"]["FunctionArn"]
        s3.put_bucket_notification_configuration(
            Bucket="originals",
            NotificationConfiguration={
                "LambdaFunctionConfigurations": [{"LambdaFunctionArn": arn, "Events": ["s3:ObjectCreated:*"]}]
            },
        )
        s3.put_object(Bucket="originals", Key="cat.txt", Body=b"meow")
        assert s3.get_object(Bucket="copies", Key="cat.txt")["Body"].read() == b"meow"


KEEPS = """
    import boto3, json
    def handler(event, context):
        boto3.client("s3").put_object(Bucket="kept", Key="event", Body=json.dumps(event))
"""


def test_a_queue_s_messages_reach_the_function_that_is_mapped_to_it(make: Callable) -> None:
    with mock_aws(), local_lambda():
        name = make(KEEPS)
        s3, sqs = boto3.client("s3"), boto3.client("sqs")
        s3.create_bucket(Bucket="kept")
        url = sqs.create_queue(QueueName="queue")["QueueUrl"]
        arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
        boto3.client("lambda").create_event_source_mapping(EventSourceArn=arn, FunctionName=name)
        sqs.send_message(QueueUrl=url, MessageBody="hello")
        event = json.loads(s3.get_object(Bucket="kept", Key="event")["Body"].read())
        assert event["Records"][0]["body"] == "hello"
        assert event["Records"][0]["eventSourceARN"] == arn


def test_a_topic_s_messages_reach_the_function_that_subscribed(make: Callable) -> None:
    with mock_aws(), local_lambda():
        name = make(KEEPS)
        s3, sns = boto3.client("s3"), boto3.client("sns")
        s3.create_bucket(Bucket="kept")
        topic = sns.create_topic(Name="topic")["TopicArn"]
        arn = boto3.client("lambda").get_function(FunctionName=name)["Configuration"]["FunctionArn"]
        sns.subscribe(TopicArn=topic, Protocol="lambda", Endpoint=arn)
        sns.publish(TopicArn=topic, Message="hello")
        event = json.loads(s3.get_object(Bucket="kept", Key="event")["Body"].read())
        assert event["Records"][0]["Sns"]["Message"] == "hello"


def test_a_failure_is_answered_as_on_aws_and_logged_with_its_result_as_moto_does(make: Callable) -> None:
    with mock_aws(), local_lambda():
        name = make("def handler(event, context): raise ValueError('no such order')\n")
        answer = boto3.client("lambda").invoke(FunctionName=name)
        assert answer["FunctionError"] == "Unhandled"
        assert json.loads(answer["Payload"].read())["errorType"] == "ValueError"
        events = boto3.client("logs").filter_log_events(logGroupName=f"/aws/lambda/{name}")["events"]
        messages = [event["message"] for event in events]
        assert [message.split()[0] for message in messages][-3:-1] == ["END", "REPORT"]
        assert json.loads(messages[-1])["errorType"] == "ValueError"
        assert not any(message.endswith("\n") for message in messages)


def test_limits_can_be_given(make: Callable) -> None:
    with mock_aws(), local_lambda(concurrency=7):
        assert boto3.client("lambda").get_account_settings()["AccountLimit"]["ConcurrentExecutions"] == 7


def test_leaving_ends_every_process_even_after_an_exception(make: Callable) -> None:
    pids = []

    @mock_aws
    @local_lambda()
    def test() -> None:
        pids.append(call(make("import os\ndef handler(event, context): return os.getpid()\n"), 1))
        raise LookupError

    with pytest.raises(LookupError):
        test()
    with pytest.raises(ProcessLookupError):
        os.kill(pids[0], 0)


def test_without_docker_moto_answers_as_it_always_does(make: Callable) -> None:
    with mock_aws(config={"lambda": {"use_docker": False}}):
        name = make(DOUBLE)
        own = boto3.client("lambda").invoke(FunctionName=name, Payload="21")["Payload"].read()
        with local_lambda():
            assert boto3.client("lambda").invoke(FunctionName=name, Payload="21")["Payload"].read() == own


def test_functions_made_before_run_too(make: Callable) -> None:
    with mock_aws():
        name = make(DOUBLE)
        with local_lambda():
            assert call(name, 21) == 42
            client = boto3.client("lambda")
            client.update_function_configuration(FunctionName=name, Description="changed")
            assert client.publish_version(FunctionName=name)["Version"] == "1"
            assert call(f"{name}:1", 21) == 42


def test_a_local_cloud_finds_moto_as_it_was_and_leaves_it_so() -> None:
    from helpers.cloud import LocalCloud

    before = methods()
    with LocalCloud():
        assert methods() != before
    assert methods() == before
