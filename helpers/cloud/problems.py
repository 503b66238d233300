"""What went wrong without anybody being told: deliveries that reached no function, and why.

On AWS such failures are metrics and log lines that one has to look for. Here every part that delivers something calls
:meth:`Problems.record`, and a lesson reads ``cloud.problems()``.
"""

from __future__ import annotations

import time
from collections import deque
from dataclasses import astuple, dataclass, fields

import pandas as pd

KEPT_MAX = 10_000


@dataclass(frozen=True)
class Problem:
    """One delivery that failed."""

    when_s: float
    source: str
    target: str
    cause: str


class Problems:
    """The failed deliveries of one session, the last of them at the end.

    Parameters
    ----------
    epoch_s : the session's start, on the monotonic clock
    """

    def __init__(self, epoch_s: float | None = None) -> None:
        self._epoch_s = time.monotonic() if epoch_s is None else epoch_s
        self._known: deque[Problem] = deque(maxlen=KEPT_MAX)

    def record(self, source: str, target: str, cause: str) -> None:
        """Note a failed delivery: whence, where to, and why, in AWS's words where it has some."""
        self._known.append(Problem(time.monotonic() - self._epoch_s, source, target, cause))

    def frame(self) -> pd.DataFrame:
        """Return the failed deliveries: when_s (since the session's start), source, target, cause."""
        rows = [astuple(one) for one in list(self._known)]
        frame = pd.DataFrame(rows, columns=[field.name for field in fields(Problem)])
        return frame.astype({"when_s": float, **dict.fromkeys(("source", "target", "cause"), "str")})
