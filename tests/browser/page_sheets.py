"""Quizzes and predictions of a page, answered as a learner answers them: by mouse and by keyboard, wrong and right.

What the page must say comes from the quiz file and from the calculation that judges answers; here it is read.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from jupyter_page import NotebookPage
from playwright.sync_api import Locator

from helpers.learn.quizfile import Question, QuizFile, read_quiz
from helpers.learn.quizzes import judge, shuffled

ANSWER_S = 20
FAR_OFF = "987654321"


@dataclass
class Field:
    """One question in the page."""

    notebook: NotebookPage
    node: Locator

    def inputs(self, kind: str) -> Locator:
        """Return its inputs of a kind."""
        return self.node.locator(f"input[type={kind}]")

    def keys(self, *keys: str) -> None:
        """Press keys one after the other."""
        for key in keys:
            self.notebook.page.keyboard.press(key)

    def told(self) -> str:
        """Return what stands under the question, once the kernel has answered."""
        feedback = self.node.locator(".r2f-feedback")
        self.notebook.page.wait_for_function(
            "feedback => feedback.ariaBusy === 'false' && feedback.textContent",
            arg=feedback.element_handle(),
            timeout=ANSWER_S * 1000,
        )
        return plain(feedback.inner_text())

    # -- one of some choices, or several of them

    def choose_by_mouse(self, kind: str, places: set[int]) -> None:
        """Click on choices until exactly these are chosen, and on the button."""
        labels = self.node.locator(f"label:has(input[type={kind}])")
        for place in range(labels.count()):
            if (place in places) != self.inputs(kind).nth(place).is_checked() and (kind != "radio" or place in places):
                labels.nth(place).click()
        self.node.locator("button.r2f-submit").click()

    def choose_by_keyboard(self, kind: str, places: set[int]) -> None:
        """Do the same with Tab, Space and arrows."""
        boxes = self.inputs(kind)
        if kind == "radio":
            at = boxes.evaluate_all("all => Math.max(0, all.findIndex((one) => one.checked))")
            boxes.nth(at).focus()
            (to,) = places
            self.keys("Space", *(["ArrowDown"] * (to - at) if to > at else ["ArrowUp"] * (at - to)), "Tab")
        else:
            boxes.first.focus()
            for place in range(boxes.count()):
                if (place in places) != boxes.nth(place).is_checked():
                    self.keys("Space")
                self.keys("Tab")
        self.keys("Enter")

    # -- a number

    def type_by_mouse(self, text: str) -> None:
        """Click into the field, type, click on the button."""
        self.inputs("text").click(click_count=3)
        self.keys("ControlOrMeta+a")
        self.notebook.page.keyboard.type(text)
        self.node.locator("button.r2f-submit").click()

    def type_by_keyboard(self, text: str) -> None:
        """Type into the field and press Enter."""
        self.inputs("text").focus()
        self.keys("ControlOrMeta+a")
        self.notebook.page.keyboard.type(text)
        self.keys("Enter")

    # -- an order

    def order(self, wanted: tuple[str, ...], *, by_mouse: bool) -> None:
        """Move each item up until it is in its place; then ask for the verdict."""
        items = self.node.locator(".r2f-order li")
        for place, item in enumerate(wanted):
            at = next(i for i, text in enumerate(items.all_inner_texts()) if plain(item) in plain(text))
            for now in range(at, place, -1):
                up = items.nth(now).locator("button").first
                if by_mouse:
                    up.click()
                else:
                    up.focus()
                    self.keys("Enter")
        submit = self.node.locator("button.r2f-submit")
        if by_mouse:
            submit.click()
        else:
            submit.focus()
            self.keys("Enter")

    def give(self, question: Question, given: Any, *, by_mouse: bool) -> None:
        """Give an answer to a question of a quiz."""
        if question.kind == "ordering":
            shown = shuffled(question)
            self.order(tuple(shown[place] for place in given), by_mouse=by_mouse)
        elif question.kind == "numeric":
            (self.type_by_mouse if by_mouse else self.type_by_keyboard)(given)
        else:
            kind = "radio" if question.kind == "single" else "checkbox"
            choose = self.choose_by_mouse if by_mouse else self.choose_by_keyboard
            choose(kind, {given} if question.kind == "single" else set(given))


def plain(text: str) -> str:
    """Return a text without its marks and with single spaces, as the page's words are compared."""
    return " ".join(text.replace("`", "").split())


