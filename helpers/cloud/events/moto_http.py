"""Function URLs in moto's Lambda, and the way from a front door to a function of moto's.

With the files of :mod:`helpers.cloud` that are called ``moto_*``, one of the few places that touch moto's internals.
:class:`UrlConfigs` keeps the configurations, which moto has without qualifiers, without a list and with URLs that
answer nothing. :class:`Functions` asks a function's resource-based policy, and runs what it allows.
"""

from __future__ import annotations

import json
import os
import re
import secrets
import string
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from urllib.parse import unquote

from moto.awslambda import urls as lambda_urls
from moto.awslambda.exceptions import InvalidParameterValueException, UnknownAliasException, UnknownFunctionException
from moto.awslambda.models import LambdaBackend, LambdaFunction, lambda_backends
from moto.awslambda.responses import LambdaResponse

from helpers.cloud.calls import Answer, Throttled, new_request_id
from helpers.cloud.events.http import Caller, Request, Undelivered
from helpers.cloud.events.permissions import allows
from helpers.cloud.moto_bridge import Bridge
from helpers.cloud.moto_functions import AwsError, check_event, local, resolve, throttle, unqualified
from helpers.cloud.moto_state import depth
from helpers.cloud.quiet import Quiet

INVOKE, INVOKE_URL = "lambda:InvokeFunction", "lambda:InvokeFunctionUrl"
THROTTLE = {"Reason": "ConcurrentInvocationLimitExceeded", "Type": "User", "message": "Rate Exceeded."}
URL_ID = string.ascii_lowercase + string.digits
PATIENCE_S = 30.0  # functions that call each other hold places while they wait for more
PLACES_MIN, PLACES_PER_CORE = 64, 32  # requests through front doors that are served at once
INIT_S = 10.0  # what a cold start may add to a function's own timeout
KEY = re.compile(r"Credential=([^/,\s]+)/")
lambda_urls.url_paths.setdefault(
    r"{0}/(?P<api_version>[^/]+)/functions/(?P<function_name>[\w_:%-]+)/urls/?$", LambdaResponse.dispatch
)


@dataclass
class UrlConfig:
    """The configuration of one function URL."""

    id: str
    account: str
    region: str
    function: str
    qualifier: str | None
    arn: str
    identity: str
    settings: dict[str, Any]
    created: str
    modified: str = field(default="")

    @property
    def host(self) -> str:
        """The host name that it would have on AWS."""
        return f"{self.id}.lambda-url.{self.region}.on.aws"


class UrlConfigs:
    """The function URLs of a session.

    Parameters
    ----------
    address : the local URL of a function URL, by its id
    """

    def __init__(self, address: Callable[[str], str]) -> None:
        self._address = address
        self._known: dict[str, UrlConfig] = {}

    def get(self, url_id: str) -> UrlConfig | None:
        """Return a URL's configuration as long as its function is there."""
        config = self._known.get(url_id)
        return config if config is not None and self._alive(config) else None

    def operations(self) -> dict[str, Callable[[LambdaResponse], Any]]:
        """Return Lambda's operations on function URLs by the names under which moto looks for them."""
        urls = self

        def create_function_url_config(request: LambdaResponse) -> Any:
            fn, qualifier = _function(request)
            if urls._find(fn, qualifier) is not None:
                message = f"Failed to create function url config for [functionArn = {_arn(fn, qualifier)}]. "
                message += f"Error message:  FunctionUrlConfig exists for this Lambda function: {_arn(fn, qualifier)}"
                raise AwsError(409, "ResourceConflictException", {"Message": message, "Type": "User"})
            config = UrlConfig(
                id="".join(secrets.choice(URL_ID) for _ in range(32)),
                account=fn.account_id,
                region=fn.region,
                function=fn.function_name,
                qualifier=qualifier,
                arn=_arn(fn, qualifier),
                identity=local(fn)["identity"],
                settings=_settings({"InvokeMode": "BUFFERED"}, request.json_body),
                created=_now(),
            )
            urls._known[config.id] = config
            return 201, {"status": 201}, json.dumps(urls._written(config))

        def get_function_url_config(request: LambdaResponse) -> Any:
            return 200, {}, json.dumps(urls._written(urls._one(request)))

        def update_function_url_config(request: LambdaResponse) -> Any:
            config = urls._one(request)
            config.settings = _settings(config.settings, request.json_body)
            config.modified = _now()
            return 200, {}, json.dumps(urls._written(config))

        def delete_function_url_config(request: LambdaResponse) -> Any:
            del urls._known[urls._one(request).id]
            return 204, {"status": 204}, ""

        def list_function_url_configs(request: LambdaResponse) -> Any:
            fn, _ = _function(request)
            found = [one for one in list(urls._known.values()) if urls._alive(one) and _same(one, fn)]
            return 200, {}, json.dumps({"FunctionUrlConfigs": [urls._written(one) for one in found]})

        found = (
            create_function_url_config,
            get_function_url_config,
            update_function_url_config,
            delete_function_url_config,
            list_function_url_configs,
        )
        return {operation.__name__: operation for operation in found}

    def _written(self, config: UrlConfig) -> dict[str, Any]:
        return {
            "FunctionUrl": self._address(config.id),
            "FunctionArn": config.arn,
            **config.settings,
            "CreationTime": config.created,
            "LastModifiedTime": config.modified or config.created,
        }

    def _one(self, request: LambdaResponse) -> UrlConfig:
        fn, qualifier = _function(request)
        config = self._find(fn, qualifier)
        if config is None:
            message = "The resource you requested does not exist."
            raise AwsError(404, "ResourceNotFoundException", {"Message": message, "Type": "User"})
        return config

    def _find(self, fn: LambdaFunction, qualifier: str | None) -> UrlConfig | None:
        wanted = (one for one in list(self._known.values()) if one.qualifier == qualifier and _same(one, fn))
        return next(wanted, None)

    def _alive(self, config: UrlConfig) -> bool:
        try:
            fn = lambda_backends[config.account][config.region].get_function(config.function, config.qualifier)
        except (UnknownFunctionException, UnknownAliasException):
            fn = None
        if fn is None or local(fn)["identity"] != config.identity:
            self._known.pop(config.id, None)
            return False
        return True


