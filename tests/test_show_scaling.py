"""The figures of notebook 05 say in words what they draw, and draw what the simulator and the group compute."""

import re

import numpy as np
import pytest

from helpers.scaling import Group, Surge, follow, required_concurrency
from helpers.scaling.group import Followed
from helpers.scaling.incidents import EVENINGS, incident
from helpers.show import scaling, scaling_fleets

CHARTS = {
    "needed": scaling.needed,
    "durations": scaling.durations,
    "staircase": scaling.staircase,
    "crowd": scaling.crowd,
    "evening": scaling.evening,
    "group": scaling_fleets.group,
    "night": scaling_fleets.night,
    "quiet": scaling_fleets.quiet,
}


@pytest.mark.parametrize("name", CHARTS)
def test_every_figure_is_one_that_plotly_accepts_and_has_sentence_and_table(name):
    graph_objects = pytest.importorskip("plotly.graph_objects")
    chart = CHARTS[name]()
    graph_objects.Figure(chart.figure)
    assert chart.sentence.endswith(".")
    assert len(chart.table) >= 2


@pytest.mark.parametrize("name", CHARTS)
def test_no_text_of_a_figure_could_be_taken_for_a_formula(name):
    texts = re.findall(r"'text': '([^']*)'", str(CHARTS[name]().figure["layout"]))
    assert all(text.count("$") < 2 for text in texts)


@pytest.mark.parametrize(("rate", "duration"), [(100, 500), (10_000, 50), (20_000, 50), (10_000, 500)])
def test_what_is_needed_is_marked_where_the_larger_of_two_lines_is(rate, duration):
    chart = scaling.needed(rate_per_s=rate, duration_ms=duration)
    need = required_concurrency(rate_per_s=rate, duration_ms=duration)
    marks = next(trace for trace in chart.figure["data"] if trace["mode"] == "markers")
    assert (marks["x"], marks["y"]) == ([rate], [need])
    at = chart.table[np.isclose(chart.table.rate, rate)].set_index("line").concurrency
    assert max(at["for the work"], at["for the cap"]) == pytest.approx(need)
    assert ("does not fit" in chart.figure["layout"]["title"]["text"]) == (need > 1000)


def test_the_lessons_sentence_holds_at_50_ms_nearly_at_100_and_not_at_500():
    shares = [float(share) for share in re.findall(r"([\d.]+)% are turned away", scaling.durations().sentence)]
    assert shares[0] == pytest.approx(0.5, abs=0.1)
    assert shares[1] == pytest.approx(3.3, abs=0.3)
    assert shares[2] == pytest.approx(80, abs=1)


def test_a_higher_quota_fills_by_a_hundred_a_second_after_the_first_thousand():
    table = scaling.staircase().table.set_index("seconds")
    grown = table["quota 10,000"]
    assert grown[0] == pytest.approx(1_100, abs=20)
    assert grown[30] - grown[10] == pytest.approx(2_000, abs=40)
    assert table["quota 1,000"].max() == 1_000
    assert "costs $22.50 an hour" in scaling.staircase().sentence


@pytest.mark.parametrize(
    ("settings", "reason"),
    [
        ({"duration_ms": 500}, "all environments of the quota are busy"),
        ({"duration_ms": 500, "quota": 10_000}, "added too slowly"),
        ({"duration_ms": 5, "peak_rate": 20_000}, "ten requests a second"),
    ],
)
def test_a_crowd_is_told_why_it_is_turned_away(settings, reason):
    chart = scaling.crowd(**settings)
    assert reason in chart.sentence
    assert reason in chart.figure["layout"]["title"]["text"].replace("<br>", " ")


def test_a_crowd_that_nobody_notices_says_so():
    chart = scaling.crowd(peak_rate=1_000, duration_ms=50)
    assert chart.figure["layout"]["title"]["text"] == "<b>Everybody is answered</b>"
    assert "nobody is turned away" in chart.sentence


def test_nearly_all_are_not_called_all():
    assert "more than 99% are" in scaling.crowd(quota=100, duration_ms=5_000).figure["layout"]["title"]["text"]


def test_more_provisioned_than_the_quota_is_refused_in_words():
    with pytest.raises(ValueError, match=r"600 provisioned environments don.t fit into a quota of 500"):
        scaling.crowd(quota=500, provisioned=600)


@pytest.mark.parametrize("settings", [{}, {"peak_rate": 1}, {"peak_rate": 20_000, "rise_s": 45}])
def test_a_crowds_figure_keeps_its_height(settings):
    assert scaling.crowd(**settings).figure["layout"]["height"] == scaling.crowd().figure["layout"]["height"]


def test_the_three_evenings_have_three_causes_and_none_is_named_in_its_figure():
    assert {incident(evening).cause for evening in EVENINGS} == {"concurrency", "scaling", "rate"}
    for evening in EVENINGS:
        chart = scaling.evening(evening=evening)
        told = chart.sentence + str(chart.figure["layout"])
        assert not re.search(r"reserved|too slowly|ten requests|\bcap\b", told)


