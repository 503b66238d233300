"""What functions cost: requests and GB-seconds, and everything that joins them on a Lambda bill.

One path serves a single bill, an account's bill and a sweep over arrays: a use is *metered* (how many requests,
GB-seconds, GB), the meters of an account are pooled, the free tier comes off, tiers are applied. Rules and rates:
AWS Lambda pricing, https://aws.amazon.com/lambda/pricing/; that INIT counts as duration since 2025-08-01:
https://aws.amazon.com/blogs/compute/aws-lambda-standardizes-billing-for-init-phase/.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from helpers import tables
from helpers.checks import choice, flag, number
from helpers.pricing.bill import Bill, Line
from helpers.pricing.rates import Charge, Rates, RateTable, some, tiered

ARCHITECTURES = ("x86_64", "arm64")
HOURS_A_MONTH = 730.0  # the month of AWS's own calculators: 365 × 24 / 12
LONGEST_MONTH_HOURS = 744.0
MB_A_GB = 1024.0
PROVISIONED_STEPS_AN_HOUR = 12  # billed in steps of five minutes
SNAPSTART_CACHE_HOURS_MIN = 3.0
FREE_PAYLOAD_KB, PAYLOAD_STEP_KB, PAYLOAD_MAX_KB = 256.0, 64.0, 1024.0


def _up(value: Any) -> Any:
    """Round up, after nine decimals: 100.1 + 200.9 must not become 302 through binary noise."""
    return float(math.ceil(round(value, 9))) if isinstance(value, float) else np.ceil(np.round(value, 9))


def _plain(value: Any) -> Any:
    """Return a float, or a float array: single numbers stay out of NumPy, where each step costs a microsecond."""
    return float(value) if np.ndim(value) == 0 else np.asarray(value, dtype=float)


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
    billed = _up(duration + number("init_ms", init_ms, 0, timeout_ms))
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
    units = 1.0 + _up(np.maximum(size - FREE_PAYLOAD_KB, 0.0) / PAYLOAD_STEP_KB)
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


class _Metered(NamedTuple):
    """A month of one function in the quantities that are charged; numbers or arrays."""

    architecture: str
    requests: Any
    gb_seconds: Any  # on demand
    provisioned_allocated: Any
    provisioned_gb_seconds: Any
    storage_gb_seconds: Any
    cache_gb_seconds: Any
    restored_gb: Any
    streamed_gb: Any


def _meter(use: LambdaUse) -> _Metered:
    requests, memory, storage, cold = (
        _plain(value) for value in (use.requests, use.memory_mb, use.ephemeral_storage_mb, use.cold_start_share)
    )
    gb, kept, snap = memory / MB_A_GB, use.provisioned, use.snapstart
    duration = _plain(use.duration_ms)
    warm_s, cold_s = _up(duration) / 1000, _up(duration + _plain(use.init_ms)) / 1000
    share = _plain(kept.requests_share) if kept else 0.0
    on_demand_s = requests * (1 - share) * ((1 - cold) * warm_s + cold * cold_s)
    provisioned_s = requests * share * warm_s
    allocated_s, cached_s, restores = 0.0, 0.0, 0.0
    if kept:
        steps = _up(_plain(kept.hours) * PROVISIONED_STEPS_AN_HOUR)
        allocated_s = _plain(kept.environments) * steps * 3600 / PROVISIONED_STEPS_AN_HOUR
    if snap:
        cached = _plain(snap.cached_hours)
        cached_s = np.where(cached > 0, np.maximum(cached, SNAPSTART_CACHE_HOURS_MIN), 0.0) * 3600
        restores = _plain(snap.restores)
    free_storage = tables.limit("lambda.ephemeral_storage").min
    return _Metered(
        architecture=use.architecture,
        requests=requests * payload_requests(use.payload_kb),
        gb_seconds=on_demand_s * gb,
        provisioned_allocated=allocated_s * gb,
        provisioned_gb_seconds=provisioned_s * gb,
        storage_gb_seconds=(on_demand_s + provisioned_s) * (storage - free_storage) / MB_A_GB,
        cache_gb_seconds=cached_s * gb,
        restored_gb=restores * gb,
        streamed_gb=_plain(use.streamed_gb),
    )


def _charges(metered: list[_Metered], free_tier: bool, rates: Rates) -> Iterator[Charge]:
    """Turn an account's pooled meters into charges, in the order in which an invoice lists them."""
    allowance = 1.0 if free_tier else 0.0

    def pooled(field: str, architecture: str | None = None) -> Any:
        return sum((getattr(m, field) for m in metered if architecture in (None, m.architecture)), 0.0)

    def free(item: str, covered: Any, price: tables.Price) -> Iterator[Charge]:
        if some(covered):
            yield Charge(f"{item} (free tier)", covered, price, free=True)

    def plain(item: str, quantity: Any, slug: str) -> Iterator[Charge]:
        if some(quantity):
            yield Charge(item, quantity, rates.price(slug))

    grant = rates.price("lambda.free.requests")
    requests = pooled("requests")
    covered = np.minimum(requests, grant.value * allowance)
    yield from free("Requests", covered, grant)
    yield from tiered("Requests", requests - covered, rates.tiers("lambda.requests"))

    # One allowance of GB-seconds serves both architectures, each in proportion to what it uses on demand.
    grant = rates.price("lambda.free.gb_seconds")
    share_free = np.minimum(1.0, grant.value * allowance / np.maximum(pooled("gb_seconds"), 1e-12))
    for architecture in ARCHITECTURES:
        if not any(m.architecture == architecture for m in metered):
            continue
        item, used = f"Duration {architecture}", pooled("gb_seconds", architecture)
        covered = used * share_free
        yield from free(item, covered, grant)
        yield from tiered(item, used - covered, rates.tiers(f"lambda.duration.{architecture}"))
        for item, field, slug in (
            ("Provisioned concurrency", "provisioned_allocated", "allocated"),
            ("Provisioned duration", "provisioned_gb_seconds", "duration"),
        ):
            quantity = pooled(field, architecture)
            yield from plain(f"{item} {architecture}", quantity, f"lambda.provisioned.{architecture}.{slug}")
    yield from plain("Ephemeral storage above 512 MB", pooled("storage_gb_seconds"), "lambda.ephemeral_storage")
    yield from plain("SnapStart cache", pooled("cache_gb_seconds"), "lambda.snapstart.cache")
    yield from plain("SnapStart restore", pooled("restored_gb"), "lambda.snapstart.restore")
    grant, streamed = rates.price("lambda.free.streaming"), pooled("streamed_gb")
    covered = np.minimum(streamed, grant.value * allowance)
    yield from free("Streamed responses", covered, grant)
    yield from plain("Streamed responses", streamed - covered, "lambda.streaming")


