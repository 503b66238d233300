"""Event-source mappings: what their settings mean, which of them Lambda refuses, and what a function's answer says.

A mapping joins a queue or a stream with a function. Nothing here polls: :mod:`~helpers.cloud.events.queue_poller` and
:mod:`~helpers.cloud.events.stream_poller` do. Sources, as of 2026-11: "Using Lambda with Amazon SQS", "... with Amazon
Kinesis Data Streams", "... with Amazon DynamoDB" in Lambda's developer guide, and the API's model in botocore.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from helpers import tables
from helpers.cloud.events import event_patterns

QUEUES, STREAMS = ("sqs", "fifo"), ("kinesis", "dynamodb")
PARTIAL = "ReportBatchItemFailures"
FILTERS_MAX, FILTER_MAX_LETTERS = 5, 4096
NO_WINDOW_MAX = 10  # messages in a batch of a queue without a window
AGE_MIN_S = 60
ONLY_FOR_QUEUES = ("ScalingConfig",)
ONLY_FOR_STREAMS = (
    "StartingPosition",
    "StartingPositionTimestamp",
    "BisectBatchOnFunctionError",
    "DestinationConfig",
    "MaximumRecordAgeInSeconds",
    "MaximumRetryAttempts",
    "ParallelizationFactor",
    "TumblingWindowInSeconds",
)
# What a stream's mapping answers for what was left out.
STREAM_DEFAULTS = {
    "MaximumRetryAttempts": -1,
    "MaximumRecordAgeInSeconds": -1,
    "BisectBatchOnFunctionError": False,
    "ParallelizationFactor": 1,
    "TumblingWindowInSeconds": 0,
    "DestinationConfig": {"OnFailure": {}},
}


@dataclass(frozen=True)
class Settings:
    """What a mapping is to do.

    Attributes
    ----------
    uuid : the mapping's id
    kind : ``sqs``, ``fifo``, ``kinesis`` or ``dynamodb``
    source, function : ARNs
    batch_size : records in one batch, at most
    window_s : how long a batch may be collected
    partial : the function reports which records of a batch failed
    filters : event patterns, one of which a record must fit
    concurrency : batches of a queue that run at once, at most
    start, start_s : where reading of a stream begins, and the time for ``AT_TIMESTAMP``
    retries, max_age_s : of a stream's batch, -1 for no limit
    bisect : split a failed batch of a stream in two
    lanes : batches of one shard that run at once
    on_failure : ARN of the queue, topic or bucket that is told of records given up
    """

    uuid: str
    kind: str
    source: str
    function: str
    batch_size: int
    window_s: float = 0.0
    partial: bool = False
    filters: tuple[Mapping[str, Any], ...] = ()
    concurrency: int | None = None
    start: str = "TRIM_HORIZON"
    start_s: float = 0.0
    retries: int = -1
    max_age_s: float = -1
    bisect: bool = False
    lanes: int = 1
    on_failure: str | None = None


def kind_of(arn: str) -> str:
    """Return what a source is.

    >>> kind_of("arn:aws:sqs:us-east-1:123456789012:orders.fifo")
    'fifo'

    Raises
    ------
    ValueError
        when it is none that can be polled here
    """
    service = arn.split(":")[2] if arn.count(":") >= 5 else ""
    if service == "sqs":
        return "fifo" if arn.endswith(".fifo") else "sqs"
    if service in STREAMS:
        return service
    raise ValueError(
        f"Unrecognized event source, must be kinesis, dynamodb stream or sqs. Unsupported source arn {arn}"
    )


def settings(spec: Mapping[str, Any], *, uuid: str, function: str) -> Settings:
    """Return the settings of a mapping that :func:`check` has let pass, from the API's parameters."""
    kind = kind_of(spec["EventSourceArn"])
    filters = (spec.get("FilterCriteria") or {}).get("Filters") or []
    destination = ((spec.get("DestinationConfig") or {}).get("OnFailure") or {}).get("Destination")
    return Settings(
        uuid=uuid,
        kind=kind,
        source=spec["EventSourceArn"],
        function=function,
        batch_size=int(spec.get("BatchSize") or default_batch_size(kind)),
        window_s=float(spec.get("MaximumBatchingWindowInSeconds") or 0),
        partial=PARTIAL in (spec.get("FunctionResponseTypes") or []),
        filters=tuple(json.loads(one["Pattern"]) for one in filters if one.get("Pattern")),
        concurrency=(spec.get("ScalingConfig") or {}).get("MaximumConcurrency"),
        start=spec.get("StartingPosition") or "TRIM_HORIZON",
        start_s=float(spec.get("StartingPositionTimestamp") or 0),
        retries=int(_or(spec.get("MaximumRetryAttempts"), -1)),
        max_age_s=float(_or(spec.get("MaximumRecordAgeInSeconds"), -1)),
        bisect=bool(spec.get("BisectBatchOnFunctionError")),
        lanes=int(spec.get("ParallelizationFactor") or 1),
        on_failure=destination,
    )


