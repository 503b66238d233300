"""The course of several quantities over the same time, in panels one below the other, their names at the lines' ends.

A line holds its value until the next one, as counts do. A level (a quota) is drawn across its panel.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from helpers.show import placing, theme
from helpers.show.chart import Chart
from helpers.show.palette import QUIET_TEXT, palette

PANEL_PX = 190
GAP_PX = 40
_ROOM = 1.1


@dataclass(frozen=True)
class Panel:
    """One panel: what its axis measures, a line for each column of the frame, and a level.

    Attributes
    ----------
    title : what is measured
    lines : a column's name and how it looks, a name of the palette
    level : name and value of a line across the panel
    broad : the column that is drawn broad, below the others
    """

    title: str
    lines: Mapping[str, str]
    level: tuple[str, float] | None = None
    broad: str = ""
    names: Mapping[str, str] = field(default_factory=dict)


def courses(frame: pd.DataFrame, panels: Sequence[Panel], *, title: str, sentence: str, x: str, x_title: str) -> Chart:
    """Draw panels of a frame with one row a step.

    Parameters
    ----------
    frame : pandas.DataFrame
        The column `x` and those that the panels name.
    panels : sequence of Panel
        From top to bottom.
    title, sentence : str
        The finding, and what the figure shows.
    x, x_title : str
        The column of time, and what its axis says.

    Returns
    -------
    Chart
    """
    layout = theme.layout(title)
    inner = len(panels) * PANEL_PX + (len(panels) - 1) * GAP_PX
    names = [panel.names.get(column, column) for panel in panels for column in panel.lines]
    levels = [panel.level[0] for panel in panels if panel.level]
    # As high with a short title as with a long one: nothing below jumps when an explorer finds another title.
    layout["margin"]["t"] = max(layout["margin"]["t"], 20 + 2 * theme.TITLE_LINE)
    layout["height"] = inner + layout["margin"]["t"] + layout["margin"]["b"]
    layout["margin"] |= {"l": theme.LEFT, "r": 48 + int(placing.CHAR_PX * max(map(len, [*names, *levels])))}
    first, last = float(frame[x].iloc[0]), float(frame[x].iloc[-1])
    data: list[dict[str, Any]] = []
    notes: list[dict[str, Any]] = []
    shapes: list[dict[str, Any]] = []
    for i, panel in enumerate(panels):
        axes = "" if i == 0 else str(i + 1)
        low = (len(panels) - 1 - i) * (PANEL_PX + GAP_PX) / inner
        bottom = i == len(panels) - 1
        top = max([float(frame[column].max()) for column in panel.lines] + [panel.level[1] if panel.level else 0, 1])
        layout[f"yaxis{axes}"] = theme.axis(panel.title) | {
            "domain": [low, low + PANEL_PX / inner],
            "range": [0, _ROOM * top],
            "nticks": 5,
        }
        layout[f"xaxis{axes}"] = theme.axis(x_title if bottom else "") | {
            "range": [first, last],
            "anchor": f"y{axes}",
            "showticklabels": bottom,
        }
        ends = [(column, float(frame[column].iloc[-1])) for column in panel.lines]
        if panel.level:
            ends.append(("", panel.level[1]))
            shapes.append(_level(panel.level[1], axes))
        heights = placing.spread(
            [value / (_ROOM * top) * PANEL_PX for _, value in ends], gap=placing.LINE_PX + 1, top=PANEL_PX
        )
        for (column, _), height in zip(ends, heights, strict=True):
            if column:
                data.append(_line(frame, x, column, panel, axes))
            colour = palette[panel.lines[column]] if column else QUIET_TEXT
            name = panel.names.get(column, column) if column else panel.level[0]
            notes.append(_end(name, colour, low + height / inner))
    layout |= {"annotations": notes, "shapes": shapes}
    return Chart({"data": data, "layout": layout}, sentence, frame)


def _line(frame: pd.DataFrame, x: str, column: str, panel: Panel, axes: str) -> dict[str, Any]:
    style = palette.style(panel.lines[column])
    name = panel.names.get(column, column)
    return {
        "type": "scatter",
        "mode": "lines",
        "name": name,
        "x": frame[x],
        "y": frame[column],
        "xaxis": f"x{axes}",
        "yaxis": f"y{axes}",
        "line": {
            "color": style.colour,
            "width": 6 if column == panel.broad else 3,
            "dash": "solid" if column == panel.broad else style.dash,
            "shape": "hv",
        },
        "hovertemplate": f"{name}: %{{y:,}}<extra></extra>",
        "showlegend": False,
    }


def _level(value: float, axes: str) -> dict[str, Any]:
    rule = {"type": "line", "xref": f"x{axes} domain", "x0": 0, "x1": 1, "yref": f"y{axes}", "y0": value, "y1": value}
    return rule | {"line": {"color": QUIET_TEXT, "width": 2, "dash": "dash"}}


def _end(name: str, colour: str, height: float) -> dict[str, Any]:
    return {
        "text": f"<span style='color:{colour}'>■</span> {name}",
        "x": 1,
        "xref": "paper",
        "xanchor": "left",
        "xshift": 6,
        "y": height,
        "yref": "paper",
        "yanchor": "middle",
        "showarrow": False,
        "align": "left",
    }