class Functions:
    """The way to the functions: permission, limit of time, invocation.

    Parameters
    ----------
    bridge : runs functions
    is_known : whether an access key is the session's, or one that local IAM or STS issued
    note : takes what AWS would refuse and this cloud lets pass: source, target, cause
    quiet : hears of functions that go on although their door waits no longer
    """

    def __init__(
        self,
        bridge: Bridge,
        is_known: Callable[[str], bool],
        note: Callable[[str, str, str], None],
        quiet: Quiet | None = None,
    ) -> None:
        self._bridge, self._is_known, self._note = bridge, is_known, note
        self._left: set[threading.Event] = set()
        self._quiet = quiet or Quiet()
        self._quiet.watch("functions for which nobody waits", lambda: len(self._left))
        self._noted: set[str] = set()
        # AWS has a place for each of a thousand requests. Here they would start more processes at once than come up
        # within the time for INIT: the others wait for a process that is there.
        places = min(bridge.service.limits.max_environments, max(PLACES_MIN, PLACES_PER_CORE * (os.cpu_count() or 1)))
        self._places = threading.BoundedSemaphore(places)

    def invoke(self, arn: str, event: Any, *, caller: Caller, limit_s: float, trace: str) -> Answer:
        """Run a function.

        Parameters
        ----------
        arn : of the function; with the qualifier, if there is one
        event : becomes JSON
        caller : whom the function's policy must allow
        limit_s : how long the door waits; the function goes on beyond that, as on AWS
        trace : the request's trace, ``Root=…``

        Raises
        ------
        Undelivered
            when no function answered
        """
        used, fn = self._find(arn)
        self._admit(fn, arn, caller)
        try:
            payload = json.dumps(event, separators=(",", ":"), ensure_ascii=False).encode("utf-8", "surrogatepass")
            check_event(payload, "RequestResponse")
            call = self._bridge.call(fn, payload, new_request_id(), depth.get(), used)
        except AwsError as error:
            kind = "large" if error.code == 413 else "broken"
            raise Undelivered(kind, str(error.message or error.description), json.loads(error.description)) from None
        header = call.headers["Lambda-Runtime-Trace-Id"]
        call.headers["Lambda-Runtime-Trace-Id"] = f"{trace};{header.partition(';')[2]}"

        def run() -> Answer:
            if not self._places.acquire(timeout=PATIENCE_S):
                cause = f"{fn.function_name} was throttled: this machine had no place for it within {PATIENCE_S:g} s"
                raise Undelivered("throttled", cause, THROTTLE)
            try:
                return self._bridge.service.invoke(call)
            except Throttled as throttled:
                body = json.loads(throttle(throttled).description)
                raise Undelivered("throttled", f"{fn.function_name} was throttled: {throttled.reason}", body) from None
            finally:
                self._places.release()

        if float(fn.timeout) + INIT_S <= limit_s:
            return run()
        return self._within(limit_s, run, fn.function_name)

    def check(self, arn: str, caller: Caller) -> None:
        """Raise :class:`Undelivered` where a function is missing, or does not let somebody in."""
        _, fn = self._find(arn)
        self._admit(fn, arn, caller)

    def who_signed(self, request: Request) -> str | None:
        """Return the access key that a request is signed with, if the cloud knows it; signatures are not verified."""
        found = KEY.search(request.header("authorization")) or re.search(
            r"X-Amz-Credential=([^%/&]+)(?:%2F|/)", request.query
        )
        return found[1] if found and self._is_known(found[1]) else None

    def _find(self, arn: str) -> tuple[str | None, LambdaFunction]:
        parts = arn.split(":")
        if len(parts) < 7 or parts[2] != "lambda":
            raise Undelivered("missing", f"{arn!r} is not the ARN of a function")
        backend: LambdaBackend = lambda_backends[parts[4]][parts[3]]
        try:
            return resolve(backend, ":".join(parts[:7]), parts[7] if len(parts) > 7 else None)
        except (UnknownFunctionException, UnknownAliasException):
            raise Undelivered("missing", f"there is no function {arn}") from None

    def _admit(self, fn: LambdaFunction, arn: str, caller: Caller) -> None:
        if caller.trusted:
            return
        latest = lambda_backends[fn.account_id][fn.region].get_function(fn.function_name)
        statements = [*latest.policy.statements, *(fn.policy.statements if fn is not latest else ())]
        if caller.url_auth is None:
            if not any(self._allowed(statements, INVOKE, source, arn, fn, caller) for source in caller.sources):
                raise Undelivered("denied", _denied(fn, arn, caller))
            return
        fitting = [one for one in statements if one.get("FunctionUrlAuthType") in (None, caller.url_auth)]
        if not self._allowed(fitting, INVOKE_URL, "", arn, fn, caller):
            raise Undelivered("denied", _denied(fn, arn, caller))
        if not self._allowed(fitting, INVOKE, "", arn, fn, caller) and arn not in self._noted:
            self._noted.add(arn)
            self._note("function URL", arn, URL_NEEDS_BOTH)

    def _within(self, limit_s: float, run: Callable[[], Answer], name: str) -> Answer:
        """Run on a thread of its own, and wait so long."""
        done = threading.Event()
        found: list[Any] = []

        def work() -> None:
            try:
                found.append(run())
            except BaseException as error:
                found.append(error)
            done.set()
            self._left.discard(done)
            self._quiet.changed()

        threading.Thread(target=work, name="local-cloud-door", daemon=True).start()
        if not done.wait(limit_s):
            self._left.add(done)
            if done.is_set():  # just now
                self._left.discard(done)
            self._quiet.changed()
            raise Undelivered("slow", f"{name} did not answer within {limit_s:g} s; it goes on running, and is billed")
        if isinstance(found[0], BaseException):
            raise found[0]
        return found[0]

    @staticmethod
    def _allowed(
        statements: list[Mapping[str, Any]], action: str, source: str, arn: str, fn: LambdaFunction, caller: Caller
    ) -> bool:
        return allows(
            statements, service=caller.principal, action=action, resource=arn, source_arn=source, account=fn.account_id
        )


