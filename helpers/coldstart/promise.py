"""A promise about latency, kept by provisioned concurrency: how many environments, for how much, and against what.

The share of requests that break a promise falls with each environment that is kept ready, and the bill rises with it.
At some traffic the function that keeps its promise costs more than tasks that run all the time and never start cold.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from helpers.checks import number
from helpers.coldstart.remedies import Outcome, Remedies, outcome
from helpers.pricing.bill import Bill
from helpers.pricing.scenarios import Workload, compute_models

if TYPE_CHECKING:
    import pandas as pd

MOST_KEPT = 4096
FLEET = "Fargate"


@dataclass(frozen=True, kw_only=True)
class Promise:
    """What callers were promised: at most ``share`` of the requests take longer than ``objective_ms``."""

    objective_ms: float = 500
    share: float = 0.001

    def __post_init__(self) -> None:
        number("objective_ms", self.objective_ms, above=True)
        number("share", self.share, 0, 1, above=True)

    def broken(self, seen: Outcome) -> float:
        """Return the share of requests that take longer."""
        return float(seen.latency.share_over(self.objective_ms))

    def kept(self, seen: Outcome) -> bool:
        """Say whether few enough do."""
        return self.broken(seen) <= self.share


def keep(use: Remedies, promise: Promise) -> Outcome | None:
    """Return the outcome with the fewest provisioned environments that keep a promise, None where none do.

    A warm request that takes too long is not helped by any number.

    Examples
    --------
    >>> keep(Remedies(requests=300_000), Promise()).environments
    2
    """
    if promise.kept(found := outcome(use)):
        return found
    low, high = 0, 1
    while not promise.kept(found := outcome(use, provisioned=high)):
        low, high = high, high * 2
        if high > MOST_KEPT or found.latency.cold_share < promise.share * 1e-6:
            return None
    while high - low > 1:
        middle = (low + high) // 2
        tried = outcome(use, provisioned=middle)
        low, high, found = (low, middle, tried) if promise.kept(tried) else (middle, high, found)
    return found


def fleet_bill(use: Remedies) -> Bill:
    """Return the month of tasks on Fargate that carry the same traffic; they never start cold."""
    work = Workload(wait_ms=use.wait_ms, cpu_ms=use.cpu_ms, memory_mb=use.memory_mb, architecture=use.architecture)
    return compute_models(work)[FLEET](use.requests)


def promised(use: Remedies, promise: Promise, *, requests: Sequence[float]) -> pd.DataFrame:
    """Return what a promise costs at several volumes of traffic.

    Parameters
    ----------
    use : the function; its own requests are replaced
    promise : to be kept
    requests : a month, several

    Returns
    -------
    pandas.DataFrame
        One row a volume: requests, broken (the share that breaks it with nothing done), environments, on_demand_usd,
        kept_usd (NaN where no number keeps it), fleet_usd, a month each.
    """
    import pandas as pd

    rows = []
    for volume in requests:
        one = replace(use, requests=volume)
        plain, found = outcome(one), keep(one, promise)
        kept = (found.environments, found.bill.total) if found else (float("nan"), float("nan"))
        rows.append((volume, promise.broken(plain), kept[0], plain.bill.total, kept[1], fleet_bill(one).total))
    names = ["requests", "broken", "environments", "on_demand_usd", "kept_usd", "fleet_usd"]
    return pd.DataFrame(rows, columns=names)
