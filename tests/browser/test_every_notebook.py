"""Every notebook in a real JupyterLab: run from top to bottom once, with everything in it tried on the way.

One window and one kernel serve all tests of a notebook, which stand in the order in which a learner meets things: run,
predict, solve, look, answer the quiz, move the explorers, change theme and width, come back another day.
"""

from collections.abc import Iterator

import page_figures as figures
import page_pictures as pictures
import pytest
from jupyter_page import Lab, NotebookPage
from lab_server import NOTEBOOKS, VIEWPORT, LabServer
from page_axe import violations
from page_explorers import explorers, started_anew
from page_sheets import all_right, quizzes, take, unfinished
from page_walk import Walk, walk
from playwright.sync_api import expect

# Those with the most code first, so that at the end no worker waits for another one's notebook.
CODE_CELL = '"cell_type": "code"'
NAMES = sorted(
    (path.name for path in NOTEBOOKS.glob("*.ipynb")), key=lambda name: -(NOTEBOOKS / name).read_text().count(CODE_CELL)
)
WIDTHS = {"a projector, 1,024 pixels": 1024, "a laptop at 200%": 720}


@pytest.fixture(scope="module", params=NAMES, ids=[name.removesuffix(".ipynb") for name in NAMES])
def way(request: pytest.FixtureRequest, lab: Lab, server: LabServer) -> Iterator[Walk]:
    """The notebook after a learner's way through it."""
    server.progress.unlink(missing_ok=True)
    notebook = lab.open(request.param)
    yield walk(notebook)
    lab.shut(notebook)
    server.stop_kernels()


@pytest.fixture
def notebook(way: Walk) -> NotebookPage:
    return way.notebook


def none(faults: list[str]) -> None:
    """Fail with all faults, one a line."""
    if faults:
        pytest.fail("\n".join(faults), pytrace=False)


def test_every_cell_runs_and_nothing_stands_in_the_way(notebook: NotebookPage) -> None:
    none(notebook.faults())
    assert notebook.dialogs() == [], "JupyterLab asks or tells something that nobody wanted to know"


def test_predictions_are_kept_and_shown_beside_the_result(way: Walk) -> None:
    none(way.prediction_faults + way.recalled())


def test_exercises_explain_a_wrong_answer_and_accept_the_right_one(way: Walk) -> None:
    none(way.exercise_faults)


def test_every_figure_has_drawn_marks(notebook: NotebookPage) -> None:
    figures.await_drawn(notebook)
    assert figures.undrawn_cells(notebook) == set()
    none(figures.undrawn(notebook))


def test_every_figure_has_a_name_for_a_screen_reader(notebook: NotebookPage) -> None:
    none(figures.unnamed(notebook))


@pytest.mark.parametrize("theme", ["Dark", "Light"])
def test_axe_finds_nothing_serious(notebook: NotebookPage, theme: str) -> None:
    notebook.theme(theme)
    none(violations(notebook))
    if theme == "Light":
        pictures.keep(notebook)


@pytest.mark.parametrize("width", WIDTHS.values(), ids=WIDTHS)
def test_nothing_is_cut_off(notebook: NotebookPage, width: int) -> None:
    before = figures.heights(notebook)
    notebook.page.set_viewport_size({"width": width, "height": 900})
    notebook.two_frames()
    figures.await_width(notebook)
    cut, after = figures.cut_off(notebook), figures.heights(notebook)
    notebook.page.set_viewport_size(VIEWPORT)
    figures.await_width(notebook)
    none(cut)
    assert after == before, "a figure's height changed with the width"


def test_quizzes_explain_wrong_answers_and_count_right_ones(notebook: NotebookPage) -> None:
    none([fault for cell_id, quiz in quizzes(notebook) for fault in take(notebook, cell_id, quiz)])


def test_explorers_are_moved_by_keyboard(notebook: NotebookPage) -> None:
    none([fault for explorer in started_anew(notebook) for fault in explorer.by_keyboard()])


def test_explorers_are_moved_by_mouse(notebook: NotebookPage) -> None:
    none([fault for explorer in explorers(notebook) for fault in explorer.by_mouse()])


def test_everything_is_there_again_when_the_page_is_loaded_again(notebook: NotebookPage) -> None:
    seen = [explorer.look() for explorer in explorers(notebook)]
    notebook.save()
    notebook.reload()
    figures.await_drawn(notebook)
    none(figures.unnamed(notebook))
    assert [explorer.look() for explorer in explorers(notebook)] == seen
    none([fault for cell_id, quiz in quizzes(notebook) for fault in unfinished(notebook, cell_id, quiz)])
    none(notebook.faults())


def test_progress_is_there_after_the_kernel_was_restarted(way: Walk, notebook: NotebookPage) -> None:
    notebook.restart_kernel()
    notebook.append_and_run(
        "from helpers.learn import progress, quiz\nfrom helpers.learn.predictions import kept_prediction"
    )
    asked = 0
    for cell_id, quiz in quizzes(notebook):
        asked += len(quiz.questions)
        notebook.run_cell(cell_id)
        expect(notebook.cell(cell_id).locator(".r2f-sheet-summary")).to_have_text(all_right(quiz))
    for prediction, kept in way.predictions.items():
        (output,) = notebook.append_and_run(f"print(kept_prediction({prediction!r}))")
        assert output["text"].split()[0].removesuffix(".0") == kept.split()[0].removesuffix("%")
    notebook.append_and_run("progress()")
    row = notebook.body.locator(".jp-Cell").last.get_by_role("row").filter(has_text=f"{notebook.name[:2]} ")
    for done in filter(None, (len(way.tasks), asked)):
        expect(row.first).to_contain_text(f"{done} of {done}")
