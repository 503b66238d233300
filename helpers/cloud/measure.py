"""Repeated, interleaved measurements on the local cloud: cold starts, warm calls, imports.

What is measured are real processes behind a real API call, on the machine of whoever runs it. It is not AWS: no
microVM starts, no code is fetched, memory buys no processor, and the host's own work is in every figure. Hence
the rules here: variants take turns, so that a slow moment meets them all; each cold start gets a new process, without
waiting for one to expire; a first start of each variant, which compiles packages and brings files into memory, is left
out.

What to measure comes from :mod:`helpers.cloud.variants`, the functions from :mod:`helpers.cloud.trial`, the steps of
one start from :mod:`helpers.cloud.anatomy`; ``coldstart`` makes statistics of the frames and ``show`` draws them.
"""

from __future__ import annotations

import io
import math
import threading
import zipfile
from collections.abc import Iterator, Mapping
from typing import Any

import pandas as pd

from helpers.cloud.anatomy import INIT, STEPS, anatomy, stopwatch, typical
from helpers.cloud.package import zip_function
from helpers.cloud.session import LocalCloud
from helpers.cloud.trial import Progress, Steps, Trial, Variant, clients, counted, deployed
from helpers.cloud.variants import NOTHING, packed, remedy_variants, variants
from helpers.coldstart import parse_imports

__all__ = [
    "INIT",
    "STEPS",
    "Variant",
    "anatomy",
    "import_times",
    "measure_cold",
    "measure_warm",
    "remedy_variants",
    "stopwatch_cost",
    "typical",
    "variants",
]

MEASURED = ["variant", "repetition", "order", "cold"]
COLD = [*MEASURED, "init_ms", "first_call_ms", "client_ms", "after_restore_ms", "unpack_ms"]
WARM = [*MEASURED, "duration_ms", "client_ms"]


def measure_cold(
    cloud: LocalCloud,
    variants: Mapping[str, bytes | Variant],
    *,
    repetitions: int = 5,
    interleaved: bool = True,
    progress: Progress | None = None,
    cancel: threading.Event | None = None,
) -> pd.DataFrame:
    """Start functions cold, again and again.

    Idle environments of other functions in the cloud are shut down, too.

    Parameters
    ----------
    cloud : a local cloud that is up
    variants : packages by name, or :class:`~helpers.cloud.trial.Variant` for more than a package
    repetitions : starts of each variant
    interleaved : one start of each variant after the other, and each time another one first; otherwise all starts of
        the first variant, then all of the second
    progress : called with (done, total) after each measurement; it may return False to stop
    cancel : an event that stops it, too; what was measured until then comes back

    Returns
    -------
    pandas.DataFrame
        One row per start, in the order of measurement:

        - ``variant``; ``repetition``, from 0; ``order``, the place among all starts
        - ``cold``: the request waited for INIT. With provisioned concurrency it does not, though the environment is new
        - ``init_ms``: from the start of the process to its first question for an event; missing where nobody waited
        - ``first_call_ms``: from the event's delivery to the handler's result
        - ``client_ms``: from the caller's call of boto3 to the answer
        - ``after_restore_ms``: with SnapStart, the part of INIT from the restore on, which is that of the hooks after
          it. No snapshot is taken here: ``init_ms`` is all that the caller waited for, and on AWS loading the
          snapshot would come on top of the hooks
        - ``unpack_ms``: how long unpacking the package takes, measured by itself. The local cloud unpacks a package
          once and shares the folder, so this is in no other column; AWS prepares the code for each new environment

        ``attrs`` say how many first starts of each variant were left out (``dropped``), and whether it was cancelled.
    """
    repetitions = counted("repetitions", repetitions)
    steps = Steps(len(variants) * (1 + 2 * repetitions), progress, cancel)
    rows: list[list[Any]] = []
    with deployed(cloud, variants) as trials:
        for repetition, name, trial in _turns(trials, repetitions, interleaved):
            if not steps.go_on():
                break
            if repetition < 0:
                trial.settle()
            else:
                call = trial.cold()
                measured = (call.record.cold, call.init_ms, call.record.duration_ms, call.client_ms)
                rows.append([name, repetition, len(rows), *measured, call.after_restore_ms, math.nan])
            steps.one_more()
        # Not between the starts: the files that it leaves to be written would slow down the next one.
        for row in rows:
            if not steps.go_on():
                break
            row[-1] = trials[row[0]].unpack_ms()
            steps.one_more()
    frame = pd.DataFrame(rows, columns=COLD)
    frame.attrs |= {"dropped": 1, "cancelled": steps.stopped}
    return frame


