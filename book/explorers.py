"""Explorers that move in the book: every control by itself, computed when the book is built.

A notebook is not executed for this. Of its cells only imports and functions are taken, and the cell that makes the
explorer. What an explorer draws is a pure function of its controls, so its figures can be computed for each stop of
each control while the others stay where they start. All of them together need a kernel, and the card says so.

A file holds one explorer: the figure at its start, and for each stop what differs from it. ``static/book.js`` loads it
when a reader touches a control.
"""

from __future__ import annotations

import ast
import html
import json
from collections.abc import Iterable
from typing import Any

import parts
from reading import Cell, text_of

from helpers.show import Choice, Explorer, Slider
from helpers.show.controls import Control
from helpers.show.wording import number

FOLDER = "explorers"
MOST_STOPS = 17
_TAKEN = (ast.Import, ast.ImportFrom, ast.FunctionDef)


def made(cell: Cell, earlier: Iterable[Cell]) -> Explorer:
    """Make the explorer that a cell shows, with the imports and functions of the cells before it.

    Raises
    ------
    NameError
        If it needs what another cell computed.
    """
    names: dict[str, Any] = {}
    for before in earlier:
        if before["cell_type"] == "code":
            body = ast.parse(text_of(before["source"])).body
            taken = [statement for statement in body if isinstance(statement, _TAKEN)]
            exec(compile(ast.Module(taken, []), before["id"], "exec"), names)
    *first, last = ast.parse(text_of(cell["source"])).body
    exec(compile(ast.Module(first, []), cell["id"], "exec"), names)
    return eval(compile(ast.Expression(last.value), cell["id"], "eval"), names)


def stops(control: Control) -> list[tuple[str, Any]]:
    """Return where a control stops in the book, as words and as a value; its present value is one of them."""
    if isinstance(control, Choice):
        return list(control.options.items())
    if not isinstance(control, Slider):
        return [("off", False), ("on", True)]
    values = control.stops
    step = max(1, -(-(len(values) - 1) // (MOST_STOPS - 1)))
    chosen = sorted({*values[::step], values[-1], control.value})
    return [(f"{number(value)} {control.unit or ''}".strip(), value) for value in chosen]


def states(explorer: Explorer) -> dict[str, Any]:
    """Compute what an explorer shows at each stop of each control; it is left as it was.

    Returns
    -------
    dict
        ``data`` and ``layout`` of the start, and ``controls``: for each a list of states with what ``differs``, the
        ``finding`` and the ``sentence``.
    """
    start = explorer.chart.figure
    controls = []
    for control in explorer.controls.values():
        before, shown = control.value, []
        for _, value in stops(control):
            control.value = value
            figure = explorer.chart.figure
            shown.append(
                {
                    "differs": list(differences(start, figure)),
                    "finding": parts.finding(figure),
                    "sentence": explorer.sentence,
                }
            )
        control.value = before
        controls.append(shown)
    return {**start, "controls": controls}


def differences(old: Any, new: Any, path: tuple[str | int, ...] = ()) -> Iterable[list[Any]]:
    """Yield where two figures differ: the way there, and what is there in the new one.

    Examples
    --------
    >>> list(differences({"a": [1, 2], "b": 3}, {"a": [1, 5], "b": 3}))
    [[['a'], [1, 5]]]
    >>> list(differences({"a": {"b": 1}}, {"a": {}}))
    [[['a'], {}]]
    """
    if isinstance(old, dict) and isinstance(new, dict) and old.keys() == new.keys():
        for key in old:
            yield from differences(old[key], new[key], (*path, key))
    elif _lists_of_parts(old, new):
        for place, (one, other) in enumerate(zip(old, new, strict=True)):
            yield from differences(one, other, (*path, place))
    elif old != new:
        yield [list(path), new]


def _lists_of_parts(old: Any, new: Any) -> bool:
    """Tell whether two lists hold traces or notes, one for one; lists of numbers are replaced whole."""
    both = isinstance(old, list) and isinstance(new, list) and len(old) == len(new)
    return both and all(isinstance(one, dict) for one in [*old, *new])


def file(name: str, explorer: Explorer) -> str:
    """Return the JavaScript that hands an explorer's states to the page, from a server or from the disk."""
    states_as_text = json.dumps(states(explorer), separators=(",", ":"), ensure_ascii=False)
    return f"explored({json.dumps(name)},{states_as_text});\n"


def controls(explorer: Explorer, name: str) -> str:
    """Return the controls as HTML."""
    return "".join(_control(one, f"{name}-{place}") for place, one in enumerate(explorer.controls.values()))


def _control(control: Control, id: str) -> str:
    words = [text for text, _ in stops(control)]
    start = [value for _, value in stops(control)].index(control.value)
    label = f'<label for="{id}">{html.escape(control.label)}</label>'
    if isinstance(control, Slider):
        return (
            f'<div class="slider">{label}<output for="{id}">{html.escape(words[start])}</output>'
            f'<input type="range" id="{id}" min="0" max="{len(words) - 1}" step="1" value="{start}" '
            f'data-words="{html.escape(json.dumps(words, ensure_ascii=False))}"></div>'
        )
    options = "".join(
        f"<option{' selected' if place == start else ''}>{html.escape(text)}</option>"
        for place, text in enumerate(words)
    )
    return f'<div class="choice">{label}<select id="{id}">{options}</select></div>'
