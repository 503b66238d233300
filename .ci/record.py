"""Record the README's moving picture from a real JupyterLab in a real browser: `make demo`.

    python .ci/record.py [--into FILE]

Three scenes, each what a learner sees: a slider moves a break-even figure, ten calls at once start ten functions cold,
a question of the quiz is answered. The browser tests' own driver opens the notebooks, so the picture can't show what
doesn't work. Needs Chromium or Chrome.
"""

from __future__ import annotations

import argparse
import io
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from PIL import Image
from playwright.sync_api import BrowserContext, Locator, Page, sync_playwright

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests" / "browser"))

from jupyter_page import NotebookPage, open_notebook  # noqa: E402
from lab_server import BROWSER_ARGUMENTS, LabServer, find_browser, lab_server  # noqa: E402

INTO = ROOT / "docs" / "demo.gif"
SIZE = {"width": 960, "height": 800}
COLOURS = 128
MOST_BYTES = 2_000_000
LOOK_MS, READ_MS, FRAME_MS = 700, 2200, 120
FROM = 0.3  # where on its track the slider starts

# The browser takes pictures without the pointer, and who watches wants to know where the hand is.
POINTER = """
addEventListener('DOMContentLoaded', () => {
    const dot = document.createElement('div');
    dot.style.cssText = 'position:fixed;z-index:99999;width:18px;height:18px;border-radius:50%;pointer-events:none;'
        + 'background:rgba(213,94,0,.55);border:2px solid #fff;transform:translate(-50%,-50%);left:-40px;top:0';
    document.body.append(dot);
    addEventListener('mousemove', (event) => {
        dot.style.left = event.clientX + 'px';
        dot.style.top = event.clientY + 'px';
    }, true);
});
"""


class Film:
    """Pictures of a page, each with the time that it is shown."""

    def __init__(self) -> None:
        self.frames: list[Image.Image] = []
        self.times_ms: list[int] = []

    def take(self, page: Page, shown_ms: int = FRAME_MS) -> None:
        """Take a picture; where nothing has changed, show the last one longer, but no long wait of a machine."""
        picture = Image.open(io.BytesIO(page.screenshot())).convert("RGB")
        if self.frames and picture == self.frames[-1]:
            self.times_ms[-1] = max(shown_ms, min(LOOK_MS, self.times_ms[-1] + shown_ms))
            return
        self.frames.append(picture)
        self.times_ms.append(shown_ms)

    def save(self, path: Path) -> None:
        """Write the pictures as one GIF; all share their colours, so that what stays the same is left out."""
        sheet = Image.new("RGB", (SIZE["width"], SIZE["height"] * len(self.frames)))
        for number, frame in enumerate(self.frames):
            sheet.paste(frame, (0, SIZE["height"] * number))
        palette = sheet.quantize(COLOURS, method=Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE)
        first, *others = [frame.quantize(palette=palette, dither=Image.Dither.NONE) for frame in self.frames]
        path.parent.mkdir(parents=True, exist_ok=True)
        first.save(path, save_all=True, append_images=others, duration=self.times_ms, loop=0, optimize=True)


def move_to(page: Page, place: Locator) -> None:
    """Bring the pointer to the middle of something."""
    box = place.bounding_box()
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2, steps=4)


def cell_with(notebook: NotebookPage, words: str) -> int:
    """Return the position of the first code cell whose source has these words."""
    for position, cell in enumerate(notebook.cells()):
        if cell["cell_type"] == "code" and words in "".join(cell["source"]):
            return position
    raise LookupError(f"{notebook.name} has no cell with {words!r}")


def show(place: Locator, above_px: int = 12) -> None:
    """Scroll until something stands at the top of the window, and wait for what draws itself once it is in sight."""
    place.evaluate(
        """(element, above) => {
            const panel = element.closest('.jp-WindowedPanel-outer');
            panel.scrollTop += element.getBoundingClientRect().top - panel.getBoundingClientRect().top - above;
        }""",
        above_px,
    )
    place.page.wait_for_timeout(800)


def output_of(notebook: NotebookPage, words: str) -> Locator:
    """Return the output of the cell that has these words."""
    output = notebook.cell(cell_with(notebook, words)).locator(".jp-Cell-outputWrapper")
    output.wait_for(timeout=120_000)
    return output


def run_until(notebook: NotebookPage, words: str) -> None:
    """Run every cell above the one that has these words, and wait until the last has ended."""
    position = cell_with(notebook, words)
    notebook.js(
        """async (panel, position) => {
            panel.content.activeCellIndex = position;
            await window.jupyterapp.commands.execute('notebook:run-all-above');
        }""",
        position,
    )
    notebook.settle()
    errors = [output for cell in notebook.cells() for output in cell.get("outputs", []) if "evalue" in output]
    if errors:  # a measurement that a busy machine has spoilt, usually
        raise SystemExit(f"{notebook.name} stopped at an error ({errors[0]['evalue'][:200]}): record it again.")


