"""AWS's dialect of cron: six fields, with ``?``, ``L``, ``W`` and ``#``.

Minutes, hours, day of the month, month, day of the week (1 is Sunday), year. One of the two days is ``?``. Lists,
ranges, steps and names of months and weekdays may stand in each. Libraries for cron were looked at: they read Unix's
five fields or Quartz' seven, count weekdays from another one, or take both days together.
"""

from __future__ import annotations

import re
from calendar import monthrange
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import lru_cache

MONTHS = {
    name: at
    for at, name in enumerate(["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"], 1)
}
WEEKDAYS = {name: at for at, name in enumerate(["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"], 1)}
FIRST_YEAR, LAST_YEAR = 1970, 2199


@dataclass(frozen=True)
class Field:
    """What one of the fields is called, and what may stand in it."""

    name: str
    low: int
    high: int
    names: tuple[tuple[str, int], ...] = ()

    def number(self, text: str) -> int:
        """Read a number or a name."""
        value = dict(self.names).get(text.upper(), None)
        if value is None:
            value = int(text) if text.isdecimal() else -1
        if not self.low <= value <= self.high:
            raise ValueError(f"{self.name} must be from {self.low} to {self.high}, got {text!r}")
        return value

    def numbers(self, text: str) -> frozenset[int]:
        """Read a field without days' letters: ``*``, or a list of numbers, ranges and steps."""
        found: set[int] = set()
        for part in text.split(","):
            body, slash, step_text = part.partition("/")
            step = 1
            if slash:
                step = int(step_text) if step_text.isdecimal() else 0
                if step < 1:
                    raise ValueError(f"{self.name} takes steps of a whole number from 1, got {part!r}")
            first, dash, last = body.partition("-")
            if body == "*":
                low, high = self.low, self.high
            elif dash:
                low, high = self.number(first), self.number(last)
            else:
                low = self.number(body)
                high = self.high if slash else low
            if low > high and self is YEAR:
                raise ValueError(f"{self.name} takes ranges from the lower to the higher, got {part!r}")
            if low > high:  # FRI-MON, 22-2: over the end and on from the beginning
                span = self.high - self.low + 1
                found.update((at - self.low) % span + self.low for at in range(low, high + span + 1, step))
            else:
                found.update(range(low, high + 1, step))
        return frozenset(found)


MINUTE, HOUR, DAY = Field("minutes", 0, 59), Field("hours", 0, 23), Field("day of month", 1, 31)
MONTH = Field("month", 1, 12, tuple(MONTHS.items()))
WEEKDAY = Field("day of week", 1, 7, tuple(WEEKDAYS.items()))
YEAR = Field("year", FIRST_YEAR, LAST_YEAR)


@dataclass(frozen=True)
class Cron:
    """A cron expression, read.

    Attributes
    ----------
    minutes, hours, months, years : the numbers that fit
    month_days, week_days : the two fields of days as written; one of them is ``?``
    """

    minutes: tuple[int, ...]
    hours: tuple[int, ...]
    month_days: str
    months: frozenset[int]
    week_days: str
    years: frozenset[int]

    @classmethod
    def parse(cls, text: str) -> Cron:
        """Read what stands between the brackets of ``cron()``.

        Raises
        ------
        ValueError
            that names the field

        Examples
        --------
        >>> Cron.parse("0 10 ? * 6L 2026").following(datetime(2026, 11, 1)).isoformat()  # the last Friday
        '2026-11-27T10:00:00'
        """
        fields = text.split()
        if len(fields) != 6:
            raise ValueError(f"cron() takes six fields, got {len(fields)} in {text!r}")
        minutes, hours, month_days, months, week_days, years = fields
        if (month_days == "?") == (week_days == "?"):
            raise ValueError(
                "cron() takes ? as the day of the month or as the day of the week, and in one of them only"
            )
        cron = cls(
            minutes=tuple(sorted(MINUTE.numbers(minutes))),
            hours=tuple(sorted(HOUR.numbers(hours))),
            month_days=month_days.upper(),
            months=MONTH.numbers(months),
            week_days=week_days.upper(),
            years=YEAR.numbers(years),
        )
        cron.days(2028, 2)  # what is wrong with the days shows now
        return cron

    def following(self, after: datetime) -> datetime | None:
        """Return the first local time later than ``after`` that fits, without a time zone, or None."""
        start = (after + timedelta(minutes=1)).replace(second=0, microsecond=0)
        for year in range(max(start.year, FIRST_YEAR), LAST_YEAR + 1):
            if year not in self.years:
                continue
            for month in sorted(self.months):
                if (year, month) < (start.year, start.month):
                    continue
                for day in self.days(year, month):
                    if date(year, month, day) < start.date():
                        continue
                    today = date(year, month, day) == start.date()
                    for hour in self.hours:
                        if today and hour < start.hour:
                            continue
                        for minute in self.minutes:
                            if not (today and hour == start.hour and minute < start.minute):
                                return datetime(year, month, day, hour, minute)
        return None

    def days(self, year: int, month: int) -> tuple[int, ...]:
        """Return the days of a month that fit."""
        return _days(self.month_days, self.week_days, year, month)


@lru_cache(4096)
def _days(month_days: str, week_days: str, year: int, month: int) -> tuple[int, ...]:
    last = monthrange(year, month)[1]
    if week_days == "?":
        found = {day for part in month_days.split(",") for day in _of_month(part, year, month, last)}
    else:
        found = {day for part in week_days.split(",") for day in _of_week(part, year, month, last)}
    return tuple(sorted(day for day in found if day <= last))


def _of_month(part: str, year: int, month: int, last: int) -> frozenset[int] | set[int]:
    if part == "L":
        return {last}
    if nearest := re.fullmatch(r"(\d+)W", part):
        wanted = DAY.number(nearest[1])
        return {_nearest_workday(year, month, wanted, last)} if wanted <= last else set()
    return DAY.numbers(part)


def _of_week(part: str, year: int, month: int, last: int) -> set[int]:
    if part == "L":  # the last day of the week
        part = "7"
    if found := re.fullmatch(r"(\w+)L", part):
        return {max(_weekdays(year, month, last, WEEKDAY.number(found[1])))}
    if found := re.fullmatch(r"(\w+)#(\d)", part):
        which = int(found[2])
        if not 1 <= which <= 5:
            raise ValueError(f"day of week takes # with a number from 1 to 5, got {part!r}")
        return set(_weekdays(year, month, last, WEEKDAY.number(found[1]))[which - 1 : which])
    return {day for one in WEEKDAY.numbers(part) for day in _weekdays(year, month, last, one)}


def _weekdays(year: int, month: int, last: int, wanted: int) -> list[int]:
    """Return the days of a month that fall on a day of the week; 1 is Sunday."""
    return [day for day in range(1, last + 1) if date(year, month, day).isoweekday() % 7 + 1 == wanted]


def _nearest_workday(year: int, month: int, day: int, last: int) -> int:
    """Return the day from Monday to Friday that is nearest, within the month."""
    weekday = date(year, month, day).isoweekday()
    if weekday == 6:
        return day - 1 if day > 1 else day + 2
    if weekday == 7:
        return day + 1 if day < last else day - 2
    return day
