"""Numbers and lists as a sentence says them: ``1,536``, ``3 million``, ``$2.73``, ``a, b and c``."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable

_PACKS = {"1M": 1e6, "1,000": 1e3}
_SUFFIX = {"k": 1e3, "m": 1e6, "b": 1e9, "thousand": 1e3, "million": 1e6, "billion": 1e9}
_NUMBER = re.compile(r"([+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:e[+-]?\d+)?)\s*([a-z]*)", re.IGNORECASE)
_NAMED = ((1e12, "trillion"), (1e9, "billion"), (1e6, "million"))


def number(value: float, digits: int = 6) -> str:
    """Write a number with thousands separators and no needless decimals.

    Examples
    --------
    >>> number(10240), number(0.25), number(1234567.891)
    ('10,240', '0.25', '1,234,568')
    """
    if isinstance(value, int) or not math.isfinite(value):
        return f"{value:,}"
    if value and abs(value) < 1e-4:
        return f"{value:.{digits}g}"
    decimals = max(0, digits - 1 - math.floor(math.log10(abs(value)))) if value else 0
    text = f"{value:,.{decimals}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def read(text: str, unit: str = "") -> float | None:
    """Read a number as people type it; None if it is none.

    Examples
    --------
    >>> read("3,000,000"), read("3M"), read("1.5 million"), read("512 MB", "MB"), read("$0.20"), read("a lot")
    (3000000.0, 3000000.0, 1500000.0, 512.0, 0.2, None)
    """
    text = text.strip().lower().replace("_", "").replace("\u202f", "").replace("\xa0", "")
    text = text.removesuffix(unit.lower()).strip().removeprefix("$").strip()
    # A comma groups thousands if three digits follow it, else it is some countries' decimal point.
    text = text.replace(",", "") if re.search(r",\d{3}(?!\d)", text) else text.replace(",", ".")
    match = _NUMBER.fullmatch(text)
    if match is None or match[2] not in ("", *_SUFFIX):
        return None
    return float(match[1]) * _SUFFIX.get(match[2], 1)


def quantity(value: float) -> str:
    """Write a large number as people say it.

    Examples
    --------
    >>> quantity(3e6), quantity(7_440_000), quantity(1536)
    ('3 million', '7.44 million', '1,536')
    """
    for size, name in _NAMED:
        if abs(value) >= size:
            return f"{number(value / size, 4)} {name}"
    return number(value)


def counted(value: float, unit: str) -> str:
    """Write an amount with its unit: packs opened, plural where there are several.

    Examples
    --------
    >>> counted(2, "1M requests"), counted(140_000, "GB-second"), counted(1, "hour"), counted(30, "GB")
    ('2 million requests', '140,000 GB-seconds', '1 hour', '30 GB')
    """
    pack, _, rest = unit.partition(" ")
    if pack in _PACKS and rest:
        return f"{quantity(value * _PACKS[pack])} {rest}"
    several = re.search(r"(hour|month|second|user|server|year)$", unit) and value != 1
    return f"{quantity(value)} {unit}{'s' if several else ''}"


def dollars(value: float) -> str:
    """Write an amount to the cent, or with three digits when it is less than a cent.

    Examples
    --------
    >>> dollars(2.7344), dollars(1234.5), dollars(0), dollars(0.00002083)
    ('$2.73', '$1,234.50', '$0.00', '$0.0000208')
    """
    value = float(value)
    sign, size = ("-" if value < 0 else ""), abs(value)
    if 0 < size < 0.005:
        decimals = 2 - math.floor(math.log10(size))
        return f"{sign}${size:.{decimals}f}"
    return f"{sign}${size:,.2f}"


def listed(words: Iterable[object], last: str = "and") -> str:
    """Join words as a sentence does.

    Examples
    --------
    >>> listed(["a"]), listed(["a", "b", "c"]), listed([1, 2], "or")
    ('a', 'a, b and c', '1 or 2')
    """
    words = [str(word) for word in words]
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} {last} {words[-1]}" if words else ""
