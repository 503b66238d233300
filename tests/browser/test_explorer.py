"""Explorers in a real JupyterLab: what a learner moves, types, sees and hears."""

from collections.abc import Callable, Iterator

import pytest
from jupyter_page import NotebookPage, open_notebook
from lab_server import LabServer
from playwright.sync_api import BrowserContext, Locator, expect
from scratch_notebook import write_notebook

SETUP = """
import numpy as np
import pandas as pd
from helpers.show import Chart, Choice, Explorer, Slider, Switch, theme

def bill_for(requests, memory_mb, architecture, free_tier):
    if memory_mb > 9000:
        raise ValueError("memory_mb must stay below 9,000")
    rate = 1.66667e-5 if architecture == "x86_64" else 1.33334e-5
    x = np.linspace(0, 100e6, 41)
    usd = x * 0.2e-6 + x * 0.12 * memory_mb / 1024 * rate
    lines = {"type": "scatter", "mode": "lines", "x": x, "y": usd}
    layout = theme.layout(f"{memory_mb} MB", "requests a month", "USD a month", yaxis={"range": [0, 2500]})
    sentence = f"{requests:,} requests with {memory_mb:,} MB on {architecture}, free tier {free_tier}."
    return Chart({"data": [lines], "layout": layout}, sentence, pd.DataFrame({"usd": usd, "<b>": "<i>text</i>"}))

def explorer():
    return Explorer(
        bill_for,
        title="What moves the bill?",
        requests=Slider("Requests a month", 0, 100_000_000, value=3_000_000, unit="requests", scale="log"),
        memory_mb=Slider("Memory", 128, 10240, value=1536, step=64, unit="MB"),
        architecture=Choice("Architecture", ["x86_64", "arm64"]),
        free_tier=Switch("Free tier", value=True),
    )
"""
SHOWN = "shown = explorer()\nshown"
LOADS = "() => globalThis[Symbol.for('from-racks-to-functions.plotly')]?.loads"


@pytest.fixture(scope="module")
def one_page(browser: BrowserContext, server: LabServer) -> Iterator[NotebookPage]:
    """One notebook for all tests that leave kernel and page as they are.

    They stand first in this file: what the others use ends every kernel after its test.
    """
    page = open_notebook(browser, server, write_notebook(server, "one_explorer.ipynb", SETUP, SHOWN))
    yield page
    page.close()


@pytest.fixture
def opened(one_page: NotebookPage) -> NotebookPage:
    """The notebook with one explorer, run anew, its figure drawn."""
    return run(one_page)


@pytest.fixture
def opened_alone(server: LabServer, open_alone: Callable[[str], NotebookPage]) -> NotebookPage:
    """The same on a page and a kernel of its own."""
    return run(open_alone(write_notebook(server, "alone.ipynb", SETUP, SHOWN)))


def run(notebook: NotebookPage) -> NotebookPage:
    notebook.run_all()
    expect(line(card(notebook))).to_be_attached(timeout=30_000)
    return notebook


def card(notebook: NotebookPage, cell: int = 1) -> Locator:
    return notebook.cell(cell).locator(".r2f-card").first


def line(panel: Locator) -> Locator:
    return panel.locator(".scatterlayer path.js-line")


def sentence(panel: Locator) -> Locator:
    return panel.locator(".r2f-sentence")


def test_the_figure_has_marks_and_the_sentence_stands_below(opened: NotebookPage) -> None:
    panel = card(opened)
    assert line(panel).get_attribute("d").startswith("M")
    expect(sentence(panel)).to_have_text("3,000,000 requests with 1,536 MB on x86_64, free tier True.")
    expect(panel.locator(".r2f-loading")).to_be_hidden()
    assert opened.faults() == []


def test_a_stored_notebook_holds_the_sentence(opened: NotebookPage) -> None:
    (output,) = opened.cells()[1]["outputs"]
    assert "".join(output["data"]["text/plain"]) == "3,000,000 requests with 1,536 MB on x86_64, free tier True."


