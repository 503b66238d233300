"""Where moto's Lambda becomes ours.

moto keeps the control plane (functions, versions, aliases, layers, permissions); what it would run in Docker containers
runs in our environments instead. :class:`Bridge` replaces a few methods of moto's classes from :meth:`Bridge.install`
to :meth:`Bridge.remove`. Only this file and its neighbours :mod:`~helpers.cloud.moto_functions` (moto's functions as
ours), :mod:`~helpers.cloud.moto_operations` (what moto lacks) and :mod:`~helpers.cloud.moto_state` (credentials, logs)
touch moto's internals; :mod:`~helpers.cloud.server` starts moto's server.
"""

from __future__ import annotations

import base64
import copy
import random
import time
from contextvars import ContextVar
from typing import Any
from urllib.parse import unquote

from moto.awslambda.exceptions import InvalidParameterValueException, UnknownAliasException, UnknownFunctionException
from moto.awslambda.models import LambdaBackend, LambdaFunction, LambdaStorage, LayerVersion, lambda_backends
from moto.awslambda.responses import LambdaResponse
from moto.awslambda_simple.models import LambdaSimpleBackend
from moto.core.responses import BaseResponse

from helpers.cloud.calls import Answer, Call, Throttled, new_request_id
from helpers.cloud.code import Store
from helpers.cloud.events.asynchronous import CALLER, Asynchronous, Event
from helpers.cloud.events.moto_buckets import Buckets
from helpers.cloud.events.moto_delivery import Delivery, first_payload
from helpers.cloud.events.moto_subscriptions import Subscriptions
from helpers.cloud.moto_functions import (
    EXTRAS,
    AwsError,
    as_function,
    check_event,
    check_variables,
    concurrency,
    extras,
    inspect,
    local,
    promise,
    resolve,
    take_version_of_object,
    throttle,
    unqualified,
)
from helpers.cloud.moto_operations import Operations
from helpers.cloud.moto_state import depth, depth_of
from helpers.cloud.problems import Problems
from helpers.cloud.service import Service

RECURSION_MAX = 16  # AWS stops a loop of functions after about sixteen rounds
RECURSION = (
    "Lambda has detected your function being invoked in a recursive loop with other AWS resources and stopped your "
    "function's invocation."
)

# The qualifier that the caller used.
qualifier_used: ContextVar[str | None] = ContextVar("qualifier_used", default=None)


