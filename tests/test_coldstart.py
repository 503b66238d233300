"""Statistics, published findings, latency, traffic and remedies: what notebook 08 computes."""

import heapq
import math
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest

from helpers import tables
from helpers.coldstart import (
    SHAPES,
    Latency,
    LogNormal,
    Remedies,
    Samples,
    code_sizes,
    cold_share,
    cold_share_of_month,
    compare,
    findings,
    heaviest,
    idle_lifetimes,
    init_cost,
    interval,
    memory_effect,
    outcome,
    packages,
    parse_imports,
    pooled,
    provisioned_break_even,
    quantile,
    ranked,
    remedies,
    slowest,
    snapstart_cost,
    starts,
    summarise,
)
from helpers.coldstart.latency import _width
from helpers.coldstart.remedies import _spilled, outcomes
from helpers.pricing import Provisioned, SnapStart, lambda_bill
from helpers.scaling.analytic import lone_cold_probability

# Statistics


def test_the_interval_of_a_median_covers_it_as_often_as_it_says():
    random = np.random.default_rng(1)
    draws = random.lognormal(0, 1, (4000, 20))
    found = [interval(draw) for draw in draws]
    covered = np.mean([1.0 in each for each in found])
    assert covered == pytest.approx(found[0].coverage, abs=0.012)
    assert found[0].coverage >= 0.95


def test_five_samples_cannot_give_95_percent_and_say_so():
    found = interval([1, 2, 3, 4, 5])
    assert (found.low, found.high, found.coverage) == (1, 5, 0.9375)


@pytest.mark.parametrize("q", [0.05, 0.5, 0.9, 0.95])
def test_the_interval_of_any_quantile_covers_it(q):
    random = np.random.default_rng(2)
    found = [interval(random.random(300), q) for _ in range(1500)]
    assert np.mean([q in each for each in found]) >= 0.935


def test_the_same_samples_give_the_same_interval_in_any_order():
    samples = [31.2, 28.0, 35.1, 30.9, 90.4, 29.9, 30.1]
    assert interval(samples) == interval(sorted(samples))
    assert compare(samples, samples[::-1]).value == 1


def test_a_ratio_differs_from_one_where_the_samples_are_apart_and_not_where_they_are_alike():
    assert compare(range(200, 220), range(100, 120)).differs
    assert not compare(range(100, 120), range(101, 121)).differs


def test_a_ratio_of_medians_is_covered_as_often_as_it_says():
    random = np.random.default_rng(3)
    found = [compare(random.lognormal(0.7, 0.3, 20), random.lognormal(0, 0.3, 20)) for _ in range(1000)]
    assert np.mean([each.low <= math.exp(0.7) <= each.high for each in found]) >= 0.95


