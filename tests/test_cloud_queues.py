"""Queues invoke functions as event-source mappings do on AWS: batches, failures, dead letters, groups, filters."""

from __future__ import annotations

import json
import time
from typing import Any

import boto3
import pytest
from aws_lambda_powertools.utilities.data_classes import SQSEvent
from botocore.exceptions import ClientError

ECHO = "import json\ndef handler(event, context): print('heard', json.dumps(event))\n"
# Messages named bad fail; with PARTIAL only they come again. Bodies are logged in the order in which they are met.
PICKY = """
import os, time

def handler(event, context):
    failed = []
    for record in event["Records"]:
        print("saw", record["body"], time.time_ns())
        if record["body"].startswith("bad"):
            if "PARTIAL" not in os.environ:
                raise ValueError(record["body"])
            failed.append({"itemIdentifier": record["messageId"]})
    return {"batchItemFailures": failed}
"""
PARTIAL = {"FunctionResponseTypes": ["ReportBatchItemFailures"]}
ENV = {"Environment": {"Variables": {"PARTIAL": "1"}}}


class Lab:
    """Queues and mappings of one module's cloud."""

    def __init__(self, cloud: Any, workshop: Any) -> None:
        self.cloud, self.workshop = cloud, workshop
        self.sqs, self.lam = boto3.client("sqs"), workshop.client
        rights = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "sqs:*", "Resource": "*"}]}
        name = workshop.role.rpartition("/")[2]
        boto3.client("iam").put_role_policy(RoleName=name, PolicyName="read", PolicyDocument=json.dumps(rights))

    def queue(self, *, dead_letters: str | None = None, receives: int = 2, **attributes: str) -> str:
        name = self.workshop.name("queue") + (".fifo" if attributes.get("FifoQueue") else "")
        attributes = {"VisibilityTimeout": "10", **attributes}
        if dead_letters:
            redrive = {"deadLetterTargetArn": self.arn(dead_letters), "maxReceiveCount": receives}
            attributes["RedrivePolicy"] = json.dumps(redrive)
        return self.sqs.create_queue(QueueName=name, Attributes=attributes)["QueueUrl"]

    def fifo(self, **more: Any) -> str:
        return self.queue(FifoQueue="true", ContentBasedDeduplication="true", **more)

    def arn(self, url: str) -> str:
        return f"arn:aws:sqs:us-east-1:123456789012:{url.rpartition('/')[2]}"

    def map(self, url: str, function: str, **settings: Any) -> str:
        answer = self.lam.create_event_source_mapping(EventSourceArn=self.arn(url), FunctionName=function, **settings)
        return answer["UUID"]

    def send(self, url: str, *bodies: str, **more: Any) -> None:
        for start in range(0, len(bodies), 10):
            entries = [{"Id": str(i), "MessageBody": body, **more} for i, body in enumerate(bodies[start : start + 10])]
            assert not self.sqs.send_message_batch(QueueUrl=url, Entries=entries).get("Failed")

    def left(self, url: str) -> list[str]:
        found: list[str] = []
        while messages := self.sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages"):
            found += [one["Body"] for one in messages]
        return found

    def saw(self, function: str) -> list[str]:
        lines = [line.split() for line in self.workshop.logs(function) if line.startswith("saw ")]
        return [words[1] for words in sorted(lines, key=lambda words: int(words[2]) if len(words) > 2 else 0)]

    def heard(self, function: str) -> list[dict]:
        lines = [line for line in self.workshop.logs(function) if line.startswith("heard ")]
        return [json.loads(line.removeprefix("heard ")) for line in lines]

    def flow(self, kind: str, source: str) -> dict[str, int]:
        frame = self.cloud.flows()
        rows = frame[(frame["kind"] == kind) & (frame["source"] == self.arn(source))].to_dict("records")
        return {name: row[name] for row in rows for name in ("delivered", "failed", "filtered") if row[name]}


@pytest.fixture(scope="module")
def lab(cloud: Any, workshop: Any) -> Lab:
    return Lab(cloud, workshop)