class Bridge:
    """moto's Lambda, running on a service.

    Parameters
    ----------
    service : runs what is invoked
    asynchronous : takes events over
    store : unpacks packages
    problems : gets deliveries that fail
    strict : ask for a service's permission to invoke a function, and answer asynchronous calls at once, as AWS does
    """

    def __init__(
        self, service: Service, asynchronous: Asynchronous, store: Store, problems: Problems, *, strict: bool = True
    ) -> None:
        self.service, self.asynchronous, self.store, self.problems = service, asynchronous, store, problems
        self.strict = strict
        self.delivery = Delivery(self.deliver, problems, strict=strict, flows=asynchronous.flows)
        self._sources = Buckets(self.delivery), Subscriptions(self.delivery)
        self._saved: list[tuple[type, str, Any]] = []
        self._operations = Operations(service, store)
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
            check_variables(spec)
            fn.local = {key: spec[key] for key in EXTRAS if spec.get(key)}
            fn.local["identity"] = new_request_id()
            first["__init__"](fn, *arguments, **named)

        def get_configuration(fn: LambdaFunction, on_create: bool = False) -> dict[str, Any]:
            return first["get_configuration"](fn, on_create) | extras(fn)

        def update_configuration(fn: LambdaFunction, updates: dict[str, Any]) -> dict[str, Any]:
            check_variables(updates)
            fn.local = {**local(fn), **{key: updates[key] for key in EXTRAS if key in updates}}
            return first["update_configuration"](fn, updates)

        def _set_function_code(fn: LambdaFunction, spec: dict[str, Any]) -> None:
            before = {name: value for name, value in vars(fn).items() if name.startswith("code")}
            before["code"] = copy.copy(before["code"])
            set_code(fn, spec)
            try:
                if not spec.get("DryRun"):
                    take_version_of_object(fn, spec)
                if "ZipFile" in spec or getattr(fn, "code_bytes", b""):
                    inspect(fn.code_bytes)
            except InvalidParameterValueException:
                vars(fn).update(before)
                raise

        def layer__init__(layer: LayerVersion, *arguments: Any, **named: Any) -> None:
            layer_init(layer, *arguments, **named)
            if layer.code_bytes:
                inspect(layer.code_bytes)

        def del_function(storage: LambdaStorage, name_or_arn: str, qualifier: str | None = None) -> None:
            fn = storage.get_function_by_name_or_arn_with_qualifier(name_or_arn, qualifier)
            delete(storage, name_or_arn, qualifier)
            bridge._operations.forget(unqualified(fn), qualifier)
            version = None if qualifier is None and str(fn.version) == "$LATEST" else str(fn.version)
            bridge.service.retire(unqualified(fn), version)

        def update_alias(backend: LambdaBackend, name: str, function_name: str, *arguments: Any, **named: Any) -> Any:
            alias = move_alias(backend, name, function_name, *arguments, **named)
            bridge._operations.provision(backend, function_name)
            return alias

        def delete_alias(backend: LambdaBackend, name: str, function_name: str) -> None:
            fn = backend.get_function(function_name)
            remove_alias(backend, name, function_name)
            if bridge._operations.forget(unqualified(fn), name):
                bridge._operations.provision(backend, function_name)

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
            used, fn = resolve(backend, function_name, qualifier)
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
            identity = local(fn)["identity"]
            number = bridge._published[identity] = max(version, bridge._published.get(identity, 0) + 1)
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
            *(one for source in self._sources for one in source.replacements()),
            *((LambdaResponse, name, method) for name, method in self._operations.methods().items()),
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

    def invoke(self, fn: LambdaFunction, body: Any, request_headers: Any, response_headers: Any) -> bytes:
        """Serve one invocation, whoever it comes from; the seam through which all of moto's callers pass."""
        kind = request_headers.get("x-amz-invocation-type") or request_headers.get("X-Amz-Invocation-Type")
        kind = kind or "RequestResponse"
        payload = body.encode() if isinstance(body, str) else bytes(body or b"")
        check_event(payload, kind)
        if kind == "DryRun":
            return b""
        deep = max(depth.get(), depth_of(request_headers.get("X-Amzn-Trace-Id")))
        if deep >= RECURSION_MAX:
            self.problems.record("a function", fn.function_arn, f"RecursiveInvocationException: {RECURSION}")
            raise AwsError(400, "RecursiveInvocationException", {"Message": RECURSION, "Type": "User"})
        call = self.call(fn, payload or b"{}", new_request_id(), deep, qualifier_used.get())
        context = request_headers.get("X-Amz-Client-Context")
        if context:
            call.headers["Lambda-Runtime-Client-Context"] = base64.b64decode(context).decode()
        response_headers["x-amzn-RequestId"] = call.request_id
        if kind == "Event":
            accepted = self.accept(fn, call)
            return b"" if self.strict else first_payload(accepted)
        try:
            answer = self.service.invoke(call)
        except Throttled as throttled:
            raise throttle(throttled) from None
        response_headers["X-Amz-Executed-Version"] = answer.version
        response_headers["x-amz-log-result"] = answer.log_tail
        if answer.function_error:
            response_headers["x-amz-function-error"] = answer.function_error
        return answer.payload

    def deliver(self, arn: str, payload: bytes, source: str, way: tuple[str, str] = CALLER) -> Event:
        """Take over the event of a source that invokes a function asynchronously; a loop is stopped here."""
        _, _, _, region, account, _ = arn.split(":", 5)
        used, fn = resolve(lambda_backends[account][region], arn, None)
        check_event(payload, "Event")
        deep = depth.get()
        stopped = f"RecursiveInvocationException: {RECURSION}" if deep >= RECURSION_MAX else None
        call = self.call(fn, payload, new_request_id(), deep, used)
        return self.accept(fn, call, source=source, way=way, stopped=stopped)

    def poll(self, arn: str, payload: bytes, deep: int) -> Answer:
        """Serve a batch of a queue or stream.

        Raises
        ------
        Throttled
            when a limit forbids it
        LookupError
            when the function is gone
        """
        _, _, _, region, account, _ = arn.split(":", 5)
        try:
            used, fn = resolve(lambda_backends[account][region], arn, None)
        except (UnknownFunctionException, UnknownAliasException):
            raise LookupError(f"Function not found: {arn}") from None
        return self.service.invoke(self.call(fn, payload, new_request_id(), deep, used))

    def accept(
        self,
        fn: LambdaFunction,
        call: Call,
        *,
        source: str = "an asynchronous invocation",
        way: tuple[str, str] = CALLER,
        stopped: str | None = None,
    ) -> Event:
        """Take an event over for asynchronous invocation."""
        backend = lambda_backends[fn.account_id][fn.region]
        name, used = fn.function_name, call.invoked_arn.partition(f":function:{fn.function_name}")[2][1:] or None
        deep = depth_of(call.headers["Lambda-Runtime-Trace-Id"]) - 1

        def attempt() -> Answer:
            # What the function is now, not what it was: code and limits may have changed, or it may be gone.
            try:
                _, now = resolve(backend, name, used)
            except (UnknownFunctionException, UnknownAliasException):
                raise LookupError(f"{name} was deleted") from None
            again = self.call(now, call.payload, call.request_id, deep, used)
            again.headers.update({key: value for key, value in call.headers.items() if key not in again.headers})
            return self.service.invoke(again)

        try:
            return self.asynchronous.accept(
                request_id=call.request_id,
                arn=call.invoked_arn
                if ":" in call.invoked_arn.split(":function:")[1]
                else f"{call.invoked_arn}:$LATEST",
                payload=call.payload,
                promise=promise(fn),
                attempt=attempt,
                zero_concurrency=lambda: concurrency(fn)[0] == 0,
                source=source,
                way=way,
                stopped=stopped,
            )
        except Throttled as throttled:
            raise throttle(throttled) from None

    def call(self, fn: LambdaFunction, payload: bytes, request_id: str, deep: int, used: str | None) -> Call:
        """Turn one invocation of moto's into one of ours; ``used`` is the qualifier that the caller used."""
        function = as_function(fn, self.store)
        invoked = f"{function.arn}:{used}" if used else function.arn
        if not used and function.version != "$LATEST":
            invoked = f"{function.arn}:{function.version}"
        root = f"1-{int(time.time()):08x}-{random.getrandbits(96):024x}"
        lineage = f"1:{abs(hash(function.arn)) & 0xFFFFFFFF:08x}:{deep + 1}"
        trace = f"Root={root};Parent={random.getrandbits(64):016x};Sampled=0;Lineage={lineage}"
        reserved, elsewhere = concurrency(fn)
        headers = {"Lambda-Runtime-Invoked-Function-Arn": invoked, "Lambda-Runtime-Trace-Id": trace}
        return Call(function, payload, request_id, invoked, headers, reserved, elsewhere)

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
