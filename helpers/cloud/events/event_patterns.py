"""Whether an event fits an event pattern of EventBridge; event-source mappings use them as filters.

A pattern has the event's shape. Where the event has a value, the pattern has a list of what is allowed there: values,
or rules such as ``{"prefix": "img/"}`` or ``{"numeric": [">", 0, "<=", 5]}``. All fields must fit; ``$or`` asks for one
of several. A value that is an array fits when one of its elements does. Sources, as of 2026-11: "Comparison operators
for use in event patterns" in EventBridge's user guide, and the README of aws/event-ruler, which evaluates the patterns
on AWS.

Patterns for log messages are another language: :mod:`helpers.cloud.events.patterns`.
"""

from __future__ import annotations

import functools
import ipaddress
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

OR = "$or"
NUMBER_MAX = 5_000_000_000
COMPARISONS: dict[str, Callable[[float, float], bool]] = {
    "=": lambda a, b: a == b,
    ">": lambda a, b: a > b,
    ">=": lambda a, b: a >= b,
    "<": lambda a, b: a < b,
    "<=": lambda a, b: a <= b,
}
TEXTS = ("prefix", "suffix", "equals-ignore-case", "wildcard")
RULES = (*TEXTS, "anything-but", "numeric", "exists", "cidr")


def matches(pattern: Mapping[str, Any], event: Mapping[str, Any]) -> bool:
    """Say whether an event fits a pattern that :func:`check` accepts.

    Examples
    --------
    >>> pattern = {"source": ["shop"], "detail": {"size": [{"numeric": [">", 100]}], "key": [{"prefix": "img/"}]}}
    >>> matches(pattern, {"source": "shop", "detail": {"size": 250, "key": "img/cat.png"}})
    True
    >>> matches({"detail": {"key": [{"anything-but": {"suffix": ".png"}}]}}, {"detail": {"key": "img/cat.png"}})
    False
    >>> matches({"error": [{"exists": False}]}, {"detail": "all well"})
    True
    """
    return all(
        any(matches(one, event) for one in wanted) if _is_or(name, wanted) else _fits(wanted, event.get(name, _Missing))
        for name, wanted in pattern.items()
    )


def check(pattern: object) -> None:
    """Check that a pattern is one.

    Raises
    ------
    ValueError
        with the reason, in a sentence that can follow "Event pattern is not valid. Reason: "

    Examples
    --------
    >>> check({"source": "shop"})
    Traceback (most recent call last):
    ValueError: "source" must be an object or an array
    """
    if not isinstance(pattern, Mapping):
        raise ValueError("Filter is not an object")
    if not pattern:
        raise ValueError("Empty objects are not allowed")
    for name, wanted in pattern.items():
        if _is_or(name, wanted):
            for one in wanted:
                check(one)
        elif isinstance(wanted, Mapping):
            check(wanted)
        elif isinstance(wanted, list):
            _check_leaf(name, wanted)
        else:
            raise ValueError(f'"{name}" must be an object or an array')


class _Missing:
    """What stands where an event has no such field."""


def _is_or(name: str, wanted: object) -> bool:
    return (
        name == OR
        and isinstance(wanted, list)
        and len(wanted) > 1
        and all(isinstance(one, Mapping) and not set(one) & set(RULES) for one in wanted)
    )


def _fits(wanted: Any, value: Any) -> bool:
    if isinstance(wanted, Mapping):
        if isinstance(value, list):
            # All that is asked of one element must hold for the same element.
            return any(_fits(wanted, one) for one in value or [{}])
        return matches(wanted, value if isinstance(value, Mapping) else {})
    values = list(_leaves(value))
    if not values:
        return any(isinstance(one, Mapping) and one.get("exists") is False for one in wanted)
    return any(_allows(one, found) for one in wanted for found in values)


def _leaves(value: Any) -> Iterable[Any]:
    """Yield the values at a field; an object has none, only its fields have."""
    if isinstance(value, list):
        for one in value:
            yield from _leaves(one)
    elif value is not _Missing and not isinstance(value, Mapping):
        yield value


def _allows(rule: Any, value: Any) -> bool:
    if not isinstance(rule, Mapping):
        return _same(rule, value)
    ((kind, wanted),) = rule.items()
    if kind == "exists":
        return bool(wanted)
    if kind == "anything-but":
        if isinstance(wanted, Mapping):
            ((kind, wanted),) = wanted.items()
            return not any(_allows({kind: one}, value) for one in _listed(wanted))
        return not any(_same(one, value) for one in _listed(wanted))
    if kind == "numeric":
        return _is_number(value) and all(
            COMPARISONS[sign](value, bound) for sign, bound in zip(wanted[::2], wanted[1::2], strict=True)
        )
    return isinstance(value, str) and _text_fits(kind, wanted, value)


