"""Asynchronous invocation: accepted at once, retried, and in the end delivered somewhere, a minute in a second."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

FAILS = "def handler(event, context):\n    raise ValueError('no such order')\n"
WAITS = """
    import pathlib, time
    def handler(event, context):
        while not pathlib.Path(event).exists(): time.sleep(0.002)
"""
# Keeps the moment and the id of each attempt; fails as often as the event says.
COUNTS = """
    import pathlib, time
    def handler(event, context):
        file = pathlib.Path(event["file"])
        with file.open("a") as out:
            print(context.aws_request_id, time.time(), file=out)
        attempt = len(file.read_text().splitlines())
        if attempt <= event["fails"]:
            raise ValueError(f"attempt {attempt}")
        return {"attempts": attempt}
"""


@pytest.fixture
def queue() -> tuple[str, Callable[[], dict]]:
    """Return a queue's ARN, and what waits for its one message."""
    sqs = boto3.client("sqs")
    url = sqs.create_queue(QueueName=f"queue-{time.monotonic_ns()}")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]

    def message() -> dict:
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline:
            # Long polling: nothing sleeps here.
            found = sqs.receive_message(
                QueueUrl=url, WaitTimeSeconds=1, MessageAttributeNames=["All"], MaxNumberOfMessages=10
            ).get("Messages", [])
            if found:
                assert len(found) == 1
                return found[0]
        raise AssertionError("nothing arrived in the queue")

    return arn, message


def send(workshop: Any, name: str, event: Any, **settings: Any) -> str:
    """Invoke asynchronously; return the request's id."""
    answer = workshop.invoke(name, event, InvocationType="Event", **settings)
    assert (answer["StatusCode"], answer["Payload"]) == (202, "")
    assert "ExecutedVersion" not in answer
    return answer["ResponseMetadata"]["RequestId"]


def attempts(file: Path) -> tuple[set[str], list[float]]:
    lines = [line.split() for line in file.read_text().splitlines()]
    return {line[0] for line in lines}, [float(line[1]) for line in lines]


def configure(workshop: Any, name: str, **settings: Any) -> None:
    to = {key: {"Destination": settings.pop(key)} for key in ("OnSuccess", "OnFailure") if key in settings}
    workshop.client.put_function_event_invoke_config(FunctionName=name, DestinationConfig=to, **settings)


def test_an_event_is_accepted_before_the_function_has_run(workshop: Any, cloud: Any, tmp_path: Path) -> None:
    name = workshop.make(WAITS)
    send(workshop, name, str(tmp_path / "go"))
    assert name not in set(cloud.invocations().function)
    (tmp_path / "go").touch()
    cloud.settle()
    assert list(cloud.invocations().query("function == @name").status) == ["success"]


def test_a_failed_event_is_tried_twice_more_after_one_minute_and_after_two(
    workshop: Any, cloud: Any, tmp_path: Path
) -> None:
    name = workshop.make(COUNTS)
    file = tmp_path / "attempts"
    request_id = send(workshop, name, {"file": str(file), "fails": 9})
    cloud.settle()
    ids, times = attempts(file)
    assert ids == {request_id}
    first, second = (later - earlier for earlier, later in pairwise(times))
    assert len(times) == 3
    assert 0.99 <= first < 1.7  # 60 s and 120 s, sixty times as fast
    assert 1.99 <= second < 2.9
    assert list(cloud.invocations().query("function == @name").status) == ["error"] * 3


def test_an_event_that_succeeds_in_the_second_attempt_is_done(
    workshop: Any, cloud: Any, tmp_path: Path, queue: Any
) -> None:
    arn, message = queue
    name = workshop.make(COUNTS)
    configure(workshop, name, OnSuccess=arn, OnFailure="arn:aws:sqs:us-east-1:123456789012:nobody")
    event = {"file": str(tmp_path / "attempts"), "fails": 1}
    request_id = send(workshop, name, event)
    record = json.loads(message()["Body"])
    when = datetime.fromisoformat(record.pop("timestamp"))
    assert abs(time.time() - when.timestamp()) < 30
    assert record == {
        "version": "1.0",
        "requestContext": {
            "requestId": request_id,
            "functionArn": f"arn:aws:lambda:us-east-1:123456789012:function:{name}:$LATEST",
            "condition": "Success",
            "approximateInvokeCount": 2,
        },
        "requestPayload": event,
        "responseContext": {"statusCode": 200, "executedVersion": "$LATEST"},
        "responsePayload": {"attempts": 2},
    }


