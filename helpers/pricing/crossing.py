"""Where two bills cost the same.

Bills are not smooth: free tiers end, tiers begin, a fleet grows by whole machines. So the search does not assume
one crossing: it splits the range until, between two neighbours, the bills either cannot meet (both only grow, and the
dearer end of one is cheaper than the cheap end of the other) or the place is known to the last few digits.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from heapq import heapify, heappop, heappush
from itertools import pairwise

import numpy as np

from helpers.checks import number
from helpers.pricing.bill import Bill

FIRST_POINTS = 33  # of the first, coarse look; every further point is placed where it matters
MOST_POINTS = 4000
RESOLUTION = 1e-7  # of the range: two crossings closer together than this may count as none
PRECISION = 2e-11  # of a crossing's place, relative
RELATIVE_TOLERANCE = 1e-13  # amounts closer than this are equal: float rounding is 1e-16


@dataclass(frozen=True)
class Crossing:
    """A place where two bills change sides or run together.

    Attributes
    ----------
    x : the input at which it happens
    kind : ``"cross"`` (they meet and change sides), ``"jump"`` (one steps past the other without meeting it) or
        ``"equal"`` (they cost the same from here on, up to ``until``)
    until : end of the equal stretch; ``x`` itself for the other kinds
    """

    x: float
    kind: str
    until: float


def break_even(
    a: Callable[[float], Bill], b: Callable[[float], Bill], *, low: float, high: float
) -> tuple[Crossing, ...]:
    """Return every place between ``low`` and ``high`` where bill ``a`` and bill ``b`` change sides or run together.

    Parameters
    ----------
    a, b : functions of one number (requests a month, say) that return a Bill; expected to grow with it, or at
        least to have no hidden dips
    low, high : the range to search

    Returns
    -------
    tuple of Crossing
        In ascending order; empty where one is cheaper throughout.

    Raises
    ------
    ValueError
        When ``low`` is not below ``high`` or the bills cover different periods.

    Examples
    --------
    >>> from helpers.pricing import ec2_bill, lambda_bill
    >>> one_server = ec2_bill("t3.micro")
    >>> places = break_even(
    ...     lambda n: lambda_bill(requests=n, duration_ms=100, memory_mb=512, free_tier=False),
    ...     lambda n: one_server, low=0, high=100_000_000)
    >>> [(round(place.x), place.kind) for place in places]
    [(7347085, 'cross')]
    """
    number("low", low, -np.inf)
    number("high", high, -np.inf)
    if not low < high:
        raise ValueError(f"low must be below high, got low={low} and high={high}")
    seen: dict[float, tuple[float, float]] = {}

    def at(x: float) -> tuple[float, float]:
        if x not in seen:
            one, other = a(x), b(x)
            if one.period != other.period:
                raise ValueError(f"bills must cover one period, got {one.period!r} and {other.period!r}")
            seen[x] = (one.total, other.total)
        return seen[x]

    _split(at, _first_points(float(low), float(high)), seen)
    return _crossings(sorted(seen), seen)


def _first_points(low: float, high: float) -> list[float]:
    """Return points spread evenly and, above zero, evenly in logarithm: both small and large inputs matter."""
    even = np.linspace(low, high, FIRST_POINTS)
    smallest = low if low > 0 else high * 1e-6
    spread = np.geomspace(smallest, high, FIRST_POINTS) if high > 0 else even
    inside = np.concatenate([even, spread[(spread > low) & (spread < high)]])
    return sorted({float(x) for x in inside})


def _side(pair: tuple[float, float]) -> int:
    """Return -1 where a is cheaper, 1 where b is, 0 where they are equal."""
    gap, scale = pair[0] - pair[1], max(abs(pair[0]), abs(pair[1]))
    return 0 if abs(gap) <= RELATIVE_TOLERANCE * scale else (1 if gap > 0 else -1)


def _split(
    at: Callable[[float], tuple[float, float]],
    points: list[float],
    seen: dict[float, tuple[float, float]],
) -> None:
    """Add points until, between any two neighbours, the bills' relation is decided.

    Two growing bills cannot meet between x and y when one is dearer at x than the other at y. Where they can, the
    widest such gap is halved first, so that the limit on points is spent evenly over the range.
    """
    finest = (points[-1] - points[0]) * RESOLUTION
    # Negative widths: the heap gives the smallest first. The last item says whether to try a straight line.
    waiting = [(x - y, x, y, True) for x, y in pairwise(points)]
    heapify(waiting)
    while waiting:
        _, x, y, straight = heappop(waiting)
        (a_low, b_low), (a_high, b_high) = at(x), at(y)
        side = _side((a_low, b_low))
        changes = side != _side((a_high, b_high))
        if changes:
            if y - x <= PRECISION * max(abs(x), abs(y)):
                continue
        else:
            apart = a_high < b_low or b_high < a_low
            if side == 0 or apart or y - x <= finest or len(seen) > MOST_POINTS:
                continue
        between = [x + (y - x) / 2]
        if changes and straight:
            # Bills are straight between their kinks: probe on both sides of where straight lines would meet.
            guess = x + (y - x) * (a_low - b_low) / ((a_low - b_low) - (a_high - b_high))
            near = 0.4 * PRECISION * abs(guess)
            between = [point for point in (guess - near, guess + near) if x < point < y] or between
        for left, right in pairwise([x, *between, y]):
            if x < right and left < y and left < right and (left, right) != (x, y):
                heappush(waiting, (left - right, left, right, changes and not straight))


def _crossings(points: list[float], seen: dict[float, tuple[float, float]]) -> tuple[Crossing, ...]:
    found: list[Crossing] = []
    sides = [_side(seen[x]) for x in points]
    place = 0
    while place < len(points):
        if sides[place] == 0:
            end = place
            while end + 1 < len(points) and sides[end + 1] == 0:
                end += 1
            before = sides[place - 1] if place else 0
            after = sides[end + 1] if end + 1 < len(points) else 0
            start, until = points[place], points[end]
            narrow = until - start <= 1e-9 * max(abs(start), abs(until))
            if narrow and before and after:
                kind = "cross" if before != after else "equal"
                found.append(Crossing(start, kind, start))
            else:
                found.append(Crossing(start, "equal", until))
            place = end + 1
            continue
        if place and sides[place - 1] == -sides[place]:
            found.append(_change(points[place - 1], points[place], seen))
        place += 1
    return tuple(found)


def _change(left: float, right: float, seen: dict[float, tuple[float, float]]) -> Crossing:
    """Tell a meeting from a step: over so narrow a gap a continuous bill hardly moves."""
    moved = max(abs(seen[right][i] - seen[left][i]) for i in (0, 1))
    scale = max(abs(value) for value in (*seen[left], *seen[right]))
    return Crossing(right, "jump" if moved > 1e-9 * scale else "cross", right)
