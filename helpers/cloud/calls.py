"""What callers bring and get: an event on its way, its answer, the refusal, and the measurement that remains."""

from __future__ import annotations

import uuid
from dataclasses import dataclass

from helpers.cloud import report
from helpers.cloud.environment import Environment
from helpers.cloud.machine import Function


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


@dataclass(frozen=True)
class Answer:
    """What a caller gets."""

    payload: bytes
    function_error: str | None
    version: str
    request_id: str
    log_tail: str


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


def served(call: Call, environment: Environment, started_s: float, outcome: report.Outcome) -> Invocation:
    """Return the measurement of an invocation that an environment served; times since the session's start."""
    return Invocation(
        request_id=call.request_id,
        function=call.function.name,
        environment=environment.id,
        started_s=started_s,
        cold=outcome.init_ms is not None or outcome.init_in_invoke,
        init_ms=outcome.init_ms,
        duration_ms=outcome.duration_ms,
        billed_ms=report.billed_ms(outcome),
        memory_mb=outcome.memory_mb,
        max_memory_mb=outcome.max_memory_mb,
        usd=report.usd(outcome, architecture=call.function.architecture),
        status=outcome.status,
    )


def throttled(call: Call, started_s: float) -> Invocation:
    """Return what remains of an invocation that no environment served."""
    return Invocation(
        request_id=call.request_id,
        function=call.function.name,
        environment="",
        started_s=started_s,
        cold=False,
        init_ms=None,
        duration_ms=None,
        billed_ms=0,
        memory_mb=call.function.memory_mb,
        max_memory_mb=None,
        usd=0.0,
        status="throttled",
    )


def new_request_id() -> str:
    """Return a fresh request id."""
    return str(uuid.uuid4())
