"""Logs whose first lines say what each column is: W3C extended format, as CloudFront and IIS write it.

A line ``#Fields:`` names the columns; from it follows the pattern. Both write UTC. CloudFront counts ``time-taken`` in
seconds with decimals, IIS in whole milliseconds.
"""

from __future__ import annotations

import re

from helpers.report.formats import Format, iso_second

MARK = b"#Fields:"
TAKEN = {"sc-status": rb"(\d{3}|-|000)", "sc-bytes": rb"(\d+|-)", "time-taken": rb"([\d.]+|-)"}
PLACES = ("sc-status", "sc-bytes", "time-taken")


def described(head: bytes) -> Format | None:
    r"""Return the format that the first lines describe, or None if they describe none.

    >>> found = described(b"#Version: 1.0\n#Fields: date time cs-method sc-status time-taken\n"
    ...                   b"2026-11-25 10:00:03 GET 200 15\n")
    >>> found.name, found.pattern.findall(b"2026-11-25 10:00:03 GET 200 15")
    ('W3C extended log (IIS, CloudFront)', [(b'2026-11-25 10:00:03', b'200', b'15', b'')])
    """
    line = next((line for line in head.split(b"\n") if line.startswith(MARK)), None)
    if line is None:
        return None
    names = line[len(MARK) :].decode("ascii", "replace").split()
    if "date" not in names or names.index("date") + 1 >= len(names) or names[names.index("date") + 1] != "time":
        return None
    parts, groups = [], []
    for name in names:
        if name == "date":
            parts.append(rb"(\d{4}-\d\d-\d\d[ \t]\d\d:\d\d:\d\d)")
            groups.append("time")
        elif name in TAKEN:
            parts.append(TAKEN[name])
            groups.append(name)
        elif name != "time":
            parts.append(rb"[^\t\n]*?" if b"\t" in head else rb"\S+")
    missing = [name for name in PLACES if name not in groups]
    gap = rb"\t" if b"\t" in head.split(MARK, 1)[1].split(b"\n", 1)[-1][:4000] else rb" +"
    pattern = rb"(?m)^" + gap.join(parts) + rb"(?:[ \t][^\n]*)?\r?$" + b"()" * len(missing)
    order = tuple([*groups, *missing].index(name) for name in ("time", *PLACES))
    columns = [("time", "date and time, UTC")] + [(name, "column " + name) for name in PLACES if name in groups]
    seconds = b"x-edge-location" in line
    return Format(
        "W3C extended log (IIS, CloudFront)",
        re.compile(pattern),
        tuple(columns),
        iso_second,
        duration_ms=1000.0 if seconds else 1.0,
        zone="UTC, as the format has it",
        order=order,  # type: ignore[arg-type]
    )
