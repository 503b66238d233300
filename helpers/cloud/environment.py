"""One execution environment: a process that runs AWS's runtime client, from INIT to shutdown.

:class:`Environment` starts the process, hands it one event at a time, and knows how it ended: with a result, an error,
by the clock, by running out of memory or by dying. It decides nothing: whether to reuse, retry, throttle or bill is
:mod:`helpers.cloud.service`'s affair. What it runs and what it shares with others is in :mod:`helpers.cloud.machine`.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial

from helpers.cloud import memory
from helpers.cloud.guardian import MARK_VARIABLE
from helpers.cloud.machine import MB, Function, Machine
from helpers.cloud.output import Output
from helpers.cloud.runtime_api import Line, event_message

SHUTDOWN_S = 0.5  # what AWS gives a function with an internal extension; without any it gives nothing
READS_AT_ONCE = 16  # of 64 KB: as much as a pipe can be made to hold


@dataclass
class Ended:
    """How one piece of work ended: INIT, or an invocation."""

    how: str  # "ready" | "response" | "error" | "exit" | "memory" | "timeout"
    body: bytes = b""
    size: int = 0
    error_type: str = ""
    returncode: int | None = None
    at_s: float = 0.0  # on the monotonic clock
    asleep_s: float = 0.0  # of the time until then, how long this process was stopped


class Environment:
    """A process that serves one function, one event at a time.

    Parameters
    ----------
    function : what it runs
    machine : what it shares with others
    initialization : "on-demand", "provisioned-concurrency" or "snap-start"
    """

    def __init__(self, function: Function, machine: Machine, initialization: str = "on-demand") -> None:
        self.function, self.machine, self.initialization = function, machine, initialization
        self.stream_id = uuid.uuid4().hex
        self.id = self.stream_id[:8]
        self.log_stream = f"{datetime.now(UTC):%Y/%m/%d}/[{function.version}]{self.stream_id}"
        self.state = "initialising"
        self.started_s = self.last_used_s = time.monotonic()
        self.invocations = 0
        self.init_ms: float | None = None
        self.restored_s: float | None = None  # with SnapStart, when the restore would be over
        self.peak_bytes = 0
        self.output = Output()
        self.process: subprocess.Popen | None = None
        self._mark = machine.new_mark()
        self._line: Line | None = None
        self._pipe = self._pidfd = -1
        self._done = threading.Event()
        self._ended: Ended | None = None
        self._expecting = ""  # "" | "init" | "invoke": what a waiting caller waits for
        self._since_s = 0.0  # when the work began that a caller waits for
        self._out_of_memory = False
        self._dead = threading.Event()
        self._init_error: tuple[bytes, str] | None = None
        self._folder = machine.folder / "environments" / self.stream_id

    @property
    def pid(self) -> int | None:
        """The process's number, once there is one."""
        return self.process.pid if self.process else None

    @property
    def alive(self) -> bool:
        """Whether the process runs."""
        return self.process is not None and self.process.returncode is None

    def start(self) -> None:
        """Start the process; :meth:`wait` tells when INIT is over."""
        self._folder.mkdir(parents=True, exist_ok=True)
        self._line = Line(self.machine.loop, self)
        self._out_of_memory, self._init_error = False, None
        self._expect("init")
        read, write = os.pipe()
        os.set_blocking(read, False)
        variables = {
            **self.machine.variables(self.function, self._folder),
            "AWS_LAMBDA_RUNTIME_API": self._line.address,
            "AWS_LAMBDA_LOG_STREAM_NAME": self.log_stream,
            "AWS_LAMBDA_INITIALIZATION_TYPE": self.initialization,
            "_LAMBDA_TELEMETRY_LOG_FD": str(write),
            MARK_VARIABLE: self._mark,
        }
        self.started_s = time.monotonic()
        try:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "awslambdaric", self.function.handler],
                cwd=self.function.code,
                env=variables,
                stdin=subprocess.DEVNULL,
                stdout=write,
                stderr=write,
                pass_fds=(write,),
                start_new_session=True,
            )
        except OSError:
            os.close(read)
            self._line.close()
            raise
        finally:
            os.close(write)
        self.machine.guard.began(self.process.pid)
        self.machine.live.add(self)
        if self.machine.closing:  # who ends all that is live may have looked before
            self.kill()
        self._pipe = read
        self.machine.loop.add(read, self._read)
        if hasattr(os, "pidfd_open"):
            self._pidfd = os.pidfd_open(self.process.pid)
            self.machine.loop.add(self._pidfd, self._gone)
        self._watch()

    def send(self, request_id: str, headers: dict[str, str], body: bytes) -> None:
        """Hand an event to the runtime; :meth:`wait` tells how it ended."""
        self._expect("invoke")
        self.state = "busy"
        self.invocations += 1
        assert self._line is not None
        self._line.send(request_id, event_message(request_id, headers, body))
        if not self.alive:
            self._end(Ended("exit", returncode=self.process.returncode if self.process else None))
        self._watch()

    def wait(self, timeout_s: float) -> Ended:
        """Wait for the end of INIT or of the invocation; the process is killed when the time is up.

        Time in which this process was stopped doesn't count: the function was stopped as well, or its result is here.
        """
        began_s, asleep_s = time.monotonic(), 0.0
        while not self._done.wait(began_s + timeout_s + asleep_s - time.monotonic()):
            with contextlib.suppress(ProcessLookupError):
                self.machine.loop.run_here(partial(self._time_is_up, began_s, asleep_s))
            known_s, asleep_s = asleep_s, self.machine.loop.asleep_s(began_s)
            if asleep_s == known_s:
                break
        self._done.wait(5)
        ended = self._ended or Ended("timeout", at_s=time.monotonic())
        self.last_used_s = ended.at_s
        if ended.how in ("ready", "response", "error"):
            self.state = "idle"
        return ended

    def undelivered(self) -> bool:
        """Say whether the process died before it had read its event: another environment may serve it."""
        return self._line is not None and self._line.undelivered()

    def stop(self, grace_s: float = SHUTDOWN_S) -> None:
        """End the process: SIGTERM, a moment to obey, then SIGKILL for it and all that it started."""
        if self.alive and grace_s > 0:
            self.terminate()
            self._watch()
            self._dead.wait(grace_s)
        self.kill()
        self.machine.loop.run_here(self._clean)

    def terminate(self) -> None:
        """Ask the process to end: SIGTERM, which a function may have a handler for."""
        # Not through Popen, which would take note of an end that the loop has yet to hear of.
        if self.alive and self.process is not None:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(self.process.pid, signal.SIGTERM)

    def kill(self) -> None:
        """Kill the process and its group; the loop hears of the end."""
        if self.process is not None and self.process.returncode is None:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self.process.pid, signal.SIGKILL)

    def check(self) -> None:
        """Look at memory, and at the process where the system doesn't tell of its end; on the loop's thread."""
        if not self.alive or self.pid is None:
            return
        if self._pidfd < 0 and _has_ended(self.pid):
            self._gone()
            return
        used = memory.resident_bytes(self.pid)
        self.peak_bytes = max(self.peak_bytes, used)
        if used > self.function.memory_mb * MB:
            self._out_of_memory = True
            self.kill()

    def abandon(self) -> None:
        """Close this process's ends in a forked child; the environment is the parent's."""
        for file in (self._pipe, self._pidfd):
            if file >= 0:
                os.close(file)
        self._pipe = self._pidfd = -1
        if self._line is not None:
            self._line.abandon()

    # What the runtime says, on the loop's thread.

    def on_next(self) -> None:
        """Hear that the runtime is ready."""
        if self._expecting == "init":
            now = time.monotonic()
            self.init_ms = (now - self.started_s - self.machine.loop.asleep_s(self.started_s)) * 1000
            self._end(Ended("ready", at_s=now))

    def on_response(self, request_id: str, body: bytes, size: int) -> None:
        """Hear a result."""
        self._finish(Ended("response", body, size, at_s=time.monotonic()))

    def on_error(self, request_id: str, body: bytes, error_type: str) -> None:
        """Hear that the handler raised."""
        self._finish(Ended("error", body, len(body), error_type, at_s=time.monotonic()))

    def on_init_error(self, body: bytes, error_type: str) -> None:
        """Hear that INIT failed; the end of the process follows, and with it all of its output."""
        self._init_error = body, error_type

    def on_restore(self) -> None:
        """Hear that a snapshot would be taken now, and restored; none is."""
        self.restored_s = time.monotonic()

    def _finish(self, ended: Ended) -> None:
        self._read()
        if self.pid is not None:
            self.peak_bytes = max(self.peak_bytes, memory.peak_bytes(self.pid))
        self._end(ended)

    def _expect(self, what: str) -> None:
        self._ended = None
        self._done.clear()
        self._since_s = time.monotonic()
        self._expecting = what

    def _end(self, ended: Ended) -> None:
        if self._expecting:
            self._expecting = ""
            self._ended = ended
            ended.at_s = ended.at_s or time.monotonic()
            ended.asleep_s = self.machine.loop.asleep_s(self._since_s)
            self._done.set()

    def _time_is_up(self, began_s: float, asleep_s: float) -> None:
        """Settle that the time is up, unless the end came first or nobody was awake for longer than was known."""
        self.machine.loop.look()
        if self._expecting and self.machine.loop.asleep_s(began_s) == asleep_s:
            self._read()
            self._end(Ended("timeout", at_s=time.monotonic()))
            self.kill()

    def _watch(self) -> None:
        loop = self.machine.loop
        if not loop.ticking:
            loop.ticking = True
            loop.wake()

    def _read(self) -> None:
        """Take what the process has written so far, or a good part of it: it may write faster than anyone reads."""
        if self._pipe < 0:
            return
        for _ in range(READS_AT_ONCE):
            try:
                data = os.read(self._pipe, 65536)
            except BlockingIOError:
                return
            except OSError:
                data = b""
            if not data:
                self.machine.loop.remove(self._pipe)
                os.close(self._pipe)
                self._pipe = -1
                return
            self.output.feed(data)

    def _gone(self) -> None:
        """Hear of the process's end."""
        process = self.process
        if process is None or process.returncode is not None:
            return
        # While the leader is unreaped, the group's number can't belong to anyone else.
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        self._read()
        if self._line is not None:
            self._line.undelivered()  # seen now or never: the connections close before the caller can ask
        self.state = "stopped"
        self._dead.set()
        how = "memory" if self._out_of_memory else "exit"
        body, error_type = self._init_error or (b"", "")
        self._end(Ended(how, body, len(body), error_type, process.returncode, time.monotonic()))
        self._clean()

    def _clean(self) -> None:
        """Give back everything that the environment held; once the process has ended."""
        process = self.process
        if process is not None and process.returncode is None:
            self._gone()
            return
        self.state = "stopped"
        if self._pidfd >= 0:
            self.machine.loop.remove(self._pidfd)
            os.close(self._pidfd)
            self._pidfd = -1
        if self._pipe >= 0:
            self.machine.loop.remove(self._pipe)
            os.close(self._pipe)
            self._pipe = -1
        if self._line is not None:
            self._line.close()
        if process is not None and self in self.machine.live:
            self.machine.guard.ended(process.pid, self._mark)
            self.machine.live.discard(self)
            shutil.rmtree(self._folder, ignore_errors=True)


def _has_ended(pid: int) -> bool:
    """Say whether a child has ended, without taking note of it."""
    import psutil

    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.Error:
        return True
