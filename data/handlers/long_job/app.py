"""A long job in pieces: fingerprints of the archive's pictures, some hundredths of a second of computing each.

Four handlers for four ways to run it: ``whole`` in one go, ``from_queue`` a message of SQS for each piece, ``part`` a
range of pieces for a state machine, and ``go_on``, which saves how far it came and calls itself before its time is up.
Environment: TABLE (key: id), where each piece notes its result.
"""

import hashlib
import json
import os

import boto3

table = boto3.resource("dynamodb").Table(os.environ["TABLE"])
ENOUGH_MS = 700


def whole(event, context):
    return part({**event, "first": 0, "end": event["pieces"]}, context)


def part(event, context):
    for number in range(event["first"], event["end"]):
        piece(event["job"], number, event.get("broken"))
    return event["end"] - event["first"]


def from_queue(event, context):
    for record in event["Records"]:
        asked = json.loads(record["body"])
        piece(asked["job"], asked["number"], asked.get("broken"))


def go_on(event, context):
    job, at_most = event["job"], event.get("at_most", 10_000)
    number = int(table.get_item(Key={"id": job}).get("Item", {}).get("next", 0))
    while number < event["pieces"] and at_most and context.get_remaining_time_in_millis() > ENOUGH_MS:
        piece(job, number, event.get("broken"))
        number, at_most = number + 1, at_most - 1
        table.put_item(Item={"id": job, "next": number})
    if number < event["pieces"] and event.get("calls_itself", True):
        again = {"FunctionName": context.function_name, "InvocationType": "Event", "Payload": json.dumps(event)}
        boto3.client("lambda").invoke(**again)


def piece(job, number, broken=None):
    if number == broken:
        raise ValueError(f"picture {number} is no picture")
    found = hashlib.pbkdf2_hmac("sha256", str(number).encode(), b"archive", 20_000).hex()
    table.put_item(Item={"id": f"{job}/{number}", "fingerprint": found})
