"""The interval around a simulated cold-start probability, against published values and by hand."""

from statistics import NormalDist

import numpy as np
import pytest

from helpers.scaling import Platform, constant, from_timestamps, poisson, simulate
from helpers.scaling.result import spread_of_ratio, students_t, wilson

# Student's quantiles of 97.5% and 99.5% for 10, 20 and 40 degrees of freedom, from any table.
STUDENT = {0.975: (2.228139, 2.085963, 2.021075), 0.995: (3.169273, 2.845340, 2.704459)}


def z(quantile):
    return NormalDist().inv_cdf(quantile)


def test_one_cold_start_in_ten_has_wilsons_interval():
    assert wilson(0.1, 10, z(0.975)) == pytest.approx((0.017876, 0.404150), abs=1e-6)
    few = simulate(from_timestamps(np.arange(10) / 10), duration_ms=1, init_ms=1)
    assert (few.invocations, few.cold) == (10, 1)
    assert few.confidence() == pytest.approx((0.017876, 0.404150), abs=1e-6)


@pytest.mark.parametrize("quantile", STUDENT)
def test_students_quantile_is_off_by_the_third_power_of_one_over_the_degrees_of_freedom(quantile):
    off = [
        table - students_t(z(quantile), freedom) for table, freedom in zip(STUDENT[quantile], (10, 20, 40), strict=True)
    ]
    assert 7.8 < off[0] / off[1] < 8.5
    assert 7.8 < off[1] / off[2] < 8.5
    assert students_t(z(0.975), 29) == pytest.approx(2.04523, rel=1e-4)


def test_a_share_scatters_as_its_batches_do():
    # thirty batches of a hundred invocations, of which none and ten in turn start cold
    colds, started = np.tile([0.0, 10.0], 15), np.full(30, 100.0)
    assert spread_of_ratio(colds, started) == pytest.approx((30 * 5**2 / (30 * 29)) ** 0.5 / 100)
    assert spread_of_ratio(started / 20, started) == 0


def test_cold_starts_in_groups_make_the_interval_wider_than_single_ones_would():
    # Batches of 200 s in turn: a request a second, of which the first is cold; a request each 10 s, all of them cold.
    dense, sparse = np.arange(100.0), np.arange(5, 200, 10.0)
    times = np.concatenate([200 * batch + (sparse if batch % 2 else dense) for batch in range(30)])
    run = simulate(from_timestamps(times, 6000), duration_ms=1, init_ms=0, platform=Platform(keep_alive_s=4))
    colds, started = np.tile([1.0, 20.0], 15), np.tile([100.0, 20.0], 15)
    assert (run.cold, run.invocations) == (colds.sum(), started.sum()) == (315, 1800)
    reach = 2.04523 * np.sqrt(((colds - 0.175 * started) ** 2).sum() / (30 * 29)) / 60
    assert reach > 2 * (0.175 - wilson(0.175, 1800, z(0.975)).low)
    assert run.confidence() == pytest.approx((0.175 - reach, 0.175 + reach), rel=1e-4)


def test_the_interval_is_that_of_19_in_20_unless_another_is_asked_for():
    run = simulate(poisson(0.005, 2e5, 1), duration_ms=1e-3, init_ms=0)
    assert run.confidence() == run.confidence(0.95)
    nine, almost = run.confidence(0.9), run.confidence(0.9999)
    assert almost.low < run.confidence().low < nine.low < run.cold_start_probability
    assert run.cold_start_probability < nine.high < run.confidence().high < almost.high


@pytest.mark.parametrize("level", [0.49, 0.99991])
def test_a_level_without_sense_is_refused(level):
    with pytest.raises(ValueError, match=r"level must be between 0\.5 and 0\.9999"):
        simulate(constant(1, 5), duration_ms=1, init_ms=1).confidence(level)


def test_an_interval_holds_nothing_below_none_and_above_all():
    run = simulate(from_timestamps([0, 1000, 2000, 3000], 4000), duration_ms=1, init_ms=0)
    assert run.cold_start_probability == 1
    assert run.confidence(0.5).high == 1
    # one batch of warm requests among 29 of cold ones: alone, the scatter would reach beyond all
    sparse = np.arange(5, 200, 10.0)
    times = np.concatenate([np.arange(100.0), *(200 * batch + sparse for batch in range(1, 30))])
    grouped = simulate(from_timestamps(times, 6000), duration_ms=1, init_ms=0, platform=Platform(keep_alive_s=4))
    assert grouped.cold_start_probability < 0.9
    assert grouped.confidence().high == 1
    assert simulate(from_timestamps([], 10), duration_ms=1, init_ms=0).confidence() == (0, 1)
