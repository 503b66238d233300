"""The page's half of a quiz or a prediction: one small widget with the browser's own inputs.

Native radio buttons, boxes and fields come with labels and keyboard; ``sheet.js`` builds them from what
:meth:`Asks.spec` says. The right answers stay in the kernel: the page sends what was given and shows what comes back.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Protocol

import traitlets

from helpers.show.page import PageWidget, module

_HERE = Path(__file__).parent


class Asks(Protocol):
    """What a sheet can show."""

    def spec(self) -> dict[str, Any]:
        """Give the questions, without answers."""

    def shown(self) -> dict[str, Any]:
        """Give what was answered so far, and a summary."""

    def taken(self, question: str, given: Any) -> dict[str, Any]:
        """Take an answer; return how it stands: given, status, lines."""


class Sheet(PageWidget):
    """The widget; every view of it shows the same state."""

    _esm = module(_HERE / "sheet.js")
    _css = _HERE / "sheet.css"

    #: What never changes: title and questions.
    spec = traitlets.Dict().tag(sync=True)
    #: What was answered, how it stands, and which message this answers.
    state = traitlets.Dict().tag(sync=True)

    def __init__(self, asks: Asks) -> None:
        self._asks = asks
        super().__init__(spec=asks.spec(), state={**asks.shown(), "replies": ""})
        self.on_msg(self._answer)

    def refresh(self) -> None:
        """Show what changed in code."""
        self.state = {**self._asks.shown(), "replies": ""}

    def _answer(self, _widget: object, message: dict[str, Any], _buffers: list[bytes]) -> None:
        question = str(message["question"])
        standing = self._asks.taken(question, message["given"])
        shown = self._asks.shown()
        answers = {**shown["answers"], question: standing}
        self.state = {**shown, "answers": answers, "replies": message["from"]}
