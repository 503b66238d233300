"""Reads metrics instead of lines: a CSV of counts by the minute or hour, with or without durations.

Three forms are known: what CloudWatch's console exports (several lines of labels, then a line a period), a table with
a header such as ``Timestamp,Sum,Unit``, and the JSON that ``aws cloudwatch get-metric-data`` and
``get-metric-statistics`` print. AWS documents the last; the layout of the console's file stands on no page that we
found, so no label is expected in a certain line. Which column counts and which lasts is told by their labels. A period
without a row had no request: CloudWatch leaves those out.
"""

from __future__ import annotations

import csv
import io
import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import numpy as np

from helpers.advice import Sketch, Traffic
from helpers.report.formats import outline
from helpers.report.jsonlines import second_of
from helpers.report.sources import Unreadable

LONGEST_FILE = 1 << 28
STEPS = (1, 60, 300, 900, 3600)
COUNTS = re.compile(r"invocation|request|count|hits|sum|calls|total|messages", re.I)
LASTS = re.compile(r"duration|latency|response.?time|processing.?time", re.I)
NEITHER = re.compile(r"error|throttl|concurren|\b[45]xx|5xx|4xx|age|iterator|unit|period|dead", re.I)
SECONDS = re.compile(r"targetresponsetime|response_time_s|\bseconds\b|\(s\)", re.I)
HIGH = re.compile(r"p9\d|p99|max|minimum|\bmin\b", re.I)


