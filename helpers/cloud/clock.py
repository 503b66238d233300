"""A cloud's own clock: it goes with the machine's, and can be put forward.

What happens at a time (schedules, rules, what becomes visible in a queue) asks this clock: a lesson sees a month
pass in seconds.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime

from helpers.checks import number

ADVANCE_MAX_S = 366 * 86_400


class Clock:
    """The time in a cloud."""

    def __init__(self) -> None:
        self._ahead_s = 0.0
        self._listeners: list[Callable[[], None]] = []

    def time_s(self) -> float:
        """Return the seconds since 1970."""
        return time.time() + self._ahead_s

    def now(self) -> datetime:
        """Return the moment, in UTC."""
        return datetime.fromtimestamp(self.time_s(), UTC)

    def when_advanced(self, listener: Callable[[], None]) -> None:
        """Call a listener each time that the clock was put forward."""
        self._listeners.append(listener)

    def advance(self, *, days: float = 0, hours: float = 0, minutes: float = 0, seconds: float = 0) -> datetime:
        """Put the clock forward; return what it shows then.

        Raises
        ------
        ValueError
            when the sum is negative or more than 366 days
        """
        ahead_s = days * 86_400 + hours * 3_600 + minutes * 60 + seconds
        number("the time to advance by, in seconds,", ahead_s, 0, ADVANCE_MAX_S)
        self._ahead_s += ahead_s
        for listener in self._listeners:
            listener()
        return self.now()
