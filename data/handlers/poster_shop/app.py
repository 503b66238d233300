"""The shop as a function behind an HTTP API or a function URL. Environment: TABLE (key: id)."""

import json
import os

from orders_dynamodb import Orders
from shop import Shop
from web import answer

shop = Shop(Orders(os.environ["TABLE"]))


def handler(event, context):
    method, path = event["requestContext"]["http"]["method"], event["rawPath"]
    status, found = answer(shop, method, path, event.get("body"))
    return {"statusCode": status, "body": json.dumps(found)}
