"""Tests of the notebooks keep their progress in a file of their own, and each notebook starts without any.

A learner's file must neither shape what a test compares nor change because tests ran. Kernels inherit the variable;
with pytest-xdist each worker imports this module and gets its own folder.
"""

import atexit
import os
import shutil
import tempfile
from pathlib import Path

import pytest

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
