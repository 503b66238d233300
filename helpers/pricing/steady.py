"""Traffic that never rests: from how many requests a second on is a fleet cheaper than functions, and by how much.

A function is billed for the memory it is given, for all of its duration. A server is billed for its hours, and serves
others while one request waits. What a request takes on a server is therefore a model with four assumptions, each a
field of :class:`Steady`. Everything is arm64, the one architecture with prices for functions, tasks, instances and a
commitment. Neighbours: :mod:`helpers.pricing.scenarios` compares models over a month with peaks.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np

from helpers import tables
from helpers.capacity import declared, units_needed
from helpers.checks import choice, number
from helpers.pricing.bill import Bill
from helpers.pricing.fleets import ec2_bill, eks_bill, fargate_bill
from helpers.pricing.functions import lambda_bill, lambda_cost, lines
from helpers.pricing.rates import Charge
from helpers.pricing.use import HOURS_A_MONTH, MB_A_GB

if TYPE_CHECKING:
    import pandas as pd

FLEETS = ("Fargate", "EC2 on demand", "EC2 committed", "EKS on EC2")
ARCHITECTURE = "arm64"
INSTANCE, COMMITMENT, DISK_GB = "m7g.large", "savings_plan_1y", 20
TASK_VCPU, TASK_GB = 1.0, 2.0
MONTH_S = HOURS_A_MONTH * 3600
WORK_YEAR_H = 2080.0
MOST_PER_S = 100_000.0  # the highest rate that is looked at


@dataclass(frozen=True, kw_only=True)
class Steady:
    """What is assumed of a fleet that serves the same traffic all day.

    Attributes
    ----------
    fleet : one of ``FLEETS``
    """

    fleet: str = "EC2 on demand"
    utilisation: float = declared(0.5, "share of the fleet that is in use on average; the rest waits for peaks")
    computing: float = declared(0.5, "share of a request's duration in which it computes; a server serves others else")
    own_memory: float = declared(0.25, "share of a function's memory that one more request takes on a server")
    people_hours: float = declared(0.0, "hours a month that the fleet takes beyond what the functions take")
    minimum: int = declared(2, "units that always run, so that one may fail")

    def __post_init__(self) -> None:
        choice("fleet", self.fleet, FLEETS)
        for name in ("utilisation", "computing", "own_memory"):
            number(name, getattr(self, name), 0, 1, above=True)
        number("people_hours", self.people_hours, 0, 10_000)
        number("minimum", self.minimum, 1, 1000)

    def unit_rate(self, duration_ms: Any, memory_mb: Any) -> Any:
        """Return the requests a second that one task or instance carries at the planned utilisation.

        It runs out of processors or of memory, whichever comes first. A request computes for its share of the
        duration, as fast as the function does: with a part of a vCPU below the memory that brings a full one.

        Parameters
        ----------
        duration_ms, memory_mb : of the function; numbers or arrays
        """
        seconds = number("duration_ms", duration_ms, above=True) / 1000
        memory = number("memory_mb", memory_mb, above=True)
        full = tables.limit("lambda.full_vcpu_memory").max
        vcpu_s = seconds * self.computing * np.minimum(memory, full) / full
        gb_s = seconds * self.own_memory * memory / MB_A_GB
        vcpu, gb = _unit(self.fleet)
        return np.minimum(vcpu / vcpu_s, gb / gb_s) * self.utilisation

    def bill(self, rate_per_s: float, *, duration_ms: float, memory_mb: float) -> Bill:
        """Return the fleet's month: its units, the cluster where there is one, and people."""
        unit = float(self.unit_rate(duration_ms, memory_mb))
        return self._of(units_needed(load=rate_per_s, unit_capacity=unit, minimum=self.minimum))

    def units(self, rate_per_s: float, *, duration_ms: float, memory_mb: float) -> int:
        """Return how many tasks or instances run."""
        unit = float(self.unit_rate(duration_ms, memory_mb))
        return units_needed(load=rate_per_s, unit_capacity=unit, minimum=self.minimum)

    def _of(self, units: float) -> Bill:
        return _units(self.fleet, units) + people(self.people_hours)


def _unit(fleet: str) -> tuple[float, float]:
    """Return vCPUs and GB of one unit."""
    if fleet == "Fargate":
        return TASK_VCPU, TASK_GB
    row = tables.instances().loc[INSTANCE]
    return float(row.vcpu), float(row.memory_gib)


def _units(fleet: str, count: float) -> Bill:
    if fleet == "Fargate":
        return fargate_bill(vcpu=TASK_VCPU, memory_gb=TASK_GB, tasks=count, architecture=ARCHITECTURE)
    commitment = COMMITMENT if fleet == "EC2 committed" else None
    nodes = ec2_bill(INSTANCE, count=count, storage_gb=DISK_GB, commitment=commitment)
    return eks_bill(nodes=nodes) if fleet == "EKS on EC2" else nodes


