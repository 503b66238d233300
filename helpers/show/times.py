"""Durations as labels say them, and the unit in which an axis of time counts."""

from __future__ import annotations

import math

from helpers.show.wording import number

_LONGEST_IN_MS = 5.0


def duration(ms: float) -> str:
    """Write a duration with three significant digits, in the unit that people would choose.

    Examples
    --------
    >>> duration(0.8437), duration(58.31), duration(203.4), duration(1234.5), duration(95_000), duration(7_260_000)
    ('0.844 ms', '58.3 ms', '203 ms', '1.23 s', '1 min 35 s', '2 h 1 min')
    """
    ms = float(ms)
    if not math.isfinite(ms):
        return "unknown"
    if abs(short := _three_digits(ms)) < 1000:
        return f"{number(short)} ms"
    if abs(short := _three_digits(ms / 1000)) < 60:
        return f"{number(short)} s"
    seconds = round(ms / 1000)
    if seconds < 3600:
        minutes, rest = divmod(seconds, 60)
        return f"{minutes} min {rest} s" if rest else f"{minutes} min"
    hours, minutes = divmod(round(seconds / 60), 60)
    return f"{number(hours)} h {minutes} min" if minutes else f"{number(hours)} h"


def from_to(low_ms: float, high_ms: float) -> str:
    """Write a range of durations; one duration if both ends read the same.

    Examples
    --------
    >>> from_to(58.31, 71.2), from_to(200.1, 200.2)
    ('58.3 ms to 71.2 ms', '200 ms')
    """
    low, high = duration(low_ms), duration(high_ms)
    return low if low == high else f"{low} to {high}"


def unit(span_s: float) -> tuple[str, float]:
    """Choose an axis' unit of time for a span: its name, and how many of it a second has.

    Examples
    --------
    >>> unit(0.35), unit(42)
    (('milliseconds', 1000.0), ('seconds', 1.0))
    """
    return ("milliseconds", 1000.0) if span_s <= _LONGEST_IN_MS else ("seconds", 1.0)


def _three_digits(value: float) -> float:
    return float(f"{value:.3g}")
