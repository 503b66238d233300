"""How long work takes, request by request: distributions that are drawn from in order.

A sampler draws the same numbers whether they are asked for in one piece or in many, so a simulation may stream.
Times from a measurement, for instance ``cloud.invocations().duration_ms``, go in as :func:`empirical`, or as a plain
array when each request has its own.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import NormalDist
from typing import Any

import numpy as np

from helpers.checks import number


class Sampler:
    """A distribution of times in ms. Made by the functions of this module."""

    mean_ms: float

    def draw(self, rng: np.random.Generator, count: int) -> np.ndarray:
        """Return the next ``count`` times in ms."""
        raise NotImplementedError


@dataclass(frozen=True)
class _Constant(Sampler):
    mean_ms: float

    def draw(self, rng: np.random.Generator, count: int) -> np.ndarray:
        return np.full(count, self.mean_ms)


@dataclass(frozen=True)
class _Exponential(Sampler):
    mean_ms: float

    def draw(self, rng: np.random.Generator, count: int) -> np.ndarray:
        return rng.standard_exponential(count) * self.mean_ms


@dataclass(frozen=True)
class _Lognormal(Sampler):
    median_ms: float
    sigma: float

    @property
    def mean_ms(self) -> float:
        return self.median_ms * math.exp(self.sigma**2 / 2)

    def draw(self, rng: np.random.Generator, count: int) -> np.ndarray:
        return np.exp(rng.standard_normal(count) * self.sigma) * self.median_ms


@dataclass(frozen=True, eq=False)
class _Empirical(Sampler):
    samples: np.ndarray

    @property
    def mean_ms(self) -> float:
        return float(self.samples.mean())

    def draw(self, rng: np.random.Generator, count: int) -> np.ndarray:
        return self.samples[(rng.random(count) * self.samples.size).astype(np.int64)]


def constant(ms: float) -> Sampler:
    """Return a sampler that always gives the same time."""
    return _Constant(number("ms", ms))


def exponential(mean_ms: float) -> Sampler:
    """Return exponentially distributed times: most are short, and there is no typical one.

    Examples
    --------
    >>> exponential(200).draw(np.random.default_rng(1), 3).round(1).tolist()
    [214.6, 61.7, 1075.1]
    """
    return _Exponential(number("mean_ms", mean_ms))


def lognormal(
    median_ms: float | None = None,
    *,
    mean_ms: float | None = None,
    sigma: float | None = None,
    p95_ms: float | None = None,
    p99_ms: float | None = None,
) -> Sampler:
    """Return lognormally distributed times, as measured latencies often are: a hump and a long tail.

    Parameters
    ----------
    median_ms, mean_ms : where it lies; one of the two
    sigma, p95_ms, p99_ms : how wide it is, as standard deviation of the logarithm or as a high percentile; one of the
        three. The percentiles go with ``median_ms``.

    Examples
    --------
    >>> round(lognormal(median_ms=100, p95_ms=250).mean_ms, 1)
    116.8
    """
    if (median_ms is None) == (mean_ms is None):
        raise ValueError("lognormal needs median_ms or mean_ms, and not both")
    widths = {"sigma": sigma, "p95_ms": p95_ms, "p99_ms": p99_ms}
    given = [name for name, value in widths.items() if value is not None]
    if len(given) != 1 or (mean_ms is not None and given != ["sigma"]):
        wanted = "one of sigma, p95_ms, p99_ms with median_ms, or sigma with mean_ms"
        raise ValueError(f"lognormal needs {wanted}, got {', '.join(given) or 'none'}")
    if mean_ms is not None:
        sigma = number("sigma", sigma, 0, 10)
        return _Lognormal(number("mean_ms", mean_ms, above=True) / math.exp(sigma**2 / 2), sigma)
    median = number("median_ms", median_ms, above=True)
    if sigma is None:
        name, share = given[0], {"p95_ms": 0.95, "p99_ms": 0.99}[given[0]]
        sigma = math.log(number(name, widths[name], median) / median) / NormalDist().inv_cdf(share)
    return _Lognormal(median, number("sigma", sigma, 0, 10))


def empirical(samples: Any) -> Sampler:
    """Return a sampler that draws from measured times in ms, each as likely as the others.

    Examples
    --------
    >>> empirical([80, 90, 400]).mean_ms
    190.0
    """
    values = np.atleast_1d(number("samples", samples)).ravel()
    if not values.size:
        raise ValueError("samples must hold at least one time in ms, got none")
    return _Empirical(values)


def sampler_of(name: str, value: Any) -> Sampler | np.ndarray:
    """Return what a caller gave as times: a number as a sampler, a sampler as it is, an array as an array."""
    if isinstance(value, Sampler):
        return value
    checked = number(name, value)
    return _Constant(checked) if isinstance(checked, float) else checked
