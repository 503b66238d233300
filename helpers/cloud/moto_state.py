"""What moto remembers that a session needs: credentials of roles, log streams, and how functions call each other.

With the other files called ``moto_*``, one of the few places that touch moto's internals.
"""

from __future__ import annotations

import contextlib
import re
import threading
import time
from collections.abc import Iterator
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import datetime

from moto.core.base_backend import BackendDict
from moto.core.common_models import BaseModel
from moto.core.model_instances import reset_model_data
from moto.iam.models import iam_backends
from moto.logs.models import logs_backends
from moto.sts.models import sts_backends

from helpers.cloud.machine import Function

CREDENTIALS_S = 3600
LINEAGE = re.compile(r"Lineage=\d+:[0-9a-f]{8}:(\d+)")

# How many functions have called each other to come here.
depth: ContextVar[int] = ContextVar("depth", default=0)


def depth_of(trace_header: str | None) -> int:
    """Return how deep in a chain of functions a request stands, from its trace header.

    >>> depth_of("Root=1-5759e988-bd862e3fe1be46a994272793;Lineage=1:0a1b2c3d:3")
    3
    """
    found = LINEAGE.search(trace_header or "")
    return int(found[1]) if found else 0


@contextlib.contextmanager
def chain_depth(trace_header: str | None) -> Iterator[None]:
    """Hold, for one request to the cloud, how deep in a chain of functions it stands."""
    before = depth.set(depth_of(trace_header))
    try:
        yield
    finally:
        depth.reset(before)


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
    """Writes into moto's CloudWatch Logs.

    Parameters
    ----------
    like_moto : as moto's containers do it: no line ends, and the function's result as the last message
    """

    def __init__(self, *, like_moto: bool = False) -> None:
        self.echoes_results = like_moto
        self._end = "" if like_moto else "\n"
        self._lock = threading.Lock()  # moto's log streams are not made for several writers

    def __call__(self, function: Function, stream: str, messages: list[tuple[datetime, str]]) -> None:
        """Append messages to a stream, which comes to be with the first of them."""
        backend = logs_backends[function.arn.split(":")[4]][function.region]
        events = [
            {"timestamp": int(when.timestamp() * 1000), "message": text.removesuffix("\n") + self._end}
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


def let_go(undo: contextlib.ExitStack) -> None:
    """Keep nothing that was deleted; ``undo`` gets what gives moto its habit back.

    moto lists every object that it ever made for a page that nobody opens here, hence a message that was read long
    ago stayed in memory. Only S3 needs the list, to close files.
    """

    def new(cls: type, *_: object, **__: object) -> BaseModel:
        instance = super(BaseModel, cls).__new__(cls)
        if cls.__module__.startswith("moto.s3"):
            cls.instances_tracked.append(instance)  # type: ignore[attr-defined]
        return instance

    undo.callback(setattr, BaseModel, "__new__", vars(BaseModel)["__new__"])
    BaseModel.__new__ = staticmethod(new)  # type: ignore[method-assign,assignment]


def reset() -> None:
    """Forget everything that moto holds, in all accounts and Regions."""
    BackendDict.reset()
    reset_model_data()
