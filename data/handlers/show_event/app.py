"""Answers with the event that it got: what a front door makes of a request."""

import json


def handler(event, context):
    return {"statusCode": 200, "headers": {"content-type": "application/json"}, "body": json.dumps(event)}