@pytest.fixture(scope="module")
def picky(workshop: Any) -> str:
    return workshop.make(PICKY, **ENV)


def refused(lab: Lab, url: str, function: str, **settings: Any) -> str:
    with pytest.raises(ClientError) as caught:
        lab.map(url, function, **settings)
    assert caught.value.response["Error"]["Code"] == "InvalidParameterValueException"
    return caught.value.response["Error"]["Message"]


def test_a_message_has_every_documented_field(lab: Lab) -> None:
    name, url = lab.workshop.make(ECHO), lab.queue()
    attributes = {
        "size": {"DataType": "Number", "StringValue": "3"},
        "raw": {"DataType": "Binary", "BinaryValue": b"x"},
    }
    sent = lab.sqs.send_message(QueueUrl=url, MessageBody="a cat", MessageAttributes=attributes)
    lab.map(url, name)
    lab.cloud.settle()
    ((record,),) = [event["Records"] for event in lab.heard(name)]
    own = record.pop("attributes")
    assert record.pop("receiptHandle")
    assert record == {
        "messageId": sent["MessageId"],
        "body": "a cat",
        "messageAttributes": {
            "size": {"stringValue": "3", "stringListValues": [], "binaryListValues": [], "dataType": "Number"},
            "raw": {"binaryValue": "eA==", "stringListValues": [], "binaryListValues": [], "dataType": "Binary"},
        },
        "md5OfBody": sent["MD5OfMessageBody"],
        "md5OfMessageAttributes": sent["MD5OfMessageAttributes"],
        "eventSource": "aws:sqs",
        "eventSourceARN": lab.arn(url),
        "awsRegion": "us-east-1",
    }
    assert set(own) == {
        "ApproximateReceiveCount",
        "SentTimestamp",
        "SenderId",
        "ApproximateFirstReceiveTimestamp",
    }
    assert own["ApproximateReceiveCount"] == "1"
    assert abs(int(own["SentTimestamp"]) / 1000 - time.time()) < 60
    assert lab.left(url) == []


def test_powertools_reads_a_fifo_queue_s_event(lab: Lab) -> None:
    name, url = lab.workshop.make(ECHO), lab.fifo()
    lab.map(url, name)
    lab.send(url, "first", MessageGroupId="album")
    lab.cloud.settle()
    (record,) = SQSEvent(lab.heard(name)[0]).records
    assert (record.body, record.attributes.message_group_id) == ("first", "album")
    assert len(record.attributes.sequence_number) == 20
    assert record.attributes.message_deduplication_id


def test_a_batch_has_as_many_messages_as_are_there_up_to_its_size(lab: Lab) -> None:
    name, url = lab.workshop.make(ECHO), lab.queue()
    lab.send(url, *map(str, range(12)))
    lab.map(url, name, BatchSize=5)
    lab.cloud.settle()
    assert sorted(len(event["Records"]) for event in lab.heard(name)) == [2, 5, 5]


def test_a_window_collects_a_batch_of_more_than_ten(lab: Lab) -> None:
    name, url = lab.workshop.make(ECHO), lab.queue()
    lab.map(url, name, BatchSize=1000, MaximumBatchingWindowInSeconds=20)
    lab.send(url, *map(str, range(25)))
    lab.cloud.settle()
    assert [len(event["Records"]) for event in lab.heard(name)] == [25]


@pytest.mark.thorough
def test_a_batch_ends_at_six_megabytes(lab: Lab) -> None:
    counter = "def handler(event, context): print('saw', len(event['Records']))"
    name, url = lab.workshop.make(counter, MemorySize=512), lab.queue()
    for _ in range(8):
        lab.sqs.send_message(QueueUrl=url, MessageBody="x" * 1_000_000)
    lab.map(url, name, BatchSize=100, MaximumBatchingWindowInSeconds=60)
    lab.cloud.settle()
    assert sorted(lab.saw(name)) == ["2", "6"]


