"""What a learner has done so far, notebook by notebook, and how to take it along to another machine.

``progress()`` shows a table; ``progress.export(path)`` and ``progress.load(path)`` do in code what its link and its
file field do on the page. Loading merges: nothing that is here gets lost.
"""

from __future__ import annotations

import html
import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from helpers.learn import quizfile, store
from helpers.learn.card import Card
from helpers.learn.record import Record, cleaned
from helpers.learn.registry import NOTEBOOKS, exercises_of

if TYPE_CHECKING:
    from helpers.learn.parcel import Parcel

_COLUMNS = ("Notebook", "Exercises solved", "Minutes of exercises", "Quiz questions right")
_CELL = "padding:5px 14px 5px 0;text-align:left;border:0;border-bottom:1px solid #d4d9df;color:#1b1f24;background:#fff"
_SHEET = (
    "box-sizing:border-box;max-width:1120px;margin:4px 2px;padding:14px 20px;color:#1b1f24;background:#fff;"
    "border:1px solid #d4d9df;border-radius:8px;overflow-x:auto;"
    "font:16px/1.45 system-ui,'Segoe UI',Roboto,'Helvetica Neue',Arial,sans-serif"
)


@dataclass(frozen=True)
class Row:
    """What is done of one notebook, and of how much."""

    notebook: str
    solved: int
    exercises: int
    minutes_done: int
    minutes: int
    right: int
    questions: int

    def cells(self) -> tuple[str, ...]:
        """Write it as texts; none where there is nothing to do."""
        parts = ((self.solved, self.exercises), (self.minutes_done, self.minutes), (self.right, self.questions))
        return (self.notebook, *(f"{done} of {count}" if count else "none" for done, count in parts))


class Overview:
    """The table of what is done, with a link to save it and a field to load it.

    Attributes
    ----------
    notice : str
        What went wrong with the progress file, if anything did.
    """

    def __init__(self) -> None:
        self._parcel: Parcel | None = None
        self._read()

    def _read(self) -> None:
        self.record, self.notice = store.read()

    @property
    def rows(self) -> list[Row]:
        """A row for each notebook that has exercises or a quiz."""
        return rows(self.record)

    def __repr__(self) -> str:
        lines = [_COLUMNS, *(row.cells() for row in self.rows)]
        widths = [max(len(line[i]) for line in lines) for i in range(len(_COLUMNS))]
        table = [
            "  ".join(text.ljust(width) for text, width in zip(line, widths, strict=True)).rstrip() for line in lines
        ]
        return "\n".join([*table, *filter(None, [self.notice])])

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, Any]:
        if self._parcel is None:
            from helpers.learn.parcel import Parcel

            self._parcel = Parcel(self)
        return {**self._parcel.view(), "text/html": self._html(), "text/plain": repr(self)}

    def _html(self) -> str:
        head = "".join(f'<th scope="col" style="{_CELL};font-weight:600">{text}</th>' for text in _COLUMNS)
        body = "".join(
            "<tr>" + "".join(f'<td style="{_CELL}">{html.escape(text)}</td>' for text in row.cells()) + "</tr>"
            for row in self.rows
        )
        notice = f'<p style="margin:8px 0 0;color:#8a3b00">{html.escape(self.notice)}</p>' if self.notice else ""
        table = f'<table style="border-collapse:collapse;margin:0;font-size:16px"><tr>{head}</tr>{body}</table>'
        return f'<div style="{_SHEET}">{table}{notice}</div>'

    # -- what a parcel asks of what it shows

    def shown(self, notice: str = "") -> dict[str, Any]:
        """Give the table as texts, the file's text for the link, and what there is to say."""
        return {
            "columns": list(_COLUMNS),
            "rows": [list(row.cells()) for row in self.rows],
            "file": _text(self.record),
            "notice": " ".join(filter(None, [self.notice, notice])),
        }

    def loaded(self, content: bytes) -> dict[str, Any]:
        """Merge a file that the learner chose on the page; return what to show."""
        card = progress.load(content)
        self._read()
        return self.shown(card.heading)


class Progress:
    """What is done so far. Call it to see; :meth:`export` and :meth:`load` move it between machines."""

    def __call__(self) -> Overview:
        """Return the table, which the notebook shows."""
        return Overview()

    def export(self, path: str | Path) -> Card:
        """Save everything to a file, to be loaded elsewhere.

        Parameters
        ----------
        path : str or Path
            A file, or a folder in which ``progress.json`` is written.
        """
        target = Path(path).expanduser()
        target = target / "progress.json" if target.is_dir() else target
        record, notice = store.read()
        try:
            target.write_text(_text(record), encoding="utf-8")
        except OSError as error:
            return Card(f"Nothing is saved: {error.strerror or error}.", (notice,), "trouble")
        return Card(f"Saved to {target}: {_counts(record)}.", (notice,), "right")

    def load(self, source: str | Path | bytes) -> Card:
        """Merge a saved file into what is here.

        Parameters
        ----------
        source : str, Path or bytes
            The file's path, or its content.
        """
        try:
            content = source if isinstance(source, bytes) else Path(source).expanduser().read_bytes()
        except OSError as error:
            return Card(f"Nothing is loaded: {error.strerror or error}.", tone="trouble")
        try:
            record = cleaned(json.loads(content))
        except (ValueError, RecursionError) as error:
            why = "it is not JSON" if isinstance(error, UnicodeDecodeError | json.JSONDecodeError) else str(error)
            return Card(f"Nothing is loaded: {why}.", tone="trouble")
        notice = store.add(record)
        return Card(f"Loaded: {_counts(record)}.", (notice,), "right")


progress = Progress()


def rows(record: Record) -> list[Row]:
    """Hold what is done against what there is to do."""
    quizzes: dict[str, list[quizfile.QuizFile]] = {}
    for name in quizfile.names():
        file = quizfile.read_quiz(name)
        quizzes.setdefault(file.notebook, []).append(file)
    found = []
    for number, name in NOTEBOOKS.items():
        exercises = exercises_of(number)
        done = [exercise for id, exercise in exercises.items() if id in record["exercises"]]
        asked = [(file.name, question.id) for file in quizzes.get(number, []) for question in file.questions]
        right = sum(record["quizzes"].get(quiz, {}).get(id, {}).get("right", False) for quiz, id in asked)
        row = Row(
            notebook=f"{number} {name.replace('_', ' ')}",
            solved=len(done),
            exercises=len(exercises),
            minutes_done=sum(exercise.minutes for exercise in done),
            minutes=sum(exercise.minutes for exercise in exercises.values()),
            right=right,
            questions=len(asked),
        )
        if row.exercises or row.questions:
            found.append(row)
    return found


def _counts(record: Record) -> str:
    answers = sum(map(len, record["quizzes"].values()))
    parts = (
        (len(record["exercises"]), "solved exercise"),
        (answers, "quiz answer"),
        (len(record["predictions"]), "prediction"),
    )
    return ", ".join(f"{count} {what}{'' if count == 1 else 's'}" for count, what in parts)


def _text(record: Record) -> str:
    return json.dumps(record, ensure_ascii=False, indent=1) + "\n"
