"""Your own traffic in, a decision record out: reading logs and metrics, the record, the command line.

:func:`recognise` says what a file looks like and :func:`read` boils it down to counts; ``decide`` turns those into
advice and :func:`record` writes it up. ``python -m helpers.report --help`` does all of it from a terminal.
"""

from helpers.report.command import write
from helpers.report.deciding import Wish, decide, origin_of
from helpers.report.desk import Desk
from helpers.report.keeping import changes, kept, load
from helpers.report.reading import Reading, Recognised, read, recognise
from helpers.report.record import Origin, record
from helpers.report.sources import Source, Unreadable

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
