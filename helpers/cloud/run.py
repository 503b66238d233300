"""One invocation, from INIT (if it is cold) to REPORT: what happens in the environment, in the order of AWS.

A :class:`Run` gives the environment its event, waits within the function's time, and turns what came of it into an
answer, a log and a measurement. Which environment that is, and where log and measurement go, is up to
:mod:`helpers.cloud.service`.
"""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime

from helpers.cloud import report
from helpers.cloud.calls import Answer, Call
from helpers.cloud.environment import Ended, Environment
from helpers.cloud.machine import MB, Function
from helpers.cloud.runtime_api import RESPONSE_MAX_BYTES


class Run:
    """One invocation on one environment, from INIT (if it is cold) to REPORT.

    Parameters
    ----------
    call : the event
    environment : who serves it; another one takes its place when INIT fails and is repeated
    cold : the environment has yet to be initialised
    init_timeout_s : time for INIT
    replace : told of the environment that takes another's place

    Attributes
    ----------
    lines : the log
    outcome : what was measured, in the end
    """

    def __init__(
        self,
        call: Call,
        environment: Environment,
        *,
        cold: bool,
        init_timeout_s: float,
        replace: Callable[[Environment, Environment], None],
    ) -> None:
        self.call, self.environment, self.cold = call, environment, cold
        self._init_timeout_s, self._replace = init_timeout_s, replace
        self.function = call.function
        self.outcome: report.Outcome | None = None
        self.arrived_s = time.monotonic()
        self.lines: list[str] = []
        self.init_ms: float | None = None
        self.init_in_invoke = False

    def answer(self) -> Answer | None:
        """Run it; nothing comes back when the environment turned out to be dead before it read the event."""
        began_s = self.arrived_s
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
        return self._close(ended, began_s)

    def _init(self) -> Ended:
        environment = self.environment
        self.lines += init_start(environment)
        environment.start()
        ended = environment.wait(self._init_timeout_s)
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
        self._replace(failed, self.environment)
        self.environment.start()
        ended = self.environment.wait(self.function.timeout_s)
        if ended.how != "ready":
            self._take(ended)
            self._say_init_report(ended, phase="invoke")
        return ended

    def _close(self, ended: Ended, began_s: float) -> Answer:
        """Say how it ended: to the log, and to the caller."""
        function, call = self.function, self.call
        self._take(ended)
        payload, status, error_type = self._result(ended)
        duration_ms = (ended.at_s - began_s - ended.asleep_s) * 1000
        if ended.how == "timeout":
            duration_ms = function.timeout_s * 1000
        peak = math.ceil(self.environment.peak_bytes / MB)
        self.outcome = outcome = report.Outcome(
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
            body = as_deployed(self.function, ended.body.decode("utf-8", "replace")).encode()
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
        self.lines += said(self.environment, rest=over)

    def _say(self, line: str) -> None:
        self.lines.append(line)

    def _say_start(self) -> None:
        self.lines += said(self.environment)
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
        self._say(init_report(self.environment, ended, phase))


def warm_up(environment: Environment, timeout_s: float) -> tuple[bool, list[str]]:
    """Initialise an environment ahead of any event; say whether it is ready, and what was logged."""
    environment.start()
    ended = environment.wait(timeout_s)
    ready = ended.how == "ready"
    lines = init_start(environment) + said(environment, rest=not ready)
    return ready, lines if ready else [*lines, init_report(environment, ended, "init")]


def said(environment: Environment, *, rest: bool = False) -> list[str]:
    """Return what an environment has written since it was last asked; with ``rest``, an unfinished line as well."""
    return [as_deployed(environment.function, text) for text in environment.output.take(rest=rest)]


def as_deployed(function: Function, text: str) -> str:
    """Name files as Lambda does: a traceback shows /var/task, not a temporary folder."""
    text = text.replace(str(function.code), "/var/task")
    for layer in function.layers:
        text = text.replace(str(layer), "/opt")
    return text


def init_report(environment: Environment, ended: Ended, phase: str) -> str:
    """Return the report of an INIT that failed."""
    timeout = ended.how == "timeout"
    return report.init_report(
        init_ms=max(0.0, ended.at_s - environment.started_s - ended.asleep_s) * 1000,
        phase=phase,
        status="timeout" if timeout else "error",
        error_type=None if timeout else ended.error_type or "Runtime.ExitError",
        initialization=environment.initialization,
        when=_now(),
        log_format=environment.function.log_format,
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
