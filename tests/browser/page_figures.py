"""What is really drawn in the page's figures: marks of every trace, texts that fit, names for those who don't see them.

A static figure is drawn by JupyterLab's renderer, an explorer's by our panel; both leave Plotly's elements, which
``looking.js`` looks at.
"""

from __future__ import annotations

from jupyter_page import NotebookPage

DRAWN_S, RESIZED_S, NAMED_S = 60, 30, 10


def await_drawn(notebook: NotebookPage) -> None:
    """Wait until each figure of the page has been drawn once, or is shown as the image that was stored of it."""
    notebook.page.wait_for_function("() => looking.allDrawn()", timeout=DRAWN_S * 1000)
    notebook.two_frames()


def await_width(notebook: NotebookPage) -> None:
    """Wait until every figure in the page has the width of its place."""
    notebook.page.wait_for_function("() => looking.allFit()", timeout=RESIZED_S * 1000)
    notebook.two_frames()


def missing_in_sight(notebook: NotebookPage, position: int, within_s: float = DRAWN_S) -> list[str]:
    """Say what a cell that was scrolled into sight does not show, once there was time to draw it."""
    for _ in range(int(within_s * 10)):
        if not (found := notebook.js("(panel, position) => looking.missing(panel, position)", position)):
            return []
        notebook.page.wait_for_timeout(100)
    return found


def undrawn(notebook: NotebookPage) -> list[str]:
    """Say which traces of which figures have no marks."""
    faults = []
    for figure in notebook.js("panel => looking.drawn(panel)"):
        if not figure["kinds"]:
            faults.append(f"the figure in cell {figure['cell']} has nothing to draw")
        faults += [
            f"the figure in cell {figure['cell']}: {each['drawn']} of {each['traces']} traces of kind {each['kind']}"
            for each in figure["kinds"]
            if each["drawn"] < each["traces"]
        ]
    return faults


def undrawn_cells(notebook: NotebookPage) -> set[str]:
    """Return the cells whose output is a figure, without those that show one."""
    wanted = {
        cell["id"]
        for cell in notebook.cells()
        for output in cell.get("outputs", [])
        if "application/vnd.plotly.v1+json" in output.get("data", {})
    }
    return wanted - {figure["cell"] for figure in notebook.js("panel => looking.drawn(panel)")}


def unnamed(notebook: NotebookPage) -> list[str]:
    """Say which figures and pictures have no name, once there was time to give them one."""
    for _ in range(NAMED_S * 10):
        if not (found := notebook.js("panel => looking.unnamed(panel)")):
            return []
        notebook.page.wait_for_timeout(100)
    return found


def cut_off(notebook: NotebookPage) -> list[str]:
    """Say what can't be seen whole at the window's present width."""
    return notebook.js("panel => looking.cutOff(panel)")


def heights(notebook: NotebookPage) -> list[tuple[str, float]]:
    """Return the height of each figure."""
    return [(figure["cell"], figure["height"]) for figure in notebook.js("panel => looking.drawn(panel)")]
