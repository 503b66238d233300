"""What tests of events have in common: a function that writes down what it hears, and a queue that can be read."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import boto3

HEAR = """
import json, os

def handler(event, context):
    with open(os.environ["HEARD"], "a") as heard:
        heard.write(json.dumps(event) + chr(10))
    return {"thanks": True}
"""


def arn_of(name: str) -> str:
    """Return the ARN of a function of this account, whether there is one or not."""
    return f"arn:aws:lambda:us-east-1:123456789012:function:{name}"


class Ear:
    """A function, and what it has heard since it last forgot."""

    def __init__(self, cloud: Any, workshop: Any, written: Path) -> None:
        self._cloud, self._written = cloud, written
        self.function = workshop.make(HEAR, Environment={"Variables": {"HEARD": str(written)}})
        self.arn = arn_of(self.function)

    def heard(self) -> list[Any]:
        """Return the events in order, once nothing is on its way any more."""
        self._cloud.settle()
        return self.so_far()

    def so_far(self) -> list[Any]:
        """Return the events that came until now."""
        return [json.loads(line) for line in self._written.read_text().splitlines()]

    def forget(self) -> None:
        """Begin anew, without what is still on its way."""
        self._cloud.settle()
        self._written.write_text("")


class Queue:
    """A queue and its messages, each of which stays."""

    def __init__(self, name: str) -> None:
        self._sqs = boto3.client("sqs")
        self._url = self._sqs.create_queue(QueueName=name)["QueueUrl"]
        answer = self._sqs.get_queue_attributes(QueueUrl=self._url, AttributeNames=["QueueArn"])
        self.arn = answer["Attributes"]["QueueArn"]

    def read(self) -> list[dict]:
        """Return what lies in it."""
        found = self._sqs.receive_message(
            QueueUrl=self._url, MaxNumberOfMessages=10, MessageAttributeNames=["All"], VisibilityTimeout=0
        )
        return found.get("Messages", [])