def default_batch_size(kind: str) -> int:
    """Return how many records a batch has when nobody says it."""
    return int(tables.limit("lambda.sqs.batch_size" if kind in QUEUES else "lambda.streams.batch_size").default)


def check(spec: Mapping[str, Any]) -> None:
    """Check the API's parameters of a mapping.

    Raises
    ------
    ValueError
        in Lambda's words where they are known
    """
    kind = kind_of(spec["EventSourceArn"])
    foreign = ONLY_FOR_STREAMS if kind in QUEUES else ONLY_FOR_QUEUES
    for name in foreign:
        # A default, as a description of the mapping has it, does no harm.
        if spec.get(name) and spec[name] != STREAM_DEFAULTS.get(name):
            raise ValueError(f"Unsupported {name} parameter for given event source mapping type.")
    sizes = {"sqs": "lambda.sqs.batch_size", "fifo": "lambda.sqs.batch_size_fifo"}
    size, window = spec.get("BatchSize"), spec.get("MaximumBatchingWindowInSeconds")
    _range("BatchSize", size, tables.limit(sizes.get(kind, "lambda.streams.batch_size")))
    _range("MaximumBatchingWindowInSeconds", window, tables.limit("lambda.sqs.batch_window"))
    if kind == "fifo" and window:
        raise ValueError("Batching window is not supported for FIFO queues.")
    if kind == "sqs" and (size or 0) > NO_WINDOW_MAX and not window:
        raise ValueError(
            "Maximum batch window in seconds must be greater than 0 if maximum batch size is greater than 10"
        )
    for one in spec.get("FunctionResponseTypes") or []:
        if one != PARTIAL:
            raise ValueError(f"FunctionResponseTypes must be {PARTIAL}, got {one}")
    _check_filters(spec.get("FilterCriteria") or {})
    if kind in QUEUES:
        concurrency = (spec.get("ScalingConfig") or {}).get("MaximumConcurrency")
        _range("MaximumConcurrency", concurrency, tables.limit("lambda.sqs.maximum_concurrency"))
        return
    _check_stream(spec, kind)


def _check_stream(spec: Mapping[str, Any], kind: str) -> None:
    starts = ("TRIM_HORIZON", "LATEST") + (("AT_TIMESTAMP",) if kind == "kinesis" else ())
    if spec.get("StartingPosition") not in starts:
        raise ValueError(f"StartingPosition must be {' or '.join(starts)}, got {spec.get('StartingPosition')}")
    if (spec["StartingPosition"] == "AT_TIMESTAMP") != bool(spec.get("StartingPositionTimestamp")):
        raise ValueError("StartingPositionTimestamp is needed with StartingPosition AT_TIMESTAMP, and only there")
    if spec.get("TumblingWindowInSeconds"):
        raise ValueError("TumblingWindowInSeconds: the local cloud has no tumbling windows")
    age = spec.get("MaximumRecordAgeInSeconds")
    _range("MaximumRetryAttempts", spec.get("MaximumRetryAttempts"), tables.limit("lambda.streams.retries"))
    _range("MaximumRecordAgeInSeconds", age, tables.limit("lambda.streams.max_record_age"))
    if age is not None and -1 < age < AGE_MIN_S:
        raise ValueError(f"MaximumRecordAgeInSeconds must be -1 or at least {AGE_MIN_S}, got {age}")
    _range("ParallelizationFactor", spec.get("ParallelizationFactor"), tables.limit("lambda.streams.parallelization"))
    destination = ((spec.get("DestinationConfig") or {}).get("OnFailure") or {}).get("Destination")
    if destination and destination.split(":")[2] not in ("sqs", "sns", "s3"):
        raise ValueError(f"The on-failure destination must be a queue, a topic or a bucket, got {destination}")


