"""Where moto's Lambda becomes ours: the only module that touches moto's internals.

moto keeps the control plane (functions, versions, aliases, layers, permissions); what it would run in Docker containers
runs in our environments instead. :class:`Bridge` replaces a few methods of moto's classes from :meth:`Bridge.install`
to :meth:`Bridge.remove`, adds what moto's Lambda lacks (provisioned concurrency, dead-letter queues, logging
configuration, account settings), and turns moto's function objects into :class:`~helpers.cloud.machine.Function`.
"""

from __future__ import annotations

import base64
import contextlib
import copy
import hashlib
import json
import random
import re
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import unquote

from moto.awslambda import urls as lambda_urls
from moto.awslambda.exceptions import InvalidParameterValueException, UnknownAliasException, UnknownFunctionException
from moto.awslambda.models import (
    LambdaBackend,
    LambdaFunction,
    LambdaStorage,
    LayerVersion,
    lambda_backends,
)
from moto.awslambda.responses import LambdaResponse
from moto.awslambda_simple.models import LambdaSimpleBackend
from moto.core.exceptions import JsonRESTError
from moto.core.responses import BaseResponse
from moto.iam.models import iam_backends
from moto.logs.models import logs_backends
from moto.s3.exceptions import MissingKey
from moto.s3.models import s3_backends
from moto.sts.models import sts_backends

from helpers import tables
from helpers.cloud import report
from helpers.cloud.calls import Answer, Call, Throttled, new_request_id
from helpers.cloud.code import UNPACKED_MAX_BYTES, Store
from helpers.cloud.events.asynchronous import Asynchronous, Promise
from helpers.cloud.machine import Function
from helpers.cloud.service import Service
from helpers.cloud.unpacking import BadPackage, inspect_zip

CREDENTIALS_S = 3600
RECURSION_MAX = 16  # AWS stops a loop of functions after about sixteen rounds
SYNC_MAX_BYTES = int(tables.limit("lambda.payload.sync").max * 1024 * 1024)
ASYNC_MAX_BYTES = int(tables.limit("lambda.payload.async").max * 1024 * 1024)
VARIABLES_MAX_BYTES = int(tables.limit("lambda.environment_variables").max * 1024)
PARTIAL_ARN = re.compile(r"^\d{12}:function:")
LINEAGE = re.compile(r"Lineage=\d+:[0-9a-f]{8}:(\d+)")

# How many functions have called each other to come here; and the qualifier that the caller used.
depth: ContextVar[int] = ContextVar("depth", default=0)
qualifier_used: ContextVar[str | None] = ContextVar("qualifier_used", default=None)

MORE_PATHS = (
    r"{0}/(?P<api_version>[^/]+)/functions/(?P<function_name>[\w_:%-]+)/provisioned-concurrency/?$",
    r"{0}/(?P<api_version>[^/]+)/account-settings/?$",
)
for path in MORE_PATHS:
    lambda_urls.url_paths.setdefault(path, LambdaResponse.dispatch)


class AwsError(JsonRESTError):
    """An error as Lambda answers it: a status, a type and a body."""

    def __init__(self, status: int, error_type: str, body: Mapping[str, Any]) -> None:
        super().__init__(error_type, str(body.get("message", body.get("Message", ""))))
        self.code = status
        self.description = json.dumps(dict(body))


def depth_of(trace_header: str | None) -> int:
    """Return how deep in a chain of functions a request stands, from its trace header.

    >>> depth_of("Root=1-5759e988-bd862e3fe1be46a994272793;Lineage=1:0a1b2c3d:3")
    3
    """
    found = LINEAGE.search(trace_header or "")
    return int(found[1]) if found else 0


@dataclass(frozen=True)
class Credentials:
    """What a function signs its calls with: those of its role."""

    access_key: str
    secret_key: str
    token: str
    until_s: float


def is_issued(access_key: str) -> bool:
    """Say whether local IAM or STS has given out this access key."""
    for account in list(iam_backends.values()):
        for backend in list(account.values()):
            if access_key in backend.access_keys:
                return True
    return False


