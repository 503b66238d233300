"""How far off a number is, in words that don't give the right one away.

"About 9 USD a month (4 times) too high" tells a learner where to look. The figures are rounded, and when one of
them would still lead straight to the answer, a coarse phrase stands in for them.
"""

from __future__ import annotations

from collections.abc import Callable

_VERY_CLOSE = 0.01


def how_far(answer: float, expected: float, accepted: Callable[[float], bool], unit: str = "") -> str:
    """Say how far ``answer`` is from ``expected``, and on which side.

    Parameters
    ----------
    answer, expected : float
        Two numbers that differ.
    accepted : callable
        Whether a number would pass as the answer.
    unit : str
        What both are in.

    Examples
    --------
    >>> how_far(12, 2.73, lambda number: abs(number - 2.73) <= 0.005, "USD a month")
    'about 9 USD a month (4 times) too high'
    >>> how_far(12, 10, lambda number: number == 10, "environments")
    'too high by a tenth to a half'
    """
    from helpers.show.wording import number

    side = "high" if answer > expected else "low"
    difference = abs(answer - expected)
    if answer * expected < 0:
        return f"too {side}: it has the wrong sign"
    off = _short(difference, 1)
    for digits in (2, 1):
        share, reached = _share(answer, expected, digits)
        reached.append(answer - off if side == "high" else answer + off)
        if not any(accepted(candidate) for candidate in reached):
            return f"about {number(off)}{' ' + unit if unit else ''}{share} too {side}"
    return coarsely(answer, expected)


def _share(answer: float, expected: float, digits: int) -> tuple[str, list[float]]:
    """Give the relative distance in brackets, and what somebody would reach who took it at its word."""
    from helpers.show.wording import number

    if not answer or not expected:
        return "", []
    larger, smaller = max(abs(answer), abs(expected)), min(abs(answer), abs(expected))
    if larger >= 1e6 * smaller:
        return " (over a million times)", []
    if larger >= 2 * smaller:
        times = _short(larger / smaller, digits)
        return f" ({number(times)} times)", [answer / times, answer * times]
    percent = _short(100 * (larger - smaller) / abs(expected), digits)
    larger_by = percent / 100 if abs(answer) > abs(expected) else -percent / 100
    return f" ({number(percent)}%)", [answer / (1 + larger_by)]


def coarsely(answer: float, expected: float) -> str:
    """Say how far off a number is without any figure that could be worked back.

    Examples
    --------
    >>> coarsely(30, 10), coarsely(4, 10), coarsely(10.05, 10)
    ('more than twice too high', 'too low by more than half', 'too high by less than 1%; look at the rounding')
    """
    side = "high" if answer > expected else "low"
    share = abs(answer - expected) / abs(expected) if expected else float("inf")
    if not expected:
        return f"too {side}"
    if share < _VERY_CLOSE:
        return f"too {side} by less than 1%; look at the rounding"
    if share < 0.1:
        return f"too {side} by less than a tenth"
    if share < 0.5:
        return f"too {side} by a tenth to a half"
    if share <= 1:
        return f"too {side} by more than half"
    return f"more than twice too {side}"


def times_off(answer: float, expected: float) -> str:
    """Say by what factor or share one number misses another that is known: for a prediction beside its result.

    Examples
    --------
    >>> times_off(12, 2.73), times_off(2.7, 2.73), times_off(3, 3)
    ('4.4 times too high', '1.1% too low', 'just right')
    """
    from helpers.show.wording import number

    if answer == expected:
        return "just right"
    side = "high" if answer > expected else "low"
    if answer * expected <= 0:
        return f"{number(_short(abs(answer - expected), 2))} too {side}"
    larger, smaller = max(abs(answer), abs(expected)), min(abs(answer), abs(expected))
    if larger >= 2 * smaller:
        return f"{number(_short(larger / smaller, 2))} times too {side}"
    return f"{number(_short(100 * (larger - smaller) / abs(expected), 2))}% too {side}"


def _short(value: float, digits: int) -> float:
    """Keep a few significant digits."""
    return float(f"{value:.{digits}g}")
