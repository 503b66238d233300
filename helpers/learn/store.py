"""The progress file: a small JSON file outside the repository that no crash and no second notebook can harm.

Whoever writes holds a lock, reads what is there, merges, writes a new file beside it, flushes that to the disk and
puts it in the old one's place. A reader sees the old file or the new one. Nothing here raises because of a full disk,
a damaged file or a folder that can't be written: such things are said in one line, and the work waits in memory for
the next write.
"""

from __future__ import annotations

import contextlib
import json
import os
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from helpers.learn.lock import Busy, locked
from helpers.learn.record import Record, cleaned, empty, merged

VARIABLE = "RACKS_TO_FUNCTIONS_PROGRESS"
_FOLDER = "from-racks-to-functions"

T = TypeVar("T")

_unsaved: Record = empty()
_one_thread = threading.RLock()


def location() -> Path:
    """Return where progress is kept: what ``RACKS_TO_FUNCTIONS_PROGRESS`` names, or the system's place for data."""
    named = os.environ.get(VARIABLE)
    if named:
        return Path(named).expanduser()
    if sys.platform == "win32":
        base = os.environ.get("LOCALAPPDATA") or "~/AppData/Local"
    elif sys.platform == "darwin":
        base = "~/Library/Application Support"
    else:
        base = os.environ.get("XDG_DATA_HOME") or "~/.local/share"
    return Path(os.path.expanduser(base)) / _FOLDER / "progress.json"


def read() -> tuple[Record, str]:
    """Return what is kept, and a line about what went wrong, if anything did."""
    with _one_thread:
        path = location()
        try:
            return merged(_read(path), _unsaved), ""
        except (OSError, RuntimeError) as error:
            return _unsaved, f"The progress file can't be read: {_reason(error)}."
        except ValueError:
            return _unsaved, add(empty())


def add(record: Record) -> str:
    """Merge a record into the file; return a line about what went wrong, or nothing."""
    global _unsaved
    with _one_thread:
        _unsaved = merged(_unsaved, record)
        path = location()
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with locked(path.with_name(path.name + ".lock")):
                notice = ""
                try:
                    kept = _read(path)
                except ValueError as error:
                    kept, notice = empty(), _put_aside(path, str(error))
                _write(path, merged(kept, _unsaved))
        except (OSError, RuntimeError, Busy) as error:
            return f"Your progress is not saved yet: {_reason(error)}. It stays in memory until the next check."
        _unsaved = empty()
        return notice


def _read(path: Path) -> Record:
    """Read the file; ValueError if it is damaged."""
    try:
        content = _patiently(path.read_bytes)
    except FileNotFoundError:
        return empty()
    if not content.strip():
        return empty()
    try:
        data = json.loads(content)
    except (ValueError, RecursionError):
        raise ValueError("it is damaged") from None
    return cleaned(data)


def _write(path: Path, record: Record) -> None:
    """Put a complete new file in the old one's place."""
    for left_behind in path.parent.glob(f".{path.name}-*.tmp"):  # by a process that died: nobody else holds the lock
        left_behind.unlink(missing_ok=True)
    descriptor, name = tempfile.mkstemp(prefix=f".{path.name}-", suffix=".tmp", dir=path.parent)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8", newline="\n") as file:
            json.dump(record, file, ensure_ascii=False, indent=1)
            file.write("\n")
            file.flush()
            os.fsync(file.fileno())
        _patiently(lambda: os.replace(name, path))
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(name)
        raise
    if os.name == "posix":  # the new name, too, has to survive a power cut
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            with contextlib.suppress(OSError):
                os.fsync(folder)
        finally:
            os.close(folder)


def _put_aside(path: Path, why: str) -> str:
    number = 1
    while (aside := path.with_name(f"{path.stem}.damaged-{number}{path.suffix}")).exists():
        number += 1
    os.replace(path, aside)
    return f"The progress file could not be used ({why}). It is kept as {aside.name}, and a new one is started."


def _patiently(act: Callable[[], T]) -> T:
    """Do something to the file, again if Windows says that somebody else has it open just now."""
    for _ in range(50):
        try:
            return act()
        except PermissionError:
            if os.name != "nt":
                raise
            time.sleep(0.01)
    return act()


def _reason(error: BaseException) -> str:
    return (getattr(error, "strerror", None) or str(error) or type(error).__name__).rstrip(".")
