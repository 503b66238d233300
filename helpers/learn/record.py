"""What is kept of a learner's work, as plain data, and how two such records become one.

A record holds solved exercises, answered quiz questions and predictions. Merging takes, for each of them, the better
or the later entry; the order of merging makes no difference, so two notebooks, or a laptop and Binder, never undo
each other's work.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

VERSION = 1

Record = dict[str, Any]


def empty() -> Record:
    """Return a record of nothing."""
    return {"version": VERSION, "exercises": {}, "quizzes": {}, "predictions": {}}


def now() -> str:
    """Return the time as records write it: UTC, to the millisecond."""
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def solved(exercise: str) -> Record:
    """Return the record of an exercise solved now."""
    return {**empty(), "exercises": {exercise: {"solved": now()}}}


def answered(quiz: str, question: str, right: bool) -> Record:
    """Return the record of a quiz question answered now."""
    return {**empty(), "quizzes": {quiz: {question: {"right": right, "at": now()}}}}


def predicted(id: str, value: float | str, unit: str) -> Record:
    """Return the record of a prediction made now."""
    return {**empty(), "predictions": {id: {"value": value, "unit": unit, "at": now()}}}


def merged(one: Record, other: Record) -> Record:
    """Return the union: the first time solved, a right answer over a wrong one, the latest prediction."""
    quizzes = {
        quiz: _union(one["quizzes"].get(quiz, {}), other["quizzes"].get(quiz, {}), _better_answer)
        for quiz in sorted({*one["quizzes"], *other["quizzes"]})
    }
    return {
        "version": VERSION,
        "exercises": _union(one["exercises"], other["exercises"], _earlier),
        "quizzes": quizzes,
        "predictions": _union(one["predictions"], other["predictions"], _later),
    }


def cleaned(data: Any) -> Record:
    """Return what of some parsed JSON is a record; other entries are left out.

    Raises
    ------
    ValueError
        If it isn't one at all.
    """
    if not isinstance(data, dict) or not all(
        isinstance(data.get(part, {}), dict) for part in empty() if part != "version"
    ):
        raise ValueError("it is not a progress file of these notebooks")
    if not isinstance(data.get("version"), int) or "exercises" not in data:
        raise ValueError("it is not a progress file of these notebooks")
    if data["version"] > VERSION:
        raise ValueError("a newer version of these notebooks wrote it")
    return {
        "version": VERSION,
        "exercises": _only(data.get("exercises", {}), solved=str),
        "quizzes": {
            quiz: _only(questions, right=bool, at=str)
            for quiz, questions in data.get("quizzes", {}).items()
            if isinstance(questions, dict)
        },
        "predictions": _only(data.get("predictions", {}), value=(int, float, str), unit=str, at=str),
    }


def _only(entries: dict[str, Any], **kinds: Any) -> dict[str, Any]:
    return {
        name: {field: entry[field] for field in kinds}
        for name, entry in entries.items()
        if isinstance(entry, dict) and all(isinstance(entry.get(field), kind) for field, kind in kinds.items())
    }


def _union(one: dict[str, Any], other: dict[str, Any], choose: Callable[[Any, Any], Any]) -> dict[str, Any]:
    both = {**one, **other}
    return {
        name: choose(one[name], other[name]) if name in one and name in other else both[name] for name in sorted(both)
    }


def _earlier(one: Any, other: Any) -> Any:
    return min(one, other, key=lambda entry: entry["solved"])


def _later(one: Any, other: Any) -> Any:
    return max(one, other, key=lambda entry: (entry["at"], json.dumps(entry, sort_keys=True)))


def _better_answer(one: Any, other: Any) -> Any:
    if one["right"] != other["right"]:
        return one if one["right"] else other
    return (min if one["right"] else max)(one, other, key=lambda entry: entry["at"])
