"""The one look of every figure: an opaque light card, dark text, large type, quiet grid.

The template of Plotly's Python package adds 7 KB to each stored figure; this layout is a tenth of
that. It does not follow JupyterLab's dark theme: a figure is a sheet of paper that reads the same on
every background, and in print.
"""

from __future__ import annotations

import math
import textwrap
from collections.abc import Iterable
from typing import Any

from helpers.show.palette import AXIS, GRID, PAPER, TEXT

FONT = "system-ui, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, sans-serif"
SIZE = 16
TITLE_SIZE = 18
TITLE_LINE = 24
# Plotly cuts off what doesn't fit: this many bold characters fit beside JupyterLab's file browser at 1,024 pixels.
TITLE_WIDTH = 50
HEIGHT = 420
LEGEND_ROOM = 34
# Wide enough for a title and labels such as $10,000. Fixed margins keep the drawing in its place when labels
# change, and spare Plotly a second pass over it: a quarter of the time from slider to figure.
LEFT = 104
BELOW = 68


def wrapped(text: str, width: int = TITLE_WIDTH) -> str:
    """Break a long line for Plotly, which doesn't, between words.

    Examples
    --------
    >>> wrapped("Above 4 million requests a day the fleet is cheaper", 30)
    'Above 4 million requests a day<br>the fleet is cheaper'
    """
    lines = [textwrap.wrap(line, width, break_long_words=False) for line in text.split("<br>")]
    return "<br>".join(part for line in lines for part in (line or [""]))


def beyond(texts: Iterable[str]) -> int:
    """Return a right margin in pixels that has room for labels which begin where an axis ends.

    It grows in steps of four characters, so that a figure stays in its place while its numbers change a little.

    Examples
    --------
    >>> beyond(["$0.50", "$12.46"]), beyond(["$1,200.00"])
    (104, 148)
    """
    longest = max((len(text) for text in texts), default=0)
    return 16 + 11 * 4 * math.ceil(longest / 4)


def axis(title: str = "", *, log: bool = False, money: bool | None = None) -> dict[str, Any]:
    """Describe an axis.

    Parameters
    ----------
    title : str
        What it measures, with its unit.
    log : bool
        Whether each step multiplies.
    money : bool, optional
        Whether its numbers are dollars and say so; if omitted, the title decides.

    Returns
    -------
    dict
        What Plotly's layout takes as ``xaxis`` or ``yaxis``.
    """
    if money is None:
        money = any(word in title.lower() for word in ("$", "usd", "dollar"))
    described: dict[str, Any] = {
        "title": {"text": title, "standoff": 12, "font": {"size": SIZE}},
        "fixedrange": True,
        "gridcolor": GRID,
        "linecolor": AXIS,
        "showline": True,
        "zeroline": False,
        "ticks": "outside",
        "tickcolor": AXIS,
        "exponentformat": "B",
        "minexponent": 5,
        "separatethousands": True,
    }
    if log:
        described |= {"type": "log", "dtick": 1}
    if money:
        described["tickprefix"] = "$"
    return described


def layout(
    title: str = "",
    x_title: str = "",
    y_title: str = "",
    height: int = HEIGHT,
    *,
    legend: bool = False,
    **more: Any,
) -> dict[str, Any]:
    """Describe a figure's layout in the collection's look.

    Parameters
    ----------
    title : str
        The finding that the figure shows; long ones are broken into lines.
    x_title, y_title : str
        What the axes measure, with units. An axis of dollars gets its dollar signs.
    height : int
        In pixels; fixed, so that nothing below jumps when the figure changes.
    legend : bool
        Whether to keep room for a legend, between title and drawing.
    **more
        Anything else that Plotly's layout knows. Dicts are merged into the ones here.

    Returns
    -------
    dict
        A new dict each time.

    Examples
    --------
    >>> layout("Twice the memory, half the time", "memory (MB)", "duration (ms)")["height"]
    420
    """
    text = wrapped(title)
    lines = text.count("<br>") + 1 if text else 0
    top = 20 + lines * TITLE_LINE + legend * LEGEND_ROOM
    # A title along the vertical axis has the drawing's height, at some nine pixels a character.
    y_title = wrapped(y_title, max(10, (height - top - BELOW) // 9))
    described: dict[str, Any] = {
        "height": height,
        "paper_bgcolor": PAPER,
        "plot_bgcolor": PAPER,
        "font": {"family": FONT, "size": SIZE, "color": TEXT},
        "margin": {"l": LEFT + y_title.count("<br>") * 22, "r": 24, "t": top, "b": BELOW},
        "hoverlabel": {"font": {"family": FONT, "size": SIZE, "color": TEXT}, "bgcolor": PAPER},
        "dragmode": False,
        "showlegend": legend,
        "xaxis": axis(x_title),
        "yaxis": axis(y_title),
    }
    if text:
        described["title"] = {
            "text": f"<b>{text}</b>",
            "font": {"size": TITLE_SIZE},
            "x": 0,
            "xref": "container",
            "xanchor": "left",
            "y": 1,
            "yref": "container",
            "yanchor": "top",
            # Plotly anchors several lines half a line too high for each line after the first.
            "pad": {"l": 16, "t": 14 + (lines - 1) * TITLE_LINE // 2},
        }
    if legend:
        described["legend"] = {"orientation": "h", "x": 0, "xanchor": "left", "y": 1.01, "yanchor": "bottom"}
        described["legend"]["traceorder"] = "normal"
    return _merged(described, more)


def _merged(base: dict[str, Any], more: dict[str, Any]) -> dict[str, Any]:
    """Lay one nested dict over another."""
    both = dict(base)
    for key, value in more.items():
        old = both.get(key)
        both[key] = _merged(old, value) if isinstance(old, dict) and isinstance(value, dict) else value
    return both
