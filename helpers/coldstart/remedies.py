"""What can be done about cold starts, what each does to the slowest requests, and what it costs a month.

Bills come from ``pricing``, the share of cold requests from :mod:`helpers.coldstart.traffic`, percentiles from
:mod:`helpers.coldstart.latency`. What a remedy achieves is an assumption until one has measured it, so each stands in
:class:`Remedies` under a name, and a notebook puts it under a control.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from helpers import tables
from helpers.checks import choice, number
from helpers.coldstart.latency import Latency, LogNormal
from helpers.coldstart.traffic import cold_share_of_month, hourly_rates
from helpers.pricing import ARCHITECTURES, HOURS_A_MONTH, Bill, Provisioned, SnapStart, lambda_bill, memory_model
from helpers.pricing.rates import Rates, RateTable
from helpers.scaling.analytic import erlang_b

_MOST_PROVISIONED = 5_000


def provisioned_break_even(architecture: str = "x86_64", *, rates: RateTable = None) -> float:
    """Return the share of the time for which provisioned concurrency must be busy to cost no more than on demand.

    An hour of one environment costs what is allocated, plus the busy share at the provisioned rate; on demand it costs
    the busy share at the full rate: ``allocated + u × provisioned = u × on demand``. Requests cost the same on both
    sides, and the free tier, which provisioned concurrency has no part in, is left out.

    Examples
    --------
    >>> round(provisioned_break_even(), 4), round(provisioned_break_even("arm64"), 4)
    (0.6, 0.6)
    """
    architecture = choice("architecture", architecture, ARCHITECTURES)
    table = Rates(rates)
    on_demand = table.tiers(f"lambda.duration.{architecture}")[0].each
    allocated = table.price(f"lambda.provisioned.{architecture}.allocated").each
    busy = table.price(f"lambda.provisioned.{architecture}.duration").each
    return allocated / (on_demand - busy)


def init_cost(*, init_ms: float, cold_start_share: float, rates: RateTable = None, **use: Any) -> float:
    """Return what billing INIT adds to a month, in USD, free tier left out; billed for all since 2025-08-01.

    Parameters
    ----------
    init_ms, cold_start_share, rates, use : as for ``pricing.lambda_bill``

    Examples
    --------
    >>> use = {"requests": 10_000_000, "duration_ms": 100, "memory_mb": 1024}
    >>> round(init_cost(init_ms=400, cold_start_share=0.01, **use), 2)
    0.67
    """
    use = use | {"free_tier": False, "rates": rates}
    return lambda_bill(init_ms=init_ms, cold_start_share=cold_start_share, **use).total - lambda_bill(**use).total


def snapstart_cost(
    *,
    memory_mb: float,
    restores: float,
    cached_hours: float = HOURS_A_MONTH,
    versions: int = 1,
    rates: RateTable = None,
) -> dict[str, float]:
    """Return what SnapStart charges a month beside the invocations, in USD: Python and .NET; on Java it is free.

    Parameters
    ----------
    memory_mb : configured memory, which is the snapshot's size on the bill
    restores : cold starts of the month, each restored from the snapshot
    cached_hours : hours for which each published version keeps its snapshot, at least 3 are billed
    versions : published versions that keep one: old ones cost as much as the one in use
    rates : another price table

    Examples
    --------
    >>> {part: round(usd, 2) for part, usd in snapstart_cost(memory_mb=1024, restores=20_000).items()}
    {'cache': 3.95, 'restore': 2.8}
    """
    number("versions", versions)
    snap = SnapStart(cached_hours=cached_hours, restores=restores)
    bill = lambda_bill(requests=0, duration_ms=1, memory_mb=memory_mb, snapstart=snap, free_tier=False, rates=rates)
    usd = {line.item: line.usd for line in bill.lines}
    return {"cache": usd.get("SnapStart cache", 0.0) * versions, "restore": usd.get("SnapStart restore", 0.0)}


@dataclass(frozen=True, kw_only=True)
class Remedies:
    """A function, its traffic, and what each remedy is assumed to achieve.

    Attributes
    ----------
    requests : requests a month
    shape : how they spread over a day, as for ``cold_share_of_month``
    keep_alive_s : how long an idle environment lives; AWS promises no figure
    wait_ms, cpu_ms : a warm request's time spent waiting, and computing on one full vCPU; ``memory_model`` makes its
        duration from them
    memory_mb, architecture : of the function
    init_ms : median of INIT
    first_cpu_ms : what the first handler call computes beyond a warm one, on one full vCPU (loading classes, say)
    warm_tail, init_tail : the 99th percentile of a warm request and of INIT, as multiples of their medians
    trimmed : share of INIT that is left after the heavy imports are gone
    more_memory : factor
    restore_ms : median of a restore with SnapStart
    snapstart_charged : False for Java
    spared : share of the requests that may still start cold where concurrency is provisioned
    """

    requests: float
    wait_ms: float = 50
    cpu_ms: float = 10
    memory_mb: float = 512
    init_ms: float = 800
    first_cpu_ms: float = 0
    shape: str | Sequence[float] = "a shop's day"
    keep_alive_s: float = 360
    architecture: str = "x86_64"
    warm_tail: float = 2.0
    init_tail: float = 1.3
    trimmed: float = 0.5
    more_memory: float = 2.0
    restore_ms: float = 200
    snapstart_charged: bool = True
    spared: float = 0.001

    def __post_init__(self) -> None:
        for name in ("requests", "wait_ms", "init_ms", "first_cpu_ms", "keep_alive_s", "restore_ms"):
            number(name, getattr(self, name))
        number("cpu_ms", self.cpu_ms, above=True)
        for name in ("warm_tail", "init_tail", "more_memory"):
            number(name, getattr(self, name), 1)
        number("trimmed", self.trimmed, 0, 1)
        number("spared", self.spared, 0, 1, above=True)
        memory = tables.limit("lambda.memory")
        number("memory_mb", self.memory_mb, memory.min, memory.max)
        choice("architecture", self.architecture, ARCHITECTURES)
        hourly_rates(self.requests, self.shape)

    def duration_ms(self, memory_mb: float) -> float:
        """Return a warm request's median duration with some memory."""
        return memory_model(self.wait_ms, self.cpu_ms, memory_mb)

    def provisioned(self) -> int:
        """Return how many environments leave at most the spared share of requests cold."""
        if self.cold_share(self.memory_mb) <= self.spared:
            return 0
        low, high = 0, 1
        while self.cold_share(self.memory_mb, high) > self.spared:
            low, high = high, high * 2
            if high > _MOST_PROVISIONED:
                raise ValueError(f"requests must need at most {_MOST_PROVISIONED} environments, got {self.requests:g}")
        while high - low > 1:
            middle = (low + high) // 2
            enough = self.cold_share(self.memory_mb, middle) <= self.spared
            low, high = (low, middle) if enough else (middle, high)
        return high

    def cold_share(self, memory_mb: float, provisioned: int = 0) -> float:
        """Return the share of requests that start cold, with some memory and environments that are always there."""
        return cold_share_of_month(
            self.requests,
            duration_ms=self.duration_ms(memory_mb),
            keep_alive_s=self.keep_alive_s,
            shape=self.shape,
            provisioned=provisioned,
        )


