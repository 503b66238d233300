"""What topics and log groups tell the functions that subscribed to them.

With the other files called ``moto_*``, one of the few places that touch moto's internals. moto calls a function within
the request that published, with placeholders in the event and without the subscription's filter pattern; here the event
is AWS's (:mod:`~helpers.cloud.events.notifications`) and goes through Lambda's own queue.
"""

from __future__ import annotations

import json
from typing import Any

from moto.awslambda.models import LambdaBackend
from moto.logs.exceptions import InvalidParameterException
from moto.logs.models import LogsBackend, logs_backends
from moto.sns.models import Subscription

from helpers.cloud.events import notifications as shapes
from helpers.cloud.events.moto_delivery import Delivery, Replacement, may_invoke
from helpers.cloud.events.moto_signatures import signed
from helpers.cloud.events.patterns import matches

NO_LOGS_PERMISSION = (
    "Could not execute the lambda function. Make sure you have given CloudWatch Logs permission to execute your "
    "function."
)


class Subscriptions:
    """Functions that subscribed to a topic or a log group.

    Parameters
    ----------
    delivery : what reaches them
    """

    def __init__(self, delivery: Delivery) -> None:
        self.delivery = delivery

    def replacements(self) -> list[Replacement]:
        """Return what takes the place of moto's."""
        told = self
        publish, post_data = Subscription.publish, Subscription.get_post_data
        subscribe_to_logs = LogsBackend.put_subscription_filter

        def publish_to(subscription: Subscription, message: str, message_id: str, **named: Any) -> None:
            if subscription.protocol != "lambda":
                publish(subscription, message, message_id, **named)
                matcher = subscription._filter_policy_matcher
                if matcher is None or matcher.matches(named.get("message_attributes"), message):
                    topic = subscription.topic.arn
                    told.delivery.flows.record(topic, subscription.endpoint, "SNS", delivered=1)
            else:
                told.publish(subscription, message, message_id, **named)

        def get_post_data(subscription: Subscription, *arguments: Any, **named: Any) -> dict[str, Any]:
            found = post_data(subscription, *arguments, **named)
            return {**found, "UnsubscribeURL": shapes.unsubscribe_url(subscription.arn)}

        def send_log_event(
            backend: LambdaBackend, arn: str, filter_name: str, group: str, stream: str, events: list[dict[str, Any]]
        ) -> None:
            told.log(backend, arn, filter_name, group, stream, events)

        def put_subscription_filter(
            backend: LogsBackend, group: str, name: str, pattern: str, arn: str, role_arn: str
        ) -> None:
            owner = f"arn:aws:logs:{backend.region_name}:{backend.account_id}:log-group:{group}:*"
            services = ("logs.amazonaws.com", f"logs.{backend.region_name}.amazonaws.com")
            if (
                told.delivery.strict
                and group in backend.groups
                and arn.split(":")[2] == "lambda"
                and not any(may_invoke(arn, one, owner, backend.account_id) for one in services)
            ):
                raise InvalidParameterException(NO_LOGS_PERMISSION)
            subscribe_to_logs(backend, group, name, pattern, arn, role_arn)

        return [
            (Subscription, "publish", publish_to),
            (Subscription, "get_post_data", get_post_data),
            (LambdaBackend, "send_log_event", send_log_event),
            (LogsBackend, "put_subscription_filter", put_subscription_filter),
        ]

    def publish(
        self,
        subscription: Subscription,
        message: str,
        message_id: str,
        *,
        subject: str | None = None,
        message_attributes: dict[str, Any] | None = None,
        message_structure: str | None = None,
        **_: Any,
    ) -> None:
        """Send a message to a function that subscribed."""
        matcher = subscription._filter_policy_matcher
        if matcher is not None and not matcher.matches(message_attributes, message):
            return
        if message_structure == "json":
            message = subscription._parse_message_structure(message, "lambda")
        topic = subscription.topic
        when = shapes.timestamp()
        version = str(getattr(topic, "signature_version", None) or "1")
        signature, certificate = signed(
            topic.arn, message=message, message_id=message_id, subject=subject, when=when, version=version
        )
        event = shapes.sns_event(
            subscription_arn=subscription.arn,
            topic_arn=topic.arn,
            message_id=message_id,
            message=message,
            subject=subject,
            attributes=message_attributes or {},
            when=when,
            signature_version=version,
            signature=signature,
            certificate_url=certificate,
        )
        account = topic.account_id
        arrived = self.delivery.invoke(subscription.endpoint, event, "sns.amazonaws.com", topic.arn, account, topic.arn)
        redrive = subscription.attributes.get("RedrivePolicy")
        if not arrived and redrive:
            queue = json.loads(redrive)["deadLetterTargetArn"]
            text = json.dumps(subscription.get_post_data(message, message_id, subject, message_attributes))
            self.delivery.send("queue", queue, text, topic.arn)

    def log(
        self, backend: LambdaBackend, arn: str, filter_name: str, group: str, stream: str, events: list[dict[str, Any]]
    ) -> None:
        """Send log messages to a function that subscribed to them."""
        known = logs_backends[backend.account_id][backend.region_name].groups.get(group)
        one = known.subscription_filters.get(filter_name) if known else None
        wanted = [event for event in events if matches(one.filter_pattern if one else "", event["message"])]
        if not wanted:
            return
        if self.delivery.strict:  # tests that were written for moto expect its small numbers
            wanted = shapes.numbered(wanted)
        account = backend.account_id
        event = shapes.logs_event(account=account, group=group, stream=stream, filter_name=filter_name, events=wanted)
        owner = f"arn:aws:logs:{backend.region_name}:{account}:log-group:{group}:*"
        service = "logs.amazonaws.com"
        regional = f"logs.{backend.region_name}.amazonaws.com"
        if may_invoke(arn, regional, owner, account):
            service = regional
        self.delivery.invoke(arn, event, service, owner, account, group)
