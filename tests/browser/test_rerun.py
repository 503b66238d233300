"""The button of a measurement in a real JupyterLab: it measures in the background, says how far it is, and stops."""

from collections.abc import Callable

import pytest
from jupyter_page import NotebookPage
from lab_server import LabServer
from playwright.sync_api import Locator, expect
from scratch_notebook import write_notebook

SETUP = """
import time
import pandas as pd
from helpers.show import charts
from helpers.show.rerun import Rerun

def run(progress, cancel):
    for done in range(1, 41):
        if cancel.is_set():
            break
        time.sleep(0.25)
        progress(done, 40)
    return pd.DataFrame({"what": ["a", "b"], "ms": [done, 20]})

def draw(frame):
    return charts.bars(frame, "what", "ms", title="Times", sentence=f"a takes {frame.ms[0]} ms.", y_title="ms")

stored = pd.DataFrame({"what": ["a", "b"], "ms": [10, 20]})
"""


@pytest.fixture
def opened(server: LabServer, open_in_lab: Callable[[str], NotebookPage]) -> NotebookPage:
    widget = "again = Rerun(run, draw, stored, title='A run', button='Measure')\nagain"
    notebook = open_in_lab(write_notebook(server, "rerun.ipynb", SETUP, widget, "again.running"))
    notebook.run_all()
    return notebook


def card(notebook: NotebookPage) -> Locator:
    return notebook.cell(1).locator(".r2f-card").first


def test_run_all_measures_nothing_and_a_press_does(opened: NotebookPage):
    shown = card(opened)
    sentence = shown.locator(".r2f-sentence")
    expect(sentence).to_contain_text("Nothing was measured here yet", timeout=10_000)
    assert opened.cells()[2]["outputs"][0]["data"]["text/plain"] == "False"
    shown.get_by_role("button", name="Measure").click()
    expect(shown.locator(".r2f-notice")).to_contain_text("of 40 steps", timeout=10_000)
    expect(sentence).to_contain_text("Measured here just now: a takes 40 ms.", timeout=30_000)
    expect(shown.get_by_role("button", name="Measure")).to_be_visible()
    assert opened.faults() == []


def test_a_second_press_stops_it_and_shows_what_there_is(opened: NotebookPage):
    shown = card(opened)
    shown.get_by_role("button", name="Measure").click()
    expect(shown.locator(".r2f-notice")).to_contain_text("of 40 steps", timeout=10_000)
    shown.get_by_role("button", name="Stop").click()
    expect(shown.locator(".r2f-sentence")).to_contain_text("It was stopped before its end.", timeout=10_000)
    assert opened.faults() == []
