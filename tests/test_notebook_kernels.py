"""Kernels of notebooks under test listen on no port: what notebooks/conftest.py puts into nbval is used by it."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest

CONFTEST = Path(__file__).resolve().parents[1] / "notebooks" / "conftest.py"
ASK = "import json, ipykernel\njson.load(open(ipykernel.get_connection_file()))['transport']"


@pytest.mark.skipif(sys.platform == "win32", reason="there are no sockets in the file system")
@pytest.mark.parametrize(("stored", "ends_with"), [("'ipc'", 0), ("'tcp'", 1)])
def test_a_kernel_under_test_is_reached_through_a_file(stored: str, ends_with: int, tmp_path: Path) -> None:
    shutil.copy(CONFTEST, tmp_path)
    output = nbformat.v4.new_output("execute_result", {"text/plain": stored}, execution_count=1)
    cell = nbformat.v4.new_code_cell(ASK, execution_count=1, outputs=[output])
    kernel = {"name": "python3", "display_name": "Python 3 (ipykernel)", "language": "python"}
    notebook = nbformat.v4.new_notebook(cells=[cell], metadata={"kernelspec": kernel})
    nbformat.write(notebook, tmp_path / "asks.ipynb")
    command = [sys.executable, "-m", "pytest", "--nbval", "-q", "-p", "no:cacheprovider", "asks.ipynb"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == ends_with, done.stdout + done.stderr
