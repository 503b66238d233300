"""Counts objects that come into a bucket; an event that is delivered twice counts once.

Environment: COUNTS (key: id), which is counted up, and TABLE (key: id), which remembers what was done.
"""

import os
from urllib.parse import unquote_plus

import boto3
from aws_lambda_powertools.utilities.idempotency import (
    DynamoDBPersistenceLayer,
    IdempotencyConfig,
    idempotent_function,
)

counts = boto3.resource("dynamodb").Table(os.environ["COUNTS"])
config = IdempotencyConfig(expires_after_seconds=3600)
done = DynamoDBPersistenceLayer(table_name=os.environ["TABLE"])


def handler(event, context):
    config.register_lambda_context(context)
    for record in event["Records"]:
        about = record["s3"]
        # The sequencer tells two uploads of one key apart; a duplicate has the same.
        one = {"bucket": about["bucket"]["name"], "key": about["object"]["key"], "at": about["object"]["sequencer"]}
        count(upload=one)


@idempotent_function(data_keyword_argument="upload", persistence_store=done, config=config)
def count(*, upload):
    counts.update_item(
        Key={"id": unquote_plus(upload["key"])},
        UpdateExpression="ADD uploads :one",
        ExpressionAttributeValues={":one": 1},
    )
    return upload["key"]
