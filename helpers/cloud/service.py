"""The part of Lambda that decides which environment serves an event, and how long environments live.

:class:`Service` keeps the environments of every function version in a pool. An event goes to the newest idle one; if
there is none, a new one starts, unless :mod:`helpers.cloud.admission` or this machine forbids it. What happens then is
:mod:`helpers.cloud.run`'s; the measurements are kept for the frames of :mod:`helpers.cloud.session`.
"""

from __future__ import annotations

import json
import logging
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime

from helpers.cloud.admission import ACCOUNT, Admission, Limits
from helpers.cloud.calls import Answer, Call, Invocation, Throttled, served, throttled
from helpers.cloud.environment import SHUTDOWN_S, Environment
from helpers.cloud.machine import Function, Machine
from helpers.cloud.run import Run, said, warm_up
from helpers.cloud.workers import Workers

log = logging.getLogger(__name__)

CLOSING_S = 5.0  # for work in the background to end

# Writes messages of one environment: function, log stream, (time, text) in order.
LogWriter = Callable[[Function, str, list[tuple[datetime, str]]], None]


@dataclass
class Pool:
    """The environments of one function version."""

    idle: list[Environment] = field(default_factory=list)
    busy: set[Environment] = field(default_factory=set)
    starting: set[Environment] = field(default_factory=set)  # provisioned, on their way
    provisioned: int = 0
    broken: bool = False  # INIT of a provisioned environment failed: the next would fail as well
    function: Function | None = None

    def warm(self) -> list[Environment]:
        """Return the environments with provisioned concurrency that are ready or at work."""
        return [
            one for one in (*self.idle, *self.busy) if one.initialization == "provisioned-concurrency" and one.alive
        ]


