"""What stands in each lane: stretches of INIT, handler and idleness, and the marks of what went wrong.

Pure calculations between :mod:`helpers.show.timeline`, which says when things happened, and
:mod:`helpers.show.lanes`, which draws them. A picture has some thousand points across, so stretches of one kind that
would touch on it are drawn as one.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pandas as pd

_PIXELS = 1200
_MOST_MARKS = 400


class Segments(NamedTuple):
    """Stretches and marks, in seconds since the first request.

    Attributes
    ----------
    stretches : pandas.DataFrame
        lane (from 1), kind (INIT, handler, error, timeout, running), start_s, end_s, count (requests drawn as one).
    marks : pandas.DataFrame
        lane, kind (error, timeout, throttled, stopped), at_s, count. Throttled requests have lane 0.
    merged_s : float
        Requests with less than this between them are drawn as one; 0 if none are.
    """

    stretches: pd.DataFrame
    marks: pd.DataFrame
    merged_s: float


def segments(told: pd.DataFrame, lived: pd.DataFrame, *, end_s: float, most: int) -> Segments:
    """Cut requests and lives into stretches and marks.

    Parameters
    ----------
    told, lived : pandas.DataFrame
        What ``timeline.requests`` and ``timeline.lives`` return, with the lane of each environment as the index of
        `lived`, from 1. Requests of environments without a lane are left out.
    end_s : float
        Where the picture ends, as seconds of the frames.
    most : int
        How many stretches there may be at most, as long as there are fewer lanes.
    """
    lanes = pd.Series(lived.index, index=lived["environment"])
    told = told.assign(lane=told["environment"].map(lanes))
    served = told[told["lane"].notna()]
    init = served[served["handler_s"] > served["start_s"]]
    kind = served["status"].replace("success", "handler")
    parts = [
        _stretch(init["lane"], "INIT", init["start_s"], init["handler_s"]),
        _stretch(served["lane"], kind, served["handler_s"], served["end_s"]),
        _unfinished(lived, end_s),
    ]
    stretches, merged_s = _merged(pd.concat(parts, ignore_index=True), end_s - told["start_s"].min(), most)
    failed = served[served["status"].isin(["error", "timeout"])]
    throttled = told[told["status"] == "throttled"]
    stopped = lived[lived["stopped"] & (lived["ended_s"] < np.inf)]
    marks = pd.concat(
        [
            _mark(failed["lane"], failed["status"], failed["end_s"]),
            _mark(0, "throttled", throttled["start_s"]),
            _mark(stopped.index, "stopped", stopped["ended_s"]),
        ],
        ignore_index=True,
    )
    return Segments(stretches, _thinned(marks), merged_s)


def _stretch(lane: object, kind: object, start: pd.Series, end: pd.Series) -> pd.DataFrame:
    made = pd.DataFrame({"start_s": start, "end_s": end})
    made["lane"], made["kind"], made["count"] = lane, kind, 1
    return made.astype({"lane": int})


def _mark(lane: object, kind: object, at: pd.Series) -> pd.DataFrame:
    made = pd.DataFrame({"at_s": at})
    made["lane"], made["kind"], made["count"] = lane, kind, 1
    return made.astype({"lane": int})


def _unfinished(lived: pd.DataFrame, end_s: float) -> pd.DataFrame:
    """Find what has begun and not been noted yet: an INIT, and a request that a busy environment serves."""
    starting = lived[(lived["state"] == "initialising") & lived["last_end_s"].isna()]
    busy = lived[(lived["state"] == "busy") & (lived["last_used_s"] > lived["last_end_s"].fillna(lived["born_s"]))]
    parts = [(starting, "INIT", "born_s"), (busy, "running", "last_used_s")]
    return pd.concat([_stretch(some.index, kind, some[since], end_s) for some, kind, since in parts])


def _merged(stretches: pd.DataFrame, span_s: float, most: int) -> tuple[pd.DataFrame, float]:
    """Join neighbours of one kind in one lane, more of them the more there are."""
    ordered = stretches.sort_values(["lane", "kind", "start_s"], ignore_index=True)
    if len(ordered) <= most:
        return ordered, 0.0
    gap_s = span_s / _PIXELS
    while True:
        joined = _joined(ordered, gap_s)
        if len(joined) <= most or gap_s > span_s:
            return joined, gap_s if (joined["count"] > 1).any() else 0.0
        gap_s *= 1.5


def _joined(ordered: pd.DataFrame, gap_s: float) -> pd.DataFrame:
    same = (ordered["lane"] == ordered["lane"].shift()) & (ordered["kind"] == ordered["kind"].shift())
    near = ordered["start_s"] - ordered["end_s"].shift() < gap_s
    group = (~(same & near)).cumsum()
    joined = ordered.groupby(group, sort=False).agg(
        start_s=("start_s", "min"),
        end_s=("end_s", "max"),
        lane=("lane", "first"),
        kind=("kind", "first"),
        count=("count", "sum"),
    )
    return joined.reset_index(drop=True)


def _thinned(marks: pd.DataFrame) -> pd.DataFrame:
    """Draw marks of one kind in one lane as one where they would lie on each other."""
    pieces = 200
    while len(marks) > _MOST_MARKS:
        low, high = marks["at_s"].min(), marks["at_s"].max()
        place = ((marks["at_s"] - low) / ((high - low) or 1.0) * pieces).round()
        joined = marks.groupby([marks["lane"], marks["kind"], place], sort=False)
        joined = joined.agg(at_s=("at_s", "mean"), count=("count", "sum"))
        marks = joined.reset_index(level=[0, 1]).reset_index(drop=True)
        if pieces == 1:
            break
        pieces //= 2
    return marks
