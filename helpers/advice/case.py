"""A case: everything about a workload that the advice asks, in one value with declared defaults.

Half of it is measured (requests, durations, peaks, from a log), half only people know (must it leave AWS one day, how
late may an answer be). What nobody stated keeps a default, and each default has its reason, which the decision record
lists under assumptions.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field, fields, replace
from typing import Any

from helpers import tables
from helpers.checks import choice, flag, in_words, number
from helpers.pricing import ARCHITECTURES, HOURS_A_MONTH, memory_model
from helpers.pricing.scenarios import Workload

TRIGGERS = ("http", "files", "schedule", "events", "webhook", "auth")
DOORS = ("HTTP", "REST", "ALB", "URL", "none")
MINUTES_A_MONTH = HOURS_A_MONTH * 60
SCENARIO_FIELDS = ("wait_ms", "cpu_ms", "memory_mb", "peak", "utilisation", "architecture", "minimum")


def given(default: Any, why: str, unit: str = "") -> Any:
    """Return a field of a case: its default, why that is the default, and the unit."""
    return field(default=default, metadata={"why": why, "unit": unit})


@dataclass(frozen=True, kw_only=True)
class Case:
    """A workload and what is asked of it.

    Attributes
    ----------
    requests_month : invocations a month
    wait_ms, cpu_ms : an average request's time spent waiting, and computing on one full vCPU
    memory_mb, architecture : of the function
    longest_ms : the longest piece of work, on one full vCPU; the average one's duration if None
    peak : busiest minute against the average
    peak_hour : busiest hour against the average, for fleets that follow the day; None where only ``peak`` is known
    idle_share : share of the minutes without a request
    init_ms, cold_share : time of INIT, and the share of the requests that start cold
    trigger : what calls it, one of ``TRIGGERS``
    door : front door: ``HTTP``, ``REST`` (API Gateway), ``ALB``, ``URL`` or ``none``
    response_kb, log_kb : sent and logged per request
    file_mb : largest file that one invocation handles
    latency_aim_ms : within which 99 of 100 requests shall be answered; None if nobody asks
    state_mb : data in memory that changes and must survive from one request to the next
    state_trips : reads and writes of that data per request, once it lies in a database
    leave_months : months until it must run outside AWS; None if nobody asks for it, 0 for on premises
    people_hours, usd_per_hour : hours a month that a fleet costs more in people's time than functions, and their price
    utilisation, minimum : share of a fleet's vCPUs planned to be busy at the peak; units that always run
    free_tier : whether this workload may use the account's free tier
    """

    requests_month: float
    wait_ms: float = given(80, "most of an API's time is spent waiting for a database", "ms")
    cpu_ms: float = given(10, "a tenth of the time computes", "ms")
    memory_mb: float = given(512, "a common size for an API's function", "MB")
    architecture: str = given("x86_64", "no packages need to be rebuilt")
    longest_ms: float | None = given(None, "no longest piece of work was named", "ms")
    peak: float = given(3, "busiest minute against the average", "times")
    peak_hour: float | None = given(None, "only the busiest minute is known", "times")
    idle_share: float = given(0, "no log to count idle minutes in")
    init_ms: float = given(250, "a small zip file in a scripting language; notebook 08 has figures", "ms")
    cold_share: float = given(0, "no traffic to simulate")
    trigger: str = given("http", "a request from outside")
    door: str = given("HTTP", "the cheaper API Gateway")
    response_kb: float = given(20, "a JSON answer", "KB")
    log_kb: float = given(1, "START, END, REPORT and a line of one's own", "KB")
    file_mb: float = given(0, "no files named", "MB")
    latency_aim_ms: float | None = given(None, "nobody named a limit", "ms")
    state_mb: float = given(0, "nothing has to stay in memory", "MB")
    state_trips: float = given(2, "one read and one write", "a request")
    leave_months: float | None = given(None, "nobody asks for it to run elsewhere", "months")
    people_hours: float = given(0, "left out: name your own hours", "hours a month")
    usd_per_hour: float | None = given(None, "an administrator's salary over 2,080 hours", "USD an hour")
    utilisation: float = given(0.5, "room for an instance to fail and for the next minute's rise")
    minimum: int = given(2, "one may fail", "units")
    free_tier: bool = given(True, "the account has no other function")

    def __post_init__(self) -> None:
        number("requests_month", self.requests_month)
        limits = tables.limit("lambda.memory")
        number("memory_mb", self.memory_mb, limits.min, limits.max)
        number("wait_ms", self.wait_ms)
        number("cpu_ms", self.cpu_ms, above=True)
        choice("architecture", self.architecture, ARCHITECTURES)
        choice("trigger", self.trigger, TRIGGERS)
        choice("door", self.door, DOORS)
        number("peak", self.peak, 1)
        if self.peak_hour is not None:
            number("peak_hour", self.peak_hour, 1, self.peak)
        for name in ("idle_share", "cold_share"):
            number(name, getattr(self, name), 0, 1)
        number("utilisation", self.utilisation, 0, 1, above=True)
        for name in ("init_ms", "response_kb", "log_kb", "file_mb", "state_mb", "state_trips", "people_hours"):
            number(name, getattr(self, name))
        for name in ("longest_ms", "latency_aim_ms", "leave_months", "usd_per_hour"):
            if getattr(self, name) is not None:
                number(name, getattr(self, name))
        number("minimum", self.minimum, 1)
        flag("free_tier", self.free_tier)

    @property
    def duration_ms(self) -> float:
        """Duration of an average invocation at this memory (``memory_model``)."""
        return memory_model(self.wait_ms, self.cpu_ms, self.memory_mb)

    @property
    def longest(self) -> float:
        """Duration of the longest invocation in ms; the work splits into waiting and computing as the average does."""
        stretch = self.duration_ms / (self.wait_ms + self.cpu_ms)
        return max(self.duration_ms, (self.longest_ms or 0.0) * stretch)

    @property
    def hour_usd(self) -> float:
        """USD for an hour of somebody's work."""
        if self.usd_per_hour is not None:
            return float(self.usd_per_hour)
        return tables.price("physical.admin_salary").value / 2080

    def with_requests(self, requests_month: float) -> Case:
        """Return the same case with another number of requests.

        The busiest minute stands out from its hour for two reasons: chance, which weighs less the more requests there
        are (it shrinks with the root of their number), and real bursts, which stay. What chance explains is four
        standard deviations of a Poisson count, as the busiest of a week's minutes shows.

        Examples
        --------
        >>> small = Case(requests_month=43_800, peak=8, peak_hour=2)
        >>> round(small.with_requests(43_800_000).peak, 2)
        2.52
        """
        if self.peak_hour is None or not self.requests_month or not requests_month:
            return replace(self, requests_month=requests_month)
        chance = min(self.peak - self.peak_hour, 4 * math.sqrt(self.peak_hour * MINUTES_A_MONTH / self.requests_month))
        lasting = self.peak - chance
        peak = lasting + chance * math.sqrt(self.requests_month / requests_month)
        return replace(self, requests_month=requests_month, peak=peak)

    def workload(self) -> Workload:
        """Return what sizes the fleets."""
        return Workload(**{name: getattr(self, name) for name in SCENARIO_FIELDS})

    def stated(self) -> dict[str, Any]:
        """Return the fields that differ from their defaults."""
        return {f.name: getattr(self, f.name) for f in fields(self) if getattr(self, f.name) != f.default}

    def assumed(self) -> list[tuple[str, str, str]]:
        """Return what nobody stated: name, value with unit, reason."""
        stated = self.stated()
        return [
            (f.name, said(getattr(self, f.name), f.metadata["unit"]), f.metadata["why"])
            for f in fields(self)
            if f.name not in stated and "why" in f.metadata
        ]


