"""Takes GitHub's webhooks: checks the signature, hands the event to a queue, and answers at once.

GitHub signs the body alone: no time, and not the delivery's id. What was signed once is valid for ever, hence the
signature itself is what TABLE (key: id) remembers. Environment: GITHUB_SECRET, QUEUE_URL, TABLE.
"""

import base64
import hashlib
import hmac
import json
import os

import boto3
from aws_lambda_powertools.utilities.idempotency import (
    DynamoDBPersistenceLayer,
    IdempotencyConfig,
    idempotent_function,
)

sqs = boto3.client("sqs")
config = IdempotencyConfig(expires_after_seconds=7 * 24 * 3600)
handed_over = DynamoDBPersistenceLayer(table_name=os.environ["TABLE"])


def handler(event, context):
    config.register_lambda_context(context)
    body = base64.b64decode(event["body"]) if event.get("isBase64Encoded") else (event.get("body") or "").encode()
    headers = {name.lower(): value for name, value in event["headers"].items()}

    signature = headers.get("x-hub-signature-256", "")
    wanted = "sha256=" + hmac.new(os.environ["GITHUB_SECRET"].encode(), body, hashlib.sha256).hexdigest()
    if not hmac.compare_digest(wanted.encode(), signature.encode()):
        print("rejected: wrong signature")
        return answer(401, {"error": "wrong signature"})

    kind = headers.get("x-github-event", "")
    if kind == "ping":
        return answer(200, {"pong": True})
    message = json.dumps({"event": kind, "payload": json.loads(body)})
    first = hand_over(signature=signature, message=message, request_id=context.aws_request_id)
    return answer(202, {"received": True, "duplicate": first != context.aws_request_id})


@idempotent_function(data_keyword_argument="signature", persistence_store=handed_over, config=config)
def hand_over(*, signature, message, request_id):
    sqs.send_message(QueueUrl=os.environ["QUEUE_URL"], MessageBody=message)
    return request_id


def answer(status, content):
    return {"statusCode": status, "headers": {"content-type": "application/json"}, "body": json.dumps(content)}
