"""A live view of environments: lanes that are drawn again while something runs.

Plain Python, as :mod:`helpers.show.explorer` is: what a tick does can be tested without a browser. The page asks for
news every quarter of a second and this answers, so nothing runs in the kernel between two questions: there is no
thread to leave behind. :mod:`helpers.show.live` connects it to the page.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pandas as pd

from helpers.show import theme
from helpers.show.chart import Chart
from helpers.show.explorer import Drawn, in_words
from helpers.show.lanes import environment_lanes

if TYPE_CHECKING:
    from helpers.show.live import LivePanel

_MOST_SEGMENTS = 600  # a browser draws them in well under a tick
_CALM_AFTER_S, _CALM_MS = 3.0, 1000


class EnvironmentViewer:
    """Environments as lanes, drawn again as they change.

    Parameters
    ----------
    look : callable
        Gives the two frames, invocations and environments, as a cloud keeps them; or three things, the third being the
        present moment in seconds of the frames, so that what is still running grows. An exception becomes a sentence
        under the last good figure.
    title : str
        Shown above the figure.
    interval_s : float
        How often the page asks while things change, in seconds. Once they are calm it asks once a second.
    quiet_s : float
        After how many seconds without a change it stops asking. A button, :meth:`refresh` and showing it again wake it.
    height : int
        In pixels; it stays the same however many environments there are.
    clock : callable
        Seconds that only grow; for tests.

    Examples
    --------
    >>> call = {"function": "f", "environment": "a", "started_s": 0.0, "cold": True, "init_ms": 60.0,
    ...         "duration_ms": 5.0, "status": "success"}
    >>> calls = []
    >>> viewer = EnvironmentViewer(lambda: (pd.DataFrame(calls, columns=list(call)), None))
    >>> viewer
    No request, no environment: nothing runs.
    >>> calls.append(call)
    >>> viewer.refresh()
    >>> viewer
    One call: one environment, one cold start. INIT took 60 ms, the handler 5 ms.
    """

    def __init__(
        self,
        look: Callable[[], tuple[Any, ...]],
        *,
        title: str = "",
        interval_s: float = 0.25,
        quiet_s: float = 20.0,
        height: int = 440,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        if not callable(look):
            raise TypeError(f"look must be a function that gives invocations and environments, got {look!r}")
        if not (interval_s > 0 and quiet_s > 0):
            raise ValueError(f"interval_s and quiet_s must be above 0, got {interval_s} and {quiet_s}")
        self.title = title
        self._look, self._interval_s, self._quiet_s, self._height, self._clock = (
            look,
            interval_s,
            quiet_s,
            height,
            clock,
        )
        # JupyterLab may handle messages from the page in a thread of their own while a cell runs.
        self._lock = threading.RLock()
        self._panel: LivePanel | None = None
        self._closed = False
        self._seen: object = None
        self._title_lines = 0
        self._drawn = Drawn(None)
        self._changed_at = self._looked_at = clock()
        self._update()

    _subject = "The environments"

    #: What the panel lists above the figure: a viewer has no controls.
    controls: dict[str, Any] = {}  # noqa: RUF012

    @property
    def drawn(self) -> Drawn:
        """What is shown now."""
        return self._drawn

    @property
    def chart(self) -> Chart | None:
        """The last chart that could be drawn; None if there never was one."""
        return self._drawn.chart

    @property
    def sentence(self) -> str:
        """What the lanes show now, or why they can't be drawn."""
        return self._drawn.sentence

    @property
    def next_ms(self) -> int:
        """In how many milliseconds the page should ask again; 0 if it should not."""
        quiet_s = self._clock() - self._changed_at
        if self._closed or quiet_s >= self._quiet_s:
            return 0
        return (
            round(self._interval_s * 1000) if quiet_s < _CALM_AFTER_S else max(_CALM_MS, round(self._interval_s * 1000))
        )

    def tick(self) -> None:
        """Look for news, if the last look is not too fresh: several views of one viewer ask, one look serves all."""
        with self._lock:
            if not self._closed and self._clock() - self._looked_at >= self._interval_s / 2:
                self._update()

    def wake(self) -> None:
        """Look now, and keep looking."""
        with self._lock:
            if not self._closed:
                self._changed_at = self._clock()
                self._update()

    def refresh(self) -> None:
        """Look now and show it, from code."""
        self.wake()
        if self._panel is not None:
            self._panel.refresh()

    def close(self) -> None:
        """Take the view off the page and stop looking."""
        with self._lock:
            self._closed = True
            panel, self._panel = self._panel, None
        if panel is not None:
            panel.close()

    def __repr__(self) -> str:
        return self.sentence

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, Any]:
        if self._closed:
            return {"text/plain": self.sentence}
        if self._panel is None:
            from helpers.show.live import LivePanel

            self._panel = LivePanel(self)
        return {**self._panel.view(), "text/plain": self.sentence}

    def _update(self) -> None:
        self._looked_at = self._clock()
        try:
            seen, draw = self._read()
            if seen == self._seen and not self._drawn.problem:
                return
            drawn = Drawn(draw())
        except Exception as error:
            seen, drawn = self._seen, Drawn(self._drawn.chart, f"{self._subject} can't be shown: {in_words(error)}")
        if (seen, drawn.problem) != (self._seen, self._drawn.problem):
            self._changed_at = self._looked_at
        self._seen, self._drawn = seen, drawn

    def _read(self) -> tuple[object, Callable[[], Chart]]:
        """Look; give something that differs when the picture would, and what draws it."""
        found = self._look()
        return _fingerprint(*found), lambda: self._lanes(*found)

    def _lanes(self, invocations: Any, environments: Any, until_s: float | None = None) -> Chart:
        """Draw lanes so that title and drawing together keep their height."""
        while True:
            chart = environment_lanes(
                invocations,
                environments,
                until_s=until_s,
                height=self._height + theme.TITLE_LINE * self._title_lines,
                most_segments=_MOST_SEGMENTS,
            )
            lines = chart.figure["layout"]["title"]["text"].count("<br>")
            if lines == self._title_lines:
                return chart
            self._title_lines = lines


def _fingerprint(invocations: Any, environments: Any, now_s: float | None = None) -> object:
    """Give something that differs when the picture would: the frames' content, and the time while something runs."""
    going_on = environments is not None and environments["state"].isin(["initialising", "busy"]).any()
    contents = [
        int(pd.util.hash_pandas_object(f, index=False).sum()) for f in (invocations, environments) if f is not None
    ]
    return (*contents, now_s if going_on else None)
