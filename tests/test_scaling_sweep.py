"""Sweeps: every combination, in order, the same on every backend, to be watched and stopped."""

import joblib
import pytest

from helpers.scaling import Platform, exponential, poisson, simulate, sweep

GIVEN = {"duration_ms": exponential(200), "init_ms": 300}
GRID = {"keep_alive_s": [1, 60], "arrivals": {"calm": poisson(1, 500, seed=1), "busy": poisson(20, 500, seed=2)}}


def test_a_sweep_has_one_row_for_each_combination_and_says_what_simulate_says():
    frame = sweep(GRID, **GIVEN, concurrency=8)
    assert frame[["keep_alive_s", "arrivals"]].values.tolist() == [[1, "calm"], [1, "busy"], [60, "calm"], [60, "busy"]]
    one = simulate(GRID["arrivals"]["busy"], **GIVEN, platform=Platform(keep_alive_s=60, concurrency=8))
    last = frame.iloc[-1]
    assert (last.requests, last.cold, last.throttled, last.p99_ms) == (
        one.requests,
        one.cold,
        one.throttled,
        one.latency_ms(0.99),
    )
    assert frame.attrs["complete"]


@pytest.mark.parametrize("backend", ["threading", "sequential", "multiprocessing"])
def test_every_backend_gives_the_same_frame(backend):
    expected = sweep(GRID, **GIVEN)
    with joblib.parallel_config(backend=backend, n_jobs=2):
        assert sweep(GRID, **GIVEN).equals(expected)


def test_a_dask_cluster_gives_the_same_frame():
    distributed = pytest.importorskip("distributed")
    expected = sweep(GRID, **GIVEN)
    cluster = {"n_workers": 1, "threads_per_worker": 2, "processes": False, "dashboard_address": None}
    with distributed.LocalCluster(**cluster) as workers, distributed.Client(workers):
        joblib_asks_dask = joblib.parallel_config(backend="dask")
        with joblib_asks_dask:
            assert sweep(GRID, **GIVEN).equals(expected)


def test_progress_is_told_and_may_stop_the_sweep():
    seen = []
    frame = sweep(GRID, **GIVEN, progress=lambda done, total: seen.append((done, total)) or done < 3)
    assert seen == [(1, 4), (2, 4), (3, 4)]
    assert len(frame) == 3
    assert not frame.attrs["complete"]


@pytest.mark.filterwarnings("ignore:.*tasks which were still being processed")
def test_an_interrupt_ends_the_sweep():
    def interrupt(done, total):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        sweep(GRID, **GIVEN, jobs=2, progress=interrupt)
    assert len(sweep(GRID, **GIVEN, jobs=2)) == 4


@pytest.mark.parametrize(
    ("grid", "message"),
    [
        ({"keepalive": [1]}, "grid must name arrivals, .*, got 'keepalive'"),
        ({"keep_alive_s": [1, -1], "arrivals": [poisson(1, 1)]}, "keep_alive_s must be 0 or more, got -1"),
        ({"keep_alive_s": [1]}, "arrivals must be given"),
    ],
)
def test_a_wrong_grid_is_refused_before_anything_runs(grid, message):
    with pytest.raises(ValueError, match=message):
        sweep(grid, **GIVEN, progress=lambda *_: pytest.fail("ran"))
