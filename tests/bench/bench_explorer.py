"""Explorers in a real browser, against what a notebook would use instead: interact, and Plotly's own widget.

A slider: the time from an arrow key to the first frame after the figure's line has changed; explorer and
``ipywidgets.interact`` draw the same curve from the same numbers, in one notebook, in turn. Weight: what the kernel
sends to the page for eight explorers, and for eight FigureWidgets with the same curve. The first explorer: from a fresh
interpreter until it is shown, against importing Plotly and making the figure.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "browser"))

from jupyter_page import NotebookPage, open_notebook
from lab_server import BROWSER_ARGUMENTS, VIEWPORT, LabServer, find_browser, lab_server
from playwright.sync_api import BrowserContext, Locator, Page, sync_playwright
from rows import Row, in_turn, median_row, serve
from scratch_notebook import write_notebook

WARM_UP = 6
EIGHT = 8

# The axis is fixed, or a curve twice as high on an axis twice as long would be the same line.
COMMON = """
import numpy as np
import pandas as pd
import plotly.graph_objects as go
from ipywidgets import IntSlider, interact
from helpers.show import Chart, Explorer, Slider, theme

requests = np.linspace(0, 100e6, 101)
def usd(memory_mb):
    return requests * 0.2e-6 + requests * 0.12 * memory_mb / 1024 * 0.0000166667
"""

EXPLORER = """
def draw(memory_mb):
    line = {"type": "scatter", "mode": "lines", "x": requests, "y": usd(memory_mb)}
    layout = theme.layout(f"{memory_mb} MB", "requests a month", "USD a month", yaxis={"range": [0, 2500]})
    return Chart({"data": [line], "layout": layout}, f"{memory_mb} MB", pd.DataFrame({"usd": usd(memory_mb)}))
Explorer(draw, memory_mb=Slider("Memory", 128, 10240, value=1024, step=64, unit="MB"))
"""

INTERACT = """
def redraw(memory_mb):
    figure = go.Figure(go.Scatter(x=requests, y=usd(memory_mb), mode="lines"))
    figure.update_xaxes(title="requests a month").update_yaxes(title="USD a month", range=[0, 2500])
    return figure.update_layout(title=f"{memory_mb} MB", height=420)
interact(redraw, memory_mb=IntSlider(1024, 128, 10240, 64));
"""

WIDGET = """
from ipywidgets import VBox
def widget():
    figure = go.FigureWidget(go.Scatter(x=requests, y=usd(1024), mode="lines"))
    figure.update_layout(height=420)
    return VBox([IntSlider(1024, 128, 10240, 64), figure])
widget()
"""

FIRST = """
import time
start = time.perf_counter()
import pandas as pd
from helpers.show import Chart, Explorer, Slider
chart = Chart({"data": [{"type": "bar", "x": [1], "y": [2]}], "layout": {}}, "One bar.", pd.DataFrame({"y": [2]}))
Explorer(lambda memory: chart, memory=Slider("Memory", 1, 9))._repr_mimebundle_()
print(time.perf_counter() - start)
"""
PLAIN = """
import time
start = time.perf_counter()
import pandas
import ipywidgets
import plotly.graph_objects as go
go.Figure(go.Bar(x=[1], y=[2]))._repr_mimebundle_()
print(time.perf_counter() - start)
"""

# Start the clock at the next key, stop it in the frame after the line has another shape.
WATCH = """cell => {
    const shape = () => cell.querySelector('.scatterlayer path.js-line')?.getAttribute('d');
    const before = shape();
    window.took = new Promise((resolve, reject) => {
        setTimeout(() => reject(new Error('the figure did not change within 10 s')), 10_000);
        let start = null;
        document.addEventListener('keydown', (event) => { start = event.timeStamp; }, { capture: true, once: true });
        const seen = new MutationObserver(() => {
            const now = shape();
            if (start === null || !now || now === before) return;
            seen.disconnect();
            requestAnimationFrame(() => resolve(performance.now() - start));
        });
        seen.observe(cell, { childList: true, subtree: true, attributes: true, attributeFilter: ['d'] });
    });
}"""


def press(cell: Locator, thumb: Locator, key: str) -> float:
    """Press a key on a slider's thumb; return the milliseconds until the figure is another one."""
    thumb.focus()
    # What the press before set off has ended: JupyterLab makes a PNG of each figure after drawing it.
    cell.page.wait_for_timeout(250)
    cell.evaluate(WATCH)
    thumb.press(key)
    return cell.page.evaluate("() => window.took")


