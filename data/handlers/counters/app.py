"""A counter, kept in six ways: the event's ``way`` and ``name`` choose. Answers count, tries and the store's ms.

Environment: TABLE (key: id), BUCKET, and REDIS_URL where there is a Redis server.
"""

import os
import time
from collections import Counter

import boto3
from botocore.exceptions import ClientError

counts = Counter()
table = boto3.resource("dynamodb").Table(os.environ["TABLE"])
s3, bucket = boto3.client("s3"), os.environ["BUCKET"]
TAKEN = {"ConditionalCheckFailedException", "PreconditionFailed", "ConditionalRequestConflict"}


def in_memory(name):
    counts[name] += 1
    return counts[name]


def read(name):
    found = table.get_item(Key={"id": name}, ConsistentRead=True).get("Item", {})
    return int(found.get("n", 0))


def read_then_write(name):
    seen = read(name)
    table.put_item(Item={"id": name, "n": seen + 1})
    return seen + 1


def if_unchanged(name):
    seen = read(name)
    unchanged = {"ConditionExpression": "n = :seen", "ExpressionAttributeValues": {":seen": seen}}
    new = {"ConditionExpression": "attribute_not_exists(id)"}
    table.put_item(Item={"id": name, "n": seen + 1}, **(unchanged if seen else new))
    return seen + 1


def added(name):
    what = {"UpdateExpression": "ADD n :one", "ExpressionAttributeValues": {":one": 1}}
    return int(table.update_item(Key={"id": name}, ReturnValues="UPDATED_NEW", **what)["Attributes"]["n"])


def in_an_object(name):
    seen, condition = 0, {"IfNoneMatch": "*"}
    try:
        found = s3.get_object(Bucket=bucket, Key=name)
        seen, condition = int(found["Body"].read()), {"IfMatch": found["ETag"]}
    except s3.exceptions.NoSuchKey:
        pass
    s3.put_object(Bucket=bucket, Key=name, Body=str(seen + 1), **condition)
    return seen + 1


def in_redis(name):
    global redis
    if redis is None:
        from redis import Redis

        redis = Redis.from_url(os.environ["REDIS_URL"])
    return redis.incr(name)


redis = None
WAYS = {
    "a global variable": in_memory,
    "DynamoDB, read and write": read_then_write,
    "DynamoDB, if unchanged": if_unchanged,
    "DynamoDB, add": added,
    "S3, if unchanged": in_an_object,
    "Redis": in_redis,
}


def handler(event, context):
    work(event.get("work_ms", 0))
    begin, tries = time.perf_counter(), 0
    while True:
        tries += 1
        try:
            count = WAYS[event["way"]](event["name"])
        except ClientError as error:
            if error.response["Error"]["Code"] not in TAKEN:
                raise
            continue  # somebody else was faster: read again
        return {"count": count, "tries": tries, "ms": (time.perf_counter() - begin) * 1000}


def work(ms):
    """Compute for a while: what a request does besides counting."""
    until = time.perf_counter() + ms / 1000
    while time.perf_counter() < until:
        sum(range(1000))
