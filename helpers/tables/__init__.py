"""What everybody trusts: the sourced tables of ``data/``, as typed frames and as single values.

Prices, limits, runtimes, cold starts and the rest are CSV files with a source and a date in
every row. Each is read once, when first asked for, and checked against ``data/datapackage.json``
on the way in (:mod:`helpers.tables.reading`). The calculations above this floor take single
values, :func:`price` and :func:`limit`; notebooks show the frames.

Conventions of every frame: dates are ``datetime64`` (in single values ``datetime.date``), an empty
number is NaN, an empty date is NaT, an empty text is ``""``. A table whose key is one column is
indexed by it. Each call returns a copy, so editing a frame changes nothing for anybody else.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from helpers.tables.reading import Row, TableError, describe, primary_key, read

if TYPE_CHECKING:
    import pandas as pd

__all__ = [
    "Limit",
    "Price",
    "TableError",
    "claims",
    "cold_starts",
    "cold_starts_other",
    "event_source_limits",
    "event_sources",
    "instances",
    "limit",
    "limits",
    "load",
    "mark",
    "measured_starts",
    "price",
    "price_list",
    "prices",
    "responsibility",
    "round_trips",
    "rule_list",
    "rules",
    "runtimes",
    "tiers",
    "timeline",
]


@dataclass(frozen=True, slots=True)
class Price:
    """One row of the price table.

    Attributes
    ----------
    value : float
        What ``per`` units cost, in US dollars (``kind="usd"``), an amount such as a free allowance
        (``"quantity"``), or a share such as a discount (``"fraction"``).
    kind : str
        ``"usd"``, ``"quantity"`` or ``"fraction"``.
    unit : str
        What the value is for, for instance ``"1M requests"``.
    region : str
        AWS Region of the price, or ``"US"`` for what is not sold by AWS.
    as_of : datetime.date
        Date of the newest source.
    source : str
        Where the value was read.
    slug, meter : str
        Name of the row; name of what is metered, which the tiers of one price share.
    per : int
        How many base units ``value`` is for: a million, for ``"1M requests"``.
    tier_from, tier_to : int or None
        Where in the month's use, in base units, this rate begins and ends.
    flag : str
        ``""``, ``"single-sourced"``, ``"assumption"`` or ``"unverified"``.
    """

    value: float
    kind: str
    unit: str
    region: str
    as_of: date
    source: str
    slug: str = ""
    per: int = 1
    meter: str = ""
    tier_from: int | None = None
    tier_to: int | None = None
    flag: str = ""
    service: str = ""
    item: str = ""
    dated: str = "day"
    max_age_days: int | None = None
    source2: str = ""
    note: str = ""

    @property
    def each(self) -> float:
        """Price of one base unit: ``value / per``."""
        return self.value / self.per

    @property
    def mark(self) -> str:
        """What to show beside the value: ``""`` if two sources agree, else why to take care."""
        return self.flag


@dataclass(frozen=True, slots=True)
class Limit:
    """One row of the table of limits.

    Attributes
    ----------
    min, max : int, float or None
        The bounds, None where there is none. A fixed figure has ``min == max``. The ``max`` of an
        adjustable limit is what an account has before it asks for more.
    unit : str
        Unit of ``min``, ``max`` and ``default``.
    adjustable : bool or None
        Whether AWS raises it on request; None if the sources do not say.
    as_of : datetime.date
        Date of the newest source.
    source : str
        Where the value was read.
    slug : str
        Name of the row.
    default : int, float or None
        What applies when nothing is set.
    text : str
        The limit in words, where it is not a number.
    flag : str
        ``""``, ``"single-sourced"``, ``"assumption"`` or ``"unverified"``.
    """

    min: float | None
    max: float | None
    unit: str
    adjustable: bool | None
    as_of: date
    source: str
    slug: str = ""
    default: float | None = None
    text: str = ""
    flag: str = ""
    service: str = ""
    item: str = ""
    dated: str = "day"
    max_age_days: int | None = None
    source2: str = ""
    note: str = ""

    @property
    def mark(self) -> str:
        """What to show beside the value: ``""`` if two sources agree, else why to take care."""
        return self.flag


def price(slug: str) -> Price:
    """Return one price.

    Parameters
    ----------
    slug : str
        Name of the row, as in ``data/prices.csv``.

    Raises
    ------
    KeyError
        If there is no such price; the message names near ones.

    Examples
    --------
    >>> requests = price("lambda.requests")
    >>> requests.value, requests.kind, requests.unit
    (0.2, 'usd', '1M requests')
    >>> f"{requests.each:.7f} for one"
    '0.0000002 for one'
    """
    try:
        return price_list()[slug]
    except KeyError:
        raise _unknown("price", slug, price_list()) from None


def tiers(meter: str) -> tuple[Price, ...]:
    """Return the rates of one meter in order of use; a single one if the price is flat.

    Free allowances are rows of their own (``lambda.free.requests``) and not among them.

    Raises
    ------
    KeyError
        If nothing is metered under this name; the message names near ones.

    Examples
    --------
    >>> [tier.tier_from for tier in tiers("lambda.duration.arm64")]
    [0, 7500000000, 18750000000]
    """
    try:
        return _meters()[meter]
    except KeyError:
        raise _unknown("meter", meter, _meters()) from None


def limit(slug: str) -> Limit:
    """Return one limit.

    Raises
    ------
    KeyError
        If there is no such limit; the message names near ones.

    Examples
    --------
    >>> timeout = limit("lambda.timeout")
    >>> timeout.min, timeout.max, timeout.default, timeout.unit
    (1, 900, 3, 's')
    """
    try:
        return _limits()[slug]
    except KeyError:
        raise _unknown("limit", slug, _limits()) from None


def mark(row: Price | Limit) -> str:
    """Return what to show beside a value: ``""``, or ``"single-sourced"`` and the like."""
    return row.mark


@cache
def price_list(folder: Path | str | None = None) -> Mapping[str, Price]:
    """Return every price by slug, read-only: the default of each bill's ``rates``.

    Parameters
    ----------
    folder : path, optional
        Another data folder with its own ``prices.csv`` and ``datapackage.json``.
    """
    return MappingProxyType({row["slug"]: Price(**row) for row in read("prices", folder)})


@cache
def _meters() -> dict[str, tuple[Price, ...]]:
    meters: dict[str, list[Price]] = {}
    for row in price_list().values():
        if row.kind == "usd":
            meters.setdefault(row.meter, []).append(row)
    return {meter: tuple(sorted(rows, key=lambda row: row.tier_from or 0)) for meter, rows in meters.items()}


@cache
def _limits() -> Mapping[str, Limit]:
    return MappingProxyType({row["slug"]: _limit(row) for row in read("limits")})


def _limit(row: Row) -> Limit:
    def plain(value: float | None) -> float | None:
        return int(value) if value is not None and value.is_integer() else value

    bounds = {name: plain(row[name]) for name in ("min", "max", "default")}
    adjustable = {"yes": True, "no": False, "unknown": None}[row["adjustable"]]
    return Limit(**{**row, **bounds, "adjustable": adjustable})


def _unknown(what: str, slug: Any, known: Iterable[str]) -> KeyError:
    """Return the error for an unknown name, with the nearest names that exist."""
    known = list(known)
    text = str(slug)
    near = difflib.get_close_matches(text, known, n=3, cutoff=0.75)
    if text:
        family = text.rsplit(".", 1)[0] + "."
        near += [name for name in known if name.startswith((text + ".", family)) and name not in near]
    near = near or difflib.get_close_matches(text, known, n=3, cutoff=0.4)
    hint = f"did you mean {', '.join(near[:5])}?" if near else f"see tables.{what}s() for all"
    return KeyError(f"no {what} {text!r}: {hint}")


_DTYPES = {
    "string": "str",
    "number": "float64",
    "integer": "int64",
    "boolean": "bool",
    "date": "datetime64[s]",
}


def load(name: str, folder: Path | str | None = None) -> pd.DataFrame:
    """Read one table into a frame, without the cache.

    Parameters
    ----------
    name : str
        Name of the table in ``datapackage.json``.
    folder : path, optional
        Another data folder, for tests and other regions.

    Raises
    ------
    TableError
        If the file is missing or malformed.
    """
    import pandas as pd

    schema = describe(name, folder)["schema"]
    rows = read(name, folder)
    columns = {}
    for field in schema["fields"]:
        values = [row[field["name"]] for row in rows]
        dtype = _DTYPES[field["type"]]
        if dtype == "int64" and None in values:
            dtype = "float64"
        columns[field["name"]] = pd.Series(values, dtype=dtype)
    frame = pd.DataFrame(columns)
    key = primary_key(schema)
    return frame.set_index(key[0]) if len(key) == 1 else frame


@cache
def _frame(name: str) -> pd.DataFrame:
    return load(name)


def _copy(name: str) -> pd.DataFrame:
    """Return a copy that costs microseconds: pandas copies a column only when it is written to."""
    return _frame(name).copy(deep=False)


def prices() -> pd.DataFrame:
    """Return the price table, indexed by slug: value, kind, unit, tiers, region, as_of, source, flag."""
    return _copy("prices")


def limits() -> pd.DataFrame:
    """Return the limits, indexed by slug: min, max, default, unit, adjustable, as_of, source, flag."""
    return _copy("limits")


def runtimes() -> pd.DataFrame:
    """Return Lambda's runtimes, indexed by name, with the dates on which AWS withdraws each."""
    return _copy("runtimes")


