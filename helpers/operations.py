"""A year of operations: which events come, on which day, who acts, and how many hours that takes.

Who acts is :mod:`helpers.responsibility`'s; how often and how long are assumptions, each with its reason in
``data/effort.csv``, and can be scaled here. The year is 2027. A runtime's end has its real date; everything else is
spread evenly, so that the same year comes each time.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache
from typing import TYPE_CHECKING

from helpers import tables
from helpers.checks import number
from helpers.pricing import Bill, api_bill, rack_bill
from helpers.pricing.scenarios import Workload, compute_models
from helpers.responsibility import Event, events, who_acts
from helpers.ways import WAYS, way

if TYPE_CHECKING:
    import pandas as pd

YEAR = 2027
# So long does one person work in a year: 365 days less weekends, holidays, leave and illness, eight hours each.
HOURS_A_PERSON = 1_700
# Which of the collection's models a way is billed as, and what stands in front of it.
_BILLED_AS = {"ec2": "EC2", "nodes": "EKS", "fargate": "Fargate", "zip": "Lambda", "image": "Lambda"}
_RACK_SERVERS, _RACK_YEARS, _RACK_KW = 2, 4, 0.4
# Spreads the events of a year without any two of a kind falling together.
_GOLDEN = 0.618034


@dataclass(frozen=True)
class Happening:
    """One event of the year: its day and what it is."""

    day: date
    event: Event


def year(*, runtime: str = "nodejs22.x") -> tuple[Happening, ...]:
    """Return the events of a year in their order.

    Parameters
    ----------
    runtime : the runtime that the shop's code needs; it ends on its day, if that is in the year

    Raises
    ------
    KeyError
        If there is no such runtime.

    Examples
    --------
    >>> [str(one.day) for one in year() if one.event.id == "runtime-end"]
    ['2027-04-30']
    """
    known = tables.runtimes()
    if runtime not in known.index:
        raise KeyError(f"no runtime {runtime!r}; there is {', '.join(known.index)}")
    ends = known.loc[runtime, "deprecated"]
    effort, found = _effort(), []
    for place, event in enumerate(events()):
        if event.id == "runtime-end":
            if ends == ends and ends.year == YEAR:  # a preview has no date
                found.append(Happening(ends.date(), event))
            continue
        times, phase = int(effort.loc[event.id, "per_year"]), (place + 1) * _GOLDEN % 1
        found += [Happening(_day((k + phase) / times), event) for k in range(times)]
    return tuple(sorted(found, key=lambda one: (one.day, one.event.id)))


def hours(event: Event | str, model: str, *, scripted: float = 0.0) -> float:
    """Return the team's hours for one event, in one way of running; an assumption.

    Parameters
    ----------
    event : an event or its id
    model : a way of running, as ``responsibility.way`` takes it
    scripted : share of the hours that the team's own scripts take over, 0 to 1

    Examples
    --------
    >>> hours("kernel-cve", "ec2"), hours("kernel-cve", "zip"), hours("certificate", "zip")
    (4.0, 0.0, 0.25)
    """
    answer = who_acts(event, model)
    row = _effort().loc[answer.event]
    spent = {"You": row.hours_you, "Shared": row.hours_shared, "AWS": 0.0}[answer.owner]
    return float(spent) * (1 - number("scripted", scripted, 0, 1))


def played(happenings: tuple[Happening, ...], *, scripted: float = 0.0) -> pd.DataFrame:
    """Return who acts on each event and for how long: day, event, and for each way its owner and hours."""
    import pandas as pd

    rows = []
    for one in happenings:
        row: dict[str, object] = {"day": one.day, "event": one.event.title}
        for each in WAYS:
            row |= {f"{each}": who_acts(one.event, each).owner, f"{each}_hours": _hours(one.event.id, each, scripted)}
        rows.append(row)
    columns = ["day", "event", *(name for each in WAYS for name in (each, f"{each}_hours"))]
    return pd.DataFrame(rows, columns=columns)


def hours_of_year(*, runtime: str = "nodejs22.x", scripted: float = 0.0, luck: float = 1.0) -> pd.Series:
    """Return the team's hours of a whole year, by the id of the way.

    Parameters
    ----------
    runtime : see :func:`year`
    scripted : see :func:`hours`
    luck : how many times as much happens as assumed
    """
    many = number("luck", luck)
    frame = played(year(runtime=runtime), scripted=scripted)
    import pandas as pd

    return pd.Series({each: float(frame[f"{each}_hours"].sum()) * many for each in WAYS}, name="hours")


def usd_an_hour() -> float:
    """Return what an hour of an administrator costs: the salary of the price table over the hours of a year."""
    return tables.price("physical.admin_salary").value / HOURS_A_PERSON


def bill(model: str, *, requests: float) -> Bill:
    """Return a month's bill of the shop's service in one way of running: what computes, and the door in front.

    Sizes are those of ``pricing.scenarios``: two machines or tasks at least. People are left out. A function stands
    behind a URL, which is free; a server in the rack needs no door of AWS's.
    """
    each = way(model).id
    count = number("requests", requests)
    if each == "rack":
        servers = Workload().units(count, Workload().server_vcpu)
        return rack_bill(servers=max(servers, _RACK_SERVERS), years=_RACK_YEARS, kw_per_server=_RACK_KW, admins_share=0)
    door = "URL" if each in ("zip", "image") else "ALB"
    compute = compute_models(Workload())[_BILLED_AS[each]](count)
    return compute + api_bill(door, requests=count, lambda_target=False)


def cost_of_year(
    *,
    requests: float,
    usd_per_hour: float,
    runtime: str = "nodejs22.x",
    scripted: float = 0.0,
    luck: float = 1.0,
) -> pd.DataFrame:
    """Return what a year costs in each way of running: columns way, bill_usd, hours, people_usd.

    Parameters
    ----------
    requests : a month
    usd_per_hour : of the team's time
    runtime, scripted, luck : see :func:`hours_of_year`
    """
    import pandas as pd

    rate = number("usd_per_hour", usd_per_hour)
    spent = hours_of_year(runtime=runtime, scripted=scripted, luck=luck)
    rows = [
        (WAYS[each].label, float(bill(each, requests=requests).total) * 12, spent[each], spent[each] * rate)
        for each in WAYS
    ]
    return pd.DataFrame(rows, columns=["way", "bill_usd", "hours", "people_usd"], index=list(WAYS))


def _day(share: float) -> date:
    return date(YEAR, 1, 1) + timedelta(days=int(share * 365))


@cache
def _effort() -> pd.DataFrame:
    return tables.load("effort")


@cache
def _hours(event: str, model: str, scripted: float) -> float:
    return hours(event, model, scripted=scripted)
