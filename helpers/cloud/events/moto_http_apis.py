"""moto's HTTP APIs as the front door reads them; and what moto lacks of them: quick creation, deployments.

With the files of :mod:`helpers.cloud` that are called ``moto_*``, one of the few places that touch moto's internals. It
is imported when the service is first used: see :mod:`~helpers.cloud.events.front_doors`.
"""

from __future__ import annotations

import contextlib
import json
import secrets
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from moto.apigatewayv2 import urls
from moto.apigatewayv2.models import Api, apigatewayv2_backends
from moto.apigatewayv2.responses import ApiGatewayV2Response

from helpers.cloud.events.http_api import HttpApi, Integration, Route, Stage
from helpers.cloud.events.http_authorizer import Authorizer
from helpers.cloud.events.http_cors import Cors
from helpers.cloud.events.moto_common import everywhere, function_in, replace_methods

urls.url_paths.setdefault("{0}/v2/apis/(?P<api_id>[^/]+)/deployments$", ApiGatewayV2Response.dispatch)


def install(address: Callable[[str], str], undo: contextlib.ExitStack) -> None:
    """Add what moto lacks until ``undo`` is closed.

    Parameters
    ----------
    address : the local URL of an API, by its id
    """
    replace_methods(ApiGatewayV2Response, _operations(address), undo)


def http_api(api_id: str) -> HttpApi | None:
    """Return an HTTP API by its id, if there is one and it is served."""
    for account, region, backend in everywhere(apigatewayv2_backends):
        api = backend.apis.get(api_id)
        if api is None or api.protocol_type != "HTTP" or api.disable_execute_api_endpoint:
            continue
        stages = {}
        for name, stage in list(api.stages.items()):
            variables = dict(stage.stage_variables or {})
            if stage.auto_deploy:
                routes = _routes(api, account, region, variables)
            else:
                routes = _deployed(api, stage, account, region, variables)
            stages[name] = Stage(name, routes, variables)
        return HttpApi(api_id, account, region, stages, Cors.of(api.cors_configuration))
    return None


def _deployed(
    api: Api, stage: Any, account: str, region: str, variables: Mapping[str, str]
) -> tuple[Route, ...] | None:
    deployed = vars(api).get("local_deployments", {})
    chosen = vars(stage).get("local_deployment") or stage.config.get("deploymentId")
    state = deployed.get(chosen)
    return None if state is None else _routes(state, account, region, variables)


class _State:
    """An HTTP API's routes as they were when it was deployed."""

    def __init__(self, api: Api) -> None:
        self.api_id = api.api_id
        self.routes, self.integrations = dict(api.routes), dict(api.integrations)
        self.authorizers = dict(api.authorizers)


def _routes(api: Api | _State, account: str, region: str, variables: Mapping[str, str]) -> tuple[Route, ...]:
    found = []
    for route in list(api.routes.values()):
        method, _, path = route.route_key.partition(" ")
        authorizer = api.authorizers.get(route.authorizer_id)
        found.append(
            Route(
                key=route.route_key,
                method=method if path else "",
                path=path,
                integration=_integration(api, route, variables),
                authorization=route.authorization_type or "NONE",
                authorizer=None
                if authorizer is None or authorizer.authorizer_type != "REQUEST"
                else Authorizer(
                    kind="REQUEST",
                    function=function_in(authorizer.authorizer_uri, variables),
                    arn=f"arn:aws:execute-api:{region}:{account}:{api.api_id}/authorizers/{authorizer.id}",
                    sources=tuple(authorizer.identity_source or ()),
                    ttl_s=float(authorizer.auth_result_ttl or 0),
                    payload=authorizer.auth_payload_format_version or "1.0",
                    simple=bool(authorizer.enable_simple_response),
                    trusted=bool(authorizer.auth_creds_arn),
                ),
            )
        )
    return tuple(found)


def _integration(api: Api | _State, route: Any, variables: Mapping[str, str]) -> Integration:
    target = (route.target or "").removeprefix("integrations/")
    known = api.integrations.get(target)
    if known is None:
        return Integration("", unusable=f"The route {route.route_key} has no integration: Target is {route.target!r}")
    function = function_in(known.integration_uri, variables)
    if known.integration_type != "AWS_PROXY" or not function:
        what = f"{known.integration_type} to {known.integration_uri}"
        return Integration(
            "", unusable=f"The local cloud serves integrations of type AWS_PROXY with functions, not {what}"
        )
    return Integration(
        function=function,
        payload=known.payload_format_version or "1.0",
        limit_s=min(float(known.timeout_in_millis or 30_000), 30_000) / 1000,
        trusted=bool(known.credentials_arn),
    )


def _operations(address: Callable[[str], str]) -> dict[str, Callable[[ApiGatewayV2Response], Any]]:
    """Return operations by the names under which moto looks for them."""
    create_api = ApiGatewayV2Response.create_api

    def create_and_address(request: ApiGatewayV2Response) -> Any:
        _, headers, text = create_api(request)
        asked, backend = json.loads(request.body), request.apigatewayv2_backend
        api = backend.get_api(json.loads(text)["apiId"])
        if api.protocol_type == "HTTP":
            api.api_endpoint = address(api.api_id)
            if asked.get("target"):
                _create_quickly(api, asked)
        return 201, {**headers, "status": 201}, json.dumps(api.to_json())

    def create_deployment(request: ApiGatewayV2Response) -> Any:
        api = request.apigatewayv2_backend.get_api(request.path.split("/")[-2])
        asked = json.loads(request.body or "{}")
        deployment = "".join(secrets.choice("abcdefghijklmnopqrstuvwxyz0123456789") for _ in range(6))
        vars(api).setdefault("local_deployments", {})[deployment] = _State(api)
        if asked.get("stageName"):
            api.get_stage(asked["stageName"]).local_deployment = deployment
        answer = {
            "autoDeployed": False,
            "createdDate": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
            "deploymentId": deployment,
            "deploymentStatus": "DEPLOYED",
            "description": asked.get("description"),
        }
        return 201, {"status": 201}, json.dumps(answer)

    return {"create_api": create_and_address, "create_deployment": create_deployment}


def _create_quickly(api: Api, asked: Mapping[str, Any]) -> None:
    """Give a new API what quick creation gives it: an integration, a route and the stage $default."""
    target = asked["target"]
    integration = api.create_integration(
        connection_type="INTERNET",
        description="",
        integration_method="POST",
        integration_type="AWS_PROXY" if ":lambda:" in target else "HTTP_PROXY",
        integration_uri=target,
        credentials_arn=asked.get("credentialsArn"),
        payload_format_version="2.0" if ":lambda:" in target else "1.0",
    )
    api.create_route(
        api_key_required=False,
        authorization_scopes=[],
        route_key=asked.get("routeKey") or "$default",
        target=f"integrations/{integration.id}",
    )
    api.create_stage({"stageName": "$default", "autoDeploy": True})