def start_cell(notebook: NotebookPage, words: str) -> None:
    """Have the kernel run a cell while the page stays where it is, and don't wait for it."""
    source = "".join(notebook.cells()[cell_with(notebook, words)]["source"])
    notebook.js(
        "(panel, code) => { panel.sessionContext.session.kernel.requestExecute({code, store_history: false}); }", source
    )


def a_slider_moves_the_break_even(notebook: NotebookPage, film: Film) -> None:
    """Let traffic become steadier: from some requests a month on, a fleet is cheaper, and it is fewer and fewer."""
    run_until(notebook, 'models["peak"].value')
    output = output_of(notebook, "models = Explorer(")
    slider = output.locator("input[type=range]").nth(3)
    show(output.get_by_text("Busiest moment"), 8)
    box = slider.bounding_box()
    page, height = notebook.page, box["y"] + box["height"] / 2
    page.mouse.move(box["x"] + box["width"] * FROM, height)
    page.mouse.down()
    page.wait_for_timeout(500)
    film.take(page, READ_MS)
    for step in range(1, 41):
        page.mouse.move(box["x"] + box["width"] * FROM * (1 - step / 40) + 4, height)
        page.wait_for_timeout(150)
        film.take(page)
    page.mouse.up()
    film.take(page, READ_MS)


def ten_functions_start(notebook: NotebookPage, film: Film) -> None:
    """Make ten calls at once, a second each: ten environments appear, work, and become idle."""
    run_until(notebook, "def at_once(")
    output = output_of(notebook, "EnvironmentViewer(")
    show(output)
    film.take(notebook.page, READ_MS)
    start_cell(notebook, "def at_once(")
    for _ in range(200):
        notebook.page.wait_for_timeout(FRAME_MS)
        film.take(notebook.page)
        if output.get_by_text("10 cold starts").count():
            break
    else:
        raise RuntimeError("The ten calls have not been answered")
    notebook.page.wait_for_timeout(1500)
    film.take(notebook.page, READ_MS)


def a_question_is_answered(notebook: NotebookPage, film: Film) -> None:
    """Answer twice: the quiz says at once whether that is right, and why."""
    notebook.js(
        """async (panel, position) => {
            panel.content.activeCellIndex = position;
            await window.jupyterapp.commands.execute('notebook:run-cell');
        }""",
        cell_with(notebook, 'quiz("'),
    )
    output = output_of(notebook, 'quiz("')
    question = output.get_by_role("group").first
    question.wait_for()
    show(output)
    for choice in question.get_by_role("radio").all()[:2]:
        move_to(notebook.page, choice)
        choice.click()
        film.take(notebook.page, LOOK_MS)
        button = question.get_by_role("button").first
        move_to(notebook.page, button)
        button.click()
        notebook.page.wait_for_timeout(400)
        film.take(notebook.page, READ_MS)


@contextmanager
def opened(browser: BrowserContext, server: LabServer, name: str) -> Iterator[NotebookPage]:
    """Open a notebook without JupyterLab's side bar and status bar, and close it in the end."""
    notebook = open_notebook(browser, server, name)
    notebook.page.evaluate(
        """async () => {
            const { commands } = window.jupyterapp;
            await commands.execute('application:toggle-left-area');
            const bar = document.querySelector('#jp-main-statusbar:not(.lm-mod-hidden)');
            if (bar) await commands.execute('statusbar:toggle');  // remembered from one notebook to the next
            await commands.execute('notebook:clear-all-cell-outputs');
        }"""
    )
    yield notebook
    notebook.close()
    server.stop_kernels()


def main() -> int:
    """Record all scenes into one file."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--into", type=Path, default=INTO, help="the file to write; docs/demo.gif if not said")
    path = parser.parse_args().into
    film = Film()
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright, lab_server(Path(folder)) as server:
        running = playwright.chromium.launch(executable_path=find_browser(), headless=False, args=BROWSER_ARGUMENTS)
        browser = running.new_context(viewport=SIZE)
        browser.add_init_script(POINTER)
        with opened(browser, server, "06_pay_per_invocation.ipynb") as notebook:
            a_slider_moves_the_break_even(notebook, film)
        with opened(browser, server, "02_serverless_flips_the_model.ipynb") as notebook:
            ten_functions_start(notebook, film)
            a_question_is_answered(notebook, film)
        running.close()
    film.save(path)
    size = path.stat().st_size
    print(f"{path}: {len(film.frames)} pictures, {sum(film.times_ms) / 1000:.0f} s, {size / 1e6:.2f} MB")
    if size > MOST_BYTES:
        print(f"More than {MOST_BYTES / 1e6:.0f} MB: nobody waits for that.", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
