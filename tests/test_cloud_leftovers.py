"""Nothing of a local cloud outlives its kernel by more than two seconds, however the kernel ends."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from helpers.cloud.guardian import MARK_VARIABLE

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="the local Lambda needs Linux or macOS")

SCENE = Path(__file__).with_name("cloud_scene.py")
GONE_S = 2.0


def runs(pid: int) -> bool:
    with contextlib.suppress(psutil.Error):
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    return False


def listens(port: int) -> bool:
    with socket.socket() as caller:
        return caller.connect_ex(("127.0.0.1", port)) == 0


def carrying(mark: str) -> list[str]:
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            if process.environ().get(MARK_VARIABLE, "").startswith(mark) and runs(process.pid):
                found.append(" ".join(process.cmdline()))
    return found


def left(report: dict[str, Any]) -> list[str]:
    """Name what is still there of a cloud."""
    return [
        *(f"process {pid}" for pid in report["pids"] if runs(pid)),
        *(f"process {command}" for command in carrying(report["mark"])),
        *(f"port {port}" for port in report["ports"] if listens(port)),
        *(f"folder {report['folder']}" for _ in range(os.path.exists(report["folder"]))),
    ]


def assert_gone(report: dict[str, Any]) -> None:
    deadline = time.monotonic() + GONE_S
    while still := left(report):
        assert time.monotonic() < deadline, still
        time.sleep(0.02)


def assert_there(report: dict[str, Any]) -> None:
    """Make sure that the test would see it: a guardian, four environments and two strays; five ports; a folder."""
    assert all(map(runs, report["pids"]))
    assert len(report["pids"]) == 7
    assert len(carrying(report["mark"])) == 6
    assert len(report["ports"]) == 5
    assert all(map(listens, report["ports"]))
    assert os.path.isdir(report["folder"])


def wait_for(path: Path) -> Any:
    deadline = time.monotonic() + 30
    while not path.exists():
        assert time.monotonic() < deadline, f"{path.name} did not come"
        time.sleep(0.01)
    return json.loads(path.read_text())


def until_dead(pid: int) -> None:
    deadline = time.monotonic() + 10
    while runs(pid):
        assert time.monotonic() < deadline
        time.sleep(0.005)


@pytest.fixture(scope="module")
def stage() -> Iterator[subprocess.Popen]:
    """Return a process that makes kernels by forking."""
    with subprocess.Popen([sys.executable, SCENE], stdin=subprocess.PIPE, text=True) as process:
        yield process


@pytest.fixture
def play(stage: subprocess.Popen, tmp_path: Path) -> Iterator[Callable[[str], dict[str, Any]]]:
    """Return what starts a kernel with an ending, and its report once the cloud is full."""
    kernels = []

    def play(ending: str) -> dict[str, Any]:
        stage.stdin.write(f"{ending} {tmp_path}\n")
        stage.stdin.flush()
        report = wait_for(tmp_path / "report")
        kernels.append(report["kernel"])
        return report

    yield play
    for pid in kernels:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(pid, signal.SIGKILL)


@pytest.mark.thorough
def test_a_killed_process_leaves_nothing(play: Callable) -> None:
    report = play("forever")
    assert_there(report)
    os.kill(report["kernel"], signal.SIGKILL)
    assert_gone(report)


@pytest.mark.thorough
def test_a_killed_process_group_leaves_nothing(play: Callable) -> None:
    report = play("forever")
    os.killpg(report["kernel"], signal.SIGKILL)
    assert_gone(report)


@pytest.mark.thorough
def test_a_terminated_process_leaves_nothing(play: Callable) -> None:
    report = play("forever")
    os.kill(report["kernel"], signal.SIGTERM)
    assert_gone(report)


@pytest.mark.thorough
@pytest.mark.parametrize("ending", ["plain_exit", "sys_exit"])
def test_a_process_that_ends_without_stop_leaves_nothing_and_ends_at_once(ending: str, play: Callable) -> None:
    report = play(ending)
    assert_gone(report)
    until_dead(report["kernel"])


@pytest.mark.thorough
@pytest.mark.parametrize("ending", ["exception", "interrupted"])
def test_an_exception_leaves_nothing_though_the_process_goes_on(ending: str, play: Callable) -> None:
    report = play(ending)
    assert_gone(report)
    assert runs(report["kernel"])


@pytest.mark.thorough
def test_environments_of_which_the_guardian_has_not_heard_are_found_by_their_mark(play: Callable) -> None:
    report = play("untold")
    os.kill(report["kernel"], signal.SIGKILL)
    assert_gone(report)


@pytest.mark.thorough
def test_a_fork_that_outlives_the_killed_kernel_keeps_nothing_alive(play: Callable, tmp_path: Path) -> None:
    report = play("forked")
    child = wait_for(tmp_path / "child")
    os.kill(report["kernel"], signal.SIGKILL)
    assert_gone(report)
    assert runs(child)


@pytest.mark.thorough
def test_forks_use_the_cloud_and_end_without_ending_it(play: Callable, tmp_path: Path) -> None:
    report = play("forks_end")
    result = wait_for(tmp_path / "result")
    assert result["after"] == result["before"]
    assert (result["status"], result["pool"], result["answer"]) == (0, [2], [3])
    assert_there(report)


@pytest.mark.thorough
def test_a_guardian_that_dies_is_replaced_and_the_next_knows_everything(play: Callable, tmp_path: Path) -> None:
    report = play("guardian_dies")
    report["pids"].append(wait_for(tmp_path / "result")["guardian"])
    os.kill(report["kernel"], signal.SIGKILL)
    assert_gone(report)


@pytest.mark.thorough
def test_stop_cleans_up_without_a_guardian(play: Callable) -> None:
    report = play("guardian_dies_for_good")
    assert_gone(report)
    assert runs(report["kernel"])


class Kernel:
    """A real kernel, as JupyterLab starts it."""

    def __init__(self) -> None:
        from jupyter_client.manager import KernelManager

        self.manager = KernelManager()
        self.manager.start_kernel(stderr=subprocess.DEVNULL)
        self.client = self.manager.blocking_client()
        self.client.start_channels()
        self.client.wait_for_ready(timeout=60)

    def run(self, code: str, timeout_s: float = 60) -> str:
        """Execute a cell; return what it printed."""
        printed = []

        def hear(message: dict[str, Any]) -> None:
            if message["msg_type"] == "stream":
                printed.append(message["content"]["text"])

        reply = self.client.execute_interactive(code, timeout=timeout_s, output_hook=hear)["content"]
        assert reply["status"] == "ok", "\n".join(reply["traceback"])
        return "".join(printed)

    def build(self, folder: Path) -> dict[str, Any]:
        """Fill a cloud in the kernel."""
        folder.mkdir()
        code = f"import sys; sys.path.insert(0, {str(SCENE.parent)!r}); import json, cloud_scene\n"
        return json.loads(self.run(f"{code}print(json.dumps(cloud_scene.build({str(folder)!r})))"))

    def restart(self, **settings: Any) -> None:
        self.manager.restart_kernel(**settings)

    def ready(self) -> None:
        self.client.wait_for_ready(timeout=60)

    def end(self) -> None:
        self.client.stop_channels()
        self.manager.shutdown_kernel(now=True)


@pytest.fixture(scope="module")
def kernel() -> Iterator[Kernel]:
    kernel = Kernel()
    yield kernel
    kernel.end()


@pytest.mark.thorough
def test_an_interrupted_cell_leaves_the_environments_as_they_are(kernel: Kernel, tmp_path: Path) -> None:
    sign = tmp_path / "sign"
    kernel.run(f"""