URL_NEEDS_BOTH = (
    "AWS refuses this since October 2025: the policy must allow lambda:InvokeFunction too "
    '(add_permission with Action="lambda:InvokeFunction", Principal="*", InvokedViaFunctionUrl=True).'
)


def _denied(fn: LambdaFunction, arn: str, caller: Caller) -> str:
    if caller.url_auth is not None:
        return (
            f"No resource-based policy lets everybody call {arn} through its URL: "
            f'add_permission(FunctionName="{fn.function_name}", StatementId="url", Action="{INVOKE_URL}", '
            f'Principal="*", FunctionUrlAuthType="{caller.url_auth}"), and the same for {INVOKE} with '
            "InvokedViaFunctionUrl=True."
        )
    return (
        f"{caller.principal} is not authorized to perform {INVOKE} on {arn} for {caller.sources[0]}: "
        f'add_permission(FunctionName="{fn.function_name}", StatementId="gateway", Action="{INVOKE}", '
        f'Principal="{caller.principal}", SourceArn=...).'
    )


def _function(request: LambdaResponse) -> tuple[LambdaFunction, str | None]:
    """Return the function that an operation names, and the alias if it names one."""
    name = unquote(request.path.split("/functions/")[1].split("/")[0])
    qualifier = request._get_param("Qualifier") or None
    if qualifier is not None and (qualifier.isdigit() or qualifier == "$LATEST"):
        raise InvalidParameterValueException("A function URL belongs to the function or to an alias, not to a version.")
    return request.backend.get_function(name, qualifier), qualifier


def _settings(before: Mapping[str, Any], given: Mapping[str, Any]) -> dict[str, Any]:
    settings = {**before, **{key: given[key] for key in ("AuthType", "Cors", "InvokeMode") if given.get(key)}}
    if settings.get("AuthType") not in ("NONE", "AWS_IAM"):
        raise InvalidParameterValueException("AuthType must be NONE or AWS_IAM.")
    if settings.get("InvokeMode") == "RESPONSE_STREAM":
        # Python functions can't stream without a runtime of their own.
        raise InvalidParameterValueException("The local cloud buffers answers: InvokeMode must be BUFFERED.")
    return settings


def _arn(fn: LambdaFunction, qualifier: str | None) -> str:
    return f"{unqualified(fn)}:{qualifier}" if qualifier else unqualified(fn)


def _same(config: UrlConfig, fn: LambdaFunction) -> bool:
    return (config.account, config.region, config.function) == (fn.account_id, fn.region, fn.function_name)


def _now() -> str:
    return datetime.fromtimestamp(time.time(), UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
