"""Streams invoke functions as event-source mappings do on AWS: in order, shard by shard, and failures hold them up."""

from __future__ import annotations

import base64
import json
import time
from typing import Any

import boto3
import pytest
from aws_lambda_powertools.utilities.data_classes import DynamoDBStreamEvent, KinesisStreamEvent
from botocore.exceptions import ClientError

from helpers.cloud.package import zip_function
from helpers.cloud.samples import handler_folder

ECHO = "import json\ndef handler(event, context): print('heard', json.dumps(event))\n"
# Records whose text begins with bad fail; a batch reports the first of them with PARTIAL, else all of it fails.
PICKY = """
import base64, os

def handler(event, context):
    texts = [base64.b64decode(record["kinesis"]["data"]).decode() for record in event["Records"]]
    print("saw", ",".join(texts))
    for record, text in zip(event["Records"], texts):
        if text.startswith("bad"):
            if "PARTIAL" not in os.environ:
                raise ValueError(text)
            return {"batchItemFailures": [{"itemIdentifier": record["kinesis"]["sequenceNumber"]}]}
"""
PARTIAL = {"FunctionResponseTypes": ["ReportBatchItemFailures"]}
ENV = {"Environment": {"Variables": {"PARTIAL": "1"}}}


class Lab:
    """Streams and mappings of one module's cloud."""

    def __init__(self, cloud: Any, workshop: Any) -> None:
        self.cloud, self.workshop = cloud, workshop
        self.kinesis, self.tables, self.lam = boto3.client("kinesis"), boto3.client("dynamodb"), workshop.client
        self.sqs = boto3.client("sqs")
        actions = ["kinesis:*", "dynamodb:*"]
        rights = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": actions, "Resource": "*"}]}
        name = workshop.role.rpartition("/")[2]
        boto3.client("iam").put_role_policy(RoleName=name, PolicyName="read", PolicyDocument=json.dumps(rights))

    def stream(self, shards: int = 1) -> str:
        name = self.workshop.name("stream")
        self.kinesis.create_stream(StreamName=name, ShardCount=shards)
        return name

    def arn(self, stream: str) -> str:
        return f"arn:aws:kinesis:us-east-1:123456789012:stream/{stream}"

    def table(self, view: str = "NEW_AND_OLD_IMAGES") -> tuple[str, str]:
        name = self.workshop.name("table")
        answer = self.tables.create_table(
            TableName=name,
            KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
            BillingMode="PAY_PER_REQUEST",
            StreamSpecification={"StreamEnabled": True, "StreamViewType": view},
        )
        return name, answer["TableDescription"]["LatestStreamArn"]

    def put(self, stream: str, *texts: str, key: str | None = None) -> None:
        for start in range(0, len(texts), 500):
            records = [{"Data": text.encode(), "PartitionKey": key or text} for text in texts[start : start + 500]]
            self.kinesis.put_records(StreamName=stream, Records=records)

    def map(self, source: str, function: str, **settings: Any) -> str:
        arn = source if source.startswith("arn:") else self.arn(source)
        known = {"StartingPosition": "TRIM_HORIZON", **settings}
        return self.lam.create_event_source_mapping(EventSourceArn=arn, FunctionName=function, **known)["UUID"]

    def saw(self, function: str) -> list[str]:
        return [line.split()[1] for line in self.workshop.logs(function) if line.startswith("saw ")]

    def heard(self, function: str) -> list[dict]:
        lines = [line for line in self.workshop.logs(function) if line.startswith("heard ")]
        return [json.loads(line.removeprefix("heard ")) for line in lines]

    def queue(self) -> tuple[str, str]:
        url = self.sqs.create_queue(QueueName=self.workshop.name("queue"))["QueueUrl"]
        return url, f"arn:aws:sqs:us-east-1:123456789012:{url.rpartition('/')[2]}"

    def told(self, url: str) -> list[dict]:
        messages = self.sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages", [])
        return [json.loads(one["Body"]) for one in messages]


@pytest.fixture(scope="module")
def lab(cloud: Any, workshop: Any) -> Lab:
    return Lab(cloud, workshop)


def to(arn: str) -> dict[str, Any]:
    return {"DestinationConfig": {"OnFailure": {"Destination": arn}}}


