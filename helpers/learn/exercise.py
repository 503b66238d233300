"""What an exercise is: the task's target, the right answer as a calculation, and what to say about wrong ones.

Nothing here checks or shows anything: :mod:`helpers.learn.verdict` compares, :mod:`helpers.learn.desk` speaks.
Right answers and typical mistakes are functions, called when somebody answers, so that a price change moves them
too and importing a set of exercises costs nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

KINDS = ("number", "function", "choice", "table")


@dataclass(frozen=True)
class Slip:
    """A typical mistake.

    Parameters
    ----------
    value : callable
        Gives the wrong answer that this mistake leads to. For a function exercise it is called with each case,
        as the learner's function is.
    idea : str
        What to revisit, without the answer.
    """

    value: Callable[..., Any]
    idea: str

    def __post_init__(self) -> None:
        if not callable(self.value):
            raise TypeError(f"a slip's value must be a function that computes it, got {self.value!r}")
        if not self.idea.strip():
            raise ValueError("a slip needs an idea to revisit")


@dataclass(frozen=True, kw_only=True)
class Exercise:
    """One exercise of a notebook.

    Parameters
    ----------
    id : str
        The notebook's number and the exercise's: ``"06.1"``.
    minutes : int
        How long a learner needs.
    title : str
        What the exercise is about, in a few words.
    target : str
        What a right answer looks like: "an amount in USD a month, to the cent".
    kind : str
        ``"number"``, ``"function"``, ``"choice"`` or ``"table"``.
    expected : callable
        Computes the right answer; for a function, the right result of each case. A choice whose answer is a set
        takes several; a table is a DataFrame.
    tolerance : float
        How far a number may be from the expected one, in its unit.
    relative : float
        The same as a share of the expected number; the wider of the two counts.
    unit : str
        "USD a month", "ms", "requests".
    slips : tuple of Slip
        Typical mistakes, the most telling first.
    cases : tuple of dict
        For a function: the keyword arguments of each call.
    choices : tuple of str
        For a choice: what can be chosen.
    idea : str
        Which section or idea to revisit when no slip fits.
    hints : tuple of str
        Nudges, the gentlest first.
    shows : str
        What a right answer shows; said when it is right.
    solution : str
        Text or code, shown in the solution's cell.

    Raises
    ------
    ValueError, TypeError
        Naming the exercise and what is wrong with its definition.
    """

    id: str
    minutes: int
    title: str
    target: str
    kind: str
    expected: Callable[..., Any]
    tolerance: float = 0.005
    relative: float = 0.0
    unit: str = ""
    slips: tuple[Slip, ...] = ()
    cases: tuple[Mapping[str, Any], ...] = ()
    choices: tuple[str, ...] = ()
    idea: str
    hints: tuple[str, ...]
    shows: str = ""
    solution: str = ""

    def __post_init__(self) -> None:
        notebook, dot, number = self.id.partition(".")
        if not (notebook and dot and number):
            raise ValueError(f"an exercise's id is notebook.number, as in 06.1, got {self.id!r}")
        if self.kind not in KINDS:
            raise ValueError(f"exercise {self.id}: kind must be one of {', '.join(KINDS)}, got {self.kind!r}")
        for name in ("title", "target", "idea"):
            if not getattr(self, name).strip():
                raise ValueError(f"exercise {self.id}: {name} is empty")
        if not callable(self.expected):
            raise TypeError(f"exercise {self.id}: expected must be a function that computes it, got {self.expected!r}")
        for name in ("slips", "cases", "choices", "hints"):
            if not isinstance(getattr(self, name), tuple):
                raise TypeError(f"exercise {self.id}: {name} must be a tuple; a single one needs a comma after it")
        if not self.hints:
            raise ValueError(f"exercise {self.id}: at least one hint is needed")
        if bool(self.cases) != (self.kind == "function"):
            raise ValueError(f"exercise {self.id}: cases belong to a function, and a function needs them")
        if bool(self.choices) != (self.kind == "choice"):
            raise ValueError(f"exercise {self.id}: choices belong to a choice, and a choice needs them")
        if self.minutes <= 0 or self.tolerance < 0 or self.relative < 0:
            raise ValueError(f"exercise {self.id}: minutes must be above 0, tolerance and relative not below 0")

    @property
    def notebook(self) -> str:
        """The notebook's number: ``"06"``."""
        return self.id.partition(".")[0]

    @property
    def heading(self) -> str:
        """How every card names the exercise."""
        return f"Exercise {self.id} · {self.minutes} minute{'s' if self.minutes != 1 else ''}"
