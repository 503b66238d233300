"""How rules and schedules reach their targets, try again, and where an event goes that no attempt could deliver.

With the other files called ``moto_*``, one of the few places that touch moto's internals. A function that is missing,
or may not be invoked, is final at once; a throttle is tried again, as often and as long as the target's RetryPolicy
says, with growing pauses that pass :data:`~helpers.cloud.events.asynchronous.SPEED` times as fast. What a function does
with the event afterwards is its own: Lambda's queue of asynchronous events tries again when the handler fails.
"""

from __future__ import annotations

import base64
import contextvars
import json
import threading
import time
import uuid
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from moto.core.utils import unix_time_millis
from moto.logs.models import logs_backends
from moto.sns.models import sns_backends
from moto.sqs.models import sqs_backends

from helpers.cloud.events.asynchronous import SPEED
from helpers.cloud.events.bus_events import pick
from helpers.cloud.events.moto_delivery import Arrival, Delivery, way
from helpers.cloud.timer import Timer

RETRIES_MAX, AGE_MAX_S = 185, 86_400  # unless a RetryPolicy says less
PAUSE_S, PAUSE_MAX_S = 1.0, 300.0
AGAIN = ("TooManyRequestsException", "ThrottlingException", "RequestThrottled", "ServiceUnavailable")
NO_DEDUPLICATION = (
    "To let EventBridge send messages to your SQS FIFO queue, you must enable content-based deduplication."
)
UNIVERSAL = "arn:aws:scheduler:::aws-sdk:"


@dataclass
class Order:
    """One event on its way to one target.

    Attributes
    ----------
    target : as ``put_targets`` or ``create_schedule`` takes it
    text : what the target gets, for an attempt from 1 on
    service : the principal that a function's policy must let in; None where a role decides
    source_arn, account, region : the rule or the schedule
    attributes : of the message in the dead-letter queue, for an error and the number of retries
    letter : that message's text
    to_bus : puts an event on a bus: ``(bus ARN, text)``
    """

    target: Mapping[str, Any]
    text: Callable[[int], str]
    service: str | None
    source_arn: str
    account: str
    region: str
    attributes: Callable[[Arrival, int, str], Mapping[str, str]]
    letter: Callable[[], str]
    to_bus: Callable[[str, str], None]
    attempts: int = 0
    since_s: float = field(default_factory=time.monotonic)


class Targets:
    """What rules and schedules send with.

    Parameters
    ----------
    delivery : hands events to functions
    timer, submit : wake what waits for another attempt, and run it
    moved : called when the number of :meth:`waiting` events has changed
    """

    def __init__(
        self,
        delivery: Delivery,
        timer: Timer,
        submit: Callable[..., None],
        moved: Callable[[], None],
        speed: float = SPEED,
    ) -> None:
        self.delivery, self._timer, self._submit, self._moved, self.speed = delivery, timer, submit, moved, speed
        self._open = 0
        self._lock = threading.Lock()

    def waiting(self) -> int:
        """Return how many events wait for another attempt."""
        return self._open

    def send(self, order: Order) -> None:
        """Deliver an event, or see to it that it is tried again."""
        policy = order.target.get("RetryPolicy") or {}
        retries = policy.get("MaximumRetryAttempts", RETRIES_MAX)
        age_max_s = policy.get("MaximumEventAgeInSeconds", AGE_MAX_S)
        order.attempts += 1
        came = self._reach(order)
        if came:
            return
        age_s = (time.monotonic() - order.since_s) * self.speed
        pause_s = min(PAUSE_S * 2 ** (order.attempts - 1), PAUSE_MAX_S)
        if came.error_type not in AGAIN:
            self._give_up(order, came, "")
        elif order.attempts > retries:
            self._give_up(order, came, "MaximumRetryAttempts")
        elif age_s + pause_s > age_max_s:
            self._give_up(order, came, "MaximumEventAgeInSeconds")
        else:
            self._later(pause_s, order)

    def _later(self, pause_s: float, order: Order) -> None:
        context = contextvars.copy_context()  # how deep in a chain of functions it is

        def again() -> None:
            try:
                context.run(self.send, order)
            finally:
                self._count(-1)

        self._count(1)
        self._timer.after(pause_s / self.speed, lambda: self._submit(again))

    def _count(self, more: int) -> None:
        with self._lock:
            self._open += more
        self._moved()

    def _give_up(self, order: Order, came: Arrival, condition: str) -> None:
        arn, queue = order.target["Arn"], (order.target.get("DeadLetterConfig") or {}).get("Arn")
        self.delivery.problems.record(order.source_arn, arn, f"{came.error_type}: {came.message}")
        if queue:
            told = order.attributes(came, order.attempts - 1, condition)
            attributes = {name: {"DataType": "String", "StringValue": value} for name, value in told.items() if value}
            try:
                _send_message(queue, order.letter(), attributes=attributes)
                self.delivery.flows.record(order.source_arn, queue, "dead letter", delivered=1)
            except Exception as error:
                self.delivery.problems.record(order.source_arn, queue, _said(error))

    def _reach(self, order: Order) -> Arrival:
        arn, text = order.target["Arn"], order.text(order.attempts)
        service = arn.split(":")[2]
        try:
            if service == "lambda":
                return self.delivery.invoke(
                    arn,
                    json.loads(text),
                    order.service,
                    order.source_arn,
                    order.account,
                    order.source_arn,
                    last=False,
                )
            if arn.startswith(UNIVERSAL):
                _call(arn, text, order.region)
            elif service == "events":
                order.to_bus(arn, text)
            elif service in REACHED:
                if service == "sqs" and not self.delivery.strict:
                    _warn_as_moto(arn, order.target)
                REACHED[service](arn, text, order.target)
            else:
                return Arrival("NotDeliveredHere", f"this cloud delivers to no targets of {service}")
        except Exception as error:
            name, _, message = _said(error).partition(": ")
            return Arrival(name, message)
        whence, carrier = way(order.source_arn)
        self.delivery.flows.record(whence, arn, carrier, delivered=1)
        return Arrival()


