"""REST APIs (apigateway, version 1): a tree of resources, deployed to stages, in front of functions; format 1.0.

What it answers by itself: 403 where no resource and method fit ("Missing Authentication Token") or there is no such
stage, 401 and 403 for authorizers, 413 above 10 MB, 502 when the function fails or its answer can't be read, 500 when
it may not be invoked or is throttled, 504 when it takes longer than 29 s. A stage serves what was deployed to it: later
changes wait for the next create_deployment.
"""

from __future__ import annotations

import base64
import json
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any

from helpers import tables
from helpers.cloud.events.http import Caller, Door, Functions, Refused, Reply, Request, Undelivered
from helpers.cloud.events.http_authorizer import Authorizer, Authorizers, Broken, Unidentified
from helpers.cloud.events.http_payload import (
    Malformed,
    clock,
    event_v1,
    extended_id,
    gateway_headers,
    identity,
    reply_v1,
)
from helpers.cloud.events.http_routes import best

IDENTITY = (
    *("accessKey", "accountId", "caller", "cognitoAuthenticationProvider", "cognitoAuthenticationType"),
    *("cognitoIdentityId", "cognitoIdentityPoolId", "principalOrgId", "user", "userArn"),
)


@dataclass(frozen=True)
class Mock:
    """An integration that answers without a function, as the OPTIONS methods do that allow other origins."""

    status: int = 200
    headers: tuple[tuple[str, str], ...] = ()
    body: str = ""


@dataclass(frozen=True)
class Method:
    """A method of a resource, and what stands behind it: a function, a mock, or the reason why there is nothing."""

    resource_id: str
    path: str
    method: str
    function: str = ""
    mock: Mock | None = None
    unusable: str = ""
    limit_s: float = tables.limit("apigateway.rest.timeout").max
    trusted: bool = False
    authorization: str = "NONE"
    authorizer: Authorizer | None = None
    needs_key: bool = False


@dataclass(frozen=True)
class Stage:
    """A stage and what is deployed to it."""

    name: str
    deployment: str
    methods: tuple[Method, ...]
    variables: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class RestApi:
    """A REST API as its stages serve it."""

    id: str
    account: str
    region: str
    stages: Mapping[str, Stage]
    binary_types: tuple[str, ...] = ()
    keys: frozenset[str] = frozenset()

    @property
    def host(self) -> str:
        """The host name that it would have on AWS."""
        return f"{self.id}.execute-api.{self.region}.amazonaws.com"

    def arn(self, rest: str) -> str:
        """Return the ARN of something in it."""
        return f"arn:aws:execute-api:{self.region}:{self.account}:{self.id}/{rest}"

    def is_binary(self, content_type: str) -> bool:
        """Say whether a type is among its binary media types."""
        kind = content_type.partition(";")[0].strip().lower()
        return any(one == "*/*" or (kind and fnmatchcase(kind, one.lower())) for one in self.binary_types)


