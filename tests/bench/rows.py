"""A row of the one table of benchmarks, the machine that it was measured on, and how a run compares with another.

A row is a ratio of two quantities measured in the same run, ours and a named baseline's: nothing else can be compared
between a busy moment and a quiet one, or between two machines. Each program ``bench_*.py`` beside this file gives rows;
``run.py`` runs them, keeps what they found and prints the table.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import re
import statistics
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

PACKAGES = ("jupyterlab", "ipykernel", "plotly", "boto3", "moto", "awslambdaric", "numba", "numpy", "pandas")
WORSE = 1.2  # a ratio that is so many times worse than the last run's is worth a look


@dataclass(frozen=True, kw_only=True)
class Row:
    """One comparison.

    Attributes
    ----------
    name : what is measured; with ``baseline``, the key by which runs are compared
    unit : of both quantities
    ours, theirs : medians, of this project and of the baseline
    baseline : what ours is compared with
    more : more is better, as for messages a second; otherwise less is
    bound : what the ratio may be at most, or must be at least where more is better
    note : where it isn't near its floor, why
    """

    name: str
    unit: str
    ours: float
    baseline: str
    theirs: float
    more: bool = False
    bound: float | None = None
    note: str = ""

    @property
    def ratio(self) -> float:
        """Ours in units of the baseline."""
        return self.ours / self.theirs

    @property
    def met(self) -> bool | None:
        """Whether the bound is kept; none without a bound."""
        if self.bound is None:
            return None
        return self.ratio >= self.bound if self.more else self.ratio <= self.bound

    @property
    def key(self) -> str:
        """What tells this row from others, in every run."""
        return f"{self.name} / {self.baseline}"


def median_row(ours: Sequence[float], theirs: Sequence[float], **named: Any) -> Row:
    """Return a row of medians."""
    return Row(ours=statistics.median(ours), theirs=statistics.median(theirs), **named)


def in_turn(contenders: Mapping[str, Callable[[], float]], turns: int, warm_up: int = 0) -> dict[str, list[float]]:
    """Call contenders one after the other, again and again, so that a slow moment meets all of them.

    The order is reversed every time; what comes before ``warm_up`` turns have passed doesn't count.
    """
    taken: dict[str, list[float]] = {name: [] for name in contenders}
    order = list(contenders)
    for turn in range(-warm_up, turns):
        order.reverse()
        for name in order:
            value = contenders[name]()
            if turn >= 0:
                taken[name].append(value)
    return taken


@dataclass(frozen=True)
class Change:
    """How a row compares with the same row of the run before."""

    row: Row
    before: float
    factor: float  # how many times worse it is; below 1, better

    @property
    def worse(self) -> bool:
        """Whether it is worth a look."""
        return self.factor > WORSE


def changes(rows: Iterable[Row], before: Iterable[Row]) -> Iterator[Change]:
    """Yield for each row that was there before how it compares; new ones and those that went are no change."""
    known = {row.key: row.ratio for row in before}
    for row in rows:
        if row.key in known:
            factor = row.ratio / known[row.key]
            yield Change(row, known[row.key], 1 / factor if row.more else factor)


def from_json(rows: Iterable[Mapping[str, Any]]) -> list[Row]:
    """Return rows as they were stored."""
    names = Row.__dataclass_fields__
    return [Row(**{name: value for name, value in row.items() if name in names}) for row in rows]


def to_json(rows: Iterable[Row]) -> list[dict[str, Any]]:
    """Return rows as they are stored: with their ratio, and figures that mean something."""
    return [
        {**asdict(row), "ours": _short(row.ours), "theirs": _short(row.theirs), "ratio": _short(row.ratio)}
        for row in rows
    ]


def _short(value: float) -> float:
    return float(f"{value:.4g}")


def serve(make: Callable[[bool], Iterable[Row]]) -> None:
    """Be the program that gives rows: ``--quick`` for fewer turns; one line of JSON a row, as soon as it is there."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--quick", action="store_true", help="fewer turns: for trying, not for comparing")
    for row in make(parser.parse_args().quick):
        print(json.dumps(asdict(row)), flush=True)


def processor() -> str:
    """Return the processor's name as the system has it."""
    try:
        found = re.search(r"^model name\s*:\s*(.+)$", Path("/proc/cpuinfo").read_text(encoding="utf-8"), re.MULTILINE)
    except OSError:
        found = None
    return found[1].strip() if found else platform.processor() or platform.machine()


def machine() -> dict[str, Any]:
    """Describe the machine: what decides how fast it is, and nothing that tells whose it is."""
    return {
        "processor": processor(),
        "cores": os.cpu_count() or 1,
        "memory_gb": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9),
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "packages": {name: _version(name) for name in PACKAGES},
    }


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return ""