def _said(error: Exception) -> str:
    code = getattr(error, "response", {}).get("Error", {}).get("Code") if hasattr(error, "response") else None
    name = code or getattr(error, "error_type", None) or type(error).__name__
    return f"{name}: {getattr(error, 'message', error)}"


def _parts(arn: str) -> tuple[str, str, str]:
    _, _, _, region, account, name = arn.split(":", 5)
    return account, region, name


def _send_message(arn: str, text: str, **named: Any) -> None:
    account, region, name = _parts(arn)
    attributes = named.pop("attributes", None)
    sqs_backends[account][region].send_message(
        queue_name=name, message_body=text, message_attributes=attributes, **named
    )


def _to_queue(arn: str, text: str, target: Mapping[str, Any]) -> None:
    group = (target.get("SqsParameters") or {}).get("MessageGroupId")
    _send_message(arn, text, group_id=group)


def _warn_as_moto(arn: str, target: Mapping[str, Any]) -> None:
    account, region, name = _parts(arn)
    told = sqs_backends[account][region].get_queue_attributes(name, ["ContentBasedDeduplication"])
    if (target.get("SqsParameters") or {}).get("MessageGroupId") and told["ContentBasedDeduplication"] == "false":
        warnings.warn(NO_DEDUPLICATION, stacklevel=2)


def _to_topic(arn: str, text: str, _: Mapping[str, Any]) -> None:
    account, region, _name = _parts(arn)
    sns_backends[account][region].publish(arn=arn, message=text)


def _to_logs(arn: str, text: str, _: Mapping[str, Any]) -> None:
    account, region, name = _parts(arn)
    group = name.removeprefix("log-group:").removesuffix(":*")
    backend, stream = logs_backends[account][region], str(uuid.uuid4())
    backend.create_log_stream(group, stream)
    backend.put_log_events(group, stream, [{"timestamp": unix_time_millis(), "message": text}])


def _to_workflow(arn: str, text: str, _: Mapping[str, Any]) -> None:
    from moto.stepfunctions.responses import get_backend  # moto has two, and this knows which of them is in use

    account, region, _name = _parts(arn)
    get_backend(account, region).start_execution(arn, str(uuid.uuid4()), text)


def _to_stream(arn: str, text: str, target: Mapping[str, Any]) -> None:
    from moto.kinesis.models import kinesis_backends

    account, region, _name = _parts(arn)
    told = target.get("KinesisParameters") or {}
    key = told.get("PartitionKey") or pick(told.get("PartitionKeyPath", "$.id"), json.loads(text))
    data = base64.b64encode(text.encode()).decode()
    kinesis_backends[account][region].put_record(arn, None, str(key or uuid.uuid4()), None, data)


REACHED: dict[str, Callable[[str, str, Mapping[str, Any]], None]] = {
    "sqs": _to_queue,
    "sns": _to_topic,
    "logs": _to_logs,
    "states": _to_workflow,
    "kinesis": _to_stream,
}


def _call(arn: str, text: str, region: str) -> None:
    """Call any operation of AWS's, as a schedule's universal target names it: ``aws-sdk:sqs:sendMessage``."""
    import boto3

    service, _, operation = arn.removeprefix(UNIVERSAL).partition(":")
    client = boto3.session.Session().client(service, region_name=region)
    wanted = operation[0].upper() + operation[1:]
    method = next(one for one, name in client.meta.method_to_api_mapping.items() if name == wanted)
    getattr(client, method)(**json.loads(text or "{}"))
