"""What stands in no notebook by itself, looked at by axe-core: a hint, a failed check; and Tab through a quiz.

``test_every_notebook.py`` looks at the notebooks' own outputs. Contrast is computed in
``tests/test_accessibility.py``: axe-core judges it only for what is in sight.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from jupyter_page import Lab, NotebookPage
from lab_server import LabServer
from page_axe import violations
from scratch_notebook import write_notebook

CELLS = (
    "import os, tempfile\n"
    'os.environ["RACKS_TO_FUNCTIONS_PROGRESS"] = os.path.join(tempfile.mkdtemp(), "progress.json")\n'
    "from helpers.learn import check, hint, predict, progress, quiz, solution\n"
    "from helpers.pricing import lambda_bill\n"
    "from helpers.show import Choice, Explorer, Slider, Switch, as_of, costs, matrix",
    "costs.month(requests=3_000_000, duration_ms=120, memory_mb=1536)",
    "matrix.lesson()",
    "def month(requests, door, free):\n    return costs.api(requests=requests * (2 - free), response_kb=10, door=door)",
    "Explorer(month, title='What moves the bill?', requests=Slider('Requests', 0, 10_000_000, value=500_000),\n"
    "         door=Choice('Front door', ['HTTP', 'REST']), free=Switch('Free tier', value=True))",
    'predict("example.b", "Which is cheaper?", choices=["A function", "Two servers that wait", "They cost the same"])',
    'check("example.1", 12)',
    'hint("example.1")',
    'quiz("example")',
    "progress()",
    'as_of("lambda.requests", "lambda.timeout")',
    "lambda_bill(requests=3_000_000, duration_ms=120, memory_mb=1536).to_frame()",
)
QUIZ = 8


@pytest.fixture(scope="module")
def notebook(lab: Lab, server: LabServer) -> Iterator[NotebookPage]:
    """One notebook with one of each, run once and shared: no test here changes what it shows."""
    opened = lab.open(write_notebook(server, "accessible.ipynb", *CELLS))
    opened.run_all()
    assert opened.faults() == []
    yield opened
    lab.shut(opened)
    server.stop_kernels()


def test_axe_finds_nothing_serious_in_what_we_draw(notebook: NotebookPage) -> None:
    assert violations(notebook) == []


def test_axe_would_find_a_control_without_a_name(notebook: NotebookPage) -> None:
    notebook.cell(QUIZ).locator(".r2f-sheet").first.evaluate(
        """card => card.insertAdjacentHTML('beforeend',
            '<div id="bad" >A control <input type="text"></div>')"""
    )
    rules = {each.split(":")[0] for each in violations(notebook)}
    notebook.page.evaluate("() => document.getElementById('bad').remove()")
    assert rules == {"label"}


def test_every_control_of_a_quiz_is_reached_by_tab(notebook: NotebookPage) -> None:
    box = notebook.scroll_to(QUIZ).locator(".r2f-sheet").first
    # One radio button of each group is a stop; arrows move within the group.
    single = (
        box.locator("input:not([type=radio]), select, button").locator("visible=true").and_(box.locator(":enabled"))
    )
    groups = box.locator("input[type=radio]").evaluate_all("all => new Set(all.map(each => each.name)).size")
    wanted = single.count() + groups
    box.locator("input, select, button").first.focus()
    reached = set()
    for _ in range(wanted + 5):
        stop = box.evaluate(
            """box => {
                const at = document.activeElement;
                if (!box.contains(at)) return null;
                return at.type === 'radio' ? at.name : [...box.querySelectorAll('*')].indexOf(at);
            }"""
        )
        if stop is None:
            break
        reached.add(stop)
        notebook.page.keyboard.press("Tab")
    assert len(reached) >= wanted
