"""The part of Lambda that decides: which environment serves an event, whether a new one may start, what is written.

:class:`Service` keeps the environments of every function version in a pool. An event goes to the newest idle one; if
there is none, a new one starts, unless a concurrency limit or the scaling rate forbids it. What happened is recorded
for the frames of :mod:`helpers.cloud.session` and logged as AWS logs it (:mod:`helpers.cloud.report`).
"""

from __future__ import annotations

import json
import logging
import math
import threading
import time
import uuid
from collections import defaultdict
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime

from helpers import tables
from helpers.cloud import report
from helpers.cloud.environment import MB, SHUTDOWN_S, Ended, Environment, Function, Machine
from helpers.cloud.runtime_api import RESPONSE_MAX_BYTES
from helpers.cloud.workers import Workers

log = logging.getLogger(__name__)

CLOSING_S = 5.0  # for work in the background to end

RESERVED = "ReservedFunctionConcurrentInvocationLimitExceeded"
ACCOUNT = "ConcurrentInvocationLimitExceeded"
RATE = "FunctionInvocationRateLimitExceeded"
CALLER = "CallerRateLimitExceeded"

# Writes messages of one environment: function, log stream, (time, text) in order.
LogWriter = Callable[[Function, str, list[tuple[datetime, str]]], None]


@dataclass(frozen=True)
class Limits:
    """Quotas and habits of the platform, AWS's own unless noted.

    Parameters
    ----------
    concurrency : environments that may serve at once, all functions together
    scaling_rate, scaling_window_s : new environments of one function within so many seconds, refilled continuously
    rate_cap_factor : invocations a second for each unit of concurrency
    keep_alive_s : how long an idle environment stays; AWS publishes no figure, and this one is ours
    init_timeout_s : time for INIT before it is repeated within the invocation
    max_environments : processes on this machine; ours, so that a learner's loop cannot exhaust it
    """

    concurrency: int = int(tables.limit("lambda.concurrency").max)
    scaling_rate: float = tables.limit("lambda.scaling_rate").max
    scaling_window_s: float = tables.limit("lambda.scaling_window").max
    rate_cap_factor: float = tables.limit("lambda.request_rate_factor").max
    keep_alive_s: float = 600.0
    init_timeout_s: float = tables.limit("lambda.init_timeout").max
    max_environments: int = 200


class Throttled(Exception):
    """An invocation that no environment may serve now; ``reason`` is AWS's word for why."""

    def __init__(self, reason: str, message: str = "Rate Exceeded.") -> None:
        super().__init__(message)
        self.reason = reason


@dataclass(frozen=True)
class Invocation:
    """One row of ``cloud.invocations()``."""

    request_id: str
    function: str
    environment: str
    started_s: float
    cold: bool
    init_ms: float | None
    duration_ms: float | None
    billed_ms: int
    memory_mb: int
    max_memory_mb: int | None
    usd: float
    status: str


@dataclass(frozen=True)
class Answer:
    """What a caller gets."""

    payload: bytes
    function_error: str | None
    version: str
    request_id: str
    log_tail: str


@dataclass
class Bucket:
    """Tokens that refill at a steady rate, up to a limit."""

    capacity: float
    per_s: float
    level: float = field(init=False)
    at_s: float = field(init=False)

    def __post_init__(self) -> None:
        self.level, self.at_s = self.capacity, time.monotonic()

    def take(self) -> bool:
        """Take one token; say whether there was one."""
        now = time.monotonic()
        self.level = min(self.capacity, self.level + (now - self.at_s) * self.per_s)
        self.at_s = now
        if self.level < 1:
            return False
        self.level -= 1
        return True


@dataclass
class Pool:
    """The environments of one function version."""

    idle: list[Environment] = field(default_factory=list)  # the newest last
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


