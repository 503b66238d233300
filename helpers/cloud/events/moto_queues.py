"""moto's queues as pollers see them.

With the other files called ``moto_*``, one of the few places that touch moto's internals. moto delivers to a function
within the request that sends a message, one message at a time. Here a queue only says that something came; what plain
clients send, receive and delete goes on as in moto, under one lock for each queue, so that nobody overtakes a poller.
"""

from __future__ import annotations

import contextlib
import itertools
import json
from collections.abc import Callable, Sequence
from typing import Any

import moto.sqs.models
from moto.sqs.models import Message, Queue, SQSBackend, sqs_backends

from helpers.cloud.clock import Clock
from helpers.cloud.events import records
from helpers.cloud.events.moto_common import replace_methods
from helpers.cloud.events.pollers import Pollers
from helpers.cloud.flows import Flows
from helpers.cloud.moto_state import depth

RECORD_BYTES = 1500  # of a record in an event, besides body and attributes
SEQUENCE_START = 18_850_000_000_000_000_000  # sequence numbers of FIFO queues have twenty digits

_sequence_numbers = itertools.count(SEQUENCE_START, 256)


def install(pollers: Pollers, undo: contextlib.ExitStack) -> None:
    """Have queues wake who polls them, and go by the cloud's clock.

    Parameters
    ----------
    pollers : the mappings
    undo : gets what gives moto its methods back
    """
    clock, speed = pollers.host.clock, pollers.host.speed
    add, delete, receive = Queue.add_message, Queue.delete_message, SQSBackend.receive_message

    def add_message(queue: Queue, message: Message) -> None:
        vars(message).setdefault("local_depth", depth.get())
        if queue.fifo_queue and message.sequence_number is None:
            message.sequence_number = str(next(_sequence_numbers))
        if pollers.polled(queue.queue_arn) and message.delayed_until:
            # AWS would only wait here.
            now_ms = clock.time_s() * 1000
            message.delayed_until = now_ms + (message.delayed_until - now_ms) / speed
        add(queue, message)
        pollers.wake(queue.queue_arn)

    def delete_message(queue: Queue, receipt_handle: str) -> None:
        with queue._messages_lock:
            delete(queue, receipt_handle)
        pollers.wake(queue.queue_arn)

    def receive_message(backend: SQSBackend, queue_name: str, *arguments: Any, **named: Any) -> list[Message]:
        queue = backend.get_queue(queue_name)
        with queue._messages_lock:  # while it waits for messages, moto lets go of it
            found = receive(backend, queue_name, *arguments, **named)
            _held_by_others(queue).update(message.id for message in found)
        return found

    def visible(queue: Queue) -> int:
        now_ms = clock.time_s() * 1000
        return sum(1 for one in queue._messages if one.visible_at < now_ms and one.delayed_until <= now_ms)

    def invisible(queue: Queue) -> int:
        now_ms = clock.time_s() * 1000
        return sum(1 for one in queue._messages if one.visible_at >= now_ms)

    def delayed(queue: Queue) -> int:
        now_ms = clock.time_s() * 1000
        return sum(1 for one in queue._messages if one.delayed_until > now_ms)

    # moto asks these three for every message that is sent, and each asks the time for every message that is there.
    counts = {
        "approximate_number_of_messages": property(visible),
        "approximate_number_of_messages_not_visible": property(invisible),
        "approximate_number_of_messages_delayed": property(delayed),
    }
    replace_methods(Queue, {"add_message": add_message, "delete_message": delete_message, **counts}, undo)
    replace_methods(SQSBackend, {"receive_message": receive_message}, undo)
    time_s, time_ms = moto.sqs.models.unix_time, moto.sqs.models.unix_time_millis
    times = {
        "unix_time": lambda when=None: clock.time_s() if when is None else time_s(when),
        "unix_time_millis": lambda when=None: clock.time_s() * 1000 if when is None else time_ms(when),
    }
    replace_methods(moto.sqs.models, times, undo)


def find(arn: str) -> Queue | None:
    """Return the queue of an ARN, if there is one."""
    _, _, _, region, account, name = arn.split(":", 5)
    return sqs_backends[account][region].queues.get(name)


