"""Who looks after what: the lesson's table, a finer one beside it, and who acts when something happens.

:func:`matrix` is the lesson's table as it stands, :func:`refined` (of :mod:`helpers.ways`) the finer one: its rows
taken apart until one owner answers for a cell. What the lesson's words leave out follows from the two:
:func:`questioned`. What changes hands between two columns is :func:`moved`, and :func:`who_acts` says who answers an
:class:`Event`. Rows, reasons and sources stand in ``data/``; here is only what follows from them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import cache
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from helpers import tables
from helpers.ways import OWNERS, WAYS, Way, part, parts, refined, split, unknown, way

if TYPE_CHECKING:
    import pandas as pd

__all__ = [
    "OWNERS",
    "WAYS",
    "Answer",
    "Event",
    "Stage",
    "Way",
    "duties",
    "events",
    "matrix",
    "moved",
    "parts",
    "questioned",
    "refined",
    "runtime_stage",
    "split",
    "verdicts",
    "who_acts",
]


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happens in operation and that somebody has to answer.

    Attributes
    ----------
    id, title, what : str
        Its name, in a few words, and what happens.
    part : str
        The row of :func:`refined` that decides who acts.
    actions : mapping of str to str
        What has to be done, by the id of the way.
    source : str
        Where the actions were read.
    as_of : datetime.date
        When they were last checked.
    """

    id: str
    title: str
    what: str
    part: str
    actions: Mapping[str, str]
    source: str
    as_of: date


@dataclass(frozen=True, slots=True)
class Answer:
    """Who acts on an event: owner (with its qualification, if there is one), action, why, source and its date."""

    event: str
    way: str
    owner: str
    qualifier: str
    action: str
    why: str
    source: str
    as_of: date

    def __str__(self) -> str:
        said = f"{self.owner} ({self.qualifier})" if self.qualifier else self.owner
        return f"{said}: {self.action}"


@dataclass(frozen=True, slots=True)
class Stage:
    """Where a Lambda runtime stands on a day, and how many days are left until the next stage."""

    runtime: str
    stage: str
    next: date | None
    days_left: int | None

    def __str__(self) -> str:
        until = f", until {self.next} ({self.days_left} days)" if self.next else ""
        return f"{self.runtime}: {self.stage}{until}"


def matrix() -> pd.DataFrame:
    """Return the lesson's table: seven responsibilities, four models, the lesson's words.

    Examples
    --------
    >>> matrix().loc["Host OS patching", "Containers (ECS/EKS)"]
    'You (nodes)'
    """
    long = tables.responsibility()
    long["cell"] = [_cell(*pair) for pair in zip(long["owner"], long["qualifier"], strict=True)]
    wide = long.pivot(index="responsibility", columns="model", values="cell")
    wide = wide.loc[long["responsibility"].unique(), long["model"].unique()]
    wide.columns.name = None
    return wide


def moved(before: str, after: str, table: pd.DataFrame | None = None) -> pd.DataFrame:
    """Return the rows whose owner changes from one column to another; a qualifier alone is no change.

    Parameters
    ----------
    before, after : str
        Two columns of the table.
    table : pandas.DataFrame, optional
        :func:`refined`, say; the lesson's if omitted.

    Raises
    ------
    KeyError
        If the table has no such column, naming those that it has.

    Examples
    --------
    >>> list(moved("Physical / On-Prem", "VM (EC2)").index)
    ['Data center & hardware']
    """
    table = matrix() if table is None else table
    for name in (before, after):
        if name not in table.columns:
            raise KeyError(f"no column {name!r}; there is {', '.join(table.columns)}")
    owners = table.map(lambda cell: split(cell)[0])
    changed = table.loc[owners[before] != owners[after], [before, after]]
    # Selecting one column twice gives a frame with two of a name, which nothing can be told apart in.
    return changed.iloc[:, :2] if before != after else table.loc[[], [before]]


def questioned() -> pd.DataFrame:
    """Return the cells of the lesson's table that one word is too coarse for, with evidence.

    A cell holds if every part of its row has the lesson's owner, in every way of running that its model covers.

    Returns
    -------
    pandas.DataFrame
        Indexed by responsibility and model: the lesson's ``cell``; a ``verdict``, "too coarse", or "wrong" where the
        claim that examines the cell is judged so; ``instead``, the owners of the parts; ``why``, ``evidence``,
        ``since`` (the day from which the evidence holds, NaT if it has none), ``claim``, ``source`` and ``as_of``,
        all of the part that speaks most against the cell.
    """
    import pandas as pd

    return pd.DataFrame(_questions()).set_index(["responsibility", "model"])


