"""What can be known without simulating: Little's law, Erlang's formula, the lone function that cools down."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from helpers import tables
from helpers.capacity import concurrency
from helpers.checks import number
from helpers.scaling.platform import whole

__all__ = ["concurrency", "erlang_b", "lone_cold_probability", "required_concurrency"]


def erlang_b(servers: int, offered_load: float) -> float:
    """Return the share of random arrivals that find all servers busy and are lost.

    Parameters
    ----------
    servers : how many there are
    offered_load : arrival rate times mean service time; how the times are distributed doesn't matter

    Notes
    -----
    A. K. Erlang, 1917, by the recursion over the number of servers, which neither overflows nor cancels.

    Examples
    --------
    >>> round(erlang_b(1000, 2016), 6)
    0.504455
    """
    load = number("offered_load", offered_load)
    blocked = 1.0
    for k in range(1, whole("servers", servers) + 1):
        blocked = load * blocked / (k + load * blocked)
    return blocked


def required_concurrency(*, rate_per_s: float, duration_ms: float, rate_cap_factor: float | None = None) -> int:
    """Return the concurrency that a steady rate needs: for the work, or for the cap on requests a second.

    Parameters
    ----------
    rate_per_s : requests a second
    duration_ms : average duration of one
    rate_cap_factor : requests a second for each unit of concurrency; Lambda's (10) if omitted

    Examples
    --------
    >>> required_concurrency(rate_per_s=100, duration_ms=500)
    50
    >>> required_concurrency(rate_per_s=20_000, duration_ms=50)
    2000
    """
    factor = tables.limit("lambda.request_rate_factor").max if rate_cap_factor is None else rate_cap_factor
    busy = concurrency(rate_per_s=rate_per_s, duration_ms=duration_ms)
    capped = rate_per_s / number("rate_cap_factor", factor, above=True)
    return math.ceil(round(max(busy, capped), 9))


def lone_cold_probability(rate_per_s: Any, keep_alive_s: Any) -> Any:
    """Return how likely a request starts cold where one environment suffices: nobody came for ``keep_alive_s``.

    Random arrivals at ``rate_per_s`` with negligible duration: exp(-rate x keep-alive). Numbers or arrays.

    Examples
    --------
    >>> round(lone_cold_probability(rate_per_s=1 / 600, keep_alive_s=600), 4)
    0.3679
    """
    result = np.exp(-np.asarray(number("rate_per_s", rate_per_s)) * number("keep_alive_s", keep_alive_s))
    return float(result) if np.ndim(result) == 0 else result
