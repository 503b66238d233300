"""The simulator against theory, against published results, and against the platform's documented arithmetic."""

import math
import pickle
import subprocess
import sys

import numpy as np
import pytest

from helpers.scaling import (
    Asynchronous,
    Platform,
    Pollers,
    Retry,
    bursts,
    concurrency,
    constant,
    empirical,
    erlang_b,
    exponential,
    from_timestamps,
    lognormal,
    lone_cold_probability,
    poisson,
    required_concurrency,
    simulate,
)

UNLIMITED = {"scaling_rate": None, "rate_cap_factor": None}


def test_the_published_example_of_simfaas_comes_out():
    # README of SimFaaS: rate 0.9/s, warm 1.991 s, cold 2.244 s, threshold 600 s, 10^6 s. There a cold request takes
    # an exponential time of its own; here INIT and duration, with the same mean in sum, which is less scattered. With
    # a time of its own, 30 such runs averaged 0.00134 and 7.70, whether newest means used last or created last.
    warm, cold = exponential(1991), exponential(2244 - 1991)
    results = [simulate(poisson(0.9, 1e6, seed), duration_ms=warm, init_ms=cold, seed=seed) for seed in range(4)]
    assert np.mean([r.cold_start_probability for r in results]) == pytest.approx(0.00135, abs=0.00005)
    assert np.mean([r.mean_environments for r in results]) == pytest.approx(7.69, abs=0.03)
    assert np.mean([r.mean_running for r in results]) == pytest.approx(1.79, abs=0.005)
    assert max(abs(r.littles_law_gap) for r in results) < 1e-9


def test_a_saturated_pool_rejects_what_erlang_says():
    result = simulate(
        poisson(1000, 4000, seed=1),
        duration_ms=exponential(2016),
        init_ms=exponential(2163 - 2016),
        platform=Platform(**UNLIMITED),
    )
    assert erlang_b(1000, 2016) == pytest.approx(0.504455, abs=1e-6)
    assert result.throttled_share == pytest.approx(0.5045, abs=0.001)
    assert result.throttled_by == {"concurrency": result.throttled, "scaling": 0, "rate": 0}


def test_erlangs_formula_by_hand_for_no_server_one_and_two():
    assert erlang_b(0, 2) == 1
    assert erlang_b(1, 2) == pytest.approx(2 / 3)
    assert erlang_b(2, 1) == pytest.approx((1 / 2) / (1 + 1 + 1 / 2))


@pytest.mark.parametrize(
    "times", [100, exponential(100), lognormal(mean_ms=100, sigma=1)], ids=["constant", "exp", "log"]
)
def test_erlangs_formula_does_not_ask_how_times_are_distributed(times):
    platform = Platform(concurrency=10, keep_alive_s=1e6, **UNLIMITED)
    result = simulate(poisson(80, 10_000, seed=2), duration_ms=times, init_ms=0, platform=platform)
    assert result.throttled_share == pytest.approx(erlang_b(10, 8), rel=0.02)


@pytest.mark.parametrize("rate", [0.001, 0.003])
def test_a_lone_slow_function_is_cold_with_probability_exp_minus_rate_times_keep_alive(rate):
    result = simulate(poisson(rate, 300_000 / rate, seed=3), duration_ms=1e-3, init_ms=0)
    low, high = result.confidence(0.999)
    assert low <= lone_cold_probability(rate, 600) <= high
    assert result.cold_start_probability == pytest.approx(math.exp(-600 * rate), rel=0.01)


@pytest.mark.parametrize("routing", ["newest", "random"])
def test_littles_law_holds_on_every_run_and_100_a_second_times_half_a_second_is_50(routing):
    platform = Platform(routing=routing)
    result = simulate(poisson(100, 10_000, seed=4), duration_ms=exponential(500), init_ms=0, platform=platform)
    assert result.mean_running == pytest.approx(concurrency(rate_per_s=100, duration_ms=500), rel=0.005)
    assert abs(result.littles_law_gap) < 1e-9


