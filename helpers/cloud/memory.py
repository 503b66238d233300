"""How much memory a process uses and has used at most, and how much idle environments may hold on this machine."""

from __future__ import annotations

import contextlib
import os
import sys
from pathlib import Path

import psutil

LINUX = sys.platform.startswith("linux")
PAGE_BYTES = os.sysconf("SC_PAGE_SIZE") if hasattr(os, "sysconf") else 4096


IDLE_VARIABLE = "LOCAL_CLOUD_IDLE_MB"  # for whoever runs a class: JupyterHub's limits are not always a control group's
IDLE_SHARE = 0.25


def allowed_bytes(groups: Path = Path("/sys/fs/cgroup"), mine: Path = Path("/proc/self/cgroup")) -> int:
    """Return the memory that this process may use: the machine's, or less where a container or a service limits it."""
    found = [psutil.virtual_memory().total]
    with contextlib.suppress(OSError):
        own = [line.split(":", 2)[2].strip("/") for line in mine.read_text().splitlines() if line.startswith("0::")]
        for folder in (groups, *(groups / path for path in own)):
            with contextlib.suppress(OSError, ValueError):  # "max" is no number, and no limit
                found.append(int((folder / "memory.max").read_text()))
    return min(found)


def idle_bytes() -> int:
    """Return what environments that wait for their next event may hold together."""
    told = os.environ.get(IDLE_VARIABLE, "")
    return int(told) * 1_000_000 if told.isascii() and told.isdigit() else int(allowed_bytes() * IDLE_SHARE)


def resident_bytes(pid: int) -> int:
    """Return the resident set of a process and its children; 0 once it has ended."""
    if not LINUX:
        with contextlib.suppress(psutil.Error):
            process = psutil.Process(pid)
            return process.memory_info().rss + sum(child.memory_info().rss for child in process.children())
        return 0
    try:
        with open(f"/proc/{pid}/statm", "rb") as file:
            total = int(file.read().split()[1]) * PAGE_BYTES
    except (OSError, IndexError):
        return 0
    return total + sum(map(resident_bytes, _children(pid)))


def peak_bytes(pid: int) -> int:
    """Return the largest resident set that the kernel recorded for a process, or what it has now where none is kept."""
    if not LINUX:
        return resident_bytes(pid)
    try:
        text = Path(f"/proc/{pid}/status").read_bytes()
        at = text.index(b"VmHWM:")
        return int(text[at + 6 : at + 40].split()[0]) * 1024
    except (OSError, ValueError, IndexError):
        return 0


def _children(pid: int) -> list[int]:
    try:
        with open(f"/proc/{pid}/task/{pid}/children", "rb") as file:
            return [int(child) for child in file.read().split()]
    except OSError:
        return []