def test_an_event_without_success_goes_to_the_destination_and_the_dead_letter_queue(
    workshop: Any, cloud: Any, queue: Any
) -> None:
    arn, message = queue
    sqs = boto3.client("sqs")
    dead = sqs.create_queue(QueueName=workshop.name("dead"))["QueueUrl"]
    dead_arn = sqs.get_queue_attributes(QueueUrl=dead, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    name = workshop.make(FAILS, DeadLetterConfig={"TargetArn": dead_arn})
    configure(workshop, name, OnFailure=arn, MaximumRetryAttempts=0)
    request_id = send(workshop, name, {"order": 7})
    record = json.loads(message()["Body"])
    assert record["requestContext"]["condition"] == "RetriesExhausted"
    assert record["requestContext"]["approximateInvokeCount"] == 1
    assert record["requestContext"]["requestId"] == request_id
    assert record["requestPayload"] == {"order": 7}
    assert record["responseContext"] == {
        "statusCode": 200,
        "executedVersion": "$LATEST",
        "functionError": "Unhandled",
    }
    assert record["responsePayload"]["errorMessage"] == "no such order"
    assert record["responsePayload"]["stackTrace"]
    cloud.settle()
    [letter] = sqs.receive_message(QueueUrl=dead, MessageAttributeNames=["All"])["Messages"]
    assert json.loads(letter["Body"]) == {"order": 7}
    attributes = {key: (value["DataType"], value["StringValue"]) for key, value in letter["MessageAttributes"].items()}
    assert attributes == {
        "RequestID": ("String", request_id),
        "ErrorCode": ("Number", "200"),
        "ErrorMessage": ("String", "no such order"),
    }


def test_an_alias_is_named_in_the_record(workshop: Any, queue: Any) -> None:
    arn, message = queue
    name = workshop.make("def handler(event, context): return context.function_version\n", Publish=True)
    workshop.client.create_alias(FunctionName=name, Name="live", FunctionVersion="1")
    configure(workshop, name, OnSuccess=arn, Qualifier="live")
    send(workshop, name, {}, Qualifier="live")
    record = json.loads(message()["Body"])
    assert record["requestContext"]["functionArn"].endswith(f":function:{name}:live")
    assert record["responseContext"]["executedVersion"] == "1"
    assert record["responsePayload"] == "1"


@pytest.mark.parametrize("kind", ["lambda", "sns", "s3"])
def test_a_record_reaches_every_kind_of_destination(workshop: Any, cloud: Any, queue: Any, kind: str) -> None:
    queue_arn, message = queue
    name = workshop.make("def handler(event, context): return 'done'\n")
    account = "us-east-1:123456789012"
    if kind == "lambda":
        other = workshop.make("import json\ndef handler(event, context): print('got', json.dumps(event))\n")
        arn = f"arn:aws:lambda:{account}:function:{other}"
    elif kind == "sns":
        sns = boto3.client("sns")
        arn = sns.create_topic(Name=workshop.name("topic"))["TopicArn"]
        sns.subscribe(TopicArn=arn, Protocol="sqs", Endpoint=queue_arn)
    else:
        bucket = workshop.name("records")
        boto3.client("s3").create_bucket(Bucket=bucket)
        arn = f"arn:aws:s3:::{bucket}"
    configure(workshop, name, OnSuccess=arn)
    send(workshop, name, {"order": 7})
    cloud.settle()
    if kind == "lambda":
        [line] = [line for line in workshop.logs(other) if line.startswith("got")]
        record = json.loads(line[4:])
    elif kind == "sns":
        record = json.loads(json.loads(message()["Body"])["Message"])
    else:
        s3 = boto3.client("s3")
        [entry] = s3.list_objects_v2(Bucket=bucket)["Contents"]
        assert entry["Key"].startswith(f"aws/lambda/async/{name}/")
        record = json.loads(s3.get_object(Bucket=bucket, Key=entry["Key"])["Body"].read())
    assert record["requestPayload"] == {"order": 7}
    assert record["responsePayload"] == "done"


def test_a_record_for_an_event_bus_is_wrapped_as_lambda_does() -> None:
    from helpers.cloud.events.asynchronous import deliver

    sent = []

    class Bus:
        def put_events(self, Entries: list) -> None:
            sent.extend(Entries)

    record = {"requestContext": {"condition": "RetriesExhausted", "functionArn": "arn:of:the:function"}}
    arn = "arn:aws:events:us-east-1:123456789012:event-bus/orders"
    deliver(lambda *_, **__: Bus(), arn, json.dumps(record), {})
    [entry] = sent
    assert (entry["Source"], entry["EventBusName"]) == ("lambda", "orders")
    assert entry["DetailType"] == "Lambda Function Invocation Result - Failure"
    assert json.loads(entry["Detail"]) == record
    assert entry["Resources"] == [arn, "arn:of:the:function"]


def test_a_throttled_event_waits_and_is_served_once(workshop: Any, cloud: Any, held: Any, tmp_path: Path) -> None:
    source = """
        import pathlib, time
        def handler(event, context):
            folder = pathlib.Path(event["folder"])
            (folder / f"here-{context.aws_request_id}").touch()
            while not (folder / "go").exists(): time.sleep(0.002)
    """
    name = workshop.make(source)
    workshop.client.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=1)
    holding = held(workshop)
    holding.hold(name)
    request_id = send(workshop, name, {"folder": str(tmp_path)})

    def mine() -> list[str]:
        return list(cloud.invocations().query(f"request_id == '{request_id}'").status)

    workshop.until(lambda: "throttled" in mine())
    holding.let_go()
    cloud.settle()
    assert [status for status in mine() if status != "throttled"] == ["success"]


