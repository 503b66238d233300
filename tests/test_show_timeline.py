"""Counting environments over time: by hand on small runs, and against a slow count on large ones."""

import numpy as np
import pandas as pd
import pytest
from cloud_frames import at_once, in_a_row, played, spike

from helpers.show.timeline import environments_timeline, lives, requests


def test_a_cold_request_runs_init_and_then_its_handler():
    told = requests(at_once(1, init_ms=100, duration_ms=200)[0]).iloc[0]
    assert told.handler_s - told.start_s == pytest.approx(0.1, rel=0.11)
    assert told.end_s - told.handler_s == pytest.approx(0.2, rel=0.06)


def test_a_throttled_request_takes_no_time_and_no_environment():
    told = requests(at_once(5, most=2)[0])
    turned_away = told[told.status == "throttled"]
    assert len(turned_away) == 3
    assert (turned_away.end_s == turned_away.start_s).all()
    assert set(turned_away.environment) == {""}


def test_environments_are_born_with_their_first_request_and_live_until_they_are_stopped():
    invocations, environments = at_once(3)
    environments.loc[0, "state"] = "stopped"
    lived = lives(invocations, environments)
    assert list(lived.born_s) == [5.0, 5.001, 5.002]
    assert list(np.isinf(lived.ended_s)) == [False, True, True]
    assert lived.ended_s[0] == lived.last_used_s[0]


def test_without_the_frame_of_environments_each_ends_with_its_last_request():
    lived = lives(in_a_row(4)[0])
    assert len(lived) == 1
    assert lived.ended_s[0] == lived.last_end_s[0] > 6.5
    assert not lived.stopped[0]


def test_an_environment_that_is_no_longer_listed_has_been_stopped():
    invocations, environments = at_once(2)
    assert list(lives(invocations, environments.iloc[:1]).stopped) == [False, True]


def test_a_cloud_that_knows_when_it_stopped_an_environment_is_believed():
    invocations, environments = at_once(2)
    environments["stopped_s"] = [60.0, np.nan]
    environments.loc[0, "state"] = "stopped"
    assert lives(invocations, environments).ended_s[0] == 60.0


def test_environments_that_wait_for_a_first_request_are_counted():
    invocations, environments = at_once(1)
    waiting = environments.assign(environment="provisioned", started_s=1.0, last_used_s=1.0)
    counted = environments_timeline(invocations, pd.concat([environments, waiting]), 0.1)
    assert counted.environments[0] == 2
    assert counted.running[0] == 1


def test_environments_of_functions_that_nobody_called_are_left_out():
    invocations, environments = at_once(1)
    other = environments.assign(environment="other", function="other")
    assert list(lives(invocations, pd.concat([environments, other])).function) == ["thumbnail"]


def test_ten_at_once_are_ten_running_and_then_ten_idle():
    counted = environments_timeline(*at_once(10), 0.05)
    assert counted.time_s.tolist()[:3] == [0, 0.05, 0.1]
    assert counted.environments.tolist()[:2] == [1, 10]
    assert counted.running.max() == 10
    assert counted.environments.iloc[-1] == 10
    assert counted[["arrivals", "cold", "throttled"]].sum().tolist() == [10, 10, 0]


def test_the_origin_can_be_another_moment():
    counted = environments_timeline(*at_once(10), 1, origin_s=3)
    assert counted.environments.tolist() == [0, 0, 1]
    assert counted.arrivals.tolist() == [0, 0, 10]


@pytest.mark.parametrize("step_s", [0.1, 0.37, 2])
def test_every_step_agrees_with_counting_one_by_one(step_s):
    invocations, environments = spike()
    environments.loc[::3, "state"] = "stopped"
    counted, told, lived = (
        environments_timeline(invocations, environments, step_s),
        requests(invocations),
        lives(invocations, environments),
    )
    first = told.start_s.min()
    assert counted.arrivals.sum() == len(told)
    assert counted.throttled.sum() == (told.status == "throttled").sum() > 0
    for row in counted.iloc[:: max(1, len(counted) // 50)].itertuples():
        now = row.time_s + first
        assert row.environments == ((lived.born_s <= now) & (now < lived.ended_s)).sum()
        assert row.running == ((told.start_s <= now) & (now < told.end_s)).sum()


def test_nothing_noted_is_one_row_of_zeros():
    invocations, environments = played([])
    assert environments_timeline(invocations, environments).to_numpy().tolist() == [[0.0] * 6]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"step_s": 0}, "step_s must be above 0, got 0"),
        ({"step_s": 1e-9}, "step_s must give at most 1,000,000 steps, got"),
        ({"invocations": [1]}, "invocations must be a DataFrame, got list"),
        ({"invocations": pd.DataFrame({"function": []})}, "invocations has no column 'environment', 'started_s'"),
        ({"environments": pd.DataFrame()}, "environments has no column .* it has none"),
        ({"invocations": at_once(1)[0].assign(status="lost")}, "status must be .* got 'lost'"),
    ],
)
def test_what_cannot_be_counted_is_refused_in_words(change, message):
    invocations, environments = at_once(2)
    given = {"invocations": invocations, "environments": environments, "step_s": 1.0} | change
    with pytest.raises((TypeError, KeyError, ValueError), match=message):
        environments_timeline(**given)
