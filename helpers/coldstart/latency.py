"""What callers see: a few cold requests among many warm ones, and the percentiles of the two together.

A warm request takes the handler's time, a cold one takes that and something extra. Each of the two is a distribution:
measured samples, or a log-normal curve through a median and a 99th percentile, a declared model. The percentiles of
the mixture are solved for, not drawn at random: half the nines of a p99 would be noise otherwise.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from statistics import NormalDist
from typing import Any, Protocol

import numpy as np

from helpers.checks import number

_NORMAL = NormalDist()
_Z99 = _NORMAL.inv_cdf(0.99)
_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(64)
_PROBABILITIES = (_NODES + 1) / 2
_NORMAL_NODES = np.array([_NORMAL.inv_cdf(p) for p in _PROBABILITIES])
# The normal distribution from a table: within two ten-millionths, and fifty times faster than function by function.
_Z = np.linspace(-8.5, 8.5, 8001)
_PHI = np.array([_NORMAL.cdf(z) for z in _Z])
_HALVINGS = 40  # of a bracket of seconds: to a billionth of a millisecond


class Distribution(Protocol):
    """A duration that varies from request to request."""

    mean: float

    def cdf(self, ms: np.ndarray) -> np.ndarray:
        """Return the share of durations up to each of some values."""

    def parts(self) -> tuple[np.ndarray, np.ndarray]:
        """Return values and weights that stand for the distribution in a sum."""


@dataclass(frozen=True)
class LogNormal:
    """Durations whose logarithm is normal, through a median and a 99th percentile: a model, common for latencies.

    Attributes
    ----------
    median_ms, p99_ms : 0 or more; equal ones make a constant

    Examples
    --------
    >>> curve = LogNormal(100, 250)
    >>> [round(float(share), 3) for share in curve.cdf([100, 250])]
    [0.5, 0.99]
    """

    median_ms: float
    p99_ms: float

    def __post_init__(self) -> None:
        number("median_ms", self.median_ms)
        number("p99_ms", self.p99_ms)
        if self.p99_ms < self.median_ms:
            raise ValueError(f"p99_ms must be {self.median_ms:g} or more, as the median is, got {self.p99_ms:g}")
        if self.median_ms == 0 < self.p99_ms:
            raise ValueError("median_ms must be more than 0 where p99_ms is, got 0")

    @property
    def sigma(self) -> float:
        """Standard deviation of the logarithm."""
        return math.log(self.p99_ms / self.median_ms) / _Z99 if self.p99_ms > self.median_ms else 0.0

    @property
    def mean(self) -> float:
        """Mean in ms."""
        return self.median_ms * math.exp(self.sigma**2 / 2)

    def cdf(self, ms: Any) -> np.ndarray:
        """Return the share of durations up to each of some values."""
        ms = np.asarray(ms, dtype=float)
        if not self.sigma:
            return (ms >= self.median_ms).astype(float)
        with np.errstate(divide="ignore"):
            z = np.log(np.maximum(ms, 0.0) / self.median_ms) / self.sigma
        return np.interp(z, _Z, _PHI, left=0.0, right=1.0)

    def quantile(self, q: np.ndarray) -> np.ndarray:
        """Return the durations below which some shares lie."""
        return np.array([self.median_ms * math.exp(self.sigma * _NORMAL.inv_cdf(p)) if p else 0.0 for p in q])

    def parts(self) -> tuple[np.ndarray, np.ndarray]:
        """Return 64 points of the curve with their weights (Gauss-Legendre over the probability)."""
        if not self.sigma:
            return np.array([self.median_ms]), np.ones(1)
        return self.median_ms * np.exp(self.sigma * _NORMAL_NODES), _WEIGHTS / 2


@dataclass(frozen=True)
class Samples:
    """Durations as they were measured.

    Examples
    --------
    >>> float(Samples([10, 20, 30, 40]).cdf(25))
    0.5
    """

    values_ms: Any
    _sorted: np.ndarray = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        values = np.sort(np.atleast_1d(number("values_ms", self.values_ms)).ravel())
        if not values.size:
            raise ValueError("values_ms must hold at least one number, got none")
        object.__setattr__(self, "_sorted", values)

    @property
    def mean(self) -> float:
        """Mean in ms."""
        return float(self._sorted.mean())

    def cdf(self, ms: Any) -> np.ndarray:
        """Return the share of samples up to each of some values."""
        return np.searchsorted(self._sorted, ms, side="right") / self._sorted.size

    def parts(self) -> tuple[np.ndarray, np.ndarray]:
        """Return the samples, with equal weights."""
        return self._sorted, np.full(self._sorted.size, 1 / self._sorted.size)


def _distribution(name: str, value: Any) -> Distribution:
    if isinstance(value, LogNormal | Samples):
        return value
    try:
        return Samples(value)
    except ValueError:
        raise ValueError(f"{name} must be a LogNormal, or samples of 0 ms or more, got {value!r}") from None


@dataclass(frozen=True)
class Latency:
    """What callers see when a share of the requests starts cold.

    Attributes
    ----------
    warm : duration of a warm request: a :class:`LogNormal`, :class:`Samples`, or numbers in ms
    extra : what a cold start adds to it, likewise; independent of it
    cold_share : share of the requests that start cold, 0 to 1

    Examples
    --------
    One request in fifty waits for 800 ms more: the mean rises by 16 ms, the p99 by the whole 800.

    >>> seen = Latency(warm=100, extra=800, cold_share=0.02)
    >>> round(seen.mean_ms), [round(ms) for ms in seen.quantile([0.5, 0.95, 0.99])]
    (116, [100, 100, 900])
    >>> round(seen.share_over(500), 6)
    0.02
    """

    warm: Any
    extra: Any = 0.0
    cold_share: float = 0.0
    _sum: tuple[Distribution, np.ndarray, np.ndarray] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        warm, extra = _distribution("warm", self.warm), _distribution("extra", self.extra)
        object.__setattr__(self, "warm", warm)
        object.__setattr__(self, "extra", extra)
        object.__setattr__(self, "cold_share", number("cold_share", self.cold_share, 0, 1))
        # In the sum, the one that varies more keeps its curve; the other is taken at its points.
        smooth, coarse = (warm, extra) if _width(warm) >= _width(extra) else (extra, warm)
        object.__setattr__(self, "_sum", (smooth, *coarse.parts()))

    @property
    def mean_ms(self) -> float:
        """The average, which hides what few callers see."""
        return self.warm.mean + self.cold_share * self.extra.mean

    def cdf(self, ms: Any) -> Any:
        """Return the share of requests that are answered within some time; a number or an array."""
        ms = np.asarray(ms, dtype=float)
        share = (1 - self.cold_share) * self.warm.cdf(ms)
        if self.cold_share:
            share = share + self.cold_share * self._cold_cdf(ms)
        return float(share) if share.ndim == 0 else share

    def share_over(self, objective_ms: Any) -> Any:
        """Return the share of requests that take longer than an objective."""
        return 1 - self.cdf(number("objective_ms", objective_ms))

    def quantile(self, q: Any) -> Any:
        """Return the time within which a share of the requests is answered.

        Parameters
        ----------
        q : the share, 0 or more and below 1; a number or an array
        """
        shares = np.atleast_1d(number("q", q, 0, 1))
        if (shares == 1).any():
            raise ValueError("q must be below 1, got 1")
        if not self.cold_share and isinstance(self.warm, LogNormal):
            found = self.warm.quantile(shares)
            return float(found[0]) if np.ndim(q) == 0 else found
        low, high = np.zeros_like(shares), np.full_like(shares, self._top(float(shares.max())))
        for _ in range(_HALVINGS):
            middle = (low + high) / 2
            reached = self.cdf(middle) >= shares
            low, high = np.where(reached, low, middle), np.where(reached, middle, high)
        return float(high[0]) if np.ndim(q) == 0 else high

    def _cold_cdf(self, ms: np.ndarray) -> np.ndarray:
        smooth, values, weights = self._sum
        return smooth.cdf(ms[..., None] - values) @ weights

    def _top(self, q: float) -> float:
        top = max(self.warm.mean + self.extra.mean, 1e-9)
        while self.cdf(top) < q:
            top *= 2
        return top


def _width(distribution: Distribution) -> float:
    values, weights = distribution.parts()
    return float(np.sqrt(max(weights @ values**2 - (weights @ values) ** 2, 0.0)))
