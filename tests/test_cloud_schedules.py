"""When schedules are due: AWS's expressions, against examples from its documentation and a search minute by minute."""

from __future__ import annotations

from calendar import monthrange
from datetime import UTC, datetime, timedelta
from functools import cache
from itertools import pairwise

import pytest

from helpers.cloud.events.cron import Cron
from helpers.cloud.events.schedules import At, Rate, Timetable, flexible_delay_s, in_rule, parse, time_zone
from helpers.cloud.events.schedules import moments as due_in

VIENNA, NEW_YORK = time_zone("Europe/Vienna"), time_zone("America/New_York")
START = datetime(2026, 11, 1, tzinfo=UTC)


def moments(text: str, count: int, after: datetime = START, **settings: object) -> list[str]:
    """Return the next moments of an expression, as text."""
    timetable, found = Timetable(parse(text), after, **settings), []
    while len(found) < count and (after := timetable.following(after)) is not None:
        found.append(after.strftime("%Y-%m-%d %H:%M"))
    return found


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("cron(0 10 * * ? *)", ["2026-11-01 10:00", "2026-11-02 10:00"]),
        ("cron(15 12 * * ? *)", ["2026-11-01 12:15", "2026-11-02 12:15"]),
        ("cron(0 18 ? * MON-FRI *)", ["2026-11-02 18:00", "2026-11-03 18:00"]),
        ("cron(0 8 1 * ? *)", ["2026-11-01 08:00", "2026-12-01 08:00"]),
        ("cron(0/15 * * * ? *)", ["2026-11-01 00:15", "2026-11-01 00:30"]),
        ("cron(0/5 8-17 ? * MON-FRI *)", ["2026-11-02 08:00", "2026-11-02 08:05"]),
        ("cron(0/30 20-2 ? * MON-FRI *)", ["2026-11-02 00:00", "2026-11-02 00:30"]),
        ("cron(15 10 ? * 6L 2026-2027)", ["2026-11-27 10:15", "2026-12-25 10:15"]),
        ("cron(0 9 ? * 2#1 *)", ["2026-11-02 09:00", "2026-12-07 09:00"]),
        ("cron(0 9 L * ? *)", ["2026-11-30 09:00", "2026-12-31 09:00"]),
        ("cron(0 9 3W * ? *)", ["2026-11-03 09:00", "2026-12-03 09:00"]),
        ("cron(0 9 1W * ? *)", ["2026-11-02 09:00", "2026-12-01 09:00"]),
        ("cron(0 9 31W * ? *)", ["2026-12-31 09:00", "2027-01-29 09:00"]),
        ("cron(0 9 ? * L *)", ["2026-11-07 09:00", "2026-11-14 09:00"]),
        ("cron(30 6 1,15 JAN,JUL ? *)", ["2027-01-01 06:30", "2027-01-15 06:30"]),
        ("cron(0 0 29 2 ? *)", ["2028-02-29 00:00", "2032-02-29 00:00"]),
        ("cron(0 9 ? * sun *)", ["2026-11-01 09:00", "2026-11-08 09:00"]),
        ("cron(0 0 1 1 ? 1970-2026)", []),
        ("rate(90 minutes)", ["2026-11-01 01:30", "2026-11-01 03:00"]),
        ("at(2026-11-20T13:00:00)", ["2026-11-20 13:00"]),
    ],
)
def test_an_expression_is_due_when_aws_says(expression: str, expected: list[str]) -> None:
    assert moments(expression, 2) == expected


