"""Your own traffic in, a decision record out: reading logs and metrics, the record, the command line.

:func:`recognise` says what a file looks like and :func:`read` boils it down to counts; :func:`decide` turns those into
advice and :func:`record` writes it up. ``python -m helpers.report --help`` does all of it from a terminal. Names are
imported when they are first used: a command that only prints its help should not wait for pandas.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from helpers.report.command import write
    from helpers.report.deciding import Wish, decide, origin_of
    from helpers.report.desk import Desk
    from helpers.report.keeping import changes, kept, load
    from helpers.report.reading import Reading, read
    from helpers.report.recognising import Recognised, recognise
    from helpers.report.recording import Origin, record
    from helpers.report.sources import Source, Unreadable

_MODULES = {
    "command": ("write",),
    "deciding": ("Wish", "decide", "origin_of"),
    "desk": ("Desk",),
    "keeping": ("changes", "kept", "load"),
    "reading": ("Reading", "read"),
    "recognising": ("Recognised", "recognise"),
    "recording": ("Origin", "record"),
    "sources": ("Source", "Unreadable"),
}
_HOME = {name: module for module, names in _MODULES.items() for name in names}

__all__ = [
    "Desk",
    "Origin",
    "Reading",
    "Recognised",
    "Source",
    "Unreadable",
    "Wish",
    "changes",
    "decide",
    "kept",
    "load",
    "origin_of",
    "read",
    "recognise",
    "record",
    "write",
]


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    found = getattr(importlib.import_module(f"{__name__}.{_HOME[name]}"), name)
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    return sorted(__all__)
