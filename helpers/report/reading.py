"""Reads a log from front to back in bounded memory, and keeps counts only.

``recognising`` has looked at the beginning; :func:`read` goes through all of it. Lines that don't fit are counted, and
a few are listed by their outline, without their content. A caller may watch the progress and stop it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from helpers.advice import Gatherer, Sketch, Traffic
from helpers.report import metrics
from helpers.report.formats import (
    LIBERAL,
    columns_of,
    in_unit,
    outline,
    seconds_of,
    zone_of,
)
from helpers.report.jsonlines import fields_of, record_of, second_of
from helpers.report.recognising import Recognised, recognise_head
from helpers.report.sources import HEAD, Opened, Source, Unreadable, sources_of

LISTED = 5  # malformed lines that are shown by their outline


@dataclass
class Reading:
    """What was found in one or several files.

    Attributes
    ----------
    names : the files' names, without folders
    format : in words
    columns : what was taken, and from where
    zone : time zone of the log and where that is known from
    lines, requests, malformed : lines that weren't empty, of which requests, and lines that didn't fit
    outlines : place and outline of the first malformed lines
    stray : requests left out because their date lies far from all others
    damaged : sentences about files that broke off
    bytes : read, unpacked
    cancelled : whether it was stopped before the end
    traffic : the counts
    """

    names: list[str]
    format: str
    columns: list[tuple[str, str]]
    zone: str
    traffic: Traffic
    lines: int = 0
    requests: int = 0
    malformed: int = 0
    outlines: list[tuple[str, str]] = field(default_factory=list)
    stray: int = 0
    damaged: list[str] = field(default_factory=list)
    bytes: int = 0
    cancelled: bool = False


class _Reader:
    """One reading in progress."""

    def __init__(self, form: Recognised, gatherer: Gatherer) -> None:
        self.form, self.gatherer = form, gatherer
        self.lines = self.malformed = 0
        self.before = 0  # lines of the file, empty ones included, before this block
        self.outlines: list[tuple[str, str]] = []

    def take(self, block: bytes, name: str) -> None:
        """Take in a block of whole lines."""
        lines = block.count(b"\n") + (not block.endswith(b"\n"))
        if self.form.kind == "json":
            self._take_json(block, name)
        else:
            self._take_lines(block, name, lines)
        self.before += lines

    def _take_lines(self, block: bytes, name: str, lines: int) -> None:
        form = self.form.form
        found = form.pattern.findall(block)
        if len(found) < lines:
            found = self._one_by_one(block, name)
        else:
            self.lines += lines
        if found:
            self._add(*columns_of(form, found))

    def _one_by_one(self, block: bytes, name: str) -> list[tuple[bytes, ...]]:
        found = []
        for place, line in enumerate(block.split(b"\n"), self.before + 1):
            if not line.strip() or line.startswith(b"#"):
                continue
            match = self.form.form.pattern.match(line)
            if match is None and (odd := LIBERAL.search(line)) and b"[" in line:
                self.lines += 1
                self._add((odd[1],), (odd[2],), (odd[3] or b"",), (b"",))
            elif match is None:
                self._malformed(line, f"{name}, line {place:,}")
            else:
                self.lines += 1
                found.append(match.groups(b""))
        return found

    def _malformed(self, line: bytes, place: str) -> None:
        self.lines += 1
        self.malformed += 1
        if len(self.outlines) < LISTED:
            self.outlines.append((place, outline(line)))

    def _add(self, times: Sequence[bytes], statuses: Any, sizes: Any, durations: Any) -> None:
        gatherer = self.gatherer
        if (alike := seconds_of(times, self.form.form.second)) is not None:
            for seconds, offset in alike:
                gatherer.add_seconds(seconds)
                gatherer.offsets[offset] = gatherer.offsets.get(offset, 0) + seconds.size
        else:
            self._add_each(times)
        for status, count in Counter(statuses).items():
            name = f"{chr(status[0])}xx" if status[:1].isdigit() else "none"
            gatherer.statuses[name] = gatherer.statuses.get(name, 0) + count
        known = [int(size) for size in sizes if size.isdigit()]
        gatherer.sized += len(known)
        gatherer.bytes += sum(known)
        self._add_durations(durations, self.form.form.duration_ms)

    def _add_each(self, times: Sequence[bytes]) -> None:
        counts: dict[int, int] = {}
        gatherer, second = self.gatherer, self.form.form.second
        for text, count in Counter(times).items():
            when = second(text)
            if when is None:
                self.malformed += count
                continue
            counts[when[0]] = counts.get(when[0], 0) + count
            gatherer.offsets[when[1]] = gatherer.offsets.get(when[1], 0) + count
        gatherer.add(counts)

    def _add_durations(self, durations: Iterable[Any], unit_ms: float) -> None:
        known = [text for text in durations if text and text != b"-"]
        if not known or not unit_ms:
            return
        try:
            values = np.array(known).astype(float)
        except ValueError:
            values = np.array([value for text in known if (value := _number(text)) is not None])
        self.gatherer.sketch += Sketch.of(values * unit_ms)

    def _take_json(self, block: bytes, name: str) -> None:
        counts: Counter[int] = Counter()
        durations = []
        gatherer = self.gatherer
        for place, line in enumerate(block.split(b"\n"), self.before + 1):
            if not line.strip(b" \t\r[],"):
                continue
            record = record_of(line)
            keys = fields_of(record) if record else {}
            when = second_of(record[keys["time"]]) if record and "time" in keys else None
            if record is None or when is None:
                self._malformed(line, f"{name}, line {place:,}")
                continue
            self.lines += 1
            counts[when[0]] += 1
            gatherer.offsets[when[1]] = gatherer.offsets.get(when[1], 0) + 1
            status = str(record.get(keys.get("status", ""), ""))[:1]
            kind = f"{status}xx" if status.isdigit() else "none"
            gatherer.statuses[kind] = gatherer.statuses.get(kind, 0) + 1
            size = str(record.get(keys.get("size", ""), ""))
            if size.isdigit():
                gatherer.sized, gatherer.bytes = gatherer.sized + 1, gatherer.bytes + int(size)
            if "duration" in keys:
                durations.append(record[keys["duration"]])
            elif "duration_s" in keys:
                durations.append(float(record[keys["duration_s"]]) * 1000)
        gatherer.add(counts)
        self._add_durations(durations, self.form.form.duration_ms)


def _number(text: Any) -> float | None:
    try:
        return float(text)
    except (TypeError, ValueError):
        return None


def read(
    places: Iterable[str | Path | Source] | str | Path | Source,
    *,
    form: Recognised | None = None,
    offset_s: int | None = None,
    duration_unit: str | None = None,
    progress: Callable[[int, int | None, int], None] | None = None,
    cancelled: Callable[[], bool] | None = None,
) -> Reading:
    """Read one or several files as one log; lines may come in any order.

    Parameters
    ----------
    places : paths, folders, ``-`` for standard input, or sources
    form : what :func:`recognise` said; asked anew for each file if omitted
    offset_s : local time minus UTC, for hours and weekdays; the log's own if omitted
    duration_unit : ``s``, ``ms``, ``us`` or ``none``, where the one that was recognised is wrong
    progress : called with bytes done, bytes in all (None if unknown) and requests so far
    cancelled : asked now and then; True stops the reading

    Raises
    ------
    Unreadable
        When nothing in it could be read.
    """
    single = isinstance(places, (str, Path, Source))
    sources = sources_of([places] if single else places)
    total = sum(sizes) if all(sizes := [source.size for source in sources]) else None
    gatherer = Gatherer()
    state = _State(gatherer, progress or (lambda *_: None), cancelled or (lambda: False), total, duration_unit)
    for source in sources:
        if state.stopped:
            break
        state.read(source, form)
    if not state.readers and not state.metrics:
        raise Unreadable("; ".join(state.damaged) or "nothing to read")
    return state.reading(sources, offset_s)


class _State:
    """All that is common to the files of one reading."""

    def __init__(self, gatherer: Gatherer, progress: Any, cancelled: Any, total: int | None, unit: str | None) -> None:
        self.unit = unit
        self.gatherer, self.progress, self.cancelled, self.total = gatherer, progress, cancelled, total
        self.done = self.bytes = 0
        self.stopped = False
        self.readers: list[_Reader] = []
        self.metrics: list[metrics.Metrics] = []
        self.damaged: list[str] = []

    def read(self, source: Source, form: Recognised | None) -> None:
        opened = Opened(source)
        try:
            self._read(opened, source, form)
        except Unreadable as problem:
            self.damaged.append(str(problem))
        finally:
            self.done += opened.done
            opened.close()

    def _read(self, opened: Opened, source: Source, form: Recognised | None) -> None:
        blocks = opened.blocks()
        first = next(blocks, b"")
        form = form or recognise_head(first[:HEAD] if len(first) > HEAD else first, source.name)
        if form.kind == "metrics":
            self.metrics.append(metrics.read([first, *blocks], source.name))
            return
        if self.unit is not None:
            right = in_unit(form.form, self.unit)
            form = replace(form, form=right, columns=right.columns if form.kind == "lines" else form.columns)
        reader = _Reader(form, self.gatherer)
        self.readers.append(reader)
        block: bytes | None = first
        while block is not None:
            reader.take(block, source.name)
            self.bytes += len(block)
            self.progress(
                self.done + opened.done, self.total, sum(each.lines - each.malformed for each in self.readers)
            )
            if self.cancelled():
                self.stopped = True
                return
            block = next(blocks, None)

    def reading(self, sources: list[Source], offset_s: int | None) -> Reading:
        names = [source.name for source in sources]
        if self.metrics:
            return self._metric_reading(names, offset_s)
        forms = {reader.form.name: reader.form for reader in self.readers}
        try:
            traffic = self.gatherer.traffic(offset_s)
        except ValueError:
            raise Unreadable(f"no line of {', '.join(names)} holds a request with a time") from None
        lines = sum(reader.lines for reader in self.readers)
        malformed = sum(reader.malformed for reader in self.readers)
        columns = list(dict.fromkeys(column for form in forms.values() for column in form.columns))
        zones = "; ".join(dict.fromkeys(form.zone for form in forms.values()))
        return Reading(
            names=names,
            format="; ".join(forms),
            columns=columns,
            zone=f"{zone_of(traffic.offset_s)} ({zones})",
            traffic=traffic,
            lines=lines,
            requests=lines - malformed - self.gatherer.stray,
            malformed=malformed,
            outlines=[each for reader in self.readers for each in reader.outlines][:LISTED],
            stray=self.gatherer.stray,
            damaged=self.damaged,
            bytes=self.bytes,
            cancelled=self.stopped,
        )

    def _metric_reading(self, names: list[str], offset_s: int | None) -> Reading:
        found = metrics.together(self.metrics)
        traffic = found.traffic(offset_s or 0)
        return Reading(
            names=names,
            format=found.name,
            columns=list(found.columns),
            zone=f"{zone_of(offset_s or 0)} ({found.zone})",
            traffic=traffic,
            lines=found.rows,
            requests=traffic.requests,
            malformed=found.malformed,
            outlines=found.outlines[:LISTED],
            damaged=self.damaged,
        )
