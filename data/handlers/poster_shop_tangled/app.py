"""The poster shop written straight into the handler. Environment: TABLE (key: id)."""

import json
import os

import boto3

table = boto3.resource("dynamodb").Table(os.environ["TABLE"])


def handler(event, context):
    number = event["rawPath"].removeprefix("/orders/")
    if event["requestContext"]["http"]["method"] == "GET":
        found = table.get_item(Key={"id": number}).get("Item")
        if not found:
            return {"statusCode": 404, "body": json.dumps({"error": f"no order {number}"})}
        return {"statusCode": 200, "body": found["order"]}
    asked = json.loads(event["body"])
    cents = {"small": 1200, "large": 2000}.get(asked["size"])
    if cents is None:
        return {"statusCode": 400, "body": json.dumps({"error": "size must be small or large"})}
    cents *= asked["copies"]
    if asked["copies"] >= 10:
        cents = cents * 85 // 100
    order = json.dumps({"number": number, **asked, "cents": cents})
    table.put_item(Item={"id": number, "order": order})
    return {"statusCode": 200, "body": order}
