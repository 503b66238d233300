"""Demand meets capacity: Little's law, a week that is what it says, fleets that are late, requests that wait."""

import numpy as np
import pytest

from helpers.capacity import (
    DAY_MINUTES,
    DAY_SHAPE,
    WEEK_MINUTES,
    Fleet,
    Week,
    assumptions,
    concurrency,
    cost_of_idle,
    serve,
    units_needed,
    without,
)


def flat(rate, minutes=120):
    return np.full(minutes, float(rate))


def step(before, after, at=60, minutes=180):
    return np.where(np.arange(minutes) < at, float(before), float(after))


def test_the_same_seed_gives_the_same_week_and_another_seed_another():
    assert np.array_equal(Week().rates(), Week().rates())
    assert not np.array_equal(Week(seed=2).rates(), Week().rates())


@pytest.mark.parametrize("launch", [1, 2, 3, 7.5])
def test_launch_day_has_so_many_times_an_ordinary_days_requests(launch):
    week = Week(launch=launch, spread=0, ramp_minutes=1)
    start = week.launch_minute
    day, ordinary = (w.rates()[start : start + DAY_MINUTES].sum() for w in (week, Week(launch=1, spread=0)))
    assert day == pytest.approx(launch * ordinary, rel=0.005)


def test_an_ordinary_weekday_averages_what_it_is_asked_to():
    assert Week(per_second=40, launch=1, spread=0).rates()[:DAY_MINUTES].mean() == pytest.approx(40, rel=0.01)


def test_weekends_are_busier_by_the_declared_factor():
    hourly = Week(launch=1, spread=0).hourly().groupby("day").requests.sum()
    assert hourly["Sat"] / hourly["Tue"] == pytest.approx(1.25, rel=0.02)


def test_nights_are_quiet_and_evenings_busy():
    tuesday = Week(launch=1).hourly().query("day == 'Tue'").set_index("clock").requests
    assert tuesday.idxmin() in ("03:00", "04:00", "05:00")
    assert tuesday.idxmax() in ("19:00", "20:00", "21:00")


def test_the_launch_comes_at_an_hour_in_which_half_as_many_call_as_on_average():
    hours = Week(launch=1, spread=0).hourly().query("day == 'Thu'").set_index("clock").requests
    assert hours[f"{Week().launch_hour:02.0f}:00"] / hours.mean() == pytest.approx(0.5, abs=0.01)


def test_after_launch_day_the_surplus_halves_every_six_hours():
    surplus = Week(spread=0).rates() - Week(launch=1, spread=0).rates()
    end = Week().launch_minute + DAY_MINUTES
    assert surplus[end : end + 13 * 60 : 360] / surplus[end - 1] == pytest.approx([1, 0.5, 0.25], rel=0.005)


def test_the_week_closes_as_a_ring():
    rates = Week(per_second=1, launch=1, spread=0).rates()
    sunday, monday = (1.25 * DAY_SHAPE[-1], DAY_SHAPE[0]) / np.mean(DAY_SHAPE)
    # half an hour before midnight to half an hour after, the level moves evenly
    assert rates[-1] == pytest.approx(sunday + (monday - sunday) * 29.5 / 60)
    assert rates[0] == pytest.approx(sunday + (monday - sunday) * 30.5 / 60)


def test_where_nothing_is_to_be_carried_one_unit_stays():
    assert units_needed(load=0, unit_capacity=1) == 1


def test_hours_and_minutes_count_the_same_requests():
    assert Week().hourly().requests.sum() == pytest.approx(Week().rates().sum() * 60, abs=100)


def test_traffic_before_the_launch_knows_nothing_of_it():
    week = Week(launch=5)
    assert np.array_equal(week.rates()[: week.launch_minute], Week(launch=1).rates()[: week.launch_minute])


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("launch", 0.5),
        ("per_second", 0),
        ("launch_day", 7),
        ("launch_hour", 23.1),
        ("ramp_minutes", 0),
        ("spread", 0.51),
    ],
)
def test_a_week_without_sense_is_refused_by_name(name, value):
    with pytest.raises(ValueError, match=f"{name} must be"):
        Week(**{name: value})


def test_a_week_at_the_edge_of_sense_is_taken():
    assert Week(launch=1, launch_day=6, launch_hour=23, ramp_minutes=1, spread=0.5).rates().min() > 0


def test_every_assumption_of_the_week_has_a_reason_that_fits_its_table():
    table = assumptions(Week())
    assert len(table) == 9
    assert table.reason.str.len().between(10, 50).all(), "pandas cuts longer ones when it shows a frame"


@pytest.mark.parametrize(
    ("name", "value"),
    [("unit_rate", 0), ("use", 0), ("use", 1.01), ("minimum", -1), ("lead_minutes", -1), ("review_minutes", 0)],
)
def test_a_fleet_without_sense_is_refused_by_name(name, value):
    with pytest.raises(ValueError, match=f"{name} must be"):
        Fleet(**{"unit_rate": 1, name: value})


def test_a_fleet_in_steady_traffic_keeps_what_the_formula_says():
    fleet = Fleet(unit_rate=20, use=0.6, lead_minutes=5, review_minutes=5)
    serving, paid = fleet.following(flat(100))
    assert set(serving) == {units_needed(load=100, unit_capacity=20, utilisation=0.6)}
    assert np.array_equal(serving, paid)


