"""A cloud is quiet when no part of it has anything under way."""

from __future__ import annotations

import threading

import pytest

from helpers.cloud.clock import Clock
from helpers.cloud.quiet import Quiet


def test_what_moves_from_one_part_to_another_while_somebody_looks_is_not_overlooked() -> None:
    quiet, place = Quiet(), {"first": 0, "second": 1}

    def first() -> int:
        return place["first"]

    def second() -> int:
        if place["second"]:  # the first was asked already, and said nothing: now the event goes there
            place.update(first=1, second=0)
            quiet.changed()
            return 0
        return 0

    quiet.watch("first", first)
    quiet.watch("second", second)
    assert not quiet.settle(0)
    assert quiet.waiting() == {"first": 1}


def test_settling_ends_as_soon_as_the_last_thing_ends() -> None:
    quiet, open_ = Quiet(), [1]
    quiet.watch("events", lambda: open_[0])

    def end() -> None:
        open_[0] = 0
        quiet.changed()

    threading.Timer(0.05, end).start()
    assert quiet.settle(10)


def test_a_clock_goes_forward_only() -> None:
    clock, heard = Clock(), []
    clock.when_advanced(lambda: heard.append(clock.now()))
    before = clock.now()
    after = clock.advance(days=1, hours=1, minutes=1, seconds=1)
    assert (after - before).total_seconds() == pytest.approx(90_061, abs=5)
    assert len(heard) == 1
    with pytest.raises(ValueError, match="must be between 0 and 31622400"):
        clock.advance(days=-1)
