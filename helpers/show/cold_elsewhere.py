"""Figures of other published measurements: INIT by code size, starts as a client sees them, idle lifetimes."""

from __future__ import annotations

from typing import Any

import pandas as pd

from helpers import coldstart, tables
from helpers.show import charts, theme
from helpers.show.chart import Chart
from helpers.show.cold_published import names_axis
from helpers.show.palette import PAPER, TEXT, palette
from helpers.show.wording import listed, number


def _short(value: float, digits: int = 3) -> str:
    return number(float(f"{value:.{digits}g}"))


def code_sizes() -> Chart:
    """Draw INIT against the size of the code, as measured in 2023 with Node.js 20."""
    sizes = coldstart.code_sizes().assign(size_mb=lambda f: f.code_size_kb / 1024)
    parts = [
        pd.DataFrame({"size_mb": sizes.size_mb, "ms": sizes[column], "line": name})
        for column, name in (("p90_ms", "90% within"), ("mean_ms", "mean"))
    ]
    first, last = sizes.iloc[0], sizes.iloc[-1]
    ratio = last.mean_ms / first.mean_ms
    chart = charts.lines(
        pd.concat(parts, ignore_index=True),
        "size_mb",
        "ms",
        "line",
        title=f"With {_short(last.size_mb)} MB of code, INIT takes {_short(ratio, 2)} times as long",
        sentence=(
            f"Mean INIT of Node.js 20 at 256 MB of memory rises from {_short(first.mean_ms)} ms with 1 KB of code to "
            f"{_short(last.mean_ms, 4)} ms with {_short(last.size_mb)} MB; {sizes.n.min()} starts each, November 2023, "
            "five days after the runtime came out."
        ),
        x_title="code (MB)",
        y_title="INIT (ms)",
    )
    return Chart(chart.figure, chart.sentence, sizes)


def client_starts() -> Chart:
    """Draw cold starts as a client saw them in January 2021: INIT, and all that INIT leaves out."""
    rows = tables.cold_starts_other().query("kind == 'client_start'")
    rows = rows[rows["min"].notna()].assign(
        name=lambda f: f.subject.where(~f.condition.str.contains("image"), "Node.js image")
    )
    rows = rows.sort_values("value").reset_index(drop=True)
    names = rows.name.tolist()
    colour = palette["fargate"]
    trace = {
        "type": "scatter",
        "mode": "markers",
        "x": rows.value,
        "y": names,
        "marker": {"symbol": "diamond", "size": 12, "color": colour},
        "error_x": {
            "type": "data",
            "symmetric": False,
            "array": rows["max"] - rows.value,
            "arrayminus": rows.value - rows["min"],
            "color": colour,
            "thickness": 2.5,
            "width": 7,
        },
        "hovertemplate": "%{y}: median <b>%{x} ms</b><extra></extra>",
    }
    first, last = rows.iloc[0], rows.iloc[-1]
    layout = theme.layout(
        f"A client waited {_short(first.value)} to {_short(last.value)} ms for a cold hello world in 2021",
        "ms as a client sees it: median, and the middle 95%",
        height=150 + 34 * len(rows),
    )
    layout["xaxis"] |= {"range": [0, float(rows["max"].max()) * 1.05]}
    layout["yaxis"] |= names_axis(names)
    told = listed(f"{row.name} {_short(row.value)} ms" for row in rows.rename_axis(None).itertuples(index=False))
    sentence = (
        f"Median cold start from request to answer, January 2021: {told}. That includes finding a machine, fetching "
        "the code and the network, which INIT leaves out."
    )
    columns = ["name", "condition", "value", "min", "max", "unit", "as_of", "source"]
    return Chart({"data": [trace], "layout": layout}, sentence, rows[columns])


def idle_lifetimes() -> Chart:
    """Draw how long an idle environment was reported to live, by the date of the report."""
    found = coldstart.idle_lifetimes()
    # A year alone would be read as a number on an axis of names.
    labels = [f"in {c}" if c.isdigit() else c for c in found.condition]
    data: list[dict[str, Any]] = []
    for row, label in zip(found.itertuples(), labels, strict=True):
        data.append(
            {
                "type": "scatter",
                "mode": "lines+markers",
                "x": [row.low_min, row.high_min],
                "y": [label, label],
                "line": {"color": palette["duration"], "width": 5},
                "marker": {"symbol": "circle", "size": 13, "color": palette["duration"], "line": {"color": PAPER}},
                "showlegend": False,
                "hovertemplate": f"{label}: %{{x}} min<extra></extra>",
            }
        )
    texts = [
        {
            "text": _minutes(row),
            "x": row.high_min,
            "y": label,
            "xanchor": "left",
            "xshift": 14,
            "showarrow": False,
            "font": {"color": TEXT},
        }
        for row, label in zip(found.itertuples(), labels, strict=True)
    ]
    layout = theme.layout(
        "Reported idle lifetimes: 5 minutes to an hour",
        "minutes that an idle environment lives",
        height=150 + 44 * len(found),
    )
    layout["xaxis"] |= {"range": [0, float(found.high_min.max()) * 1.04]}
    layout["margin"]["r"] = theme.beyond(text["text"] for text in texts)
    layout["yaxis"] |= names_axis(labels)
    layout["annotations"] = texts
    told = listed(f"{label} {_minutes(row)}" for label, row in zip(labels, found.itertuples(), strict=True))
    sentence = f"How long an idle environment was reported to live: {told}. AWS publishes no figure and promises none."
    return Chart({"data": data, "layout": layout}, sentence, found)


def _minutes(row: Any) -> str:
    if row.low_min == row.high_min:
        return f"{'at most ' * (row.metric == 'longest')}{number(row.high_min)} minutes"
    return f"{number(row.low_min)} to {number(row.high_min)} minutes"