def test_a_function_without_concurrency_fails_its_events_at_once(workshop: Any, cloud: Any, queue: Any) -> None:
    arn, message = queue
    name = workshop.make(FAILS)
    workshop.client.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=0)
    configure(workshop, name, OnFailure=arn)
    send(workshop, name, {"order": 7})
    record = json.loads(message()["Body"])
    assert record["requestContext"]["condition"] == "ZeroReservedConcurrency"
    assert record["requestContext"]["approximateInvokeCount"] == 0
    assert "responsePayload" not in record
    assert name not in set(cloud.environments().function)


def test_an_event_that_has_grown_too_old_is_given_up(workshop: Any, cloud: Any, queue: Any) -> None:
    arn, message = queue
    name = workshop.make(FAILS)
    configure(workshop, name, OnFailure=arn, MaximumEventAgeInSeconds=60)
    send(workshop, name, {})
    record = json.loads(message()["Body"])
    assert record["requestContext"]["condition"] == "EventAgeExceeded"
    assert record["requestContext"]["approximateInvokeCount"] == 1


def test_a_retry_runs_the_code_of_its_moment(workshop: Any, cloud: Any, queue: Any) -> None:
    arn, message = queue
    name = workshop.make(FAILS)
    configure(workshop, name, OnSuccess=arn)
    send(workshop, name, {})
    workshop.until(lambda: name in set(cloud.invocations().function))
    code = workshop.zipped("def handler(event, context): return 'mended'\n")
    workshop.client.update_function_code(FunctionName=name, ZipFile=code)
    assert json.loads(message()["Body"])["responsePayload"] == "mended"


def test_a_function_deleted_before_a_retry_ends_its_events(workshop: Any, cloud: Any) -> None:
    name = workshop.make(FAILS)
    send(workshop, name, {})
    workshop.until(lambda: name in set(cloud.invocations().function))
    workshop.client.delete_function(FunctionName=name)
    cloud.settle()
    assert len(cloud.invocations().query("function == @name")) == 1


def test_settle_says_what_is_still_under_way(workshop: Any, cloud: Any, tmp_path: Path) -> None:
    cloud.settle()
    name = workshop.make(WAITS)
    send(workshop, name, str(tmp_path / "go"))
    with pytest.raises(TimeoutError, match=r"1 events? (is|are) still under way after 0 s"):
        cloud.settle(timeout_s=0)
    (tmp_path / "go").touch()
    cloud.settle()


def test_sixteen_events_at_once_are_all_served(workshop: Any, cloud: Any) -> None:
    name = workshop.make("def handler(event, context): return event\n")
    workshop.client.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=4)
    with ThreadPoolExecutor(8) as callers:
        ids = list(callers.map(lambda number: send(workshop, name, number), range(16)))
    cloud.settle()
    rows = cloud.invocations().query("function == @name and status == 'success'")
    assert sorted(rows.request_id) == sorted(ids)


def test_too_long_an_age_or_too_many_retries_are_refused(workshop: Any) -> None:
    name = workshop.make(FAILS)
    for settings in ({"MaximumRetryAttempts": 3}, {"MaximumEventAgeInSeconds": 21_601}):
        with pytest.raises(ClientError):
            workshop.client.put_function_event_invoke_config(FunctionName=name, **settings)
