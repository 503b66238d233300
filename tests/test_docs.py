"""The instructor's guide: pages that follow from data are up to date, links lead somewhere, and minutes add up."""

from __future__ import annotations

import json
import re
from collections import defaultdict
from pathlib import Path

import pytest
from docpages import DOCS, PAGES, TESTS, anchor, behind, filled
from notebook_parts import EXERCISE, PATHS, ROOT, Cell, Notebook, notebook

from helpers import tables
from helpers.learn.quizfile import read_quiz
from helpers.learn.registry import NOTEBOOKS

TEXTS = sorted(DOCS.rglob("*.md"))
LINK = re.compile(r"(?<!!)\[[^\]]*\]\((?P<to>[^)\s]+)\)")
ROW = re.compile(
    r"^\| (?P<clock>\d+:\d\d) \| (?P<minutes>\d*) ?\| (?P<where>.*?) ?\| (?P<what>.*?) \| (?P<mode>\w*) ?\|$"
)
MODES = {"talk", "predict", "run", "exercise", "quiz", "test", "margin", "break"}
ROUTES = {"90 minutes": 90, "Half a day": 210, "A day": 330}
BOOKS = {path.name: notebook(path) for path in PATHS}
# A section is told and run in at least so much of the minutes that are counted for it.
LEAST_SHARE = 0.7


def prose(path: Path) -> str:
    """The text without what stands in blocks of code."""
    return re.sub(r"^ *```.*?^ *```", "", path.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)


def anchors(path: Path) -> set[str]:
    return {anchor(heading) for heading in re.findall(r"^#+ (.+)$", prose(path), re.MULTILINE)}


def cell_of(link: str) -> tuple[Notebook, Cell]:
    book = BOOKS[Path(link.partition("#")[0]).name]
    return book, next(cell for cell in book.cells if cell.id == link.partition("#cell-id=")[2])


def broken(path: Path, link: str) -> bool:
    """Tell whether a link from a page leads nowhere."""
    file, _, fragment = link.partition("#")
    target = (path.parent / file).resolve() if file else path
    if not target.is_file():
        return True
    if target.suffix == ".ipynb" and fragment:
        ids = {cell.id for cell in BOOKS[target.name].cells}
        return not fragment.startswith("cell-id=") or fragment.removeprefix("cell-id=") not in ids
    return bool(fragment) and fragment not in anchors(target)


@pytest.mark.parametrize("name", PAGES)
def test_a_page_that_follows_from_data_is_up_to_date(name):
    assert name not in set(behind()), "make docs"


@pytest.mark.parametrize("path", TEXTS, ids=lambda path: path.name)
def test_every_link_leads_to_a_file_a_heading_or_a_cell(path):
    links = [link for link in LINK.findall(prose(path)) if not link.startswith("https://")]
    assert [link for link in links if broken(path, link)] == []


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_every_notebook_has_a_page_with_what_to_say_and_what_dispels(name):
    path = DOCS / "guide" / f"{name}_{NOTEBOOKS[name]}.md"
    text = path.read_text(encoding="utf-8")
    headings = re.findall(r"^## (.+)$", text, re.MULTILINE)
    assert headings == ["Say", "Resist", "Misconceptions", "They ask", "When it breaks"]
    beliefs = re.findall(r"^\| (\".+) \| (.+) \|$", text, re.MULTILINE)
    assert len(beliefs) >= 3
    assert [belief for belief, dispels in beliefs if f"notebooks/{path.stem}.ipynb#cell-id=" not in dispels] == []


def test_the_index_names_every_page():
    index = (DOCS / "README.md").read_text(encoding="utf-8")
    pages = {path.relative_to(DOCS).as_posix() for path in TEXTS} - {"README.md"}
    assert {page for page in pages if f"]({page})" not in index} == set()


# Routes


def route(title: str) -> list[dict[str, str]]:
    text = (DOCS / "routes.md").read_text(encoding="utf-8").partition(f"\n## {title}\n")[2].partition("\n## ")[0]
    return [found.groupdict() for found in map(ROW.match, text.splitlines()) if found]


def link_in(row: dict[str, str]) -> str:
    return next(iter(LINK.findall(row["where"])), "")


@pytest.fixture(params=ROUTES)
def title(request):
    return request.param


def test_a_route_adds_up_by_its_clock(title):
    clock = 0
    rows = route(title)
    for row in rows:
        hours, minutes = map(int, row["clock"].split(":"))
        assert hours * 60 + minutes == clock, row
        clock += int(row["minutes"] or 0)
    assert clock == ROUTES[title]
    assert rows[-1]["what"] == "end"


def test_each_row_of_a_route_says_its_mode_and_all_but_pauses_their_place(title):
    for row in route(title)[:-1]:
        assert row["mode"] in MODES
        assert link_in(row) or row["mode"] in ("break", "margin"), row