class Roles:
    """Credentials for functions, one set for each role."""

    def __init__(self) -> None:
        self._known: dict[tuple[str, str], Credentials] = {}
        self._lock = threading.Lock()

    def credentials(self, function: Function) -> Credentials:
        """Return temporary credentials of a function's role, as STS gives them out."""
        key = function.role, function.name
        with self._lock:
            known = self._known.get(key)
            if known is None or known.until_s < time.monotonic() or not is_issued(known.access_key):
                account = function.arn.split(":")[4]
                role = sts_backends[account]["aws"].assume_role(
                    region_name=function.region,
                    role_session_name=function.name[:64],
                    role_arn=function.role,
                    policy=None,
                    duration=CREDENTIALS_S,
                    external_id=None,
                )
                known = self._known[key] = Credentials(
                    role.access_key_id,
                    role.secret_access_key,
                    role.session_token,
                    time.monotonic() + CREDENTIALS_S / 2,
                )
            return known


class LogsWriter:
    """Writes into moto's CloudWatch Logs."""

    def __init__(self) -> None:
        self._lock = threading.Lock()  # moto's log streams are not made for several writers

    def __call__(self, function: Function, stream: str, messages: list[tuple[datetime, str]]) -> None:
        """Append messages to a stream, which comes to be with the first of them."""
        backend = logs_backends[function.arn.split(":")[4]][function.region]
        events = [
            {"timestamp": int(when.timestamp() * 1000), "message": text if text.endswith("\n") else f"{text}\n"}
            for when, text in messages
        ]
        # A function may be subscribed to these very messages.
        before = depth.set(depth.get() + 1)
        try:
            with self._lock:
                backend.ensure_log_group(function.log_group)
                if stream not in backend.groups[function.log_group].streams:
                    backend.create_log_stream(function.log_group, stream)
                filters = backend.groups[function.log_group].subscription_filters
                if not filters:
                    backend.put_log_events(function.log_group, stream, events)
            if filters:
                backend.put_log_events(function.log_group, stream, events)
        finally:
            depth.reset(before)


