"""What a launch on Binder takes here, part by part, and what memory a learner's session holds with every lab run.

Run it with ``python tests/browser/bench_binder.py``. Binder guarantees 1 GB and stops a kernel at 2 GB. Memory is the
proportional set size: what programs share is counted once. The browser runs on the learner's machine and isn't counted.
"""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path

import psutil
from jupyter_page import (
    BROWSER_ARGUMENTS,
    NOTEBOOKS,
    VIEWPORT,
    LabServer,
    NotebookPage,
    find_browser,
    lab_server,
    open_notebook,
)
from playwright.sync_api import BrowserContext, sync_playwright

MOST_MB = 1000
FIRST = "00_start_here.ipynb"
WITH_A_FIGURE = "01_from_racks_to_functions.ipynb"


def pss_mb(processes: list[psutil.Process]) -> float:
    """Return the memory of some processes, what they share counted once."""
    total = 0
    for process in processes:
        try:
            total += process.memory_full_info().pss
        except psutil.NoSuchProcess:
            continue
    return total / 1e6


def family(process: psutil.Process) -> list[psutil.Process]:
    """Return a process and all that it started."""
    return [process, *process.children(recursive=True)]


def server_process(server: LabServer) -> psutil.Process:
    """Return the process of JupyterLab, a child of ours."""
    return next(child for child in psutil.Process().children() if f"root_dir={server.folder}" in " ".join(child.cmdline()))


def seconds_to_first_figure(page: NotebookPage) -> float:
    """Choose Run All Cells and return the seconds until a figure is drawn."""
    start = time.perf_counter()
    page.page.evaluate(
        """async () => {
            await window.jupyterapp.commands.execute('notebook:clear-all-cell-outputs');
            window.jupyterapp.commands.execute('notebook:run-all-cells');
        }"""
    )
    page.page.wait_for_selector(".js-plotly-plot .main-svg", state="attached", timeout=120_000)
    return time.perf_counter() - start


def launch(browser: BrowserContext, server: LabServer, started_s: float) -> None:
    """Print the seconds of each part of a launch."""
    print(f"{'server starts':<40}{started_s:>7.1f} s")
    for name, what in ((FIRST, "JupyterLab opens in a new browser"), (WITH_A_FIGURE, "and again, another notebook")):
        start = time.perf_counter()
        page = open_notebook(browser, server, name)
        print(f"{what:<40}{time.perf_counter() - start:>7.1f} s", flush=True)
        if name == WITH_A_FIGURE:
            print(f"{'Run All Cells until the first figure':<40}{seconds_to_first_figure(page):>7.1f} s", flush=True)
        page.close()
    server.stop_kernels()


def main() -> int:
    """Measure, print, and return 1 if all notebooks together hold more than Binder guarantees."""
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        start = time.perf_counter()
        with lab_server(Path(folder)) as server:
            started_s = time.perf_counter() - start
            running = playwright.chromium.launch(executable_path=find_browser(), headless=False, args=BROWSER_ARGUMENTS)
            browser = running.new_context(viewport=VIEWPORT)
            launch(browser, server, started_s)
            lab = server_process(server)
            print(f"{'JupyterLab, no kernel':<40}{pss_mb(family(lab)):>7.0f} MB", flush=True)
            for path in sorted(NOTEBOOKS.glob("*.ipynb")):
                before = {process.pid for process in family(lab)}
                page = open_notebook(browser, server, path.name)
                page.run_all()
                page.close()
                own = [process for process in family(lab) if process.pid not in before]
                words = f"{path.stem}, {len(own)} processes"
                print(f"{words:<40}{pss_mb(own):>7.0f} MB{pss_mb(family(lab)):>7.0f} MB in all", flush=True)
            total = pss_mb(family(lab))
            running.close()
    print(f"{'every notebook open after Run All':<40}{total:>7.0f} MB   (at most {MOST_MB} MB)")
    return int(total > MOST_MB)


if __name__ == "__main__":
    sys.exit(main())
