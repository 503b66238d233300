"""Takes Stripe's webhooks: checks signature and age, hands the event to a queue, and answers at once.

Environment: STRIPE_SECRET, QUEUE_URL, and TABLE (key: id), which remembers the events that were handed over.
"""

import base64
import hashlib
import hmac
import json
import os
import time

import boto3
from aws_lambda_powertools.utilities.idempotency import (
    DynamoDBPersistenceLayer,
    IdempotencyConfig,
    idempotent_function,
)

TOLERANCE_S = 300

sqs = boto3.client("sqs")
config = IdempotencyConfig(expires_after_seconds=24 * 3600)
handed_over = DynamoDBPersistenceLayer(table_name=os.environ["TABLE"])


def handler(event, context):
    config.register_lambda_context(context)
    body = base64.b64decode(event["body"]) if event.get("isBase64Encoded") else (event.get("body") or "").encode()
    headers = {name.lower(): value for name, value in event["headers"].items()}

    fault = find_fault(headers.get("stripe-signature", ""), body)
    if fault:
        print(f"rejected: {fault}")
        return answer(400, {"error": fault})

    first = hand_over(event_id=json.loads(body)["id"], body=body.decode(), request_id=context.aws_request_id)
    return answer(200, {"received": True, "duplicate": first != context.aws_request_id})


def find_fault(header, body):
    parts = [part.split("=", 1) for part in header.split(",") if "=" in part]
    timestamp = next((value for name, value in parts if name == "t"), "")
    signatures = [value for name, value in parts if name == "v1"]  # two of them while the secret is changed
    if not (timestamp.isdigit() and signatures):
        return "no signature"
    wanted = hmac.new(os.environ["STRIPE_SECRET"].encode(), timestamp.encode() + b"." + body, hashlib.sha256)
    # compare_digest takes as long for a good guess as for a bad one.
    if not any(hmac.compare_digest(wanted.hexdigest().encode(), one.encode()) for one in signatures):
        return "wrong signature"
    if abs(time.time() - int(timestamp)) > TOLERANCE_S:
        return "too old"
    return None


@idempotent_function(data_keyword_argument="event_id", persistence_store=handed_over, config=config)
def hand_over(*, event_id, body, request_id):
    sqs.send_message(QueueUrl=os.environ["QUEUE_URL"], MessageBody=body)
    return request_id


def answer(status, content):
    return {"statusCode": status, "headers": {"content-type": "application/json"}, "body": json.dumps(content)}