def test_a_failed_batch_comes_again_whole_and_ends_in_the_dead_letter_queue(lab: Lab) -> None:
    dead = lab.queue()
    name, url = lab.workshop.make(PICKY), lab.queue(dead_letters=dead, receives=2)
    lab.send(url, "good", "bad")
    lab.map(url, name)
    lab.cloud.settle()
    assert lab.saw(name) == ["good", "bad"] * 2
    assert lab.left(dead) == ["good", "bad"]
    assert lab.flow("SQS", url) == {"failed": 4}
    assert lab.flow("redrive", url) == {"delivered": 2}


def test_only_the_messages_that_the_function_reports_come_again(lab: Lab, picky: str) -> None:
    dead = lab.queue()
    url = lab.queue(dead_letters=dead, receives=2)
    lab.send(url, "good", "bad", "fine")
    lab.map(url, picky, **PARTIAL)
    lab.cloud.settle()
    assert lab.left(dead) == ["bad"]
    assert lab.flow("SQS", url) == {"delivered": 2, "failed": 2}


@pytest.mark.parametrize("answer", ["'oops'", "{'batchItemFailures': [{'itemIdentifier': ''}]}", "[1]"])
def test_an_answer_that_makes_no_sense_fails_the_whole_batch(lab: Lab, answer: str) -> None:
    dead = lab.queue()
    url = lab.queue(dead_letters=dead, receives=1)
    name = lab.workshop.make(f"def handler(event, context): return {answer}")
    lab.send(url, "a", "b")
    lab.map(url, name, **PARTIAL)
    lab.cloud.settle()
    assert lab.left(dead) == ["a", "b"]


def test_a_failed_message_waits_for_its_visibility_timeout_or_for_the_clock(lab: Lab, picky: str) -> None:
    dead = lab.queue()
    url = lab.queue(dead_letters=dead, receives=1, VisibilityTimeout="43200")
    lab.map(url, picky, **PARTIAL)
    lab.send(url, "bad")
    lab.workshop.until(lambda: lab.flow("SQS", url) == {"failed": 1})
    assert lab.left(url) == lab.left(dead) == []
    lab.cloud.clock.advance(hours=12)
    lab.cloud.settle()
    assert lab.left(dead) == ["bad"]


def test_a_delayed_message_arrives_sixty_times_as_soon(lab: Lab, picky: str) -> None:
    url = lab.queue()
    lab.map(url, picky, **PARTIAL)
    before_s = time.monotonic()
    lab.send(url, "later", DelaySeconds=6)
    lab.cloud.settle()
    assert 0.1 <= time.monotonic() - before_s < 5
    assert lab.flow("SQS", url) == {"delivered": 1}


def test_a_group_s_messages_stay_in_order_and_a_failing_group_blocks_only_itself(lab: Lab) -> None:
    dead = lab.fifo()
    name, url = lab.workshop.make(PICKY), lab.fifo(dead_letters=dead, receives=2)
    for body in ("bad1", "a2", "a3"):
        lab.send(url, body, MessageGroupId="a")
    for body in ("b1", "b2", "b3"):
        lab.send(url, body, MessageGroupId="b")
    lab.map(url, name, BatchSize=1)
    lab.cloud.settle()
    saw = lab.saw(name)
    assert [one for one in saw if one.startswith("b") and one != "bad1"] == ["b1", "b2", "b3"]
    assert [one for one in saw if not one.startswith("b") or one == "bad1"] == ["bad1", "bad1", "a2", "a3"]
    assert lab.left(dead) == ["bad1"]


@pytest.mark.thorough
def test_the_same_dead_letter_twice_is_two(lab: Lab) -> None:
    dead = lab.fifo()
    name = lab.workshop.make(PICKY)
    for _ in range(2):
        url = lab.fifo(dead_letters=dead, receives=1)
        lab.send(url, "bad", MessageGroupId="a")
        lab.map(url, name)
    lab.cloud.settle()
    (queue,) = [lab.sqs.get_queue_attributes(QueueUrl=dead, AttributeNames=["ApproximateNumberOfMessages"])]
    assert queue["Attributes"]["ApproximateNumberOfMessages"] == "2"


