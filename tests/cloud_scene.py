"""A cloud with one of everything that could be left behind, and the many ways to end its kernel.

`test_cloud_leftovers` calls :func:`build` in real kernels, and runs this file as a process that forks once for each of
the other endings: modules are imported once, and each fork is a process that has yet to start its cloud.
"""

from __future__ import annotations

import contextlib
import importlib
import json
import multiprocessing
import os
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

FOREVER = "import signal, time; [signal.signal(one, signal.SIG_IGN) for one in (1, 2, 15)]; time.sleep(600)"
FUNCTIONS = {
    "idle": "def handler(event, context): return event",
    "busy": """
        import pathlib
        def handler(event, context):
            pathlib.Path(event["sign"]).touch()
            while True:
                pass
    """,
    "beginning": """
        import os, pathlib, time
        pathlib.Path(os.environ["SIGN"]).touch()
        time.sleep(600)
    """,
    "strays": f"""
        import os, subprocess, sys
        COMMAND = [sys.executable, "-c", {FOREVER!r}]
        def handler(event, context):
            child = subprocess.Popen(COMMAND, start_new_session=True)
            here, there = os.pipe()
            if (between := os.fork()) == 0:
                os.setsid()
                if (daemon := os.fork()) == 0:
                    os.execv(COMMAND[0], COMMAND)
                os.write(there, str(daemon).encode())
                os._exit(0)
            os.waitpid(between, 0)
            return [child.pid, int(os.read(here, 20))]
    """,
}


def build(signs: str, cloud: Any = None) -> dict[str, Any]:
    """Start a cloud with an idle environment, a busy one, one in INIT and one with strays; return what to look for."""
    import psutil
    from conftest import Workshop

    from helpers.cloud import LocalCloud

    def ports() -> set[int]:
        connections = psutil.Process().net_connections("tcp")
        return {one.laddr.port for one in connections if one.status == psutil.CONN_LISTEN}

    before = ports()
    cloud = cloud or LocalCloud.start()
    shop = Workshop()
    sign = {name: Path(signs, name) for name in FUNCTIONS}
    for name, source in FUNCTIONS.items():
        variables = {"Variables": {"SIGN": str(sign[name])}}
        shop.make(source, FunctionName=name, Environment=variables, Timeout=300)
    shop.call("idle")
    strays = shop.call("strays")
    for name in ("busy", "beginning"):
        shop.invoke(name, {"sign": str(sign[name])}, InvocationType="Event")
    for name in ("busy", "beginning"):
        shop.until(sign[name].exists)
    engine = cloud._engine
    return {
        "kernel": os.getpid(),
        "mark": engine.mark,
        "guardian": engine.machine.guard.pid,
        "folder": str(engine.folder),
        "pids": [engine.machine.guard.pid, *strays, *map(int, cloud.environments()["pid"])],
        "ports": sorted({engine.server.port, *(ports() - before)}),
    }


# Each ending gets a function that builds and reports, and a folder for signs.
def forever(build: Callable, folder: Path) -> None:
    """Stay, and be killed."""
    build()
    time.sleep(600)


def plain_exit(build: Callable, folder: Path) -> None:
    """Reach the end of the program."""
    build()


def exception(build: Callable, folder: Path) -> None:
    """Leave the with block by an exception, and stay."""
    from helpers.cloud import LocalCloud

    with contextlib.suppress(ZeroDivisionError), LocalCloud() as cloud:
        build(cloud)
        raise ZeroDivisionError
    time.sleep(600)


def sys_exit(build: Callable, folder: Path) -> None:
    """Exit within the with block."""
    from helpers.cloud import LocalCloud

    with LocalCloud() as cloud:
        build(cloud)
        sys.exit(3)


def untold(build: Callable, folder: Path) -> None:
    """Be killed before the guardian has heard of any environment."""
    from helpers.cloud.guard import Guard

    Guard.began = lambda *_: None
    forever(build, folder)


def forked(build: Callable, folder: Path) -> None:
    """Be killed while a fork lives on, with all that it inherited."""
    build()
    child = os.fork()
    if child:
        _write(folder / "child", child)
    time.sleep(600)


def forks_end(build: Callable, folder: Path) -> None:
    """Have forks that end as programs and as workers of multiprocessing do; go on using the cloud."""
    import boto3

    from helpers.cloud import LocalCloud

    cloud = LocalCloud.start()
    build(cloud)
    before = cloud.environments()[["pid", "state"]].to_dict("records")
    lambdas = boto3.client("lambda")

    def invoked() -> Any:
        return json.load(boto3.client("lambda").invoke(FunctionName="idle", Payload=b"[1]")["Payload"])

    if (child := os.fork()) == 0:
        sys.exit(invoked() != [1])  # runs what is registered with atexit
    _, status = os.waitpid(child, 0)
    if (child := os.fork()) == 0:
        cloud.stop()
        os._exit(0)
    os.waitpid(child, 0)
    with multiprocessing.get_context("fork").Pool(1) as pool:
        from_pool = pool.apply(_invoke_idle)
    after = cloud.environments()[["pid", "state"]].to_dict("records")
    answer = json.load(lambdas.invoke(FunctionName="idle", Payload=b"[3]")["Payload"])
    result = {"before": before, "after": after, "status": status, "pool": from_pool, "answer": answer}
    _write(folder / "result", result)
    time.sleep(600)


def _invoke_idle() -> Any:
    import boto3

    return json.load(boto3.client("lambda").invoke(FunctionName="idle", Payload=b"[2]")["Payload"])


def guardian_dies(build: Callable, folder: Path) -> None:
    """Lose the guardian, say who the next one is, and stay."""
    from helpers.cloud import LocalCloud

    cloud = LocalCloud.start()
    report = build(cloud)
    guard = cloud._engine.machine.guard
    os.kill(report["guardian"], signal.SIGKILL)
    while guard.pid == report["guardian"]:
        time.sleep(0.001)
    _write(folder / "result", {"guardian": guard.pid})
    time.sleep(600)


def guardian_dies_for_good(build: Callable, folder: Path) -> None:
    """Lose the guardian just before the end."""
    from helpers.cloud import LocalCloud

    cloud = LocalCloud.start()
    report = build(cloud)
    cloud._engine.machine.guard._gone = lambda: None
    os.kill(report["guardian"], signal.SIGKILL)
    cloud.stop()
    time.sleep(600)


def interrupted(build: Callable, folder: Path) -> None:
    """Be interrupted in the middle of stop."""
    from helpers.cloud import LocalCloud
    from helpers.cloud.service import Service

    def close(*_: object) -> None:
        raise KeyboardInterrupt

    cloud = LocalCloud.start()
    build(cloud)
    Service.close = close
    with contextlib.suppress(KeyboardInterrupt):
        cloud.stop()
    time.sleep(600)


def _write(path: Path, value: Any) -> None:
    """Write at once or not at all."""
    path.with_suffix(".new").write_text(json.dumps(value))
    path.with_suffix(".new").rename(path)


def main() -> None:
    """Fork for every line of the input: an ending and a folder."""
    for name in ("boto3", "psutil", "conftest", "helpers.cloud.session", "helpers.cloud.server"):
        importlib.import_module(name)  # for the forks
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    for line in sys.stdin:
        ending, _, folder = line.strip().partition(" ")
        if os.fork() == 0:
            break
    else:
        return
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    os.setsid()

    def build_and_report(cloud: Any = None) -> dict[str, Any]:
        report = build(folder, cloud)
        _write(Path(folder, "report"), report)
        return report

    globals()[ending](build_and_report, Path(folder))


if __name__ == "__main__":
    main()