@dataclass
class Call:
    """One event on its way through the service."""

    function: Function
    payload: bytes
    request_id: str
    invoked_arn: str
    headers: dict[str, str]
    reserved: int | None = None
    reserved_elsewhere: int = 0  # set aside for other functions


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
        self._in_flight: dict[str, int] = defaultdict(int)  # by function
        self._reserved_in_flight = 0
        self._new: dict[str, Bucket] = {}
        self._requests = self._bucket_of_requests()
        self.records: list[Invocation] = []
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
                self._record_throttle(call)
                raise
            run = _Run(self, call, environment, cold)
            try:
                answer = run.answer()
            finally:
                self._release(call, run.environment)
            if answer is not None:
                return answer
            # The environment died between two events, before it had read this one: it is nobody's result.

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

    def replace(self, old: Environment, new: Environment) -> None:
        """Put a second attempt in the place of an environment whose INIT failed."""
        with self._lock:
            pool = self._pools[new.function.key]
            pool.busy.discard(old)
            pool.busy.add(new)
            self._known[self._known.index(old)] = new

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

    def change(self, limits: Limits) -> None:
        """Change quotas; buckets start full."""
        with self._lock:
            self.limits = limits
            self._new.clear()
            self._requests = self._bucket_of_requests()

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
            self._admit(call)
            warm = [one for one in pool.idle if one.initialization == "provisioned-concurrency"]
            environment = (warm or pool.idle)[-1] if pool.idle else None
            if environment is not None:
                pool.idle.remove(environment)
            else:
                self._allow_new(function)
                environment = Environment(function, self.machine, "snap-start" if function.snapstart else "on-demand")
                self._known.append(environment)
            cold = environment.process is None
            pool.busy.add(environment)
            self._in_flight[function.arn] += 1
            self._reserved_in_flight += call.reserved is not None
        if outdated:
            self.background(self._stop_all, outdated)
        return environment, cold

    def _admit(self, call: Call) -> None:
        """Throttle where a limit on concurrency or on requests is reached."""
        serving = self._in_flight[call.function.arn]
        if call.reserved is not None:
            if serving >= call.reserved:
                raise Throttled(RESERVED)
        else:
            unreserved = sum(self._in_flight.values()) - self._reserved_in_flight
            if unreserved >= self.limits.concurrency - call.reserved_elsewhere:
                raise Throttled(ACCOUNT)
        if self._requests and not self._requests.take():
            raise Throttled(CALLER)

    def _allow_new(self, function: Function) -> None:
        """Throttle where a new environment would come too soon after others, or be too many for this machine."""
        rate, window = self.limits.scaling_rate, self.limits.scaling_window_s
        if rate is not None and not self._new.setdefault(function.arn, Bucket(rate, rate / window)).take():
            raise Throttled(RATE)
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
            self._in_flight[function.arn] -= 1
            self._reserved_in_flight -= call.reserved is not None
            keep = environment.state == "idle" and environment.alive and not self._closing
            keep = keep and pool.function == environment.function
            if keep:
                pool.idle.append(environment)
        if not keep:
            self.background(self._stop_all, [environment])

    def _emptied(self, pool: Pool) -> list[Environment]:
        gone, pool.idle, pool.function, pool.provisioned = pool.idle, [], None, 0
        return gone

    def _stop_all(self, environments: Iterable[Environment]) -> None:
        for environment in environments:
            environment.stop()
            self._leave_word(environment)

    def _leave_word(self, environment: Environment) -> None:
        """Log what a stopped environment said last."""
        last = environment.output.take(rest=True)
        if last:
            with suppress(Exception):
                self.write(environment, last)

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
        environment.start()
        ended = environment.wait(self.limits.init_timeout_s)
        init_ms = (ended.at_s - environment.started_s) * 1000
        function = environment.function
        lines = init_start(environment) + environment.output.take(rest=ended.how != "ready")
        status = {"ready": "success", "timeout": "timeout"}.get(ended.how, "error")
        if status != "success":
            lines.append(
                report.init_report(
                    init_ms=init_ms,
                    phase="init",
                    status=status,
                    error_type=ended.error_type or None,
                    initialization="provisioned-concurrency",
                    when=datetime.now(UTC),
                    log_format=function.log_format,
                )
            )
        self.write(environment, lines)
        with self._lock:
            pool.starting.discard(environment)
            pool.broken = pool.broken or ended.how != "ready"
            keep = ended.how == "ready" and not self._closing and pool.provisioned > len(pool.warm())
            if keep:
                pool.idle.append(environment)
        if not keep:
            self._stop_all([environment])

    # Writing down.

    def write(self, environment: Environment, messages: list[str]) -> None:
        """Append messages to the environment's log stream."""
        now = datetime.now(UTC)
        self._write(environment.function, environment.log_stream, [(now, text) for text in messages])

    def record(self, call: Call, environment: Environment, started_s: float, outcome: report.Outcome) -> None:
        """Keep the measurement of one invocation."""
        self.records.append(
            Invocation(
                request_id=call.request_id,
                function=call.function.name,
                environment=environment.id,
                started_s=started_s - self.epoch_s,
                cold=outcome.init_ms is not None or outcome.init_in_invoke,
                init_ms=outcome.init_ms,
                duration_ms=outcome.duration_ms,
                billed_ms=report.billed_ms(outcome),
                memory_mb=outcome.memory_mb,
                max_memory_mb=outcome.max_memory_mb,
                usd=report.usd(outcome, architecture=call.function.architecture),
                status=outcome.status,
            )
        )

    def _record_throttle(self, call: Call) -> None:
        started = time.monotonic() - self.epoch_s
        memory = call.function.memory_mb
        name = call.function.name
        self.records.append(
            Invocation(call.request_id, name, "", started, False, None, None, 0, memory, None, 0.0, "throttled")
        )

    def _bucket_of_requests(self) -> Bucket | None:
        if self.limits.rate_cap_factor is None:
            return None
        rate = max(1.0, self.limits.rate_cap_factor * self.limits.concurrency)
        return Bucket(rate, rate)


