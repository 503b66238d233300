"""Other programs beside the functions of a local cloud: a server that a lesson starts and that ends with it for sure.

A program is looked after as an execution environment is: its process group is known to the cloud's guardian, which
ends it when the kernel can't any more, and its folder lies in the cloud's own. It gets no credentials and no address of
the cloud.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from helpers.checks import number
from helpers.cloud.guardian import MARK_VARIABLE

START_S = 20.0
STOP_S = 5.0
REDIS = ("redis-server", "valkey-server")
NO_REDIS = (
    "There is no redis-server on this machine (Debian: apt install redis-server; macOS: brew install redis): "
    "the counter in Redis is left out."
)


class ProgramFailed(RuntimeError):
    """A program that ended, or never became ready; says what it wrote."""


class Program:
    """A process beside the functions, from its start to its end; use it in a with block, or call :meth:`stop`.

    Parameters
    ----------
    cloud : a local cloud that is up
    command : the program and its arguments; a first word ``python`` is this Python
    variables : environment variables beside PATH
    text : for its standard input

    Attributes
    ----------
    folder : its working folder, which goes with the cloud's
    first_line : what it wrote first, where :meth:`ready` waited for that
    """

    def __init__(
        self, cloud: Any, command: Sequence[str], *, variables: dict[str, str] | None = None, text: str = ""
    ) -> None:
        engine = cloud._running()
        self._machine, self._mark = engine.machine, engine.machine.new_mark()
        self.folder = engine.folder / "programs" / secrets.token_hex(4)
        self.folder.mkdir(parents=True)
        self.first_line = ""
        words = [sys.executable, *command[1:]] if command[0] == "python" else list(command)
        self._log = self.folder / "output"
        with self._log.open("wb") as output:
            self._process = subprocess.Popen(
                words,
                cwd=self.folder,
                env={"PATH": os.environ.get("PATH", ""), **(variables or {}), MARK_VARIABLE: self._mark},
                stdin=subprocess.PIPE,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self._machine.guard.began(self._process.pid)
        engine._undo.callback(self.stop)  # a cloud that stops ends its programs first
        with contextlib.suppress(BrokenPipeError), self._process.stdin as pipe:
            pipe.write(text.encode())

    @property
    def pid(self) -> int:
        """The process's number."""
        return self._process.pid

    @property
    def alive(self) -> bool:
        """Whether it runs."""
        return self._process.poll() is None

    def output(self) -> str:
        """Return what it has written so far."""
        return self._log.read_text(encoding="utf-8", errors="replace") if self._log.exists() else ""

    def ready(self, condition: Callable[[Program], Any] | None = None, timeout_s: float = START_S) -> Program:
        """Wait until the program is ready, by default until it has written a line; return it.

        Raises
        ------
        ProgramFailed
            when it ends before that, or the time is up
        """
        number("timeout_s", timeout_s, 0, 600)
        condition = condition or _has_written
        until_s = time.monotonic() + timeout_s
        while not condition(self):
            ended = not self.alive
            if ended or time.monotonic() > until_s:
                self.stop()
                how = f"ended with {self._process.returncode}" if ended else f"is not ready after {timeout_s:g} s"
                raise ProgramFailed(f"the program {how}: {self.output()[-500:].strip() or 'it wrote nothing'}")
            time.sleep(0.01)
        self.first_line = self.output().partition("\n")[0]
        return self

    def stop(self) -> None:
        """End it, all that it started, and its folder; a second call does nothing."""
        if self._process.returncode is None:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self._process.pid, signal.SIGTERM)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(STOP_S)
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        self._machine.guard.ended(self._process.pid, self._mark)

    def __enter__(self) -> Program:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()


def _has_written(program: Program) -> bool:
    return "\n" in program.output()


def free_port() -> int:
    """Return a port of this machine's loopback address that is free now."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


def redis_command() -> str | None:
    """Return where this machine has a Redis server, or Valkey, which speaks the same protocol; None if nowhere."""
    return next(filter(None, map(shutil.which, REDIS)), None)


def start_redis(cloud: Any) -> tuple[Program, str] | None:
    """Start a Redis server on a free port of this machine; return it and its URL, None where there is no Redis.

    It keeps everything in memory, listens on the loopback address only and asks for a password that is made here.
    """
    found = redis_command()
    if found is None:
        return None
    for last in (False, False, True):
        port, password = free_port(), secrets.token_urlsafe(24)
        settings = f'bind 127.0.0.1\nport {port}\nrequirepass {password}\nsave ""\nappendonly no\ndaemonize no\n'
        program = Program(cloud, [found, "-"], text=settings)
        try:
            return program.ready(lambda _, port=port: _listens(port)), f"redis://:{password}@127.0.0.1:{port}/0"
        except ProgramFailed:
            program.stop()
            if last:  # twice somebody else may have taken the port in between
                raise
    raise AssertionError("unreachable")


def _listens(port: int) -> bool:
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
        return True
    return False


def start_server(cloud: Any, script: Path, *arguments: str) -> tuple[Program, str]:
    """Start a Python script that serves HTTP and writes its port as its first line; return it and its URL."""
    program = Program(cloud, ["python", str(script), *arguments]).ready()
    return program, f"http://127.0.0.1:{program.first_line.strip()}"