def lines(charges: Iterable[Charge]) -> tuple[Line, ...]:
    """Turn charges over single numbers into the lines of a bill."""
    return tuple(
        Line(c.item, float(c.quantity), c.unit, c.rate, c.price.slug, c.price.source, c.price.as_of, c.free)
        for c in charges
    )


def lambda_account_bill(uses: Iterable[LambdaUse], free_tier: bool = True, *, rates: RateTable = None) -> Bill:
    """Return one month's bill for all functions of an account, with free tier and price tiers pooled.

    Parameters
    ----------
    uses : the functions, each as a :class:`LambdaUse`
    free_tier : grant 1 million requests and 400,000 GB-seconds on demand, once; duration on provisioned
        concurrency has no part in it
    rates : another price table of the form of ``tables.prices()``

    Raises
    ------
    ValueError
        When something other than LambdaUse is passed.
    """
    uses = list(uses)
    for use in uses:
        if not isinstance(use, LambdaUse):
            raise ValueError(f"uses must contain LambdaUse only, got {use!r}")
    flag("free_tier", free_tier)
    return Bill(lines(_charges([_meter(use) for use in uses], free_tier, Rates(rates))) if uses else ())


def lambda_bill(
    *,
    requests: float,
    duration_ms: float,
    memory_mb: float,
    architecture: str = "x86_64",
    free_tier: bool = True,
    init_ms: float = 0.0,
    cold_start_share: float = 0.0,
    ephemeral_storage_mb: float = 512,
    provisioned: Provisioned | None = None,
    snapstart: SnapStart | None = None,
    streamed_gb: float = 0.0,
    payload_kb: float = 0.0,
    rates: RateTable = None,
) -> Bill:
    """Return one month's bill for one function.

    Parameters
    ----------
    requests : invocations a month
    duration_ms : average duration of the handler, above 0 and up to 900,000 (15 minutes)
    memory_mb : configured memory, 128 to 10,240; the price follows what is configured, not what is used
    architecture : ``"x86_64"`` or ``"arm64"``, which have their own rates and tier bounds
    free_tier : grant the monthly free tier of requests and on-demand GB-seconds (and of streamed GB); duration on
        provisioned concurrency has none
    init_ms : duration of the INIT phase, billed on a cold start since 2025-08-01
    cold_start_share : share (0 to 1) of the on-demand requests that start cold
    ephemeral_storage_mb : size of /tmp, 512 (free) to 10,240
    provisioned : environments kept initialized
    snapstart : snapshots, for Python and .NET
    streamed_gb : GB a month streamed beyond the first 6 MB of each response; 100 a month are free
    payload_kb : size of an asynchronous event; above 256 KB it counts as several requests
    rates : another price table of the form of ``tables.prices()``

    Raises
    ------
    ValueError
        Naming the parameter, its value and the allowed range.

    Examples
    --------
    >>> print(lambda_bill(requests=3_000_000, duration_ms=120, memory_mb=1536).invoice_total)
    2.73
    """
    use = LambdaUse(
        requests=requests,
        duration_ms=duration_ms,
        memory_mb=memory_mb,
        architecture=architecture,
        init_ms=init_ms,
        cold_start_share=cold_start_share,
        ephemeral_storage_mb=ephemeral_storage_mb,
        provisioned=provisioned,
        snapstart=snapstart,
        streamed_gb=streamed_gb,
        payload_kb=payload_kb,
    )
    for name in ("requests", "duration_ms", "memory_mb"):
        if np.ndim(getattr(use, name)):
            raise ValueError(f"{name} must be one number for a bill; lambda_cost takes arrays")
    return lambda_account_bill([use], free_tier, rates=rates)


def lambda_cost(
    *, architecture: Any = "x86_64", free_tier: bool = True, rates: RateTable = None, **use: Any
) -> np.ndarray:
    """Return the monthly cost in USD for arrays of inputs, each element as :func:`lambda_bill` would total it.

    Parameters
    ----------
    architecture : one name, or an array of names
    free_tier, rates : as for :func:`lambda_bill`
    use : the other fields of :func:`lambda_bill`, each a number or an array; shapes broadcast

    Returns
    -------
    numpy.ndarray
        USD a month, of the broadcast shape.
    """
    flag("free_tier", free_tier)
    names, table = np.asarray(architecture), Rates(rates)
    if names.ndim == 0:
        charges = _charges([_meter(LambdaUse(architecture=str(names), **use))], free_tier, table)
        return np.asarray(sum(c.quantity * c.rate for c in charges))
    cost = np.nan
    for name in np.unique(names):
        one = lambda_cost(architecture=str(name), free_tier=free_tier, rates=rates, **use)
        cost = np.where(names == name, one, cost)
    return cost
