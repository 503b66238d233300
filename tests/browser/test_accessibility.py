"""What we draw, looked at by axe-core inside the page: figures, an explorer, cards, a quiz, tables.

Both themes, and the widths that a projector, 1,024 pixels or a zoom of 200% leave. JupyterLab's own frame around the
outputs is JupyterLab's business and is not looked at. Contrast is computed in ``tests/test_accessibility.py``: axe-core
judges it only for what is in sight.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from jupyter_page import VIEWPORT, LabServer, NotebookPage, open_notebook
from playwright.sync_api import Browser, expect
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
EXPLORER, QUIZ = 4, 8
TOO_BUSY = "[anywidget] Failed to initialize model"
OURS = ".jp-OutputArea-output"
WIDTHS = {"a laptop": 1440, "a projector": 1024, "a laptop at 200%": 720}


@pytest.fixture(scope="module")
def notebook(browser: Browser, server: LabServer) -> Iterator[NotebookPage]:
    """One notebook with one of each, run once and shared: no test here changes what it shows."""
    name = write_notebook(server, "accessible.ipynb", *CELLS)
    opened = open_notebook(browser, server, name)
    opened.run_all()
    for _ in range(2):
        if any(TOO_BUSY in error for error in opened.page_errors):  # see test_smoke.py
            opened.close()
            opened = open_notebook(browser, server, name)
            opened.run_all()
    expect(opened.cell(EXPLORER).locator(".js-plotly-plot .main-svg").first).to_be_attached(timeout=60_000)
    assert opened.faults() == []
    yield opened
    opened.close()
    server.stop_kernels()


def violations(notebook: NotebookPage) -> list[str]:
    """What axe-core calls serious or critical in what we draw: rule, place, reason."""
    count = notebook.page.locator(OURS).count()
    assert count >= 10, f"only {count} outputs of ours are in the page"
    found: dict[str, Any] = Axe().run(notebook.page, context=OURS).response
    assert len(found["passes"]) >= 10, "axe-core had next to nothing to look at"
    return [
        f"{violation['id']}: {node['html'][:160]} ({node['failureSummary'][:300]})"
        for violation in found["violations"]
        if violation["impact"] in ("serious", "critical")
        for node in violation["nodes"]
    ]


@pytest.mark.parametrize("theme", ["JupyterLab Dark", "JupyterLab Light"])
def test_axe_finds_nothing_serious_in_what_we_draw(notebook: NotebookPage, theme: str) -> None:
    notebook.page.evaluate("theme => window.jupyterapp.commands.execute('apputils:change-theme', {theme})", theme)
    notebook.page.wait_for_function("theme => document.body.dataset.jpThemeName === theme", arg=theme)
    notebook.settle()
    assert violations(notebook) == []


def test_axe_would_find_a_control_without_a_name(notebook: NotebookPage) -> None:
    notebook.cell(QUIZ).locator(".r2f-sheet").first.evaluate(
        """card => card.insertAdjacentHTML('beforeend',
            '<div id="bad" >A control <input type="text"></div>')"""
    )
    rules = {each.split(":")[0] for each in violations(notebook)}
    notebook.page.evaluate("() => document.getElementById('bad').remove()")
    assert rules == {"label"}


@pytest.mark.parametrize("width", WIDTHS.values(), ids=WIDTHS)
def test_no_card_is_wider_than_its_place(notebook: NotebookPage, width: int) -> None:
    notebook.page.set_viewport_size({"width": width, "height": 900})
    notebook.settle()
    notebook.page.wait_for_timeout(300)  # figures follow the width once it rests
    wide = notebook.page.evaluate(
        """cards => {
            const right = each => each.getBoundingClientRect().right;
            return [...document.querySelectorAll(cards)].flatMap(card => [card, ...card.querySelectorAll('*')]
                .filter(each => !each.closest('.r2f-scroll > *, .r2f-table > *, svg, .r2f-frame'))
                .filter(each => right(each) > right(card.parentElement) + 1)
                .map(each => `${each.tagName} ${each.className}: ${each.innerText?.slice(0, 60)}`));
        }""",
        ".r2f-card, .r2f-sheet",
    )
    notebook.page.set_viewport_size(VIEWPORT)
    assert wide == []


@pytest.mark.parametrize(("cell", "card"), [(EXPLORER, ".r2f-card"), (QUIZ, ".r2f-sheet")], ids=["explorer", "quiz"])
def test_every_control_is_reached_by_tab(notebook: NotebookPage, cell: int, card: str) -> None:
    box = notebook.scroll_to(cell).locator(card).first
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
