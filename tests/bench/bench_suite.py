"""How long the notebooks take under nbval, against the floor of starting a kernel for each of them.

Both use as many workers as the machine has cores. The floor starts each kernel, waits for its first answer and ends it.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from jupyter_client.manager import KernelManager
from rows import Row, in_turn, median_row, serve

ROOT = Path(__file__).resolve().parents[2]
WORKERS = os.cpu_count() or 1
WHY = "four of them (02, 05, 07, 08) run real functions, for 10 to 70 s each: deploy/README.md has their times"


def kernels(count: int) -> float:
    """Start so many kernels, each until its first answer; return the seconds."""

    def one(_: int) -> None:
        manager = KernelManager(kernel_name="python3")
        manager.start_kernel(stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        client = manager.client()
        client.start_channels()
        client.wait_for_ready(timeout=120)
        client.execute_interactive("0", timeout=60, output_hook=lambda _: None)
        client.stop_channels()
        manager.shutdown_kernel(now=True)

    began = time.perf_counter()
    with ThreadPoolExecutor(WORKERS) as pool:
        list(pool.map(one, range(count)))
    return time.perf_counter() - began


def suite(*paths: str) -> float:
    """Run a part of the suite; return the seconds."""
    command = [sys.executable, "-m", "pytest", "--nbval", "-q", "-n", str(WORKERS), "-p", "no:cacheprovider", *paths]
    began = time.perf_counter()
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"the suite fails, and its time means nothing: {done.stdout[-2000:]}")
    return time.perf_counter() - began


def rows(quick: bool) -> Iterator[Row]:
    """Run all notebooks, or three of them; then everything."""
    books = sorted(str(path.relative_to(ROOT)) for path in (ROOT / "notebooks").glob("*.ipynb"))
    books = books[:3] if quick else books
    floor = f"starting {len(books)} kernels"
    taken = in_turn({"suite": lambda: suite(*books), "floor": lambda: kernels(len(books))}, 1 if quick else 2)
    known = {"unit": "s", "baseline": floor}
    yield median_row(taken["suite"], taken["floor"], name=f"{len(books)} notebooks under nbval", note=WHY, **known)
    if not quick:
        whole = [suite()]
        yield median_row(whole, taken["floor"], name="make test", **known)


if __name__ == "__main__":
    serve(rows)
