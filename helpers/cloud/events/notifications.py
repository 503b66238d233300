"""The events that S3, SNS and CloudWatch Logs send to functions, in AWS's documented shapes.

Nothing here delivers: :mod:`~helpers.cloud.events.moto_buckets` and :mod:`~helpers.cloud.events.moto_subscriptions`
hear what happens in moto and hand these events to the asynchronous queue. Sources, as of 2026-11: "Event message
structure" in the S3 user guide (versions 2.1 and 2.3; newer ones add fields and take none away),
"Using Lambda with Amazon SNS" and "Using Lambda with CloudWatch Logs" in Lambda's developer guide.
"""

from __future__ import annotations

import base64
import gzip
import hashlib
import itertools
import json
import secrets
import string
import threading
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote, quote_plus

from helpers.cloud.events.bus_events import s3_event

EMPTY_ETAG = hashlib.md5(b"", usedforsecurity=False).hexdigest()
REQUEST_ID_LETTERS = string.ascii_uppercase + string.digits

_sequence_lock = threading.Lock()
_sequence = 0
_log_event_numbers = itertools.count(1)


def timestamp(when: datetime | None = None) -> str:
    """Return a moment as AWS writes it, to the millisecond.

    >>> timestamp(datetime(2026, 1, 2, 3, 4, 5, 678_000, UTC))
    '2026-01-02T03:04:05.678Z'
    """
    return (when or datetime.now(UTC)).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def sequencer() -> str:
    """Return a hexadecimal number that is larger than all before: which of two events on a key came later."""
    global _sequence
    with _sequence_lock:
        _sequence = max(_sequence + 1, time.time_ns())
        return f"{_sequence:018X}"


def s3_request_ids() -> dict[str, str]:
    """Return the two ids with which S3 marks a request."""
    return {
        "x-amz-request-id": "".join(secrets.choice(REQUEST_ID_LETTERS) for _ in range(16)),
        "x-amz-id-2": base64.b64encode(secrets.token_bytes(56)).decode(),
    }


def customer_id(account: str) -> str:
    """Return an account's customer id, which S3 names as the owner of a bucket; the same for the same account."""
    return "A" + base64.b32encode(hashlib.sha256(account.encode()).digest()).decode()[:13]


@dataclass(frozen=True)
class ObjectEvent:
    """What happened to an object, at the moment when it happened.

    Attributes
    ----------
    name : for instance ``s3:ObjectCreated:Put``
    bucket, region, account : where
    key : of the object, as its owner writes it
    size, etag : of the object; missing where there is none any more
    version_id : missing in a bucket without versions
    """

    name: str
    bucket: str
    region: str
    account: str
    key: str
    size: int | None = None
    etag: str | None = None
    version_id: str | None = None
    when: datetime = field(default_factory=lambda: datetime.now(UTC))
    sequencer: str = field(default_factory=sequencer)

    def message(self, *, configuration_id: str, request: Mapping[str, str], principal: str, address: str) -> dict:
        """Return the message that a destination gets.

        Parameters
        ----------
        configuration_id : of the notification's configuration
        request : ``x-amz-request-id`` and ``x-amz-id-2`` of the request that caused it
        principal : who sent that request
        address : from where
        """
        # Slashes stay, a space becomes a plus: what handlers undo with urllib.parse.unquote_plus.
        about: dict[str, Any] = {"key": quote_plus(self.key, safe="/")}
        if self.size is not None:
            about["size"] = self.size
        if self.etag is not None:
            about["eTag"] = self.etag
        if self.version_id is not None:
            about["versionId"] = self.version_id
        created = "ObjectCreated" in self.name or "ObjectRemoved" in self.name
        if created:
            about["sequencer"] = self.sequencer
        record = {
            "eventVersion": "2.1" if created else "2.3",
            "eventSource": "aws:s3",
            "awsRegion": self.region,
            "eventTime": timestamp(self.when),
            "eventName": self.name.removeprefix("s3:"),
            "userIdentity": {"principalId": principal},
            "requestParameters": {"sourceIPAddress": address},
            "responseElements": dict(request),
            "s3": {
                "s3SchemaVersion": "1.0",
                "configurationId": configuration_id,
                "bucket": {
                    "name": self.bucket,
                    "ownerIdentity": {"principalId": customer_id(self.account)},
                    "arn": f"arn:aws:s3:::{self.bucket}",
                },
                "object": about,
            },
        }
        return {"Records": [record]}

    def on_bus(self, *, request_id: str, address: str) -> dict[str, Any] | None:
        """Return what EventBridge's default bus gets of it, or None where it gets nothing.

        Parameters
        ----------
        request_id, address : of the request that caused it, and where it came from
        """
        about = {
            "key": self.key,
            "size": self.size,
            "etag": self.etag,
            "version-id": self.version_id,
            "sequencer": self.sequencer,
        }
        return s3_event(
            name=self.name,
            bucket=self.bucket,
            region=self.region,
            account=self.account,
            when=self.when,
            about={name: value for name, value in about.items() if value is not None},
            request_id=request_id,
            address=address,
        )


