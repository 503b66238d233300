"""A real JupyterLab server and a notebook open in a real browser, as the browser tests drive them.

The server works on a copy of ``notebooks/`` with settings of its own, so that neither the repository nor the user's
JupyterLab notices. ``NotebookPage`` offers what a learner does (open, Run All, look); richer tests build on it.
"""

from __future__ import annotations

import json
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
from playwright.sync_api import BrowserContext, Locator, Page

sys.path.append(str(Path(__file__).resolve().parents[2] / ".ci"))  # for those who come here without pytest
from printing import find_browser as find_browser

REPOSITORY = Path(__file__).resolve().parents[2]
NOTEBOOKS = REPOSITORY / "notebooks"
SCREENSHOTS = REPOSITORY / "build" / "screenshots"

SERVER_START_S = 60
RUN_ALL_S = 300
VIEWPORT = {"width": 1440, "height": 900}  # a common laptop

BROWSER_ARGUMENTS = [
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
# Chromium reports this when a layout takes more than one frame; nothing is wrong then.
_HARMLESS_PAGE_ERROR = "ResizeObserver loop"
_WIDGET_FAILURES = ("Error displaying widget", "Error creating widget", "Failed to load model")


@dataclass
class LabServer:
    """A running JupyterLab: where it is, and the folder that it shows (with a copy of ``notebooks/``)."""

    url: str
    token: str
    folder: Path

    def api(self, path: str, method: str = "GET") -> Any:
        """Call the server's REST interface."""
        request = urllib.request.Request(
            f"{self.url}/api/{path}", method=method, headers={"Authorization": f"token {self.token}"}
        )
        with urllib.request.urlopen(request, timeout=10) as reply:
            body = reply.read()
        return json.loads(body) if body else None

    def stop_kernels(self) -> None:
        """Shut every kernel down, as closing a notebook does not."""
        for session in self.api("sessions"):
            self.api(f"sessions/{session['id']}", "DELETE")


@contextmanager
def lab_server(folder: Path, *, settings: dict[str, Any] | None = None) -> Iterator[LabServer]:
    """Run JupyterLab on a copy of ``notebooks/`` in ``folder``; leave no process behind.

    Parameters
    ----------
    folder : an empty folder
    settings : JupyterLab settings by plugin, on top of those that tests need
    """
    root, own = folder / "root", folder / "jupyter"
    shutil.copytree(NOTEBOOKS, root / "notebooks", ignore=shutil.ignore_patterns(".*"))
    overrides = {
        # Every cell is in the page, also those that are scrolled out of sight.
        "@jupyterlab/notebook-extension:tracker": {"windowingMode": "none"},
        **(settings or {}),
    }
    labconfig = own / "config" / "labconfig"
    labconfig.mkdir(parents=True)
    (labconfig / "default_setting_overrides.json").write_text(json.dumps(overrides))
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    server = LabServer(url=f"http://127.0.0.1:{port}", token=secrets.token_hex(16), folder=root)
    command = [
        *(sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root", "--expose-app-in-browser"),
        *("--ServerApp.ip=127.0.0.1", f"--ServerApp.port={port}", "--ServerApp.port_retries=0"),
        *(f"--ServerApp.root_dir={root}", f"--IdentityProvider.token={server.token}"),
    ]
    environment = os.environ | {
        "JUPYTER_CONFIG_DIR": str(own / "config"),
        "JUPYTER_DATA_DIR": str(own / "data"),
        "JUPYTER_RUNTIME_DIR": str(own / "runtime"),
        "JUPYTERLAB_SETTINGS_DIR": str(own / "settings"),
        "JUPYTERLAB_WORKSPACES_DIR": str(own / "workspaces"),
        "IPYTHONDIR": str(own / "ipython"),
        "RACKS_TO_FUNCTIONS_PROGRESS": str(own / "progress.json"),  # not the user's
    }
    log = folder / "server.log"
    with log.open("w") as output:
        process = subprocess.Popen(
            command, env=environment, stdout=output, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, cwd=root
        )
    try:
        _wait_until_it_answers(server, process, log)
        yield server
    finally:
        _stop(process)


def _wait_until_it_answers(server: LabServer, process: subprocess.Popen, log: Path) -> None:
    deadline = time.monotonic() + SERVER_START_S
    while time.monotonic() < deadline and process.poll() is None:
        try:
            server.api("status")
            return
        except (urllib.error.URLError, OSError):
            time.sleep(0.2)
    raise RuntimeError(f"JupyterLab didn't start within {SERVER_START_S} s. Its log ends:\n{log.read_text()[-2000:]}")


def _stop(process: subprocess.Popen) -> None:
    """Ask the server to end, which ends its kernels; then end whatever of them is left."""
    family = [*psutil.Process(process.pid).children(recursive=True)] if process.poll() is None else []
    process.send_signal(signal.SIGTERM)
    try:
        process.wait(15)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    _, alive = psutil.wait_procs(family, timeout=5)
    for survivor in alive:
        survivor.kill()
    psutil.wait_procs(alive, timeout=5)


@dataclass
class NotebookPage:
    """One notebook, open in the browser on a fresh kernel."""

    page: Page
    name: str
    page_errors: list[str] = field(default_factory=list)
    console_errors: list[str] = field(default_factory=list)

    def js(self, expression: str, argument: Any = None) -> Any:
        """Evaluate a function of (panel, argument), where panel is JupyterLab's notebook panel."""
        return self.page.evaluate(
            f"argument => ({expression})(window.jupyterapp.shell.currentWidget, argument)", argument
        )

    def run_all(self, timeout_s: float = RUN_ALL_S) -> None:
        """Clear all outputs, choose Run All Cells, and wait until every code cell has run and the kernel is idle."""
        self.page.evaluate(
            """async () => {
                await window.jupyterapp.commands.execute('notebook:clear-all-cell-outputs');
                window.runningAll = true;
                const running = window.jupyterapp.commands.execute('notebook:run-all-cells');
                running.finally(() => { window.runningAll = false; });
            }"""
        )
        self.page.wait_for_function(
            """() => !window.runningAll
                && window.jupyterapp.shell.currentWidget.sessionContext.session.kernel.status === 'idle'""",
            timeout=timeout_s * 1000,
        )
        self.settle()

    def settle(self) -> None:
        """Wait until figures and widgets that just arrived are drawn: no placeholder, two quiet frames."""
        self.page.wait_for_function(
            "() => !/Loading widget\\.\\.\\./.test(document.querySelector('.jp-Notebook').innerText)", timeout=30_000
        )
        self.page.evaluate("() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")

    def cells(self) -> list[dict[str, Any]]:
        """Return the notebook's cells as the page holds them now, outputs included."""
        return self.js("panel => panel.content.model.toJSON().cells")

    def cell(self, index: int) -> Locator:
        """Return one cell of the page, by its position in the notebook."""
        return self.page.locator(".jp-Notebook .jp-Cell").nth(index)

    def scroll_to(self, index: int) -> Locator:
        """Bring a cell into view and return it."""
        cell = self.cell(index)
        cell.evaluate("element => element.scrollIntoView({block: 'start', behavior: 'instant'})")
        return cell

    def faults(self) -> list[str]:
        """Say what a learner would stumble over: unrun cells, errors, broken widgets, exceptions in the page."""
        faults = []
        for position, cell in enumerate(self.cells()):
            if cell["cell_type"] != "code" or not "".join(cell["source"]).strip():
                continue
            if cell["execution_count"] is None:
                faults.append(f"cell {position} did not run: {''.join(cell['source'])[:80]!r}")
            for output in cell["outputs"]:
                if output["output_type"] == "error":
                    faults.append(f"cell {position}: {output['ename']}: {output['evalue']}")
        text = self.page.locator(".jp-Notebook").inner_text()
        faults += [f"the page says {failure!r}" for failure in _WIDGET_FAILURES if failure in text]
        return faults + [f"exception in the page: {error}" for error in self.page_errors]

    def dialogs(self) -> list[str]:
        """Return the text of every dialog and notification that stands in a learner's way."""
        places = self.page.locator(".jp-Dialog-content, .Toastify__toast")
        return [place.inner_text() for place in places.all()]

    def screenshots(self, folder: Path | None = None, most: int = 40) -> list[Path]:
        """Scroll through the notebook and keep a picture of each screenful in ``build/screenshots/<name>/``."""
        folder = folder or SCREENSHOTS / self.name.removesuffix(".ipynb")
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        panel = self.page.locator(".jp-NotebookPanel:not(.lm-mod-hidden) .jp-WindowedPanel-outer")
        paths = []
        for number in range(most):
            panel.evaluate("(element, n) => element.scrollTo(0, n * (element.clientHeight - 60))", number)
            self.page.wait_for_timeout(150)  # figures draw lazily once they are in sight
            paths.append(folder / f"{number + 1:02}.png")
            self.page.screenshot(path=paths[-1])
            if panel.evaluate("element => element.scrollTop + element.clientHeight >= element.scrollHeight - 2"):
                break
        return paths

    def close(self) -> None:
        """Close the page."""
        self.page.close()


def open_notebook(browser: BrowserContext, server: LabServer, name: str) -> NotebookPage:
    """Open a notebook of the server's copy in a new window and wait for its kernel.

    Parameters
    ----------
    browser : Playwright's browser, or rather the context of its pages
    server : from :func:`lab_server`
    name : a file name in ``notebooks/``, for instance ``00_start_here.ipynb``
    """
    page = browser.new_page()
    opened = NotebookPage(page, name)

    def keep_page_error(error: Any) -> None:
        if _HARMLESS_PAGE_ERROR not in str(error):
            opened.page_errors.append(str(error))

    page.on("pageerror", keep_page_error)
    page.on("console", lambda said: opened.console_errors.append(said.text) if said.type == "error" else None)
    workspace = f"auto-{secrets.token_hex(4)}"
    page.goto(f"{server.url}/lab/workspaces/{workspace}/tree/notebooks/{name}?token={server.token}")
    page.wait_for_function(
        """name => {
            const panel = window.jupyterapp?.shell?.currentWidget;
            return panel?.context?.path?.endsWith(name) && panel.context.isReady
                && panel.sessionContext.session?.kernel?.status === 'idle';
        }""",
        arg=name,
        timeout=120_000,
    )
    return opened