@dataclass(frozen=True)
class Outcome:
    """What callers see and what a month costs, under one remedy."""

    remedy: str
    latency: Latency
    bill: Bill
    environments: int = 0


def outcomes(use: Remedies, *, free_tier: bool = True, provisioned: int | None = None) -> Iterator[Outcome]:
    """Yield the outcome of each remedy: none, less INIT, more memory, provisioned concurrency, SnapStart.

    SnapStart exists for Java, Python and .NET only (``tables.limit("lambda.snapstart.runtimes")``).

    Parameters
    ----------
    use : the function, its traffic and the assumptions
    free_tier : as for ``pricing.lambda_bill``
    provisioned : environments kept; as many as :meth:`Remedies.provisioned` finds, at least one, if omitted
    """
    memory = min(use.memory_mb * use.more_memory, tables.limit("lambda.memory").max)
    count = max(use.provisioned(), 1) if provisioned is None else provisioned
    yield outcome(use, "nothing done", free_tier=free_tier)
    yield outcome(use, "less INIT", init_ms=use.init_ms * use.trimmed, free_tier=free_tier)
    yield outcome(use, "more memory", memory_mb=memory, free_tier=free_tier)
    yield outcome(use, "provisioned", provisioned=count, free_tier=free_tier)
    yield outcome(use, "SnapStart", restored=True, free_tier=free_tier)


