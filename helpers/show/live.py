"""The page's half of a viewer: an explorer's panel without controls, which asks for news by itself."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from helpers.show.panel import Panel

if TYPE_CHECKING:
    from helpers.show.viewer import EnvironmentViewer


class LivePanel(Panel):
    """The widget of one viewer; every view of it shows the same state."""

    def __init__(self, viewer: EnvironmentViewer) -> None:
        super().__init__(viewer)
        self.panel = {**self.panel, "live": True}
        # ipykernel 7.4 leads the page's messages to whoever touched the widget last. That is the main shell as soon as
        # a cell shows or refreshes it, and they would wait there behind the very cell that is watched.
        if hasattr(self.comm, "_reply_subshell_for"):
            self.comm._reply_subshell_for = lambda _data, asked: asked

    def _answer(self, widget: object, message: dict[str, Any], buffers: list[bytes]) -> None:
        if message["type"] == "tick":
            self._explorer.tick()
        elif message["type"] in ("hello", "wake"):
            self._explorer.wake()
        super()._answer(widget, message, buffers)

    def _state(self, *, answers: str = "") -> dict[str, Any]:
        return {**super()._state(answers=answers), "next_ms": self._explorer.next_ms}
