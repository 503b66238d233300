"""From racks to functions: dated milestones, who looks after which layer, and one shop provisioned four ways.

Milestones come from the ``timeline`` table, with the precision that their sources have. The stack of layers is the
lesson's story as AWS's shared responsibility model tells it today. The four ways put one week of demand
(``capacity``) on racks, virtual machines, containers and functions, and let ``pricing`` write the bills.
What is assumed about a way is a field with its reason beside it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import TYPE_CHECKING

import numpy as np

from helpers import tables
from helpers.capacity import WEEK_MINUTES, Fleet, Served, Week, cost_of_idle, declared, serve, without
from helpers.checks import choice
from helpers.pricing import HOURS_A_MONTH, Bill, ec2_bill, fargate_bill, lambda_bill, memory_model, rack_bill
from helpers.pricing.scenarios import INSTANCE

if TYPE_CHECKING:
    import pandas as pd

# Lines of development as a learner reads them, each with the tracks of the timeline table that belong to it.
TRACKS = {
    "racks and virtual machines": ("era", "vm"),
    "cloud services and platforms": ("cloud", "paas"),
    "containers": ("container",),
    "functions": ("serverless",),
}
# The line that this collection follows through them: what one ships, and who keeps it running.
MAIN = (
    "Racks and colocation",
    "VMware ESX and GSX Server 1.0",
    "Amazon EC2, public beta",
    "LXC",
    "Docker shown at PyCon",
    "AWS Lambda, preview",
    "Amazon ECS, generally available",
    "Kubernetes 1.0",
    "AWS Fargate for ECS, generally available",
    "Container images, 10,240 MB, billing by the millisecond",
    "EKS Auto Mode",
    "INIT is billed for zip packages on managed runtimes",
    "Lambda Managed Instances",
)

VM = INSTANCE["x86_64"]
FULL_VCPU_MB = 1769
WAYS = ("racks", "VMs", "containers", "functions")
WEEK_HOURS = WEEK_MINUTES / 60


def when(day: date, dated: str) -> str:
    """Write a date as exactly as its source knows it.

    Examples
    --------
    >>> when(date(2013, 3, 1), "month"), when(date(1990, 1, 1), "decade")
    ('Mar 2013', 'the 1990s')
    """
    choice("dated", dated, ("day", "month", "year", "decade"))
    if dated == "day":
        return f"{day.day} {day:%b %Y}"
    return f"{day:%b %Y}" if dated == "month" else f"{day.year}" if dated == "year" else f"the {day.year}s"


def milestones(track: str = "all", *, since: int = 1990, until: int = 2100) -> pd.DataFrame:
    """Return milestones in their order.

    Parameters
    ----------
    track : one of ``TRACKS``, ``"main"`` for the line that runs through them, or ``"all"``
    since, until : first and last year

    Returns
    -------
    pandas.DataFrame
        Columns of the ``timeline`` table, and when (in words), last (the last day that the date may mean).
    """
    choice("track", track, ("all", "main", *TRACKS))
    rows = tables.timeline()
    if track == "main":
        rows = rows[rows.milestone.isin(MAIN)]
    elif track != "all":
        rows = rows[rows.track.isin(TRACKS[track])]
    rows = rows[(rows.date.dt.year >= since) & (rows.date.dt.year <= until)]
    rows = rows.sort_values("date", kind="stable", ignore_index=True)
    known = [(day.date(), dated) for day, dated in zip(rows.date, rows.dated, strict=True)]
    return rows.assign(when=[when(*each) for each in known], last=[_last_day(*each) for each in known])


def _last_day(day: date, dated: str) -> date:
    if dated == "day":
        return day
    if dated == "month":
        return (day.replace(day=1) + timedelta(days=31)).replace(day=1) - timedelta(days=1)
    return date(day.year + (9 if dated == "decade" else 0), 12, 31)


# From the user down to the ground, in each model. Y: you, A: AWS, B: both, each a part, L: who rents the rack out.
MODELS = ("rack", "VM (EC2)", "containers on EC2", "containers on Fargate", "functions (zip)")
LAYERS = {
    "data, and who sees it": "YYYYY",
    "application code": "YYYYY",
    "libraries": "YYYYY",
    "language runtime": "YYYYB",
    "packages, base image": "YYYYA",
    "how many run": "YYYYB",
    "guest system": "YYYAA",
    "host, hypervisor": "YAAAA",
    "servers and network": "YAAAA",
    "building, power": "LAAAA",
}
OWNERS = {"Y": "You", "A": "AWS", "B": "Shared", "L": "Landlord"}
SHIPS = ("a server", "a machine image", "a container image", "a container image", "a zip file")


def stack() -> pd.DataFrame:
    """Return who looks after which layer in which model, from the user down: layer, model, owner.

    Source: AWS shared responsibility model, as told for Amazon ECS; claims C02 to C04, T04 and T05 of ``claims``.
    """
    import pandas as pd

    rows = [
        (layer, model, OWNERS[owner])
        for layer, owners in LAYERS.items()
        for model, owner in zip(MODELS, owners, strict=True)
    ]
    return pd.DataFrame(rows, columns=["layer", "model", "owner"])


@dataclass(frozen=True, kw_only=True)
class Shop:
    """What the shop's application needs, and how its team provides it four ways. All of it is assumed, with reasons."""

    wait_ms: float = declared(50, "a request waits for the database")
    cpu_ms: float = declared(100, "and computes: a picture is scaled, compressed")
    memory_mb: float = declared(1769, "of a function: one full vCPU")
    use: float = declared(0.6, "planned share of busy processors; rest: headroom")
    minimum: int = declared(2, "units that always run, so that one may fail")
    server_vcpu: float = declared(16, "a small server: eight cores, two threads each")
    server_kw: float = declared(0.4, "electrical load of one")
    server_years: float = declared(4, "its purchase is spread over so many years")
    rack_lead_weeks: float = declared(6, "order, deliver, mount, install")
    rack_repair_hours: float = declared(24, "a part on the next working day, by contract")
    vm_review_minutes: int = declared(5, "the load is looked at every five minutes")
    vm_lead_minutes: int = declared(5, "boot, start the application, pass health checks")
    task_lead_minutes: int = declared(2, "pull the image, start, pass health checks")
    idle_minutes: int = declared(10, "an idle environment stays; AWS gives no figure")
    patience_s: float = declared(10, "a visitor waits, then has gone")

    @property
    def duration_ms(self) -> float:
        """How long a function takes: it waits and computes, with its part of a vCPU."""
        return memory_model(self.wait_ms, self.cpu_ms, self.memory_mb)


