"""What every benchmark has in common: a row of the one table, the machine, and how a run compares with another.

A row is a ratio of two quantities measured in the same run, ours and a named baseline's; nothing else can be compared
between a busy and a quiet moment, or between two machines.
"""

from __future__ import annotations

import os
import platform
import re
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

PACKAGES = ("jupyterlab", "ipykernel", "plotly", "boto3", "moto", "awslambdaric", "numba", "numpy", "pandas")


def processor() -> str:
    """Return the processor's name as the system has it."""
    try:
        found = re.search(r"^model name\s*:\s*(.+)$", Path("/proc/cpuinfo").read_text(encoding="utf-8"), re.MULTILINE)
    except OSError:
        found = None
    return found[1].strip() if found else platform.processor() or platform.machine()


def machine() -> dict[str, Any]:
    """Describe the machine: what decides how fast it is, and nothing that tells whose it is."""
    return {
        "processor": processor(),
        "cores": os.cpu_count() or 1,
        "memory_gb": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9),
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "packages": {name: _version(name) for name in PACKAGES},
    }


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return ""
