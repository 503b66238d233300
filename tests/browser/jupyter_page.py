"""A notebook open in a real JupyterLab in a real browser, and what a learner does with it: run, type, look, reload.

``lab_server`` runs the server. The ``page_`` modules beside this one drive widgets and look at what is drawn.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from lab_server import VIEWPORT, LabServer
from playwright.sync_api import BrowserContext, Locator, Page

LOOKING = Path(__file__).with_name("looking.js")
RUN_ALL_S = 300
RUN_CELL_S = 60

_HARMLESS = (
    # Chromium reports this when a layout takes more than one frame; nothing is wrong then.
    "ResizeObserver loop",
    # anywidget gives each widget two seconds to load, which a busy page can miss. It complains, and the widget works
    # all the same: helpers/show/page.js sees to that, and test_explorer.py tests it on a page that is busy on purpose.
    "[anywidget] Failed to initialize model",
)
_WIDGET_FAILURES = ("Error displaying widget", "Error creating widget", "Failed to load model")
# Playwright's own search looks into every element of the page for a shadow tree; "light" leaves that to the browser.
_NOTEBOOK = "css:light=.jp-NotebookPanel:not(.lm-mod-hidden) .jp-Notebook"

_READY = """name => {
    const panel = window.jupyterapp?.shell?.currentWidget;
    return panel?.context?.path?.endsWith(name) && panel.context.isReady
        && panel.sessionContext.session?.kernel?.status === 'idle';
}"""


@dataclass
class NotebookPage:
    """One notebook, open in the browser."""

    page: Page
    name: str
    page_errors: list[str] = field(default_factory=list)

    def js(self, expression: str, argument: Any = None) -> Any:
        """Evaluate a function of (panel, argument), where panel is JupyterLab's notebook panel."""
        return self.page.evaluate(
            f"argument => ({expression})(window.jupyterapp.shell.currentWidget, argument)", argument
        )

    # -- what it holds

    def cells(self) -> list[dict[str, Any]]:
        """Return the notebook's cells as the page holds them now, outputs included."""
        return self.js("panel => panel.content.model.toJSON().cells")

    def index(self, cell_id: str) -> int:
        """Return the position of a cell by its id."""
        ids = self.js("panel => [...panel.content.model.cells].map(cell => cell.id)")
        return ids.index(cell_id)

    @property
    def body(self) -> Locator:
        """The notebook in the page."""
        return self.page.locator(_NOTEBOOK)

    def cell(self, at: int | str) -> Locator:
        """Return one cell of the page, by its position in the notebook or its id."""
        return self.page.locator(f"{_NOTEBOOK} .jp-Cell").nth(self.index(at) if isinstance(at, str) else at)

    def scroll_to(self, at: int | str) -> Locator:
        """Bring a cell into view and return it."""
        cell = self.cell(at)
        cell.evaluate("element => element.scrollIntoView({block: 'start', behavior: 'instant'})")
        return cell

    # -- what a learner does

    def run_all(self, timeout_s: float = RUN_ALL_S) -> None:
        """Clear all outputs, choose Run All Cells, and wait until every code cell has run and the kernel is idle."""
        self.js("async () => { await window.jupyterapp.commands.execute('notebook:clear-all-cell-outputs'); }")
        self._run("notebook:run-all-cells", timeout_s)
        self.settle()

    def run_range(self, first: int, last: int, timeout_s: float = RUN_ALL_S) -> None:
        """Select the cells from one position to another and run them all in one go."""
        self.js(
            """({ content }, [first, last]) => {
                content.deselectAll();
                content.activeCellIndex = first;
                content.extendContiguousSelectionTo(last);
            }""",
            [first, last],
        )
        self._run("notebook:run-cell", timeout_s)
        self.js("({ content }) => content.deselectAll()")

    def _run(self, command: str, timeout_s: float) -> None:
        self.page.evaluate(
            """command => {
                window.running = true;
                const running = window.jupyterapp.commands.execute(command);
                running.finally(() => { window.running = false; });
            }""",
            command,
        )
        self.page.wait_for_function(
            """() => !window.running
                && window.jupyterapp.shell.currentWidget.sessionContext.session.kernel.status === 'idle'""",
            timeout=timeout_s * 1000,
            polling=50,  # by default Playwright looks at every frame, and so keeps the page drawing
        )

    def run_cell(self, at: int | str) -> list[dict[str, Any]]:
        """Run one cell and return its outputs."""
        position = self.index(at) if isinstance(at, str) else at
        self.js(
            """async (panel, index) => {
                panel.content.activeCellIndex = index;
                await window.jupyterapp.commands.execute('notebook:run-cell');
            }""",
            position,
        )
        return self.outputs(position)

    def type_and_run(self, at: int | str, source: str) -> list[dict[str, Any]]:
        """Replace a code cell's source at its editor, press Ctrl+Enter, and return the outputs."""
        position = self.index(at) if isinstance(at, str) else at
        editor = self.scroll_to(position).locator(".cm-content")
        editor.click()
        self.page.keyboard.press("ControlOrMeta+a")
        self.page.keyboard.insert_text(source)
        before = self.js("(panel, index) => panel.content.widgets[index].model.executionCount", position)
        self.page.keyboard.press("Control+Enter")
        self.page.wait_for_function(
            """([index, before]) => {
                const { executionState, executionCount } =
                    window.jupyterapp.shell.currentWidget.content.widgets[index].model;
                return executionState === 'idle' && executionCount !== null && executionCount !== before;
            }""",
            arg=[position, before],
            timeout=RUN_CELL_S * 1000,
        )
        return self.outputs(position)

    def outputs(self, position: int) -> list[dict[str, Any]]:
        """Return the outputs of one cell."""
        return self.js("(panel, index) => panel.content.model.cells.get(index).outputs.toJSON()", position)

    def append_and_run(self, source: str) -> list[dict[str, Any]]:
        """Write a cell of one's own below the last one, run it, and return its outputs."""
        self.js(
            "(panel, source) => { panel.content.model.sharedModel.addCell({ cell_type: 'code', source }); }", source
        )
        return self.run_cell(self.js("panel => panel.content.model.cells.length - 1"))

    def save(self) -> None:
        """Save the notebook."""
        self.js("async panel => { await panel.context.save(); }")

    def reload(self) -> None:
        """Load the page again, as a learner does who comes back; the kernel runs on."""
        self.page.reload()
        self.page.wait_for_function(_READY, arg=self.name, timeout=120_000)
        self.settle()

    def restart_kernel(self) -> None:
        """Restart the kernel: everything that it knew is gone, the page stays."""
        self.js("async panel => { await panel.sessionContext.restartKernel(); }")
        self.page.wait_for_function(_READY, arg=self.name, timeout=60_000)

    # -- how it looks

    def settle(self) -> None:
        """Wait until figures and widgets that just arrived are drawn: no placeholder, two quiet frames."""
        self.page.wait_for_function(
            "() => !/Loading widget\\.\\.\\./.test(document.querySelector('.jp-Notebook').innerText)", timeout=30_000
        )
        self.two_frames()

    def two_frames(self) -> None:
        """Wait until the page has laid itself out and painted."""
        self.page.evaluate("() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")

    def theme(self, name: str) -> None:
        """Choose JupyterLab's theme: "Light" or "Dark"."""
        theme = f"JupyterLab {name}"
        self.page.evaluate(
            "async theme => { await window.jupyterapp.commands.execute('apputils:change-theme', { theme }); }", theme
        )
        self.page.wait_for_function(
            """theme => document.body.dataset.jpThemeName === theme
                && !document.querySelector('#jupyterlab-splash, .jp-Splash')""",
            arg=theme,
        )
        self.two_frames()

    def faults(self) -> list[str]:
        """Say what a learner would stumble over: unrun cells, errors, broken widgets, exceptions in the page."""
        faults = []
        for cell in self.cells():
            if cell["cell_type"] != "code" or not "".join(cell["source"]).strip():
                continue
            if cell["execution_count"] is None:
                faults.append(f"cell {cell['id']} did not run: {''.join(cell['source'])[:80]!r}")
            faults += [
                f"cell {cell['id']}: {output['ename']}: {output['evalue']}"
                for output in cell["outputs"]
                if output["output_type"] == "error"
            ]
        text = self.body.inner_text()
        faults += [f"the page says {failure!r}" for failure in _WIDGET_FAILURES if failure in text]
        errors = [error for error in self.page_errors if not any(one in error for one in _HARMLESS)]
        return faults + [f"exception in the page: {error}" for error in errors]

    def dialogs(self) -> list[str]:
        """Return the text of every dialog and notification that stands in a learner's way."""
        places = self.page.locator(".jp-Dialog-content, .Toastify__toast")
        return [place.inner_text() for place in places.all()]

    def close(self) -> None:
        """Close the page."""
        self.page.close()


