"""Asynchronous invocation: accepted at once, tried up to three times, and never lost without a word.

An event waits in a queue of Lambda's own. When the handler fails it is tried again after one minute and after two;
when it is throttled, after one second, doubling up to five minutes, as long as the event isn't too old. An event that
no attempt could serve goes to the on-failure destination, the dead-letter queue, or both. Times here pass
:data:`SPEED` times as fast, so that a lesson can wait for them.
"""

from __future__ import annotations

import json
import logging
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from helpers import tables
from helpers.cloud import report
from helpers.cloud.calls import Answer, Throttled
from helpers.cloud.flows import Flows
from helpers.cloud.service import Service
from helpers.cloud.timer import Timer

log = logging.getLogger(__name__)

SPEED = 60.0  # a minute of AWS's passes in a second
RETRY_DELAYS_S = (60.0, 120.0)
THROTTLE_DELAY_S, THROTTLE_DELAY_MAX_S = 1.0, 300.0
MAX_RETRIES = int(tables.limit("lambda.async.retries").max)
MAX_AGE_S = float(tables.limit("lambda.async.max_age").max)
WAITING_MAX = 10_000
KEPT_MAX_BYTES = 64 * 1024 * 1024  # of accepted events, for those who want one delivered again
KEPT_MAX = 10_000
CALLER = "a caller", "asynchronous"


@dataclass(frozen=True)
class Promise:
    """What a function's configuration says about asynchronous events."""

    retries: int = MAX_RETRIES
    max_age_s: float = MAX_AGE_S
    on_success: str | None = None
    on_failure: str | None = None
    dead_letter: str | None = None


@dataclass
class Event:
    """An accepted event, from the first attempt to its end."""

    request_id: str
    arn: str
    payload: bytes
    promise: Promise
    attempt: Callable[[], Answer]
    zero_concurrency: Callable[[], bool]
    accepted_s: float
    source: str = "an asynchronous invocation"
    way: tuple[str, str] = CALLER  # for the counts: whence, and what carries it
    tries: int = 0
    throttles: int = 0
    tried: threading.Event = field(default_factory=threading.Event)  # at least once
    answer: Answer | None = None  # of the last attempt


class Asynchronous:
    """The queue of events that were accepted, and what becomes of them.

    Parameters
    ----------
    service : runs the attempts, on its workers
    timer : wakes what waits
    deliver : sends a record to an ARN: ``(arn, text, attributes)``
    record : told of events that end without anybody hearing of it: ``(source, target, cause)``
    speed : how many seconds of AWS's pass in one of ours
    moved : called when the number of waiting events has changed
    flows : gets the counts
    """

    def __init__(
        self,
        service: Service,
        timer: Timer,
        deliver: Callable[[str, str, dict[str, dict[str, str]]], None],
        record: Callable[[str, str, str], None] = lambda *_: None,
        speed: float = SPEED,
        moved: Callable[[], None] = lambda: None,
        flows: Flows | None = None,
    ) -> None:
        self.flows = flows or Flows()
        self._service, self._timer, self._deliver, self._record = service, timer, deliver, record
        self._kept: OrderedDict[str, Event] = OrderedDict()
        self._kept_bytes = 0
        self.speed = speed
        self._moved = moved
        self._lock = threading.Lock()
        self._open = 0

    def accept(
        self,
        *,
        request_id: str,
        arn: str,
        payload: bytes,
        promise: Promise,
        attempt: Callable[[], Answer],
        zero_concurrency: Callable[[], bool] = lambda: False,
        source: str = "an asynchronous invocation",
        way: tuple[str, str] = CALLER,
        stopped: str | None = None,
    ) -> Event:
        """Take an event over; what follows happens in the background.

        With ``stopped``, the reason why it may not run, it goes where events go that no attempt could serve.

        Raises
        ------
        Throttled
            when too many events wait already
        """
        event = Event(request_id, arn, payload, promise, attempt, zero_concurrency, time.monotonic(), source, way)
        self._open_one()
        if stopped:
            self._record(source, arn, stopped)
            event.tried.set()
            self._service.attempt(self._fail, event, "RecursiveInvocation", None)
            return event
        with self._lock:
            self._kept[request_id] = event
            self._kept_bytes += len(payload)
            while self._kept_bytes > KEPT_MAX_BYTES or len(self._kept) > KEPT_MAX:
                self._kept_bytes -= len(self._kept.popitem(last=False)[1].payload)
        self._service.attempt(self._try, event)
        return event

    def redeliver(self, request_id: str) -> None:
        """Deliver an event once more, as the queue does on AWS now and then: the same payload, the same request id.

        Raises
        ------
        LookupError
            when no event of this id was accepted, or it was long ago
        """
        kept = self._kept.get(request_id)
        if kept is None:
            raise LookupError(f"no asynchronous event of this session has the request id {request_id!r}")
        self._open_one()
        again = replace(kept, accepted_s=time.monotonic(), tries=0, throttles=0, tried=threading.Event())
        self._service.attempt(self._try, again)

    def _open_one(self) -> None:
        with self._lock:
            if self._open >= WAITING_MAX:
                raise Throttled("CallerRateLimitExceeded")
            self._open += 1
        self._moved()

    def waiting(self) -> int:
        """Return how many events have not found their end."""
        return self._open

    def _try(self, event: Event) -> None:
        try:
            self._attempt(event)
        finally:
            event.tried.set()

    def _attempt(self, event: Event) -> None:
        if event.zero_concurrency():
            self._fail(event, "ZeroReservedConcurrency", None)
            return
        if self._age_s(event) > event.promise.max_age_s:
            self._fail(event, "EventAgeExceeded", None)
            return
        try:
            answer = event.answer = event.attempt()
        except Throttled:
            delay = min(THROTTLE_DELAY_S * 2**event.throttles, THROTTLE_DELAY_MAX_S)
            event.throttles += 1
            self._later(event, delay, None)
            return
        except LookupError as gone:  # the function was deleted meanwhile, and its events with it
            self._record(event.source, event.arn, f"ResourceNotFoundException: {gone.args[0]}")
            self._close(event)
            return
        except Exception as error:  # whatever it was, the event must find its end
            log.exception("an asynchronous invocation could not be run")
            self._record(event.source, event.arn, f"{type(error).__name__}: {error}")
            self._close(event)
            return
        event.tries += 1
        well = answer.function_error is None
        self.flows.record(event.way[0], _plain(event.arn), event.way[1], delivered=well, failed=not well)
        if well:
            self._finish(event, "Success", answer, event.promise.on_success)
        elif event.tries > event.promise.retries:
            self._fail(event, "RetriesExhausted", answer)
        else:
            self._later(event, RETRY_DELAYS_S[min(event.tries, len(RETRY_DELAYS_S)) - 1], answer)

    def _later(self, event: Event, delay_s: float, answer: Answer | None) -> None:
        if self._age_s(event) + delay_s > event.promise.max_age_s:
            self._fail(event, "EventAgeExceeded", answer)
        else:
            self._timer.after(delay_s / self.speed, lambda: self._service.attempt(self._try, event))

    def _age_s(self, event: Event) -> float:
        return (time.monotonic() - event.accepted_s) * self.speed

    def _fail(self, event: Event, condition: str, answer: Answer | None) -> None:
        promise = event.promise
        said = _decoded(answer.payload) if answer else None
        message = str(said.get("errorMessage", "")) if isinstance(said, dict) else ""
        if not (promise.dead_letter or promise.on_failure) and condition != "RecursiveInvocation":
            name = str(said.get("errorType", "")) if isinstance(said, dict) else ""
            self._record(event.source, event.arn, ": ".join(filter(None, (condition, name, message))))
        if promise.dead_letter:
            code = 200 if answer else 429
            attributes = report.dead_letter_attributes(event.request_id, message, error_code=code)
            text = event.payload.decode("utf-8", "replace")
            self._send(event.arn, promise.dead_letter, text, attributes, "dead letter")
        self._finish(event, condition, answer, promise.on_failure)

    def _finish(self, event: Event, condition: str, answer: Answer | None, destination: str | None) -> None:
        if destination:
            record = report.destination_record(
                request_id=event.request_id,
                function_arn=event.arn,
                condition=condition,
                invoke_count=event.tries,
                request_payload=_decoded(event.payload),
                response_payload=_decoded(answer.payload) if answer else None,
                function_error=answer.function_error if answer else None,
                version=answer.version if answer else "$LATEST",
                when=datetime.now(UTC),
            )
            kind = "on success" if condition == "Success" else "on failure"
            self._send(event.arn, destination, json.dumps(record), {}, kind)
        self._close(event)

    def _send(self, source: str, arn: str, text: str, attributes: dict[str, dict[str, str]], kind: str) -> None:
        try:
            self._deliver(arn, text, attributes)
            self.flows.record(_plain(source), arn, kind, delivered=1)
        except Exception as error:
            log.debug("the record of an asynchronous invocation could not be delivered to %s", arn, exc_info=True)
            self._record(source, arn, f"{type(error).__name__}: {error}")

    def _close(self, event: Event) -> None:
        with self._lock:
            self._open -= 1
        self._moved()


