"""Events on an EventBridge bus, and what a rule or a schedule makes of them for its target.

Pure: nothing here delivers. Sources, as of 2026-11: "Event structure reference", "Amazon EventBridge input
transformation" and "Using EventBridge for S3 events" in the user guides of EventBridge and S3; "Adding context
attributes" in that of EventBridge Scheduler.
"""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

FIELDS = ("version", "id", "detail-type", "source", "account", "time", "region", "resources", "detail")
_VARIABLE = re.compile(r"<([\w.$-]+)>")
_STEP = re.compile(r"\.([\w-]+)|\[(?:'([^']*)'|\"([^\"]*)\"|(\d+|\*))\]")
_MISSING = object()


def second(when: datetime) -> str:
    """Return a moment as events carry it, in UTC and to the second.

    >>> second(datetime(2026, 1, 2, 3, 4, 5, 678_000, UTC))
    '2026-01-02T03:04:05Z'
    """
    return when.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def bus_event(
    *,
    detail_type: str,
    source: str,
    account: str,
    when: datetime,
    region: str,
    resources: Iterable[str] = (),
    detail: Any,
    event_id: str | None = None,
) -> dict[str, Any]:
    """Return an event as it lies on a bus."""
    values = (
        "0",
        event_id or str(uuid.uuid4()),
        detail_type,
        source,
        account,
        second(when),
        region,
        list(resources),
        detail,
    )
    return dict(zip(FIELDS, values, strict=True))


def pick(path: str, event: Any) -> Any:
    """Return what a JSONPath of EventBridge names: fields, places in lists, ``[*]``; None where there is nothing.

    >>> pick("$.detail.items[1].name", {"detail": {"items": [{"name": "a"}, {"name": "b"}]}})
    'b'
    """
    found = _pick(path, event)
    return None if found is _MISSING else found


def _pick(path: str, event: Any) -> Any:
    if not path.startswith("$"):
        return _MISSING
    at, value = 1, event
    while at < len(path):
        step = _STEP.match(path, at)
        if not step:
            return _MISSING
        at = step.end()
        name = next((one for one in step.groups()[:3] if one is not None), None)
        if name is not None:
            value = value.get(name, _MISSING) if isinstance(value, Mapping) else _MISSING
        elif not isinstance(value, list):
            return _MISSING
        elif step[4] == "*":
            picked = [_pick("$" + path[at:], one) for one in value]
            return [one for one in picked if one is not _MISSING]
        else:
            value = value[int(step[4])] if int(step[4]) < len(value) else _MISSING
        if value is _MISSING:
            return _MISSING
    return value


def input_of(target: Mapping[str, Any], event: Mapping[str, Any], *, rule_arn: str = "", ingested: str = "") -> str:
    """Return the text that a rule's target gets: the event, a part of it, a constant, or a template filled in.

    Parameters
    ----------
    target : as ``put_targets`` takes it, with InputPath, Input or InputTransformer
    event : as it lies on the bus
    rule_arn, ingested : for the variables that every template has

    Examples
    --------
    >>> event = {"detail": {"user": "Ada", "likes": 7}}
    >>> input_of({"InputPath": "$.detail"}, event)
    '{"user": "Ada", "likes": 7}'
    >>> paths = {"who": "$.detail.user", "n": "$.detail.likes"}
    >>> template = '{"text": "<who> has <n>", "who": <who>, "n": <n>}'
    >>> input_of({"InputTransformer": {"InputPathsMap": paths, "InputTemplate": template}}, event)
    '{"text": "Ada has 7", "who": "Ada", "n": 7}'
    """
    if target.get("Input"):
        return target["Input"]
    if target.get("InputPath"):
        return json.dumps(pick(target["InputPath"], event))
    transformer = target.get("InputTransformer")
    if not transformer:
        return json.dumps(event)
    known: dict[str, Any] = {
        name: _pick(path, event) for name, path in (transformer.get("InputPathsMap") or {}).items()
    }
    known |= {
        "aws.events.rule-arn": rule_arn,
        "aws.events.rule-name": rule_arn.rpartition("/")[2],
        "aws.events.event.ingestion-time": ingested or event.get("time", ""),
        "aws.events.event": {name: value for name, value in event.items() if name != "detail"},
        "aws.events.event.json": dict(event),
    }
    return _filled(transformer["InputTemplate"], known)