def test_random_routing_keeps_more_environments_alive_than_newest_first():
    arrivals = poisson(5, 50_000, seed=5)
    newest, random = (
        simulate(arrivals, duration_ms=exponential(1000), init_ms=0, platform=Platform(routing=r, keep_alive_s=60))
        for r in ("newest", "random")
    )
    assert random.mean_environments > 1.1 * newest.mean_environments
    assert random.cold < newest.cold


def test_20000_a_second_of_50_ms_need_a_concurrency_of_2000_because_of_the_cap_on_requests():
    assert required_concurrency(rate_per_s=20_000, duration_ms=50) == 2000
    arrivals = poisson(20_000, 30, seed=6)
    enough, half = (
        simulate(arrivals, duration_ms=50, init_ms=0, platform=Platform(concurrency=c, scaling_rate=None))
        for c in (2000, 1000)
    )
    assert enough.throttled == 0
    # a second's worth in hand at the start, then half
    assert half.throttled == pytest.approx(len(arrivals) - 10_000 * 31, abs=5)
    assert half.throttled_by["rate"] > 0.99 * half.throttled


def test_a_function_gains_1000_environments_at_once_and_100_a_second_from_then_on():
    platform = Platform(concurrency=5000, rate_cap_factor=None)
    result = simulate(constant(10_000, 20), duration_ms=60_000, init_ms=0, platform=platform)
    environments = result.timeline(1).most_environments
    assert environments.iloc[0] == pytest.approx(1100, abs=2)
    assert environments.diff().iloc[1:].between(99, 101).all()
    assert result.throttled_by["scaling"] == result.throttled


def test_an_environment_is_gone_when_it_was_idle_for_keep_alive_and_not_before():
    def cold(gap):
        return simulate(from_timestamps([0, gap]), duration_ms=1000, init_ms=0, platform=Platform(keep_alive_s=10)).cold

    assert (cold(10.999), cold(11), cold(0.999), cold(1)) == (1, 2, 2, 1)


def test_a_cold_request_occupies_its_environment_for_init_and_duration():
    result = simulate(from_timestamps([0, 2], duration_s=10), duration_ms=1000, init_ms=500, record=True)
    assert result.records().end_s.tolist() == [1.5, 3]
    assert result.mean_running == pytest.approx(0.25)
    assert (result.latency_ms(0), result.latency_ms(1)) == (1000, 1500)


def test_the_newest_idle_environment_serves_and_the_oldest_expires():
    times = [0, 0, 5, 5.5, 12]
    result = simulate(
        from_timestamps(times, duration_s=20),
        duration_ms=np.array([1000.0, 2000, 100, 100, 100]),
        init_ms=0,
        platform=Platform(keep_alive_s=10),
        record=True,
    )
    assert result.records().environment.tolist() == [0, 1, 1, 1, 1]
    assert result.timeline(1).most_environments.iloc[-1] == 1


def test_provisioned_environments_are_warm_never_expire_and_spill_over():
    platform = Platform(provisioned=2, keep_alive_s=1)
    result = simulate(from_timestamps([0, 0, 0, 500], duration_s=1000), duration_ms=100, init_ms=50, platform=platform)
    assert (result.cold, result.on_provisioned, result.peak_environments) == (1, 3, 3)
    assert result.mean_environments == pytest.approx(2 + 1.15 / 1000)


@pytest.mark.parametrize(("reserved", "served"), [(0, 0), (1, 1), (3, 3), (None, 4)])
def test_reserved_concurrency_is_the_functions_limit_and_zero_stops_it(reserved, served):
    result = simulate(from_timestamps([0] * 4), duration_ms=100, init_ms=0, platform=Platform(reserved=reserved))
    assert (result.served, result.throttled_by["concurrency"]) == (served, 4 - served)


def test_callers_that_try_again_are_served_later_or_give_up_after_their_attempts():
    arrivals, platform = from_timestamps([0, 0, 0]), Platform(concurrency=1)
    retry = Retry(attempts=3, first_wait_s=1, factor=2, jitter=False)
    result = simulate(arrivals, duration_ms=2000, init_ms=0, platform=platform, callers=retry, record=True)
    assert result.records().start_s.tolist() == [0, 3, 3]
    assert (result.served, result.throttled, result.refusals, result.retries) == (2, 1, 5, 4)
    assert result.latency_ms(1) == 5000


