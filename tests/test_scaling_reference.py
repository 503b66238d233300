"""The compiled simulator against a slow and obvious one, event for event, on random cases."""

import importlib.util
import sys
from pathlib import Path

import numpy as np
import pytest

import helpers.scaling as scaling
from helpers.scaling import Platform, Pollers, Retry, compiled, from_timestamps, simulate

pytest.importorskip("hypothesis", reason="the property tests need tests/requirements.txt")
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

# Test files are no package: what stands beside one is loaded by its path.
spec = importlib.util.spec_from_file_location("reference_scaling", Path(__file__).with_name("reference_scaling.py"))
reference = sys.modules["reference_scaling"] = importlib.util.module_from_spec(spec)
spec.loader.exec_module(reference)
most_at_once = reference.most_at_once

# Eighths of a second are exact in binary: many things then happen at the same moment, and must happen in one order.
exact = st.integers(0, 80).map(lambda eighth: eighth / 8)
any_time = st.floats(0, 10)
work = st.one_of(st.integers(0, 24).map(lambda eighth: eighth * 125.0), st.floats(0, 3000))
platforms = st.builds(
    lambda concurrency, reserved, provisioned, **rest: Platform(
        concurrency=concurrency,
        reserved=None if reserved is None else min(reserved, concurrency),
        provisioned=min(provisioned, concurrency if reserved is None else min(reserved, concurrency)),
        **rest,
    ),
    concurrency=st.integers(1, 6),
    reserved=st.none() | st.integers(0, 6),
    provisioned=st.sampled_from([0, 0, 1, 3]),
    keep_alive_s=st.sampled_from([0, 0.125, 0.5, 1, 3, 600]) | st.floats(0, 5),
    scaling_rate=st.none() | st.integers(0, 4),
    scaling_window_s=st.sampled_from([1, 4, 8]),
    rate_cap_factor=st.none() | st.sampled_from([1, 2]),
    routing=st.sampled_from(["newest", "random"]),
)
retries = st.none() | st.builds(
    Retry,
    attempts=st.integers(1, 4),
    first_wait_s=st.sampled_from([0.125, 0.5, 1]),
    factor=st.sampled_from([1, 2]),
    longest_wait_s=st.sampled_from([0.5, 4]),
    jitter=st.just(False),
    max_age_s=st.none() | st.just(1.5),
)


@st.composite
def cases(draw):
    times = sorted(draw(st.lists(exact | any_time, max_size=40)))
    inits = st.lists(work, min_size=len(times), max_size=len(times))
    return np.array(times), np.array(draw(inits)), np.array(draw(inits)), draw(platforms), draw(retries)


def both(case):
    times, durations, inits, platform, callers = case
    given = {"duration_ms": durations, "init_ms": inits, "platform": platform, "seed": 7, "callers": callers}
    fast = simulate(from_timestamps(times, duration_s=11), **given, record=True)
    routes = np.random.default_rng(np.random.SeedSequence(7).spawn(4)[2]).random(4096)
    return fast, reference.play(times, durations, inits, platform, 11, callers, routes)


@settings(max_examples=150)
@given(cases())
def test_every_request_meets_the_same_fate_as_in_the_reference(case):
    fast, slow = both(case)
    assert list(fast.records().itertuples(index=False, name=None)) == slow.rows
    assert fast.refusals == slow.refusals
    assert fast.requests == fast.served + fast.throttled == len(case[0])


@settings(max_examples=60)
@given(cases())
def test_averages_and_peaks_are_those_of_the_reference(case):
    fast, slow = both(case)
    assert fast.period_s == slow.period_s
    assert fast.mean_environments == pytest.approx(slow.mean_environments, abs=1e-9)
    assert fast.mean_running == pytest.approx(slow.mean_running, abs=1e-9)
    assert abs(fast.littles_law_gap) < 1e-9
    assert fast.peak_environments == slow.peak_environments
    frame = fast.timeline(0.25)
    assert frame.environments.mean() == pytest.approx(fast.mean_environments, rel=0.03)
    assert frame.most_environments.max() == fast.peak_environments
    assert frame[["arrivals", "started", "cold", "throttled"]].sum().tolist() == [
        fast.requests,
        fast.served,
        fast.cold,
        fast.refusals,
    ]


def uncompiled(monkeypatch):
    """Put the loop in its place as it is without Numba."""
    monkeypatch.setattr(compiled, "numba", None)
    spec = importlib.util.find_spec("helpers.scaling.loop")
    plain = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(plain)
    assert plain.run.__class__.__name__ == "function"
    monkeypatch.setattr(scaling, "loop", plain, raising=False)


SENDERS = [
    {},
    {"callers": Retry(factor=1.7)},
    {"queue": scaling.Asynchronous(jitter=True)},
    {"queue": Pollers(start=2)},
]


@pytest.mark.parametrize("sender", SENDERS, ids=["synchronous", "retrying", "asynchronous", "polled"])
@pytest.mark.parametrize("routing", ["newest", "random"])
def test_without_numba_the_same_loop_gives_the_same_digits(monkeypatch, sender, routing):
    platform = Platform(concurrency=9, scaling_rate=6, keep_alive_s=0.7, routing=routing, provisioned=2)
    given = {
        "duration_ms": scaling.lognormal(300, sigma=1),
        "init_ms": scaling.exponential(200),
        "platform": platform,
        **sender,
    }
    arrivals = scaling.poisson(25, 40, seed=3) + scaling.ramp(0, 20, 30, seed=4)
    fast = simulate(arrivals, **given, record=True)
    with monkeypatch.context() as patch:
        uncompiled(patch)
        slow = simulate(arrivals, **given, record=True)
        slow_frame = slow.timeline(0.5)
    assert fast.records().equals(slow.records())
    assert fast.timeline(0.5).equals(slow_frame)
    for name in ("mean_environments", "mean_running", "cold", "refusals", "retries", "peak_running", "mean_latency_ms"):
        assert getattr(fast, name) == getattr(slow, name)
    assert fast.latency_ms(0.9) == slow.latency_ms(0.9)


@settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow])
@given(cases(), st.integers(1, 4), st.sampled_from([0, 30, 300]), st.integers(1, 4))
@example((np.array([0.0, 0.0]), np.array([1.0, 1.0]), np.zeros(2), Platform(reserved=0), None), 1, 30, 1)
def test_pollers_take_events_in_order_lose_none_and_stay_within_their_number(case, start, per_minute, batch_size):
    times, durations, inits, platform, _ = case
    pollers = Pollers(start=start, per_minute=per_minute, most=5, batch_size=batch_size)
    result = simulate(
        from_timestamps(times, duration_s=11),
        duration_ms=durations,
        init_ms=inits,
        platform=platform,
        queue=pollers,
        record=True,
    )
    possible = platform.limit > 0 and (platform.scaling_rate != 0 or platform.provisioned > 0)
    assert result.served == (len(times) if possible else 0)
    assert result.requests == len(times)
    assert abs(result.littles_law_gap) < 1e-9
    served = result.records().query("environment >= 0")
    assert (served.start_s >= served.time_s).all()
    assert served.start_s.is_monotonic_increasing
    batches = served.groupby(["environment", "start_s", "end_s"]).size()
    assert result.invocations <= result.served <= result.invocations * batch_size
    spans = [(begin, end) for _, begin, end in batches.index if end > begin]
    assert most_at_once(spans) <= min(5, platform.limit)
