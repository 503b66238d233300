"""When a schedule is due: AWS's ``rate()``, ``cron()`` and ``at()`` expressions, and their next moments.

Pure calculations, without clock or cloud; :mod:`~helpers.cloud.events.cron` reads the six fields of ``cron()``.
Sources, as of 2026-11: "Schedule types in EventBridge Scheduler" in the Scheduler's user guide, and "Using cron and
rate expressions to schedule rules" in EventBridge's. Where clocks change, a local time that doesn't exist is skipped,
and one that comes twice counts once (we take the first). A day of ``rate()`` has 24 hours, whatever the clocks do.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from zoneinfo import ZoneInfo, available_timezones

from helpers.cloud.events.cron import Cron

_FORM = re.compile(r"(rate|cron|at)\((.*)\)")
_RATE = re.compile(r"(\d+) (minute|hour|day)(s?)")
_AT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d")
_UNIT_S = {"minute": 60, "hour": 3_600, "day": 86_400}


@dataclass(frozen=True)
class Rate:
    """Again and again, at equal distances."""

    every_s: int


@dataclass(frozen=True)
class At:
    """Once, at a local time."""

    local: datetime


Expression = Rate | Cron | At


def parse(text: str) -> Expression:
    """Read a schedule expression.

    Raises
    ------
    ValueError
        that says what is wrong with it

    Examples
    --------
    >>> parse("rate(5 minutes)")
    Rate(every_s=300)
    >>> parse("at(2026-11-29T02:30:00)").local.isoformat()
    '2026-11-29T02:30:00'
    """
    found = _FORM.fullmatch(text.strip())
    if not found:
        raise ValueError(f"a schedule is rate(...), cron(...) or at(...), got {text!r}")
    kind, inside = found.groups()
    if kind == "cron":
        return Cron.parse(inside)
    if kind == "at":
        if not _AT.fullmatch(inside):
            raise ValueError(f"at() takes a local time as yyyy-mm-ddThh:mm:ss, got {inside!r}")
        return At(datetime.fromisoformat(inside))
    rate = _RATE.fullmatch(inside)
    if not rate or int(rate[1]) < 1:
        raise ValueError(f"rate() takes a whole number from 1 and minutes, hours or days, got {inside!r}")
    return Rate(int(rate[1]) * _UNIT_S[rate[2]])


def in_rule(text: str) -> Expression:
    """Read the schedule of an EventBridge rule: no ``at()``, and one minute is not ``1 minutes``.

    >>> in_rule("rate(1 minutes)")
    Traceback (most recent call last):
    ...
    ValueError: rate() of a rule says 1 minute, and 2 minutes, got 'rate(1 minutes)'
    """
    found = parse(text)
    if isinstance(found, At):
        raise ValueError(f"a rule takes rate(...) or cron(...), got {text!r}")
    rate = _RATE.fullmatch(text.strip()[5:-1]) if isinstance(found, Rate) else None
    if rate and (int(rate[1]) == 1) == bool(rate[3]):
        raise ValueError(f"rate() of a rule says 1 minute, and 2 minutes, got {text!r}")
    return found


def time_zone(name: str) -> ZoneInfo:
    """Return a time zone by its IANA name.

    Raises
    ------
    ValueError
        when there is no such zone
    """
    if name not in available_timezones():
        raise ValueError(f"there is no time zone {name!r}; one is named as Europe/Vienna is")
    return ZoneInfo(name)


@dataclass(frozen=True)
class Timetable:
    """A schedule expression with all that decides when it is due.

    Attributes
    ----------
    expression : as :func:`parse` returns it
    anchor : when the schedule came to be; a rate without ``start`` counts from here
    zone : where the hours of ``cron()`` and ``at()`` are read
    start, end : first and last moment of a repeated schedule; ``at()`` ignores both, as AWS does
    begins_at_once : a rate's first moment is its anchor, and not one interval later
    """

    expression: Expression
    anchor: datetime
    zone: tzinfo = UTC
    start: datetime | None = None
    end: datetime | None = None
    begins_at_once: bool = True

    def following(self, after: datetime) -> datetime | None:
        """Return the first moment later than ``after``, in UTC, or None when there is none.

        >>> daily = Timetable(parse("cron(30 2 * * ? *)"), datetime(2026, 3, 1, tzinfo=UTC), time_zone("Europe/Vienna"))
        >>> daily.following(datetime(2026, 3, 28, 12, tzinfo=UTC)).isoformat()  # at half past two on the 29th: never
        '2026-03-30T00:30:00+00:00'
        """
        # Two times of one zone are compared and subtracted by the clock on the wall: hence UTC.
        after = after.astimezone(UTC)
        if isinstance(self.expression, At):
            when = self.expression.local.replace(tzinfo=self.zone).astimezone(UTC)
            return when if when > after else None
        if self.start is not None:
            after = max(after, self.start.astimezone(UTC) - timedelta.resolution)
        found = self._rate(after) if isinstance(self.expression, Rate) else self._cron(after)
        return None if found is None or (self.end is not None and found > self.end.astimezone(UTC)) else found

    def _rate(self, after: datetime) -> datetime:
        every = timedelta(seconds=self.expression.every_s)
        first = (self.start or self.anchor).astimezone(UTC)
        if self.start is None and not self.begins_at_once:
            first += every
        return first if after < first else first + every * ((after - first) // every + 1)

    def _cron(self, after: datetime) -> datetime | None:
        local = after.astimezone(self.zone).replace(tzinfo=None)
        while (candidate := self.expression.following(local)) is not None:
            local = candidate
            found = candidate.replace(tzinfo=self.zone).astimezone(UTC)
            # Without `fold`, the first of two; one that doesn't exist comes back as another.
            exists = found.astimezone(self.zone).replace(tzinfo=None) == candidate
            if exists and found > after:
                return found
        return None


def moments(expression: str, start: datetime, end: datetime, *, zone: str = "UTC") -> list[datetime]:
    """Return when an expression is due after ``start``, up to ``end``, by the clocks of a zone.

    Parameters
    ----------
    expression : ``rate(...)``, which counts from ``start``; ``cron(...)`` or ``at(...)``
    start, end : with their time zones
    zone : where the expression is read, and what the result shows

    Examples
    --------
    >>> start, end = datetime(2027, 3, 27, tzinfo=UTC), datetime(2027, 3, 30, tzinfo=UTC)
    >>> [f"{one:%d %H:%M}" for one in moments("cron(30 2 * * ? *)", start, end, zone="Europe/Vienna")]
    ['27 02:30', '29 02:30']
    """
    where = time_zone(zone)
    timetable, found, after = Timetable(parse(expression), start, where), [], start
    while (following := timetable.following(after)) is not None and following <= end.astimezone(UTC):
        after = following
        found.append(after.astimezone(where))
    return found


def flexible_delay_s(schedule: str, when: datetime, window_minutes: int) -> float:
    """Return how long after its time a schedule with a flexible window starts: the same each time it is asked.

    AWS spreads such starts over the window and doesn't say how; here the schedule's name and time decide.

    Parameters
    ----------
    schedule : ARN
    when : the moment that the schedule names
    window_minutes : 0 without a window
    """
    seed = hashlib.sha256(f"{schedule} {when.isoformat()}".encode()).digest()
    return int.from_bytes(seed[:6]) % max(1, window_minutes * 60)
