"""One thread that waits for everything: sockets of the runtimes, their output, their end, and the passing of time.

A local cloud has many processes and no time to lose, hence no thread for each of them: whoever wants to hear from a
file descriptor registers a callback here. Callbacks run on this thread, one at a time, and must not wait.
"""

from __future__ import annotations

import contextlib
import logging
import selectors
import socket
import threading
import time
from collections import deque
from collections.abc import Callable
from typing import IO

log = logging.getLogger(__name__)

ASLEEP_S = 5.0  # a tick so late, without the process having computed meanwhile: it was stopped, not only kept waiting


class Loop:
    """A selector on a thread of its own.

    Parameters
    ----------
    tick : called about every ``tick_s`` seconds while :attr:`ticking` is true
    tick_s : seconds between two ticks
    """

    def __init__(self, tick: Callable[[], None] | None = None, tick_s: float = 0.02) -> None:
        self._selector = selectors.DefaultSelector()
        self._calls: deque[Callable[[], None]] = deque()
        self._tick, self._tick_s = tick, tick_s
        self.ticking = False
        self._naps: list[tuple[float, float]] = []
        self._beat_s, self._computed_s = time.monotonic(), time.process_time()
        self._running = True
        self._inner, self._outer = socket.socketpair()
        self._inner.setblocking(False)
        self._selector.register(self._inner, selectors.EVENT_READ, self._woken)
        self._thread = threading.Thread(target=self._run, name="local-cloud", daemon=True)
        self._thread.start()

    def add(self, file: int | socket.socket | IO[bytes], callback: Callable[[], None]) -> None:
        """Call ``callback`` whenever ``file`` can be read; from any thread."""
        # The selector's own registration is safe beside a waiting select, and saves waking the thread.
        self._selector.register(file, selectors.EVENT_READ, callback)

    def remove(self, file: int | socket.socket | IO[bytes]) -> None:
        """Forget a file; one that isn't there is no error."""
        with contextlib.suppress(KeyError, ValueError, OSError):
            while True:
                try:
                    self._selector.unregister(file)
                    return
                except RuntimeError:  # it was closed, is looked for among all others, and another thread adds one
                    continue

    def call(self, function: Callable[[], None]) -> None:
        """Run a function on the loop's thread, soon."""
        self._calls.append(function)
        self.wake()

    def wake(self) -> None:
        """Make the thread look again, at :attr:`ticking` for instance."""
        with contextlib.suppress(OSError):
            self._outer.send(b"x")

    def run_here(self, function: Callable[[], None], timeout_s: float = 5) -> None:
        """Run a function on the loop's thread and wait for its end."""
        if threading.current_thread() is self._thread or not self._thread.is_alive():
            function()
            return
        done = threading.Event()

        def both() -> None:
            try:
                function()
            finally:
                done.set()

        self.call(both)
        done.wait(timeout_s)

    def asleep_s(self, since_s: float) -> float:
        """Return how long this process was stopped since then: a laptop's lid was closed, a machine paused."""
        return sum(max(0.0, ended_s - max(began_s, since_s)) for began_s, ended_s in self._naps)

    def look(self) -> None:
        """Hear at once of what has happened, and whether the process was stopped; on the loop's thread."""
        self._beat(was_ticking=self.ticking)
        for key, _ in self._selector.select(0):
            self._guarded(key.data)

    def stop(self) -> None:
        """End the thread and close what the loop itself opened."""
        self._running = False
        self.wake()
        if threading.current_thread() is not self._thread:
            self._thread.join(5)
        self._selector.close()
        self._inner.close()
        self._outer.close()

    def abandon(self) -> None:
        """Close what a forked child has of it, where the thread doesn't run; what was registered stays so."""
        self._selector.close()
        self._inner.close()
        self._outer.close()

    def _woken(self) -> None:
        with contextlib.suppress(BlockingIOError):
            while self._inner.recv(4096):
                pass

    def _run(self) -> None:
        last = time.monotonic()
        while self._running:
            ticking = self.ticking
            ready = self._selector.select(self._tick_s if ticking else None)
            self._beat(was_ticking=ticking)
            for key, _ in ready:
                self._guarded(key.data)
            while self._calls:
                self._guarded(self._calls.popleft())
            if self.ticking and self._tick and time.monotonic() - last >= self._tick_s:
                last = time.monotonic()
                self._guarded(self._tick)

    def _beat(self, *, was_ticking: bool) -> None:
        """Count a silence as sleep: one much longer than a tick in which the process did not compute, either."""
        now_s, computed_s = time.monotonic(), time.process_time()
        silent_s = now_s - self._beat_s - (computed_s - self._computed_s)
        self._beat_s, self._computed_s = now_s, computed_s
        if was_ticking and silent_s > ASLEEP_S:
            self._naps.append((now_s - silent_s, now_s))

    @staticmethod
    def _guarded(callback: Callable[[], None]) -> None:
        try:
            callback()
        except Exception:  # one broken environment must not silence all others
            log.exception("a callback of the local cloud failed")
