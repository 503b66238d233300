"""What of a notebook stands on a slide, and what only the speaker sees; `tests/browser/test_decks.py` looks at it."""

import nbformat
import pytest
import slides
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

PNG = "iVBORw0KGgo="


def shown(*cells):
    """Return the cells of a deck, as (kind, text)."""
    deck = slides.deck(new_notebook(cells=list(cells)), "05_automatic_scaling")
    return [(slides.slide_type(cell), cell.source) for cell in deck.cells]


def typed(cell, kind="slide"):
    cell.metadata["slideshow"] = {"slide_type": kind}
    return cell


def printed(text, png=None):
    data = {"text/plain": text} | ({"image/png": png} if png else {})
    return new_output("execute_result", data=data, execution_count=1)


def test_a_slide_says_which_notebook_and_section_it_belongs_to():
    (kind, text), *_ = shown(new_markdown_cell("## 2. Two limits"), typed(new_code_cell("x = 1")))
    assert kind == "slide"
    assert "05 · Automatic scaling" in text
    assert "2. Two limits" in text


def test_prose_without_a_type_becomes_notes_of_the_slide_before():
    cells = shown(new_markdown_cell("Before."), typed(new_code_cell("x = 1")), new_markdown_cell("It is one."))
    assert ("notes", "It is one.") in cells
    assert all("Before." not in text for _, text in cells)


def test_code_without_a_type_is_left_out():
    assert len(shown(typed(new_markdown_cell("# Title")), new_code_cell("secret = 1"))) == 2


def test_of_prose_what_follows_its_last_heading_is_shown_and_the_rest_is_said():
    cells = shown(typed(new_markdown_cell("So it was.\n\n### Exercise 05.1 · Count (2 minutes)\n\nCount them.")))
    assert cells[1:] == [("-", "### Exercise 05.1 · Count (2 minutes)\n\nCount them."), ("notes", "So it was.")]


def test_what_one_needs_is_said_and_not_shown():
    cells = shown(typed(new_markdown_cell("## What we aim at\n\n- **See** it.\n\n| you need | how much |\n|---|---|")))
    assert cells[1] == ("-", "## What we aim at\n\n- **See** it.")
    assert cells[2][1].startswith("| you need")


def test_a_prediction_stands_as_its_question():
    asked = new_code_cell("predict(...)", outputs=[printed("Predict 05.a: How many?\n  1. one\n  2. <two>")])
    text = shown(typed(asked))[1][1]
    assert "<h2>How many?</h2><ol><li>one</li><li>&lt;two&gt;</li></ol>" in text
    assert "predict(" not in text


def test_a_figure_stands_as_a_picture_with_its_sentence():
    figure = new_code_cell("scaling.crowd()", outputs=[printed("Nobody is turned away.", PNG)])
    text = shown(typed(figure))[1][1]
    assert f"data:image/png;base64,{PNG}" in text
    assert text.count("Nobody is turned away.") == 2
    assert "scaling.crowd" not in text


@pytest.mark.parametrize("line", ["assert x == 1", 'recall("05.a", 1)'])
def test_lines_for_tests_and_for_the_learners_record_are_not_shown(line):
    assert shown(typed(new_code_cell(f"x = 1\n{line}")))[1] == ("-", "x = 1")


def test_links_to_files_beside_a_notebook_keep_their_words_only():
    text = "[Notebook 06](06_pay.ipynb) and [AWS](https://aws.amazon.com)"
    assert shown(typed(new_markdown_cell(text)))[1][1] == "Notebook 06 and [AWS](https://aws.amazon.com)"


def test_the_notebook_itself_stays_as_it_was():
    book = new_notebook(cells=[typed(new_code_cell("assert x", outputs=[printed("1")]))])
    before = nbformat.writes(book)
    slides.deck(book, "05_automatic_scaling")
    assert nbformat.writes(book) == before
