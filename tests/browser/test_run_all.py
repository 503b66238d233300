"""Run All Cells, once in each notebook, in a JupyterLab that is set as a learner has it; then a look at every cell.

``test_every_notebook.py`` stops on the way to predict and to solve, in a JupyterLab that draws what is out of sight as
well. Here everything comes at once, and is drawn when it is scrolled into sight.
"""

from collections.abc import Iterator

import page_figures as figures
import pytest
from jupyter_page import Lab, open_lab
from lab_server import NOTEBOOKS, LabServer, lab_server
from playwright.sync_api import BrowserContext
from scratch_notebook import write_notebook

pytestmark = pytest.mark.thorough

NAMES = sorted(path.name for path in NOTEBOOKS.glob("*.ipynb"))


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LabServer]:
    with lab_server(tmp_path_factory.mktemp("lab"), every_cell_drawn=False) as running:
        yield running


@pytest.fixture(scope="module")
def lab(browser: BrowserContext, server: LabServer) -> Iterator[Lab]:
    opened = open_lab(browser, server)
    yield opened
    opened.page.close()


@pytest.mark.parametrize("name", NAMES, ids=[name.removesuffix(".ipynb") for name in NAMES])
def test_everything_is_there_after_run_all(lab: Lab, server: LabServer, name: str) -> None:
    notebook = lab.open(name)
    notebook.run_all()
    faults = notebook.faults()
    for position in range(len(notebook.cells())):
        notebook.scroll_to(position)
        faults += figures.missing_in_sight(notebook, position)
    dialogs = notebook.dialogs()
    lab.shut(notebook)
    server.stop_kernels()
    assert (faults, dialogs) == ([], [])


def test_what_is_missing_in_a_cell_would_be_noticed(lab: Lab, server: LabServer) -> None:
    notebook = lab.open(
        write_notebook(
            server,
            "missing.ipynb",
            "from IPython.display import HTML\nHTML('<div class=\"r2f-plot\"></div>')",
            "print('Error displaying widget')",
            "1 + 1",
        )
    )
    notebook.run_all()
    found = [figures.missing_in_sight(notebook, position, within_s=0.2) for position in range(3)]
    lab.shut(notebook)
    server.stop_kernels()
    assert [len(faults) for faults in found] == [1, 1, 0]
    assert "a figure is not drawn" in found[0][0]
    assert "Error displaying widget" in found[1][0]
