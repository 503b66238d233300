"""The page's half of the overview: the table, a link that saves the progress file, a field that loads one."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import anywidget
import traitlets

if TYPE_CHECKING:
    from helpers.learn.overview import Overview

_HERE = Path(__file__).parent


class Parcel(anywidget.AnyWidget):
    """The widget; ``parcel.js`` draws it, in the look of the sheets."""

    _esm = _HERE / "parcel.js"
    _css = _HERE / "sheet.css"

    #: The table as texts, the file's text, and what there is to say.
    state = traitlets.Dict().tag(sync=True)

    def __init__(self, overview: Overview) -> None:
        self._overview = overview
        super().__init__(state=overview.shown())
        self.on_msg(self._load)

    def view(self) -> dict[str, Any]:
        """Give the MIME bundle's part that makes JupyterLab show it."""
        view = {"version_major": 2, "version_minor": 0, "model_id": self.model_id}
        return {"application/vnd.jupyter.widget-view+json": view}

    def _load(self, _widget: object, message: dict[str, Any], _buffers: list[bytes]) -> None:
        self.state = self._overview.loaded(str(message["text"]).encode())
