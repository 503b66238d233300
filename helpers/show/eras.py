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
from helpers.show.grid import Cell, cell, grid
from helpers.show.palette import QUIET_TEXT, TEXT, palette
from helpers.show.wording import listed, number

_LOOK = {"era": "rack", "vm": "ec2", "cloud": "muted", "paas": "muted", "container": "fargate", "serverless": "lambda"}
_BESIDE = {"detail": "what changed", "source": "its source", "caution": "its caution"}
_MOST_NOTES = 14
# Width of the drawing in a small window, room beside the first and the last date, width of a letter.
_DRAWING_PX, _PAD, _CHAR_PX = 490, 0.08, 7.3
# What an explorer offers: the main line, or one of the lines that it runs through.
LINES = {"the main line": "main"} | {name: name for name in history.TRACKS}
YEARS = {
    "all": (1990, 2026),
    "1990 to 2007": (1990, 2007),
    "2008 to 2015": (2008, 2015),
    "2016 to 2021": (2016, 2021),
    "2022 to 2024": (2022, 2024),
    "2025 and 2026": (2025, 2026),
}


def timeline(*, track: str = "main", years: tuple[int, int] = (1990, 2026), note: str = "detail") -> Chart:
    """Draw milestones over the years, one a row, with one more column of the table beside each.

    Parameters
    ----------
    track : as for ``history.milestones``
    years : the first and the last
    note : ``"detail"``, ``"source"`` or ``"caution"``
    """
    rows = history.milestones(track, since=years[0], until=years[1])
    if rows.empty:
        raise ValueError(f"no milestone of this line lies between {years[0]} and {years[1]}")
    start = [_year(day.date()) for day in rows.date]
    end = [_year(day) for day in rows["last"]]
    first, last = min(start), max(end)
    wide = max(last - first, 1.0)
    noted = len(rows) <= _MOST_NOTES
    data: list[dict[str, Any]] = []
    for i, row in enumerate(rows.itertuples()):
        colour, _, symbol, _ = palette.style(_LOOK[row.track])
        left = (start[i] + end[i]) / 2 > first + wide / 2
        at = start[i] if left else end[i]
        room = _DRAWING_PX * (abs(at - (first if left else last)) / wide + _PAD) / _CHAR_PX
        label = _label(row, note, int(room)) if noted else f" {row.when} · <b>{_cut(row.milestone, 36)}</b> "
        data.append(
            {
                "type": "scatter",
                "mode": "lines+markers+text",
                "x": [start[i] + end[i] - at, at],
                "y": [i, i],
                "text": ["", label],
                "textposition": f"middle {'left' if left else 'right'}",
                "textfont": {"size": 13, "color": TEXT},
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
        "range": [first - wide * _PAD, last + wide * _PAD],
        "tickformat": "d",
        "dtick": 1 if wide < 10 else 5,
    }
    layout["yaxis"] = {"visible": False, "range": [len(rows) - 0.4, -0.6], "fixedrange": True}
    sentence = (
        f"{len(rows)} milestones, from {rows.milestone.iloc[0]} ({rows.when.iloc[0]}) to {rows.milestone.iloc[-1]} "
        f"({rows.when.iloc[-1]}). Known less exactly than to the day: {inexact}; with a caution: {doubted}."
        f"{f' Beside each stands {_BESIDE[note]}.' if noted else ''}"
    )
    table = rows[["when", "milestone", "detail", "caution", "source"]]
    return Chart({"data": data, "layout": layout}, sentence, table)


def _year(day: Any) -> float:
    return day.year + (day.timetuple().tm_yday - 1) / 365.25


def _label(row: Any, note: str, room: int) -> str:
    more = getattr(row, note)
    below = _cut(f"{row.when} · {more}" if more else row.when, max(room, 24))
    return f" <b>{row.milestone}</b> <br><span style='color:{QUIET_TEXT}'> {below} </span>"


def _cut(text: str, longest: int) -> str:
    return text if len(text) <= longest else f"{text[: longest - 2].rsplit(' ', 1)[0]} …"


def _everything(row: Any) -> str:
    parts = [f"<b>{row.milestone}</b>, {row.when}", row.detail, row.caution and f"Caution: {row.caution}"]
    return "<br>".join(theme.wrapped(part, 60) for part in [*parts, f"Source: {row.source}"] if part)


def _timeline_title(rows: pd.DataFrame) -> str:
    years = rows.date.dt.year
    if len(rows) == 1:
        return f"One step: {rows.milestone[0]}, {rows.when[0]}"
    first, middle, last = years.iloc[0], years.iloc[len(rows) // 2], years.iloc[-1]
    steps = f"{number(len(rows))} steps since {first}"
    return f"{steps}, half of them since {middle}" if first < middle < last else f"{steps}, the last in {last}"


def stack() -> Chart:
    """Draw who looks after which layer in which model, and what one hands over."""
    frame = history.stack()
    owners = frame.pivot(index="layer", columns="model", values="owner").loc[[*history.LAYERS], [*history.MODELS]]
    yours = owners.isin(["You", "Shared"]).sum()
    cells = [[_owned(owner) for owner in row] for row in owners.to_numpy()]
    handed = [Cell("plain", _small(f"<b>{theme.wrapped(what.removeprefix('a '), 10)}</b>")) for what in history.SHIPS]
    told = listed(f"{model} {count}" for model, count in yours.items())
    return grid(
        [*owners.index, "<b>what you hand over</b>"],
        [_small(theme.wrapped(model, 10)) for model in owners.columns],
        [*cells, handed],
        title=f"From {yours.iloc[0]} layers to {yours.iloc[-1]}: what stays yours",
        sentence=(
            f"Of {len(owners)} layers, yours in whole or in part: {told}. "
            f"What you hand over: {listed(dict.fromkeys(history.SHIPS))}."
        ),
        table=owners.rename_axis(columns=None).reset_index(),
        left=196,
        step=44,
    )


def _owned(owner: str) -> Cell:
    return Cell("faint", _small(f"△ {owner}")) if owner == "Landlord" else cell(owner)


def _small(text: str) -> str:
    return f"<span style='font-size:13px'>{text}</span>"