@pytest.mark.parametrize(("review", "lead"), [(1, 0), (1, 2), (5, 5), (5, 20)])
def test_a_fleet_has_grown_when_review_and_lead_time_have_passed_and_not_before(review, lead):
    fleet = Fleet(unit_rate=10, use=1, minimum=1, lead_minutes=lead, review_minutes=review)
    serving, _ = fleet.following(step(10, 100))
    assert set(serving[: 60 + review + lead]) == {1}
    assert set(serving[60 + review + lead + 1 :]) == {10}


def test_a_unit_is_paid_from_its_order_on_and_serves_after_its_lead_time():
    serving, paid = Fleet(unit_rate=10, use=1, minimum=1, lead_minutes=7).following(step(10, 100))
    assert (paid - serving)[61:68].tolist() == [9] * 7
    assert (paid - serving).sum() == 9 * 7


def test_a_fleet_shrinks_only_after_it_was_too_large_for_a_while():
    serving, _ = Fleet(unit_rate=10, use=1, minimum=1, linger_minutes=15).following(step(100, 10))
    assert serving[61 + 14] == 10
    assert serving[61 + 15] == 1


def test_on_demand_nothing_is_late_until_the_most_that_there_may_be():
    fleet = Fleet(unit_rate=10, use=1, minimum=0, maximum=8, linger_minutes=0)
    units = fleet.on_demand(step(10, 100))
    assert units[59:61].tolist() == [1, 8]
    assert serve(step(10, 70), fleet.on_demand(step(10, 70)) * 10).dropped.sum() == 0


def test_what_exceeds_capacity_waits_as_long_as_people_do_and_is_then_turned_away():
    served = serve(flat(30, 2), flat(20, 2), patience_s=10)
    assert served.dropped.tolist() == [600 - 200, 600]
    assert served.late.tolist() == [1200, 1200]


def test_people_wait_ten_seconds_unless_others_are_declared():
    assert serve(flat(30, 2), flat(20, 2)).dropped.tolist() == [600 - 200, 600]


def test_a_short_queue_is_served_late_and_nobody_is_turned_away():
    served = serve(np.array([22.0, 10.0, 10.0]), flat(20, 3), patience_s=10)
    assert served.dropped.sum() == 0
    assert served.late.tolist() == [1200, 720, 0]


def test_without_any_capacity_everybody_is_turned_away():
    served = serve(flat(5, 3), flat(0, 3))
    assert served.dropped.sum() == served.requests


def test_utilisation_counts_what_was_served_against_what_was_paid():
    served = serve(flat(30, 10), flat(20, 10), paid=flat(40, 10), patience_s=0)
    assert served.utilisation == 0.5


def test_a_unit_that_fails_is_missing_until_it_is_repaired_and_no_longer():
    assert without(flat(3, 10), minute=4, repair_minutes=2).tolist() == [3] * 4 + [2] * 2 + [3] * 4
    assert without(flat(1, 3), minute=0, repair_minutes=9, lost=5).tolist() == [0, 0, 0]


def test_used_and_idle_make_the_whole_amount():
    parts = cost_of_idle(261.0, 0.18)
    assert parts["used"] + parts["idle"] == 261.0
    assert parts["idle"] == pytest.approx(214.02)


def test_nothing_is_used_to_more_than_the_whole():
    assert cost_of_idle(100.0, 1) == {"used": 100.0, "idle": 0.0}
    with pytest.raises(ValueError, match="utilisation must be between 0 and 1"):
        cost_of_idle(100.0, 1.01)


def test_littles_law_is_a_rate_times_a_time():
    assert concurrency(rate_per_s=218.5, duration_ms=150) == pytest.approx(32.775)


hypothesis = pytest.importorskip("hypothesis")
given, st = hypothesis.given, hypothesis.strategies
rates = st.lists(st.floats(0, 500), min_size=1, max_size=60).map(np.array)


@given(rates, rates, st.floats(0, 60))
def test_no_request_is_lost_or_invented(demand, capacity, patience):
    minutes = min(len(demand), len(capacity))
    demand, capacity = demand[:minutes], capacity[:minutes]
    served = serve(demand, capacity, patience_s=patience)
    most = (capacity * 60).sum() + capacity[-1] * patience
    assert (served.dropped >= 0).all()
    assert served.dropped.sum() <= served.requests + 1e-6
    assert served.requests - served.dropped.sum() <= most + 1e-6 * max(1, most)


@given(rates, st.integers(0, 10), st.integers(1, 5), st.floats(0.1, 1), st.floats(1, 50))
def test_more_headroom_never_makes_a_fleet_smaller(demand, lead, review, use, unit_rate):
    rule = {"unit_rate": unit_rate, "lead_minutes": lead, "review_minutes": review}
    tight, wide = (Fleet(use=share, **rule).following(demand)[0] for share in (use, use / 2))
    assert (wide >= tight).all()


@given(rates, st.integers(0, 10))
def test_a_longer_lead_time_never_turns_fewer_away_when_demand_only_grows(demand, lead):
    growing = np.sort(demand)
    rule = {"unit_rate": 10, "use": 0.6, "minimum": 1}
    lost = [
        serve(growing, Fleet(lead_minutes=minutes, **rule).following(growing)[0] * 10).dropped.sum()
        for minutes in (lead, lead + 3)
    ]
    assert lost[0] <= lost[1] + 1e-6


def test_a_week_has_so_many_minutes():
    assert len(Week().rates()) == WEEK_MINUTES
