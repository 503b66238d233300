"""The page's half of the overview: the table, a link that saves the progress file, a field that loads one."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import traitlets

from helpers.show.page import PageWidget, module

if TYPE_CHECKING:
    from helpers.learn.overview import Overview

_HERE = Path(__file__).parent


class Parcel(PageWidget):
    """The widget; ``parcel.js`` draws it, in the look of the sheets."""

    _esm = module(_HERE / "parcel.js")
    _css = _HERE / "sheet.css"

    #: The table as texts, the file's text, and what there is to say.
    state = traitlets.Dict().tag(sync=True)

    def __init__(self, overview: Overview) -> None:
        self._overview = overview
        super().__init__(state=overview.shown())
        self.on_msg(self._load)

    def _load(self, _widget: object, message: dict[str, Any], _buffers: list[bytes]) -> None:
        self.state = self._overview.loaded(str(message["text"]).encode())