def _held_by_others(queue: Queue) -> set[str]:
    """Return the ids of messages that plain clients have received."""
    return vars(queue).setdefault("local_held", set())


def _flying(queue: Queue) -> set[str]:
    """Return the ids of messages that pollers have taken."""
    return vars(queue).setdefault("local_flying", set())


class PolledQueue:
    """A queue, looked up each time: it may have been deleted and made again.

    Parameters
    ----------
    arn : of the queue
    clock : the cloud's
    flows : told of messages that go to the dead-letter queue
    record : told of messages that are lost: ``(source, target, cause)``
    wake : wakes who polls the dead-letter queue
    """

    def __init__(
        self, arn: str, clock: Clock, flows: Flows, record: Callable[[str, str, str], None], wake: Callable[[str], None]
    ) -> None:
        self.arn, self._clock, self._flows, self._record, self._wake = arn, clock, flows, record, wake

    def _now_ms(self) -> float:
        return self._clock.time_s() * 1000

    def take(self, limit: int, fits: Callable[[Message], bool]) -> list[Message]:
        """Receive messages that are available; those received too often go to the dead-letter queue instead."""
        queue = find(self.arn)
        if queue is None:
            return []
        with queue._messages_lock:
            found, dead, expired = self._look(queue, limit, fits)
            until_ms = self._now_ms() + queue.visibility_timeout * 1000
            for message in found:
                message.mark_received(visibility_timeout=queue.visibility_timeout)
                message.visible_at = until_ms  # for the whole batch: what fails together comes back together
                _flying(queue).add(message.id)
                _held_by_others(queue).discard(message.id)
                queue.pending_messages.add(message)
            self._move(queue, dead)
            self._remove(queue, expired)
        if expired:
            cause = f"{len(expired)} messages were older than the queue keeps them"
            self._record(self.arn, self.arn, cause)
        return found

    def available(self, limit: int) -> list[Message]:
        """Return messages that could be taken now."""
        queue = find(self.arn)
        if queue is None:
            return []
        with queue._messages_lock:
            found, dead, expired = self._look(queue, limit, lambda _: True)
        return [*found, *dead, *expired][:limit]

    def _look(
        self, queue: Queue, limit: int, fits: Callable[[Message], bool]
    ) -> tuple[list[Message], list[Message], list[Message]]:
        """Return what may be taken, what was received too often, and what is too old; the queue's lock is held."""
        now_ms, flying = self._now_ms(), _flying(queue)
        oldest_ms = now_ms - queue.message_retention_period * 1000
        often = queue.redrive_policy["maxReceiveCount"] if queue.dead_letter_queue is not None else None
        found: list[Message] = []
        dead: list[Message] = []
        expired: list[Message] = []
        blocked: set[str | None] = set()  # groups of a FIFO queue whose first message isn't to be had
        for message in queue._messages:
            if message.id in flying or message.visible_at >= now_ms or message.delayed_until > now_ms:
                blocked.add(message.group_id)
            elif queue.fifo_queue and message.group_id in blocked:
                continue
            elif message.sent_timestamp <= oldest_ms:
                expired.append(message)
            elif often is not None and message.approximate_receive_count >= often:
                dead.append(message)
            elif len(found) == limit or not fits(message):
                break
            else:
                found.append(message)
        return found, dead, expired

    def due_in_s(self) -> float | None:
        """Return after how many seconds the next message becomes available by itself; None when none does."""
        queue = find(self.arn)
        if queue is None:
            return None
        with queue._messages_lock:
            now_ms, flying = self._now_ms(), _flying(queue)
            times_ms = [max(one.visible_at, one.delayed_until) for one in queue._messages if one.id not in flying]
        left_ms = [when_ms - now_ms for when_ms in times_ms if when_ms >= now_ms]
        return min(left_ms) / 1000 if left_ms else None

    def name(self, message: Message) -> str:
        """Return a message's id."""
        return message.id

    def size(self, message: Message) -> int:
        """Return the bytes that a message takes in an event, or a few more."""
        attributes = len(json.dumps(message.message_attributes, default=str)) if message.message_attributes else 0
        return len(json.dumps(message.body)) + 2 * attributes + RECORD_BYTES

    def record(self, message: Message) -> dict[str, Any]:
        """Return a message as a function gets it."""
        attributes = {
            "ApproximateReceiveCount": message.approximate_receive_count,
            "AWSTraceHeader": (message.system_attributes.get("AWSTraceHeader") or {}).get("StringValue"),
            "SentTimestamp": message.sent_timestamp,
            "SequenceNumber": message.sequence_number if message.group_id else None,
            "MessageGroupId": message.group_id,
            "SenderId": message.sender_id,
            "MessageDeduplicationId": message.deduplication_id,
            "ApproximateFirstReceiveTimestamp": message.approximate_first_receive_timestamp,
        }
        return records.sqs_record(
            message_id=message.id,
            receipt_handle=message.receipt_handle or "",
            body=message.body,
            body_md5=message.body_md5,
            attributes={name: str(value) for name, value in attributes.items() if value is not None},
            message_attributes=message.message_attributes,
            message_attributes_md5=message.attribute_md5 if message.message_attributes else None,
            source=self.arn,
        )

    def depth(self, message: Message) -> int:
        """Return how many functions have called each other to send it."""
        return getattr(message, "local_depth", 0)

    def expired(self, message: Message) -> bool:
        """Say whether a received message's visibility timeout is over."""
        return message.visible_at < self._now_ms()

    def delete(self, messages: Sequence[Message]) -> None:
        """Remove messages that are dealt with."""
        queue = find(self.arn)
        if queue is not None and messages:
            with queue._messages_lock:
                self._remove(queue, messages)

    def give_back(self, messages: Sequence[Message], *, speed: float) -> None:
        """Let messages become visible when their timeout is over, ``speed`` times as fast."""
        queue = find(self.arn)
        if queue is None:
            return
        with queue._messages_lock:
            now_ms = self._now_ms()
            for message in messages:
                left_ms = max(0.0, message.visible_at - now_ms)
                message.visible_at = now_ms + (left_ms / speed if speed != float("inf") else -1)
                _flying(queue).discard(message.id)
                queue.pending_messages.discard(message)

    def bury(self, messages: Sequence[Message]) -> None:
        """Move messages to the dead-letter queue, or remove them where there is none."""
        queue = find(self.arn)
        if queue is None:
            return
        with queue._messages_lock:
            if queue.dead_letter_queue is not None:
                self._move(queue, messages)
            else:
                self._remove(queue, messages)

    def waiting(self) -> int:
        """Return how many messages are in the queue, without those that somebody else holds."""
        queue = find(self.arn)
        if queue is None:
            return 0
        held = _held_by_others(queue)
        if not held:
            return len(queue._messages)
        now_ms = self._now_ms()
        with queue._messages_lock:
            still = {one.id for one in queue._messages if one.id in held and one.visible_at >= now_ms}
            held.intersection_update(still)
            return len(queue._messages) - len(still)

    def _move(self, queue: Queue, messages: Sequence[Message]) -> None:
        """Move messages to the dead-letter queue, there first; the queue's lock is held."""
        if not messages:
            return
        target = queue.dead_letter_queue
        for message in messages:
            message.visible_at = 0.0
            # Not moto's add_message: it would take a copy of an earlier message for a duplicate, and drop it.
            target._messages.append(message)
        self._remove(queue, messages)
        self._flows.record(self.arn, target.queue_arn, "redrive", delivered=len(messages))
        if target._messages_lock.acquire(blocking=False):  # who waits there looks again after a second anyway
            target._messages_lock.notify_all()
            target._messages_lock.release()
        self._wake(target.queue_arn)

    def _remove(self, queue: Queue, messages: Sequence[Message]) -> None:
        """Remove messages; the queue's lock is held."""
        for message in messages:
            with contextlib.suppress(ValueError):  # somebody else deleted or purged it
                queue._messages.remove(message)
            queue.deleted_messages.update(one for one in message.all_receipt_handles if one)
            queue.pending_messages.discard(message)
            _flying(queue).discard(message.id)
            _held_by_others(queue).discard(message.id)
