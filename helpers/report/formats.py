"""How lines of a log look, and what is taken from one: its time, status, size and duration. Never an address.

A format is a pattern over whole lines with four groups, so that a block of a log is read in one go; what doesn't match
is looked at line by line and counted. Times repeat, so each is worked out once. Patterns are liberal about what other
programs add: a virtual host in front, fields of one's own at the end, IPv6, ``-`` for what is missing.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta, timezone
from functools import lru_cache
from itertools import pairwise

import numpy as np

MONTHS = {name: number for number, name in enumerate(b"Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split(), 1)}
QUOTED = rb'"[^"\\\n]*+(?:\\.[^"\\\n]*+)*+"'


@dataclass(frozen=True)
class Format:
    """How one kind of log writes a line.

    Attributes
    ----------
    name : in words
    pattern : over bytes, with the groups time, status, size and duration (each may be empty)
    columns : what each group is, for people to confirm
    second : from the bytes of a time to seconds since 1970 (UTC) and the offset of its local time; None if it is none
    duration_ms : what one unit of the duration is in ms
    zone : whether the log says what its time zone is
    order : where time, status, size and duration stand among the pattern's groups
    """

    name: str
    pattern: re.Pattern[bytes]
    columns: tuple[tuple[str, str], ...]
    second: Callable[[bytes], tuple[int, int] | None]
    duration_ms: float = 1000.0
    zone: str = "each line says its own"
    order: tuple[int, int, int, int] = (0, 1, 2, 3)


@lru_cache(maxsize=200_000)
def clf_second(text: bytes) -> tuple[int, int] | None:
    """Read ``25/Nov/2026:10:00:03 +0100``.

    >>> clf_second(b"25/Nov/2026:10:00:03 +0100")
    (1795597203, 3600)
    """
    try:
        day, month, year = int(text[0:2]), MONTHS[text[3:6].title()], int(text[7:11])
        hour, minute, second = int(text[12:14]), int(text[15:17]), int(text[18:20])
        offset = _offset(text[20:].rsplit(b" ", 1)[-1]) if len(text) > 20 else 0
        return _epoch(year, month, day, hour, minute, second) - offset, offset
    except (ValueError, KeyError, OverflowError):
        return None


def moment_second(text: bytes) -> tuple[int, int] | None:
    """Read a moment in either way of writing.

    >>> moment_second(b"2026-11-25T10:00:03+00:00"), moment_second(b"25/Nov/2026:10:00:03.123 +0000")
    ((1795600803, 0), (1795600803, 0))
    """
    return iso_second(text) if text[4:5] == b"-" else clf_second(text)


@lru_cache(maxsize=200_000)
def iso_second(text: bytes) -> tuple[int, int] | None:
    """Read ``2026-11-25T10:00:03.123456Z`` and its relatives; without an offset it counts as UTC.

    >>> iso_second(b"2026-11-25T10:00:03"), iso_second(b"2026/11/25 10:00:03+01:00")
    ((1795600803, 0), (1795597203, 3600))
    """
    try:
        year, month, day = int(text[0:4]), int(text[5:7]), int(text[8:10])
        hour, minute = int(text[11:13]), int(text[14:16])
        second = int(text[17:19]) if text[16:17] == b":" else 0
        tail = text[16:].lstrip(b":.,0123456789").strip()
        offset = _offset(tail)
        return _epoch(year, month, day, hour, minute, second) - offset, offset
    except (ValueError, OverflowError):
        return None


MOST_RUNS = 200
_DIGITS = [0, 1, 3, 4, 6, 7]


def seconds_of(
    times: Sequence[bytes], second: Callable[[bytes], tuple[int, int] | None]
) -> list[tuple[np.ndarray, int]] | None:
    """Read many times at once, run by run of one date and offset; None if they change too often, or one is no time.

    A log's neighbouring lines are nearly always of one day. The first one of a run is read as usual, the others by the
    digits of their clock.

    >>> seconds_of([b"25/Nov/2026:10:00:03 +0100", b"25/Nov/2026:10:00:09 +0100"], clf_second)
    [(array([1795597203, 1795597209]), 3600)]
    """
    table = np.array(times)
    width = table.dtype.itemsize
    if width < 19:
        return None
    signs = table.view(np.uint8).reshape(-1, width)
    start = 11 if times[0][4:5] == b"-" else 12
    clock = np.arange(start, start + 8)
    rest = np.delete(signs, clock, axis=1)
    cuts = np.flatnonzero((rest[1:] != rest[:-1]).any(axis=1)) + 1
    digits = signs[:, clock].astype(np.int64) - 48
    numbers = digits[:, [0, 3, 6]] * 10 + digits[:, [1, 4, 7]]
    plain = digits[:, _DIGITS]
    if cuts.size > MOST_RUNS or (plain < 0).any() or (plain > 9).any() or (numbers > [23, 59, 61]).any():
        return None
    clocks = numbers @ np.array([3600, 60, 1])
    runs = []
    for first, last in pairwise([0, *cuts.tolist(), len(times)]):
        known = second(times[first])
        if known is None:
            return None
        runs.append((clocks[first:last] - clocks[first] + known[0], known[1]))
    return runs


def _offset(text: bytes) -> int:
    """Return the seconds of ``+0100``, ``-03:30``, ``Z`` or nothing."""
    digits = text.replace(b":", b"")
    if digits[:1] not in (b"+", b"-") or not digits[1:].isdigit():
        return 0
    size = int(digits[1:3]) * 3600 + int(digits[3:5] or 0) * 60
    return -size if digits[:1] == b"-" else size


@lru_cache(maxsize=10_000)
def _midnight(year: int, month: int, day: int) -> int:
    return int(datetime(year, month, day, tzinfo=UTC).timestamp())


def _epoch(year: int, month: int, day: int, hour: int, minute: int, second: int) -> int:
    if not (0 <= hour < 24 and 0 <= minute < 60 and 0 <= second < 62):  # a leap second may be written
        raise ValueError
    return _midnight(year, month, day) + hour * 3600 + minute * 60 + second


# As web servers write a moment, or as ISO 8601 has it.
_WEB = rb"\d\d?/[A-Za-z]{3}/\d{4}:\d\d:\d\d:\d\d(?:\.\d+)?(?: [+-]\d{4})?"
_MOMENT = rb"(" + _WEB + rb"|\d{4}-\d\d-\d\dT[\d:.]{8,16}(?:Z|[+-]\d\d:?\d\d)?)"
# Address, identity and user; a user may hold spaces. Whatever stands before the bracket is never captured.
_CLF_FRONT = rb"(?m)^(?:\[[^\]\n]*\]\S* )?[^\[\n]*+\[" + _MOMENT + rb"\] "
_CLF_REQUEST = rb"(?:" + QUOTED + rb"|-)"
_REST = rb" (\d{3}|-)(?: (\d+|-))?"
CLF_COLUMNS = (("time", "in brackets"), ("status", "after the request"), ("size", "after the status, bytes"))

COMBINED = Format(
    "Apache or nginx access log (common or combined)",
    re.compile(_CLF_FRONT + _CLF_REQUEST + _REST + rb"()[^\n]*$"),
    CLF_COLUMNS,
    moment_second,
)
_TIMED_COLUMNS = (*CLF_COLUMNS, ("duration", "first number with decimals after the quotes, seconds"))
# The first number after referer, agent and whatever else stands in quotes; the upstream's time may follow it.
TIMED = Format(
    "Apache or nginx access log with a response time at the end (seconds)",
    re.compile(_CLF_FRONT + _CLF_REQUEST + _REST + rb"(?: " + QUOTED + rb')*+ "?(\d+\.\d{3,6})\b[^\n]*$'),
    _TIMED_COLUMNS,
    moment_second,
)
# Anywhere near the end, with or without a name in front: rt=0.123 urt="0.120".
NAMED = Format(
    "Apache or nginx access log with a named response time (seconds)",
    re.compile(_CLF_FRONT + _CLF_REQUEST + _REST + rb'[^\n]*[ ="](\d+\.\d{3,6})"?(?: [^\n]{0,40})?\r?$'),
    (*CLF_COLUMNS, ("duration", "last number with three decimals, seconds")),
    moment_second,
)
# ingress-nginx: length of the request, its time, then the upstream in brackets.
INGRESS = Format(
    "ingress-nginx access log (seconds)",
    re.compile(_CLF_FRONT + _CLF_REQUEST + _REST + rb" [^\n]*\" \d+ (\d+\.\d{3}) \[[^\n]*$"),
    (*CLF_COLUMNS, ("duration", "request_time, seconds")),
    moment_second,
)
MILLIS = Format(
    "access log with milliseconds at the end, as Traefik writes it",
    re.compile(_CLF_FRONT + _CLF_REQUEST + _REST + rb" [^\n]*[ \"](\d+)ms\"?\r?$"),
    (*CLF_COLUMNS, ("duration", "last number, milliseconds")),
    moment_second,
    duration_ms=1.0,
)
MICRO = Format(
    "Apache access log with a response time at the end (microseconds)",
    re.compile(_CLF_FRONT + _CLF_REQUEST + _REST + rb" [^\n]*[ \"](\d+)\r?$"),
    (*CLF_COLUMNS, ("duration", "last number, microseconds")),
    moment_second,
    duration_ms=0.001,
)
# type time elb client target, three times, two statuses, two sizes
ALB = Format(
    "AWS Application Load Balancer access log",
    re.compile(
        rb"(?m)^(?:https?|h2|grpcs?|wss?) (\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)[.\d]*Z? \S+ \S+ \S+ "
        rb"-?[\d.]+ (?=(-?[\d.]+))-?[\d.]+ -?[\d.]+ (\d{3}|-) \S+ \S+ (\d+|-)[^\n]*$"
    ),
    (
        ("time", "second field, UTC"),
        ("duration", "target_processing_time, seconds (-1: none)"),
        ("status", "elb_status_code"),
        ("size", "sent_bytes"),
    ),
    iso_second,
    zone="UTC, as AWS writes it",
    order=(0, 2, 3, 1),
)
ELB = Format(
    "AWS Classic Load Balancer access log",
    re.compile(
        rb"(?m)^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)[.\d]*Z? \S+ \S+ \S+ "
        rb"-?[\d.]+ (?=(-?[\d.]+))-?[\d.]+ -?[\d.]+ (\d{3}|-) \S+ \S+ (\d+|-)[^\n]*$"
    ),
    (
        ("time", "first field, UTC"),
        ("duration", "backend_processing_time, seconds (-1: none)"),
        ("status", "elb_status_code"),
        ("size", "sent_bytes"),
    ),
    iso_second,
    zone="UTC, as AWS writes it",
    order=(0, 2, 3, 1),
)
LINE_FORMATS = (ALB, ELB, INGRESS, TIMED, NAMED, MILLIS, MICRO, COMBINED)
# For a line that fits none: quotes that nobody escaped inside a request.
LIBERAL = re.compile(rb"\[" + _MOMENT + rb'\].*" (\d{3}|-)(?: (\d+|-))?()(?: |$)')


def columns_of(form: Format, found: list[tuple[bytes, ...]]) -> tuple[tuple[bytes, ...], ...]:
    """Turn matches into four columns: times, statuses, sizes, durations."""
    columns = tuple(zip(*found, strict=True))
    return tuple(columns[place] for place in form.order)


def outline(line: bytes, most: int = 60) -> str:
    """Return what a line looks like without saying what it says: letters become x, digits 9.

    >>> outline(b"192.0.2.7 - - [25/Nov/2026] GET /?token=secret")
    '999.9.9.9 - - [99/xxx/9999] xxx /?xxxxx=xxxxxx'
    """
    text = line[:most].decode("ascii", "replace").rstrip()
    shown = re.sub(r"[0-9]", "9", re.sub(r"[A-Za-z]", "x", text))
    shown = "".join(sign if sign.isprintable() else "?" for sign in shown)
    return shown + ("…" if len(line.rstrip()) > most else "")


UNITS_MS = {"s": 1000.0, "ms": 1.0, "us": 0.001}
# Servers seldom let a request take longer than a minute: a larger number of a whole unit counts microseconds.
LONGEST_MS, USUAL_MS, LARGEST_PORT = 60_000, 5_000, 65_535


def with_unit(form: Format, lines: Sequence[bytes]) -> Format:
    """Return a format whose whole numbers at the end of a line have the unit that fits them, or are no duration.

    Apache's ``%D`` counts microseconds, Tomcat's ``%D`` milliseconds, and some logs end in a port. Three different
    values or fewer are no durations; a number above a minute, or a median above five seconds, counts microseconds.
    """
    if form is not MICRO:
        return form
    values = sorted(int(match[4]) for line in lines if (match := form.pattern.match(line)))
    if len(values) >= 10 and len(set(values)) <= 3 and values[-1] <= LARGEST_PORT:
        return COMBINED
    if values[-1] > LONGEST_MS or values[len(values) // 2] > USUAL_MS:
        return form
    columns = (*CLF_COLUMNS, ("duration", "last number, taken for milliseconds"))
    name = "Apache or Tomcat access log with a response time at the end (milliseconds)"
    return replace(form, name=name, columns=columns, duration_ms=1.0)


def in_unit(form: Format, unit: str) -> Format:
    """Return a format with durations in another unit: ``s``, ``ms``, ``us``, or ``none`` to leave them out."""
    if unit == "none":
        columns = tuple(column for column in form.columns if column[0] != "duration")
        return replace(form, columns=columns, duration_ms=0.0)
    return replace(form, duration_ms=UNITS_MS[unit])


def zone_of(offset_s: int) -> str:
    """Write an offset as people do.

    >>> zone_of(3600), zone_of(0)
    ('UTC+01:00', 'UTC')
    """
    return "UTC" if not offset_s else str(timezone(timedelta(seconds=offset_s)))