def _text_fits(kind: str, wanted: Any, value: str) -> bool:
    if isinstance(wanted, Mapping):  # {"prefix": {"equals-ignore-case": "img/"}}
        wanted, value = wanted["equals-ignore-case"].lower(), value.lower()
    if kind == "prefix":
        return value.startswith(wanted)
    if kind == "suffix":
        return value.endswith(wanted)
    if kind == "equals-ignore-case":
        return value.lower() == wanted.lower()
    if kind == "wildcard":
        return _wildcard(wanted).fullmatch(value) is not None
    try:
        return ipaddress.ip_address(value) in ipaddress.ip_network(wanted, strict=False)
    except ValueError:
        return False


@functools.lru_cache(maxsize=256)
def _wildcard(text: str) -> re.Pattern[str]:
    """Return a wildcard pattern as a regular expression: ``*`` is any text, a backslash takes its meaning away."""
    parts = re.findall(r"\\[*\\]|.", text, re.DOTALL)
    return re.compile("".join(".*" if part == "*" else re.escape(part[-1]) for part in parts), re.DOTALL)


def _same(wanted: Any, value: Any) -> bool:
    """Compare as JSON does: ``true`` isn't 1, while 3 is 3.0."""
    if _is_number(wanted) and _is_number(value):
        return float(wanted) == float(value)
    return type(wanted) is type(value) and wanted == value


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _check_leaf(name: str, allowed: list[Any]) -> None:
    if not allowed:
        raise ValueError("Empty arrays are not allowed")
    for one in allowed:
        if isinstance(one, Mapping):
            if len(one) != 1:
                raise ValueError("Only one key allowed in match expression")
            ((kind, wanted),) = one.items()
            _check_rule(kind, wanted)
        elif not (one is None or isinstance(one, (str, int, float))):
            raise ValueError(f'Match value must be String, number, true, false, or null, in "{name}"')


def _check_rule(kind: str, wanted: Any) -> None:
    if kind not in RULES:
        raise ValueError(f"Unrecognized match type {kind}")
    if kind == "exists" and not isinstance(wanted, bool):
        raise ValueError("exists match pattern must be either true or false.")
    if kind == "numeric":
        _check_numeric(wanted)
    elif kind == "anything-but":
        _check_anything_but(wanted)
    elif kind == "cidr":
        try:
            ipaddress.ip_network(wanted, strict=False)
        except (ValueError, TypeError):
            raise ValueError(f"Malformed CIDR, one slash required, got {wanted!r}") from None
    elif kind in ("prefix", "suffix") and isinstance(wanted, Mapping):
        if set(wanted) != {"equals-ignore-case"} or not isinstance(wanted["equals-ignore-case"], str):
            raise ValueError(f"Unsupported {kind} pattern: a text or equals-ignore-case is expected")
    elif kind in TEXTS:
        _check_text(kind, wanted)


def _check_text(kind: str, wanted: Any) -> None:
    if not isinstance(wanted, str):
        raise ValueError(f"{kind} match pattern must be a string")
    if kind == "wildcard" and "**" in re.sub(r"\\.", "", wanted):
        raise ValueError("Consecutive wildcard characters at pos " + str(wanted.index("**")))
    if kind == "wildcard" and re.search(r"(?<!\\)(\\\\)*\\(?![*\\])", wanted):
        raise ValueError("Invalid escape character in wildcard match pattern")


def _check_numeric(wanted: Any) -> None:
    if not isinstance(wanted, list) or not wanted:
        raise ValueError("Invalid member in numeric match: an array is expected")
    signs, bounds = wanted[::2], wanted[1::2]
    if any(not isinstance(sign, str) or sign not in COMPARISONS for sign in signs):
        raise ValueError(f"Unrecognized numeric range operator: {next(s for s in signs if s not in COMPARISONS)}")
    if len(signs) != len(bounds) or any(not _is_number(bound) for bound in bounds):
        raise ValueError("Value of " + str(signs[min(len(bounds), len(signs) - 1)]) + " must be numeric")
    if any(abs(bound) > NUMBER_MAX for bound in bounds):
        raise ValueError("Value must be between -5.0E9 and 5.0E9, inclusive")
    if len(signs) > 2 or (len(signs) == 2 and not (signs[0][0] == ">" and signs[1][0] == "<")):
        raise ValueError("Too many elements in numeric expression")
    if len(signs) == 2 and bounds[0] >= bounds[1]:
        raise ValueError("Bottom must be less than top")


def _check_anything_but(wanted: Any) -> None:
    if isinstance(wanted, Mapping):
        if len(wanted) != 1 or next(iter(wanted)) not in TEXTS:
            raise ValueError(f"Unsupported anything-but pattern: {', '.join(wanted) or 'an empty object'}")
        ((kind, texts),) = wanted.items()
        for one in _listed(texts) or [None]:
            _check_text(kind, one)
        return
    values = _listed(wanted)
    if not values:
        raise ValueError("Empty arrays are not allowed")
    if not (all(isinstance(one, str) for one in values) or all(_is_number(one) for one in values)):
        raise ValueError(
            "Inside anything but list, either all values are number or string, mixed type is not supported"
        )
