"""Every notebook, opened in a real JupyterLab and run from its first cell to its last."""

from collections.abc import Callable

import pytest
from jupyter_page import NOTEBOOKS, NotebookPage

NAMES = sorted(path.name for path in NOTEBOOKS.glob("*.ipynb"))
# anywidget gives each widget two seconds to load, which a busy page can miss. It complains, and the widget works all
# the same: helpers/show/page.js sees to that, and test_explorer.py tests it on a page that is busy on purpose.
TOO_BUSY = "[anywidget] Failed to initialize model"


@pytest.mark.parametrize("name", NAMES)
def test_a_notebook_opens_runs_and_shows_no_error(name: str, open_in_lab: Callable[[str], NotebookPage]) -> None:
    notebook = open_in_lab(name)
    notebook.run_all()
    pictures = notebook.screenshots()
    assert [fault for fault in notebook.faults() if TOO_BUSY not in fault] == []
    assert notebook.dialogs() == [], "JupyterLab asks or tells something that nobody wanted to know"
    assert pictures