def test_a_summary_has_the_median_inside_its_interval_and_keeps_the_order_of_the_variants():
    frame = pd.DataFrame({"variant": ["z"] * 20 + ["a"] * 20, "ms": [*range(20), *range(100, 120)]})
    found = summarise(frame, "variant")
    assert found.variant.tolist() == ["z", "a"]
    assert ((found.low <= found["median"]) & (found["median"] <= found.high)).all()
    for name, q in (("median", 0.5), ("p95", 0.95), ("p99", 0.99)):
        assert found[name].tolist() == [quantile(range(20), q), quantile(range(100, 120), q)]
    assert (found.coverage == interval(range(20), level=0.95).coverage).all()
    assert compare(range(200, 220), range(100, 120)) == compare(range(200, 220), range(100, 120), level=0.95)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: quantile([], 0.5), "samples must hold at least one number"),
        (lambda: quantile([1, float("nan")], 0.5), "samples must be 0 or more, got nan"),
        (lambda: quantile([1], 1.5), "q must be between 0 and 1, got 1.5"),
        (lambda: interval([1, 2], 1), "q must be below 1"),
        (lambda: interval([1, 2], 1.5), "q must be more than 0 and at most 1, got 1.5"),
        (lambda: compare([1], [0]), "with_samples must be more than 0"),
        (lambda: summarise(pd.DataFrame({"a": [1]}), "variant"), "frame must have the columns variant, ms"),
        (lambda: LogNormal(100, 50), "p99_ms must be 100 or more"),
        (lambda: Latency(100, 10, 2), "cold_share must be between 0 and 1, got 2"),
        (lambda: Latency("fast"), "warm must be a LogNormal, or samples"),
        (lambda: Latency(1).quantile(1), "q must be below 1"),
        (lambda: Latency(1).quantile(1.5), "q must be between 0 and 1, got 1.5"),
        (lambda: cold_share(-1, duration_ms=1, keep_alive_s=1), "rate_per_s must be 0 or more, got -1"),
        (lambda: cold_share(1, duration_ms=1, keep_alive_s=1, provisioned=1.5), "provisioned must be a whole number"),
        (
            lambda: cold_share(1, duration_ms=1, keep_alive_s=1, provisioned=20_001),
            "provisioned must be between 0 and 20",
        ),
        (lambda: interval([1, 2], 0.5, level=1.01), "level must be between 0 and 1, got 1.01"),
        (lambda: compare([1], [1], level=1.01), "level must be between 0 and 1, got 1.01"),
        (lambda: cold_share_of_month(1, duration_ms=1, keep_alive_s=1, shape="round"), "shape must be one of even"),
        (lambda: cold_share_of_month(1, duration_ms=1, keep_alive_s=1, shape=[1, 2]), "shape must be 24 weights"),
        (lambda: Remedies(requests=-1), "requests must be 0 or more, got -1"),
        (lambda: Remedies(requests=1, memory_mb=64), "memory_mb must be between 128 and 10240, got 64"),
        (lambda: Remedies(requests=1, trimmed=1.01), "trimmed must be between 0 and 1, got 1.01"),
        (lambda: Remedies(requests=1, spared=1.01), "spared must be more than 0 and at most 1, got 1.01"),
        (lambda: Remedies(requests=1, init_tail=0.99), "init_tail must be 1 or more, got 0.99"),
        (lambda: provisioned_break_even("mips"), "architecture must be one of x86_64, arm64"),
        (lambda: slowest(over_ms=-1), "over_ms must be 0 or more"),
        (lambda: memory_effect(low_mb=64), "low_mb must be a size that was measured, got 64"),
        (lambda: pooled(by="colour"), "by must name columns of the table"),
        (lambda: starts(tables.cold_starts()[:0]), "frame must have at least one row"),
        (lambda: parse_imports("hello"), "text must hold lines that -X importtime wrote"),
    ],
)
def test_wrong_input_is_refused_in_the_callers_words(call, words):
    with pytest.raises(ValueError, match=words):
        call()


# Published


def test_every_finding_of_the_published_table_holds():
    found = findings()
    assert len(found) == 12
    assert found.holds.all(), found[~found.holds].figures.to_dict()


def test_a_finding_stops_holding_when_the_data_turn_it_around():
    table = tables.cold_starts()
    slow = table.init_plus_handler_mean_ms.where(table.runtime != "java25", 2000)
    node = table.init_max_ms.where(table.runtime != "nodejs20.x", 400)
    memory = table.init_p50_ms * (1024 / table.memory_mb)
    changed = findings(table.assign(init_plus_handler_mean_ms=slow, init_max_ms=node, init_p50_ms=memory)).holds
    assert not changed[["Java", "a second", "Node.js 20", "init and memory"]].any()


def test_every_variant_has_a_name_of_its_own():
    frame = starts()
    assert frame.groupby("name").apply(lambda part: len(part[["runtime", "variant"]].drop_duplicates())).max() == 1
    assert frame.name.nunique() == len(frame[["runtime", "variant"]].drop_duplicates()) == 40
    assert {"Node.js 20", "Java 8", "Go (AL2)", "Go (AL2023)", "Bun layer"} <= set(frame.name)