def said(value: Any, unit: str = "") -> str:
    """Write a value as people do, with its unit."""
    if value is None:
        return "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    text = in_words(round(value, 4)) if isinstance(value, (int, float)) else str(value)
    return f"{text} {unit}".strip()


def split(duration_ms: float, *, cpu_share: float = 0.3, memory_mb: float | None = None) -> dict[str, float]:
    """Split a duration into waiting and computing.

    Parameters
    ----------
    duration_ms : mean duration of a request
    cpu_share : share of it that computes
    memory_mb : where it was measured: a function of this size; None for a server's full vCPU

    Returns
    -------
    dict
        ``wait_ms`` and ``cpu_ms`` (on one full vCPU), as ``Case`` takes them.

    Examples
    --------
    >>> split(120, cpu_share=0.25), split(120, cpu_share=0.25, memory_mb=1769 / 2)
    ({'wait_ms': 90.0, 'cpu_ms': 30.0}, {'wait_ms': 90.0, 'cpu_ms': 15.0})
    """
    duration = number("duration_ms", duration_ms, above=True)
    share = number("cpu_share", cpu_share, 0, 1, above=True)
    computing = duration * share
    full = memory_model(0, 1.0, memory_mb) if memory_mb is not None else 1.0
    return {"wait_ms": duration - computing, "cpu_ms": computing / full}


def is_job(case: Case) -> bool:
    """Say whether its runs are long enough to start a task for each: Fargate bills a minute at least."""
    return case.duration_ms >= 60_000 and math.isfinite(case.requests_month)