class Bridge:
    """moto's Lambda, running on a service.

    Parameters
    ----------
    service : runs what is invoked
    asynchronous : takes events over
    store : unpacks packages
    """

    def __init__(self, service: Service, asynchronous: Asynchronous, store: Store) -> None:
        self.service, self.asynchronous, self.store = service, asynchronous, store
        self._saved: list[tuple[type, str, Any]] = []
        self._provisioned: dict[tuple[str, str], int] = {}  # environments asked for, by ARN and qualifier
        self._published: dict[str, int] = {}  # the last version's number, by the function's identity

    def install(self) -> None:
        """Put our methods in the place of moto's."""
        bridge = self
        first = {
            name: getattr(LambdaFunction, name)
            for name in ("__init__", "get_configuration", "update_configuration", "set_version")
        }
        set_code, layer_init = LambdaFunction._set_function_code, LayerVersion.__init__
        answer_invoke, delete = LambdaResponse.invoke, LambdaStorage.del_function
        backend_invoke = LambdaBackend.invoke
        move_alias, remove_alias = LambdaBackend.update_alias, LambdaBackend.delete_alias

        def __init__(fn: LambdaFunction, *arguments: Any, **named: Any) -> None:
            spec = named.get("spec") or arguments[1]
            _check_variables(spec)
            fn.local = {key: spec[key] for key in EXTRAS if spec.get(key)}
            fn.local["identity"] = new_request_id()
            first["__init__"](fn, *arguments, **named)

        def get_configuration(fn: LambdaFunction, on_create: bool = False) -> dict[str, Any]:
            return first["get_configuration"](fn, on_create) | _extras(fn)

        def update_configuration(fn: LambdaFunction, updates: dict[str, Any]) -> dict[str, Any]:
            _check_variables(updates)
            fn.local = {**fn.local, **{key: updates[key] for key in EXTRAS if key in updates}}
            return first["update_configuration"](fn, updates)

        def _set_function_code(fn: LambdaFunction, spec: dict[str, Any]) -> None:
            before = {name: value for name, value in vars(fn).items() if name.startswith("code")}
            before["code"] = copy.copy(before["code"])
            set_code(fn, spec)
            try:
                if not spec.get("DryRun"):
                    _take_version_of_object(fn, spec)
                if fn.package_type == "Zip":
                    _inspect(fn.code_bytes)
            except InvalidParameterValueException:
                vars(fn).update(before)
                raise

        def layer__init__(layer: LayerVersion, *arguments: Any, **named: Any) -> None:
            layer_init(layer, *arguments, **named)
            _inspect(layer.code_bytes)

        def del_function(storage: LambdaStorage, name_or_arn: str, qualifier: str | None = None) -> None:
            fn = storage.get_function_by_name_or_arn_with_qualifier(name_or_arn, qualifier)
            delete(storage, name_or_arn, qualifier)
            for arn, used in list(bridge._provisioned):
                if arn == _unqualified(fn) and qualifier in (None, used):
                    del bridge._provisioned[arn, used]
            version = None if qualifier is None and str(fn.version) == "$LATEST" else str(fn.version)
            bridge.service.retire(_unqualified(fn), version)

        def update_alias(backend: LambdaBackend, name: str, function_name: str, *arguments: Any, **named: Any) -> Any:
            alias = move_alias(backend, name, function_name, *arguments, **named)
            bridge.provision(backend, function_name)
            return alias

        def delete_alias(backend: LambdaBackend, name: str, function_name: str) -> None:
            fn = backend.get_function(function_name)
            remove_alias(backend, name, function_name)
            if bridge._provisioned.pop((_unqualified(fn), name), None):
                bridge.provision(backend, function_name)

        def invoke(
            backend: LambdaBackend,
            function_name: str,
            qualifier: str | None,
            body: Any,
            headers: Any,
            response_headers: Any,
        ) -> Any:
            if isinstance(backend, LambdaSimpleBackend):
                return backend_invoke(backend, function_name, qualifier, body, headers, response_headers)
            used, fn = bridge.resolve(backend, function_name, qualifier)
            before = qualifier_used.set(used)
            try:
                return fn.invoke(body, headers, response_headers)
            finally:
                qualifier_used.reset(before)

        def respond(request: LambdaResponse) -> Any:
            if isinstance(request.backend, LambdaSimpleBackend):
                return answer_invoke(request)
            return bridge.respond(request)

        @staticmethod
        def _enrich_response(headers: dict[str, str], body: Any) -> tuple[dict[str, str], Any]:
            ours = headers.pop("x-amzn-RequestId", None)
            headers, body = BaseResponse._enrich_response(headers, body)
            return {**headers, "x-amzn-requestid": ours} if ours else headers, body

        def set_version(fn: LambdaFunction, version: int) -> None:
            # moto counts the versions that are left, and would give the number of a deleted one again.
            number = bridge._published[fn.local["identity"]] = max(
                version, bridge._published.get(fn.local["identity"], 0) + 1
            )
            first["set_version"](fn, number)

        replaced: list[tuple[type, str, Any]] = [
            (LambdaFunction, "__init__", __init__),
            (LambdaFunction, "get_configuration", get_configuration),
            (LambdaFunction, "update_configuration", update_configuration),
            (LambdaFunction, "_set_function_code", _set_function_code),
            (LambdaFunction, "set_version", set_version),
            (LambdaFunction, "invoke", lambda fn, *arguments: bridge.invoke(fn, *arguments)),
            (LayerVersion, "__init__", layer__init__),
            (LambdaStorage, "del_function", del_function),
            (LambdaBackend, "invoke", invoke),
            (LambdaBackend, "update_alias", update_alias),
            (LambdaBackend, "delete_alias", delete_alias),
            (LambdaResponse, "invoke", respond),
            (LambdaResponse, "_enrich_response", _enrich_response),
            *((LambdaResponse, name, method) for name, method in self._more_operations().items()),
        ]
        for owner, name, function in replaced:
            self._saved.append((owner, name, vars(owner).get(name)))
            setattr(owner, name, function)

    def remove(self) -> None:
        """Give moto its methods back."""
        while self._saved:
            owner, name, before = self._saved.pop()
            if before is None:
                delattr(owner, name)
            else:
                setattr(owner, name, before)

    # Invoking.

    def resolve(self, backend: LambdaBackend, name: str, qualifier: str | None) -> tuple[str | None, LambdaFunction]:
        """Return the qualifier in use and the version that serves it; an alias may share its traffic out."""
        name = PARTIAL_ARN.sub("", name)
        match = re.match(r"(?:arn:[^:]+:lambda:[^:]+:\d+:function:)?[^:]+(?::([^:]+))?$", name)
        used = (match[1] if match else None) or qualifier
        fn = backend.get_function(name, qualifier)
        if used and not used.isdigit() and used != "$LATEST":
            alias = backend.get_alias(used, fn.function_name)
            weights = (alias.routing_config or {}).get("AdditionalVersionWeights") or {}
            point = random.random()
            for version, weight in weights.items():
                point -= weight
                if point < 0:
                    return used, backend.get_function(fn.function_name, version)
        return used, fn

    def invoke(self, fn: LambdaFunction, body: Any, request_headers: Any, response_headers: Any) -> bytes:
        """Serve one invocation, whoever it comes from; the seam through which all of moto's callers pass."""
        kind = request_headers.get("x-amz-invocation-type") or request_headers.get("X-Amz-Invocation-Type")
        kind = kind or "RequestResponse"
        payload = body.encode() if isinstance(body, str) else bytes(body or b"")
        _check_event(payload, kind)
        if kind == "DryRun":
            return b""
        deep = max(depth.get(), depth_of(request_headers.get("X-Amzn-Trace-Id")))
        if deep >= RECURSION_MAX:
            message = "Lambda has detected a recursive loop of invocations, and stopped it."
            raise AwsError(400, "RecursiveInvocationException", {"Message": message, "Type": "User"})
        call = self.call(fn, payload or b"{}", new_request_id(), deep, qualifier_used.get())
        context = request_headers.get("X-Amz-Client-Context")
        if context:
            call.headers["Lambda-Runtime-Client-Context"] = base64.b64decode(context).decode()
        response_headers["x-amzn-RequestId"] = call.request_id
        if kind == "Event":
            self.accept(fn, call)
            return b""
        try:
            answer = self.service.invoke(call)
        except Throttled as throttled:
            raise _throttle(throttled) from None
        response_headers["X-Amz-Executed-Version"] = answer.version
        response_headers["x-amz-log-result"] = answer.log_tail
        if answer.function_error:
            response_headers["x-amz-function-error"] = answer.function_error
        return answer.payload

    def accept(self, fn: LambdaFunction, call: Call) -> None:
        """Take an event over for asynchronous invocation."""
        backend = lambda_backends[fn.account_id][fn.region]
        name, used = fn.function_name, call.invoked_arn.partition(f":function:{fn.function_name}")[2][1:] or None
        deep = depth_of(call.headers["Lambda-Runtime-Trace-Id"]) - 1

        def attempt() -> Answer:
            # What the function is now, not what it was: code and limits may have changed, or it may be gone.
            try:
                _, now = self.resolve(backend, name, used)
            except (UnknownFunctionException, UnknownAliasException):
                raise LookupError(f"{name} was deleted") from None
            again = self.call(now, call.payload, call.request_id, deep, used)
            again.headers.update({key: value for key, value in call.headers.items() if key not in again.headers})
            return self.service.invoke(again)

        try:
            self.asynchronous.accept(
                request_id=call.request_id,
                arn=call.invoked_arn
                if ":" in call.invoked_arn.split(":function:")[1]
                else f"{call.invoked_arn}:$LATEST",
                payload=call.payload,
                promise=_promise(fn),
                attempt=attempt,
                zero_concurrency=lambda: _reserved(fn)[0] == 0,
            )
        except Throttled as throttled:
            raise _throttle(throttled) from None

    def provision(self, backend: LambdaBackend, name: str) -> None:
        """Have each version of a function provisioned as its number and its aliases ask for."""
        versions = [fn for fn in backend.list_versions_by_function(name) if str(fn.version).isdigit()]
        for fn in versions:
            arn = _unqualified(fn)
            wanted = 0
            for (other, qualifier), count in list(self._provisioned.items()):
                if other == arn and backend.get_function(name, qualifier) is fn:
                    wanted += count
            if wanted or self.service.provisioned(arn, str(fn.version))[0]:
                self.service.provision(self.function(fn), wanted)

    def call(self, fn: LambdaFunction, payload: bytes, request_id: str, deep: int, used: str | None) -> Call:
        """Turn one invocation of moto's into one of ours; ``used`` is the qualifier that the caller used."""
        function = self.function(fn)
        invoked = f"{function.arn}:{used}" if used else function.arn
        if not used and function.version != "$LATEST":
            invoked = f"{function.arn}:{function.version}"
        root = f"1-{int(time.time()):08x}-{random.getrandbits(96):024x}"
        lineage = f"1:{abs(hash(function.arn)) & 0xFFFFFFFF:08x}:{deep + 1}"
        trace = f"Root={root};Parent={random.getrandbits(64):016x};Sampled=0;Lineage={lineage}"
        reserved, elsewhere = _reserved(fn)
        headers = {"Lambda-Runtime-Invoked-Function-Arn": invoked, "Lambda-Runtime-Trace-Id": trace}
        return Call(function, payload, request_id, invoked, headers, reserved, elsewhere)

    def function(self, fn: LambdaFunction) -> Function:
        """Return what is needed to run a function of moto's.

        Raises
        ------
        AwsError
            for what cannot run here: an image, or another language
        """
        runtime = fn.run_time or ""
        if fn.package_type != "Zip" or not runtime.startswith("python"):
            what = "a container image" if fn.package_type != "Zip" else f"Runtime {runtime or 'none'}"
            message = f"The local cloud runs zip packages of Python functions; {fn.function_name} has {what}."
            raise AwsError(502, "InvalidRuntimeException", {"Message": message, "Type": "User"})
        local = getattr(fn, "local", {})
        backend = lambda_backends[fn.account_id][fn.region]
        layers = []
        for layer in fn.layers:
            version = backend.layers_versions_by_arn(layer["Arn"])
            if version is not None and version.code_bytes:
                layers.append(self.store.unpacked(version.code_bytes, version.code_digest))
        logging_config = local.get("LoggingConfig", {})
        return Function(
            arn=_unqualified(fn),
            name=fn.function_name,
            version=str(fn.version),
            handler=fn.handler or "",
            runtime=runtime,
            timeout_s=float(fn.timeout),
            memory_mb=int(fn.memory_size),
            code=self.store.unpacked(fn.code_bytes, fn.code_digest),
            layers=tuple(layers),
            variables=tuple(sorted((fn.environment_vars or {}).items())),
            log_group=logging_config.get("LogGroup") or fn.logs_group_name,
            log_format=logging_config.get("LogFormat", "Text"),
            log_level=logging_config.get("ApplicationLogLevel"),
            system_log_level=logging_config.get("SystemLogLevel", "INFO"),
            region=fn.region,
            architecture=fn.architectures[0],
            role=fn.role,
            snapstart=local.get("SnapStart", {}).get("ApplyOn") == "PublishedVersions" and str(fn.version).isdigit(),
            identity=local.get("identity", ""),
        )

    def respond(self, request: LambdaResponse) -> Any:
        """Answer the Invoke operation as Lambda does: statuses, headers, and no body where there is none."""
        name = unquote(request.path.rsplit("/", 2)[-2])
        headers: dict[str, Any] = {"content-type": "application/json"}
        payload = request.backend.invoke(name, request._get_param("Qualifier"), request.body, request.headers, headers)
        kind = request.headers.get("X-Amz-Invocation-Type") or "RequestResponse"
        if request.headers.get("X-Amz-Log-Type") != "Tail":
            headers.pop("x-amz-log-result", None)
        status = {"Event": 202, "DryRun": 204}.get(kind, 200)
        headers["status"] = str(status)
        return status, headers, payload

    # What moto's Lambda doesn't have.

    def _more_operations(self) -> dict[str, Callable[[LambdaResponse], Any]]:
        bridge = self

        def function_and_alias(request: LambdaResponse) -> tuple[LambdaFunction, str]:
            name = unquote(request.path.split("/functions/")[1].split("/")[0])
            qualifier = request._get_param("Qualifier") or ""
            if not qualifier or qualifier == "$LATEST":
                message = "Provisioned Concurrency Configs cannot be applied to unpublished function versions."
                raise InvalidParameterValueException(message)
            return request.backend.get_function(name, qualifier), qualifier

        def described(fn: LambdaFunction, qualifier: str) -> dict[str, Any]:
            wanted = bridge._provisioned[_unqualified(fn), qualifier]
            _, there, broken = bridge.service.provisioned(_unqualified(fn), str(fn.version))
            there = min(wanted, there)
            found = {
                "RequestedProvisionedConcurrentExecutions": wanted,
                "AvailableProvisionedConcurrentExecutions": there,
                "AllocatedProvisionedConcurrentExecutions": there,
                "Status": "READY" if there >= wanted else "FAILED" if broken else "IN_PROGRESS",
                "LastModified": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S+0000"),
            }
            return found | ({"StatusReason": "FUNCTION_ERROR_INIT_FAILURE"} if found["Status"] == "FAILED" else {})

        def put_provisioned_concurrency_config(request: LambdaResponse) -> Any:
            fn, qualifier = function_and_alias(request)
            count = int(request.json_body["ProvisionedConcurrentExecutions"])
            room = bridge.service.limits.max_environments
            if not 1 <= count <= room:
                message = f"ProvisionedConcurrentExecutions must be between 1 and {room} on this machine, got {count}"
                raise InvalidParameterValueException(message)
            bridge.function(fn)  # says so at once where it cannot run here
            bridge._provisioned[_unqualified(fn), qualifier] = count
            bridge.provision(request.backend, fn.function_name)
            return 202, {"status": 202}, json.dumps(described(fn, qualifier))

        def get_provisioned_concurrency_config(request: LambdaResponse) -> Any:
            if request._get_param("List"):
                return list_provisioned_concurrency_configs(request)
            fn, qualifier = function_and_alias(request)
            if (_unqualified(fn), qualifier) not in bridge._provisioned:
                message = f"No Provisioned Concurrency Config found for this function {fn.function_arn}"
                raise AwsError(404, "ProvisionedConcurrencyConfigNotFoundException", {"message": message})
            return 200, {}, json.dumps(described(fn, qualifier))

        def delete_provisioned_concurrency_config(request: LambdaResponse) -> Any:
            fn, qualifier = function_and_alias(request)
            bridge._provisioned.pop((_unqualified(fn), qualifier), None)
            bridge.provision(request.backend, fn.function_name)
            return 204, {"status": 204}, ""

        def list_provisioned_concurrency_configs(request: LambdaResponse) -> Any:
            name = unquote(request.path.split("/functions/")[1].split("/")[0])
            arn = _unqualified(request.backend.get_function(name))
            configs = [
                {
                    "FunctionArn": f"{arn}:{qualifier}",
                    **described(request.backend.get_function(name, qualifier), qualifier),
                }
                for other, qualifier in bridge._provisioned
                if other == arn
            ]
            return 200, {}, json.dumps({"ProvisionedConcurrencyConfigs": configs})

        def get_account_settings(request: LambdaResponse) -> Any:
            functions = list(request.backend.list_functions())
            reserved = sum(int(fn.reserved_concurrency or 0) for fn in functions)
            concurrency = bridge.service.limits.concurrency
            return (
                200,
                {},
                json.dumps(
                    {
                        "AccountLimit": {
                            "TotalCodeSize": (75 * 1024**3),
                            "CodeSizeUnzipped": UNPACKED_MAX_BYTES,
                            "CodeSizeZipped": int(tables.limit("lambda.zip_upload").max * 1024 * 1024),
                            "ConcurrentExecutions": concurrency,
                            "UnreservedConcurrentExecutions": concurrency - reserved,
                        },
                        "AccountUsage": {
                            "TotalCodeSize": sum(fn.code_size for fn in functions),
                            "FunctionCount": len(functions),
                        },
                    }
                ),
            )

        operations = (
            put_provisioned_concurrency_config,
            get_provisioned_concurrency_config,
            delete_provisioned_concurrency_config,
            list_provisioned_concurrency_configs,
            get_account_settings,
        )
        return {operation.__name__: operation for operation in operations}


