"""What the platform allows, and who calls it: a function's settings, callers that retry, queues.

Defaults that are facts come from ``data/limits.csv``. How long an idle environment is kept is none: AWS doesn't say,
and published measurements lie around ten minutes.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from helpers import tables
from helpers.checks import choice, flag, in_words, number

ROUTINGS = ("newest", "random")
ENVIRONMENTS_MAX = 10_000_000  # far above any quota; a bound for typing errors


def _fact(slug: str) -> Any:
    return field(default_factory=lambda: tables.limit(slug).max)


def whole(name: str, value: Any, low: float = 0, high: float = ENVIRONMENTS_MAX) -> int:
    """Return a checked whole number."""
    checked = number(name, value, low, high)
    if not isinstance(checked, float) or checked != int(checked):
        raise ValueError(f"{name} must be a whole number between {in_words(low)} and {in_words(high)}, got {value!r}")
    return int(checked)


def _single(name: str, value: Any, low: float = 0.0, *, above: bool = False) -> None:
    if not isinstance(number(name, value, low, above=above), float):
        raise ValueError(f"{name} must be one number, got {value!r}; sweep tries several")


@dataclass(frozen=True)
class Platform:
    """One function on a platform that scales it.

    Attributes
    ----------
    keep_alive_s : how long an idle environment is kept; it is gone once it was idle for so long
    concurrency : environments that may run at once
    scaling_rate, scaling_window_s : new environments that may be created in one window of so many seconds. What is
        unused is refilled continuously and never exceeds one window's worth. ``scaling_rate=None``: no limit.
    rate_cap_factor : requests a second for each unit of concurrency, with one second's worth in hand.
        None: no limit.
    provisioned : environments that are warm from the start and stay. They serve first; what they cannot take spills
        over to environments on demand.
    reserved : concurrency set apart for this function, which is then its limit. 0 stops it.
    routing : which idle environment serves, ``"newest"`` (used last) or ``"random"``

    Raises
    ------
    ValueError
        Naming the parameter and its range.

    Examples
    --------
    >>> Platform().concurrency, Platform(reserved=50).limit
    (1000, 50)
    """

    keep_alive_s: float = 600
    concurrency: int = _fact("lambda.concurrency")
    scaling_rate: float | None = _fact("lambda.scaling_rate")
    scaling_window_s: float = _fact("lambda.scaling_window")
    rate_cap_factor: float | None = _fact("lambda.request_rate_factor")
    provisioned: int = 0
    reserved: int | None = None
    routing: str = "newest"

    def __post_init__(self) -> None:
        _single("keep_alive_s", self.keep_alive_s)
        whole("concurrency", self.concurrency, 1)
        if self.scaling_rate is not None:
            _single("scaling_rate", self.scaling_rate)
        _single("scaling_window_s", self.scaling_window_s, above=True)
        if self.rate_cap_factor is not None:
            _single("rate_cap_factor", self.rate_cap_factor, above=True)
        if self.reserved is not None:
            whole("reserved", self.reserved, 0, self.concurrency)
        whole("provisioned", self.provisioned, 0, self.limit)
        choice("routing", self.routing, ROUTINGS)

    @property
    def limit(self) -> int:
        """How many environments of this function may run at once."""
        return int(self.concurrency if self.reserved is None else self.reserved)

    @property
    def requests_per_s(self) -> float | None:
        """The highest rate of requests that is accepted for long, or None."""
        return None if self.rate_cap_factor is None else self.rate_cap_factor * self.limit


@dataclass(frozen=True)
class Retry:
    """Callers that try again when they are refused, and wait longer each time.

    The defaults are those of the AWS SDKs' standard mode: three attempts, a random wait of up to 1, 2, 4 ... s,
    20 s at most (https://docs.aws.amazon.com/sdkref/latest/guide/feature-retry-behavior.html).

    Attributes
    ----------
    attempts : tries in all, the first included
    first_wait_s, factor, longest_wait_s : the wait after the first refusal, by what it grows, and where it ends
    jitter : wait a random share of that, so that callers don't return together
    max_age_s : age at which a request is given up although attempts are left
    """

    attempts: int = 3
    first_wait_s: float = 1.0
    factor: float = 2.0
    longest_wait_s: float = 20.0
    jitter: bool = True
    max_age_s: float | None = None

    def __post_init__(self) -> None:
        whole("attempts", self.attempts, 1)
        number("first_wait_s", self.first_wait_s, above=True)
        number("factor", self.factor, 1, 100)
        number("longest_wait_s", self.longest_wait_s, above=True)
        flag("jitter", self.jitter)
        if self.max_age_s is not None:
            number("max_age_s", self.max_age_s)


@dataclass(frozen=True)
class Asynchronous:
    """Lambda's own queue of asynchronous events: a refused event is tried again after 1 s, 2 s, ... up to 5 minutes.

    Events are given up at ``max_age_s``, six hours unless set. The waits are those of the AWS Lambda Developer Guide,
    "Asynchronous invocation"; ``jitter`` spreads them, which the guide leaves open.
    """

    max_age_s: float = _fact("lambda.async.max_age")
    first_wait_s: float = 1.0
    longest_wait_s: float = 300.0
    jitter: bool = False

    def __post_init__(self) -> None:
        bounds = tables.limit("lambda.async.max_age")
        number("max_age_s", self.max_age_s, bounds.min, bounds.max)
        number("first_wait_s", self.first_wait_s, above=True)
        number("longest_wait_s", self.longest_wait_s, above=True)
        flag("jitter", self.jitter)


@dataclass(frozen=True)
class Pollers:
    """Lambda's pollers of an SQS queue: events wait in order, and are taken up as fast as pollers are added.

    While events wait, the invocations that may run at once grow from ``start`` by ``per_minute`` up to ``most``;
    they fall back to ``start`` when an event comes and nothing is running. Nothing is lost: who is not admitted waits.
    ``duration_ms`` of a simulation is then the time of one invocation, which takes a whole batch.

    Attributes
    ----------
    start, per_minute, most : concurrent invocations
    batch_size : events that one invocation takes, if so many are waiting
    """

    start: int = _fact("lambda.sqs.concurrency_start")
    per_minute: float = _fact("lambda.sqs.concurrency_ramp")
    most: int = _fact("lambda.sqs.concurrency")
    batch_size: int = field(default_factory=lambda: tables.limit("lambda.sqs.batch_size").default)

    def __post_init__(self) -> None:
        whole("start", self.start, 1)
        number("per_minute", self.per_minute)
        whole("most", self.most, self.start)
        bounds = tables.limit("lambda.sqs.batch_size")
        whole("batch_size", self.batch_size, bounds.min, bounds.max)
