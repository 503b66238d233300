"""One browser and one JupyterLab for all browser tests of a run; `make test-browser` starts them.

All pages share what the browser keeps: JupyterLab's 12 MB are fetched and compiled once, and not for each page.
"""

from collections.abc import Callable, Iterator

import pytest

pytest.importorskip("playwright", reason="the browser tests need tests/requirements.txt: make test-browser")

from jupyter_page import (
    BROWSER_ARGUMENTS,
    VIEWPORT,
    LabServer,
    NotebookPage,
    find_browser,
    lab_server,
    open_notebook,
)
from playwright.sync_api import BrowserContext, sync_playwright


@pytest.fixture(scope="session")
def browser() -> Iterator[BrowserContext]:
    path = find_browser()
    if path is None:
        pytest.fail(
            "No Chromium or Chrome on this machine. Install one (Debian, Ubuntu: sudo apt-get install chromium; "
            "macOS: brew install --cask chromium) or set BROWSER_PATH to its program.",
            pytrace=False,
        )
    with sync_playwright() as playwright:
        # `headless=False` keeps Playwright from adding its own flag; the new headless mode is asked for in ours.
        running = playwright.chromium.launch(executable_path=path, headless=False, args=BROWSER_ARGUMENTS)
        yield running.new_context(viewport=VIEWPORT)
        running.close()


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LabServer]:
    with lab_server(tmp_path_factory.mktemp("lab")) as running:
        yield running


@pytest.fixture
def open_in_lab(browser: BrowserContext, server: LabServer) -> Iterator[Callable[[str], NotebookPage]]:
    """Return a function that opens a notebook by its file name; page and kernel end with the test."""
    pages: list[NotebookPage] = []

    def open_by_name(name: str) -> NotebookPage:
        pages.append(open_notebook(browser, server, name))
        return pages[-1]

    yield open_by_name
    for page in pages:
        page.close()
    server.stop_kernels()