@dataclass(frozen=True)
class Way:
    """One way to provide compute: what one adds, its vCPUs, how the fleet behaves, how long a repair takes."""

    unit: str
    vcpu: float
    fleet: Fleet
    repair_minutes: float


def ways(shop: Shop | None = None) -> dict[str, Way]:
    """Return the four ways by name, each as the shop's team runs it."""
    shop = shop or Shop()
    second = shop.cpu_ms / 1000
    vm = float(tables.instances().loc[VM, "vcpu"])
    common = {"use": shop.use, "minimum": shop.minimum}
    rack_lead, rack_repair = round(shop.rack_lead_weeks * WEEK_MINUTES), shop.rack_repair_hours * 60
    vm_follow = {"lead_minutes": shop.vm_lead_minutes, "review_minutes": shop.vm_review_minutes}
    most = float(tables.limit("lambda.concurrency").max or 0)
    environment = Fleet(
        unit_rate=1000 / shop.duration_ms, use=1, minimum=0, maximum=most, linger_minutes=shop.idle_minutes
    )
    return {
        "racks": Way(
            f"server, {shop.server_vcpu:.0f} vCPUs",
            shop.server_vcpu,
            Fleet(unit_rate=shop.server_vcpu / second, lead_minutes=rack_lead, **common),
            rack_repair,
        ),
        "VMs": Way(
            f"{VM}, {vm:.0f} vCPUs",
            vm,
            Fleet(unit_rate=vm / second, **vm_follow, **common),
            shop.vm_review_minutes + shop.vm_lead_minutes,
        ),
        "containers": Way(
            "Fargate task, 1 vCPU",
            1,
            Fleet(unit_rate=1 / second, lead_minutes=shop.task_lead_minutes, **common),
            1 + shop.task_lead_minutes,
        ),
        "functions": Way(f"environment, {shop.memory_mb:,.0f} MB", shop.memory_mb / FULL_VCPU_MB, environment, 0),
    }