# What a function's configuration may hold and moto forgets.
EXTRAS = ("DeadLetterConfig", "LoggingConfig", "SnapStart")


def _extras(fn: LambdaFunction) -> dict[str, Any]:
    local = getattr(fn, "local", {})
    logging_config = {"LogFormat": "Text", "LogGroup": fn.logs_group_name, **local.get("LoggingConfig", {})}
    if logging_config["LogFormat"] == "JSON":
        logging_config = {"ApplicationLogLevel": "INFO", "SystemLogLevel": "INFO", **logging_config}
    found: dict[str, Any] = {"LoggingConfig": logging_config}
    if "DeadLetterConfig" in local:
        found["DeadLetterConfig"] = local["DeadLetterConfig"]
    if "SnapStart" in local:
        on = local["SnapStart"].get("ApplyOn") == "PublishedVersions" and str(fn.version).isdigit()
        found["SnapStart"] = {**local["SnapStart"], "OptimizationStatus": "On" if on else "Off"}
    return found


def _unqualified(fn: LambdaFunction) -> str:
    return ":".join(fn.function_arn.split(":")[:7])


def _reserved(fn: LambdaFunction) -> tuple[int | None, int]:
    """Return the concurrency reserved for a function, and for all others of its account together."""
    mine, others = None, 0
    for name, entry in list(lambda_backends[fn.account_id][fn.region]._lambdas._functions.items()):
        latest = entry["latest"]
        reserved = getattr(latest, "reserved_concurrency", None)
        if name == fn.function_name:
            mine = None if reserved is None else int(reserved)
        elif reserved is not None:
            others += int(reserved)
    return mine, others


