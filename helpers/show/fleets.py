"""The figures about fleets: a week of traffic, what racks, machines, containers and functions can carry, their bills.

Each takes plain inputs, lets ``history`` run the week, and draws what comes back. Explorers call these.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from helpers.capacity import DAYS, Week
from helpers.history import WAYS, Outcome, Shop, provision
from helpers.show import charts, theme
from helpers.show.chart import Chart
from helpers.show.palette import GRID, PAPER, palette
from helpers.show.wording import dollars, listed, number

# The ways as figures name them; the word that the palette knows gives each its colour, dash and pattern.
NAMES = {"racks": "rack", "VMs": "EC2 VMs", "containers": "Fargate containers", "functions": "Lambda functions"}
CHOICES = {name: way for way, name in NAMES.items()}
_HATCHED = {"shape": "/", "fillmode": "overlay", "fgcolor": PAPER, "size": 9, "solidity": 0.25}


def week(*, per_second: float = 60, launch: float = 3, weekend: float = 1.25, seed: int = 1) -> Chart:
    """Draw the requests of each hour in the launch week; inputs as for ``capacity.Week``."""
    model = Week(per_second=per_second, launch=launch, weekend=weekend, seed=seed)
    hours = model.hourly()
    top, least = hours.loc[hours.requests.idxmax()], hours.loc[hours.requests.idxmin()]
    average = float(hours.requests.mean())
    begins = model.launch_minute / 60
    chart = charts.lines(
        hours.assign(hour=hours.hour + 0.5),
        "hour",
        "requests",
        title=f"The busiest hour brings {number(_short(top.requests / least.requests), 3)} times the quietest",
        sentence=(
            f"{_millions(hours.requests.sum())} requests in the week. The busiest hour, {top.day} {top.clock}, has "
            f"{number(int(top.requests))}, the quietest, {least.day} {least.clock}, {number(int(least.requests))}; "
            f"an average hour has {number(_short(average))}."
        ),
        x_title="",
        y_title="requests an hour",
        marks=[(begins + 0.5, float(hours.requests[round(begins)]), "launch, 2 a.m. on Thursday")]
        if launch > 1
        else [],
    )
    _days(chart.figure)
    _fill(chart.figure["data"][0])
    return Chart(chart.figure, chart.sentence, hours)


def _short(value: float) -> float:
    return float(f"{value:.3g}")


def _millions(value: float) -> str:
    return f"{value / 1e6:.1f} million" if value >= 1e6 else f"{value:,.0f}"


def _days(figure: dict[str, Any], axis: str = "xaxis") -> None:
    """Write days in the middle of their stretch of the axis, and draw the midnights."""
    nights = [24 * day for day in range(8)]
    figure["layout"][axis] |= {
        "range": [0, 168],
        "tickmode": "array",
        "tickvals": [night + 12 for night in nights[:-1]],
        "ticktext": list(DAYS),
        "showgrid": False,
        "ticks": "",
        "minor": {"tickvals": nights, "showgrid": True, "gridcolor": GRID},
    }


def _fill(trace: dict[str, Any]) -> None:
    trace |= {"fill": "tozeroy", "fillcolor": "rgba(161,143,124,0.28)", "mode": "lines"}
    trace["line"] = {"color": "#6e6053", "width": 2, "dash": "solid"}


def _outcomes(week: Week, shop: Shop, **more: Any) -> dict[str, Outcome]:
    return {way: provision(way, week, shop, **more) for way in WAYS}


def fleet(
    *, way: str = "racks", per_second: float = 60, launch: float = 3, ordered: float = 3, use: float = 60
) -> Chart:
    """Draw what a fleet can carry over the week's requests.

    Parameters
    ----------
    way, per_second, launch : one of ``WAYS``; ordinary traffic; launch day against an ordinary day
    ordered : the launch that racks were ordered for
    use : share of a fleet's processors that is planned to be busy, in percent
    """
    outcome = provision(way, Week(per_second=per_second, launch=launch), Shop(use=use / 100), forecast=ordered)
    frame = pd.concat([_hourly("requests", outcome.served.rates), _hourly(NAMES[way], outcome.served.capacity)])
    busy = number(_short(outcome.utilisation * 100), 3)
    chart = charts.lines(
        frame,
        "hour",
        "requests a second",
        "line",
        title=f"{_start(NAMES[way])}: processors busy {busy}% of the paid time",
        sentence=_told(outcome),
        x_title="",
        y_title="requests a second",
    )
    _days(chart.figure)
    _fill(chart.figure["data"][0])
    return chart


def _start(text: str) -> str:
    return text[0].upper() + text[1:]


def _hourly(line: str, by_minute: np.ndarray) -> pd.DataFrame:
    values = by_minute.reshape(-1, 60).mean(axis=1).round(1)
    return pd.DataFrame({"hour": np.arange(values.size) + 0.5, "requests a second": values, "line": line})


def _told(outcome: Outcome) -> str:
    units = outcome.units
    size = f"{units.max():.0f} units" if units.max() == units.min() else f"{units.min():.0f} to {units.max():.0f} units"
    busy = number(_short(outcome.utilisation * 100), 3)
    return (
        f"{_start(NAMES[outcome.way])}: {size}, {dollars(outcome.usd)} for the week. Processors compute for {busy}% of "
        f"the time that is paid; {dollars(outcome.idle_usd)} pays for idle time. "
        f"Turned away: {_turned_away(outcome.served.dropped.sum())}."
    )


def _turned_away(requests: float) -> str:
    return "nobody" if requests < 0.5 else f"{number(round(_short(requests)))} requests"


def shapes() -> Chart:
    """Draw the same week on all four ways, one panel each."""
    outcomes = _outcomes(Week(), Shop())
    layout = theme.layout("Smaller units, shorter lead times: a closer fit", height=760)
    layout["margin"] |= {"t": 84, "b": 44}
    data, notes, rows = [], [], []
    for i, (way, outcome) in enumerate(outcomes.items()):
        axis, top = f"{i + 1 if i else ''}", 1 - i * 0.26
        demand, capacity = _hourly("requests", outcome.served.rates), _hourly(way, outcome.served.capacity)
        area = {
            "type": "scatter",
            "x": demand.hour,
            "y": demand["requests a second"],
            "xaxis": "x",
            "yaxis": f"y{axis}",
        }
        _fill(area)
        colour, dash, _, _ = palette.style(palette.names_for([NAMES[way]])[0])
        line = area | {"y": capacity["requests a second"], "line": {"color": colour, "width": 3, "dash": dash}}
        line.pop("fill")
        data += [area | {"name": "requests"}, line | {"name": NAMES[way]}]
        layout[f"yaxis{axis}"] = theme.axis("per second") | {"domain": [top - 0.2, top], "range": [0, 560], "nticks": 4}
        # No two dollar signs in one text: in a page with MathJax, Plotly takes what stands between them for a formula.
        amounts = f"{outcome.idle_usd:,.0f} of {outcome.usd:,.0f} USD idle"
        text = f"<b>{NAMES[way]}</b>: busy {outcome.utilisation:.0%}, {amounts}"
        notes.append({"text": text, "x": 0.01, "y": top, "xref": "paper", "yref": "paper"})
        rows.append((way, round(outcome.utilisation, 3), round(outcome.usd, 2), round(outcome.idle_usd, 2)))
    layout["annotations"] = [
        note | {"showarrow": False, "xanchor": "left", "yanchor": "bottom", "font": {"size": 16}} for note in notes
    ]
    figure = {"data": data, "layout": layout | {"showlegend": False}}
    _days(figure)
    layout["xaxis"]["anchor"] = "y4"
    table = pd.DataFrame(rows, columns=["way", "busy", "usd", "idle_usd"])
    told = [f"{NAMES[row.way]} are busy {row.busy:.0%} of the time that is paid" for row in table.itertuples()]
    return Chart(figure, f"In the launch week, {listed(told)}.".replace("rack are", "the rack's processors are"), table)


def night(
    *, launch: float = 3, use: float = 60, lead_minutes: int = 5, ramp_minutes: float = 10, fails: bool = False
) -> Chart:
    """Draw launch night from 1:30 to 3:30 by the minute: demand, and what each way can carry.

    Parameters
    ----------
    launch, use : as for :func:`fleet`
    lead_minutes : until a further virtual machine serves
    ramp_minutes : within which the crowd arrives
    fails : whether a unit of each way fails at 2 a.m. too
    """
    model = Week(launch=launch, ramp_minutes=ramp_minutes)
    outcomes = _outcomes(model, Shop(use=use / 100, vm_lead_minutes=lead_minutes), fails=int(fails))
    first, last = model.launch_minute - 30, model.launch_minute + 91
    minutes = np.arange(-30, 91)
    lines = {"requests": outcomes["racks"].served.rates}
    lines |= {NAMES[way]: outcome.served.capacity for way, outcome in outcomes.items()}
    frame = pd.concat(
        pd.DataFrame({"minute": minutes, "requests a second": values[first:last].round(1), "line": name})
        for name, values in lines.items()
    )
    lost = {way: float(outcome.served.between(first, last).dropped.sum()) for way, outcome in outcomes.items()}
    worst = max(lost, key=lambda way: lost[way])
    told = listed(f"{NAMES[way]}: {_turned_away(count)}" for way, count in lost.items())
    at = int(np.argmax(outcomes[worst].served.dropped[first:last]))
    note = (at - 30, float(lines["requests"][first + at]), f"{number(round(_short(lost[worst])))} turned away")
    chart = charts.lines(
        frame,
        "minute",
        "requests a second",
        "line",
        title=f"At 2 a.m. {NAMES[worst]} turn {_turned_away(lost[worst])} away"
        if lost[worst] >= 0.5
        else "At 2 a.m. nobody is turned away",
        sentence=(
            f"From 2 a.m. on, {number(_short(lines['requests'][model.launch_minute - 1]), 3)} requests a second become "
            f"{number(_short(lines['requests'][model.launch_minute + 60]), 3)}. Turned away by 3:30: {told}. "
            f"{outcomes['functions'].started(first, last)} function environments start cold."
        ),
        x_title="time of night",
        y_title="requests a second",
        marks=[note] if lost[worst] >= 0.5 else [],
        height=480,
    )
    for trace in chart.figure["data"][1:5]:
        trace["line"]["shape"] = "hv"
    _fill(chart.figure["data"][0])
    clock = {"tickvals": [-30, 0, 30, 60, 90], "ticktext": ["1:30", "2:00", "2:30", "3:00", "3:30"]}
    chart.figure["layout"]["xaxis"] |= clock
    return chart


def bills(
    *, per_second: float = 60, launch: float = 3, use: float = 60, wait_ms: float = 50, minimum: int = 2
) -> Chart:
    """Draw the launch week's four bills, split into time that computed and time that was idle.

    Parameters are fields of ``capacity.Week`` and ``history.Shop``; ``use`` in percent.
    """
    outcomes = _outcomes(
        Week(per_second=per_second, launch=launch), Shop(use=use / 100, wait_ms=wait_ms, minimum=minimum)
    )
    rows = [
        row
        for way, outcome in outcomes.items()
        for row in (
            (NAMES[way], "computing", outcome.usd - outcome.idle_usd),
            (NAMES[way], "paid, but idle", outcome.idle_usd),
        )
    ]
    by_cost = sorted(outcomes.values(), key=lambda outcome: outcome.usd)
    least_idle = max(outcomes.values(), key=lambda outcome: outcome.utilisation)
    told = listed(f"{NAMES[o.way]} {dollars(o.usd)}, busy {o.utilisation:.0%}" for o in by_cost)
    chart = charts.bars(
        pd.DataFrame(rows, columns=["way", "part", "usd"]),
        "way",
        "usd",
        "part",
        title=f"{_start(by_cost[0].way)} cost least"
        + (" and idle least" if least_idle is by_cost[0] else f", {least_idle.way} idle least"),
        sentence=f"The launch week, from the cheapest: {told}.",
        y_title="USD for the week",
        horizontal=True,
        height=400,
    )
    # Orange means Lambda in this collection; what idles is grey and hatched.
    chart.figure["data"][1]["marker"] |= {"color": palette["muted"], "pattern": _HATCHED}
    return chart
