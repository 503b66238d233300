"""The records that mappings hand to functions, and the words they leave about those that were given up.

AWS's documented shapes, as of 2026-11: "Using Lambda with Amazon SQS", "Process Amazon Kinesis Data Streams records",
"Process DynamoDB records" and "Retain discarded batch records" in Lambda's developer guide.
"""

from __future__ import annotations

import base64
import json
import uuid
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from helpers.cloud.events.notifications import timestamp

BATCH_INFO = {"kinesis": "KinesisBatchInfo", "dynamodb": "DDBStreamBatchInfo"}


def sqs_record(
    *,
    message_id: str,
    receipt_handle: str,
    body: str,
    body_md5: str,
    attributes: Mapping[str, str],
    message_attributes: Mapping[str, Mapping[str, Any]],
    message_attributes_md5: str | None,
    source: str,
) -> dict[str, Any]:
    """Return a message as a function gets it.

    Parameters
    ----------
    attributes : the queue's own, such as ApproximateReceiveCount
    message_attributes : the sender's, in the API's form (DataType, StringValue, BinaryValue)
    source : the queue's ARN
    """
    record = {
        "messageId": message_id,
        "receiptHandle": receipt_handle,
        "body": body,
        "attributes": dict(attributes),
        "messageAttributes": {name: _attribute(one) for name, one in message_attributes.items()},
        "md5OfBody": body_md5,
        "eventSource": "aws:sqs",
        "eventSourceARN": source,
        "awsRegion": source.split(":")[3],
    }
    if message_attributes:
        record["md5OfMessageAttributes"] = message_attributes_md5
    return record


def _attribute(one: Mapping[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name in ("StringValue", "BinaryValue"):
        value = one.get(name)
        if value is not None:
            text = base64.b64encode(value).decode() if isinstance(value, bytes) else str(value)
            found[name[0].lower() + name[1:]] = text
    return {**found, "stringListValues": [], "binaryListValues": [], "dataType": one["DataType"]}


def kinesis_record(
    *, shard: str, sequence: str, key: str, data: str, arrived_s: float, role: str, source: str
) -> dict[str, Any]:
    """Return a record of a data stream as a function gets it; ``data`` is in base64."""
    return {
        "kinesis": {
            "kinesisSchemaVersion": "1.0",
            "partitionKey": key,
            "sequenceNumber": sequence,
            "data": data,
            "approximateArrivalTimestamp": round(arrived_s, 3),
        },
        "eventSource": "aws:kinesis",
        "eventVersion": "1.0",
        "eventID": f"{shard}:{sequence}",
        "eventName": "aws:kinesis:record",
        "invokeIdentityArn": role,
        "awsRegion": source.split(":")[3],
        "eventSourceARN": source,
    }


def dynamodb_record(
    *, event_id: str, name: str, change: Mapping[str, Any], arrived_s: float, source: str
) -> dict[str, Any]:
    """Return a change of a table as a function gets it.

    Parameters
    ----------
    name : ``INSERT``, ``MODIFY`` or ``REMOVE``
    change : Keys, images, SequenceNumber, SizeBytes and StreamViewType, attributes in DynamoDB's JSON
    source : the stream's ARN
    """
    return {
        "eventID": event_id,
        "eventName": name,
        "eventVersion": "1.1",
        "eventSource": "aws:dynamodb",
        "awsRegion": source.split(":")[3],
        "dynamodb": {**change, "ApproximateCreationDateTime": int(arrived_s)},
        "eventSourceARN": source,
    }


def discarded(
    *,
    kind: str,
    request_id: str,
    function: str,
    condition: str,
    invokes: int,
    function_error: str | None,
    version: str,
    shard: str,
    sequences: Sequence[str],
    arrived_s: Sequence[float],
    source: str,
    when: datetime,
) -> dict[str, Any]:
    """Return what a destination is told about a batch of a stream that was given up: where it lies, not what it says.

    Parameters
    ----------
    condition : ``RetryAttemptsExhausted`` or ``RecordAgeExceeded``
    invokes : how often the function was invoked with these records
    function_error : of the last invocation, None where there was none
    sequences, arrived_s : of the records, in order
    """
    record: dict[str, Any] = {
        "requestContext": {
            "requestId": request_id,
            "functionArn": function,
            "condition": condition,
            "approximateInvokeCount": invokes,
        },
        "version": "1.0",
        "timestamp": timestamp(when),
        BATCH_INFO[kind]: {
            "shardId": shard,
            "startSequenceNumber": sequences[0],
            "endSequenceNumber": sequences[-1],
            "approximateArrivalOfFirstRecord": timestamp(datetime.fromtimestamp(arrived_s[0], UTC)),
            "approximateArrivalOfLastRecord": timestamp(datetime.fromtimestamp(arrived_s[-1], UTC)),
            "batchSize": len(sequences),
            "streamArn": source,
        },
    }
    if invokes:
        record["responseContext"] = {
            "statusCode": 200,
            "executedVersion": version,
            "functionError": function_error,
        }
    return record


def discarded_object(record: Mapping[str, Any], event: str, *, mapping: str, when: datetime) -> tuple[str, str]:
    """Return key and content of the object in which a bucket gets that record; the event itself is in it.

    Parameters
    ----------
    record : from :func:`discarded`
    event : the whole event, as text
    mapping : the mapping's id
    """
    shard = (record.get("KinesisBatchInfo") or record["DDBStreamBatchInfo"])["shardId"]
    key = f"aws/lambda/{mapping}/{shard}/{when:%Y/%m/%d}/{when:%Y-%m-%dT%H.%M.%S}-{uuid.uuid4()}"
    return key, json.dumps({**record, "payload": event})
