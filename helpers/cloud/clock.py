"""A cloud's own clock: it goes with the machine's, and can be put forward.

What happens at a time (schedules, rules) makes an appointment with this clock. With nobody advancing, the cloud's timer
holds one entry, for the next appointment. Who advances goes from one appointment to the next: the clock is put forward
to it, what is due then runs, and everything that it caused comes to rest before the next. So a lesson sees a month pass
in seconds, in the order of a month.
"""

from __future__ import annotations

import heapq
import itertools
import logging
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime

from helpers.checks import number
from helpers.cloud.patience import Patience
from helpers.cloud.timer import Timer

log = logging.getLogger(__name__)

ADVANCE_MAX_S = 366 * 86_400
REST_MAX_S = 300.0  # what falls due together, and all that it causes, may take so long
LEAST_S = 1e-6  # what a float of today's seconds can tell apart


@dataclass(order=True)
class Appointment:
    """Something to do at a time of a clock's; :meth:`cancel` calls it off."""

    due_s: float
    number: int
    run: Callable[[], object] = field(compare=False)
    cancelled: bool = field(default=False, compare=False)

    def cancel(self) -> None:
        """See to it that it doesn't happen."""
        self.cancelled = True


class Clock:
    """The time in a cloud.

    Parameters
    ----------
    timer : wakes the clock at its next appointment; without one, only who advances it does
    settle : waits until nothing is under way, for so many seconds at most; says whether that happened
    submit : runs what is due in real time, away from the timer's thread
    moved : called when the number of :meth:`waiting` appointments has changed
    """

    def __init__(
        self,
        timer: Timer | None = None,
        settle: Callable[[float], bool] = lambda _: True,
        submit: Callable[[Callable[[], None]], object] = lambda run: run(),
        moved: Callable[[], None] = lambda: None,
    ) -> None:
        self._timer, self._settle, self._submit, self._moved = timer, settle, submit, moved
        self._ahead_s = 0.0
        self._listeners: list[Callable[[], None]] = []
        self._appointments: list[Appointment] = []
        self._numbers = itertools.count()
        self._lock = threading.Lock()
        self._turn = threading.RLock()  # held by whoever runs what is due
        self._advancing = False
        self._alarm = (0, float("inf"))  # which entry of the timer counts, and when it is due
        self._rung = 0

    def time_s(self) -> float:
        """Return the seconds since 1970."""
        return time.time() + self._ahead_s

    def now(self) -> datetime:
        """Return the moment, in UTC."""
        return datetime.fromtimestamp(self.time_s(), UTC)

    def when_advanced(self, listener: Callable[[], None]) -> None:
        """Call a listener each time that the clock was put forward."""
        self._listeners.append(listener)

    def at(self, due_s: float, run: Callable[[], object]) -> Appointment:
        """Run something when the clock shows a time, or as soon as possible where that has passed.

        What is due at the same time runs in the order in which it was arranged.

        Parameters
        ----------
        due_s : seconds since 1970
        run : soon done; what takes long is handed on to a worker
        """
        with self._lock:
            one = Appointment(due_s, next(self._numbers), run)
            heapq.heappush(self._appointments, one)
        self._set_alarm()
        return one

    def late_s(self, due_s: float) -> float:
        """Return by how much a time has passed; 0 while somebody advances the clock, who sees every moment in order.

        Who comes again and again leaves out as much: an hour under a laptop's closed lid is not followed by sixty
        runs of a schedule at once.
        """
        return 0.0 if self._advancing else max(0.0, self.time_s() - due_s)

    def waiting(self) -> int:
        """Return how often the alarm has rung without the clock having seen to it."""
        return self._rung

    def advance(
        self,
        *,
        days: float = 0,
        hours: float = 0,
        minutes: float = 0,
        seconds: float = 0,
        until: datetime | None = None,
        progress: Callable[[datetime, datetime], object] | None = None,
    ) -> datetime:
        """Put the clock forward; return what it shows then.

        What falls due on the way runs in order, each when the clock shows its time, and everything that one moment
        causes comes to rest before the next. If that takes longer than two seconds, a line says how far it is.

        Parameters
        ----------
        days, hours, minutes, seconds : added up
        until : instead of them, the moment to go to, with its time zone
        progress : called after each moment instead, with what the clock shows and what it will show at the end

        Raises
        ------
        ValueError
            when it would go back, or by more than 366 days
        TimeoutError
            when what was due at a moment has not come to rest after 300 s; the clock stays at that moment
        """
        ahead_s = days * 86_400 + hours * 3_600 + minutes * 60 + seconds
        if until is not None:
            if ahead_s or until.tzinfo is None:
                raise ValueError(f"until must have a time zone and nothing beside it, got {until}")
            ahead_s = until.timestamp() - self.time_s()
        number("the time to advance by, in seconds,", ahead_s, 0, ADVANCE_MAX_S)
        with self._turn, Patience(progress) as patience:
            target_s = self.time_s() + ahead_s
            self._advancing = True
            try:
                while (moment_s := self._next_s()) <= target_s:
                    self._rest()  # the timer may have begun what was due just now
                    self._put_forward(moment_s)
                    for one in self._due(moment_s):
                        self._keep(one)
                    self._rest()
                    patience.tell(self.now(), datetime.fromtimestamp(target_s, UTC))
                self._put_forward(target_s)
            finally:
                self._advancing = False
                self._set_alarm(anew=True)
        return self.now()

    def _rest(self) -> None:
        if not self._settle(REST_MAX_S):
            raise TimeoutError(f"what was due at {self.now():%Y-%m-%d %H:%M:%S} goes on after {REST_MAX_S} s")

    def _put_forward(self, to_s: float) -> None:
        self._ahead_s += max(0.0, to_s + LEAST_S - self.time_s())
        for listener in self._listeners:
            listener()

    def _next_s(self) -> float:
        """Return when the next appointment is."""
        with self._lock:
            while self._appointments and self._appointments[0].cancelled:
                heapq.heappop(self._appointments)
            return self._appointments[0].due_s if self._appointments else float("inf")

    def _due(self, until_s: float) -> Iterator[Appointment]:
        """Yield what is due, each only when the one before has run."""
        while self._next_s() <= until_s:
            with self._lock:
                one = heapq.heappop(self._appointments)
            yield one

    @staticmethod
    def _keep(one: Appointment) -> None:
        try:
            if not one.cancelled:
                one.run()
        except Exception:
            log.exception("what was due in the local cloud failed")

    def _set_alarm(self, *, anew: bool = False) -> None:
        """Have the timer wake the clock at the next appointment."""
        due_s = self._next_s()
        with self._lock:
            which, set_to_s = self._alarm
            if self._timer is None or (due_s >= set_to_s and not anew):
                return
            self._alarm = (which + 1, due_s)
            if due_s < float("inf"):
                self._timer.after(max(0.0, due_s - self.time_s()), lambda: self._ring(which + 1))

    def _ring(self, which: int) -> None:
        with self._lock:
            if which != self._alarm[0]:
                return  # another one was set
            self._rung += 1
        self._moved()
        self._submit(self._answer)

    def _answer(self) -> None:
        """Run what is due in real time."""
        try:
            if self._turn.acquire(blocking=False):  # else somebody advances the clock, and sees to it
                try:
                    for one in self._due(self.time_s()):
                        self._keep(one)
                finally:
                    self._turn.release()
                    self._set_alarm(anew=True)
        finally:
            with self._lock:
                self._rung -= 1
            self._moved()
