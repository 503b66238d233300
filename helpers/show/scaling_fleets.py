"""The figures of notebook 05 beside functions: an Auto Scaling group in the same surge, and a quiet night."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import pandas as pd

from helpers.pricing import (
    HOURS_A_MONTH,
    Bill,
    Provisioned,
    SnapStart,
    api_bill,
    ec2_bill,
    lambda_bill,
    service_bill,
)
from helpers.scaling import Group, Platform, Surge, daily, follow, simulate
from helpers.scaling.incidents import INIT_MS
from helpers.show import charts
from helpers.show.chart import Chart
from helpers.show.courses import Panel, courses
from helpers.show.scaling import short
from helpers.show.wording import dollars, listed, number, quantity

PEAK_RATE, DURATION_MS = 10_000.0, 50.0
BEFORE_S, AFTER_S, STEADY_S = 60, 840, 30
STEP_S = 5
OPEN_HOURS, A_SECOND, KEEP_ALIVE_S = (8, 20), 0.1, 600.0
SIGNALS = {"requests per instance": "requests", "CPU": "cpu"}


@lru_cache(maxsize=32)
def _functions(before: float) -> tuple[np.ndarray, float]:
    """Return what functions answer in each second after the crowd came, and how many requests they refuse.

    Half a minute is simulated, request by request; by then nothing changes any more, and the rest repeats it.
    """
    surge = Surge(base_rate=before, peak_rate=PEAK_RATE, quiet_s=10, hold_s=STEADY_S)
    course = simulate(surge.arrivals(), duration_ms=DURATION_MS, init_ms=INIT_MS, platform=Platform()).timeline(1)
    after = course[course.time_s >= 10]
    answered = after.started.to_numpy(dtype=float)
    steady = answered[STEADY_S // 2 :].mean()
    return np.concatenate([answered, np.full(AFTER_S - STEADY_S, steady)]), float(after.throttled.sum())


def group(
    *, before: float = 1, use: float = 60, alarm_s: float = 180, lead_s: float = 120, signal: str = "requests"
) -> Chart:
    """Draw a jump to 10,000 requests a second on an Auto Scaling group, and on functions of 50 ms.

    Parameters
    ----------
    before : requests a second before the jump
    use : share of an instance that the group plans to use, in percent
    alarm_s, lead_s, signal : as in ``scaling.Group``
    """
    settings = Group(use=use / 100, alarm_s=alarm_s, lead_s=lead_s, signal=signal)
    surge = Surge(base_rate=before, peak_rate=PEAK_RATE, quiet_s=BEFORE_S, hold_s=AFTER_S)
    followed = follow(surge.rates(), settings)
    answered, refused = _functions(float(before))
    frame = pd.DataFrame(
        {
            "minutes": (np.arange(BEFORE_S + AFTER_S) - BEFORE_S) / 60,
            "arrive": followed.rates,
            "group": followed.answered.round(),
            "functions": np.concatenate([np.full(BEFORE_S, float(before)), answered]),
            "instances": followed.instances,
        }
    )
    frame["functions"] = frame.functions.map(short)
    frame = frame.iloc[::STEP_S].reset_index(drop=True)
    frame["minutes"] = frame.minutes.round(4)
    lost, arrived = float(followed.dropped.sum()), float(followed.rates[BEFORE_S:].sum())
    caught_up = followed.caught_up_s - BEFORE_S
    late = np.isnan(caught_up)
    end = "to the end of the picture" if late else f"for {_minutes(caught_up)}"
    group_told = f"{quantity(short(lost))} of {quantity(short(arrived))} requests, {end}" if lost >= 0.5 else "nobody"
    title = (
        f"The group turns people away {'for more than 14 minutes' if late else f'for {_minutes(caught_up)}'}"
        if lost >= 0.5
        else "The group's headroom carries the crowd"
    )
    return courses(
        frame,
        [
            Panel("answered a second", {"arrive": "muted", "functions": "lambda", "group": "ec2"}, broad="arrive"),
            Panel("instances", {"instances": "ec2"}),
        ],
        title=title,
        sentence=(
            f"From {number(before)} to {number(PEAK_RATE)} requests a second at once. The group turns away "
            f"{group_told}, and goes from {number(int(followed.instances[0]))} to "
            f"{number(int(followed.instances[-1]))} instances. Functions of {number(DURATION_MS)} ms turn away "
            f"{f'{quantity(short(refused))}, all at the start' if refused else 'nobody'}."
        ),
        x="minutes",
        x_title="minutes since the crowd came",
    )


def _minutes(seconds: float) -> str:
    minutes = short(seconds / 60, 2)
    return f"{number(minutes)} minute{'' if minutes == 1 else 's'}"


def night() -> Chart:
    """Draw a day of a function that is called in office hours only: requests, and environments."""
    opens, closes = OPEN_HOURS
    curve = [A_SECOND if opens <= hour < closes else 0.0 for hour in range(24)]
    run = simulate(daily(curve, seed=3), duration_ms=400, init_ms=INIT_MS, platform=Platform(keep_alive_s=KEEP_ALIVE_S))
    course = run.timeline(600)
    frame = pd.DataFrame(
        {
            "hour": (course.time_s / 3600).round(4),
            "requests": course.arrivals,
            "environments": course.most_environments,
        }
    )
    none = number(short((frame.environments == 0).sum() / 6))
    bill = run.bill(512)
    chart = courses(
        frame,
        [
            Panel("requests in 10 minutes", {"requests": "requests"}, broad="requests"),
            Panel("environments", {"environments": "lambda"}, broad="environments"),
        ],
        title=f"Scale to zero: no environment for {none} hours of the day",
        sentence=(
            f"{quantity(short(run.requests))} requests come between {opens}:00 and {closes}:00. At most "
            f"{run.peak_environments} environments are there at once, and none for {none} hours. "
            f"The day costs {dollars(bill.total)}, free tier left out; the night {dollars(0)}."
        ),
        x="hour",
        x_title="hour of the day",
    )
    for name in ("xaxis", "xaxis2"):
        chart.figure["layout"][name] |= {"range": [0, 24], "dtick": 4}
    return chart


def _night_bills(hours: float) -> dict[str, Bill]:
    def function(**more: object) -> Bill:
        return lambda_bill(requests=0, duration_ms=100, memory_mb=1024, free_tier=False, **more)

    kept = hours / HOURS_A_MONTH
    return {
        "Lambda function": function(),
        "logs kept, 50 GB": service_bill("cloudwatch.logs.storage", 50 * kept, free_tier=False),
        "SnapStart, snapshot of 1 GB": function(snapstart=SnapStart(cached_hours=hours, restores=0)),
        "two provisioned, 1 GB each": function(provisioned=Provisioned(2, hours=hours)),
        "photos kept, 1 TB": service_bill("s3.storage", 1024 * kept, free_tier=False),
        "load balancer": api_bill("ALB", requests=0, hours=hours),
        "NAT gateway": service_bill("vpc.nat_gateway.hours", hours),
        "group's two m7g.large": ec2_bill("m7g.large", count=2, hours=hours),
    }


def quiet(*, hours: float = 12) -> Chart:
    """Draw what some hours without a single request cost, item by item."""
    rows = [(what, round(bill.total, 4)) for what, bill in _night_bills(hours).items()]
    frame = pd.DataFrame(rows, columns=["what", "usd"]).sort_values("usd", ignore_index=True)
    paid = frame[frame.usd > 0]
    return charts.bars(
        frame,
        "what",
        "usd",
        title="At night the function is free; what stands around it is not",
        sentence=(
            f"{number(hours)} hours without a request: {listed(frame.what[frame.usd == 0])} costs nothing; "
            f"{listed(f'{row.what} {dollars(row.usd)}' for row in paid.itertuples())}."
        ),
        y_title=f"USD in {number(hours)} hours",
        horizontal=True,
        height=460,
    )
