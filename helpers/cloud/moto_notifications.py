"""Sources that notify functions, heard in moto and handed to the asynchronous queue: S3, SNS and CloudWatch Logs.

With the other files called ``moto_*``, one of the few places that touch moto's internals. moto calls a function within
the request that caused the event, with placeholders in the event, and swallows what goes wrong. Here the request is
answered at once, the event is AWS's (:mod:`~helpers.cloud.events.notifications`), Lambda's queue retries it, and a
delivery that fails is recorded (:mod:`~helpers.cloud.problems`). A destination that a service may not use is refused
when it is configured, as AWS does; moto's own mode (``strict=False``) leaves that out and waits for the first attempt.
"""

from __future__ import annotations

import contextlib
import functools
import json
import re
from collections.abc import Iterator
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from moto.awslambda.exceptions import UnknownAliasException, UnknownFunctionException
from moto.awslambda.models import LambdaBackend, lambda_backends
from moto.iam.models import iam_backends
from moto.logs.exceptions import InvalidParameterException
from moto.logs.models import LogsBackend, logs_backends
from moto.s3 import notifications as s3_notifications
from moto.s3.exceptions import S3ClientError
from moto.s3.models import FakeDeleteMarker, S3Backend
from moto.s3.responses import S3Response
from moto.sns.models import Subscription, sns_backends
from moto.sqs.models import sqs_backends
from moto.sts.models import sts_backends

from helpers.cloud.events import notifications as shapes
from helpers.cloud.events.patterns import matches
from helpers.cloud.events.permissions import allows
from helpers.cloud.moto_signatures import signed
from helpers.cloud.problems import Problems

if TYPE_CHECKING:
    from helpers.cloud.moto_bridge import Bridge

INVOKE = "lambda:InvokeFunction"
KINDS = (("cloud_function", "lambda", INVOKE), ("queue", "sqs", "sqs:SendMessage"), ("topic", "sns", "sns:Publish"))
UNUSABLE = "Unable to validate the following destination configurations"
OVERLAP = "Configurations overlap. Configurations on the same bucket cannot share a common event type."
AMBIGUOUS = (
    "Configuration is ambiguously defined. Cannot have overlapping suffixes in two rules if the prefixes are "
    "overlapping for the same event type."
)
NO_LOGS_PERMISSION = (
    "Could not execute the lambda function. Make sure you have given CloudWatch Logs permission to execute your "
    "function."
)
MATCHED_S = 900.0  # for moto's own mode: no function takes longer


@dataclass
class Request:
    """A request to S3 under way, and the events that leave with its answer."""

    ids: dict[str, str]
    principal: str
    address: str
    skips_validation: bool = False
    created: set[str] = field(default_factory=set)
    pending: list[tuple[shapes.ObjectEvent, list[tuple[str, Any]]]] = field(default_factory=list)


under_way: ContextVar[Request | None] = ContextVar("under_way", default=None)
# moto puts the parts of an upload together by an upload, and tells of both.
assembling: ContextVar[bool] = ContextVar("assembling", default=False)


