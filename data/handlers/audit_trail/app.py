"""Keeps what happened to a table: each change that its stream reports becomes an object in the bucket TRAIL.

The key is the change's own place in the stream, so that a record that comes twice is written to the same object.
"""

import json
import os
from datetime import UTC, datetime

import boto3
from aws_lambda_powertools.utilities.batch import BatchProcessor, EventType, process_partial_response

s3 = boto3.client("s3")
processor = BatchProcessor(event_type=EventType.DynamoDBStreams)


def keep(record):
    change = record.dynamodb
    when = datetime.fromtimestamp(change.approximate_creation_date_time, UTC)
    entry = {
        "when": when.isoformat(),
        "what": record.event_name.name,
        "keys": change.keys,
        "before": change.old_image,
        "after": change.new_image,
    }
    table = record.event_source_arn.split("/")[1]
    key = f"{table}/{when:%Y/%m/%d}/{change.sequence_number}.json"
    s3.put_object(Bucket=os.environ["TRAIL"], Key=key, Body=json.dumps(entry, default=str).encode())


def handler(event, context):
    # A change that can't be kept is where the next attempt begins; what came before it is kept.
    return process_partial_response(event=event, record_handler=keep, processor=processor, context=context)
