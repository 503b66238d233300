"""One browser and one JupyterLab for each worker of a run; `make test-browser` starts three workers.

Tests that share an open notebook stay on one worker. All pages of a worker share what its browser
keeps: JupyterLab's 12 MB are fetched and compiled once, and not for each page.
"""

import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from jupyter_page import Lab, NotebookPage, open_lab, open_notebook
from lab_server import BROWSER_ARGUMENTS, VIEWPORT, LabServer, find_browser, lab_server
from playwright.sync_api import BrowserContext, sync_playwright
from printing import MISSING
from xdist.scheduler import LoadScopeScheduling


class Sharing(LoadScopeScheduling):
    """Give a worker all tests of a notebook together, or all of a file. (xdist's own groups fail with pytest 9.2.)"""

    def _split_scope(self, nodeid: str) -> str:
        notebook = re.search(r"test_every_notebook\.py::\w+\[(\w+)", nodeid)
        return notebook[1] if notebook else nodeid.partition("::")[0]


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Sharing:
    """Share the tests out by notebook and file."""
    return Sharing(config, log)


@pytest.fixture(scope="session")
def browser() -> Iterator[BrowserContext]:
    path = find_browser()
    if path is None:
        pytest.fail(MISSING, pytrace=False)
    with sync_playwright() as playwright:
        # `headless=False` keeps Playwright from adding its own flag; the new headless mode is asked for in ours.
        running = playwright.chromium.launch(executable_path=path, headless=False, args=BROWSER_ARGUMENTS)
        yield running.new_context(viewport=VIEWPORT)
        running.close()


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LabServer]:
    with lab_server(tmp_path_factory.mktemp("lab")) as running:
        yield running


@pytest.fixture(scope="session")
def lab(browser: BrowserContext, server: LabServer) -> Iterator[Lab]:
    """A JupyterLab for tests that leave its window as they find it."""
    opened = open_lab(browser, server)
    yield opened
    opened.page.close()


@pytest.fixture
def open_in_lab(lab: Lab, server: LabServer) -> Iterator[Callable[[str], NotebookPage]]:
    """Return a function that opens a notebook by its file name; notebook and kernel end with the test."""
    opened: list[NotebookPage] = []

    def open_by_name(name: str) -> NotebookPage:
        opened.append(lab.open(name))
        return opened[-1]

    yield open_by_name
    for notebook in opened:
        lab.shut(notebook)
    server.stop_kernels()


@pytest.fixture
def open_alone(browser: BrowserContext, server: LabServer) -> Iterator[Callable[[str], NotebookPage]]:
    """Return a function that does the same in a window of its own, where nothing was loaded before."""
    opened: list[NotebookPage] = []

    def open_by_name(name: str) -> NotebookPage:
        opened.append(open_notebook(browser, server, name))
        return opened[-1]

    yield open_by_name
    for notebook in opened:
        notebook.close()
    server.stop_kernels()