def cold_starts() -> pd.DataFrame:
    """Return measured INIT durations by runtime, architecture, memory and package (maxday/lambda-perf)."""
    return _copy("cold_starts")


def cold_starts_other() -> pd.DataFrame:
    """Return other published figures: starts as a client sees them, idle lifetimes, workload shapes."""
    return _copy("cold_starts_other")


def measured_starts() -> pd.DataFrame:
    """Return cold starts that were measured with the local Lambda on one machine, one start a row."""
    return _copy("measured_starts")


def timeline() -> pd.DataFrame:
    """Return the dated milestones from racks to functions."""
    return _copy("timeline")


def claims() -> pd.DataFrame:
    """Return the lesson's claims, indexed by id, each with a verdict and what to teach instead."""
    return _copy("claims")


def responsibility() -> pd.DataFrame:
    """Return the lesson's table of shared responsibility in long form: one row per cell."""
    return _copy("responsibility")


def event_sources() -> pd.DataFrame:
    """Return what invokes functions, and what each source promises, indexed by its name."""
    return _copy("event_sources")


def event_source_limits() -> pd.DataFrame:
    """Return how long each source waits for a function, and how much one invocation carries, indexed by its name.

    Returns
    -------
    DataFrame
        duration_s, payload_mb (batches included) and batch (events in one invocation), each at most; a duration is NaN
        where nobody says

    Examples
    --------
    >>> event_source_limits().loc["http-api"].tolist()
    [30.0, 6.0, 1.0]
    """
    frame = _copy("event_sources")[["duration_limit", "payload_limit", "batch_limit"]]
    frame = frame.map(_most).set_axis(["duration_s", "payload_mb", "batch"], axis="columns")
    return frame.fillna({"batch": 1}).astype({"batch": int})


def _most(slug: str) -> float:
    """Return a limit's upper bound, in seconds, megabytes (1,024 KiB) or events."""
    if not slug:
        return float("nan")
    found = limit(slug)
    return float(found.max) / (1024 if found.unit == "KiB" else 1)


def round_trips() -> pd.DataFrame:
    """Return how long AWS's stores take to answer, as published, indexed by slug: low_ms, high_ms, as_of, source."""
    return _copy("round_trips")


def rules() -> pd.DataFrame:
    """Return the advisor's rules, indexed by id: measure, thresholds, reason, what would change the verdict."""
    return _copy("rules")


@cache
def rule_list() -> tuple[Mapping[str, Any], ...]:
    """Return the advisor's rules as plain rows, read-only."""
    return tuple(MappingProxyType(row) for row in read("rules"))


def instances() -> pd.DataFrame:
    """Return the EC2 instance types that have a price, with their size, indexed by type."""
    return _copy("instances")
