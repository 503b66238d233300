"""How every notebook is built and read: aims and their echo, minutes, exercises, headings, dates, links, exceptions.

``test_notebooks.py`` holds what makes strict comparison mean something; this file what makes all of them read alike.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from contextlib import nullcontext
from functools import wraps
from itertools import pairwise
from pathlib import Path
from string import ascii_lowercase
from urllib.parse import urlsplit

import pytest
from links import in_markdown
from notebook_parts import ASIDE, FOLDER, PATHS, ROOT, Cell, Notebook, notebook

AIMS, LEARNED = "What we aim at", "What we learned"
START = "00"  # the way in: a map and a first cell, no lesson
LAST = "10"
WORDS_A_LINE = (15, 30)
EXERCISES_AN_HOUR = 6  # a quiz counts as one of them
# How far the line under the title may be from what is counted.
MINUTES_OFF = 2

# What a notebook may do otherwise, and why.
EXCEPTIONS = {
    ("minutes", START): "it states one number for all of it",
    ("exercises", START): "there is nothing to exercise yet",
    ("words", START): "a map and two cells: nearly all of it is prose",
    ("claims", START): "it makes none of the lesson's claims",
    ("words", "07"): "six sections deploy what they show, and the code is their subject",
}
# Cells whose output isn't compared, apart from those whose tag says why: a date (as-of), a clock (measurement).
NOT_COMPARED = {
    ("00", "check-room"): "what it finds is this machine's",
    ("10", "progress"): "what it shows is the reader's own",
}
# At most this share of a notebook's code cells may go uncompared; where functions run for real, there is more to it.
MOST_UNCOMPARED = 0.1
UNCOMPARED_MORE = {
    "00": (0.25, "of its eight cells one looks at the machine, and one at the calendar"),
    "02": (0.30, "every section runs a function and shows its REPORT line"),
}


def rule(name: str) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Let a test pass for a notebook with an exception only if the test fails there: no exception outlives its need."""

    def excepting(test: Callable[..., None]) -> Callable[..., None]:
        @wraps(test)
        def holds(book: Notebook, **others: str) -> None:
            fails = pytest.raises((AssertionError, ArithmeticError, KeyError))
            with fails if (name, book.number) in EXCEPTIONS else nullcontext():
                test(book, **others)

        return holds

    return excepting


def bullets(section: str) -> list[str]:
    return re.findall(r"^- (.+(?:\n  .+)*)", section, re.MULTILINE)


def said(cell: Cell) -> str:
    """The plain text of a cell's outputs."""
    return "".join("".join(output.get("data", {}).get("text/plain", "")) for output in cell.outputs)


def stems(text: str) -> set[str]:
    """Words that carry a topic, by their first four letters."""
    return {word[:4] for word in re.findall(r"[a-z]{4,}", text.lower())} - {"what", "whic", "that", "with", "from"}


@pytest.fixture(params=PATHS, ids=lambda path: path.stem)
def book(request: pytest.FixtureRequest) -> Notebook:
    return notebook(request.param)


def test_it_aims_at_three_or_four_things(book: Notebook):
    assert len(bullets(book.section(AIMS))) in (3, 4)


def test_each_aim_begins_with_a_verb(book: Notebook):
    aims = bullets(book.section(AIMS))
    assert [aim for aim in aims if not re.match(r"\*\*[A-Z][a-z]+\*\* ", aim)] == []


def test_what_was_learned_answers_what_was_aimed_at_one_by_one(book: Notebook):
    aims, learned = bullets(book.section(AIMS)), bullets(book.section(LEARNED))
    assert len(learned) == len(aims)
    assert [line for line in learned if "**" not in line] == []
    strangers = [f"{aim} / {line}" for aim, line in zip(aims, learned, strict=True) if not stems(aim) & stems(line)]
    assert strangers == [], "an aim and its echo have no word in common"


def test_what_one_needs_stands_in_a_table(book: Notebook):
    rows = [line.strip("| ").split(" | ") for line in book.section(AIMS).splitlines() if line.startswith("| ")]
    assert rows[0] == ["you need", "how much", "where"]
    assert {row[1] for row in rows[1:]} <= {"necessary", "helpful", "not at all"}
    assert len(rows) >= 3


