"""Controls and explorers, without a browser: what a learner sets, and what comes of it."""

import json
import threading

import pandas as pd
import pytest

from helpers.show import Chart, Choice, Explorer, Slider, Switch


def chart(sentence: str) -> Chart:
    return Chart({"data": [{"type": "bar", "x": [1], "y": [1]}], "layout": {}}, sentence, pd.DataFrame({"a<b>": [1.5]}))


def describe(memory_mb: int, architecture: str, free_tier: bool) -> Chart:
    if memory_mb > 9000:
        raise ValueError("memory_mb must be below 9000 here, got\n" + str(memory_mb))
    return chart(f"{memory_mb} MB on {architecture}, free tier {free_tier}.")


@pytest.fixture
def explorer() -> Explorer:
    return Explorer(
        describe,
        memory_mb=Slider("Memory", 128, 10240, value=1536, step=64, unit="MB"),
        architecture=Choice("Architecture", ["x86_64", "arm64"]),
        free_tier=Switch("Free tier", value=True),
    )


def panel_of(explorer: Explorer):
    explorer._repr_mimebundle_()
    return explorer._panel


def test_an_explorer_starts_with_the_values_of_its_controls(explorer: Explorer):
    assert explorer.values == {"memory_mb": 1536, "architecture": "x86_64", "free_tier": True}
    assert explorer.sentence == "1536 MB on x86_64, free tier True."


def test_setting_a_control_in_code_draws_again(explorer: Explorer):
    explorer["memory_mb"].value = 512
    explorer["architecture"].value = "arm64"
    explorer["free_tier"].value = False
    assert explorer.sentence == str(explorer.chart) == "512 MB on arm64, free tier False."


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("memory_mb", 64, "Memory must be between 128 and 10,240 MB, got 64"),
        ("memory_mb", 10241, "Memory must be between 128 and 10,240 MB, got 10,241"),
        ("memory_mb", float("nan"), "Memory must be between"),
        ("memory_mb", 1000.5, "Memory must be a whole number of MB, got 1,000.5"),
        ("memory_mb", "512", "Memory must be between 128 and 10,240 MB, got '512'"),
        ("memory_mb", None, "Memory must be a number of MB, got None"),
        ("architecture", "mips", "Architecture must be 'x86_64' or 'arm64', got 'mips'"),
        ("free_tier", 1, "Free tier must be True or False, got 1"),
    ],
)
def test_a_value_out_of_range_is_refused_in_words_and_changes_nothing(
    explorer: Explorer, name: str, value: object, message: str
):
    before = explorer.sentence
    with pytest.raises(ValueError, match=message):
        explorer[name].value = value
    assert explorer.sentence == before


def test_a_control_that_is_not_there_is_answered_with_those_that_are(explorer: Explorer):
    with pytest.raises(KeyError, match="no control 'memory'; there is memory_mb, architecture, free_tier"):
        explorer["memory"]


def test_an_exception_while_drawing_becomes_a_line_and_the_last_good_chart_stays(explorer: Explorer):
    explorer["memory_mb"].value = 9500
    assert explorer.sentence == "This combination has no answer: memory_mb must be below 9000 here, got 9500."
    assert str(explorer.chart) == "1536 MB on x86_64, free tier True."
    explorer["memory_mb"].value = 9000
    assert explorer.sentence == "9000 MB on x86_64, free tier True."


