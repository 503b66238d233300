"""The rules of scaling, written once: what happens to each request, in order of time.

A warm idle environment serves if there is one (the newest first), otherwise a new one is created if concurrency and
the scaling rate allow, otherwise the request is refused. Environments that were idle for too long disappear.
:mod:`helpers.scaling.engine` hands in arrivals in pieces, takes over when a buffer is full or empty, and calls again;
nothing here grows with the number of requests. Everything stands in this file because Numba's cache watches one file.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from helpers.scaling.compiled import compiled

# What became of a request; above COLD it was refused.
WARM, COLD, CONCURRENCY, SCALING, RATE, LATER = range(6)
# Columns of the grid over time.
ARRIVALS, STARTED, COLDS, REFUSED, ENVIRONMENTS, RUNNING, MOST_ENVIRONMENTS, MOST_RUNNING = range(8)
GRID_COLUMNS = 8
# Latencies are counted in classes that are 1/512 to 1/256 of their value wide, from 2^-20 to 2^44 ms.
CLASSES_AN_OCTAVE, LOWEST_OCTAVE, OCTAVES = 256, -20, 64
# Binary noise must not decide whether a token is whole.
WHOLE = 1 - 1e-9
# Columns of the waiting heap.
WAITING_COLUMNS = 6

STATE = np.dtype(
    [(name, np.float64) for name in ("now", "step_end", "tokens", "tokens_at", "calls", "calls_at")]
    + [(name, np.float64) for name in ("turn", "allowed", "batch_start", "batch_end", "occupied_s")]
    + [(name, np.float64) for name in ("billed_ms", "billed_provisioned_ms")]
    + [(name, np.int64) for name in ("number", "at", "step", "environments", "running", "head", "tail", "kept")]
    + [(name, np.int64) for name in ("waiting", "init_at", "route_at", "jitter_at", "created")]
    + [(name, np.int64) for name in ("served", "cold", "invocations", "on_provisioned", "batch_left", "retries")]
    + [(name, np.int64) for name in ("most_environments", "most_running", "batch_environment", "batch_status")]
    + [(name, np.int64) for name in ("lost_concurrency", "lost_scaling", "lost_rate")]
    + [(name, np.int64) for name in ("refused_concurrency", "refused_scaling", "refused_rate")]
)


class Rules(NamedTuple):
    """What :class:`~helpers.scaling.platform.Platform` and its companions say, in plain numbers for the loop."""

    keep_alive_s: float
    limit: int
    scaling_bucket: float  # below 0: no limit
    scaling_per_s: float
    calls_per_s: float  # below 0: no limit
    provisioned: int
    random_routing: bool
    step_s: float
    init_each: bool  # the init times are given request by request
    record: bool
    attempts: int  # 1: whoever is refused gives up
    first_wait_s: float
    factor: float
    longest_wait_s: float
    max_age_s: float
    jitter: bool
    polling: bool
    pollers: float
    pollers_per_s: float
    most_pollers: float
    batch_size: int


@compiled
def _push(heap: np.ndarray, size: int, row: tuple[float, ...]) -> None:
    """Put a row into a heap that is ordered by its first two columns."""
    child = size
    while child > 0:
        parent = (child - 1) >> 1
        if heap[parent, 0] < row[0] or (heap[parent, 0] == row[0] and heap[parent, 1] < row[1]):
            break
        for k in range(len(row)):
            heap[child, k] = heap[parent, k]
        child = parent
    for k in range(len(row)):
        heap[child, k] = row[k]


@compiled
def _pop(heap: np.ndarray, size: int) -> None:
    """Remove the first row of a heap: the gap sinks to the bottom, then the last row rises from there."""
    last = size - 1
    hole, child = 0, 1
    while child < last:
        other = child + 1  # at most `last`, which is still in its place
        # Without branches: which child comes first cannot be predicted, and guessing wrong costs more than computing.
        one, two = heap[child, 0], heap[other, 0]
        child += int((two < one) | ((two == one) & (heap[other, 1] < heap[child, 1])))
        for k in range(heap.shape[1]):
            heap[hole, k] = heap[child, k]
        hole = child
        child = 2 * hole + 1
    first, second = heap[last, 0], heap[last, 1]
    while hole > 0:
        parent = (hole - 1) >> 1
        if heap[parent, 0] < first or (heap[parent, 0] == first and heap[parent, 1] <= second):
            break
        for k in range(heap.shape[1]):
            heap[hole, k] = heap[parent, k]
        hole = parent
    if hole != last:
        for k in range(heap.shape[1]):
            heap[hole, k] = heap[last, k]


@compiled
def _pass_time(s, rules: Rules, grid: np.ndarray, until: float) -> None:
    """Let time pass in which nothing changes, and add what it holds to the grid."""
    while until >= s.step_end:
        rest = s.step_end - s.now
        grid[s.step, ENVIRONMENTS] += s.environments * rest
        grid[s.step, RUNNING] += s.running * rest
        s.now = s.step_end
        s.step += 1
        s.step_end = (s.step + 1) * rules.step_s
        grid[s.step, MOST_ENVIRONMENTS] = s.environments
        grid[s.step, MOST_RUNNING] = s.running
    rest = until - s.now
    grid[s.step, ENVIRONMENTS] += s.environments * rest
    grid[s.step, RUNNING] += s.running * rest
    s.now = until


@compiled
def advance(s, rules: Rules, busy: np.ndarray, idle: np.ndarray, kept: np.ndarray, grid: np.ndarray, until: float):
    """Bring everything up to a moment: who has finished becomes idle, who was idle for too long is gone."""
    while True:
        done = busy[0, 0] if s.running > 0 else math.inf
        gone = idle[s.head, 0] + rules.keep_alive_s if s.tail > s.head else math.inf
        if min(done, gone) > until:
            break
        if done <= gone:
            _pass_time(s, rules, grid, done)
            name = busy[0, 1]
            _pop(busy, s.running)
            s.running -= 1
            if name < rules.provisioned:
                kept[s.kept] = name
                s.kept += 1
            else:
                if s.head == s.tail:
                    s.head = 0
                    s.tail = 0
                idle[s.tail, 0] = done
                idle[s.tail, 1] = name
                s.tail += 1
        else:
            _pass_time(s, rules, grid, gone)
            s.head += 1
            s.environments -= 1
    _pass_time(s, rules, grid, until)


@compiled
def _decide(s, rules: Rules, t: float) -> int:
    """Say what becomes of a request that comes now: WARM, COLD, or the reason why it is refused."""
    if rules.calls_per_s >= 0:
        s.calls = min(rules.calls_per_s, s.calls + (t - s.calls_at) * rules.calls_per_s)
        s.calls_at = t
        if rules.limit > 0 and s.calls < WHOLE:
            return RATE
    if s.kept > 0 or s.tail > s.head:
        return WARM
    if s.running >= rules.limit:
        return CONCURRENCY
    if rules.scaling_bucket >= 0:
        s.tokens = min(rules.scaling_bucket, s.tokens + (t - s.tokens_at) * rules.scaling_per_s)
        s.tokens_at = t
        if s.tokens < WHOLE:
            return SCALING
    return COLD


@compiled
def _environment(s, rules: Rules, idle: np.ndarray, kept: np.ndarray, routes: np.ndarray, status: int) -> float:
    """Take the environment that serves: a provisioned one, an idle one, or a new one."""
    if rules.calls_per_s >= 0:
        s.calls = max(s.calls - 1, 0.0)
    if status == COLD:
        if rules.scaling_bucket >= 0:
            s.tokens = max(s.tokens - 1, 0.0)
        s.environments += 1
        s.created += 1
        return float(rules.provisioned + s.created - 1)
    if s.kept > 0:
        s.kept -= 1
        return kept[s.kept]
    s.tail -= 1
    if not rules.random_routing:
        return idle[s.tail, 1]
    chosen = s.head + int(routes[s.route_at] * (s.tail + 1 - s.head))
    s.route_at += 1
    name = idle[chosen, 1]
    for k in range(chosen, s.tail):  # the others keep their order of becoming idle
        idle[k, 0] = idle[k + 1, 0]
        idle[k, 1] = idle[k + 1, 1]
    return name


@compiled
def _answer(s, rules: Rules, classes: np.ndarray, records: np.ndarray, number: int, row: tuple[float, ...]) -> None:
    """Note one served request; row is when it came, started and ended, its environment, its status, its latency."""
    s.served += 1
    latency_ms = row[5]
    place = 0
    if latency_ms > 0:
        fraction, octave = math.frexp(latency_ms)
        place = (octave - LOWEST_OCTAVE) * CLASSES_AN_OCTAVE + int((fraction - 0.5) * 2 * CLASSES_AN_OCTAVE)
        place = min(max(place, 0), OCTAVES * CLASSES_AN_OCTAVE - 1)
    classes[place, 0] += 1
    classes[place, 1] += latency_ms
    if rules.record:
        for k in range(5):
            records[number, k] = row[k]


@compiled
def _refuse(s, rules: Rules, grid: np.ndarray, status: int) -> None:
    grid[s.step, REFUSED] += 1
    if status == CONCURRENCY:
        s.refused_concurrency += 1
    elif status == SCALING:
        s.refused_scaling += 1
    else:
        s.refused_rate += 1


@compiled
def _lose(s, rules: Rules, records: np.ndarray, number: int, came: float, status: int) -> None:
    if status == CONCURRENCY:
        s.lost_concurrency += 1
    elif status == SCALING:
        s.lost_scaling += 1
    else:
        s.lost_rate += 1
    if rules.record:
        records[number, 0] = came
        records[number, 1] = s.now
        records[number, 2] = s.now
        records[number, 3] = -1
        records[number, 4] = status


@compiled
def _next_turn(s, rules: Rules, busy: np.ndarray, status: int) -> float:
    """Return when a poller that cannot hand over its batch now should look again."""
    turn = busy[0, 0] if s.running > 0 else math.inf
    if status == LATER and s.allowed < rules.most_pollers and rules.pollers_per_s > 0:
        turn = min(turn, s.now + max(s.running + 1 - s.allowed, 1e-6) / rules.pollers_per_s)
    if status == RATE and rules.calls_per_s > 0:
        turn = min(turn, s.now + (1 - s.calls) / rules.calls_per_s)
    if status == SCALING and rules.scaling_per_s > 0 and rules.scaling_bucket >= 1:
        turn = min(turn, s.now + (1 - s.tokens) / rules.scaling_per_s)
    return turn


@compiled
def run(s, rules: Rules, arrays, draws, times: np.ndarray, durations: np.ndarray, inits: np.ndarray, last: bool):
    """Serve one piece of the arrivals, as far as the buffers reach.

    Parameters
    ----------
    s : the state, of the fields of ``STATE``; changed in place
    rules : the platform and who calls it
    arrays : busy environments (heap), idle ones (oldest first), provisioned idle ones, waiting requests (heap), the
        grid over time, classes of latency, records
    draws : random numbers to use up: init times in ms, routes and jitters in [0, 1)
    times, durations, inits : one piece of the arrivals, in s, ms, ms
    last : whether no piece follows

    Returns
    -------
    bool
        Whether the piece is done. If not, a buffer needs room or a new filling, and ``s.at`` says where to go on.
    """
    busy, idle, kept, waiting, grid, classes, records = arrays
    init_draws, route_draws, jitters = draws
    grid_end = (grid.shape[0] - 1) * rules.step_s
    while True:
        again = s.waiting > 0 and (s.at == len(times) or waiting[0, 0] < times[s.at])
        if s.at == len(times) and not (last and again):
            return True
        if s.running == len(busy) or s.tail + s.running >= len(idle) or s.waiting == len(waiting):
            return False
        if s.init_at == len(init_draws) or s.route_at == len(route_draws) or s.jitter_at == len(jitters):
            return False
        came = waiting[0, 2] if again else times[s.at]
        t = waiting[0, 0] if again else came
        if rules.polling:
            t = max(came, s.now, s.turn)
        if t >= grid_end:
            return False

        advance(s, rules, busy, idle, kept, grid, t)
        if again:
            number, duration, init, attempt = int(waiting[0, 1]), waiting[0, 3], waiting[0, 4], int(waiting[0, 5])
            _pop(waiting, s.waiting)
            s.waiting -= 1
        else:
            number, duration, init, attempt = s.number, durations[s.at], 0.0, 0
            if rules.init_each:
                init = inits[s.at]

        if rules.polling:
            if s.batch_left > 0 and came <= s.batch_start:  # there was room for it in the batch that left last
                s.batch_left -= 1
                wait_ms = (s.batch_end - came) * 1000
                row = (came, t, s.batch_end, float(s.batch_environment), float(s.batch_status), wait_ms)
                _answer(s, rules, classes, records, number, row)
                grid[s.step, STARTED] += 1
                grid[int(came / rules.step_s), ARRIVALS] += 1
                s.number += 1
                s.at += 1
                continue
            if s.turn == 0 and t == came and s.running == 0:
                s.allowed = rules.pollers
            status = LATER
            if s.running < int(s.allowed + 1e-9):
                status = _decide(s, rules, t)
            if status > COLD:
                turn = _next_turn(s, rules, busy, status)
                if turn < math.inf:
                    s.allowed = min(rules.most_pollers, s.allowed + rules.pollers_per_s * (turn - t))
                    s.turn = turn
                    continue
        else:
            status = _decide(s, rules, t)

        if not again:
            grid[int(came / rules.step_s) if rules.polling else s.step, ARRIVALS] += 1
            s.number += 1
            s.at += 1
        s.turn = 0.0
        if status > COLD:
            _refuse(s, rules, grid, status)
            if attempt + 1 < rules.attempts:
                wait_s = min(rules.longest_wait_s, rules.first_wait_s * rules.factor ** float(min(attempt, 60)))
                if rules.jitter:
                    wait_s *= jitters[s.jitter_at]
                    s.jitter_at += 1
                if t + wait_s - came <= rules.max_age_s:
                    _push(waiting, s.waiting, (t + wait_s, float(number), came, duration, init, attempt + 1.0))
                    s.waiting += 1
                    s.retries += 1
                    continue
            _lose(s, rules, records, number, came, status)
            continue

        name = _environment(s, rules, idle, kept, route_draws, status)
        ms = duration
        if status == COLD:
            if not rules.init_each:
                init = init_draws[s.init_at]
                s.init_at += 1
            ms += init
            s.cold += 1
            grid[s.step, COLDS] += 1
            if s.environments > grid[s.step, MOST_ENVIRONMENTS]:
                grid[s.step, MOST_ENVIRONMENTS] = s.environments
                s.most_environments = max(s.most_environments, s.environments)
        end = t + ms / 1000
        _push(busy, s.running, (end, name))
        s.running += 1
        s.invocations += 1
        s.occupied_s += ms / 1000
        if name < rules.provisioned:
            s.on_provisioned += 1
            s.billed_provisioned_ms += math.ceil(ms - 1e-9)
        else:
            s.billed_ms += math.ceil(ms - 1e-9)
        grid[s.step, STARTED] += 1
        if s.running > grid[s.step, MOST_RUNNING]:
            grid[s.step, MOST_RUNNING] = s.running
            s.most_running = max(s.most_running, s.running)
        if rules.polling:
            s.batch_start, s.batch_end, s.batch_left = t, end, rules.batch_size - 1
            s.batch_environment, s.batch_status = int(name), status
        _answer(s, rules, classes, records, number, (came, t, end, name, float(status), (t - came) * 1000 + ms))
