"""The web book in a real browser, with every address but this machine's cut off: read, searched, moved, on a phone."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("sphinx", reason="the book needs book/requirements.txt: make test-browser")

from axe_playwright_python.sync_playwright import Axe
from build_book import ROOT, built, dead_links
from lab_server import VIEWPORT
from playwright.sync_api import BrowserContext, Page, Route, expect

CHAPTERS = [f"notebooks/{path.stem}.html" for path in sorted((ROOT / "notebooks").glob("*.ipynb"))]
PAGES = ["index.html", "search.html", *CHAPTERS]
WITH_FIGURES = CHAPTERS[1]
PHONE = {"width": 390, "height": 844}
# What a page takes before it is scrolled; Plotly comes on top, once for the whole book, when a figure is near.
MOST_KB = 600


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture(scope="session")
def folder() -> Path:
    return built().parent


@pytest.fixture(scope="session")
def site(folder: Path) -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(_Quiet, directory=str(folder))) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()


class Reader:
    """A page of the book in a window that reaches nothing but this machine, and what it asked for."""

    def __init__(self, page: Page, site: str) -> None:
        self.page, self._site = page, site
        self.asked: list[str] = []
        self.refused: list[str] = []
        self.errors: list[str] = []
        self.received: dict[str, int] = {}
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        page.on("response", lambda response: self.received.update({response.url: response.status}))
        page.route("**/*", self._pass)

    def _pass(self, route: Route) -> None:
        address = route.request.url
        if address.startswith(self._site):
            self.asked.append(address)
            route.continue_()
        else:
            self.refused.append(address)
            route.abort()

    def open(self, name: str) -> Page:
        self.page.goto(self._site + name)
        return self.page

    def scroll_through(self) -> None:
        """Bring every figure into sight, and wait until each is drawn."""
        for figure in self.page.locator("figure.live").all():
            figure.scroll_into_view_if_needed()
            expect(figure).to_have_attribute("data-drawn", "", timeout=60_000)


@pytest.fixture
def read(browser: BrowserContext, site: str) -> Iterator[Callable[..., Reader]]:
    """Return a function that opens a window: ``read(viewport=PHONE, color_scheme="dark")``."""
    contexts = []

    def window(**options: Any) -> Reader:
        contexts.append(browser.browser.new_context(**{"viewport": VIEWPORT} | options))
        return Reader(contexts[-1].new_page(), site)

    yield window
    for context in contexts:
        context.close()


def test_every_figure_is_drawn_from_one_plotly_and_without_the_internet(read: Callable[..., Reader]) -> None:
    reader = read()
    page = reader.open(WITH_FIGURES)
    reader.scroll_through()
    figures = page.locator("figure.live")
    assert figures.count() >= 5
    assert page.locator("figure.live .main-svg").count() >= figures.count()
    assert (
        page.locator("figure.live .plot :is(path.js-line, .point path, .bars path, .heatmaplayer image)").count() > 10
    )
    assert len([address for address in reader.asked if "plotly" in address]) == 1
    assert (reader.refused, reader.errors) == ([], [])


def test_no_page_asks_for_anything_from_elsewhere(read: Callable[..., Reader]) -> None:
    reader = read()
    for name in PAGES:
        reader.open(name)
    assert (reader.refused, reader.errors) == ([], [])
    assert [address for address, status in reader.received.items() if status >= 400] == []


@pytest.mark.parametrize("name", ["index.html", WITH_FIGURES, CHAPTERS[7]])
def test_a_page_is_small_before_its_figures_come(read: Callable[..., Reader], folder: Path, name: str) -> None:
    reader = read(viewport=PHONE, is_mobile=True)
    reader.open(name).wait_for_load_state("networkidle")
    files = {
        address.partition("?")[0].partition("/")[2].partition("/")[2].partition("/")[2] for address in reader.asked
    }
    sizes = {file: (folder / file).stat().st_size for file in files if file and "plotly" not in file}
    assert sum(sizes.values()) < MOST_KB * 1000


def test_the_slider_of_the_first_page_moves_the_advice(read: Callable[..., Reader]) -> None:
    reader = read()
    page = reader.open("index.html")
    figure = page.locator("#moving")
    expect(figure).to_have_attribute("data-drawn", "")
    expect(figure.locator("figcaption")).to_contain_text("Run it on Lambda")
    before = figure.locator(".plot").inner_text()
    page.get_by_role("slider", name="Requests a month").focus()
    page.keyboard.press("End")
    expect(figure.locator("output")).to_have_text("100 billion")
    expect(figure.locator("figcaption")).to_contain_text("Run it on EC2")
    expect(figure.locator(".finding")).to_contain_text("Run it on EC2")
    expect(figure.locator(".plot")).not_to_have_text(before)
    assert reader.errors == []


def test_an_explorer_moves_by_one_control_at_a_time_and_fetches_its_figures_when_touched(
    read: Callable[..., Reader],
) -> None:
    reader = read()
    page = reader.open(CHAPTERS[6])
    explorer = page.locator('[id="06-models-explorer"]')
    explorer.scroll_into_view_if_needed()
    expect(explorer.locator("figure")).to_be_hidden()
    assert not any("explorers/" in address for address in reader.asked)
    waiting, busiest = (explorer.get_by_role("slider", name=name) for name in ("Waiting", "Busiest moment"))
    start = waiting.input_value()
    busiest.focus()
    page.keyboard.press("End")
    sentence = explorer.locator("figcaption")
    expect(sentence).to_contain_text("Not cheaper below ten billion", timeout=30_000)
    expect(explorer.locator("figure")).to_have_attribute("data-drawn", "", timeout=60_000)
    waiting.focus()
    page.keyboard.press("Home")
    expect(sentence).to_contain_text("A request waits 0 ms")
    expect(explorer.locator("output").nth(3)).to_have_text("3 times the average")
    assert waiting.input_value() != start
    assert (reader.refused, reader.errors) == ([], [])


def test_search_finds_a_term_where_it_is_explained(read: Callable[..., Reader]) -> None:
    reader = read()
    page = reader.open("index.html")
    box = page.locator(".sidebar-search")
    box.fill("utilisation headroom")
    box.press("Enter")
    first = page.locator("#search-results li a").first
    expect(first).to_have_attribute("href", "notebooks/01_from_racks_to_functions.html", timeout=30_000)
    assert reader.refused == []


def test_search_finds_what_a_figure_says(read: Callable[..., Reader]) -> None:
    page = read().open("search.html?q=milestones+colocation")
    expect(page.locator("#search-results li a").first).to_have_attribute(
        "href", "notebooks/01_from_racks_to_functions.html", timeout=30_000
    )


def test_next_leads_from_notebook_to_notebook_and_previous_back(read: Callable[..., Reader]) -> None:
    page = read().open("index.html")
    for chapter in CHAPTERS[:3]:
        page.locator("a.next-page").click()
        page.wait_for_url(f"**/{chapter}")
    page.locator("a.prev-page").click()
    page.wait_for_url(f"**/{CHAPTERS[1]}")


def test_no_page_scrolls_sideways_on_a_phone(read: Callable[..., Reader]) -> None:
    reader = read(viewport=PHONE, is_mobile=True, has_touch=True)
    wide = {}
    for name in PAGES:
        page = reader.open(name)
        page.locator("details").evaluate_all("all => all.forEach(each => { each.open = true; })")
        wide[name] = page.evaluate("document.documentElement.scrollWidth")
    assert {name: width for name, width in wide.items() if width > PHONE["width"]} == {}


def test_a_figure_is_as_wide_as_the_phone(read: Callable[..., Reader]) -> None:
    reader = read(viewport=PHONE, is_mobile=True, has_touch=True)
    reader.open(CHAPTERS[6])
    reader.scroll_through()
    widths = reader.page.locator("figure.live .plot").evaluate_all("all => all.map(each => each.scrollWidth)")
    assert all(250 < width < PHONE["width"] for width in widths)


def test_a_table_of_words_keeps_its_width_on_a_phone_and_scrolls_in_its_frame(read: Callable[..., Reader]) -> None:
    reader = read(viewport=PHONE, is_mobile=True, has_touch=True)
    page = reader.open(CHAPTERS[3])
    figure = page.locator("#figure-lesson-picture")
    figure.scroll_into_view_if_needed()
    expect(figure).to_have_attribute("data-drawn", "", timeout=60_000)
    expect(figure.locator(".frame")).to_have_attribute("tabindex", "0")
    assert figure.locator(".plot").evaluate("each => each.scrollWidth") >= 600
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]


def test_without_javascript_each_figure_is_a_picture_with_its_sentence(read: Callable[..., Reader]) -> None:
    reader = read(java_script_enabled=False)
    page = reader.open(WITH_FIGURES)
    for figure in page.locator("figure.live").all():
        figure.scroll_into_view_if_needed()
        picture = figure.locator("img")
        expect(picture).to_be_visible()
        assert picture.get_attribute("alt")
        expect(figure.locator("figcaption")).to_be_visible()


def test_figures_stay_light_on_a_dark_page(read: Callable[..., Reader]) -> None:
    page = read(color_scheme="dark").open(WITH_FIGURES)
    background = "each => getComputedStyle(each).backgroundColor"
    assert page.locator("figure .sheet").first.evaluate(background) == "rgb(255, 255, 255)"
    red, *_ = map(int, page.locator("body").evaluate(background).removeprefix("rgb(").rstrip(")").split(","))
    assert red < 60


def test_what_needs_a_kernel_says_so_and_leads_to_this_notebook_in_binder(read: Callable[..., Reader]) -> None:
    page = read().open(CHAPTERS[6])
    cards = page.locator(".card:has(.runs)")
    assert cards.count() >= 10
    addresses = cards.locator(".go a").evaluate_all("all => all.map(each => each.href)")
    assert len(addresses) == cards.count()
    assert all(address.endswith("urlpath=lab/tree/notebooks/06_pay_per_invocation.ipynb") for address in addresses)


def test_a_solution_opens_on_demand(read: Callable[..., Reader]) -> None:
    page = read().open(CHAPTERS[6])
    solution = page.locator("details.fold-solution").first
    expect(solution.locator(".folded")).to_be_hidden()
    solution.locator("summary").first.click()
    expect(solution.locator(".folded")).to_be_visible()


LIGHT, DARK = {"color_scheme": "light"}, {"color_scheme": "dark", "viewport": PHONE}


@pytest.mark.parametrize(
    ("name", "window"),
    [("index.html", LIGHT), ("search.html", DARK), (CHAPTERS[0], DARK), (CHAPTERS[3], LIGHT), (CHAPTERS[9], DARK)],
)
def test_axe_finds_nothing_serious(read: Callable[..., Reader], name: str, window: dict[str, Any]) -> None:
    reader = read(**window)
    page = reader.open(name)
    reader.scroll_through()
    found = Axe().run(page, context={"exclude": [[".plot"]]}).response  # drawings, hidden from screen readers
    assert len(found["passes"]) >= 10, "axe-core had next to nothing to look at"
    serious = [
        f"{violation['id']}: {node['html'][:160]}"
        for violation in found["violations"]
        if violation["impact"] in {"serious", "critical"}
        for node in violation["nodes"]
    ]
    assert serious == []


def test_a_link_that_leads_nowhere_would_be_noticed(tmp_path: Path) -> None:
    (tmp_path / "a.html").write_text('<a href="b.html#there"></a><a href="b.html#gone"></a><img src="c.png">')
    (tmp_path / "b.html").write_text('<p id="there"></p>')
    assert dead_links(tmp_path) == [
        "a.html links to b.html#gone, which isn't there",
        "a.html links to c.png, which isn't there",
    ]