def test_a_pooled_mean_is_the_mean_over_all_starts():
    frame = tables.cold_starts()
    [row] = pooled(by="as_of").itertuples()
    assert row.n == 172_463
    assert row.init_mean_ms == pytest.approx(np.repeat(frame.init_mean_ms, frame.n).mean())


def test_the_lessons_figure_for_node_at_512_mb_is_what_the_claim_says():
    row = starts().query("name == 'Node.js 20' and memory_mb == 512 and architecture == 'x86_64' and package == 'zip'")
    assert row[["n", "init_p50_ms"]].values.tolist() == [[278, 141.0]]
    assert (round(row.init_min_ms.item()), round(row.init_max_ms.item())) == (106, 260)
    assert "278 starts, 106 to 260 ms, median 141" in tables.claims().teach["L07"]


def test_dotnet_at_128_mb_takes_what_the_claim_says():
    slow = slowest().query("name == '.NET 10' and architecture == 'x86_64' and package == 'zip'")
    assert slow.init_plus_handler_mean_ms.item() == pytest.approx(1090, abs=5)


def test_memory_shortens_the_first_call_of_java_and_dotnet_but_not_their_init():
    zips = memory_effect().query("package == 'zip' and name in ['.NET 10', 'Java 21', 'Java 25']")
    assert zips.init_ratio.between(0.95, 1.05).all()
    assert zips.first_ratio.min() > 8


def test_rust_starts_fastest_from_a_zip_and_bun_slowest():
    order = ranked()
    assert order.name.iloc[0].startswith(("Rust", "C++"))
    assert order.name.iloc[-1] == "Bun layer"
    assert set(order.name[order.inside]) >= {"Node.js 20", "Node.js 22"}
    assert not order.inside[order.language == "Ruby"].any()


def test_only_variants_measured_both_ways_are_compared():
    assert "Bun layer" not in set(packages().name)
    assert packages().ratio.is_monotonic_increasing


def test_code_sizes_and_idle_lifetimes_carry_their_source():
    assert code_sizes().source.str.len().min() > 0
    assert idle_lifetimes().source.str.len().min() > 0
    assert idle_lifetimes().as_of.is_monotonic_increasing


# Imports


def test_a_real_programs_imports_are_read_with_their_tree():
    run = [sys.executable, "-X", "importtime", "-c", "import json"]
    text = subprocess.run(run, capture_output=True, text=True, check=True).stderr
    frame = parse_imports(text)
    parents = frame.set_index("module").parent
    assert parents["json"] == ""
    assert parents["json.decoder"] == "json"
    assert len(frame) == text.count("import time:") - 1 - text.count("cached")
    paid = frame.groupby("parent").cumulative_ms.sum().drop("")
    whole = frame.drop_duplicates("module").set_index("module")
    for module, below in paid.items():  # what a module costs is its own code and what it imports
        assert whole.cumulative_ms[module] == pytest.approx(whole.self_ms[module] + below, abs=0.05)
    assert heaviest(frame, least_ms=0).cumulative_ms.is_monotonic_decreasing


def test_siblings_stay_in_the_order_in_which_they_were_imported():
    text = "\n".join(
        f"import time: {own} | {total} | {indent}{name}"
        for own, total, indent, name in [
            (1, 1, "    ", "a.x"),
            (2, 3, "  ", "a"),
            (4, 4, "  ", "b"),
            (5, 12, "", "top"),
            (6, 6, "", "last"),
        ]
    )
    frame = parse_imports("a message\n" + text + "\nimport time: cached | cached | sys\n")
    assert frame.module.tolist() == ["top", "a", "a.x", "b", "last"]
    assert frame.depth.tolist() == [0, 1, 2, 1, 0]
    assert frame.parent.tolist() == ["", "top", "a", "top", ""]


def test_imports_below_a_millisecond_are_left_out_unless_asked_for():
    lines = (f"import time: {us} | {us} | {name}" for name, us in (("long", 1050), ("short", 950)))
    assert heaviest(parse_imports("\n".join(lines))).module.tolist() == ["long"]


# What callers see


