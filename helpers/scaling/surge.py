"""A surge: quiet traffic that rises to a peak and stays there, as single requests and as a rate over time.

The simulator takes its requests, :mod:`helpers.scaling.group` its rates, so that functions and a fleet meet the same
crowd.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from helpers.checks import number
from helpers.scaling.arrivals import Arrivals, _random


@dataclass(frozen=True, kw_only=True)
class Surge:
    """Traffic that is quiet, rises evenly to its peak, and holds it.

    Attributes
    ----------
    base_rate, peak_rate : requests a second before and after
    quiet_s, rise_s, hold_s : how long it is quiet, rises, and holds; a rise of 0 is a jump

    Examples
    --------
    >>> surge = Surge(base_rate=1, peak_rate=100, quiet_s=10, rise_s=20, hold_s=30)
    >>> surge.duration_s, surge.rates(step_s=10).tolist()
    (60.0, [1.0, 25.75, 75.25, 100.0, 100.0, 100.0])
    """

    base_rate: float = 1
    peak_rate: float = 10_000
    quiet_s: float = 10
    rise_s: float = 0
    hold_s: float = 50

    def __post_init__(self) -> None:
        number("base_rate", self.base_rate)
        number("peak_rate", self.peak_rate)
        number("quiet_s", self.quiet_s, above=True)
        number("rise_s", self.rise_s)
        number("hold_s", self.hold_s, above=True)

    @property
    def duration_s(self) -> float:
        """Length of the period."""
        return float(self.quiet_s + self.rise_s + self.hold_s)

    def arrivals(self, seed: int = 1) -> Arrivals:
        """Return the requests, at random moments."""
        starts = np.cumsum([0.0, self.quiet_s, self.rise_s, self.hold_s])
        return _random(starts, [self.base_rate, self.base_rate, self.peak_rate, self.peak_rate], seed)

    def rates(self, step_s: float = 1) -> np.ndarray:
        """Return the average rate expected in the middle of each step."""
        middles = np.arange(0, self.duration_s, number("step_s", step_s, above=True)) + step_s / 2
        risen = (middles >= self.quiet_s).astype(float) if not self.rise_s else (middles - self.quiet_s) / self.rise_s
        return self.base_rate + (self.peak_rate - self.base_rate) * np.clip(risen, 0, 1)