@dataclass
class Lab:
    """A JupyterLab in a window of its own, in which one notebook after the other is opened."""

    page: Page
    page_errors: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.page.on("pageerror", lambda error: self.page_errors.append(str(error)))

    def open(self, name: str) -> NotebookPage:
        """Open a notebook beside what is there, and wait for its kernel."""
        self.page_errors.clear()
        self.page.evaluate(
            "async path => { await window.jupyterapp.commands.execute('docmanager:open', { path }); }",
            f"notebooks/{name}",
        )
        self.page.wait_for_function(_READY, arg=name, timeout=120_000)
        return NotebookPage(self.page, name, self.page_errors)

    def shut(self, notebook: NotebookPage) -> None:
        """Close a notebook without saving it, and put the window back as it was."""
        notebook.js("panel => panel.dispose()")
        self.page.set_viewport_size(VIEWPORT)


def open_lab(browser: BrowserContext, server: LabServer, path: str = "") -> Lab:
    """Open JupyterLab in a new window, with its file browser only or with a file.

    Parameters
    ----------
    browser : Playwright's browser, or rather the context of its pages
    server : from :func:`lab_server.lab_server`
    path : a file's path in the server's folder
    """
    lab = Lab(browser.new_page())
    lab.page.add_init_script(path=LOOKING)
    workspace = f"auto-{secrets.token_hex(4)}"
    tree = f"/tree/{path}" if path else ""
    lab.page.goto(f"{server.url}/lab/workspaces/{workspace}{tree}?token={server.token}")
    if not path:
        lab.page.wait_for_function("() => window.jupyterapp", timeout=120_000)
        lab.page.evaluate("() => window.jupyterapp.restored")
    return lab


def open_notebook(browser: BrowserContext, server: LabServer, name: str) -> NotebookPage:
    """Open a notebook of the server's copy in a new window and wait for its kernel.

    Parameters
    ----------
    browser, server : as in :func:`open_lab`
    name : a file name in ``notebooks/``, for instance ``00_start_here.ipynb``
    """
    lab = open_lab(browser, server, f"notebooks/{name}")
    lab.page.wait_for_function(_READY, arg=name, timeout=120_000)
    return NotebookPage(lab.page, name, lab.page_errors)