def test_each_evening_was_refused_for_one_reason_alone():
    for evening in EVENINGS:
        by = incident(evening).result.throttled_by
        assert sorted(by.values())[:2] == [0, 0]


def test_each_evening_has_the_same_crowd_at_every_call():
    assert {incident(evening).result.requests for evening in EVENINGS} == {380_590}


def test_an_unknown_evening_is_refused():
    with pytest.raises(ValueError, match="Tuesday, Wednesday, Thursday"):
        incident("Friday")


def test_a_group_catches_up_after_alarm_and_lead_time():
    rates = Surge(quiet_s=60, hold_s=600).rates()
    for alarm, lead in ((180, 120), (60, 60), (30, 0)):
        assert follow(rates, Group(alarm_s=alarm, lead_s=lead)).caught_up_s == 60 + alarm + lead


def test_a_group_without_delay_orders_after_the_first_second_that_it_sees():
    rates = Surge(quiet_s=60, hold_s=600).rates()
    assert follow(rates, Group(alarm_s=0, lead_s=0)).caught_up_s == 61


def test_a_group_that_looks_at_processors_grows_step_by_step_and_later():
    rates = Surge(base_rate=3_333, quiet_s=60, hold_s=900).rates()
    by_requests, by_cpu = (follow(rates, Group(signal=signal)) for signal in ("requests", "cpu"))
    assert by_cpu.caught_up_s > by_requests.caught_up_s
    assert len(set(by_cpu.instances.tolist())) > len(set(by_requests.instances.tolist()))
    grown = np.flatnonzero(np.diff(by_cpu.instances))
    assert set(np.diff(grown) % 60) == {0}, "values come by the minute"


def test_headroom_of_three_carries_three_times_the_load():
    rates = Surge(base_rate=3_000, peak_rate=9_000, quiet_s=60, hold_s=600).rates()
    assert follow(rates, Group(use=1 / 3)).dropped.sum() == 0
    assert follow(rates, Group(use=0.6)).dropped.sum() > 0


def test_a_group_answers_or_drops_or_still_holds_what_arrives():
    rates = Surge(quiet_s=60, hold_s=600).rates()
    followed = follow(rates, Group())
    left = followed.rates.sum() - followed.answered.sum() - followed.dropped.sum()
    assert 0 <= left <= 10 * 200 * followed.instances[-1]


@pytest.mark.parametrize(("lost", "caught_up_s"), [(0.49, 0), (0.51, 2)])
def test_a_group_has_caught_up_when_less_than_half_a_request_is_lost_in_a_second(lost, caught_up_s):
    nobody = np.zeros(4)
    assert Followed(nobody, nobody, np.array([0, lost, 0, 0]), nobody).caught_up_s == caught_up_s


def test_a_group_may_keep_a_single_instance():
    assert follow(np.full(60, 1.0), Group(minimum=1)).instances[-1] == 1


def test_a_group_may_be_planned_without_headroom():
    assert follow(np.full(60, 400.0), Group(use=1)).instances[-1] == 2


def test_a_group_never_exceeds_its_own_limit():
    followed = follow(Surge(quiet_s=60, hold_s=600).rates(), Group(maximum=20))
    assert followed.instances.max() == 20
    assert np.isnan(followed.caught_up_s)


@pytest.mark.parametrize(
    ("name", "value"), [("use", 0), ("use", 1.01), ("unit_rate", 0), ("minimum", 0), ("signal", "x")]
)
def test_a_group_without_sense_is_refused_by_name(name, value):
    with pytest.raises(ValueError, match=f"{name} must be"):
        Group(**{name: value})


def test_a_surge_is_the_same_at_every_call():
    surge = Surge(base_rate=5, peak_rate=20)
    assert surge.arrivals().times_s.tolist() == surge.arrivals(seed=1).times_s.tolist()


def test_a_surge_has_the_requests_that_its_rates_promise():
    surge = Surge(base_rate=50, peak_rate=1_000, quiet_s=20, rise_s=30, hold_s=50)
    assert len(surge.arrivals(seed=4)) == pytest.approx(surge.rates().sum(), rel=0.02)


def test_after_closing_time_no_environment_is_left_and_only_the_function_is_free():
    table = scaling_fleets.night().table
    assert (table[table.hour > 20.5].environments == 0).all()
    assert (table[table.hour < 8].environments == 0).all()
    quiet = scaling_fleets.quiet().table.set_index("what").usd
    assert quiet["Lambda function"] == 0
    assert (quiet.drop("Lambda function") > 0).all()


def test_twice_the_hours_cost_twice_as_much():
    one, two = (scaling_fleets.quiet(hours=hours).table.set_index("what").usd for hours in (12, 24))
    assert two.to_numpy() == pytest.approx(2 * one[two.index].to_numpy(), abs=0.0002)
