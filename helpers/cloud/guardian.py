"""A small process that outlives the kernel by a moment, to end and remove what the kernel no longer can.

    python guardian.py FOLDER MARK KERNEL

It reads lines from its standard input, which the kernel holds open: ``+123`` for a process group that has begun,
``-123 MARK.7`` for one that has ended, whose strays (what it started in sessions of their own) still carry that mark
in their environment and are killed now, and ``.`` as goodbye. When the input ends, or the process KERNEL is no longer
its parent (a fork of the kernel may hold the input open), it kills the groups that are left, then every process that
carries the session's MARK, and removes FOLDER. It runs in a session of its own, so that what kills the kernel doesn't
kill it.

:mod:`helpers.cloud.guard` is the kernel's side. What a function starts with neither its session nor its environment
is out of reach.
"""

import contextlib
import os
import select
import shutil
import signal
import stat
import sys
import time
from collections.abc import Iterator

MARK_VARIABLE = "_LOCAL_CLOUD"
POLL_S = 0.25  # between two looks at whether the kernel still lives
PATIENCE_S = 5.0  # for processes that don't die, or keep starting others
LINUX = sys.platform.startswith("linux")


def kill_group(group: int) -> None:
    """Kill a process group, if it is still there."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(group, signal.SIGKILL)


def marked(marks: tuple[str, ...]) -> Iterator[int]:
    """Yield every process of this user whose mark is one of these, or begins with one and a point."""
    for pid, environment in _environments():
        _, found, rest = (b"\0" + environment).partition(f"\0{MARK_VARIABLE}=".encode())
        if found and pid != os.getpid():
            mark = rest.split(b"\0", 1)[0].decode("ascii", "replace")
            if mark in marks or mark.rpartition(".")[0] in marks:
                yield pid


def kill_marked(*marks: str) -> None:
    """Kill every process with one of these marks, and what those start meanwhile."""
    until = time.monotonic() + PATIENCE_S
    while found := list(marked(marks)):
        for pid in found:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal.SIGKILL)
        if time.monotonic() > until:
            return
        time.sleep(0.005)


def remove(folder: str) -> None:
    """Remove a folder whose parts may be read-only."""
    for path, names, _ in os.walk(folder):
        for name in [".", *names]:
            with contextlib.suppress(OSError):
                inner = os.path.join(path, name)
                if stat.S_ISDIR(os.lstat(inner).st_mode):  # a link may lead anywhere
                    os.chmod(inner, 0o700)
    shutil.rmtree(folder, ignore_errors=True)


def finish(folder: str, mark: str, groups: set[int]) -> None:
    """Kill what is left and remove the folder."""
    for group in groups:
        kill_group(group)
    kill_marked(mark)
    remove(folder)


def main(folder: str, mark: str, kernel: int) -> None:
    """Listen until the kernel is gone, then tidy up."""
    for name in ("SIGINT", "SIGTERM", "SIGHUP"):
        signal.signal(getattr(signal, name), signal.SIG_IGN)
    groups: set[int] = set()
    goodbye = False
    for lines in _input(kernel):
        ended = []
        for line in lines:
            group, _, its_mark = line.partition(" ")
            if group == ".":
                goodbye = True
            elif group.startswith("+"):
                groups.add(int(group))
            else:
                groups.discard(-int(group))
                ended.append(its_mark)
        if goodbye:
            break
        if ended:
            kill_marked(*ended)
    finish(folder, mark, groups)
    if not goodbye:
        # A process that was on its way between fork and exec didn't carry the mark yet.
        time.sleep(0.1)
        finish(folder, mark, set())


def _input(kernel: int) -> Iterator[list[str]]:
    """Yield what was written, line by line, until the kernel is gone or says goodbye."""
    rest = ""
    while True:
        orphaned = os.getppid() != kernel
        if not select.select([0], [], [], 0 if orphaned else POLL_S)[0]:
            if orphaned:
                return
            continue
        data = os.read(0, 65536)
        if not data:
            return
        *lines, rest = (rest + data.decode("ascii")).split("\n")
        yield lines


def _environments() -> Iterator[tuple[int, bytes]]:
    """Yield number and environment of every process that this user may look at."""
    if not LINUX:
        import psutil  # only when needed: the guardian starts with the session, and shouldn't hold it up

        for process in psutil.process_iter():
            with contextlib.suppress(psutil.Error, OSError):
                variables = process.environ()
                yield process.pid, b"\0".join(f"{name}={value}".encode() for name, value in variables.items())
        return
    # Five times as fast as psutil, on a machine with thousands of processes.
    for name in filter(str.isdigit, os.listdir("/proc")):
        with contextlib.suppress(OSError), open(f"/proc/{name}/environ", "rb") as file:
            yield int(name), file.read()


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]))
