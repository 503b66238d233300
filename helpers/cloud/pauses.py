"""Waiting for a time to pass in the cloud: faster than on AWS, and not at all when the clock is put forward.

A workflow that waits an hour between two steps does nothing in that hour. Here it passes some seconds, or none at all
after ``cloud.clock.advance(hours=1)``. Whoever pauses sleeps until something changes: no CPU is used meanwhile.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from helpers.cloud.clock import Clock


class Pauses:
    """The pauses of one cloud.

    Parameters
    ----------
    clock : the cloud's
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._moved = threading.Condition()
        self._closed = False
        clock.when_advanced(self.poke)

    def wait(self, seconds: float, goes_on: Callable[[], bool] = lambda: True, *, speed: float = 1.0) -> bool:
        """Return when the time has passed (then True), or when there is no reason to wait any more.

        Parameters
        ----------
        seconds : of the cloud's time
        goes_on : whether there is a reason; asked again at each :meth:`poke`
        speed : how many of these seconds pass in one of ours
        """
        clock_s, here_s = self._clock.time_s(), time.monotonic()
        with self._moved:
            while goes_on() and not self._closed:
                passed_s = self._clock.time_s() - clock_s + (speed - 1) * (time.monotonic() - here_s)
                if passed_s >= seconds:
                    return True
                self._moved.wait(min((seconds - passed_s) / speed, threading.TIMEOUT_MAX))
        return False

    def poke(self) -> None:
        """Have everybody who pauses look again at the clock and at the reason."""
        with self._moved:
            self._moved.notify_all()

    def close(self) -> None:
        """End all pauses, and those that somebody begins later."""
        with self._moved:
            self._closed = True
            self._moved.notify_all()
