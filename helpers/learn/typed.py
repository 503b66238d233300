"""Numbers as people type them into a field: 1,500 or 3 million, with a currency or a unit or without."""

from __future__ import annotations

import re

_SUFFIX = {"": 1.0, "k": 1e3, "thousand": 1e3, "m": 1e6, "million": 1e6, "b": 1e9, "billion": 1e9}
_NUMBER = re.compile(r"[$€]?\s*([+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:e[+-]?\d+)?)\s*([a-z]*)(?:\s\D*|%)?", re.IGNORECASE)


def typed_number(text: str) -> float:
    """Read a number as people type it.

    Examples
    --------
    >>> typed_number("1,500"), typed_number("3 million"), typed_number("$2.73"), typed_number("2,73")
    (1500, 3000000, 2.73, 2.73)

    Raises
    ------
    ValueError
        In words, for anything else.
    """
    plain = re.sub(r"(?<=\d)[,_ '](?=\d{3}(?!\d))", "", text.strip())
    plain = re.sub(r"^(\D*\d+),(\d+)(?!.*[.,])", r"\1.\2", plain)
    found = _NUMBER.fullmatch(plain)
    if not found:
        raise ValueError("Type a number, as in 1500 or 2.73" if text.strip() else "Type a number first")
    factor = _SUFFIX.get(found[2].lower(), 1.0)
    value = float(found[1]) * factor
    return int(value) if value.is_integer() and abs(value) < 2**53 else value
