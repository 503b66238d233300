"""Send the local cloud ten thousand messages, records and events; handlers fail and environments crash: what is lost?

    make soak

Of each, 5% fail whenever they are tried, and 1% end their environment when they are tried for the first time. In the
end each must have been dealt with exactly once, or lie exactly once where failures go; records in the order of their
shard. Exits with 1 if it isn't so.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import boto3

CALLERS, SHARDS, SETTLE_S = 8, 4, 1200
ENVIRONMENTS = 16  # on the machine: more of them only wait for each other
# The first try at a number ends the environment: a file remembers that it was tried.
COMMON = """
import base64, json, os

def bad(number):
    return number % 20 == 3

def crash(number):
    mark = f"{os.environ['MARKS']}/{number}"
    if number % 100 == 17 and not os.path.exists(mark):
        open(mark, "w").close()
        os._exit(1)

"""
# What is printed is done: the function has nothing left to do that could fail.
QUEUE = """
def handler(event, context):
    numbers = {record["messageId"]: int(record["body"]) for record in event["Records"]}
    for number in numbers.values():
        crash(number)
    print("done", context.aws_request_id, *(number for number in numbers.values() if not bad(number)))
    return {"batchItemFailures": [{"itemIdentifier": key} for key, number in numbers.items() if bad(number)]}
"""
STREAM = """
def handler(event, context):
    numbers = [int(base64.b64decode(record["kinesis"]["data"])) for record in event["Records"]]
    places = [record["kinesis"]["sequenceNumber"] for record in event["Records"]]
    first = next((place for place, number in enumerate(numbers) if bad(number)), len(numbers))
    for number in numbers[:first]:
        crash(number)
    print("done", context.aws_request_id, *numbers[:first])
    return {"batchItemFailures": [{"itemIdentifier": place} for place in places[first : first + 1]]}
"""
EVENT = """
def handler(event, context):
    crash(event)
    if bad(event):
        raise ValueError(event)
    print("done", context.aws_request_id, event)
