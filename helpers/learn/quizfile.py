"""Quiz files: what ``data/quizzes/*.json`` may hold, read and checked, with errors that name the place.

A file has a ``title`` and ``questions``; a question has an ``id``, a ``kind`` and a ``text``, and then

- ``single``, ``multiple``: ``choices``, each with ``text``, ``right`` and ``why``;
- ``numeric``: ``answer`` (a number, or a row of our tables: ``{"price": "lambda.requests"}``,
  ``{"limit": "lambda.timeout", "bound": "max", "times": 1}``), ``tolerance``, ``unit``, ``why`` for the right
  number, ``slips`` (each ``answer`` and ``why``) and ``otherwise`` for all other numbers;
- ``ordering``: ``items`` in the right order, ``why`` for it and ``otherwise`` for every other order.

A question may name the ``concept`` that it asks about and the ``cell`` that shows the answer (``05/reuse``); a wrong
choice and a slip may name the ``belief`` that they stand for. Only the printed tests tell these.

``data/quizzes/example.json`` has one of each kind. :mod:`helpers.learn.quizzes` asks them.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).resolve().parents[2] / "data" / "quizzes"
KINDS = ("single", "multiple", "numeric", "ordering")
_ID = re.compile(r"[a-z0-9][a-z0-9-]*")
_CELL = re.compile(r"\d\d/[a-zA-Z0-9_-]+")


class QuizError(ValueError):
    """A quiz file is not as it must be; the message names file, question and field."""


@dataclass(frozen=True)
class Choice:
    """What can be chosen, whether it is right, and why or why not."""

    text: str
    right: bool
    why: str
    belief: str = ""


@dataclass(frozen=True)
class NumberSlip:
    """A wrong number that a typical mistake leads to."""

    answer: Callable[[], float]
    why: str
    belief: str = ""


@dataclass(frozen=True)
class Question:
    """One question; which fields matter depends on its kind."""

    id: str
    kind: str
    text: str
    choices: tuple[Choice, ...] = ()
    answer: Callable[[], float] = lambda: math.nan
    tolerance: float = 0.0
    unit: str = ""
    slips: tuple[NumberSlip, ...] = ()
    items: tuple[str, ...] = ()
    why: str = ""
    otherwise: str = ""
    concept: str = ""
    cell: str = ""


@dataclass(frozen=True)
class QuizFile:
    """A quiz as its file has it."""

    name: str
    title: str
    questions: tuple[Question, ...]

    @property
    def notebook(self) -> str:
        """The notebook that it belongs to: ``"07"`` for ``07b``."""
        number = re.match(r"\d\d", self.name)
        return number[0] if number else self.name


def names(folder: Path | None = None) -> list[str]:
    """Return the names of all quizzes."""
    return sorted(path.stem for path in (folder or FOLDER).glob("*.json"))


def read_quiz(name: str, folder: Path | None = None) -> QuizFile:
    """Read and check one quiz.

    Raises
    ------
    KeyError
        If there is no such file, naming those that are.
    QuizError
        Naming file, question and field.
    """
    path = (folder or FOLDER) / f"{name}.json"
    if not path.is_file():
        raise KeyError(f"no quiz {name!r}; there is {', '.join(names(folder)) or 'none'}")
    try:
        data = json.loads(path.read_text(encoding="utf-8"), object_pairs_hook=_no_key_twice)
    except ValueError as error:
        raise QuizError(f"{path.name}: not JSON as it should be: {error}") from None
    place = Place(path.name)
    fields = place.fields(data, required={"title": str, "questions": list})
    questions = [_question(place.at(f"question {i}"), one) for i, one in enumerate(fields["questions"], 1)]
    if not questions:
        raise place.wrong("questions", "must hold at least one")
    for i, question in enumerate(questions, 1):
        if question.id in {before.id for before in questions[: i - 1]}:
            raise place.at(f"question {i}").wrong("id", f"{question.id!r} is there twice")
    return QuizFile(name, fields["title"], tuple(questions))


@dataclass(frozen=True)
class Place:
    """Where in a file we are, so that an error can say so."""

    path: str

    def at(self, part: str) -> Place:
        """Go one step down."""
        return Place(f"{self.path}, {part}")

    def wrong(self, field: str, problem: str) -> QuizError:
        """Give the error for a field here."""
        return QuizError(f"{self.path}, field {field}: {problem}")

    def fields(
        self, data: Any, required: dict[str, type], optional: dict[str, type | tuple[type, ...]] | None = None
    ) -> dict[str, Any]:
        """Check an object's fields: all that must be there, none that may not, each of its type and not empty."""
        if not isinstance(data, dict):
            raise QuizError(f"{self.path}: must be an object with {', '.join(required)}, got {data!r}")
        allowed = {**required, **(optional or {})}
        for name in data:
            if name not in allowed:
                raise self.wrong(name, f"unknown; there may be {', '.join(allowed)}")
        for name, kind in allowed.items():
            if name not in data:
                if name in required:
                    raise self.wrong(name, "is missing")
            elif not _is(data[name], kind):
                raise self.wrong(name, f"must be {_NAMES.get(kind, 'a number or a table row')}, got {data[name]!r}")
            elif isinstance(data[name], str) and not data[name].strip():
                raise self.wrong(name, "is empty")
        return data


