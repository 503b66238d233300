"""The two frames of a cloud, made up: requests played on environments that stay warm."""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from functools import cache

import numpy as np
import pandas as pd

INVOCATIONS = (
    "request_id function environment started_s cold init_ms duration_ms billed_ms memory_mb max_memory_mb usd status"
)
ENVIRONMENTS = "environment pid function state started_s last_used_s invocations"


def played(
    starts_s: Sequence[float],
    *,
    duration_ms: float = 200.0,
    init_ms: float = 60.0,
    most: int | None = None,
    errors: Collection[int] = (),
    timeouts: Collection[int] = (),
    function: str = "thumbnail",
    seed: int = 1,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Serve each request by the environment that became free last, or a new one, or not at all beyond `most`."""
    random, environments, rows = np.random.default_rng(seed), [], []
    for i, start in enumerate(sorted(starts_s)):
        takes = duration_ms * random.uniform(0.95, 1.05)
        status = "error" if i in errors else "timeout" if i in timeouts else "success"
        takes *= {"error": 0.4, "timeout": 3.0}.get(status, 1.0)
        free = [each for each in environments if each["free_s"] <= start]
        cold = not free
        if cold and most is not None and len(environments) >= most:
            rows.append((f"r{i}", function, "", start, False, math.nan, math.nan, 0, 128, 0, 0.0, "throttled"))
            continue
        if cold:
            environments.append(
                {"id": f"{function}-{len(environments):04x}", "born_s": start, "free_s": 0.0, "count": 0}
            )
        chosen = environments[-1] if cold else max(free, key=lambda each: each["free_s"])
        init = init_ms * random.uniform(0.9, 1.1) if cold else math.nan
        billed = math.ceil(takes + (init if cold else 0))
        chosen["free_s"], chosen["count"] = start + (takes + (init if cold else 0)) / 1000, chosen["count"] + 1
        rows.append((f"r{i}", function, chosen["id"], start, cold, init, takes, billed, 128, 31, 2e-7, status))
    lived = [(e["id"], 100, function, "idle", e["born_s"], e["free_s"], e["count"]) for e in environments]
    return pd.DataFrame(rows, columns=INVOCATIONS.split()), pd.DataFrame(lived, columns=ENVIRONMENTS.split())


def at_once(count: int, **more: object) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Callers who come within a few milliseconds."""
    return played([5 + i / 1000 for i in range(count)], **more)


def in_a_row(count: int, **more: object) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Callers each of whom waits for the one before."""
    return played([5 + i * 0.5 for i in range(count)], **more)


def spike(seed: int = 1) -> tuple[pd.DataFrame, pd.DataFrame]:
    """A quiet stream with a burst in it that needs 120 environments and does not get more."""
    return tuple(frame.copy() for frame in _spike(seed))


@cache
def _spike(seed: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    random = np.random.default_rng(3)
    starts = [*random.uniform(0, 20, 60), *(8 + random.exponential(0.8, 900))]
    return played(starts, most=120, errors=range(100, 900, 97), timeouts=(300, 600), seed=seed)


@cache
def storm() -> tuple[pd.DataFrame, pd.DataFrame]:
    """Far more requests than a picture has points, of which most find no environment."""
    random = np.random.default_rng(5)
    starts = [*random.uniform(0, 30, 3000), *random.uniform(10, 14, 5000)]
    return played(starts, duration_ms=600, most=180, errors=range(0, 8000, 40))
