"""Figures of what callers notice of cold starts: the percentiles, the remedies with their price, the explorer."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any

import numpy as np
import pandas as pd

from helpers import coldstart
from helpers.checks import choice, number
from helpers.coldstart import Latency, LogNormal, Remedies, outcome
from helpers.show import charts, placing, theme
from helpers.show import wording as say
from helpers.show.chart import Chart
from helpers.show.cold_traffic import dashed, share_of, short
from helpers.show.frames import check_columns
from helpers.show.palette import palette
from helpers.tables import limit

# What a learner can choose as code: variant and package of the published table, or a size of code.
CODES: dict[str, tuple[str, str]] = {
    "Node.js 22": ("Node.js 22", "zip"),
    "Python 3.13": ("Python 3.13", "zip"),
    "Java 21": ("Java 21", "zip"),
    ".NET 10": (".NET 10", "zip"),
    "Node.js 22, container image": ("Node.js 22", "image"),
    "Node.js 20, 32 MB of code": ("Node.js 20", "32 MB"),
}
_SHARES = (0.5, 0.6, 0.7, 0.8, 0.9, 0.93, 0.95, 0.965, 0.975, 0.98, 0.985, 0.9875)
_SHARES += (0.99, 0.992, 0.994, 0.995, 0.996, 0.997, 0.998, 0.9985, 0.999)
_TICKS = {0.5: "p50", 0.9: "p90", 0.95: "p95", 0.99: "p99", 0.999: "p99.9"}


def percentiles(
    *,
    warm_ms: float = 100,
    warm_tail: float = 2.0,
    extra_ms: float = 800,
    extra_tail: float = 1.3,
    cold_percents: Sequence[float] = (0, 0.5, 2),
) -> Chart:
    """Draw the time within which each share of the requests is answered, for several shares of cold starts.

    Parameters
    ----------
    warm_ms, warm_tail : median of a warm request; its 99th percentile as a multiple of it
    extra_ms, extra_tail : what a cold start adds, likewise
    cold_percents : shares of cold requests, in percent
    """
    warm = LogNormal(warm_ms, warm_ms * number("warm_tail", warm_tail, 1))
    extra = LogNormal(extra_ms, extra_ms * number("extra_tail", extra_tail, 1))
    seen = {float(p): Latency(warm, extra, number("cold_percents", p, 0, 100) / 100) for p in cold_percents}
    frame = pd.concat([_curve(each, _percent(p)) for p, each in seen.items()], ignore_index=True)
    few, many = seen[min(seen)], seen[max(seen)]
    p99 = [float(each.quantile(0.99)) for each in (few, many)]
    rise = many.mean_ms - few.mean_ms
    chart = _percentile_lines(
        frame,
        title=f"{_percent(max(seen))}: the mean rises by {short(rise, 2)} ms, the p99 by {short(p99[1] - p99[0])} ms",
        sentence=(
            f"With {_percent(max(seen))} starts that add {short(extra_ms)} ms, the mean goes from "
            f"{short(few.mean_ms)} to {short(many.mean_ms)} ms and the median from {short(few.quantile(0.5))} to "
            f"{short(many.quantile(0.5))} ms, but one request in a hundred takes {short(p99[1])} ms or longer "
            f"instead of {short(p99[0])} ms."
        ),
    )
    table = pd.DataFrame(
        [(p, each.mean_ms, *map(float, each.quantile([0.5, 0.95, 0.99, 0.999]))) for p, each in seen.items()],
        columns=["cold (%)", "mean (ms)", "p50 (ms)", "p95 (ms)", "p99 (ms)", "p99.9 (ms)"],
    )
    return Chart(chart.figure, chart.sentence, table)


def _percent(percent: float) -> str:
    return f"{say.number(percent)}% cold" if percent else "none cold"


def _curve(seen: Latency, line: str) -> pd.DataFrame:
    shares = np.array(_SHARES)
    return pd.DataFrame({"nines": -np.log10(1 - shares), "ms": seen.quantile(shares), "line": line})


def _percentile_lines(frame: pd.DataFrame, *, title: str, sentence: str, **more: Any) -> Chart:
    chart = charts.lines(
        frame,
        "nines",
        "ms",
        "line",
        title=title,
        sentence=sentence,
        x_title="share of the requests that is answered within",
        y_title="ms",
        height=460,
        **more,
    )
    ticks = {float(-np.log10(1 - share)): text for share, text in _TICKS.items()}
    chart.figure["layout"]["xaxis"] |= {
        "tickvals": list(ticks),
        "ticktext": list(ticks.values()),
        "rangemode": "normal",
    }
    chart.figure["layout"]["xaxis"]["range"] = [0.27, 3.05]
    dashed(chart)
    return chart


def remedies(frame: pd.DataFrame, *, objective_ms: float | None = None) -> Chart:
    """Draw remedies by what a month costs and how long the slowest requests take.

    Parameters
    ----------
    frame : what ``coldstart.remedies`` returned, or rows with ``remedy, p99_ms, usd``
    objective_ms : the p99 that is wanted, drawn as a line
    """
    check_columns(frame, "remedy", "p99_ms", "usd")
    names = palette.names_for(frame.remedy)
    first, best = frame.iloc[0], frame.loc[frame.p99_ms.idxmin()]
    enough = frame[frame.p99_ms <= objective_ms] if objective_ms is not None else frame[:0]
    if len(enough):
        best = enough.loc[enough.usd.idxmin()]
    layout = theme.layout(
        f"{_start(best.remedy)}: a p99 of {short(best.p99_ms)} ms for {say.dollars(best.usd)} a month",
        "USD a month",
        "p99 (ms)",
        height=460,
    )
    ys = [*frame.p99_ms, *([objective_ms] if objective_ms is not None else [])]
    across = placing.scale(frame.usd.tolist(), log=False, pixels=placing.WIDTH_PX, from_zero=True, room=0.08)
    upright = placing.scale(ys, log=False, pixels=460 - layout["margin"]["t"] - 68, from_zero=True, room=0.12)
    least = -0.04 * (across.high - across.low)
    layout["xaxis"]["range"], layout["yaxis"]["range"] = [least, across.high], [upright.low, upright.high]
    data = [
        {
            "type": "scatter",
            "mode": "markers",
            "name": row.remedy,
            "x": [row.usd],
            "y": [row.p99_ms],
            "marker": {"symbol": palette.symbol(style), "size": 15, "color": palette[style]},
            "cliponaxis": False,
            "hovertemplate": f"{row.remedy}<br>p99 <b>%{{y:.4g}} ms</b><br>%{{x:$,.2f}} a month<extra></extra>",
        }
        for row, style in zip(frame.itertuples(), names, strict=True)
    ]
    shifted = across._replace(low=least)
    spots = [(shifted.place(row.usd), upright.place(row.p99_ms)) for row in frame.itertuples()]
    groups = _together(spots)
    texts = ["<br>".join(frame.remedy.iloc[place] for place in group) for group in groups]
    wanted = [(0.0, upright.place(objective_ms)), (across.pixels, upright.place(objective_ms))] if objective_ms else []
    at = [spots[group[0]] for group in groups]
    offsets = placing.note_offsets(at, texts, [wanted, *_above(wanted)], wide=across.pixels, high=upright.pixels)
    layout["annotations"] = [
        {
            "x": frame.usd.iloc[group[0]],
            "y": frame.p99_ms.iloc[group[0]],
            "ax": dx,
            "ay": -dy,
            "text": text,
            "align": "left",
            "showarrow": True,
            "arrowhead": 0,
            "arrowwidth": 1.2,
            "standoff": 10,
        }
        for group, text, (dx, dy) in zip(groups, texts, offsets, strict=True)
    ]
    if objective_ms is not None:
        line = {"color": palette["accent"], "width": 2, "dash": "dot"}
        span = {"type": "line", "xref": "paper", "x0": 0, "x1": 1, "y0": objective_ms, "y1": objective_ms}
        layout["shapes"] = [span | {"line": line, "layer": "below"}]
        layout["annotations"].append(
            {
                "text": f"wanted: {short(objective_ms)} ms",
                "x": 1,
                "xref": "paper",
                "xanchor": "right",
                "y": objective_ms,
                "yanchor": "bottom",
                "showarrow": False,
                "font": {"color": palette["accent"], "size": 14},
            }
        )
    told = say.listed(
        f"{row.remedy} {short(row.p99_ms)} ms for {say.dollars(row.usd)}" for row in frame.iloc[1:].itertuples()
    )
    sentence = (
        f"With {first.remedy}, one request in a hundred takes {short(first.p99_ms)} ms or longer and the month costs "
        f"{say.dollars(first.usd)}. The remedies: {told}."
    )
    if objective_ms is not None:
        within = f"within {short(objective_ms)} ms"
        sentence += f" The cheapest {within}: {best.remedy}." if len(enough) else f" None stays {within}."
    return Chart({"data": data, "layout": layout}, sentence, frame)


def _above(wanted: Sequence[tuple[float, float]]) -> list[list[tuple[float, float]]]:
    """Give the place of the objective's label as a path that notes keep off."""
    return [[(x - 150, y + up), (x, y + up)] for x, y in wanted[-1:] for up in (6, 12, 18)]


