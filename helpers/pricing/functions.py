"""What functions cost: requests and GB-seconds, and everything that joins them on a Lambda bill.

One path serves a single bill, an account's bill and a sweep over arrays: a use is *metered* (how many requests,
GB-seconds, GB), the meters of an account are pooled, the free tier comes off, tiers are applied. Rules and rates:
AWS Lambda pricing, https://aws.amazon.com/lambda/pricing/; that INIT counts as duration since 2025-08-01:
https://aws.amazon.com/blogs/compute/aws-lambda-standardizes-billing-for-init-phase/.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import fields
from typing import Any, NamedTuple

import numpy as np

from helpers import tables
from helpers.checks import flag
from helpers.pricing.bill import Bill, Line
from helpers.pricing.rates import Charge, Rates, RateTable, least, some, tiered
from helpers.pricing.use import (
    ARCHITECTURES,
    MB_A_GB,
    PROVISIONED_STEPS_AN_HOUR,
    SNAPSTART_CACHE_HOURS_MIN,
    LambdaUse,
    Provisioned,
    SnapStart,
    payload_requests,
    plain,
    round_up,
)


class _Metered(NamedTuple):
    """A month of one function in the quantities that are charged; numbers or arrays."""

    architecture: str
    requests: Any
    on_demand_requests: Any
    gb_seconds: Any  # on demand
    provisioned_allocated: Any
    provisioned_gb_seconds: Any
    storage_gb_seconds: Any
    cache_gb_seconds: Any
    restored_gb: Any
    streamed_gb: Any


def _meter(use: LambdaUse) -> _Metered:
    requests, memory, storage, cold = (
        plain(value) for value in (use.requests, use.memory_mb, use.ephemeral_storage_mb, use.cold_start_share)
    )
    gb, kept, snap = memory / MB_A_GB, use.provisioned, use.snapstart
    duration = plain(use.duration_ms)
    warm_s, cold_s = round_up(duration) / 1000, round_up(duration + plain(use.init_ms)) / 1000
    share = plain(kept.requests_share) if kept else 0.0
    on_demand_s = requests * (1 - share) * ((1 - cold) * warm_s + cold * cold_s)
    provisioned_s = requests * share * warm_s
    allocated_s, cached_s, restores = 0.0, 0.0, 0.0
    if kept:
        steps = round_up(plain(kept.hours) * PROVISIONED_STEPS_AN_HOUR)
        allocated_s = plain(kept.environments) * steps * 3600 / PROVISIONED_STEPS_AN_HOUR
    if snap:
        cached = plain(snap.cached_hours)
        cached_s = np.where(cached > 0, np.maximum(cached, SNAPSTART_CACHE_HOURS_MIN), 0.0) * 3600
        restores = plain(snap.restores)
    counted = payload_requests(use.payload_kb)
    free_storage = tables.limit("lambda.ephemeral_storage").min
    return _Metered(
        architecture=use.architecture,
        requests=requests * counted,
        on_demand_requests=requests * counted * (1 - share),
        gb_seconds=on_demand_s * gb,
        provisioned_allocated=allocated_s * gb,
        provisioned_gb_seconds=provisioned_s * gb,
        storage_gb_seconds=(on_demand_s + provisioned_s) * (storage - free_storage) / MB_A_GB,
        cache_gb_seconds=cached_s * gb,
        restored_gb=restores * gb,
        streamed_gb=plain(use.streamed_gb),
    )


def _charges(metered: list[_Metered], free_tier: bool, rates: Rates) -> Iterator[Charge]:
    """Turn an account's pooled meters into charges, in the order in which an invoice lists them."""
    allowance = 1.0 if free_tier else 0.0

    def pooled(field: str, architecture: str | None = None) -> Any:
        return sum((getattr(m, field) for m in metered if architecture in (None, m.architecture)), 0.0)

    def free(item: str, covered: Any, price: tables.Price) -> Iterator[Charge]:
        if some(covered):
            yield Charge(f"{item} (free tier)", covered, price, free=True)

    def simple(item: str, quantity: Any, slug: str) -> Iterator[Charge]:
        if some(quantity):
            yield Charge(item, quantity, rates.price(slug))

    grant = rates.price("lambda.free.requests")
    covered = least(pooled("on_demand_requests"), grant.value * allowance)
    yield from free("Requests", covered, grant)
    yield from tiered("Requests", pooled("requests") - covered, rates.tiers("lambda.requests"))

    # One allowance of GB-seconds serves both architectures, each in proportion to what it uses on demand.
    grant = rates.price("lambda.free.gb_seconds")
    share_free = least(grant.value * allowance / (pooled("gb_seconds") + 1e-12), 1.0)
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
            yield from simple(f"{item} {architecture}", quantity, f"lambda.provisioned.{architecture}.{slug}")
    yield from simple("Ephemeral storage above 512 MB", pooled("storage_gb_seconds"), "lambda.ephemeral_storage")
    yield from simple("SnapStart cache", pooled("cache_gb_seconds"), "lambda.snapstart.cache")
    yield from simple("SnapStart restore", pooled("restored_gb"), "lambda.snapstart.restore")
    grant, streamed = rates.price("lambda.free.streaming"), pooled("streamed_gb")
    covered = least(streamed, grant.value * allowance)
    yield from free("Streamed responses", covered, grant)
    yield from simple("Streamed responses", streamed - covered, "lambda.streaming")


def lines(charges: Iterable[Charge]) -> tuple[Line, ...]:
    """Turn charges over single numbers into the lines of a bill."""
    return tuple(
        Line(c.item, float(c.quantity), c.unit, c.rate, c.price.slug, c.price.source, c.price.as_of, c.free)
        for c in charges
    )


def _refuse_arrays(part: LambdaUse | Provisioned | SnapStart) -> None:
    """Say which field of a use holds several numbers: a bill is about one month, a sweep about many."""
    for field in fields(part):
        value = getattr(part, field.name)
        if isinstance(value, Provisioned | SnapStart):
            _refuse_arrays(value)
        elif np.ndim(value):
            raise ValueError(f"{field.name} must be one number for a bill, got {value!r}; lambda_cost takes arrays")


def lambda_account_bill(uses: Iterable[LambdaUse], free_tier: bool = True, *, rates: RateTable = None) -> Bill:
    """Return one month's bill for all functions of an account, with free tier and price tiers pooled.

    Parameters
    ----------
    uses : the functions, each as a :class:`LambdaUse`
    free_tier : grant 1 million requests and 400,000 GB-seconds, once; what provisioned concurrency serves has
        no part in it
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
        _refuse_arrays(use)
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
    free_tier : grant the monthly free tier of requests and GB-seconds (and of streamed GB); what provisioned
        concurrency serves has none
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