def test_percentiles_of_a_mixture_agree_with_a_million_random_requests():
    random = np.random.default_rng(4)
    count, share = 1_000_000, 0.03
    sigma_warm, sigma_cold = LogNormal(100, 250).sigma, LogNormal(600, 900).sigma
    seen = 100 * np.exp(sigma_warm * random.standard_normal(count))
    cold = random.random(count) < share
    seen[cold] += 600 * np.exp(sigma_cold * random.standard_normal(cold.sum()))
    found = Latency(LogNormal(100, 250), LogNormal(600, 900), share)
    q = [0.5, 0.9, 0.95, 0.96, 0.99, 0.999]
    assert found.quantile(q) == pytest.approx(np.quantile(seen, q), rel=0.01)
    assert found.mean_ms == pytest.approx(seen.mean(), rel=0.005)
    assert found.share_over(500) == pytest.approx((seen > 500).mean(), abs=0.0005)


def test_percentiles_of_measured_samples_are_exact():
    warm, extra = [10.0, 20.0, 30.0], [100.0, 200.0]
    found = Latency(Samples(warm), Samples(extra), 0.5)
    weights = dict.fromkeys(warm, 0.5 / 3) | {w + e: 0.5 / 6 for w in warm for e in extra}
    for value in sorted(weights):
        below = sum(weight for other, weight in weights.items() if other <= value)
        assert found.cdf(value) == pytest.approx(below)
        assert found.quantile(below - 1e-6) == pytest.approx(value)


def test_a_curve_without_width_is_a_constant():
    curve, constant = (Latency(LogNormal(100, 250), extra, 0.05) for extra in (LogNormal(800, 800), 800))
    assert curve.quantile([0.5, 0.95, 0.99]) == pytest.approx(constant.quantile([0.5, 0.95, 0.99]))
    assert Latency(LogNormal(100, 100), LogNormal(800, 800), 0.5).cdf([99, 100, 899, 900]).tolist() == [0, 0.5, 0.5, 1]


def test_the_width_of_a_distribution_is_its_standard_deviation():
    assert _width(Samples([10, 30])) == 10
    curve = LogNormal(100, 150)
    exact = 100 * math.sqrt(math.exp(curve.sigma**2) * (math.exp(curve.sigma**2) - 1))
    assert _width(curve) == pytest.approx(exact, rel=0.01)


def test_nothing_takes_for_ever():
    assert LogNormal(100, 250).cdf([0, 1e12]).tolist() == [0, 1]


def test_the_mean_hides_what_the_99th_percentile_shows():
    warm = Latency(100)
    cold = Latency(100, 1000, 0.011)
    assert cold.mean_ms - warm.mean_ms == pytest.approx(11)
    assert cold.quantile(0.99) - warm.quantile(0.99) == pytest.approx(1000)
    assert cold.quantile(0.95) == pytest.approx(warm.quantile(0.95))


# How often


def simulated_share(rate, duration_s, keep_alive_s, requests, provisioned=0, seed=5):
    """Count cold requests by AWS's rules, newest idle environment first, after a warm-up."""
    random = np.random.default_rng(seed)
    busy, idle, cold, used = [], [], 0, requests // 3
    kept = provisioned
    for place, now in enumerate(np.cumsum(random.exponential(1 / rate, requests))):
        while busy and busy[0][0] <= now:
            free, own = heapq.heappop(busy)
            if own:
                kept += 1
            else:
                idle.append(free)
        idle = [free for free in idle if now - free <= keep_alive_s]
        if kept:
            kept -= 1
            heapq.heappush(busy, (now + duration_s, True))
            continue
        if idle:
            idle.pop()
        else:
            cold += place >= used
        heapq.heappush(busy, (now + duration_s, False))
    return cold / (requests - used)


