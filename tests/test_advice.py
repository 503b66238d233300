"""The advisor: eight reference cases, thresholds that agree with the tables, and the arithmetic of traffic."""

from dataclasses import replace

import numpy as np
import pytest

from helpers import tables
from helpers.advice import (
    Case,
    Gatherer,
    Sketch,
    Traffic,
    advise,
    at_scales,
    by_rule,
    case_of,
    cheapest,
    fits,
    modelled,
    options,
    play,
    shape_of,
    split,
    tornado,
)
from helpers.advice.bills import curve, total
from helpers.advice.memory import sizes
from helpers.advice.playing import busiest
from helpers.advice.rules import MEASURES
from helpers.scaling import from_counts

A_SECOND = 730 * 3600  # requests a month of one a second
HOUR_MS = 3_600_000

CASES = {
    "a nightly ETL of three hours": Case(
        requests_month=30.4,
        **split(3 * HOUR_MS, cpu_share=0.8),
        memory_mb=4096,
        trigger="schedule",
        door="none",
        response_kb=0,
        peak=8,
    ),
    "a game server": Case(
        requests_month=6000 * A_SECOND,
        **split(5, cpu_share=0.8),
        memory_mb=1024,
        state_mb=2048,
        state_trips=4,
        latency_aim_ms=33,
        response_kb=1,
        log_kb=0,
    ),
    "a marketing site with spikes": Case(
        requests_month=2e6, **split(60), peak=40, idle_share=0.4, response_kb=40, cold_share=0.01
    ),
    "4,000 requests a second around the clock": Case(
        requests_month=4000 * A_SECOND, **split(100, cpu_share=0.2), peak=1.2, door="ALB"
    ),
    "an image pipeline": Case(
        requests_month=3e6,
        **split(400, cpu_share=0.9),
        memory_mb=1536,
        trigger="files",
        door="none",
        response_kb=0,
        file_mb=12,
        peak=10,
    ),
    "a webhook receiver": Case(
        requests_month=300_000,
        **split(90),
        memory_mb=256,
        trigger="webhook",
        door="URL",
        peak=30,
        idle_share=0.6,
        response_kb=1,
    ),
    "an internal tool with 500 requests a day": Case(
        requests_month=500 * 30.4, **split(150), peak=20, idle_share=0.8, cold_share=0.2, response_kb=30
    ),
    "a regulated workload on premises": Case(requests_month=5e6, **split(100), leave_months=0),
}
OUTCOMES = {
    "a nightly ETL of three hours": ("Fargate, a task a run", {"Long-running or compute-heavy work"}),
    "a game server": ("EC2 committed", {"Steady, high-throughput traffic", "Heavy stateful processing"}),
    "a marketing site with spikes": ("Lambda", set()),
    "4,000 requests a second around the clock": ("EC2 committed", {"Steady, high-throughput traffic"}),
    "an image pipeline": ("Lambda", set()),
    "a webhook receiver": ("Lambda", set()),
    "an internal tool with 500 requests a day": ("Lambda", set()),
    "a regulated workload on premises": ("Rack", {"Vendor lock-in"}),
}


@pytest.mark.parametrize("name", CASES)
def test_a_reference_case_gets_a_sensible_answer(name):
    advice = advise(CASES[name])
    against = {rule for rule, verdict in by_rule(advice.edges).items() if verdict.level == "against"}
    assert (advice.run_on.name, against) == OUTCOMES[name]


@pytest.mark.parametrize("name", CASES)
def test_every_verdict_has_its_number_its_threshold_its_source_and_what_would_change_it(name):
    advice = advise(CASES[name])
    for verdict in (*advice.edges, *advice.fit):
        assert all((verdict.source, verdict.as_of, verdict.change, verdict.reason))
        assert (verdict.value is None) == (verdict.level == "not asked")
        if verdict.level in ("look closer", "against"):
            beyond = verdict.value > verdict.threshold
            assert beyond == (verdict.worse == "above")


def test_a_verdict_against_names_what_triggered_it():
    advice = advise(CASES["a nightly ETL of three hours"])
    assert "an invocation ends at 900" in advice.because
    assert by_rule(advice.edges)["Long-running or compute-heavy work"].value == pytest.approx(10_800, rel=0.01)


def test_five_edges_and_six_good_fits_have_rules():
    rules = tables.rules()
    assert [rules[rules.kind == kind]["rule"].nunique() for kind in ("edge", "fit")] == [5, 6]
    assert set(rules.measure) == set(MEASURES)


@pytest.mark.parametrize(
    ("rule", "column", "limit"),
    [
        ("edge.long.time", "stop", "lambda.timeout"),
        ("edge.long.memory", "stop", "lambda.memory"),
        ("edge.state.size", "stop", "lambda.memory"),
        ("fit.api.time", "stop", "apigateway.http.timeout"),
        ("fit.files.time", "stop", "lambda.timeout"),
        ("fit.files.size", "stop", "lambda.ephemeral_storage"),
        ("fit.schedule.time", "stop", "lambda.timeout"),
        ("fit.events.time", "stop", "lambda.timeout"),
        ("fit.events.concurrency", "stop", "lambda.sqs.concurrency"),
        ("fit.auth.time", "stop", "cognito.trigger.timeout"),
    ],
)
def test_a_threshold_that_is_a_limit_equals_the_table_of_limits(rule, column, limit):
    assert tables.rules().loc[rule, column] == tables.limit(limit).max