def test_asynchronous_events_wait_and_are_served_in_the_end():
    events, platform = bursts(0, 100, 600, 1, 600, seed=1), Platform(concurrency=5)
    result = simulate(events, duration_ms=1000, init_ms=0, platform=platform, queue=Asynchronous())
    assert result.served == result.requests == len(events)
    assert result.refusals > result.requests
    assert result.period_s > 600


def test_a_queues_pollers_start_at_5_and_grow_by_300_a_minute():
    result = simulate(
        from_timestamps(np.zeros(3000), duration_s=60),
        duration_ms=600_000,
        init_ms=0,
        platform=Platform(concurrency=2000),
        queue=Pollers(batch_size=1),
    )
    frame = result.timeline(1).set_index("time_s")
    assert frame.most_running[[0, 10, 59]].tolist() == pytest.approx([9, 59, 304], abs=1)
    assert frame.waiting[59] == pytest.approx(3000 - 304, abs=1)


def test_a_queues_pollers_are_added_one_by_one():
    result = simulate(
        from_timestamps(np.zeros(10), duration_s=2),
        duration_ms=600_000,
        init_ms=0,
        queue=Pollers(start=5, per_minute=300, batch_size=1),
        record=True,
    )
    assert result.records().start_s.tolist() == pytest.approx([0, 0, 0, 0, 0, 0.2, 0.4, 0.6, 0.8, 1.0])


def test_pollers_under_the_cap_on_calls_look_again_as_soon_as_one_more_is_allowed():
    result = simulate(
        from_timestamps(np.zeros(20), duration_s=2),
        duration_ms=1,
        init_ms=0,
        platform=Platform(concurrency=1, rate_cap_factor=10),
        queue=Pollers(start=1, most=1, batch_size=1),
        record=True,
    )
    # A second's worth of calls is there at the beginning; after that one comes each tenth of a second.
    assert np.diff(result.records().start_s)[10:] == pytest.approx(0.1)


def test_pollers_under_the_scaling_rate_look_again_as_soon_as_one_more_environment_is_allowed():
    result = simulate(
        from_timestamps(np.zeros(6), duration_s=10),
        duration_ms=600_000,
        init_ms=0,
        platform=Platform(scaling_rate=2, scaling_window_s=1),
        queue=Pollers(start=10, most=10, batch_size=1),
        record=True,
    )
    assert result.records().start_s.tolist() == pytest.approx([0, 0, 0.5, 1, 1.5, 2])


def test_one_invocation_takes_a_batch_of_what_waits():
    queue = Pollers(batch_size=10)
    result = simulate(from_timestamps([0] * 25), duration_ms=100, init_ms=0, queue=queue)
    assert (result.served, result.invocations) == (25, 3)
    assert result.mean_latency_ms == pytest.approx(100)


def test_timelines_of_any_step_add_up_to_the_same():
    arrivals = bursts(5, 50, 30, 5, 301, seed=2)
    result = simulate(arrivals, duration_ms=exponential(300), init_ms=200, platform=Platform(keep_alive_s=20))
    for step in (0.3, 1, 7, 1000):
        frame = result.timeline(step)
        lengths = np.minimum(frame.time_s + step, 301) - frame.time_s
        assert frame[["arrivals", "cold"]].sum().tolist() == [result.requests, result.cold]
        assert (frame.environments * lengths).sum() / 301 == pytest.approx(result.mean_environments)
        assert (frame.running * lengths).sum() / 301 == pytest.approx(result.mean_running)
        assert frame.most_environments.max() == result.peak_environments


def test_a_timeline_has_a_row_a_second_unless_asked_otherwise():
    result = simulate(constant(1, 120), duration_ms=1, init_ms=1)
    assert result.timeline().time_s.tolist() == list(range(120))


