"""A month of one function: what it was asked, how it is configured, and how invocations become billed quantities.

The rules by which single invocations are counted stand here (a millisecond is rounded up, an event above 256 KB counts
several times); :mod:`helpers.pricing.functions` turns a month of them into a bill.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from helpers import tables
from helpers.checks import choice, number

ARCHITECTURES = ("x86_64", "arm64")
HOURS_A_MONTH = 730.0  # the month of AWS's own calculators: 365 × 24 / 12
LONGEST_MONTH_HOURS = 744.0
MB_A_GB = 1024.0
PROVISIONED_STEPS_AN_HOUR = 12  # billed in steps of five minutes
SNAPSTART_CACHE_HOURS_MIN = 3.0
FREE_PAYLOAD_KB, PAYLOAD_STEP_KB, PAYLOAD_MAX_KB = 256.0, 64.0, 1024.0


def round_up(value: Any) -> Any:
    """Round up, after nine decimals: 100.1 + 200.9 must not become 302 through binary noise."""
    return float(math.ceil(round(value, 9))) if isinstance(value, float) else np.ceil(np.round(value, 9))


def plain(value: Any) -> Any:
    """Return a float, or a float array: single numbers stay out of NumPy, where each step costs a microsecond."""
    if isinstance(value, (int, float)) or np.ndim(value) == 0:
        return float(value)
    return np.asarray(value, dtype=float)


def billed_duration_ms(duration_ms: Any, init_ms: Any = 0.0) -> Any:
    """Return the billed duration of one invocation: INIT and handler together, rounded up to the millisecond.

    Parameters
    ----------
    duration_ms : the handler's duration, above 0 and up to the timeout's maximum; a number or an array
    init_ms : the INIT phase of a cold start; 0 for a warm invocation

    Examples
    --------
    >>> billed_duration_ms(250.06, init_ms=100.77)
    351.0
    """
    timeout_ms = tables.limit("lambda.timeout").max * 1000
    duration = number("duration_ms", duration_ms, 0, timeout_ms, above=True)
    billed = round_up(duration + number("init_ms", init_ms, 0, timeout_ms))
    return float(billed) if np.ndim(billed) == 0 else billed


def gb_seconds(*, requests: Any, duration_ms: Any, memory_mb: Any) -> Any:
    """Return GB-seconds: requests × memory in GB (1 GB = 1,024 MB) × billed duration in seconds.

    Examples
    --------
    >>> gb_seconds(requests=3_000_000, duration_ms=120, memory_mb=1536)
    540000.0
    """
    memory = tables.limit("lambda.memory")
    gb = number("memory_mb", memory_mb, memory.min, memory.max) / MB_A_GB
    return number("requests", requests) * gb * billed_duration_ms(duration_ms) / 1000


def payload_requests(payload_kb: Any) -> Any:
    """Return how many requests one asynchronous event counts as: one up to 256 KB, one more for each further 64 KB.

    Parameters
    ----------
    payload_kb : the event's size in KB, up to 1,024

    Examples
    --------
    >>> payload_requests(256), payload_requests(257), payload_requests(1024)
    (1.0, 2.0, 13.0)
    """
    size = number("payload_kb", payload_kb, 0, PAYLOAD_MAX_KB)
    if isinstance(size, float) and size <= FREE_PAYLOAD_KB:
        return 1.0
    units = 1.0 + round_up(np.maximum(size - FREE_PAYLOAD_KB, 0.0) / PAYLOAD_STEP_KB)
    return float(units) if np.ndim(units) == 0 else units


@dataclass(frozen=True)
class Provisioned:
    """Environments that are kept initialized.

    Attributes
    ----------
    environments : how many are allocated
    hours : for how long in the month, billed in steps of five minutes
    requests_share : the share of the function's requests that they serve; the rest runs on demand
    """

    environments: float
    hours: float = HOURS_A_MONTH
    requests_share: float = 1.0

    def __post_init__(self) -> None:
        number("environments", self.environments)
        number("hours", self.hours, 0, LONGEST_MONTH_HOURS)
        number("requests_share", self.requests_share, 0, 1)


@dataclass(frozen=True)
class SnapStart:
    """Snapshots of initialized environments, for Python and .NET (on Java they are not charged).

    Attributes
    ----------
    cached_hours : hours in the month during which a published version's snapshot is kept; at least 3 are billed
    restores : how many environments are restored from it in the month
    """

    cached_hours: float
    restores: float

    def __post_init__(self) -> None:
        number("cached_hours", self.cached_hours, 0, LONGEST_MONTH_HOURS)
        number("restores", self.restores)


@dataclass(frozen=True, kw_only=True)
class LambdaUse:
    """A month of one function. Fields are those of :func:`lambda_bill`, which explains them."""

    requests: float
    duration_ms: float
    memory_mb: float
    architecture: str = "x86_64"
    init_ms: float = 0.0
    cold_start_share: float = 0.0
    ephemeral_storage_mb: float = 512
    provisioned: Provisioned | None = None
    snapstart: SnapStart | None = None
    streamed_gb: float = 0.0
    payload_kb: float = 0.0

    def __post_init__(self) -> None:
        timeout_ms = tables.limit("lambda.timeout").max * 1000
        number("requests", self.requests)
        number("duration_ms", self.duration_ms, 0, timeout_ms, above=True)
        for name, slug in (("memory_mb", "lambda.memory"), ("ephemeral_storage_mb", "lambda.ephemeral_storage")):
            limit = tables.limit(slug)
            number(name, getattr(self, name), limit.min, limit.max)
        choice("architecture", self.architecture, ARCHITECTURES)
        number("init_ms", self.init_ms, 0, timeout_ms)
        number("cold_start_share", self.cold_start_share, 0, 1)
        number("streamed_gb", self.streamed_gb)
        number("payload_kb", self.payload_kb, 0, PAYLOAD_MAX_KB)
        for name, kind in (("provisioned", Provisioned), ("snapstart", SnapStart)):
            if not isinstance(getattr(self, name), (kind, type(None))):
                raise ValueError(f"{name} must be a {kind.__name__} or None, got {getattr(self, name)!r}")
        if self.provisioned is not None and self.snapstart is not None:
            raise ValueError("provisioned and snapstart must not be given together: AWS does not combine them")
