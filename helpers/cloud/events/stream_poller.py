"""A stream's mapping: batches of records go to a function in order, and a batch that fails holds its shard up.

Each shard is read by a lane, or by several where the mapping asks for them: then a record's key says which lane it
belongs to, so that records of one key stay in order. A lane has one batch under way. When it fails, it is tried again,
or in halves, until it succeeds, was tried often enough, or is too old; only then does the lane go on.
"""

from __future__ import annotations

import hashlib
import json
import logging
import time
from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from helpers.cloud.calls import Answer, Throttled, new_request_id
from helpers.cloud.events import records
from helpers.cloud.events.mappings import Settings, failed_items, wanted
from helpers.cloud.events.pollers import FAILED, OK, PAYLOAD_MAX_BYTES, Host, Poller, backoff_s

log = logging.getLogger(__name__)

NAMES = {"kinesis": "Kinesis", "dynamodb": "DynamoDB Streams"}


@dataclass(frozen=True)
class Record:
    """One record of a shard.

    Attributes
    ----------
    sequence : its place
    key : what must stay in order with each other
    event : as a function gets it
    depth : how many functions have called each other to write it
    """

    sequence: int
    key: str
    arrived_s: float
    event: dict[str, Any]
    depth: int = 0


class Stream(Protocol):
    """What a poller needs of a stream."""

    retention_s: float

    def shards(self) -> list[str]:
        """Return the shards' names, in order."""

    def start(self, shard: str) -> int:
        """Return the last place before the one where reading begins."""

    def last(self, shard: str) -> int:
        """Return the place of the newest record."""

    def read(self, shard: str, after: int) -> Iterable[Record]:
        """Yield the records after a place."""


@dataclass(frozen=True)
class Work:
    """Records that go to the function together, and what came of them so far."""

    records: Sequence[Record]
    attempts: int = 0  # that failed and count
    invokes: int = 0


class Lane:
    """One shard, or the part of it that one lane reads.

    Attributes
    ----------
    taken : the place up to which records were made into batches
    done : the place up to which all are dealt with
    """

    def __init__(self, shard: str, number: int, start: int) -> None:
        self.shard, self.number = shard, number
        self.taken = self.done = start
        self.work: deque[Work] = deque()
        self.busy = False
        self.failures = 0  # in a row
        self.retry_s = 0.0  # on the monotonic clock
        self.window_s: float | None = None
        self._waits: list[tuple[int, float]] = []

    def wait(self, delay_s: float, *, speed: float, newest: int) -> None:
        """Wait for a time of AWS's; all records up to the newest grow as old as they would have there."""
        self.retry_s = time.monotonic() + delay_s / speed
        self._waits = [(place, older_s) for place, older_s in self._waits if place > self.done]
        self._waits.append((newest, delay_s * (1 - 1 / speed)))

    def age_s(self, record: Record, now_s: float) -> float:
        """Return how old a record is, at AWS's speed."""
        return now_s - record.arrived_s + sum(older_s for place, older_s in self._waits if record.sequence <= place)


