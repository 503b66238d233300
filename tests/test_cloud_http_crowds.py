"""Many requests at once: none is lost, and what is refused is refused as AWS would."""

from __future__ import annotations

import json
import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import requests
from http_callers import Gateways

pytestmark = pytest.mark.thorough

CROWD = 200
SOURCE = "import json\ndef handler(event, context): return json.loads(event['queryStringParameters']['number'])\n"


def crowd(url: str, count: int = CROWD) -> list[tuple[int, str]]:
    """Ask from so many threads at the same moment; return statuses and bodies in the order of the numbers."""
    together = threading.Barrier(count)

    def one(number: int) -> tuple[int, str]:
        together.wait(60)
        reply = requests.get(url, params={"number": number}, timeout=60)
        return reply.status_code, reply.text

    with ThreadPoolExecutor(count) as callers:
        return list(callers.map(one, range(count)))


def test_of_a_crowd_everybody_is_served_though_the_machine_has_fewer_places(start: Any) -> None:
    cloud, workshop = start(max_environments=4)
    url = Gateways(workshop, cloud).url(SOURCE)
    assert crowd(url) == [(200, str(number)) for number in range(CROWD)]
    assert len(cloud.environments()) <= 4


def test_beyond_the_servers_connections_a_crowd_waits_in_line(start: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("helpers.cloud.server.CONNECTIONS_MAX", 10)
    cloud, workshop = start(max_environments=2)
    url = Gateways(workshop, cloud).url(SOURCE)
    assert crowd(url, 60) == [(200, str(number)) for number in range(60)]


def test_beyond_the_accounts_concurrency_a_crowd_is_throttled_and_nobody_lost(start: Any) -> None:
    cloud, workshop = start(concurrency=2, max_environments=50)
    url = Gateways(workshop, cloud).url(SOURCE.replace("return", "import time; time.sleep(0.2); return"))
    replies = crowd(url, 50)
    statuses = Counter(status for status, _ in replies)
    assert set(statuses) == {200, 429}
    assert {json.loads(text)["Reason"] for status, text in replies if status == 429} == {
        "ConcurrentInvocationLimitExceeded"
    }
    assert Counter(cloud.invocations()["status"]) == {"success": statuses[200], "throttled": statuses[429]}