def test_maximum_concurrency_holds(lab: Lab) -> None:
    slow = "import time\ndef handler(event, context): time.sleep(0.05)"
    name, url = lab.workshop.make(slow), lab.queue()
    lab.send(url, *map(str, range(10)))
    lab.map(url, name, BatchSize=1, ScalingConfig={"MaximumConcurrency": 2})
    lab.cloud.settle()
    frame = lab.cloud.environments()
    assert len(frame[frame["function"] == name]) == 2


def test_throttled_messages_wait_and_use_up_no_receives(lab: Lab) -> None:
    slow = "import time\ndef handler(event, context): time.sleep(0.05); print('saw', event['Records'][0]['attributes']"
    name = lab.workshop.make(slow + "['ApproximateReceiveCount'])")
    lab.lam.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=1)
    url = lab.queue(dead_letters=lab.queue(), receives=1, VisibilityTimeout="30")
    lab.send(url, *map(str, range(8)))
    lab.map(url, name, BatchSize=1)
    lab.cloud.settle()
    assert lab.saw(name) == ["1"] * 8
    lab.lam.delete_function_concurrency(FunctionName=name)


def test_a_function_without_concurrency_gets_nothing_until_it_has_some(lab: Lab, picky: str) -> None:
    name, url = lab.workshop.make(ECHO), lab.queue()
    lab.lam.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=0)
    lab.map(url, name)
    lab.send(url, "patience")
    lab.cloud.settle()
    assert lab.heard(name) == []
    lab.lam.delete_function_concurrency(FunctionName=name)
    lab.cloud.settle()
    assert len(lab.heard(name)) == 1


def test_what_does_not_pass_the_filter_is_deleted(lab: Lab) -> None:
    name, url = lab.workshop.make(PICKY), lab.queue()
    large = {"Filters": [{"Pattern": json.dumps({"body": {"size": [{"numeric": [">", 100]}]}})}]}
    lab.map(url, name, FilterCriteria=large)
    lab.send(url, '{"size":1}', '{"size":500}', "no-json")
    lab.cloud.settle()
    assert lab.saw(name) == ['{"size":500}']
    assert lab.left(url) == []
    assert lab.flow("SQS", url) == {"delivered": 1, "filtered": 2}


def test_a_mapping_can_be_switched_off_changed_and_deleted(lab: Lab) -> None:
    name, url = lab.workshop.make(ECHO), lab.queue()
    mapping = lab.map(url, name, Enabled=False)
    lab.send(url, "a", "b")
    lab.cloud.settle()
    assert lab.heard(name) == []
    assert lab.lam.get_event_source_mapping(UUID=mapping)["State"] == "Disabled"
    assert lab.lam.update_event_source_mapping(UUID=mapping, Enabled=True, BatchSize=1)["State"] == "Updating"
    lab.cloud.settle()
    assert len(lab.heard(name)) == 2
    assert lab.lam.delete_event_source_mapping(UUID=mapping)["State"] == "Deleting"
    lab.send(url, "c")
    lab.cloud.settle()
    assert lab.left(url) == ["c"]
    with pytest.raises(lab.lam.exceptions.ResourceNotFoundException):
        lab.lam.get_event_source_mapping(UUID=mapping)


def test_an_alias_s_version_is_what_runs(lab: Lab) -> None:
    name, url = lab.workshop.make(ECHO), lab.queue()
    lab.lam.publish_version(FunctionName=name)
    lab.lam.create_alias(FunctionName=name, Name="live", FunctionVersion="1")
    mapping = lab.map(url, f"{name}:live")
    assert lab.lam.get_event_source_mapping(UUID=mapping)["FunctionArn"].endswith(f"{name}:live")
    lab.send(url, "x")
    lab.cloud.settle()
    assert len(lab.heard(name)) == 1
    listed = lab.lam.list_event_source_mappings(FunctionName=f"{name}:live")["EventSourceMappings"]
    assert [one["UUID"] for one in listed] == [mapping]


