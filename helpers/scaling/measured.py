"""From what a cloud measured to what the simulator takes: when requests came, and how long handlers and INIT took.

The frame is that of ``cloud.invocations()``. What the simulator decides on its own is then the rest: which environment
serves, when a new one starts, when one is gone. Comparing both tests exactly these rules.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from helpers.checks import number
from helpers.scaling.arrivals import Arrivals, from_timestamps

if TYPE_CHECKING:
    import pandas as pd

NEEDED = ("started_s", "duration_ms", "init_ms")


@dataclass(frozen=True, eq=False)
class Measured:
    """A measured run, in the simulator's terms.

    Attributes
    ----------
    arrivals : when requests reached the platform; the first at 0
    duration_ms : of each request's handler, in order of arrival. A request without one (it was throttled) has the
        median of the others.
    init_ms : of each request's INIT; where it was warm, the median of the cold ones, in case that the simulator
        starts an environment there
    """

    arrivals: Arrivals
    duration_ms: np.ndarray
    init_ms: np.ndarray


def measured(invocations: pd.DataFrame, *, duration_s: float | None = None) -> Measured:
    """Return arrivals, durations and INIT times of a measured run, for ``simulate``.

    Parameters
    ----------
    invocations : one row a request with started_s, duration_ms and init_ms, as ``cloud.invocations()`` has them
    duration_s : length of the period; until the last arrival if omitted

    Raises
    ------
    ValueError
        If a column is missing, or there is no request with a duration.

    Examples
    --------
    >>> import pandas as pd
    >>> run = pd.DataFrame({"started_s": [7.5, 7.0], "duration_ms": [20.0, 30.0], "init_ms": [None, 60.0]})
    >>> real = measured(run)
    >>> real.arrivals.times_s.tolist(), real.duration_ms.tolist(), real.init_ms.tolist()
    ([0.0, 0.5], [30.0, 20.0], [60.0, 60.0])
    """
    if missing := [name for name in NEEDED if name not in invocations]:
        raise ValueError(f"invocations must have the columns {', '.join(NEEDED)}; {', '.join(missing)} is missing")
    ordered = invocations.sort_values("started_s", kind="stable")
    started, duration, init = (ordered[name].to_numpy(dtype=float) for name in NEEDED)
    if not np.isfinite(duration).any():
        raise ValueError("invocations must hold at least one request that was served, got none")
    arrivals = from_timestamps(started - started[0], duration_s)
    return Measured(arrivals, number("duration_ms", _filled(duration)), number("init_ms", _filled(init)))


def _filled(values: np.ndarray) -> np.ndarray:
    """Put the median where a value is missing; 0 if all are."""
    known = np.isfinite(values)
    return np.where(known, values, np.median(values[known]) if known.any() else 0.0)


def mean_gap(one: pd.DataFrame, other: pd.DataFrame, column: str = "environments") -> float:
    """Return by how much two courses of time differ on average, in the column's unit.

    Parameters
    ----------
    one, other : frames with time_s and the column; compared at the times of ``one`` that ``other`` covers

    Examples
    --------
    >>> import pandas as pd
    >>> one = pd.DataFrame({"time_s": [0, 1, 2], "environments": [1, 3, 3]})
    >>> mean_gap(one, pd.DataFrame({"time_s": [0, 2], "environments": [1, 3]}))
    0.3333333333333333
    """
    times = one["time_s"].to_numpy(dtype=float)
    inside = (times >= other["time_s"].min()) & (times <= other["time_s"].max())
    if not inside.any():
        raise ValueError("the two courses must overlap in time; these don't")
    there = np.interp(times[inside], other["time_s"], other[column])
    return float(np.abs(one[column].to_numpy(dtype=float)[inside] - there).mean())