class Notifications:
    """What S3, SNS and CloudWatch Logs have to tell, told.

    Parameters
    ----------
    bridge : takes events over for a function
    problems : gets the deliveries that fail
    strict : ask for permissions, and answer without waiting, as AWS does
    """

    def __init__(self, bridge: Bridge, problems: Problems, *, strict: bool) -> None:
        self.bridge, self.problems, self.strict = bridge, problems, strict

    def replacements(self) -> list[tuple[Any, str, Any]]:
        """Return what takes the place of moto's: owner, name, function."""
        told = self
        configure, parse = S3Backend.put_bucket_notification_configuration, S3Response._notification_config_from_body
        assemble = S3Backend.complete_multipart_upload
        set_delete_marker, delete_object = S3Backend._set_delete_marker, S3Backend.delete_object
        publish, post_data = Subscription.publish, Subscription.get_post_data
        subscribe_to_logs = LogsBackend.put_subscription_filter

        def answering(answer: Any) -> Any:
            @functools.wraps(answer)
            def respond(response: S3Response, request: Any, full_url: str, headers: Any) -> Any:
                with told.request(request, response) as here:
                    status, answered, body = answer(response, request, full_url, headers)
                    others = {name: value for name, value in answered.items() if name.lower() != "x-amzn-requestid"}
                    return status, {**here.ids, **others}, body

            return respond

        def put_bucket_notification_configuration(backend: S3Backend, bucket_name: str, config: Any) -> None:
            bucket = backend.get_bucket(bucket_name)
            before = bucket.notification_configuration
            here = under_way.get()
            if told.strict and config:
                told.check(backend, bucket, config, targets=not (here and here.skips_validation))
            try:
                configure(backend, bucket_name, config)
            except Exception:
                bucket.notification_configuration = before
                raise

        def _notification_config_from_body(response: S3Response) -> Any:
            # S3 takes the names of filters in any case; moto only in lower case.
            body = response.body if isinstance(response.body, str) else response.body.decode()
            response.body = re.sub(r"<Name>\s*(prefix|suffix)\s*</Name>", _lower, body, flags=re.IGNORECASE)
            return parse(response)

        def _set_delete_marker(backend: S3Backend, bucket_name: str, key_name: str) -> Any:
            marker = set_delete_marker(backend, bucket_name, key_name)
            bucket = backend.get_bucket(bucket_name)
            told.happened(backend.account_id, "s3:ObjectRemoved:DeleteMarkerCreated", bucket, marker)
            return marker

        def delete_version(
            backend: S3Backend, bucket_name: str, key_name: str, version_id: str | None = None, bypass: bool = False
        ) -> Any:
            bucket = backend.get_bucket(bucket_name)
            versions = {str(one.version_id): one for one in bucket.keys.getlist(key_name, [])}
            result = delete_object(backend, bucket_name, key_name, version_id, bypass)
            gone = versions.get(str(version_id))
            # moto tells only of the last version.
            if bucket.is_versioned and gone is not None and key_name in bucket.keys:
                told.happened(backend.account_id, "s3:ObjectRemoved:Delete", bucket, gone)
            return result

        def complete_multipart_upload(backend: S3Backend, *arguments: Any, **named: Any) -> Any:
            before = assembling.set(True)
            try:
                return assemble(backend, *arguments, **named)
            finally:
                assembling.reset(before)

        def publish_to(subscription: Subscription, message: str, message_id: str, **named: Any) -> None:
            if subscription.protocol != "lambda":
                publish(subscription, message, message_id, **named)
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
                told.strict
                and group in backend.groups
                and arn.split(":")[2] == "lambda"
                and not any(_may_invoke(arn, one, owner, backend.account_id) for one in services)
            ):
                raise InvalidParameterException(NO_LOGS_PERMISSION)
            subscribe_to_logs(backend, group, name, pattern, arn, role_arn)

        return [
            (s3_notifications, "send_event", told.happened),
            (s3_notifications, "send_test_event", told.test),
            (S3Response, "bucket_response", answering(S3Response.bucket_response)),
            (S3Response, "key_response", answering(S3Response.key_response)),
            (S3Response, "_notification_config_from_body", _notification_config_from_body),
            (S3Backend, "put_bucket_notification_configuration", put_bucket_notification_configuration),
            (S3Backend, "complete_multipart_upload", complete_multipart_upload),
            (S3Backend, "_set_delete_marker", _set_delete_marker),
            (S3Backend, "delete_object", delete_version),
            (Subscription, "publish", publish_to),
            (Subscription, "get_post_data", get_post_data),
            (LambdaBackend, "send_log_event", send_log_event),
            (LogsBackend, "put_subscription_filter", put_subscription_filter),
        ]

    # S3.

    @contextlib.contextmanager
    def request(self, request: Any, response: S3Response) -> Iterator[Request]:
        """Hold events back until a request is done: an object's metadata and tags come after the object."""
        here = Request(
            ids=shapes.s3_request_ids(),
            principal="",
            address=getattr(request, "remote_addr", None) or "127.0.0.1",
            skips_validation=str(request.headers.get("x-amz-skip-destination-validation")).lower() == "true",
        )
        before = under_way.set(here)
        try:
            yield here
        finally:
            under_way.reset(before)
            if here.pending:
                here.principal = _principal(response)
                for event, destinations in here.pending:
                    self.tell(event, destinations, here)

    def happened(self, account_id: str, event_name: str, bucket: Any, key: Any) -> None:
        """Note that something happened to an object, for the destinations that wait for it."""
        config = bucket.notification_configuration
        if config is None:
            return
        name = str(getattr(event_name, "value", event_name))
        here = under_way.get()
        if here is not None and "ObjectCreated" in name:
            here.created.add(key.name)
        # What comes with an object is no event of its own.
        if here is not None and name in ("s3:ObjectTagging:Put", "s3:ObjectAcl:Put") and key.name in here.created:
            return
        if assembling.get() and name == "s3:ObjectCreated:Put":
            return
        if config.event_bridge is not None:
            s3_notifications._send_event_bridge_message(account_id, bucket, event_name, key)
        found = [(kind, one) for kind, _, _ in KINDS for one in getattr(config, kind) if one.matches(name, key.name)]
        if not found:
            return
        marker = isinstance(key, FakeDeleteMarker)
        removed = "ObjectRemoved" in name
        event = shapes.ObjectEvent(
            name=name,
            bucket=bucket.name,
            region=bucket.region_name,
            account=account_id,
            key=key.name,
            size=None if removed else key.size,
            etag=shapes.EMPTY_ETAG if marker else None if removed else key.etag.strip('"'),
            version_id=str(key.version_id) if bucket.is_versioned else None,
        )
        if here is not None:
            here.pending.append((event, found))
        else:
            principal = shapes.customer_id(account_id)
            self.tell(event, found, Request(shapes.s3_request_ids(), principal, "127.0.0.1"))

    def tell(self, event: shapes.ObjectEvent, destinations: list[tuple[str, Any]], request: Request) -> None:
        """Send an event to its destinations."""
        source, bucket_arn = f"s3://{event.bucket}/{event.key}", f"arn:aws:s3:::{event.bucket}"
        for kind, one in destinations:
            message = event.message(
                configuration_id=one.id, request=request.ids, principal=request.principal, address=request.address
            )
            if kind == "cloud_function":
                self.invoke(one.arn, message, "s3.amazonaws.com", bucket_arn, event.account, source)
            else:
                self.send(kind, one.arn, json.dumps(message), event.account, source)

    def test(self, account_id: str, bucket: Any) -> None:
        """Send the test event to the queues and topics of a new configuration."""
        here = under_way.get()
        text = json.dumps(shapes.s3_test_event(bucket.name, here.ids if here else shapes.s3_request_ids()))
        for kind in ("queue", "topic"):
            for arn in {one.arn for one in getattr(bucket.notification_configuration, kind)}:
                self.send(kind, arn, text, account_id, f"s3://{bucket.name}")

    def send(self, kind: str, arn: str, text: str, account_id: str, source: str) -> None:
        """Send a message to a queue or topic."""
        _, _, _, region, account, name = arn.split(":", 5)
        try:
            if kind == "queue":
                sqs_backends[account][region].send_message(queue_name=name, message_body=text)
            else:
                sns_backends[account][region].publish(arn=arn, message=text, subject="Amazon S3 Notification")
        except Exception as error:
            self.problems.record(source, arn, f"{type(error).__name__}: {getattr(error, 'message', error)}")

    def check(self, backend: S3Backend, bucket: Any, config: dict[str, Any], *, targets: bool) -> None:
        """Refuse a configuration that S3 would refuse."""
        known = []
        for field_name, key, service, action in (
            ("CloudFunctionConfiguration", "CloudFunction", "lambda", INVOKE),
            ("QueueConfiguration", "Queue", "sqs", "sqs:SendMessage"),
            ("TopicConfiguration", "Topic", "sns", "sns:Publish"),
        ):
            for one in config.get(field_name) or []:
                rules = ((one.get("Filter") or {}).get("S3Key") or {}).get("FilterRule") or []
                known.append((set(one["Event"]), {rule["Name"].lower(): rule["Value"] for rule in rules}))
                arn = one[key]
                if not targets or arn.split(":")[3] != bucket.region_name:
                    continue  # moto refuses another Region in S3's words
                cause = _unusable(service, action, arn, f"arn:aws:s3:::{bucket.name}", backend.account_id)
                if cause:
                    self.problems.record(f"s3://{bucket.name}", arn, cause)
                    raise S3ClientError("InvalidArgument", UNUSABLE)
        for at, (events, rules) in enumerate(known):
            for others, other_rules in known[:at]:
                if _share(events, others) and _overlap(rules, other_rules):
                    raise S3ClientError("InvalidArgument", AMBIGUOUS if rules or other_rules else OVERLAP)

    # SNS.

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
        arrived = self.invoke(subscription.endpoint, event, "sns.amazonaws.com", topic.arn, account, topic.arn)
        redrive = subscription.attributes.get("RedrivePolicy")
        if not arrived and redrive:
            queue = json.loads(redrive)["deadLetterTargetArn"]
            text = json.dumps(subscription.get_post_data(message, message_id, subject, message_attributes))
            self.send("queue", queue, text, account, topic.arn)

    # CloudWatch Logs.

    def log(
        self, backend: LambdaBackend, arn: str, filter_name: str, group: str, stream: str, events: list[dict[str, Any]]
    ) -> None:
        """Send log messages to a function that subscribed to them."""
        known = logs_backends[backend.account_id][backend.region_name].groups.get(group)
        one = known.subscription_filters.get(filter_name) if known else None
        wanted = [event for event in events if matches(one.filter_pattern if one else "", event["message"])]
        if not wanted:
            return
        account = backend.account_id
        event = shapes.logs_event(account=account, group=group, stream=stream, filter_name=filter_name, events=wanted)
        owner = f"arn:aws:logs:{backend.region_name}:{account}:log-group:{group}:*"
        service = "logs.amazonaws.com"
        regional = f"logs.{backend.region_name}.amazonaws.com"
        if _may_invoke(arn, regional, owner, account):
            service = regional
        self.invoke(arn, event, service, owner, account, group)

    # All of them.

    def invoke(self, arn: str, event: dict, service: str, source_arn: str, account: str, source: str) -> bool:
        """Hand an event to a function's queue; say whether it got there."""
        try:
            if self.strict and not _may_invoke(arn, service, source_arn, account):
                raise PermissionError(_denied(service, INVOKE, arn))
            accepted = self.bridge.deliver(arn, json.dumps(event).encode(), source)
        except (UnknownFunctionException, UnknownAliasException, KeyError):
            self.problems.record(source, arn, f"ResourceNotFoundException: Function not found: {arn}")
            return False
        except PermissionError as denied:
            self.problems.record(source, arn, f"AccessDeniedException: {denied}")
            return False
        except Exception as error:
            name = getattr(error, "error_type", type(error).__name__)
            self.problems.record(source, arn, f"{name}: {getattr(error, 'message', error)}")
            return False
        if accepted is not None and not self.strict:
            accepted.tried.wait(MATCHED_S)
        return accepted is not None


