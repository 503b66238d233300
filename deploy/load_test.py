"""How much of a machine a learner takes: learners log in at a JupyterHub, and each runs a notebook.

    python deploy/load_test.py [--learners 4] [--notebooks 02 05 07 08] [--json deploy/measured.json]

Starts the hub of ``deploy/single`` on this machine, as root with accounts that are removed afterwards. First one
learner after the other runs a notebook alone, then all of them at the same time, each cell as soon as the one before
is done ("Run All"). Read from the system: memory as proportional set size (a page that several processes share counts
in parts), processor time, and the time that each cell took. ``deploy/README.md`` is computed from what is stored.
"""

from __future__ import annotations

import argparse
import contextlib
import csv
import datetime
import json
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import psutil
from browserless import Learner, Ran

DEPLOY = Path(__file__).resolve().parent
ROOT = DEPLOY.parent
PREFIX = "class-trial"
SAMPLE_S = 0.5
WARM_CALLS = 100
IDLE_S = 15.0

# What a learner does who has understood the first lesson: a cloud, a function, calls. In the words of notebook 02.
WARM = f"""
import statistics, time, boto3
from helpers.cloud import LocalCloud, zip_function
_own = LocalCloud.current() or LocalCloud.start()
_client = boto3.client("lambda")
_role = boto3.client("iam").create_role(RoleName="load", AssumeRolePolicyDocument="{{}}")["Role"]["Arn"]
_code = zip_function("def handler(event, context):\\n    return event\\n")
_client.create_function(FunctionName="load", Runtime="python3.13", Role=_role, Handler="lambda_function.handler",
                        Code={{"ZipFile": _code}})
_took = []
for _ in range({WARM_CALLS} + 5):
    _began = time.perf_counter()
    _client.invoke(FunctionName="load", Payload=b"1")["Payload"].read()
    _took.append((time.perf_counter() - _began) * 1000)
print(statistics.median(_took[5:]), sorted(_took[5:])[-{WARM_CALLS} // 20])
"""


@contextlib.contextmanager
def hub(learners: int, folder: Path, port: int) -> Iterator[tuple[psutil.Process, list[Learner]]]:
    """Run the hub with as many learners on its list; remove their accounts afterwards."""
    listed = [sys.executable, str(DEPLOY / "make_class_list.py"), "--file", str(folder / "class-list")]
    listed += ["--count", str(learners), "--prefix", PREFIX]
    slips = subprocess.run(listed, capture_output=True, text=True, check=True).stdout
    known = [Learner(f"http://127.0.0.1:{port}", name, password) for name, password in csv.reader(slips.splitlines())]
    environment = os.environ | {"CLASS_FOLDER": str(folder), "CLASS_PORT": str(port)}
    command = [str(Path(sys.executable).parent / "jupyterhub"), "-f", str(DEPLOY / "single" / "jupyterhub_config.py")]
    with (folder / "hub.log").open("wb") as log:
        running = subprocess.Popen(command, cwd=folder, env=environment, stdout=log, stderr=log, start_new_session=True)
    try:
        wait_for(known[0], running, folder / "hub.log")
        yield psutil.Process(running.pid), known
    finally:
        for learner in known:
            learner.close()
        if running.poll() is None:
            end(psutil.Process(running.pid))
        running.wait()
        if os.geteuid() == 0:
            for learner in known:
                subprocess.run(["userdel", "--remove", "--force", learner.name], capture_output=True, check=False)


def wait_for(learner: Learner, running: subprocess.Popen, log: Path) -> None:
    """Wait until the hub answers."""
    until = time.monotonic() + 60
    while True:
        with contextlib.suppress(OSError):
            if learner.get("/hub/login").ok:
                return
        if running.poll() is not None or time.monotonic() > until:
            raise RuntimeError(f"the hub did not start: {log.read_text()[-2000:]}")
        time.sleep(0.2)


def end(process: psutil.Process) -> None:
    """End a process, which ends what it has started; kill what is left after that."""
    family = [process, *process.children(recursive=True)]
    process.terminate()
    _, left = psutil.wait_procs(family, timeout=30)
    for one in left:
        with contextlib.suppress(psutil.Error):
            one.kill()


def free_ports(count: int) -> int:
    """Return the first of so many free ports in a row."""
    import socket

    for first in range(18000, 30000, count):
        with contextlib.ExitStack() as held, contextlib.suppress(OSError):
            for port in range(first, first + count):
                held.enter_context(socket.create_server(("127.0.0.1", port)))
            return first
    raise RuntimeError("no free ports")


class Watch(threading.Thread):
    """Reads memory and processor time of a process and all that descends from it, twice a second."""

    def __init__(self, process: psutil.Process) -> None:
        super().__init__(daemon=True)
        self._process, self._running = process, True
        self.peak_mb = self.now_mb = 0.0
        self._ended: dict[psutil.Process, float] = {}
        self.start()

    def run(self) -> None:
        """Read until stopped."""
        while self._running:
            self.read()
            time.sleep(SAMPLE_S)

    def read(self) -> float:
        """Return the memory now."""
        self.now_mb = sum(map(memory_mb, family(self._process)))
        self.peak_mb = max(self.peak_mb, self.now_mb)
        return self.now_mb

    def cpu_s(self) -> float:
        """Return the processor time so far, that of ended children included."""
        return sum(map(cpu_s, family(self._process)))

    def stop(self) -> None:
        """End the thread."""
        self._running = False
        self.join()


def family(process: psutil.Process) -> list[psutil.Process]:
    """Return a process and all that descends from it."""
    with contextlib.suppress(psutil.Error):
        return [process, *process.children(recursive=True)]
    return []


