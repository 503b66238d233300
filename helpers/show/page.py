"""A widget of ours on the page: what explorers, quizzes, predictions and the overview have in common.

Each is one anywidget with a module of its own. ``page.js`` holds what the modules share: how elements are made, which
keys JupyterLab gets back, and a way for the kernel's messages that holds on pages busier than anywidget expects.
"""

from __future__ import annotations

import uuid
from pathlib import Path
from typing import Any

import anywidget
import traitlets

_HERE = Path(__file__).parent


def module(path: Path) -> str:
    """Return a widget's JavaScript with what all of them share before it."""
    return (_HERE / "page.js").read_text(encoding="utf-8") + path.read_text(encoding="utf-8")


class PageWidget(anywidget.AnyWidget):
    """An anywidget that knows its own id, so that its module can find its model."""

    page_id = traitlets.Unicode().tag(sync=True)

    def __init__(self, **state: Any) -> None:
        name = uuid.uuid4().hex
        super().__init__(model_id=name, page_id=name, **state)

    def view(self) -> dict[str, Any]:
        """Give the MIME bundle's part that makes JupyterLab show the widget."""
        view = {"version_major": 2, "version_minor": 0, "model_id": self.model_id}
        return {"application/vnd.jupyter.widget-view+json": view}
