"""What Lambda answers when an invocation fails: error payloads, throttles, and what becomes of a lost event.

A function that raises writes its own error, through the runtime's client. Everything here is what the platform
says in its place: it ran out of time, its process died, its answer was too large, it was never started. Payloads are
plain dictionaries, ready for ``json.dumps``; the response's ``FunctionError`` is ``"Unhandled"`` with each of them.
:mod:`helpers.cloud.report` writes the log that belongs to them.

The wording was read off real accounts in 2025 and 2026. What nobody has shown from one is marked "unconfirmed".
"""

from __future__ import annotations

import signal
from datetime import UTC, datetime
from typing import Any

from helpers.checks import choice

REQUEST_LIMIT_BYTES = 6_291_456  # 6 MB
RESPONSE_LIMIT_BYTES = 6_291_556  # 6 MB and a hundred bytes
EVENT_LIMIT_BYTES = 1_048_576  # 1 MB since October 2025
DEAD_LETTER_MESSAGE_BYTES = 1024

REASONS = (
    "ConcurrentInvocationLimitExceeded",
    "FunctionInvocationRateLimitExceeded",
    "ReservedFunctionConcurrentInvocationLimitExceeded",
    "ReservedFunctionInvocationRateLimitExceeded",
    "CallerRateLimitExceeded",
    "ConcurrentSnapshotCreateLimitExceeded",
)
CONDITIONS = ("Success", "RetriesExhausted", "EventAgeExceeded", "ZeroReservedConcurrency", "RecursiveInvocation")

# Lambda's supervisor is a Go program and prints a signal as Go does. By name: numbers differ between systems.
SIGNALS_IN_GO = {
    "SIGHUP": "hangup",
    "SIGINT": "interrupt",
    "SIGQUIT": "quit",
    "SIGILL": "illegal instruction",
    "SIGTRAP": "trace/breakpoint trap",
    "SIGABRT": "aborted",
    "SIGBUS": "bus error",
    "SIGFPE": "floating point exception",
    "SIGKILL": "killed",
    "SIGUSR1": "user defined signal 1",
    "SIGSEGV": "segmentation fault",
    "SIGUSR2": "user defined signal 2",
    "SIGPIPE": "broken pipe",
    "SIGALRM": "alarm clock",
    "SIGTERM": "terminated",
    "SIGXCPU": "CPU time limit exceeded",
    "SIGXFSZ": "file size limit exceeded",
    "SIGSYS": "bad system call",
}


def timestamp(when: datetime) -> str:
    """Return a moment as Lambda writes it: UTC, milliseconds, ``Z``.

    >>> timestamp(datetime(2026, 3, 4, 17, 22, 38, 33_999, tzinfo=UTC))
    '2026-03-04T17:22:38.033Z'
    """
    if when.tzinfo is None:
        raise ValueError(f"when must know its time zone, got {when!r}")
    return when.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def exit_reason(returncode: int) -> str:
    """Return how a process ended, in the words that Lambda logs; empty for an exit without an error.

    Parameters
    ----------
    returncode : as :attr:`subprocess.Popen.returncode` gives it, negative for a signal

    Examples
    --------
    >>> exit_reason(1), exit_reason(-9), exit_reason(0)
    ('exit status 1', 'signal: killed', '')
    """
    if returncode >= 0:
        return f"exit status {returncode}" if returncode else ""
    try:
        return f"signal: {SIGNALS_IN_GO[signal.Signals(-returncode).name]}"
    except (KeyError, ValueError):
        return f"signal: signal {-returncode}"


def exit_message(how: str) -> str:
    """Return the sentence about a dead runtime; ``how`` comes from :func:`exit_reason`.

    >>> exit_message("exit status 1"), exit_message("")
    ('Runtime exited with error: exit status 1', 'Runtime exited without providing a reason')
    """
    return f"Runtime exited with error: {how}" if how else "Runtime exited without providing a reason"


def timeout_error(request_id: str, timeout_s: float) -> dict[str, str]:
    """Return the payload of an invocation that reached the function's timeout.

    Examples
    --------
    >>> timeout_error("8f5c", 3)["errorMessage"]
    'RequestId: 8f5c Error: Task timed out after 3.00 seconds'
    """
    message = f"RequestId: {request_id} Error: Task timed out after {timeout_s:.2f} seconds"
    return {"errorType": "Sandbox.Timedout", "errorMessage": message}


def init_timeout_error(request_id: str, timeout_s: float) -> dict[str, str]:
    """Return the payload of an invocation in which INIT, repeated after its own ten seconds, took all the time.

    AWS answers as for any timeout; only the log tells the two apart, by ``INIT_REPORT`` with ``Phase: invoke``.
    """
    return timeout_error(request_id, timeout_s)


def exit_error(request_id: str, returncode: int, *, out_of_memory: bool = False) -> dict[str, str]:
    """Return the payload of an invocation whose process died.

    Parameters
    ----------
    request_id : the invocation
    returncode : as for :func:`exit_reason`
    out_of_memory : it was killed for using more memory than the function has. The log then says
        ``Error Type: Runtime.OutOfMemory``; that the payload says so as well is unconfirmed

    Examples
    --------
    >>> exit_error("8f5c", 1)["errorMessage"]
    'RequestId: 8f5c Error: Runtime exited with error: exit status 1'
    """
    return {
        "errorType": "Runtime.OutOfMemory" if out_of_memory else "Runtime.ExitError",
        "errorMessage": f"RequestId: {request_id} Error: {exit_message(exit_reason(returncode))}",
    }