def test_a_gap_in_littles_law_says_how_much_is_missing():
    result = simulate(poisson(50, 100, seed=1), duration_ms=500, init_ms=0)
    assert result.littles_law_gap == 0
    result._occupied_s *= 0.75  # as if the simulator had lost a quarter of the time
    assert result.littles_law_gap == pytest.approx(0.25)


def test_latency_quantiles_are_within_half_a_percent_of_the_exact_ones():
    result = simulate(
        poisson(50, 2000, 1), duration_ms=lognormal(80, p99_ms=900), init_ms=exponential(300), record=True
    )
    exact = (result.records().end_s - result.records().time_s) * 1000
    for q in (0.01, 0.5, 0.9, 0.99, 0.999):
        assert result.latency_ms(q) == pytest.approx(exact.quantile(q), rel=0.005)
    assert result.latency_ms() == result.latency_ms(0.5)
    assert result.mean_latency_ms == pytest.approx(exact.mean())


def test_the_interval_covers_the_truth_about_as_often_as_it_says():
    rate, covered = 0.005, 0
    for seed in range(100):
        low, high = simulate(poisson(rate, 2e5, seed), duration_ms=1e-3, init_ms=0).confidence(0.9)
        covered += low <= lone_cold_probability(rate, 600) <= high
    assert 84 <= covered <= 99


def test_the_bill_rounds_each_invocation_up_and_charges_init_and_provisioned_concurrency():
    result = simulate(from_timestamps([0, 0, 10], duration_s=3600), duration_ms=100.2, init_ms=50.5)
    lines = result.bill(1024).to_frame().set_index("item")
    assert lines.quantity["Requests"] * 1e6 == pytest.approx(3)
    assert lines.quantity["Duration x86_64"] == pytest.approx((151 + 151 + 101) / 1000)
    assert result.bill(1024).period == "3600 s"
    kept = simulate(constant(1, 3600), duration_ms=100.2, init_ms=50, platform=Platform(provisioned=10))
    lines = kept.bill(512, "arm64").to_frame().set_index("item")
    assert lines.quantity["Provisioned concurrency arm64"] == pytest.approx(10 * 3600 * 0.5)
    assert lines.quantity["Provisioned duration arm64"] == pytest.approx(3600 * 0.101 * 0.5)
    assert lines.quantity["Duration arm64"] == 0


def test_the_same_seed_gives_the_same_result_and_another_a_different_one():
    def run(seed):
        platform = Platform(routing="random", concurrency=50)
        return simulate(poisson(100, 100, 1), duration_ms=exponential(600), init_ms=9, platform=platform, seed=seed)

    assert run(1).timeline().equals(run(1).timeline())
    assert run(1).mean_latency_ms != run(2).mean_latency_ms


def test_how_arrivals_are_cut_into_pieces_changes_nothing():
    class Cut(type(poisson(1, 1))):
        def pieces(self):
            times = np.concatenate(list(super().pieces()))
            for first in range(0, times.size, 777):
                yield times[first : first + 777]

    whole = poisson(300, 100, seed=9)
    cut = Cut(whole.duration_s, whole.knots_s, whole.rates, whole.seed)
    given = {"duration_ms": lognormal(200, sigma=1), "init_ms": empirical([100, 300]), "callers": Retry()}
    one, other = (simulate(a, **given, platform=Platform(concurrency=70), record=True) for a in (whole, cut))
    assert one.retries > 100
    assert one.records().equals(other.records())


def test_a_result_travels_between_processes_and_an_empty_run_has_no_surprises():
    nothing = pickle.loads(pickle.dumps(simulate(from_timestamps([], duration_s=10), duration_ms=1, init_ms=1)))
    assert (nothing.requests, nothing.mean_running, len(nothing.timeline(1))) == (0, 0, 10)
    assert math.isnan(nothing.cold_start_probability)
    assert nothing.bill(128).total == 0
    assert math.isnan(nothing.latency_ms(0.5))
    assert nothing.confidence() == (0, 1)


