"""What happens to S3's objects, told to functions, queues and topics.

With the other files called ``moto_*``, one of the few places that touch moto's internals. moto calls a function within
the request that caused the event, with placeholders in the event, and swallows what goes wrong. Here events leave with
the request's answer, in AWS's shape (:mod:`~helpers.cloud.events.notifications`), and through Lambda's own queue. A
destination that S3 may not use is refused when it is configured, as AWS does.
"""

from __future__ import annotations

import contextlib
import functools
import json
import re
from collections.abc import Iterator
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any

from moto.awslambda.models import lambda_backends
from moto.iam.models import iam_backends
from moto.s3 import notifications as s3_notifications
from moto.s3.exceptions import S3ClientError
from moto.s3.models import FakeDeleteMarker, S3Backend
from moto.s3.responses import S3Response
from moto.sns.models import sns_backends
from moto.sqs.models import sqs_backends
from moto.sts.models import sts_backends

from helpers.cloud.events import notifications as shapes
from helpers.cloud.events.moto_delivery import INVOKE, Delivery, Replacement, denial
from helpers.cloud.events.permissions import allows

KINDS = (
    ("cloud_function", "CloudFunction", "lambda", INVOKE),
    ("queue", "Queue", "sqs", "sqs:SendMessage"),
    ("topic", "Topic", "sns", "sns:Publish"),
)
UNUSABLE = "Unable to validate the following destination configurations"
OVERLAP = "Configurations overlap. Configurations on the same bucket cannot share a common event type."
AMBIGUOUS = (
    "Configuration is ambiguously defined. Cannot have overlapping suffixes in two rules if the prefixes are "
    "overlapping for the same event type."
)


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

EMPTY_RULE = re.compile(
    r"<FilterRule>(?:(?!</FilterRule>).)*<Value\s*(?:/>|></Value>)(?:(?!</FilterRule>).)*</FilterRule>"
)
EMPTY_FILTER = re.compile(r"<Filter>\s*<S3Key>\s*</S3Key>\s*</Filter>")


class Buckets:
    """The buckets' notifications.

    Parameters
    ----------
    delivery : what they are sent with
    """

    def __init__(self, delivery: Delivery) -> None:
        self.delivery = delivery

    def replacements(self) -> list[Replacement]:
        """Return what takes the place of moto's."""
        told = self
        configure, parse = S3Backend.put_bucket_notification_configuration, S3Response._notification_config_from_body
        assemble = S3Backend.complete_multipart_upload
        set_delete_marker, delete_object = S3Backend._set_delete_marker, S3Backend.delete_object

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
            if told.delivery.strict and config:
                told.check(backend, bucket, config, targets=not (here and here.skips_validation))
            try:
                configure(backend, bucket_name, config)
            except Exception:
                bucket.notification_configuration = before
                raise

        def _notification_config_from_body(response: S3Response) -> Any:
            # S3 takes the names of filters in any case; moto only in lower case.
            body = response.body if isinstance(response.body, str) else response.body.decode()
            body = re.sub(r"<Name>\s*(prefix|suffix)\s*</Name>", _lower, body, flags=re.IGNORECASE)
            # A filter of nothing lets everything pass; moto would take it for a fault of its own.
            response.body = EMPTY_FILTER.sub("", EMPTY_RULE.sub("", body))
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
        ]

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
        # What comes with an object is no event of its own, save for moto.
        if (
            self.delivery.strict
            and here is not None
            and name in ("s3:ObjectTagging:Put", "s3:ObjectAcl:Put")
            and key.name in here.created
        ):
            return
        if self.delivery.strict and assembling.get() and name == "s3:ObjectCreated:Put":
            return
        found = [(kind, one) for kind, *_ in KINDS for one in getattr(config, kind) if one.matches(name, key.name)]
        if config.event_bridge is not None and self.delivery.strict:
            found.append(("event_bridge", None))
        elif config.event_bridge is not None:
            s3_notifications._send_event_bridge_message(account_id, bucket, event_name, key)
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
            if kind == "event_bridge":
                told = event.on_bus(request_id=request.ids["x-amz-request-id"], address=request.address)
                if told is not None:
                    self.delivery.on_bus(event.account, event.region, told)
                continue
            message = event.message(
                configuration_id=one.id, request=request.ids, principal=request.principal, address=request.address
            )
            if kind == "cloud_function":
                self.delivery.invoke(one.arn, message, "s3.amazonaws.com", bucket_arn, event.account, source)
            else:
                self.delivery.send(kind, one.arn, json.dumps(message), source, source_arn=bucket_arn)

    def test(self, account_id: str, bucket: Any) -> None:
        """Send the test event to the queues and topics of a new configuration."""
        here = under_way.get()
        text = json.dumps(shapes.s3_test_event(bucket.name, here.ids if here else shapes.s3_request_ids()))
        for kind in ("queue", "topic"):
            for arn in {one.arn for one in getattr(bucket.notification_configuration, kind)}:
                self.delivery.send(kind, arn, text, f"s3://{bucket.name}")

    def check(self, backend: S3Backend, bucket: Any, config: dict[str, Any], *, targets: bool) -> None:
        """Refuse a configuration that S3 would refuse."""
        known = []
        for _, key, service, action in KINDS:
            for one in config.get(f"{key}Configuration") or []:
                rules = ((one.get("Filter") or {}).get("S3Key") or {}).get("FilterRule") or []
                known.append((set(one["Event"]), {rule["Name"].lower(): rule["Value"] for rule in rules}))
                arn = one[key]
                if not targets or arn.split(":")[3] != bucket.region_name:
                    continue  # moto refuses another Region in S3's words
                cause = _unusable(service, action, arn, f"arn:aws:s3:::{bucket.name}", backend.account_id)
                if cause:
                    self.delivery.problems.record(f"s3://{bucket.name}", arn, cause)
                    raise S3ClientError("InvalidArgument", UNUSABLE)
        for at, (events, rules) in enumerate(known):
            for others, other_rules in known[:at]:
                if _share(events, others) and _overlap(rules, other_rules):
                    raise S3ClientError("InvalidArgument", AMBIGUOUS if rules or other_rules else OVERLAP)


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
    return f"AccessDeniedException: {denial('s3.amazonaws.com', action, arn)}"


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
