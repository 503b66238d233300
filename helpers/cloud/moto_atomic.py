"""Lets conditional writes decide one after another, as DynamoDB and S3 do: of two on one condition, one succeeds.

moto looks at the condition first and writes afterwards, and serves many requests at once: without this, two of them may
both find that nobody came before. And an object that is replaced while it is read is read anew: moto closes the old
one. With the other files that are called ``moto_*``, one of the few places that touch moto's internals. What is
replaced is so when its service is first used.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable
from typing import Any

from helpers.cloud.events.moto_common import replace_methods

CONDITIONS = ("If-Match", "If-None-Match")
READINGS = 10
WRITES = ("put_item", "update_item", "delete_item", "transact_write_items")


def prepare(at_first_use: dict[str, list[Callable[[], None]]], undo: contextlib.ExitStack) -> None:
    """Have it installed when a service is first used, until ``undo`` is closed.

    Parameters
    ----------
    at_first_use : what the server calls before a service's first request, by the service's name
    undo : gets what gives moto its methods back
    """
    late = undo.enter_context(contextlib.ExitStack())
    installed: set[str] = set()

    def once(service: str, install: Callable[[contextlib.ExitStack], None]) -> None:
        if service not in installed:
            installed.add(service)
            install(late)

    for service, install in (("dynamodb", _tables), ("s3", _objects)):
        at_first_use.setdefault(service, []).append(lambda service=service, install=install: once(service, install))


def _tables(undo: contextlib.ExitStack) -> None:
    from moto.dynamodb.models import DynamoDBBackend

    lock = threading.RLock()  # a transaction writes through the others
    replace_methods(DynamoDBBackend, {name: _locked(getattr(DynamoDBBackend, name), lock) for name in WRITES}, undo)


def _objects(undo: contextlib.ExitStack) -> None:
    from moto.s3.responses import S3Response

    lock, put, get = threading.RLock(), S3Response.put_object, S3Response.get_object

    def put_object(request: S3Response) -> Any:
        conditional = any(request.headers.get(name) for name in CONDITIONS)
        with lock if conditional else contextlib.nullcontext():
            return put(request)

    def get_object(request: S3Response) -> Any:
        for _ in range(READINGS - 1):
            with contextlib.suppress(ValueError):  # of a file that was closed meanwhile
                return get(request)
        return get(request)

    replace_methods(S3Response, {"put_object": put_object, "get_object": get_object}, undo)


def _locked(method: Callable[..., Any], lock: threading.RLock) -> Callable[..., Any]:
    def one_at_a_time(*arguments: Any, **named: Any) -> Any:
        with lock:
            return method(*arguments, **named)

    return one_at_a_time
