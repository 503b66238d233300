"""Whether an answer is right, and if not, what is off: by how much, and which idea to revisit.

Pure: an exercise and an answer in, a :class:`Verdict` out. What a learner's own function raises becomes a line of
text; what an exercise's definition raises is its author's error and stays one.
"""

from __future__ import annotations

import copy
import inspect
import math
import numbers
import reprlib
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

from helpers.learn.distance import how_far
from helpers.learn.exercise import Exercise, Slip

_NOTHING = (None, ...)
_LARGEST = 1e18  # beyond any bill, count or duration in these notebooks
_SHORT = reprlib.Repr()
_SHORT.maxstring = _SHORT.maxother = 60


@dataclass(frozen=True)
class Verdict:
    """What a check found.

    Attributes
    ----------
    outcome : str
        ``"right"``, ``"wrong"``, ``"unanswered"``, or ``"unusable"`` for an answer that can't be compared.
    said : str
        What is off; empty when the answer is right.
    idea : str
        What to revisit; empty unless the answer is wrong.
    """

    outcome: str
    said: str = ""
    idea: str = ""


RIGHT = Verdict("right")


def judge(exercise: Exercise, answer: Any) -> Verdict:
    """Compare an answer with what the exercise expects."""
    if answer is None or answer is ...:
        return Verdict("unanswered")
    return _JUDGES[exercise.kind](exercise, answer)


def _number(exercise: Exercise, answer: Any) -> Verdict:
    problem = _not_a_number(answer)
    if problem:
        return Verdict("unusable", f"The answer must be a number; {problem}.")
    expected = exercise.expected()
    off = difference(exercise, answer, expected)
    return _wrong(exercise, f"{_amount(answer, exercise)} is {off}.", _slip(exercise, answer)) if off else RIGHT


def _function(exercise: Exercise, answer: Any) -> Verdict:
    if not callable(answer):
        given = f"got {_called(answer)}; give the function's name, without calling it"
        return Verdict("unusable", f"The answer must be a function; {given}.")
    try:
        inspect.signature(answer).bind(**exercise.cases[0])
    except TypeError as error:
        return Verdict("unusable", f"Your function must take {', '.join(exercise.cases[0])}: {error}.")
    except ValueError:
        pass  # a built-in without a signature: the call will tell
    results = []
    for case in exercise.cases:
        try:
            results.append(answer(**copy.deepcopy(dict(case))))
        except (Exception, SystemExit) as error:
            return Verdict(
                "unusable", f"For {_arguments(case)} your function stops{_place(answer, error)}: {_raised(error)}"
            )
    if all(result is None or result is ... for result in results):
        return Verdict("unanswered", "Your function returns nothing yet.")
    misses = [
        (case, result, off)
        for case, result in zip(exercise.cases, results, strict=True)
        if (off := difference(exercise, result, exercise.expected(**copy.deepcopy(dict(case)))))
    ]
    if not misses:
        return RIGHT
    case, result, off = misses[0]
    counted = f" {len(results) - len(misses)} of {len(results)} cases are right." if len(results) > 1 else ""
    given = "nothing" if result is None or result is ... else _amount(result, exercise)
    said = f"For {_arguments(case)} your function gives {given}: {off}.{counted}"
    return _wrong(exercise, said, _slip_of_function(exercise, results))


def _choice(exercise: Exercise, answer: Any) -> Verdict:
    expected = exercise.expected()
    several = isinstance(expected, set | frozenset | list | tuple)
    chosen = [answer] if isinstance(answer, str) else list(answer) if isinstance(answer, Collection) else None
    known = {_folded(choice): choice for choice in exercise.choices}
    listed = ", ".join(repr(choice) for choice in exercise.choices)
    if chosen is None or not all(isinstance(one, str) for one in chosen):
        return Verdict("unusable", f"The answer must be text, one of {listed}; got {_called(answer)}.")
    unknown = [one for one in chosen if _folded(one) not in known]
    if unknown:
        return Verdict("unusable", f"{_SHORT.repr(unknown[0])} is not a choice. There is {listed}.")
    if not several and len(chosen) != 1:
        return Verdict("unusable", f"Choose exactly one of {listed}.")
    given = {_folded(one) for one in chosen}
    wanted = {_folded(one) for one in (expected if several else [expected])}
    if given == wanted:
        return RIGHT
    if not several:
        return _wrong(exercise, f"It is not {known[given.pop()]!r}.", _slip(exercise, answer))
    fits = len(given & wanted)
    said = (
        f"{fits} of your {len(given)} belong{'s' if fits == 1 else ''} there" if fits else "None of yours belongs there"
    )
    said += ", and more do." if wanted - given and fits else "."
    return _wrong(exercise, said, _slip(exercise, chosen))


def _table(exercise: Exercise, answer: Any) -> Verdict:
    from helpers.learn.frames import as_frame, frames_differ

    frame = as_frame(answer)
    if frame is None:
        return Verdict("unusable", f"The answer must be a table (a DataFrame); got {_called(answer)}.")
    off = frames_differ(frame, as_frame(exercise.expected()), lambda a, b: difference(exercise, a, b))
    return _wrong(exercise, off, _slip(exercise, answer)) if off else RIGHT


