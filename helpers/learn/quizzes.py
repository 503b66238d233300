"""Quizzes: questions from a file, answered in a form, explained at once.

The answers are checked here, in the kernel; the page never holds the right ones in advance. For readers without a
kernel the quiz's text is its readable form: all questions, their choices numbered, no answers.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from helpers.learn import quizfile, store
from helpers.learn.quizfile import Question, QuizFile
from helpers.learn.record import answered
from helpers.learn.typed import typed_number

if TYPE_CHECKING:
    from helpers.learn.sheet import Sheet

_HOW = {
    "single": "Choose one.",
    "multiple": "Choose all that apply.",
    "numeric": "Give a number{unit}.",
    "ordering": "Put these in order.",
}


@dataclass(frozen=True)
class Feedback:
    """What an answer gets: ``right``, ``wrong``, or ``trouble`` for one that can't be read; and the reasons."""

    status: str
    lines: tuple[str, ...]


def quiz(name: str) -> Quiz:
    """Show a quiz.

    Parameters
    ----------
    name : str
        Its file in ``data/quizzes``, without ``.json``: ``"06"``.

    Returns
    -------
    Quiz
        A form when displayed; its text is the questions.

    Raises
    ------
    KeyError
        If there is no such quiz, naming those that are.
    QuizError
        If its file is not as it must be.
    """
    return Quiz(quizfile.read_quiz(name))


class Quiz:
    """A quiz on the page.

    Attributes
    ----------
    file : QuizFile
        Title and questions.
    """

    def __init__(self, file: QuizFile) -> None:
        self.file = file
        self._questions = {question.id: question for question in file.questions}
        self._standing: dict[str, dict[str, Any]] = {}
        self._sheet: Sheet | None = None

    def answer(self, question: str, given: Any) -> Feedback:
        """Judge an answer without recording it: in code, a quiz is looked at and not taken.

        Parameters
        ----------
        question : str
            The question's id.
        given : object
            As the page gives it: the place of a choice (from 0), a list of places, a number as text, or the places
            of the items as :meth:`order_shown` shows them.
        """
        return judge(self._questions[question], given)

    def order_shown(self, question: str) -> tuple[str, ...]:
        """Return an ordering question's items as the form shows them first."""
        return shuffled(self._questions[question])

    def __repr__(self) -> str:
        lines = [self.file.title]
        for number, question in enumerate(self.file.questions, 1):
            how = _HOW[question.kind].format(unit=f" in {question.unit}" if question.unit else "")
            lines += ["", f"{number}. {question.text} {how}"]
            texts = shuffled(question) if question.items else [choice.text for choice in question.choices]
            lines += [f"   {place}) {text}" for place, text in enumerate(texts, 1)]
        return "\n".join(lines)

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, Any]:
        if self._sheet is None:
            from helpers.learn.sheet import Sheet

            self._sheet = Sheet(self)
        return {**self._sheet.view(), "text/plain": repr(self)}

    # -- what a sheet asks of what it shows

    def spec(self) -> dict[str, Any]:
        """Describe the form to the browser, without what is right."""
        questions = [
            {
                "id": question.id,
                "kind": question.kind,
                "text": question.text,
                "choices": [choice.text for choice in question.choices],
                "items": list(shuffled(question)),
                "unit": question.unit,
            }
            for question in self.file.questions
        ]
        return {"title": self.file.title, "button": "Check my answer", "numbered": True, "questions": questions}

    def shown(self) -> dict[str, Any]:
        """Give the answers of this sitting, and the score that is kept."""
        record, _ = store.read()
        kept = record["quizzes"].get(self.file.name, {})
        right = sum(kept.get(id, {}).get("right", False) for id in self._questions)
        count = len(self._questions)
        summary = f"{right} of {count} answered right so far" if any(id in kept for id in self._questions) else ""
        return {"answers": dict(self._standing), "summary": summary}

    def taken(self, question: str, given: Any) -> dict[str, Any]:
        """Take an answer from the page, record it, and return what to show for it."""
        feedback = self.answer(question, given)
        lines = feedback.lines
        if feedback.status != "trouble":
            notice = store.add(answered(self.file.name, question, feedback.status == "right"))
            lines = (*lines, notice) if notice else lines
        self._standing[question] = {"given": given, "status": feedback.status, "lines": list(lines)}
        return self._standing[question]


def judge(question: Question, given: Any) -> Feedback:
    """Say whether an answer is right, and why or why not."""
    return {"single": _single, "multiple": _multiple, "numeric": _numeric, "ordering": _ordering}[question.kind](
        question, given
    )


def shuffled(question: Question) -> tuple[str, ...]:
    """Return an ordering question's items in an order that is always the same, with at most one in its place."""
    items = list(question.items)
    draw = random.Random(question.text)
    while sum(one == other for one, other in zip(items, question.items, strict=True)) > 1:
        draw.shuffle(items)
    return tuple(items)


def _single(question: Question, given: Any) -> Feedback:
    if not _places([given], len(question.choices)):
        return Feedback("trouble", ("Choose one first.",))
    choice = question.choices[given]
    return (
        Feedback("right", ("Right.", choice.why)) if choice.right else Feedback("wrong", ("Not this one.", choice.why))
    )


def _multiple(question: Question, given: Any) -> Feedback:
    if not given or not _places(given, len(question.choices)):
        return Feedback("trouble", ("Choose at least one first.",))
    chosen = [choice for place, choice in enumerate(question.choices) if place in given]
    wrong = [choice for choice in chosen if not choice.right]
    missing = sum(choice.right for choice in question.choices) - (len(chosen) - len(wrong))
    why = [f"{choice.text}: {choice.why}" for choice in (wrong or chosen)]
    if not wrong and not missing:
        return Feedback("right", ("Right.", *why))
    parts = [f"{len(wrong)} of your choices {'does' if len(wrong) == 1 else 'do'} not belong"] * bool(wrong)
    parts += ["something is missing"] * bool(missing)
    said = " and ".join(parts)
    return Feedback("wrong", (f"{said[0].upper()}{said[1:]}.", *(why if wrong else ())))


def _numeric(question: Question, given: Any) -> Feedback:
    try:
        value = typed_number(str(given))
    except ValueError as error:
        return Feedback("trouble", (f"{error}.",))

    def near(number: float) -> bool:
        return abs(value - number) <= question.tolerance + 1e-9 * max(1.0, abs(number))

    expected = question.answer()
    if near(expected):
        return Feedback("right", ("Right.", question.why))
    side = "Too high." if value > expected else "Too low."
    why = next((slip.why for slip in question.slips if near(slip.answer())), question.otherwise)
    return Feedback("wrong", (side, why))


def _ordering(question: Question, given: Any) -> Feedback:
    shown = shuffled(question)
    if not _places(given, len(shown)) or sorted(given) != list(range(len(shown))):
        return Feedback("trouble", ("Put every item in one place first.",))
    order = tuple(shown[place] for place in given)
    if order == question.items:
        return Feedback("right", ("Right.", question.why))
    fits = sum(one == other for one, other in zip(order, question.items, strict=True))
    count = f"{fits or 'None'} of {len(shown)} {'is' if fits <= 1 else 'are'} in the right place."
    return Feedback("wrong", (count, question.otherwise))


def _places(given: Sequence[Any] | Any, count: int) -> bool:
    """Tell whether these are places in a list of so many."""
    return isinstance(given, list) and all(type(place) is int and 0 <= place < count for place in given)
