"""A queue's mapping: batches of messages go to a function, and what fails comes back after its visibility timeout.

Messages are taken when a batch can run, marked as received, and deleted when the function has dealt with them. A
message that was received too often goes to the dead-letter queue when it would be taken once more. In a FIFO queue a
group of messages waits as long as an earlier one of it is under way or to be tried again.
"""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from helpers import tables
from helpers.cloud.calls import Answer, Throttled
from helpers.cloud.events.mappings import Settings, failed_items, wanted
from helpers.cloud.events.pollers import FAILED, OK, PAYLOAD_MAX_BYTES, Host, Poller, backoff_s

log = logging.getLogger(__name__)

START = tables.limit("lambda.sqs.concurrency_start").max
RAMP_PER_S = tables.limit("lambda.sqs.concurrency_ramp").max / 60
CONCURRENCY_MAX = int(tables.limit("lambda.sqs.concurrency").max)
ENVELOPE_BYTES = len(json.dumps({"Records": []}))
UNTIL_SEEN_S = 0.001  # a message is visible after its moment, not at it


class Queue(Protocol):
    """What a poller needs of a queue."""

    def take(self, limit: int, fits: Callable[[Any], bool]) -> list[Any]:
        """Receive messages that are available; those received too often go to the dead-letter queue instead."""

    def available(self, limit: int) -> list[Any]:
        """Return messages that could be taken now."""

    def due_in_s(self) -> float | None:
        """Return after how many seconds the next message becomes available; None when there is none."""

    def size(self, message: Any) -> int:
        """Return the bytes that a message takes in an event, or a few more."""

    def name(self, message: Any) -> str:
        """Return a message's id."""

    def record(self, message: Any) -> dict[str, Any]:
        """Return a message as a function gets it."""

    def depth(self, message: Any) -> int:
        """Return how many functions have called each other to send it."""

    def expired(self, message: Any) -> bool:
        """Say whether a received message's visibility timeout is over."""

    def delete(self, messages: Sequence[Any]) -> None:
        """Remove messages that are dealt with."""

    def give_back(self, messages: Sequence[Any], *, speed: float) -> None:
        """Let messages become visible when their timeout is over, ``speed`` times as fast."""

    def bury(self, messages: Sequence[Any]) -> None:
        """Move messages to the dead-letter queue, or remove them where there is none."""

    def waiting(self) -> int:
        """Return how many messages are in the queue, without those that somebody else holds."""


@dataclass
class Batch:
    """Messages on their way through the function."""

    messages: list[Any]
    payload: bytes
    depth: int
    throttles: int = 0
    retry_s: float = 0.0  # on the monotonic clock


