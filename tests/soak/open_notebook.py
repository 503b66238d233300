"""What the kernel of an open notebook does in `soak_open_notebook.py`: a cloud that is up, and traffic that flows.

Every second or so: an invocation through boto3, a call of a function URL, a message on a queue that a function reads.
Every minute: a schedule and a rule. :func:`facts` tells what came of it; :func:`begin` and :func:`came` are for work
that is under way when the kernel is stopped.
"""

from __future__ import annotations

import json
import sys
import threading
import time
import urllib.request
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

from conftest import Workshop  # noqa: E402

from helpers.cloud import LocalCloud  # noqa: E402

OFF = {"Mode": "OFF"}
ECHO = "def handler(event, context):\n    return event\n"
READ = "def handler(event, context):\n    print(len(event['Records']), 'records')\n"
TICK = "def handler(event, context):\n    return 'tick'\n"
# In slices, so that only time in which this process runs counts as work.
WORK = """
import time

def handler(event, context):
    for _ in range(int(event["seconds"] * 20)):
        time.sleep(0.05)
    return event
"""


class Flow:
    """Traffic of one kind, so often a second, on a thread of its own."""

    def __init__(self, name: str, every_s: float, send: Callable[[int], object]) -> None:
        self.name, self._every_s, self._send = name, every_s, send
        self.done, self.slowest_ms = Counter(), 0.0
        self.running = True
        threading.Thread(target=self._run, name=f"traffic-{name}", daemon=True).start()

    def _run(self) -> None:
        number = 0
        while self.running:
            number += 1
            began = time.monotonic()
            try:
                self._send(number)
                self.done["right"] += 1
            except Exception as error:  # told, not raised: the traffic goes on
                self.done[f"{type(error).__name__}: {error}"[:200]] += 1
            self.slowest_ms = max(self.slowest_ms, (time.monotonic() - began) * 1000)
            time.sleep(self._every_s)


class Notebook:
    """The open notebook's state: its cloud, its functions, its traffic."""

    def __init__(self) -> None:
        self.cloud = LocalCloud.start()
        self.shop = shop = Workshop()
        self._under_way: dict[str, dict[str, Any]] = {}
        role = shop.role.rpartition("/")[2]
        rights = {"Effect": "Allow", "Action": ["sqs:*"], "Resource": "*"}
        document = json.dumps({"Version": "2012-10-17", "Statement": [rights]})
        boto3.client("iam").put_role_policy(RoleName=role, PolicyName="read", PolicyDocument=document)
        echo, door, reader, self.tick = (shop.make(source) for source in (ECHO, ECHO, READ, TICK))
        url = self._door(door)
        sqs = boto3.client("sqs")
        queue = sqs.create_queue(QueueName="orders")["QueueUrl"]
        arn = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
        shop.client.create_event_source_mapping(EventSourceArn=arn, FunctionName=reader, BatchSize=10)
        self._schedule()
        self.flows = [
            Flow("boto3", 0.5, lambda number: _same(shop.call(echo, number), number)),
            Flow("function URL", 1.0, lambda number: _same(_ask(url, number), number)),
            Flow("queue", 1.0, lambda number: sqs.send_message(QueueUrl=queue, MessageBody=str(number))),
        ]

    def _door(self, name: str) -> str:
        for statement, action in (("url", "lambda:InvokeFunctionUrl"), ("function", "lambda:InvokeFunction")):
            self.shop.client.add_permission(FunctionName=name, StatementId=statement, Action=action, Principal="*")
        return self.shop.client.create_function_url_config(FunctionName=name, AuthType="NONE")["FunctionUrl"]

    def _schedule(self) -> None:
        arn = f"arn:aws:lambda:us-east-1:123456789012:function:{self.tick}"
        target = {"Arn": arn, "RoleArn": "arn:aws:iam::123456789012:role/scheduler"}
        boto3.client("scheduler").create_schedule(
            Name="tick", ScheduleExpression="rate(1 minute)", FlexibleTimeWindow=OFF, Target=target
        )
        self.shop.permit(self.tick, "events.amazonaws.com")
        events = boto3.client("events")
        events.put_rule(Name="tock", ScheduleExpression="rate(1 minute)")
        events.put_targets(Rule="tock", Targets=[{"Id": "1", "Arn": arn}])

    def begin(self, label: str, seconds: float, timeout_s: int) -> None:
        """Invoke a function that works for so many seconds, and don't wait for it."""
        name = self.shop.make(WORK, Timeout=timeout_s)
        self._under_way[label] = {"function": name}

        # A client that gives up after a minute, as boto3's do, would not wait for a kernel that was stopped for one.
        patient = boto3.client("lambda", config=Config(read_timeout=900, retries={"total_max_attempts": 1}))

        def work() -> None:
            patient.invoke(FunctionName=name, Payload=json.dumps({"seconds": seconds}))["Payload"].read()
            self.shop.client.delete_function(FunctionName=name)
            self._under_way[label]["ended"] = True

        threading.Thread(target=work, name=f"under way: {label}", daemon=True).start()

    def came(self) -> dict[str, Any]:
        """Return what came of the work that was begun: status and duration of each, none while it goes on."""
        ended = {label: "ended" in one for label, one in self._under_way.items()}
        records = self.cloud.invocations().set_index("function")
        return {
            label: _told(records.loc[one["function"]]) if ended[label] else None
            for label, one in self._under_way.items()
        }

    def facts(self) -> dict[str, Any]:
        """Return what the traffic and the cloud have to tell."""
        records = self.cloud.invocations()
        ticks = sorted(records.loc[records["function"] == self.tick, "started_s"])
        for flow in self.flows:
            slowest, flow.slowest_ms = flow.slowest_ms, 0.0
            flow.done["slowest_ms"] = round(slowest)
        return {
            "invocations": len(records),
            "statuses": records["status"].value_counts().to_dict(),
            "environments": int((self.cloud.environments()["state"] != "stopped").sum()),
            "flows": {flow.name: dict(flow.done) for flow in self.flows},
            "ticks": ticks,
            "problems": self.cloud.problems()["cause"].tolist(),
        }


def _same(answer: Any, number: int) -> None:
    if answer != number:
        raise AssertionError(f"asked with {number}, got {answer}")


def _ask(url: str, number: int) -> int:
    with urllib.request.urlopen(f"{url}?number={number}", timeout=120) as reply:
        return int(json.load(reply)["queryStringParameters"]["number"])


def _told(record: Any) -> dict[str, Any]:
    return {"status": record["status"], "duration_ms": round(float(record["duration_ms"]))}
