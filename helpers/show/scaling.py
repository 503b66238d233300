"""The figures of notebook 05 about functions under a crowd: what is needed, answered and turned away, and why.

Each takes plain inputs, lets ``scaling`` simulate single requests, and draws what comes back. Explorers call these:
a million requests take about a tenth of a second. Times count from the moment at which the crowd comes.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import numpy as np
import pandas as pd

from helpers import tables
from helpers.pricing import Provisioned, lambda_bill
from helpers.scaling import Platform, Result, Surge, concurrency, required_concurrency, simulate
from helpers.scaling.incidents import INIT_MS, incident
from helpers.show import charts
from helpers.show.chart import Chart
from helpers.show.courses import Panel, courses
from helpers.show.wording import dollars, listed, number, quantity

QUIET_S, LENGTH_S = 10, 60
X, X_TITLE = "seconds", "seconds since the crowd came"
WHY = {
    "concurrency": "all environments of the quota are busy",
    "scaling": "new environments are added too slowly",
    "rate": "a quota takes ten requests a second for each environment",
}


def short(value: float, digits: int = 3) -> float:
    """Round to the digits that a simulation is worth, so that every machine shows the same."""
    return float(f"{value:.{digits}g}")


def needed(*, rate_per_s: float = 100, duration_ms: float = 500, quota: float = 1_000) -> Chart:
    """Draw the concurrency that a steady rate needs, by Little's law and by the cap on requests a second."""
    factor = tables.limit("lambda.request_rate_factor").max
    rates = np.linspace(0, max(2.0 * rate_per_s, 10), 41)
    parts = {
        "for the work": rates * duration_ms / 1000,
        "for the cap": rates / factor,
        "quota": np.full(rates.size, float(quota)),
    }
    frame = pd.concat(
        [pd.DataFrame({"rate": rates.round(6), "concurrency": v.round(6), "line": k}) for k, v in parts.items()],
        ignore_index=True,
    )
    work = concurrency(rate_per_s=rate_per_s, duration_ms=duration_ms)
    need = required_concurrency(rate_per_s=rate_per_s, duration_ms=duration_ms)
    fits = "fits" if need <= quota else "does not fit"
    most = min(quota / (duration_ms / 1000), factor * quota)
    chart = charts.lines(
        frame,
        "rate",
        "concurrency",
        "line",
        title=f"{number(rate_per_s)} a second at {number(duration_ms)} ms need {number(need)}: {fits} the quota",
        sentence=(
            f"{number(rate_per_s)} requests a second × {number(duration_ms / 1000)} s = {number(short(work, 4))} in "
            f"progress at once; the cap on requests asks for {number(short(rate_per_s / factor, 4))}. The larger of "
            f"the two is the concurrency needed: {number(need)}. A quota of {number(quota)} carries at most "
            f"{number(short(most))} a second."
        ),
        x_title="requests a second",
        y_title="environments",
        marks=[(rate_per_s, need, f"needed: {number(need)}")],
    )
    _dashed(chart)
    return chart


def _dashed(chart: Chart, shape: str = "linear") -> None:
    """Give each line a dash of its own."""
    drawn = (trace for trace in chart.figure["data"] if "line" in trace)
    for trace, dash in zip(drawn, ("solid", "dash", "dot", "dashdot"), strict=False):
        trace["line"] |= {"dash": dash, "shape": shape}


@lru_cache(maxsize=64)
def _surge(surge: Surge, duration_ms: float, quota: int, provisioned: int) -> Result:
    platform = Platform(concurrency=quota, provisioned=provisioned)
    return simulate(surge.arrivals(), duration_ms=duration_ms, init_ms=INIT_MS, platform=platform)


def _course(result: Result) -> pd.DataFrame:
    """Return the course of time, second by second from the crowd's coming, in rounded whole numbers."""
    course = result.timeline(1)
    names = {"arrivals": "arrive", "started": "answered", "throttled": "turned away"}
    frame = course.rename(columns=names)[list(names.values())].map(short)
    frame["environments"], frame["running"] = course.most_environments.map(short), course.running.round().map(short)
    frame.insert(0, X, (course.time_s - QUIET_S).astype(int))
    return frame