class QueuePoller(Poller):
    """Polls one queue for one function."""

    counts = "messages"

    def __init__(self, settings: Settings, queue: Queue, host: Host) -> None:
        super().__init__(settings, host)
        self.queue = queue
        self._running = 0
        self._held: list[Batch] = []  # throttled
        self._since_s = time.monotonic()  # when the work of now began
        self._window_s: float | None = None  # when the batch that is being collected began

    def waiting(self) -> int:
        """Return how many messages this mapping has before it."""
        return self.queue.waiting() if self.active else self._running

    def pump(self) -> None:
        """Start as many batches as there are, and may run at once."""
        if not self._running:
            self._since_s = time.monotonic()
        self._retry_held()
        while self.active and not self._held and self._running < self._allowed():
            batch = self._collect()
            if batch is None:
                break
            with self._lock:
                self._running += 1
            self.host.attempt(self._run, batch)

    def _allowed(self) -> int:
        """Return how many batches may run now: AWS starts with five, and adds five a second while there is work."""
        ramp = START + RAMP_PER_S * (time.monotonic() - self._since_s)
        return int(min(ramp, self.settings.concurrency or CONCURRENCY_MAX, self.host.batches_max))

    def _collect(self) -> Batch | None:
        """Take a batch, if it is full or its time has come; else see to being woken."""
        while True:
            size = 0

            def fits(message: Any) -> bool:
                nonlocal size
                size += self.queue.size(message)
                return size + ENVELOPE_BYTES <= PAYLOAD_MAX_BYTES

            if self.settings.window_s and not self._complete(fits):
                return None
            size = 0
            taken = self.queue.take(self.settings.batch_size, fits)
            self._window_s = None
            if not taken:
                due_s = self.queue.due_in_s()
                if due_s is not None:
                    self.wake_in(due_s + UNTIL_SEEN_S)
                return None
            batch = self._filtered(self._without_loops(taken))
            if batch is not None:
                return batch

    def _complete(self, fits: Callable[[Any], bool]) -> bool:
        found = self.queue.available(self.settings.batch_size)
        if len(found) >= self.settings.batch_size or not all(fits(message) for message in found):
            return True
        if not found:
            self._window_s = None
            return True  # nothing to take; what is due is seen to there
        if self._window_s is None:
            self._window_s = time.monotonic()
        left_s = self._window_s + self.settings.window_s / self.host.speed - time.monotonic()
        if left_s > 0:
            self.wake_in(left_s)
        return left_s <= 0

    def _without_loops(self, messages: list[Any]) -> list[Any]:
        looping = [one for one in messages if self.queue.depth(one) >= self.host.depth_max]
        if looping:
            messages = [one for one in messages if self.queue.depth(one) < self.host.depth_max]
            cause = f"RecursiveInvocationException: {len(looping)} messages of functions that call each other in a loop"
            self.host.record(self.settings.source, self.settings.function, cause)
            self.queue.bury(looping)
        return messages

    def _filtered(self, messages: list[Any]) -> Batch | None:
        """Return a batch of the messages that pass the filters; the others are deleted, as on AWS."""
        records, kept, out = [], [], []
        for one in messages:
            record = self.queue.record(one)
            if wanted(record, self.settings.kind, self.settings.filters):
                records.append(record)
                kept.append(one)
            else:
                out.append(one)
        if out:
            self.queue.delete(out)
            self.host.flows.record(self.settings.source, self.settings.function, "SQS", filtered=len(out))
        if not kept:
            return None
        payload = json.dumps({"Records": records}).encode()
        return Batch(kept, payload, max(self.queue.depth(one) for one in kept))

    # What becomes of a batch; on a worker.

    def _run(self, batch: Batch) -> None:
        try:
            answer = self.host.invoke(self.settings.function, batch.payload, batch.depth)
        except Throttled:
            self._hold(batch)
            return
        except LookupError as gone:
            self.queue.give_back(batch.messages, speed=float("inf"))
            self._ended()
            self.give_up(gone)
            return
        except Exception as error:  # whatever it was, the messages must not be lost
            log.exception("a batch of messages could not be run")
            self.host.record(self.settings.source, self.settings.function, f"{type(error).__name__}: {error}")
            answer = None
        try:
            self._finish(batch, answer)
        finally:
            self._ended()

    def _finish(self, batch: Batch, answer: Answer | None) -> None:
        named = {self.queue.name(one): one for one in batch.messages}
        failed: set[str] | None = None
        if answer is not None and answer.function_error is None:
            reported = failed_items(answer.payload, named) if self.settings.partial else []
            failed = None if reported is None else set(reported)
        back = [one for key, one in named.items() if failed is None or key in failed]
        done = [one for key, one in named.items() if failed is not None and key not in failed]
        self.result = FAILED if failed is None else OK
        way = (self.settings.source, self.settings.function, "SQS")
        self.host.flows.record(*way, delivered=len(done), failed=len(back))
        self.queue.give_back(back, speed=self.host.speed)
        self.queue.delete(done)

    def _ended(self) -> None:
        with self._lock:
            self._running -= 1
            if self._held:  # there is room for one that was throttled
                self._held[0].retry_s = 0.0
        self.wake()
        self.host.quiet.changed()

    def _hold(self, batch: Batch) -> None:
        """Keep a throttled batch, to try it again as long as its messages are invisible to others."""
        batch.throttles += 1
        delay_s = backoff_s(batch.throttles) / self.host.speed
        batch.retry_s = time.monotonic() + delay_s
        with self._lock:
            self._held.append(batch)
        self.wake_in(delay_s)

    def _retry_held(self) -> None:
        now_s = time.monotonic()
        with self._lock:
            due = [one for one in self._held if one.retry_s <= now_s or not self.active]
            self._held = [one for one in self._held if one not in due]
        for batch in due:
            if not self.active or any(self.queue.expired(one) for one in batch.messages):
                self._drop(batch)
            else:
                self.host.attempt(self._run, batch)
        if self._held:
            self.wake_in(min(one.retry_s for one in self._held) - now_s)

    def _drop(self, batch: Batch) -> None:
        way = (self.settings.source, self.settings.function, "SQS")
        self.host.flows.record(*way, failed=len(batch.messages))
        self.queue.give_back(batch.messages, speed=self.host.speed)
        self._ended()
