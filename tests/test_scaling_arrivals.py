"""Arrivals: the right number at the right times, in order, from the seed alone, without holding them all."""

import itertools

import numpy as np
import pandas as pd
import pytest

from helpers.scaling import bursts, constant, daily, from_timestamps, poisson, ramp
from helpers.scaling.arrivals import knots

KINDS = {
    "poisson": (poisson(20, 1000, seed=1), 20_000),
    "ramp up": (ramp(0, 40, 1000, seed=2), 20_000),
    "ramp down": (ramp(30, 10, 1000, seed=3), 20_000),
    "daily": (daily([0.1, 0.4], days=1.5, seed=4), 0.1 * 86_400 + 0.4 * 43_200),
    "bursts": (bursts(10, 110, 100, 10, 1000, seed=5), 20_000),
    "flat, then up": (knots([0, 500, 1000], [10, 10, 50], seed=10), 20_000),
    "constant": (constant(20, 1000), 20_000),
    "overlay": (poisson(15, 1000, seed=6) + ramp(0, 10, 1000, seed=7), 20_000),
    "scaled": (ramp(0, 20, 1000, seed=8) * 2, 20_000),
    "scaled recording": (from_timestamps(poisson(50, 1000, seed=9).times_s, 1000) * 0.4, 20_000),
    "scaled overlay": (2 * (poisson(5, 1000, seed=1) + constant(5, 1000)), 20_000),
}
everything = pytest.mark.parametrize(("arrivals", "expected"), KINDS.values(), ids=KINDS)


@everything
def test_there_are_as_many_as_the_rate_says(arrivals, expected):
    assert len(arrivals) == pytest.approx(expected, abs=5 * expected**0.5)
    assert len(arrivals) == arrivals.times_s.size


@everything
def test_times_come_in_order_within_the_period_and_the_same_each_time(arrivals, expected):
    times = arrivals.times_s
    assert (np.diff(times) >= 0).all()
    assert times[0] >= 0
    assert times[-1] < arrivals.duration_s
    assert (times == arrivals.times_s).all()


@pytest.mark.parametrize(
    ("arrivals", "rate"),
    [
        (ramp(0, 40, 1000, seed=1), lambda t: 0.04 * t),
        (ramp(30, 10, 1000, seed=2), lambda t: 30 - 0.02 * t),
        (knots([0, 500, 1000], [10, 10, 50], seed=10), lambda t: np.where(t < 500, 10, 10 + 0.08 * (t - 500))),
        (bursts(10, 110, 100, 10, 1000, seed=3), lambda t: np.where(t % 100 >= 90, 110, 10)),
        (daily([0, 9, 1], days=2, seed=4) * 0.3, lambda t: np.array([0, 2.7, 0.3])[(t // 28_800).astype(int) % 3]),
    ],
    ids=["ramp up", "ramp down", "flat, then up", "bursts", "daily"],
)
def test_the_rate_follows_its_curve(arrivals, rate):
    edges = np.linspace(0, arrivals.duration_s, 51)
    counts = np.histogram(arrivals.times_s, edges)[0]
    fine = np.linspace(0, arrivals.duration_s, 50_000, endpoint=False) + arrivals.duration_s / 100_000
    expected = rate(fine).reshape(50, -1).mean(axis=1) * arrivals.duration_s / 50
    assert (np.abs(counts - expected) <= 5 * np.sqrt(expected) + 1e-9).all()


def test_gaps_of_a_poisson_process_are_exponential():
    gaps = np.diff(poisson(10, 20_000, seed=1).times_s)
    assert gaps.mean() == pytest.approx(0.1, rel=0.01)
    assert (gaps > 0.1).mean() == pytest.approx(np.exp(-1), rel=0.01)


def test_another_seed_gives_other_times():
    assert poisson(1, 100, seed=1).times_s[0] != poisson(1, 100, seed=2).times_s[0]


def test_an_overlay_is_both_sorted_together():
    one, other = poisson(1000, 300, seed=1), constant(900, 200)
    both = one + other
    assert both.duration_s == 300
    assert both.times_s.tolist() == sorted([*one.times_s, *other.times_s])


def test_a_recording_scaled_up_keeps_its_requests_and_fills_the_gaps_between():
    doubled = from_timestamps([0, 1, 3], duration_s=5) * 2
    assert doubled.times_s.tolist() == [0, 0.5, 1, 2, 3, 4]
    assert (doubled * 0.5).times_s.tolist() == [0, 1, 3]
    assert len(from_timestamps([1]) * 0.1) == 0


def test_a_hundred_million_requests_start_to_stream_at_once():
    arrivals = poisson(10_000, 10_000, seed=1) + constant(1, 10_000)
    first = list(itertools.islice(arrivals.pieces(), 3))
    assert sum(piece.size for piece in first) < 500_000


def test_dates_count_from_the_first():
    dates = pd.Series(pd.to_datetime(["2026-01-01T10:00:05", "2026-01-01T10:00:00"], utc=True))
    assert from_timestamps(dates).times_s.tolist() == [0, 5]
    assert from_timestamps(dates.dt.tz_localize(None)).duration_s == 5


WRONG = {
    "rate_per_s must be 0 or more, got -1": lambda: poisson(-1, 10),
    "duration_s must be more than 0, got 0": lambda: poisson(1, 0),
    "times must be 0 or more, got -2": lambda: from_timestamps([1, -2]),
    "duration_s must be 3 or more, got 2": lambda: from_timestamps([3], duration_s=2),
    "factor must be more than 0, got 0": lambda: poisson(1, 1) * 0,
    "burst_s must be between 0 and 10, got 20": lambda: bursts(1, 2, 10, 20, 100),
}


@pytest.mark.parametrize("message", WRONG)
def test_a_wrong_argument_is_refused_in_the_callers_words(message):
    with pytest.raises(ValueError, match=message):
        WRONG[message]()
