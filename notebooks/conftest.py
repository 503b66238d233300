"""Tests of the notebooks keep their progress in a file of their own, and each notebook starts without any.

A learner's file must neither shape what a test compares nor change because tests ran. Kernels inherit the variable;
with pytest-xdist each worker imports this module and gets its own folder. Their kernels listen on no port.
"""

import atexit
import os
import secrets
import shutil
import tempfile
from pathlib import Path

import nbval.kernel
import pytest
from jupyter_client.manager import KernelManager
from traitlets import default


class PortlessKernel(KernelManager):
    """Starts kernels that are reached through sockets in the file system.

    By default a free port is looked for, let go, and taken by the kernel half a second later. Tests that run meanwhile
    open thousands of connections, and when one of those gets the port, the kernel dies before its first cell.
    """

    @default("transport")
    def _through_files(self) -> str:
        return "tcp" if os.name == "nt" else "ipc"

    @default("ip")
    def _in_our_folder(self) -> str:
        # Absolute, as a kernel works in the folder of its notebook; and its own, as several run at once.
        return "127.0.0.1" if os.name == "nt" else str(_folder / secrets.token_hex(4))


nbval.kernel.KernelManager = PortlessKernel

_folder = Path(tempfile.mkdtemp(prefix="from-racks-to-functions-"))
atexit.register(shutil.rmtree, _folder, ignore_errors=True)
os.environ["RACKS_TO_FUNCTIONS_PROGRESS"] = str(_folder / "progress.json")

_running = ""


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Forget what the notebook before this one kept."""
    global _running
    if item.path.suffix == ".ipynb" and item.path.name != _running:
        _running = item.path.name
        (_folder / "progress.json").unlink(missing_ok=True)
