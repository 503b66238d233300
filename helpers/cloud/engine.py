"""What runs behind a local cloud: the loop, the processes, the server and moto's Lambda, from their start to their end.

:class:`Engine` is what :class:`~helpers.cloud.session.LocalCloud` and :func:`~helpers.cloud.session.local_lambda` have
in common. It starts its parts one after another and ends them in the opposite order; it also knows what a function's
process finds in its environment.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from helpers.cloud import guardian
from helpers.cloud.admission import Limits
from helpers.cloud.clock import Clock
from helpers.cloud.flows import Flows
from helpers.cloud.guard import Guard
from helpers.cloud.loop import Loop
from helpers.cloud.machine import FALLBACK_CLIENT, Function, Machine, compile_runtime, has_extension
from helpers.cloud.problems import Problems
from helpers.cloud.quiet import Quiet
from helpers.cloud.service import Service
from helpers.cloud.timer import Timer

KEY_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
MAINTENANCE_S = 1.0
NOT_HERE = "The local Lambda needs Linux or macOS. On Windows, open the notebook in WSL, or through its Binder link."


class Engine:
    """The executor of functions, and the server that functions call.

    Parameters
    ----------
    region : the default Region of clients
    limits : quotas
    like_moto : write logs as moto's containers do, for tests that were written for those
    """

    def __init__(self, region: str, limits: Limits, *, like_moto: bool = False) -> None:
        if sys.platform == "win32":
            raise RuntimeError(NOT_HERE)
        # moto takes half a second to import: who only asks for the class shouldn't wait for it.
        from helpers.cloud import moto_atomic, moto_policies
        from helpers.cloud.code import Store
        from helpers.cloud.events import moto_mappings
        from helpers.cloud.events.asynchronous import Asynchronous, deliver
        from helpers.cloud.events.bridges import build_bridges
        from helpers.cloud.events.front_doors import open_doors
        from helpers.cloud.moto_bridge import Bridge
        from helpers.cloud.moto_metrics import Metrics
        from helpers.cloud.moto_state import LogsWriter, Roles, let_go
        from helpers.cloud.server import Server

        compile_runtime()
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
            self.afterwards = undo.enter_context(contextlib.ExitStack())  # what ends after the server and processes
            loop = Loop(self._tick)
            undo.callback(loop.stop)
            guard = Guard(loop, self.folder, self.mark)
            undo.callback(guard.close)
            self.machine = Machine(
                loop=loop, folder=self.folder, mark=self.mark, guard=guard, variables=self._variables
            )
            self.server = Server(self.access_key)
            undo.callback(self.server.stop)
            self.service = Service(self.machine, limits, LogsWriter(like_moto=like_moto))
            undo.callback(self.service.close)
            self.problems = Problems(self.service.epoch_s)
            self.timer = Timer()
            undo.callback(self.timer.stop)
            self.quiet, self.flows = Quiet(), Flows()
            self.clock = Clock(self.timer, self.quiet.settle, self.service.attempt, self.quiet.changed)
            self.quiet.watch("moments of the clock", self.clock.waiting)
            self.asynchronous = Asynchronous(
                self.service, self.timer, send, self.problems.record, moved=self.quiet.changed, flows=self.flows
            )
            self.quiet.watch("events", self.asynchronous.waiting)
            store = Store(self.folder / "code")
            self.bridge = Bridge(self.service, self.asynchronous, store, self.problems, strict=not like_moto)
            undo.callback(self.bridge.remove)
            self.bridge.install()
            build_bridges(self, undo, strict=not like_moto)
            if not like_moto:
                let_go(undo)
                moto_policies.install(undo)
                moto_atomic.prepare(self.server.at_first_use, undo)
                open_doors(self, undo)
                moto_mappings.install(self, undo)
                metrics = Metrics(self.clock, self.bridge.delivery)
                metrics.install(undo)
                self.service.when_recorded.append(metrics.record)
                self.timer.every(MAINTENANCE_S, lambda: self.service.background(metrics.look))
            self.timer.every(MAINTENANCE_S, lambda: self.service.background(self.service.expire))
            self._undo = undo.pop_all()
        _engines.add(self)

    def client(self, service: str, **settings: Any) -> Any:
        """Return a client of boto3 that talks to this engine's server, whatever the environment says."""
        import boto3

        keys = {"aws_access_key_id": self.access_key, "aws_secret_access_key": self.secret_key}
        return boto3.session.Session(**keys).client(service, endpoint_url=self.server.endpoint, **settings)

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


_engines: set[Engine] = set()


def _forked() -> None:
    """See to it that a fork of the kernel neither ends what is the kernel's nor keeps it open."""
    while _engines:
        _engines.pop().abandon()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forked)