def people(hours: float) -> Bill:
    """Return what so many hours of an administrator's work cost in a month, at a salary without overheads.

    Examples
    --------
    >>> round(people(10).total)
    409
    """
    salary = tables.price("physical.admin_salary")
    return Bill(lines([Charge("People", number("hours", hours) / WORK_YEAR_H, salary)] if hours else []))


def functions_bill(rate_per_s: float, *, duration_ms: float, memory_mb: float) -> Bill:
    """Return the functions' month at a steady rate, free tier included.

    Examples
    --------
    A million a minute, 100 ms at 128 MB:

    >>> round(functions_bill(1e6 / 60, duration_ms=100, memory_mb=128).total)
    16055
    """
    requests = number("rate_per_s", rate_per_s) * MONTH_S
    return lambda_bill(requests=requests, duration_ms=duration_ms, memory_mb=memory_mb, architecture=ARCHITECTURE)


def break_even_per_s(steady: Steady, *, duration_ms: Any, memory_mb: Any) -> np.ndarray:
    """Return the requests a second above which the fleet is cheaper, up to the highest rate that is looked at.

    Parameters
    ----------
    steady : the fleet and what is assumed of it
    duration_ms, memory_mb : of the function; numbers or arrays, which broadcast

    Returns
    -------
    numpy.ndarray
        NaN where functions are cheaper at ``MOST_PER_S`` still. The fleet grows by whole units, so the two may change
        sides several times: what is returned is the last of these places.

    Examples
    --------
    >>> float(break_even_per_s(Steady(), duration_ms=100, memory_mb=512).round(1))
    56.1
    """
    duration, memory = np.broadcast_arrays(np.asarray(duration_ms, float), np.asarray(memory_mb, float))
    unit = np.asarray(steady.unit_rate(duration, memory), float)
    one, two = _costs(steady)
    each, fixed = two - one, 2 * one - two

    def functions(rate: np.ndarray) -> np.ndarray:
        use = {"requests": rate * MONTH_S, "duration_ms": duration, "memory_mb": memory}
        return lambda_cost(architecture=ARCHITECTURE, **use)

    # The last step of the fleet at whose beginning functions are cheaper, by halving.
    low = np.full(unit.shape, float(steady.minimum))
    most = np.maximum(np.ceil(MOST_PER_S / unit), low)
    high = most + 1
    while (high - low > 1).any():
        middle = np.floor((low + high) / 2)
        cheaper = functions((middle - 1) * unit) < fixed + middle * each
        low, high = np.where(cheaper, middle, low), np.where(cheaper, high, np.maximum(middle, low + 1))
    # Where within that step, or at its end.
    begin = np.where(low > steady.minimum, (low - 1) * unit, 0.0)
    end = low * unit
    for _ in range(50):
        middle = (begin + end) / 2
        cheaper = functions(middle) < fixed + low * each
        begin, end = np.where(cheaper, middle, begin), np.where(cheaper, end, middle)
    dear = functions(np.full(unit.shape, MOST_PER_S)) < fixed + most * each
    return np.where(dear | (end > MOST_PER_S), np.nan, end)


@cache
def _costs(steady: Steady) -> tuple[float, float]:
    """Return the month's cost of one unit and of two, from which that of any number follows."""
    return steady._of(1).total, steady._of(2).total


def break_even_table(
    steady: Steady, *, durations_ms: tuple[float, ...], memories_mb: tuple[float, ...]
) -> pd.DataFrame:
    """Return the break-even for each pair: duration_ms, memory_mb, per_s."""
    import pandas as pd

    duration, memory = (one.ravel() for one in np.meshgrid(durations_ms, memories_mb))
    per_s = break_even_per_s(steady, duration_ms=duration, memory_mb=memory)
    return pd.DataFrame({"duration_ms": duration, "memory_mb": memory, "per_s": per_s})


def month(rate_per_s: float, *, duration_ms: float, memory_mb: float, **assumed: Any) -> pd.DataFrame:
    """Return what a month costs on functions and on each fleet: model, units (environments, tasks, nodes), usd.

    Parameters
    ----------
    rate_per_s : all day, every day
    duration_ms, memory_mb : of the function
    assumed : fields of :class:`Steady` beside ``fleet``
    """
    import pandas as pd

    use = {"duration_ms": duration_ms, "memory_mb": memory_mb}
    busy = round(rate_per_s * duration_ms / 1000)
    rows = [("Lambda", busy, functions_bill(rate_per_s, **use).total)]
    for fleet in FLEETS:
        steady = Steady(fleet=fleet, **assumed)
        rows.append((fleet, steady.units(rate_per_s, **use), steady.bill(rate_per_s, **use).total))
    return pd.DataFrame(rows, columns=["model", "units", "usd"])


Billed = Callable[[float], Bill]


def both(steady: Steady, *, duration_ms: float, memory_mb: float) -> tuple[Billed, Billed]:
    """Return the two bills as functions of the rate, for ``break_even`` and for charts."""
    use = {"duration_ms": duration_ms, "memory_mb": memory_mb}
    return (lambda rate: functions_bill(rate, **use)), (lambda rate: steady.bill(rate, **use))
