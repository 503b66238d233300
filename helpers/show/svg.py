"""Small charts as SVG text, drawn without any library: for a record that is read where no kernel runs.

Bars and a week's grid are all that a decision record needs. Each has a title for screen readers; colours are the
collection's, and each value stands beside its bar, so that nothing depends on colour.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from html import escape

from helpers.show.palette import TEXT, palette

FONT = "font-family='system-ui, sans-serif' font-size='12'"
ROW, LABEL, VALUE, WIDTH = 22, 170, 110, 640


def _svg(width: float, height: float, title: str, body: Sequence[str]) -> str:
    return (
        f"<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 {width:.0f} {height:.0f}' width='{width:.0f}' "
        f"height='{height:.0f}' role='img' aria-label='{escape(title, quote=True)}'><title>{escape(title)}</title>"
        f"<g {FONT} fill='{TEXT}'>{''.join(body)}</g></svg>"
    )


def bars(rows: Sequence[tuple[str, float, str]], *, title: str, mark: str = "") -> str:
    """Draw lying bars.

    Parameters
    ----------
    rows : name, value, and the value in words
    title : for those who cannot see it
    mark : name of the bar to point out

    Examples
    --------
    >>> bars([("a", 1, "one"), ("b", 2, "two")], title="Two bars").count("<rect")
    2
    """
    most = max((value for _, value, _ in rows if math.isfinite(value)), default=0) or 1
    room = WIDTH - LABEL - VALUE
    colour, pointed = _colours()
    body = []
    for place, (name, value, words) in enumerate(rows):
        y = place * ROW + 4
        length = max(1.0, room * value / most)
        weight = " font-weight='bold'" if name == mark else ""
        body.append(f"<text x='{LABEL - 8}' y='{y + 12}' text-anchor='end'{weight}>{escape(name)}</text>")
        fill = pointed if name == mark else colour
        body.append(f"<rect x='{LABEL}' y='{y}' width='{length:.1f}' height='15' fill='{fill}'/>")
        body.append(f"<text x='{LABEL + length + 6:.1f}' y='{y + 12}'{weight}>{escape(words)}</text>")
    return _svg(WIDTH, len(rows) * ROW + 6, title, body)


def swings(rows: Sequence[tuple[str, float, float, str, str]], *, now: float, title: str) -> str:
    """Draw a tornado: for each input the span between two values, around the value now.

    Parameters
    ----------
    rows : name, value at the low end, value at the high end, and both ends in words
    now : the value that all bars share
    title : for those who cannot see it
    """
    most = max([now, *(max(low, high) for _, low, high, _, _ in rows)]) or 1
    left_edge = LABEL + 50  # names of inputs are longer than those of ways to run
    room = WIDTH - left_edge - VALUE
    colour, pointed = _colours()
    body = []
    for place, (name, low, high, low_words, high_words) in enumerate(rows):
        y = place * ROW + 4
        for end, fill in ((low, colour), (high, pointed)):
            left, right = sorted((left_edge + room * end / most, left_edge + room * now / most))
            body.append(
                f"<rect x='{left:.1f}' y='{y}' width='{max(right - left, 0.5):.1f}' height='15' fill='{fill}'/>"
            )
        end = left_edge + room * max(low, high, now) / most
        body.append(f"<text x='{left_edge - 8}' y='{y + 12}' text-anchor='end'>{escape(name)}</text>")
        body.append(f"<text x='{end + 6:.1f}' y='{y + 12}'>{escape(low_words)} to {escape(high_words)}</text>")
    x = left_edge + room * now / most
    height = len(rows) * ROW + 6
    body.append(f"<line x1='{x:.1f}' x2='{x:.1f}' y1='0' y2='{height}' stroke='{TEXT}' stroke-dasharray='3 3'/>")
    return _svg(WIDTH, height, title, body)


def week(hours: Sequence[Sequence[float]], days: Sequence[str], *, title: str) -> str:
    """Draw a week as a grid of 7 by 24 cells, darker where more happens; an empty frame where nothing is known."""
    known = [value for day in hours for value in day if math.isfinite(value)]
    most = max(known, default=0) or 1
    _, colour = _colours()
    cell, left, top = 22, 50, 18
    body = [f"<text x='{left + hour * cell + 3}' y='12'>{hour:02d}</text>" for hour in range(0, 24, 3)]
    for row, (day, values) in enumerate(zip(days, hours, strict=True)):
        y = top + row * 16
        body.append(f"<text x='{left - 8}' y='{y + 12}' text-anchor='end'>{escape(day)}</text>")
        for hour, value in enumerate(values):
            seen = math.isfinite(value)
            shade = f"fill='{colour}' fill-opacity='{0.06 + 0.94 * value / most:.3f}'" if seen else "fill='none'"
            body.append(
                f"<rect x='{left + hour * cell}' y='{y}' width='{cell - 1}' height='15' {shade} "
                f"stroke='{TEXT}' stroke-opacity='{0.0 if seen else 0.3}'/>"
            )
    return _svg(left + 24 * cell + 4, top + 7 * 16 + 4, title, body)


def _colours() -> tuple[str, str]:
    return palette["ec2"], palette["lambda"]