class Service:
    """All pools of one session.

    Parameters
    ----------
    machine : what environments share
    limits : quotas
    write : where log messages go
    """

    def __init__(self, machine: Machine, limits: Limits, write: LogWriter) -> None:
        self.machine, self.limits, self._write = machine, limits, write
        self.epoch_s = time.monotonic()
        self._lock = threading.RLock()
        self._pools: dict[tuple[str, str], Pool] = defaultdict(Pool)
        self._admission = Admission(limits)
        self.records: list[Invocation] = []
        self.when_recorded: list[Callable[[Call, Invocation], None]] = []
        self._known: list[Environment] = []  # all of the session
        self._closing = False
        self._workers = Workers("local-cloud-worker", 16)
        self._attempts = Workers("local-cloud-attempt", limits.max_environments)

    # What callers ask.

    def invoke(self, call: Call) -> Answer:
        """Serve an event: find or start an environment, run the handler, write the log, record the measurement.

        Raises
        ------
        Throttled
            when a limit forbids it; the attempt is recorded
        """
        while True:
            try:
                environment, cold = self._acquire(call)
            except Throttled:
                self._record(call, throttled(call, time.monotonic() - self.epoch_s))
                raise
            run = Run(
                call, environment, cold=cold, init_timeout_s=self.limits.init_timeout_s, replace=self._put_in_place
            )
            try:
                answer = run.answer()
                if run.outcome is not None:
                    arrived_s = run.arrived_s - self.epoch_s
                    self._record(call, served(call, run.environment, arrived_s, run.outcome))
                    echo = self._echo(answer) if answer is not None else []
                    self._log(run.environment, [*run.lines, *echo])
            finally:
                self._release(call, run.environment)
            if answer is not None:
                return answer
            # The environment died between two events, before it had read this one: it is nobody's result.

    def _record(self, call: Call, invocation: Invocation) -> None:
        self.records.append(invocation)
        for listener in self.when_recorded:
            listener(call, invocation)

    def _echo(self, answer: Answer) -> list[str]:
        """Return the function's result as a message, where logs are wanted as moto's containers write them."""
        if not getattr(self._write, "echoes_results", False):
            return []
        try:  # their JSON has no spaces
            return [json.dumps(json.loads(answer.payload), separators=(",", ":"), ensure_ascii=False)]
        except ValueError:
            return [answer.payload.decode("utf-8", "replace")]

    def provision(self, function: Function, count: int) -> None:
        """Keep ``count`` environments of a version initialised, from now on."""
        with self._lock:
            pool = self._pools[function.key]
            pool.function, pool.provisioned, pool.broken = function, count, False
            surplus = [one for one in pool.idle if one.initialization == "provisioned-concurrency"][count:]
            pool.idle = [one for one in pool.idle if one not in surplus]
        self.background(self._stop_all, surplus)
        self._top_up(pool)

    def provisioned(self, arn: str, version: str) -> tuple[int, int, bool]:
        """Return how many environments were asked for and are there, and whether no more will come."""
        with self._lock:
            pool = self._pools[arn, version]
            return pool.provisioned, len(pool.warm()), pool.broken

    def retire(self, arn: str, version: str | None = None) -> None:
        """Let go of the environments of a deleted function, or of one version: the idle at once, the busy when done."""
        with self._lock:
            gone = [
                one
                for key, pool in self._pools.items()
                if key[0] == arn and version in (None, key[1])
                for one in self._emptied(pool)
            ]
        self.background(self._stop_all, gone)

    def environments(self) -> list[Environment]:
        """Return every environment of the session, in order of their start."""
        with self._lock:
            return sorted(self._known, key=lambda one: one.started_s)

    def expire(self, keep_alive_s: float | None = None) -> int:
        """Shut down what has been idle for too long; return how many."""
        limit = self.limits.keep_alive_s if keep_alive_s is None else keep_alive_s
        oldest = time.monotonic() - limit
        gone: list[Environment] = []
        with self._lock:
            for pool in self._pools.values():
                dead = [one for one in pool.idle if not one.alive]
                old = [
                    one
                    for one in pool.idle
                    if one.alive and one.last_used_s <= oldest and one.initialization != "provisioned-concurrency"
                ]
                pool.idle = [one for one in pool.idle if one not in dead and one not in old]
                gone += old
            short = [pool for pool in self._pools.values() if len(pool.warm()) + len(pool.starting) < pool.provisioned]
        self._stop_all(gone)
        for pool in short:
            self._top_up(pool)
        return len(gone)

    def background(self, function: Callable[..., object], *arguments: object) -> None:
        """Run something that is soon done on a worker, and log what goes wrong."""
        self._submit(self._workers, function, arguments)

    def attempt(self, function: Callable[..., object], *arguments: object) -> None:
        """Run something that may take as long as an invocation, without keeping :meth:`background` waiting."""
        self._submit(self._attempts, function, arguments)

    def _submit(self, workers: Workers, function: Callable[..., object], arguments: tuple) -> None:
        def guarded() -> None:
            try:
                function(*arguments)
            except Exception:
                if not self._closing:
                    log.exception("work in the background of the local cloud failed")

        workers.submit(guarded)

    def close(self) -> None:
        """End every environment and give back what they held."""
        self._closing = self.machine.closing = True
        with self._lock:
            for pool in self._pools.values():
                self._emptied(pool)
        left = list(self.machine.live)
        for environment in left:
            environment.terminate()
        deadline = time.monotonic() + SHUTDOWN_S
        while time.monotonic() < deadline and any(one.alive for one in left):
            time.sleep(0.005)
        for environment in left:
            environment.stop(grace_s=0)
            self._leave_word(environment)
        for workers in (self._attempts, self._workers):
            workers.stop(CLOSING_S)
        for environment in self._known:  # one that never came to start
            environment.state = "stopped"

    # Choosing an environment.

    def _acquire(self, call: Call) -> tuple[Environment, bool]:
        function = call.function
        with self._lock:
            if self._closing:
                raise Throttled(ACCOUNT, "The local cloud is stopping.")
            pool = self._pools[function.key]
            pool.function = function
            outdated = [one for one in pool.idle if one.function != function or not one.alive]
            pool.idle = [one for one in pool.idle if one not in outdated]
            self._admission.check(call)
            warm = [one for one in pool.idle if one.initialization == "provisioned-concurrency"]
            environment = max(warm or pool.idle, key=lambda one: one.last_used_s, default=None)
            if environment is not None:
                pool.idle.remove(environment)
            else:
                self._admission.check_new(function)
                self._make_room()
                environment = Environment(function, self.machine, "snap-start" if function.snapstart else "on-demand")
                self._known.append(environment)
            cold = environment.process is None
            pool.busy.add(environment)
            self._admission.enter(call)
        if outdated:
            self.background(self._stop_all, outdated)
        return environment, cold

    def _make_room(self) -> None:
        """Throttle where a new environment would be too many for this machine."""
        if len(self._all_live()) >= self.limits.max_environments and not self._evict():
            raise Throttled(
                ACCOUNT, f"Rate Exceeded. This machine runs {self.limits.max_environments} environments at most."
            )

    def _all_live(self) -> list[Environment]:
        return [one for pool in self._pools.values() for one in (*pool.idle, *pool.busy, *pool.starting)]

    def _evict(self) -> bool:
        """Give up the environment that has been idle for longest, to make room."""
        idle = [(one.last_used_s, pool, one) for pool in self._pools.values() for one in pool.idle]
        if not idle:
            return False
        _, pool, environment = min(idle, key=lambda entry: entry[0])
        pool.idle.remove(environment)
        self.background(self._stop_all, [environment])
        return True

    def _release(self, call: Call, environment: Environment) -> None:
        function = call.function
        with self._lock:
            pool = self._pools[function.key]
            pool.busy.discard(environment)
            self._admission.leave(call)
            keep = environment.state == "idle" and environment.alive and not self._closing
            keep = keep and pool.function == environment.function
            if keep:
                pool.idle.append(environment)
            gone = self._too_much(environment) if keep else [environment]
        if gone:
            self.background(self._stop_all, gone)

    def _too_much(self, newest: Environment) -> list[Environment]:
        """Give up what has been idle for longest while all that is idle holds more than it may; not the newest."""
        idle = [
            (one.last_used_s, pool, one)
            for pool in self._pools.values()
            for one in pool.idle
            if one is not newest and one.initialization != "provisioned-concurrency"
        ]
        left = sum(one.peak_bytes for _, _, one in idle) + newest.peak_bytes
        gone = []
        for _, pool, one in sorted(idle, key=lambda entry: entry[0]):
            if left <= self.limits.idle_bytes:
                break
            left -= one.peak_bytes
            pool.idle.remove(one)
            gone.append(one)
        return gone

    def _put_in_place(self, old: Environment, new: Environment) -> None:
        """Put a second attempt in the place of an environment whose INIT failed."""
        with self._lock:
            pool = self._pools[new.function.key]
            pool.busy.discard(old)
            pool.busy.add(new)
            self._known[self._known.index(old)] = new

    def _emptied(self, pool: Pool) -> list[Environment]:
        gone, pool.idle, pool.function, pool.provisioned = pool.idle, [], None, 0
        return gone

    def _stop_all(self, environments: Iterable[Environment]) -> None:
        for environment in environments:
            environment.stop()
            self._leave_word(environment)

    def _leave_word(self, environment: Environment) -> None:
        """Log what a stopped environment said last."""
        last = said(environment, rest=True)
        if last:
            with suppress(Exception):
                self._log(environment, last)

    def _top_up(self, pool: Pool) -> None:
        """Start what is missing of a version's provisioned concurrency."""
        with self._lock:
            missing = pool.provisioned - len(pool.warm()) - len(pool.starting)
            if missing <= 0 or pool.function is None or pool.broken or self._closing:
                return
            new = [Environment(pool.function, self.machine, "provisioned-concurrency") for _ in range(missing)]
            pool.starting.update(new)
            self._known += new
        for environment in new:
            self.attempt(self._warm_up, pool, environment)

    def _warm_up(self, pool: Pool, environment: Environment) -> None:
        ready, lines = warm_up(environment, self.limits.init_timeout_s)
        self._log(environment, lines)
        with self._lock:
            pool.starting.discard(environment)
            pool.broken = pool.broken or not ready
            keep = ready and not self._closing and pool.provisioned > len(pool.warm())
            if keep:
                pool.idle.append(environment)
        if not keep:
            self._stop_all([environment])

    def _log(self, environment: Environment, messages: list[str]) -> None:
        """Append messages to the environment's log stream."""
        now = datetime.now(UTC)
        self._write(environment.function, environment.log_stream, [(now, text) for text in messages])
