"""Read one table of ``data/`` and check it against its description, cell by cell.

``data/datapackage.json`` is the one place that says which columns a table has, what type each
is and what it may hold. This module applies that description with the standard library alone:
the frictionless library checks the same file in the tests, but takes a second to import, and a
learner's first cell should not pay for it. :mod:`helpers.tables` turns the rows into frames and
values.

An empty cell is read as ``""`` in a text column and as ``None`` in every other.
"""

from __future__ import annotations

import csv
import json
import math
import re
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path
from typing import Any

DATA = Path(__file__).resolve().parents[2] / "data"
PACKAGE = "datapackage.json"

Row = dict[str, Any]


class TableError(ValueError):
    """A table is missing or malformed; the message says where, what was found and what belongs there.

    Attributes
    ----------
    file : str
        Name of the file, relative to the data folder.
    row : int or None
        Row as a spreadsheet counts it: the header is row 1. None when the whole file is meant.
    column : str or None
        Name of the column, None when the whole row is meant.
    found, expected : str
        What the cell holds and what it should hold.
    """

    def __init__(
        self, file: str, *, row: int | None = None, column: str | None = None, found: str, expected: str
    ) -> None:
        self.file, self.row, self.column, self.found, self.expected = file, row, column, found, expected
        place = file
        if row is not None:
            place += f", row {row}"
        if column is not None:
            place += f", column {column}"
        super().__init__(f"{place}: found {found}, expected {expected}")


def read(name: str, folder: Path | str | None = None) -> list[Row]:
    """Read and check one table.

    Parameters
    ----------
    name : str
        Name of the table in ``datapackage.json``, for instance ``"prices"``.
    folder : path, optional
        Where ``datapackage.json`` and the files are; by default the repository's ``data/``.

    Returns
    -------
    list of dict
        One per row, with the columns in order and every value in its type.

    Raises
    ------
    TableError
        If the file is missing or a cell does not fit its description.
    """
    folder = DATA if folder is None else Path(folder)
    resource = describe(name, folder)
    file = resource["path"]
    schema = resource["schema"]
    rows = list(_rows(folder, file, schema["fields"]))
    _check_unique(file, schema, rows)
    if name == "prices":
        _check_tiers(file, rows)
    return rows


