"""The front doors of a session: opened with the engine, under the session's unguessable path.

This is the one place that knows of them all: what moto has configured, the doors that serve it, and their addresses.
moto's gateways take a second to import (load balancers bring all of EC2), hence only a session that uses them does.
"""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable
from importlib import import_module
from typing import TYPE_CHECKING, Any

from moto.awslambda.responses import LambdaResponse

from helpers.cloud.events.hooks import Hooks
from helpers.cloud.events.http import Caller, Undelivered
from helpers.cloud.events.http_alb import LoadBalancerDoor
from helpers.cloud.events.http_api import HttpApiDoor
from helpers.cloud.events.http_rest import RestApiDoor
from helpers.cloud.events.http_url import UrlDoor
from helpers.cloud.events.moto_common import replace_methods, stand_in, without_batch
from helpers.cloud.events.moto_http import Functions, UrlConfigs
from helpers.cloud.moto_state import is_issued

if TYPE_CHECKING:
    from helpers.cloud.engine import Engine

GATEWAYS = {
    "moto_http_apis": ("apigateway", "apigatewayv2", "cloudformation"),
    "moto_rest_apis": ("apigateway", "apigatewayv2", "cloudformation"),
    "moto_load_balancers": ("elb", "elbv2", "cloudformation"),
    "moto_cognito": ("cognitoidp", "cloudformation"),
    "moto_workflows": ("stepfunctions", "cloudformation"),
}


def open_doors(engine: Engine, undo: contextlib.ExitStack) -> None:
    """Serve function URLs, HTTP and REST APIs and load balancers on the engine's server.

    Parameters
    ----------
    engine : its bridge, server and problems are there already
    undo : gets what gives moto its methods back
    """
    server, record = engine.server, engine.problems.record
    stand_in()
    functions = Functions(engine.bridge, lambda key: key == engine.access_key or is_issued(key), record, engine.quiet)

    def refusal(arn: str, principal: str, source: str) -> str:
        try:
            functions.check(arn, Caller(principal, (source,)))
        except Undelivered as denied:
            return denied.cause
        return ""

    urls = UrlConfigs(lambda url_id: f"{server.endpoint}/_url/{url_id}/")
    replace_methods(LambdaResponse, urls.operations(), undo)
    hooks = engine.hooks = Hooks(functions, record)
    late = undo.enter_context(contextlib.ExitStack())  # for what is replaced when a service is first used
    installed: set[str] = set()
    given: dict[str, tuple[Any, ...]] = {
        "moto_http_apis": (lambda api_id: f"{server.endpoint}/_api/{api_id}",),
        "moto_load_balancers": (refusal,),
        "moto_cognito": (hooks, engine.clock),
        "moto_workflows": (engine.client, engine.clock, engine.quiet, record, engine.afterwards),
    }

    def prepare(name: str) -> None:
        if name not in installed:
            installed.add(name)
            with without_batch():
                module = import_module(f"{__package__}.{name}")
            module.install(*given.get(name, ()), late)

    for name, services in GATEWAYS.items():
        for service in services:
            server.at_first_use.setdefault(service, []).append(lambda name=name: prepare(name))
    server.routes |= {
        "_url": UrlDoor(functions, record, urls.get),
        "_api": HttpApiDoor(functions, record, find("moto_http_apis", "http_api")),
        "_rest": RestApiDoor(functions, record, find("moto_rest_apis", "rest_api")),
        "_alb": LoadBalancerDoor(functions, record, find("moto_load_balancers", "load_balancer")),
    }


def find(module: str, name: str) -> Callable[[str], Any]:
    """Return what looks something up in a gateway's module, once that is in use."""

    def look_up(key: str) -> Any:
        loaded = sys.modules.get(f"{__package__}.{module}")
        return None if loaded is None else getattr(loaded, name)(key)

    return look_up


def rest_api_url(endpoint: str, rest_api_id: str, stage: str) -> str:
    """Return the local URL of a stage of a REST API.

    Raises
    ------
    LookupError
        when there is no such API
    """
    if find("moto_rest_apis", "rest_api")(rest_api_id) is None:
        raise LookupError(f"there is no REST API {rest_api_id!r}: create_rest_api returns its id")
    return f"{endpoint}/_rest/{rest_api_id}/{stage}"


def load_balancer_url(endpoint: str, arn: str, port: int | None) -> str:
    """Return the local URL of a load balancer: of its first listener, or of the one on a port.

    Raises
    ------
    LookupError
        when there is no such load balancer or listener
    """
    name = arn.rpartition("/")[2]
    balancer = find("moto_load_balancers", "load_balancer")(name)
    if balancer is None:
        raise LookupError(f"there is no load balancer {arn!r}: create_load_balancer returns its ARN")
    ports = [one.port for one in balancer.listeners]
    if port not in ports and (port is not None or not ports):
        raise LookupError(f"the load balancer has no listener{f' on port {port}' if port else ''}: create_listener")
    return f"{endpoint}/_alb/{name}/{ports[0] if port is None else port}"
