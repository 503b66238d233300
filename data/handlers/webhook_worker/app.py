"""Does the work of a webhook later, in its own time: reads the queue, and writes orders (key: id) to TABLE."""

import json
import os

import boto3
from aws_lambda_powertools.utilities.batch import BatchProcessor, EventType, process_partial_response

processor = BatchProcessor(event_type=EventType.SQS)
orders = boto3.resource("dynamodb").Table(os.environ["TABLE"])


def work(record):
    event = json.loads(record.body)
    orders.put_item(Item={"id": event["id"], "type": event.get("type", ""), "message": record.message_id})


def handler(event, context):
    # One message that fails comes again alone; the others are done.
    return process_partial_response(event=event, record_handler=work, processor=processor, context=context)
