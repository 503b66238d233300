"""The figures about five edges of functions: the bill of steady traffic, a promise and its price, a game's sessions.

Each takes plain values, lets the calculations below answer, and draws what comes back. Explorers call these.
"""

from __future__ import annotations

import pandas as pd

from helpers.coldstart import Remedies
from helpers.coldstart.promise import FLEET, Promise, promised
from helpers.pricing import steady
from helpers.scaling.sessions import Game, both_ways
from helpers.show import charts
from helpers.show import wording as say
from helpers.show.chart import Chart
from helpers.show.palette import TEXT, palette

DURATIONS_MS = (3.0, 10.0, 30.0, 100.0, 300.0, 1000.0, 3000.0)
MEMORIES_MB = (128.0, 256.0, 512.0, 1024.0, 1769.0, 3008.0)
VOLUMES = (1e4, 3e4, 1e5, 3e5, 1e6, 3e6, 1e7, 3e7)
STORES = {"DynamoDB": {"store_ms": 4.0, "store_p99_ms": 20.0}, "Redis": {"store_ms": 0.5, "store_p99_ms": 2.0}}


def _short(value: float, digits: int = 3) -> str:
    return say.number(float(f"{value:.{digits}g}"))


def break_even(
    *,
    fleet: str = "EC2 on demand",
    utilisation: float = 50,
    computing: float = 50,
    people_hours: float = 0,
    duration_ms: float = 100,
    memory_mb: float = 512,
) -> Chart:
    """Draw the requests a second above which a fleet is cheaper than functions, by duration and memory.

    Parameters
    ----------
    fleet, people_hours : as for ``pricing.steady.Steady``
    utilisation, computing : likewise, in percent
    duration_ms, memory_mb : the cell that title and sentence speak of; it has a frame
    """
    assumed = steady.Steady(
        fleet=fleet, utilisation=utilisation / 100, computing=computing / 100, people_hours=people_hours
    )
    frame = steady.break_even_table(assumed, durations_ms=DURATIONS_MS, memories_mb=MEMORIES_MB)
    one = float(steady.break_even_per_s(assumed, duration_ms=duration_ms, memory_mb=memory_mb))
    known = frame.per_s.dropna()
    where = f"{_short(duration_ms)} ms at {_short(memory_mb)} MB"
    title = f"{where}: {fleet} is cheaper above {_short(one)} requests a second"
    if one != one:
        title = f"{where}: functions are cheaper up to {steady.MOST_PER_S:,.0f} requests a second"
    cost = steady.people(people_hours).total
    people = f"{_short(people_hours)} hours of people ({say.dollars(cost)})" if people_hours else "nobody's time"
    ends = (
        f" Over the grid the line lies between {_short(known.min())} and {_short(known.max())}." if len(known) else ""
    )
    sentence = (
        f"{fleet}, {_short(utilisation)}% in use, requests that compute for {_short(computing)}% of their time, "
        f"and {people} a month: {title}.{ends}"
    )
    named = frame.assign(
        duration=[f"{_short(ms)} ms" for ms in frame.duration_ms],
        memory=[f"{_short(mb)} MB" for mb in frame.memory_mb],
    )
    chart = charts.heat(
        frame,
        "duration_ms",
        "memory_mb",
        "per_s",
        title=title,
        sentence=sentence,
        x_title="duration (ms)",
        y_title="memory (MB)",
        z_title="requests a second",
        log_z=True,
        height=440,
    )
    _frame_cell(chart, duration_ms, memory_mb)
    return Chart(chart.figure, sentence, named[["duration", "memory", "per_s"]].round(2))


def _frame_cell(chart: Chart, duration_ms: float, memory_mb: float) -> None:
    """Put a frame around the cell that the title speaks of, where the grid has it."""
    if duration_ms not in DURATIONS_MS or memory_mb not in MEMORIES_MB:
        return
    x, y = DURATIONS_MS.index(duration_ms), MEMORIES_MB.index(memory_mb)
    frame = {"type": "rect", "x0": x - 0.5, "x1": x + 0.5, "y0": y - 0.5, "y1": y + 0.5}
    chart.figure["layout"]["shapes"] = [frame | {"line": {"color": TEXT, "width": 3}}]


def steady_month(
    *,
    rate_per_s: float = 1e6 / 60,
    duration_ms: float = 100,
    memory_mb: float = 128,
    people_hours: float = 0,
    utilisation: float = 50,
) -> Chart:
    """Draw the month of functions and of four fleets at a steady rate; parameters as for ``pricing.steady.month``."""
    frame = steady.month(
        rate_per_s,
        duration_ms=duration_ms,
        memory_mb=memory_mb,
        people_hours=people_hours,
        utilisation=utilisation / 100,
    )
    usd = frame.set_index("model").usd
    least, functions = usd.drop("Lambda").idxmin(), usd["Lambda"]
    times = functions / usd[least]
    part = f"{least} costs {_short(100 / times, 2)}% of what functions do"
    cheaper = part if times > 1 else "Functions are the cheapest"
    told = say.listed(f"{row.model} {say.dollars(round(row.usd))[:-3]} ({row.units:,})" for row in frame.itertuples())
    chart = charts.bars(
        frame,
        "model",
        "usd",
        title=f"{cheaper} at {_short(rate_per_s)} requests a second",
        sentence=(
            f"{_short(rate_per_s)} requests a second all month, {_short(duration_ms)} ms at {_short(memory_mb)} MB; in "
            f"brackets environments, tasks or instances. USD a month: {told}.".replace("$", "")
        ),
        y_title="USD a month",
        horizontal=True,
        height=360,
    )
    names = palette.names_for(row.model for row in frame.itertuples())
    chart.figure["data"][0]["marker"]["color"] = [palette[name] for name in names]
    return chart