def test_a_record_of_kinesis_has_every_documented_field(lab: Lab) -> None:
    name, stream = lab.workshop.make(ECHO), lab.stream()
    put = lab.kinesis.put_record(StreamName=stream, Data=b"a cat", PartitionKey="pets")
    lab.map(stream, name)
    lab.cloud.settle()
    (event,) = lab.heard(name)
    (record,) = event["Records"]
    assert abs(record["kinesis"].pop("approximateArrivalTimestamp") - time.time()) < 60
    assert record == {
        "kinesis": {
            "kinesisSchemaVersion": "1.0",
            "partitionKey": "pets",
            "sequenceNumber": put["SequenceNumber"],
            "data": base64.b64encode(b"a cat").decode(),
        },
        "eventSource": "aws:kinesis",
        "eventVersion": "1.0",
        "eventID": f"{put['ShardId']}:{put['SequenceNumber']}",
        "eventName": "aws:kinesis:record",
        "invokeIdentityArn": lab.workshop.role,
        "awsRegion": "us-east-1",
        "eventSourceARN": lab.arn(stream),
    }
    assert next(KinesisStreamEvent(event).records).kinesis.data_as_text() == "a cat"


def test_a_change_of_a_table_has_every_documented_field(lab: Lab) -> None:
    name, (table, arn) = lab.workshop.make(ECHO), lab.table()
    lab.map(arn, name, StartingPosition="LATEST")
    lab.tables.put_item(TableName=table, Item={"id": {"S": "cat"}, "raw": {"B": b"x"}})
    lab.tables.put_item(TableName=table, Item={"id": {"S": "cat"}, "size": {"N": "3"}})
    lab.tables.delete_item(TableName=table, Key={"id": {"S": "cat"}})
    lab.cloud.settle()
    records = [record for event in lab.heard(name) for record in event["Records"]]
    assert [record["eventName"] for record in records] == ["INSERT", "MODIFY", "REMOVE"]
    first, second, third = records
    change = second["dynamodb"]
    assert abs(change.pop("ApproximateCreationDateTime") - time.time()) < 60
    assert int(change.pop("SequenceNumber")) == int(first["dynamodb"]["SequenceNumber"]) + 1
    assert change.pop("SizeBytes") > 0
    assert change == {
        "Keys": {"id": {"S": "cat"}},
        "OldImage": {"id": {"S": "cat"}, "raw": {"B": "eA=="}},
        "NewImage": {"id": {"S": "cat"}, "size": {"N": "3"}},
        "StreamViewType": "NEW_AND_OLD_IMAGES",
    }
    assert "NewImage" not in third["dynamodb"]
    assert second.pop("eventID")
    assert {key: second[key] for key in second if key not in ("dynamodb", "eventName")} == {
        "eventVersion": "1.1",
        "eventSource": "aws:dynamodb",
        "awsRegion": "us-east-1",
        "eventSourceARN": arn,
    }
    assert next(DynamoDBStreamEvent({"Records": [first]}).records).dynamodb.new_image["id"] == "cat"


def test_each_shard_s_records_come_in_order_and_every_function_gets_all(lab: Lab) -> None:
    first, second, stream = lab.workshop.make(PICKY), lab.workshop.make(PICKY), lab.stream(shards=3)
    numbers = [str(number) for number in range(120)]
    lab.put(stream, *numbers)
    for name in (first, second):
        lab.map(stream, name, BatchSize=7)
    lab.cloud.settle()
    for name in (first, second):
        saw = [text for batch in lab.saw(name) for text in batch.split(",")]
        assert sorted(saw) == sorted(numbers)
    # What one shard had is in one order for both.
    described = lab.kinesis.describe_stream(StreamName=stream)["StreamDescription"]["Shards"]
    for shard in described:
        iterator = lab.kinesis.get_shard_iterator(
            StreamName=stream, ShardId=shard["ShardId"], ShardIteratorType="TRIM_HORIZON"
        )["ShardIterator"]
        mine = [one["Data"].decode() for one in lab.kinesis.get_records(ShardIterator=iterator)["Records"]]
        batches = [batch.split(",") for batch in lab.saw(first)]
        seen = [batch for batch in batches if batch[0] in mine]
        seen.sort(key=lambda batch: mine.index(batch[0]))
        assert [text for batch in seen for text in batch] == mine


def test_latest_begins_with_what_comes_after_the_mapping(lab: Lab) -> None:
    name, stream = lab.workshop.make(PICKY), lab.stream()
    lab.put(stream, "before")
    lab.map(stream, name, StartingPosition="LATEST")
    lab.put(stream, "after")
    lab.cloud.settle()
    assert lab.saw(name) == ["after"]


