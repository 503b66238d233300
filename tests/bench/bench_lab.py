"""From `make lab` to the first drawn figure, against a bare JupyterLab that opens a notebook with one figure.

The clock starts with the command and stops when the page shows a figure: at first a stored one, as the learner meets
it, then one that a fresh kernel has drawn after Run All.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "browser"))

import nbformat
from jupyter_page import open_notebook
from lab_server import BROWSER_ARGUMENTS, VIEWPORT, LabServer, find_browser, lab_server
from playwright.sync_api import Browser, sync_playwright
from rows import Row, in_turn, median_row, serve

ROOT = Path(__file__).resolve().parents[2]
OURS, PLAIN = "01_from_racks_to_functions.ipynb", "plain.ipynb"
# JupyterLab shows the picture that is stored with a figure until it has drawn the figure.
DRAWN = ".jp-RenderedPlotly img:visible, .js-plotly-plot .main-svg:visible"
BARE = "bare JupyterLab, one Plotly figure"
CODE = "import pandas\nimport plotly.express as px\npx.line(x=[1, 2], y=[1, 2])"
WHY = "the notebook has 30 cells to lay out before its first figure; the server itself takes as long for both"


def write_plain(server: LabServer) -> None:
    """Write a notebook with one figure, stored."""
    figure = {"data": [{"type": "scatter", "x": [1, 2], "y": [1, 2]}], "layout": {}}
    output = nbformat.v4.new_output("execute_result", {"application/vnd.plotly.v1+json": figure}, execution_count=1)
    cell = nbformat.v4.new_code_cell(CODE, outputs=[output], execution_count=1)
    kernel = {"name": "python3", "display_name": "Python 3 (ipykernel)", "language": "python"}
    notebook = nbformat.v4.new_notebook(cells=[cell], metadata={"kernelspec": kernel})
    nbformat.write(notebook, server.folder / "notebooks" / PLAIN)


def both(browser: Browser, name: str) -> tuple[float, float]:
    """Return the seconds from the command to the stored figure, and from Run All to the drawn one."""
    began = time.perf_counter()
    if name == OURS:
        subprocess.run(["sh", ".ci/setup.sh", "lab"], cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
    with tempfile.TemporaryDirectory() as folder, lab_server(Path(folder)) as server:
        write_plain(server)
        context = browser.new_context(viewport=VIEWPORT)
        page = context.new_page()
        page.goto(f"{server.url}/lab/tree/notebooks/{name}?token={server.token}")
        page.locator(DRAWN).first.wait_for(timeout=180_000)
        stored_s = time.perf_counter() - began
        page.close()
        opened = open_notebook(context, server, name)
        opened.page.evaluate("() => jupyterapp.commands.execute('notebook:clear-all-cell-outputs')")
        opened.page.locator(DRAWN).first.wait_for(state="detached", timeout=60_000)
        began = time.perf_counter()
        opened.page.evaluate("() => void jupyterapp.commands.execute('notebook:run-all-cells')")
        opened.page.locator(DRAWN).first.wait_for(timeout=180_000)
        return stored_s, time.perf_counter() - began


def rows(quick: bool) -> Iterator[Row]:
    """Start JupyterLab again and again, in turn with the bare one."""
    if find_browser() is None:
        print("the first figure is left out: it needs Chromium or Chrome", flush=True)
        return
    drawn: dict[str, list[float]] = {OURS: [], PLAIN: []}
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=find_browser(), headless=False, args=BROWSER_ARGUMENTS)

        def stored(name: str) -> float:
            stored_s, drawn_s = both(browser, name)
            drawn[name].append(drawn_s)
            return stored_s

        turns = 1 if quick else 4
        taken = in_turn({"ours": lambda: stored(OURS), "theirs": lambda: stored(PLAIN)}, turns, 0 if quick else 1)
        browser.close()
    known = {"unit": "s", "baseline": BARE}
    yield median_row(taken["ours"], taken["theirs"], name="make lab to the first figure", note=WHY, **known)
    yield median_row(drawn[OURS][-turns:], drawn[PLAIN][-turns:], name="Run All to the first figure", **known)


if __name__ == "__main__":
    serve(rows)
