"""Arguments that are checked in the caller's words, before anything is computed.

Every calculation of the collection takes plain numbers with their unit in the name. What is wrong with one is
said here, once: ``memory_mb must be between 128 and 10240, got 64``. Scalars and arrays go through the same check,
so that a sweep refuses what a single bill refuses.
"""

from collections.abc import Collection
from typing import Any

import numpy as np


def in_words(value: float) -> str:
    """Write a bound as people write it: no exponent, no trailing zero.

    >>> in_words(900000.0), in_words(0.5)
    ('900000', '0.5')
    """
    return f"{value:.10f}".rstrip("0").rstrip(".")


def _allowed(low: float, high: float, above: bool) -> str:
    if np.isinf(low):
        return "any finite number"
    if np.isinf(high):
        return f"more than {in_words(low)}" if above else f"{in_words(low)} or more"
    if above:
        return f"more than {in_words(low)} and at most {in_words(high)}"
    return f"between {in_words(low)} and {in_words(high)}"


def number(name: str, value: Any, low: float = 0.0, high: float = float("inf"), *, above: bool = False) -> Any:
    """Return ``value`` as a float, or as a float array if it was one, when it lies in the allowed range.

    Parameters
    ----------
    name : the parameter's name, as the caller wrote it
    value : a number or an array of numbers
    low, high : the allowed range, both ends included
    above : exclude ``low`` itself, where zero makes no sense

    Raises
    ------
    ValueError
        For text, None, booleans, NaN, infinities and numbers outside the range.

    Examples
    --------
    >>> number("memory_mb", 64, 128, 10240)
    Traceback (most recent call last):
    ValueError: memory_mb must be between 128 and 10240, got 64
    """
    if type(value) in (int, float) and low <= value <= high and abs(value) != np.inf and not (above and value == low):
        return float(value)  # the common case, without the cost of an array
    allowed = _allowed(low, high, above)
    if isinstance(value, (str, bytes, bool, np.bool_)) or value is None:
        raise ValueError(f"{name} must be a number ({allowed}), got {value!r}")
    try:
        array = np.asarray(value)
        if array.dtype == bool:
            raise TypeError
        array = array.astype(float)
    except (TypeError, ValueError):
        raise ValueError(f"{name} must be a number ({allowed}), got {value!r}") from None
    bad = ~np.isfinite(array) | (array < low) | (array > high) | (above & (array == low))
    if bad.any():
        raise ValueError(f"{name} must be {allowed}, got {in_words_or_raw(array[bad].flat[0])}")
    return float(array) if array.ndim == 0 else array


def in_words_or_raw(value: float) -> str:
    """Write a refused value: NaN and infinities by their names, others as :func:`in_words` does."""
    return in_words(value) if np.isfinite(value) else str(float(value))


def choice(name: str, value: Any, allowed: Collection[str]) -> str:
    """Return ``value`` when it is one of the allowed words.

    Raises
    ------
    ValueError
        Naming the parameter, the value and what is allowed.

    Examples
    --------
    >>> choice("architecture", "arm", ("x86_64", "arm64"))
    Traceback (most recent call last):
    ValueError: architecture must be one of x86_64, arm64, got 'arm'
    """
    if not isinstance(value, str) or value not in allowed:
        raise ValueError(f"{name} must be one of {', '.join(allowed)}, got {value!r}")
    return value


def flag(name: str, value: Any) -> bool:
    """Return ``value`` when it is True or False.

    Raises
    ------
    ValueError
        For anything else: ``"no"`` would otherwise count as true.
    """
    if not isinstance(value, (bool, np.bool_)):
        raise ValueError(f"{name} must be True or False, got {value!r}")
    return bool(value)
