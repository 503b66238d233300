"""What a recorded build leaves behind to look after: resources, what can be wrong with them, what is to be patched.

A build is a frame of calls, as ``cloud.recording`` gives it. Which call creates what stands in
``data/stack_operations.csv``; what can be wrong with a resource, and what in it the customer patches, in
``data/stack_concerns.csv``, with reason and source. Counted here is each concern of a kind of resource once, however
many of them there are: the second alarm can be misspelt as the first, and one knows it by then.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from helpers import tables

if TYPE_CHECKING:
    import pandas as pd

CAN_BE_WRONG, TO_PATCH = "can be wrong", "to patch"
MEASURES = ("calls", "parameters decided", "resources", CAN_BE_WRONG, TO_PATCH)


def created(calls: pd.DataFrame) -> pd.Series:
    """Return what the calls have created: how many of each kind of resource, in the order of their making.

    Parameters
    ----------
    calls : pandas.DataFrame
        service, operation and error of each call; refused calls have created nothing.

    Examples
    --------
    >>> import pandas as pd
    >>> calls = pd.DataFrame({"service": ["sns"] * 2, "operation": ["CreateTopic"] * 2, "error": ["", "Throttled"]})
    >>> created(calls).to_dict()
    {'Topic': 1}
    """
    known = tables.load("stack_operations").set_index(["service", "operation"])["resource"]
    done = calls[calls["error"] == ""]
    names = [known.get(pair, "") for pair in zip(done["service"], done["operation"], strict=True)]
    made = done.assign(resource=names)
    made = made[made["resource"] != ""]
    return made.groupby("resource", sort=False).size().rename("created")


def concerns(calls: pd.DataFrame, kind: str = CAN_BE_WRONG) -> pd.DataFrame:
    """Return what can be wrong with what the calls created, or what is to be patched in it.

    Parameters
    ----------
    calls : see :func:`created`
    kind : ``"can be wrong"`` or ``"to patch"``

    Returns
    -------
    pandas.DataFrame
        resource, what, why, source, as_of; in the order of the build.

    Raises
    ------
    ValueError
        For another kind.
    """
    if kind not in (CAN_BE_WRONG, TO_PATCH):
        raise ValueError(f"kind must be {CAN_BE_WRONG!r} or {TO_PATCH!r}, got {kind!r}")
    table = tables.load("stack_concerns")
    order = {resource: place for place, resource in enumerate(created(calls).index)}
    found = table[(table["kind"] == kind) & table["resource"].isin(order)]
    found = found.sort_values("resource", key=lambda names: names.map(order), kind="stable")
    return found[["resource", "what", "why", "source", "as_of"]].reset_index(drop=True)


def counted(builds: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """Return the five counts of each build, side by side.

    Parameters
    ----------
    builds : name and calls of each; the frame has service, operation, reads, decided and error

    Returns
    -------
    pandas.DataFrame
        A row for each of :data:`MEASURES`, a column for each build. Calls that only look are not counted.
    """
    import pandas as pd

    columns = {}
    for name, calls in builds.items():
        changing = calls[~calls["reads"]]
        columns[name] = [
            len(changing),
            int(changing["decided"].sum()),
            int(created(calls).sum()),
            len(concerns(calls, CAN_BE_WRONG)),
            len(concerns(calls, TO_PATCH)),
        ]
    return pd.DataFrame(columns, index=pd.Index(MEASURES, name="counted"))