def _plain(arn: str) -> str:
    return arn.removesuffix(":$LATEST")


def _decoded(data: bytes) -> object:
    with suppress(ValueError):
        return json.loads(data)
    return data.decode("utf-8", "replace")


def deliver(client: Callable[..., object], arn: str, text: str, attributes: dict[str, dict[str, str]]) -> None:
    """Send a record to the queue, topic, function, bus or bucket that an ARN names.

    Parameters
    ----------
    client : ``boto3.client``, or what stands for it
    arn : the destination
    text : the record as JSON
    attributes : of the message, for a dead-letter queue or topic
    """
    _, _, service, region, _, name = arn.split(":", 5)
    if service == "sqs":
        sqs = client("sqs", region_name=region)
        sqs.send_message(
            QueueUrl=sqs.get_queue_url(QueueName=name)["QueueUrl"], MessageBody=text, MessageAttributes=attributes
        )
    elif service == "sns":
        client("sns", region_name=region).publish(TopicArn=arn, Message=text, MessageAttributes=attributes)
    elif service == "lambda":
        client("lambda", region_name=region).invoke(FunctionName=arn, InvocationType="Event", Payload=text)
    elif service == "events":
        record = json.loads(text)
        failed = record["requestContext"]["condition"] != "Success"
        entry = {
            "Source": "lambda",
            "DetailType": f"Lambda Function Invocation Result - {'Failure' if failed else 'Success'}",
            "Detail": text,
            "Resources": [arn, record["requestContext"]["functionArn"]],
            "EventBusName": name.removeprefix("event-bus/"),
        }
        client("events", region_name=region).put_events(Entries=[entry])
    elif service == "s3":
        record = json.loads(text)
        now = datetime.now(UTC)
        function = record["requestContext"]["functionArn"].split(":")[6]
        request_id = record["requestContext"]["requestId"]
        key = f"aws/lambda/async/{function}/{now:%Y/%m/%d}/{now:%Y-%m-%dT%H.%M.%S}-{request_id}"
        client("s3", region_name=region or "us-east-1").put_object(Bucket=name, Key=key, Body=text.encode())
    else:
        raise ValueError(f"destinations are queues, topics, functions, event buses and buckets, got {arn}")
