"""Filter patterns of CloudWatch Logs: which messages a subscription is interested in.

Terms (``ERROR``, ``"no such order"``, ``-DEBUG``, ``?WARN ?ERROR``) and comparisons of JSON
(``{ $.level = "ERROR" && $.duration > 100 }``) are understood. A pattern of any other form lets everything pass.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from fnmatch import fnmatchcase
from typing import Any

_TERM = re.compile(r'([-?]?)(?:"((?:[^"\\]|\\.)*)"|(\S+))')
_COMPARISON = re.compile(r'\(?\s*\$\.([\w.\[\]]+)\s*(>=|<=|!=|=|>|<)\s*("(?:[^"\\]|\\.)*"|[^\s)]+)\s*\)?\s*$')
_NUMERIC: dict[str, Callable[[float, float], bool]] = {
    "=": lambda a, b: a == b,
    "!=": lambda a, b: a != b,
    ">": lambda a, b: a > b,
    "<": lambda a, b: a < b,
    ">=": lambda a, b: a >= b,
    "<=": lambda a, b: a <= b,
}


def matches(pattern: str, message: str) -> bool:
    """Say whether a message fits a filter pattern.

    >>> matches("ERROR -retried", "ERROR no such order"), matches("?WARN ?ERROR", "INFO all well")
    (True, False)
    >>> matches('{ $.level = "ERROR" && $.duration_ms > 100 }', '{"level": "ERROR", "duration_ms": 250}')
    True
    """
    pattern = pattern.strip()
    if pattern.startswith("{") and pattern.endswith("}"):
        return _matches_json(pattern[1:-1], message)
    if not pattern or pattern.startswith(("[", "%", "{")):
        return True
    terms = [(sign, quoted or plain) for sign, quoted, plain in _TERM.findall(pattern)]
    optional = [term for sign, term in terms if sign == "?"]
    return (
        all(term in message for sign, term in terms if sign == "")
        and not any(term in message for sign, term in terms if sign == "-")
        and (not optional or any(term in message for term in optional))
    )


def _matches_json(condition: str, message: str) -> bool:
    try:
        data = json.loads(message)
    except ValueError:
        return False
    return any(all(_compares(part, data) for part in alternative.split("&&")) for alternative in condition.split("||"))


def _compares(part: str, data: Any) -> bool:
    found = _COMPARISON.match(part.strip())
    if not found:
        return True
    path, operator, wanted = found.groups()
    value = data
    for step in path.replace("[", ".").replace("]", "").split("."):
        try:
            value = value[int(step)] if isinstance(value, list) else value[step]
        except (KeyError, IndexError, TypeError, ValueError):
            return False
    if isinstance(value, bool) or value is None:
        value = json.dumps(value)
    if isinstance(value, (int, float)):
        try:
            return _NUMERIC[operator](value, float(wanted.strip('"')))
        except ValueError:
            return operator == "!="
    same = fnmatchcase(str(value), wanted.strip('"'))
    return same if operator == "=" else not same if operator == "!=" else False