def durations(
    *, durations_ms: Sequence[float] = (50, 100, 500), quota: int = 1_000, peak_rate: float = 10_000
) -> Chart:
    """Draw how many requests a second are answered when a crowd comes at once, for several durations."""
    surge = Surge(peak_rate=peak_rate, quiet_s=QUIET_S, hold_s=LENGTH_S - QUIET_S)
    runs = {f"{number(ms)} ms": _surge(surge, float(ms), int(quota), 0) for ms in durations_ms}
    frame = pd.concat([_course(run).assign(line=name) for name, run in runs.items()], ignore_index=True)
    shares = {name: _share(run) for name, run in runs.items()}
    chart = charts.lines(
        frame.rename(columns={"answered": "requests a second"}),
        X,
        "requests a second",
        "line",
        title=f"{number(peak_rate)} a second: turned away {listed(f'{s} at {n}' for n, s in shares.items())}",
        sentence=(
            f"From 1 to {number(peak_rate)} requests a second at once, with a quota of {number(quota)} and "
            f"{number(INIT_MS)} ms INIT. In the first {LENGTH_S - QUIET_S} s, "
            f"{listed(f'{share} are turned away at {name}' for name, share in shares.items())}."
        ),
        x_title=X_TITLE,
        y_title="answered, requests a second",
        height=440,
    )
    _dashed(chart, "hv")
    return chart


def staircase(*, duration_ms: float = 500, peak_rate: float = 10_000, quota: int = 10_000, ready: int = 3_000) -> Chart:
    """Draw how environments are added under the default quota, a higher one, and with some provisioned."""
    surge = Surge(peak_rate=peak_rate, quiet_s=QUIET_S, hold_s=LENGTH_S - QUIET_S)
    default = tables.limit("lambda.concurrency").max
    settings = {
        f"quota {number(default)}": (default, 0),
        f"quota {number(quota)}": (quota, 0),
        f"{number(ready)} provisioned": (quota, ready),
    }
    runs = {name: _surge(surge, float(duration_ms), int(q), int(p)) for name, (q, p) in settings.items()}
    need = required_concurrency(rate_per_s=peak_rate, duration_ms=duration_ms)
    frame = pd.DataFrame({X: _course(next(iter(runs.values())))[X]})
    for name, run in runs.items():
        course = _course(run)
        frame[name], frame[f"{name}: turned away"] = course.environments, course["turned away"]
    styles = dict(zip(runs, ("muted", "lambda", "duration"), strict=True))
    lost = {f"{name}: turned away": style for name, style in styles.items()}
    until = {name: _last_refusal(run) for name, run in runs.items()}
    rate = tables.limit("lambda.scaling_rate").max / tables.limit("lambda.scaling_window").max
    return courses(
        frame,
        [
            Panel("environments", styles, level=(f"needed: {number(need)}", float(need))),
            Panel("turned away a second", lost, names=dict(zip(lost, styles, strict=True))),
        ],
        title=f"A higher quota still fills by {number(rate)} environments a second",
        sentence=(
            f"{number(peak_rate)} requests a second at {number(duration_ms)} ms need {number(need)} environments. "
            + " ".join(_told(name, run, until[name]) for name, run in runs.items())
            + f" Keeping {number(ready)} of 512 MB ready costs {dollars(_an_hour(ready))} an hour."
        ),
        x=X,
        x_title=X_TITLE,
    )


def _an_hour(environments: int) -> float:
    """Return what it costs to keep environments of 512 MB provisioned for an hour."""
    kept = Provisioned(environments, hours=1)
    return lambda_bill(requests=0, duration_ms=1, memory_mb=512, provisioned=kept).total


def _share(run: Result) -> str:
    """Say which share of the requests is turned away; all of them only if nobody is answered."""
    percent = short(100 * run.throttled_share, 2)
    return "more than 99%" if percent == 100 and run.served else f"{number(percent)}%"


