"""Figures from frames: lines, bars, a heat map; :mod:`helpers.show.bills` draws a bill.

Each function takes a tidy frame, the names of its columns and the words (the finding as title, the
sentence, the axes with their units), and returns a :class:`~helpers.show.chart.Chart`. Series differ by
dash, marker or pattern as well as by colour, and carry their name where the eye is.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Any

import pandas as pd

from helpers.show import placing, theme
from helpers.show.bills import bill
from helpers.show.chart import Chart
from helpers.show.palette import PAPER, TEXT, palette
from helpers.show.wording import dollars, listed, number

__all__ = ["bars", "bill", "heat", "lines"]

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
    _columns(frame, x, y, by)
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
    return Chart({"data": data, "layout": layout}, sentence, _table(frame, x, y, by))


def bars(
    frame: pd.DataFrame,
    x: str,
    y: str,
    by: str | None = None,
    *,
    title: str,
    sentence: str,
    x_title: str = "",
    y_title: str = "",
    mode: str = "stack",
    horizontal: bool = False,
    labels: bool = True,
    height: int = theme.HEIGHT,
) -> Chart:
    """Draw bars, stacked or side by side.

    Parameters
    ----------
    frame : pandas.DataFrame
        One row per bar, or per part of one.
    x : str
        The column that names the bars.
    y : str
        The numeric column that gives their lengths.
    by : str, optional
        The column that names the parts; each gets a colour and a pattern.
    title, sentence, x_title, y_title
        As in :func:`lines`; `y_title` is what the lengths measure.
    mode : {"stack", "group"}
        How parts share a bar's place.
    horizontal : bool
        Whether bars lie, which suits long names.
    labels : bool
        Whether each bar says its value (stacked bars: their sum).
    height : int
        In pixels.

    Returns
    -------
    Chart
    """
    _columns(frame, x, y, by)
    if mode not in ("stack", "group"):
        raise ValueError(f'mode must be "stack" or "group", got {mode!r}')
    layout = theme.layout(title, height=height, legend=by is not None)
    value_axis, name_axis = theme.axis(y_title), theme.axis(x_title)
    money = "tickprefix" in value_axis
    value_axis |= {"showline": False, "ticks": "", "rangemode": "tozero"}
    name_axis |= {"type": "category", "showgrid": False, "ticks": "", "automargin": True}
    layout["xaxis"], layout["yaxis"] = (value_axis, name_axis) if horizontal else (name_axis, value_axis)
    if horizontal:
        layout["yaxis"]["autorange"] = "reversed"
    layout |= {"barmode": mode, "bargap": 0.3}

    parts = [("", frame)] if by is None else [(str(name), part) for name, part in frame.groupby(by, sort=False)]
    own_text = labels and (by is None or mode == "group")
    data = []
    for (name, part), style in zip(parts, palette.names_for(name for name, _ in parts), strict=True):
        bar = _bar([_category(each, horizontal) for each in part[x]], part[y], name, style, horizontal)
        if own_text:
            bar |= {"text": [_amount(value, money) for value in part[y]], "textposition": "outside"}
            bar |= {"textfont": {"size": 15}, "constraintext": "none", "cliponaxis": False}
        data.append(bar)
    if labels and not own_text:
        sums = frame.groupby(x, sort=False)[y].sum()
        data.append(_sums([_category(each, horizontal) for each in sums.index], sums, money, horizontal))
    return Chart({"data": data, "layout": layout}, sentence, _table(frame, x, y, by))


def heat(
    frame: pd.DataFrame,
    x: str,
    y: str,
    z: str,
    *,
    title: str,
    sentence: str,
    x_title: str,
    y_title: str,
    z_title: str = "",
    log_z: bool = False,
    height: int = theme.HEIGHT,
) -> Chart:
    """Draw a grid of cells, darker where the value is larger, with the value in each.

    Parameters
    ----------
    frame : pandas.DataFrame
        One row per cell.
    x, y, z : str
        The columns that place a cell, and the numeric one that fills it.
    title, sentence, x_title, y_title
        As in :func:`lines`.
    z_title : str
        What the cells measure, with its unit; "USD" brings dollar signs.
    log_z : bool
        Whether equal ratios get equal steps of colour.
    height : int
        In pixels.

    Returns
    -------
    Chart
    """
    _columns(frame, x, y, z)
    grid = frame.pivot(index=y, columns=x, values=z)
    money = "tickprefix" in theme.axis(z_title)
    cells = grid.to_numpy(dtype=float).tolist()
    shade = [[_shade(value, log_z) for value in row] for row in cells]
    texts = [["" if value != value else _amount(value, money) for value in row] for row in cells]
    trace = {
        "type": "heatmap",
        "x": [_category(each, True) for each in grid.columns],
        "y": [_category(each, True) for each in grid.index],
        "z": shade,
        "text": texts,
        "texttemplate": "%{text}",
        # One hue, from light to middling: it reads in grey and for every kind of colour vision, and dark
        # text stands out on all of it.
        "textfont": {"color": TEXT},
        "colorscale": [[0, "#f3f7fe"], [1, "#5b9aec"]],
        "showscale": False,
        "xgap": 2,
        "ygap": 2,
        "hovertemplate": f"%{{x}}, %{{y}}<br><b>%{{text}}</b> {z_title}<extra></extra>",
    }
    layout = theme.layout(title, x_title, y_title, height)
    for side in ("xaxis", "yaxis"):
        layout[side] |= {"type": "category", "showgrid": False, "ticks": "", "showline": False, "automargin": True}
        layout[side].pop("tickprefix", None)
    return Chart({"data": [trace], "layout": layout}, sentence, _table(frame, x, y, z))


def _columns(frame: pd.DataFrame, *names: str | None) -> None:
    missing = [name for name in names if name is not None and name not in frame.columns]
    if missing:
        raise KeyError(f"the frame has no column {listed(map(repr, missing))}; it has {listed(frame.columns)}")
    if frame.empty:
        raise ValueError("the frame has no rows: there is nothing to draw")


def _table(frame: pd.DataFrame, *names: str | None) -> pd.DataFrame:
    return frame[list(dict.fromkeys(name for name in names if name))].reset_index(drop=True)


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


def _bar(categories: list[str], lengths: pd.Series, name: str, style: str, horizontal: bool) -> dict[str, Any]:
    colour, _, _, pattern = palette.style(style)
    along = {"x": lengths, "y": categories, "orientation": "h"} if horizontal else {"x": categories, "y": lengths}
    marker: dict[str, Any] = {"color": colour}
    if pattern:
        marker["pattern"] = {"shape": pattern, "fillmode": "overlay", "fgcolor": PAPER, "size": 9, "solidity": 0.25}
    return {"type": "bar", "name": name, **along, "marker": marker}


def _sums(categories: list[str], sums: pd.Series, money: bool, horizontal: bool) -> dict[str, Any]:
    along = {"x": sums, "y": categories} if horizontal else {"x": categories, "y": sums}
    return {
        "type": "scatter",
        "mode": "text",
        **along,
        "text": [f"<b>{_amount(value, money)}</b>" for value in sums],
        "textposition": "middle right" if horizontal else "top center",
        "cliponaxis": False,
        "hoverinfo": "skip",
        "showlegend": False,
    }


def _category(value: Any, long: bool) -> str:
    text = number(value) if isinstance(value, int | float) and not isinstance(value, bool) else str(value)
    return theme.wrapped(text, 28 if long else 16)


def _amount(value: float, money: bool) -> str:
    return dollars(value) if money else number(float(f"{value:.3g}")) if abs(value) < 1000 else number(round(value))


def _shade(value: float, log: bool) -> float | None:
    if value != value or (log and value <= 0):
        return None
    return math.log10(value) if log else value