def test_the_line_under_the_title_opens_binder(book: Notebook):
    assert (
        f"](https://mybinder.org/v2/gh/from-racks-to-functions/from-racks-to-functions/main?urlpath=lab/tree/notebooks/{book.path.name})"
        in book.title_line
    )


@rule("minutes")
def test_the_line_under_the_title_says_minutes(book: Notebook):
    assert book.minutes_stated, "as in *15 minutes to read and run, 12 for the exercises, 3 for the quiz · …*"


@rule("minutes")
def test_its_minutes_are_those_that_are_counted(book: Notebook):
    stated = book.minutes_stated
    assert stated["do"] == sum(book.exercises.values())
    assert stated["quiz"] == pytest.approx(book.minutes_of_quiz, abs=0.5)
    assert stated["read"] == pytest.approx(book.minutes_to_read, abs=MINUTES_OFF)


@pytest.mark.parametrize("place", ["README.md", "notebooks/00_start_here.ipynb"])
def test_the_map_says_its_minutes_in_steps_of_five(book: Notebook, place: str):
    path = ROOT / place
    text = path.read_text(encoding="utf-8") if path.suffix == ".md" else notebook(path).text
    row = re.search(rf"\]\((?:notebooks/)?{book.path.name}\).*?\| (\d+) \|", text)
    if book.number == START:
        assert row is None or row[1] == re.match(r"\*(\d+) minutes", book.title_line)[1]
        return
    assert row, f"{place} has no row for it"
    assert int(row[1]) == 5 * round(sum(book.minutes_stated.values()) / 5)


@pytest.mark.parametrize("place", ["README.md", "notebooks/00_start_here.ipynb"])
def test_the_map_asks_what_its_title_asks(book: Notebook, place: str):
    path = ROOT / place
    text = path.read_text(encoding="utf-8") if path.suffix == ".md" else notebook(path).text
    if book.number != START:
        title = book.cells[0].source.splitlines()[0].removeprefix(f"# {book.number} · ")
        assert re.search(rf"\]\((?:notebooks/)?{book.path.name}\) \| (.*?) \|", text)[1] == title


def test_predictions_are_lettered_without_a_gap(book: Notebook):
    letters = re.findall(r"\bpredict\(\s*\"(\d\d\.\w)\"", book.program)
    assert letters == [f"{book.number}.{letter}" for letter in ascii_lowercase[: len(letters)]]


@rule("exercises")
def test_there_is_something_to_do_six_times_an_hour(book: Notebook):
    tasks = len(book.exercises) + len(book.quizzes)
    assert tasks / sum(book.minutes_stated.values()) * 60 >= EXERCISES_AN_HOUR


def test_exercises_are_numbered_and_each_has_its_check_and_its_solution(book: Notebook):
    for number in book.exercises:
        assert f'check("{number}"' in book.program
        assert f'solution("{number}"' in book.program
    assert list(book.exercises) == [f"{book.number}.{place}" for place in range(1, len(book.exercises) + 1)]


@rule("words")
def test_prose_and_code_keep_the_balance(book: Notebook):
    hidden = [cell for cell in book.code if cell.raw["metadata"].get("jupyter", {}).get("source_hidden")]
    shown = sum(cell.lines for cell in book.code) - sum(cell.lines for cell in hidden)
    words = sum(cell.words for cell in book.prose)
    assert WORDS_A_LINE[0] <= words / shown <= WORDS_A_LINE[1]


def test_headings_go_down_one_step_at_a_time(book: Notebook):
    levels = [len(found) for found in re.findall(r"^(#+) ", book.text, re.MULTILINE)]
    assert levels[0] == 1
    assert [step for step in pairwise(levels) if step[1] > step[0] + 1] == []


def test_numbered_sections_count_without_a_gap(book: Notebook):
    numbers = [int(number) for number in re.findall(r"^## (\d+)\. ", book.text, re.MULTILINE)]
    assert numbers == list(range(1, len(numbers) + 1))


def test_it_ends_with_the_question_that_the_next_one_answers(book: Notebook):
    last = book.prose[-1]
    assert last.section == LEARNED
    assert last is book.cells[-1]
    if book.number == LAST:
        return
    end = last.source.strip().split("\n\n")[-1]
    assert "?" in end
    following = next((path.name for path in PATHS if path.name[:2] == f"{int(book.number) + 1:02}"), None)
    assert following is None or f"]({following})" in end


