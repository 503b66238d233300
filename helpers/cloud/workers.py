"""Threads that do what nobody waits for.

Not :class:`concurrent.futures.ThreadPoolExecutor`: Python waits for its threads before anything else happens at exit,
and a kernel would hang there as long as a function that was invoked asynchronously takes, instead of ending it.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable

IDLE_S = 10.0  # how long a thread without work stays


class Workers:
    """Runs what it is given on threads: as many as there is work, up to a number, the rest in order.

    Parameters
    ----------
    name : of the threads
    threads : at most so many
    """

    def __init__(self, name: str, threads: int) -> None:
        self._name, self._max = name, threads
        self._changed = threading.Condition()
        self._work: deque[Callable[[], object]] = deque()
        self._threads: set[threading.Thread] = set()
        self._idle = 0
        self._stopping = False

    def submit(self, work: Callable[[], object]) -> None:
        """Have something run soon; it must not raise. After :meth:`stop` nothing happens."""
        with self._changed:
            if self._stopping:
                return
            self._work.append(work)
            if len(self._work) > self._idle and len(self._threads) < self._max:
                thread = threading.Thread(target=self._run, name=self._name, daemon=True)
                self._threads.add(thread)
                thread.start()
            self._changed.notify()

    def stop(self, timeout_s: float) -> None:
        """Drop what has not begun, and wait for what has."""
        with self._changed:
            self._stopping = True
            self._work.clear()
            self._changed.notify_all()
            left = self._threads - {threading.current_thread()}
        until = time.monotonic() + timeout_s
        for thread in left:
            thread.join(max(0.0, until - time.monotonic()))

    def _run(self) -> None:
        while True:
            with self._changed:
                self._idle += 1
                due = self._changed.wait_for(lambda: self._work or self._stopping, IDLE_S)
                self._idle -= 1
                if not due or not self._work:
                    self._threads.discard(threading.current_thread())
                    return
                work = self._work.popleft()
            work()