def response_too_large(size_bytes: int) -> dict[str, str]:
    """Return the payload that replaces an answer above the limit.

    Raises
    ------
    ValueError
        For an answer that fits: it must be delivered.

    Examples
    --------
    >>> response_too_large(7_000_000)["errorMessage"]
    'Response payload size exceeded maximum allowed payload size (6291556 bytes).'
    """
    if size_bytes <= RESPONSE_LIMIT_BYTES:
        raise ValueError(f"size_bytes must be more than {RESPONSE_LIMIT_BYTES}, got {size_bytes}")
    message = f"Response payload size exceeded maximum allowed payload size ({RESPONSE_LIMIT_BYTES} bytes)."
    return {"errorType": "Function.ResponseSizeTooLarge", "errorMessage": message}


def request_too_large(size_bytes: int, invocation_type: str = "RequestResponse") -> dict[str, str]:
    """Return the body of the 413 (``RequestEntityTooLargeException``) for an event above the limit.

    Raises
    ------
    ValueError
        For an event that fits: it must be accepted.

    Examples
    --------
    >>> request_too_large(1_525_970, "Event")["Message"]
    '1525970 byte payload is too large for the Event invocation type (limit 1048576 bytes)'
    """
    choice("invocation_type", invocation_type, ("RequestResponse", "Event"))
    limit_bytes = EVENT_LIMIT_BYTES if invocation_type == "Event" else REQUEST_LIMIT_BYTES
    if size_bytes <= limit_bytes:
        raise ValueError(f"size_bytes must be more than {limit_bytes}, got {size_bytes}")
    if invocation_type == "Event" and size_bytes <= REQUEST_LIMIT_BYTES:
        limit = f"(limit {limit_bytes} bytes)"
        return {"Message": f"{size_bytes} byte payload is too large for the Event invocation type {limit}"}
    return {"Message": f"Request must be smaller than {REQUEST_LIMIT_BYTES} bytes for the InvokeFunction operation"}


def throttle(reason: str) -> dict[str, str]:
    """Return the body of the 429 (``TooManyRequestsException``) for one of :data:`REASONS`.

    Examples
    --------
    >>> throttle("ConcurrentInvocationLimitExceeded")
    {'Reason': 'ConcurrentInvocationLimitExceeded', 'Type': 'User', 'message': 'Rate Exceeded.'}
    """
    choice("reason", reason, REASONS)
    return {"Reason": reason, "Type": "User", "message": "Rate Exceeded."}


def destination_record(
    *,
    request_id: str,
    function_arn: str,
    condition: str,
    invoke_count: int,
    request_payload: Any,
    when: datetime,
    response_payload: Any = None,
    function_error: str | None = None,
    version: str = "$LATEST",
) -> dict[str, Any]:
    """Return what a destination receives about one asynchronous invocation.

    Parameters
    ----------
    request_id : the event's id, the same through all attempts
    function_arn : with the qualifier, for instance ``...:function:orders:$LATEST``
    condition : one of :data:`CONDITIONS`
    invoke_count : attempts so far; 0 when the function was never started
    request_payload, response_payload : decoded JSON
    when : the moment of the record
    function_error : ``"Unhandled"`` after a failed attempt
    version : the version that ran

    Notes
    -----
    Without an attempt there is no response: both of its parts are left out then (unconfirmed).
    """
    choice("condition", condition, CONDITIONS)
    record = {
        "version": "1.0",
        "timestamp": timestamp(when),
        "requestContext": {
            "requestId": request_id,
            "functionArn": function_arn,
            "condition": condition,
            "approximateInvokeCount": invoke_count,
        },
        "requestPayload": request_payload,
    }
    if invoke_count:
        context: dict[str, Any] = {"statusCode": 200, "executedVersion": version}
        if function_error:
            context["functionError"] = function_error
        record |= {"responseContext": context, "responsePayload": response_payload}
    return record


def dead_letter_attributes(request_id: str, error_message: str, *, error_code: int = 200) -> dict[str, dict[str, str]]:
    """Return the message attributes with which an event arrives in a dead-letter queue or topic.

    Parameters
    ----------
    request_id : the event's id
    error_message : the last attempt's; its first kilobyte is kept
    error_code : the HTTP status of the last attempt: 200 for a function error, 429 for a throttle

    Examples
    --------
    >>> dead_letter_attributes("8f5c", "no such order")["ErrorCode"]
    {'DataType': 'Number', 'StringValue': '200'}
    """
    message = error_message.encode()[:DEAD_LETTER_MESSAGE_BYTES].decode(errors="ignore")
    attributes = {
        "RequestID": {"DataType": "String", "StringValue": request_id},
        "ErrorCode": {"DataType": "Number", "StringValue": str(error_code)},
    }
    if message:  # a queue refuses an empty attribute
        attributes["ErrorMessage"] = {"DataType": "String", "StringValue": message}
    return attributes