_JUDGES: dict[str, Callable[[Exercise, Any], Verdict]] = {
    "number": _number,
    "function": _function,
    "choice": _choice,
    "table": _table,
}


def difference(exercise: Exercise, answer: Any, expected: Any) -> str:
    """Say what is off between one value and the expected one; nothing if it is accepted."""
    if not _not_a_number(expected):
        problem = _not_a_number(answer)
        if problem:
            return f"that must be a number, {problem}"
        answer, expected = float(_bare(answer)), float(_bare(expected))

        def accepted(number: float) -> bool:
            return close(exercise, number, expected)

        return "" if accepted(answer) else how_far(answer, expected, accepted, exercise.unit)
    if isinstance(expected, str | bool | Mapping) or not isinstance(expected, Collection):
        return "" if _same(answer, expected) else "that is not what is expected"
    if isinstance(answer, str) or (not isinstance(answer, Collection) and not hasattr(answer, "__len__")):
        return f"that must be a list of {len(expected)} values, got {_called(answer)}"
    if len(answer) != len(expected):
        return f"it has {'more' if len(answer) > len(expected) else 'fewer'} values than expected"
    for place, (one, other) in enumerate(zip(answer, expected, strict=True), 1):
        off = difference(exercise, one, other)
        if off:
            return f"value {place} is off: {off}"
    return ""


def close(exercise: Exercise, answer: float, expected: float) -> bool:
    """Tell whether a number lies within the exercise's tolerance."""
    room = max(exercise.tolerance, exercise.relative * abs(expected))
    return abs(answer - expected) <= room + 1e-9 * max(1.0, abs(expected))


def _same(answer: Any, expected: Any) -> bool:
    try:
        return bool(answer == expected)
    except (ValueError, TypeError):
        return False


def _wrong(exercise: Exercise, said: str, slip: Slip | None) -> Verdict:
    return Verdict("wrong", said, slip.idea if slip else exercise.idea)


def _slip(exercise: Exercise, answer: Any) -> Slip | None:
    """Find the mistake that leads to this very answer."""
    for slip in exercise.slips:
        twin = replace(exercise, expected=slip.value, slips=())
        if _JUDGES[exercise.kind](twin, answer).outcome == "right":
            return slip
    return None


def _slip_of_function(exercise: Exercise, results: list[Any]) -> Slip | None:
    for slip in exercise.slips:
        wrong = [slip.value(**copy.deepcopy(dict(case))) for case in exercise.cases]
        if not any(difference(exercise, *pair) for pair in zip(results, wrong, strict=True)):
            return slip
    return None


def _not_a_number(value: Any) -> str:
    """Say why a value is not a number; nothing if it is one."""
    if isinstance(value, str):
        return f"got the text {_SHORT.repr(value)}: leave out the quotes"
    if hasattr(value, "dtype") and getattr(value, "size", 1) != 1:
        return f"got {value.size} numbers"
    value = _bare(value)
    if isinstance(value, bool) or not isinstance(value, numbers.Real | Decimal):
        if callable(value):
            return "got a function: call it"
        better = next((name for name in ("invoice_total", "total") if hasattr(value, name)), "")
        return f"got {_called(value)}" + (f": its .{better} is one" if better else "")
    try:
        size = float(value)
    except (OverflowError, ValueError):
        return "got one that is far too large"
    if not math.isfinite(size):
        return f"got {size}"
    return "" if abs(size) <= _LARGEST else "got one that is far too large"


def _bare(value: Any) -> Any:
    """Take a single number out of its array."""
    return value.item() if hasattr(value, "dtype") and getattr(value, "size", 0) == 1 else value


def _called(value: Any) -> str:
    name = type(value).__name__
    return f"{'an' if name[0].lower() in 'aeiou' else 'a'} {name}"


def _amount(value: Any, exercise: Exercise) -> str:
    """Write a learner's own value back, short, with its unit."""
    from helpers.show.wording import number

    if _not_a_number(value):
        return _SHORT.repr(value)
    value = _bare(value)
    text = number(value if isinstance(value, int) else float(value))
    return f"{text} {exercise.unit}".rstrip()


def _arguments(case: Mapping[str, Any]) -> str:
    return ", ".join(
        f"{name}={f'{value:_}' if type(value) is int else _SHORT.repr(value)}" for name, value in case.items()
    )


def _raised(error: BaseException) -> str:
    text = " ".join(str(error).split())
    return f"{type(error).__name__}{': ' + text if text else ''}".removesuffix(".") + "."


def _place(function: Any, error: BaseException) -> str:
    """Say in which line of the learner's cell an exception arose, if it did there."""
    code = getattr(function, "__code__", None)
    line, step = None, error.__traceback__
    while step and code:
        if step.tb_frame.f_code.co_filename == code.co_filename:
            line = step.tb_lineno
        step = step.tb_next
    return f" in line {line} of its cell" if line else ""


def _folded(text: str) -> str:
    return " ".join(text.split()).casefold()
