"""A local cloud: AWS's API on this machine, with functions that really run, from start to stop.

    with LocalCloud() as cloud:
        boto3.client("lambda").create_function(...)

Between start and stop, boto3 and everything else that reads AWS's environment variables reaches this machine only.
Nothing of it outlives the kernel: :mod:`helpers.cloud.guardian` sees to that when nobody else can.
"""

from __future__ import annotations

import atexit
import contextlib
import os
import secrets
import sys
import tempfile
import threading
from collections.abc import Iterator, Mapping
from dataclasses import astuple, fields
from pathlib import Path
from typing import Any

import pandas as pd

from helpers.checks import number
from helpers.cloud import guardian
from helpers.cloud.admission import Limits
from helpers.cloud.calls import Invocation
from helpers.cloud.environment import FALLBACK_CLIENT, Environment, Function, Machine, has_extension
from helpers.cloud.guard import Guard
from helpers.cloud.loop import Loop
from helpers.cloud.service import Service
from helpers.cloud.timer import Timer

REGION = "us-east-1"
KEY_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
MAINTENANCE_S = 1.0
NOT_HERE = "The local Lambda needs Linux or macOS. On Windows, open the notebook in WSL, or through its Binder link."


class _Engine:
    """What a local cloud and :func:`local_lambda` have in common: the executor, and the server that functions call."""

    def __init__(self, region: str, limits: Limits) -> None:
        if sys.platform == "win32":
            raise RuntimeError(NOT_HERE)
        from helpers.cloud.code import Store
        from helpers.cloud.events.asynchronous import Asynchronous, deliver
        from helpers.cloud.moto_bridge import Bridge, LogsWriter, Roles
        from helpers.cloud.server import Server

        self.region = region
        self.mark = secrets.token_hex(16)
        # Python's folder for temporary files may lie deep; a process's working folder doesn't mind.
        self.folder = Path(tempfile.mkdtemp(prefix="local-cloud-"))
        self.folder.chmod(0o700)
        self.access_key = "AKIA" + "".join(secrets.choice(KEY_LETTERS) for _ in range(16))
        self.secret_key = secrets.token_urlsafe(30)
        self.empty_file = self.folder / "empty"
        self._parent = dict(os.environ)
        self._roles = Roles()

        def send(arn: str, text: str, attributes: dict[str, dict[str, str]]) -> None:
            import boto3

            deliver(boto3.session.Session().client, arn, text, attributes)

        # What has begun ends in the opposite order, all of it, even if a part fails or the learner interrupts.
        with contextlib.ExitStack() as undo:
            undo.callback(guardian.remove, str(self.folder))
            loop = Loop(self._tick)
            undo.callback(loop.stop)
            guard = Guard(loop, self.folder, self.mark)
            undo.callback(guard.close)
            self.machine = Machine(
                loop=loop, folder=self.folder, mark=self.mark, guard=guard, variables=self._variables
            )
            self.server = Server(self.access_key)
            undo.callback(self.server.stop)
            self.service = Service(self.machine, limits, LogsWriter())
            undo.callback(self.service.close)
            self.timer = Timer()
            undo.callback(self.timer.stop)
            self.asynchronous = Asynchronous(self.service, self.timer, send)
            self.bridge = Bridge(self.service, self.asynchronous, Store(self.folder / "code"))
            undo.callback(self.bridge.remove)
            self.bridge.install()
            self.timer.every(MAINTENANCE_S, lambda: self.service.background(self.service.expire))
            self._undo = undo.pop_all()
        _engines.add(self)

    def close(self) -> None:
        """End everything that was started; a second call does nothing."""
        _engines.discard(self)
        self._undo.close()

    def abandon(self) -> None:
        """Let go of everything in a forked child: it belongs to the parent, and clients go on reaching it there."""
        self._undo.pop_all()
        self.server.abandon()
        self.machine.abandon()

    def _tick(self) -> None:
        """Look after the environments at work; on the loop's thread."""
        loop = self.machine.loop
        busy = [one for one in list(self.machine.live) if one.state in ("initialising", "busy")]
        for environment in busy:
            environment.check()
        if not busy:
            # In this order: an environment that began in between is seen by the second look.
            loop.ticking = False
            loop.ticking = any(one.state in ("initialising", "busy") for one in list(self.machine.live))

    def _variables(self, function: Function, folder: Path) -> Mapping[str, str]:
        """Return the environment variables of a function's process, as Lambda sets them."""
        from helpers.cloud.isolation import child_environment

        credentials = self._roles.credentials(function)
        home, temporary = folder / "home", folder / "tmp"
        home.mkdir(exist_ok=True)
        temporary.mkdir(exist_ok=True)
        version = f"{sys.version_info.major}.{sys.version_info.minor}"
        layers = [
            path
            for layer in reversed(function.layers)
            for path in (layer / "python", layer / "python" / "lib" / f"python{version}" / "site-packages")
            if path.is_dir()
        ]
        fallback = [] if has_extension() else [FALLBACK_CLIENT]
        lambdas = {
            "_HANDLER": function.handler,
            "AWS_EXECUTION_ENV": f"AWS_Lambda_{function.runtime}",
            "AWS_LAMBDA_FUNCTION_NAME": function.name,
            "AWS_LAMBDA_FUNCTION_VERSION": function.version,
            "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(function.memory_mb),
            "AWS_LAMBDA_LOG_GROUP_NAME": function.log_group,
            "AWS_LAMBDA_LOG_FORMAT": function.log_format,
            "LAMBDA_TASK_ROOT": str(function.code),
            "LAMBDA_RUNTIME_DIR": str(Path(sys.executable).parent),
            # /var/task is read-only, hence never gets compiled files; for root, nothing here is read-only.
            "PYTHONDONTWRITEBYTECODE": "1",
            "PYTHONUNBUFFERED": "1",
            # What code written for moto's containers looks for.
            "MOTO_HOST": "http://127.0.0.1",
            "MOTO_PORT": str(self.server.port),
            "MOTO_HTTP_ENDPOINT": self.server.endpoint,
        }
        if function.log_level or function.log_format == "JSON":
            lambdas["AWS_LAMBDA_LOG_LEVEL"] = function.log_level or "INFO"
        return child_environment(
            self._parent,
            endpoint=self.server.endpoint,
            region=function.region,
            access_key=credentials.access_key,
            secret_key=credentials.secret_key,
            session_token=credentials.token,
            empty_file=self.empty_file,
            home=home,
            temporary=temporary,
            python_path=[function.code, *layers, *fallback],
            extra={**lambdas, **dict(function.variables)},
        )