def test_half_of_a_quota_is_where_one_looks_closer():
    rules = tables.rules()
    assert rules.loc["fit.api.concurrency", "care"] == tables.limit("lambda.concurrency").max / 2
    assert rules.loc["fit.api.rate", "care"] == tables.limit("apigateway.throttle.rate").max / 2
    assert rules.loc["fit.schedule.every", "stop"] == tables.limit("scheduler.granularity").min


def test_all_six_fits_can_be_asked_at_once():
    found = fits(CASES["a webhook receiver"])
    assert len(found) == 6
    assert {verdict.level for verdict in found["Webhooks"]} == {"fine"}


def test_state_turns_the_recommendation_and_its_absence_turns_it_back():
    game = replace(CASES["a game server"], requests_month=1e6)
    assert not advise(game).run_on.is_function
    assert advise(replace(game, state_mb=0)).run_on.is_function


def test_cold_starts_that_break_a_promise_ask_for_warm_environments():
    case = Case(requests_month=2e5, **split(80), cold_share=0.03, latency_aim_ms=200)
    assert advise(case).run_on.name == "Lambda, provisioned"
    assert advise(replace(case, cold_share=0.005)).run_on.name == "Lambda"


def test_must_leave_soon_means_containers_on_kubernetes():
    assert advise(Case(requests_month=1e6, leave_months=6)).run_on.name == "EKS"


def test_hours_of_work_move_the_money():
    case = Case(requests_month=3e8, door="ALB", response_kb=1)
    fleet = cheapest(case, function=False, rack=False)
    with_people = next(o for o in options(replace(case, people_hours=10)) if o.name == fleet.name)
    assert with_people.total - fleet.total == pytest.approx(10 * 85_000 / 2080)


def test_a_month_without_requests_has_bills_and_a_verdict():
    advice = advise(Case(requests_month=0))
    assert advice.function.total == 0
    assert (advice.run_on.name, advice.break_even) == ("Lambda", None)


def test_the_break_even_is_where_the_bills_meet():
    case = Case(requests_month=20e6, **split(100, cpu_share=0.2, memory_mb=512), door="ALB", response_kb=5)
    place = advise(case).break_even
    fleet = cheapest(case.with_requests(20e9), function=False, rack=False).name
    function_usd, fleet_usd = (curve(case, name)(place).total for name in ("Lambda", fleet))
    assert function_usd == pytest.approx(fleet_usd, rel=0.01)
    assert curve(case, "Lambda")(place / 2).total < curve(case, fleet)(place / 2).total


def test_ten_times_the_traffic_is_billed_as_such():
    case = Case(requests_month=1e6, free_tier=False, door="none", response_kb=0, log_kb=0)
    (_, tenth), (_, now), (_, tenfold) = at_scales(case)
    totals = [next(o.total for o in each if o.name == "Lambda") for each in (tenth, now, tenfold)]
    assert totals[0] * 100 == pytest.approx(totals[1] * 10) == pytest.approx(totals[2])


def test_the_widest_swing_comes_first_and_nothing_moves_without_a_reason():
    swings = tornado(Case(requests_month=3e8, door="none", cold_share=0))
    assert [swing.width for swing in swings] == sorted((swing.width for swing in swings), reverse=True)
    assert next(swing.width for swing in swings if swing.what == "cold starts") == 0


def test_more_memory_shortens_and_arm_costs_less():
    swept = sizes(Case(requests_month=1e7, free_tier=False))
    assert [size.duration_ms for size in swept] == sorted((size.duration_ms for size in swept), reverse=True)
    assert all(size.usd["arm64"] < size.usd["x86_64"] for size in swept)


def test_a_case_refuses_what_makes_no_sense():
    with pytest.raises(ValueError, match="memory_mb must be between 128 and 10240, got 64"):
        Case(requests_month=1, memory_mb=64)
    with pytest.raises(ValueError, match="trigger must be one of http"):
        Case(requests_month=1, trigger="cron")
    with pytest.raises(ValueError, match="name must be one of Lambda"):
        total("Heroku", Case(requests_month=1))


# Traffic


def test_a_sketch_is_within_half_a_percent():
    values = np.random.default_rng(1).lognormal(4, 1, 20_000)
    sketch = Sketch.of(values[:5000]) + Sketch.of(values[5000:])
    for q in (0.01, 0.5, 0.99, 0.999):
        assert sketch.quantile(q) == pytest.approx(np.quantile(values, q), rel=0.006)
    assert sketch.mean_ms == pytest.approx(values.mean())


def test_seconds_in_any_order_become_counts():
    gatherer = Gatherer()
    gatherer.add({100_000: 2})
    gatherer.add_seconds(np.array([100_003, 99_999, 100_000]))
    traffic = gatherer.traffic()
    assert (traffic.start_s, traffic.counts.tolist()) == (99_999, [1, 3, 0, 0, 1])