@pytest.mark.parametrize(
    ("rate", "duration_s", "keep_alive_s", "provisioned"),
    [(0.002, 0.5, 600, 0), (0.02, 0.12, 600, 0), (0.1, 0.12, 600, 0), (1, 1, 120, 0), (0.5, 0.5, 300, 1)],
)
def test_the_share_of_cold_requests_agrees_with_a_simulation(rate, duration_s, keep_alive_s, provisioned):
    found = cold_share(rate, duration_ms=duration_s * 1000, keep_alive_s=keep_alive_s, provisioned=provisioned)
    counted = simulated_share(rate, duration_s, keep_alive_s, 150_000, provisioned)
    assert found == pytest.approx(counted, rel=0.15)


def test_a_lone_slow_function_is_cold_with_probability_exp_minus_rate_times_keep_alive():
    assert lone_cold_probability(1 / 600, 600) == pytest.approx(math.exp(-1))
    # Without overlaps, the general formula is the lone one.
    assert cold_share(1 / 600, duration_ms=1e-6, keep_alive_s=600) == pytest.approx(math.exp(-1), rel=1e-6)


def test_where_nothing_is_kept_every_request_is_cold():
    assert cold_share(10, duration_ms=500, keep_alive_s=0) == 1


def test_two_requests_at_once_start_cold_more_often_than_pauses_do():
    assert cold_share(0.1, duration_ms=120, keep_alive_s=600) > 1e6 * lone_cold_probability(0.1, 600)


def test_longer_keep_alive_and_provisioned_environments_make_fewer_requests_cold():
    rates = np.geomspace(1e-4, 10, 20)
    short, long = (cold_share(rates, duration_ms=100, keep_alive_s=t) for t in (300, 600))
    kept = cold_share(rates, duration_ms=100, keep_alive_s=300, provisioned=1)
    assert (long <= short).all()
    assert (kept <= short).all()
    assert kept.sum() < short.sum() / 10


def test_the_days_shape_matters_more_than_the_volume():
    use = {"duration_ms": 100, "keep_alive_s": 600}
    even, peaked = (cold_share_of_month(30_000, shape=shape, **use) for shape in ("even", "office hours"))
    twice = cold_share_of_month(60_000, shape="office hours", **use)
    assert peaked > 5 * even
    assert abs(twice - peaked) < abs(peaked - even)


def test_every_shape_is_a_day_with_the_average_of_one():
    for name, weights in SHAPES.items():
        assert len(weights) == 24
        assert np.mean(weights) == pytest.approx(1, abs=0.01), name


# What it costs


@pytest.mark.parametrize("architecture", ["x86_64", "arm64"])
def test_provisioned_concurrency_breaks_even_at_sixty_percent_and_bills_agree(architecture):
    share = provisioned_break_even(architecture)
    assert share == pytest.approx(0.6, abs=0.001)
    busy_ms = 1000
    requests = share * 730 * 3600 * 1000 / busy_ms
    use = {"requests": requests, "duration_ms": busy_ms, "memory_mb": 1024, "architecture": architecture}
    on_demand = lambda_bill(**use, free_tier=False).total
    assert lambda_bill(**use, free_tier=False, provisioned=Provisioned(1)).total == pytest.approx(on_demand, rel=1e-6)


def test_the_break_even_follows_another_price_table():
    rates = tables.prices()
    rates.loc["lambda.provisioned.x86_64.allocated", "value"] *= 0.5
    assert provisioned_break_even(rates=rates) == pytest.approx(0.3, abs=0.001)


def test_init_costs_its_milliseconds_times_memory_times_cold_starts():
    use = {"requests": 1e6, "duration_ms": 100, "memory_mb": 2048}
    rate = tables.price("lambda.duration.x86_64.tier1").value
    assert init_cost(init_ms=500, cold_start_share=0.02, **use) == pytest.approx(1e6 * 0.02 * 0.5 * 2 * rate)


def test_snapstart_charges_each_kept_version_and_each_restore():
    one, three = (snapstart_cost(memory_mb=1024, restores=1000, versions=n) for n in (1, 3))
    assert three["cache"] == 3 * one["cache"]
    assert one["restore"] == three["restore"] == 1000 * tables.price("lambda.snapstart.restore").value
    assert snapstart_cost(memory_mb=1024, restores=0, cached_hours=0) == {"cache": 0.0, "restore": 0.0}


