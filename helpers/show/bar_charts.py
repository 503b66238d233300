"""Bars, stacked, grouped or lying, and a grid of shaded cells."""

from __future__ import annotations

import math
from typing import Any

import pandas as pd

from helpers.show import theme
from helpers.show.chart import Chart
from helpers.show.frames import amount, category, check_columns, table_of
from helpers.show.palette import PAPER, SHADES, TEXT, palette


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
        As in :func:`helpers.show.charts.lines`; `y_title` is what the lengths measure.
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
    check_columns(frame, x, y, by)
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
    longest = frame[y].max() if mode == "group" or by is None else frame.groupby(x, sort=False)[y].sum().max()
    if labels and longest > 0 and frame[y].min() >= 0:  # room for the last label
        value_axis["range"] = [0, longest * (1.02 if horizontal else 1.1)]

    parts = [("", frame)] if by is None else [(str(name), part) for name, part in frame.groupby(by, sort=False)]
    own_text = labels and (by is None or mode == "group")
    told = frame[y] if own_text else frame.groupby(x, sort=False)[y].sum()
    if labels and horizontal:
        layout["margin"]["r"] = theme.beyond(amount(value, money) for value in told)
    data = []
    for (name, part), style in zip(parts, palette.names_for(name for name, _ in parts), strict=True):
        bar = _bar([category(each, horizontal) for each in part[x]], part[y], name, style, horizontal)
        if own_text:
            bar |= {"text": [amount(value, money) for value in part[y]], "textposition": "outside"}
            bar |= {"textfont": {"size": 15}, "constraintext": "none", "cliponaxis": False}
        data.append(bar)
    if labels and not own_text:
        data.append(_sums([category(each, horizontal) for each in told.index], told, money, horizontal))
    return Chart({"data": data, "layout": layout}, sentence, table_of(frame, x, y, by))


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
        As in :func:`helpers.show.charts.lines`.
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
    check_columns(frame, x, y, z)
    grid = frame.pivot(index=y, columns=x, values=z)
    money = "tickprefix" in theme.axis(z_title)
    cells = grid.to_numpy(dtype=float).tolist()
    shade = [[_shade(value, log_z) for value in row] for row in cells]
    texts = [["" if value != value else amount(value, money) for value in row] for row in cells]
    trace = {
        "type": "heatmap",
        "x": [category(each, True) for each in grid.columns],
        "y": [category(each, True) for each in grid.index],
        "z": shade,
        "text": texts,
        "texttemplate": "%{text}",
        "textfont": {"color": TEXT},
        "colorscale": SHADES,
        "showscale": False,
        "xgap": 2,
        "ygap": 2,
        "hovertemplate": f"%{{x}}, %{{y}}<br><b>%{{text}}</b> {z_title}<extra></extra>",
    }
    layout = theme.layout(title, x_title, y_title, height)
    for side in ("xaxis", "yaxis"):
        layout[side] |= {"type": "category", "showgrid": False, "ticks": "", "showline": False, "automargin": True}
        layout[side].pop("tickprefix", None)
    return Chart({"data": [trace], "layout": layout}, sentence, table_of(frame, x, y, z))


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
        "text": [f"{' ' * horizontal}<b>{amount(value, money)}</b>" for value in sums],
        "textposition": "middle right" if horizontal else "top center",
        "cliponaxis": False,
        "hoverinfo": "skip",
        "showlegend": False,
    }


def _shade(value: float, log: bool) -> float | None:
    if value != value or (log and value <= 0):
        return None
    return math.log10(value) if log else value
