"""A table as a figure: cells in rows and columns, each with a fill, a symbol and words.

It reads without colour: whoever sees none has the symbol and the word, and fills go from light to dark. Plotly's own
table trace cannot be read by a pointer's hover and draws no border between groups; this is a heat map with words on it.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate, pairwise
from typing import Any, NamedTuple

import pandas as pd

from helpers.show import theme
from helpers.show.chart import Chart
from helpers.show.palette import PAPER, QUIET_TEXT, TEXT


class Look(NamedTuple):
    """A cell's fill, its ink and the symbol before its words."""

    fill: str
    ink: str
    symbol: str


# Dark for what is yours: it reads in grey and for every kind of colour vision, and the load is seen at once.
LOOKS = {
    "You": Look("#235951", PAPER, "●"),
    "Shared": Look("#7fb5a8", TEXT, "◐"),
    "AWS": Look("#fdeed8", TEXT, "○"),
    "holds": Look("#eef1f4", TEXT, "✓"),
    "too coarse": Look("#f6c667", TEXT, "≈"),
    "wrong": Look("#a3290f", PAPER, "✗"),
    "plain": Look(PAPER, TEXT, ""),
    "faint": Look("#f3f4f6", QUIET_TEXT, ""),
}
_ORDER = list(LOOKS)
FONT = 14  # six columns and their names fit beside JupyterLab's file browser at 1,024 pixels
_FOOT = 14
_HEAD_LINE = 20


class Cell(NamedTuple):
    """One cell: the look it takes, its text, and what a pointer finds there."""

    look: str
    text: str
    hover: str = ""


def cell(word: str, qualifier: str = "", hover: str = "", *, faint: bool = False) -> Cell:
    """Make a cell that says a word of ``LOOKS`` with its symbol; a qualifier stands below it, small.

    A faint cell keeps symbol and word but loses its fill, so that it steps back and still can be read.
    """
    text = f"{LOOKS[word].symbol} {word}"
    if qualifier and not faint:
        text = f"<span style='font-size:13px'>{text}</span><br><span style='font-size:11px'>{qualifier}</span>"
    return Cell("faint" if faint else word, text, hover)


def grid(
    names: Sequence[str],
    heads: Sequence[str],
    rows: Sequence[Sequence[Cell]],
    *,
    title: str,
    sentence: str,
    table: pd.DataFrame,
    groups: Sequence[str] = (),
    widths: Sequence[float] = (),
    left: int = 216,
    step: int = 50,
) -> Chart:
    """Draw cells.

    Parameters
    ----------
    names, heads : sequences of str
        What stands beside the rows and above the columns.
    rows : sequence of sequences of Cell
        The cells, row by row.
    title, sentence, table
        As for every chart.
    groups : sequence of str
        The group of each row: named once, and set apart by a line.
    widths : sequence of float
        Widths of the columns relative to each other; equal if omitted.
    left, step : int
        Room for the rows' names, and height of a row, in pixels.
    """
    edges = list(accumulate(widths or [1] * len(heads), initial=0))
    middles = [(low + high) / 2 for low, high in pairwise(edges)]
    head = 18 + _HEAD_LINE * max((text.count("<br>") + 1 for text in heads if text), default=0)
    height = 20 + theme.TITLE_LINE * (theme.wrapped(title).count("<br>") + 1) + head + step * len(names) + _FOOT
    layout = theme.layout(title, height=height)
    layout["margin"] |= {"l": left, "r": 12, "b": _FOOT, "t": height - step * len(names) - _FOOT}
    bare = {
        "showgrid": False,
        "zeroline": False,
        "showline": False,
        "ticks": "",
        "fixedrange": True,
        "tickfont": {"size": FONT},
    }
    layout["xaxis"] = bare | {"side": "top", "tickangle": 0, "tickvals": middles, "ticktext": list(heads)}
    layout["xaxis"]["range"] = [0, edges[-1]]
    layout["yaxis"] = bare | {"tickvals": list(range(len(names))), "ticktext": [f"{name} " for name in names]}
    layout["yaxis"]["range"] = [len(names) - 0.5, -0.5]
    if groups:
        layout |= _grouped(groups, left)
    return Chart({"data": [_fills(rows, edges, len(names)), _words(rows, middles)], "layout": layout}, sentence, table)


def _fills(rows: Sequence[Sequence[Cell]], edges: Sequence[float], count: int) -> dict[str, Any]:
    colours = [[edge / len(_ORDER), LOOKS[name].fill] for i, name in enumerate(_ORDER) for edge in (i, i + 1)]
    return {
        "type": "heatmap",
        "x": list(edges),
        "y": [y - 0.5 for y in range(count + 1)],
        "z": [[_ORDER.index(cell.look) + 0.5 for cell in row] for row in rows],
        "zmin": 0,
        "zmax": len(_ORDER),
        "colorscale": colours,
        "showscale": False,
        "xgap": 3,
        "ygap": 3,
        "text": [[cell.hover or cell.text for cell in row] for row in rows],
        "hovertemplate": "%{text}<extra></extra>",
    }


def _words(rows: Sequence[Sequence[Cell]], middles: Sequence[float]) -> dict[str, Any]:
    places = [(x, y, cell) for y, row in enumerate(rows) for x, cell in zip(middles, row, strict=True)]
    return {
        "type": "scatter",
        "mode": "text",
        "x": [x for x, _, _ in places],
        "y": [y for _, y, _ in places],
        "text": [cell.text for _, _, cell in places],
        "textfont": {"size": FONT, "color": [LOOKS[cell.look].ink for _, _, cell in places]},
        "hoverinfo": "skip",
        "showlegend": False,
    }


def _grouped(groups: Sequence[str], left: int) -> dict[str, Any]:
    """Name each group at the left, beside its first row, and draw a line above it."""
    starts = [i for i, name in enumerate(groups) if i == 0 or groups[i - 1] != name]
    names = [
        {
            "text": f"<b>{groups[i]}</b>",
            "xref": "paper",
            "x": 0,
            "xanchor": "left",
            "xshift": 16 - left,
            "y": i,
            "font": {"size": FONT},
            "showarrow": False,
        }
        for i in starts
    ]
    line = {"type": "line", "xref": "paper", "x0": 0, "x1": 1, "line": {"color": TEXT, "width": 1}}
    return {"annotations": names, "shapes": [line | {"y0": i - 0.5, "y1": i - 0.5} for i in starts[1:]]}
