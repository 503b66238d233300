"""What Lambda writes about an invocation, and what that invocation costs.

Every function of the local cloud logs like one on AWS: ``START``, what the function prints, ``END`` and a ``REPORT``
whose billed duration is the quantity on the bill. The caller measures and gives an :class:`Outcome` with the moment;
nothing here reads a clock or a file. Lines come without their final newline, tabs are where AWS puts them. With the
log format ``"JSON"`` each line is the platform event that AWS writes in its place.

Neighbours: :mod:`helpers.cloud.outcome` says what was measured and bills it, :mod:`helpers.cloud.faults` has the
payloads of failures; the names of both can be imported from here as well.
"""

from __future__ import annotations

import base64
import hashlib
import json
import math
import re
from collections.abc import Iterable
from datetime import datetime
from typing import Any

from helpers.checks import choice
from helpers.cloud.faults import (
    CONDITIONS,
    REASONS,
    dead_letter_attributes,
    destination_record,
    exit_error,
    exit_message,
    exit_reason,
    init_timeout_error,
    request_too_large,
    response_too_large,
    throttle,
    timeout_error,
    timestamp,
)
from helpers.cloud.outcome import INITIALIZATIONS, STATUSES, Outcome, billed_ms, usd

__all__ = [
    "CONDITIONS",
    "INITIALIZATIONS",
    "LOG_FORMATS",
    "REASONS",
    "Outcome",
    "billed_ms",
    "dead_letter_attributes",
    "destination_record",
    "end",
    "exit_error",
    "exit_reason",
    "exited",
    "init_report",
    "init_start",
    "init_timeout_error",
    "log_tail",
    "report",
    "request_too_large",
    "response_too_large",
    "start",
    "throttle",
    "timed_out",
    "timeout_error",
    "usd",
]

LOG_FORMATS = ("Text", "JSON")
SYSTEM_LOG_LEVELS = ("DEBUG", "INFO", "WARN")


def _event(kind: str, when: datetime, record: dict[str, Any]) -> str:
    known = {key: value for key, value in record.items() if value is not None}
    return json.dumps({"time": timestamp(when), "type": f"platform.{kind}", "record": known}, separators=(",", ":"))


def _is_json(log_format: str) -> bool:
    choice("log_format", log_format, LOG_FORMATS)
    return log_format == "JSON"


def _status_fields(status: str, error_type: str | None) -> list[str]:
    return [f"Status: {status}"] + ([f"Error Type: {error_type}"] if error_type else [])


def init_start(
    runtime: str,
    *,
    when: datetime,
    log_format: str = "Text",
    function_name: str | None = None,
    version: str | None = None,
    initialization: str = "on-demand",
    phase: str = "init",
    region: str = "us-east-1",
) -> str:
    r"""Return the line with which an environment's log begins.

    Parameters
    ----------
    runtime : as the function's configuration names it; AWS appends its own version, here always ``v0``
    when : the moment
    log_format : ``"Text"`` or ``"JSON"``; only JSON says the following
    function_name, version, initialization, phase : whose environment it is and how it comes to be
    region : part of the runtime version's ARN

    Examples
    --------
    >>> from datetime import UTC
    >>> init_start("python3.13", when=datetime(2026, 1, 1, tzinfo=UTC)).split("\t")[0]
    'INIT_START Runtime Version: python:3.13.v0'
    """
    named = re.fullmatch(r"([a-z]+)([\d.]+)(?:\.x)?", runtime)
    runtime_version = f"{named[1]}:{named[2]}.v0" if named else f"{runtime}.v0"
    arn = f"arn:aws:lambda:{region}::runtime:{hashlib.sha256(runtime_version.encode()).hexdigest()}"
    if not _is_json(log_format):
        return f"INIT_START Runtime Version: {runtime_version}\tRuntime Version ARN: {arn}"
    record = {"initializationType": initialization, "phase": phase}
    record |= {"runtimeVersion": runtime_version, "runtimeVersionArn": arn}
    return _event("initStart", when, record | {"functionName": function_name, "functionVersion": version})


def start(
    request_id: str, version: str, *, when: datetime, log_format: str = "Text", function_arn: str | None = None
) -> str:
    """Return the line with which an invocation begins.

    >>> from datetime import UTC
    >>> start("8f5c", "$LATEST", when=datetime(2026, 1, 1, tzinfo=UTC))
    'START RequestId: 8f5c Version: $LATEST'
    """
    if _is_json(log_format):
        return _event("start", when, {"requestId": request_id, "functionArn": function_arn, "version": version})
    return f"START RequestId: {request_id} Version: {version}"


def end(outcome: Outcome, *, when: datetime, log_format: str = "Text", log_level: str = "INFO") -> str | None:
    """Return the line with which an invocation ends, or None where AWS writes none.

    In JSON there is no such line. ``platform.runtimeDone`` comes closest; at the system log level ``"INFO"``, the
    default, AWS keeps it for invocations that failed, at ``"DEBUG"`` it writes it for all.

    >>> from datetime import UTC
    >>> end(Outcome("8f5c", "3", "success", 1.0, None, 128, 36), when=datetime(2026, 1, 1, tzinfo=UTC))
    'END RequestId: 8f5c'
    """
    choice("log_level", log_level, SYSTEM_LOG_LEVELS)
    if not _is_json(log_format):
        return f"END RequestId: {outcome.request_id}"
    if outcome.status == "success" and log_level != "DEBUG":
        return None
    record = {"requestId": outcome.request_id, "status": outcome.status, "errorType": outcome.platform_error}
    return _event("runtimeDone", when, record | {"metrics": {"durationMs": round(outcome.duration_ms, 3)}})