def test_an_exercise_gets_the_minutes_of_its_heading_and_a_quiz_half_a_minute_a_question(title):
    for row in route(title):
        if row["mode"] == "exercise":
            book, cell = cell_of(link_in(row))
            exercise = EXERCISE.search(cell.source)
            assert f"exercise {exercise['id']}]" in row["where"]
            assert int(row["minutes"]) >= int(exercise["minutes"]), row
        if row["mode"] == "quiz":
            book, cell = cell_of(link_in(row))
            assert "quiz(" in cell.source
            assert int(row["minutes"]) >= book.minutes_of_quiz


def test_a_section_gets_most_of_the_minutes_that_are_counted_for_it(title):
    given: dict[tuple[str, str], int] = defaultdict(int)
    in_part = set()
    for row in route(title):
        if row["mode"] in ("talk", "predict", "run"):
            book, cell = cell_of(link_in(row))
            given[book.path.name, cell.section] += int(row["minutes"])
            if "(in part)" in row["what"]:
                in_part.add((book.path.name, cell.section))
    for name, section in given.keys() - in_part:
        book = BOOKS[name]
        whole = Notebook(book.path, tuple(cell for cell in book.cells if cell.section == section))
        assert given[name, section] >= LEAST_SHARE * whole.minutes_to_read, (name, section)


def test_breaks_come_at_least_every_two_hours(title):
    since = 0
    for row in route(title):
        since = 0 if row["mode"] == "break" else since + int(row["minutes"] or 0)
        assert since <= 120, row


# The two tests


def test_both_tests_ask_about_the_same_concepts_with_other_questions():
    before, after = map(read_quiz, TESTS)
    assert [one.concept for one in before.questions] == [one.concept for one in after.questions]
    assert not {one.text for one in before.questions} & {one.text for one in after.questions}


@pytest.mark.parametrize("name", TESTS)
def test_every_wrong_answer_of_a_test_stands_for_a_belief_and_every_question_for_a_cell(name):
    cells = {f"{book.number}/{cell.id}" for book in BOOKS.values() for cell in book.cells}
    for question in read_quiz(name).questions:
        assert question.concept
        assert question.cell in cells
        wrong = [choice for choice in question.choices if not choice.right] or list(question.slips)
        assert len(wrong) >= 2
        assert all(one.belief for one in wrong), question.id


# The glossary


GLOSSARY = tables.load("glossary")


def test_a_term_is_explained_in_one_to_three_sentences():
    texts = {term: filled(text) for term, text in GLOSSARY.definition.items()}
    assert [term for term, text in texts.items() if "{" in text or not text.endswith(".")] == []
    sentences = {term: len(re.findall(r"[.](?= [A-Z]|$)", text)) for term, text in texts.items()}
    assert {term: count for term, count in sentences.items() if not 1 <= count <= 3} == {}


def test_a_term_knows_its_neighbours():
    others = {other for row in GLOSSARY.see_also for other in filter(None, row.split("; "))}
    assert others <= set(GLOSSARY.index)


def test_each_term_is_linked_once_from_the_notebook_that_uses_it_first():
    found = defaultdict(list)
    for book in BOOKS.values():
        for words, to in re.findall(r"\[([^\]]+)\]\(\.\./docs/glossary\.md#([\w-]+)\)", book.text):
            found[to].append((book.number, words))
    wanted = {anchor(term): [(row.notebook, row.written)] for term, row in GLOSSARY.iterrows()}
    assert dict(found) == wanted


def test_the_map_leads_to_the_glossary_and_to_the_guide():
    text = BOOKS["00_start_here.ipynb"].text
    assert "](../docs/glossary.md)" in text
    assert "](../docs/README.md)" in text


# The cheat sheet


def test_every_limit_and_price_of_the_cheat_sheet_has_a_date():
    text = (DOCS / "cheat-sheet.md").read_text(encoding="utf-8")
    for title in ("Limits", "Prices"):
        rows = text.partition(f"## {title}\n")[2].partition("\n## ")[0].strip().splitlines()[2:]
        assert len(rows) >= 12
        assert all(re.search(r"\| 20\d\d-\d\d-\d\d \|$", row) for row in rows)


def test_the_citation_file_names_title_authors_version_and_both_licences():
    text = (ROOT / "CITATION.cff").read_text(encoding="utf-8")
    project = re.search(r'^version = "(.+)"$', (ROOT / "pyproject.toml").read_text(encoding="utf-8"), re.MULTILINE)[1]
    for field in ("cff-version: 1.2.0", "message: ", "title: ", "authors:", f"version: {project}", "MIT", "CC-BY-4.0"):
        assert field in text
    assert f'"version": "{project}"' in (ROOT / "data" / "datapackage.json").read_text(encoding="utf-8")
    assert (ROOT / "LICENSE").read_text(encoding="utf-8").startswith("MIT License")
    assert "CC-BY-4.0" in (ROOT / "LICENSE-CONTENT").read_text(encoding="utf-8")


def test_slides_are_chosen_in_every_notebook_eight_to_twenty_of_them():
    for path in PATHS:
        kinds = [
            cell["metadata"].get("slideshow", {}).get("slide_type")
            for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]
        ]
        assert 8 <= sum(kind in ("slide", "subslide") for kind in kinds) <= 20, path.name