_engines: set[_Engine] = set()


def _forked() -> None:
    """See to it that a fork of the kernel neither ends what is the kernel's nor keeps it open."""
    LocalCloud._lock = threading.Lock()
    while _engines:
        _engines.pop().abandon()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forked)


class LocalCloud:
    """AWS on this machine.

    Parameters
    ----------
    region : the default Region of clients
    concurrency : the account's concurrency, 1 to 1000
    keep_alive_s : how long an idle environment stays before it is shut down
    init_timeout_s : time for INIT; AWS gives 10 s
    scaling_rate : new environments of one function within ``scaling_window_s`` seconds
    scaling_window_s : see ``scaling_rate``
    max_environments : processes on this machine

    Raises
    ------
    RuntimeError
        on start, where another local cloud is up in this process, or on Windows

    Examples
    --------
    >>> import boto3
    >>> with LocalCloud() as cloud:
    ...     boto3.client("lambda").list_functions()["Functions"]
    []
    """

    _lock = threading.Lock()
    _up: LocalCloud | None = None

    def __init__(
        self,
        *,
        region: str = REGION,
        concurrency: int = Limits.concurrency,
        keep_alive_s: float = Limits.keep_alive_s,
        init_timeout_s: float = Limits.init_timeout_s,
        scaling_rate: float = Limits.scaling_rate,
        scaling_window_s: float = Limits.scaling_window_s,
        max_environments: int = Limits.max_environments,
    ) -> None:
        number("concurrency", concurrency, 1, 100_000)
        number("keep_alive_s", keep_alive_s, 0, 86_400)
        number("init_timeout_s", init_timeout_s, 0.1, 900)
        number("scaling_rate", scaling_rate, 1, 100_000)
        number("scaling_window_s", scaling_window_s, 0.01, 3600)
        number("max_environments", max_environments, 1, 2000)
        self.region = region
        self._limits = Limits(
            concurrency=concurrency,
            keep_alive_s=keep_alive_s,
            init_timeout_s=init_timeout_s,
            scaling_rate=scaling_rate,
            scaling_window_s=scaling_window_s,
            max_environments=max_environments,
        )
        self._engine: _Engine | None = None

    @classmethod
    def start(cls, **settings: Any) -> LocalCloud:
        """Return a local cloud that is up, with nothing in it; :meth:`stop` ends it, and so does the kernel's end."""
        return cls(**settings).__enter__()

    @classmethod
    def current(cls) -> LocalCloud | None:
        """Return the local cloud that is up in this process, if one is."""
        return cls._up

    def __enter__(self) -> LocalCloud:
        with LocalCloud._lock:
            if self._engine is not None:  # with LocalCloud.start() as cloud
                return self
            if LocalCloud._up is not None:
                raise RuntimeError("a local cloud is up already: use it, or call its stop() first")
            from helpers.cloud.isolation import Isolation
            from helpers.cloud.moto_bridge import reset

            reset()
            engine = _Engine(self.region, self._limits)
            try:
                self._isolation = Isolation(
                    engine.server.endpoint,
                    region=self.region,
                    access_key=engine.access_key,
                    secret_key=engine.secret_key,
                    empty_file=engine.empty_file,
                )
                self._isolation.enter()
            except BaseException:
                engine.close()
                raise
            self._engine = engine
            LocalCloud._up = self
        atexit.register(self.stop)
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def stop(self) -> None:
        """End all environments, close the port, put the environment variables back; a second call does nothing."""
        with LocalCloud._lock:
            engine, self._last = self._engine, self._engine or getattr(self, "_last", None)
            self._engine = None
            if engine is None:
                return
            try:
                self._isolation.leave()
            finally:
                try:
                    engine.close()
                finally:
                    LocalCloud._up = None
        atexit.unregister(self.stop)
        from helpers.cloud.moto_bridge import reset

        reset()

    @property
    def endpoint(self) -> str:
        """The address that boto3 talks to; with the session's secret path."""
        return self._running().server.endpoint

    def invocations(self) -> pd.DataFrame:
        """Return what was measured: one row an invocation, in order of its end.

        Returns
        -------
        DataFrame
            request_id, function, environment, started_s (since the cloud's start), cold, init_ms (missing when warm),
            duration_ms, billed_ms, memory_mb, max_memory_mb, usd (without free tier), status (success, error, timeout
            or throttled; a throttled one has no environment and no durations)
        """
        names = [field.name for field in fields(Invocation)]
        frame = pd.DataFrame([astuple(record) for record in self._any().service.records], columns=names)
        measured = dict.fromkeys(("started_s", "init_ms", "duration_ms", "max_memory_mb", "usd"), float)
        named = dict.fromkeys(("request_id", "function", "environment", "status"), "str")
        return frame.astype({"cold": bool, "billed_ms": int, "memory_mb": int, **measured, **named})

    def environments(self) -> pd.DataFrame:
        """Return every execution environment of the session, in order of its start.

        Returns
        -------
        DataFrame
            environment, pid, function, state (initialising, idle, busy or stopped), started_s and last_used_s (since
            the cloud's start), invocations
        """
        service = self._any().service
        rows = [_row(one, service.epoch_s) for one in service.environments()]
        names = ["environment", "pid", "function", "state", "started_s", "last_used_s", "invocations"]
        frame = pd.DataFrame(rows, columns=names)
        named = dict.fromkeys(("environment", "function", "state"), "str")
        return frame.astype({"pid": "Int64", "started_s": float, "last_used_s": float, "invocations": int, **named})

    def recycle(self, idle_s: float = 0.0) -> int:
        """Shut down environments that have been idle for ``idle_s`` seconds; return how many.

        AWS does this on its own, some minutes after the last invocation; a lesson need not wait.
        """
        number("idle_s", idle_s, 0, 86_400)
        return self._running().service.expire(idle_s)

    def settle(self, timeout_s: float = 30) -> None:
        """Wait until asynchronous invocations are done, their retries included.

        Raises
        ------
        TimeoutError
            when something is still under way after ``timeout_s`` seconds
        """
        number("timeout_s", timeout_s, 0, 3600)
        asynchronous = self._running().asynchronous
        if not asynchronous.settle(timeout_s):
            raise TimeoutError(f"{asynchronous.waiting()} events are still under way after {timeout_s} s")

    def _running(self) -> _Engine:
        if self._engine is None:
            raise RuntimeError("this local cloud is not up: call LocalCloud.start(), or use it in a with block")
        return self._engine

    def _any(self) -> _Engine:
        """Return the engine, also of a cloud that has stopped: its measurements stay."""
        last = self._engine or getattr(self, "_last", None)
        return last if last is not None else self._running()

    def __repr__(self) -> str:
        return f"<LocalCloud in {self.region}, {'up' if self._engine else 'stopped'}>"


def _row(environment: Environment, epoch_s: float) -> tuple:
    return (
        environment.id,
        environment.pid,
        environment.function.name,
        environment.state,
        environment.started_s - epoch_s,
        environment.last_used_s - epoch_s,
        environment.invocations,
    )


@contextlib.contextmanager
def local_lambda(**limits: Any) -> Iterator[None]:
    """Run functions for real in a test under moto's own ``mock_aws``, without Docker.

    Use it inside ``mock_aws``: functions that the test creates run in processes on this machine, and what they call
    through boto3 reaches the same mocked state.

    Examples
    --------
    >>> from moto import mock_aws
    >>> import boto3
    >>> with mock_aws(), local_lambda():
    ...     boto3.client("lambda", region_name="us-east-1").list_functions()["Functions"]
    []
    """
    engine = _Engine(os.environ.get("AWS_DEFAULT_REGION") or REGION, Limits(**limits))
    engine.empty_file.touch()
    try:
        yield
    finally:
        engine.close()
