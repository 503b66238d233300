"""An explorer: controls, a live figure and the sentence that says what it shows.

The calculation is a pure function from the controls' values to a :class:`~helpers.show.chart.Chart`.
This module keeps the state and is plain Python: what happens when a value changes can be tested
without a browser. :mod:`helpers.show.panel`, imported only when an explorer is displayed, connects it
to the page.
"""

from __future__ import annotations

import inspect
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from helpers.show.chart import Chart
from helpers.show.controls import Control

if TYPE_CHECKING:
    from helpers.show.panel import Panel


@dataclass(frozen=True)
class Drawn:
    """What an explorer shows at one moment: the last good chart, and what went wrong since, if it did."""

    chart: Chart | None
    problem: str = ""

    @property
    def sentence(self) -> str:
        """The chart's sentence, or the line that says why there is none."""
        return self.problem or (self.chart.sentence if self.chart else "")


class Explorer:
    """A panel of controls above a live figure and its sentence.

    Parameters
    ----------
    draw : callable
        A pure function: keyword values in, :class:`~helpers.show.chart.Chart` out. An exception becomes
        a line under the figure; the last good figure stays.
    title : str
        What can be explored, shown above the controls.
    **controls : Control
        A :class:`Slider`, :class:`Choice` or :class:`Switch` for each keyword of `draw`.

    Raises
    ------
    TypeError
        If a control is not a control, or `draw` cannot be called with exactly these controls.

    Examples
    --------
    >>> import pandas as pd
    >>> from helpers.show import Slider
    >>> def cost(requests):
    ...     usd = requests * 0.2 / 1e6
    ...     figure = {"data": [{"type": "bar", "x": ["requests"], "y": [usd]}], "layout": {}}
    ...     return Chart(figure, f"{requests:,} requests cost ${usd:.2f}.", pd.DataFrame({"usd": [usd]}))
    >>> explorer = Explorer(cost, requests=Slider("Requests", 0, 10_000_000, value=1_000_000))
    >>> explorer["requests"].value = 5_000_000
    >>> explorer.sentence
    '5,000,000 requests cost $1.00.'
    """

    def __init__(self, draw: Callable[..., Chart], *, title: str = "", **controls: Control) -> None:
        self._draw, self.title = draw, title
        self._controls = _checked(draw, controls)
        # JupyterLab may handle messages from the page in a thread of their own while a cell runs.
        self._lock = threading.RLock()
        self._panel: Panel | None = None
        for control in self._controls.values():
            control.on_change(self._set_in_code)
        self._drawn = self._redrawn(Drawn(None))

    def __getitem__(self, name: str) -> Control:
        try:
            return self._controls[name]
        except KeyError:
            raise KeyError(f"no control {name!r}; there is {', '.join(self._controls)}") from None

    @property
    def values(self) -> dict[str, Any]:
        """The controls' values by name, as `draw` gets them."""
        return {name: control.value for name, control in self._controls.items()}

    @property
    def controls(self) -> dict[str, Control]:
        """The controls by name."""
        return dict(self._controls)

    @property
    def drawn(self) -> Drawn:
        """What is shown now."""
        return self._drawn

    @property
    def chart(self) -> Chart | None:
        """The last chart that `draw` gave; None if it never did."""
        return self._drawn.chart

    @property
    def sentence(self) -> str:
        """What the figure shows now, or why this combination has no answer."""
        return self._drawn.sentence

    def move(self, name: str, message: Mapping[str, Any]) -> str:
        """Take a move made on the page, redraw, and return what to tell the learner about it."""
        with self._lock:
            notice = self[name].moved(message)
            self._drawn = self._redrawn(self._drawn)
            return notice

    def __repr__(self) -> str:
        return self.sentence

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, Any]:
        if self._panel is None:
            from helpers.show.panel import Panel

            self._panel = Panel(self)
        return {**self._panel.view(), "text/plain": self.sentence}

    def _set_in_code(self) -> None:
        with self._lock:
            self._drawn = self._redrawn(self._drawn)
            if self._panel is not None:
                self._panel.refresh()

    def _redrawn(self, before: Drawn) -> Drawn:
        try:
            chart = self._draw(**self.values)
            if not isinstance(chart, Chart):
                raise TypeError(f"the drawing function returned {type(chart).__name__}, not a Chart")
        except Exception as error:
            return Drawn(before.chart, f"This combination has no answer: {in_words(error)}")
        return Drawn(chart)


def _checked(draw: Callable[..., Chart], controls: dict[str, Any]) -> dict[str, Control]:
    """Refuse at once what would otherwise fail at the first move."""
    if not callable(draw):
        raise TypeError(f"draw must be a function that returns a Chart, got {draw!r}")
    for name, control in controls.items():
        if not isinstance(control, Control):
            raise TypeError(f"{name} must be a Slider, a Choice or a Switch, got {control!r}")
    try:
        signature = inspect.signature(draw)
    except ValueError:
        return controls
    try:
        signature.bind(**controls)
    except TypeError as error:
        name = getattr(draw, "__name__", "draw")
        raise TypeError(f"{name} can't be called with the controls {', '.join(controls)}: {error}") from None
    return controls


def in_words(error: Exception) -> str:
    """Say what an exception says, on one line, without the quotes that KeyError adds."""
    text = str(error.args[0]) if isinstance(error, KeyError) and error.args else str(error)
    text = " ".join(text.split()) or type(error).__name__
    return text if text.endswith((".", "!", "?")) else text + "."