@pytest.mark.parametrize(
    ("expression", "complaint"),
    [
        ("every day", "rate"),
        ("rate(0 minutes)", "whole number"),
        ("rate(5 weeks)", "minutes, hours or days"),
        ("at(2026-11-20)", "yyyy-mm-dd"),
        ("cron(0 10 * * *)", "six fields"),
        ("cron(0 10 * * * *)", r"\?"),
        ("cron(0 10 ? * ? *)", r"\?"),
        ("cron(60 10 * * ? *)", "minutes must be from 0 to 59"),
        ("cron(0 24 * * ? *)", "hours"),
        ("cron(0 10 0 * ? *)", "day of month"),
        ("cron(0 10 * FOO ? *)", "month"),
        ("cron(0 10 ? * 8 *)", "day of week"),
        ("cron(0 10 ? * 2#6 *)", "#"),
        ("cron(0 10 * * ? 1969)", "year"),
        ("cron(0 10 * * ? 2030-2026)", "year"),
        ("cron(0/0 10 * * ? *)", "steps"),
    ],
)
def test_what_aws_refuses_is_refused_by_name(expression: str, complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        parse(expression)


def test_a_rule_says_one_minute_and_two_minutes_and_knows_no_at() -> None:
    assert in_rule("rate(1 minute)") == in_rule("rate(60 minutes)".replace("60", "1").replace("s)", ")")) == Rate(60)
    for wrong in ("rate(1 minutes)", "rate(2 minute)", "at(2026-11-20T13:00:00)"):
        with pytest.raises(ValueError, match="rule"):
            in_rule(wrong)


def test_a_time_that_the_clocks_skip_is_skipped_and_one_that_comes_twice_counts_once() -> None:
    spring = moments("cron(30 2 * * ? *)", 2, datetime(2026, 3, 28, tzinfo=UTC), zone=VIENNA)
    assert spring == ["2026-03-28 01:30", "2026-03-30 00:30"]
    autumn = moments("cron(30 2 * * ? *)", 3, datetime(2026, 10, 24, tzinfo=UTC), zone=VIENNA)
    assert autumn == ["2026-10-24 00:30", "2026-10-25 00:30", "2026-10-26 01:30"]


def test_an_hourly_cron_pauses_for_the_hour_that_comes_twice() -> None:
    autumn = moments("cron(0 * * * ? *)", 4, datetime(2026, 11, 1, 4, 30, tzinfo=UTC), zone=NEW_YORK)
    assert autumn == ["2026-11-01 05:00", "2026-11-01 07:00", "2026-11-01 08:00", "2026-11-01 09:00"]


def test_a_day_of_a_rate_has_24_hours_whatever_the_clocks_do() -> None:
    start = datetime(2026, 10, 24, 0, 30, tzinfo=UTC)
    assert moments("rate(1 day)", 2, start, zone=VIENNA) == ["2026-10-25 00:30", "2026-10-26 00:30"]


def test_a_day_has_24_hours_also_when_its_start_is_told_by_the_clocks_of_a_place() -> None:
    found = due_in("rate(1 day)", datetime(2026, 10, 24, tzinfo=VIENNA), datetime(2026, 10, 28, tzinfo=VIENNA))
    assert {later - earlier for earlier, later in pairwise(found)} == {timedelta(days=1)}


def test_a_rate_begins_at_its_start_date_or_at_once_or_one_interval_later() -> None:
    early, start = START - timedelta(seconds=1), START + timedelta(hours=5)
    begins = {
        "start": Timetable(Rate(3600), START, start=start).following(early),
        "at once": Timetable(Rate(3600), START).following(early),
        "later": Timetable(Rate(3600), START, begins_at_once=False).following(early),
    }
    assert begins == {"start": start, "at once": START, "later": START + timedelta(hours=1)}


def test_start_and_end_dates_bound_what_repeats_and_are_nothing_to_at() -> None:
    start, end = START + timedelta(days=2), START + timedelta(days=4)
    daily = moments("cron(0 0 * * ? *)", 9, start=start, end=end)
    assert daily == ["2026-11-03 00:00", "2026-11-04 00:00", "2026-11-05 00:00"]
    assert moments("at(2027-01-01T00:00:00)", 9, start=start, end=end) == ["2027-01-01 00:00"]


def test_at_is_a_local_time() -> None:
    assert moments("at(2026-07-01T09:00:00)", 1, datetime(2026, 1, 1, tzinfo=UTC), zone=VIENNA) == ["2026-07-01 07:00"]
    assert isinstance(parse("at(2026-07-01T09:00:00)"), At)


def test_an_unknown_time_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="Europe/Vienna"):
        time_zone("Mars/Olympus")


def test_a_flexible_window_spreads_and_is_the_same_each_time() -> None:
    delays = [flexible_delay_s("arn", START + timedelta(days=day), 15) for day in range(300)]
    assert delays == [flexible_delay_s("arn", START + timedelta(days=day), 15) for day in range(300)]
    assert min(delays) < 60 < 840 < max(delays) < 900
    assert flexible_delay_s("arn", START, 0) == 0


