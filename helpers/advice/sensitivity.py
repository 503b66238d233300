"""Which input matters most: each one moved over a range while the others stay, and what that does to the bill.

The ranges are assumptions that one may replace. What counts for a decision is less how far a bill moves than whether
another way of running it becomes the cheapest, so both are told.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from helpers import tables
from helpers.advice.bills import cheapest, options
from helpers.advice.case import Case


@dataclass(frozen=True)
class Swing:
    """One input moved from low to high.

    Attributes
    ----------
    what : the input
    low, high : its values at both ends, in words
    low_usd, high_usd : the function's month at both ends
    low_best, high_best : the cheapest way at both ends
    """

    what: str
    low: str
    high: str
    low_usd: float
    high_usd: float
    low_best: str
    high_best: str

    @property
    def width(self) -> float:
        """How far the bill moves, USD a month."""
        return abs(self.high_usd - self.low_usd)


def _memory(case: Case, factor: float) -> Case:
    limits = tables.limit("lambda.memory")
    return replace(case, memory_mb=float(min(max(case.memory_mb * factor, limits.min), limits.max)))


def _duration(case: Case, factor: float) -> Case:
    longest = None if case.longest_ms is None else case.longest_ms * factor
    return replace(case, wait_ms=case.wait_ms * factor, cpu_ms=case.cpu_ms * factor, longest_ms=longest)


def _peak(case: Case, factor: float) -> Case:
    peak = max(1.0, case.peak * factor)
    hour = None if case.peak_hour is None else min(case.peak_hour, peak)
    return replace(case, peak=peak, peak_hour=hour)


def _cold(case: Case, factor: float) -> Case:
    return replace(case, cold_share=min(case.cold_share * factor, 1.0))


# What is moved, by how much down and up, and how.
RANGES: Mapping[str, tuple[float, float, Callable[[Case, float], Case]]] = {
    "requests": (0.5, 3.0, lambda case, factor: case.with_requests(case.requests_month * factor)),
    "duration": (0.5, 2.0, _duration),
    "memory": (0.5, 2.0, _memory),
    "peak": (0.5, 3.0, _peak),
    "cold starts": (0.0, 5.0, _cold),
    "size of an answer": (0.25, 4.0, lambda case, factor: replace(case, response_kb=case.response_kb * factor)),
    "log per request": (0.25, 4.0, lambda case, factor: replace(case, log_kb=case.log_kb * factor)),
}


def tornado(case: Case, ranges: Mapping[str, tuple[float, float, Any]] | None = None) -> tuple[Swing, ...]:
    """Return each input's swing, widest first.

    Parameters
    ----------
    case : where all inputs stand otherwise
    ranges : for each input the factors down and up, and a function that applies one; ``RANGES`` if omitted
    """
    swings = []
    for what, (down, up, move) in (ranges or RANGES).items():
        ends = [move(case, down), move(case, up)]
        usd = [next(option for option in options(end) if option.name == "Lambda").total for end in ends]
        best = [cheapest(end, rack=False).name for end in ends]
        swings.append(Swing(what, f"× {down:g}", f"× {up:g}", *usd, *best))
    return tuple(sorted(swings, key=lambda swing: -swing.width))
