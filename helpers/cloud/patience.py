"""A line for whoever waits: it comes after two seconds, says how far things are, and goes away at the end."""

from __future__ import annotations

import contextlib
import sys
import time
from collections.abc import Callable
from datetime import datetime
from typing import Any

SILENT_S, EVERY_S = 2.0, 0.25


class Patience:
    """Tells how far a clock has come.

    Parameters
    ----------
    progress : told instead: ``(now, at the end)``
    """

    def __init__(self, progress: Callable[[datetime, datetime], object] | None = None) -> None:
        self._progress = progress
        self._next_s = time.monotonic() + SILENT_S
        self._shown: Any = None

    def __enter__(self) -> Patience:
        return self

    def tell(self, now: datetime, end: datetime) -> None:
        """Say what the clock shows, if it is time to."""
        if self._progress is not None:
            self._progress(now, end)
        elif time.monotonic() >= self._next_s:
            self._next_s = time.monotonic() + EVERY_S
            self._show(f"The clock shows {now:%Y-%m-%d %H:%M} UTC, and goes on to {end:%Y-%m-%d %H:%M}.")

    def __exit__(self, *_: object) -> None:
        with contextlib.suppress(Exception):
            if self._shown == "terminal":
                sys.stderr.write("\r\x1b[K")
                sys.stderr.flush()
            elif self._shown is not None:
                self._shown.close()

    def _show(self, line: str) -> None:
        with contextlib.suppress(Exception):  # nobody's month shall end because a line could not be written
            if _in_a_notebook():
                if self._shown is None:
                    self._shown = _widget()
                self._shown.value = line
            elif sys.stderr.isatty():
                self._shown = "terminal"
                sys.stderr.write(f"\r{line}")
                sys.stderr.flush()


def _widget() -> Any:
    """Show a line that can be changed and taken away; it is a view only, hence no output that a test would compare."""
    from IPython.display import display
    from ipywidgets import HTML

    shown = HTML()
    view = {"version_major": 2, "version_minor": 0, "model_id": shown.model_id}
    display({"application/vnd.jupyter.widget-view+json": view}, raw=True)
    return shown


def _in_a_notebook() -> bool:
    if "IPython" not in sys.modules:
        return False
    from IPython import get_ipython

    return getattr(get_ipython(), "kernel", None) is not None
