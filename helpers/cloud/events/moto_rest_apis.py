"""moto's REST APIs as the front door reads them; its deployments get to remember what was deployed.

With the files of :mod:`helpers.cloud` that are called ``moto_*``, one of the few places that touch moto's internals. It
is imported when the service is first used: see :mod:`~helpers.cloud.events.front_doors`.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Mapping
from typing import Any

from helpers.cloud.events.http_authorizer import Authorizer
from helpers.cloud.events.http_rest import Method, Mock, RestApi, Stage
from helpers.cloud.events.moto_common import everywhere, function_in, replace_methods, stand_in

stand_in()

from moto.apigateway.models import RestAPI, apigateway_backends  # noqa: E402
from moto.apigateway.responses import APIGatewayResponse  # noqa: E402


def install(undo: contextlib.ExitStack) -> None:
    """Let deployments and authorizers remember more than moto's own do, until ``undo`` is closed."""
    replace_methods(RestAPI, _methods_of_apis(), undo)
    create = APIGatewayResponse.create_rest_api

    def create_rest_api(request: APIGatewayResponse) -> Any:
        _, headers, text = create(request)
        made = json.loads(text)
        if "id" in made and (types := request._get_param("binaryMediaTypes")):
            api = request.backend.get_rest_api(made["id"])
            api.binaryMediaTypes = list(types)
            text = json.dumps(api.to_dict())
        return 201, {**headers, "status": 201}, text

    replace_methods(APIGatewayResponse, {"create_rest_api": create_rest_api}, undo)


def rest_api(api_id: str) -> RestApi | None:
    """Return a REST API by its id, if there is one and it is served."""
    for account, region, backend in everywhere(apigateway_backends):
        api = backend.apis.get(api_id)
        if api is None or api.disableExecuteApiEndpoint:
            continue
        stages = {}
        for name, stage in list(api.stages.items()):
            variables = dict(stage.variables or {})
            deployment = api.deployments.get(stage.deployment_id)
            kept = vars(deployment).get("local_methods") if deployment is not None else None
            methods = tuple(one(variables) for one in (kept if kept is not None else _methods(api)))
            stages[name] = Stage(name, stage.deployment_id or "", methods, variables)
        keys = frozenset(key.value for key in list(backend.keys.values()) if key.enabled)
        types = tuple(one.replace("~1", "/") for one in api.binaryMediaTypes or ())
        return RestApi(api_id, account, region, stages, types, keys)
    return None


def _methods(api: RestAPI) -> list[Callable[[Mapping[str, str]], Method]]:
    """Return what is configured now: each method, but for the stage's variables."""
    found = []
    for resource in list(api.resources.values()):
        path = resource.get_path()
        for verb, method in list(resource.resource_methods.items()):
            known = {"resource_id": resource.id, "path": path, "method": verb}
            known |= {"authorization": method.authorization_type or "NONE"}
            known |= {"needs_key": str(method.api_key_required).lower() == "true"}
            authorizer = api.authorizers.get(method.authorizer_id)
            found.append(_method(known, method.method_integration, authorizer, api))
    return found


def _method(known: dict[str, Any], integration: Any, authorizer: Any, api: RestAPI) -> Callable[..., Method]:
    kind = integration.integration_type if integration is not None else None
    known = known | {"mock": _mock(integration) if kind == "MOCK" else None}
    if kind == "AWS_PROXY" and integration.http_method != "POST":
        known["unusable"] = f"A function is invoked with POST: integrationHttpMethod is {integration.http_method}"
    elif kind is None:
        known["unusable"] = f"{known['method']} {known['path']} has no integration: put_integration"
    elif kind not in ("AWS_PROXY", "MOCK"):
        known["unusable"] = f"The local cloud serves integrations of type AWS_PROXY and MOCK, not {kind}"
    elif kind == "AWS_PROXY":
        limit_ms = float(integration.timeout_in_millis or 29_000)
        known |= {"limit_s": limit_ms / 1000, "trusted": bool(integration.credentials)}
    uri = integration.uri if kind == "AWS_PROXY" else ""
    asked = None if authorizer is None or authorizer.type not in ("TOKEN", "REQUEST") else authorizer
    arn = f"arn:aws:execute-api:{api.region_name}:{api.account_id}:{api.id}/authorizers/"

    def at(variables: Mapping[str, str]) -> Method:
        made = None
        if asked is not None:
            ttl_s = 300 if asked.authorizer_result_ttl is None else asked.authorizer_result_ttl
            made = Authorizer(
                kind=asked.type,
                function=function_in(asked.authorizer_uri, variables),
                arn=f"{arn}{asked.id}",
                sources=tuple(one.strip() for one in (asked.identity_source or "").split(",") if one.strip()),
                ttl_s=float(ttl_s),
                validation=asked.identity_validation_expression if asked.type == "TOKEN" else None,
                trusted=bool(asked.authorizer_credentials),
            )
        return Method(**known, function=function_in(uri, variables), authorizer=made)

    return at


def _mock(integration: Any) -> Mock:
    """Return what a mock answers: the headers and the body of its first integration response, without templates."""
    answers = list((integration.integration_responses or {}).values())
    if not answers:
        return Mock()
    answer = answers[0]
    headers = tuple(
        (name.removeprefix("method.response.header."), str(value)[1:-1])
        for name, value in (answer.response_parameters or {}).items()
        if name.startswith("method.response.header.") and str(value).startswith("'")
    )
    body = (answer.response_templates or {}).get("application/json") or ""
    return Mock(int(answer.status_code or 200), headers, body)


def _methods_of_apis() -> dict[str, Callable[..., Any]]:
    create_deployment, create_authorizer = RestAPI.create_deployment, RestAPI.create_authorizer
    apply_operations = RestAPI.apply_patch_operations

    def deploy(api: RestAPI, name: str, description: str, stage_variables: Any = None) -> Any:
        before = api.stages.get(name)
        deployment = create_deployment(api, name, description, stage_variables)
        deployment.local_methods = _methods(api)
        if before is not None:  # another deployment of a stage leaves its settings
            before.deployment_id = deployment.id
            before.variables |= stage_variables or {}
            api.stages[name] = before
        return deployment

    def authorize(api: RestAPI, *arguments: Any, **named: Any) -> Any:
        authorizer = create_authorizer(api, *arguments, **named)
        authorizer.identity_validation_expression = named.get("identiy_validation_expression")  # moto's own spelling
        return authorizer

    def patch(api: RestAPI, operations: list[dict[str, Any]]) -> None:
        others = []
        for operation in operations:
            _, part, kind = (f"{operation['path']}//").split("/", 2)
            if part != "binaryMediaTypes" or not kind.strip("/"):
                others.append(operation)
                continue
            kind = kind.rstrip("/").replace("~1", "/")  # the type stands in the path, and no value beside it
            kept = [one for one in api.binaryMediaTypes if one != kind]
            api.binaryMediaTypes = kept if operation["op"] == "remove" else [*kept, kind]
        apply_operations(api, others)

    return {"create_deployment": deploy, "create_authorizer": authorize, "apply_patch_operations": patch}
