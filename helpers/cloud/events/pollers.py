"""What polls queues and streams for functions: woken by what happens, asleep otherwise, and told of by ``settle()``.

On AWS, event-source mappings poll all the time. Here a queue or a stream calls :meth:`Pollers.wake` when something was
put into it, a timer does when something becomes due, and the cloud's clock when it was put forward. Then the poller
(:mod:`~helpers.cloud.events.queue_poller`, :mod:`~helpers.cloud.events.stream_poller`) looks once, on one of the
session's workers, and hands batches to others of them: an idle mapping has no thread. Where AWS would only wait, time
passes :data:`~helpers.cloud.events.asynchronous.SPEED` times as fast; while code runs, it doesn't.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, ClassVar

from helpers.cloud.calls import Answer
from helpers.cloud.clock import Clock
from helpers.cloud.events.asynchronous import SPEED
from helpers.cloud.events.mappings import Settings
from helpers.cloud.flows import Flows
from helpers.cloud.quiet import Quiet
from helpers.cloud.timer import Timer

PAYLOAD_MAX_BYTES = 6 * 1024 * 1024
BACKOFF_S, BACKOFF_MAX_S = 1.0, 60.0  # ours: AWS says that it backs off, not how
BATCHES_MAX = max(10, 4 * (os.cpu_count() or 1))  # of one queue at once; ours: more than that slows this machine down
OK, FAILED, NONE_YET = "OK", "PROBLEM: Function call failed", "No records processed"


@dataclass(frozen=True)
class Host:
    """What pollers need of a session.

    Attributes
    ----------
    invoke : ``(function, payload, depth)``; raises Throttled, or LookupError when the function is gone
    paused : says whether a function may not run at all: its reserved concurrency is 0
    attempt, background : run work that may take long, and work that is soon done
    deliver : ``(destination, record, event, mapping)`` tells a destination of records given up
    record : notes what went wrong without anybody being told: ``(source, target, cause)``
    batches_max : of one queue at once
    depth_max : how often functions may call each other in a circle
    speed : how many seconds of AWS's waiting pass in one of ours
    """

    invoke: Callable[[str, bytes, int], Answer]
    paused: Callable[[str], bool]
    attempt: Callable[..., None]
    background: Callable[..., None]
    deliver: Callable[[str, dict[str, Any], str, str], None]
    record: Callable[[str, str, str], None]
    timer: Timer
    clock: Clock
    quiet: Quiet
    flows: Flows
    batches_max: int = BATCHES_MAX
    depth_max: int = 16
    speed: float = SPEED


def backoff_s(failures: int) -> float:
    """Return how long to wait after so many failures in a row, at AWS's speed.

    >>> [backoff_s(failures) for failures in (1, 2, 3, 100)]
    [1.0, 2.0, 4.0, 60.0]
    """
    return min(BACKOFF_S * 2.0 ** min(failures - 1, 10), BACKOFF_MAX_S)


class Poller:
    """One mapping at work. A subclass looks (:meth:`pump`); looks never overlap.

    Parameters
    ----------
    settings : of the mapping
    host : the session
    """

    counts: ClassVar[str]  # what it polls, in the plural

    def __init__(self, settings: Settings, host: Host) -> None:
        self.settings, self.host = settings, host
        self.enabled = False
        self.reason = "USER_INITIATED"  # for the state that it has
        self.result = NONE_YET
        self._lock = threading.RLock()
        self._looking = self._again = False
        self._planned_s = float("inf")  # on the monotonic clock

    def pump(self) -> None:
        """Look for work, and start what can be started."""
        raise NotImplementedError

    def waiting(self) -> int:
        """Return how many records this mapping has before it."""
        raise NotImplementedError

    def wake(self) -> None:
        """Have the poller look, soon."""
        with self._lock:
            self._again = True
            if self._looking:
                return
            self._looking = True
        self.host.background(self._look)

    def wake_in(self, delay_s: float) -> None:
        """Have the poller look after a delay, in seconds of ours."""
        due_s = time.monotonic() + max(0.0, delay_s)
        with self._lock:
            if self._planned_s <= due_s:
                return
            self._planned_s = due_s
        self.host.timer.after(due_s - time.monotonic(), self._due)

    def _due(self) -> None:
        with self._lock:
            self._planned_s = float("inf")
        self.wake()

    def _look(self) -> None:
        try:
            while True:
                with self._lock:
                    if not self._again:
                        self._looking = False
                        break
                    self._again = False
                self.pump()
        except BaseException:
            with self._lock:
                self._looking = False
            raise
        self.host.quiet.changed()

    @property
    def active(self) -> bool:
        """Whether records that come will be read."""
        return self.enabled and not self.host.paused(self.settings.function)

    def turn(self, on: bool, reason: str = "USER_INITIATED") -> None:
        """Switch the mapping on or off; what is under way ends as it would have."""
        self.enabled, self.reason = on, reason
        self.wake()

    def give_up(self, error: Exception) -> None:
        """Switch off a mapping whose function is gone."""
        message = error.args[0] if error.args else type(error).__name__
        self.host.record(self.settings.source, self.settings.function, f"ResourceNotFoundException: {message}")
        self.turn(False, "The function no longer exists")


class Pollers:
    """The mappings of a session.

    Parameters
    ----------
    host : the session
    """

    def __init__(self, host: Host) -> None:
        self.host = host
        self._all: dict[str, Poller] = {}
        host.clock.when_advanced(self.wake_all)
        host.quiet.watch("messages", lambda: self.waiting("messages"))
        host.quiet.watch("records", lambda: self.waiting("records"))

    def add(self, poller: Poller, *, on: bool) -> None:
        """Take a mapping on."""
        self._all[poller.settings.uuid] = poller
        poller.turn(on)

    def get(self, uuid: str) -> Poller | None:
        """Return a mapping's poller."""
        return self._all.get(uuid)

    def update(self, uuid: str, settings: Settings, *, on: bool | None) -> None:
        """Give a mapping other settings, for the batches to come, and switch it if asked to."""
        poller = self._all.get(uuid)
        if poller is not None:
            poller.settings = replace(settings, uuid=uuid)
            poller.turn(poller.enabled if on is None else on)

    def remove(self, uuid: str) -> None:
        """Let go of a mapping; its batches under way end as they would have."""
        poller = self._all.pop(uuid, None)
        if poller is not None:
            poller.turn(False)

    def polled(self, source: str) -> bool:
        """Say whether somebody polls a source."""
        return any(one.enabled and one.settings.source == source for one in list(self._all.values()))

    def wake(self, source: str) -> None:
        """Have those look who poll a source."""
        found = [one for one in list(self._all.values()) if one.settings.source == source]
        for one in found:
            one.wake()
        if found:
            self.host.quiet.changed()

    def wake_all(self) -> None:
        """Have everyone look: the time has changed, or what a function may do."""
        for one in list(self._all.values()):
            one.wake()

    def stop(self) -> None:
        """Let go of all mappings."""
        for uuid in list(self._all):
            self.remove(uuid)

    def waiting(self, counts: str) -> int:
        """Return how many messages, or records, the mappings have before them."""
        return sum(one.waiting() for one in list(self._all.values()) if one.counts == counts)
