"""Arrivals, played: each request is sent at its time, by callers who don't wait for one another.

:func:`play` is to a local cloud what :func:`helpers.scaling.simulate` is to a model of one: it takes when requests
come, and gives what was measured, together with how many environments there were all the while.
"""

from __future__ import annotations

import json
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Protocol

import boto3
import pandas as pd
from botocore.config import Config

from helpers.checks import number

MOST_CALLERS = 256
MOST_REQUESTS = 10_000  # some minutes at the pace of one machine; a bound for typing errors
THROTTLED = "TooManyRequestsException"


class Times(Protocol):
    """What has a period and times within it: arrivals of :mod:`helpers.scaling`."""

    duration_s: float

    @property
    def times_s(self) -> Any:
        """Seconds since the beginning, in ascending order."""


@dataclass(frozen=True, eq=False)
class Played:
    """What was measured while requests were sent.

    Attributes
    ----------
    invocations : this run's rows of ``cloud.invocations()``
    environments : environments of the function over time: time_s (0 is the first request), environments, running
    lives : this function's rows of ``cloud.environments()``, with ``stopped_s``, when each was first seen stopped
    late_ms : by how much the latest request was sent later than planned
    """

    invocations: pd.DataFrame
    environments: pd.DataFrame
    lives: pd.DataFrame
    late_ms: float


def play(
    cloud: Any,
    arrivals: Times,
    function: str,
    *,
    event: Any = None,
    callers: int = 64,
    watch_s: float = 0.1,
    rest_s: float = 0.0,
) -> Played:
    """Send a request at each arrival's time, and watch the environments.

    Parameters
    ----------
    cloud : a local cloud that is up
    arrivals : when requests come
    function : name of the function that they invoke
    event : what each of them brings
    callers : how many may wait for an answer at once; one more waits until one of them has it
    watch_s : how often environments are counted
    rest_s : how long to go on counting after the period and the last answer

    Returns
    -------
    Played
        A refused request is not tried again; it is in ``invocations`` as throttled.

    Raises
    ------
    ValueError
        For more requests than one machine should be asked to play, or none.
    """
    times = [float(at) for at in arrivals.times_s]
    if not 1 <= len(times) <= MOST_REQUESTS:
        raise ValueError(f"arrivals must hold between 1 and {MOST_REQUESTS} requests, got {len(times)}")
    callers = int(number("callers", callers, 1, MOST_CALLERS))
    number("watch_s", watch_s, 0.02, 10)
    number("rest_s", rest_s, 0, 600)
    config = Config(max_pool_connections=callers, retries={"max_attempts": 0})
    client = boto3.client("lambda", config=config)
    payload = json.dumps(event).encode()

    def call() -> None:
        try:
            client.invoke(FunctionName=function, Payload=payload)["Payload"].read()
        except client.exceptions.ClientError as error:
            if error.response["Error"]["Code"] != THROTTLED:
                raise

    before, late_s = len(cloud.invocations()), 0.0
    watch = _Watch(cloud, function, watch_s)
    with watch, ThreadPoolExecutor(callers, thread_name_prefix="caller") as pool:
        begin = time.monotonic()
        sent = []
        for at in times:
            time.sleep(max(0.0, begin + at - time.monotonic()))
            late_s = max(late_s, time.monotonic() - begin - at)
            sent.append(pool.submit(call))
        for one in sent:
            one.result()
        time.sleep(max(0.0, begin + arrivals.duration_s - time.monotonic()) + rest_s)
    frame = cloud.invocations().iloc[before:]
    frame = frame[frame["function"] == function].reset_index(drop=True)
    # The cloud's clock has a beginning of its own: the first request has a time on both.
    clock_s = float(frame["started_s"].min()) - (begin + times[0])
    return Played(frame, watch.frame(begin + times[0]), watch.lives(clock_s), round(late_s * 1000, 1))


class _Watch:
    """Counts a function's environments, again and again, in a thread of its own."""

    def __init__(self, cloud: Any, function: str, every_s: float) -> None:
        self._cloud, self._function, self._every_s = cloud, function, every_s
        self._seen: list[tuple[float, int, int]] = []
        self._stopped: dict[str, float] = {}
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._go, name="environments-watch", daemon=True)

    def __enter__(self) -> _Watch:
        self._look()  # what can't be counted here says so before anything is sent
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._done.set()
        self._thread.join()

    def frame(self, origin_s: float) -> pd.DataFrame:
        """Return what was seen since a moment of the monotonic clock."""
        rows = [(round(at - origin_s, 3), *counts) for at, *counts in self._seen if at >= origin_s]
        return pd.DataFrame(rows, columns=["time_s", "environments", "running"])

    def lives(self, clock_s: float) -> pd.DataFrame:
        """Return the environments with the moment at which each was seen stopped, on the cloud's clock."""
        frame = self._cloud.environments()
        frame = frame[frame["function"] == self._function].reset_index(drop=True)
        return frame.assign(stopped_s=frame["environment"].map(self._stopped).astype(float) + clock_s)

    def _go(self) -> None:
        while not self._done.wait(self._every_s):
            self._look()

    def _look(self) -> None:
        frame, now = self._cloud.environments(), time.monotonic()
        frame = frame[frame["function"] == self._function]
        stopped, working = frame["state"] == "stopped", frame["state"].isin(["busy", "initialising"])
        for name in frame.loc[stopped, "environment"]:
            self._stopped.setdefault(name, now)
        self._seen.append((now, int((~stopped).sum()), int(working.sum())))