def test_at_timestamp_begins_with_what_came_since(lab: Lab) -> None:
    name, stream = lab.workshop.make(PICKY), lab.stream()
    lab.put(stream, "before")
    since = lab.cloud.clock.advance(minutes=10)
    lab.put(stream, "after")
    lab.map(stream, name, StartingPosition="AT_TIMESTAMP", StartingPositionTimestamp=since)
    lab.cloud.settle()
    assert lab.saw(name) == ["after"]


def test_a_failing_batch_blocks_its_shard_until_its_attempts_are_used_up(lab: Lab) -> None:
    name, stream = lab.workshop.make(PICKY), lab.stream()
    url, queue = lab.queue()
    lab.put(stream, "bad", "good", key="one")
    lab.map(stream, name, BatchSize=1, MaximumRetryAttempts=2, **to(queue))
    lab.cloud.settle()
    assert lab.saw(name) == ["bad", "bad", "bad", "good"]
    (told,) = lab.told(url)
    context, info = told["requestContext"], told["KinesisBatchInfo"]
    assert (context["condition"], context["approximateInvokeCount"]) == ("RetryAttemptsExhausted", 3)
    assert context["functionArn"].endswith(f":function:{name}")
    assert context["requestId"] in set(lab.cloud.invocations()["request_id"])
    assert told["responseContext"] == {
        "statusCode": 200,
        "executedVersion": "$LATEST",
        "functionError": "Unhandled",
    }
    assert (info["startSequenceNumber"], info["endSequenceNumber"], info["batchSize"]) == ("1", "1", 1)
    assert (info["shardId"], info["streamArn"]) == ("shardId-000000000000", lab.arn(stream))
    assert info["approximateArrivalOfFirstRecord"].endswith("Z")
    assert (told["version"], "payload" in told) == ("1.0", False)


@pytest.mark.thorough
def test_without_a_limit_only_the_records_age_ends_it(lab: Lab) -> None:
    name, stream = lab.workshop.make(PICKY), lab.stream()
    lab.put(stream, "bad")
    lab.map(stream, name)
    lab.workshop.until(lambda: len(lab.saw(name)) > 3)
    lab.cloud.clock.advance(hours=25)
    lab.put(stream, "good")
    lab.cloud.settle()
    assert lab.saw(name)[-1] == "good"
    assert "1 records expired" in lab.cloud.problems()["cause"].iloc[-1]


@pytest.mark.thorough
def test_records_that_are_too_old_are_given_up(lab: Lab) -> None:
    name, stream = lab.workshop.make(PICKY), lab.stream()
    url, queue = lab.queue()
    lab.map(stream, name, MaximumRecordAgeInSeconds=60, **to(queue))
    lab.put(stream, "bad")
    lab.cloud.settle()
    (told,) = lab.told(url)
    assert told["requestContext"]["condition"] == "RecordAgeExceeded"
    assert 5 <= len(lab.saw(name)) <= 8  # after 1 + 2 + 4 + 8 + 16 + 32 seconds of waiting


def test_bisecting_finds_the_bad_record(lab: Lab) -> None:
    name, stream = lab.workshop.make(PICKY), lab.stream()
    url, queue = lab.queue()
    lab.put(stream, *"abc", "bad", *"defg", key="one")
    lab.map(stream, name, BisectBatchOnFunctionError=True, MaximumRetryAttempts=0, **to(queue))
    lab.cloud.settle()
    assert lab.saw(name) == ["a,b,c,bad,d,e,f,g", "a,b,c,bad", "a,b", "c,bad", "c", "bad", "d,e,f,g"]
    (told,) = lab.told(url)
    assert told["KinesisBatchInfo"]["startSequenceNumber"] == told["KinesisBatchInfo"]["endSequenceNumber"] == "4"


def test_a_reported_place_is_where_the_next_attempt_begins(lab: Lab) -> None:
    name, stream = lab.workshop.make(PICKY, **ENV), lab.stream()
    lab.put(stream, "a", "b", "bad", "c", key="one")
    lab.map(stream, name, MaximumRetryAttempts=1, **PARTIAL)
    lab.cloud.settle()
    assert lab.saw(name) == ["a,b,bad,c", "bad,c"]
    assert "RetryAttemptsExhausted: 2 records" in lab.cloud.problems()["cause"].iloc[-1]


