"""Things to do later: one thread that sleeps until the next of them is due."""

from __future__ import annotations

import heapq
import itertools
import logging
import threading
import time
from collections.abc import Callable

log = logging.getLogger(__name__)


class Timer:
    """Runs functions after a delay, on a thread of its own; they must be short."""

    def __init__(self) -> None:
        self._due: list[tuple[float, int, Callable[[], None]]] = []
        self._number = itertools.count()
        self._changed = threading.Condition()
        self._running = True
        self._thread = threading.Thread(target=self._run, name="local-cloud-timer", daemon=True)
        self._thread.start()

    def after(self, delay_s: float, function: Callable[[], None]) -> None:
        """Run a function once, ``delay_s`` seconds from now."""
        with self._changed:
            heapq.heappush(self._due, (time.monotonic() + delay_s, next(self._number), function))
            self._changed.notify()

    def every(self, interval_s: float, function: Callable[[], object]) -> None:
        """Run a function again and again."""

        def again() -> None:
            try:
                function()
            finally:
                self.after(interval_s, again)

        self.after(interval_s, again)

    def stop(self) -> None:
        """End the thread; what was still due is dropped."""
        with self._changed:
            self._running = False
            self._changed.notify()
        self._thread.join(5)

    def _run(self) -> None:
        while True:
            with self._changed:
                while self._running and (not self._due or self._due[0][0] > time.monotonic()):
                    self._changed.wait(self._due[0][0] - time.monotonic() if self._due else None)
                if not self._running:
                    return
                _, _, function = heapq.heappop(self._due)
            try:
                function()
            except Exception:
                log.exception("something that was due in the local cloud failed")
