"""A live view in a real JupyterLab: it follows what runs, stops when nothing does, and says what went wrong."""

from collections.abc import Callable

import pytest
from jupyter_page import NotebookPage
from lab_server import LabServer
from playwright.sync_api import Locator, expect
from scratch_notebook import write_notebook

SETUP = """
import threading, time
import pandas as pd
from helpers.show.viewer import EnvironmentViewer

COLUMNS = ["function", "environment", "started_s", "cold", "init_ms", "duration_ms", "status"]
calls, fault = [], []

def look():
    if fault:
        raise RuntimeError(fault[0])
    return pd.DataFrame(calls, columns=COLUMNS), None

def call(count, of=3):
    for _ in range(count):
        n = len(calls)
        calls.append(("hello", str(n % of), n * 0.1, n < of, 60.0 if n < of else None, 40.0, "success"))

def own_threads():
    return {each for each in threading.enumerate() if type(each).__module__ == "threading"}  # ipykernel has its own

threads = own_threads()
viewer = EnvironmentViewer(look, quiet_s=4)
"""
SLOWLY = "for _ in range(6):\n    call(1)\n    time.sleep(0.4)"


@pytest.fixture
def opened(server: LabServer, open_in_lab: Callable[[str], NotebookPage]) -> NotebookPage:
    sources = (SETUP, "viewer", SLOWLY, "own_threads() - threads")
    notebook = open_in_lab(write_notebook(server, "viewer.ipynb", *sources))
    notebook.run_all()
    return notebook


def card(notebook: NotebookPage) -> Locator:
    return notebook.cell(1).locator(".r2f-card").first


def run_in_kernel(notebook: NotebookPage, code: str) -> None:
    notebook.js(
        "async (panel, code) => { await panel.sessionContext.session.kernel.requestExecute({code}).done; }", code
    )


def test_a_viewer_follows_stops_wakes_and_leaves(opened: NotebookPage):
    shown = card(opened)
    expect(shown.locator(".r2f-sentence")).to_contain_text("6 calls in a row: 3 environments", timeout=10_000)
    expect(shown.locator(".barlayer path").first).to_be_attached(timeout=20_000)
    assert opened.cells()[3]["outputs"][0]["data"]["text/plain"] == "set()"  # nobody runs in the kernel

    again = shown.get_by_role("button", name="Watch again")
    expect(again).to_be_visible(timeout=15_000)  # nothing has changed for a while
    run_in_kernel(opened, "call(2)")
    opened.page.wait_for_timeout(1500)
    expect(shown.locator(".r2f-sentence")).to_contain_text("6 calls")
    again.click()
    expect(shown.locator(".r2f-sentence")).to_contain_text("8 calls", timeout=5000)
    expect(again).to_be_hidden()

    run_in_kernel(opened, "fault.append('the cloud has stopped')")
    expect(shown.locator(".r2f-problem")).to_have_text(
        "The environments can't be shown: the cloud has stopped.", timeout=5000
    )
    run_in_kernel(opened, "fault.clear(); call(1)")
    expect(shown.locator(".r2f-sentence")).to_contain_text("9 calls", timeout=5000)
    expect(shown.locator(".r2f-problem")).to_be_empty()

    run_in_kernel(opened, "viewer.close()")
    expect(shown).to_have_count(0, timeout=5000)
    assert opened.faults() == []
    assert opened.page_errors == []


def test_a_viewer_grows_while_its_cell_still_runs(opened: NotebookPage):
    shown = card(opened)
    expect(shown.locator(".barlayer path").first).to_be_attached(timeout=20_000)
    running = "viewer.refresh()\nfor _ in range(15):\n    call(1)\n    time.sleep(1)"
    opened.js("(panel, code) => { panel.sessionContext.session.kernel.requestExecute({code}); }", running)
    for count in (9, 11, 13):
        expect(shown.locator(".r2f-sentence")).to_contain_text(f"{count} calls", timeout=8000)


def test_a_viewer_keeps_its_height(opened: NotebookPage):
    shown = card(opened)
    expect(shown.locator(".r2f-sentence")).to_contain_text("6 calls", timeout=10_000)
    opened.page.wait_for_timeout(300)
    before = shown.bounding_box()["height"]
    run_in_kernel(opened, "calls.clear(); call(60, of=25); viewer.refresh()")
    expect(shown.locator(".r2f-sentence")).to_contain_text("60 ", timeout=5000)
    opened.page.wait_for_timeout(300)
    assert abs(shown.bounding_box()["height"] - before) < 30


PIPELINE = """
import pandas as pd
from helpers.show.pipeline import COLUMNS, PipelineViewer

QUEUE, DEAD = "arn:aws:sqs:us-east-1:1:sales", "arn:aws:sqs:us-east-1:1:dead"
WORKER = "arn:aws:lambda:us-east-1:1:function:worker"
ways = [["a caller", QUEUE, "SQS", 3, 0, 0], [QUEUE, WORKER, "SQS", 2, 0, 0]]
viewer = PipelineViewer(lambda: pd.DataFrame(ways, columns=list(COLUMNS)), quiet_s=60)
viewer
"""


def test_a_pipeline_follows_what_its_events_do(server: LabServer, open_in_lab: Callable[[str], NotebookPage]):
    notebook = open_in_lab(write_notebook(server, "pipeline.ipynb", PIPELINE))
    notebook.run_all()
    shown = notebook.cell(0).locator(".r2f-card").first
    texts = shown.locator(".r2f-plot")
    expect(shown.locator(".r2f-sentence")).to_contain_text("From sales to worker (SQS): 2 delivered.", timeout=10_000)
    expect(texts).to_contain_text("worker", timeout=20_000)
    expect(texts).not_to_contain_text("dead")
    run_in_kernel(notebook, "ways[1][3] = 7; ways.append([QUEUE, DEAD, 'redrive', 1, 0, 0])")
    expect(shown.locator(".r2f-sentence")).to_contain_text("From sales to dead (redrive): 1 delivered.", timeout=5000)
    expect(texts).to_contain_text("dead")
    assert notebook.faults() == []