@dataclass(frozen=True, eq=False)
class Outcome:
    """What one way made of a week.

    Attributes
    ----------
    way : its name
    units : units in service, minute by minute
    served : what became of the requests
    bill : the week's bill
    utilisation : share of the paid processor time in which a request was computing
    """

    way: str
    units: np.ndarray
    served: Served
    bill: Bill
    utilisation: float

    @property
    def usd(self) -> float:
        """The bill of the week."""
        return self.bill.total

    @property
    def idle_usd(self) -> float:
        """The part of the bill that paid for processors without work."""
        return cost_of_idle(self.usd, self.utilisation)["idle"]

    def started(self, first: int, last: int) -> int:
        """Return how many units began to serve between two minutes."""
        return int(np.maximum(np.diff(self.units[first:last]), 0).sum())


def provision(
    way: str, week: Week, shop: Shop | None = None, *, forecast: float | None = None, fails: int = 0
) -> Outcome:
    """Run one week one way.

    Parameters
    ----------
    way : one of ``WAYS``
    week, shop : demand, and how it is met
    forecast : the launch that the racks were ordered for, as a multiple of an ordinary day; the true one if omitted
    fails : units that fail in the minute of the launch, until they are repaired

    Examples
    --------
    >>> f"{provision('racks', Week()).utilisation:.0%}"
    '18%'
    """
    shop = shop or Shop()
    choice("way", way, WAYS)
    kind, rates = ways(shop)[way], week.rates()
    if way == "racks":
        expected = rates if forecast is None else replace(week, launch=forecast).rates()
        units = paid = np.full(rates.size, float(kind.fleet.for_peak(expected.max())))
    elif way == "functions":
        units = paid = kind.fleet.on_demand(rates)
    else:
        units, paid = kind.fleet.following(rates)
    units = without(units, minute=week.launch_minute, repair_minutes=kind.repair_minutes, lost=fails)
    served = serve(rates, units * kind.fleet.unit_rate, paid=paid * kind.fleet.unit_rate, patience_s=shop.patience_s)
    if way != "functions":
        return Outcome(way, units, served, _fleet(way, float(paid.sum()) / 60, shop), served.utilisation)
    # Of a function every moment is paid in which a request is in it; its processor rests while the request waits.
    busy = shop.cpu_ms / (shop.duration_ms * kind.vcpu)
    return Outcome(way, units, served, _functions(served.requests - float(served.dropped.sum()), shop), busy)


def _functions(requests: float, shop: Shop) -> Bill:
    return lambda_bill(requests=requests, duration_ms=shop.duration_ms, memory_mb=shop.memory_mb, free_tier=False)


def _fleet(way: str, unit_hours: float, shop: Shop) -> Bill:
    """Bill a week's unit-hours; a rack's week is its share of a month."""
    count = unit_hours / WEEK_HOURS
    if way == "VMs":
        return ec2_bill(VM, count=count, hours=WEEK_HOURS, storage_gb=20)
    if way == "containers":
        return fargate_bill(vcpu=1, memory_gb=2, tasks=count, seconds_per_task=WEEK_HOURS * 3600)
    share = count / tables.price("physical.servers_per_admin").value
    month = rack_bill(servers=count, years=shop.server_years, kw_per_server=shop.server_kw, admins_share=share)
    return month * (WEEK_HOURS / HOURS_A_MONTH)