import sys; sys.path.insert(0, {str(SCENE.parent)!r})
import boto3
from conftest import Workshop
from helpers.cloud import LocalCloud
cloud = LocalCloud.start()
shop = Workshop()
name = shop.make('''
    import os, pathlib, time
    def handler(event, context):
        if event:
            pathlib.Path(event).touch()
            while not os.path.exists(event + "-go"):
                time.sleep(0.005)
        return os.getpid()
''')
first = shop.call(name)
""")
    request = kernel.client.execute(f"shop.call(name, {str(sign)!r})")
    deadline = time.monotonic() + 10
    while not sign.exists():
        assert time.monotonic() < deadline
        time.sleep(0.005)
    kernel.manager.interrupt_kernel()
    reply = kernel.client.get_shell_msg(timeout=10)
    while reply["parent_header"].get("msg_id") != request:
        reply = kernel.client.get_shell_msg(timeout=10)
    assert reply["content"]["ename"] == "KeyboardInterrupt"
    Path(f"{sign}-go").touch()
    kernel.run("""
shop.until(lambda: list(cloud.environments()["state"]) == ["idle"])
assert shop.call(name) == first
assert list(cloud.invocations()["status"]) == ["success"] * 3
cloud.stop()
""")


@pytest.mark.thorough
@pytest.mark.parametrize("now", [False, True], ids=["politely", "by force"])
def test_a_restarted_kernel_leaves_nothing(now: bool, kernel: Kernel, tmp_path: Path) -> None:
    report = kernel.build(tmp_path / "signs")
    assert_there(report)
    kernel.restart(now=now)
    assert_gone(report)
    kernel.ready()


@pytest.mark.thorough
def test_a_killed_kernel_leaves_nothing(kernel: Kernel, tmp_path: Path) -> None:
    report = kernel.build(tmp_path / "signs")
    os.kill(report["kernel"], signal.SIGKILL)
    assert_gone(report)
