"""An Auto Scaling group that follows its load: an alarm, an order, instances that take time to start.

A model with declared assumptions, second by second, for comparison with functions that meet the same surge. The group
tracks a target: while its instances are busier than that, it orders as many as the load would need. Requests above
what the instances can answer wait, and are turned away when they would wait longer than people do.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from helpers.capacity import declared, units_needed
from helpers.checks import choice, number

SIGNALS = ("requests", "cpu")


@dataclass(frozen=True, kw_only=True)
class Group:
    """How large an instance is, and how the group follows the load: assumptions, each with its reason.

    ``signal`` is what the group looks at. ``requests`` for each instance may exceed what it can answer, so that one
    look is enough to order the right number; ``cpu`` ends at 100%, so that a crowd of any size looks the same.
    """

    unit_rate: float = declared(200.0, "requests a second that one can answer")
    use: float = declared(0.6, "target: share of that; the rest is headroom")
    minimum: int = declared(2, "instances that always run: one may fail")
    maximum: int = declared(400, "the group's own limit")
    alarm_s: float = declared(180.0, "above target for three one-minute values")
    lead_s: float = declared(120.0, "boot, start the server, pass health checks")
    patience_s: float = declared(10.0, "a visitor waits, then has gone")
    signal: str = "requests"

    def __post_init__(self) -> None:
        number("unit_rate", self.unit_rate, above=True)
        number("use", self.use, 0, 1, above=True)
        number("minimum", self.minimum, 1)
        number("maximum", self.maximum, self.minimum)
        number("alarm_s", self.alarm_s)
        number("lead_s", self.lead_s)
        number("patience_s", self.patience_s)
        choice("signal", self.signal, SIGNALS)


@dataclass(frozen=True, eq=False)
class Followed:
    """What became of the load, second by second.

    Attributes
    ----------
    rates : requests that arrived in each second
    answered, dropped : requests that were answered, and turned away
    instances : instances in service
    """

    rates: np.ndarray
    answered: np.ndarray
    dropped: np.ndarray
    instances: np.ndarray

    @property
    def caught_up_s(self) -> float:
        """The second after which nobody is turned away any more; NaN if it never comes, 0 if nobody was."""
        lost = np.flatnonzero(self.dropped > 0.5)
        if not lost.size:
            return 0.0
        return float(lost[-1] + 1) if lost[-1] + 1 < self.dropped.size else math.nan


def follow(rates: np.ndarray, group: Group) -> Followed:
    """Let a group follow a load.

    Parameters
    ----------
    rates : requests a second, one value for each second
    group : how it follows

    Examples
    --------
    >>> followed = follow(np.full(60, 100.0), Group())
    >>> followed.instances[-1].item(), followed.dropped.sum().item()
    (2, 0.0)
    """
    rates = np.atleast_1d(number("rates", rates))
    need = {"unit_capacity": group.unit_rate, "utilisation": group.use, "minimum": group.minimum}
    serving = min(units_needed(load=float(rates[0]), **need), int(group.maximum))
    answered, dropped, instances = (np.zeros(rates.size) for _ in range(3))
    busy = np.zeros(rates.size)
    due: list[tuple[float, int]] = []  # when ordered instances serve, and how many there are then
    ordered, above_s, waiting = serving, 0, 0.0
    for second, rate in enumerate(rates.tolist()):
        while due and due[0][0] <= second:
            serving = due.pop(0)[1]
        can = serving * group.unit_rate
        over = waiting + rate - can
        answered[second] = min(waiting + rate, can)
        waiting = min(max(over, 0.0), can * group.patience_s)
        dropped[second], instances[second] = max(over - waiting, 0.0), serving
        busy[second] = min(rate / can, 1.0) if group.signal == "cpu" else rate / can
        above_s = above_s + 1 if busy[second] > group.use else 0
        # Values come by the minute: once the alarm is on, each of them may order more.
        if above_s and above_s >= max(group.alarm_s, 1) and (above_s - max(group.alarm_s, 1)) % 60 < 1:
            seen = busy[max(second - 59, 0) : second + 1]
            wanted = math.ceil(round(serving * float(seen[seen > group.use].mean()) / group.use, 6))
            wanted = min(wanted, int(group.maximum))
            if wanted > ordered:
                ordered = wanted
                due.append((second + 1 + group.lead_s, wanted))
    return Followed(rates, answered, dropped, instances.astype(int))
