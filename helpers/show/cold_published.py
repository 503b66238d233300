"""Figures of the published cold starts: INIT by memory, by package and by runtime."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from helpers import coldstart
from helpers.checks import choice
from helpers.coldstart.published import BAND_MS
from helpers.show import theme
from helpers.show.chart import Chart
from helpers.show.palette import AXIS, GRID, palette
from helpers.show.wording import listed, number

WHICH = ("managed", "custom", "all")
_ROW = 25
_SIZES = (128, 256, 512, 1024)
_BAND_FILL = "#fdeed8"


def _short(value: float, digits: int = 3) -> str:
    return number(float(f"{value:.{digits}g}"))


def _of(which: str) -> pd.DataFrame:
    frame = coldstart.starts()
    which = choice("which", which, WHICH)
    return frame if which == "all" else frame[frame.managed == (which == "managed")]


def memory(
    *,
    names: Sequence[str] = (".NET 10", "Java 21", "Node.js 22", "Python 3.13"),
    architecture: str = "x86_64",
    package: str = "zip",
) -> Chart:
    """Draw INIT and the first handler call over memory, one panel for each of up to four variants.

    Parameters
    ----------
    names : variants, as ``coldstart.starts`` names them
    architecture, package : as in the table
    """
    frame = coldstart.starts()
    known = frame.name.unique().tolist()
    names = [choice("names", name, known) for name in names]
    if not 1 <= len(names) <= 4:
        raise ValueError(f"names must be one to four variants, got {len(names)}")
    cells = frame[(frame.architecture == architecture) & (frame.package == package) & frame.name.isin(names)]
    if set(cells.name) != set(names):
        raise ValueError(f"names must have been measured as {package} on {architecture}, got {', '.join(names)}")
    effect = coldstart.memory_effect(cells).set_index("name").loc[names]
    most = effect.first_ratio.idxmax()
    layout = theme.layout(
        "More memory shortens the first call, not INIT" if effect.first_ratio.max() > 1.5 else "Memory changes little",
        height=300 if len(names) < 3 else 540,
        legend=True,
    )
    top = float(cells[["init_p50_ms", "first_handler_mean_ms"]].max(axis=None)) * 1.08
    data: list[dict[str, Any]] = []
    notes = []
    rows = (len(names) + 1) // 2
    high = 0.8 if rows == 1 else 0.36
    for place, name in enumerate(names):
        part = cells[cells.name == name].sort_values("memory_mb")
        axis = "" if place == 0 else str(place + 1)
        left, up = (0.0 if place % 2 == 0 else 0.55), 1 - (place // 2) * 0.53 - (0.08 if rows == 2 else 0.14)
        for column, label, style in (
            ("init_p50_ms", "INIT, median", "lambda"),
            ("first_handler_mean_ms", "first handler call, mean", "fargate"),
        ):
            data.append(_line(part, column, label, style, axis, legend=place == 0))
        layout[f"xaxis{axis}"] = theme.axis("MB" if place // 2 == rows - 1 else "") | {
            "domain": [left, left + 0.45],
            "anchor": f"y{axis}",
            "type": "log",
            "tickvals": list(_SIZES),
            "ticktext": [f"{size:,}" for size in _SIZES],
            "range": [2.03, 3.08],
        }
        layout[f"yaxis{axis}"] = theme.axis("ms" if place % 2 == 0 else "") | {
            "domain": [up - high, up],
            "anchor": f"x{axis}",
            "range": [0, top],
            "nticks": 5,
        }
        notes.append(_above(name, left, up))
    layout["annotations"] = notes
    layout["margin"]["l"] = 76
    told = listed(
        f"{name}'s INIT goes from {_short(row.init_low_ms)} to {_short(row.init_high_ms)} ms, its first call from "
        f"{_short(row.first_low_ms)} to {_short(row.first_high_ms)} ms"
        for name, row in effect.iterrows()
    )
    sentence = (
        f"From 128 MB to 1,024 MB ({package}, {architecture}), {told}. The largest effect on a first call: {most}, "
        f"{_short(effect.first_ratio.max(), 2)} times faster."
    )
    columns = ["name", "architecture", "package", "memory_mb", "n", "init_p50_ms", "first_handler_mean_ms"]
    return Chart({"data": data, "layout": layout}, sentence, cells[columns].reset_index(drop=True))


def _line(part: pd.DataFrame, column: str, label: str, style: str, axis: str, *, legend: bool) -> dict[str, Any]:
    colour, dash, symbol, _ = palette.style(style)
    return {
        "type": "scatter",
        "mode": "lines+markers",
        "name": label,
        "legendgroup": label,
        "showlegend": legend,
        "x": part.memory_mb,
        "y": part[column],
        "xaxis": f"x{axis}",
        "yaxis": f"y{axis}",
        "line": {"color": colour, "width": 3.5, "dash": dash},
        "marker": {"symbol": symbol, "size": 10, "color": colour},
        "hovertemplate": f"{label}<br>%{{x:,}} MB: <b>%{{y:.4g}} ms</b><extra></extra>",
        "cliponaxis": False,
    }


def _above(text: str, x: float, y: float) -> dict[str, Any]:
    return {
        "text": f"<b>{text}</b>",
        "x": x,
        "y": y,
        "xref": "paper",
        "yref": "paper",
        "xanchor": "left",
        "yanchor": "bottom",
        "showarrow": False,
    }


def packages(*, which: str = "managed") -> Chart:
    """Draw INIT from a zip and from a container image, joined by a line, for each variant.

    Parameters
    ----------
    which : ``"managed"`` runtimes, ``"custom"`` ones or ``"all"``
    """
    found = coldstart.packages(_of(which))
    names = found.name.tolist()
    join_x, join_y = [], []
    for row in found.itertuples():
        join_x += [row.zip_ms, row.image_ms, None]
        join_y += [row.name, row.name, None]
    data: list[dict[str, Any]] = [
        {
            "type": "scatter",
            "mode": "lines",
            "x": join_x,
            "y": join_y,
            "line": {"color": AXIS, "width": 4},
            "hoverinfo": "skip",
            "showlegend": False,
        }
    ]
    for column, label, style in (("zip_ms", "zip", "lambda"), ("image_ms", "container image", "fargate")):
        colour, _, symbol, _ = palette.style(style)
        data.append(
            {
                "type": "scatter",
                "mode": "markers",
                "name": label,
                "x": found[column],
                "y": names,
                "marker": {"symbol": symbol, "size": 11, "color": colour},
                "hovertemplate": f"%{{y}}, {label}: <b>%{{x:.4g}} ms</b><extra></extra>",
            }
        )
    low, high = found.iloc[0], found.iloc[-1]
    extremes = f"{low.ratio:.2f} times a zip's with {low['name']}, {high.ratio:.2f} with {high['name']}"
    title = f"A container image's INIT: {extremes}"
    layout = theme.layout(title, "typical INIT (ms)", height=150 + _ROW * len(names), legend=True)
    layout["yaxis"] |= names_axis(names)
    layout["xaxis"] |= {"rangemode": "tozero"}
    # The ratio stands at the right, where no dot comes.
    layout["xaxis"]["range"] = [0, float(found[["zip_ms", "image_ms"]].max(axis=None)) * 1.14]
    layout["annotations"] = [
        {
            "text": f"× {row.ratio:.2f}",
            "x": 1,
            "xref": "paper",
            "xanchor": "right",
            "y": row.name,
            "showarrow": False,
            "font": {"size": 14},
        }
        for row in found.itertuples()
    ]
    slower = int((found.ratio > 1).sum())
    sentence = (
        f"Of {len(found)} variants ({which}), {slower} start slower from a container image, at the median of their "
        f"cells: {_families(found)}."
    )
    return Chart({"data": data, "layout": layout}, sentence, found)


def _families(found: pd.DataFrame) -> str:
    def spread(part: pd.DataFrame) -> str:
        low, high = f"{part.ratio.min():.2f}", f"{part.ratio.max():.2f}"
        return low if low == high else f"{low} to {high}"

    return listed(f"{language} {spread(part)} times" for language, part in found.groupby("language", sort=False))


def names_axis(names: Sequence[str]) -> dict[str, Any]:
    """Describe a vertical axis of names, the first on top, every one written."""
    return {
        "type": "category",
        "categoryorder": "array",
        "categoryarray": list(names),
        "range": [len(names) - 0.4, -0.6],
        "automargin": True,
        "ticks": "",
        "dtick": 1,
        "showline": False,
        "title": {"text": ""},
        "tickfont": {"size": 14},
        "gridcolor": GRID,
    }


def runtimes(*, package: str = "zip", which: str = "managed") -> Chart:
    """Draw the variants from the fastest INIT to the slowest, with the lesson's 50 to 300 ms behind them.

    Parameters
    ----------
    package : ``"zip"`` or ``"image"``
    which : ``"managed"`` runtimes, ``"custom"`` ones or ``"all"``
    """
    found = coldstart.ranked(_of(which), package=package)
    names = found.name.tolist()
    low, high = BAND_MS
    typical = found.init_typical_ms.between(low, high)
    spans_x, spans_y = [], []
    for row in found.itertuples():
        spans_x += [row.init_min_ms, row.init_max_ms, None]
        spans_y += [row.name, row.name, None]
    data: list[dict[str, Any]] = [
        {
            "type": "scatter",
            "mode": "lines",
            "name": "fastest to slowest start",
            "x": spans_x,
            "y": spans_y,
            "line": {"color": palette["muted"], "width": 2.5},
            "hoverinfo": "skip",
        },
        {
            "type": "scatter",
            "mode": "markers",
            "name": "typical",
            "x": found.init_typical_ms,
            "y": names,
            "marker": {"symbol": "circle", "size": 11, "color": palette["lambda"]},
            "customdata": found[["n", "init_min_ms", "init_max_ms"]].to_numpy(),
            "hovertemplate": "%{y}: <b>%{x:.4g} ms</b><br>%{customdata[1]:.4g} to %{customdata[2]:.4g} ms, "
            "%{customdata[0]:,} starts<extra></extra>",
        },
    ]
    title = f"{typical.sum()} of {len(found)} runtimes typically start in 50 to 300 ms"
    if 1 <= found.inside.sum() <= 3:
        title = f"{listed(found.name[found.inside])} always took 50 to 300 ms"
    layout = theme.layout(title, "INIT (ms), each step multiplies", height=160 + _ROW * len(names), legend=True)
    ends = np.log10([found.init_min_ms.min() / 1.1, found.init_max_ms.max() * 1.1])
    ticks = [10, 20, 50, 100, 200, 300, 500, 1000, 2000]
    layout["xaxis"] |= {
        "type": "log",
        "range": ends.round(4),
        "tickvals": ticks,
        "ticktext": [f"{tick:,}" for tick in ticks],
    }
    layout["yaxis"] |= names_axis(names)
    band = {"type": "rect", "xref": "x", "x0": low, "x1": high, "yref": "paper", "y0": 0, "y1": 1}
    layout["shapes"] = [band | {"fillcolor": _BAND_FILL, "line": {"width": 0}, "layer": "below"}]
    first, last = found.iloc[0], found.iloc[-1]
    always = listed(found.name[found.inside]) or "none"
    sentence = (
        f"Typical INIT of {len(found)} runtimes ({which}) from a{'n image' if package == 'image' else ' zip'}, hello "
        f"world: from {_short(first.init_typical_ms)} ms ({first['name']}) to "
        f"{_short(last.init_typical_ms)} ms ({last['name']}). Every start within the lesson's 50 to 300 ms: {always}."
    )
    return Chart({"data": data, "layout": layout}, sentence, found)
