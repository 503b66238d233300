"""Slides and the cheat sheet as they appear: each slide fits, nothing is fetched, one sheet of paper."""

import cheatsheet
import pytest
import slides
from printing import page_count, print_to_pdf

pytest.importorskip("pyreveal", reason="slides need the authoring packages: make slides")

# Where a slide ends, in its own pixels; what only the speaker sees is left out.
END = """
number => {
  const slide = Reveal.getSlides()[number], {h, v} = Reveal.getIndices(slide)
  Reveal.slide(h, v, 99)
  return [slide.scrollWidth, slide.scrollHeight]
}
"""


@pytest.fixture(scope="module", params=slides.chosen([]), ids=lambda path: path.stem)
def deck(request, browser, tmp_path_factory):
    path = tmp_path_factory.mktemp("slides") / f"{request.param.stem}.html"
    path.write_text(slides.page(request.param), encoding="utf-8")
    page = browser.new_page()
    page.set_viewport_size({"width": slides.WIDTH, "height": slides.HEIGHT})
    page.wanted, page.errors = [], []
    page.on("request", lambda request: page.wanted.append(request.url))
    page.on("pageerror", lambda error: page.errors.append(str(error)))
    page.goto(path.as_uri())
    page.wait_for_function("window.Reveal && Reveal.isReady()")
    yield page
    page.close()


def test_a_deck_is_one_file_and_runs_without_errors(deck):
    assert [url for url in deck.wanted[1:] if not url.startswith(("data:", "blob:"))] == []
    assert deck.errors == []


def test_every_slide_fits_its_frame(deck):
    sizes = {number: deck.evaluate(END, number) for number in range(deck.evaluate("Reveal.getTotalSlides()"))}
    assert 8 <= len(sizes) <= 20
    assert {number: size for number, size in sizes.items() if size[0] > slides.WIDTH or size[1] > slides.HEIGHT} == {}


def test_every_picture_on_a_slide_has_its_sentence(deck):
    words = deck.evaluate("[...document.querySelectorAll('figure img')].map(one => one.alt)")
    assert [text for text in words if len(text) < 20] == []


def test_prose_that_is_not_shown_becomes_the_speakers_notes(deck):
    assert deck.evaluate("Reveal.getSlides().filter(slide => slide.querySelector('aside.notes')).length") >= 2


def test_the_cheat_sheet_prints_on_one_sheet(tmp_path):
    page, pdf = tmp_path / "sheet.html", tmp_path / "sheet.pdf"
    page.write_text(cheatsheet.as_html(), encoding="utf-8")
    print_to_pdf(page, pdf)
    assert page_count(pdf) == 1
