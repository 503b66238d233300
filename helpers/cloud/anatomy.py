"""One cold start taken apart: what happens between the caller's question and the answer, from moments that were noted.

The caller and the local cloud look at the clock in this process; the function's process does so in
:mod:`helpers.cloud.stopwatch.sitecustomize`. All three read the monotonic clock, which on Linux and macOS is one clock
for all processes of a machine, so their moments stand on one line.
"""

from __future__ import annotations

import os
import shutil
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path

import pandas as pd

from helpers.cloud.machine import FALLBACK_CLIENT, has_extension
from helpers.cloud.session import LocalCloud
from helpers.cloud.trial import Call, Progress, Steps, Variant, counted, deployed

STOPWATCH = Path(__file__).with_name("stopwatch") / "sitecustomize.py"

# What happens, and whether it is the learner's own code.
STEPS = {
    "request to Lambda": False,
    "start of the process": False,
    "import of the runtime client": False,
    "import of your module": True,
    "asking for the first event": False,
    "delivery of the event": False,
    "your handler": True,
    "answer to the caller": False,
}
INIT = tuple(STEPS)[1:5]


@dataclass(frozen=True)
class Stopwatch:
    """A folder that, on a function's PYTHONPATH, makes its processes note the moments of their start."""

    folder: Path

    def on(self, variant: Variant) -> Variant:
        """Return a variant that is watched."""
        # This variable of the function takes the place of the one that the local cloud would set. The function's own
        # folder needs no mention: python -m puts it first.
        theirs = variant.variables.get("PYTHONPATH") or os.environ.get("PYTHONPATH")
        fallback = None if has_extension() else str(FALLBACK_CLIENT)
        path = os.pathsep.join(filter(None, [str(self.folder), fallback, theirs]))
        return replace(variant, variables={**variant.variables, "PYTHONPATH": path})

    def times(self, pid: int) -> dict[str, float]:
        """Return what a process noted, in seconds on the monotonic clock, by name."""
        lines = (self.folder / f"{pid}.times").read_text().splitlines()
        return {name: float(at_s) for name, at_s in (line.split() for line in lines)}


@contextmanager
def stopwatch() -> Iterator[Stopwatch]:
    """Provide a stopwatch in a temporary folder, to which its processes may write."""
    with tempfile.TemporaryDirectory(prefix="stopwatch-") as folder:
        shutil.copy(STOPWATCH, folder)
        yield Stopwatch(Path(folder))


def anatomy(
    cloud: LocalCloud,
    package: bytes | Variant,
    *,
    handler: str | None = None,
    repetitions: int = 5,
    progress: Progress | None = None,
    cancel: threading.Event | None = None,
) -> pd.DataFrame:
    """Take cold starts of a function apart.

    Each start gets a new process; other functions' idle environments in the cloud are shut down, too. One start before
    the first, which compiles packages and brings files into memory, is left out.

    Parameters
    ----------
    cloud : a local cloud that is up
    package : the function
    handler : module and function; ``lambda_function.handler`` if omitted
    repetitions : how many starts
    progress : called with (done, total) after each start; it may return False to stop
    cancel : an event that stops it, too

    Returns
    -------
    pandas.DataFrame
        One row per step: ``repetition``, ``step``, ``start_ms`` (since the caller's call), ``duration_ms``, ``yours``
        (the function's own code). Each step ends where the next begins, the last where the caller has the answer;
        :data:`INIT` names the steps that Lambda calls INIT. ``attrs["stopwatch_ms"]`` is the time that the
        measuring itself took inside the process, by its own clock, as a median of all starts: it is part of the import
        of the runtime client and of the answer.

    See Also
    --------
    typical : the one start to draw as a waterfall
    helpers.cloud.measure.stopwatch_cost : what the measuring adds, from starts with and without it
    """
    repetitions = counted("repetitions", repetitions)
    variant = package if isinstance(package, Variant) else Variant(package)
    if handler is not None:
        variant = replace(variant, handler=handler)
    if variant.provisioned:
        raise ValueError("provisioned must be 0: a request to a provisioned environment is not a cold start")
    steps = Steps(1 + repetitions, progress, cancel)
    rows, own_ms = [], []
    with stopwatch() as watch, deployed(cloud, {"it": watch.on(variant)}) as trials:
        epoch_s = cloud._any().service.epoch_s
        for repetition in range(-1, repetitions):
            if not steps.go_on():
                break
            if repetition < 0:
                trials["it"].settle()
            else:
                call = trials["it"].cold()
                times = watch.times(call.environment.pid)
                own_ms.append(1000 * (times["watching"] - times["loaded"] + times["written"] - times["handled"]))
                rows += [(repetition, *step) for step in _steps(call, times, epoch_s)]
            steps.one_more()
    frame = pd.DataFrame(rows, columns=["repetition", "step", "start_ms", "duration_ms", "yours"])
    frame.attrs |= {"dropped": 1, "cancelled": steps.stopped}
    frame.attrs["stopwatch_ms"] = float(pd.Series(own_ms, dtype=float).median())
    return frame


def typical(frame: pd.DataFrame) -> pd.DataFrame:
    """Return the steps of one start out of several: the one whose total is the median, or the next below it.

    Medians of single steps would add up to a start that never happened.

    Examples
    --------
    >>> starts = pd.DataFrame({"repetition": [0, 1, 2], "step": "all", "start_ms": 0.0, "duration_ms": [9.0, 7.0, 8.0]})
    >>> typical(starts).duration_ms.tolist()
    [8.0]
    """
    totals = frame.groupby("repetition").duration_ms.sum().sort_values(kind="stable")
    if totals.empty:
        raise ValueError("frame must hold at least one start, got none")
    return frame[frame.repetition == totals.index[(len(totals) - 1) // 2]].reset_index(drop=True)


def _steps(call: Call, times: dict[str, float], epoch_s: float) -> list[tuple[str, float, float, bool]]:
    """Return the steps between moments: the name, when it began, how long it took, and whose code it was."""
    environment = call.environment
    started_s = environment.started_s
    # The cloud hears that INIT is over; the process then waits for what the cloud sends.
    ready_s = started_s + environment.init_ms / 1000
    inside = [times[name] for name in ("began", "module", "imported")]
    moments = [call.asked_s, started_s, *inside, ready_s, times["delivered"], times["handled"], call.answered_s]
    if sorted(moments) != moments:
        raise RuntimeError("the clocks of two processes disagree: steps of a start can't be told apart here")
    return [
        (step, (begin - call.asked_s) * 1000, (end - begin) * 1000, yours)
        for (step, yours), (begin, end) in zip(STEPS.items(), pairwise(moments), strict=True)
    ]
