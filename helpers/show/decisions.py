"""The figures of a decision: a week's shape, bills side by side, break-evens, what matters most, and the advisor.

``advice`` computes; here each finding gets its title and its sentence. The advisor is one function from a few plain
inputs to a chart, so that an explorer can call it.
"""

from __future__ import annotations

import math

import numpy as np
import pandas as pd

from helpers.advice import Advice, Case, Shape, Swing, advise, by_rule, cheapest, split
from helpers.advice.bills import curve, environments
from helpers.advice.rules import CARE, OPEN, STOP, measured, written
from helpers.advice.shape import DAYS
from helpers.show import charts, theme
from helpers.show.chart import Chart
from helpers.show.palette import SHADES, palette
from helpers.show.wording import dollars, listed, number, quantity

POINTS = 41
EDGES = {
    "nothing special": {},
    "answers within 300 ms": {"latency_aim_ms": 300.0},
    "2 GB of state in memory": {"state_mb": 2048.0, "latency_aim_ms": 33.0, "state_trips": 4.0},
    "runs of an hour": {"longest_ms": 3_600_000.0},
    "must leave AWS in a year": {"leave_months": 11.0},
}


def week(shape: Shape) -> Chart:
    """Draw requests an hour by weekday and hour of local time."""
    hours = shape.by_hour
    rows = [
        (f"{hour:02d}", day, round(float(hours[d, hour]), 1) if math.isfinite(hours[d, hour]) else np.nan)
        for d, day in reversed(list(enumerate(DAYS)))
        for hour in range(24)
    ]
    d, hour = divmod(int(np.nanargmax(hours)), 24)
    most = float(hours[d, hour])
    trace = {
        "type": "heatmap",
        "x": [f"{hour:02d}" for hour in range(24)],
        "y": list(DAYS),
        "z": [[round(float(value), 2) if math.isfinite(value) else None for value in day] for day in hours],
        "colorscale": SHADES,
        "colorbar": {"title": {"text": "requests<br>an hour"}, "thickness": 14},
        "xgap": 2,
        "ygap": 2,
        "hovertemplate": "%{y} %{x}:00<br><b>%{z}</b> requests an hour<extra></extra>",
    }
    title = f"Busiest on {DAYS[d]} at {hour:02d}:00: {shape.peak:.1f} times the average in the busiest minute"
    layout = theme.layout(title, "hour of the day, local time", "", 380)
    layout["yaxis"] |= {"autorange": "reversed", "type": "category", "showgrid": False}
    layout["xaxis"] |= {"type": "category", "showgrid": False}
    sentence = (
        f"{shape.requests:,} requests in {number(round(shape.days, 1))} days, most of them on {DAYS[d]} "
        f"at {hour:02d}:00 ({number(round(most))} an hour). {shape.idle_share:.0%} of the minutes have none."
    )
    table = pd.DataFrame(rows, columns=["hour", "day", "requests an hour"])
    return Chart({"data": [trace], "layout": layout}, sentence, table)


def bills(advice: Advice) -> Chart:
    """Draw the month's bill of every way to run a case, in its parts."""
    rows = []
    for option in sorted(advice.options, key=lambda option: option.total):
        rows.append((option.name, "compute", round(option.compute.total, 4)))
        rows.append((option.name, "around the requests", round(option.around.total, 4)))
        if option.people_usd:
            rows.append((option.name, "people", round(option.people_usd, 4)))
    ordered = sorted(advice.options, key=lambda option: option.total)
    frame = pd.DataFrame(rows, columns=["way", "part", "usd"])
    return charts.bars(
        frame,
        "way",
        "usd",
        "part",
        title=f"{ordered[0].name} is the cheapest at {dollars(ordered[0].total)} a month",
        sentence="A month costs: "
        + listed(f"{option.name} {dollars(option.total)}" for option in ordered)
        + f". Recommended: {advice.run_on.name}.",
        y_title="USD a month",
        horizontal=True,
        height=460,
    )


def growth(advice: Advice, *, low: float = 0.05, high: float = 200.0) -> Chart:
    """Draw the bills of a case over its traffic, from a twentieth to two hundred times or beyond the break-even."""
    case, now = advice.case, advice.case.requests_month
    high = max(high, 4 * (advice.break_even or 0.0) / now)
    names = ["Lambda", "Fargate", "EC2 committed", "Rack"]
    names[1:2] = ["Fargate, following"] if case.peak_hour is not None else ["Fargate"]
    requests = [float(f"{n:.3g}") for n in np.geomspace(now * low, now * high, POINTS)]
    rows = [(name, n, round(bill(n).total, 4)) for name in names for bill in [curve(case, name)] for n in requests]
    frame = pd.DataFrame(rows, columns=["model", "requests a month", "usd"])
    here = curve(case, "Lambda")
    marks = [(now, max(here(now).total, 0.01), "now")]
    place = advice.break_even
    if place and now * low < place < now * high:
        marks.append((place, here(place).total, f"even at {quantity(_digits(place))}"))
    if place is None:
        title = "Up to ten thousand times today's traffic, functions stay cheaper than a fleet"
    elif not place:
        title = "A fleet is cheaper, down to a thousandth of today's traffic"
    else:
        title = f"A fleet becomes cheaper from {quantity(_digits(place))} requests a month on"
    ends = [f"{name} {dollars(curve(case, name)(now).total)}" for name in names]
    times = f", {number(_digits(place / now, 2))} times today's" if place else ""
    return charts.lines(
        frame[frame.usd > 0],
        "requests a month",
        "usd",
        "model",
        title=title,
        sentence=f"{title}{times}. At today's {quantity(_digits(now))} a month costs {listed(ends)}.",
        x_title="requests a month",
        y_title="USD a month",
        log_x=True,
        log_y=True,
        marks=marks,
        height=480,
    )


