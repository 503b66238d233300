"""Takes Twilio's messages: checks the signature, hands the message to a queue, and answers in TwiML.

Twilio signs the address that it called, hence the function must know it: PUBLIC_URL, where something stands before the
function, otherwise what the request says. Environment: TWILIO_TOKEN, QUEUE_URL, TABLE (key: id), PUBLIC_URL.
"""

import base64
import hashlib
import hmac
import json
import os
from urllib.parse import parse_qsl

import boto3
from aws_lambda_powertools.utilities.idempotency import (
    DynamoDBPersistenceLayer,
    IdempotencyConfig,
    idempotent_function,
)

sqs = boto3.client("sqs")
config = IdempotencyConfig(expires_after_seconds=24 * 3600)
handed_over = DynamoDBPersistenceLayer(table_name=os.environ["TABLE"])


def handler(event, context):
    config.register_lambda_context(context)
    body = base64.b64decode(event["body"]).decode() if event.get("isBase64Encoded") else event.get("body") or ""
    headers = {name.lower(): value for name, value in event["headers"].items()}
    form = parse_qsl(body, keep_blank_values=True)

    signature = headers.get("x-twilio-signature", "")
    if not hmac.compare_digest(sign(address(event), form).encode(), signature.encode()):
        print("rejected: wrong signature")
        return {"statusCode": 403, "body": "wrong signature"}

    hand_over(signature=signature, message=json.dumps(dict(form)))
    return {"statusCode": 200, "headers": {"content-type": "text/xml"}, "body": "<Response/>"}


def address(event):
    query = f"?{event['rawQueryString']}" if event.get("rawQueryString") else ""
    if os.environ.get("PUBLIC_URL"):
        return os.environ["PUBLIC_URL"] + query
    return f"https://{event['requestContext']['domainName']}{event['rawPath']}{query}"


def sign(url, form):
    text = url + "".join(name + value for name, value in sorted(set(form)))
    digest = hmac.new(os.environ["TWILIO_TOKEN"].encode(), text.encode(), hashlib.sha1).digest()
    return base64.b64encode(digest).decode()


@idempotent_function(data_keyword_argument="signature", persistence_store=handed_over, config=config)
def hand_over(*, signature, message):
    sqs.send_message(QueueUrl=os.environ["QUEUE_URL"], MessageBody=message)
    return "handed over"
