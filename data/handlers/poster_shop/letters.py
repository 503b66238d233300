"""Orders that come through a queue of SQS, a batch at a time; what is refused goes back. Environment: TABLE."""

import json
import os

from orders_dynamodb import Orders
from shop import Refused, Shop

shop = Shop(Orders(os.environ["TABLE"]))


def handler(event, context):
    failed = []
    for record in event["Records"]:
        try:
            shop.order(**json.loads(record["body"]))
        except (Refused, TypeError, ValueError):
            failed.append({"itemIdentifier": record["messageId"]})
    return {"batchItemFailures": failed}