@pytest.mark.thorough
def test_lanes_keep_the_order_of_each_key(lab: Lab) -> None:
    slow = "import time, base64\ndef handler(event, context):\n  time.sleep(0.03)\n  print('saw', ','.join("
    name = lab.workshop.make(f"{slow}base64.b64decode(r['kinesis']['data']).decode() for r in event['Records']))")
    stream = lab.stream()
    keys = "abcdef"
    for number in range(4):
        records = [{"Data": f"{key}{number}".encode(), "PartitionKey": key} for key in keys]
        lab.kinesis.put_records(StreamName=stream, Records=records)
    lab.map(stream, name, ParallelizationFactor=4, BatchSize=2)
    lab.cloud.settle()
    saw = [text for batch in lab.saw(name) for text in batch.split(",")]
    assert sorted(saw) == sorted(f"{key}{number}" for key in keys for number in range(4))
    frame = lab.cloud.environments()
    assert 1 < len(frame[frame["function"] == name]) <= 4


def test_a_bucket_gets_the_event_itself(lab: Lab) -> None:
    name, (table, arn) = lab.workshop.make("def handler(event, context): raise ValueError('no')"), lab.table()
    bucket, s3 = lab.workshop.name("bucket"), boto3.client("s3")
    s3.create_bucket(Bucket=bucket)
    mapping = lab.map(arn, name, MaximumRetryAttempts=0, **to(f"arn:aws:s3:::{bucket}"))
    lab.tables.put_item(TableName=table, Item={"id": {"S": "cat"}})
    lab.cloud.settle()
    (item,) = s3.list_objects_v2(Bucket=bucket)["Contents"]
    told = json.loads(s3.get_object(Bucket=bucket, Key=item["Key"])["Body"].read())
    shard = told["DDBStreamBatchInfo"]["shardId"]
    assert item["Key"].startswith(f"aws/lambda/{mapping}/{shard}/")
    (record,) = json.loads(told["payload"])["Records"]
    assert record["dynamodb"]["Keys"] == {"id": {"S": "cat"}}


def test_the_audit_trail_keeps_every_change_of_a_table_in_a_bucket(lab: Lab) -> None:
    bucket, s3 = lab.workshop.name("bucket"), boto3.client("s3")
    s3.create_bucket(Bucket=bucket)
    code = {"ZipFile": zip_function(handler_folder("audit_trail"))}
    environment = {"Variables": {"TRAIL": bucket}}
    name = lab.workshop.make("", Code=code, Environment=environment, MemorySize=512, Timeout=30)
    table, arn = lab.table()
    lab.map(arn, name, **PARTIAL)
    for likes in ("7", "8"):
        lab.tables.put_item(TableName=table, Item={"id": {"S": "cat"}, "likes": {"N": likes}})
    lab.tables.delete_item(TableName=table, Key={"id": {"S": "cat"}})
    lab.cloud.settle()
    keys = [item["Key"] for item in s3.list_objects_v2(Bucket=bucket)["Contents"]]
    entries = [json.loads(s3.get_object(Bucket=bucket, Key=key)["Body"].read()) for key in sorted(keys)]
    assert [(entry["what"], entry["keys"]) for entry in entries] == [
        ("INSERT", {"id": "cat"}),
        ("MODIFY", {"id": "cat"}),
        ("REMOVE", {"id": "cat"}),
    ]
    assert entries[1]["before"]["likes"] == "7"
    assert entries[1]["after"]["likes"] == "8"
    assert all(key.startswith(f"{table}/20") for key in keys)


def test_an_update_that_makes_an_item_is_one_change(lab: Lab) -> None:
    name, (table, arn) = lab.workshop.make(ECHO), lab.table()
    lab.map(arn, name)
    for _ in range(2):
        lab.tables.update_item(
            TableName=table,
            Key={"id": {"S": "cat"}},
            UpdateExpression="ADD likes :one",
            ExpressionAttributeValues={":one": {"N": "1"}},
        )
    lab.cloud.settle()
    records = [record for event in lab.heard(name) for record in event["Records"]]
    images = [(record["eventName"], record["dynamodb"]["NewImage"]["likes"]["N"]) for record in records]
    assert images == [("INSERT", "1"), ("MODIFY", "2")]


def test_what_does_not_pass_the_filter_is_passed_over(lab: Lab) -> None:
    name, stream = lab.workshop.make(PICKY), lab.stream()
    large = {"Filters": [{"Pattern": json.dumps({"data": {"size": [{"numeric": [">", 100]}]}})}]}
    lab.map(stream, name, FilterCriteria=large)
    lab.put(stream, '{"size":1}', '{"size":500}', "no-json")
    lab.cloud.settle()
    assert lab.saw(name) == ['{"size":500}']


