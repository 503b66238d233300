"""The advisor's arithmetic by hand: bills line by line, measures, bounds, and what the busiest hour of a log is."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from helpers.advice import Case, Sketch, Traffic, case_of, modelled, options, shape_of, split
from helpers.advice.bills import curve, environments, total
from helpers.advice.case import is_job
from helpers.advice.memory import sizes
from helpers.advice.playing import QUANTILES, busiest, durations, play
from helpers.advice.rules import MEASURES
from helpers.advice.sensitivity import RANGES, tornado

MONTH_S = 730 * 3600
# Two requests a second, three times as many in the busiest minute; 100 ms of waiting, 50 of computing on a full vCPU.
CASE = {
    "requests_month": 2 * MONTH_S,
    "wait_ms": 100,
    "cpu_ms": 50,
    "memory_mb": 1769,
    "peak": 3,
    "longest_ms": 3000,
    "init_ms": 500,
    "cold_share": 0.02,
    "latency_aim_ms": 600,
    "state_mb": 100,
    "state_trips": 4,
}


def billed(name: str, case: Case) -> dict[str, float]:
    """What the compute of a way is billed for, by item."""
    found = {option.name: option.compute for option in options(case)}[name]
    return {line.item: line.quantity for line in found.lines}


# Measures


@pytest.mark.parametrize(
    ("measure", "value"),
    [
        ("longest_s", 3),
        ("longest_cold_s", 3.5),
        ("memory_mb", 1769),
        ("late_percent", 2),
        ("warm_percent", 25),
        ("state_mb", 100),
        ("state_percent", 100 * 4 * 5 / 600),  # four trips of 5 ms
        ("peak_per_s", 6),
        ("peak_concurrency", 1),  # 6 × 0.15, in whole environments
        ("busy_percent", 30),
        ("every_s", 0.5),
    ],
)
def test_what_a_rule_measures(measure: str, value: float) -> None:
    assert MEASURES[measure](Case(**CASE)) == pytest.approx(value)


def test_no_more_than_all_of_the_time_is_busy_and_a_start_within_the_aim_is_never_late() -> None:
    assert MEASURES["busy_percent"](Case(**CASE | {"requests_month": 20 * MONTH_S})) == 100
    assert MEASURES["late_percent"](Case(**CASE | {"latency_aim_ms": 650})) == 0
    assert environments(Case(**CASE | {"requests_month": 20 * MONTH_S})) == 9
    assert environments(Case(**CASE | {"requests_month": 22 * MONTH_S})) == 10  # 9.9


# Bills


def test_a_task_a_run_is_billed_for_its_seconds_and_for_two_gb_at_least() -> None:
    job = {"requests_month": 100, "wait_ms": 60_000, "cpu_ms": 60_000, "trigger": "schedule", "door": "none"}
    small, large = (billed("Fargate, a task a run", Case(**job, memory_mb=mb)) for mb in (1769, 4200))
    hours = 100 * 120 / 3600
    assert small == pytest.approx({"Fargate vCPU": hours, "Fargate memory": 2 * hours})
    assert large == pytest.approx({"Fargate vCPU": hours, "Fargate memory": 5 * hours})
    endless = Case(**job | {"wait_ms": 800 * 3_600_000})
    assert billed("Fargate, a task a run", endless)["Fargate vCPU"] == pytest.approx(100 * 730)  # a month is its most


def test_a_minute_makes_a_job() -> None:
    assert is_job(Case(requests_month=1, wait_ms=59_990, cpu_ms=10, memory_mb=1769))
    assert not is_job(Case(requests_month=1, wait_ms=59_980, cpu_ms=10, memory_mb=1769))


def test_tasks_that_follow_the_day_are_as_many_as_an_average_hour_needs() -> None:
    # 1,000 a second of 10 ms keep 10 vCPUs busy, 40 at the peak; half busy 80, over the busiest hour's factor of 2: 40.
    busy = Case(requests_month=1000 * MONTH_S, peak=4, peak_hour=2)
    assert billed("Fargate, following", busy) == pytest.approx({"Fargate vCPU": 40 * 730, "Fargate memory": 80 * 730})
    quiet = Case(requests_month=1000, peak=4, peak_hour=2)
    assert billed("Fargate, following", quiet) == pytest.approx({"Fargate vCPU": 2 * 730, "Fargate memory": 4 * 730})


def test_one_small_server_has_a_disk_and_an_address() -> None:
    lines = billed("One small server", Case(requests_month=1000))
    assert sorted(lines.values()) == pytest.approx([20, 730, 730])


def test_a_committed_instance_has_a_disk_of_its_own() -> None:
    lines = billed("EC2 committed", Case(requests_month=1000))  # two units always run
    assert sorted(lines.values()) == pytest.approx([2 * 20, 2 * 730])


def test_what_is_longer_than_an_invocation_is_priced_in_pieces_and_says_why_it_cannot_run() -> None:
    case = Case(requests_month=10, wait_ms=1_999_990, cpu_ms=10, memory_mb=1769, free_tier=False)
    function = options(case)[0]
    lines = {line.item: line.quantity for line in function.compute.lines}
    assert lines["Requests"] == pytest.approx(3 * 10 / 1e6)
    assert lines["Duration x86_64"] == pytest.approx(10 * 2000 * 1769 / 1024, rel=1e-5)
    assert function.note == "in 3 pieces"
    assert function.obstacle == "the longest run takes 2,000 s, an invocation 900 s at most"


def test_one_run_that_takes_too_long_stands_in_the_way() -> None:
    obstacles = [options(Case(**CASE | {"longest_ms": longest_ms}))[0].obstacle for longest_ms in (899_000, 950_000)]
    assert obstacles == ["", "the longest run takes 950 s, an invocation 900 s at most"]


def test_the_ways_stand_in_their_order() -> None:
    case = Case(requests_month=100, wait_ms=60_000, cpu_ms=10, peak_hour=2)
    assert [option.name for option in options(case)] == [
        *("Lambda", "Lambda, arm64", "Lambda, provisioned", "Fargate, a task a run", "One small server"),
        *("Fargate", "Fargate, following", "EC2", "EC2 committed", "EKS", "Rack"),
    ]


@pytest.mark.parametrize("name", ["Lambda", "EC2", "Rack"])
def test_a_curve_is_the_bill_with_peoples_time(name: str) -> None:
    case = Case(requests_month=1e6, people_hours=10)
    assert curve(case, name)(1e6).total == pytest.approx(total(name, case))


def test_a_size_of_memory_that_takes_too_long_has_no_bill() -> None:
    case = Case(requests_month=10, wait_ms=899_980, cpu_ms=10, memory_mb=1769)
    found = {size.memory_mb: size.usd["arm64"] for size in sizes(case)}
    assert [mb for mb, usd in found.items() if usd is None] == [128, 256, 512]  # 900,118, 900,049 and 900,015 ms
    assert list(found) == [128, 256, 512, 1024, 1769, 3008, 4096, 10_240]


# Cases


@pytest.mark.parametrize(
    ("name", "good", "bad"),
    [
        ("peak", 1, 0.5),
        ("peak_hour", 1, 0.5),
        ("idle_share", 1, 1.5),
        ("cold_share", 1, 1.5),
        ("utilisation", 1, 1.5),
        ("minimum", 1, 0),
    ],
)
def test_a_case_has_bounds(name: str, good: float, bad: float) -> None:
    assert getattr(Case(requests_month=1, **{name: good}), name) == good
    with pytest.raises(ValueError, match=f"{name} must be"):
        Case(requests_month=1, **{name: bad})


def test_three_tenths_of_a_duration_compute_unless_said_otherwise() -> None:
    assert split(100) == pytest.approx({"wait_ms": 70, "cpu_ms": 30})
    with pytest.raises(ValueError, match="cpu_share must be"):
        split(100, cpu_share=1.5)


def test_traffic_without_any_peak_makes_a_case_without_one() -> None:
    even = shape_of(Traffic(start_s=0, step_s=60, counts=np.full(240, 60)), duration_ms=100)
    case = case_of(Case(requests_month=1), even)
    assert (case.peak, case.peak_hour, case.requests_month) == (1, 1, MONTH_S)
    by_turns = shape_of(at([0, 120] * 120), duration_ms=100)
    case = case_of(Case(requests_month=1), by_turns)
    assert (case.peak, case.peak_hour) == (2, 1)


# What is moved


def test_each_input_moves_over_the_range_that_was_entered() -> None:
    assert {what: (down, up) for what, (down, up, _) in RANGES.items()} == {
        "requests": (0.5, 3),
        "duration": (0.5, 2),
        "memory": (0.5, 2),
        "peak": (0.5, 3),
        "cold starts": (0, 5),
        "size of an answer": (0.25, 4),
        "log per request": (0.25, 4),
    }


def test_no_peak_falls_below_the_average_and_no_more_than_all_start_cold() -> None:
    peak, cold = RANGES["peak"][2], RANGES["cold starts"][2]
    assert peak(Case(requests_month=1, peak=1.2, peak_hour=1.1), 0.5).peak == 1
    assert cold(Case(requests_month=1, cold_share=0.5), 5).cold_share == 1
    assert {swing.what for swing in tornado(Case(requests_month=1e6))} == set(RANGES)


# Traffic


def at(counts: Any, step_s: int = 60, **others: Any) -> Traffic:
    return Traffic(start_s=4 * 86_400, step_s=step_s, counts=np.array(counts), **others)


def test_the_busiest_hour_begins_at_any_minute() -> None:
    counts = np.ones(240, dtype=int)
    counts[90:150] = 5
    shape = shape_of(at(counts), duration_ms=600)
    assert (shape.peak, shape.peak_hour) == pytest.approx((5 / 2, 5 / 2))
    assert shape.mean_concurrency == pytest.approx(480 / 240 / 60 * 0.6)


def test_a_log_in_seconds_is_looked_at_by_the_minute() -> None:
    counts = np.zeros(600, dtype=int)
    counts[60:120] = 1  # sixty in one minute, and none in the nine others
    shape = shape_of(at(counts, step_s=1), duration_ms=100)
    assert (shape.peak_minute_per_s, shape.peak_second, shape.idle_share) == (1, 1, 0.9)


def test_requests_by_weekday_and_hour() -> None:
    week = np.arange(7 * 24)
    hours = shape_of(at(week, step_s=3600), duration_ms=100).by_hour
    assert hours.tolist() == week.reshape(7, 24).tolist()  # the period begins on a Monday
    half = shape_of(at(np.full(8 * 48, 3), step_s=1800), duration_ms=100).by_hour
    assert np.unique(half).tolist() == [6]


def test_burstiness_is_variance_over_mean_within_each_hour() -> None:
    # An hour of 2 and 4 by turns: mean 3, variance 60/59. A second hour, twice as busy, varies four times as much.
    hour = np.tile([2, 4], 30)
    shape = shape_of(at(np.concatenate([hour, 2 * hour])), duration_ms=100)
    assert shape.burstiness == pytest.approx((60 / 59 + 4 * 60 / 59) / (3 + 6))
    assert math.isnan(shape_of(at([5, 7] * 12, step_s=1800), duration_ms=100).burstiness)  # two counts an hour
    assert shape_of(at([5, 8, 5, 8, 8, 8] * 8, step_s=1200), duration_ms=100).burstiness > 0  # three are enough


def test_a_month_has_730_hours_at_the_logs_rate() -> None:
    assert at([1] * 10, step_s=1).requests_a_month == MONTH_S


def test_monthly_figures_are_spread_over_four_weeks_from_a_monday() -> None:
    made = modelled(730 * 60 * 1000, shape="even", weekend=0)
    assert (made.counts.size, made.step_s) == (4 * 7 * 24 * 60, 60)
    days = made.counts.reshape(4, 7, 1440).mean(axis=(0, 2))
    assert days[:5] == pytest.approx(1000 * 7 / 5, rel=0.01)  # five days carry what seven would
    assert days[5:].tolist() == [0, 0]
    assert shape_of(made, duration_ms=1).by_hour[5:].sum() == 0
    even = modelled(730 * 60 * 1000, shape="even").counts.reshape(4, 7, 1440).mean(axis=(0, 2))
    assert even == pytest.approx(np.full(7, 1000), rel=0.01)  # a weekend is as any day, unless said otherwise
    assert [modelled(1e6, weeks=weeks).counts.size for weeks in (1, 52)] == [7 * 1440, 52 * 7 * 1440]
    for weeks in (0, 53):
        with pytest.raises(ValueError, match="weeks must be"):
            modelled(1e6, weeks=weeks)


# Durations and stretches


def test_a_sketchs_points_are_the_middles_of_equal_shares() -> None:
    sketch = Sketch.of(range(10, 120, 10))
    assert sketch.points(1) == pytest.approx([60], rel=0.006)
    assert len(sketch.points()) == 1000
    with pytest.raises(ValueError, match="q must be"):
        sketch.quantile(1.5)


def test_without_a_log_durations_scatter_around_the_mean_with_a_p99_of_three_medians() -> None:
    drawn = durations(at([1]), Case(**CASE)).draw(np.random.default_rng(1), 400_000)
    assert drawn.mean() == pytest.approx(150, rel=0.01)
    assert np.quantile(drawn, 0.99) / np.median(drawn) == pytest.approx(3, rel=0.02)


def test_a_logs_durations_are_stretched_to_the_functions_mean_and_end_at_the_timeout() -> None:
    log = at([1], durations=Sketch.of([10, 20, 30]))
    drawn = durations(log, Case(**CASE)).draw(np.random.default_rng(1), 30_000)
    assert sorted(set(drawn.round())) == pytest.approx([75, 150, 225], rel=0.01)
    long = durations(at([1], durations=Sketch.of([1, 99])), Case(requests_month=1, wait_ms=800_000, cpu_ms=1))
    assert long.draw(np.random.default_rng(1), 1000).max() == 900_000


def test_the_stretch_that_is_played_lies_around_the_busiest_hour() -> None:
    counts = np.ones(24, dtype=int)
    counts[17] = 9
    assert busiest(at(counts, step_s=3600), most=13) == (15, 20)  # 9 and two hours on each side
    counts[20:22] = 6  # more in two hours, and in none of them as much
    assert busiest(at(counts, step_s=3600), most=11) == (16, 19)
    minutes = np.ones(600, dtype=int)
    minutes[300:360] = 2
    assert busiest(at(minutes), most=150) == (286, 375)  # 120 within the hour, and as much on both sides as fits
    assert QUANTILES == (0.5, 0.95, 0.99, 0.999)


def test_every_request_is_played_once_and_inits_p99_is_twice_its_median() -> None:
    every_twenty_minutes = np.zeros(40_000, dtype=int)
    every_twenty_minutes[::20] = 1
    case = Case(requests_month=1, wait_ms=0, cpu_ms=0.001, init_ms=1000)
    played = play(at(every_twenty_minutes), case)
    assert (played.requests, played.cold_share) == (2000, 1)
    assert played.latency_ms[2] / played.latency_ms[0] == pytest.approx(2, rel=0.15)
