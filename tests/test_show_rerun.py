"""A measurement on a button starts when it is pressed, says how far it is, stops when asked, and never raises."""

import threading

import pandas as pd
import pytest

from helpers.show import Chart
from helpers.show.rerun import Rerun

STORED, FRESH = pd.DataFrame({"ms": [1.0]}), pd.DataFrame({"ms": [2.0]})
PATIENCE_S = 20


def draw(frame):
    return Chart({"data": [], "layout": {}}, f"It takes {frame.ms[0]:g} ms.", frame)


class Slow:
    """A measurement of two steps that goes on when it is told to."""

    def __init__(self):
        self.begun, self.go_on = threading.Event(), threading.Event()

    def __call__(self, progress, cancel):
        progress(1, 2)
        self.begun.set()
        assert self.go_on.wait(PATIENCE_S)
        return FRESH[:0] if cancel.is_set() else FRESH


@pytest.fixture
def slow():
    slow = Slow()
    yield slow
    slow.go_on.set()


def test_nothing_is_measured_until_somebody_presses():
    def run(progress, cancel):
        raise AssertionError("measured without being asked")

    again = Rerun(run, draw, STORED)
    again.wake()
    again.tick()
    assert not again.running
    assert again.next_ms == 0
    assert again.sentence.startswith("Stored run: It takes 1 ms.")


def test_while_it_measures_it_says_how_far_it_is_and_keeps_the_stored_figure(slow):
    times = iter([0.0, 30.0])
    again = Rerun(slow, draw, STORED, clock=lambda: next(times))
    again.press()
    assert slow.begun.wait(PATIENCE_S)
    assert again.sentence == "Measuring: 1 of 2 steps, about 30 s to go."
    assert (again.button, again.chart.sentence) == ("Stop", "It takes 1 ms.")
    assert again.next_ms > 0
    slow.go_on.set()
    again.wait(PATIENCE_S)
    assert again.sentence == "Measured here just now: It takes 2 ms."
    assert again.measured is FRESH


def test_a_second_press_stops_it_and_nothing_measured_leaves_the_figure(slow):
    again = Rerun(slow, draw, STORED, button="Measure")
    again.press()
    assert slow.begun.wait(PATIENCE_S)
    again.press()
    assert "Stopping" in again.sentence
    slow.go_on.set()
    again.wait(PATIENCE_S)
    assert again.sentence == "Stored run: It takes 1 ms. It was stopped before its end."
    assert (again.button, again.measured) == ("Measure", None)


def test_what_goes_wrong_becomes_a_sentence_and_it_can_be_pressed_again(capsys):
    answers = [RuntimeError("the cloud isn't up"), FRESH]

    def run(progress, cancel):
        answer = answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    again = Rerun(run, draw, STORED)
    again.press()
    again.wait(PATIENCE_S)
    assert again.sentence == "The measurement ended early: the cloud isn't up."
    assert capsys.readouterr().err == ""
    again.press()
    again.wait(PATIENCE_S)
    assert "It takes 2 ms." in again.sentence


def test_a_press_on_the_page_starts_it_and_a_view_that_appears_does_not():
    pytest.importorskip("anywidget")
    from helpers.show.rerun_panel import RerunPanel

    again = Rerun(lambda progress, cancel: FRESH, draw, STORED, button="Measure")
    panel = RerunPanel(again)
    panel._answer(panel, {"type": "hello", "from": "a"}, [])
    assert panel.state["sentence"].startswith("Stored run")
    assert panel.state["button"] == "Measure"
    panel._answer(panel, {"type": "wake", "from": "b"}, [])
    again.wait(PATIENCE_S)
    panel._answer(panel, {"type": "tick", "from": "c"}, [])
    assert panel.state["sentence"].startswith("Measured here")
    assert panel.state["next_ms"] == 0
