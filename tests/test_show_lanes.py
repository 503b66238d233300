"""Environments as lanes, as curves and live: what is drawn, what is said, and that it stays small."""

import json
import re

import pandas as pd
import pytest
from cloud_frames import at_once, in_a_row, played, spike, storm

from helpers.show import times
from helpers.show.lanes import environment_lanes, environments_over_time
from helpers.show.timeline import environments_timeline
from helpers.show.viewer import EnvironmentViewer

RUNS = {
    "nothing": played([]),
    "one": at_once(1, duration_ms=1.3),
    "a row": in_a_row(10),
    "ten": at_once(10),
    "faults": played([i * 0.05 for i in range(60)], most=5, errors=(7, 22), timeouts=(12, 30)),
    "spike": spike(),
    "storm": storm(),
}


@pytest.fixture(scope="module", params=RUNS)
def chart(request):
    return environment_lanes(*RUNS[request.param])


def trace(chart, name):
    return next((each for each in chart.figure["data"] if each["name"] == name), None)


def title(chart):
    return chart.figure["layout"]["title"]["text"].removeprefix("<b>").removesuffix("</b>").replace("\xa0", " ")


def test_plotly_accepts_every_figure(chart):
    pytest.importorskip("plotly.graph_objects")
    chart.to_plotly()


def test_every_figure_stays_small_and_says_what_it_shows(chart):
    assert len(json.dumps(chart._repr_mimebundle_())) < 150_000
    assert chart.sentence.endswith(".")
    assert title(chart).count("<br>") < 2
    assert chart.figure["layout"]["height"] <= 900


def test_no_text_could_be_taken_for_a_formula(chart):
    assert str(chart.figure).count("$") + chart.sentence.count("$") < 2


@pytest.mark.parametrize(
    ("run", "finding"),
    [
        (played([]), "No request, no environment: nothing runs"),
        (at_once(1), "One call: one environment, one cold start"),
        (in_a_row(10), "10 calls in a row: one environment, one cold start"),
        (at_once(10), "10 callers at once: 10 environments, 10 cold starts"),
        (at_once(12, most=10), "12 callers at once: 10 environments, 10 cold starts, 2 throttled"),
        (at_once(3, most=0), "3 calls: no environments, no cold starts, 3 throttled"),
        (at_once(10, duration_ms=1, init_ms=0.1), "10 requests, at most 2 at once: 2 environments, 2 cold starts"),
        (in_a_row(4, errors=(1,)), "4 calls in a row: one environment, one cold start, one error"),
    ],
)
def test_the_title_is_the_finding(run, finding):
    chart = environment_lanes(*run)
    assert title(chart).replace("<br>", " ") == finding
    assert chart.sentence.startswith(finding)


def test_requests_that_touch_are_not_at_once():
    invocations, environments = in_a_row(50)
    touching = invocations.assign(started_s=[i * 0.1 for i in range(50)], duration_ms=100.0, init_ms=0.0)
    assert title(environment_lanes(touching, environments)).startswith("50 calls in a row")


def test_a_title_of_ones_own_stands():
    assert title(environment_lanes(*at_once(2), title="Two at once")) == "Two at once"


def test_lanes_stand_in_order_of_birth_and_init_comes_before_the_handler():
    chart = environment_lanes(*at_once(10))
    assert chart.figure["layout"]["yaxis"]["ticktext"][:2] == ["environment 1 ", "environment 2 "]
    init, handler = trace(chart, "INIT"), trace(chart, "handler")
    assert init["base"] == pytest.approx(list(range(10)), abs=1e-6)
    assert init["y"] == handler["y"] == list(range(1, 11))
    ends = [base + long for base, long in zip(init["base"], init["x"], strict=True)]
    assert ends == pytest.approx(handler["base"], rel=1e-4)


def test_time_begins_at_the_first_request_and_counts_in_a_unit_that_fits():
    assert "milliseconds" in str(environment_lanes(*at_once(10)).figure["layout"]["xaxis"])
    chart = environment_lanes(*in_a_row(30))
    assert "seconds since the first request" in chart.figure["layout"]["xaxis"]["title"]["text"]
    assert "milli" not in chart.figure["layout"]["xaxis"]["title"]["text"]
    assert trace(chart, "INIT")["base"] == [0]


