"""Figures keep their height and follow the window's width, whatever is opened beside them."""

from collections.abc import Callable

from jupyter_page import VIEWPORT, NotebookPage
from playwright.sync_api import Page

SIZES = """() => [...document.querySelectorAll('.js-plotly-plot .main-svg:first-child')]
    .map((drawing) => [drawing.clientWidth, drawing.clientHeight])"""


def at_rest(page: Page) -> list[list[float]]:
    """Return the sizes when they have stayed the same for a while: a busy machine draws late."""
    page.wait_for_timeout(1500)
    sizes = page.evaluate(SIZES)
    for _ in range(20):
        page.wait_for_timeout(1000)
        before, sizes = sizes, page.evaluate(SIZES)
        if sizes == before:
            break
    return sizes


def test_figures_keep_their_height_and_follow_the_width_when_the_window_changes(
    open_in_lab: Callable[[str], NotebookPage],
) -> None:
    notebook = open_in_lab("06_pay_per_invocation.ipynb")
    notebook.run_all()
    before = notebook.page.evaluate(SIZES)
    assert len(before) >= 10
    seen = []
    for width in (1024, 1600, 1024, 1440):
        notebook.page.set_viewport_size({**VIEWPORT, "width": width})
        seen.append(at_rest(notebook.page))
        for (_, old), (wide, new) in zip(before, seen[-1], strict=True):
            assert new == old, f"at {width} pixels"
            assert wide <= width
    assert seen[0] == seen[2]