def test_an_explorer_that_never_had_a_chart_still_shows_a_line():
    explorer = Explorer(lambda n: 1 // n, n=Slider("N", 0, 5, step=1))
    assert explorer.chart is None
    assert explorer.sentence == "This combination has no answer: integer division or modulo by zero."
    assert panel_of(explorer).state["figure"] == ""


def test_a_drawing_function_that_returns_something_else_is_told_so():
    assert Explorer(lambda n: n, n=Slider("N", 0, 5, step=1)).sentence.endswith("returned int, not a Chart.")


def test_an_explorer_refuses_controls_that_its_function_does_not_take():
    with pytest.raises(TypeError, match="describe can't be called with the controls memory: missing a required"):
        Explorer(describe, memory=Slider("Memory", 1, 2))
    with pytest.raises(TypeError, match="memory_mb must be a Slider, a Choice or a Switch, got 5"):
        Explorer(describe, memory_mb=5)


def test_the_bundle_holds_a_view_and_the_sentence(explorer: Explorer):
    bundle = explorer._repr_mimebundle_()
    assert set(bundle) == {"application/vnd.jupyter.widget-view+json", "text/plain"}
    assert bundle["text/plain"] == explorer.sentence


def test_showing_an_explorer_twice_shows_the_same_panel(explorer: Explorer):
    view = "application/vnd.jupyter.widget-view+json"
    assert explorer._repr_mimebundle_()[view] == explorer._repr_mimebundle_()[view]


def test_a_move_on_the_page_is_answered_once_with_figure_and_sentence(explorer: Explorer):
    panel = panel_of(explorer)
    panel._handle_custom_msg({"type": "move", "name": "memory_mb", "index": 3, "from": "view-1"}, [])
    assert panel.state["answers"] == "view-1"
    assert panel.state["sentence"] == "320 MB on x86_64, free tier True."
    assert panel.state["values"]["memory_mb"] == {"index": 3, "text": "320"}
    assert json.loads(panel.state["figure"]) == explorer.chart.figure


def test_choice_and_switch_are_moved_on_the_page(explorer: Explorer):
    panel = panel_of(explorer)
    panel._handle_custom_msg({"type": "move", "name": "architecture", "index": 1, "from": "a"}, [])
    panel._handle_custom_msg({"type": "move", "name": "free_tier", "on": False, "from": "b"}, [])
    assert explorer.sentence == "1536 MB on arm64, free tier False."


def test_a_typed_value_out_of_range_is_corrected_with_a_message(explorer: Explorer):
    panel = panel_of(explorer)
    panel._handle_custom_msg({"type": "move", "name": "memory_mb", "typed": "64", "from": "a"}, [])
    assert panel.state["notice"] == "Memory goes from 128 to 10,240 MB: using 128."
    assert explorer.values["memory_mb"] == 128


def test_the_problem_of_a_combination_is_told_beside_the_last_figure(explorer: Explorer):
    panel = panel_of(explorer)
    figure = panel.state["figure"]
    panel._handle_custom_msg({"type": "move", "name": "memory_mb", "typed": "9999", "from": "a"}, [])
    assert panel.state["problem"].startswith("This combination has no answer: memory_mb must be below 9000")
    assert panel.state["figure"] == figure


def test_the_numbers_are_sent_only_when_asked_for(explorer: Explorer):
    panel = panel_of(explorer)
    assert panel.state["table"] is None
    panel._handle_custom_msg({"type": "table", "open": True, "from": "a"}, [])
    assert panel.state["table"] == {"columns": ["a<b>"], "numeric": [True], "rows": [["1.5"]], "left_out": ""}


def test_a_value_set_in_code_reaches_a_panel_that_is_shown(explorer: Explorer):
    panel = panel_of(explorer)
    explorer["memory_mb"].value = 512
    assert panel.state["sentence"] == explorer.sentence


def test_plotly_is_sent_compressed_to_who_asks(explorer: Explorer, monkeypatch: pytest.MonkeyPatch):
    panel = panel_of(explorer)
    sent = []
    monkeypatch.setattr(panel, "send", lambda content, buffers=None: sent.append((content, buffers)))
    panel._handle_custom_msg({"type": "plotly"}, [])
    content, (packed,) = sent[0]
    assert content == {"type": "plotly"}
    assert packed[:2] == b"\x1f\x8b"
    assert 1e6 < len(packed) < 2e6


def test_moves_from_two_threads_leave_chart_and_values_in_step(explorer: Explorer):
    def walk() -> None:
        for index in range(60):
            explorer.move("memory_mb", {"index": index})

    threads = [threading.Thread(target=walk) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert explorer.sentence == f"{explorer.values['memory_mb']} MB on x86_64, free tier True."


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("3000000", 3_000_000),
        ("3,000,000", 3_000_000),
        ("3e6", 3_000_000),
        ("3M", 3_000_000),
        ("1.5 million", 1_500_000),
        ("20k requests", 20_000),
        ("7_440_000", 7_440_000),
        ("0", 0),
    ],
)
def test_a_number_can_be_typed_the_way_people_write_it(text: str, value: int):
    slider = Slider("Requests", 0, 100_000_000, value=1000, unit="requests", scale="log")
    assert (slider.typed(text), slider.value) == ("", value)


