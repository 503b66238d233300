"""A real JupyterLab server on a copy of ``notebooks/``, with settings of its own, and the browser to look at it.

Neither the repository nor the user's JupyterLab notices: folder, settings, progress and kernels belong to the test run.
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
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

REPOSITORY = Path(__file__).resolve().parents[2]
sys.path.append(str(REPOSITORY / ".ci"))  # for those who come here without pytest
from printing import find_browser as find_browser  # noqa: E402

NOTEBOOKS = REPOSITORY / "notebooks"

SERVER_START_S = 60
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


@dataclass
class LabServer:
    """A running JupyterLab: where it is, the folder that it shows (with a copy of ``notebooks/``), what it keeps."""

    url: str
    token: str
    folder: Path
    progress: Path

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
def lab_server(folder: Path, *, every_cell_drawn: bool = True) -> Iterator[LabServer]:
    """Run JupyterLab on a copy of ``notebooks/`` in ``folder``; leave no process behind.

    Parameters
    ----------
    folder : an empty folder
    every_cell_drawn : whether cells that are scrolled out of sight are drawn all the same, so that a test can look at
        them; JupyterLab draws them when they come into sight
    """
    root, own = folder / "root", folder / "jupyter"
    shutil.copytree(NOTEBOOKS, root / "notebooks", ignore=shutil.ignore_patterns(".*"))
    labconfig = own / "config" / "labconfig"
    labconfig.mkdir(parents=True)
    overrides = {"@jupyterlab/notebook-extension:tracker": {"windowingMode": "none"}} if every_cell_drawn else {}
    (labconfig / "default_setting_overrides.json").write_text(json.dumps(overrides))
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    server = LabServer(
        url=f"http://127.0.0.1:{port}", token=secrets.token_hex(16), folder=root, progress=own / "progress.json"
    )
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
        "RACKS_TO_FUNCTIONS_PROGRESS": str(server.progress),  # not the user's
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