def test_everything_differs_by_pattern_or_symbol_as_well_as_by_colour():
    chart = environment_lanes(*RUNS["faults"])
    bars = [each for each in chart.figure["data"] if each["type"] == "bar" and each["name"] != "idle"]
    patterns = [each["marker"].get("pattern", {}).get("shape", "") for each in bars]
    assert sorted(each["name"] for each in bars) == ["INIT", "error", "handler", "timeout"]
    assert len(set(patterns)) == len(bars)
    symbols = {each["name"]: each["marker"]["symbol"] for each in chart.figure["data"] if each["type"] == "scatter"}
    assert symbols["error"] != symbols["timeout"]


def test_throttled_requests_have_a_lane_at_the_bottom():
    chart = environment_lanes(*at_once(8, most=5))
    marks = trace(chart, "throttled")
    assert len(marks["x"]) == 3
    assert min(marks["y"]) > 5.5
    assert chart.figure["layout"]["yaxis"]["ticktext"][-1] == "3 throttled "


def test_a_stopped_environment_ends_in_a_mark_and_the_others_wait_on():
    invocations, environments = at_once(3)
    environments.loc[1, "state"] = "stopped"
    chart = environment_lanes(invocations, environments, until_s=8)
    assert trace(chart, "stopped")["y"] == [2]
    idle = trace(chart, "idle")
    ends = [base + long for base, long in zip(idle["base"], idle["x"], strict=True)]
    assert ends[0] == pytest.approx(3000)
    assert ends[1] < 400
    assert "Stopped since: one environment." in chart.sentence


def test_what_is_still_going_on_is_drawn_up_to_now():
    invocations, environments = at_once(1)
    more = [("new", "initialising", 5.4, 5.4), ("busy", "busy", 5.1, 5.3), ("waiting", "idle", 2.0, 2.0)]
    for name, state, started_s, last_used_s in more:
        row = environments.iloc[:1].assign(environment=name, state=state, started_s=started_s, last_used_s=last_used_s)
        environments = pd.concat([environments, row], ignore_index=True)
    chart = environment_lanes(invocations, environments, until_s=5.5)
    assert trace(chart, "still running")["x"] == [pytest.approx(200)]
    assert trace(chart, "INIT")["x"][-1] == pytest.approx(100)
    assert len(trace(chart, "idle")["y"]) == 4


def test_durations_stand_on_the_bars_while_there_are_few():
    assert trace(environment_lanes(*at_once(10)), "handler")["text"][0].endswith(" ms")
    assert "text" not in trace(environment_lanes(*spike()), "handler")


def test_with_many_lanes_only_some_are_named():
    ticks = environment_lanes(*spike()).figure["layout"]["yaxis"]["ticktext"]
    assert 5 < len(ticks) < 20
    assert ticks[:2] == ["environment 1 ", "environment 10 "]


def test_thousands_of_requests_are_merged_and_none_is_lost():
    invocations, environments = storm()
    chart = environment_lanes(invocations, environments)
    bars = [each for each in chart.figure["data"] if each["type"] == "bar" and each["name"] in ("handler", "error")]
    assert sum(len(each["x"]) for each in bars) < 1600
    told = [int(m[1].replace(",", "")) if (m := re.match(r"([\d,]+) requests", text)) else 1
            for each in bars for text in each["hovertext"]]  # fmt: skip
    assert sum(told) == (invocations.status != "throttled").sum()
    assert "drawn as one" in chart.figure["layout"]["xaxis"]["title"]["text"]
    throttled = [
        int(text.split()[0].replace(",", "")) if text[0].isdigit() else 1
        for text in trace(chart, "throttled")["hovertext"]
    ]
    assert sum(throttled) == (invocations.status == "throttled").sum()


def test_more_environments_than_can_be_drawn_are_said_to_be():
    chart = environment_lanes(*at_once(400, duration_ms=2000))
    assert "The first 250 of 400 environments are drawn." in chart.figure["layout"]["xaxis"]["title"]["text"]
    assert title(chart).startswith("400 callers at once: 400 environments")


def test_a_given_height_is_kept_however_many_lanes_there_are():
    heights = {environment_lanes(*at_once(count), height=440).figure["layout"]["height"] for count in (1, 7, 40, 200)}
    assert max(heights) - min(heights) <= 1