def report(outcome: Outcome, *, when: datetime, log_format: str = "Text") -> str:
    r"""Return the invocation's report: durations, the billed one, memory, and how it ended if not well.

    The text ends in a tab unless a status follows. A function that raised has no status in it: for Lambda that
    invocation went as it should. (What JSON says of it is unconfirmed: here ``error``, without a type.)

    Examples
    --------
    >>> from datetime import UTC
    >>> timeout = Outcome("8f5c", "$LATEST", "timeout", 3000, 402.04, 128, 73)
    >>> report(timeout, when=datetime(2026, 1, 1, tzinfo=UTC)).split("\t")[1:3]
    ['Duration: 3000.00 ms', 'Billed Duration: 3403 ms']
    """
    init_ms, restored = outcome.shown_init_ms, outcome.initialization == "snap-start"
    if _is_json(log_format):
        metrics = {"durationMs": round(outcome.duration_ms, 3), "billedDurationMs": billed_ms(outcome)}
        metrics |= {"memorySizeMB": outcome.memory_mb, "maxMemoryUsedMB": outcome.max_memory_mb}
        if init_ms is not None and restored:
            metrics |= {"restoreDurationMs": round(init_ms, 3), "billedRestoreDurationMs": math.ceil(init_ms)}
        elif init_ms is not None:
            metrics["initDurationMs"] = round(init_ms, 3)
        record = {"requestId": outcome.request_id, "metrics": metrics, "status": outcome.status}
        return _event("report", when, record | {"errorType": outcome.platform_error})
    fields = [
        f"REPORT RequestId: {outcome.request_id}",
        f"Duration: {outcome.duration_ms:.2f} ms",
        f"Billed Duration: {billed_ms(outcome)} ms",
        f"Memory Size: {outcome.memory_mb} MB",
        f"Max Memory Used: {outcome.max_memory_mb} MB",
    ]
    if init_ms is not None and restored:
        fields += [f"Restore Duration: {init_ms:.2f} ms", f"Billed Restore Duration: {math.ceil(init_ms)} ms"]
    elif init_ms is not None:
        fields.append(f"Init Duration: {init_ms:.2f} ms")
    failed = outcome.status == "timeout" or outcome.platform_error
    return "\t".join(fields + (_status_fields(outcome.status, outcome.platform_error) if failed else [""]))


def init_report(
    *,
    init_ms: float,
    phase: str,
    status: str,
    error_type: str | None = None,
    initialization: str = "on-demand",
    when: datetime,
    log_format: str = "Text",
) -> str:
    r"""Return the report of an INIT phase, which AWS writes as text when it failed or belongs to a snapshot.

    Parameters
    ----------
    init_ms : how long it took; AWS stops it at ten seconds
    phase : ``"init"`` ahead of the invocation, ``"invoke"`` when it was repeated within
    status : ``"success"``, ``"error"`` or ``"timeout"``
    error_type : for instance ``"Runtime.ImportModuleError"``
    initialization, when, log_format : as elsewhere

    Examples
    --------
    >>> from datetime import UTC
    >>> init_report(init_ms=9999.56, phase="init", status="timeout", when=datetime(2026, 1, 1, tzinfo=UTC))
    'INIT_REPORT Init Duration: 9999.56 ms\tPhase: init\tStatus: timeout'
    """
    choice("phase", phase, ("init", "invoke"))
    choice("status", status, STATUSES)
    choice("initialization", initialization, INITIALIZATIONS)
    if _is_json(log_format):
        record = {"initializationType": initialization, "phase": phase, "status": status, "errorType": error_type}
        return _event("initReport", when, record | {"metrics": {"durationMs": round(init_ms, 3)}})
    fields = [f"INIT_REPORT Init Duration: {init_ms:.2f} ms"]
    return "\t".join(fields + ([f"Phase: {phase}", *_status_fields(status, error_type)] if status != "success" else []))


def timed_out(request_id: str, timeout_s: float, *, when: datetime) -> str:
    """Return the line of a timeout in logs up to 2024; today ``Status: timeout`` in the REPORT stands for it.

    >>> from datetime import UTC
    >>> timed_out("8f5c", 3, when=datetime(2026, 1, 1, tzinfo=UTC))
    '2026-01-01T00:00:00.000Z 8f5c Task timed out after 3.00 seconds'
    """
    return f"{timestamp(when)} {request_id} Task timed out after {timeout_s:.2f} seconds"


def exited(request_id: str, how: str) -> str:
    """Return the two lines of a process's death in logs up to 2024; today the REPORT's error type stands for them.

    Parameters
    ----------
    request_id : the invocation
    how : from :func:`exit_reason`

    Examples
    --------
    >>> print(exited("8f5c", "signal: killed"))
    RequestId: 8f5c Error: Runtime exited with error: signal: killed
    Runtime.ExitError
    """
    return f"RequestId: {request_id} Error: {exit_message(how)}\nRuntime.ExitError"


def log_tail(lines: Iterable[str], limit_bytes: int = 4096) -> str:
    r"""Return the end of a log as ``LogResult`` has it: the last 4 KB, in base64.

    >>> base64.b64decode(log_tail(["START RequestId: 8f5c Version: $LATEST"]))
    b'START RequestId: 8f5c Version: $LATEST\n'
    """
    text = "".join(line if line.endswith("\n") else f"{line}\n" for line in lines)
    tail = text.encode()[-limit_bytes:]
    while tail and tail[0] & 0b1100_0000 == 0b1000_0000:  # the rest of a character that was cut
        tail = tail[1:]
    return base64.b64encode(tail).decode()
