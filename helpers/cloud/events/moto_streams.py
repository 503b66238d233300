"""moto's data streams and the streams of its tables as pollers see them.

With the other files called ``moto_*``, one of the few places that touch moto's internals. moto calls a function within
the request that puts a record, and keeps one function for a stream. Here a stream only says that something came, and
any number of mappings read it, each from its own place.
"""

from __future__ import annotations

import base64
import contextlib
import json
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import moto.dynamodb.models.table
import moto.kinesis.models
from moto.dynamodb.models import DynamoDBBackend, dynamodb_backends
from moto.dynamodb.models.table import StreamShard
from moto.kinesis.models import Shard, Stream, kinesis_backends

from helpers.cloud.clock import Clock
from helpers.cloud.events import records
from helpers.cloud.events.mappings import Settings
from helpers.cloud.events.moto_common import replace_methods
from helpers.cloud.events.pollers import Pollers
from helpers.cloud.events.stream_poller import Record
from helpers.cloud.moto_state import depth

TABLE_RETENTION_S = 24 * 3600.0


def install(pollers: Pollers, undo: contextlib.ExitStack) -> None:
    """Have streams wake who polls them, and go by the cloud's clock.

    Parameters
    ----------
    pollers : the mappings
    undo : gets what gives moto its methods back
    """
    put, change, update = Stream.put_record, StreamShard.add, DynamoDBBackend.update_item
    updating = threading.local()
    lock = threading.RLock()  # moto gives the next number without one

    def put_record(stream: Stream, *arguments: Any, **named: Any) -> tuple[str, str]:
        with lock:
            sequence, shard = put(stream, *arguments, **named)
            stream.shards[shard].records[int(sequence)].local_depth = depth.get()
        pollers.wake(stream.arn)
        return sequence, shard

    def add(shard: StreamShard, old: Any, new: Any) -> None:
        pending = getattr(updating, "changes", None)
        if pending is not None:
            pending.append((shard, old, new))
            return
        with lock:
            change(shard, old, new)
            shard.items[-1].local_depth = depth.get()
        pollers.wake(f"{shard.table.table_arn}/stream/{shard.table.latest_stream_label}")

    def update_item(backend: DynamoDBBackend, *arguments: Any, **named: Any) -> Any:
        # moto makes an item that isn't there with its key alone, and changes it then: that is one change, not two.
        updating.changes = []
        try:
            item = update(backend, *arguments, **named)
            changes = updating.changes
        finally:
            updating.changes = None
        if changes:
            add(changes[0][0], changes[0][1], changes[-1][2])
        return item

    replace_methods(Stream, {"put_record": put_record}, undo)
    replace_methods(StreamShard, {"add": add}, undo)
    replace_methods(DynamoDBBackend, {"update_item": update_item}, undo)
    replace_methods(moto.kinesis.models, {"utcnow": _utcnow(pollers.host.clock)}, undo)
    replace_methods(moto.dynamodb.models.table, {"utcnow": _utcnow(pollers.host.clock)}, undo)


def _utcnow(clock: Clock) -> Callable[[], datetime]:
    return lambda: clock.now().replace(tzinfo=None)


def find_stream(arn: str) -> Stream | None:
    """Return the data stream of an ARN, if there is one."""
    _, _, _, region, account, name = arn.split(":", 5)
    found = kinesis_backends[account][region].streams.get(name.removeprefix("stream/"))
    return found if found is not None and found.arn == arn else None


def find_shard(arn: str) -> StreamShard | None:
    """Return the shard of a table's stream, if the table still has this stream."""
    _, _, _, region, account, name = arn.split(":", 5)
    _, table_name, _, label = (*name.split("/", 3), "", "", "", "")[:4]
    table = dynamodb_backends[account][region].tables.get(table_name)
    return table.stream_shard if table is not None and table.latest_stream_label == label else None