def describe(name: str, folder: Path | str | None = None) -> dict[str, Any]:
    """Return the description of one table from ``datapackage.json``."""
    folder = DATA if folder is None else Path(folder)
    try:
        package = json.loads((folder / PACKAGE).read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise TableError(PACKAGE, found="no such file", expected=f"it in {folder}") from None
    except json.JSONDecodeError as error:
        raise TableError(PACKAGE, row=error.lineno, found=error.msg, expected="JSON") from None
    for resource in package["resources"]:
        if resource["name"] == name:
            return resource
    known = ", ".join(resource["name"] for resource in package["resources"])
    raise TableError(PACKAGE, found=f"no table {name!r}", expected=f"one of {known}")


def _rows(folder: Path, file: str, fields: list[dict[str, Any]]) -> Iterator[Row]:
    """Yield the rows of one file, typed."""
    names = [field["name"] for field in fields]
    parsers = [_parser(file, field) for field in fields]
    if not (folder / file).is_file():
        raise TableError(file, found="no such file", expected=f"it in {folder}")
    with open(folder / file, encoding="utf-8", newline="") as handle:
        lines = csv.reader(handle)
        try:
            header = next(lines, [])
            _check_header(file, header, names)
            for number, cells in enumerate(lines, start=2):
                if len(cells) != len(names):
                    raise TableError(file, row=number, found=f"{len(cells)} cells", expected=f"{len(names)}")
                yield {name: parse(number, cell) for name, parse, cell in zip(names, parsers, cells, strict=True)}
        except (csv.Error, UnicodeDecodeError) as error:
            raise TableError(file, row=lines.line_num, found=str(error), expected="CSV in UTF-8") from None


def _check_header(file: str, header: list[str], names: list[str]) -> None:
    """Refuse missing, extra, repeated and misplaced columns."""
    for name in names:
        if name not in header:
            raise TableError(file, row=1, column=name, found="no such column", expected=", ".join(names))
    for name in header:
        if name not in names:
            raise TableError(file, row=1, column=name, found="an extra column", expected=", ".join(names))
    if header != names:
        raise TableError(file, row=1, found=", ".join(header), expected=", ".join(names))


def _parser(file: str, field: dict[str, Any]) -> Callable[[int, str], Any]:
    """Return a function that turns one cell of this field into its value, or says what is wrong."""
    name, kind = field["name"], field["type"]
    rules = field.get("constraints", {})
    required = rules.get("required", False)
    pattern = re.compile(rules["pattern"]) if "pattern" in rules else None
    allowed = rules.get("enum")
    least, most = rules.get("minimum"), rules.get("maximum")
    convert, expectation = _TYPES[kind]
    empty = "" if kind == "string" else None
    if kind == "date":
        least, most = least and date.fromisoformat(least), most and date.fromisoformat(most)

    def parse(row: int, cell: str) -> Any:
        def refuse(expected: str) -> TableError:
            return TableError(file, row=row, column=name, found=repr(cell), expected=expected)

        if not cell.strip():
            if required:
                raise TableError(file, row=row, column=name, found="nothing", expected=expectation)
            return empty
        try:
            value = convert(cell)
        except (ValueError, KeyError):
            raise refuse(expectation) from None
        if allowed is not None and value not in allowed:
            raise refuse("one of " + ", ".join(map(str, allowed)))
        if pattern is not None and not pattern.fullmatch(cell):
            raise refuse(f"text of the form {pattern.pattern}")
        if least is not None and value < least:
            raise refuse(f"at least {least}")
        if most is not None and value > most:
            raise refuse(f"at most {most}")
        return value

    return parse


def _number(cell: str) -> float:
    value = float(cell)
    if not math.isfinite(value):
        raise ValueError(cell)
    return value


def _date(cell: str) -> date:
    if not _ISO_DATE.fullmatch(cell):
        raise ValueError(cell)
    return date.fromisoformat(cell)


def _boolean(cell: str) -> bool:
    return _BOOLEANS[cell]


_BOOLEANS = {"true": True, "false": False}
_ISO_DATE = re.compile(r"\d{4}-\d\d-\d\d")
_TYPES: dict[str, tuple[Callable[[str], Any], str]] = {
    "string": (str, "text"),
    "number": (_number, "a number"),
    "integer": (int, "a whole number"),
    "boolean": (_boolean, "true or false"),
    "date": (_date, "a date as YYYY-MM-DD"),
}


def _check_unique(file: str, schema: dict[str, Any], rows: list[Row]) -> None:
    """Refuse a second row with the same key, and a second value where each must be unique."""
    keys = [(field["name"],) for field in schema["fields"] if field.get("constraints", {}).get("unique")]
    primary = primary_key(schema)
    if primary and primary not in keys:
        keys.append(primary)
    for key in keys:
        seen: dict[tuple[Any, ...], int] = {}
        for number, row in enumerate(rows, start=2):
            value = tuple(row[name] for name in key)
            first = seen.setdefault(value, number)
            if first != number:
                text = ", ".join(str(part) for part in value)
                raise TableError(
                    file,
                    row=number,
                    column=", ".join(key),
                    found=f"{text!r} again, as in row {first}",
                    expected="each only once",
                )


def primary_key(schema: dict[str, Any]) -> tuple[str, ...]:
    """Return the names of the columns that identify a row, none if there are none."""
    key = schema.get("primaryKey", [])
    return (key,) if isinstance(key, str) else tuple(key)


def _check_tiers(file: str, rows: list[Row]) -> None:
    """Refuse the tiers of a meter that leave a gap, overlap, or do not run from zero without end."""
    meters: dict[str, list[tuple[int, Row]]] = {}
    for number, row in enumerate(rows, start=2):
        if row["kind"] == "usd":
            meters.setdefault(row["meter"], []).append((number, row))
    for meter, tiers in meters.items():
        if len(tiers) == 1 and tiers[0][1]["tier_from"] is None:
            continue
        tiers.sort(key=lambda tier: (tier[1]["tier_from"] is not None, tier[1]["tier_from"]))
        due: int | None = 0
        for number, row in tiers:
            if row["tier_from"] != due:
                expected = f"the next tier of {meter} from {due}" if due is not None else "no further tier"
                raise TableError(file, row=number, column="tier_from", found=repr(row["tier_from"]), expected=expected)
            due = row["tier_to"]
            if due is not None and due <= row["tier_from"]:
                raise TableError(
                    file,
                    row=number,
                    column="tier_to",
                    found=repr(due),
                    expected=f"more than {row['tier_from']}",
                )
        if due is not None:
            raise TableError(
                file,
                row=tiers[-1][0],
                column="tier_to",
                found=repr(due),
                expected=f"nothing: the last tier of {meter} has no end",
            )
