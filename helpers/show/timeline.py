"""From what a cloud noted to curves: when environments lived, and how many there were at each moment.

Pure calculations on two frames. ``invocations`` has one row a request (environment, function, started_s, cold,
init_ms, duration_ms, status; a throttled request has no environment), ``environments`` one row an environment
(environment, function, state, started_s, last_used_s). A cold request's INIT begins at its ``started_s``, its handler
``init_ms`` later. :mod:`helpers.show.lanes` draws what comes out of here.
"""

from __future__ import annotations

import math

import numpy as np
import pandas as pd

from helpers.show.wording import listed, number

INVOCATIONS = ("function", "environment", "started_s", "cold", "init_ms", "duration_ms", "status")
ENVIRONMENTS = ("environment", "function", "state", "started_s", "last_used_s")
STATUSES = ("success", "error", "timeout", "throttled")
_MOST_ROWS = 1_000_000


def checked(frame: pd.DataFrame, name: str, columns: tuple[str, ...]) -> pd.DataFrame:
    """Refuse what is not a frame with these columns, naming those that it lacks."""
    if not isinstance(frame, pd.DataFrame):
        raise TypeError(f"{name} must be a DataFrame, got {type(frame).__name__}")
    if missing := [column for column in columns if column not in frame.columns]:
        raise KeyError(f"{name} has no column {listed(map(repr, missing))}; it has {listed(frame.columns) or 'none'}")
    return frame


def requests(invocations: pd.DataFrame) -> pd.DataFrame:
    """Give each request its three moments: when it came, when its handler began, when it ended.

    Parameters
    ----------
    invocations : pandas.DataFrame
        As in the module's text.

    Returns
    -------
    pandas.DataFrame
        In order of arrival: environment, function, cold, status, and in seconds ``start_s``, ``handler_s``
        and ``end_s``. A throttled request ends when it comes.
    """
    frame = checked(invocations, "invocations", INVOCATIONS)
    if unknown := set(frame["status"]) - set(STATUSES):
        raise ValueError(f"status must be {listed(STATUSES, 'or')}, got {listed(sorted(map(repr, unknown)))}")
    start = frame["started_s"].astype(float)
    cold = frame["cold"].fillna(False).astype(bool)
    throttled = frame["status"] == "throttled"
    init = frame["init_ms"].astype(float).where(cold & ~throttled).fillna(0.0) / 1000
    handler = frame["duration_ms"].astype(float).mask(throttled).fillna(0.0) / 1000
    told = pd.DataFrame(
        {
            "environment": frame["environment"].fillna("").astype(str).mask(throttled, ""),
            "function": frame["function"].astype(str),
            "cold": cold & ~throttled,
            "status": frame["status"].astype(str),
            "start_s": start,
            "handler_s": start + init,
            "end_s": start + init + handler,
        }
    )
    return told.sort_values("start_s", kind="stable", ignore_index=True)


def lives(invocations: pd.DataFrame, environments: pd.DataFrame | None = None) -> pd.DataFrame:
    """Say from when to when each environment lived, in order of birth.

    Parameters
    ----------
    invocations, environments : pandas.DataFrame
        As in the module's text. Without `environments` each one is taken to end with its last request. With it, one
        that it no longer lists has been stopped, and environments of functions that nobody called are left out.

    Returns
    -------
    pandas.DataFrame
        environment, function, ``born_s``, ``ended_s`` (infinite while it lives), ``last_end_s`` (end of its
        last request; NaN without one), ``stopped``, ``state`` and ``last_used_s`` as `environments` has them.
    """
    told = requests(invocations)
    served = told[told["environment"] != ""]
    seen = served.groupby("environment", sort=False).agg(
        function=("function", "first"), born_s=("start_s", "min"), last_end_s=("end_s", "max")
    )
    if environments is None:
        frame = seen.assign(ended_s=seen["last_end_s"], stopped=False, state="", last_used_s=np.nan)
    else:
        known = checked(environments, "environments", ENVIRONMENTS).set_index("environment")
        if len(told):
            known = known[known["function"].isin(set(told["function"]))]
        frame = seen.reindex(seen.index.union(known.index, sort=False))
        frame["function"] = frame["function"].fillna(known["function"])
        frame["born_s"] = frame["born_s"].combine(known["started_s"].astype(float), np.fmin)
        frame["state"] = known["state"].reindex(frame.index).fillna("stopped")
        frame["last_used_s"] = known["last_used_s"].astype(float).reindex(frame.index)
        frame["stopped"] = frame["state"] == "stopped"
        if "stopped_s" in known:  # a cloud may know the moment; else the last use is the last that is known
            last = known["stopped_s"].astype(float).reindex(frame.index)
            last = last.fillna(frame[["last_used_s", "last_end_s"]].max(axis="columns"))
        else:
            last = frame[["last_used_s", "last_end_s"]].max(axis="columns")
        frame["ended_s"] = last.fillna(frame["born_s"]).where(frame["stopped"], math.inf)
    columns = ["function", "born_s", "ended_s", "last_end_s", "stopped", "state", "last_used_s"]
    return frame[columns].rename_axis("environment").sort_values("born_s", kind="stable").reset_index()


