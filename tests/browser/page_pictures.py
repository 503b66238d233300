"""A picture of each whole notebook, in ``build/screenshots/``: to be looked at side by side."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path

from jupyter_page import NotebookPage
from lab_server import REPOSITORY, VIEWPORT
from PIL import Image

SCREENSHOTS = REPOSITORY / "build" / "screenshots"

_TALL = 4500  # one picture of this height is made five times faster than the five that a laptop's window needs
_OVERLAP = 40
_OUTER = ".jp-NotebookPanel:not(.lm-mod-hidden) .jp-WindowedPanel-outer"


def strips(notebook: NotebookPage) -> list[Image.Image]:
    """Return the notebook from top to bottom, as pictures of the same size."""
    page = notebook.page
    page.set_viewport_size({**VIEWPORT, "height": _TALL})
    notebook.two_frames()
    outer = page.locator(_OUTER)
    box = outer.bounding_box()
    found, last = [], False
    while not last:
        last = outer.evaluate(
            """(element, [number, overlap]) => {
                element.scrollTo({ top: number * (element.clientHeight - overlap), behavior: 'instant' });
                // below its foot, a notebook has room to be scrolled away
                const foot = element.querySelector('.jp-Notebook-footer') ?? element.lastElementChild;
                return foot.getBoundingClientRect().top <= element.getBoundingClientRect().bottom;
            }""",
            [len(found), _OVERLAP],
        )
        notebook.two_frames()
        taken = page.screenshot(type="jpeg", quality=80, clip=box, animations="disabled", caret="hide")
        found.append(Image.open(BytesIO(taken)))
    page.set_viewport_size(VIEWPORT)
    notebook.two_frames()
    return found


def keep(notebook: NotebookPage) -> Path:
    """Keep a picture of the whole notebook, its parts beside each other, and return where."""
    parts = strips(notebook)
    width, height = parts[0].size
    sheet = Image.new("RGB", (len(parts) * width, height), "white")
    for number, part in enumerate(parts):
        sheet.paste(part, (number * width, 0))
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    path = SCREENSHOTS / f"{notebook.name.removesuffix('.ipynb')}.jpg"
    sheet.save(path, quality=80)
    return path
