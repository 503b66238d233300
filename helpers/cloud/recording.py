"""Every call of AWS's API as it is made: which service, which operation, what was decided for it, what came to be.

    with recording() as calls:
        boto3.client("s3").create_bucket(Bucket="uploads")
    calls.frame()

botocore tells of each call by events: first what the caller gave, before anything is added to it, then the answer.
Nothing is kept of passwords or of code; what counts is how many values somebody had to decide.
"""

from __future__ import annotations

import contextlib
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import boto3
import pandas as pd

COLUMNS = ("service", "operation", "reads", "decided", "given", "error")
_READS = re.compile(r"(Describe|Get|List|Head|Query|Scan|BatchGet)(?=[A-Z])")
# What an answer calls by these names is handed on to the next call: nobody decides it again.
_NAMES = re.compile(r"(id|arn|name|uri|url|identifier)$", re.IGNORECASE)


@dataclass(frozen=True)
class RecordedCall:
    """One call.

    Attributes
    ----------
    service, operation : as boto3 calls the service, and AWS the operation: ``elbv2``, ``CreateListener``
    decided : the values that the caller had to decide, by their path in the parameters
    given : how many values the caller gave, those included that an earlier answer had named
    error : AWS's code when the call was refused, else ``""``
    """

    service: str
    operation: str
    decided: tuple[tuple[str, str], ...]
    given: int
    error: str = ""

    @property
    def reads(self) -> bool:
        """Whether the operation only looks at what is there."""
        return bool(_READS.match(self.operation))


@dataclass
class Recording:
    """The calls so far, in their order."""

    calls: list[RecordedCall] = field(default_factory=list)
    _known: set[str] = field(default_factory=set)

    def frame(self) -> pd.DataFrame:
        """Return the calls as a frame.

        Returns
        -------
        pandas.DataFrame
            service, operation, reads (whether it only looks), decided (values that the caller had to decide), given
            (all values that the caller gave), error
        """
        rows = [(one.service, one.operation, one.reads, len(one.decided), one.given, one.error) for one in self.calls]
        return pd.DataFrame(rows, columns=list(COLUMNS))

    def decisions(self) -> pd.DataFrame:
        """Return each decided value: service, operation, parameter (its path) and value (shortened)."""
        rows = [(one.service, one.operation, path, value) for one in self.calls for path, value in one.decided]
        return pd.DataFrame(rows, columns=["service", "operation", "parameter", "value"])

    def _begin(self, params: Any, model: Any, context: dict[str, Any]) -> None:
        values = list(leaves(params))
        decided = tuple((path, _short(value)) for path, value in values if not self._is_known(value))
        # One recording may run inside another, and each tells its own calls by itself.
        begun = context.setdefault("recorded", {})
        begun[id(self)] = model.service_model.service_name, model.name, decided, len(values)

    def _end(self, parsed: dict[str, Any], context: dict[str, Any]) -> None:
        begun = context.get("recorded", {}).pop(id(self), None)
        if begun is None:
            return
        self.calls.append(RecordedCall(*begun, error=parsed.get("Error", {}).get("Code", "")))
        self._known.update(_names_in({key: each for key, each in parsed.items() if key != "ResponseMetadata"}))

    def _is_known(self, value: Any) -> bool:
        """Say whether every part of a value was named by an answer: two subnets may be handed on in one text."""
        return isinstance(value, str) and all(part in self._known for part in value.split(","))


@contextlib.contextmanager
def recording() -> Iterator[Recording]:
    """Record the calls of all clients that are opened inside, from boto3's default session.

    Afterwards the session is as it was, and clients that live on record nothing more.

    Examples
    --------
    >>> from helpers.cloud import LocalCloud
    >>> with LocalCloud(), recording() as calls:
    ...     _ = boto3.client("sqs").create_queue(QueueName="orders", Attributes={"DelaySeconds": "5"})
    >>> calls.frame()[["service", "operation", "decided"]].values.tolist()
    [['sqs', 'CreateQueue', 2]]
    """
    if boto3.DEFAULT_SESSION is None:
        boto3.setup_default_session()
    events, record, on = boto3.DEFAULT_SESSION.events, Recording(), [True]

    def begin(params: Any, model: Any, context: dict[str, Any], **_: Any) -> None:
        if on:
            record._begin(params, model, context)

    def end(parsed: dict[str, Any], context: dict[str, Any], **_: Any) -> None:
        if on:
            record._end(parsed, context)

    # First of all handlers: others add values that nobody decided.
    events.register_first("provide-client-params.*.*", begin)
    events.register("after-call.*.*", end)
    try:
        yield record
    finally:
        on.clear()  # a client has copied the handlers
        events.unregister("provide-client-params.*.*", begin)
        events.unregister("after-call.*.*", end)


def leaves(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Yield the single values in nested parameters, with their paths; a JSON document is looked into.

    Examples
    --------
    >>> list(leaves({"Name": "shop", "Ports": [{"From": 80}], "Policy": '{"Effect": "Allow"}'}))
    [('Name', 'shop'), ('Ports.From', 80), ('Policy.Effect', 'Allow')]
    """
    if isinstance(value, str) and value[:1] in "{[" and value[:1]:
        with contextlib.suppress(ValueError):
            value = json.loads(value)
    if isinstance(value, dict):
        for key, each in value.items():
            yield from leaves(each, f"{path}.{key}" if path else str(key))
    elif isinstance(value, list | tuple):
        for each in value:
            yield from leaves(each, path)
    else:
        yield path, value


def _names_in(answer: Any, name: str = "") -> Iterator[str]:
    if isinstance(answer, dict):
        for key, each in answer.items():
            yield from _names_in(each, str(key))
    elif isinstance(answer, list):
        for each in answer:
            yield from _names_in(each, name)
    elif isinstance(answer, str) and _NAMES.search(name):
        yield answer
        # A load balancer's metric is named by the end of its ARN.
        if answer.startswith("arn:") and "/" in answer:
            yield answer.partition("/")[2]
            yield answer.rpartition(":")[2]


def _short(value: Any) -> str:
    if isinstance(value, bytes | bytearray):
        return f"{len(value):,} bytes"
    text = " ".join(str(value).split())
    return text if len(text) <= 60 else f"{text[:57]}..."
