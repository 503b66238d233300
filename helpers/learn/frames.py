"""What differs between a learner's table and the expected one, in one sentence."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd


def as_frame(value: Any) -> pd.DataFrame | None:
    """Return a table for a DataFrame, a Series, a dict of columns or a list of rows; None for anything else."""
    import pandas as pd

    if isinstance(value, pd.DataFrame):
        frame = value
    elif isinstance(value, pd.Series):
        frame = value.to_frame()
    elif isinstance(value, dict) or (isinstance(value, list) and all(isinstance(row, dict) for row in value)):
        try:
            frame = pd.DataFrame(value)
        except ValueError:
            return None
    else:
        return None
    # What stands in a named index is a column of the table to whoever looks at it.
    return frame.reset_index() if any(name is not None for name in frame.index.names) else frame.reset_index(drop=True)


def frames_differ(answer: pd.DataFrame, expected: pd.DataFrame, differs: Callable[[Any, Any], str]) -> str:
    """Say what is off first: columns, then rows, then a value; nothing if all are right.

    Parameters
    ----------
    answer, expected : pandas.DataFrame
        As :func:`as_frame` gives them. The order of columns is free.
    differs : callable
        Says what is off between two values.
    """
    missing = [str(name) for name in expected.columns if name not in answer.columns]
    if missing:
        return f"The table lacks the column {missing[0]!r}; it has {', '.join(map(str, answer.columns)) or 'none'}."
    if len(answer) != len(expected):
        return f"The table has {len(answer)} rows; expected are {'fewer' if len(answer) > len(expected) else 'more'}."
    answer = answer[list(expected.columns)]
    wrong = [
        (column, row, off)
        for column in expected.columns
        for row, (one, other) in enumerate(zip(answer[column].tolist(), expected[column].tolist(), strict=True))
        if (off := "" if _both_missing(one, other) else differs(one, other))
    ]
    if not wrong:
        return ""
    if _same_in_another_order(answer, expected, differs):
        return "The rows are right, in another order than asked for."
    column, row, off = wrong[0]
    cells = f"{len(wrong)} of {answer.size} values are off" if len(wrong) > 1 else "One value is off"
    return f"{cells}. The first is {column!r} in row {row + 1}: {off}."


def _both_missing(one: Any, other: Any) -> bool:
    return all(value is None or value != value for value in (one, other))


def _same_in_another_order(answer: pd.DataFrame, expected: pd.DataFrame, differs: Callable[[Any, Any], str]) -> bool:
    left = list(answer.itertuples(index=False, name=None))
    for row in expected.itertuples(index=False, name=None):
        for candidate in left:
            if all(_both_missing(a, b) or not differs(a, b) for a, b in zip(candidate, row, strict=True)):
                left.remove(candidate)
                break
        else:
            return False
    return True