def s3_test_event(bucket: str, request: Mapping[str, str]) -> dict[str, str]:
    """Return what S3 sends to queues and topics when a bucket's notifications are configured."""
    return {
        "Service": "Amazon S3",
        "Event": "s3:TestEvent",
        "Time": timestamp(),
        "Bucket": bucket,
        "RequestId": request["x-amz-request-id"],
        "HostId": request["x-amz-id-2"],
    }


def unsubscribe_url(subscription_arn: str) -> str:
    """Return the address that ends a subscription."""
    region = subscription_arn.split(":")[3]
    arn = quote(subscription_arn, safe=":")
    return f"https://sns.{region}.amazonaws.com/?Action=Unsubscribe&SubscriptionArn={arn}"


def sns_event(
    *,
    subscription_arn: str,
    topic_arn: str,
    message_id: str,
    message: str,
    subject: str | None,
    attributes: Mapping[str, Mapping[str, Any]],
    when: str,
    signature_version: str,
    signature: str,
    certificate_url: str,
) -> dict:
    """Return the event with which SNS invokes a function."""
    notification = {
        "Type": "Notification",
        "MessageId": message_id,
        "TopicArn": topic_arn,
        "Subject": subject,
        "Message": message,
        "Timestamp": when,
        "SignatureVersion": signature_version,
        "Signature": signature,
        "SigningCertUrl": certificate_url,
        "UnsubscribeUrl": unsubscribe_url(subscription_arn),
        "MessageAttributes": {
            name: {"Type": one["Type"], "Value": str(one["Value"])} for name, one in attributes.items()
        },
    }
    record = {
        "EventSource": "aws:sns",
        "EventVersion": "1.0",
        "EventSubscriptionArn": subscription_arn,
        "Sns": notification,
    }
    return {"Records": [record]}


def numbered(events: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Give log messages ids with as many digits as CloudWatch's have; the later one has the larger."""
    return [
        {
            "id": f"{int(one['timestamp']):013d}{next(_log_event_numbers):043d}",
            "timestamp": one["timestamp"],
            "message": one["message"],
        }
        for one in events
    ]


def logs_event(
    *, account: str, group: str, stream: str, filter_name: str, events: Iterable[Mapping[str, Any]]
) -> dict[str, Any]:
    """Return the event with which CloudWatch Logs invokes a subscribed function: JSON, gzip, base64.

    Parameters
    ----------
    account : the log group's owner
    group, stream : where the messages stand
    filter_name : of the subscription
    events : id, timestamp (ms) and message each
    """
    data = {
        "messageType": "DATA_MESSAGE",
        "owner": account,
        "logGroup": group,
        "logStream": stream,
        "subscriptionFilters": [filter_name],
        "logEvents": list(events),
    }
    return {"awslogs": {"data": base64.b64encode(gzip.compress(json.dumps(data).encode())).decode()}}
