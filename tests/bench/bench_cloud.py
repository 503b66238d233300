"""How fast the local cloud is, against the least that must happen and against others who do the same.

Each contender runs in a process of its own, and they take turns. A queue is read by a function, and by a plain program.
"""

from __future__ import annotations

import contextlib
import functools
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from baselines import EVENT, REQUEST_ID, BareColdStart, BareLoop, BareWarm, ministack_python, served_per_second
from caller import MINISTACK, MOTO, MOTO_HERE, OURS, Caller
from rows import Row, in_turn, median_row, serve

ENVIRONMENTS = 16
BARE, LOOP, DIRECT = "bare awslambdaric", "bare socket loop", "invoke through boto3"
CONSUMER = "a program that reads it"
WHY_WARM = "the rest is boto3, HTTP and moto's routing: the next row, where nothing runs, takes nearly as long"
WHY_QUEUE = "both take ten messages at a time; the first batch waits for a cold start"
KNOWN = {
    ("cold", BARE): {"name": "cold start", "bound": 1.6},
    ("cold", MINISTACK): {"name": "cold start"},
    ("warm", BARE): {"name": "warm invocation", "note": WHY_WARM},
    ("warm", MOTO): {"name": "warm invocation", "bound": 1.5},
    ("warm", MOTO_HERE): {"name": "warm invocation"},
    ("warm", MINISTACK): {"name": "warm invocation"},
    ("door", DIRECT): {"name": "through a function URL", "bound": 1.5},
    ("queue", CONSUMER): {"name": "messages of a queue", "more": True, "note": WHY_QUEUE},
    ("api", LOOP): {"name": f"Runtime API, {ENVIRONMENTS} runtimes", "more": True, "bound": 0.6},
}
UNITS = {"cold": "ms", "warm": "ms", "door": "ms", "queue": "messages/s", "api": "calls/s"}
TURNS = {"cold": (25, 3), "warm": (400, 20), "door": (400, 20), "queue": (5, 1), "api": (5, 0)}


class OurRuntimeApi:
    """The local cloud's Runtime API with as many environments, each getting the same event for ever."""

    def __init__(self, environments: int) -> None:
        from helpers.cloud.loop import Loop
        from helpers.cloud.runtime_api import Line, event_message

        self.served = 0
        self._loop = Loop()
        headers = {
            "Lambda-Runtime-Deadline-Ms": "4102444800000",
            "Lambda-Runtime-Invoked-Function-Arn": "arn:aws:lambda:eu-central-1:123456789012:function:bench",
        }
        message = event_message(REQUEST_ID, headers, EVENT)

        class Environment:
            line: Line

            def on_next(mine) -> None:
                mine.line.send(REQUEST_ID, message)

            def on_response(mine, request_id: str, body: bytes, size: int) -> None:
                self.served += 1

        self._lines = []
        for _ in range(environments):
            listener = Environment()
            listener.line = Line(self._loop, listener)
            self._lines.append(listener.line)
        self.addresses = [line.address for line in self._lines]

    def stop(self) -> None:
        """Close every port and end the thread."""
        for line in self._lines:
            self._loop.run_here(line.close)
        self._loop.stop()


def throughput(make: Callable[[int], BareLoop | OurRuntimeApi], seconds: float) -> Callable[[], float]:
    """Return a call that serves 16 tiny runtimes for a while and gives the invocations in a second."""

    def once() -> float:
        server = make(ENVIRONMENTS)
        try:
            return served_per_second(server.addresses, lambda: server.served, seconds)
        finally:
            server.stop()

    return once


def contenders(stack: contextlib.ExitStack, folder: Path, seconds: float) -> dict[str, dict[str, Callable[[], float]]]:
    """Start everyone; return what to call for each row, ours first."""
    python = ministack_python(folder)
    if python is None:
        print("ministack is left out: it cannot be installed here.", flush=True)
    clouds = [OURS, MOTO, MOTO_HERE, *([MINISTACK] if python else [])]
    callers = {cloud: stack.enter_context(Caller(cloud, python)) for cloud in clouds}
    ask = {
        (cloud, row): functools.partial(one.measure, row)
        for cloud, one in callers.items()
        for row in (*UNITS, "consumer")
    }
    bare = stack.enter_context(BareWarm(folder))
    return {
        "cold": {OURS: ask[OURS, "cold"], BARE: BareColdStart(folder), **_of(MINISTACK, "cold", ask)},
        "warm": {OURS: ask[OURS, "warm"], BARE: bare}
        | {MOTO: ask[MOTO, "warm"], MOTO_HERE: ask[MOTO_HERE, "warm"], **_of(MINISTACK, "warm", ask)},
        "door": {OURS: ask[OURS, "door"], DIRECT: ask[OURS, "warm"]},
        "queue": {OURS: ask[OURS, "queue"], CONSUMER: ask[OURS, "consumer"]},
        "api": {OURS: throughput(OurRuntimeApi, seconds), LOOP: throughput(BareLoop, seconds)},
    }


def _of(cloud: str, row: str, ask: dict[tuple[str, str], Callable[[], float]]) -> dict[str, Callable[[], float]]:
    return {cloud: ask[cloud, row]} if (cloud, row) in ask else {}


def rows(quick: bool) -> Iterator[Row]:
    """Let everyone take turns."""
    with tempfile.TemporaryDirectory(prefix="bench-cloud-") as folder, contextlib.ExitStack() as stack:
        for row, calls in contenders(stack, Path(folder), 0.5 if quick else 1.5).items():
            turns, warm_up = TURNS[row]
            taken = in_turn(calls, max(2, turns // 10) if quick else turns, warm_up)
            for baseline, values in taken.items():
                if (row, baseline) in KNOWN:
                    yield median_row(taken[OURS], values, unit=UNITS[row], baseline=baseline, **KNOWN[row, baseline])


if __name__ == "__main__":
    serve(rows)
