"""Where no browser is found, the browser tests fail and say what to install: they never pass in silence."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("playwright")

ROOT = Path(__file__).resolve().parents[1]


def test_browser_tests_fail_and_name_the_remedy_where_there_is_no_browser() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-n", "0", "tests/browser/test_record.py"],
        cwd=ROOT,
        env=os.environ | {"BROWSER_PATH": "/nowhere/chromium"},
        capture_output=True,
        text=True,
        timeout=100,
    )
    assert done.returncode == 1
    assert "No Chromium or Chrome on this machine. Install one" in done.stdout
    assert "2 errors" in done.stdout
