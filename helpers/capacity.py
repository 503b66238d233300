"""How much of something one has to keep running: Little's law, peak, headroom, whole units.

A fleet is sized for its busiest moment and pays for all the others. These few lines are what a team does in a
spreadsheet before it orders servers, or in its head before it sets an Auto Scaling group's bounds.
"""

import math

from helpers.checks import number


def concurrency(*, rate_per_s: float, duration_ms: float) -> float:
    """Return how many requests are in progress at once, on average: arrival rate times time in the system.

    Source: Little's law (J. D. C. Little, "A Proof for the Queuing Formula: L = lambda W", Operations Research, 1961).

    Examples
    --------
    >>> concurrency(rate_per_s=100, duration_ms=500)
    50.0
    """
    return number("rate_per_s", rate_per_s) * number("duration_ms", duration_ms, above=True) / 1000


def units_needed(*, load: float, unit_capacity: float, utilisation: float = 1.0, minimum: float = 1) -> int:
    """Return how many whole units carry a load.

    Parameters
    ----------
    load : what has to be carried at the busiest moment, in any unit (vCPUs, requests per second)
    unit_capacity : what one unit carries when fully used, in the same unit
    utilisation : share of it that one plans to use (above 0, up to 1); the rest is headroom
    minimum : units kept in any case, for instance two so that one may fail

    Examples
    --------
    >>> units_needed(load=9, unit_capacity=2, utilisation=0.5, minimum=2)
    9
    """
    usable = number("unit_capacity", unit_capacity, above=True) * number("utilisation", utilisation, 0, 1, above=True)
    return max(math.ceil(round(number("load", load) / usable, 9)), math.ceil(number("minimum", minimum)))
