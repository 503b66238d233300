"""A stored notebook as a chapter: one page of Markdown, with HTML where Markdown has no words for it.

Prose goes through as it is. Code becomes a listing; what carries a tag or only makes a form is folded away. Outputs
become the parts of :mod:`parts`. Nothing is executed, and the same notebook always gives the same page.
"""

from __future__ import annotations

import ast
import base64
from collections.abc import Callable, Iterator
from typing import Any

import parts
from reading import Cell, Notebook, Role, opening, roles, tags_of, text_of

from helpers.learn import registry
from helpers.learn.quizfile import QuizFile, read_quiz

PLOTLY = "application/vnd.plotly.v1+json"
PNG = "image/png"
# What a reader needs only after asking for it, and the words that ask.
SOLUTION, SETUP, CODE = "Show the solution", "Set-up: what this notebook imports", "Code"
FOLDED = {"explorer", "live", "rerun", "desk", "predict", "quiz", "progress"}
_FENCE = "`" * 12  # longer than any in a notebook


def chapter(
    notebook: Notebook,
    *,
    static: str,
    source: str,
    quizzes: Callable[[str], QuizFile] = read_quiz,
    explorer: Callable[[Cell], str] = lambda cell: "",
) -> str:
    """Return a notebook's page.

    Parameters
    ----------
    notebook : dict
        As stored.
    static : str
        The way from the page to Sphinx's ``_static``.
    source : str
        The address of the notebook's file.
    quizzes : callable
        Gives a quiz by its name.
    explorer : callable
        Gives the HTML of an explorer that moves in the book, by its cell; "" for one that doesn't.
    """
    begins = opening(notebook)
    writer = _Writer(static, begins.binder, quizzes, explorer)
    top = raw(f'<span class="anchor" id="{anchor(notebook["cells"][0])}"></span>')
    blocks = [f"# {begins.title}", top, raw(_first_lines(begins.byline, begins.binder, source)), begins.rest]
    for cell, role in list(roles(notebook))[1:]:
        blocks.append(raw(f'<span class="anchor" id="{anchor(cell)}"></span>'))
        blocks += writer.code(cell, role) if cell["cell_type"] == "code" else [text_of(cell["source"])]
    return "\n\n".join(filter(None, blocks)) + "\n"


def anchor(cell: Cell) -> str:
    """Return the name under which a link leads to a cell: the one that JupyterLab knows as well."""
    return f"cell-id={cell['id']}"


def pictures(notebook: Notebook) -> dict[str, bytes]:
    """Return the pictures that a notebook holds, by the names that its page calls them."""
    return {parts.picture_name(png): base64.b64decode(png) for png in _pngs(notebook)}


def first_picture(notebook: Notebook) -> str:
    """Return the name of a notebook's first picture."""
    return parts.picture_name(next(_pngs(notebook)))


def _pngs(notebook: Notebook) -> Iterator[str]:
    for cell in notebook["cells"]:
        for output in cell.get("outputs", []):
            if PNG in output.get("data", {}):
                yield text_of(output["data"][PNG])


def _first_lines(byline: str, binder: str, source: str) -> str:
    return (
        f'<p class="byline">{parts.escaped(byline)}</p>'
        f'<p class="launch"><a class="launch-run" href="{binder}">Run it in Binder</a> '
        f'<a href="{source}">The notebook on GitHub</a></p>'
    )


def raw(markup: str) -> str:
    """Put HTML into Markdown, as it is."""
    return f"{_FENCE}{{raw}} html\n{markup}\n{_FENCE}"


def listing(code: str, language: str = "python") -> str:
    """Put code into Markdown."""
    return f"{_FENCE}{{code-block}} {language}\n{code}\n{_FENCE}"


def folded(blocks: list[str], summary: str, kind: str = "") -> list[str]:
    """Put blocks behind a line that opens them."""
    begin = f'<details class="fold {kind}"><summary>{summary}</summary><div class="folded">'
    return [raw(begin), *blocks, raw("</div></details>")]


class _Writer:
    """Writes one notebook's code cells, in order: an explorer doesn't repeat the sentence of the figure before it."""

    def __init__(
        self, static: str, binder: str, quizzes: Callable[[str], QuizFile], explorer: Callable[[Cell], str]
    ) -> None:
        self._static, self._binder, self._quizzes, self._explorer = static, binder, quizzes, explorer
        self._last_sentence = ""

    def code(self, cell: Cell, role: Role) -> list[str]:
        """Return a cell's blocks: its code, then what it gave."""
        source = [listing(text_of(cell["source"]))]
        given = [raw(self._output(cell, role, output)) for output in cell["outputs"]]
        hidden = cell["metadata"].get("jupyter", {})
        if "solution" in tags_of(cell):
            return folded([*source, *given], SOLUTION, "fold-solution")
        if hidden.get("source_hidden") or role.kind in FOLDED or (role.kind == "recall" and role.alone):
            source = folded(source, CODE)
            # Folded code comes after what it made: the form is what there is to see.
            return [*given, *source] if not hidden.get("outputs_hidden") else folded([*given, *source], CODE)
        if cell["id"] == "setup":
            source = folded(source, SETUP)
        elif "as-of" in tags_of(cell):
            source = folded(source, CODE)
        return [*source, *given]

    def _output(self, cell: Cell, role: Role, output: dict[str, Any]) -> str:
        if output["output_type"] == "stream":
            return parts.printed(text_of(output["text"]))
        if output["output_type"] == "error":
            return parts.printed(f"{output['ename']}: {output['evalue']}")
        data = output["data"]
        plain = text_of(data.get("text/plain", ""))
        if PNG in data:
            self._last_sentence = plain
            name = f"figure-{cell['id']}"
            return parts.figure(data.get(PLOTLY), text_of(data[PNG]), plain, name=name, static=self._static)
        if role.kind in {"code", "progress"} and "text/html" in data:
            return parts.table(text_of(data["text/html"]))
        if role.kind == "explorer" and (moving := self._explorer(cell)):
            return moving
        return self._part(role, plain)

    def _part(self, role: Role, plain: str) -> str:
        """Return what stands for an output that a kernel would bring to life, or that is text."""
        binder = self._binder
        match role.kind:
            case "explorer":
                return parts.explorer(role.controls, plain if plain != self._last_sentence else "", binder)
            case "live":
                return parts.card(
                    "runs",
                    role.keyword("title") or "A live view",
                    parts.paragraph(plain),
                    binder=binder,
                    action="Watch it in Binder",
                )
            case "rerun":
                return parts.card(
                    "runs",
                    role.keyword("title") or "Measure again",
                    parts.paragraph(plain),
                    binder=binder,
                    action=f"{role.keyword('button') or 'Measure'}, or on Binder's",
                )
            case "desk":
                return parts.card(
                    "runs", "Your own traffic", parts.paragraph(plain), binder=binder, action="Bring your log to Binder"
                )
            case "predict":
                return parts.prediction(plain, binder)
            case "quiz":
                return parts.quiz(self._quizzes(role.words[0]), binder)
            case "recall":
                return parts.outcome(plain)
            case "check":
                hints = registry.find(role.words[0]).hints
                return parts.exercise(plain, hints, binder)
            case "solution":
                return parts.note(plain)
            case "sentence":
                return parts.said(ast.literal_eval(plain))
        return parts.printed(plain)
