"""How old the facts of a notebook are, which of them rest on one source, and which are too old.

Every row of the data tables carries the date of its source and its own age limit.
:func:`as_of` says so for the rows that a notebook uses, in its one cell that depends on today's date.
"""

from __future__ import annotations

import datetime
import difflib
import html
import textwrap
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from helpers import tables
from helpers.show.wording import listed

_COLUMNS = ["service", "item", "as_of", "max_age_days", "flag", "source"]
_EVENT_SOURCE_AGE_DAYS = 550  # as the limits that these rows name


@dataclass(frozen=True, eq=False, repr=False)
class Freshness:
    """The rows that a notebook uses, with their dates.

    Attributes
    ----------
    rows : pandas.DataFrame
        One row per price or limit, indexed by slug: service, item, as_of, max_age_days, flag, source.
    today : datetime.date
        The day that ages are counted to.
    """

    rows: pd.DataFrame
    today: datetime.date = field(default_factory=datetime.date.today)

    @property
    def services(self) -> pd.DataFrame:
        """Count, oldest and newest date of each service."""
        dates = self.rows.groupby("service", sort=True)["as_of"].agg(["count", "min", "max"])
        return dates.rename(columns={"count": "rows", "min": "oldest", "max": "newest"})

    @property
    def outdated(self) -> pd.DataFrame:
        """The rows that are older than their own age limit."""
        age = (pd.Timestamp(self.today) - self.rows["as_of"]).dt.days
        # First the column, then the choice: a price and a limit may share a slug.
        return self.rows.assign(age_days=age)[age > self.rows["max_age_days"]]

    def __str__(self) -> str:
        width = max(len(service) for service in self.services.index)
        said = [self._summary()]
        for service, row in self.services.iterrows():
            said.append(f"  {service:<{width}}  {row['rows']:>3}  {_dates(row['oldest'], row['newest'])}")
        said += [textwrap.fill(note, 100, subsequent_indent="  ") for note in self._notes()]
        return "\n".join(said)

    __repr__ = __str__

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, Any]:
        body = "".join(
            f"<tr><td style='text-align:left'>{html.escape(str(service))}</td><td>{row['rows']}</td>"
            f"<td>{_dates(row['oldest'], row['newest'])}</td></tr>"
            for service, row in self.services.iterrows()
        )
        notes = "".join(f"<p>{html.escape(note)}</p>" for note in self._notes())
        head = "<thead><tr><th style='text-align:left'>Service</th><th>Rows</th><th>As of</th></tr></thead>"
        table = f"<table>{head}<tbody>{body}</tbody></table>"
        return {"text/html": f"<p>{html.escape(self._summary())}</p>{table}{notes}", "text/plain": str(self)}

    def _summary(self) -> str:
        dates = self.rows["as_of"]
        rows = "row" if len(dates) == 1 else "rows"
        return f"Prices and limits used here: {len(dates)} {rows}, as of {_dates(dates.min(), dates.max())}."

    def _notes(self) -> list[str]:
        notes = [
            f"{flag[0].upper()}{flag[1:]} ({len(flagged)}): {listed(flagged.index)}."
            for flag, flagged in self.rows[self.rows["flag"] != ""].groupby("flag", sort=True)
        ]
        for slug, row in self.outdated.iterrows():
            notes.append(
                f"Notice: {row['item']} ({slug}) is from {row['as_of']:%Y-%m-%d}, {row['age_days']} days before"
                f" {self.today}; its age limit is {row['max_age_days']:.0f} days. Check it before you rely on it:"
                f" {row['source']}"
            )
        return notes


def as_of(*slugs_or_prefixes: str, today: datetime.date | None = None) -> Freshness:
    """Say how old the prices, limits and sources of events are that a notebook uses.

    Parameters
    ----------
    *slugs_or_prefixes : str
        ``"lambda"`` stands for every row whose slug starts with ``lambda.``, ``"event_sources"`` for all sources of
        events; without any, all rows.
    today : datetime.date, optional
        The day to count ages to; today if omitted.

    Returns
    -------
    Freshness
        Shows dates by service, the rows that rest on one source or an assumption, and a notice for each
        row that is older than its own limit.

    Raises
    ------
    KeyError
        If no row has such a slug, naming near ones.

    Examples
    --------
    >>> dates = as_of("lambda.requests", "lambda.timeout", today=datetime.date(2026, 12, 1))
    >>> len(dates.rows), len(dates.outdated)
    (2, 0)
    """
    rows = pd.concat([table[_COLUMNS] for table in (tables.prices(), tables.limits(), _event_sources())])
    rows = rows.assign(as_of=pd.to_datetime(rows["as_of"]), flag=rows["flag"].fillna(""))
    if slugs_or_prefixes:
        rows = rows.loc[_matching(rows.index, slugs_or_prefixes)]
    return Freshness(rows, today or datetime.date.today())


def _event_sources() -> pd.DataFrame:
    """Return what invokes functions, under slugs such as ``event_sources.sqs``."""
    frame = tables.event_sources()
    frame = frame.assign(service="Sources of events", item=frame["title"], max_age_days=_EVENT_SOURCE_AGE_DAYS)
    return frame.set_axis("event_sources." + frame.index)


def _matching(slugs: pd.Index, wanted: tuple[str, ...]) -> list[bool]:
    hits = dict.fromkeys(wanted, False)
    keep = []
    for slug in slugs:
        matches = [name for name in wanted if slug == name or slug.startswith(f"{name}.")]
        hits |= dict.fromkeys(matches, True)
        keep.append(bool(matches))
    for name, hit in hits.items():
        if not hit:
            known = dict.fromkeys([*(slug.split(".")[0] for slug in slugs), *slugs])
            near = difflib.get_close_matches(name, known, n=3, cutoff=0.5) or sorted({s.split(".")[0] for s in slugs})
            raise KeyError(f"no price or limit has a slug that starts with {name!r}; near: {', '.join(near)}")
    return keep


def _dates(oldest: pd.Timestamp, newest: pd.Timestamp) -> str:
    return f"{oldest:%Y-%m-%d}" if oldest == newest else f"{oldest:%Y-%m-%d} to {newest:%Y-%m-%d}"
