"""How old the tables are that notebook 04 rests on."""

from __future__ import annotations

from datetime import date

import pandas as pd

from helpers import responsibility, tables
from helpers.show.freshness import Freshness, as_of

_TABLES = {
    "What can be wrong, what to patch": "stack_concerns",
    "What a call creates": "stack_operations",
    "Hours, assumed": "effort",
    "Events": "events",
}


class _Facts(Freshness):
    """Rows of other tables, with their dates."""

    def _summary(self) -> str:
        return super()._summary().replace("Prices and limits", "Facts")


def facts(*slugs: str, today: date | None = None) -> Freshness:
    """Say how old the notebook's tables are, and the prices and limits with these slugs."""
    found = [as_of(*slugs).rows]
    frames = {name: tables.load(table) for name, table in _TABLES.items()}
    frames |= {"The finer table": responsibility.parts(), "Lambda's runtimes": tables.runtimes()}
    for name, frame in frames.items():
        frame = frame.assign(service=name, item=[str(each) for each in frame.index])
        found.append(frame.reindex(columns=["service", "item", "as_of", "max_age_days", "flag", "source"]))
    rows = pd.concat(found).fillna({"max_age_days": 365, "flag": ""})
    return _Facts(rows, today or date.today())