def test_a_long_log_is_kept_in_coarser_steps_and_loses_no_request():
    gatherer = Gatherer()
    gatherer.add_seconds(np.arange(400) * 86_400 + 1_700_000_000)
    traffic = gatherer.traffic()
    assert (traffic.step_s, traffic.requests) == (60, 400)


def test_a_clock_at_1970_is_left_out_and_counted():
    gatherer = Gatherer()
    gatherer.add_seconds(np.arange(5000) * 60 + 1_700_000_000)
    gatherer.add({12: 3})
    assert gatherer.traffic().requests == 5000
    assert gatherer.stray == 3


def test_hours_and_weekdays_are_local():
    monday_noon_utc = 4 * 86_400 + 12 * 3600
    traffic = Traffic(start_s=monday_noon_utc, step_s=3600, counts=np.array([7]), offset_s=13 * 3600)
    hours = shape_of(traffic, duration_ms=100).by_hour
    assert hours[1, 1] == 7  # Tuesday, one o'clock
    assert np.isnan(hours).sum() == 167


def test_independent_requests_have_a_burstiness_of_one_and_bursts_a_larger_one():
    rng = np.random.default_rng(2)
    calm = Traffic(start_s=0, step_s=60, counts=rng.poisson(20, 7 * 1440))
    crowds = Traffic(start_s=0, step_s=60, counts=rng.poisson(2, 7 * 1440) * 10)
    assert shape_of(calm, duration_ms=100).burstiness == pytest.approx(1, abs=0.05)
    assert shape_of(crowds, duration_ms=100).burstiness > 5


def test_the_part_of_a_peak_that_is_chance_shrinks_with_traffic_and_bursts_stay():
    chance = Case(requests_month=43_800, peak=6, peak_hour=2)
    bursts = Case(requests_month=43_800_000, peak=6, peak_hour=2)
    assert chance.with_requests(43_800_000).peak < 2.5
    assert bursts.with_requests(4_380_000_000).peak > 5.8


def test_a_fleet_that_follows_the_day_costs_less_than_one_that_stands_ready():
    case = Case(requests_month=3e9, peak=4, peak_hour=3.5)
    usd = {option.name: option.total for option in options(case)}
    assert usd["Fargate, following"] < usd["Fargate"]


def test_monthly_figures_become_traffic_of_that_size():
    traffic = modelled(5e6, shape="office hours", weekend=0.1)
    assert traffic.requests_a_month == pytest.approx(5e6, rel=0.01)
    assert shape_of(traffic, duration_ms=100).by_hour[6].sum() < shape_of(traffic, duration_ms=100).by_hour[0].sum() / 5


# Playing


def test_counts_become_arrivals_within_their_steps():
    arrivals = from_counts([3, 0, 2], step_s=10, seed=4)
    assert np.bincount((arrivals.times_s // 10).astype(int), minlength=3).tolist() == [3, 0, 2]
    assert (np.diff(arrivals.times_s) >= 0).all()


def test_arrivals_of_many_steps_come_in_pieces_and_lose_none():
    counts = np.random.default_rng(1).poisson(30, 10_000)
    arrivals = from_counts(counts, step_s=1)
    assert max(piece.size for piece in arrivals.pieces()) <= 65_536
    assert len(arrivals) == counts.sum() == arrivals.times_s.size
    assert len(arrivals * 2.5) == pytest.approx(counts.sum() * 2.5, rel=0.01)


@pytest.mark.thorough
def test_a_call_every_twenty_minutes_is_always_cold_and_a_steady_stream_hardly_ever():
    case = Case(requests_month=1)
    rare = np.zeros(7 * 1440, dtype=int)
    rare[::20] = 1
    assert play(Traffic(start_s=0, step_s=60, counts=rare), case).cold_share == 1
    assert play(Traffic(start_s=0, step_s=60, counts=np.full(600, 60)), case).cold_share < 0.01


def test_a_crowd_beyond_the_quota_is_refused():
    crowd = Traffic(start_s=0, step_s=1, counts=np.full(5, 3000))
    played = play(crowd, Case(requests_month=1, wait_ms=1000), concurrency=100)
    assert played.throttled > 10_000
    assert played.peak_environments == 100


def test_a_long_log_is_cut_to_its_busiest_stretch():
    counts = np.ones(100_000, dtype=int)
    counts[70_000:71_000] = 50
    first, last = busiest(Traffic(start_s=0, step_s=1, counts=counts), most=60_000)
    assert first <= 70_000 < 71_000 <= last
    assert counts[first:last].sum() <= 60_000


def test_what_traffic_says_enters_the_case():
    traffic = modelled(1e6, duration_ms=80)
    shape = shape_of(traffic, duration_ms=80)
    case = case_of(Case(requests_month=1), shape)
    assert (case.requests_month, case.idle_share) == (shape.requests_a_month, shape.idle_share)
    assert 1 <= case.peak_hour <= case.peak
