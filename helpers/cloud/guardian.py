"""A small process that outlives the kernel by a moment, to end and remove what the kernel no longer can.

    python guardian.py FOLDER MARK

It reads commands from its standard input, which the kernel holds open: ``+123`` and ``-123`` for a process group that
has begun or ended. When the input ends, by whatever death of the kernel, it kills the groups that are left, then every
process that carries the session's MARK in its environment (one that a function started in a session of its own, say),
and removes FOLDER. It runs in a session of its own, so that what kills the kernel doesn't kill it.
"""

import contextlib
import os
import shutil
import signal
import sys

MARK_VARIABLE = "_LOCAL_CLOUD"


def kill_group(group: int) -> None:
    """Kill a process group, if it is still there."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(group, signal.SIGKILL)


def kill_marked(mark: str) -> None:
    """Kill every process of this user whose environment carries the mark."""
    import psutil  # only at the end: the guardian starts with the session, and shouldn't hold it up

    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error, OSError):
            if process.pid != os.getpid() and process.environ().get(MARK_VARIABLE) == mark:
                process.kill()


def remove(folder: str) -> None:
    """Remove a folder whose parts may be read-only."""
    for path, _, _ in os.walk(folder):
        with contextlib.suppress(OSError):
            os.chmod(path, 0o700)
    shutil.rmtree(folder, ignore_errors=True)


def main(folder: str, mark: str) -> None:
    """Listen until the kernel is gone, then tidy up."""
    for name in ("SIGINT", "SIGTERM", "SIGHUP"):
        signal.signal(getattr(signal, name), signal.SIG_IGN)
    groups = set()
    for line in sys.stdin:
        with contextlib.suppress(ValueError):
            number = int(line)
            (groups.add if number > 0 else groups.discard)(abs(number))
    for group in groups:
        kill_group(group)
    kill_marked(mark)
    remove(folder)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
