"""One counter, kept in six ways; the event's ``way`` chooses. Answers with count, tries and the store's time in ms.

Environment: TABLE (key: id), BUCKET, and REDIS_URL where there is a Redis server.
"""

import os
import time

import boto3
from botocore.exceptions import ClientError

count = 0
table = boto3.resource("dynamodb").Table(os.environ["TABLE"])
s3, bucket = boto3.client("s3"), os.environ["BUCKET"]
TAKEN = {"ConditionalCheckFailedException", "PreconditionFailed", "ConditionalRequestConflict"}


def in_memory():
    global count
    count += 1
    return count


def read_then_write():
    seen = read()
    table.put_item(Item={"id": "careless", "count": seen + 1})
    return seen + 1


def read(name="careless"):
    found = table.get_item(Key={"id": name}, ConsistentRead=True).get("Item", {})
    return int(found.get("count", 0))


def if_unchanged():
    seen = read("careful")
    item = {"id": "careful", "count": seen + 1}
    unchanged = {"ConditionExpression": "#count = :seen", "ExpressionAttributeValues": {":seen": seen}}
    new = {"ConditionExpression": "attribute_not_exists(#count)"}
    table.put_item(Item=item, ExpressionAttributeNames={"#count": "count"}, **(unchanged if seen else new))
    return seen + 1


def added():
    found = table.update_item(
        Key={"id": "added"},
        UpdateExpression="ADD #count :one",
        ExpressionAttributeNames={"#count": "count"},
        ExpressionAttributeValues={":one": 1},
        ReturnValues="UPDATED_NEW",
    )
    return int(found["Attributes"]["count"])


def in_an_object():
    seen, condition = 0, {"IfNoneMatch": "*"}
    try:
        found = s3.get_object(Bucket=bucket, Key="count")
        seen, condition = int(found["Body"].read()), {"IfMatch": found["ETag"]}
    except s3.exceptions.NoSuchKey:
        pass
    s3.put_object(Bucket=bucket, Key="count", Body=str(seen + 1), **condition)
    return seen + 1


def in_redis():
    return redis().incr("count")


def redis():
    global client
    try:
        return client
    except NameError:
        from redis import Redis

        client = Redis.from_url(os.environ["REDIS_URL"])
        return client


WAYS = {
    "memory": in_memory,
    "DynamoDB, read then write": read_then_write,
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
            counted = WAYS[event["way"]]()
        except ClientError as error:
            if error.response["Error"]["Code"] not in TAKEN:
                raise
            continue
        return {"count": counted, "tries": tries, "ms": (time.perf_counter() - begin) * 1000}


def work(ms):
    """Compute for a while: what a request does besides counting."""
    until = time.perf_counter() + ms / 1000
    while time.perf_counter() < until:
        sum(range(1000))