@dataclass
class _Visit:
    """One request to a method of a stage."""

    api: RestApi
    stage: Stage
    request: Request
    method: Method
    parameters: dict[str, str]
    request_id: str
    extended: str

    @property
    def method_arn(self) -> str:
        return self.api.arn(f"{self.stage.name}/{self.request.method}/{self.request.path.lstrip('/')}")

    def event(self, authorizer: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """Return the event."""
        request, stage = self.request, self.stage
        context: dict[str, Any] = {
            "resourceId": self.method.resource_id,
            **({"authorizer": dict(authorizer)} if authorizer else {}),
            "resourcePath": self.method.path,
            "httpMethod": request.method,
            "extendedRequestId": self.extended,
            "requestTime": clock(request.time_s),
            "path": f"/{stage.name}{request.path}",
            "accountId": self.api.account,
            "protocol": request.protocol,
            "stage": stage.name,
            "domainPrefix": self.api.id,
            "requestTimeEpoch": int(request.time_s * 1000),
            "requestId": self.request_id,
            "identity": identity(request, *IDENTITY),
            "domainName": self.api.host,
            "deploymentId": stage.deployment,
            "apiId": self.api.id,
        }
        headers = [pair for pair in gateway_headers(request, self.api.host) if pair[0].lower() != "content-length"]
        return event_v1(
            request,
            context=context,
            headers=headers,
            resource=self.method.path,
            path=request.path,
            path_parameters=self.parameters,
            stage_variables=stage.variables,
            body=self._body(),
        )

    def _body(self) -> tuple[str | None, bool]:
        if not self.request.body:
            return None, False
        if self.api.is_binary(self.request.header("content-type")):
            return base64.b64encode(self.request.body).decode(), True
        # What isn't text gets lost, as on AWS: name its type in binaryMediaTypes.
        return self.request.body.decode(errors="replace"), False


class RestApiDoor(Door):
    """All REST APIs of a session.

    Parameters
    ----------
    functions, record : see :class:`~helpers.cloud.events.http.Door`
    find : an API by its id
    """

    source = "REST API"
    max_bytes = int(tables.limit("apigateway.rest.payload").max * 1024 * 1024)

    def __init__(
        self,
        functions: Functions,
        record: Callable[[str, str, str], None],
        find: Callable[[str], RestApi | None],
    ) -> None:
        super().__init__(functions, record)
        self._find = find
        self._authorizers = Authorizers(functions)

    def answer(self, name: str, request: Request) -> Reply:
        """Return what the client of one API gets."""
        request_id, extended = str(uuid.uuid4()), extended_id()
        ours = (("x-amzn-RequestId", request_id), ("x-amz-apigw-id", extended))
        try:
            visit = self._route(self._find(name), request, request_id, extended)
            reply = self._invoke(visit, self._authorize(visit))
        except Refused as refused:
            refused.reply = refused.reply.plus(*ours)
            raise
        return reply.plus(*ours, ("X-Amzn-Trace-Id", request.trace))

    def _route(self, api: RestApi | None, request: Request, request_id: str, extended: str) -> _Visit:
        if api is None:
            raise _refused(403, "Forbidden", "There is no REST API of this id", "ForbiddenException")
        name, request = request.entered()
        stage = api.stages.get(name)
        if stage is None:
            known = ", ".join(api.stages) or "none: create_deployment makes one"
            raise _refused(403, "Forbidden", f"There is no stage {name!r}; stages: {known}", "ForbiddenException")
        if request.too_large:
            cause = "API Gateway takes bodies of 10 MB at most"
            raise _refused(413, "Request Too Long", cause, "RequestEntityTooLargeException")
        path = request.path.rstrip("/") or "/"
        found = best(stage.methods, request.method, path, decode=str)
        if found is None:
            known = ", ".join(f"{one.method} {one.path}" for one in stage.methods) or "nothing"
            cause = f"No resource and method fit {request.method} {path}; deployed to {name}: {known}"
            raise _refused(403, "Missing Authentication Token", cause, "MissingAuthenticationTokenException")
        return _Visit(api, stage, request, *found, request_id, extended)

    def _authorize(self, visit: _Visit) -> dict[str, Any] | None:
        """Return what goes into the event of who calls; raise where the caller may not."""
        method, request = visit.method, visit.request
        if method.needs_key and request.header("x-api-key") not in visit.api.keys:
            raise _refused(403, "Forbidden", "The method wants an API key in x-api-key", "ForbiddenException")
        if method.authorization == "NONE":
            return None
        if method.authorization == "AWS_IAM":
            if self.functions.who_signed(request) is None:
                cause = "The method wants a signature (Version 4) of a known access key"
                raise _refused(403, "Missing Authentication Token", cause, "MissingAuthenticationTokenException")
            return None
        if method.authorization != "CUSTOM" or method.authorizer is None:
            cause = f"The local cloud has no authorizers of type {method.authorization} for REST APIs"
            raise _broken(cause)
        kind = method.authorizer.kind

        def event(found: list[str]) -> dict[str, Any]:
            if kind == "TOKEN":
                return {"type": kind, "authorizationToken": found[0], "methodArn": visit.method_arn}
            made = visit.event()
            del made["body"], made["isBase64Encoded"]
            return {"type": kind, "methodArn": visit.method_arn, **made}

        try:
            verdict = self._authorizers.ask(
                method.authorizer,
                request,
                scope=(visit.api.id, visit.stage.name),
                variables=visit.stage.variables,
                context={"stage": visit.stage.name, "httpMethod": request.method, "path": request.path},
                event=event,
            )
            told = {name: _text(name, value) for name, value in verdict.context.items()}
        except Unidentified as unknown:
            raise _refused(401, "Unauthorized", str(unknown), "UnauthorizedException") from None
        except Broken as broken:
            raise _broken(str(broken)) from None
        allowed, denied = verdict.allows(visit.method_arn)
        if not allowed:
            message = "User is not authorized to access this resource" + (" with an explicit deny" if denied else "")
            cause = f"The authorizer's policy doesn't allow {visit.method_arn}"
            raise Refused(403, {"Message": message}, cause, x_amzn_ErrorType="AccessDeniedException")
        return {"principalId": verdict.principal, "integrationLatency": 0, **told}

    def _invoke(self, visit: _Visit, authorizer: dict[str, Any] | None) -> Reply:
        method = visit.method
        if method.mock is not None:
            headers = (("Content-Type", "application/json"), *method.mock.headers)
            return Reply(method.mock.status, headers, method.mock.body.encode())
        if method.unusable:
            raise _server_error(500, method.unusable)
        sources = [
            visit.api.arn(f"{visit.stage.name}/{one}{method.path}") for one in {visit.request.method, method.method}
        ]
        caller = Caller("apigateway.amazonaws.com", (*sources, visit.method_arn), trusted=method.trusted)
        try:
            answer = self.functions.invoke(
                method.function,
                visit.event(authorizer),
                caller=caller,
                limit_s=method.limit_s,
                trace=visit.request.trace,
            )
        except Undelivered as failed:
            if failed.kind == "slow":
                raise Refused(
                    504,
                    {"message": "Endpoint request timed out"},
                    failed.cause,
                    x_amzn_ErrorType="InternalServerErrorException",
                ) from None
            if failed.kind == "large":
                raise _refused(413, "Request Too Long", failed.cause, "RequestEntityTooLargeException") from None
            raise _server_error(500, failed.cause) from None
        if answer.function_error:
            raise _server_error(502, f"The function failed: {answer.payload.decode(errors='replace')[:500]}")

        def wants_binary(reply: Reply) -> bool:
            # The first type that the client accepts decides.
            return visit.api.is_binary(visit.request.header("accept").partition(",")[0])

        try:
            return reply_v1(answer.payload, "application/json", decode=wants_binary, strict=True)
        except Malformed as wrong:
            raise _server_error(502, f"Malformed Lambda proxy response: {wrong}") from None


def _text(name: str, value: Any) -> str:
    if isinstance(value, dict | list):
        raise Broken(f"the authorizer's context may hold text, numbers, true and false; {name} is something else")
    return value if isinstance(value, str) else json.dumps(value)


def _refused(status: int, message: str, cause: str, kind: str) -> Refused:
    return Refused(status, {"message": message}, cause, x_amzn_ErrorType=kind)


def _broken(cause: str) -> Refused:
    return Refused(500, {"message": None}, cause, x_amzn_ErrorType="AuthorizerConfigurationException")


def _server_error(status: int, cause: str) -> Refused:
    kind = "InternalServerErrorException"
    return Refused(status, {"message": "Internal server error"}, cause, x_amzn_ErrorType=kind)