@pytest.mark.thorough
def test_a_second_process_finds_the_compiled_loop_on_disk():
    pytest.importorskip("numba", reason="without Numba nothing is compiled")
    code = (
        "from helpers.scaling import *; simulate(constant(1, 5), duration_ms=1, init_ms=1); "
        "from helpers.scaling import loop; print(sum(loop.run.stats.cache_hits.values()))"
    )
    simulate(constant(1, 5), duration_ms=1, init_ms=1)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "1"


def test_values_at_the_edge_of_sense_are_taken():
    assert Platform(concurrency=1, reserved=0, provisioned=0).limit == 0
    assert Retry(attempts=1, factor=1).attempts == 1
    assert Retry(factor=100).factor == 100
    assert Pollers(start=1, most=1).most == 1
    assert lognormal(100, sigma=10).median_ms == 100
    assert simulate(constant(1, 1), duration_ms=1, init_ms=0).latency_ms(1) == 1


@pytest.mark.parametrize(("name", "quantile"), [("p95_ms", 0.95), ("p99_ms", 0.99)])
def test_a_lognormal_time_has_the_percentile_that_it_was_given(name, quantile):
    drawn = lognormal(100, **{name: 400}).draw(np.random.default_rng(1), 200_000)
    assert np.quantile(drawn, quantile) == pytest.approx(400, rel=0.03)
    assert np.median(drawn) == pytest.approx(100, rel=0.02)


def test_a_lognormal_time_has_the_mean_that_it_was_given():
    times = lognormal(mean_ms=100, sigma=0.8)
    assert times.mean_ms == pytest.approx(100)
    assert times.draw(np.random.default_rng(1), 400_000).mean() == pytest.approx(100, rel=0.02)


WRONG = {
    "keep_alive_s must be 0 or more": lambda: Platform(keep_alive_s=-1),
    "concurrency must be between 1 and 10000000, got 0": lambda: Platform(concurrency=0),
    "concurrency must be a whole number": lambda: Platform(concurrency=1.5),
    "reserved must be between 0 and 100, got 200": lambda: Platform(concurrency=100, reserved=200),
    "provisioned must be between 0 and 5, got 6": lambda: Platform(reserved=5, provisioned=6),
    "scaling_window_s must be more than 0": lambda: Platform(scaling_window_s=0),
    "rate_cap_factor must be more than 0": lambda: Platform(rate_cap_factor=0),
    "routing must be one of newest, random, got 'oldest'": lambda: Platform(routing="oldest"),
    "attempts must be between 1": lambda: Retry(attempts=0),
    "max_age_s must be between 60 and 21600, got 1": lambda: Asynchronous(max_age_s=1),
    "factor must be between 1 and 100, got 101": lambda: Retry(factor=101),
    "sigma must be between 0 and 10, got 11": lambda: lognormal(100, sigma=11),
    "sigma must be between 0 and 10, got 12": lambda: lognormal(mean_ms=100, sigma=12),
    "q must be between 0 and 1, got 1.1": lambda: simulate(constant(1, 1), duration_ms=1, init_ms=0).latency_ms(1.1),
    "most must be between 5": lambda: Pollers(most=1),
    r"duration_ms must have one value a request \(2\), got 3": lambda: simulate(
        from_timestamps([1, 2]), duration_ms=[1, 2, 3], init_ms=0
    ),
    "init_ms must be 0 or more, got -1": lambda: simulate(from_timestamps([1]), duration_ms=1, init_ms=-1),
    "arrivals must come from poisson": lambda: simulate([1, 2], duration_ms=1, init_ms=0),
    "callers and queue must not be given together": lambda: simulate(
        from_timestamps([1]), duration_ms=1, init_ms=0, callers=Retry(), queue=Pollers()
    ),
    "platform must be Platform": lambda: simulate(from_timestamps([1]), duration_ms=1, init_ms=0, platform=600),
    "records must be asked for": lambda: simulate(from_timestamps([1]), duration_ms=1, init_ms=0).records(),
    "lognormal needs": lambda: lognormal(100),
    "samples must hold at least one": lambda: empirical([]),
}


@pytest.mark.parametrize("message", WRONG)
def test_a_wrong_argument_is_refused_in_the_callers_words(message):
    with pytest.raises(ValueError, match=message):
        WRONG[message]()
