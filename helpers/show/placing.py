"""Where labels go: names at the ends of lines, and notes beside the points that matter.

Plotly writes a label where it is told to, over whatever is there. These functions work in pixels of a
typical drawing and choose places that leave lines, points and each other free. Heights are fixed, so
vertical distances are exact; the width depends on the window and is taken as a narrow one.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

import numpy as np

CHAR_PX = 8.6
LINE_PX = 21
WIDTH_PX = 620


class Box(NamedTuple):
    """A rectangle in pixels: centre, width, height; y grows upwards."""

    x: float
    y: float
    wide: float
    high: float

    def overlap(self, other: Box) -> float:
        """Area that two boxes share."""
        across = min(self.x + self.wide / 2, other.x + other.wide / 2) - max(
            self.x - self.wide / 2, other.x - other.wide / 2
        )
        upright = min(self.y + self.high / 2, other.y + other.high / 2) - max(
            self.y - self.high / 2, other.y - other.high / 2
        )
        return max(0.0, across) * max(0.0, upright)

    def count(self, points: np.ndarray) -> int:
        """Count the points inside; ``points`` has one row per point, x and y."""
        within = np.abs(points - (self.x, self.y)) <= (self.wide / 2, self.high / 2)
        return int(np.count_nonzero(within.all(axis=1)))


class Scale(NamedTuple):
    """One axis: from data to pixels."""

    low: float
    high: float
    log: bool
    pixels: float

    def place(self, value: float) -> float:
        """Give the pixel of a value."""
        return (self.axis(value) - self.low) / (self.high - self.low) * self.pixels

    def axis(self, value: float) -> float:
        """Give the value as the axis counts: its logarithm on a log axis."""
        return math.log10(value) if self.log else value


def scale(values: Sequence[float], *, log: bool, pixels: float, from_zero: bool = False, room: float = 0.04) -> Scale:
    """Choose an axis' range for some values, with a little room, in the axis' own terms.

    Parameters
    ----------
    values : sequence of float
        What must be visible; on a log axis only what is above 0 counts.
    log : bool
        Whether the axis is logarithmic.
    pixels : float
        Length of the axis.
    from_zero : bool
        Start at 0 when nothing is below.
    room : float
        Share of the range to leave free beyond the values.
    """
    finite = [float(v) for v in values if v is not None and math.isfinite(v) and (v > 0 or not log)]
    if not finite:
        return Scale(0.0, 1.0, log, pixels)
    low, high = min(finite), max(finite)
    if log:
        low, high = math.log10(low), math.log10(high)
    elif from_zero and low >= 0:
        low = 0.0
    span = (high - low) or abs(high) or 1.0
    bottom = low if from_zero and low == 0 and not log else low - room * span
    return Scale(bottom, high + room * span, log, pixels)


def spread(heights: Sequence[float], *, gap: float, top: float) -> list[float]:
    """Move labels apart until they are a gap from each other, as little as possible, within 0 and top.

    Examples
    --------
    >>> spread([100, 104, 300], gap=20, top=320)
    [92.0, 112.0, 300.0]
    """
    order = sorted(range(len(heights)), key=lambda i: heights[i])
    # Neighbours that collide become one block around their mean; blocks that collide merge.
    blocks: list[list[float]] = []
    for i in order:
        blocks.append([heights[i], 1])
        while len(blocks) > 1 and _top(blocks[-2], gap) + gap > _bottom(blocks[-1], gap):
            (mean_b, n_b), (mean_a, n_a) = blocks.pop(), blocks.pop()
            blocks.append([(mean_a * n_a + mean_b * n_b) / (n_a + n_b), n_a + n_b])
    placed: list[float] = []
    for mean, count in blocks:
        half = (count - 1) * gap / 2
        centre = min(max(mean, half), max(top - half, half))
        placed += [float(centre - half + i * gap) for i in range(int(count))]
    result = [0.0] * len(heights)
    for i, height in zip(order, placed, strict=True):
        result[i] = height
    return result


def _top(block: list[float], gap: float) -> float:
    return block[0] + (block[1] - 1) * gap / 2


def _bottom(block: list[float], gap: float) -> float:
    return block[0] - (block[1] - 1) * gap / 2


def text_box(text: str) -> tuple[float, float]:
    """Estimate how wide and how high a text with ``<br>`` is, in pixels."""
    lines = text.split("<br>")
    return max(len(line) for line in lines) * CHAR_PX + 12, len(lines) * LINE_PX + 8


def note_offsets(
    points: Sequence[tuple[float, float]],
    texts: Sequence[str],
    lines: Sequence[Sequence[tuple[float, float]]],
    *,
    wide: float,
    high: float,
) -> list[tuple[float, float]]:
    """Choose, for each point, where its note's centre goes, relative to the point.

    Parameters
    ----------
    points : sequence of (x, y)
        The points in pixels.
    texts : sequence of str
        Their notes.
    lines : sequence of sequences of (x, y)
        What to keep free, in pixels.
    wide, high : float
        Size of the drawing.

    Returns
    -------
    list of (dx, dy)
        In pixels, dy upwards.
    """
    crowd = np.array([point for line in lines for point in _dense(line)]).reshape(-1, 2)
    taken = [Box(x, y, 18, 18) for x, y in points]
    offsets = []
    for (x, y), text in zip(points, texts, strict=True):
        box_wide, box_high = text_box(text)
        best = min(
            _candidates(box_wide, box_high),
            key=lambda o: _cost(Box(x + o[0], y + o[1], box_wide, box_high), o, crowd, taken, wide, high),
        )
        taken.append(Box(x + best[0], y + best[1], box_wide, box_high))
        offsets.append(best)
    return offsets


def _candidates(wide: float, high: float) -> list[tuple[float, float]]:
    """List places around a point, near ones first."""
    places = []
    for away in (26, 52, 84, 120):
        side, up = wide / 2 + away, high / 2 + away
        places += [(-side, up / 2), (side, -up / 2), (0, up), (0, -up), (side, up / 2), (-side, -up / 2)]
        places += [(-side, 0), (side, 0), (-wide / 3, up), (wide / 3, up), (-wide / 3, -up), (wide / 3, -up)]
    return places


def _cost(
    box: Box,
    offset: tuple[float, float],
    crowd: np.ndarray,
    taken: Sequence[Box],
    wide: float,
    high: float,
) -> float:
    """Weigh what a place covers, and how far out it is, against how near it is."""
    inside = Box(wide / 2, high / 2, wide, high)
    outside = box.wide * box.high - box.overlap(inside)
    covered = sum(box.overlap(other) for other in taken)
    on_lines = box.count(crowd)
    return 40 * outside + 8 * covered + 60 * on_lines + math.hypot(*offset)


def _dense(line: Sequence[tuple[float, float]], step: float = 6.0) -> list[tuple[float, float]]:
    """Fill a line with points a few pixels apart."""
    filled = list(line)
    for (x0, y0), (x1, y1) in pairwise(line):
        count = min(int(math.hypot(x1 - x0, y1 - y0) / step), 400)
        filled += [(x0 + (x1 - x0) * i / count, y0 + (y1 - y0) * i / count) for i in range(1, count)]
    return filled
