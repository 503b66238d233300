"""Traffic as counts over time: what a log boils down to, and all that the advice ever sees of it.

No line of a log, no address and no path gets this far. A :class:`Gatherer` takes seconds with their counts in any
order and keeps them in pages of a day; a long or scattered log is kept by the minute, then by the hour, so that memory
stays bounded whatever comes. :class:`Traffic` is what remains.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from helpers.advice.sketch import Sketch
from helpers.checks import number
from helpers.pricing import HOURS_A_MONTH

DAY_S = 86_400
STEPS = (1, 60, 3600)
PAGES = 100  # days kept second by second; ten years minute by minute; beyond that by the hour
PAGES_OF = {1: PAGES, 60: 3660, 3600: 200_000}
STRAY_SHARE, STRAY_GAP_DAYS = 0.001, 30


@dataclass(frozen=True, eq=False, kw_only=True)
class Traffic:
    """Requests over a period.

    Attributes
    ----------
    start_s : beginning of the first step, seconds since 1970 in UTC
    step_s : length of a step: 1, 60, 300 or 3600 s
    counts : requests in each step
    durations : how long they took, where that is known
    response_kb : size of an average answer, where that is known
    offset_s : local time minus UTC, for hours of the day and days of the week
    statuses : requests by class of status, ``{"2xx": 90, "5xx": 1}``, where known
    """

    start_s: int
    step_s: int
    counts: np.ndarray
    durations: Sketch | None = None
    response_kb: float | None = None
    offset_s: int = 0
    statuses: Mapping[str, int] = field(default_factory=dict)

    @property
    def requests(self) -> int:
        """All requests of the period."""
        return int(self.counts.sum())

    @property
    def period_s(self) -> int:
        """Length of the period in s."""
        return int(self.counts.size * self.step_s)

    @property
    def requests_a_month(self) -> float:
        """Requests in a month of 730 hours at the period's average rate."""
        return self.requests / self.period_s * HOURS_A_MONTH * 3600

    def by(self, step_s: int) -> np.ndarray:
        """Return the counts in coarser steps, the last one dropped if it isn't whole (unless it is the only one)."""
        if step_s < self.step_s or step_s % self.step_s:
            raise ValueError(f"step_s must be a multiple of {self.step_s}, got {step_s}")
        ratio = step_s // self.step_s
        whole = self.counts.size // ratio
        if not whole:
            return self.counts.sum(keepdims=True)
        return self.counts[: whole * ratio].reshape(whole, ratio).sum(axis=1)

    def local(self, offset_s: int) -> Traffic:
        """Return the same traffic with another local time."""
        return replace(self, offset_s=int(number("offset_s", offset_s, -DAY_S, DAY_S)))