def _check_filters(criteria: Mapping[str, Any]) -> None:
    filters = criteria.get("Filters") or []
    if len(filters) > FILTERS_MAX:
        raise ValueError(f"FilterCriteria must have at most {FILTERS_MAX} filters, got {len(filters)}")
    for one in filters:
        text = one.get("Pattern") or "{}"
        try:
            if len(text) > FILTER_MAX_LETTERS:
                raise ValueError(f"a pattern has at most {FILTER_MAX_LETTERS} letters, got {len(text)}")
            event_patterns.check(json.loads(text))
        except ValueError as error:
            raise ValueError(f"Invalid filter pattern definition. {error}") from None


def _range(name: str, value: Any, limit: tables.Limit) -> None:
    if value is not None and not limit.min <= int(value) <= limit.max:
        raise ValueError(f"{name} must be between {int(limit.min)} and {int(limit.max)}, got {value}")


def _or(value: Any, default: Any) -> Any:
    return default if value is None else value


def wanted(record: Mapping[str, Any], kind: str, filters: Collection[Mapping[str, Any]]) -> bool:
    """Say whether a record passes a mapping's filters.

    A queue's messages are filtered by ``body``, Kinesis' records by ``data``: as JSON where the pattern asks for fields
    of it, else as text. What isn't of the form that the pattern asks for doesn't pass.

    Examples
    --------
    >>> wanted({"body": '{"size": 3}'}, "sqs", [{"body": {"size": [{"numeric": [">", 2]}]}}])
    True
    >>> wanted({"body": "plain"}, "sqs", [{"body": {"size": [3]}}])
    False
    """
    return not filters or any(event_patterns.matches(one, _opened(record, kind, one)) for one in filters)


def _opened(record: Mapping[str, Any], kind: str, pattern: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return a record as filters see it: what is packed in it unpacked."""
    if kind == "dynamodb":
        return record
    name = "data" if kind == "kinesis" else "body"
    try:
        content = record["kinesis"]["data"] if kind == "kinesis" else record["body"]
        text = base64.b64decode(content).decode() if kind == "kinesis" else content
        found = json.loads(text) if isinstance(pattern.get(name), Mapping) else text
    except ValueError:
        return {}
    about = record["kinesis"] if kind == "kinesis" else record
    if isinstance(pattern.get(name), Mapping) and not isinstance(found, Mapping):
        return {}
    return {**about, name: found}


def failed_items(payload: bytes, known: Collection[str]) -> list[str] | None:
    """Return the ids that a function with ``ReportBatchItemFailures`` reported; None when its answer makes no sense.

    An answer that makes no sense counts as the failure of the whole batch, as does an id that the batch didn't have.

    Parameters
    ----------
    payload : the function's answer
    known : the batch's ids

    Examples
    --------
    >>> failed_items(b'{"batchItemFailures": [{"itemIdentifier": "b"}]}', ["a", "b"])
    ['b']
    >>> failed_items(b'{"batchItemFailures": []}', ["a"]), failed_items(b'null', ["a"]), failed_items(b'"oops"', ["a"])
    ([], [], None)
    """
    try:
        answer = json.loads(payload or b"null")
    except ValueError:
        return None
    if answer is None or answer == {}:
        return []
    if not isinstance(answer, Mapping):
        return None
    failures = answer.get("batchItemFailures")
    if failures is None:
        return []
    if not isinstance(failures, list):
        return None
    found = [one.get("itemIdentifier") if isinstance(one, Mapping) else None for one in failures]
    if any(not isinstance(one, str) or one not in known for one in found):
        return None
    return found
