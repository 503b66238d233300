"""Pauses in a cloud pass by its clock."""

from __future__ import annotations

import threading
import time

import pytest

from helpers.cloud.clock import Clock
from helpers.cloud.pauses import Pauses


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def pauses(clock: Clock) -> Pauses:
    return Pauses(clock)


def test_a_pause_ends_when_the_clock_is_put_forward(clock: Clock, pauses: Pauses) -> None:
    ended = []
    pausing = threading.Thread(target=lambda: ended.append(pauses.wait(3600)))
    pausing.start()
    clock.advance(minutes=59)
    clock.advance(minutes=2)
    pausing.join(10)
    assert ended == [True]


def test_a_pause_passes_as_fast_as_it_is_told_to(pauses: Pauses) -> None:
    before_s = time.monotonic()
    assert pauses.wait(60, speed=6000)
    assert time.monotonic() - before_s >= 0.0099


def test_a_pause_ends_when_its_reason_does_and_says_that_the_time_has_not_passed(pauses: Pauses) -> None:
    reason, ended = [True], []
    pausing = threading.Thread(target=lambda: ended.append(pauses.wait(3600, lambda: reason[0])))
    pausing.start()
    reason[0] = False
    pauses.poke()
    pausing.join(10)
    assert ended == [False]


def test_nobody_pauses_once_the_cloud_has_ended(pauses: Pauses) -> None:
    pauses.close()
    assert not pauses.wait(3600)