def test_dates_of_prices_and_limits_are_shown(book: Notebook):
    names = r"helpers\.pricing|\bcosts\b|tables\.(?:price|limit)s?\(|\bfleets\b|coldstart|lambda_bill"
    shown = [cell for cell in book.code if "as-of" in cell.tags]
    assert len(shown) <= 1
    if re.search(names, book.program):
        assert shown, "a cell tagged as-of"
    for cell in shown:
        named = re.findall(r"tables\.(?:price|limit)\(\"([\w.]+)\"\)", book.program)
        listed = re.findall(r"[\w]+(?:\.\w+)+", cell.source)
        assert [slug for slug in named if not any((slug + ".").startswith(each + ".") for each in listed)] == []


@rule("claims")
def test_it_says_what_became_of_the_lessons_claims(book: Notebook):
    claims = re.findall(r"\b[A-Z]\d\d\b", "\n".join(cell.source for cell in book.cells))
    known = (ROOT / "data" / "claims.csv").read_text(encoding="utf-8")
    assert claims, "it names them, as in: claims B03 to B07 of tables.claims()"
    assert [claim for claim in claims if f"\n{claim}," not in known] == []


@rule("claims")
def test_what_became_of_a_claim_can_be_looked_up_with_its_source(book: Notebook):
    # the card of claims shows both
    assert [cell.section for cell in book.code if re.match(r"lesson_claims\(", cell.source)] == ["Fine print"]


def test_sections_that_are_looked_up_come_last(book: Notebook):
    order = list(dict.fromkeys(cell.section for cell in book.cells))
    tail = [title for title in order if title in (*reversed(ASIDE), LEARNED)]
    assert order[len(order) - len(tail) :] == tail


def test_prose_names_no_place_of_one_machine(book: Notebook):
    assert not re.search(r"(?<![\w.`/])/(?:home|Users|root|work)/|[A-Z]:\\Users\\|file://", book.text)


def test_links_out_are_well_formed(book: Notebook):
    for address in in_markdown(book.text):
        parts = urlsplit(address)
        assert parts.scheme == "https", address
        assert re.fullmatch(r"[a-z0-9-]+(\.[a-z0-9-]+)+", parts.netloc), address
        assert not re.search(r"[\s<>\"]|utm_", address), address


def test_what_is_not_compared_has_a_reason(book: Notebook):
    ignored = [cell for cell in book.code if "nbval-ignore-output" in cell.tags]
    unexplained = [cell.id for cell in ignored if not cell.tags & {"as-of", "measurement"}]
    assert [name for name in unexplained if (book.number, name) not in NOT_COMPARED] == []
    # A tag tells a true reason: such a cell shows dates, or what a clock or a process gave.
    assert [cell.id for cell in ignored if "as-of" in cell.tags and not said(cell).count("as of 20")] == []


def test_no_more_than_a_few_cells_go_uncompared(book: Notebook):
    ignored = [cell.id for cell in book.code if "nbval-ignore-output" in cell.tags]
    share, _ = UNCOMPARED_MORE.get(book.number, (MOST_UNCOMPARED, ""))
    assert len(ignored) / len(book.code) <= share, ignored


def test_every_picture_has_words_in_its_place(book: Notebook):
    assert re.findall(r"!\[\s*\]\(", book.text) == []
    html = [
        "".join(output["data"]["text/html"])
        for cell in book.code
        for output in cell.outputs
        if "text/html" in output.get("data", {})
    ]
    pictures = [tag for text in [book.text, *html] for tag in re.findall(r"<(?:img|svg)\b[^>]*>", text)]
    assert [tag for tag in pictures if not re.search(r"(?:alt|aria-label|aria-hidden)=\"[^\"]+\"", tag)] == []


def test_an_exception_is_made_for_a_notebook_that_exists():
    known = {path.name[:2] for path in PATHS}
    assert {number for _, number in [*EXCEPTIONS, *((None, number) for number, _ in NOT_COMPARED)]} <= known
    assert set(UNCOMPARED_MORE) <= known
    cells = {(path.name[:2], cell["id"]) for path in PATHS for cell in json.loads(Path(path).read_text())["cells"]}
    assert set(NOT_COMPARED) <= cells
    assert FOLDER.is_dir()
