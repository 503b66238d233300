"""From a source in moto to its destination: a function's queue of events, a queue, a topic, or the record of failures.

With the other files called ``moto_*``, one of the few places that touch moto's internals. In moto's own mode
(``strict=False``) no permission is asked for, and whoever causes an event waits for the first attempt, as in moto.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from moto.awslambda.exceptions import UnknownAliasException, UnknownFunctionException
from moto.awslambda.models import lambda_backends
from moto.sns.models import sns_backends
from moto.sqs.models import sqs_backends

from helpers.cloud.events.asynchronous import Event
from helpers.cloud.events.permissions import allows
from helpers.cloud.flows import Flows
from helpers.cloud.problems import Problems

INVOKE = "lambda:InvokeFunction"
AS_IN_MOTO_S = 900.0  # no function takes longer


def first_payload(accepted: Event) -> bytes:
    """Wait for the first attempt at an event, as moto does with each, and return what the function answered."""
    accepted.tried.wait(AS_IN_MOTO_S)
    return accepted.answer.payload if accepted.answer else b""


# What carries an event, by the service in its source's ARN.
CARRIERS = {
    "sns": "SNS",
    "s3": "S3",
    "logs": "CloudWatch Logs",
    "events": "EventBridge",
    "scheduler": "EventBridge Scheduler",
    "cloudwatch": "CloudWatch",
}

Replacement = tuple[Any, str, Any]  # owner, name, what takes the place of moto's


@dataclass(frozen=True)
class Arrival:
    """What came of a delivery: true when it got there; else the error's type and message."""

    error_type: str = ""
    message: str = ""

    def __bool__(self) -> bool:
        return not self.error_type


class Delivery:
    """What sources deliver with.

    Parameters
    ----------
    deliver : takes an event over for a function: ``(arn, payload, source, way)``
    problems : gets the deliveries that fail
    strict : ask for permissions, and answer without waiting, as AWS does
    flows : gets the counts of what goes elsewhere than to a function; those the function's queue counts
    """

    def __init__(
        self,
        deliver: Callable[[str, bytes, str, tuple[str, str]], Event],
        problems: Problems,
        *,
        strict: bool,
        flows: Flows,
    ) -> None:
        self._deliver, self.problems, self.strict, self.flows = deliver, problems, strict, flows
        self.on_bus: Callable[[str, str, dict[str, Any]], None] = lambda *_: None  # EventBridge's, once it is there

    def invoke(
        self,
        arn: str,
        event: Any,
        service: str | None,
        source_arn: str,
        account: str,
        source: str,
        *,
        last: bool = True,
    ) -> Arrival:
        """Hand an event to a function's queue; say whether it got there.

        Parameters
        ----------
        arn : of the function
        event : anything that JSON can hold
        service : who asks for permission, None where a role gives it
        source_arn, account : on whose behalf
        source : as :class:`~helpers.cloud.problems.Problems` shall name it
        last : nobody will try again when this fails
        """
        try:
            if self.strict and service and not may_invoke(arn, service, source_arn, account):
                raise PermissionError(denial(service, INVOKE, arn))
            accepted = self._deliver(arn, json.dumps(event).encode(), source, way(source_arn))
        except Exception as error:
            failed = _failure(arn, error)
            if last:
                self.problems.record(source, arn, f"{failed.error_type}: {failed.message}")
            return failed
        if not self.strict:
            first_payload(accepted)
        return Arrival()

    def send(
        self,
        kind: str,
        arn: str,
        text: str,
        source: str,
        *,
        subject: str = "Amazon S3 Notification",
        source_arn: str = "",
    ) -> None:
        """Send a message to a queue or topic; the subject is a topic's, the source's ARN is for the counts."""
        _, _, _, region, account, name = arn.split(":", 5)
        try:
            if kind == "queue":
                sqs_backends[account][region].send_message(queue_name=name, message_body=text)
            else:
                sns_backends[account][region].publish(arn=arn, message=text, subject=subject)
            whence, carrier = way(source_arn or source)
            self.flows.record(whence, arn, carrier, delivered=1)
        except Exception as error:
            self.problems.record(source, arn, f"{type(error).__name__}: {getattr(error, 'message', error)}")


def way(source_arn: str) -> tuple[str, str]:
    """Return an event's source, and what carries it, for the counts."""
    service = source_arn.split(":")[2] if source_arn.startswith("arn:") else ""
    return source_arn, CARRIERS.get(service, service or "delivery")


def _failure(arn: str, error: Exception) -> Arrival:
    if isinstance(error, (UnknownFunctionException, UnknownAliasException, KeyError)):
        return Arrival("ResourceNotFoundException", f"Function not found: {arn}")
    if isinstance(error, PermissionError):
        return Arrival("AccessDeniedException", str(error))
    return Arrival(getattr(error, "error_type", type(error).__name__), str(getattr(error, "message", error)))


def denial(service: str, action: str, arn: str) -> str:
    """Return AWS's words for a permission that is missing."""
    return f"{service} is not authorized to perform: {action} on resource: {arn}" + (
        " because no resource-based policy allows it (lambda add_permission)" if action == INVOKE else ""
    )


def may_invoke(arn: str, service: str, source_arn: str, account: str) -> bool:
    """Say whether a function's policy lets a service invoke it on a source's behalf."""
    _, _, _, region, owner, _ = arn.split(":", 5)
    policy = lambda_backends[owner][region].get_function(arn).policy
    return allows(
        policy.statements, service=service, action=INVOKE, resource=arn, source_arn=source_arn, account=account
    )
