"""Turn what calculations return into plain, rounded values that every platform writes alike.

A stored figure is compared to the last bit when the notebooks are tested, so a figure holds lists
and numbers only, and floats keep six significant digits: sums done in another order, or by another
C library, still print the same. :mod:`helpers.show.chart` sends every figure through here.
"""

from __future__ import annotations

import datetime
import decimal
import math
import numbers
from typing import Any

import numpy as np
import pandas as pd

DIGITS = 6


def rounded(number: float, digits: int = DIGITS) -> int | float | None:
    """Round to significant digits; None for what JSON has no word for.

    Parameters
    ----------
    number : float
        Anything that ``float`` accepts.
    digits : int
        How many significant digits to keep.

    Returns
    -------
    int, float or None
        A whole number comes back as an int; NaN and the infinities come back as None.

    Examples
    --------
    >>> rounded(0.123456789), rounded(2.0), rounded(float("nan"))
    (0.123457, 2, None)
    """
    number = float(number)
    if not math.isfinite(number):
        return None
    short = float(f"{number:.{digits}g}")
    return int(short) if short.is_integer() and abs(short) < 2**53 else short


def plain(value: Any, where: str = "figure") -> Any:
    """Convert nested dicts, arrays, frames' columns and dates to what JSON holds, rounded.

    Parameters
    ----------
    value : object
        Dicts, sequences, NumPy and pandas values, numbers, dates, text.
    where : str
        The path that an error names.

    Returns
    -------
    object
        Dicts, lists, str, int, float, bool and None only.

    Raises
    ------
    TypeError
        If something has no plain form, naming where it sits.

    Examples
    --------
    >>> plain({"x": np.array([1.0, 1 / 3, np.inf])})
    {'x': [1, 0.333333, None]}
    """
    if value is None or isinstance(value, str | bool):
        return value
    if isinstance(value, np.bool_):
        return bool(value)
    if isinstance(value, numbers.Integral):
        return int(value)
    if isinstance(value, numbers.Real | decimal.Decimal):
        return rounded(value)
    if isinstance(value, dict):
        return {str(key): plain(item, f"{where}.{key}") for key, item in value.items()}
    if isinstance(value, np.ndarray | pd.Series | pd.Index):
        value = value.tolist()
    if isinstance(value, list | tuple | range):
        return [plain(item, f"{where}[{i}]") for i, item in enumerate(value)]
    if value is pd.NA or value is pd.NaT:
        return None
    if isinstance(value, datetime.date):
        return value.isoformat()
    raise TypeError(f"{where} must hold numbers, text, dates, lists or dicts, got {type(value).__name__}")
