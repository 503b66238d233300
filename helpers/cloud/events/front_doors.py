"""The front doors of a session: opened with the engine, under the session's unguessable path.

This is the one place that knows of them all: what moto has configured, the doors that serve it, and their addresses.
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

from moto.awslambda.responses import LambdaResponse

from helpers.cloud.events.http_url import UrlDoor
from helpers.cloud.events.moto_http import Functions, UrlConfigs
from helpers.cloud.moto_state import is_issued

if TYPE_CHECKING:
    from helpers.cloud.engine import Engine


def open_doors(engine: Engine, undo: contextlib.ExitStack) -> None:
    """Serve function URLs, HTTP and REST APIs and load balancers on the engine's server.

    Parameters
    ----------
    engine : its bridge, server and problems are there already
    undo : gets what gives moto its methods back
    """
    server, record = engine.server, engine.problems.record

    def is_known(key: str) -> bool:
        return key == engine.access_key or is_issued(key)

    functions = Functions(engine.bridge, is_known, record)
    urls = UrlConfigs(lambda url_id: f"{server.endpoint}/_url/{url_id}/")
    replace_methods(LambdaResponse, urls.operations(), undo)
    server.routes["_url"] = UrlDoor(functions, record, urls.get)


def replace_methods(owner: type, methods: dict[str, Any], undo: contextlib.ExitStack) -> None:
    """Put methods in the place of a class's own until ``undo`` is closed."""
    for name, method in methods.items():
        before = vars(owner).get(name)
        undo.callback(delattr, owner, name) if before is None else undo.callback(setattr, owner, name, before)
        setattr(owner, name, method)
