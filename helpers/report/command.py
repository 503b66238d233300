"""The advisor as a command: ``python -m helpers.report access.log --memory-mb 512 --out decision.md``.

Exit codes: 0 done, 1 the input could not be read or the record not written, 2 wrong arguments, 130 stopped with Ctrl-C.
The record goes where ``--out`` says, or to standard output; whatever else is said goes to standard error.
"""

from __future__ import annotations

import argparse
import datetime
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, TextIO

from helpers.report.arguments import offset_of, parser

DONE, FAILED, WRONG, STOPPED = 0, 1, 2, 130

CASE_FIELDS = ("memory_mb", "longest_ms", "init_ms", "architecture", "trigger", "door", "response_kb", "log_kb")
CASE_FIELDS += ("latency_aim_ms", "state_mb", "leave_months", "people_hours")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and return its exit code."""
    given = parser().parse_args(arguments)
    try:
        return _run(given)
    except KeyboardInterrupt:
        print("\nstopped; nothing was written", file=sys.stderr)
        return STOPPED
    except BrokenPipeError:
        return FAILED


def _run(given: argparse.Namespace) -> int:
    from helpers.report.keeping import Broken
    from helpers.report.sources import Unreadable

    if sum((bool(given.logs), given.requests_month is not None, given.again is not None)) != 1:
        return _wrong("name a log, or --requests-month, or --again; --help has examples")
    for path in given.out or ():
        if path.suffix.lower() not in (".md", ".html", ".htm"):
            return _wrong(f"--out must end in .md or .html, got {path.name}")
        if not path.parent.is_dir():
            return _wrong(f"--out: there is no folder {path.parent}")
    try:
        offset = offset_of(given.time_zone)
    except ValueError as problem:
        return _wrong(str(problem))
    try:
        if given.check:
            return _check(given)
        return _record(given, offset)
    except (Unreadable, Broken) as problem:
        print(f"error: {problem}", file=sys.stderr)
        return FAILED
    except OSError as problem:
        print(f"error: {problem.strerror or problem}: {problem.filename or ''}", file=sys.stderr)
        return FAILED
    except ValueError as problem:  # a figure outside its range, in the words of the calculation
        return _wrong(str(problem))


def _check(given: argparse.Namespace) -> int:
    from helpers.report.recognising import recognise
    from helpers.report.sources import sources_of

    for source in sources_of(given.logs):
        found = recognise(source)
        print(f"{source.name}: {found.name}")
        print(f"  time zone: {found.zone}")
        for what, where in found.columns:
            print(f"  {what}: {where}")
        print(f"  {found.share:.0%} of its first lines fit")
    return DONE


def _record(given: argparse.Namespace, offset: int | None) -> int:
    from helpers.advice import advise, modelled
    from helpers.report import keeping
    from helpers.report.deciding import Wish, caution, decide, origin_of
    from helpers.report.recording import Origin, record

    today = datetime.date.today()
    before = _before(given)
    if given.again is not None:
        kept = keeping.load(given.again)
        advice, origin = advise(kept.case()), Origin(given.name or kept.name, today, before=kept)
        targets = given.out or [given.again]
    else:
        wish = _wish(given, Wish)
        reading = None
        if given.logs:
            reading = _read(given, offset)
            traffic, name = reading.traffic, given.name or reading.names[0]
        else:
            traffic = modelled(given.requests_month, shape=given.shape, duration_ms=given.duration_ms)
            name = given.name or f"{given.requests_month:,.0f} requests a month"
        if short := caution(traffic):
            print(f"warning: {short}", file=sys.stderr)
        say = _say(given.quiet)
        advice = decide(traffic, wish, on_step=say)
        origin = origin_of(name, traffic, wish, date=today, reading=reading, before=before)
        targets = given.out or []
    document = record(advice, origin)
    if not targets:
        sys.stdout.write(document.markdown())
    for path in targets:
        write(document, path)
        print(f"written: {path}", file=sys.stderr)
    print(f"{advice.run_on.name}: {advice.because}", file=sys.stderr)
    return DONE


def write(document: Any, path: Path) -> None:
    """Write a document as Markdown with its charts beside it, or as HTML, by the file's ending."""
    from helpers.report.keeping import write_atomically

    if path.suffix.lower() in (".html", ".htm"):
        write_atomically(path, document.html())
        return
    for name, svg in document.files(path.stem).items():
        write_atomically(path.parent / name, svg)
    write_atomically(path, document.markdown(path.stem))


def _before(given: argparse.Namespace) -> Any:
    """Return what the record that is about to be replaced says."""
    from helpers.report import keeping

    for path in given.out or ():
        if path.is_file():
            try:
                return keeping.load(path)
            except keeping.Broken:
                continue
    return None


def _wish(given: argparse.Namespace, kind: Any) -> Any:
    more = {name: getattr(given, name) for name in CASE_FIELDS if getattr(given, name) is not None}
    if given.no_free_tier:
        more["free_tier"] = False
    if more.get("trigger") in ("files", "schedule", "events", "auth"):
        more.setdefault("door", "none")
    return kind(
        duration_ms=given.duration_ms,
        cpu_share=given.cpu_share,
        more=more,
        keep_alive_s=given.keep_alive_s,
        concurrency=int(given.concurrency) if given.concurrency else None,
    )


def _read(given: argparse.Namespace, offset: int | None) -> Any:
    from helpers.report.reading import read

    progress = Progress(sys.stderr, quiet=given.quiet)
    try:
        reading = read(given.logs, offset_s=offset, duration_unit=given.duration_unit, progress=progress)
    finally:
        progress.end()
    say = _say(given.quiet)
    say(f"{reading.format}; time zone {reading.zone}")
    say(f"{reading.requests:,} requests in {reading.lines:,} lines, {reading.malformed:,} of them did not fit")
    for place, shown in reading.outlines:
        say(f"  {place} looks like: {shown}")
    for problem in reading.damaged:
        print(f"warning: {problem}", file=sys.stderr)
    return reading


class Progress:
    """A line on standard error that says how far a reading has come, a few times a second at most."""

    def __init__(self, stream: TextIO, *, quiet: bool = False) -> None:
        self._stream, self._quiet = stream, quiet
        self._last = self._start = time.monotonic()
        self._shown = False

    def __call__(self, done: int, total: int | None, requests: int) -> None:
        """Show it, if it is time."""
        now = time.monotonic()
        if self._quiet or now - self._last < 0.5:
            return
        self._last = now
        share = f"{min(done / total, 1):4.0%} of {total / 1e6:,.0f} MB" if total else f"{done / 1e6:,.0f} MB"
        end = "\r" if self._stream.isatty() else "\n"
        self._stream.write(f"reading: {share}, {requests:,} requests, {now - self._start:.0f} s{end}")
        self._stream.flush()
        self._shown = end == "\r"

    def end(self) -> None:
        """Leave the line."""
        if self._shown:
            self._stream.write("\n")


def _say(quiet: bool) -> Any:
    return (lambda text: None) if quiet else (lambda text: print(text, file=sys.stderr))


def _wrong(message: str) -> int:
    print(f"error: {message}", file=sys.stderr)
    return WRONG
