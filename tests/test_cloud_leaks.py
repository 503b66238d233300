"""Clouds that come and go leave this process as it was, and no invocation gets lost; `make soak` does more of both."""

from __future__ import annotations

import gc
import json
import os
import sys
import threading
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import psutil
import pytest

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="the local Lambda needs Linux or macOS")

WARM_UP, CYCLES = 3, 12  # moto's and boto3's caches fill in the first cycles
GROWTH_MAX_MB = 6
CALLERS, CALLS = 8, 50


def traces() -> dict[str, Any]:
    """Return what a cloud might leave in this process."""
    gc.collect()
    me = psutil.Process()
    return {
        "threads": sorted(one.name for one in threading.enumerate()),
        "descriptors": me.num_fds(),
        "children": len(me.children(recursive=True)),
        "variables": dict(os.environ),
    }


@pytest.mark.thorough
def test_clouds_that_come_and_go_leave_nothing_in_the_process(start: Callable) -> None:
    from helpers.cloud import LocalCloud

    cloud, workshop = start()
    cloud.stop()

    def cycle(number: int) -> None:
        with LocalCloud() as cloud:
            folder, shop = cloud._engine.folder, type(workshop)()
            assert shop.call(shop.make("def handler(event, context): return event"), number) == number
            assert folder.exists()
        assert not folder.exists()

    for number in range(WARM_UP):
        cycle(number)
    before, memory = traces(), psutil.Process().memory_info().rss
    for number in range(CYCLES):
        cycle(number)
    after, growth = traces(), psutil.Process().memory_info().rss - memory
    assert after == before
    assert growth < GROWTH_MAX_MB * 1e6


@pytest.mark.thorough
def test_of_invocations_from_many_callers_none_is_lost(start: Callable) -> None:
    cloud, workshop = start()
    source = "def handler(event, context):\n    print('served', event)\n    return event\n"
    functions = [workshop.make(source) for _ in range(3)]

    def caller(number: int) -> list[tuple[str, int, Any]]:
        numbers = range(number * CALLS, (number + 1) * CALLS)
        names = [functions[one % len(functions)] for one in numbers]
        return [(name, one, workshop.call(name, one)) for name, one in zip(names, numbers, strict=True)]

    with ThreadPoolExecutor(CALLERS) as callers:
        answers = [answer for answers in callers.map(caller, range(CALLERS)) for answer in answers]

    assert [answer for _, _, answer in answers] == list(range(CALLERS * CALLS))
    records = cloud.invocations()
    assert set(records["status"]) == {"success"}
    assert records["request_id"].is_unique
    expected = Counter(name for name, _, _ in answers)
    assert records["function"].value_counts().to_dict() == expected
    for name in functions:
        served = sorted(json.loads(line.split()[1]) for line in all_messages(name) if line.startswith("served"))
        assert served == sorted(one for function, one, _ in answers if function == name)


def all_messages(name: str) -> list[str]:
    """Return every message of a function, however many pages they fill."""
    import boto3

    pages = boto3.client("logs").get_paginator("filter_log_events").paginate(logGroupName=f"/aws/lambda/{name}")
    return [event["message"] for page in pages for event in page["events"]]


def test_a_message_that_was_read_is_kept_nowhere(cloud: Any) -> None:
    import boto3
    from moto.sqs.models import Message

    sqs = boto3.client("sqs")
    queue = sqs.create_queue(QueueName="read-and-gone")["QueueUrl"]
    sqs.send_message(QueueUrl=queue, MessageBody="x")
    (message,) = sqs.receive_message(QueueUrl=queue)["Messages"]
    sqs.delete_message(QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"])
    gc.collect()
    assert not [one for one in gc.get_objects() if type(one) is Message]