"""


class Lab:
    """One cloud, with a function, and the queue where failures go."""

    def __init__(self, cloud: Any, source: str) -> None:
        sys.path.insert(0, str(Path(__file__).parents[1]))
        from conftest import Workshop

        self.cloud, self.shop = cloud, Workshop()
        role = self.shop.role.rpartition("/")[2]
        rights = {"Effect": "Allow", "Action": ["sqs:*", "kinesis:*"], "Resource": "*"}
        document = json.dumps({"Version": "2012-10-17", "Statement": [rights]})
        boto3.client("iam").put_role_policy(RoleName=role, PolicyName="read", PolicyDocument=document)
        marks = tempfile.mkdtemp()
        self.name = self.shop.make(COMMON + source, Environment={"Variables": {"MARKS": marks}}, Timeout=30)
        self.sqs = boto3.client("sqs")
        self.failures = self.sqs.create_queue(QueueName="failures")["QueueUrl"]
        self.failures_arn = "arn:aws:sqs:us-east-1:123456789012:failures"
        self.began = time.monotonic()

    def map(self, arn: str, **settings: Any) -> None:
        settings = {"FunctionResponseTypes": ["ReportBatchItemFailures"], **settings}
        self.shop.client.create_event_source_mapping(EventSourceArn=arn, FunctionName=self.name, **settings)

    def say(self, what: str) -> None:
        print(f"  {time.monotonic() - self.began:6.1f} s  {what}", flush=True)

    def settle(self) -> float:
        """Wait until all is quiet; return the seconds since the beginning."""
        until = time.monotonic() + SETTLE_S
        while time.monotonic() < until:
            try:
                self.cloud.settle(20)
                break
            except TimeoutError as error:
                self.say(str(error))
        return time.monotonic() - self.began

    def done(self) -> list[list[int]]:
        """Return what the function dealt with, one list for each time that it was invoked, in order."""
        pages = (
            boto3.client("logs").get_paginator("filter_log_events").paginate(logGroupName=f"/aws/lambda/{self.name}")
        )
        lines = (event["message"].split() for page in pages for event in page["events"])
        known: dict[str, list[int]] = {}
        for line in lines:
            if line[:1] == ["done"]:
                known.setdefault(line[1], []).extend(int(number) for number in line[2:])
        # An asynchronous event keeps its request id when it is tried again.
        ids = self.cloud.invocations()["request_id"].drop_duplicates(keep="last")
        return [known[one] for one in ids if one in known]

    def failed(self) -> list[str]:
        """Return what lies where failures go."""
        found: list[str] = []
        while messages := self.sqs.receive_message(QueueUrl=self.failures, MaxNumberOfMessages=10).get("Messages"):
            found += [one["Body"] for one in messages]
            entries = [{"Id": str(i), "ReceiptHandle": one["ReceiptHandle"]} for i, one in enumerate(messages)]
            self.sqs.delete_message_batch(QueueUrl=self.failures, Entries=entries)
        return found

    def report(self, count: int, took_s: float, done: Iterable[int], failed: Iterable[int]) -> bool:
        """Print what came of the numbers; say whether each is accounted for exactly once."""
        done, failed = Counter(done), Counter(failed)
        records = self.cloud.invocations()["status"].value_counts()
        crashes = int(records.get("error", 0))
        rows = {"sent": count, "done": len(done), "where failures go": len(failed), "invocations": int(records.sum())}
        rows |= {"invocations that failed or crashed": crashes, "throttled": int(records.get("throttled", 0))}
        rows |= {"a second": round(count / took_s)}
        for name, value in rows.items():
            print(f"  {name:36}{value:>9,}")
        twice = [number for number, times in (done + failed).items() if times > 1]
        lost = set(range(count)) - set(done) - set(failed)
        wrong = [number for number in failed if number % 20 != 3]
        print(f"  {'lost, twice, failed without cause':36}{len(lost):>5} {len(twice)} {len(wrong)}", flush=True)
        return not (lost or twice or wrong)


def messages(count: int) -> bool:
    """Send messages to a queue whose function reports failures."""
    from helpers.cloud import LocalCloud

    with LocalCloud(max_environments=ENVIRONMENTS) as cloud:
        lab = Lab(cloud, QUEUE)
        # A crash costs all messages of its batch a receive, hence more of them than the bad ones need.
        redrive = json.dumps({"deadLetterTargetArn": lab.failures_arn, "maxReceiveCount": 10})
        attributes = {"VisibilityTimeout": "30", "RedrivePolicy": redrive}
        url = lab.sqs.create_queue(QueueName="work", Attributes=attributes)["QueueUrl"]
        lab.map("arn:aws:sqs:us-east-1:123456789012:work")

        def send(start: int) -> None:
            numbers = range(start, min(start + 10, count))
            entries = [{"Id": str(number), "MessageBody": str(number)} for number in numbers]
            assert not lab.sqs.send_message_batch(QueueUrl=url, Entries=entries).get("Failed")

        with ThreadPoolExecutor(CALLERS) as callers:
            list(callers.map(send, range(0, count, 10)))
        lab.say("all sent")
        took_s = lab.settle()
        done = [number for batch in lab.done() for number in batch]
        return lab.report(count, took_s, done, map(int, lab.failed()))


def stream(count: int) -> bool:
    """Put records into a stream whose function reports the first failure of a batch."""
    from helpers.cloud import LocalCloud

    with LocalCloud(max_environments=ENVIRONMENTS) as cloud:
        lab = Lab(cloud, STREAM)
        kinesis = boto3.client("kinesis")
        kinesis.create_stream(StreamName="work", ShardCount=SHARDS)
        lab.map(
            "arn:aws:kinesis:us-east-1:123456789012:stream/work",
            StartingPosition="TRIM_HORIZON",
            BisectBatchOnFunctionError=True,
            MaximumRetryAttempts=2,
            DestinationConfig={"OnFailure": {"Destination": lab.failures_arn}},
        )
        for start in range(0, count, 500):
            numbers = range(start, min(start + 500, count))
            records = [{"Data": str(number).encode(), "PartitionKey": str(number)} for number in numbers]
            kinesis.put_records(StreamName="work", Records=records)
        lab.say("all put")
        took_s = lab.settle()
        places: dict[int, tuple[str, int]] = {}
        for shard in kinesis.describe_stream(StreamName="work")["StreamDescription"]["Shards"]:
            iterator = kinesis.get_shard_iterator(
                StreamName="work", ShardId=shard["ShardId"], ShardIteratorType="TRIM_HORIZON"
            )["ShardIterator"]
            for one in kinesis.get_records(ShardIterator=iterator, Limit=10_000)["Records"]:
                places[int(one["Data"])] = shard["ShardId"], int(one["SequenceNumber"])
        at = {place: number for number, place in places.items()}
        told = [json.loads(text)["KinesisBatchInfo"] for text in lab.failed()]
        failed = [
            at[one["shardId"], place]
            for one in told
            for place in range(int(one["startSequenceNumber"]), int(one["endSequenceNumber"]) + 1)
        ]
        batches = lab.done()
        seen = [places[number] for batch in batches for number in batch]
        shards = {shard: [place for one, place in seen if one == shard] for shard, _ in seen}
        ordered = all(mine == sorted(mine) for mine in shards.values())
        print(f"  {'each shard in order':36}{ordered!s:>9}")
        return lab.report(count, took_s, (n for batch in batches for n in batch), failed) and ordered


def events(count: int) -> bool:
    """Invoke a function asynchronously."""
    from helpers.cloud import LocalCloud

    with LocalCloud(max_environments=ENVIRONMENTS) as cloud:
        lab = Lab(cloud, EVENT)
        lab.shop.client.put_function_event_invoke_config(
            FunctionName=lab.name, DestinationConfig={"OnFailure": {"Destination": lab.failures_arn}}
        )

        def invoke(number: int) -> None:
            lab.shop.client.invoke(FunctionName=lab.name, InvocationType="Event", Payload=json.dumps(number))

        with ThreadPoolExecutor(CALLERS) as callers:
            list(callers.map(invoke, range(count)))
        lab.say("all accepted")
        took_s = lab.settle()
        failed = [json.loads(text)["requestPayload"] for text in lab.failed()]
        return lab.report(count, took_s, (n for batch in lab.done() for n in batch), failed)


def main() -> int:
    """Run all three; say whether all was well."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=10_000)
    parser.add_argument("--only", choices=("messages", "stream", "events"))
    options = parser.parse_args()
    tempfile.tempdir = tempfile.mkdtemp()  # where no other cloud of this machine leaves its folder
    well = True
    for name, run in {"messages": messages, "stream": stream, "events": events}.items():
        if options.only in (None, name):
            print(f"{options.count:,} {name}: 5% fail, 1% crash")
            well &= run(options.count)
    print("Nothing is lost." if well else "SOMETHING IS LOST.")
    return 0 if well else 1


if __name__ == "__main__":
    sys.exit(main())