def test_a_table_s_changes_can_be_filtered(lab: Lab) -> None:
    name, (table, arn) = lab.workshop.make(ECHO), lab.table()
    removed = {"Filters": [{"Pattern": json.dumps({"eventName": ["REMOVE"]})}]}
    lab.map(arn, name, FilterCriteria=removed)
    lab.tables.put_item(TableName=table, Item={"id": {"S": "cat"}})
    lab.tables.delete_item(TableName=table, Key={"id": {"S": "cat"}})
    lab.cloud.settle()
    assert [record["eventName"] for event in lab.heard(name) for record in event["Records"]] == ["REMOVE"]


def test_a_mapping_that_was_off_goes_on_where_it_was(lab: Lab) -> None:
    name, stream = lab.workshop.make(PICKY), lab.stream()
    mapping = lab.map(stream, name)
    lab.put(stream, "a")
    lab.cloud.settle()
    lab.lam.update_event_source_mapping(UUID=mapping, Enabled=False)
    lab.put(stream, "b")
    lab.cloud.settle()
    assert lab.saw(name) == ["a"]
    lab.lam.update_event_source_mapping(UUID=mapping, Enabled=True)
    lab.cloud.settle()
    assert lab.saw(name) == ["a", "b"]


def test_what_lambda_refuses_is_refused(lab: Lab) -> None:
    name, stream, (_, arn) = lab.workshop.make(PICKY), lab.stream(), lab.table()

    def refused(source: str, **settings: Any) -> str:
        with pytest.raises(ClientError) as caught:
            lab.map(source, name, **settings)
        return caught.value.response["Error"]["Message"]

    assert "StartingPosition must be TRIM_HORIZON or LATEST, got AT_TIMESTAMP" in refused(
        arn, StartingPosition="AT_TIMESTAMP"
    )
    assert "no tumbling windows" in refused(stream, TumblingWindowInSeconds=30)
    assert "Unsupported ScalingConfig" in refused(stream, ScalingConfig={"MaximumConcurrency": 5})
    assert "ParallelizationFactor must be between 1 and 10" in refused(stream, ParallelizationFactor=11)
    assert "at least 60" in refused(stream, MaximumRecordAgeInSeconds=30)
    assert "Stream not found" in refused(f"{stream}x")
    assert "a queue, a topic or a bucket" in refused(stream, **to("arn:aws:lambda:us-east-1:123456789012:function:f"))


def test_a_role_that_may_not_read_the_stream_is_refused(lab: Lab) -> None:
    role = boto3.client("iam").create_role(RoleName="reads-nothing", AssumeRolePolicyDocument="{}")["Role"]["Arn"]
    name = lab.workshop.make(ECHO, Role=role)
    with pytest.raises(ClientError, match="Cannot access stream"):
        lab.map(lab.stream(), name)


def test_a_hundred_records_with_failures_and_crashes_come_in_order_and_none_is_lost(lab: Lab) -> None:
    source = """
    import base64, os

    def handler(event, context):
        for record in event["Records"]:
            number = int(base64.b64decode(record["kinesis"]["data"]))
            if number % 100 == 17 and not os.path.exists(f"{os.environ['MARKS']}/{number}"):
                open(f"{os.environ['MARKS']}/{number}", "w").close()
                os._exit(1)
            if number % 40 == 3:
                return {"batchItemFailures": [{"itemIdentifier": record["kinesis"]["sequenceNumber"]}]}
            print("saw", number)
    """
    _, queue = lab.queue()
    stream = lab.stream(shards=2)
    marks = lab.cloud._engine.folder / "marks"
    marks.mkdir()
    name = lab.workshop.make(source, Environment={"Variables": {"MARKS": str(marks)}})
    settings = {"MaximumRetryAttempts": 1, "BisectBatchOnFunctionError": True, **PARTIAL, **to(queue)}
    lab.map(stream, name, BatchSize=20, **settings)
    numbers = list(range(100))
    lab.put(stream, *map(str, numbers))
    lab.cloud.settle()
    bad = [number for number in numbers if number % 40 == 3]
    assert sorted(set(map(int, lab.saw(name)))) == [number for number in numbers if number not in bad]
    flows = lab.cloud.flows()
    given_up = flows[(flows["kind"] == "on failure") & (flows["target"] == queue)]
    assert given_up["delivered"].sum() == len(bad)
