"""What a simulation found: counts, averages over time, latencies, the course of time, and the bill."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from statistics import NormalDist
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from helpers.checks import in_words, number
from helpers.pricing import Bill, LambdaUse, Provisioned, lambda_account_bill
from helpers.pricing.rates import RateTable

if TYPE_CHECKING:
    import pandas as pd

    from helpers.scaling.engine import Run

REASONS = ("concurrency", "scaling", "rate")
STATUSES = ("warm", "cold", "throttled: concurrency", "throttled: scaling", "throttled: rate")
BATCHES = 30


class Interval(NamedTuple):
    """Where a value lies with the stated confidence."""

    low: float
    high: float


def wilson(share: float, count: int, z: float) -> Interval:
    """Return Wilson's interval for a share that was counted; z is the normal distribution's quantile."""
    middle = (share + z * z / (2 * count)) / (1 + z * z / count)
    half = z / (1 + z * z / count) * math.sqrt(share * (1 - share) / count + z * z / (4 * count * count))
    return Interval(middle - half, middle + half)


def students_t(z: float, freedom: int) -> float:
    """Return Student's quantile from the normal distribution's, by the expansion of Cornish and Fisher."""
    v = freedom
    return z + (z**3 + z) / (4 * v) + (5 * z**5 + 16 * z**3 + 3 * z) / (96 * v * v)


def spread_of_ratio(parts: np.ndarray, wholes: np.ndarray) -> float:
    """Return the standard error of sum(parts) / sum(wholes), from how the batches scatter."""
    batches, whole = len(parts), float(wholes.sum())
    left = parts - parts.sum() / whole * wholes
    return math.sqrt((left**2).sum() / (batches * (batches - 1))) / (whole / batches)


class Result:
    """What became of the requests of one simulation.

    Attributes
    ----------
    requests : requests that arrived
    served : requests that were answered
    cold : invocations that had to wait for a new environment
    throttled : requests that were refused for good
    throttled_by : the same by reason: ``concurrency``, ``scaling`` (rate of new environments), ``rate`` (of requests)
    refusals : refusals in all, those included after which a caller tried again; ``refusals_by`` by reason
    retries : how often somebody tried again
    invocations : runs of the function; fewer than served where one takes a batch
    on_provisioned : invocations on provisioned environments
    period_s : length of the simulated period
    mean_environments, mean_running : averages over the period, from an empty start; provisioned ones included
    peak_environments, peak_running : the most there were at once
    created : environments created on demand
    """

    def __init__(
        self,
        run: Run,
        state: Any,
        grid: np.ndarray,
        step_s: float,
        period_s: float,
        classes: np.ndarray,
        occupied_s: float,
        records: np.ndarray,
    ) -> None:
        self._run, self._step_s, self._classes, self._records = run, step_s, classes, records
        self._grid = grid[: max(math.ceil(round(period_s / step_s, 9)), 1)]
        self.period_s = float(period_s)
        self.requests, self.served, self.cold = int(state.number), int(state.served), int(state.cold)
        self.throttled_by = {reason: int(getattr(state, f"lost_{reason}")) for reason in REASONS}
        self.refusals_by = {reason: int(getattr(state, f"refused_{reason}")) for reason in REASONS}
        self.throttled, self.refusals = sum(self.throttled_by.values()), sum(self.refusals_by.values())
        self.retries, self.created = int(state.retries), int(state.created)
        self.invocations, self.on_provisioned = int(state.invocations), int(state.on_provisioned)
        self.peak_environments, self.peak_running = int(state.most_environments), int(state.most_running)
        self._billed_ms = float(state.billed_ms), float(state.billed_provisioned_ms)
        # The grid's columns are those of helpers.scaling.loop: 4 and 5 hold environments and running times seconds.
        areas = grid[:, 4:6].sum(axis=0) / period_s if period_s else np.full(2, math.nan)
        self.mean_environments, self.mean_running = float(areas[0]), float(areas[1])
        self._occupied_s = float(occupied_s)

    def __repr__(self) -> str:
        return (
            f"Result(requests={self.requests}, served={self.served}, cold={self.cold}, throttled={self.throttled}, "
            f"mean_environments={self.mean_environments:.2f}, peak_environments={self.peak_environments})"
        )

    @property
    def cold_start_probability(self) -> float:
        """Share of the invocations that started cold; NaN if there were none."""
        return self.cold / self.invocations if self.invocations else math.nan

    @property
    def throttled_share(self) -> float:
        """Share of the requests that were refused for good; NaN if there were none."""
        return self.throttled / self.requests if self.requests else math.nan

    @property
    def mean_latency_ms(self) -> float:
        """Average time from a request's first arrival to its answer."""
        return float(self._classes[:, 1].sum()) / self.served if self.served else math.nan

    @property
    def littles_law_gap(self) -> float:
        """How far Little's law is off: 1 - (rate x time) / (mean number), with both sides measured apart.

        ``mean_running`` counts heads at every moment; the other side adds up how long each invocation occupied its
        environment within the period. Differences below the precision of a time (some 1e-10 s after a million
        seconds, for each invocation) count as none; anything else would be an error of the simulator.
        """
        counted_s = self.mean_running * self.period_s
        if not abs(self._occupied_s - counted_s) > 2 * self.invocations * math.ulp(self.period_s):
            return 0.0
        return 1 - self._occupied_s / counted_s if counted_s else -math.inf

    def confidence(self, level: float = 0.95) -> Interval:
        """Return an interval for the cold-start probability of such traffic on such a platform.

        Cold starts come in groups: when one environment expires, the next peak needs it again. Counting requests as
        independent would promise too much. The period is therefore cut into 30 batches of equal length, whose ratios
        scatter as they do (method of batch means for a ratio, Student's t); batches must be long against
        ``keep_alive_s`` for this to hold. The interval is never narrower than Wilson's for independent requests,
        which also covers the case of very few cold starts.

        Parameters
        ----------
        level : probability with which the interval holds the true value
        """
        level = number("level", level, 0.5, 0.9999)
        n, p = self.invocations, self.cold_start_probability
        if not n:
            return Interval(0.0, 1.0)
        z = NormalDist().inv_cdf((1 + level) / 2)
        low, high = wilson(p, n, z)
        if len(self._grid) >= BATCHES:
            cuts = np.linspace(0, len(self._grid), BATCHES + 1).astype(int)[:-1]
            started, colds = np.add.reduceat(self._grid[:, 1:3], cuts, axis=0).T
            reach = students_t(z, BATCHES - 1) * spread_of_ratio(colds, started)
            low, high = min(low, p - reach), max(high, p + reach)
        return Interval(max(low, 0.0), min(high, 1.0))

    def latency_ms(self, q: float = 0.5) -> float:
        """Return a quantile of the time from first arrival to answer, waits and INIT included.

        Latencies are kept as counts and means of classes that are at most 0.4% of their value wide, so that the
        answer is off by less than that; where a class holds a single value, it is exact.

        Parameters
        ----------
        q : between 0 and 1: 0.5 for the median, 0.99 for the 99th percentile
        """
        q = number("q", q, 0, 1)
        if not self.served:
            return math.nan
        counts = self._classes[:, 0]
        place = int(np.searchsorted(np.cumsum(counts), max(q * self.served - 1e-9, 0.5)))
        return float(self._classes[place, 1] / counts[place])

    def timeline(self, step_s: float = 1) -> pd.DataFrame:
        """Return the course of time.

        Parameters
        ----------
        step_s : length of a step. Where a run has kept only coarser ones, it is played again on a finer grid.

        Returns
        -------
        pandas.DataFrame
            time_s (a step's beginning); arrivals, started, cold, throttled (refusals) in the step; environments and
            running, averaged over the step; most_environments, most_running, the highest in it; waiting, requests
            that had come and neither started nor been lost by its end (only a queue and retries have some).
        """
        import pandas as pd

        step = number("step_s", step_s, above=True)
        ratio = step / self._step_s
        if abs(ratio - round(ratio)) > 1e-9 or round(ratio) < 1:
            return self._run.play(step_s=step).timeline(step)
        firsts = np.arange(0, len(self._grid), round(ratio))
        sums = np.add.reduceat(self._grid[:, :6], firsts, axis=0)
        most = np.maximum.reduceat(self._grid[:, 6:8], firsts, axis=0)
        lengths = np.minimum(firsts * self._step_s + step, self.period_s) - firsts * self._step_s
        lengths = np.where(lengths > 0, lengths, step)
        counts = sums[:, :4].astype(np.int64)
        frame = pd.DataFrame(counts, columns=["arrivals", "started", "cold", "throttled"])
        frame.insert(0, "time_s", firsts * self._step_s)
        frame["environments"], frame["running"] = sums[:, 4] / lengths, sums[:, 5] / lengths
        frame["most_environments"], frame["most_running"] = most.astype(np.int64).T
        frame["waiting"] = self._waiting(counts)
        return frame

    def _waiting(self, counts: np.ndarray) -> np.ndarray:
        # Without retries every refusal is a loss; with them, who is lost is not dated, and leaves at the end.
        lost = counts[:, 3].cumsum() if not self.retries else 0
        return np.maximum(counts[:, 0].cumsum() - counts[:, 1].cumsum() - lost, 0)

    def records(self) -> pd.DataFrame:
        """Return one row a request, in order of arrival; needs ``simulate(..., record=True)``.

        Returns
        -------
        pandas.DataFrame
            time_s (first arrival), start_s, end_s, environment (-1 if throttled; provisioned ones come first, then in
            order of creation), status (``warm``, ``cold`` or ``throttled:`` and the reason).
        """
        import pandas as pd

        if len(self._records) != self.requests:
            raise ValueError("records must be asked for beforehand: simulate(..., record=True)")
        frame = pd.DataFrame(self._records[:, :3], columns=["time_s", "start_s", "end_s"])
        frame["environment"] = self._records[:, 3].astype(np.int64)
        frame["status"] = np.array(STATUSES)[self._records[:, 4].astype(np.int64)]
        return frame

    def bill(
        self, memory_mb: float, architecture: str = "x86_64", *, free_tier: bool = False, rates: RateTable = None
    ) -> Bill:
        """Return what the simulated period costs: requests, duration with INIT, provisioned concurrency.

        Parameters
        ----------
        memory_mb, architecture : as for :func:`helpers.pricing.lambda_bill`
        free_tier : grant a whole month's free tier to this period
        rates : another price table

        Notes
        -----
        Every invocation is rounded up to the millisecond before they are added; provisioned concurrency is billed in
        steps of five minutes.
        """
        shape: Mapping[str, Any] = {"memory_mb": memory_mb, "architecture": architecture}
        on_demand = self.invocations - self.on_provisioned
        uses = [
            *_uses(on_demand, self._billed_ms[0], shape),
            *_uses(self.on_provisioned, self._billed_ms[1], shape, provisioned=True),
        ]
        if environments := self._run.platform.provisioned:
            kept = Provisioned(environments=environments, hours=self.period_s / 3600)
            uses.append(LambdaUse(requests=0, duration_ms=1, provisioned=kept, **shape))
        bill = lambda_account_bill(uses, free_tier, rates=rates)
        return replace(bill, period=f"{in_words(round(self.period_s, 3))} s")


def _uses(count: int, billed_ms: float, shape: Mapping[str, Any], *, provisioned: bool = False) -> list[LambdaUse]:
    """Return uses whose whole milliseconds add up to what was billed: some of the average rounded down, some up."""
    if not count:
        return []
    kept = Provisioned(environments=0, hours=0) if provisioned else None
    shorter, longer_count = divmod(round(billed_ms), count)
    parts = [(count - longer_count, shorter), (longer_count, shorter + 1)]
    return [
        LambdaUse(requests=requests, duration_ms=duration or 1e-9, provisioned=kept, **shape)
        for requests, duration in parts
        if requests
    ]