def wrong_answers(question: Question) -> list[Any]:
    """Return wrong answers to a question: all wrong choices, all typical slips, an order as it is shown."""
    if question.kind == "single":
        tried: list[Any] = list(range(len(question.choices)))
    elif question.kind == "multiple":
        tried = [list(range(len(question.choices))), [i for i, one in enumerate(question.choices) if not one.right]]
    elif question.kind == "numeric":
        tried = [*(f"{slip.answer():.10g}" for slip in question.slips), FAR_OFF]
    else:
        tried = [list(range(len(question.items)))]
    return [given for given in tried if judge(question, given).status == "wrong"]


def right_answer(question: Question) -> Any:
    """Return the right answer as the page gives it."""
    if question.kind == "single":
        return next(i for i, one in enumerate(question.choices) if one.right)
    if question.kind == "multiple":
        return [i for i, one in enumerate(question.choices) if one.right]
    if question.kind == "numeric":
        return f"{question.answer():.10g}"
    shown = shuffled(question)
    return [shown.index(item) for item in question.items]


def quizzes(notebook: NotebookPage) -> list[tuple[str, QuizFile]]:
    """Return the quizzes of a notebook, each with the id of its cell."""
    found = []
    for cell in notebook.cells():
        source = "".join(cell["source"])
        if cell["cell_type"] == "code" and (named := re.search(r"^quiz\(\"([\w-]+)\"\)", source, re.MULTILINE)):
            found.append((cell["id"], read_quiz(named[1])))
    return found


def take(notebook: NotebookPage, cell_id: str, quiz: QuizFile) -> list[str]:
    """Answer every question of a quiz wrong with the mouse, then right with the keyboard; return what is wrong.

    One wrong answer each: that every other one is explained as well, ``tests/test_learn_quiz.py`` sees to.
    """
    sheet = notebook.scroll_to(cell_id).locator(".r2f-sheet")
    fields = sheet.locator("fieldset.r2f-question")
    if fields.count() != len(quiz.questions):
        return [f"cell {cell_id}: {fields.count()} questions of {len(quiz.questions)}"]
    faults = []
    for number, question in enumerate(quiz.questions):
        field = Field(notebook, fields.nth(number))
        attempts = [(given, True) for given in wrong_answers(question)[:1]]
        if not attempts:
            faults.append(f"cell {cell_id}, question {question.id}: no answer to it is wrong")
        for given, by_mouse in [*attempts, (right_answer(question), False)]:
            field.give(question, given, by_mouse=by_mouse)
            feedback, told = judge(question, given), field.told()
            missing = [line for line in feedback.lines if plain(line) not in told]
            mark = {"right": "✓", "wrong": "✗", "trouble": "!"}[feedback.status]
            if missing or not told.startswith(mark):
                faults.append(
                    f"cell {cell_id}, question {question.id}, answer {given}: {told!r} lacks {mark} {missing}"
                )
    faults += unfinished(notebook, cell_id, quiz)
    return faults


def all_right(quiz: QuizFile) -> str:
    """Return what a quiz says when every question of it is answered right."""
    return f"{len(quiz.questions)} of {len(quiz.questions)} answered right so far"


def unfinished(notebook: NotebookPage, cell_id: str, quiz: QuizFile) -> list[str]:
    """Say so if the quiz does not show that all of it is answered right."""
    said = notebook.cell(cell_id).locator(".r2f-sheet-summary").inner_text()
    return [] if said == all_right(quiz) else [f"cell {cell_id}: {said!r} instead of {all_right(quiz)!r}"]


def predict(notebook: NotebookPage, cell_id: str) -> tuple[str, list[str]]:
    """Give a prediction with the keyboard, an unreadable one first; return what is kept, and what is wrong."""
    field = Field(notebook, notebook.scroll_to(cell_id).locator(".r2f-sheet fieldset.r2f-question"))
    faults = []
    if field.inputs("radio").count():
        field.choose_by_keyboard("radio", {field.inputs("radio").count() - 1})
    else:
        field.type_by_keyboard("a lot")
        if not (told := field.told()).startswith("! "):
            faults.append(f"cell {cell_id}: 'a lot' is no number, and it says {told!r}")
        field.type_by_keyboard("7")
    told = field.told()
    kept = re.match(r"✓ Kept: (.+)\. Run on to see\.$", told)
    if not kept:
        return "", [*faults, f"cell {cell_id}: a prediction leads to {told!r}"]
    return kept[1], faults
