"""What a launch on Binder takes here, part by part, and what memory a learner's session holds with every lab run.

Run it with ``python tests/browser/bench_binder.py [08 09 ...]``: all notebooks, or those whose names begin so. The
server has Binder's settings, which end idle kernels when another one needs their room. Binder guarantees 1 GB and stops
a kernel at 2 GB. Memory is the proportional set size: what programs share is counted once. The browser runs on the
learner's machine and isn't counted.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
import time
from pathlib import Path

import psutil
from jupyter_page import NotebookPage, open_notebook
from lab_server import BROWSER_ARGUMENTS, NOTEBOOKS, REPOSITORY, VIEWPORT, LabServer, find_browser, lab_server
from playwright.sync_api import BrowserContext, sync_playwright

GUARANTEED_MB, MOST_MB = 1000, 2000
SETTINGS = REPOSITORY / ".binder" / "jupyter_server_config.py"
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
    return next(
        child for child in psutil.Process().children() if f"root_dir={server.folder}" in " ".join(child.cmdline())
    )


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


def run_every_notebook(browser: BrowserContext, server: LabServer) -> float:
    """Open one notebook after another, run each, close none of their kernels; return the most memory after a run."""
    lab = server_process(server)
    print(f"{'JupyterLab, no kernel':<40}{pss_mb(family(lab)):>7.0f} MB", flush=True)
    most_mb = 0.0
    for path in sorted(NOTEBOOKS.glob("*.ipynb")):
        if not path.name.startswith(tuple(sys.argv[1:]) or ""):
            continue
        page = open_notebook(browser, server, path.name)
        before = set(family(lab)) - set(family(newest_kernel(lab)))
        page.run_all()
        own = [process for process in family(lab) if process not in before]
        page.close()
        total_mb = pss_mb(family(lab))
        most_mb = max(most_mb, total_mb)
        kernels = len(server.api("kernels"))
        print(f"{path.stem:<40}{pss_mb(own):>7.0f} MB{total_mb:>7.0f} MB in all, {kernels} kernels", flush=True)
    return most_mb


def newest_kernel(lab: psutil.Process) -> psutil.Process:
    """Return the process of the kernel that was started last."""
    return max(lab.children(), key=lambda child: child.create_time())


def main() -> int:
    """Measure, print, and return 1 if a session would be stopped on Binder."""
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        config = Path(folder, "jupyter", "config")
        config.mkdir(parents=True)
        shutil.copy(SETTINGS, config)
        start = time.perf_counter()
        with lab_server(Path(folder)) as server:
            started_s = time.perf_counter() - start
            running = playwright.chromium.launch(executable_path=find_browser(), headless=False, args=BROWSER_ARGUMENTS)
            browser = running.new_context(viewport=VIEWPORT)
            launch(browser, server, started_s)
            most_mb = run_every_notebook(browser, server)
            running.close()
    print(f"{'most after a run':<40}{most_mb:>7.0f} MB   ({GUARANTEED_MB} MB guaranteed, at most {MOST_MB} MB)")
    return int(most_mb > MOST_MB)


if __name__ == "__main__":
    sys.exit(main())
