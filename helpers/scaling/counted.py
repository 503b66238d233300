"""Arrivals from counts: what a log or a metric says about seconds, minutes or hours, without a time for each request.

Within a step nothing is known, so the requests of a step are placed at random moments of it, independently of each
other: as Poisson traffic would lie if it were known to bring so many. Real requests may come closer together (a page
that loads ten pictures) or farther apart (a caller that waits for its answer).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from helpers.checks import number
from helpers.scaling.arrivals import PIECE, Arrivals


@dataclass(frozen=True, eq=False)
class _Counted(Arrivals):
    counts: np.ndarray
    step_s: float
    seed: int

    def pieces(self) -> Iterator[np.ndarray]:
        rng = np.random.default_rng(self.seed)
        totals = np.cumsum(self.counts)
        first = 0
        while first < self.counts.size:
            done = totals[first - 1] if first else 0
            # As many whole steps as a piece holds, one at least.
            end = max(int(np.searchsorted(totals, done + PIECE, side="right")), first + 1)
            steps = np.repeat(np.arange(first, end, dtype=float), self.counts[first:end])
            times = (steps + rng.random(steps.size)) * self.step_s
            times.sort()
            for start in range(0, times.size, PIECE):
                yield np.minimum(times[start : start + PIECE], np.nextafter(self.duration_s, 0))
            first = end

    def _scaled(self, factor: float) -> Arrivals:
        whole, part = divmod(factor, 1)
        rng = np.random.default_rng([self.seed, 1])
        counts = self.counts * int(whole) + rng.binomial(self.counts, part)
        return _Counted(self.duration_s, counts, self.step_s, self.seed)


def from_counts(counts: Any, step_s: float = 1, seed: int = 0) -> Arrivals:
    """Return arrivals with a known number of requests in each step, at random moments within it.

    Times a factor, each step's count is multiplied; of a fraction, every request is kept with that probability.

    Parameters
    ----------
    counts : requests in each step, whole numbers
    step_s : length of a step in s
    seed : of the random moments

    Examples
    --------
    >>> arrivals = from_counts([2, 0, 1], step_s=60)
    >>> (arrivals.times_s // 60).tolist(), arrivals.duration_s, len(arrivals * 10)
    ([0.0, 0.0, 2.0], 180.0, 30)
    """
    checked = np.atleast_1d(number("counts", counts)).ravel()
    if not checked.size or (checked % 1).any():
        raise ValueError("counts must be whole numbers, at least one")
    step = number("step_s", step_s, above=True)
    return _Counted(float(checked.size * step), checked.astype(np.int64), step, seed)
