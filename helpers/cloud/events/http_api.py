"""HTTP APIs (apigatewayv2): routes, stages, CORS and authorizers in front of functions, payload formats 1.0 and 2.0.

What it answers by itself: 404 where no stage or route fits, 401 and 403 for authorizers, 413 above 10 MB, 500 when the
function fails, answers what can't be read or may not be invoked, 503 when it is throttled or takes longer than 30 s.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from helpers import tables
from helpers.cloud.events.http import Caller, Door, Functions, Refused, Reply, Request, Undelivered
from helpers.cloud.events.http_authorizer import Authorizer, Authorizers, Broken, Unidentified
from helpers.cloud.events.http_cors import Cors
from helpers.cloud.events.http_payload import (
    Malformed,
    clock,
    decoded_path,
    encoded_body,
    event_v1,
    event_v2,
    extended_id,
    gateway_headers,
    identity,
    lower,
    reply_v1,
    reply_v2,
)
from helpers.cloud.events.http_routes import best

PLAIN = "text/plain;charset=UTF-8"
V1_IDENTITY = (
    *("accessKey", "accountId", "caller", "cognitoAmr", "cognitoAuthenticationProvider", "cognitoAuthenticationType"),
    *("cognitoIdentityId", "cognitoIdentityPoolId", "principalOrgId", "user", "userArn"),
)


@dataclass(frozen=True)
class Integration:
    """What stands behind a route: a function, or the reason why there is none."""

    function: str
    payload: str = "1.0"
    limit_s: float = tables.limit("apigateway.http.timeout").max
    trusted: bool = False
    unusable: str = ""


@dataclass(frozen=True)
class Route:
    """A route: ``GET /users/{id}``; of ``$default``, method and path are empty."""

    key: str
    method: str
    path: str
    integration: Integration
    authorization: str = "NONE"
    authorizer: Authorizer | None = None


@dataclass(frozen=True)
class Stage:
    """A stage; without routes if nothing has been deployed to it."""

    name: str
    routes: tuple[Route, ...] | None
    variables: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class HttpApi:
    """An HTTP API as it is now."""

    id: str
    account: str
    region: str
    stages: Mapping[str, Stage]
    cors: Cors | None = None

    @property
    def host(self) -> str:
        """The host name that it would have on AWS."""
        return f"{self.id}.execute-api.{self.region}.amazonaws.com"

    def arn(self, rest: str) -> str:
        """Return the ARN of something in it."""
        return f"arn:aws:execute-api:{self.region}:{self.account}:{self.id}/{rest}"


@dataclass
class _Visit:
    """One request to a route of a stage."""

    api: HttpApi
    stage: Stage
    request: Request
    path: str  # with the stage's name, unless that is $default
    route: Route
    parameters: dict[str, str]
    request_id: str

    @property
    def method_arn(self) -> str:
        below = decoded_path(self.request.path).lstrip("/")
        return self.api.arn(f"{self.stage.name}/{self.request.method}/{below}")

    def event(self, payload: str, authorizer: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """Return the event in a payload format."""
        return self._v2(authorizer) if payload == "2.0" else self._v1(authorizer)

    def _v2(self, authorizer: Mapping[str, Any] | None) -> dict[str, Any]:
        context = {"accountId": self.api.account, "apiId": self.api.id}
        if authorizer is not None:
            context["authorizer"] = dict(authorizer)
        return event_v2(
            self.request,
            context={**context, "requestId": self.request_id, "stage": self.stage.name},
            host=self.api.host,
            route_key=self.route.key,
            raw_path=decoded_path(self.path),
            path_parameters=self.parameters,
            stage_variables=self.stage.variables,
        )

    def _v1(self, authorizer: Mapping[str, Any] | None) -> dict[str, Any]:
        path, request = decoded_path(self.path), self.request
        resource = self.route.path or "$default"
        context = {
            "accountId": self.api.account,
            "apiId": self.api.id,
            "authorizer": dict(authorizer) if authorizer else {"claims": None, "scopes": None},
            "domainName": self.api.host,
            "domainPrefix": self.api.id,
            "extendedRequestId": self.request_id,
            "httpMethod": request.method,
            "identity": identity(request, *V1_IDENTITY),
            "path": path,
            "protocol": request.protocol,
            "requestId": self.request_id,
            "requestTime": clock(request.time_s),
            "requestTimeEpoch": int(request.time_s * 1000),
            "resourceId": self.route.key,
            "resourcePath": resource,
            "stage": self.stage.name,
        }
        return {
            "version": "1.0",
            **event_v1(
                request,
                context=context,
                headers=lower(gateway_headers(request, self.api.host)),
                resource=resource,
                path=path,
                path_parameters=self.parameters,
                stage_variables=self.stage.variables,
                body=encoded_body(request),
            ),
        }


class HttpApiDoor(Door):
    """All HTTP APIs of a session.

    Parameters
    ----------
    functions, record : see :class:`~helpers.cloud.events.http.Door`
    find : an API by its id
    """

    source = "HTTP API"
    max_bytes = int(tables.limit("apigateway.http.payload").max * 1024 * 1024)

    def __init__(
        self,
        functions: Functions,
        record: Callable[[str, str, str], None],
        find: Callable[[str], HttpApi | None],
    ) -> None:
        super().__init__(functions, record)
        self._find = find
        self._authorizers = Authorizers(functions)

    def answer(self, name: str, request: Request) -> Reply:
        """Return what the client of one API gets."""
        api = self._find(name)
        if api is None:
            raise _refused(404, "Not Found", "There is no HTTP API of this id, or its endpoint is disabled")
        request_id = extended_id()
        try:
            reply = self._answer(api, request, request_id)
        except Refused as refused:
            reply = refused.reply.plus(("apigw-requestid", request_id))
            refused.reply = api.cors.applied(request, reply) if api.cors else reply
            raise
        return reply.plus(("apigw-requestid", request_id))

    def _answer(self, api: HttpApi, request: Request, request_id: str) -> Reply:
        whole = request
        stage, request = _stage(api, request)
        if request.too_large:
            raise _refused(413, "Request Entity Too Large", "API Gateway takes bodies of 10 MB at most")
        found = best(stage.routes, request.method, request.path)
        default = next((route for route in stage.routes if route.key == "$default"), None)
        preflight = api.cors.preflight(request, 204) if api.cors else None
        if found is None and default is not None:
            found = default, {}
        if found is None and preflight is not None:
            return preflight
        if found is None:
            known = ", ".join(route.key for route in stage.routes) or "none"
            cause = f"No route fits {request.method} {request.path} in stage {stage.name}; there are: {known}"
            raise _refused(404, "Not Found", cause)
        visit = _Visit(api, stage, request, whole.path, *found, request_id)
        authorizer = self._authorize(visit)
        if preflight is not None:
            return preflight
        reply = self._invoke(visit, authorizer)
        return api.cors.applied(request, reply) if api.cors else reply

    def _authorize(self, visit: _Visit) -> dict[str, Any] | None:
        """Return what goes into the event of who calls; raise where the caller may not."""
        kind, authorizer = visit.route.authorization, visit.route.authorizer
        if kind == "NONE":
            return None
        if kind == "AWS_IAM":
            key = self.functions.who_signed(visit.request)
            if key is None:
                raise _refused(403, "Forbidden", "The route wants a signature (Version 4) of a known access key")
            return {"iam": {"accessKey": key, "accountId": visit.api.account, "callerId": key, "userId": key}}
        if kind != "CUSTOM" or authorizer is None:
            cause = f"The local cloud has no authorizers of type {kind} for HTTP APIs"
            raise _refused(500, "Internal Server Error", cause)

        def event(found: list[str]) -> dict[str, Any]:
            made = visit.event(authorizer.payload)
            for name in ("body", "isBase64Encoded", "multiValueHeaders", "multiValueQueryStringParameters"):
                made.pop(name, None)
            if authorizer.payload == "2.0":
                return {**made, "type": "REQUEST", "routeArn": visit.method_arn, "identitySource": found}
            one = ",".join(found)
            return {
                **made,
                "type": "REQUEST",
                "methodArn": visit.method_arn,
                "identitySource": one,
                "authorizationToken": one,
            }

        try:
            verdict = self._authorizers.ask(
                authorizer,
                visit.request,
                scope=(visit.api.id, visit.stage.name),
                variables=visit.stage.variables,
                context={"stage": visit.stage.name, "routeKey": visit.route.key, "apiId": visit.api.id},
                event=event,
            )
        except Unidentified as unknown:
            raise _refused(401, "Unauthorized", str(unknown)) from None
        except Broken as broken:
            raise _refused(500, "Internal Server Error", str(broken)) from None
        if not verdict.allows(visit.method_arn)[0]:
            raise _refused(403, "Forbidden", f"The authorizer doesn't allow {visit.method_arn}")
        if visit.route.integration.payload == "2.0":
            return {"lambda": dict(verdict.context)}
        return {**verdict.context, **({"principalId": verdict.principal} if verdict.principal else {})}

    def _invoke(self, visit: _Visit, authorizer: dict[str, Any] | None) -> Reply:
        integration = visit.route.integration
        if integration.unusable:
            raise _refused(500, "Internal Server Error", integration.unusable)
        event = visit.event(integration.payload, authorizer)
        caller = Caller("apigateway.amazonaws.com", _sources(visit), trusted=integration.trusted)
        try:
            answer = self.functions.invoke(
                integration.function, event, caller=caller, limit_s=integration.limit_s, trace=visit.request.trace
            )
        except Undelivered as failed:
            if failed.kind in ("throttled", "slow"):
                raise _refused(503, "Service Unavailable", failed.cause) from None
            if failed.kind == "large":
                raise _refused(413, "Request Entity Too Large", failed.cause) from None
            raise _refused(500, "Internal Server Error", failed.cause) from None
        if answer.function_error:
            cause = f"The function failed: {answer.payload.decode(errors='replace')[:500]}"
            raise _refused(500, "Internal Server Error", cause)
        try:
            return (reply_v2 if integration.payload == "2.0" else reply_v1)(answer.payload, PLAIN)
        except Malformed as wrong:
            raise _refused(500, "Internal Server Error", f"The function's answer is malformed: {wrong}") from None


def _stage(api: HttpApi, request: Request) -> tuple[Stage, Request]:
    """Return the stage that a path begins with, or $default, and the request below it."""
    first, below = request.entered()
    stage = api.stages.get(first) if first != "$default" else None
    if stage is None:
        stage, below = api.stages.get("$default"), request
    if stage is None:
        known = ", ".join(api.stages) or "none: create_stage makes one"
        raise _refused(404, "Not Found", f"The path begins with no stage, and there is no $default; stages: {known}")
    if stage.routes is None:
        cause = f"Nothing is deployed to stage {stage.name}: it needs AutoDeploy=True, or create_deployment"
        raise _refused(404, "Not Found", cause)
    return stage, below


def _sources(visit: _Visit) -> tuple[str, ...]:
    """Return the ARNs under which a function's policy may know a route: as it is written, and as it was called."""
    stage, route, method = visit.stage.name, visit.route, visit.request.method
    if not route.path:
        return visit.api.arn(f"{stage}/$default"), visit.api.arn(f"{stage}/$default/$default")
    found = [visit.api.arn(f"{stage}/{one}{route.path}") for one in dict.fromkeys((method, route.method))]
    return (*found, visit.method_arn)


def _refused(status: int, message: str, cause: str) -> Refused:
    return Refused(status, {"message": message}, cause)
