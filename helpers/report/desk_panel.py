"""The page's half of a desk: fields, buttons, a bar that moves, and the result.

A log is read in a thread of its own, so that the page stays alive and the button that stops it works. Callbacks call
the desk and write to an ``HTML`` value; nothing is printed.
"""

from __future__ import annotations

import datetime
import html
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import ipywidgets as widgets

from helpers.report.deciding import Wish
from helpers.report.sources import Source
from helpers.show.wording import read as read_number

if TYPE_CHECKING:
    from helpers.report.desk import Desk

_LOOK = f"<style>{Path(__file__).with_name('desk.css').read_text(encoding='utf-8')}</style>"
_TOLD = (
    "box-sizing:border-box;margin:8px 0;padding:8px 14px;color:#1b1f24;background:#f3f5f7;"
    "border-left:6px solid #7a7e8f;font-size:16px;line-height:1.45"
)
_WIDE = {"description_width": "230px"}


def _field(name: str, placeholder: str, value: str = "") -> widgets.Text:
    return widgets.Text(
        value=value,
        description=name,
        placeholder=placeholder,
        style=_WIDE,
        layout={"width": "760px"},
        continuous_update=False,
    )


class DeskPanel:
    """The widgets of one desk."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._thread: threading.Thread | None = None
        self._last = 0.0
        self.upload = widgets.FileUpload(multiple=True, description="Choose files", layout={"width": "180px"})
        self.path = _field("or a path", "~/logs/access.log, or a folder; best for more than 10 MB")
        self.zone = _field("time zone of the hours", "the log's own; or Europe/Berlin, +02:00")
        self.memory = _field("memory, MB", "512", "512")
        self.duration = _field("duration, ms", "the log's own response time, or 100")
        self.aim = _field("99 of 100 within, ms", "nobody asks")
        self.requests = _field("or requests a month", "3 million: figures instead of a file")
        self.look, self.read, self.stop = (self._button(name) for name in ("Look", "Read and decide", "Stop"))
        self.bar = widgets.IntProgress(max=100, layout={"width": "260px"})
        self.said = widgets.HTML()
        self.target = _field("write the record to", "decision.html or decision.md, in a folder that exists")
        self.save = self._button("Write")
        self.read.button_style = "primary"
        self.upload.observe(lambda _: self._look(), "value")
        self.look.on_click(lambda _: self._look())
        self.read.on_click(lambda _: self._start())
        self.stop.on_click(lambda _: self._desk.stop())
        self.save.on_click(lambda _: self._save())
        self.box = widgets.VBox(
            [
                widgets.HBox([self.upload, self.look]),
                self.path,
                self.requests,
                self.zone,
                self.memory,
                self.duration,
                self.aim,
                widgets.HBox([self.read, self.stop, self.bar]),
                self.said,
                widgets.HBox([self.target, self.save]),
                widgets.HTML(_LOOK, layout={"display": "none"}),
            ]
        )
        self.box.add_class("r2f-desk")
        self.refresh()

    @staticmethod
    def _button(name: str) -> widgets.Button:
        return widgets.Button(description=name, layout={"width": "180px"})

    def view(self) -> dict[str, Any]:
        """Return the mime bundle that displays it."""
        return self.box._repr_mimebundle_()

    def refresh(self) -> None:
        """Show how things stand."""
        picture = self._desk.picture
        below = f"<div>{picture}</div>" if picture else ""
        self.said.value = f"<div style=\"{_TOLD}\" role='status'>{html.escape(self._desk.sentence)}</div>{below}"

    def progressed(self) -> None:
        """Show how far a reading has come, a few times a second."""
        now = time.monotonic()
        if now - self._last < 0.25:
            return
        self._last = now
        done, total, requests = self._desk.done
        if total:
            self.bar.value = round(100 * min(done / total, 1))
        self.said.value = f'<div style="{_TOLD}">reading: {done / 1e6:,.0f} MB, {requests:,} requests</div>'

    def wait(self, timeout_s: float = 60) -> None:
        """Wait until a reading is over."""
        if self._thread is not None:
            self._thread.join(timeout_s)

    def _places(self) -> list[Any]:
        if self.path.value.strip():
            return [self.path.value.strip()]
        return [Source(file["name"], data=bytes(file["content"])) for file in self.upload.value]

    def _look(self) -> None:
        if places := self._places():
            self._desk.look(*places)
        else:
            self._say("Choose a file first, or give a path.")

    def _say(self, sentence: str) -> None:
        self._desk.sentence = sentence
        self.refresh()

    def _start(self) -> None:
        if self._thread is not None and self._thread.is_alive():
            return
        try:
            work = self._work()
        except ValueError as problem:
            self._say(str(problem))
            return
        self.bar.value = 0
        self._thread = threading.Thread(target=work, name="reading a log", daemon=True)
        self._thread.start()

    def _work(self) -> Any:
        wish = Wish(duration_ms=self._number(self.duration), more=self._more())
        places = self._places()
        requests = self._number(self.requests)
        if not places and requests is not None:
            figures = {"requests_month": requests, "duration_ms": wish.duration_ms or 100.0, **(wish.more or {})}
            return lambda: self._desk.figures(**figures)
        return lambda: self._desk.take(*places, zone=self.zone.value.strip() or None, wish=wish)

    def _more(self) -> dict[str, Any]:
        given = {"memory_mb": self._number(self.memory), "latency_aim_ms": self._number(self.aim)}
        return {name: value for name, value in given.items() if value is not None}

    @staticmethod
    def _number(field: widgets.Text) -> float | None:
        if not field.value.strip():
            return None
        value = read_number(field.value)
        if value is None or value <= 0:
            raise ValueError(f"{field.description} must be a number above 0, got {field.value!r}.")
        return value

    def _save(self) -> None:
        self._desk.save(self.target.value.strip() or "decision.html", date=datetime.date.today())