def _promise(fn: LambdaFunction) -> Promise:
    """Return what a function's configuration says about asynchronous events."""
    latest = lambda_backends[fn.account_id][fn.region]._lambdas._functions.get(fn.function_name, {}).get("latest") or fn
    config = latest.event_invoke_config[-1].config if latest.event_invoke_config else {}
    destinations = config.get("DestinationConfig", {})
    default = Promise()
    return Promise(
        retries=int(config.get("MaximumRetryAttempts", default.retries)),
        max_age_s=float(config.get("MaximumEventAgeInSeconds", default.max_age_s)),
        on_success=destinations.get("OnSuccess", {}).get("Destination"),
        on_failure=destinations.get("OnFailure", {}).get("Destination"),
        dead_letter=getattr(fn, "local", {}).get("DeadLetterConfig", {}).get("TargetArn"),
    )


def _check_event(payload: bytes, kind: str) -> None:
    """Refuse an event that is too large, or isn't JSON, as Lambda does."""
    if len(payload) > (ASYNC_MAX_BYTES if kind == "Event" else SYNC_MAX_BYTES):
        raise AwsError(413, "RequestTooLargeException", report.request_too_large(len(payload), kind))
    if payload:
        try:
            json.loads(payload)
        except ValueError as error:
            message = f"Could not parse request body into json: Could not parse payload into json: {error}"
            raise AwsError(400, "InvalidRequestContentException", {"Message": message, "Type": "User"}) from None


