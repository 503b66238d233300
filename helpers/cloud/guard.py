"""The kernel's side of :mod:`helpers.cloud.guardian`: starts it, tells it what runs, and replaces it should it die.

The guardian's standard output is never written to; its end is how the kernel hears of the guardian's death, at once.
"""

from __future__ import annotations

import contextlib
import logging
import os
import subprocess
import sys
import threading
from pathlib import Path

from helpers.cloud import guardian
from helpers.cloud.loop import Loop

log = logging.getLogger(__name__)

REPLACEMENTS_MAX = 10  # whoever kills it more often means it
FAREWELL_S = 5.0


class Guard:
    """A guardian at work, from the first process of a session to its end.

    Parameters
    ----------
    loop : hears of the guardian's death
    folder : removed at the end
    mark : what the session's processes carry in their environment
    """

    def __init__(self, loop: Loop, folder: Path, mark: str) -> None:
        self._loop, self._folder, self._mark = loop, folder, mark
        self._lock = threading.RLock()
        self._groups: set[int] = set()
        self._closing = False
        self._replaced = 0
        self._start()

    @property
    def pid(self) -> int:
        """The guardian's process."""
        return self._process.pid

    def began(self, group: int) -> None:
        """Note a process group."""
        with self._lock:
            self._groups.add(group)
            self._write(f"+{group}\n")

    def ended(self, group: int, mark: str) -> None:
        """Strike a process group off, and have killed what it started in other groups under its own mark."""
        with self._lock:
            self._groups.discard(group)
            self._write(f"-{group} {mark}\n")

    def close(self) -> None:
        """End what is left of the session's processes, and the guardian; remove the folder."""
        with self._lock:
            self._closing = True
            process = self._process
            self._write(".\n")
        self._loop.remove(process.stdout)
        process.stdin.close()
        try:
            finished = process.wait(FAREWELL_S) == 0
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            finished = False
        process.stdout.close()
        if not finished:
            guardian.finish(str(self._folder), self._mark, self._groups)

    def abandon(self) -> None:
        """Let go in a forked child, without a word to the guardian, which is the parent's."""
        self._closing = True
        self._lock = threading.RLock()
        self._process.stdin.close()
        self._process.stdout.close()
        self._process.returncode = 0  # not this process's child: nothing to wait for

    def _start(self) -> None:
        # -P: its own folder has modules that are called as some of the standard library's are.
        self._process = subprocess.Popen(
            [sys.executable, "-P", guardian.__file__, str(self._folder), self._mark, str(os.getpid())],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            cwd="/",
            start_new_session=True,
            bufsize=0,
        )
        os.set_blocking(self._process.stdin.fileno(), False)  # one that is stopped must not stop us
        self._loop.add(self._process.stdout, self._gone)

    def _write(self, line: str) -> None:
        # Where it fails the guardian is dead or hangs: _gone replaces it, and tells the next one everything.
        with contextlib.suppress(OSError, ValueError):
            if self._process.stdin.write(line.encode()) is None:  # the pipe is full
                self._process.kill()

    def _gone(self) -> None:
        """Replace a guardian that has died; on the loop's thread."""
        with self._lock:
            if self._closing:
                return
            self._loop.remove(self._process.stdout)
            self._process.stdout.close()
            self._process.stdin.close()
            self._process.wait()
            self._replaced += 1
            if self._replaced > REPLACEMENTS_MAX:
                log.warning("the local cloud's guardian keeps dying: after a crash of the kernel, processes may stay")
                return
            self._start()
            for group in self._groups:
                self._write(f"+{group}\n")
