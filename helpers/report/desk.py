"""The desk where people lay down their own traffic: files, a path or monthly figures in, advice and a record out.

State and steps stand here and are plain Python: look at a file, confirm, read, decide, write. Whatever goes wrong is a
sentence, and what was there before stays. :mod:`helpers.report.desk_panel`, imported when a desk is displayed, puts
fields and buttons before it.
"""

from __future__ import annotations

import datetime
import threading
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from helpers.advice import Advice, modelled
from helpers.report import keeping
from helpers.report.arguments import offset_of
from helpers.report.command import write
from helpers.report.deciding import Wish, caution, decide, origin_of
from helpers.report.document import Document
from helpers.report.reading import Reading, read
from helpers.report.recognising import Recognised, recognise
from helpers.report.recording import bills_picture, record
from helpers.report.sources import Source, Unreadable, sources_of

if TYPE_CHECKING:
    from helpers.report.desk_panel import DeskPanel

Place = str | Path | Source
TROUBLE = (Unreadable, keeping.Broken, OSError, ValueError)


class Desk:
    """Brings a person's own traffic to the advisor, step by step.

    Attributes
    ----------
    found : what the files look like, to be confirmed
    reading : what was read
    advice : what the advisor says about it
    sentence : how things stand

    Examples
    --------
    >>> desk = Desk()
    >>> desk.figures(requests_month=2_000_000, duration_ms=120).advice.run_on.name
    'Lambda'
    """

    def __init__(self) -> None:
        self.places: list[Place] = []
        self.found: Recognised | None = None
        self.reading: Reading | None = None
        self.advice: Advice | None = None
        self.wish = Wish()
        self.sentence = "Nothing on the desk yet. Choose a log or a CSV of metrics, or give a path or monthly figures."
        self.done: tuple[int, int | None, int] = (0, None, 0)
        self._origin: dict[str, Any] = {}
        self._stop = threading.Event()
        self._panel: DeskPanel | None = None

    def __repr__(self) -> str:
        return self.sentence

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, Any]:
        if self._panel is None:
            from helpers.report.desk_panel import DeskPanel

            self._panel = DeskPanel(self)
        return {**self._panel.view(), "text/plain": self.sentence}

    @property
    def picture(self) -> str:
        """The month's bills as SVG, the recommended way pointed out; empty as long as nothing was decided."""
        return bills_picture(self.advice) if self.advice else ""

    def look(self, *places: Place) -> Desk:
        """Say what files look like, before anything is read: format, columns, time zone."""

        def step() -> str:
            sources = sources_of(places)
            found = recognise(sources[0])
            self.places, self.found = list(sources), found
            more = f" and {len(sources) - 1} more" if len(sources) > 1 else ""
            columns = "; ".join(f"{what}: {where}" for what, where in found.columns)
            return f"{sources[0].name}{more}: {found.name}. Time zone: {found.zone}. Taken from it: {columns}."

        return self._tried(step)

    def take(self, *places: Place, zone: str | None = None, wish: Wish | None = None) -> Desk:
        """Read files and decide.

        Parameters
        ----------
        places : paths, folders or uploads; those looked at before if omitted
        zone : time zone of hours and weekdays; the log's own if omitted
        wish : what is known beside the traffic
        """
        self._stop.clear()

        def step() -> str:
            chosen = list(places) or self.places
            if not chosen:
                return "Choose a file first, or give a path."
            reading = read(chosen, offset_s=offset_of(zone), progress=self._progressed, cancelled=self._stop.is_set)
            if reading.cancelled:
                return f"Stopped after {reading.requests:,} requests. What was there before stays."
            self._decided(reading.names[0], reading.traffic, wish, reading=reading)
            odd = f", {reading.malformed:,} lines did not fit" if reading.malformed else ""
            short = f" Careful: {caution(reading.traffic)}." if caution(reading.traffic) else ""
            read_from = f"{reading.requests:,} requests read from {', '.join(reading.names[:3])}{odd}."
            return f"{read_from}{short} {self._advised()}"

        return self._tried(step)

    def figures(self, *, requests_month: float, shape: str = "a shop's day", **more: Any) -> Desk:
        """Decide by monthly figures.

        Parameters
        ----------
        requests_month : requests a month
        shape : the day's shape, a name in ``coldstart.SHAPES``
        more : ``duration_ms`` and further fields of :class:`~helpers.advice.Case`
        """

        def step() -> str:
            duration_ms = more.pop("duration_ms", None)
            wish = Wish(duration_ms=duration_ms, more=more)
            traffic = modelled(requests_month, shape=shape, duration_ms=duration_ms)
            self._decided(f"{requests_month:,.0f} requests a month", traffic, wish)
            return self._advised()

        return self._tried(step)

    def stop(self) -> None:
        """Stop a reading that is under way."""
        self._stop.set()

    def document(self, *, date: datetime.date, before: keeping.Kept | None = None) -> Document | None:
        """Return the decision record; None as long as nothing was decided."""
        if self.advice is None:
            return None
        return record(self.advice, origin_of(**self._origin, date=date, before=before))

    def save(self, path: str | Path, *, date: datetime.date | None = None) -> Desk:
        """Write the record to a file of one's choice, ``.md`` or ``.html``; says what changed if one is there."""

        def step() -> str:
            target = Path(path).expanduser()
            if self.advice is None:
                return "There is nothing to write yet."
            if target.suffix.lower() not in (".md", ".html", ".htm"):
                return f"The record's name must end in .md or .html, got {target.name!r}."
            before = None
            if target.is_file():
                try:
                    before = keeping.load(target)
                except keeping.Broken:
                    return f"{target.name} is there already and is no decision record; choose another name."
            write(self.document(date=date or datetime.date.today(), before=before), target)
            return f"Written: {target.name}." + (f" It says what changed since {before.date}." if before else "")

        return self._tried(step)

    def _decided(self, name: str, traffic: Any, wish: Wish | None, reading: Reading | None = None) -> None:
        chosen = wish or self.wish
        advice = decide(traffic, chosen)
        self.reading, self.advice, self.wish = reading, advice, chosen
        self._origin = {"name": name, "traffic": traffic, "wish": chosen, "reading": reading}

    def _advised(self) -> str:
        return f"Run it on {self.advice.run_on.name}. {self.advice.because}" if self.advice else ""

    def _progressed(self, done: int, total: int | None, requests: int) -> None:
        self.done = done, total, requests
        if self._panel is not None:
            self._panel.progressed()

    def _tried(self, step: Callable[[], str]) -> Desk:
        try:
            self.sentence = step()
        except TROUBLE as problem:
            said = str(problem) or type(problem).__name__
            self.sentence = f"That did not work: {said.rstrip('.')}. What was there before stays."
        if self._panel is not None:
            self._panel.refresh()
        return self