@pytest.mark.parametrize(
    ("text", "value", "notice"),
    [
        ("abc", 1536, 'Memory needs a number of MB, and "abc" is none: still 1,536.'),
        ("", 1536, "Memory needs a number of MB: still 1,536."),
        ("2 GB", 1536, 'Memory is given in MB, and "2 GB" is not: still 1,536.'),
        ("-5", 128, "Memory goes from 128 to 10,240 MB: using 128."),
        ("1e999", 10240, "Memory goes from 128 to 10,240 MB: using 10,240."),
        ("1000.6", 1001, "Memory takes whole numbers of MB: using 1,001."),
    ],
)
def test_what_cannot_be_used_is_corrected_in_words(text: str, value: int, notice: str):
    slider = Slider("Memory", 128, 10240, value=1536, step=64, unit="MB")
    assert (slider.typed(text), slider.value) == (notice, value)


def test_typing_reaches_values_between_steps():
    slider = Slider("Memory", 128, 10240, value=1536, step=64, unit="MB")
    assert (slider.typed("1769"), slider.value) == ("", 1769)
    assert slider.shown() == {"index": 26, "text": "1,769"}


def test_a_log_slider_walks_even_steps_and_may_start_at_zero():
    slider = Slider("Requests", 0, 1000, scale="log")
    assert slider.stops[:8] == [0, 1, 2, 3, 4, 5, 6, 8]
    assert slider.stops[-4:] == [500, 600, 800, 1000]
    assert slider.stops == sorted(set(slider.stops))


def test_a_linear_slider_ends_at_its_end_whatever_the_step():
    assert Slider("N", 0, 10, step=4).stops == [0, 4, 8, 10]
    assert Slider("Share", 0, 1, step=0.1, value=0.5).stops[3] == 0.3


def test_a_slider_without_step_gets_a_nice_one():
    assert Slider("N", 0, 1000).step == 10
    assert Slider("N", 0, 0.7).step == 0.01


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Slider("N", 5, 5), "low must be below high"),
        (lambda: Slider("N", 0, 10, value=11), "N must be between 0 and 10, got 11"),
        (lambda: Slider("N", 0, 10, step=0), "step must be above 0"),
        (lambda: Slider("N", -1, 10, scale="log"), "a log scale starts at 0"),
        (lambda: Slider("N", 0, 10, scale="cubic"), "scale must be"),
        (lambda: Slider("", 0, 10), "needs a label"),
        (lambda: Choice("C", ["one"]), "at least two options"),
        (lambda: Choice("C", ["a", "b"], value="c"), "C must be 'a' or 'b', got 'c'"),
        (lambda: Switch("S", value="yes"), "S must be True or False"),
    ],
)
def test_a_control_that_makes_no_sense_is_refused(make, message: str):
    with pytest.raises(ValueError, match=message):
        make()


def test_options_can_carry_texts_of_their_own():
    choice = Choice("Processor", {"Intel or AMD": "x86_64", "Arm": "arm64"}, value="arm64")
    assert choice.spec()["options"] == ["Intel or AMD", "Arm"]
    assert choice.shown() == 1