class _Run:
    """One invocation on one environment, from INIT (if it is cold) to REPORT."""

    def __init__(self, service: Service, call: Call, environment: Environment, cold: bool) -> None:
        self.service, self.call, self.environment, self.cold = service, call, environment, cold
        self.function = call.function
        self.lines: list[str] = []
        self.init_ms: float | None = None
        self.init_in_invoke = False

    def answer(self) -> Answer | None:
        """Run it; nothing comes back when the environment turned out to be dead before it read the event."""
        arrived_s = began_s = time.monotonic()
        ended: Ended | None = None
        if self.cold:
            ended = self._init()
            began_s = time.monotonic()
        if ended is None or ended.how == "ready":
            self._say_start()
        else:
            self.init_in_invoke = True
            ended = self._init_again()
            self._say_start()
        if ended is None or ended.how == "ready":
            left_s = self.function.timeout_s - (time.monotonic() - began_s if self.init_in_invoke else 0)
            if not self.init_in_invoke:
                began_s = time.monotonic()
            deadline_ms = int((time.time() + left_s) * 1000)
            self.environment.send(
                self.call.request_id,
                {"Lambda-Runtime-Deadline-Ms": str(deadline_ms), **self.call.headers},
                self.call.payload,
            )
            ended = self.environment.wait(left_s)
            if ended.how == "exit" and not self.cold and self.environment.undelivered():
                return None
        return self._close(ended, arrived_s, began_s)

    def _init(self) -> Ended:
        environment = self.environment
        self.lines += init_start(environment)
        environment.start()
        ended = environment.wait(self.service.limits.init_timeout_s)
        if ended.how == "ready":
            self.init_ms = environment.init_ms
        else:
            self._take(ended)
            self._say_init_report(ended, phase="init")
        return ended

    def _init_again(self) -> Ended:
        """Repeat a failed INIT within the invocation, as AWS does: in its time, and on its bill."""
        failed = self.environment
        failed.stop(grace_s=0)
        self.environment = Environment(self.function, failed.machine, failed.initialization)
        self.environment.stream_id, self.environment.id = failed.stream_id, failed.id
        self.environment.log_stream = failed.log_stream
        self.service.replace(failed, self.environment)
        self.environment.start()
        ended = self.environment.wait(self.function.timeout_s)
        if ended.how != "ready":
            self._take(ended)
            self._say_init_report(ended, phase="invoke")
        return ended

    def _close(self, ended: Ended, arrived_s: float, began_s: float) -> Answer:
        """Say how it ended: to the log, to the records, to the caller."""
        function, call = self.function, self.call
        self._take(ended)
        payload, status, error_type = self._result(ended)
        duration_ms = (ended.at_s - began_s) * 1000
        if ended.how == "timeout":
            duration_ms = function.timeout_s * 1000
        peak = math.ceil(self.environment.peak_bytes / MB)
        outcome = report.Outcome(
            request_id=call.request_id,
            version=function.version,
            status=status,
            duration_ms=max(duration_ms, 0.01),
            init_ms=self.init_ms,
            memory_mb=function.memory_mb,
            max_memory_mb=function.memory_mb if ended.how == "memory" else min(peak, function.memory_mb),
            error_type=error_type if status != "success" else None,
            init_in_invoke=self.init_in_invoke,
            initialization=self.environment.initialization,
        )
        level = function.system_log_level
        if (line := report.end(outcome, when=_now(), log_format=function.log_format, log_level=level)) is not None:
            self._say(line)
        if status != "success" or tells(function):
            self._say(report.report(outcome, when=_now(), log_format=function.log_format))
        self.service.record(call, self.environment, arrived_s, outcome)
        self.service.write(self.environment, self.lines)
        return Answer(
            payload=payload,
            function_error=None if status == "success" else "Unhandled",
            version=function.version,
            request_id=call.request_id,
            log_tail=report.log_tail(self.lines),
        )

    def _result(self, ended: Ended) -> tuple[bytes, str, str | None]:
        """Return payload, status and type of error."""
        request_id, function = self.call.request_id, self.function
        if ended.how == "response":
            if ended.size <= RESPONSE_MAX_BYTES:
                return ended.body, "success", None
            fault = report.response_too_large(ended.size)
        elif ended.body:  # the runtime said what went wrong, in the handler or in INIT
            body = self._as_deployed(ended.body.decode("utf-8", "replace")).encode()
            return body, "error", ended.error_type or _error_type(body)
        elif ended.how == "timeout":
            fault = report.timeout_error(request_id, function.timeout_s)
            return _json(fault), "timeout", None
        else:
            memory = ended.how == "memory"
            fault = report.exit_error(request_id, ended.returncode or 0, out_of_memory=memory)
        return _json(fault), "error", fault.get("errorType")

    def _take(self, ended: Ended) -> None:
        """Move what the function wrote into the log."""
        over = ended.how not in ("ready", "response", "error")
        self.lines += map(self._as_deployed, self.environment.output.take(rest=over))

    def _as_deployed(self, text: str) -> str:
        """Name files as Lambda does: a traceback shows /var/task, not a temporary folder."""
        text = text.replace(str(self.function.code), "/var/task")
        for layer in self.function.layers:
            text = text.replace(str(layer), "/opt")
        return text

    def _say(self, line: str) -> None:
        self.lines.append(line)

    def _say_start(self) -> None:
        self.lines += map(self._as_deployed, self.environment.output.take())
        function = self.function
        if tells(function):
            self._say(
                report.start(
                    self.call.request_id,
                    function.version,
                    when=_now(),
                    log_format=function.log_format,
                    function_arn=function.arn,
                )
            )

    def _say_init_report(self, ended: Ended, phase: str) -> None:
        self._say(
            report.init_report(
                init_ms=(ended.at_s - self.environment.started_s) * 1000,
                phase=phase,
                status="timeout" if ended.how == "timeout" else "error",
                error_type=None if ended.how == "timeout" else ended.error_type or "Runtime.ExitError",
                initialization=self.environment.initialization,
                when=_now(),
                log_format=self.function.log_format,
            )
        )


def tells(function: Function) -> bool:
    """Say whether the platform logs what goes well; in JSON it can be told to log only what doesn't."""
    return function.log_format == "Text" or function.system_log_level != "WARN"


def init_start(environment: Environment) -> list[str]:
    """Return the line with which an environment's log begins, unless it is not wanted."""
    function = environment.function
    if not tells(function):
        return []
    line = report.init_start(
        function.runtime,
        when=_now(),
        log_format=function.log_format,
        function_name=function.name,
        version=function.version,
        initialization=environment.initialization,
        region=function.region,
    )
    return [line]


def _now() -> datetime:
    return datetime.now(UTC)


def _json(fault: dict) -> bytes:
    return json.dumps(fault).encode()


def _error_type(body: bytes) -> str | None:
    with suppress(ValueError, AttributeError):
        return json.loads(body).get("errorType")
    return None


def new_request_id() -> str:
    """Return a fresh request id."""
    return str(uuid.uuid4())
