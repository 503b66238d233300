"""Durations as a sketch: counts in classes that grow by one percent, so that a billion of them need 20 KB.

A percentile read from it is off by half a percent at most, the mean is exact. Two sketches add up, so a log can be
read in pieces.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from helpers.checks import number

RATIO = 1.01
LOWEST_MS = 0.01
CLASSES = 2600  # up to 0.01 ms × 1.01^2600: some 20 days
_LOG = math.log(RATIO)


@dataclass(frozen=True, eq=False)
class Sketch:
    """Many durations, by class.

    Attributes
    ----------
    counts : how many durations fell into each class
    total_ms : the sum of all, from which the mean comes
    most_ms : the longest

    Examples
    --------
    >>> sketch = Sketch.of([10, 20, 30, 1000])
    >>> sketch.count, sketch.mean_ms, round(sketch.quantile(0.5)), sketch.most_ms
    (4, 265.0, 20, 1000.0)
    """

    counts: np.ndarray
    total_ms: float
    most_ms: float

    @classmethod
    def of(cls, values_ms: Any) -> Sketch:
        """Return the sketch of some durations; negative ones and what is no number are left out."""
        values = np.asarray(values_ms, dtype=float).ravel()
        values = values[np.isfinite(values) & (values >= 0)]
        places = np.log(np.maximum(values, LOWEST_MS) / LOWEST_MS) / _LOG
        places = np.minimum(np.round(places), CLASSES - 1).astype(np.int64)
        counts = np.bincount(places, minlength=CLASSES)
        return cls(counts, float(values.sum()), float(values.max()) if values.size else 0.0)

    def __add__(self, other: Sketch) -> Sketch:
        return Sketch(self.counts + other.counts, self.total_ms + other.total_ms, max(self.most_ms, other.most_ms))

    @property
    def count(self) -> int:
        """How many durations it holds."""
        return int(self.counts.sum())

    @property
    def mean_ms(self) -> float:
        """Mean in ms; not a number where there are none."""
        return self.total_ms / self.count if self.count else math.nan

    def quantile(self, q: float) -> float:
        """Return the duration in ms below which the share ``q`` lies, within half a percent."""
        q = number("q", q, 0, 1)
        if not self.count:
            return math.nan
        place = int(np.searchsorted(np.cumsum(self.counts), max(q * self.count - 1e-9, 0.5)))
        return min(LOWEST_MS * RATIO**place, self.most_ms)

    def points(self, size: int = 1000) -> np.ndarray:
        """Return so many durations in ms that stand for all: the middles of equal shares."""
        shares = (np.arange(size) + 0.5) / size * self.count
        places = np.searchsorted(np.cumsum(self.counts), shares)
        return np.minimum(LOWEST_MS * RATIO**places, self.most_ms)