class PolledStream:
    """A data stream; its numbers begin with 1 in each shard.

    Parameters
    ----------
    settings : of the mapping
    role : returns the function's role
    """

    def __init__(self, settings: Settings, role: Callable[[], str]) -> None:
        self._settings, self._role = settings, role
        self._new = True  # the shards that are there when the mapping begins
        self.shards()

    @property
    def retention_s(self) -> float:
        """How long the stream keeps a record."""
        stream = find_stream(self._settings.source)
        return 3600.0 * int(stream.retention_period_hours) if stream else float("inf")

    def shards(self) -> list[str]:
        """Return the shards' names, in order."""
        stream = find_stream(self._settings.source)
        return list(stream.shards) if stream else []

    def _shard(self, name: str) -> Shard | None:
        stream = find_stream(self._settings.source)
        return stream.shards.get(name) if stream else None

    def begun(self) -> None:
        """Take all shards that come from now on for new ones."""
        self._new = False

    def start(self, shard: str) -> int:
        """Return the last place before the one where reading begins."""
        found = self._shard(shard)
        if found is None:
            return 0
        if not self._new:
            # What moto copied from the shards that were merged is read there.
            return self.last(shard) if found.adjacent_parent else 0
        if self._settings.start == "LATEST":
            return self.last(shard)
        if self._settings.start == "AT_TIMESTAMP":
            return int(found.get_sequence_number_at(self._settings.start_s))
        return 0

    def last(self, shard: str) -> int:
        """Return the place of the newest record."""
        found = self._shard(shard)
        return next(reversed(found.records), 0) if found else 0

    def read(self, shard: str, after: int) -> Iterator[Record]:
        """Yield the records after a place."""
        found = self._shard(shard)
        while found is not None and (record := found.records.get(after + 1)) is not None:
            after += 1
            yield Record(
                sequence=after,
                key=record.partition_key,
                arrived_s=record.created_at,
                event=records.kinesis_record(
                    shard=shard,
                    sequence=str(after),
                    key=record.partition_key,
                    data=record.data,
                    arrived_s=record.created_at,
                    role=self._role(),
                    source=self._settings.source,
                ),
                depth=getattr(record, "local_depth", 0),
            )


class PolledTable:
    """The stream of a table; it has one shard.

    Parameters
    ----------
    settings : of the mapping
    """

    retention_s = TABLE_RETENTION_S

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def begun(self) -> None:
        """Do nothing: no shard will come."""

    def shards(self) -> list[str]:
        """Return the shard's name, if there is a stream."""
        shard = find_shard(self._settings.source)
        return [shard.id] if shard else []

    def start(self, shard: str) -> int:
        """Return the last place before the one where reading begins."""
        found = find_shard(self._settings.source)
        if found is None:
            return 0
        return self.last(shard) if self._settings.start == "LATEST" else found.starting_sequence_number - 1

    def last(self, shard: str) -> int:
        """Return the place of the newest record."""
        found = find_shard(self._settings.source)
        return found.starting_sequence_number + len(found.items) - 1 if found else 0

    def read(self, shard: str, after: int) -> Iterator[Record]:
        """Yield the records after a place."""
        found = find_shard(self._settings.source)
        while found is not None and after < self.last(shard):
            item = found.items[after + 1 - found.starting_sequence_number]
            after += 1
            change = {key: _plain(value) for key, value in item.record["dynamodb"].items()}
            arrived_s = item.record["dynamodb"]["ApproximateCreationDateTime"].replace(tzinfo=UTC).timestamp()
            event = records.dynamodb_record(
                event_id=item.record["eventID"],
                name=item.record["eventName"],
                change=change,
                arrived_s=arrived_s,
                source=self._settings.source,
            )
            yield Record(
                sequence=after,
                key=json.dumps(change["Keys"], sort_keys=True),
                arrived_s=arrived_s,
                event=event,
                depth=getattr(item, "local_depth", 0),
            )


def _plain(value: Any) -> Any:
    """Return a value as JSON can have it."""
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    if isinstance(value, dict):
        return {key: _plain(one) for key, one in value.items()}
    if isinstance(value, (list, tuple, set)):
        return [_plain(one) for one in value]
    return value
