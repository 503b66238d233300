"""Write the pages of docs/ that follow from data: what `make docs` runs.

    python .ci/docpages.py [--check]

The glossary comes from data/glossary.csv, the two tests and their answers from data/quizzes, the cheat sheet from the
prices and limits (cheatsheet.py, next to this file). `--check` writes nothing and says which pages are behind their
data; `tests/test_docs.py` asks the same. No page depends on today's date.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import cheatsheet

from helpers import tables
from helpers.learn.quizfile import Question, read_quiz
from helpers.learn.registry import NOTEBOOKS

ROOT = Path(__file__).resolve().parents[1]
DOCS = ROOT / "docs"
TESTS = ("pre-test", "post-test")
MADE = "<!-- Written by `make docs` from {source}: change it there. -->"
_ROW = re.compile(r"\{(limit|price):([\w.]+)\}")


def anchor(heading: str) -> str:
    """Return the anchor that GitHub, and MyST after it, give to a heading.

    Examples
    --------
    >>> anchor("Little's law"), anchor("on-failure destination")
    ('littles-law', 'on-failure-destination')
    """
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


def filled(definition: str) -> str:
    """Put the numbers of the tables where a definition names a row.

    Examples
    --------
    >>> filled("{limit:lambda.timeout.default} s, and {price:lambda.free.requests} requests")
    '3 s, and 1,000,000 requests'
    """

    def number(found: re.Match[str]) -> str:
        kind, slug = found.groups()
        row, _, bound = slug.rpartition(".")
        value = tables.price(slug).value if kind == "price" else getattr(tables.limit(row), bound)
        return f"{value:,g}" if value % 1 else f"{value:,.0f}"

    return _ROW.sub(number, definition)


def dates(definition: str) -> list[str]:
    """Return the dates of the rows that a definition names."""
    rows = [
        tables.price(slug) if kind == "price" else tables.limit(slug.rpartition(".")[0])
        for kind, slug in _ROW.findall(definition)
    ]
    return sorted({row.as_of.isoformat() for row in rows})


def notebook_link(number: str, cell: str = "", up: str = "../") -> str:
    """Link to a notebook, and in JupyterLab to a cell of it."""
    name = NOTEBOOKS[number]
    to = f"#cell-id={cell}" if cell else ""
    return f"[{number} {name.replace('_', ' ').capitalize()}]({up}notebooks/{number}_{name}.ipynb{to})"


def glossary() -> str:
    """Write the glossary: a heading in small letters for each term, so that every viewer gives it the same anchor."""
    frame = tables.load("glossary")
    lines = [
        "# Glossary",
        MADE.format(source="data/glossary.csv"),
        f"The {len(frame)} standard terms that the notebooks use, in the order of the alphabet. Each is linked from the"
        " notebook that uses it first. Numbers come from the tables of prices and limits, with their dates.",
    ]
    for term, row in sorted(frame.iterrows(), key=lambda one: one[0].lower()):
        lines += [f"## {term.lower()}", f"**{term[0].upper()}{term[1:]}**: {filled(row.definition)}"]
        others = [f"[{other}](#{anchor(other)})" for other in filter(None, row.see_also.split("; "))]
        told = [f"First in {notebook_link(row.notebook)}."]
        told += [f"See also {', '.join(others)}."] if others else []
        told += [f"Numbers as of {' and '.join(dates(row.definition))}."] if dates(row.definition) else []
        told += [f"Source: {row.source}."] if "standard term" not in row.source else []
        lines.append(" ".join(told))
    return "\n\n".join(lines) + "\n"


def test_sheet(name: str) -> str:
    """Write one of the two tests as a sheet to print: questions, and no answers."""
    file = read_quiz(name)
    minutes = len(file.questions)
    lines = [
        f"# {file.title}",
        MADE.format(source=f"data/quizzes/{name}.json"),
        f"{minutes} questions, {minutes} minutes, alone and without looking anything up. A guess is welcome: nobody is"
        " graded, and what you expect is what the course starts from.",
        *(_printed(number, question) for number, question in enumerate(file.questions, 1)),
    ]
    return "\n\n".join(lines) + "\n"


HOW = {"single": "One is right.", "multiple": "Choose all that apply."}


def _printed(number: int, question: Question) -> str:
    how = HOW.get(question.kind, f"A number of {question.unit}: ______")
    boxes = [f"   - ☐ {choice.text}" for choice in question.choices]
    return "\n".join([f"{number}. {question.text} *{how}*", *([""] if boxes else []), *boxes])


def answers() -> str:
    """Write the answers of both tests: right ones with reasons, wrong ones with the belief that each stands for."""
    before, after = map(read_quiz, TESTS)
    concepts = [question.concept for question in before.questions]
    if concepts != [question.concept for question in after.questions]:
        raise ValueError("the two tests must ask about the same concepts, in the same order")
    lines = [
        "# Answers to both tests",
        MADE.format(source="data/quizzes/pre-test.json and post-test.json"),
        "For whoever teaches. Question *n* of both tests asks about the same concept. A wrong answer stands for a"
        " belief, which is why it was offered: count the beliefs before you choose what to spend time on.",
        "| n | concept | before: shown in | after: shown in |\n|---:|---|---|---|\n"
        + "\n".join(
            f"| {n} | {one.concept} | {_cell(one)} | {_cell(two)} |"
            for n, (one, two) in enumerate(zip(before.questions, after.questions, strict=True), 1)
        ),
    ]
    for file, word in ((before, "Before"), (after, "After")):
        lines.append(f"## {word}")
        lines += [_answered(number, question) for number, question in enumerate(file.questions, 1)]
    return "\n\n".join(lines) + "\n"


def _cell(question: Question) -> str:
    number, _, cell = question.cell.partition("/")
    return notebook_link(number, cell)


def _answered(number: int, question: Question) -> str:
    rows: list[tuple[str, str, str]] = [
        (f"**{choice.text}**" if choice.right else choice.text, choice.belief or "right", choice.why)
        for choice in question.choices
    ]
    if question.kind == "numeric":
        rows = [(f"**{question.answer():,g} {question.unit}**", "right", question.why)]
        rows += [(f"{slip.answer():,g}", slip.belief, slip.why) for slip in question.slips]
    table = "\n".join(f"| {' | '.join(row)} |" for row in rows)
    return f"### {number}. {question.text}\n\n| answer | belief | why, or why not |\n|---|---|---|\n{table}"


PAGES: dict[str, Callable[[], str]] = {
    "glossary.md": glossary,
    "pre-test.md": lambda: test_sheet("pre-test"),
    "post-test.md": lambda: test_sheet("post-test"),
    "test-answers.md": answers,
    "cheat-sheet.md": lambda: cheatsheet.as_markdown(MADE.format(source="data/")),
}


def behind() -> Iterator[str]:
    """Name the pages that are not what their data says."""
    for name, page in PAGES.items():
        path = DOCS / name
        if not path.is_file() or path.read_text(encoding="utf-8") != page():
            yield name


def main() -> int:
    """Write all pages, or say which are behind."""
    late = list(behind())
    if "--check" not in sys.argv[1:]:
        for name in late:
            (DOCS / name).write_text(PAGES[name](), encoding="utf-8", newline="\n")
    print(f"{len(PAGES)} pages in docs/ follow from data; behind: {', '.join(late) or 'none'}")
    return 1 if late and "--check" in sys.argv[1:] else 0


if __name__ == "__main__":
    raise SystemExit(main())