def _last_refusal(run: Result) -> int | None:
    """Return how many seconds after the crowd's coming the last request is refused; None if it goes on to the end."""
    refused = np.flatnonzero(run.timeline(1).throttled.to_numpy() > 0)
    if not refused.size:
        return 0
    last = int(refused[-1]) + 1 - QUIET_S
    return None if last >= run.period_s - QUIET_S else max(last, 0)


def _told(name: str, run: Result, until: int | None) -> str:
    end = "to the end" if until is None else f"for {until} s"
    return f"With {name}, {_share(run)} are turned away, {end}."


def crowd(
    *,
    peak_rate: float = 10_000,
    rise_s: float = 0,
    duration_ms: float = 100,
    quota: float = 1_000,
    provisioned: float = 0,
) -> Chart:
    """Draw a crowd: who comes, who is answered, who is turned away, and how many environments there are.

    Parameters
    ----------
    peak_rate, rise_s : requests a second, after a rise of so many seconds from one a second
    duration_ms : of a warm request; INIT adds 300 ms to a cold one
    quota, provisioned : concurrency, and how many environments are ready before
    """
    if provisioned > quota:
        raise ValueError(
            f"{number(provisioned)} provisioned environments don't fit into a quota of {number(quota)}: lower the one "
            "or raise the other"
        )
    surge = Surge(
        base_rate=min(1.0, peak_rate), peak_rate=peak_rate, quiet_s=QUIET_S, rise_s=rise_s, hold_s=50 - rise_s
    )
    run = _surge(surge, float(duration_ms), int(quota), int(provisioned))
    frame = _course(run)
    reason = max(run.throttled_by, key=run.throttled_by.__getitem__)
    title = f"{_share(run)} are turned away: {WHY[reason]}" if run.throttled else "Everybody is answered"
    return courses(
        frame,
        [
            Panel(
                "requests a second", {"arrive": "muted", "answered": "lambda", "turned away": "accent"}, broad="arrive"
            ),
            Panel("environments", {"environments": "duration"}, level=(f"quota {number(quota)}", float(quota))),
        ],
        title=title,
        sentence=_crowd_told(run, reason),
        x=X,
        x_title=X_TITLE,
    )


def _crowd_told(run: Result, reason: str) -> str:
    lost = f"{quantity(short(run.throttled))} are turned away" if run.throttled else "nobody is turned away"
    because = f", most of them because {WHY[reason]}" if run.throttled else ""
    return (
        f"Of {quantity(short(run.requests))} requests, {quantity(short(run.served))} are answered and {lost}{because}. "
        f"{quantity(short(run.cold))} start cold. Environments: {number(short(run.peak_environments))} at the peak."
    )


def evening(*, evening: str = "Thursday") -> Chart:
    """Draw an evening on which requests were throttled, without saying why."""
    shown = incident(evening)
    run, quota = shown.result, shown.platform.concurrency
    frame = _course(run)
    end = frame.iloc[-10:]
    return courses(
        frame,
        [
            Panel(
                "requests a second", {"arrive": "muted", "answered": "lambda", "turned away": "accent"}, broad="arrive"
            ),
            Panel(
                "environments at work",
                {"running": "duration"},
                level=(f"account {number(quota)}", float(quota)),
                names={"running": "at work"},
            ),
        ],
        title=f"{evening}: {quantity(short(run.throttled))} requests were turned away",
        sentence=(
            f"{evening}: a request takes {number(shown.duration_ms)} ms, the account's quota is {number(quota)}. From "
            f"{number(shown.surge.base_rate)} to {number(shown.surge.peak_rate)} requests a second. In the last ten "
            f"seconds, {number(short(end['answered'].mean(), 2))} a second are answered and "
            f"{number(short(end['turned away'].mean(), 2))} turned away, with "
            f"{number(short(end['running'].mean(), 2))} environments at work; the most at once were "
            f"{number(short(run.peak_running, 2))}."
        ),
        x=X,
        x_title=X_TITLE,
    )