def tornado(swings: tuple[Swing, ...], now: float) -> Chart:
    """Draw how far each input moves the function's bill, widest first."""
    names = [f"{swing.what} {swing.low} … {swing.high}" for swing in swings]
    data = []
    for end, style in (("low", "ec2"), ("high", "lambda")):
        ends = [getattr(swing, f"{end}_usd") for swing in swings]
        data.append(
            {
                "type": "bar",
                "orientation": "h",
                "name": f"{end} end",
                "y": names,
                "x": [round(value - now, 4) for value in ends],
                "base": round(now, 4),
                "marker": {"color": palette[style], "pattern": {"shape": "/" if end == "low" else ""}},
                "hovertemplate": "%{y}<extra></extra>",
            }
        )
    widest = swings[0]
    title = f"What moves the bill most: {widest.what}"
    layout = theme.layout(title, "USD a month", "", 420, legend=True)
    layout["barmode"] = "overlay"
    layout["yaxis"] |= {"autorange": "reversed", "type": "category", "showgrid": False, "automargin": True}
    layout["shapes"] = [
        {
            "type": "line",
            "x0": round(now, 4),
            "x1": round(now, 4),
            "y0": 0,
            "y1": 1,
            "yref": "paper",
            "line": {"dash": "dot"},
        }
    ]
    sentence = f"Around {dollars(now)} a month: " + "; ".join(
        f"{swing.what} {dollars(swing.low_usd)} to {dollars(swing.high_usd)}" for swing in swings
    )
    table = pd.DataFrame(
        [(s.what, s.low, s.high, round(s.low_usd, 2), round(s.high_usd, 2), s.low_best, s.high_best) for s in swings],
        columns=["input", "low", "high", "USD at low", "USD at high", "cheapest at low", "cheapest at high"],
    )
    return Chart({"data": data, "layout": layout}, sentence + ".", table)


def verdicts(advice: Advice) -> pd.DataFrame:
    """Return the verdicts as a frame: rule, verdict, the number that decides, the threshold, its source and date."""
    rows = []
    for rule, verdict in by_rule((*advice.edges, *advice.fit)).items():
        value = "" if verdict.value is None else measured(verdict.value, verdict.unit)
        side = "over" if verdict.worse == "above" else "under"
        rows.append(
            (
                rule,
                verdict.level,
                value,
                f"{side} {written(verdict.threshold)}",
                verdict.change,
                verdict.source,
                verdict.as_of,
            )
        )
    columns = ["rule", "verdict", "number", "threshold", "what would change it", "source", "as of"]
    return pd.DataFrame(rows, columns=columns).set_index("rule")


def advisor(
    *, requests: float, duration_ms: float, memory_mb: float, peak: float, need: str = "nothing special"
) -> Chart:
    """Draw what the advisor says about a workload described by five inputs.

    Parameters
    ----------
    requests, duration_ms, memory_mb : a month; mean duration at that memory
    peak : busiest minute against the average
    need : a name in ``EDGES``
    """
    case = Case(
        requests_month=requests,
        **split(duration_ms, memory_mb=memory_mb),
        memory_mb=memory_mb,
        peak=peak,
        **EDGES[need],
    )
    advice = advise(case)
    ordered = sorted(advice.options, key=lambda option: option.total)
    frame = pd.DataFrame([(option.name, round(option.total, 2)) for option in ordered], columns=["way", "usd"])
    against = [verdict.rule for verdict in by_rule(advice.edges).values() if verdict.level == STOP]
    care = [verdict.rule for verdict in by_rule((*advice.edges, *advice.fit)).values() if verdict.level == CARE]
    said = f" Against functions: {listed(against)}." if against else ""
    said += f" Look closer: {listed(care)}." if care else ""
    chart = charts.bars(
        frame,
        "way",
        "usd",
        title=f"Run it on {advice.run_on.name}: {dollars(advice.run_on.total)} a month",
        sentence=f"Run it on {advice.run_on.name}. {advice.because}{said}",
        y_title="USD a month",
        horizontal=True,
        height=440,
    )
    colours = [palette["lambda"] if name == advice.run_on.name else palette["ec2"] for name in frame.way]
    chart.figure["data"][0]["marker"] = {"color": colours}
    return chart


def _digits(value: float, digits: int = 3) -> float:
    return float(f"{value:.{digits}g}")


__all__ = ["EDGES", "OPEN", "advisor", "bills", "cheapest", "environments", "growth", "tornado", "verdicts", "week"]