class StreamPoller(Poller):
    """Polls one stream for one function."""

    counts = "records"

    def __init__(self, settings: Settings, stream: Stream, host: Host) -> None:
        super().__init__(settings, host)
        self.stream = stream
        self._lanes: dict[tuple[str, int], Lane] = {}
        self._find_lanes()  # where LATEST is, is known now

    def waiting(self) -> int:
        """Return how many records this mapping has before it."""
        lanes = list(self._lanes.values())
        if not self.active:
            return sum(lane.busy for lane in lanes)
        done: dict[str, int] = {}
        for lane in lanes:
            done[lane.shard] = min(lane.done, done.get(lane.shard, lane.done))
        return sum(max(0, self.stream.last(shard) - place) for shard, place in done.items())

    def pump(self) -> None:
        """Start what each lane has to do."""
        self._find_lanes()
        for lane in list(self._lanes.values()):
            self._step(lane)

    def _find_lanes(self) -> None:
        """Have as many lanes for each shard as the settings say; new ones begin where all that is before is done."""
        for shard in self.stream.shards():
            mine = [lane for (name, _), lane in self._lanes.items() if name == shard]
            if len(mine) == self.settings.lanes:
                continue
            if any(lane.busy or lane.work for lane in mine):
                continue  # after the batches under way
            start = min((lane.done for lane in mine), default=None)
            start = self.stream.start(shard) if start is None else start
            kept = {key: lane for key, lane in self._lanes.items() if key[0] != shard}
            new = {(shard, number): Lane(shard, number, start) for number in range(self.settings.lanes)}
            self._lanes = {**kept, **new}

    def _step(self, lane: Lane) -> None:
        now_s = time.monotonic()
        with self._lock:
            if lane.busy or not self.active:
                return
            if lane.work and lane.retry_s > now_s:
                self.wake_in(lane.retry_s - now_s)
                return
            if not lane.work and not self._gather(lane, now_s):
                return
            lane.busy = True
        self.host.attempt(self._run, lane)

    def _gather(self, lane: Lane, now_s: float) -> bool:
        """Make a batch of the records that come next, if it is full or its time has come."""
        batch: list[Record] = []
        place, size, full, out = lane.taken, 0, False, 0
        for record in self.stream.read(lane.shard, lane.taken):
            if lane_of(record.key, self.settings.lanes) == lane.number:
                if not wanted(record.event, self.settings.kind, self.settings.filters):
                    out += 1
                elif record.depth >= self.host.depth_max:
                    self._problem("RecursiveInvocationException: a record of functions that call each other in a loop")
                else:
                    size += len(json.dumps(record.event)) + 2
                    if batch and size > PAYLOAD_MAX_BYTES:
                        full = True
                        break
                    batch.append(record)
            place = record.sequence
            if len(batch) >= self.settings.batch_size:
                full = True
                break
        if batch and not full and self.settings.window_s:
            lane.window_s = now_s if lane.window_s is None else lane.window_s
            left_s = lane.window_s + self.settings.window_s / self.host.speed - now_s
            if left_s > 0:
                self.wake_in(left_s)
                return False
        lane.window_s, lane.taken = None, place
        if out:
            self._count(filtered=out)
        if batch:
            lane.work.append(Work(batch))
        else:
            lane.done = place
        return bool(batch)

    # What becomes of a batch; on a worker.

    def _run(self, lane: Lane) -> None:
        try:
            self._try(lane)
        finally:
            with self._lock:
                lane.busy = False
                if not lane.work:
                    lane.done = lane.taken
            self.wake()
            self.host.quiet.changed()

    def _try(self, lane: Lane) -> None:
        work = self._without_old(lane, lane.work[0])
        if work is not None:
            event = {"Records": [record.event for record in work.records]}
            depth = max(record.depth for record in work.records)
            try:
                answer = self.host.invoke(self.settings.function, json.dumps(event).encode(), depth)
            except Throttled:
                lane.failures += 1
                self._wait(lane)
            except LookupError as gone:
                self.give_up(gone)
            except Exception as error:  # whatever it was, the records must not be lost
                log.exception("a batch of records could not be run")
                self._problem(f"{type(error).__name__}: {error}")
                self._failed(lane, work, None)
            else:
                self._finish(lane, Work(work.records, work.attempts, work.invokes + 1), answer)

    def _finish(self, lane: Lane, work: Work, answer: Answer) -> None:
        failed: list[str] | None = None
        if answer.function_error is None:
            places = [str(record.sequence) for record in work.records]
            failed = failed_items(answer.payload, places) if self.settings.partial else []
        self.result = FAILED if failed is None else OK
        if failed == []:
            lane.failures = 0
            lane.work.popleft()
            self._count(delivered=len(work.records))
            return
        # The lowest place reported: everything before it is done, the rest comes again.
        first = 0 if failed is None else next(i for i, one in enumerate(work.records) if str(one.sequence) in failed)
        if first:
            lane.failures = 0
            self._count(delivered=first)
        self._failed(lane, Work(work.records[first:], work.attempts, work.invokes), answer, progress=bool(first))

    def _failed(self, lane: Lane, work: Work, answer: Answer | None, *, progress: bool = False) -> None:
        settings = self.settings
        self._count(failed=len(work.records))
        lane.failures += 1
        lane.work.popleft()
        if settings.bisect and progress:
            lane.work.appendleft(work)
        elif settings.bisect and len(work.records) > 1:
            middle = len(work.records) // 2
            halves = work.records[:middle], work.records[middle:]
            lane.work.extendleft(Work(half, work.attempts, work.invokes) for half in reversed(halves))
        elif 0 <= settings.retries <= work.attempts:
            lane.failures = 0
            self._tell(lane, work, "RetryAttemptsExhausted", answer)
            return
        else:
            lane.work.appendleft(Work(work.records, work.attempts + 1, work.invokes))
        self._wait(lane)

    def _wait(self, lane: Lane) -> None:
        newest = self.stream.last(lane.shard)
        lane.wait(backoff_s(lane.failures), speed=self.host.speed, newest=newest)

    def _without_old(self, lane: Lane, work: Work) -> Work | None:
        """Give up the records that are too old; return what is left."""
        limit_s = self.settings.max_age_s if self.settings.max_age_s >= 0 else float("inf")
        now_s = self.host.clock.time_s()
        ages = [lane.age_s(record, now_s) for record in work.records]
        expired = sum(age > self.stream.retention_s for age in ages)
        if expired:  # the stream itself has lost them
            self._problem(f"{expired} records expired before the function dealt with them")
        old = sum(age > min(limit_s, self.stream.retention_s) for age in ages)  # the first ones
        if not old:
            return work
        lane.work.popleft()
        if old > expired:
            given_up = Work(work.records[expired:old], work.attempts, work.invokes)
            self._tell(lane, given_up, "RecordAgeExceeded", None)
        if old == len(work.records):
            return None
        left = Work(work.records[old:], work.attempts, work.invokes)
        lane.work.appendleft(left)
        return left

    def _tell(self, lane: Lane, work: Work, condition: str, answer: Answer | None) -> None:
        settings, host = self.settings, self.host
        places = [str(record.sequence) for record in work.records]
        if not settings.on_failure:
            self._problem(f"{condition}: {len(places)} records of {lane.shard}, {places[0]} to {places[-1]}")
            return
        record = records.discarded(
            kind=settings.kind,
            request_id=answer.request_id if answer else new_request_id(),
            function=settings.function,
            condition=condition,
            invokes=work.invokes,
            function_error=answer.function_error if answer else None,
            version=answer.version if answer else "$LATEST",
            shard=lane.shard,
            sequences=places,
            arrived_s=[one.arrived_s for one in work.records],
            source=settings.source,
            when=host.clock.now(),
        )
        event = json.dumps({"Records": [one.event for one in work.records]})
        try:
            host.deliver(settings.on_failure, record, event, settings.uuid)
        except Exception as error:
            host.record(settings.source, settings.on_failure, f"{type(error).__name__}: {error}")
        else:
            host.flows.record(settings.function, settings.on_failure, "on failure", delivered=len(places))

    def _count(self, **counts: int) -> None:
        way = self.settings.source, self.settings.function, NAMES[self.settings.kind]
        self.host.flows.record(*way, **counts)

    def _problem(self, cause: str) -> None:
        self.host.record(self.settings.source, self.settings.function, cause)


def lane_of(key: str, lanes: int) -> int:
    """Return which of a shard's lanes a key belongs to; always the same.

    >>> lane_of("cat.png", 1), lane_of("cat.png", 10) == lane_of("cat.png", 10)
    (0, True)
    """
    if lanes == 1:
        return 0
    return int.from_bytes(hashlib.blake2s(key.encode(), digest_size=4).digest()) % lanes
