"""Traffic played against Lambda: how many requests start cold, how many are refused, what callers wait for.

Where the traffic is known second by second, the simulator gets each second's requests at random moments of it; where
only minutes or hours are known, they are spread over those, which is too kind to real traffic. A long log is cut to its
busiest stretch, and the first keep-alive of a run, in which every environment is new, is left out of the cold share.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from helpers import tables
from helpers.advice.case import Case
from helpers.advice.traffic import Traffic
from helpers.checks import number
from helpers.pricing import memory_model
from helpers.scaling import Platform, Result, Sampler, empirical, from_counts, lognormal, simulate

MOST_REQUESTS = 2_000_000
KEEP_ALIVE_S = 600.0
QUANTILES = (0.5, 0.95, 0.99, 0.999)


@dataclass(frozen=True)
class Played:
    """What became of traffic on Lambda.

    Attributes
    ----------
    requests, period_s : what was simulated
    part : share of the period that was simulated: its busiest stretch, 1 for all of it
    cold_share : share of the requests that started cold, once warmed up
    cold_low, cold_high : its 95% confidence interval, warming up included
    throttled : requests refused
    peak_environments : most environments at once
    latency_ms : the percentiles of ``QUANTILES``, waits and INIT included
    step_s : how finely the traffic was known
    keep_alive_s : assumed
    """

    requests: int
    period_s: float
    part: float
    cold_share: float
    cold_low: float
    cold_high: float
    throttled: int
    peak_environments: int
    latency_ms: tuple[float, ...]
    step_s: int
    keep_alive_s: float


def busiest(traffic: Traffic, most: float) -> tuple[int, int]:
    """Return first and last step of the stretch around the busiest hour that holds at most so many requests."""
    counts = traffic.counts
    if counts.sum() <= most:
        return 0, counts.size
    window = max(1, min(counts.size, 3600 // traffic.step_s))
    sums = np.concatenate([[0], np.cumsum(counts)])
    middle = int((sums[window:] - sums[:-window]).argmax()) + window // 2
    # Grow on both sides as long as it fits.
    reach = np.arange(counts.size)
    first = np.maximum(middle - reach, 0)
    last = np.minimum(middle + reach + 1, counts.size)
    fitting = np.flatnonzero(sums[last] - sums[first] <= most)
    widest = int(fitting[-1]) if fitting.size else 0
    return int(first[widest]), int(last[widest])


def play(
    traffic: Traffic,
    case: Case,
    *,
    scale: float = 1.0,
    keep_alive_s: float = KEEP_ALIVE_S,
    concurrency: int | None = None,
    most: int = MOST_REQUESTS,
    seed: int = 0,
) -> Played:
    """Simulate traffic on Lambda with a case's durations.

    Parameters
    ----------
    traffic : when requests come
    case : duration, memory, INIT
    scale : times as many requests
    keep_alive_s : how long an idle environment is kept; AWS doesn't say, published measurements lie around 600 s
    concurrency : the account's quota; the default one if omitted
    most : requests to simulate at most
    seed : of everything random
    """
    factor = number("scale", scale, above=True)
    first, last = busiest(traffic, most / factor)
    counts = traffic.counts[first:last]
    arrivals = from_counts(counts, step_s=traffic.step_s, seed=seed) * factor
    given = {"keep_alive_s": keep_alive_s} | ({"concurrency": concurrency} if concurrency else {})
    result = simulate(
        arrivals,
        duration_ms=durations(traffic, case),
        init_ms=lognormal(case.init_ms, p99_ms=case.init_ms * 2) if case.init_ms else 0.0,
        platform=Platform(**given),
        seed=seed,
    )
    low, high = result.confidence()
    return Played(
        requests=result.requests,
        period_s=arrivals.duration_s,
        part=(last - first) / traffic.counts.size,
        cold_share=_warmed_up(result, keep_alive_s),
        cold_low=low,
        cold_high=high,
        throttled=result.throttled,
        peak_environments=result.peak_environments,
        latency_ms=tuple(result.latency_ms(q) for q in QUANTILES),
        step_s=traffic.step_s,
        keep_alive_s=keep_alive_s,
    )


def durations(traffic: Traffic, case: Case) -> Sampler:
    """Return what the simulator draws durations from: the log's own, stretched to the function's, or a log-normal."""
    mean = case.duration_ms
    if traffic.durations is not None and traffic.durations.mean_ms > 0:
        points = traffic.durations.points()
        timeout_ms = tables.limit("lambda.timeout").max * 1000
        return empirical(np.minimum(np.maximum(points * (mean / traffic.durations.mean_ms), 0.001), timeout_ms))
    # A p99 of three times the median: common among APIs, and an assumption.
    sigma = math.log(3) / 2.3263
    median = mean / math.exp(sigma**2 / 2)
    return lognormal(median, p99_ms=median * 3)


def modelled_duration(case: Case, memory_mb: float) -> float:
    """Return the case's duration in ms at another memory."""
    return memory_model(case.wait_ms, case.cpu_ms, memory_mb)


def _warmed_up(result: Result, keep_alive_s: float) -> float:
    """Return the cold share after the first keep-alive, where the period is long enough to spare it."""
    if result.period_s < 4 * keep_alive_s:
        return result.cold_start_probability
    step = 2.0 ** math.ceil(math.log2(max(keep_alive_s, 1.0)))
    steps = result.timeline(step).iloc[1:]
    started = int(steps.started.sum())
    return float(steps.cold.sum() / started) if started else result.cold_start_probability