@cache
def listed(text: str, value: int, low: int, high: int) -> bool:
    """Say whether a number is in a list of numbers, ranges and steps."""
    for part in text.split(","):
        body, _, step = part.partition("/")
        first, _, last = body.partition("-")
        begin = low if body == "*" else int(first)
        end = high if body == "*" or (step and not last) else int(last or first)
        if begin <= value <= end and (value - begin) % int(step or 1) == 0:
            return True
    return False


def fits(cron: dict[str, str], local: datetime) -> bool:
    """Say whether a local time fits, field by field: the reference, which shares nothing with the calculation."""

    if not (listed(cron["minutes"], local.minute, 0, 59) and listed(cron["hours"], local.hour, 0, 23)):
        return False
    weekday, last_day = local.isoweekday() % 7 + 1, monthrange(local.year, local.month)[1]
    if cron["week_days"] == "?":
        text = cron["month_days"]
        if text == "L":
            day = local.day == last_day
        elif text.endswith("W"):
            month = [local.replace(day=at) for at in range(1, last_day + 1)]
            wanted = int(text[:-1])
            near = [one for one in month if one.isoweekday() < 6]
            nearest = min(near, key=lambda one: (abs(one.day - wanted), one.day)).day if wanted <= last_day else None
            day = local.day == nearest
        else:
            day = listed(text, local.day, 1, 31)
    else:
        text = cron["week_days"]
        if text.endswith("L"):
            day = weekday == int(text[:-1]) and local.day + 7 > last_day
        elif "#" in text:
            number, which = map(int, text.split("#"))
            day = weekday == number and (local.day - 1) // 7 + 1 == which
        else:
            day = listed(text, weekday, 1, 7)
    return day and listed(cron["months"], local.month, 1, 12)


@pytest.mark.thorough
def test_the_next_moment_is_the_one_that_a_search_minute_by_minute_finds() -> None:
    hypothesis = pytest.importorskip("hypothesis")
    strategies = hypothesis.strategies

    def field(low: int, high: int) -> object:
        number = strategies.integers(low, high)
        pair = strategies.tuples(number, number).map(lambda two: f"{min(two)}-{max(two)}")
        step = strategies.tuples(number, strategies.integers(1, 20)).map(lambda two: f"{two[0]}/{two[1]}")
        one = strategies.one_of(number.map(str), pair, step)
        return strategies.one_of(strategies.just("*"), strategies.lists(one, min_size=1, max_size=3).map(",".join))

    month_days = strategies.one_of(field(1, 31), strategies.just("L"), strategies.integers(1, 31).map("{}W".format))
    week_days = strategies.one_of(
        field(1, 7),
        strategies.integers(1, 7).map("{}L".format),
        strategies.tuples(strategies.integers(1, 7), strategies.integers(1, 5)).map(lambda two: f"{two[0]}#{two[1]}"),
    )
    days = strategies.one_of(month_days.map(lambda one: (one, "?")), week_days.map(lambda one: ("?", one)))
    # Around the nights when clocks change, in two zones, and where they never do.
    place = strategies.sampled_from(
        [
            (VIENNA, datetime(2026, 3, 28, 20, tzinfo=UTC)),
            (VIENNA, datetime(2026, 10, 24, 20, tzinfo=UTC)),
            (NEW_YORK, datetime(2026, 11, 1, 1, tzinfo=UTC)),
            (time_zone("Australia/Lord_Howe"), datetime(2026, 4, 4, 10, tzinfo=UTC)),
            (UTC, datetime(2028, 2, 28, tzinfo=UTC)),
        ]
    )

    @hypothesis.settings(max_examples=40)
    @hypothesis.given(field(0, 59), field(0, 23), days, field(1, 12), place, strategies.integers(0, 600))
    def check(minutes: str, hours: str, days: tuple[str, str], months: str, place: tuple, offset: int) -> None:
        zone, base = place
        after = base + timedelta(minutes=offset)
        fields = dict(zip(("month_days", "week_days"), days, strict=True))
        fields |= {"minutes": minutes, "hours": hours, "months": months}
        text = f"{minutes} {hours} {days[0]} {months} {days[1]} *"
        found = Timetable(Cron.parse(text), after, zone).following(after)
        expected = None
        for ahead in range(1, 1440):
            when = after + timedelta(minutes=ahead)
            local = when.astimezone(zone)
            if local.fold == 0 and fits(fields, local.replace(tzinfo=None)):
                expected = when
                break
        assert found == expected or (expected is None and (found is None or found >= after + timedelta(days=2)))

    check()