def environments_timeline(
    invocations: pd.DataFrame,
    environments: pd.DataFrame | None = None,
    step_s: float = 1.0,
    *,
    origin_s: float | None = None,
) -> pd.DataFrame:
    """Count environments and requests over time.

    Parameters
    ----------
    invocations, environments : pandas.DataFrame
        As for :func:`lives`.
    step_s : float
        How far the moments are apart, in seconds.
    origin_s : float, optional
        The moment that counts as 0; the first request if omitted.

    Returns
    -------
    pandas.DataFrame
        One row a step. ``time_s``; as they stand at that moment, ``environments`` and ``running`` (those that
        serve a request, INIT included); from that moment up to the next, ``arrivals`` and those of them that were
        ``cold`` or ``throttled``.

    Examples
    --------
    >>> calls = pd.DataFrame(
    ...     {"function": "f", "environment": ["a", "b", "a"], "started_s": [5.0, 5.5, 8.0], "cold": [True, True, False],
    ...      "init_ms": [1000, 1000, np.nan], "duration_ms": 500, "status": "success"})
    >>> environments_timeline(calls)[["time_s", "environments", "running", "arrivals", "cold"]].to_numpy().tolist()
    [[0.0, 1.0, 1.0, 2.0, 2.0], [1.0, 2.0, 2.0, 0.0, 0.0], [2.0, 1.0, 0.0, 0.0, 0.0], [3.0, 1.0, 1.0, 1.0, 0.0]]
    """
    step_s = float(step_s)
    if not (math.isfinite(step_s) and step_s > 0):
        raise ValueError(f"step_s must be above 0, got {number(step_s)}")
    told, lived = requests(invocations), lives(invocations, environments)
    if origin_s is None:
        first = told["start_s"] if len(told) else lived["born_s"]
        origin_s = float(first.iloc[0]) if len(first) else 0.0
    moments = pd.concat([told["end_s"], lived["ended_s"], lived["last_used_s"]])
    last = float(moments[np.isfinite(moments)].max()) - origin_s if np.isfinite(moments).any() else 0.0
    count = max(1, math.ceil(round(last / step_s, 9)))
    if count > _MOST_ROWS:
        raise ValueError(f"step_s must give at most {_MOST_ROWS:,} steps, got {count:,}")
    edges = np.arange(count + 1) * step_s
    busy = told[told["environment"] != ""]

    def standing(begin: pd.Series, end: pd.Series) -> np.ndarray:
        begun = np.searchsorted(np.sort(begin - origin_s), edges[:-1] + 1e-9, side="right")
        return begun - np.searchsorted(np.sort(end - origin_s), edges[:-1] + 1e-9, side="right")

    def coming(which: pd.DataFrame) -> np.ndarray:
        at = np.floor((which["start_s"].to_numpy() - origin_s) / step_s + 1e-9)
        return np.bincount(at[(at >= 0) & (at < count)].astype(int), minlength=count)

    return pd.DataFrame(
        {
            "time_s": edges[:-1].round(9),
            "environments": standing(lived["born_s"], lived["ended_s"]),
            "running": standing(busy["start_s"], busy["end_s"]),
            "arrivals": coming(told),
            "cold": coming(told[told["cold"]]),
            "throttled": coming(told[told["status"] == "throttled"]),
        }
    )