def _lower(found: re.Match[str]) -> str:
    return f"<Name>{found[1].lower()}</Name>"


def _principal(response: S3Response) -> str:
    """Return the id of who sent a request: a user, a role's session, or the account itself."""
    account = response.current_account
    with contextlib.suppress(Exception):
        key = response.get_access_key()
        if (role := sts_backends[account]["aws"].get_assumed_role_from_access_key(key)) is not None:
            return f"AWS:{role.user_id}"
        if (known := iam_backends[account]["aws"].access_keys.get(key)) is not None:
            return f"AWS:{iam_backends[account]['aws'].get_user(known.user_name).id}"
    return shapes.customer_id(account)


def _denied(service: str, action: str, arn: str) -> str:
    return f"{service} is not authorized to perform: {action} on resource: {arn}" + (
        " because no resource-based policy allows it (lambda add_permission)" if action == INVOKE else ""
    )


def _may_invoke(arn: str, service: str, source_arn: str, account: str) -> bool:
    _, _, _, region, owner, _ = arn.split(":", 5)
    policy = lambda_backends[owner][region].get_function(arn).policy
    return allows(
        policy.statements, service=service, action=INVOKE, resource=arn, source_arn=source_arn, account=account
    )


def _unusable(service: str, action: str, arn: str, bucket_arn: str, account: str) -> str | None:
    """Say why S3 may not use a destination, if it may not."""
    _, _, _, region, owner, name = arn.split(":", 5)
    try:
        if service == "lambda":
            statements = lambda_backends[owner][region].get_function(arn).policy.statements
        elif service == "sqs":
            statements = sqs_backends[owner][region].get_queue(name)._policy_json.get("Statement", [])
        else:
            statements = sns_backends[owner][region].get_topic(arn)._policy_json.get("Statement", [])
    except Exception:
        what = {"lambda": "Function", "sqs": "Queue", "sns": "Topic"}[service]
        return f"ResourceNotFoundException: {what} not found: {arn}"
    statements = [statements] if isinstance(statements, dict) else statements
    asked = {"action": action, "resource": arn, "source_arn": bucket_arn, "account": account}
    if allows(statements, service="s3.amazonaws.com", **asked):
        return None
    return f"AccessDeniedException: {_denied('s3.amazonaws.com', action, arn)}"


def _share(events: set[str], others: set[str]) -> bool:
    return any(
        one == other
        or (one.endswith("*") and other.startswith(one[:-1]))
        or (other.endswith("*") and one.startswith(other[:-1]))
        for one in events
        for other in others
    )


def _overlap(rules: dict[str, str], others: dict[str, str]) -> bool:
    prefix, prefix2 = rules.get("prefix", ""), others.get("prefix", "")
    suffix, suffix2 = rules.get("suffix", ""), others.get("suffix", "")
    return (prefix.startswith(prefix2) or prefix2.startswith(prefix)) and (
        suffix.endswith(suffix2) or suffix2.endswith(suffix)
    )