def test_two_functions_are_told_apart_by_their_lanes_names():
    runs = [at_once(2), at_once(2, function="send-the-newsletter-to-everybody")]
    chart = environment_lanes(*(pd.concat(each, ignore_index=True) for each in zip(*runs, strict=True)))
    names = chart.figure["layout"]["yaxis"]["ticktext"]
    assert sorted(name.split(" · ")[1] for name in names) == ["send-the-newslett… "] * 2 + ["thumbnail "] * 2


def test_the_table_has_one_row_a_request():
    table = environment_lanes(*at_once(8, most=5)).table
    assert list(table.status).count("throttled") == 3
    assert table["handler (ms)"].isna().sum() == 3
    assert list(table.environment[:2]) == ["1", "2"]


def test_a_frame_that_lacks_a_column_is_refused_in_words():
    with pytest.raises(KeyError, match="invocations has no column 'cold'"):
        environment_lanes(at_once(1)[0].drop(columns="cold"))


@pytest.fixture
def two_runs():
    return {"measured": environments_timeline(*spike(), 0.1), "simulated": environments_timeline(*spike(seed=2), 0.1)}


def test_curves_are_steps_that_differ_by_dash_and_width_and_end_in_their_names(two_runs):
    chart = environments_over_time(two_runs)
    data = chart.figure["data"]
    assert [each["line"]["shape"] for each in data] == ["hv"] * 4
    assert data[0]["line"]["dash"] == "solid" != data[1]["line"]["dash"]
    assert data[0]["line"]["width"] > data[1]["line"]["width"]
    assert [note["text"].split("</span> ")[1] for note in chart.figure["layout"]["annotations"]] == [*two_runs] * 2
    assert "120 environments (measured), 120 (simulated)" in title(chart).replace("<br>", " ")
    assert "measured 120 and simulated 120" in chart.sentence
    assert len(chart.table) == sum(map(len, two_runs.values()))
    chart.to_plotly()


def test_only_the_points_where_a_curve_steps_are_stored(two_runs):
    chart = environments_over_time(two_runs)
    assert len(chart.figure["data"][0]["x"]) < len(two_runs["measured"]) / 2
    long = pd.DataFrame({"time_s": range(50_000), "environments": [0, 1] * 24_999 + [7, 0], "running": 0})
    chart = environments_over_time({"long": long})
    assert max(chart.figure["data"][0]["y"]) == 7
    assert len(json.dumps(chart.figure)) < 60_000


@pytest.mark.parametrize(
    ("runs", "message"),
    [
        ({}, "between 1 and 5 runs, got 0"),
        ({"a": pd.DataFrame({"time_s": []})}, "the run 'a' has no column 'environments' and 'running'"),
        ({"a": pd.DataFrame({"time_s": [], "environments": [], "running": []})}, "the run 'a' has no rows"),
        ({"a" * 40: pd.DataFrame({"time_s": [0], "environments": 1, "running": 1})}, "at most 24 characters"),
    ],
)
def test_runs_that_cannot_be_drawn_are_refused_in_words(runs, message):
    with pytest.raises((KeyError, ValueError), match=message):
        environments_over_time(runs)


ROUNDED = {
    0: "0 ms",
    0.0456: "0.0456 ms",
    9.996: "10 ms",
    999.6: "1 s",
    59_960: "1 min",
    3_599_900: "1 h",
    5.4e6: "1 h 30 min",
    float("nan"): "unknown",
}


@pytest.mark.parametrize(("ms", "said"), ROUNDED.items())
def test_durations_are_rounded_as_people_say_them(ms, said):
    assert times.duration(ms) == said


class Clock:
    """Seconds that move when told to."""

    now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def live():
    """A viewer whose frames, fault and clock a test can set."""
    state = {"frames": played([]), "fault": None, "looks": 0}
    clock = Clock()

    def look():
        state["looks"] += 1
        if state["fault"]:
            raise state["fault"]
        return state["frames"]

    viewer = EnvironmentViewer(look, clock=clock)
    viewer.state, viewer.clock = state, clock
    return viewer