def test_arrow_keys_change_figure_and_sentence_and_not_the_selected_cell(opened: NotebookPage) -> None:
    panel = card(opened)
    before, selected = line(panel).get_attribute("d"), opened.js("panel => panel.content.activeCellIndex")
    memory = panel.get_by_role("slider", name="Memory")
    memory.focus()
    for key in ("ArrowRight", "ArrowUp", "ArrowLeft", "ArrowRight"):
        memory.press(key)
    expect(sentence(panel)).to_contain_text("1,664 MB")
    expect(line(panel)).not_to_have_attribute("d", before)
    expect(memory).to_have_attribute("aria-valuetext", "1,664 MB")
    assert opened.js("panel => panel.content.activeCellIndex") == selected


def test_home_and_end_go_to_the_ends(opened: NotebookPage) -> None:
    panel = card(opened)
    requests = panel.get_by_role("slider", name="Requests a month")
    requests.press("Home")
    expect(sentence(panel)).to_contain_text("0 requests with")
    requests.press("End")
    expect(sentence(panel)).to_contain_text("100,000,000 requests")


def test_dragging_with_the_mouse_ends_where_the_thumb_ends(opened: NotebookPage) -> None:
    panel = card(opened)
    memory = panel.get_by_role("slider", name="Memory")
    box = memory.bounding_box()
    middle = box["y"] + box["height"] / 2
    opened.page.mouse.move(box["x"] + 0.2 * box["width"], middle)
    opened.page.mouse.down()
    for step in range(40):
        opened.page.mouse.move(box["x"] + (0.2 + 0.01 * step) * box["width"], middle)
    opened.page.mouse.up()
    value = memory.get_attribute("aria-valuetext")
    expect(sentence(panel)).to_contain_text(f"with {value}")
    expect(panel.locator(".r2f-heading")).to_have_text(value.replace(",", ""))


def test_choice_and_switch_work_with_the_keyboard(opened: NotebookPage) -> None:
    panel = card(opened)
    panel.get_by_role("radio", name="x86_64").focus()
    opened.page.keyboard.press("ArrowRight")
    panel.get_by_role("switch", name="Free tier").focus()
    opened.page.keyboard.press("Space")
    expect(sentence(panel)).to_contain_text("on arm64, free tier False")


def test_typing_out_of_range_is_corrected_with_a_message(opened: NotebookPage) -> None:
    panel = card(opened)
    box = panel.get_by_role("textbox", name="Memory in MB")
    box.fill("64")
    box.press("Enter")
    expect(panel.locator(".r2f-notice")).to_have_text("Memory goes from 128 to 10,240 MB: using 128.")
    expect(box).to_have_value("128")
    expect(sentence(panel)).to_contain_text("with 128 MB")
    box.fill("a lot")
    box.blur()
    expect(panel.locator(".r2f-notice")).to_contain_text('"a lot" is none: still 128')
    expect(box).to_have_value("128")


def test_an_exception_shows_a_line_and_keeps_the_last_figure(opened: NotebookPage) -> None:
    panel = card(opened)
    before = line(panel).get_attribute("d")
    panel.get_by_role("slider", name="Memory").press("End")
    expect(panel.locator(".r2f-problem")).to_have_text(
        "This combination has no answer: memory_mb must stay below 9,000."
    )
    assert line(panel).get_attribute("d") == before
    assert "Traceback" not in opened.cell(1).inner_text()
    panel.get_by_role("slider", name="Memory").press("Home")
    expect(panel.locator(".r2f-problem")).to_be_empty()
    expect(sentence(panel)).to_contain_text("with 128 MB")


def test_the_numbers_are_shown_on_request_as_text(opened: NotebookPage) -> None:
    panel = card(opened)
    panel.get_by_role("button", name="Show the numbers").click()
    expect(panel.get_by_role("row")).to_have_count(42)
    expect(panel.get_by_role("columnheader", name="<b>")).to_be_visible()
    expect(panel.get_by_role("cell", name="<i>text</i>").first).to_be_visible()
    panel.get_by_role("button", name="Hide the numbers").click()
    expect(panel.get_by_role("row")).to_have_count(0)


