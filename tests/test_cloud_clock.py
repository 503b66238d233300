"""The clock of a cloud goes from one appointment to the next, and with nobody advancing, the timer wakes it."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from helpers.cloud.clock import Clock
from helpers.cloud.timer import Timer

HOUR = 3600


@pytest.fixture
def timer() -> Iterator[Timer]:
    timer = Timer()
    yield timer
    timer.stop()


def test_what_falls_due_runs_in_order_when_the_clock_shows_its_time() -> None:
    clock, ran = Clock(), []
    start_s = clock.time_s()
    for hours in (3, 1, 2):
        due_s = start_s + hours * HOUR
        clock.at(due_s, lambda due_s=due_s: ran.append((due_s, clock.time_s())))
    clock.advance(hours=2.5)
    assert [due_s for due_s, _ in ran] == [start_s + HOUR, start_s + 2 * HOUR]
    assert all(due_s <= shown_s < due_s + 1 for due_s, shown_s in ran)


def test_what_is_due_together_runs_in_the_order_of_its_arrangement() -> None:
    clock, ran = Clock(), []
    due_s = clock.time_s() + HOUR
    for name in "cab":
        clock.at(due_s, lambda name=name: ran.append(name))
    clock.advance(days=1)
    assert ran == ["c", "a", "b"]


def test_what_is_arranged_on_the_way_falls_due_on_the_way() -> None:
    clock, ran = Clock(), []

    def again(due_s: float) -> None:
        ran.append(due_s)
        clock.at(due_s + HOUR, lambda: again(due_s + HOUR))

    first_s = clock.time_s() + HOUR
    clock.at(first_s, lambda: again(first_s))
    clock.advance(days=1)
    assert len(ran) == 24


def test_everything_comes_to_rest_between_two_moments() -> None:
    seen: list[str] = []
    clock = Clock(settle=lambda _: seen.append("rest") or True)
    for hours in (1, 2):
        clock.at(clock.time_s() + hours * HOUR, lambda: seen.append("job"))
    clock.advance(hours=3)
    assert seen == ["rest", "job", "rest", "rest", "job", "rest"]


def test_what_the_present_moment_began_comes_to_rest_before_the_clock_moves() -> None:
    seen: list[str] = []
    clock = Clock(settle=lambda _: seen.append("rest") or True)
    clock.at(clock.time_s() + HOUR, lambda: seen.append("job"))
    clock.advance(hours=2)
    assert seen[:2] == ["rest", "job"]


def test_what_never_comes_to_rest_ends_in_an_error_at_its_moment() -> None:
    rests = iter([True, False])
    clock = Clock(settle=lambda _: next(rests))
    before = clock.now()
    clock.at(clock.time_s() + HOUR, lambda: None)
    with pytest.raises(TimeoutError, match=r"what was due at .* goes on"):
        clock.advance(days=1)
    assert (clock.now() - before).total_seconds() == pytest.approx(HOUR, abs=5)


def test_an_appointment_can_be_called_off() -> None:
    clock, ran = Clock(), []
    clock.at(clock.time_s() + HOUR, lambda: ran.append("off")).cancel()
    clock.advance(days=1)
    assert ran == []


def test_one_that_fails_keeps_no_other_from_running() -> None:
    clock, ran = Clock(), []
    clock.at(clock.time_s() + HOUR, lambda: 1 / 0)
    clock.at(clock.time_s() + HOUR, lambda: ran.append("next"))
    clock.advance(days=1)
    assert ran == ["next"]


def test_with_nobody_advancing_the_timer_wakes_the_clock(timer: Timer) -> None:
    clock, rang = Clock(timer), threading.Event()
    clock.at(clock.time_s() + HOUR, lambda: None)
    clock.at(clock.time_s() + 0.05, rang.set)
    assert rang.wait(5)


def test_after_an_advance_the_next_appointment_is_that_much_nearer(timer: Timer) -> None:
    clock, rang = Clock(timer), threading.Event()
    clock.at(clock.time_s() + HOUR, rang.set)
    clock.advance(seconds=HOUR - 0.1)
    assert rang.wait(5)


def test_progress_is_told_from_moment_to_moment() -> None:
    clock, told = Clock(), []
    for hours in (6, 12, 18):
        clock.at(clock.time_s() + hours * HOUR, lambda: None)
    end = clock.advance(days=1, progress=lambda now, end: told.append((now, end)))
    assert len(told) == 3
    assert all(now < at_end for now, at_end in told)
    assert abs((told[-1][1] - end).total_seconds()) < 1


def test_what_is_late_says_by_how_much_so_that_a_machine_that_slept_need_not_make_up_for_it() -> None:
    clock = Clock()
    assert clock.late_s(clock.time_s() - HOUR) == pytest.approx(HOUR, abs=5)
    assert clock.late_s(clock.time_s() + HOUR) == 0


def test_who_advances_the_clock_sees_every_moment_in_its_time() -> None:
    clock, late = Clock(), []
    for hours in (1, 2):
        due_s = clock.time_s() + hours * HOUR
        clock.at(due_s, lambda due_s=due_s: late.append(clock.late_s(due_s)))
    clock.advance(hours=3)
    assert late == [0, 0]
