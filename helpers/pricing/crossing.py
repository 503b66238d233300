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

from helpers.checks import in_words, number
from helpers.pricing.bill import Bill

FIRST_POINTS = 33  # of the first, coarse look; every further point is placed where it matters
MOST_POINTS = 4000
RESOLUTION = 1e-7  # of the range: two crossings closer together than this may count as none
PRECISION = 1e-9  # of a crossing's place, relative
STEP = 1e-6  # what a bill moves, relative, within that precision if it jumps; a continuous one moves a thousandth of it
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
    seen = _Seen(a, b)
    _split(seen, _first_points(low, high))
    return _crossings(sorted(seen), seen)


def last_break_even(
    a: Callable[[float], Bill], b: Callable[[float], Bill], *, low: float, high: float
) -> Crossing | None:
    """Return the highest place where the two bills change sides, beyond which one is cheaper for good.

    Takes, returns and refuses what :func:`break_even` does, but for the single crossing, None where there is none.
    It searches from above and stops at the first find: two bills that run side by side may cross a hundred times.
    """
    seen = _Seen(a, b)
    stop = _split(seen, _first_points(low, high), from_above=True)
    found = _crossings([x for x in sorted(seen) if stop is None or x >= stop], seen)
    return found[-1] if found else None


class _Seen(dict[float, tuple[float, float]]):
    """Both totals at every input looked at; asking for another one computes it."""

    def __init__(self, a: Callable[[float], Bill], b: Callable[[float], Bill]) -> None:
        super().__init__()
        self._bills = a, b

    def __missing__(self, x: float) -> tuple[float, float]:
        one, other = (bill(x) for bill in self._bills)
        if one.period != other.period:
            raise ValueError(f"bills must cover one period, got {one.period!r} and {other.period!r}")
        self[x] = (one.total, other.total)
        return self[x]


def _first_points(low: float, high: float) -> list[float]:
    """Return points spread evenly and, above zero, evenly in logarithm: both small and large inputs matter."""
    low, high = number("low", low, -np.inf), number("high", high, -np.inf)
    if not low < high:
        raise ValueError(f"low must be below high, got low={in_words(low)} and high={in_words(high)}")
    even = np.linspace(low, high, FIRST_POINTS)
    smallest = low if low > 0 else high * 1e-6
    spread = np.geomspace(smallest, high, FIRST_POINTS) if high > 0 else even
    inside = np.concatenate([even, spread[(spread > low) & (spread < high)]])
    return sorted({float(x) for x in inside})


def _side(pair: tuple[float, float]) -> int:
    """Return -1 where a is cheaper, 1 where b is, 0 where they are equal."""
    gap, scale = pair[0] - pair[1], max(abs(pair[0]), abs(pair[1]))
    return 0 if abs(gap) <= RELATIVE_TOLERANCE * scale else (1 if gap > 0 else -1)


def _split(seen: _Seen, points: list[float], *, from_above: bool = False) -> float | None:
    """Add points until, between any two neighbours, the bills' relation is decided.

    Two growing bills cannot meet between x and y when one is dearer at x than the other at y. Where they can, the
    widest such gap is halved first, so that the limit on points is spent evenly over the range. From above, the
    highest gap comes first, and the lower end of the first change that is found ends the search.
    """
    finest = (points[-1] - points[0]) * RESOLUTION

    def rank(x: float, y: float) -> float:
        return -y if from_above else x - y  # the heap gives the smallest first

    # The last item says whether to try a straight line.
    waiting = [(rank(x, y), x, y, True) for x, y in pairwise(points)]
    heapify(waiting)
    while waiting:
        _, x, y, straight = heappop(waiting)
        (a_low, b_low), (a_high, b_high) = seen[x], seen[y]
        side = _side((a_low, b_low))
        changes = side != _side((a_high, b_high))
        if changes:
            if y - x <= PRECISION * max(abs(x), abs(y), finest):
                if from_above:
                    return x
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
                heappush(waiting, (rank(left, right), left, right, changes and not straight))
    return None


def _crossings(points: list[float], seen: _Seen) -> tuple[Crossing, ...]:
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


def _change(left: float, right: float, seen: _Seen) -> Crossing:
    """Tell a meeting from a step: over so narrow a gap a continuous bill hardly moves."""
    moved = max(abs(seen[right][i] - seen[left][i]) for i in (0, 1))
    scale = max(abs(value) for value in (*seen[left], *seen[right]))
    return Crossing(right, "jump" if moved > STEP * scale else "cross", right)