@pytest.mark.thorough
def test_a_function_that_is_deleted_leaves_the_messages_in_the_queue(lab: Lab) -> None:
    name, url = lab.workshop.make(ECHO), lab.queue()
    mapping = lab.map(url, name)
    lab.lam.delete_function(FunctionName=name)
    lab.send(url, "orphan")
    lab.cloud.settle()
    assert lab.left(url) == ["orphan"]
    assert lab.lam.get_event_source_mapping(UUID=mapping)["State"] == "Disabled"
    assert "Function not found" in lab.cloud.problems()["cause"].iloc[-1]


@pytest.mark.thorough
def test_a_loop_through_a_queue_is_stopped_after_sixteen_rounds(lab: Lab) -> None:
    source = """
    import os, boto3

    def handler(event, context):
        print("saw", "round")
        boto3.client("sqs").send_message(QueueUrl=os.environ["QUEUE"], MessageBody="again")
    """
    dead = lab.queue()
    url = lab.queue(dead_letters=dead, receives=5)
    name = lab.workshop.make(source, Environment={"Variables": {"QUEUE": url}})
    lab.map(url, name)
    lab.send(url, "go")
    lab.cloud.settle()
    assert len(lab.saw(name)) == 16
    assert lab.left(dead) == ["again"]


def test_what_lambda_refuses_is_refused(lab: Lab, picky: str) -> None:
    url, fifo = lab.queue(), lab.fifo()
    slow = lab.workshop.make(ECHO, Timeout=60)
    assert "Queue visibility timeout: 10 seconds is less than Function timeout: 60" in refused(lab, url, slow)
    assert "window in seconds must be greater than 0" in refused(lab, url, picky, BatchSize=11)
    assert "BatchSize must be between 1 and 10," in refused(lab, fifo, picky, BatchSize=11)
    assert "not supported for FIFO" in refused(lab, fifo, picky, MaximumBatchingWindowInSeconds=1)
    assert "Unsupported StartingPosition" in refused(lab, url, picky, StartingPosition="LATEST")
    broken = {"Filters": [{"Pattern": '{"body": "x"}'}]}
    assert "Invalid filter pattern" in refused(lab, url, picky, FilterCriteria=broken)
    assert "NonExistentQueue" in refused(lab, url + "x", picky)
    lab.map(url, picky)
    with pytest.raises(lab.lam.exceptions.ResourceConflictException):
        lab.map(url, picky)


def test_a_role_that_may_not_read_the_queue_is_refused(lab: Lab) -> None:
    role = boto3.client("iam").create_role(RoleName="reads-nothing", AssumeRolePolicyDocument="{}")["Role"]["Arn"]
    name = lab.workshop.make(ECHO, Role=role)
    assert "permissions to call ReceiveMessage on SQS" in refused(lab, lab.queue(), name)


def test_plain_clients_of_a_queue_notice_nothing(lab: Lab) -> None:
    url = lab.queue(VisibilityTimeout="1000")
    lab.send(url, "mine")
    (message,) = lab.sqs.receive_message(QueueUrl=url)["Messages"]
    assert lab.left(url) == []
    lab.cloud.clock.advance(seconds=1001)
    assert lab.left(url) == ["mine"]
    lab.sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])


def test_two_hundred_messages_with_failures_and_crashes_are_all_accounted_for(lab: Lab) -> None:
    source = """
    import os

    def handler(event, context):
        failed = []
        for record in event["Records"]:
            number, receives = int(record["body"]), int(record["attributes"]["ApproximateReceiveCount"])
            if number % 100 == 17 and receives == 1:
                os._exit(1)
            if number % 20 == 3:
                failed.append({"itemIdentifier": record["messageId"]})
            else:
                print("saw", number)
        return {"batchItemFailures": failed}
    """
    dead = lab.queue()
    url = lab.queue(dead_letters=dead, receives=3)
    name = lab.workshop.make(source)
    numbers = range(200)
    lab.map(url, name, **PARTIAL)
    lab.send(url, *map(str, numbers))
    lab.cloud.settle()
    lost = sorted(map(int, lab.left(dead)))
    assert [number for number in numbers if number % 20 == 3] == [one for one in lost if one % 20 == 3]
    assert sorted({*map(int, lab.saw(name)), *lost}) == list(numbers)
    assert lab.left(url) == []
