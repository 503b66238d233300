"""When requests arrive: recipes that give their times piece by piece, so that a hundred million need no memory.

Random arrivals are a Poisson process whose rate may change over time: a process of rate one is drawn in pieces and
stretched so that it follows the rate. The same seed gives the same times. Traffic from a log goes in through
:func:`from_timestamps`. ``a + b`` puts one traffic on top of another (give them different seeds), ``a * 3`` is three
times the traffic over the same period.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from helpers.checks import number

PIECE = 65_536  # requests in a piece; 512 KB of times
DAY_S = 86_400.0


@dataclass(frozen=True, eq=False)
class Arrivals:
    """Times at which requests arrive, in ascending order, within a period that begins at 0.

    Made by the functions of this module. ``len(arrivals)`` counts the requests (it walks through them once).

    Attributes
    ----------
    duration_s : length of the period in seconds
    """

    duration_s: float

    __array_ufunc__ = None  # NumPy numbers leave `number * arrivals` to us

    def pieces(self) -> Iterator[np.ndarray]:
        """Yield the times in s in order, in arrays of limited size."""
        raise NotImplementedError

    def _scaled(self, factor: float) -> Arrivals:
        return _Resampled(self.duration_s, self, factor)

    @property
    def times_s(self) -> np.ndarray:
        """All times in s, as one array: 8 bytes a request."""
        return np.concatenate([np.empty(0), *self.pieces()])

    @cached_property
    def _count(self) -> int:
        return sum(piece.size for piece in self.pieces())

    def __len__(self) -> int:
        return self._count

    def __add__(self, other: Arrivals) -> Arrivals:
        if not isinstance(other, Arrivals):
            return NotImplemented
        return _Overlay(max(self.duration_s, other.duration_s), self, other)

    def __mul__(self, factor: float) -> Arrivals:
        if isinstance(factor, Arrivals):
            return NotImplemented
        factor = number("factor", factor, above=True)
        return self if factor == 1 else self._scaled(factor)

    __rmul__ = __mul__


@dataclass(frozen=True, eq=False)
class _Random(Arrivals):
    """A Poisson process whose rate runs straight from knot to knot; two knots at one time are a jump."""

    knots_s: np.ndarray
    rates: np.ndarray
    seed: int

    def pieces(self) -> Iterator[np.ndarray]:
        rng = np.random.default_rng(self.seed)
        expected = np.concatenate([[0.0], np.cumsum(np.diff(self.knots_s) * (self.rates[1:] + self.rates[:-1]) / 2)])
        reached = 0.0
        while reached < expected[-1]:
            # Always pieces of one size: where a sum is cut decides its last digit.
            steps = np.cumsum(rng.standard_exponential(PIECE)) + reached
            reached = steps[-1]
            times = self._times(steps[: np.searchsorted(steps, expected[-1])], expected)
            if times.size:
                yield times

    def _times(self, steps: np.ndarray, expected: np.ndarray) -> np.ndarray:
        """Return when the expected number of requests reaches each step."""
        if self.knots_s.size == 2 and self.rates[0] == self.rates[1]:
            return np.minimum(steps / self.rates[0], np.nextafter(self.duration_s, 0))
        part = np.searchsorted(expected, steps, side="right") - 1
        start, rate = self.knots_s[part], self.rates[part]
        length, rest = self.knots_s[part + 1] - start, steps - expected[part]
        slope = (self.rates[part + 1] - rate) / length
        # rate * x + slope / 2 * x^2 = rest, in the form that stays exact for a slope of zero
        x = 2 * rest / (rate + np.sqrt(np.maximum(rate**2 + 2 * slope * rest, 0)))
        return np.minimum(start + np.minimum(x, length), np.nextafter(self.duration_s, 0))

    def _scaled(self, factor: float) -> Arrivals:
        return _Random(self.duration_s, self.knots_s, self.rates * factor, self.seed)


@dataclass(frozen=True, eq=False)
class _Even(Arrivals):
    rate_per_s: float

    def pieces(self) -> Iterator[np.ndarray]:
        count = int(np.ceil(round(self.rate_per_s * self.duration_s, 6)))
        for first in range(0, count, PIECE):
            yield np.arange(first, min(first + PIECE, count)) / self.rate_per_s

    def _scaled(self, factor: float) -> Arrivals:
        return _Even(self.duration_s, self.rate_per_s * factor)


@dataclass(frozen=True, eq=False)
class _Recorded(Arrivals):
    recorded_s: np.ndarray

    def pieces(self) -> Iterator[np.ndarray]:
        for first in range(0, self.recorded_s.size, PIECE):
            yield self.recorded_s[first : first + PIECE]


@dataclass(frozen=True, eq=False)
class _Overlay(Arrivals):
    one: Arrivals
    other: Arrivals

    def pieces(self) -> Iterator[np.ndarray]:
        streams = [self.one.pieces(), self.other.pieces()]
        pending = [np.empty(0), np.empty(0)]
        while True:
            for k in (0, 1):
                if streams[k] is not None and not pending[k].size:
                    pending[k] = next(streams[k], np.empty(0))
                    if not pending[k].size:
                        streams[k] = None
            open_ends = [pending[k][-1] for k in (0, 1) if streams[k] is not None]
            if not open_ends:
                return
            cuts = [np.searchsorted(p, min(open_ends), side="right") for p in pending]
            merged = np.concatenate([p[:cut] for p, cut in zip(pending, cuts, strict=True)])
            pending = [p[cut:] for p, cut in zip(pending, cuts, strict=True)]
            merged.sort(kind="stable")
            yield merged

    def _scaled(self, factor: float) -> Arrivals:
        return self.one * factor + self.other * factor


@dataclass(frozen=True, eq=False)
class _Resampled(Arrivals):
    """A recording with more or fewer requests: its count over time, drawn as a line from request to request."""

    source: Arrivals
    factor: float

    def pieces(self) -> Iterator[np.ndarray]:
        count, total = len(self.source), round(len(self.source) * self.factor)
        first = 0  # of the source's requests, the first of this piece
        streams = self.source.pieces() if total else iter(())
        piece = next(streams, None)
        while piece is not None:
            following = next(streams, None)
            end = following[0] if following is not None else max(self.duration_s, piece[-1])
            last = first + piece.size
            numbers = np.arange(np.ceil(first * total / count), np.ceil(last * total / count)) * count / total
            yield np.interp(numbers - first, np.arange(piece.size + 1), np.append(piece, end))
            piece, first = following, last

    def _scaled(self, factor: float) -> Arrivals:
        return self.source * (self.factor * factor)


def _random(knots_s: Any, rates: Any, seed: int) -> Arrivals:
    knots, rates = np.asarray(knots_s, dtype=float), np.asarray(rates, dtype=float)
    distinct = np.append(True, (np.diff(knots) > 0) | (np.diff(rates) != 0))
    return _Random(float(knots[-1]), knots[distinct], rates[distinct], seed)


def poisson(rate_per_s: float, duration_s: float, seed: int = 0) -> Arrivals:
    """Return requests that arrive independently of each other at a constant average rate.

    Examples
    --------
    >>> arrivals = poisson(rate_per_s=2, duration_s=10, seed=1)
    >>> len(arrivals), arrivals.times_s[:3].round(3).tolist()
    (20, [0.537, 0.691, 3.378])
    """
    rate = number("rate_per_s", rate_per_s)
    return _random([0, number("duration_s", duration_s, above=True)], [rate, rate], seed)


def constant(rate_per_s: float, duration_s: float) -> Arrivals:
    """Return requests at equal distances, the first at 0.

    Examples
    --------
    >>> constant(rate_per_s=2, duration_s=2).times_s.tolist()
    [0.0, 0.5, 1.0, 1.5]
    """
    return _Even(number("duration_s", duration_s, above=True), number("rate_per_s", rate_per_s, above=True))


def ramp(start_rate: float, end_rate: float, duration_s: float, seed: int = 0) -> Arrivals:
    """Return random requests whose rate, in requests a second, grows or falls evenly."""
    rates = [number("start_rate", start_rate), number("end_rate", end_rate)]
    return _random([0, number("duration_s", duration_s, above=True)], rates, seed)


def knots(times_s: Any, rates_per_s: Any, seed: int = 0) -> Arrivals:
    """Return random arrivals whose rate goes in straight lines from one knot to the next.

    Parameters
    ----------
    times_s : of the knots, from 0 on, ascending
    rates_per_s : the rate at each
    seed : the same one gives the same times

    Examples
    --------
    >>> len(knots([0, 10, 20], [0, 100, 100], seed=1))
    1496
    """
    return _random(number("times_s", times_s), number("rates_per_s", rates_per_s), seed)


def daily(curve: Iterable[float], days: float = 1, seed: int = 0) -> Arrivals:
    """Return random requests that follow a day's curve, day after day.

    Parameters
    ----------
    curve : requests a second in each part of the day, the first from midnight on: 24 values are hours
    days : how many days
    seed : of the random times

    Examples
    --------
    >>> daily([0] * 12 + [1] * 12, days=2).duration_s
    172800.0
    """
    rates = np.atleast_1d(number("curve", list(curve)))
    length = number("days", days, above=True) * DAY_S
    step = DAY_S / rates.size
    edges = np.append(np.arange(0, length - 1e-6, step), length)
    return _steps(edges, rates[np.arange(edges.size - 1) % rates.size], seed)


def bursts(
    base_rate: float, burst_rate: float, every_s: float, burst_s: float, duration_s: float, seed: int = 0
) -> Arrivals:
    """Return random requests at a base rate that jumps to ``burst_rate`` for ``burst_s`` at the end of each period.

    Rates in requests a second. Each period of ``every_s`` is quiet first and ends with its burst.
    """
    base, high = number("base_rate", base_rate), number("burst_rate", burst_rate)
    every, length = number("every_s", every_s, above=True), number("duration_s", duration_s, above=True)
    quiet = every - number("burst_s", burst_s, 0, every)
    starts = np.arange(0, length, every)
    edges = np.column_stack([starts, starts + quiet]).ravel()
    rates = np.tile([base, high], starts.size)
    inside = edges < length
    return _steps(np.append(edges[inside], length), rates[inside], seed)


def _steps(edges: np.ndarray, rates: np.ndarray, seed: int) -> Arrivals:
    """Return arrivals whose rate holds from edge to edge."""
    lasting = np.diff(edges) > 0
    knots = np.column_stack([edges[:-1], edges[1:]])[lasting].ravel()
    return _random(knots, np.repeat(rates[lasting], 2), seed)


def from_timestamps(times: Any, duration_s: float | None = None) -> Arrivals:
    """Return recorded requests.

    Parameters
    ----------
    times : seconds since the beginning of the period, in any order; or dates (``datetime64``, a pandas column), which
        count from the first
    duration_s : length of the period; until the last request if omitted

    Examples
    --------
    >>> from_timestamps([3, 0.5, 1]).times_s.tolist()
    [0.5, 1.0, 3.0]
    """
    values = np.asarray(times)
    if values.dtype == object and values.size:
        import pandas as pd  # dates with a time zone are no NumPy type

        values = pd.to_datetime(pd.Series(values), utc=True).dt.tz_localize(None).to_numpy()
    if np.issubdtype(values.dtype, np.datetime64) and values.size:
        values = (values - values.min()) / np.timedelta64(1, "s")
    ordered = np.sort(np.atleast_1d(number("times", values)).ravel())
    last = float(ordered[-1]) if ordered.size else 0.0
    return _Recorded(last if duration_s is None else number("duration_s", duration_s, last), ordered)
