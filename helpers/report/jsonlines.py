"""Access logs in JSON, a request a line: API Gateway's, nginx's, and most that people define themselves.

Their keys are chosen by whoever set them up, so a field is known by any of its usual names. What CloudWatch puts in
front of a line, and the commas and brackets of an array, are passed over.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from helpers.report.formats import clf_second, iso_second

# Usual names without case and punctuation, best first.
NAMES = {
    "time": ("requesttimeepoch", "requesttime", "time", "timestamp", "timelocal", "timeiso8601", "ts", "date", "msec"),
    "status": ("status", "statuscode", "responsestatus", "httpstatus", "code"),
    "size": ("responselength", "bytessent", "bodybytessent", "bytes", "size", "responsesize"),
    "duration": ("responselatency", "latency", "integrationlatency", "responsetime", "requestduration", "duration"),
}
# nginx's $request_time is a duration, API Gateway's $context.requestTime a date: told apart by the value.
SECONDS = ("requesttime", "upstreamresponsetime", "durationseconds", "elapsed")
MS_ENDINGS = ("ms", "millis", "milliseconds")


def plain_key(key: str) -> str:
    """Return a key without case and punctuation.

    >>> plain_key("$context.requestTime"), plain_key("response_latency")
    ('requesttime', 'responselatency')
    """
    return "".join(sign for sign in key.lower().rsplit("context.", 1)[-1] if sign.isalnum())


def fields_of(record: Mapping[str, Any]) -> dict[str, str]:
    """Return which keys of a record hold time, status, size and duration (``duration_s`` where it counts seconds)."""
    plain = {plain_key(key): key for key in record}
    found: dict[str, str] = {}
    for what, names in NAMES.items():
        for name in names:
            key = plain.get(name)
            if key is not None and _suits(what, record[key]):
                found[what] = key
                break
    if "duration" not in found:
        for name, key in plain.items():
            if name in SECONDS and key != found.get("time") and _number(record[key]) is not None:
                found["duration_s"] = key
                break
            if name.endswith(MS_ENDINGS) and key != found.get("time") and _number(record[key]) is not None:
                found["duration"] = key
                break
    return found


def _suits(what: str, value: Any) -> bool:
    if what == "time":
        return second_of(value) is not None
    return _number(value) is not None or value == "-"


def _number(value: Any) -> float | None:
    try:
        return float(value) if not isinstance(value, bool) else None
    except (TypeError, ValueError):
        return None


def second_of(value: Any) -> tuple[int, int] | None:
    """Return seconds since 1970 and the local time's offset, from a number or a text; None if it is no time.

    >>> second_of(1795600803123), second_of("25/Nov/2026:10:00:03 +0000"), second_of("0.25")
    ((1795600803, 0), (1795600803, 0), None)
    """
    number = _number(value)
    if number is not None:
        # Seconds, milliseconds, micro- or nanoseconds, by their size: all dates from 1990 on.
        for unit in (1.0, 1e3, 1e6, 1e9):
            if 6.3e8 <= number / unit < 1e10:
                return int(number / unit), 0
        return None
    text = str(value).encode()
    return clf_second(text) if b"/" in text[:7] and b":" in text[7:13] else iso_second(text)


def record_of(line: bytes) -> dict[str, Any] | None:
    """Return the object that a line holds, or None."""
    start = line.find(b"{")
    if start < 0:
        return None
    try:
        record = json.loads(line[start:].rstrip().rstrip(b",]"))
    except ValueError:
        return None
    return record if isinstance(record, dict) else None