@dataclass
class Metrics:
    """What a file of metrics holds.

    Attributes
    ----------
    name : the format in words
    columns : which column was taken for what
    zone : the time zone, in words
    seconds, counts : beginnings of the periods (since 1970, UTC) and their requests
    durations : (mean duration in ms, requests) of the periods that have one
    """

    name: str
    columns: tuple[tuple[str, str], ...]
    zone: str = "UTC, as CloudWatch counts"
    seconds: list[int] = field(default_factory=list)
    counts: list[float] = field(default_factory=list)
    durations: list[tuple[float, float]] = field(default_factory=list)
    rows: int = 0
    malformed: int = 0
    outlines: list[tuple[str, str]] = field(default_factory=list)

    def traffic(self, offset_s: int = 0) -> Traffic:
        """Return the counts as traffic, period after period, gaps as zero."""
        if not self.seconds:
            raise Unreadable("the metrics hold no period with a count")
        times = sorted(set(self.seconds))
        gaps = Counter(b - a for a, b in pairwise(times))
        usual = min((gap for gap, many in gaps.items() if many >= 0.05 * len(times)), default=min(gaps, default=3600))
        step = max((step for step in STEPS if usual % step == 0), default=1)
        start = times[0] - times[0] % step
        counts = np.zeros((times[-1] - start) // step + max(usual // step, 1), dtype=np.float64)
        for second, count in zip(self.seconds, self.counts, strict=True):
            counts[(second - start) // step] += count
        if usual > step:
            step, counts = usual, counts[:: usual // step]
        return Traffic(
            start_s=start,
            step_s=step,
            counts=np.rint(counts).astype(np.int64),
            durations=self._sketch(),
            offset_s=offset_s,
        )

    def _sketch(self) -> Sketch | None:
        weight = sum(requests for _, requests in self.durations)
        if not weight:
            return None
        shares = [max(1, round(requests / weight * 100_000)) for _, requests in self.durations]
        return Sketch.of(np.repeat([mean for mean, _ in self.durations], shares))


def recognise(head: bytes) -> Metrics | None:
    """Return what a file's beginning says about its columns, or None if it holds no metrics."""
    text = head.decode("utf-8", "replace").lstrip("\ufeff").lstrip()
    if text.startswith("{") and re.search(r'"(MetricDataResults|Datapoints)"', text):
        return Metrics("JSON of aws cloudwatch get-metric-data or get-metric-statistics", (("counts", "by label"),))
    lines = text.splitlines()
    if len(lines) < 2 or text.startswith(("{", "[")):
        return None
    rows = list(_rows("\n".join(lines[:200])))
    try:
        return _described(rows)[0]
    except Unreadable:
        return None


def read(blocks: Iterable[bytes], name: str) -> Metrics:
    """Read a whole file of metrics."""
    data = bytearray()
    for block in blocks:
        data += block
        if len(data) > LONGEST_FILE:
            raise Unreadable(f"{name} is larger than metrics can be ({LONGEST_FILE >> 20} MB)")
    text = data.decode("utf-8", "replace").lstrip("\ufeff")
    if text.lstrip().startswith("{"):
        return _from_json(text, name)
    rows = list(_rows(text))
    found, when, counted, lasts, unit_ms = _described(rows)
    for number, row in enumerate(rows, 1):
        moment = _moment(row[when]) if len(row) > when else None
        if moment is None:
            if found.rows:  # above the first period stand labels
                _malformed(found, row, f"{name}, line {number:,}")
            continue
        found.rows += 1
        count, mean = _value(row, counted), _value(row, lasts)
        if count is None and counted is not None and len(row) > counted and row[counted].strip():
            _malformed(found, row, f"{name}, line {number:,}")
            continue
        _add(found, moment, count or 0.0, mean, unit_ms)
    return found


def together(parts: list[Metrics]) -> Metrics:
    """Put several files on one."""
    first = parts[0]
    for part in parts[1:]:
        first.seconds += part.seconds
        first.counts += part.counts
        first.durations += part.durations
        first.rows += part.rows
        first.malformed += part.malformed
        first.outlines += part.outlines
    return first


def _add(found: Metrics, second: int, count: float, mean: float | None, unit_ms: float) -> None:
    found.seconds.append(second)
    found.counts.append(max(count, 0.0))
    if mean is not None and mean > 0 and count > 0:
        found.durations.append((mean * unit_ms, count))


def _malformed(found: Metrics, row: list[str], place: str) -> None:
    found.malformed += 1
    found.outlines.append((place, outline(",".join(row).encode())))


def _rows(text: str) -> Iterator[list[str]]:
    first = "\n".join(text.splitlines()[:20])
    delimiter = max(",;\t", key=first.count)
    return (row for row in csv.reader(io.StringIO(text), delimiter=delimiter) if any(cell.strip() for cell in row))


def _moment(cell: str) -> int | None:
    cell = cell.strip()
    if match := re.match(
        r"(\d\d?)[/.](\d\d?)[/.](\d{4})[ ,T]+(\d\d?):(\d\d)(?::(\d\d))?(?:\.\d+)?\s*([AaPp][Mm])?$", cell
    ):
        one, other, year, hour, minute, second, half = match.groups()
        month, day = (int(other), int(one)) if int(one) > 12 or "." in cell[:3] else (int(one), int(other))
        hours = int(hour) % 12 + (12 if half.lower() == "pm" else 0) if half else int(hour)
        cell = f"{year}-{month:02d}-{day:02d}T{hours:02d}:{minute}:{second or '00'}"
    found = second_of(cell)
    return found[0] if found else None


def _value(row: list[str], column: int | None) -> float | None:
    if column is None or column >= len(row):
        return None
    try:
        return float(row[column].replace(",", "") if row[column].count(",") else row[column])
    except ValueError:
        return None


def _described(rows: list[list[str]]) -> tuple[Metrics, int, int | None, int | None, float]:
    """Find the columns of time, count and duration."""
    sample = rows[:200]
    width = max((len(row) for row in sample), default=0)
    if width < 2:
        raise Unreadable("a table of metrics has two columns at least")
    fits = [sum(_moment(row[c]) is not None for row in sample if len(row) > c) for c in range(width)]
    when = max(range(width), key=lambda c: fits[c])
    if fits[when] < 2 or fits[when] < 0.3 * len(sample):
        raise Unreadable("no column holds times")
    first = next(n for n, row in enumerate(sample) if len(row) > when and _moment(row[when]) is not None)
    labels = [" ".join(row[c].strip() for row in sample[:first] if len(row) > c) for c in range(width)]
    numeric = [c for c in range(width) if c != when and any(_value(row, c) is not None for row in sample[first:])]
    # The unit column of get-metric-statistics says what the numbers beside it are.
    units = " ".join(cell for row in sample[first : first + 1] for cell in row if not re.search(r"\d", cell))
    lasting = [c for c in numeric if LASTS.search(labels[c]) and not re.search(r"error|throttl", labels[c], re.I)]
    lasting.sort(key=lambda c: bool(HIGH.search(labels[c])))
    counting = [c for c in numeric if c not in lasting and COUNTS.search(labels[c]) and not NEITHER.search(labels[c])]
    counting = counting or [c for c in numeric if c not in lasting and not NEITHER.search(labels[c])]
    if not counting:
        raise Unreadable("no column counts requests")
    counted, lasts = counting[0], lasting[0] if lasting else None
    unit_ms = 1000.0 if lasts is not None and SECONDS.search(labels[lasts] + " " + units) else 1.0
    columns = [("time", _named(labels, when)), ("requests", _named(labels, counted))]
    if lasts is not None:
        columns.append(("duration", f"{_named(labels, lasts)}, {'seconds' if unit_ms > 1 else 'milliseconds'}"))
    return Metrics("table of metrics (CSV)", tuple(columns)), when, counted, lasts, unit_ms


def _named(labels: list[str], column: int) -> str:
    words = " ".join(dict.fromkeys(labels[column].split()))
    return f"column {column + 1}" + (f" ({words[:50]})" if words else "")


def _from_json(text: str, name: str) -> Metrics:
    try:
        data = json.loads(text)
    except ValueError as error:
        raise Unreadable(f"{name} is no whole JSON document: {error}") from None
    series: dict[str, dict[int, float]] = {}
    for result in data.get("MetricDataResults", []):
        values = zip(result.get("Timestamps", []), result.get("Values", []), strict=False)
        label = f"{result.get('Label', '')} {result.get('Id', '')}"
        series.setdefault(label, {}).update({m: float(v) for t, v in values if (m := _moment(str(t))) is not None})
    for point in data.get("Datapoints", []):
        moment = _moment(str(point.get("Timestamp", "")))
        for statistic, value in point.items():
            if moment is not None and isinstance(value, (int, float)):
                label = f"{data.get('Label', '')} {statistic} {point.get('Unit', '')}"
                series.setdefault(label, {})[moment] = float(value)
    return _from_series(series, name)


def _from_series(series: dict[str, dict[int, Any]], name: str) -> Metrics:
    lasting = sorted(
        (s for s in series if LASTS.search(s) and "SampleCount" not in s), key=lambda s: bool(HIGH.search(s))
    )
    rest = [s for s in series if s not in lasting and not re.search(r"error|throttl|concurren", s, re.I)]
    counting = sorted(rest, key=lambda s: not COUNTS.search(s))
    if not counting:
        raise Unreadable(f"{name} holds no series that counts requests")
    counts, means = series[counting[0]], series[lasting[0]] if lasting else {}
    columns = [("requests", counting[0].strip())] + ([("duration", lasting[0].strip())] if lasting else [])
    found = Metrics("JSON of aws cloudwatch", tuple(columns), rows=len(counts))
    unit_ms = 1000.0 if lasting and SECONDS.search(lasting[0]) else 1.0
    for moment, count in counts.items():
        _add(found, moment, count, means.get(moment), unit_ms)
    return found
