"""Who may be served now: AWS's limits on concurrency, on requests and on the rate at which environments come.

:class:`Admission` counts what is in flight and says no with AWS's reason. :mod:`helpers.cloud.service` asks it before
it chooses an environment, and holds its own lock meanwhile.
"""

from __future__ import annotations

import time
from collections import defaultdict
from dataclasses import dataclass, field

from helpers import tables
from helpers.cloud import memory
from helpers.cloud.calls import Call, Throttled
from helpers.cloud.machine import Function

RESERVED = "ReservedFunctionConcurrentInvocationLimitExceeded"
ACCOUNT = "ConcurrentInvocationLimitExceeded"
RATE = "FunctionInvocationRateLimitExceeded"
CALLER = "CallerRateLimitExceeded"


@dataclass(frozen=True)
class Limits:
    """Quotas and habits of the platform, AWS's own unless noted.

    Parameters
    ----------
    concurrency : environments that may serve at once, all functions together
    scaling_rate, scaling_window_s : new environments of one function within so many seconds, refilled continuously
    rate_cap_factor : invocations a second for each unit of concurrency
    keep_alive_s : how long an idle environment stays; AWS publishes no figure, and this one is ours
    init_timeout_s : time for INIT before it is repeated within the invocation
    max_environments : processes on this machine; ours, so that a learner's loop cannot exhaust it
    idle_bytes : what idle environments may hold together; ours: beyond it, the one that was idle for longest goes
    """

    concurrency: int = int(tables.limit("lambda.concurrency").max)
    scaling_rate: float = tables.limit("lambda.scaling_rate").max
    scaling_window_s: float = tables.limit("lambda.scaling_window").max
    rate_cap_factor: float = tables.limit("lambda.request_rate_factor").max
    keep_alive_s: float = 600.0
    init_timeout_s: float = tables.limit("lambda.init_timeout").max
    max_environments: int = 200
    idle_bytes: int = field(default_factory=memory.idle_bytes)


@dataclass
class Bucket:
    """Tokens that refill at a steady rate, up to a limit."""

    capacity: float
    per_s: float
    level: float = field(init=False)
    at_s: float = field(init=False)

    def __post_init__(self) -> None:
        self.level, self.at_s = self.capacity, time.monotonic()

    def take(self) -> bool:
        """Take one token; say whether there was one."""
        now = time.monotonic()
        self.level = min(self.capacity, self.level + (now - self.at_s) * self.per_s)
        self.at_s = now
        if self.level < 1:
            return False
        self.level -= 1
        return True


class Admission:
    """What is in flight, and what may still come.

    Parameters
    ----------
    limits : quotas
    """

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._in_flight: dict[str, int] = defaultdict(int)  # by function
        self._reserved_in_flight = 0
        self._new: dict[str, Bucket] = {}
        self._requests: Bucket | None = None
        if limits.rate_cap_factor is not None:
            rate = max(1.0, limits.rate_cap_factor * limits.concurrency)
            self._requests = Bucket(rate, rate)

    def check(self, call: Call) -> None:
        """Throttle where a limit on concurrency or on requests is reached."""
        serving = self._in_flight[call.function.arn]
        if call.reserved is not None:
            if serving >= call.reserved:
                raise Throttled(RESERVED)
        else:
            unreserved = sum(self._in_flight.values()) - self._reserved_in_flight
            if unreserved >= self._limits.concurrency - call.reserved_elsewhere:
                raise Throttled(ACCOUNT)
        if self._requests and not self._requests.take():
            raise Throttled(CALLER)

    def check_new(self, function: Function) -> None:
        """Throttle where a new environment would come too soon after others."""
        rate, window = self._limits.scaling_rate, self._limits.scaling_window_s
        if rate is not None and not self._new.setdefault(function.arn, Bucket(rate, rate / window)).take():
            raise Throttled(RATE)

    def enter(self, call: Call) -> None:
        """Count an invocation that begins."""
        self._in_flight[call.function.arn] += 1
        self._reserved_in_flight += call.reserved is not None

    def leave(self, call: Call) -> None:
        """Stop counting it."""
        self._in_flight[call.function.arn] -= 1
        self._reserved_in_flight -= call.reserved is not None
