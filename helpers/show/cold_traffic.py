"""Figures of how often a start is cold: over the rate of requests, and over the shape of a day."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from helpers import coldstart
from helpers.checks import number
from helpers.coldstart import SHAPES
from helpers.scaling.analytic import lone_cold_probability
from helpers.show import charts
from helpers.show import wording as say
from helpers.show.chart import Chart

_DASHES = ("solid", "dash", "dot", "dashdot", "longdash", "longdashdot")


def short(value: float, digits: int = 3) -> str:
    """Write a number with the digits that a model or a measurement is worth."""
    return say.number(float(f"{value:.{digits}g}"))


def share_of(value: float) -> str:
    """Write a share of requests in percent."""
    return f"{short(value * 100, 2)}%" if value >= 1e-5 else "less than 0.001%" if value else "none"


def often(*, duration_ms: float = 120, keep_alives_min: Sequence[float] = (5, 10, 25), alone: bool = False) -> Chart:
    """Draw the share of cold requests over the rate of requests, for several keep-alives.

    Parameters
    ----------
    duration_ms : of a warm request
    keep_alives_min : how long an idle environment lives, in minutes; up to four
    alone : draw exp(-rate × keep-alive) beside it, which forgets that requests overlap
    """
    rates = np.geomspace(1, 36_000, 61)  # an hour
    parts = []
    for minutes in keep_alives_min:
        alive = number("keep_alives_min", minutes) * 60
        share = coldstart.cold_share(rates / 3600, duration_ms=duration_ms, keep_alive_s=alive)
        parts.append(pd.DataFrame({"rate": rates, "percent": share * 100, "line": f"{say.number(minutes)} minutes"}))
        if alone:
            share = lone_cold_probability(rates / 3600, alive)
            parts.append(
                pd.DataFrame({"rate": rates, "percent": share * 100, "line": f"exp(-rate × {say.number(minutes)} min)"})
            )
    frame = pd.concat(parts, ignore_index=True)
    seldom, many = 6.0, 360.0
    middle = list(keep_alives_min)[len(list(keep_alives_min)) // 2]
    at = {
        rate: coldstart.cold_share(rate / 3600, duration_ms=duration_ms, keep_alive_s=middle * 60)
        for rate in (seldom, many)
    }
    lone = lone_cold_probability(many / 3600, middle * 60)
    chart = charts.lines(
        frame[frame.percent >= 1e-3],
        "rate",
        "percent",
        "line",
        title=f"Six requests an hour: {at[seldom]:.0%} cold; six a minute: {share_of(at[many])}",
        sentence=(
            f"If an idle environment lives for {say.number(middle)} minutes and a request takes "
            f"{short(duration_ms)} ms, {share_of(at[seldom])} of six requests an hour start cold and "
            f"{share_of(at[many])} of six a minute. Pauses alone would leave {share_of(lone)} of those: "
            "what remains are requests that come at the same moment: the second needs an environment of its own."
        ),
        x_title="requests an hour",
        y_title="cold requests (%)",
        log_x=True,
        log_y=True,
        height=460,
    )
    dashed(chart)
    chart.figure["layout"]["yaxis"] |= {
        "range": [-3.1, 2.15],
        "tickvals": [100, 10, 1, 0.1, 0.01, 0.001],
        "ticktext": ["100", "10", "1", "0.1", "0.01", "0.001"],
    }
    return Chart(chart.figure, chart.sentence, frame)


def shapes(*, duration_ms: float = 120, keep_alive_min: float = 10, names: Sequence[str] = tuple(SHAPES)) -> Chart:
    """Draw the share of cold requests over the month's volume, for days of several shapes.

    Parameters
    ----------
    duration_ms : of a warm request
    keep_alive_min : how long an idle environment lives, in minutes
    names : keys of ``coldstart.SHAPES``
    """
    volumes = np.geomspace(1e4, 1e7, 31)
    use = {"duration_ms": duration_ms, "keep_alive_s": number("keep_alive_min", keep_alive_min) * 60}
    rows = [
        (volume, coldstart.cold_share_of_month(float(volume), shape=name, **use) * 100, name)
        for name in names
        for volume in volumes
    ]
    frame = pd.DataFrame(rows, columns=["requests a month", "percent", "day"])
    at, twice = 30_000.0, 60_000.0
    shares = {name: coldstart.cold_share_of_month(at, shape=name, **use) for name in names}
    most, least = max(shares, key=shares.__getitem__), min(shares, key=shares.__getitem__)
    doubled = coldstart.cold_share_of_month(twice, shape=most, **use)
    ratio = shares[most] / shares[least] if shares[least] else float("inf")
    chart = charts.lines(
        frame,
        "requests a month",
        "percent",
        "day",
        title=f"{say.quantity(at)} requests a month: the day's shape makes {short(ratio, 2)} times the cold starts",
        sentence=(
            f"Of {say.quantity(at)} requests a month, {share_of(shares[least])} start cold if the day is "
            f"'{least}', {share_of(shares[most])} if it is '{most}'. Twice the requests change the second "
            f"figure to {share_of(doubled)}. An idle environment lives for {say.number(keep_alive_min)} minutes."
        ),
        x_title="requests a month",
        y_title="cold requests (%)",
        log_x=True,
        log_y=True,
        height=460,
    )
    dashed(chart)
    ticks = [100, 10, 1, 0.1, 0.01, 0.001]
    chart.figure["layout"]["yaxis"] |= {"tickvals": ticks, "ticktext": [say.number(tick) for tick in ticks]}
    return Chart(chart.figure, chart.sentence, frame)


def dashed(chart: Chart) -> None:
    """Give each line a dash of its own: curves without points have nothing else but their colour."""
    drawn = (trace for trace in chart.figure["data"] if "line" in trace)
    for trace, dash in zip(drawn, _DASHES, strict=False):
        trace["mode"] = "lines"
        trace["line"]["dash"] = dash
