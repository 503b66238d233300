"""What a handful of measurements says, and how sure one may be: medians, tails, intervals, ratios.

A machine that does other things measures with outliers, and only upwards, so the middle is a median and its interval
comes from the order of the samples: it assumes independent samples and no shape of their distribution, and no random
numbers are drawn, so the same samples always give the same interval. How often such an interval covers the truth is
known exactly and travels with it, because five samples cannot give 95% whatever one does.

Sources: W. J. Conover, Practical Nonparametric Statistics, 3rd edition (1999), section 3.2, for the interval;
R. J. Hyndman and Y. Fan, Sample Quantiles in Statistical Packages, The American Statistician 50 (1996), type 7, for
the quantile.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from helpers.checks import number


@dataclass(frozen=True)
class Interval:
    """A range for what was measured.

    Attributes
    ----------
    low, high : the ends, in the unit of the samples
    coverage : the probability with which a range made this way holds the true value
    """

    low: float
    high: float
    coverage: float

    def __contains__(self, value: float) -> bool:
        return self.low <= value <= self.high


@dataclass(frozen=True)
class Ratio:
    """How many times larger one thing's median is than another's, with the range that the samples allow."""

    value: float
    low: float
    high: float
    coverage: float

    @property
    def differs(self) -> bool:
        """Whether the range leaves out 1: the samples show a difference."""
        return not self.low <= 1 <= self.high


def _samples(name: str, samples: Any) -> np.ndarray:
    values = np.atleast_1d(number(name, samples)).ravel()
    if not values.size:
        raise ValueError(f"{name} must hold at least one number, got none")
    return values


def quantile(samples: Any, q: Any) -> Any:
    """Return the quantile of some samples, by linear interpolation between neighbours.

    Parameters
    ----------
    samples : numbers, 0 or more, in any order
    q : share of the samples that lie below, 0 to 1; a number or an array

    Examples
    --------
    >>> quantile([10, 20, 30, 40, 50], 0.5), quantile([10, 20, 30, 40, 50], 0.95)
    (30.0, 48.0)
    """
    found = np.quantile(_samples("samples", samples), number("q", q, 0, 1))
    return float(found) if np.ndim(found) == 0 else found


def median(samples: Any) -> float:
    """Return the middle of some samples.

    Examples
    --------
    >>> median([3, 1, 100])
    3.0
    """
    return quantile(samples, 0.5)


def interval(samples: Any, q: float = 0.5, *, level: float = 0.95) -> Interval:
    """Return a range for a quantile of what the samples were drawn from: from one sample in order to another.

    Parameters
    ----------
    samples : independent measurements
    q : the quantile, above 0 and below 1; the median if omitted
    level : the coverage wanted. With too few samples for it, the range is as wide as the samples allow, and its
        ``coverage`` says how little that is

    Examples
    --------
    >>> interval(range(1, 21))
    Interval(low=6.0, high=15.0, coverage=0.958610535)
    >>> interval([31, 28, 35, 30, 90])
    Interval(low=28.0, high=90.0, coverage=0.9375)
    """
    values = np.sort(_samples("samples", samples))
    q = number("q", q, 0, 1, above=True)
    tail = (1 - number("level", level, 0, 1)) / 2
    if q == 1:
        raise ValueError("q must be below 1: nothing bounds the largest value, got 1")
    n = values.size
    below = _binomial_cdf(n, q)  # below[k]: probability that at most k samples lie under the quantile
    first = max(int(np.searchsorted(below, tail, side="right")), 1)
    last = min(int(np.searchsorted(below, 1 - tail, side="left")) + 1, n)
    return Interval(
        float(values[first - 1]), float(values[last - 1]), round(float(below[last - 1] - below[first - 1]), 9)
    )


def _binomial_cdf(n: int, q: float) -> np.ndarray:
    logs = np.concatenate(([0.0], np.cumsum(np.log(np.arange(1, n + 1)))))
    k = np.arange(n + 1)
    mass = np.exp(logs[n] - logs - logs[::-1] + k * math.log(q) + (n - k) * math.log1p(-q))
    return np.minimum(np.cumsum(mass), 1.0)


def compare(samples: Any, with_samples: Any, *, level: float = 0.95) -> Ratio:
    """Return how many times larger the median of some samples is than that of others.

    The range divides the ends of both medians' intervals, each made at the square root of the level: two independent
    ranges that each hold their median make one that holds the ratio. It is wider than a bootstrap's, and never
    promises more than the samples carry.

    Parameters
    ----------
    samples, with_samples : independent measurements of two things; the second must be above 0
    level : the coverage wanted

    Examples
    --------
    >>> slow, fast = [200, 210, 190, 220, 205, 215, 195, 400], [100, 104, 96, 99, 101, 103, 98, 97]
    >>> found = compare(slow, fast)
    >>> f"{found.value:.2f}, from {found.low:.2f} to {found.high:.2f}", found.differs
    ('2.09, from 1.83 to 4.17', True)
    """
    level = math.sqrt(number("level", level, 0, 1))
    upper, lower = _samples("samples", samples), _samples("with_samples", with_samples)
    if lower.min() <= 0:
        raise ValueError(f"with_samples must be more than 0, got {lower.min():g}")
    one, other = interval(upper, level=level), interval(lower, level=level)
    coverage = round(one.coverage * other.coverage, 9)
    return Ratio(median(upper) / median(lower), one.low / other.high, one.high / other.low, coverage)


def summarise(frame: pd.DataFrame, by: str | list[str], value: str = "ms", *, level: float = 0.95) -> pd.DataFrame:
    """Return one row per group of measurements: how many, the median with its interval, the tails, the extremes.

    Parameters
    ----------
    frame : one row per measurement
    by : the column or columns that name the groups, which stay in their order of appearance
    value : the column that was measured
    level : coverage wanted of the median's interval

    Returns
    -------
    pandas.DataFrame
        The columns of ``by``, then ``n, median, low, high, coverage, p95, p99, mean, least, most``.

    Examples
    --------
    >>> runs = pd.DataFrame({"variant": ["bare"] * 3 + ["pandas"] * 3, "ms": [60, 61, 70, 400, 410, 395]})
    >>> summarise(runs, "variant")[["variant", "n", "median", "least", "most"]].to_dict("list")
    {'variant': ['bare', 'pandas'], 'n': [3, 3], 'median': [61.0, 400.0], 'least': [60.0, 395.0], 'most': [70.0, 410.0]}
    """
    by = [by] if isinstance(by, str) else list(by)
    missing = [name for name in [*by, value] if name not in frame.columns]
    if missing:
        raise ValueError(f"frame must have the columns {', '.join([*by, value])}, got no {', '.join(missing)}")
    rows = []
    for key, part in frame.groupby(by, sort=False):
        values = _samples(value, part[value].to_numpy())
        middle = interval(values, level=level)
        p50, p95, p99 = quantile(values, [0.5, 0.95, 0.99])
        row = (p50, middle.low, middle.high, middle.coverage, p95, p99, values.mean(), values.min(), values.max())
        rows.append((*key, values.size, *(float(each) for each in row)))
    names = ["n", "median", "low", "high", "coverage", "p95", "p99", "mean", "least", "most"]
    return pd.DataFrame(rows, columns=[*by, *names])