def outcome(
    use: Remedies,
    remedy: str = "nothing done",
    *,
    init_ms: float | None = None,
    memory_mb: float | None = None,
    provisioned: int = 0,
    restored: bool = False,
    free_tier: bool = True,
) -> Outcome:
    """Return what callers see and what a month costs, with some of the function's figures replaced.

    Parameters
    ----------
    use : the function and its traffic
    remedy : its name
    init_ms, memory_mb : other values than those of ``use``
    provisioned : environments that are always there; what they serve has no cold start
    restored : restore a snapshot instead of running INIT
    free_tier : as for ``pricing.lambda_bill``
    """
    init = number("init_ms", use.init_ms if init_ms is None else init_ms)
    memory = use.memory_mb if memory_mb is None else memory_mb
    duration, first = use.duration_ms(memory), memory_model(0, use.first_cpu_ms, memory)
    cold = use.cold_share(memory, provisioned)
    spilled = _spilled(use, duration, provisioned) if provisioned else 1.0
    begins = use.restore_ms if restored else init
    latency = Latency(
        warm=LogNormal(duration, duration * use.warm_tail),
        extra=LogNormal(begins + first, (begins + first) * use.init_tail),
        cold_share=cold,
    )
    bill = lambda_bill(
        requests=use.requests,
        duration_ms=duration,
        memory_mb=memory,
        architecture=use.architecture,
        free_tier=free_tier,
        init_ms=first if restored else init + first,
        cold_start_share=min(cold / spilled, 1.0) if spilled else 0.0,
        provisioned=Provisioned(provisioned, requests_share=1 - spilled) if provisioned else None,
        snapstart=SnapStart(HOURS_A_MONTH, use.requests * cold) if restored and use.snapstart_charged else None,
    )
    return Outcome(remedy, latency, bill, provisioned)


def _spilled(use: Remedies, duration_ms: float, provisioned: int) -> float:
    """Return the share of requests that find every provisioned environment busy and run on demand."""
    rates, weights = hourly_rates(use.requests, use.shape)
    return float(np.array([erlang_b(provisioned, rate * duration_ms / 1000) for rate in rates.tolist()]) @ weights)


def remedies(
    use: Remedies, *, objective_ms: float = 300, free_tier: bool = True, provisioned: int | None = None
) -> pd.DataFrame:
    """Return what each remedy does to the latency that callers see, and what a month of it costs.

    Parameters
    ----------
    use : the function, its traffic and the assumptions
    objective_ms : what counts as too slow
    free_tier, provisioned : as for :func:`outcomes`

    Returns
    -------
    pandas.DataFrame
        ``remedy, environments`` (provisioned)``, cold_share, mean_ms, p50_ms, p95_ms, p99_ms, p999_ms, over`` (share
        that takes longer than the objective) and ``usd`` a month.

    Examples
    --------
    >>> found = remedies(Remedies(requests=20_000, wait_ms=50, cpu_ms=10, memory_mb=512, init_ms=800))
    >>> found[["remedy", "p50_ms", "p99_ms", "usd"]].round(2).to_dict("records")[0]
    {'remedy': 'nothing done', 'p50_ms': 87.02, 'p99_ms': 996.26, 'usd': 0.0}
    """
    rows = []
    for each in outcomes(use, free_tier=free_tier, provisioned=provisioned):
        seen = each.latency
        tail = (float(ms) for ms in seen.quantile([0.5, 0.95, 0.99, 0.999]))
        over = seen.share_over(objective_ms)
        rows.append((each.remedy, each.environments, seen.cold_share, seen.mean_ms, *tail, over, each.bill.total))
    names = ["remedy", "environments", "cold_share", "mean_ms", "p50_ms", "p95_ms", "p99_ms", "p999_ms", "over", "usd"]
    return pd.DataFrame(rows, columns=names)
