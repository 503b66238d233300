"""Many simulations over a grid of settings, as one frame.

Through joblib, so that threads of this machine or the workers of a Dask cluster may do the work without a change here:
``with joblib.parallel_config(backend="dask"): sweep(...)``. Each point depends on its own arguments only, so that
every backend gives the same frame.
"""

from __future__ import annotations

import inspect
import itertools
from collections.abc import Callable, Iterable, Mapping
from contextlib import closing
from dataclasses import fields, replace
from typing import TYPE_CHECKING, Any

from helpers.scaling.arrivals import Arrivals
from helpers.scaling.engine import simulate
from helpers.scaling.platform import Platform

if TYPE_CHECKING:
    import pandas as pd

SETTINGS = tuple(field.name for field in fields(Platform))
ARGUMENTS = tuple(name for name in inspect.signature(simulate).parameters if name != "record")
COLUMNS = ("requests", "served", "cold", "throttled", "cold_start_probability", "throttled_share")
COLUMNS += ("mean_environments", "mean_running", "peak_environments", "mean_latency_ms")


def sweep(
    grid: Mapping[str, Iterable[Any]],
    *,
    arrivals: Arrivals | None = None,
    duration_ms: Any = None,
    init_ms: Any = None,
    jobs: int | None = None,
    progress: Callable[[int, int], object] | None = None,
    **fixed: Any,
) -> pd.DataFrame:
    """Simulate every combination of the values in a grid.

    Parameters
    ----------
    grid : values by name. A name is a field of :class:`Platform` (``keep_alive_s``, ``provisioned`` ...) or an
        argument of :func:`simulate` (``arrivals``, ``duration_ms``, ``seed`` ...). A mapping in place of a sequence of
        values gives them labels: ``{"arrivals": {"calm": poisson(...), "busy": poisson(...)}}``.
    arrivals, duration_ms, init_ms, fixed : the arguments of :func:`simulate` that the grid leaves out
    jobs : how many simulations run at once; joblib's setting if omitted (one, unless a ``parallel_config`` says more)
    progress : called with (done, total) after each simulation. It may return False to stop: the frame then holds what
        is finished, and its ``attrs["complete"]`` is False.

    Returns
    -------
    pandas.DataFrame
        One row a combination, in the order of the grid: its values, then requests, served, cold, throttled,
        cold_start_probability, throttled_share, mean_environments, mean_running, peak_environments, mean_latency_ms,
        p50_ms, p99_ms.

    Raises
    ------
    ValueError
        For a name that is neither a setting nor an argument, or a value out of its range, before anything runs.

    Examples
    --------
    >>> from helpers.scaling import constant
    >>> frame = sweep({"keep_alive_s": [5, 50]}, arrivals=constant(0.1, 100), duration_ms=10, init_ms=90)
    >>> frame.cold.tolist()
    [10, 1]
    """
    import joblib  # both take long to import, and only a sweep needs them
    import pandas as pd

    given = {"arrivals": arrivals, "duration_ms": duration_ms, "init_ms": init_ms, **fixed}
    given = {name: value for name, value in given.items() if value is not None}
    labelled = {
        name: values.items() if isinstance(values, Mapping) else ((v, v) for v in values)
        for name, values in grid.items()
    }
    points = [dict(zip(labelled, point, strict=True)) for point in itertools.product(*labelled.values())]
    calls = [_call(given, {name: value for name, (_, value) in point.items()}) for point in points]
    rows: list[dict[str, Any]] = []
    # Threads suffice, as the compiled loop holds no lock; another backend may be configured around the call.
    work = {"n_jobs": jobs, "prefer": "threads"}
    try:
        parallel = joblib.Parallel(**work, return_as="generator")
    except ValueError:  # a backend that hands over everything at its end
        parallel = joblib.Parallel(**work)
    summaries = (summary for summary in parallel(joblib.delayed(_summary)(call) for call in calls))
    with closing(summaries):
        for summary in summaries:
            rows.append({**{name: label for name, (label, _) in points[len(rows)].items()}, **summary})
            if progress is not None and progress(len(rows), len(points)) is False:
                break
    frame = pd.DataFrame(rows, columns=None if rows else [*grid, *COLUMNS, "p50_ms", "p99_ms"])
    frame.attrs["complete"] = len(rows) == len(points)
    return frame


def _call(given: Mapping[str, Any], point: Mapping[str, Any]) -> dict[str, Any]:
    """Return the arguments of one simulation."""
    unknown = [name for name in {**given, **point} if name not in (*SETTINGS, *ARGUMENTS)]
    if unknown:
        raise ValueError(f"grid must name {', '.join((*ARGUMENTS, *SETTINGS))}, got {unknown[0]!r}")
    call = {name: value for name, value in {**given, **point}.items() if name in ARGUMENTS}
    missing = [name for name in ("arrivals", "duration_ms", "init_ms") if name not in call]
    if missing:
        raise ValueError(f"{missing[0]} must be given, in the grid or beside it")
    settings = {name: value for name, value in {**given, **point}.items() if name in SETTINGS}
    return {**call, "platform": replace(call.get("platform") or Platform(), **settings)}


def _summary(call: dict[str, Any]) -> dict[str, Any]:
    result = simulate(**call)
    row = {name: getattr(result, name) for name in COLUMNS}
    return {**row, "p50_ms": result.latency_ms(0.5), "p99_ms": result.latency_ms(0.99)}
