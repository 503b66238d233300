"""The rules of scaling once more, as slowly and plainly as they can be written, to hold the fast simulator against.

No heap of environments, no stack, no grid: every event looks at every environment.
"""

from __future__ import annotations

import heapq
import math
from dataclasses import dataclass

import numpy as np

from helpers.scaling import Platform, Retry


@dataclass
class Environment:
    name: int
    born_s: float
    provisioned: bool
    busy_until_s: float | None = None
    idle_since_s: float = -1.0
    gone_s: float = math.inf


@dataclass
class Bucket:
    """Tokens that are refilled continuously."""

    size: float
    per_s: float

    def __post_init__(self) -> None:
        self.tokens, self.at_s = self.size, 0.0

    def now_has_one(self, t: float) -> bool:
        self.tokens, self.at_s = min(self.size, self.tokens + (t - self.at_s) * self.per_s), t
        return self.tokens >= 1 - 1e-9


@dataclass
class Outcome:
    rows: list[tuple]  # time_s, start_s, end_s, environment, status
    environments: list[Environment]
    busy: list[tuple[float, float]]
    refusals: int
    peak_environments: int
    period_s: float

    def mean(self, spans) -> float:
        return sum(max(min(end, self.period_s) - start, 0) for start, end in spans) / self.period_s

    @property
    def mean_environments(self) -> float:
        return self.mean((e.born_s, e.gone_s) for e in self.environments)

    @property
    def mean_running(self) -> float:
        return self.mean(self.busy)


def play(times, durations_ms, inits_ms, platform: Platform, duration_s: float, callers=None, routes=None) -> Outcome:
    retry = callers or Retry(attempts=1)
    everybody = [Environment(name, 0.0, True) for name in range(platform.provisioned)]
    ready = everybody[::-1]  # provisioned and idle, the one to use next at the end
    new_ones = Bucket(platform.scaling_rate or 0, (platform.scaling_rate or 0) / platform.scaling_window_s)
    calls = Bucket(platform.requests_per_s or 0, platform.requests_per_s or 0)
    events = [(t, False, number, 0) for number, t in enumerate(times)]
    heapq.heapify(events)
    rows, busy, refusals, t = [None] * len(times), [], 0, 0.0
    peak = len(everybody)
    routes = iter(routes if routes is not None else ())

    def look_around(t):
        """Who has finished, and who is gone?"""
        finished = [e for e in everybody if e.busy_until_s is not None and e.busy_until_s <= t]
        for e in sorted(finished, key=lambda e: (e.busy_until_s, e.name)):
            e.idle_since_s, e.busy_until_s = e.busy_until_s, None
            if e.provisioned:
                ready.append(e)
        for e in everybody:
            idle = e.busy_until_s is None and not e.provisioned
            if idle and e.gone_s == math.inf and e.idle_since_s + platform.keep_alive_s <= t:
                e.gone_s = e.idle_since_s + platform.keep_alive_s

    def choose(t):
        """Return an environment, whether it is new, and the reason if there is none."""
        if platform.rate_cap_factor is not None and platform.limit and not calls.now_has_one(t):
            return None, "throttled: rate"
        if ready:
            return ready.pop(), "warm"
        idle = [e for e in everybody if e.busy_until_s is None and not e.provisioned and e.gone_s == math.inf]
        idle.sort(key=lambda e: (e.idle_since_s, e.name))
        if idle:
            return idle[int(next(routes) * len(idle)) if platform.routing == "random" else -1], "warm"
        if sum(e.busy_until_s is not None for e in everybody) >= platform.limit:
            return None, "throttled: concurrency"
        if platform.scaling_rate is not None:
            if not new_ones.now_has_one(t):
                return None, "throttled: scaling"
            new_ones.tokens = max(new_ones.tokens - 1, 0)
        everybody.append(Environment(len(everybody), t, False))
        return everybody[-1], "cold"

    while events:
        t, _, number, attempt = heapq.heappop(events)
        look_around(t)
        environment, status = choose(t)
        if environment is None:
            refusals += 1
            wait = min(retry.longest_wait_s, retry.first_wait_s * retry.factor**attempt)
            in_time = retry.max_age_s is None or t + wait - times[number] <= retry.max_age_s
            if attempt + 1 < retry.attempts and in_time:
                heapq.heappush(events, (t + wait, True, number, attempt + 1))
            else:
                rows[number] = (times[number], t, t, -1, status)
            continue
        if platform.rate_cap_factor is not None:
            calls.tokens = max(calls.tokens - 1, 0)
        ms = durations_ms[number] + (inits_ms[number] if status == "cold" else 0)
        environment.busy_until_s = t + ms / 1000
        busy.append((t, t + ms / 1000))
        rows[number] = (times[number], t, t + ms / 1000, environment.name, status)
        peak = max(peak, sum(e.gone_s == math.inf for e in everybody))
    period_s = max(duration_s, t)
    look_around(period_s)
    return Outcome(rows, everybody, busy, refusals, peak, period_s)


def most_at_once(spans) -> int:
    """Return how many spans overlap at most; one that ends when another begins makes room for it."""
    changes = sorted([(start, 1) for start, _ in spans] + [(end, -1) for _, end in spans])
    return int(np.max(np.cumsum([change for _, change in changes]))) if changes else 0