def _check_variables(spec: Mapping[str, Any]) -> None:
    variables = (spec.get("Environment") or {}).get("Variables") or {}
    if len(json.dumps(variables).encode()) > VARIABLES_MAX_BYTES:
        raise InvalidParameterValueException(
            "Lambda was unable to configure your environment variables because the environment variables you have "
            f"provided exceeded the {VARIABLES_MAX_BYTES // 1024}KB limit."
        )


def _inspect(data: bytes) -> None:
    if not data:
        raise InvalidParameterValueException("Uploaded file must be a non-empty zip")
    try:
        inspect_zip(data, max_unzipped_bytes=UNPACKED_MAX_BYTES)
    except BadPackage as bad:
        raise InvalidParameterValueException(str(bad)) from None


def _take_version_of_object(fn: LambdaFunction, spec: Mapping[str, Any]) -> None:
    """Give a function the version of its package's object that was asked for; moto takes the newest."""
    wanted = spec.get("S3ObjectVersion")
    if not wanted:
        return
    backend = s3_backends[fn.account_id]["aws"]
    try:
        key = backend.get_object(spec["S3Bucket"], spec["S3Key"], version_id=wanted)
    except MissingKey:
        key = None
    if key is None:
        message = "Error occurred while GetObject. S3 Error Code: NoSuchVersion. S3 Error Message: "
        raise InvalidParameterValueException(f"{message}The specified version does not exist.")
    data, digest = key.value, hashlib.sha256(key.value)
    fn.code_bytes, fn.code_size = data, len(data)
    fn.code_sha_256, fn.code_digest = base64.b64encode(digest.digest()).decode(), digest.hexdigest()


def _throttle(throttled: Throttled) -> AwsError:
    body = report.throttle(throttled.reason)
    return AwsError(429, "TooManyRequestsException", {**body, "message": str(throttled)})


@contextlib.contextmanager
def chain_depth(trace_header: str | None) -> Iterator[None]:
    """Hold, for one request to the cloud, how deep in a chain of functions it stands."""
    before = depth.set(depth_of(trace_header))
    try:
        yield
    finally:
        depth.reset(before)


def reset() -> None:
    """Forget everything that moto holds, in all accounts and Regions."""
    from moto.core.base_backend import BackendDict
    from moto.core.model_instances import reset_model_data

    BackendDict.reset()
    reset_model_data()
