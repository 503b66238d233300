"""Three evenings on which requests were throttled, each for another reason: data for practising to tell them apart.

Made up and simulated; the same on every call. What the platform was set to is in each incident's fields, what it
showed in its result.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from helpers.checks import choice
from helpers.scaling.engine import simulate
from helpers.scaling.platform import Platform
from helpers.scaling.result import Result
from helpers.scaling.surge import Surge

INIT_MS = 300.0


@dataclass(frozen=True)
class Incident:
    """One evening: the crowd, how long a request takes, and the platform's settings."""

    surge: Surge
    duration_ms: float
    platform: Platform

    @cached_property
    def result(self) -> Result:
        """What happened."""
        return simulate(
            self.surge.arrivals(seed=7), duration_ms=self.duration_ms, init_ms=INIT_MS, platform=self.platform
        )

    @property
    def cause(self) -> str:
        """Why most of those who were refused were refused: concurrency, scaling or rate."""
        return max(self.result.throttled_by, key=self.result.throttled_by.__getitem__)


_CROWD = Surge(base_rate=400, peak_rate=6_000, quiet_s=10, rise_s=5, hold_s=60)
EVENINGS = {
    "Tuesday": Incident(_CROWD, 800.0, Platform(concurrency=6_000)),
    "Wednesday": Incident(_CROWD, 100.0, Platform(concurrency=1_000, reserved=300)),
    "Thursday": Incident(_CROWD, 20.0, Platform(concurrency=500)),
}


def incident(evening: str) -> Incident:
    """Return one of ``EVENINGS``.

    Examples
    --------
    >>> incident("Wednesday").platform.reserved
    300
    """
    return EVENINGS[choice("evening", evening, EVENINGS)]
