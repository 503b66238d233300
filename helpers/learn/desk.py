"""What a learner calls about an exercise: ``check``, ``hint`` and ``solution``.

Each returns a card. A right answer to ``check`` is kept in the progress file; nothing else is, so running a notebook
from top to bottom as it comes never counts as solving.
"""

from __future__ import annotations

from typing import Any

from helpers.learn import registry, store
from helpers.learn.card import Card
from helpers.learn.exercise import Exercise
from helpers.learn.record import solved
from helpers.learn.verdict import judge

_hints_given: dict[str, int] = {}


def check(id: str, answer: Any) -> Card:
    """Check an answer and say what is off, without giving the right one away.

    Parameters
    ----------
    id : str
        The exercise, as in ``"06.1"``.
    answer : object
        Your number, function, choice or table. The dots (``...``) that a notebook comes with mean: not answered yet.

    Returns
    -------
    Card
        Shown by the notebook.

    Raises
    ------
    KeyError
        If there is no such exercise, naming near ones.
    """
    exercise = registry.find(id)
    verdict = judge(exercise, answer)
    if verdict.outcome == "right":
        notice = store.add(solved(id))
        shows = exercise.shows or f"{exercise.title}: solved."
        return Card(f"{exercise.heading} · right.", (shows, notice), "right")
    if verdict.outcome == "unanswered":
        lines = (verdict.said, _help(exercise))
        return Card(f"{exercise.heading} · not answered yet.", lines, rest=f"Target: {exercise.target}")
    if verdict.outcome == "unusable":
        return Card(
            f"{exercise.heading} · can't be checked yet.", (verdict.said, f"Target: {exercise.target}"), "trouble"
        )
    revisit = f"Revisit: {verdict.idea}"
    return Card(f"{exercise.heading} · not yet.", (verdict.said, revisit, _help(exercise)), "wrong")


def hint(id: str, number: int | None = None) -> Card:
    """Show a hint: the first, and with each further call the next one.

    Parameters
    ----------
    id : str
        The exercise, as in ``"06.1"``.
    number : int, optional
        Which hint, from 1, if not the next one.

    Returns
    -------
    Card
        Shown by the notebook.
    """
    exercise = registry.find(id)
    count = len(exercise.hints)
    if number is None:
        number = min(_hints_given.get(id, 0) + 1, count)
    if isinstance(number, bool) or not isinstance(number, int) or not 1 <= number <= count:
        raise ValueError(f"exercise {id} has hints 1 to {count}, got {number!r}")
    _hints_given[id] = number
    last = "This is the last hint; the collapsed cell below the exercise holds the solution."
    more = f'The next one: `hint("{id}")`' if number < count else last
    return Card(f"Hint {number} of {count} for exercise {id}", (exercise.hints[number - 1], more), "hint")


def solution(id: str, answer: Any) -> Card:
    """Show a solution after holding it against the check that learners' answers meet. Nothing is recorded.

    Raises
    ------
    AssertionError
        If the check does not accept it.
    """
    exercise = registry.find(id)
    verdict = judge(exercise, answer)
    if verdict.outcome != "right":
        raise AssertionError(f"the solution of exercise {id} is {verdict.outcome}: {verdict.said}")
    # Not what the answer shows: Run All unfolds this card below an exercise that nobody has tried yet.
    return Card(f"Solution {id} holds:", (exercise.solution,), "right", rest="the check accepts it.")


def _help(exercise: Exercise) -> str:
    count = len(exercise.hints)
    first = "There is one hint" if count == 1 else f"There are {count} hints"
    return f'{first}: `hint("{exercise.id}")`'
