"""The shape of traffic: when it comes, how much it swings, how often there is none, and how much runs at once.

The numbers that decide between functions and a fleet are ratios: the busiest minute against the average one (a fleet
is sized for the first and paid for the second), and the share of time in which nobody calls (a function costs nothing
then). All are plain counts; nothing is fitted.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from helpers.advice.traffic import DAY_S, Traffic
from helpers.checks import number

DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")


@dataclass(frozen=True, eq=False, kw_only=True)
class Shape:
    """What traffic looks like.

    Attributes
    ----------
    requests, days : how many, over how long
    requests_a_month : at the same average rate for 730 hours
    mean_rate_per_s : average rate
    peak_minute_per_s : rate of the busiest minute (of the busiest step, where steps are longer)
    peak_second : requests of the busiest second; None where seconds are unknown
    peak : busiest minute against the average
    peak_hour : busiest hour against the average; the busiest step where the period has no whole hour
    burstiness : variance of the counts a minute against their mean, the day's curve taken out; 1 for random arrivals
    idle_share : share of the minutes without any request
    busiest_hour_share : share of the requests that fall into the busiest hour of the day
    peak_concurrency : most requests in progress at once, from the busiest stretch and the mean duration
    mean_concurrency : on average (Little's law)
    by_hour : requests an hour, 7 days (Monday first) by 24 hours of local time; NaN where the period has none
    """

    requests: int
    days: float
    requests_a_month: float
    mean_rate_per_s: float
    peak_minute_per_s: float
    peak_second: int | None
    peak: float
    peak_hour: float
    burstiness: float
    idle_share: float
    busiest_hour_share: float
    peak_concurrency: float
    mean_concurrency: float
    by_hour: np.ndarray


def shape_of(traffic: Traffic, *, duration_ms: float) -> Shape:
    """Return the shape of traffic.

    Parameters
    ----------
    traffic : what was read
    duration_ms : mean duration, for what is in progress at once

    Examples
    --------
    >>> busy = Traffic(start_s=0, step_s=60, counts=np.array([60, 0, 0, 180]))
    >>> shape = shape_of(busy, duration_ms=500)
    >>> shape.mean_rate_per_s, shape.peak, shape.idle_share, shape.mean_concurrency
    (1.0, 3.0, 0.5, 0.5)
    """
    duration_s = number("duration_ms", duration_ms, above=True) / 1000
    step = max(60, traffic.step_s)
    minutes = traffic.by(step) if traffic.period_s >= step else traffic.counts
    length = step if traffic.period_s >= step else traffic.step_s
    mean = traffic.requests / traffic.period_s
    busiest = float(minutes.max()) / length
    hours = by_hour(traffic)
    days = np.nansum(hours, axis=0)
    seconds = traffic.counts if traffic.step_s == 1 else None
    return Shape(
        requests=traffic.requests,
        days=traffic.period_s / DAY_S,
        requests_a_month=traffic.requests_a_month,
        mean_rate_per_s=mean,
        peak_minute_per_s=busiest,
        peak_second=int(seconds.max()) if seconds is not None else None,
        peak=busiest / mean if mean else math.nan,
        peak_hour=_peak_hour(traffic, minutes, length) / mean if mean else math.nan,
        burstiness=_dispersion(minutes, length),
        idle_share=float((minutes == 0).mean()),
        busiest_hour_share=float(days.max() / days.sum()) if days.sum() else math.nan,
        peak_concurrency=_most_at_once(traffic, duration_s),
        mean_concurrency=mean * duration_s,
        by_hour=hours,
    )


def _peak_hour(traffic: Traffic, minutes: np.ndarray, length: int) -> float:
    """Return the rate a second of the busiest hour, wherever it begins."""
    window = max(1, min(3600 // length, minutes.size))
    sums = np.cumsum(np.concatenate([[0], minutes]))
    return float((sums[window:] - sums[:-window]).max()) / (window * length)


def by_hour(traffic: Traffic) -> np.ndarray:
    """Return average requests an hour for each weekday (Monday first) and hour of local time; NaN where unseen."""
    starts = traffic.start_s + traffic.offset_s + np.arange(traffic.counts.size) * traffic.step_s
    # 1970-01-01 was a Thursday.
    place = (starts // 3600 + 3 * 24) % (7 * 24)
    requests = np.bincount(place, weights=traffic.counts, minlength=168)
    seen_h = np.bincount(place, minlength=168) * traffic.step_s / 3600
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(seen_h > 0, requests / seen_h, np.nan).reshape(7, 24)


def _dispersion(counts: np.ndarray, step_s: int) -> float:
    """Return variance over mean of the counts around the level of their hour: 1 for a Poisson process."""
    an_hour = max(3600 // step_s, 1)
    whole = counts.size // an_hour
    if an_hour < 3 or not whole:
        return math.nan
    hours = counts[: whole * an_hour].reshape(whole, an_hour).astype(float)
    means, variances = hours.mean(axis=1), hours.var(axis=1, ddof=1)
    return float(variances.sum() / means.sum()) if means.sum() else math.nan


def _most_at_once(traffic: Traffic, duration_s: float) -> float:
    """Return the most requests in progress: of the busiest window as long as a request lasts.

    Where steps are longer than a request, the busiest step counts as even within itself, so it is a lower bound.
    """
    counts = traffic.counts
    if duration_s <= traffic.step_s:
        # All of one second may overlap only as far as they last.
        return float(counts.max()) * duration_s / traffic.step_s
    window = min(math.ceil(duration_s / traffic.step_s), counts.size)
    sums = np.cumsum(np.concatenate([[0], counts]))
    return float((sums[window:] - sums[:-window]).max())
