"""What a record keeps for machines: inputs and results, in a comment at its end; and what changed between two.

The block holds a case and its numbers, no log and no line of one. A record that was edited by hand is still read as
long as the block is whole.
"""

from __future__ import annotations

import datetime
import json
import os
import re
import tempfile
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from helpers.advice import Advice, Case, by_rule
from helpers.advice.case import said
from helpers.show.wording import dollars

MARK = "decision-record"
VERSION = 1
_BLOCK = re.compile(rf"<!-- {MARK} (\d+)\n(.*?)\n-->", re.S)


class Broken(ValueError):
    """A record without a block that can be read."""


@dataclass(frozen=True)
class Kept:
    """The block of a record: name, date, inputs (a case's fields), results."""

    name: str
    date: datetime.date
    inputs: dict[str, Any]
    results: dict[str, Any]

    def case(self) -> Case:
        """Return the case, by today's defaults where the record knows no value."""
        known = {field.name for field in fields(Case)}
        try:
            return Case(**{name: value for name, value in self.inputs.items() if name in known})
        except (TypeError, ValueError) as problem:
            raise Broken(f"the inputs of the record are no case: {problem}") from None


def kept(advice: Advice, name: str, date: datetime.date) -> Kept:
    """Return what a record of this advice keeps."""
    bills = {option.name: round(option.total, 2) for option in advice.options}
    results: dict[str, Any] = {
        "run on": advice.run_on.name,
        "break-even": None if advice.break_even is None else float(f"{advice.break_even:.3g}"),
        "bills": bills,
        "verdicts": {rule: verdict.level for rule, verdict in by_rule((*advice.edges, *advice.fit)).items()},
    }
    if (played := advice.played) is not None:
        results["latency p99"] = round(played.latency_ms[2], 1)
        results["throttled"] = played.throttled
        results["environments at most"] = played.peak_environments
    return Kept(name, date, asdict(advice.case), results)


def hidden(advice: Advice, name: str, date: datetime.date) -> str:
    """Return the block as a comment of Markdown and HTML alike."""
    block = kept(advice, name, date)
    data = {"name": name, "date": date.isoformat(), "inputs": block.inputs, "results": block.results}
    # Two dashes would end the comment; and nothing in it shall ever be taken for a tag.
    text = json.dumps(data, indent=1).replace("--", "-\\u002d").replace("<", "\\u003c")
    return f"<!-- {MARK} {VERSION}\n{text}\n-->"


def load(path: Path) -> Kept:
    """Read the block of a record.

    Raises
    ------
    Broken
        When the file has none, or a damaged one.
    """
    return loads(path.read_text(encoding="utf-8", errors="replace"), path.name)


def loads(text: str, name: str = "the record") -> Kept:
    """Read the block from a record's text; as :func:`load`."""
    match = _BLOCK.search(text)
    if match is None:
        raise Broken(f"{name} holds no block of a decision record")
    try:
        data = json.loads(match[2])
        return Kept(str(data["name"]), datetime.date.fromisoformat(data["date"]), data["inputs"], data["results"])
    except (ValueError, KeyError, TypeError) as problem:
        raise Broken(f"the block of {name} is damaged: {problem}") from None


def changes(then: Kept, now: Kept) -> list[tuple[str, str, str]]:
    """Return what differs between two records: what, then, now. What moved by less than half a percent is left out."""
    found = []
    for what in ("run on", "break-even", "latency p99", "throttled", "environments at most"):
        if what in then.results and what in now.results:  # what was not simulated this time is no change
            _compare(found, what, then.results[what], now.results[what])
    for group, unit in (("verdicts", ""), ("bills", " USD a month")):
        old, new = then.results.get(group, {}), now.results.get(group, {})
        for name in dict.fromkeys([*new, *old]):
            _compare(found, f"{name}{unit}", old.get(name), new.get(name), money=group == "bills")
    for name in now.inputs:
        if name in then.inputs:
            _compare(found, name, then.inputs[name], now.inputs[name])
    return found


def _compare(found: list[tuple[str, str, str]], what: str, old: Any, new: Any, *, money: bool = False) -> None:
    if isinstance(old, (int, float)) and isinstance(new, (int, float)) and not isinstance(old, bool):
        same = abs(new - old) <= 0.005 * max(abs(old), abs(new)) or (money and abs(new - old) < 0.01)
    else:
        same = old == new
    if not same:
        write = dollars if money else _figure
        found.append((what, *("none" if value is None else write(value) for value in (old, new))))


def _figure(value: Any) -> str:
    if isinstance(value, (int, float)) and not isinstance(value, bool) and abs(value) >= 1000:
        return f"{value:,.0f}"
    return said(value)


def write_atomically(path: Path, text: str) -> None:
    """Write a file so that whoever looks sees the old one or the whole new one.

    Raises
    ------
    OSError
        When the folder doesn't exist or cannot be written to; an old file stays as it was.
    """
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".part")
    try:
        with os.fdopen(handle, "w", encoding="utf-8", newline="\n") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        mode = path.stat().st_mode & 0o777 if path.exists() else 0o666 & ~_umask()
        os.chmod(temporary, mode)
        os.replace(temporary, path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def _umask() -> int:
    mask = os.umask(0o077)  # there is no way to ask without setting
    os.umask(mask)
    return mask