def verdicts() -> pd.DataFrame:
    """Return the lesson's table with a verdict in each cell: "holds", "too coarse" or "wrong"."""
    judged = matrix().map(lambda _: "holds")
    for (responsibility, model), verdict in questioned()["verdict"].items():
        judged.loc[responsibility, model] = verdict
    return judged


def events() -> tuple[Event, ...]:
    """Return all events, in the order of the table."""
    return tuple(_events().values())


def who_acts(event: str | Event, model: str) -> Answer:
    """Say who answers an event, by doing what, and why.

    Parameters
    ----------
    event : str or Event
        An event or its id.
    model : str
        A way of running, as :func:`way` takes it.

    Raises
    ------
    KeyError
        If there is no such event or way, naming near ones.

    Examples
    --------
    >>> print(who_acts("base-image-cve", "zip"))
    AWS: Updates the managed runtime. Nothing is left for you.
    >>> who_acts("base-image-cve", "image").owner
    'You'
    """
    if not isinstance(event, Event):
        event = _event(str(event))
    run = way(model)
    row = part(event.part)
    owner, qualifier = split(row[run.id])
    return Answer(event.id, run.id, owner, qualifier, event.actions[run.id], row.why, event.source, event.as_of)


def duties() -> pd.DataFrame:
    """Return who acts on every event, in every way of running: one row per event, by title."""
    import pandas as pd

    rows = {each.title: {w.label: who_acts(each, w.id).owner for w in WAYS.values()} for each in events()}
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("event")


def runtime_stage(runtime: str, *, today: date) -> Stage:
    """Say what a Lambda runtime still allows on a day.

    The stages: "supported"; "no patches", from the day of deprecation; "no new functions"; "no changes". Functions
    that exist can be called in all of them. A preview has no dates yet.

    Raises
    ------
    KeyError
        If there is no such runtime, naming near ones.

    Examples
    --------
    >>> runtime_stage("nodejs20.x", today=date(2026, 11, 23))
    Stage(runtime='nodejs20.x', stage='no patches', next=datetime.date(2027, 2, 1), days_left=70)
    """
    known = tables.runtimes()
    if runtime not in known.index:
        raise unknown("runtime", runtime, known.index)
    row = known.loc[runtime]
    if row.status == "preview":
        return Stage(runtime, "preview", None, None)
    steps = [
        (row.deprecated, "no patches"),
        (row.create_blocked, "no new functions"),
        (row.update_blocked, "no changes"),
    ]
    stage = "supported"
    for begins, name in steps:
        if today < begins.date():
            return Stage(runtime, stage, begins.date(), (begins.date() - today).days)
        stage = name
    return Stage(runtime, stage, None, None)


@cache
def _events() -> dict[str, Event]:
    found = {}
    for name, row in tables.load("events").iterrows():
        actions = MappingProxyType({each: row[each] for each in WAYS})
        found[name] = Event(name, row.title, row.what, row.part, actions, row.source, row.as_of.date())
    return found


def _event(name: str) -> Event:
    if name not in _events():
        raise unknown("event", name, _events())
    return _events()[name]


@cache
def _questions() -> tuple[dict[str, Any], ...]:
    """Hold each cell of the lesson against the parts of its row."""
    fine_rows, claims = parts(), tables.claims()
    found = []
    for row in tables.responsibility().itertuples():
        ways = [each.id for each in WAYS.values() if each.model == row.model]
        fine = fine_rows[fine_rows["responsibility"] == row.responsibility]
        owners = {name: [split(cell)[0] for cell in fine.loc[name, ways]] for name in fine.index}
        against = [name for name, each in owners.items() if set(each) != {row.owner}]
        if not against:
            continue
        wrong = row.claim and claims.loc[row.claim, "verdict"] == "wrong"
        # The part that the cell's own claim is about says most, and among those one that contradicts it outright.
        telling = min(against, key=lambda name: (fine.loc[name, "claim"] != row.claim, row.owner in owners[name]))
        first = fine.loc[telling]
        found.append(
            {
                "responsibility": row.responsibility,
                "model": row.model,
                "cell": _cell(row.owner, row.qualifier),
                "verdict": "wrong" if wrong else "too coarse",
                "instead": "; ".join(f"{name}: {' or '.join(dict.fromkeys(each))}" for name, each in owners.items()),
                **{name: first[name] for name in ("why", "evidence", "since", "claim", "source", "as_of")},
            }
        )
    return tuple(found)


def _cell(owner: str, qualifier: str) -> str:
    return f"{owner} ({qualifier})" if qualifier else owner
