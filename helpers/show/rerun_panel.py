"""The page's half of a measurement on a button: a live panel whose button starts and stops."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from helpers.show.live import LivePanel

if TYPE_CHECKING:
    from helpers.show.rerun import Rerun


class RerunPanel(LivePanel):
    """The widget of one measurement; every view of it shows the same state."""

    def __init__(self, rerun: Rerun) -> None:
        super().__init__(rerun)

    def _answer(self, widget: object, message: dict[str, Any], buffers: list[bytes]) -> None:
        if message["type"] == "wake":  # the button
            self._explorer.press()
            message = {**message, "type": "pressed"}
        super()._answer(widget, message, buffers)

    def _state(self, *, answers: str = "") -> dict[str, Any]:
        return {
            **super()._state(answers=answers),
            "sentence": self._explorer.shown,
            "notice": self._explorer.progress,
            "problem": "",  # it is the sentence already
            "button": self._explorer.button,
        }