def _together(spots: Sequence[tuple[float, float]], near: float = 24) -> list[list[int]]:
    """Group the points that lie on each other, so that one note names them all."""
    groups: list[list[int]] = []
    for place, (x, y) in enumerate(spots):
        for group in groups:
            first = spots[group[0]]
            if np.hypot(x - first[0], y - first[1]) < near:
                group.append(place)
                break
        else:
            groups.append([place])
    return groups


def _start(text: str) -> str:
    return text[0].upper() + text[1:]


@cache
def _init_of(code: str, memory_mb: float) -> tuple[float, float, float]:
    """Give median INIT, its tail as a multiple, and the first call, for one of ``CODES``."""
    name, package = CODES[choice("code", code, CODES)]
    if package == "32 MB":
        row = coldstart.code_sizes().set_index("code_size_kb").loc[32_768]
        _, _, first = coldstart.typical_start(name, memory_mb)
        return float(row.mean_ms), float(row.max_ms / row.mean_ms), first
    init, p99, first = coldstart.typical_start(name, memory_mb, package=package)
    return init, max(p99 / init, 1.0), first


def callers(
    *,
    requests: float = 30_000,
    code: str = "Node.js 22",
    memory_mb: float = 512,
    keep_alive_min: float = 6,
    provisioned: int = 0,
    wait_ms: float = 50,
    cpu_ms: float = 10,
    shape: str | Sequence[float] = "a shop's day",
) -> Chart:
    """Draw what callers of a function see, with its cold starts and without, and say what a month costs.

    Parameters
    ----------
    requests : requests a month
    code : one of ``CODES``: its INIT and first call come from the published tables
    memory_mb, keep_alive_min, provisioned : memory; how long an idle environment lives; environments kept ready
    wait_ms, cpu_ms, shape : as for ``coldstart.Remedies``
    """
    init, tail, first = _init_of(code, memory_mb)
    full = limit("lambda.full_vcpu_memory").max
    use = Remedies(
        requests=requests,
        wait_ms=wait_ms,
        cpu_ms=cpu_ms,
        memory_mb=memory_mb,
        init_ms=init,
        init_tail=tail,
        first_cpu_ms=first * min(memory_mb, full) / full,
        keep_alive_s=number("keep_alive_min", keep_alive_min) * 60,
        shape=shape,
    )
    found = outcome(use, provisioned=int(number("provisioned", provisioned)))
    seen, usd = found.latency, found.bill.total
    curves = {
        "all requests": _curve(seen, "all requests"),
        "the warm ones": _curve(Latency(seen.warm), "the warm ones"),
    }
    frame = pd.concat(curves.values(), ignore_index=True)
    p50, p95, p99 = (float(curves["all requests"].ms[_SHARES.index(q)]) for q in (0.5, 0.95, 0.99))
    kept = f" Environments kept ready: {provisioned:,}." if provisioned else ""
    chart = _percentile_lines(
        frame,
        title=f"p99 {short(p99)} ms, {share_of(seen.cold_share)} cold, {say.dollars(usd)} a month",
        sentence=(
            f"{_start(share_of(seen.cold_share))} of {say.quantity(requests)} requests a month start cold, which takes "
            f"{short(init + first)} ms more ({code}, INIT {short(init)} ms and first call {short(first)} ms).{kept} "
            f"Half of the requests are answered within {short(p50)} ms, 95% within {short(p95)} ms, 99% within "
            f"{short(p99)} ms. The month costs {say.dollars(usd)}."
        ),
        marks=[(2.0, p99, f"p99: {short(p99)} ms")],
    )
    places = [_SHARES.index(q) for q in (0.5, 0.95, 0.99)]
    table = pd.DataFrame(
        [(name, *curve.ms[places]) for name, curve in curves.items()],
        columns=["requests", "p50 (ms)", "p95 (ms)", "p99 (ms)"],
    )
    return Chart(chart.figure, chart.sentence, table.assign(cold_share=[seen.cold_share, 0.0], usd=usd))
