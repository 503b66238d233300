"""How much of something one has to keep running: Little's law, a week of demand, fleets that carry it, what idles.

A fleet is sized for its busiest moment and pays for all the others. Demand here is a declared model of a shop's week,
minute by minute; a fleet is a number of whole units that follows it late, or not at all. What comes out is what was
served, what came late, what was turned away, and the share of the paid time in which processors computed.
``history`` gives the four kinds of fleet, ``pricing`` their bills.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, Any

import numpy as np

from helpers.checks import in_words, number

if TYPE_CHECKING:
    import pandas as pd

DAY_MINUTES = 24 * 60
WEEK_MINUTES = 7 * DAY_MINUTES
DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
# Shares of an average hour, midnight to midnight: quiet before dawn, busiest after dinner.
DAY_SHAPE = (0.75, 0.6, 0.5, 0.42, 0.38, 0.4, 0.5, 0.65, 0.8, 0.95, 1.05, 1.1)
DAY_SHAPE += (1.2, 1.2, 1.15, 1.15, 1.2, 1.3, 1.45, 1.6, 1.65, 1.55, 1.3, 1.0)


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


def declared(default: Any, reason: str) -> Any:
    """Return a field of a dataclass that is an assumption, with the reason for it."""
    return field(default=default, metadata={"reason": reason})


def assumptions(of: Any) -> pd.DataFrame:
    """Return the declared assumptions of a value as a frame: assumption, value (as text), reason.

    Examples
    --------
    >>> assumptions(Week()).assumption[1]
    'weekend'
    """
    import pandas as pd

    declared_fields = [f for f in fields(of) if "reason" in f.metadata]
    rows = [(f.name, in_words(getattr(of, f.name)), f.metadata["reason"]) for f in declared_fields]
    return pd.DataFrame(rows, columns=["assumption", "value", "reason"])


@dataclass(frozen=True, kw_only=True)
class Week:
    """A model of the image-sharing shop's traffic in the week of its launch, Monday to Sunday. Made up, and says so.

    An ordinary day has the shape of ``DAY_SHAPE``. On launch day, word spreads around the world: from
    ``launch_hour`` on, ``launch - 1`` times an ordinary day's average comes on top for 24 hours, by night as by day,
    so that the day's requests are ``launch`` times what they were. Then the surplus fades.
    """

    per_second: float = declared(60.0, "requests, ordinary weekday: 5 million a day")
    weekend: float = declared(1.25, "against a weekday: photos are for spare time")
    launch: float = declared(3.0, "against an ordinary day: the story's tripling")
    launch_day: int = declared(3, "Thursday; Monday is 0")
    launch_hour: float = declared(2.0, "at the shop; elsewhere it is ten in the morning")
    ramp_minutes: float = declared(10.0, "from the first message to the full crowd")
    fade_hours: float = declared(6.0, "after launch day the surplus halves in so many")
    spread: float = declared(0.05, "each hour differs at random by up to this share")
    seed: int = declared(1, "the same seed gives the same week")

    def __post_init__(self) -> None:
        number("per_second", self.per_second, above=True)
        number("weekend", self.weekend, above=True)
        number("launch", self.launch, 1)
        number("launch_day", self.launch_day, 0, 6)
        number("launch_hour", self.launch_hour, 0, 23)
        number("ramp_minutes", self.ramp_minutes, 1)
        number("fade_hours", self.fade_hours, above=True)
        number("spread", self.spread, 0, 0.5)

    @property
    def launch_minute(self) -> int:
        """The minute of the week in which the launch begins."""
        return round(self.launch_day * DAY_MINUTES + self.launch_hour * 60)

    def rates(self) -> np.ndarray:
        """Return requests a second in each of the week's 10,080 minutes."""
        shape = np.array(DAY_SHAPE) / np.mean(DAY_SHAPE)
        hours = np.concatenate([shape * (self.weekend if day >= 5 else 1) for day in range(7)])
        hours = hours * (1 + self.spread * np.random.default_rng(self.seed).uniform(-1, 1, hours.size))
        # An hour's level holds in its middle; between two middles the level moves evenly, around the week's end too.
        middles = np.arange(-1, hours.size + 1) * 60 + 29.5
        ordinary = np.interp(np.arange(WEEK_MINUTES), middles, np.concatenate([hours[-1:], hours, hours[:1]]))
        since = np.arange(WEEK_MINUTES) - self.launch_minute + 0.5
        fading = 0.5 ** (np.maximum(since - DAY_MINUTES, 0) / (60 * self.fade_hours))
        extra = (self.launch - 1) * np.clip(since / self.ramp_minutes, 0, 1) * fading
        return self.per_second * (ordinary + extra)

    def hourly(self) -> pd.DataFrame:
        """Return the week hour by hour: hour (0 to 167), day, clock ("02:00"), requests."""
        import pandas as pd

        requests = (self.rates() * 60).reshape(-1, 60).sum(axis=1).round().astype(int)
        hour = np.arange(requests.size)
        day, clock = [DAYS[h // 24] for h in hour], [f"{h % 24:02d}:00" for h in hour]
        return pd.DataFrame({"hour": hour, "day": day, "clock": clock, "requests": requests})


@dataclass(frozen=True, kw_only=True)
class Fleet:
    """Whole units that carry requests, and how they follow the demand.

    Attributes
    ----------
    unit_rate : requests a second that one unit carries when fully used
    use : share of that which is planned to be used; the rest is headroom
    minimum, maximum : units that always run, and the most there may be
    lead_minutes : from the decision to run one more unit until it serves
    review_minutes : how often the load is looked at, and over how long it is averaged
    linger_minutes : how long fewer units must have been enough before one is given back
    """

    unit_rate: float
    use: float = 0.6
    minimum: int = 2
    maximum: float = math.inf
    lead_minutes: int = 0
    review_minutes: int = 1
    linger_minutes: int = 15

    def __post_init__(self) -> None:
        number("unit_rate", self.unit_rate, above=True)
        number("use", self.use, 0, 1, above=True)
        number("minimum", self.minimum)
        number("lead_minutes", self.lead_minutes)
        number("linger_minutes", self.linger_minutes)
        number("review_minutes", self.review_minutes, 1)

    def for_peak(self, peak_per_s: float) -> int:
        """Return the units that one keeps for a peak that one expects."""
        return units_needed(load=peak_per_s, unit_capacity=self.unit_rate, utilisation=self.use, minimum=self.minimum)

    def on_demand(self, rates: np.ndarray) -> np.ndarray:
        """Return units in service, minute by minute, when each request that finds none brings one with it."""
        wanted = np.clip(np.ceil(np.round(rates / (self.unit_rate * self.use), 9)), self.minimum, self.maximum)
        return _kept(wanted, int(self.linger_minutes))

    def following(self, rates: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return units in service and units paid, minute by minute; a unit is paid from the moment it is ordered."""
        minutes, every = len(rates), int(self.review_minutes)
        looks = np.arange(0, minutes, every)
        sums = np.concatenate([[0.0], np.cumsum(rates)])
        first = np.maximum(looks - every, 0)
        # The first look has nothing behind it: it takes the first minute for what came before.
        seen = np.where(looks > 0, (sums[looks] - sums[first]) / np.maximum(looks - first, 1), rates[0])
        wanted = np.ceil(np.round(seen / (self.unit_rate * self.use), 9))
        ordered = np.repeat(np.clip(wanted, self.minimum, self.maximum), every)[:minutes]
        arrived = np.concatenate([np.full(int(self.lead_minutes), ordered[0]), ordered])[:minutes]
        serving = _kept(arrived, int(self.linger_minutes))
        return serving, np.maximum(serving, ordered)


def _kept(units: np.ndarray, linger: int) -> np.ndarray:
    """Return the most units of the last minutes: one is given back only when it was not needed for so long."""
    padded = np.concatenate([np.full(linger, units[0]), units])
    return np.lib.stride_tricks.sliding_window_view(padded, linger + 1).max(axis=1)


@dataclass(frozen=True, eq=False)
class Served:
    """What became of a week's demand, minute by minute.

    Attributes
    ----------
    rates : requests a second that arrived
    capacity : requests a second that could be carried
    paid : requests a second that the units one paid for could have carried
    late, dropped : requests in each minute that had to wait, and that were turned away
    """

    rates: np.ndarray
    capacity: np.ndarray
    paid: np.ndarray
    late: np.ndarray
    dropped: np.ndarray

    @property
    def requests(self) -> float:
        """Requests that arrived."""
        return float(self.rates.sum() * 60)

    @property
    def utilisation(self) -> float:
        """Share of the paid capacity that served requests."""
        return (self.requests - float(self.dropped.sum())) / (float(self.paid.sum()) * 60)

    def between(self, first: int, last: int) -> Served:
        """Return the same for the minutes from first up to last."""
        return Served(**{f.name: getattr(self, f.name)[first:last] for f in fields(self)})


def serve(rates: np.ndarray, capacity: np.ndarray, *, paid: np.ndarray | None = None, patience_s: float = 10) -> Served:
    """Let demand meet capacity: what exceeds it waits, and what would wait longer than people do is turned away.

    Parameters
    ----------
    rates, capacity : requests a second, minute by minute
    paid : the capacity that one pays for; ``capacity`` if omitted
    patience_s : how long a request waits before its sender has gone. An assumption: try others.

    Examples
    --------
    >>> served = serve(np.array([10.0, 30.0]), np.array([20.0, 20.0]), patience_s=0)
    >>> float(served.dropped.sum())
    600.0
    """
    number("patience_s", patience_s)
    late, dropped = np.zeros(len(rates)), np.zeros(len(rates))
    if (rates > capacity).any():
        waiting = 0.0
        for minute, (rate, can) in enumerate(zip(rates.tolist(), capacity.tolist(), strict=True)):
            if rate <= can and not waiting:
                continue
            over = waiting + (rate - can) * 60
            done = min(waiting + rate * 60, can * 60)
            waiting = min(max(over, 0.0), can * patience_s)
            late[minute], dropped[minute] = done, max(over - waiting, 0.0)
    return Served(rates, capacity, capacity if paid is None else paid, late, dropped)


def without(units: np.ndarray, *, minute: int, repair_minutes: float, lost: float = 1) -> np.ndarray:
    """Return units in service when some fail in one minute and come back after their repair."""
    left = np.array(units, dtype=float)
    left[minute : minute + round(repair_minutes)] -= lost
    return np.maximum(left, 0)


def cost_of_idle(usd: float, utilisation: float) -> Mapping[str, float]:
    """Split an amount into what paid for work and what paid for waiting.

    Examples
    --------
    >>> cost_of_idle(100.0, 0.25)
    {'used': 25.0, 'idle': 75.0}
    """
    used = number("usd", usd) * number("utilisation", utilisation, 0, 1)
    return {"used": used, "idle": usd - used}