def measure(page: NotebookPage, presses: int) -> dict[str, list[float]]:
    """Press keys on both sliders in turn."""
    cells = {"explorer": page.cell(1), "interact": page.cell(2)}
    thumbs = {
        "explorer": cells["explorer"].locator("input[type=range]"),
        "interact": cells["interact"].locator(".noUi-handle"),
    }
    for cell in cells.values():
        cell.locator(".scatterlayer path.js-line").wait_for(timeout=60_000)
    times: dict[str, list[float]] = {"explorer": [], "interact": []}
    for turn in range(WARM_UP + presses):
        key = "ArrowUp" if turn % 20 < 10 else "ArrowDown"
        for name, cell in cells.items():
            page.scroll_to(1 if name == "explorer" else 2)
            took = press(cell, thumbs[name], key)
            if turn >= WARM_UP:
                times[name].append(took)
    return times


def count(page: Page, sizes: list[int]) -> None:
    """Note the bytes of each message that a page's kernel sends."""

    def heard(payload: str | bytes) -> None:
        sizes.append(len(payload.encode() if isinstance(payload, str) else payload))

    page.on("websocket", lambda line: line.on("framereceived", heard))


def mb_of(browser: BrowserContext, server: LabServer, name: str, cell: str, count_of: int = EIGHT) -> float:
    """Return the MB that so many of something send to the browser."""
    notebook = write_notebook(server, name, COMMON, *([cell] * count_of))
    sizes: list[int] = []
    browser.on("page", lambda page: count(page, sizes))
    opened = open_notebook(browser, server, notebook)
    before = sum(sizes)
    opened.run_all()
    for number in range(1, count_of + 1):
        opened.scroll_to(number)
        opened.cell(number).locator(".scatterlayer path.js-line").first.wait_for(timeout=180_000)
    mb = (sum(sizes) - before) / 1e6
    opened.close()
    return mb


def seconds(code: str) -> float:
    """Run a program in a fresh interpreter and return what it printed."""
    return float(subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout)


def rows(quick: bool) -> Iterator[Row]:
    """Measure in a browser, if there is one."""
    first = in_turn({"ours": lambda: seconds(FIRST), "theirs": lambda: seconds(PLAIN)}, 1 if quick else 5, 1)
    plain = "pandas, ipywidgets and a Plotly figure"
    yield median_row(first["ours"], first["theirs"], name="first explorer of a kernel", unit="s", baseline=plain)
    if find_browser() is None:
        print("the page is left out: it needs Chromium or Chrome", flush=True)
        return
    with (
        tempfile.TemporaryDirectory() as folder,
        sync_playwright() as playwright,
        lab_server(Path(folder)) as server,
    ):
        browser = playwright.chromium.launch(executable_path=find_browser(), headless=False, args=BROWSER_ARGUMENTS)
        page = open_notebook(
            browser.new_context(viewport=VIEWPORT),
            server,
            write_notebook(server, "slider.ipynb", COMMON, EXPLORER, INTERACT),
        )
        page.run_all()
        times = measure(page, 10 if quick else 60)
        known = {"name": "from a key on a slider to the figure", "unit": "ms", "bound": 0.6}
        yield median_row(times["explorer"], times["interact"], baseline="interact", **known)
        weight = {
            name: mb_of(browser.new_context(viewport=VIEWPORT), server, f"{name}.ipynb", cell, number)
            for name, cell, number in (("one", EXPLORER, 1), ("explorer", EXPLORER, EIGHT), ("widget", WIDGET, EIGHT))
        }
        yield Row(
            name=f"{EIGHT} explorers, sent to the browser",
            unit="MB",
            ours=weight["explorer"],
            baseline=f"{EIGHT} FigureWidgets",
            theirs=weight["widget"],
            bound=0.2,
            note="nearly all of it is Plotly itself, once a page",
        )
        yield Row(
            name="one explorer more",
            unit="MB",
            ours=(weight["explorer"] - weight["one"]) / (EIGHT - 1),
            baseline="the first of a page",
            theirs=weight["one"],
            bound=0.1,
        )
        browser.close()


if __name__ == "__main__":
    serve(rows)
