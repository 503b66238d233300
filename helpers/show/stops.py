"""Where a slider stops: even steps, or nice numbers at even ratios."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

_MANTISSAS = (1, 1.2, 1.5, 2, 2.5, 3, 4, 5, 6, 8)


def nice_step(span: float) -> float:
    """Choose a step of 1, 2 or 5 times a power of ten that cuts the span into about 100."""
    rough = span / 100
    power = 10.0 ** math.floor(math.log10(rough))
    return float(f"{next(m for m in (1, 2, 5, 10) if m * power >= rough * (1 - 1e-9)) * power:.12g}")


def log(low: float, high: float, typed_as: Callable[[float], Any], *, whole: bool) -> list[Any]:
    """List 1, 1.2, 1.5, 2 … within the range, with both of its ends.

    From 0 the first stop above is 1 for whole numbers, else four powers of ten below the top.
    """
    start = low if low > 0 else (1.0 if whole else high / 1e4)
    exponents = range(math.floor(math.log10(start)), math.ceil(math.log10(high)) + 1)
    nice = [float(f"{mantissa}e{exponent}") for exponent in exponents for mantissa in _MANTISSAS]
    inside = [x for x in nice if start <= x < high and x > low and (x.is_integer() or not whole)]
    return [typed_as(x) for x in (low, *inside, high)]


def linear(low: float, high: float, step: float, typed_as: Callable[[float], Any]) -> list[Any]:
    """List low, low + step … and high, whatever the step; twelve digits hide binary noise."""
    count = math.floor((high - low) / step * (1 + 1e-12))
    reached = [typed_as(float(f"{low + i * step:.12g}")) for i in range(count + 1)]
    return reached if reached[-1] == high else [*reached, high]
