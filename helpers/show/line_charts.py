"""Lines: one per group, its name at its end, and the points that matter with a note."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Any

import pandas as pd

from helpers.show import placing, theme
from helpers.show.chart import Chart
from helpers.show.frames import check_columns, table_of
from helpers.show.palette import PAPER, TEXT, palette

_LONGEST_END_LABEL = 22
_MOST_END_LABELS = 7
_FEW_POINTS = 12


def lines(
    frame: pd.DataFrame,
    x: str,
    y: str,
    by: str | None = None,
    *,
    title: str,
    sentence: str,
    x_title: str,
    y_title: str,
    log_x: bool = False,
    log_y: bool = False,
    marks: Iterable[tuple[float, float, str]] = (),
    height: int = theme.HEIGHT,
) -> Chart:
    """Draw one line per group.

    Parameters
    ----------
    frame : pandas.DataFrame
        One row per point.
    x, y : str
        Numeric columns.
    by : str, optional
        The column that names the series; each gets a colour and a dash of its own and its name at the
        line's end, or a legend if the names are long or many.
    title : str
        The finding.
    sentence : str
        What the figure shows, in words.
    x_title, y_title : str
        What is measured, with units; "USD" brings dollar signs.
    log_x, log_y : bool
        Logarithmic axes. What is not above 0 is left out there.
    marks : iterable of (x, y, text)
        Points that matter, each with a note.
    height : int
        In pixels.

    Returns
    -------
    Chart

    Raises
    ------
    KeyError
        If a column is missing.
    """
    check_columns(frame, x, y, by)
    marks = [(float(mx), float(my), theme.wrapped(str(text), 30)) for mx, my, text in marks]
    series = [("", frame)] if by is None else [(str(name), part) for name, part in frame.groupby(by, sort=False)]
    series = [(name, part.sort_values(x, kind="stable")) for name, part in series]
    names = palette.names_for(name for name, _ in series)

    at_ends = by is not None and _fit_at_ends(series, x)
    layout = theme.layout(title, x_title, y_title, height, legend=by is not None and not at_ends)
    drawing = height - layout["margin"]["t"] - layout["margin"]["b"]
    xs = [*frame[x], *(mx for mx, _, _ in marks)]
    ys = [*frame[y], *(my for _, my, _ in marks)]
    across = placing.scale(xs, log=log_x, pixels=placing.WIDTH_PX, from_zero=True, room=0.0 if at_ends else 0.02)
    upright = placing.scale(ys, log=log_y, pixels=drawing, from_zero=True, room=0.05)
    layout["xaxis"] = theme.axis(x_title, log=log_x) | {"range": [across.low, across.high]}
    y_title = layout["yaxis"]["title"]["text"]  # broken into lines if it is long
    layout["yaxis"] = theme.axis(y_title, log=log_y) | {"range": [upright.low, upright.high]}

    data = [_line(part, x, y, name, style, log_x, log_y) for (name, part), style in zip(series, names, strict=True)]
    notes: list[dict[str, Any]] = []
    if at_ends:
        ends = [_last(part, y) for _, part in series]
        notes += _end_labels([name for name, _ in series], names, ends, upright)
        layout["margin"]["r"] = 24 + int(max(len(name) for name, _ in series) * placing.CHAR_PX + 26)
    if marks:
        data.append(_mark_points(marks))
        notes += _mark_notes(marks, series, x, y, across, upright)
    if notes:
        layout["annotations"] = notes
    return Chart({"data": data, "layout": layout}, sentence, table_of(frame, x, y, by))


def _on_axis(values: pd.Series, log: bool) -> list[float | None]:
    """Leave gaps where a log axis has no place."""
    return [None if log and not value > 0 else value for value in values]


def _line(part: pd.DataFrame, x: str, y: str, name: str, style: str, log_x: bool, log_y: bool) -> dict[str, Any]:
    colour, dash, symbol, _ = palette.style(style)
    trace = {
        "type": "scatter",
        "mode": "lines+markers" if len(part) <= _FEW_POINTS else "lines",
        "name": name,
        "x": _on_axis(part[x], log_x),
        "y": _on_axis(part[y], log_y),
        "line": {"color": colour, "width": 3.5, "dash": dash},
    }
    if len(part) <= _FEW_POINTS:
        trace |= {"marker": {"symbol": symbol, "size": 10, "color": colour}, "cliponaxis": False}
    return trace


def _fit_at_ends(series: Sequence[tuple[str, pd.DataFrame]], x: str) -> bool:
    """Tell whether names go at the lines' ends: few, short, and all lines reach the right edge."""
    edge = max(part[x].max() for _, part in series)
    short = all(0 < len(name) <= _LONGEST_END_LABEL for name, _ in series)
    return short and len(series) <= _MOST_END_LABELS and all(part[x].max() == edge for _, part in series)


def _last(part: pd.DataFrame, y: str) -> float:
    known = part[y].dropna()
    return float(known.iloc[-1]) if len(known) else math.nan


def _end_labels(
    texts: Sequence[str], names: Sequence[str], ends: Sequence[float], upright: placing.Scale
) -> list[dict[str, Any]]:
    heights = [upright.place(end) if end > 0 or (not upright.log and end == end) else 0.0 for end in ends]
    placed = placing.spread(heights, gap=placing.LINE_PX + 1, top=upright.pixels)
    return [
        {
            "x": 1,
            "xref": "paper",
            "xanchor": "left",
            "xshift": 6,
            "y": height / upright.pixels,
            "yref": "paper",
            "yanchor": "middle",
            "showarrow": False,
            "align": "left",
            # Dark text reads at any distance; the block in the line's colour ties it to its line.
            "text": f'<span style="color:{palette[name]}">■</span> {text}',
        }
        for text, name, height in zip(texts, names, placed, strict=True)
    ]


def _mark_points(marks: Sequence[tuple[float, float, str]]) -> dict[str, Any]:
    return {
        "type": "scatter",
        "mode": "markers",
        "x": [x for x, _, _ in marks],
        "y": [y for _, y, _ in marks],
        "text": [text for _, _, text in marks],
        "hovertemplate": "%{text}<extra></extra>",
        "marker": {"symbol": "circle", "size": 13, "color": PAPER, "line": {"color": TEXT, "width": 3}},
        "showlegend": False,
    }


def _mark_notes(
    marks: Sequence[tuple[float, float, str]],
    series: Sequence[tuple[str, pd.DataFrame]],
    x: str,
    y: str,
    across: placing.Scale,
    upright: placing.Scale,
) -> list[dict[str, Any]]:
    def pixels(point: tuple[float, float]) -> tuple[float, float]:
        return across.place(point[0]), upright.place(point[1])

    def drawable(px: float, py: float) -> bool:
        return (px > 0 or not across.log) and (py > 0 or not upright.log) and px == px and py == py

    paths = [[pixels(point) for point in zip(part[x], part[y], strict=True) if drawable(*point)] for _, part in series]
    spots = [pixels((mx, my)) for mx, my, _ in marks]
    texts = [text for _, _, text in marks]
    offsets = placing.note_offsets(spots, texts, paths, wide=across.pixels, high=upright.pixels)
    return [
        {
            "x": across.axis(mx),
            "y": upright.axis(my),
            "ax": dx,
            "ay": -dy,
            "text": text,
            "align": "left",
            "showarrow": True,
            "arrowhead": 0,
            "arrowwidth": 1.5,
            "arrowcolor": TEXT,
            "standoff": 9,
            "bgcolor": "rgba(255,255,255,0.88)",
            "borderpad": 3,
        }
        for (mx, my, text), (dx, dy) in zip(marks, offsets, strict=True)
    ]