def _filled(template: str, known: Mapping[str, Any]) -> str:
    """Fill variables in: within quotes as text, outside as JSON; what the event doesn't have becomes empty."""
    parts, at, quoted = [], 0, False
    for found in _VARIABLE.finditer(template):
        between = template[at : found.start()]
        quoted ^= len(re.findall(r'(?<!\\)"', between)) % 2 == 1
        parts.append(between)
        at = found.end()
        if found[1] not in known:
            parts.append(found[0])
            continue
        value = known[found[1]]
        value = "" if value is _MISSING else value
        if not quoted:
            parts.append(json.dumps(value))
        elif isinstance(value, str):
            parts.append(json.dumps(value)[1:-1])
        else:
            parts.append(json.dumps(json.dumps(value))[1:-1])
    return "".join([*parts, template[at:]])


def in_context(text: str, values: Mapping[str, object]) -> str:
    """Replace the keywords of EventBridge Scheduler, ``<aws.scheduler.scheduled-time>`` and its like.

    >>> in_context('{"at": "<aws.scheduler.scheduled-time>"}', {"scheduled-time": "2026-11-25T02:30:00Z"})
    '{"at": "2026-11-25T02:30:00Z"}'
    """
    for name, value in values.items():
        text = text.replace(f"<aws.scheduler.{name}>", str(value))
    return text


# What S3 calls its events on a bus; those that are not here it keeps to itself.
S3_TYPES = (
    ("ObjectCreated:", "Object Created"),
    ("ObjectRemoved:", "Object Deleted"),
    ("LifecycleExpiration:", "Object Deleted"),
    ("ObjectRestore:Post", "Object Restore Initiated"),
    ("ObjectRestore:Completed", "Object Restore Completed"),
    ("ObjectRestore:Delete", "Object Restore Expired"),
    ("LifecycleTransition", "Object Storage Class Changed"),
    ("IntelligentTiering", "Object Access Tier Changed"),
    ("ObjectAcl:Put", "Object ACL Updated"),
    ("ObjectTagging:Put", "Object Tags Added"),
    ("ObjectTagging:Delete", "Object Tags Deleted"),
)
S3_REASONS = {
    "Put": "PutObject",
    "Post": "POST Object",
    "Copy": "CopyObject",
    "CompleteMultipartUpload": "CompleteMultipartUpload",
    "Delete": "DeleteObject",
    "DeleteMarkerCreated": "DeleteObject",
}


def s3_event(
    *,
    name: str,
    bucket: str,
    region: str,
    account: str,
    when: datetime,
    about: Mapping[str, Any],
    request_id: str,
    address: str,
) -> dict[str, Any] | None:
    """Return what S3 puts on the default bus when something happens to an object, or None when it puts nothing there.

    Parameters
    ----------
    name : for instance ``s3:ObjectCreated:Put``
    about : the object: key as its owner wrote it, size, etag, version-id, sequencer, as far as it has them
    request_id, address : of the request that caused it, and where it came from
    """
    short = name.removeprefix("s3:")
    kind = next((kind for start, kind in S3_TYPES if short.startswith(start)), None)
    if kind is None:
        return None
    detail = {
        "version": "0",
        "bucket": {"name": bucket},
        "object": dict(about),
        "request-id": request_id,
        "requester": account,
        "source-ip-address": address,
    }
    if kind in ("Object Created", "Object Deleted"):
        detail["reason"] = S3_REASONS.get(short.partition(":")[2], short.partition(":")[2])
    if kind == "Object Deleted":
        marker = short.endswith("DeleteMarkerCreated")
        detail["deletion-type"] = "Delete Marker Created" if marker else "Permanently Deleted"
    return bus_event(
        detail_type=kind,
        source="aws.s3",
        account=account,
        when=when,
        region=region,
        resources=[f"arn:aws:s3:::{bucket}"],
        detail=detail,
    )
