"""A measurement that takes longer than a cell should: a stored run, and a button that measures here.

Plain Python, as :mod:`helpers.show.viewer` is: what a press does can be tested without a browser. Nothing is measured
until somebody presses. Then a thread measures, so that the kernel goes on answering; the page asks how far it is, and
a second press stops it. :mod:`helpers.show.rerun_panel` connects it to the page.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pandas as pd

from helpers.show.chart import Chart
from helpers.show.explorer import Drawn, in_words

if TYPE_CHECKING:
    from helpers.show.rerun_panel import RerunPanel

_ASK_MS = 500
_STOP = "Stop"

Run = Callable[..., pd.DataFrame]


class Rerun:
    """A figure of a stored run, with a button that measures again on this machine.

    Parameters
    ----------
    run : callable
        Measures: takes ``progress``, which it calls with (done, total) after each step, and ``cancel``, an event at
        which it stops and returns what it has. What it raises becomes a sentence.
    draw : callable
        A pure function from what was measured to a :class:`~helpers.show.chart.Chart`.
    stored : pandas.DataFrame
        What was measured before, drawn until somebody presses.
    title, button : str
        Shown above the figure, and on the button.
    clock : callable
        Seconds that only grow; for tests.

    Examples
    --------
    >>> def run(progress, cancel):
    ...     return pd.DataFrame({"ms": [2.0]})
    >>> def draw(frame):
    ...     return Chart({"data": [], "layout": {}}, f"It takes {frame.ms[0]} ms.", frame)
    >>> again = Rerun(run, draw, pd.DataFrame({"ms": [1.0]}), button="Measure")
    >>> again
    Stored run: It takes 1.0 ms. Nothing was measured here yet.
    >>> again.press()
    >>> again.wait()
    >>> again
    Measured here just now: It takes 2.0 ms.
    """

    #: What the panel lists above the figure: there is nothing to control.
    controls: dict[str, Any] = {}  # noqa: RUF012

    def __init__(
        self,
        run: Run,
        draw: Callable[[pd.DataFrame], Chart],
        stored: pd.DataFrame,
        *,
        title: str = "",
        button: str = "Measure here",
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        if not callable(run) or not callable(draw):
            raise TypeError(f"run and draw must be functions, got {run!r} and {draw!r}")
        self.title = title
        self._run, self._draw, self._label, self._clock = run, draw, button, clock
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._cancel = threading.Event()
        self._begun_s, self._done, self._total = 0.0, 0, 0
        self._said = "Nothing was measured here yet."
        self._origin = "Stored run: "
        self._drawn = Drawn(draw(stored))
        self._panel: RerunPanel | None = None
        #: What was measured here; None before.
        self.measured: pd.DataFrame | None = None

    @property
    def drawn(self) -> Drawn:
        """What is shown now."""
        return self._drawn

    @property
    def chart(self) -> Chart | None:
        """The figure that is shown now."""
        return self._drawn.chart

    @property
    def running(self) -> bool:
        """Whether it measures."""
        return self._thread is not None

    @property
    def button(self) -> str:
        """What stands on the button: it starts, or stops."""
        return _STOP if self.running else self._label

    @property
    def next_ms(self) -> int:
        """In how many milliseconds the page should ask again; 0 if it need not."""
        return _ASK_MS if self.running else 0

    @property
    def progress(self) -> str:
        """How far it is while it measures; else nothing."""
        if not self.running:
            return ""
        return "Stopping after this measurement." if self._cancel.is_set() else self._progress_told()

    @property
    def shown(self) -> str:
        """What the figure shows now, and why it is not more."""
        shown = self._drawn.problem or (self._origin + (self.chart.sentence if self.chart else ""))
        return f"{shown} {self._said}".strip()

    @property
    def sentence(self) -> str:
        """How far it is while it measures; else what the figure shows."""
        return self.progress or self.shown

    def press(self) -> None:
        """Start to measure, or stop it."""
        with self._lock:
            if self._thread is not None:
                self._cancel.set()
                return
            self._cancel = threading.Event()
            self._begun_s, self._done, self._total = self._clock(), 0, 0
            self._thread = threading.Thread(target=self._measure, args=(self._cancel,), name="rerun", daemon=True)
            self._thread.start()

    def wait(self, timeout_s: float | None = None) -> None:
        """Wait until nothing is being measured."""
        thread = self._thread
        if thread is not None:
            thread.join(timeout_s)

    def tick(self) -> None:
        """Do nothing: the thread keeps the state, the page only asks for it."""

    def wake(self) -> None:
        """Do nothing either: a view that appears doesn't start anything."""

    def __repr__(self) -> str:
        return self.sentence

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, Any]:
        if self._panel is None:
            from helpers.show.rerun_panel import RerunPanel

            self._panel = RerunPanel(self)
        return {**self._panel.view(), "text/plain": self.sentence}

    def _progress_told(self) -> str:
        if not self._done:
            return "Measuring: getting ready."
        spent_s = self._clock() - self._begun_s
        left_s = spent_s / self._done * (self._total - self._done)
        return f"Measuring: {self._done} of {self._total} steps, about {max(left_s, 1):.0f} s to go."

    def _progress(self, done: int, total: int) -> None:
        self._done, self._total = done, total

    def _measure(self, cancel: threading.Event) -> None:
        chart, origin, problem = self.chart, self._origin, ""
        try:
            frame = self._run(progress=self._progress, cancel=cancel)
            if len(frame):
                chart, origin = self._draw(frame), "Measured here just now: "
                self.measured = frame
        # Whatever goes wrong in a thread of its own would be printed as a traceback, nowhere near this figure.
        except BaseException as error:
            problem = f"The measurement ended early: {in_words(error) if isinstance(error, Exception) else 'stopped.'}"
        with self._lock:
            self._drawn, self._origin = Drawn(chart, problem), origin
            self._said = "It was stopped before its end." if cancel.is_set() else ""
            self._thread = None
