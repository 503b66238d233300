"""The figures about eras: milestones over the years, and who looks after which layer.

Each takes plain inputs, asks ``history`` and draws what comes back. :mod:`helpers.show.fleets` draws the week on
four kinds of fleet.
"""

from __future__ import annotations

from typing import Any

import pandas as pd

from helpers import history
from helpers.show import theme
from helpers.show.chart import Chart
from helpers.show.palette import QUIET_TEXT, TEXT, palette
from helpers.show.wording import listed, number

_LOOK = {"era": "rack", "vm": "ec2", "cloud": "muted", "paas": "muted", "container": "fargate", "serverless": "lambda"}
_MOST_NOTES = 14
# What an explorer offers: the main line, or one of the lines that it runs through.
LINES = {"the main line": "main"} | {name: name for name in history.TRACKS}


def timeline(*, track: str = "main", since: int = 1990, until: int = 2026, note: str = "detail") -> Chart:
    """Draw milestones over the years, one a row, with one more column of the table beside each.

    Parameters
    ----------
    track, since, until : as for ``history.milestones``
    note : ``"detail"``, ``"source"`` or ``"caution"``
    """
    rows = history.milestones(track, since=since, until=until)
    if rows.empty:
        raise ValueError(f"no milestone lies between {since} and {until}")
    start = [_year(day.date()) for day in rows.date]
    end = [_year(day) for day in rows["last"]]
    first, last = min(start), max(end)
    wide = max(last - first, 1.0)
    noted = len(rows) <= _MOST_NOTES
    labels = [_label(row, note if noted else "") for row in rows.itertuples()]
    data: list[dict[str, Any]] = []
    for i, row in enumerate(rows.itertuples()):
        colour, _, symbol, _ = palette.style(_LOOK[row.track])
        left = (start[i] + end[i]) / 2 > first + wide / 2
        at = start[i] if left else end[i]
        data.append(
            {
                "type": "scatter",
                "mode": "lines+markers+text",
                "x": [start[i] + end[i] - at, at],
                "y": [i, i],
                "text": ["", labels[i]],
                "textposition": f"middle {'left' if left else 'right'}",
                "textfont": {"size": 14 if noted else 13, "color": TEXT},
                "marker": {"symbol": symbol, "size": 11, "color": colour, "opacity": 1},
                "line": {"color": colour, "width": 4},
                "hovertemplate": f"{_everything(row)}<extra></extra>",
                "cliponaxis": False,
            }
        )
    inexact, doubted = int((rows.dated != "day").sum()), int((rows.caution != "").sum())
    layout = theme.layout(_timeline_title(rows), height=660, showlegend=False)
    layout["margin"] |= {"l": 24, "b": 44}
    layout["xaxis"] = theme.axis() | {
        "range": [first - wide * 0.08, last + wide * 0.08],
        "tickformat": "d",
        "nticks": 9,
    }
    layout["yaxis"] = {"visible": False, "range": [len(rows) - 0.4, -0.6], "fixedrange": True}
    sentence = (
        f"{len(rows)} milestones, from {rows.milestone.iloc[0]} ({rows.when.iloc[0]}) to {rows.milestone.iloc[-1]} "
        f"({rows.when.iloc[-1]}). Known less exactly than to the day: {inexact}; with a caution: {doubted}."
    )
    table = rows[["when", "milestone", "detail", "caution", "source"]]
    return Chart({"data": data, "layout": layout}, sentence, table)


def _year(day: Any) -> float:
    return day.year + (day.timetuple().tm_yday - 1) / 365.25


def _label(row: Any, note: str) -> str:
    name = row.milestone if note else _cut(row.milestone, 44)
    more = _cut(getattr(row, note), 58) if note else ""
    return f" {row.when} · <b>{name}</b> " + (f"<br><span style='color:{QUIET_TEXT}'> {more} </span>" if more else "")


def _cut(text: str, longest: int) -> str:
    return text if len(text) <= longest else f"{text[: longest - 2].rsplit(' ', 1)[0]} …"


def _everything(row: Any) -> str:
    parts = [f"<b>{row.milestone}</b>, {row.when}", row.detail, row.caution and f"Caution: {row.caution}"]
    return "<br>".join(theme.wrapped(part, 60) for part in [*parts, f"Source: {row.source}"] if part)


def _timeline_title(rows: pd.DataFrame) -> str:
    years = rows.date.dt.year
    if len(rows) == 1:
        return f"One step: {rows.milestone[0]}, {rows.when[0]}"
    span = f"{number(len(rows))} steps from {years.iloc[0]} to {years.iloc[-1]}"
    return f"{span}, half of them since {years.iloc[len(rows) // 2]}"


def stack() -> Chart:
    """Draw who looks after which layer in which model, and what one hands over."""
    frame = history.stack()
    grid = frame.pivot(index="layer", columns="model", values="owner").loc[[*history.LAYERS], [*history.MODELS]]
    yours = grid.isin(["you", "both"]).sum()
    shade = {"AWS": 0.0, "landlord": 0.0, "both": 0.5, "you": 1.0}
    columns = [f"<b>{theme.wrapped(model, 12)}</b>" for model in grid.columns]
    trace = {
        "type": "heatmap",
        "x": columns,
        "y": [*grid.index, "<b>what you hand over</b>"],
        "z": [*([shade[owner] for owner in row] for row in grid.to_numpy()), [None] * len(columns)],
        "text": [*grid.to_numpy().tolist(), [theme.wrapped(f"<b>{what}</b>", 14) for what in history.SHIPS]],
        "texttemplate": "%{text}",
        "textfont": {"color": TEXT, "size": 15},
        "colorscale": [[0, "#f3f7fe"], [1, "#6fa8f0"]],
        "zmin": 0,
        "zmax": 1,
        "showscale": False,
        "xgap": 2,
        "ygap": 2,
        "hovertemplate": "%{y}<br>%{x}: <b>%{text}</b><extra></extra>",
    }
    layout = theme.layout(
        f"From {yours.iloc[0]} layers to {yours.iloc[-1]}: what stays with you in each model", height=620
    )
    layout["margin"] |= {"t": 112, "b": 16}
    for side in ("xaxis", "yaxis"):
        layout[side] = {"type": "category", "showgrid": False, "ticks": "", "fixedrange": True, "automargin": True}
    layout["xaxis"]["side"] = "top"
    layout["yaxis"]["autorange"] = "reversed"
    told = listed(f"{model} {count}" for model, count in yours.items())
    handed = listed(dict.fromkeys(history.SHIPS))
    sentence = f"Of {len(grid)} layers, yours in whole or in part: {told}. What you hand over: {handed}."
    return Chart({"data": [trace], "layout": layout}, sentence, grid.rename_axis(columns=None).reset_index())
