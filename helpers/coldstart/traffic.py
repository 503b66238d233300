"""How often a request starts cold: from the rate of requests, their duration and how long an idle environment lives.

A function that is called rarely is cold when the last call is longer ago than the keep-alive: exp(-rate × keep-alive).
That is not all: two requests at once need two environments, and the second one is used so rarely that it is nearly
always gone. Environments are asked in a fixed order here; number n gets what finds all before it busy (Erlang's loss
formula) and is cold when nothing came to it for a keep-alive. Both steps treat what overflows as Poisson traffic, an
approximation that a simulation of AWS's rules agrees with to a few percent. ``scaling`` simulates without it, and
has the formula for the lone function.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from helpers.capacity import DAY_SHAPE
from helpers.checks import choice, number
from helpers.pricing import HOURS_A_MONTH

# Requests of each hour against the average hour, midnight to midnight: models of a day, not measurements.
SHAPES: dict[str, tuple[float, ...]] = {
    "even": (1.0,) * 24,
    "a shop's day": DAY_SHAPE,
    "office hours": (0.02,) * 8 + (2.361,) * 10 + (0.045,) * 6,
    "one busy hour": (0.01,) * 12 + (23.77,) + (0.01,) * 11,
}
_LEAST_SHARE = 1e-12
_MOST_ENVIRONMENTS = 20_000


def cold_share(rate_per_s: Any, *, duration_ms: float, keep_alive_s: float, provisioned: int = 0) -> Any:
    """Return the share of requests that start cold, those that overlap included.

    Parameters
    ----------
    rate_per_s : requests a second, at random moments; a number or an array
    duration_ms : how long each occupies an environment
    keep_alive_s : how long an idle environment lives
    provisioned : environments that are always there, and asked first

    Examples
    --------
    Six requests a minute leave no pause of ten minutes, yet one in 170 starts cold: two at once need two environments.

    >>> from helpers.scaling import lone_cold_probability
    >>> round(lone_cold_probability(0.1, 600), 6), round(cold_share(0.1, duration_ms=120, keep_alive_s=600), 4)
    (0.0, 0.0059)
    """
    rate = np.atleast_1d(number("rate_per_s", rate_per_s))
    load = rate * number("duration_ms", duration_ms, above=True) / 1000
    kept = _whole("provisioned", provisioned)
    keep_alive = number("keep_alive_s", keep_alive_s)
    arriving, cold = np.ones_like(rate), np.zeros_like(rate)  # share of the requests that get to this environment
    for place in range(1, _MOST_ENVIRONMENTS):
        if place > kept:
            cold += arriving * np.exp(-rate * arriving * keep_alive)
        arriving = load * arriving / (place + load * arriving)
        if place >= kept and arriving.max() < _LEAST_SHARE:
            break
    cold = np.minimum(cold, 1.0)
    return float(cold[0]) if np.ndim(rate_per_s) == 0 else cold.reshape(np.shape(rate_per_s))


def cold_share_of_month(
    requests: float,
    *,
    duration_ms: float,
    keep_alive_s: float,
    shape: str | Sequence[float] = "a shop's day",
    provisioned: int = 0,
) -> float:
    """Return the share of a month's requests that start cold, hour by hour of a day with a shape.

    Parameters
    ----------
    requests : requests a month
    duration_ms, keep_alive_s, provisioned : as for :func:`cold_share`
    shape : a name in ``SHAPES``, or 24 weights, one an hour

    Examples
    --------
    >>> use = {"duration_ms": 100, "keep_alive_s": 600}
    >>> for shape in ("even", "office hours"):
    ...     print(f"{shape}: {cold_share_of_month(30_000, shape=shape, **use):.1%}")
    even: 0.2%
    office hours: 1.7%
    """
    rates, weights = hourly_rates(requests, shape)
    shares = cold_share(rates, duration_ms=duration_ms, keep_alive_s=keep_alive_s, provisioned=provisioned)
    return float(shares @ weights)


def hourly_rates(requests: float, shape: str | Sequence[float] = "a shop's day") -> tuple[np.ndarray, np.ndarray]:
    """Return the requests a second of each hour of the day, and each hour's share of the requests.

    Examples
    --------
    >>> rates, weights = hourly_rates(2_628_000, "even")
    >>> float(rates[0]), round(float(weights.sum()), 9)
    (1.0, 1.0)
    """
    if isinstance(shape, str):
        shape = SHAPES[choice("shape", shape, SHAPES)]
    weights = np.atleast_1d(number("shape", shape))
    if weights.shape != (24,) or not weights.sum():
        raise ValueError(f"shape must be 24 weights with a sum above 0, got {weights.size}")
    weights = weights / weights.sum()
    return number("requests", requests) * weights * 24 / (HOURS_A_MONTH * 3600), weights


def _whole(name: str, value: Any) -> int:
    if isinstance(value, float) and not value.is_integer():
        raise ValueError(f"{name} must be a whole number, got {value!r}")
    return int(number(name, value, 0, _MOST_ENVIRONMENTS))
