"""Quizzes, predictions and progress as a learner meets them: by keyboard, and again after the page is reloaded."""

import json
from collections.abc import Callable, Iterator

import pytest
from jupyter_page import NotebookPage
from lab_server import LabServer
from playwright.sync_api import Locator, expect
from scratch_notebook import write_notebook

from helpers.learn.quizfile import read_quiz

CELLS = [
    "import os, tempfile\n"
    'os.environ["RACKS_TO_FUNCTIONS_PROGRESS"] = os.path.join(tempfile.mkdtemp(), "progress.json")\n'
    "from helpers.learn import check, hint, predict, progress, quiz, recall, solution",
    'predict("example.a", "What does it cost?", unit="USD a month", low=0, high=1000)',
    'recall("example.a", 2.73)',
    'quiz("example")',
    'check("example.1", 12)',
    'predict("example.b", "Which is cheaper?", choices=["A function", "Two servers that wait", "They cost the same"])',
    "progress()",
    'check("example.1", ...)',
    'check("example.2", lambda requests, memory_mb: 1 / 0)',
    'solution("example.3", "nothing")',
    'hint("example.1")',
]
PREDICT, RECALL, QUIZ, CHOICE, PROGRESS = 1, 2, 3, 5, 6


@pytest.fixture
def notebook(server: LabServer, open_in_lab: Callable[[str], NotebookPage]) -> Iterator[NotebookPage]:
    opened = open_in_lab(write_notebook(server, "learn_probe.ipynb", *CELLS))
    opened.run_all()
    yield opened
    assert opened.faults() == []


def sheet(notebook: NotebookPage, index: int) -> Locator:
    found = notebook.scroll_to(index).locator(".r2f-sheet")
    found.wait_for()
    return found


def test_a_quiz_is_answered_wrong_and_right_by_keyboard(notebook: NotebookPage) -> None:
    quiz, page = sheet(notebook, QUIZ), notebook.page
    idle = quiz.get_by_role("group", name="1. What does a function cost")
    idle.get_by_role("radio").first.focus()
    page.keyboard.press("ArrowDown")
    assert idle.get_by_label("Its memory, for the whole month").is_checked()
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(idle.get_by_role("status")).to_contain_text("✗ Not this one.")
    expect(idle.get_by_role("status")).to_contain_text("not for the time in between")
    page.keyboard.press("Shift+Tab")
    page.keyboard.press("ArrowUp")
    expect(idle.get_by_role("status")).to_be_empty()
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(idle.get_by_role("status")).to_contain_text("✓ Right.")
    expect(quiz.get_by_text("1 of 4 answered right so far")).to_be_visible()

    billed = quiz.get_by_role("group", name="2. What moves the bill")
    boxes = billed.get_by_role("checkbox")
    boxes.first.focus()
    for _ in range(3):
        page.keyboard.press("Space")
        page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(billed.get_by_role("status")).to_contain_text("✓ Right.")

    longest = quiz.get_by_role("group", name="3. How long may one invocation")
    longest.get_by_role("textbox", name="Your number in seconds").focus()
    page.keyboard.type("15")
    page.keyboard.press("Enter")
    expect(longest.get_by_role("status")).to_contain_text("✗ Too low.")
    page.keyboard.press("ControlOrMeta+a")
    page.keyboard.type("900")
    page.keyboard.press("Enter")
    expect(longest.get_by_role("status")).to_contain_text("✓ Right.")
    expect(quiz.get_by_text("3 of 4 answered right so far")).to_be_visible()


def test_items_are_put_in_order_by_keyboard_and_the_focus_follows_them(notebook: NotebookPage) -> None:
    quiz, page = sheet(notebook, QUIZ), notebook.page
    order = quiz.get_by_role("group", name="4. What happens when a request")
    wanted = read_quiz("example").questions[3].items
    for place, item in enumerate(wanted):
        for _ in range(len(wanted)):
            texts = order.get_by_role("listitem").all_inner_texts()
            at = next(i for i, text in enumerate(texts) if item in text)
            if at == place:
                break
            up = order.get_by_role("button", name=f"Move up: {item}")
            if not up.evaluate("button => button === document.activeElement"):
                up.focus()
            page.keyboard.press("Enter")
    order.get_by_role("button", name="Check my answer").focus()
    page.keyboard.press("Enter")
    expect(order.get_by_role("status").last).to_contain_text("✓ Right.")


def test_a_prediction_is_kept_by_keyboard_and_recalled_after_the_page_is_reloaded(
    server: LabServer, open_alone: Callable[[str], NotebookPage]
) -> None:
    notebook = open_alone(write_notebook(server, "reloaded.ipynb", *CELLS))
    notebook.run_all()
    page = notebook.page
    field = sheet(notebook, PREDICT).get_by_role("textbox", name="Your number in USD a month")
    field.focus()
    page.keyboard.type("5000")
    page.keyboard.press("Enter")
    asked = sheet(notebook, PREDICT).get_by_role("group", name="What does it cost?")
    expect(asked.get_by_role("status")).to_contain_text("! Give a number from 0 to 1,000 USD a month.")
    page.keyboard.press("ControlOrMeta+a")
    page.keyboard.type("12")
    page.keyboard.press("Enter")
    expect(asked.get_by_role("status")).to_contain_text("✓ Kept: 12 USD a month.")

    page.keyboard.press("ControlOrMeta+s")
    page.wait_for_function("() => !window.jupyterapp.shell.currentWidget.context.model.dirty")
    notebook.reload()
    expect(sheet(notebook, PREDICT).get_by_role("textbox")).to_have_value("12")
    notebook.run_cell(RECALL)
    said = "You predicted 12 USD a month; it is 2.73 USD a month: 4.4 times too high."
    expect(notebook.cell(RECALL).locator(".jp-OutputArea")).to_contain_text(said)
    notebook.run_cell(PREDICT)
    expect(sheet(notebook, PREDICT).get_by_role("textbox")).to_have_value("12")
    assert notebook.faults() == []


def test_progress_is_saved_to_a_file_and_loaded_again(notebook: NotebookPage, tmp_path) -> None:
    choice = sheet(notebook, CHOICE)
    choice.get_by_label("A function").check()
    choice.get_by_role("button", name="Keep my prediction").click()
    expect(choice.get_by_role("group").get_by_role("status")).to_contain_text("Kept: A function.")
    notebook.run_cell(PROGRESS)
    mine = sheet(notebook, PROGRESS)
    expect(mine.get_by_role("columnheader", name="Exercises solved")).to_be_visible()
    with notebook.page.expect_download() as started:
        mine.get_by_role("link", name="Save my progress to a file").click()
    saved = tmp_path / "saved.json"
    started.value.save_as(saved)
    assert json.loads(saved.read_text())["predictions"]["example.b"]["value"] == "A function"
    mine.get_by_label("Load a saved file").set_input_files(saved)
    expect(mine.get_by_role("status")).to_contain_text("Loaded: 0 solved exercises, 0 quiz answers, 1 prediction.")
