"""One writer at a time, among all kernels that are open.

The operating system's own file lock where there is one: it ends with the process that holds it, however that ends.
Some network file systems have none; there a file that only one can create stands for the lock, and one that is too
old to belong to a living writer is taken away.
"""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]
    import msvcrt

PATIENCE_S = 10.0
STALE_S = 30.0  # a write takes milliseconds
_PAUSE_S = 0.01


class Busy(Exception):
    """Somebody else has held the lock for too long."""


@contextlib.contextmanager
def locked(path: Path, *, patience_s: float | None = None) -> Iterator[None]:
    """Hold the lock that ``path`` stands for.

    Raises
    ------
    Busy
        If it isn't free within ``patience_s`` seconds.
    """
    until = time.monotonic() + (PATIENCE_S if patience_s is None else patience_s)
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        supported = _wait(lambda: _take(descriptor), until)
        if supported:
            yield
    finally:
        os.close(descriptor)  # which releases it
    if not supported:
        with _made(path.with_name(path.name + ".held"), until):
            yield


def _take(descriptor: int) -> bool | None:
    """Try to lock; True if it worked, False if somebody else has it, None if this file system has no locks."""
    try:
        if fcntl:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        else:
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
    except (BlockingIOError, PermissionError):
        return False
    except OSError:
        return None
    return True


def _wait(attempt: Callable[[], bool | None], until: float) -> bool:
    while (taken := attempt()) is False:
        if time.monotonic() > until:
            raise Busy("another notebook holds the progress file")
        time.sleep(_PAUSE_S)
    return taken is True


@contextlib.contextmanager
def _made(path: Path, until: float) -> Iterator[None]:
    """Hold a lock that consists in having created a file."""
    _wait(lambda: _create(path), until)
    try:
        yield
    finally:
        path.unlink(missing_ok=True)


def _create(path: Path) -> bool:
    try:
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    except FileExistsError:
        with contextlib.suppress(OSError):
            if time.time() - path.stat().st_mtime > STALE_S:
                path.unlink()
        return False
    return True
