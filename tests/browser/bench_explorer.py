"""How long from an arrow key on a slider to the drawn figure: an explorer against ``ipywidgets.interact``.

Run it with ``python tests/browser/bench_explorer.py [presses]``. Both draw the same curve from the same numbers, in one
notebook, in turn, in a real browser; the clock starts at the key's event in the page and stops at the first frame
after the line of the figure has changed. It also tells what the first explorer of a kernel costs.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from jupyter_page import NotebookPage, open_notebook
from lab_server import BROWSER_ARGUMENTS, VIEWPORT, find_browser, lab_server
from playwright.sync_api import Locator, sync_playwright
from scratch_notebook import write_notebook

WARM_UP = 6
MOST_MS = 100
MOST_RATIO = 0.6

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

FIRST = """
import time
start = time.perf_counter()
import helpers.show
imported = time.perf_counter()
import pandas as pd
from helpers.show import Chart, Explorer, Slider
chart = Chart({"data": [{"type": "bar", "x": [1], "y": [2]}], "layout": {}}, "One bar.", pd.DataFrame({"y": [2]}))
Explorer(lambda memory: chart, memory=Slider("Memory", 1, 9))._repr_mimebundle_()
print(imported - start, time.perf_counter() - start)
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


def first_explorer() -> tuple[float, float]:
    """Seconds that a fresh interpreter needs to import helpers.show, and until the first explorer is shown."""
    runs = []
    for _ in range(3):
        output = subprocess.run([sys.executable, "-c", FIRST], capture_output=True, text=True, check=True).stdout
        runs.append(tuple(float(word) for word in output.split()))
    return min(run[0] for run in runs), min(run[1] for run in runs)


def main() -> int:
    """Measure, print the table, and return 1 if an explorer is slower than it may be."""
    presses = int(sys.argv[1]) if len(sys.argv) > 1 else 60
    imported, shown = first_explorer()
    with (
        tempfile.TemporaryDirectory() as folder,
        sync_playwright() as playwright,
        lab_server(Path(folder)) as server,
    ):
        browser = playwright.chromium.launch(executable_path=find_browser(), headless=False, args=BROWSER_ARGUMENTS)
        page = open_notebook(
            browser.new_context(viewport=VIEWPORT),
            server,
            write_notebook(server, "bench.ipynb", COMMON, EXPLORER, INTERACT),
        )
        page.run_all()
        times = measure(page, presses)
        browser.close()
    print(f"{'from key to figure':<20}{'median':>10}{'p95':>10}   ({presses} presses each, in turn)")
    for name, taken in times.items():
        print(f"{name:<20}{statistics.median(taken):>7.0f} ms{statistics.quantiles(taken, n=20)[-1]:>7.0f} ms")
    ratio = statistics.median(times["explorer"]) / statistics.median(times["interact"])
    print(f"{'ratio of medians':<20}{ratio:>10.2f}   (at most {MOST_RATIO}, and {MOST_MS} ms)")
    print(f"first explorer in a fresh interpreter: {imported:.2f} s to import helpers.show, {shown:.2f} s until shown")
    return int(ratio > MOST_RATIO or statistics.median(times["explorer"]) > MOST_MS)


if __name__ == "__main__":
    sys.exit(main())