def promise(
    *,
    objective_ms: float = 1000,
    allowed: float = 0.1,
    init_ms: float = 2000,
    memory_mb: float = 3008,
    wait_ms: float = 300,
    cpu_ms: float = 20,
) -> Chart:
    """Draw what a promise about latency costs over the traffic: nothing done, provisioned, and a fleet.

    Parameters
    ----------
    objective_ms, allowed : at most this share of the requests, in percent, takes longer
    init_ms, memory_mb, wait_ms, cpu_ms : as for ``coldstart.Remedies``
    """
    use = Remedies(requests=1, init_ms=init_ms, memory_mb=memory_mb, wait_ms=wait_ms, cpu_ms=cpu_ms)
    frame = promised(use, Promise(objective_ms=objective_ms, share=allowed / 100), requests=VOLUMES)
    named = {"on_demand_usd": "promise broken", "kept_usd": "Lambda, provisioned", "fleet_usd": FLEET}
    long = frame.melt(id_vars="requests", value_vars=list(named), var_name="way", value_name="usd")
    long = long[(long.usd > 0) & long.usd.notna()].assign(way=long.way.map(named))
    dear = frame[(frame.environments > 0) & (frame.kept_usd > frame.fleet_usd)]
    kept = frame[frame.environments > 0]
    if frame.kept_usd.isna().all():
        title = f"No number of environments keeps {_short(objective_ms)} ms: warm requests take too long"
    elif not kept.size:
        title = "The promise is kept with nothing provisioned"
    elif dear.size:
        title = f"At {say.quantity(dear.requests.iloc[0])} requests a month, a promise kept costs more than {FLEET}"
    else:
        title = f"A promise kept stays cheaper than {FLEET}"
    sentence = f"Promised: {100 - allowed:g}% of the requests within {_short(objective_ms)} ms. "
    sentence += _kept(frame) if kept.size else f"{title}."
    chart = charts.lines(
        long,
        "requests",
        "usd",
        "way",
        title=title,
        sentence=sentence,
        x_title="requests a month",
        y_title="USD a month",
        log_x=True,
        log_y=True,
        height=440,
    )
    return Chart(chart.figure, sentence, frame)


def _kept(frame: pd.DataFrame) -> str:
    """Tell the least and the most traffic at which environments keep the promise, and where that stops paying."""
    kept = frame[frame.environments > 0]
    told = [
        f"At {say.quantity(row.requests)} requests a month {row.broken * 100:.2g}% break it, and "
        f"{row.environments:.0f} provisioned keep it for ${row.kept_usd:,.2f} a month instead of "
        f"${row.on_demand_usd:,.2f}."
        for row in kept.iloc[[0, -1] if len(kept) > 1 else [0]].itertuples()
    ]
    fleet = f"{FLEET[0].upper()}{FLEET[1:]} costs ${kept.fleet_usd.iloc[-1]:,.2f}"
    dear = kept[kept.kept_usd > kept.fleet_usd]
    if len(dear):
        told.append(f"{fleet}, which is less from {say.quantity(dear.requests.iloc[0])} requests a month on.")
    else:
        told.append(f"{fleet}.")
    free = frame[(frame.environments == 0) & (frame.requests > kept.requests.iloc[-1])]
    if len(free):
        told.append(f"From {say.quantity(free.requests.iloc[0])} requests a month on nothing has to be provisioned.")
    return " ".join(told)


def game(*, players: float = 500, messages_per_s: float = 10, store: str = "DynamoDB", work_ms: float = 1) -> Chart:
    """Draw the latency of a game's messages and the month's bill, with sessions in a store and in memory.

    Parameters
    ----------
    players, messages_per_s, work_ms : as for ``scaling.sessions.Game``
    store : one of ``STORES``, which gives the round trip's assumed median and 99th percentile
    """
    model = Game(players=players, messages_per_s=messages_per_s, work_ms=work_ms, store=store, **STORES[store])
    frame = both_ways(model)
    # Digits that a run of some seconds bears out.
    for column, digits in {"p50_ms": 2, "p99_ms": 2, "at_once": 2, "usd": 3}.items():
        frame[column] = [float(f"{value:.{digits}g}") for value in frame[column]]
    away, here = frame.iloc[0], frame.iloc[1]
    long = frame.melt(id_vars="way", value_vars=["p50_ms", "p99_ms"], var_name="percentile", value_name="ms")
    long["percentile"] = long.percentile.map({"p50_ms": "half within", "p99_ms": "99% within"})
    longer, dearer = (_short(away[name] / here[name], 2) for name in ("p50_ms", "usd"))
    title = f"Sessions in {store}: {longer} times the wait, {dearer} times the bill"
    told = (
        f"half within {_short(away.p50_ms)} ms, 99% within {_short(away.p99_ms)} ms, {_short(away.at_once)} at work at "
        f"once, {say.dollars(away.usd)[:-3]} a month"
    )
    sentence = (
        f"{say.quantity(players)} players, {_short(model.rate_per_s)} messages a second. Functions with {store}: "
        f"{told}. Servers with sessions in memory: {_short(here.p50_ms)} and {_short(here.p99_ms)} ms, "
        f"{here.units} instances, {say.dollars(here.usd)[:-3]} a month."
    )
    chart = charts.bars(
        long,
        "way",
        "ms",
        "percentile",
        title=title,
        sentence=sentence,
        y_title="ms for a message",
        mode="group",
        horizontal=True,
        height=360,
    )
    return Chart(chart.figure, sentence, frame)