def ask(viewer, kind="tick", after_s=0.25):
    """Send what a view sends, and return the state that comes back."""
    viewer.clock.now += after_s
    viewer._repr_mimebundle_()
    viewer._panel._handle_custom_msg({"type": kind, "from": f"{kind}-{viewer.clock.now}"}, [])
    assert viewer._panel.state["answers"] == f"{kind}-{viewer.clock.now}"
    return viewer._panel.state


def test_a_viewer_starts_with_no_environment_and_follows_the_frames(live):
    assert ask(live, "hello")["sentence"] == "No request, no environment: nothing runs."
    live.state["frames"] = at_once(10)
    assert ask(live)["sentence"].startswith("10 callers at once: 10 environments")
    assert json.loads(live._panel.state["figure"]) == live.chart.figure


def test_a_viewer_asks_often_then_seldom_then_not_at_all_and_wakes(live):
    assert ask(live, "hello")["next_ms"] == 250
    assert ask(live, after_s=4)["next_ms"] == 1000
    assert ask(live, after_s=20)["next_ms"] == 0
    assert ask(live, "wake")["next_ms"] == 250
    ask(live, after_s=4)
    live.state["frames"] = at_once(1)
    assert ask(live)["next_ms"] == 250


def test_a_viewer_wakes_when_code_asks_it_to(live):
    assert ask(live, after_s=30)["next_ms"] == 0
    live.state["frames"] = at_once(2)
    live.refresh()
    assert live._panel.state["next_ms"] == 250
    assert str(live).startswith("2 callers at once")


def test_a_fault_becomes_a_sentence_and_the_last_figure_stays(live):
    live.state["frames"] = at_once(2)
    figure = ask(live)["figure"]
    live.state["fault"] = RuntimeError("the cloud has\nstopped")
    state = ask(live)
    assert state["problem"] == live.sentence == "The environments can't be shown: the cloud has stopped."
    assert state["figure"] == figure
    live.state["fault"] = None
    assert ask(live)["problem"] == ""


@pytest.mark.parametrize("frames", [None, (), (1, 2), (pd.DataFrame(), None), (at_once(1)[0], "no frame")])
def test_frames_that_cannot_be_drawn_become_a_sentence_too(live, frames):
    live.state["frames"] = frames
    assert ask(live)["problem"].startswith("The environments can't be shown: ")


def test_views_of_one_viewer_share_a_look(live):
    ask(live)
    looks = live.state["looks"]
    ask(live, after_s=0.01)
    assert live.state["looks"] == looks


def test_a_viewer_redraws_only_what_changed_or_still_runs(live):
    live.state["frames"] = at_once(2)
    ask(live)
    chart = live.chart
    ask(live)
    assert live.chart is chart
    invocations, environments = at_once(2)
    live.state["frames"] = (invocations, environments.assign(state="busy", last_used_s=6.0), 6.5)
    ask(live)
    live.state["frames"] = (*live.state["frames"][:2], 6.75)
    before = live.chart
    ask(live)
    assert trace(live.chart, "still running")["x"][0] == pytest.approx(trace(before, "still running")["x"][0] + 250)


def test_a_viewer_keeps_its_height(live):
    def height():
        layout = live.chart.figure["layout"]
        return layout["height"] - 24 * layout["title"]["text"].count("<br>")

    heights = []
    for frames in (at_once(1), at_once(10), RUNS["faults"], spike()):
        live.state["frames"] = frames
        ask(live)
        heights.append(height())
    assert max(heights) - min(heights) <= 1


def test_a_viewer_stores_its_view_and_its_sentence_only(live):
    bundle = live._repr_mimebundle_()
    assert set(bundle) == {"application/vnd.jupyter.widget-view+json", "text/plain"}
    assert bundle["text/plain"] == live.sentence


def test_a_closed_viewer_looks_no_more(live):
    ask(live)
    looks, panel = live.state["looks"], live._panel
    live.close()
    panel._answer(panel, {"type": "tick", "from": "late"}, [])
    live.refresh()
    assert live.state["looks"] == looks
    assert live.next_ms == 0
    assert set(live._repr_mimebundle_()) == {"text/plain"}


def test_a_viewer_refuses_what_it_cannot_call():
    with pytest.raises(TypeError, match="look must be a function"):
        EnvironmentViewer(at_once(1))
    with pytest.raises(ValueError, match="must be above 0, got 0"):
        EnvironmentViewer(lambda: at_once(1), interval_s=0)
