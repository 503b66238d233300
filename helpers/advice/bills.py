"""What a case costs a month in each way of running it, with what stands around: front door, logs, data out.

The bills for compute are those of ``pricing.scenarios``, sized for the case's busiest minute. Around them stands the
same for all where it is the same (data out, logs); fleets get a load balancer where functions get their front door.
The rack has no such lines: its bandwidth and its monitoring are contracts of their own, which have no price here.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache, lru_cache

from helpers import tables
from helpers.advice.case import Case, is_job
from helpers.capacity import concurrency
from helpers.checks import choice
from helpers.pricing import HOURS_A_MONTH, Bill, Provisioned, api_bill, ec2_bill, fargate_bill, lambda_bill
from helpers.pricing.bill import Line
from helpers.pricing.scenarios import KB_A_GB, compute_models
from helpers.pricing.services import service_bill

COMMITTED = ("m7g.large", "savings_plan_1y")  # the one commitment with a recent price
SCALES = (0.1, 1.0, 10.0)
SMALL, SMALL_LOAD = "t3.small", 0.5  # one machine without a spare; of the vCPUs that it has for good half are planned


@dataclass(frozen=True)
class Option:
    """One way to run a case.

    Attributes
    ----------
    name : for instance ``Fargate``
    compute, around : the month's bills
    people_usd : what people's extra time costs, as the case states it
    obstacle : why it cannot run this case; empty if it can
    note : what the figure rests on or leaves out
    """

    name: str
    compute: Bill
    around: Bill
    people_usd: float = 0.0
    obstacle: str = ""
    note: str = ""

    @property
    def total(self) -> float:
        """USD a month, people's time included."""
        return self.compute.total + self.around.total + self.people_usd

    @property
    def is_function(self) -> bool:
        """Whether it is a Lambda function."""
        return self.name.startswith("Lambda")


@lru_cache(maxsize=128)  # verdicts, recommendation and record ask for the same bills
def options(case: Case) -> tuple[Option, ...]:
    """Return every way to run a case, in the order of the collection: functions, containers, machines, the rack."""
    return tuple(_option(name, case) for name in _names(case))


def total(name: str, case: Case) -> float:
    """Return the month's USD of one way to run it."""
    return _option(choice("name", name, _names(case)), case).total


def cheapest(case: Case, *, function: bool | None = None, rack: bool = True) -> Option:
    """Return the cheapest way that can run the case: of functions, of fleets (``function=False``), or of all."""
    found = [
        option
        for option in options(case)
        if not option.obstacle
        and function in (None, option.is_function)
        and (rack or option.name != "Rack")
        and (case.minimum == 1 or option.name != "One small server")
    ]
    return min(found, key=lambda option: option.total)


def scaled(case: Case, factor: float) -> Case:
    """Return the same case with more or fewer requests."""
    return case.with_requests(case.requests_month * factor)


def small_vcpu() -> float:
    """Return how many vCPUs of work one small server is given: half of what it has for good, its baseline.

    Examples
    --------
    >>> small_vcpu()
    0.2
    """
    baseline = tables.limit(f"ec2.{SMALL}.baseline").max / 100
    return float(tables.instances().loc[SMALL, "vcpu"]) * baseline * SMALL_LOAD


def _names(case: Case) -> list[str]:
    names = ["Lambda", "Lambda, arm64", "Lambda, provisioned", "Fargate", "EC2", "EC2 committed", "EKS", "Rack"]
    if case.workload().peak_vcpu(case.requests_month) <= small_vcpu():
        names.insert(3, "One small server")
    if case.peak_hour is not None:
        names.insert(names.index("Fargate") + 1, "Fargate, following")
    if is_job(case):
        names.insert(3, "Fargate, a task a run")
    if case.architecture == "arm64":
        names.remove("Lambda, arm64")
    return names


def environments(case: Case) -> int:
    """Return how many environments the busiest minute keeps busy, on average."""
    rate = case.requests_month / (HOURS_A_MONTH * 3600) * case.peak
    return max(1, math.ceil(round(concurrency(rate_per_s=rate, duration_ms=case.duration_ms), 9)))


def _option(name: str, case: Case) -> Option:
    compute, obstacle, note = _compute(name, case)
    people = 0.0 if name.startswith("Lambda") else case.people_hours * case.hour_usd
    alone = name == "One small server"
    around = Bill(()) if name == "Rack" else _around(case, function=name.startswith("Lambda"), alone=alone)
    return Option(name, compute, around, people, obstacle, note)


def _around(case: Case, *, function: bool, alone: bool = False) -> Bill:
    requests = case.requests_month
    bill = service_bill("cloudwatch.logs.ingestion", requests * case.log_kb / KB_A_GB)
    bill += service_bill("egress", requests * case.response_kb / KB_A_GB)
    if case.door != "none" and not alone:
        kind = case.door if function else "ALB"
        bill += api_bill(kind, requests=requests, payload_kb=case.response_kb, lambda_target=function)
    return bill