RARE = Remedies(requests=20_000, cpu_ms=50, init_ms=800, first_cpu_ms=100)


def test_each_remedy_shortens_the_slowest_requests_and_only_some_cost_more():
    found = remedies(RARE).set_index("remedy")
    assert (found.p99_ms.drop("nothing done") < found.p99_ms["nothing done"]).all()
    assert found.p99_ms.idxmin() == "provisioned"
    assert found.usd.idxmax() == "provisioned"
    assert found.usd["less INIT"] <= found.usd["nothing done"]
    assert (found[["mean_ms", "p50_ms", "p95_ms", "p99_ms", "usd"]] >= 0).all(axis=None)


def test_what_a_remedy_costs_is_what_pricing_bills():
    plain, snap = outcome(RARE, free_tier=False), outcome(RARE, restored=True, free_tier=False)
    cold = plain.latency.cold_share
    use = {"requests": 20_000, "duration_ms": RARE.duration_ms(512), "memory_mb": 512, "free_tier": False}
    first_ms = 100 * 1769 / 512
    billed = lambda_bill(**use, init_ms=800 + first_ms, cold_start_share=cold)
    assert plain.bill.total == pytest.approx(billed.total)
    snapped = lambda_bill(**use, init_ms=first_ms, cold_start_share=cold, snapstart=SnapStart(730, 20_000 * cold))
    assert snap.bill.total == pytest.approx(snapped.total)


def test_what_spills_over_is_cold_at_most_altogether():
    use = Remedies(requests=1e8, keep_alive_s=0)
    assert outcome(use, provisioned=1).bill.total > 0


def test_remedies_are_told_at_their_percentiles_and_against_300_ms():
    seen, row = outcome(RARE).latency, remedies(RARE).iloc[0]
    assert [row.p50_ms, row.p95_ms, row.p99_ms, row.p999_ms] == seen.quantile([0.5, 0.95, 0.99, 0.999]).tolist()
    assert row.over == seen.share_over(300)
    assert remedies(RARE, objective_ms=400).over[0] == seen.share_over(400)


def test_one_version_keeps_its_snapshot_unless_more_are_named():
    assert snapstart_cost(memory_mb=1024, restores=1) == snapstart_cost(memory_mb=1024, restores=1, versions=1)


def test_on_java_snapstart_adds_nothing_to_the_bill():
    charged, free = (outcome(Remedies(requests=20_000, snapstart_charged=c), restored=True) for c in (True, False))
    assert charged.bill.total > 2
    assert free.bill.total == 0


@pytest.mark.parametrize(("shape", "most"), [("one busy hour", 10), ("office hours", 100)])
def test_provisioned_environments_are_as_many_as_needed_and_none_where_starts_are_rare(shape, most):
    busy = Remedies(requests=100e6, cpu_ms=50, shape=shape, spared=0.0001, keep_alive_s=60)
    count = busy.provisioned()
    assert most / 10 < count < most
    assert busy.cold_share(512, count) <= busy.spared < busy.cold_share(512, count - 1)
    assert Remedies(requests=1e9, shape="even").provisioned() == 0


def test_who_asks_for_provisioned_environments_gets_one_at_least():
    found = {each.remedy: each.environments for each in outcomes(Remedies(requests=1e9, shape="even"))}
    assert found["provisioned"] == 1


def test_what_one_environment_cannot_take_is_what_erlang_says():
    load = 5e6 / (730 * 3600) * 0.1  # a request takes 100 ms
    assert _spilled(Remedies(requests=5e6, shape="even"), 100, 1) == pytest.approx(load / (1 + load))


def test_a_month_without_requests_costs_only_what_is_kept():
    found = remedies(Remedies(requests=0), provisioned=1).set_index("remedy").usd
    assert found[["nothing done", "less INIT", "more memory"]].tolist() == [0, 0, 0]
    assert found["provisioned"] > found["SnapStart"] > 0