def test_nothing_below_jumps_when_a_control_moves(opened: NotebookPage) -> None:
    panel = card(opened)
    before = panel.bounding_box()["height"]
    panel.get_by_role("slider", name="Memory").press("End")
    expect(panel.locator(".r2f-problem")).not_to_be_empty()
    assert panel.bounding_box()["height"] == pytest.approx(before, abs=0.5)


def test_every_input_has_a_name(opened: NotebookPage) -> None:
    nameless = card(opened).evaluate(
        """card => [...card.querySelectorAll('input, select, button')].filter(
            (input) => !input.ariaLabel && !input.labels?.[0]?.textContent.trim() && !input.textContent.trim()
        ).map((input) => input.outerHTML)"""
    )
    assert nameless == []


def test_setting_a_control_in_code_moves_every_view_of_it(
    server: LabServer, open_in_lab: Callable[[str], NotebookPage]
) -> None:
    sources = (SETUP, SHOWN, "shown", "shown['memory_mb'].value = 512\nshown.sentence")
    notebook = open_in_lab(write_notebook(server, "two_views.ipynb", *sources))
    notebook.run_all()
    for cell in (1, 2):
        expect(sentence(card(notebook, cell))).to_contain_text("with 512 MB")
        expect(card(notebook, cell).get_by_role("slider", name="Memory")).to_have_attribute("aria-valuetext", "512 MB")
        expect(line(card(notebook, cell))).to_be_attached(timeout=30_000)
    card(notebook, 2).get_by_role("slider", name="Memory").press("Home")
    expect(sentence(card(notebook, 1))).to_contain_text("with 128 MB")


def test_eight_explorers_load_plotly_once_and_leave_the_page_as_it_was(
    server: LabServer, open_alone: Callable[[str], NotebookPage]
) -> None:
    notebook = open_alone(write_notebook(server, "eight.ipynb", SETUP, *["explorer()"] * 8))
    notebook.run_all()
    for cell in range(1, 9):
        expect(line(card(notebook, cell))).to_be_attached(timeout=30_000)
    assert notebook.page.evaluate(LOADS) == 1
    assert notebook.page.evaluate("() => typeof globalThis.Plotly") == "undefined"


def test_an_explorer_after_a_static_figure_shares_its_plotly(
    server: LabServer, open_alone: Callable[[str], NotebookPage]
) -> None:
    notebook = open_alone(write_notebook(server, "after_figure.ipynb", SETUP, "explorer().chart", SHOWN))
    notebook.run_all()
    expect(line(card(notebook, 2))).to_be_attached(timeout=30_000)
    assert notebook.page.evaluate(LOADS) == 0


def test_a_page_that_was_too_busy_for_anywidget_still_hears_the_kernel(
    server: LabServer, open_alone: Callable[[str], NotebookPage]
) -> None:
    notebook = open_alone(write_notebook(server, "busy.ipynb", SETUP, SHOWN))
    # The two seconds that anywidget waits for a module are over at once.
    notebook.page.evaluate(
        """() => {
            AbortSignal.timeout = () => {
                const controller = new AbortController();
                queueMicrotask(() => controller.abort());
                return controller.signal;
            };
        }"""
    )
    run(notebook)
    card(notebook).get_by_role("slider", name="Memory").press("Home")
    expect(sentence(card(notebook))).to_contain_text("with 128 MB")


def test_figure_and_controls_come_back_when_the_page_is_loaded_again(opened_alone: NotebookPage) -> None:
    card(opened_alone).get_by_role("slider", name="Memory").press("Home")
    expect(sentence(card(opened_alone))).to_contain_text("with 128 MB")
    opened_alone.save()
    opened_alone.reload()
    expect(sentence(card(opened_alone))).to_contain_text("with 128 MB")
    expect(line(card(opened_alone))).to_be_attached(timeout=30_000)


def test_the_figure_remains_when_the_kernel_is_gone(opened_alone: NotebookPage) -> None:
    panel = card(opened_alone)
    opened_alone.js("panel => panel.sessionContext.session.kernel.shutdown()")
    panel.get_by_role("slider", name="Memory").press("Home")
    expect(panel.locator(".r2f-notice")).to_contain_text("kernel")
    expect(line(panel)).to_be_attached()