def memory_mb(process: psutil.Process) -> float:
    """Return a process's share of memory in MB; what belongs to it alone where the system tells no share."""
    with contextlib.suppress(psutil.Error, OSError):
        memory = process.memory_full_info()
        return getattr(memory, "pss", memory.uss) / 1e6
    return 0.0


def cpu_s(process: psutil.Process) -> float:
    """Return the processor seconds of a process and of the children that it has seen end."""
    with contextlib.suppress(psutil.Error):
        times = process.cpu_times()
        return times.user + times.system + times.children_user + times.children_system
    return 0.0


def server_of(running: psutil.Process, learner: Learner) -> psutil.Process:
    """Return the process of a learner's server."""
    for one in running.children():
        with contextlib.suppress(psutil.Error):
            if one.environ().get("JUPYTERHUB_USER") == learner.name:
                return one
    raise LookupError(f"{learner.name} has no server")


def lesson(running: psutil.Process, learner: Learner, notebook: str) -> dict[str, Any]:
    """Log in, run a notebook from top to bottom and then a function many times; return what it took."""
    start_s = learner.log_in()
    watch = Watch(server_of(running, learner))
    try:
        server_mb, began_cpu = watch.read(), watch.cpu_s()
        kernel_s = learner.open(notebook)
        cells: list[Ran] = []
        began = time.monotonic()
        for code in learner.cells(notebook):
            cells.append(learner.run(code))
        run_s, run_cpu = time.monotonic() - began, watch.cpu_s()
        rest_mb, peak_mb = watch.read(), watch.peak_mb
        warm = learner.run(WARM)
        if warm.error:
            raise RuntimeError(f"{learner.name}: {warm.error}")
        median_ms, slow_ms = map(float, warm.text.split())
        before_cpu = watch.cpu_s()
        time.sleep(IDLE_S)
        idle_cpu = (watch.cpu_s() - before_cpu) / IDLE_S
    finally:
        watch.stop()
    busiest = max(cells, key=lambda cell: cell.seconds)
    return {
        "learner": learner.name,
        "notebook": notebook.removesuffix(".ipynb"),
        "start_s": round(start_s, 2),
        "start_cpu_s": round(began_cpu, 2),
        "kernel_s": round(kernel_s, 2),
        "first_cell_s": round(cells[0].seconds, 2),
        "run_s": round(run_s, 1),
        "run_cpu_s": round(run_cpu - began_cpu, 1),
        "cell_median_s": round(statistics.median(cell.seconds for cell in cells), 3),
        "cell_slowest_s": round(busiest.seconds, 1),
        "cells": len(cells),
        "failed": [f"{cell.error} {cell.text[-2000:]}" for cell in cells if cell.error],
        "server_mb": round(server_mb),
        "rest_mb": round(rest_mb),
        "peak_mb": round(peak_mb),
        "warm_ms": round(median_ms, 1),
        "warm_slow_ms": round(slow_ms, 1),
        "idle_cpu": round(idle_cpu, 4),
    }


def machine() -> dict[str, Any]:
    """Name the machine, without its name."""
    sys.path.insert(0, str(ROOT / "tests" / "bench"))
    from rows import machine as described

    return described()


def run(learners: int, notebooks: list[str]) -> dict[str, Any]:
    """Let learners come one by one and then together; return what was measured."""
    with tempfile.TemporaryDirectory(prefix="class-") as name:
        folder = Path(name)
        os.chmod(folder, 0o700)
        with hub(learners, folder, free_ports(3)) as (running, known):
            alone = []
            for learner, notebook in zip(known, notebooks, strict=False):
                alone.append(lesson(running, learner, notebook))
                tell("alone", alone[-1])
                learner.stop_server()
            own_before = hub_mb(running)
            with ThreadPoolExecutor(learners) as class_room:
                chosen = [notebooks[number % len(notebooks)] for number in range(learners)]
                began = time.monotonic()
                together = list(class_room.map(lambda pair: lesson(running, *pair), zip(known, chosen, strict=True)))
                together_s = time.monotonic() - began
            for one in together:
                tell("together", one)
            others = [hub_mb(running), own_before]
    return {
        "as_of": datetime.date.today().isoformat(),
        "machine": machine(),
        "own_accounts": os.geteuid() == 0,
        "alone": alone,
        "together": together,
        "together_s": round(together_s, 1),
        "hub_mb": round(max(others)),
    }


def hub_mb(running: psutil.Process) -> float:
    """Return the memory of the hub, its proxy and the culler."""
    own = [one for one in running.children() if "jupyterhub-singleuser" not in " ".join(one.cmdline())]
    return sum(map(memory_mb, [running, *own]))


def tell(how: str, one: dict[str, Any]) -> None:
    """Print a row."""
    names = ("start_s", "first_cell_s", "run_s", "run_cpu_s", "server_mb", "rest_mb", "peak_mb", "warm_ms")
    told = "  ".join(f"{name} {one[name]:g}" for name in names)
    print(f"{how:9}{one['notebook']:32}{told}  {'; '.join(one['failed'])}", flush=True)


def main() -> None:
    """Measure what the command line says, and store it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--learners", type=int, default=4)
    parser.add_argument(
        "--notebooks", nargs="+", default=["02", "05", "07", "08"], help="the start of a name, as in 07"
    )
    parser.add_argument("--json", type=Path, help="put what was measured there")
    asked = parser.parse_args()
    chosen = [next((ROOT / "notebooks").glob(f"{name}*.ipynb")).name for name in asked.notebooks]
    found = run(asked.learners, chosen)
    if asked.json:
        asked.json.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    else:
        print(json.dumps(found, indent=1))


if __name__ == "__main__":
    main()