class Gatherer:
    """Adds up what a reader finds, in any order, within bounded memory.

    Examples
    --------
    >>> gatherer = Gatherer()
    >>> gatherer.add({1_000_000_000: 2, 1_000_000_003: 1})
    >>> traffic = gatherer.traffic()
    >>> traffic.counts.tolist(), traffic.step_s
    ([2, 0, 0, 1], 1)
    """

    def __init__(self, step_s: int = 1) -> None:
        self.step_s = step_s
        self.sketch = Sketch.of([])
        self.sized, self.bytes = 0, 0
        self.statuses: dict[str, int] = {}
        self.offsets: dict[int, int] = {}
        self.stray = 0
        self._pages: dict[int, np.ndarray] = {}

    @property
    def requests(self) -> int:
        """Requests so far."""
        return int(sum(int(page.sum()) for page in self._pages.values()))

    def add(self, counts: Mapping[int, int]) -> None:
        """Add requests by the second in which they came (since 1970, UTC)."""
        for second, count in counts.items():
            day, rest = divmod(second, DAY_S)
            page = self._pages.get(day)
            if page is None:
                page = self._page(day)
            page[rest // self.step_s] += count

    def add_seconds(self, seconds: np.ndarray) -> None:
        """Add requests by their seconds since 1970 (UTC), one entry a request."""
        days = seconds // DAY_S
        first = int(days[0])
        one_day = bool((days == first).all())
        for day in [first] if one_day else np.unique(days).tolist():
            page = self._pages.get(day)
            if page is None:
                page = self._page(day)
            inside = seconds if one_day else seconds[days == day]
            page += np.bincount((inside - day * DAY_S) // self.step_s, minlength=page.size)

    def _page(self, day: int) -> np.ndarray:
        while len(self._pages) >= PAGES_OF[self.step_s] and self.step_s != STEPS[-1]:
            self._coarsen(STEPS[STEPS.index(self.step_s) + 1])
        return self._pages.setdefault(day, np.zeros(DAY_S // self.step_s, dtype=np.int64))

    def _coarsen(self, step_s: int) -> None:
        ratio = step_s // self.step_s
        self._pages = {day: page.reshape(-1, ratio).sum(axis=1) for day, page in self._pages.items()}
        self.step_s = step_s

    def traffic(self, offset_s: int | None = None) -> Traffic:
        """Return what was gathered, from the first request to the last.

        A few requests that lie a month or more away from all others are left out and counted in ``stray``: the clock
        of a machine that starts without network stands at 1970.

        Raises
        ------
        ValueError
            When nothing was gathered.
        """
        days = self._without_strays()
        if not days:
            raise ValueError("no request with a time was found")
        while (days[-1] - days[0] + 1) > PAGES_OF[self.step_s] and self.step_s != STEPS[-1]:
            self._coarsen(STEPS[STEPS.index(self.step_s) + 1])
        a_day = DAY_S // self.step_s
        counts = np.zeros((days[-1] - days[0] + 1, a_day), dtype=np.int64)
        for day in days:
            counts[day - days[0]] = self._pages[day]
        counts = counts.ravel()
        used = np.flatnonzero(counts)
        local = max(self.offsets, key=self.offsets.__getitem__, default=0) if offset_s is None else offset_s
        return Traffic(
            start_s=days[0] * DAY_S + int(used[0]) * self.step_s,
            step_s=self.step_s,
            counts=counts[used[0] : used[-1] + 1],
            durations=self.sketch if self.sketch.count else None,
            response_kb=self.bytes / self.sized / 1024 if self.sized else None,
            offset_s=local,
            statuses=dict(sorted(self.statuses.items())),
        )

    def _without_strays(self) -> list[int]:
        """Return the days of the main stretch: of those that long gaps divide, all that hold more than a few."""
        sums = {day: int(page.sum()) for day, page in sorted(self._pages.items())}
        sums = {day: count for day, count in sums.items() if count}
        stretches: list[list[int]] = []
        for day in sums:
            if stretches and day - stretches[-1][-1] <= STRAY_GAP_DAYS:
                stretches[-1].append(day)
            else:
                stretches.append([day])
        total = sum(sums.values())
        kept = [s for s in stretches if sum(sums[day] for day in s) >= STRAY_SHARE * total]
        first, last = (kept[0][0], kept[-1][-1]) if kept else (0, -1)
        self.stray = sum(count for day, count in sums.items() if not first <= day <= last)
        return [day for day in sums if first <= day <= last]


# A day and a week, as monthly figures are spread over them.
WEEKS = 4


def modelled(
    requests_a_month: float,
    *,
    shape: Any = "a shop's day",
    weekend: float = 1.0,
    duration_ms: float | None = None,
    weeks: int = WEEKS,
    seed: int = 0,
) -> Traffic:
    """Return traffic for monthly figures: minute by minute, at random around a day's curve. A model, and no log.

    Parameters
    ----------
    requests_a_month : in a month of 730 hours
    shape : a name in ``coldstart.SHAPES``, or 24 weights
    weekend : a Saturday's or Sunday's requests against a weekday's
    duration_ms : how long each takes
    weeks, seed : how much of it, and of the random counts

    Examples
    --------
    >>> traffic = modelled(1_000_000, shape="office hours", weekend=0.1)
    >>> round(traffic.requests_a_month, -4)
    1000000.0
    """
    from helpers.coldstart import hourly_rates

    rates, _ = hourly_rates(requests_a_month, shape)
    quiet = number("weekend", weekend)
    factors = np.array([1.0] * 5 + [quiet] * 2)
    factors *= 7 / factors.sum()
    week = np.concatenate([np.repeat(rates, 60) * 60 * factor for factor in factors])
    rng = np.random.default_rng(seed)
    counts = rng.poisson(np.tile(week, int(number("weeks", weeks, 1, 52))))
    sketch = None
    if duration_ms is not None:
        sketch = Sketch.of(np.full(1000, number("duration_ms", duration_ms, above=True)))
    # The first Monday of the era, so that days of the week are right without a date of anybody's calendar.
    return Traffic(start_s=4 * DAY_S, step_s=60, counts=counts, durations=sketch)
