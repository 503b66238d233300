"""What the command takes: its arguments, their kinds, and the examples of its help."""

from __future__ import annotations

import argparse
import datetime
from pathlib import Path

EPILOG = """examples:
  python -m helpers.report access.log --memory-mb 512 --duration-ms 120 --out decision.md
  python -m helpers.report logs/ --time-zone Europe/Berlin --out decision.html
  zcat access.log.*.gz | python -m helpers.report - --out decision.md
  python -m helpers.report --requests-month 3e6 --duration-ms 120 --shape "office hours"
  python -m helpers.report access.log --check
  python -m helpers.report --again decision.md

Nothing leaves this machine. Addresses, paths and query strings are neither kept nor shown.
exit codes: 0 done, 1 not readable or not writable, 2 wrong arguments, 130 stopped
"""


def parser() -> argparse.ArgumentParser:
    """Return the command's arguments."""
    from helpers.advice.case import DOORS, TRIGGERS
    from helpers.coldstart import SHAPES

    p = argparse.ArgumentParser(
        prog="python -m helpers.report",
        description="Should this run on functions? Reads an access log, a CSV of metrics or monthly figures, "
        "simulates them on Lambda, prices them on functions, containers, machines and a rack, and writes a "
        "decision record.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    what = p.add_argument_group("what to read")
    what.add_argument("logs", nargs="*", metavar="LOG", help="files, folders of rotated logs, or - for standard input")
    what.add_argument("--requests-month", type=_positive, metavar="N", help="monthly figures instead of a log")
    what.add_argument("--shape", choices=sorted(SHAPES), default="a shop's day", help="the day behind monthly figures")
    what.add_argument("--again", type=Path, metavar="RECORD", help="an earlier record: compute it anew, say what moved")
    what.add_argument("--time-zone", metavar="ZONE", help="for hours and weekdays: Europe/Berlin, or +02:00")
    what.add_argument("--duration-unit", choices=("s", "ms", "us", "none"), help="of the log's response times")
    what.add_argument("--check", action="store_true", help="only say what the log is taken for, and stop")
    work = p.add_argument_group("the work")
    work.add_argument("--memory-mb", type=_positive, metavar="MB", help="memory of the function (512)")
    work.add_argument("--duration-ms", type=_positive, metavar="MS", help="mean duration at that memory")
    work.add_argument("--longest-ms", type=_positive, metavar="MS", help="the longest piece of work")
    work.add_argument(
        "--cpu-share", type=_share, default=0.3, metavar="0..1", help="share of the time that computes (0.3)"
    )
    work.add_argument("--init-ms", type=_amount, metavar="MS", help="INIT of a cold start (250)")
    work.add_argument("--architecture", choices=("x86_64", "arm64"))
    work.add_argument("--trigger", choices=TRIGGERS, help="what calls it (http)")
    work.add_argument("--door", choices=DOORS, help="front door (HTTP: API Gateway's HTTP API)")
    work.add_argument(
        "--response-kb", type=_amount, metavar="KB", help="size of an answer; the log's own if it has one"
    )
    work.add_argument("--log-kb", type=_amount, metavar="KB", help="log written per request (1)")
    needs = p.add_argument_group("what is asked of it")
    needs.add_argument(
        "--latency-aim-ms", type=_positive, metavar="MS", help="within which 99 of 100 shall be answered"
    )
    needs.add_argument("--state-mb", type=_amount, metavar="MB", help="memory that must survive between requests")
    needs.add_argument(
        "--leave-months", type=_amount, metavar="N", help="months until it must run outside AWS (0: now)"
    )
    needs.add_argument(
        "--people-hours", type=_amount, metavar="H", help="hours a month that a fleet costs in people's time"
    )
    needs.add_argument("--no-free-tier", action="store_true", help="other functions use it up")
    needs.add_argument("--keep-alive-s", type=_positive, default=600.0, metavar="S", help="of idle environments (600)")
    needs.add_argument("--concurrency", type=_positive, metavar="N", help="the account's quota (1000)")
    out = p.add_argument_group("the record")
    out.add_argument("--out", type=Path, action="append", metavar="FILE", help=".md or .html; may be given twice")
    out.add_argument("--name", help="title of the record")
    out.add_argument("--quiet", action="store_true", help="no progress")
    return p


def offset_of(zone: str | None) -> int | None:
    """Return local time minus UTC in s for ``+02:00`` or a zone's name (its offset in winter); None for None.

    Raises
    ------
    ValueError
        For what is neither.
    """
    if zone is None:
        return None
    from zoneinfo import ZoneInfo

    from helpers.report.formats import _offset

    if zone.upper() in ("UTC", "Z"):
        return 0
    if zone[:1] in "+-" and zone[1:].replace(":", "").isdigit():
        return _offset(zone.encode())
    try:
        moment = datetime.datetime(2026, 1, 15, tzinfo=ZoneInfo(zone))
    except (KeyError, ValueError, OSError):
        raise ValueError(
            f"--time-zone must be a name such as Europe/Berlin or an offset such as +02:00, got {zone}"
        ) from None
    return int(moment.utcoffset().total_seconds())


def _positive(text: str) -> float:
    value = _amount(text)
    if not value:
        raise argparse.ArgumentTypeError(f"must be more than 0, got {text}")
    return value


def _amount(text: str) -> float:
    try:
        value = float(text.replace(",", "").replace("_", ""))
    except ValueError:
        raise argparse.ArgumentTypeError(f"must be a number, got {text!r}") from None
    if not 0 <= value < float("inf"):
        raise argparse.ArgumentTypeError(f"must be 0 or more, got {text}")
    return value


def _share(text: str) -> float:
    value = _positive(text)
    if value > 1:
        raise argparse.ArgumentTypeError(f"must be at most 1, got {text}")
    return value