def _compute(name: str, case: Case) -> tuple[Bill, str, str]:
    """Return the bill for compute, what stands in the way, and what to know."""
    if name.startswith("Lambda"):
        return _functions(name, case)
    if name == "Fargate, a task a run":
        seconds = min((case.wait_ms + case.cpu_ms) / 1000, HOURS_A_MONTH * 3600)
        bill = fargate_bill(
            vcpu=1,
            memory_gb=max(2.0, math.ceil(case.memory_mb / 1024)),
            tasks=case.requests_month,
            seconds_per_task=seconds,
            architecture=case.architecture,
        )
        return bill, "", "one vCPU for as long as each run takes"
    if name == "Fargate, following" and case.peak_hour is not None:
        # Each hour runs what its own busiest minute needs; the mean over the hours is the busiest hour's over its peak.
        tasks = case.workload().peak_vcpu(case.requests_month) / case.utilisation / case.peak_hour
        tasks = max(tasks, case.minimum)
        bill = fargate_bill(vcpu=1, memory_gb=2, tasks=tasks, architecture=case.architecture)
        return bill, "", f"{tasks:,.3g} tasks on average, as many each hour as that hour needs"
    if name == "One small server":
        bill = ec2_bill(SMALL, storage_gb=20, public_ipv4=1)
        return bill, "", f"one {SMALL} with an address; when it fails, so does the service"
    if name == "EC2 committed":
        work = replace(case.workload(), architecture="arm64")
        units = work.units(case.requests_month, float(tables.instances().loc[COMMITTED[0], "vcpu"]))
        bill = ec2_bill(COMMITTED[0], count=units, storage_gb=20, commitment=COMMITTED[1])
        return bill, "", f"{units} {COMMITTED[0]} (arm64) for a year"
    work = case.workload()
    bill = compute_models(work)[name](case.requests_month)
    return bill, "", _fleet_note(name, bill)


def _fleet_note(name: str, bill: Bill) -> str:
    if name == "Fargate":
        vcpu_hours = sum(line.quantity for line in bill.lines if "vCPU" in line.item)
        return f"{vcpu_hours / HOURS_A_MONTH:.0f} tasks of 1 vCPU and 2 GB"
    if name == "Rack":
        return "bandwidth and monitoring left out; weak, dated prices"
    for line in bill.lines:
        if line.slug.startswith("ec2."):
            return f"{line.quantity / HOURS_A_MONTH:.0f} {line.slug.removeprefix('ec2.')}"
    return ""


def _functions(name: str, case: Case) -> tuple[Bill, str, str]:
    timeout_s = tables.limit("lambda.timeout").max
    # Beyond the limit there is no price: what it would be is priced in pieces that fit.
    pieces = math.ceil(case.duration_ms / (timeout_s * 1000))
    use = {
        "requests": case.requests_month * pieces,
        "duration_ms": case.duration_ms / pieces,
        "memory_mb": case.memory_mb,
        "architecture": "arm64" if name.endswith("arm64") else case.architecture,
        "free_tier": case.free_tier,
        "init_ms": case.init_ms,
        "cold_start_share": case.cold_share,
    }
    obstacle = ""
    if case.longest > timeout_s * 1000:
        obstacle = f"the longest run takes {case.longest / 1000:,.0f} s, an invocation {timeout_s:,} s at most"
    note = f"in {pieces} pieces" if pieces > 1 else f"{case.memory_mb:g} MB, {case.duration_ms:.0f} ms"
    if name.endswith("provisioned"):
        warm = environments(case)
        use |= {"init_ms": 0.0, "cold_start_share": 0.0, "provisioned": Provisioned(warm, HOURS_A_MONTH)}
        note = f"{warm} kept warm all month"
    return lambda_bill(**use), obstacle, note


def at_scales(case: Case, scales: tuple[float, ...] = SCALES) -> list[tuple[float, tuple[Option, ...]]]:
    """Return the options at a tenth of the traffic, as it is, and at ten times."""
    return [(scale, options(scaled(case, scale))) for scale in scales]


def curve(case: Case, name: str) -> Callable[[float], Bill]:
    """Return the function from requests a month to one option's whole bill, for break-evens and charts."""

    @cache
    def bill(requests: float) -> Bill:
        option = _option(name, case.with_requests(requests))
        people = option.people_usd
        extra = Bill((_people_line(people),)) if people else Bill(())
        return Bill(option.compute.lines + option.around.lines + extra.lines)

    return bill


def _people_line(usd: float) -> Line:
    return Line("People's time", usd, "USD", 1.0, "people", "your input", None)