def measure_warm(
    cloud: LocalCloud,
    variants: Mapping[str, bytes | Variant],
    *,
    repetitions: int = 100,
    interleaved: bool = True,
    progress: Progress | None = None,
    cancel: threading.Event | None = None,
) -> pd.DataFrame:
    """Invoke functions that are warm, again and again, one call at a time.

    Parameters
    ----------
    cloud, variants, interleaved, progress, cancel : as for :func:`measure_cold`
    repetitions : calls of each variant, after three that are left out: two cold ones, one warm

    Returns
    -------
    pandas.DataFrame
        One row per call: ``variant``, ``repetition``, ``order``, ``cold`` (False, unless an environment died),
        ``duration_ms`` (from the event's delivery to the result), ``client_ms`` (from the call of boto3 to the answer).
    """
    repetitions = counted("repetitions", repetitions)
    steps = Steps(len(variants) * (1 + repetitions), progress, cancel)
    rows: list[tuple] = []
    with deployed(cloud, variants) as trials:
        for trial in trials.values():
            if steps.go_on():
                trial.settle()
                trial.cold()
        for repetition, name, trial in _turns(trials, repetitions, interleaved):
            if not steps.go_on():
                break
            call = trial.call()
            if repetition >= 0:
                measured = (call.record.cold, call.record.duration_ms, call.client_ms)
                rows.append((name, repetition, len(rows), *measured))
            steps.one_more()
    frame = pd.DataFrame(rows, columns=WARM)
    frame.attrs |= {"dropped": 3, "cancelled": steps.stopped}
    return frame


def import_times(
    cloud: LocalCloud,
    package: bytes | str | Variant,
    *,
    handler: str | None = None,
    everything: bool = False,
) -> pd.DataFrame:
    """Return how long a function's imports take, module by module, from one cold start that Python itself traced.

    The function runs as any other does, with the variable ``PYTHONPROFILEIMPORTTIME``, which is ``-X importtime``;
    what Python says of each import is read from the function's log. Traced imports take longer than others: they show
    where the time goes, not how long a start takes.

    Parameters
    ----------
    cloud : a local cloud that is up
    package : the function, or the text of its module
    handler : module and function; ``lambda_function.handler`` if omitted
    everything : also what Python and the runtime client import for themselves, and what the handler's call imports

    Returns
    -------
    pandas.DataFrame
        ``module``, ``parent``, ``depth``, ``self_ms``, ``cumulative_ms``, as
        :func:`helpers.coldstart.parse_imports` describes them; the first row is the function's module, unless
        everything was asked for. What the runtime client has imported before (json, logging, decimal) is not in it:
        it costs the function nothing
    """
    if isinstance(package, str):
        package = zip_function(package)
    given = package if isinstance(package, Variant) else Variant(package)
    module, _, name = (handler or given.handler).rpartition(".")
    module = module.replace("/", ".")
    # The runtime client imports the handler's module by a call, which Python doesn't trace; a statement, it does.
    traced = Variant(
        _with_file(given.package, "import_traced.py", f"from {module} import {name}\n"),
        handler=f"import_traced.{name}",
        event=given.event,
        memory_mb=given.memory_mb,
        variables={**given.variables, "PYTHONPROFILEIMPORTTIME": "1"},
    )
    with deployed(cloud, {"it": traced}) as trials:
        trials["it"].settle()
        call = trials["it"].cold()
        found = parse_imports(_log(cloud.endpoint, f"/aws/lambda/{trials['it'].name}", call.environment.log_stream))
    if everything:
        return found
    begin = found.index[(found.module == module) & (found.depth == 0)][0]
    after = found.index[(found.depth == 0) & (found.index > begin)]
    return found.loc[begin : after[0] - 1 if len(after) else None].reset_index(drop=True)


def stopwatch_cost(
    cloud: LocalCloud,
    *,
    repetitions: int = 10,
    progress: Progress | None = None,
    cancel: threading.Event | None = None,
) -> pd.DataFrame:
    """Measure what :func:`anatomy`'s measuring costs: starts of a function with and without it, taking turns.

    Returns
    -------
    pandas.DataFrame
        As of :func:`measure_cold`, with the variants ``without the stopwatch`` and ``with the stopwatch``.
    """
    plain = Variant(packed(NOTHING))
    with stopwatch() as watch:
        both = {"without the stopwatch": plain, "with the stopwatch": watch.on(plain)}
        return measure_cold(cloud, both, repetitions=repetitions, progress=progress, cancel=cancel)


def _turns(trials: dict[str, Trial], repetitions: int, interleaved: bool) -> Iterator[tuple[int, str, Trial]]:
    """Yield who is measured next, repetition -1 being the one that is left out."""
    names = list(trials)
    if interleaved:
        for repetition in range(-1, repetitions):
            first = (repetition + 1) % len(names)
            for name in [*names[first:], *names[:first]]:
                yield repetition, name, trials[name]
    else:
        for name in names:
            for repetition in range(-1, repetitions):
                yield repetition, name, trials[name]


def _with_file(package: bytes, name: str, text: str) -> bytes:
    """Return a package with one file more."""
    data = io.BytesIO(package)
    with zipfile.ZipFile(data, "a") as archive:
        info = zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0))
        info.external_attr = 0o100644 << 16
        archive.writestr(info, text)
    return data.getvalue()


def _log(endpoint: str, group: str, stream: str) -> str:
    """Return the text of a log stream."""
    logs = clients(endpoint)["logs"]
    lines: list[str] = []
    given: dict[str, str] = {}
    while True:
        page = logs.get_log_events(logGroupName=group, logStreamName=stream, startFromHead=True, **given)
        lines += (event["message"].rstrip("\n") for event in page["events"])
        if not page["events"] or page["nextForwardToken"] == given.get("nextToken"):
            return "\n".join(lines)
        given["nextToken"] = page["nextForwardToken"]
