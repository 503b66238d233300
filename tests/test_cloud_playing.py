"""Arrivals are played at their times, counted while they run, and come back as what the simulator takes."""

import time

import numpy as np
import pandas as pd
import pytest
from conftest import until

from helpers.cloud import play
from helpers.cloud.playing import _Watch
from helpers.scaling import constant, from_timestamps, mean_gap, measured, simulate

SLOW = "import time\ndef handler(event, context):\n    time.sleep(0.15)\n    return event"


def test_a_burst_gets_an_environment_for_each_request_at_once(cloud, workshop):
    name = workshop.make(SLOW)
    played = play(cloud, from_timestamps([0, 0, 0, 1.5], duration_s=1.6), name, event={"photo": 1})
    assert played.invocations["status"].tolist() == 4 * ["success"]
    assert played.invocations["cold"].sum() == 3
    assert played.environments["environments"].max() == 3
    assert played.environments["environments"].is_monotonic_increasing


def test_an_environment_stops_when_it_is_first_seen_stopped():
    class Stopping:
        looks = 0

        def environments(self):
            self.looks += 1
            state = "idle" if self.looks < 3 else "stopped"
            return pd.DataFrame({"environment": ["a"], "function": ["slow"], "state": [state]})

    cloud = Stopping()
    with _Watch(cloud, "slow", 0.01) as watch:
        until(lambda: cloud.looks > 5)
    seen = watch.frame(0.0)
    assert watch.lives(0.0).stopped_s[0] == pytest.approx(seen[seen.environments == 0].time_s.iloc[0], abs=0.001)


def test_requests_are_sent_at_their_times_and_only_this_run_is_told(cloud, workshop):
    name = workshop.make(SLOW)
    play(cloud, from_timestamps([0]), name)
    begin = time.monotonic()
    played = play(cloud, constant(4, 1), name, rest_s=0.2)
    assert time.monotonic() - begin >= 1.2
    assert len(played.invocations) == 4
    starts = played.invocations["started_s"].sort_values().to_numpy()
    assert starts[-1] - starts[0] == pytest.approx(0.75, abs=0.4)


def test_more_than_a_machine_should_play_is_refused(cloud):
    with pytest.raises(ValueError, match="between 1 and 10000 requests, got 0"):
        play(cloud, from_timestamps([]), "nobody")


def test_throttled_requests_are_kept_as_throttled(cloud, workshop):
    name = workshop.make(SLOW)
    workshop.client.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=1)
    played = play(cloud, from_timestamps([0, 0, 0]), name)
    assert sorted(played.invocations["status"]) == ["success", "throttled", "throttled"]
    real = measured(played.invocations)
    assert np.isfinite(real.duration_ms).all()


def test_the_simulator_finds_the_environments_that_a_real_run_had(cloud, workshop):
    name = workshop.make(SLOW)
    played = play(cloud, from_timestamps([0, 0.02, 0.04, 1.2, 1.25], duration_s=1.6), name)
    real = measured(played.invocations, duration_s=1.6)
    model = simulate(real.arrivals, duration_ms=real.duration_ms, init_ms=real.init_ms)
    assert model.cold == played.invocations["cold"].sum()
    assert mean_gap(played.environments, model.timeline(step_s=0.125)) <= 1


def test_a_frame_without_a_column_or_a_served_request_is_refused():
    frame = pd.DataFrame({"started_s": [0.0], "duration_ms": [np.nan], "init_ms": [np.nan]})
    with pytest.raises(ValueError, match="init_ms is missing"):
        measured(frame.drop(columns="init_ms"))
    with pytest.raises(ValueError, match="at least one request that was served"):
        measured(frame)


def test_courses_that_never_meet_have_no_gap():
    early = pd.DataFrame({"time_s": [0, 1], "environments": [1, 1]})
    late = pd.DataFrame({"time_s": [5, 6], "environments": [1, 1]})
    with pytest.raises(ValueError, match="must overlap"):
        mean_gap(early, late)
