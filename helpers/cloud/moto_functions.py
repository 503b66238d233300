"""moto's functions as ours: what they are, what they promise, and what Lambda refuses.

With the other files called ``moto_*``, one of the few places that touch moto's internals.
"""

from __future__ import annotations

import base64
import hashlib
import json
import random
import re
from collections.abc import Mapping
from typing import Any

from moto.awslambda.exceptions import InvalidParameterValueException
from moto.awslambda.models import LambdaBackend, LambdaFunction, lambda_backends
from moto.core.exceptions import JsonRESTError
from moto.s3.exceptions import MissingKey
from moto.s3.models import s3_backends

from helpers import tables
from helpers.cloud import report
from helpers.cloud.calls import Throttled, new_request_id
from helpers.cloud.code import UNPACKED_MAX_BYTES, Store
from helpers.cloud.events.asynchronous import Promise
from helpers.cloud.machine import Function
from helpers.cloud.unpacking import BadPackage, inspect_zip

SYNC_MAX_BYTES = int(tables.limit("lambda.payload.sync").max * 1024 * 1024)
ASYNC_MAX_BYTES = int(tables.limit("lambda.payload.async").max * 1024 * 1024)
VARIABLES_MAX_BYTES = int(tables.limit("lambda.environment_variables").max * 1024)
PARTIAL_ARN = re.compile(r"^\d{12}:function:")

# What a function's configuration may hold and moto forgets.
EXTRAS = ("DeadLetterConfig", "LoggingConfig", "SnapStart")


class AwsError(JsonRESTError):
    """An error as Lambda answers it: a status, a type and a body."""

    def __init__(self, status: int, error_type: str, body: Mapping[str, Any]) -> None:
        super().__init__(error_type, str(body.get("message", body.get("Message", ""))))
        self.code = status
        self.description = json.dumps(dict(body))


def local(fn: LambdaFunction) -> dict[str, Any]:
    """Return what we keep with a function of moto's; one that was made before us gets it now."""
    return vars(fn).setdefault("local", {"identity": new_request_id()})


def resolve(backend: LambdaBackend, name: str, qualifier: str | None) -> tuple[str | None, LambdaFunction]:
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


def as_function(fn: LambdaFunction, store: Store) -> Function:
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
    ours = local(fn)
    backend = lambda_backends[fn.account_id][fn.region]
    layers = []
    for layer in fn.layers:
        version = backend.layers_versions_by_arn(layer["Arn"])
        if version is not None and version.code_bytes:
            layers.append(store.unpacked(version.code_bytes, version.code_digest))
    logging_config = ours.get("LoggingConfig", {})
    return Function(
        arn=unqualified(fn),
        name=fn.function_name,
        version=str(fn.version),
        handler=fn.handler or "",
        runtime=runtime,
        timeout_s=float(fn.timeout),
        memory_mb=int(fn.memory_size),
        code=store.unpacked(fn.code_bytes, fn.code_digest),
        layers=tuple(layers),
        variables=tuple(sorted((fn.environment_vars or {}).items())),
        log_group=logging_config.get("LogGroup") or fn.logs_group_name,
        log_format=logging_config.get("LogFormat", "Text"),
        log_level=logging_config.get("ApplicationLogLevel"),
        system_log_level=logging_config.get("SystemLogLevel", "INFO"),
        region=fn.region,
        architecture=fn.architectures[0],
        role=fn.role,
        snapstart=ours.get("SnapStart", {}).get("ApplyOn") == "PublishedVersions" and str(fn.version).isdigit(),
        identity=ours.get("identity", ""),
    )


def extras(fn: LambdaFunction) -> dict[str, Any]:
    """Return the parts of a function's configuration that moto forgets."""
    ours = local(fn)
    logging_config = {"LogFormat": "Text", "LogGroup": fn.logs_group_name, **ours.get("LoggingConfig", {})}
    if logging_config["LogFormat"] == "JSON":
        logging_config = {"ApplicationLogLevel": "INFO", "SystemLogLevel": "INFO", **logging_config}
    found: dict[str, Any] = {"LoggingConfig": logging_config}
    if "DeadLetterConfig" in ours:
        found["DeadLetterConfig"] = ours["DeadLetterConfig"]
    if "SnapStart" in ours:
        on = ours["SnapStart"].get("ApplyOn") == "PublishedVersions" and str(fn.version).isdigit()
        found["SnapStart"] = {**ours["SnapStart"], "OptimizationStatus": "On" if on else "Off"}
    return found


def unqualified(fn: LambdaFunction) -> str:
    """Return a function's ARN without a version."""
    return ":".join(fn.function_arn.split(":")[:7])


def concurrency(fn: LambdaFunction) -> tuple[int | None, int]:
    """Return the concurrency reserved for a function, and for all others of its account together."""
    mine, others = None, 0
    for name, entry in list(lambda_backends[fn.account_id][fn.region]._lambdas._functions.items()):
        latest = entry["latest"]
        number = getattr(latest, "reserved_concurrency", None)
        if name == fn.function_name:
            mine = None if number is None else int(number)
        elif number is not None:
            others += int(number)
    return mine, others


def promise(fn: LambdaFunction) -> Promise:
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
        dead_letter=local(fn).get("DeadLetterConfig", {}).get("TargetArn"),
    )


def check_event(payload: bytes, kind: str) -> None:
    """Refuse an event that is too large, or isn't JSON, as Lambda does."""
    if len(payload) > (ASYNC_MAX_BYTES if kind == "Event" else SYNC_MAX_BYTES):
        raise AwsError(413, "RequestTooLargeException", report.request_too_large(len(payload), kind))
    if payload:
        try:
            json.loads(payload)
        except ValueError as error:
            message = f"Could not parse request body into json: Could not parse payload into json: {error}"
            raise AwsError(400, "InvalidRequestContentException", {"Message": message, "Type": "User"}) from None


def check_variables(spec: Mapping[str, Any]) -> None:
    """Refuse environment variables that are too large."""
    variables = (spec.get("Environment") or {}).get("Variables") or {}
    if len(json.dumps(variables).encode()) > VARIABLES_MAX_BYTES:
        raise InvalidParameterValueException(
            "Lambda was unable to configure your environment variables because the environment variables you have "
            f"provided exceeded the {VARIABLES_MAX_BYTES // 1024}KB limit."
        )


def inspect(data: bytes) -> None:
    """Refuse what is no package, or one that can't be unpacked safely."""
    if not data:
        raise InvalidParameterValueException("Uploaded file must be a non-empty zip")
    try:
        inspect_zip(data, max_unzipped_bytes=UNPACKED_MAX_BYTES)
    except BadPackage as bad:
        raise InvalidParameterValueException(str(bad)) from None


def take_version_of_object(fn: LambdaFunction, spec: Mapping[str, Any]) -> None:
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


def throttle(throttled: Throttled) -> AwsError:
    """Return a throttle as Lambda answers it."""
    body = report.throttle(throttled.reason)
    return AwsError(429, "TooManyRequestsException", {**body, "message": str(throttled)})
