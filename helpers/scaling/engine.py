"""Runs a simulation: hands arrivals to the loop piece by piece, draws times, makes room, and collects a result.

Memory does not grow with the number of requests: arrivals and times are drawn in pieces, latencies are counted in
classes, the course of time is kept on a grid. What does grow is what the question itself holds: arrays that the caller
passes, requests that wait for a retry, and one record a request if ``record=True``.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from types import ModuleType
from typing import Any

import numpy as np

from helpers.checks import flag, in_words
from helpers.scaling.arrivals import Arrivals
from helpers.scaling.platform import Asynchronous, Platform, Pollers, Retry
from helpers.scaling.result import Result
from helpers.scaling.samplers import Sampler, sampler_of

GRID_STEPS = 131_072  # steps of the grid that every run keeps; a finer timeline runs again
GRID_STEPS_MAX = 10_000_000
DRAWS = 4096
NEVER = 2**62
STREAMS = ("duration", "init", "route", "jitter")  # each has random numbers of its own


def simulate(
    arrivals: Arrivals,
    *,
    duration_ms: Any,
    init_ms: Any,
    platform: Platform | None = None,
    seed: int = 0,
    callers: Retry | None = None,
    queue: Asynchronous | Pollers | None = None,
    record: bool = False,
) -> Result:
    """Play arrivals against a platform and return what became of them.

    The same arguments give the same result, to the last digit on one machine. Request number n has the same duration
    on every platform, so two settings are compared under the same luck.

    Parameters
    ----------
    arrivals : when requests come, see :mod:`helpers.scaling.arrivals`
    duration_ms : the handler's time: a number, an array with one value a request, or a sampler
    init_ms : the time of INIT, in the same forms; a cold request occupies its environment for init and duration
    platform : the settings; ``Platform()`` if omitted
    seed : of durations, init times, random routing and jitter
    callers : callers that try again when refused; without it a refused request is lost
    queue : a queue between callers and function, :class:`Asynchronous` or :class:`Pollers`. Without one, and without
        ``callers``, requests are synchronous.
    record : keep one row a request for :meth:`Result.records`

    Returns
    -------
    Result
        The simulated period is that of the arrivals; with retries or a queue it lasts until the last one was taken up.

    Raises
    ------
    ValueError
        Naming the parameter and what it must be.

    Examples
    --------
    >>> from helpers.scaling import from_timestamps
    >>> result = simulate(from_timestamps([0, 0, 5]), duration_ms=100, init_ms=400)
    >>> result.requests, result.cold, result.peak_environments
    (3, 2, 2)
    """
    if not isinstance(arrivals, Arrivals):
        raise ValueError(f"arrivals must come from poisson, from_timestamps or the like, got {type(arrivals).__name__}")
    platform = Platform() if platform is None else platform
    kinds = (("platform", platform, (Platform,)), ("callers", callers, (Retry,)))
    for name, value, kind in (*kinds, ("queue", queue, (Asynchronous, Pollers))):
        if value is not None and not isinstance(value, kind):
            raise ValueError(f"{name} must be {' or '.join(k.__name__ for k in kind)}, got {value!r}")
    if callers is not None and queue is not None:
        raise ValueError("callers and queue must not be given together: a queue takes every event, nobody is refused")
    times = {name: sampler_of(name, given) for name, given in (("duration_ms", duration_ms), ("init_ms", init_ms))}
    for name, value in times.items():
        if not isinstance(value, Sampler) and value.shape != (len(arrivals),):
            raise ValueError(f"{name} must have one value a request ({len(arrivals)}), got {value.size}")
    flag("record", record)
    return Run(arrivals, times["duration_ms"], times["init_ms"], platform, callers or queue, seed).play(record=record)


@dataclass(frozen=True, eq=False)
class Run:
    """What a simulation is made of: play it once, or again on a finer grid, with the same outcome."""

    arrivals: Arrivals
    duration: Sampler | np.ndarray
    init: Sampler | np.ndarray
    platform: Platform
    sender: Retry | Asynchronous | Pollers | None
    seed: int

    def play(self, step_s: float | None = None, record: bool = False) -> Result:
        """Run it, with a grid of steps of ``step_s`` (chosen so that memory stays small if omitted)."""
        # Numba takes half a second to import: only who simulates waits for it.
        from helpers.scaling import loop

        return _Playing(self, loop, step_s or self._step_s(), record).play()

    def _step_s(self) -> float:
        """Return the smallest of 1, 2, 4, ... s of which the grid holds enough; below 100 s, finer ones."""
        step = 1.0 if self.arrivals.duration_s >= 100 else 0.0625
        while self.arrivals.duration_s > step * GRID_STEPS:
            step *= 2
        return step


class _Playing:
    """A run in progress: the loop's state, its buffers, and its sources of random numbers."""

    def __init__(self, run: Run, loop: ModuleType, step_s: float, record: bool) -> None:
        from helpers.scaling.compiled import state_of

        self.run, self.loop, self.step_s = run, loop, step_s
        steps = run.arrivals.duration_s / step_s
        if steps > GRID_STEPS_MAX:
            shortest = in_words(run.arrivals.duration_s / GRID_STEPS_MAX)
            raise ValueError(f"step_s must be {shortest} or more for so long a period, got {in_words(step_s)}")
        seeds = np.random.SeedSequence(run.seed).spawn(len(STREAMS))
        self.rngs = {name: np.random.default_rng(seed) for name, seed in zip(STREAMS, seeds, strict=True)}
        self.rules = self._rules(record)
        self.state = state_of(self._state())
        self.busy, self.idle = np.empty((1024, 2)), np.empty((4096, 2))
        self.kept = np.arange(float(run.platform.provisioned))[::-1].copy()
        self.waiting = np.empty((1024, loop.WAITING_COLUMNS))
        self.grid = np.zeros((math.ceil(steps) + 2, loop.GRID_COLUMNS))
        self.grid[0, [loop.MOST_ENVIRONMENTS]] = run.platform.provisioned
        self.classes = np.zeros((loop.OCTAVES * loop.CLASSES_AN_OCTAVE, 2))
        self.records = np.zeros((len(run.arrivals) if record else 0, 5))
        self.draws = [self._init_draws(), self.rngs["route"].random(DRAWS), self.rngs["jitter"].random(DRAWS)]

    def _rules(self, record: bool) -> Any:
        platform, sender = self.run.platform, self.run.sender
        retry = sender
        if isinstance(sender, Asynchronous):
            waits = {"first_wait_s": sender.first_wait_s, "longest_wait_s": sender.longest_wait_s}
            retry = Retry(**waits, jitter=sender.jitter, max_age_s=sender.max_age_s)
        if not isinstance(retry, Retry):
            retry = Retry(attempts=1)
        pollers = sender if isinstance(sender, Pollers) else None
        unlimited = platform.scaling_rate is None
        return self.loop.Rules(
            keep_alive_s=float(platform.keep_alive_s),
            limit=platform.limit,
            scaling_bucket=-1.0 if unlimited else float(platform.scaling_rate),
            scaling_per_s=0.0 if unlimited else platform.scaling_rate / platform.scaling_window_s,
            calls_per_s=-1.0 if platform.requests_per_s is None else float(platform.requests_per_s),
            provisioned=int(platform.provisioned),
            random_routing=platform.routing == "random",
            step_s=float(self.step_s),
            init_each=not isinstance(self.run.init, Sampler),
            record=bool(record),
            attempts=NEVER if isinstance(sender, Asynchronous) else int(retry.attempts),
            first_wait_s=float(retry.first_wait_s),
            factor=float(retry.factor),
            longest_wait_s=float(retry.longest_wait_s),
            max_age_s=math.inf if retry.max_age_s is None else float(retry.max_age_s),
            jitter=bool(retry.jitter),
            polling=pollers is not None,
            pollers=float(pollers.start) if pollers else 0.0,
            pollers_per_s=pollers.per_minute / 60 if pollers else 0.0,
            most_pollers=float(pollers.most) if pollers else 0.0,
            batch_size=int(pollers.batch_size) if pollers else 1,
        )

    def _state(self) -> np.void:
        state = np.recarray(1, self.loop.STATE)
        state[:] = np.zeros(1, self.loop.STATE)
        first = state[0]
        first.step_end = self.step_s
        first.tokens, first.calls = self.rules.scaling_bucket, self.rules.calls_per_s
        first.allowed = self.rules.pollers
        first.kept = first.environments = first.most_environments = self.rules.provisioned
        first.batch_start = -1.0
        return first

    def _init_draws(self) -> np.ndarray:
        sampler = self.run.init
        return sampler.draw(self.rngs["init"], DRAWS) if isinstance(sampler, Sampler) else np.zeros(1)

    def play(self) -> Result:
        """Run through all arrivals, then let the period end."""
        nothing, first = np.empty(0), 0
        for times in self.run.arrivals.pieces():
            last = first + times.size
            if isinstance(self.run.duration, Sampler):
                durations = self.run.duration.draw(self.rngs["duration"], times.size)
            else:
                durations = self.run.duration[first:last]
            inits = self.run.init[first:last] if self.rules.init_each else nothing
            self._serve(np.ascontiguousarray(times), np.ascontiguousarray(durations), inits, False)
            first = last
        self._serve(nothing, nothing, nothing, True)
        s = self.state
        ends = self.busy[: s.running, 0]
        period_s = max(self.run.arrivals.duration_s, s.now) or (float(ends.max()) if ends.size else 0.0)
        while period_s >= (len(self.grid) - 1) * self.step_s:
            self._more_steps()
        self._make_room()
        self.loop.advance(s, self.rules, self.busy, self.idle, self.kept, self.grid, period_s)
        beyond_s = float((self.busy[: s.running, 0] - period_s).sum())
        return Result(
            self.run, s, self.grid, self.step_s, period_s, self.classes, s.occupied_s - beyond_s, self.records
        )

    def _serve(self, times: np.ndarray, durations: np.ndarray, inits: np.ndarray, last: bool) -> None:
        self.state.at = 0
        while True:
            arrays = self.busy, self.idle, self.kept, self.waiting, self.grid, self.classes, self.records
            if self.loop.run(
                self.state, self.rules, arrays, tuple(self.draws), times, durations, np.ascontiguousarray(inits), last
            ):
                return
            self._make_room()
            self._draw()
            s, due = self.state, times[self.state.at] if self.state.at < times.size else 0.0
            if max(due, s.now, s.turn, self.waiting[0, 0] if s.waiting else 0.0) >= (len(self.grid) - 1) * self.step_s:
                self._more_steps()

    def _make_room(self) -> None:
        """Move idle environments to the front of their buffer, and double what is full."""
        s = self.state
        if s.tail + s.running >= len(self.idle):
            count = s.tail - s.head
            size = len(self.idle)
            while 2 * (count + s.running) >= size:
                size *= 2
            room = np.empty((size, 2))
            room[:count] = self.idle[s.head : s.tail]
            self.idle, s.head, s.tail = room, 0, count
        if s.running == len(self.busy):
            self.busy = np.concatenate([self.busy, np.empty_like(self.busy)])
        if s.waiting == len(self.waiting):
            self.waiting = np.concatenate([self.waiting, np.empty_like(self.waiting)])

    def _more_steps(self) -> None:
        if len(self.grid) > GRID_STEPS_MAX:
            raise ValueError(
                f"arrivals would keep the queue busy for more than {in_words(GRID_STEPS_MAX * self.step_s)} s"
            )
        self.grid = np.concatenate([self.grid, np.zeros_like(self.grid)])

    def _draw(self) -> None:
        s = self.state
        if s.init_at == len(self.draws[0]):
            self.draws[0], s.init_at = self._init_draws(), 0
        if s.route_at == DRAWS:
            self.draws[1], s.route_at = self.rngs["route"].random(DRAWS), 0
        if s.jitter_at == DRAWS:
            self.draws[2], s.jitter_at = self.rngs["jitter"].random(DRAWS), 0