_NAMES = {str: "text", list: "a list", bool: "true or false", float: "a number", dict: "an object"}
_CHOICES = {"choices": list}
_NUMERIC = {"answer": (float, dict), "why": str, "otherwise": str}
_ORDER = {"items": list, "why": str, "otherwise": str}


def _question(place: Place, data: Any) -> Question:
    kind = data.get("kind") if isinstance(data, dict) else None
    if isinstance(data, dict) and isinstance(data.get("id"), str):
        place = Place(f"{place.path} ({data['id']})")
    if isinstance(data, dict) and kind not in KINDS:
        raise place.wrong("kind", f"must be one of {', '.join(KINDS)}, got {kind!r}")
    own = {"numeric": _NUMERIC, "ordering": _ORDER}.get(kind, _CHOICES)
    optional = {"tolerance": float, "unit": str, "slips": list} if kind == "numeric" else {}
    optional |= {"concept": str, "cell": str}
    fields = place.fields(data, required={"id": str, "kind": str, "text": str, **own}, optional=optional)
    if not _ID.fullmatch(fields["id"]):
        raise place.wrong("id", f"must be small letters, digits and hyphens, got {fields['id']!r}")
    if "cell" in fields and not _CELL.fullmatch(fields["cell"]):
        raise place.wrong("cell", f"must be a notebook's number, a slash and a cell's id, got {fields['cell']!r}")
    told = ("id", "kind", "text", "why", "otherwise", "unit", "concept", "cell")
    made = {name: fields[name] for name in told if name in fields}
    if kind == "numeric":
        return Question(**made, **_number(place, fields))
    if kind == "ordering":
        return Question(**made, items=_items(place, fields["items"]))
    return Question(**made, choices=_choices(place, kind, fields["choices"]))


def _choices(place: Place, kind: str, data: list[Any]) -> tuple[Choice, ...]:
    found = []
    for i, one in enumerate(data, 1):
        there = place.at(f"choice {i}")
        found.append(Choice(**there.fields(one, {"text": str, "right": bool, "why": str}, {"belief": str})))
    right = sum(choice.right for choice in found)
    if len({choice.text for choice in found}) < max(2, len(found)):
        raise place.wrong("choices", "must be two or more, all different")
    if kind == "single" and right != 1:
        raise place.wrong("choices", f"a single choice needs exactly one that is right, got {right}")
    if kind == "multiple" and not right:
        raise place.wrong("choices", "none is right")
    return tuple(found)


def _number(place: Place, fields: dict[str, Any]) -> dict[str, Any]:
    tolerance = fields.get("tolerance", 0.0)
    if tolerance < 0:
        raise place.wrong("tolerance", f"must be 0 or more, got {tolerance}")
    slips = []
    for i, one in enumerate(fields.get("slips", []), 1):
        there = place.at(f"slip {i}")
        slip = there.fields(one, {"answer": (float, dict), "why": str}, {"belief": str})
        slips.append(NumberSlip(**{**slip, "answer": _value(there, slip["answer"])}))
    return {"answer": _value(place, fields["answer"]), "tolerance": tolerance, "slips": tuple(slips)}


def _value(place: Place, data: Any) -> Callable[[], float]:
    """Return a function for the number: it may be a row of our tables, looked up when somebody answers."""
    if not isinstance(data, dict):
        return lambda: float(data)
    fields = place.at("field answer").fields(data, {}, {"price": str, "limit": str, "bound": str, "times": float})
    times = fields.get("times", 1)
    bound = fields.get("bound", "max")
    if ("price" in fields) == ("limit" in fields) or bound not in ("min", "max", "default"):
        raise place.wrong("answer", "must name a price or a limit; a limit's bound is min, max or default")

    def looked_up() -> float:
        from helpers import tables

        row = (
            tables.price(fields["price"]).value if "price" in fields else getattr(tables.limit(fields["limit"]), bound)
        )
        return float(row) * times

    try:
        looked_up()
    except (KeyError, TypeError) as error:
        raise place.wrong("answer", str(error.args[0])) from None
    return looked_up


def _items(place: Place, data: list[Any]) -> tuple[str, ...]:
    if len(data) < 3 or not all(isinstance(item, str) and item.strip() for item in data) or len(set(data)) < len(data):
        raise place.wrong("items", "must be three or more different texts, in the right order")
    return tuple(data)


def _is(value: Any, kind: type | tuple[type, ...]) -> bool:
    kinds = kind if isinstance(kind, tuple) else (kind,)
    if isinstance(value, bool):
        return bool in kinds
    if isinstance(value, int | float):
        return float in kinds and math.isfinite(value)
    return isinstance(value, kinds)


def _no_key_twice(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError(f"a field is there twice: {', '.join(name for name, _ in pairs)}")
    return found
