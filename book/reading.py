"""What the cells of a stored notebook are for, read from their code: which show a form, ask, check, or solve.

A widget is stored as its sentence only, which alone can't be told from a result; so the code says it. Nothing is run.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

Notebook = dict[str, Any]
Cell = dict[str, Any]

# What needs a kernel to be moved, by the class that makes it, and what a reader finds in its place.
WIDGETS = {
    "Explorer": "explorer",
    "EnvironmentViewer": "live",
    "PipelineViewer": "live",
    "Rerun": "rerun",
    "Desk": "desk",
}
CALLS = {"predict", "recall", "quiz", "check", "solution", "progress"}


@dataclass(frozen=True)
class Role:
    """What a code cell is for, and the call that says so.

    Parameters
    ----------
    kind : str
        ``"code"`` for a cell that speaks for itself; a key of ``CALLS``, a value of ``WIDGETS``, or ``"sentence"``
        for one that ends in what an explorer says after it was moved.
    call : ast.Call, optional
        The call whose value the cell shows.
    alone : bool
        Whether the cell does nothing else.
    """

    kind: str
    call: ast.Call | None = None
    alone: bool = False

    @property
    def words(self) -> list[str]:
        """The texts among the call's positional arguments."""
        arguments = self.call.args if self.call else []
        return [one.value for one in arguments if isinstance(one, ast.Constant) and isinstance(one.value, str)]

    def keyword(self, name: str) -> str:
        """Return a text that the call gets under a name, "" if it gets none."""
        for one in self.call.keywords if self.call else []:
            if one.arg == name and isinstance(one.value, ast.Constant):
                return str(one.value.value)
        return ""

    @property
    def controls(self) -> list[str]:
        """The labels of an explorer's controls, in order."""
        labels = []
        for one in self.call.keywords if self.call else []:
            if isinstance(one.value, ast.Call) and one.value.args and isinstance(one.value.args[0], ast.Constant):
                labels.append(str(one.value.args[0].value))
        return labels


def text_of(source: str | list[str]) -> str:
    """Join what the notebook format keeps as a text or as a list of lines."""
    return source if isinstance(source, str) else "".join(source)


def tags_of(cell: Cell) -> set[str]:
    """Return a cell's tags."""
    return set(cell["metadata"].get("tags", []))


def roles(notebook: Notebook) -> Iterator[tuple[Cell, Role]]:
    """Yield each cell with its role; names that were given a widget are followed from cell to cell."""
    named: dict[str, ast.Call] = {}
    for cell in notebook["cells"]:
        if cell["cell_type"] != "code":
            yield cell, Role("markdown")
            continue
        try:
            body = ast.parse(text_of(cell["source"])).body
        except SyntaxError:  # a cell with a magic command
            yield cell, Role("code")
            continue
        for statement in body:
            if isinstance(statement, ast.Assign) and isinstance(statement.value, ast.Call):
                for target in statement.targets:
                    if isinstance(target, ast.Name):
                        named[target.id] = statement.value
        yield cell, _role(body, named)


def _role(body: list[ast.stmt], named: dict[str, ast.Call]) -> Role:
    last = body[-1] if body else None
    if not isinstance(last, ast.Expr):
        return Role("code")
    value = last.value
    if isinstance(value, ast.Attribute) and value.attr == "sentence":
        return Role("sentence")
    call = named.get(value.id) if isinstance(value, ast.Name) else value
    if not isinstance(call, ast.Call):
        return Role("code")
    name = called(call)
    kind = name if name in CALLS else WIDGETS.get(name, "code")
    return Role(kind, call, alone=len(body) == 1)


def called(call: ast.Call) -> str:
    """Return the last name of what is called: ``Explorer`` for ``show.Explorer(…)``."""
    function = call.func
    if isinstance(function, ast.Attribute):
        return function.attr
    return function.id if isinstance(function, ast.Name) else ""


_OPENING = re.compile(
    r"# (?P<title>.+)\n+\*(?P<byline>.+?) · \[open in Binder\]\((?P<binder>\S+)\)\*(?:\n|$)(?P<rest>[\s\S]*)"
)


@dataclass(frozen=True)
class Opening:
    """How a notebook begins: its title, what the line below says, and where Binder opens it."""

    title: str
    byline: str
    binder: str
    rest: str


def opening(notebook: Notebook) -> Opening:
    """Take the first cell apart.

    Raises
    ------
    ValueError
        If it has no title, or no line in italics that ends in a link to Binder.
    """
    found = _OPENING.match(text_of(notebook["cells"][0]["source"]))
    if not found:
        raise ValueError("the first cell must have a title, and a line in italics that ends in a link to Binder")
    return Opening(found["title"], found["byline"], found["binder"], found["rest"].strip())


def questions(notebook: Notebook) -> dict[str, tuple[str, int]]:
    """Read the map that notebook 00 draws: the question and the minutes of each notebook, by its file's name."""
    prose = "\n".join(text_of(cell["source"]) for cell in notebook["cells"] if cell["cell_type"] == "markdown")
    rows = re.findall(r"^\| [^|]*\]\((\w+)\.ipynb\)[^|]*\| ([^|]+?) \| (\d+) \|", prose, re.MULTILINE)
    return {file: (question, int(minutes)) for file, question, minutes in rows}
