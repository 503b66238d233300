"""Find a Chromium or Chrome and let it print a page: what the cheat sheet needs, and the browser tests.

Standard library only; without a browser, one sentence says what to install.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
from pathlib import Path

_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
_ON_A_MAC = (
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
)
PRINT_TIMEOUT_S = 300
MISSING = (
    "No Chromium or Chrome on this machine. Install one (Debian, Ubuntu: sudo apt-get install chromium; "
    "macOS: brew install --cask chromium) or set BROWSER_PATH to its program."
)


def find_browser() -> str | None:
    """Return the path of a Chromium or Chrome: ``BROWSER_PATH``, one on the PATH, or macOS's applications."""
    asked = os.environ.get("BROWSER_PATH")
    if asked:
        return asked if os.access(asked, os.X_OK) else None
    found = next(filter(None, map(shutil.which, _NAMES)), None)
    return found or next((path for path in _ON_A_MAC if os.access(path, os.X_OK)), None)


def print_to_pdf(page: Path, pdf: Path) -> None:
    """Print a page as a person would, with the paper size that its style sheet names.

    Raises
    ------
    FileNotFoundError
        If this machine has no browser.
    """
    path = find_browser()
    if path is None:
        raise FileNotFoundError(MISSING)
    with tempfile.TemporaryDirectory() as profile:
        command = [path, "--headless=new", "--no-sandbox", "--disable-gpu", "--no-pdf-header-footer"]
        command += [f"--user-data-dir={profile}", f"--print-to-pdf={pdf}", page.resolve().as_uri()]
        subprocess.run(command, check=True, capture_output=True, timeout=PRINT_TIMEOUT_S)


def page_count(pdf: Path) -> int:
    """Count the sheets of a PDF that Chromium has printed."""
    return len(re.findall(rb"/Type\s*/Page\b(?!s)", pdf.read_bytes()))
