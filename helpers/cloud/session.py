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
import threading
from collections.abc import Iterator
from dataclasses import astuple, fields
from typing import TYPE_CHECKING, Any

import pandas as pd

from helpers.checks import number
from helpers.cloud.addresses import Addresses
from helpers.cloud.admission import Limits
from helpers.cloud.calls import Invocation
from helpers.cloud.clock import Clock
from helpers.cloud.engine import Engine
from helpers.cloud.environment import Environment

if TYPE_CHECKING:
    from helpers.cloud.events.hooks import Hooks

REGION = "us-east-1"


class LocalCloud(Addresses):
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
        self._engine: Engine | None = None

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
            from helpers.cloud.moto_state import reset

            reset()
            engine = Engine(self.region, self._limits)
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
        from helpers.cloud.moto_state import reset

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

    def problems(self) -> pd.DataFrame:
        """Return the deliveries that failed without anybody being told: when_s, source, target, cause."""
        return self._any().problems.frame()

    def flows(self) -> pd.DataFrame:
        """Return how many events went which way: source, target, kind, delivered, failed, filtered."""
        return self._any().flows.frame()

    def recycle(self, idle_s: float = 0.0) -> int:
        """Shut down environments that have been idle for ``idle_s`` seconds; return how many.

        AWS does this on its own, some minutes after the last invocation; a lesson need not wait.
        """
        number("idle_s", idle_s, 0, 86_400)
        return self._running().service.expire(idle_s)

    def redeliver(self, request_id: str) -> None:
        """Deliver an asynchronous event once more: the same payload, the same request id.

        The queues of AWS deliver at least once, hence now and then twice; a lesson need not wait for that.

        Parameters
        ----------
        request_id : of an event that was accepted in this session, as :meth:`invocations` has it

        Raises
        ------
        LookupError
            when there is no such event
        """
        self._running().asynchronous.redeliver(request_id)

    def settle(self, timeout_s: float = 30) -> None:
        """Wait until nothing is under way: asynchronous invocations, queues and streams are done, retries included.

        Raises
        ------
        TimeoutError
            when something is still under way after ``timeout_s`` seconds
        """
        number("timeout_s", timeout_s, 0, 3600)
        quiet = self._running().quiet
        if not quiet.settle(timeout_s):
            what = ", ".join(f"{count:,} {name}" for name, count in quiet.waiting().items()) or "some"
            raise TimeoutError(f"{what} are still under way after {timeout_s} s")

    @property
    def clock(self) -> Clock:
        """The cloud's clock, which can be put forward: ``cloud.clock.advance(days=1)``."""
        return self._running().clock

    @property
    def hooks(self) -> Hooks:
        """What asks a user pool's functions; ``cloud.hooks.limit_s`` is how long, 5 seconds as on AWS."""
        return self._running().hooks

    def _running(self) -> Engine:
        if self._engine is None:
            raise RuntimeError("this local cloud is not up: call LocalCloud.start(), or use it in a with block")
        return self._engine

    def _any(self) -> Engine:
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


def _forked() -> None:
    """Free the lock in a fork of the kernel: its holder is not there."""
    LocalCloud._lock = threading.Lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forked)


@contextlib.contextmanager
def local_lambda(**limits: Any) -> Iterator[None]:
    """Run functions for real in a test under moto's own ``mock_aws``, without Docker.

    Use it inside ``mock_aws``: functions that the test creates run in processes on this machine, and what they call
    through boto3 reaches the same mocked state. Logs are those of moto's own executor (no line ends, and the
    function's result as the last message), and whoever sends an event waits for the first attempt at it and gets its
    result. Queues and streams call functions as in moto, one record at a time. All else is AWS's.

    Examples
    --------
    >>> from moto import mock_aws
    >>> import boto3
    >>> with mock_aws(), local_lambda():
    ...     boto3.client("lambda", region_name="us-east-1").list_functions()["Functions"]
    []
    """
    engine = Engine(os.environ.get("AWS_DEFAULT_REGION") or REGION, Limits(**limits), like_moto=True)
    engine.empty_file.touch()
    try:
        yield
    finally:
        engine.close()
