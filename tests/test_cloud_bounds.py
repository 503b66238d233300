"""What a function may take of the machine and see of its host: environments, callers, logs, files, variables, ports."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import psutil
import pytest

from helpers.cloud.guardian import kill_marked, marked, remove
from helpers.cloud.output import FRAME_MAX_BYTES, KEPT_MAX_BYTES, MESSAGES_MAX, Output

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="the local Lambda needs Linux or macOS")
linux = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")

ENVIRONMENTS_MAX = 4
SECRETS = {
    "JUPYTER_TOKEN": "a-secret",
    "JPY_API_TOKEN": "a-secret",
    "AWS_SESSION_TOKEN": "a-secret",
    "AWS_PROFILE": "a-secret",
    "AWS_ACCESS_KEY_ID": "AKIAa-secret",
    "GITHUB_TOKEN": "a-secret",
    "DATABASE_URL": "a-secret",
}
WAITS = """
    import os, pathlib, time
    def handler(event, context):
        (pathlib.Path(event) / context.aws_request_id).touch()
        while not os.path.exists(event + "/go"):
            time.sleep(0.005)
"""


@pytest.fixture(scope="module")
def cloud() -> Iterator[Any]:
    """Return a small cloud, started by a kernel that has secrets and an open file."""
    from helpers.cloud import LocalCloud

    with pytest.MonkeyPatch.context() as patch, open(os.devnull) as file:
        for name, value in SECRETS.items():
            patch.setenv(name, value)
        os.set_inheritable(file.fileno(), True)  # as badly as it can be
        with LocalCloud(max_environments=ENVIRONMENTS_MAX) as cloud:
            yield cloud


class Waiting:
    """Callers whose invocations are at work until they are let go."""

    def __init__(self, workshop: Any, folder: Path, count: int) -> None:
        self.folder = folder
        self.name = workshop.make(WAITS)
        self.callers = ThreadPoolExecutor(count)
        self.answers = [self.callers.submit(workshop.call, self.name, str(folder)) for _ in range(count)]

    def served(self) -> int:
        return len(list(self.folder.iterdir()))

    def let_go(self) -> list[Exception | None]:
        (self.folder / "go").touch()
        errors = [answer.exception() for answer in self.answers]
        self.callers.shutdown()
        return errors


def test_more_callers_than_the_machine_may_have_environments_are_throttled(
    cloud: Any, workshop: Any, tmp_path: Path
) -> None:
    waiting = Waiting(workshop, tmp_path, ENVIRONMENTS_MAX + 5)
    workshop.until(lambda: sum(answer.done() for answer in waiting.answers) == 5)
    workshop.until(lambda: waiting.served() == ENVIRONMENTS_MAX)
    processes = sum(cloud.environments()["state"] != "stopped")
    errors = list(filter(None, waiting.let_go()))
    assert processes == ENVIRONMENTS_MAX
    assert {type(error).__name__ for error in errors} == {"TooManyRequestsException"}
    assert len(errors) == 5


def test_an_idle_environment_makes_room_for_another_function(cloud: Any, workshop: Any) -> None:
    for number in range(ENVIRONMENTS_MAX + 2):
        assert workshop.call(workshop.make("def handler(event, context): return event"), number) == number
    workshop.until(lambda: sum(cloud.environments()["state"] != "stopped") <= ENVIRONMENTS_MAX)


class Caller(socket.socket):
    """A connection to the cloud."""

    def __init__(self, cloud: Any) -> None:
        super().__init__()
        self.settimeout(10)
        self.connect(("127.0.0.1", cloud._engine.server.port))

    def ask(self) -> bytes:
        """Send an unsigned request; return the beginning of the answer."""
        with contextlib.suppress(ConnectionError):
            self.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
            return self.recv(12)
        return b""


def test_connections_that_ask_for_nothing_make_room_the_oldest_first(
    cloud: Any, workshop: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    connections = cloud._engine.server._server._silent_since
    workshop.until(lambda: not connections)
    monkeypatch.setattr("helpers.cloud.server.CONNECTIONS_MAX", 3)
    monkeypatch.setattr("helpers.cloud.server.SILENT_S", 0.01)
    with contextlib.ExitStack() as open_ones:
        callers = []
        for room in (1, 2, 3, 3, 3):
            callers.append(open_ones.enter_context(Caller(cloud)))
            workshop.until(lambda wanted=room: len(connections) == wanted)
        workshop.until(lambda: callers[1].recv(1) == b"")
        assert [caller.ask() for caller in callers[::-1]] == [b"HTTP/1.1 403"] * 3 + [b""] * 2


def test_a_caller_is_refused_while_all_connections_are_at_work(
    cloud: Any, workshop: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    waiting = Waiting(workshop, tmp_path, 2)
    workshop.until(lambda: waiting.served() == 2)
    monkeypatch.setattr("helpers.cloud.server.CONNECTIONS_MAX", 2)
    monkeypatch.setattr("helpers.cloud.server.PATIENCE_S", 0.01)
    with Caller(cloud) as caller:
        assert caller.recv(65536).startswith(b"HTTP/1.1 503")
    assert waiting.let_go() == [None, None]


FLOODS = {
    "short lines": 'DATA = b"x\\n" * 32768',
    "a message that claims to be huge": 'DATA = bytes.fromhex("a55a0003ffffffff") + bytes(65000)',
}


@pytest.mark.parametrize("flood", FLOODS)
def test_a_function_that_writes_without_end_neither_fills_the_memory_nor_stops_the_others(
    flood: str, workshop: Any
) -> None:
    source = f"import os\n{FLOODS[flood]}\ndef handler(event, context):\n    while True:\n        os.write(1, DATA)\n"
    flooding = workshop.make(source, Timeout=1)
    other = workshop.make("def handler(event, context): return event")
    workshop.call(other, 0)
    memory = psutil.Process().memory_info().rss
    began = time.monotonic()
    with ThreadPoolExecutor(1) as caller:
        answer = caller.submit(workshop.fail, flooding)
        served = 0
        while not answer.done():
            served += workshop.call(other, 1)
    assert "Task timed out after 1.00 seconds" in answer.result()["errorMessage"]
    assert time.monotonic() - began < 5
    assert served >= 5
    assert psutil.Process().memory_info().rss - memory < 60e6
    messages = workshop.logs(flooding)
    assert len(messages) <= MESSAGES_MAX + 5
    assert sum(map(len, messages)) < KEPT_MAX_BYTES + 2e6


def test_what_was_written_beyond_the_limit_is_counted_in_the_log() -> None:
    output = Output()
    for _ in range(3):
        output.feed(b"x\n" * MESSAGES_MAX)
    *kept, last = output.take()
    assert kept == ["x"] * MESSAGES_MAX
    assert last == f"[local cloud] {2 * 2 * MESSAGES_MAX:,} bytes more were written, and not kept."
    output.feed(b"after\n")
    assert output.take() == ["after"]


def test_a_frame_that_claims_to_be_longer_than_any_is_text() -> None:
    output = Output()
    output.feed(bytes.fromhex("a55a0003") + (FRAME_MAX_BYTES + 1).to_bytes(4, "big") + b"so it seems\nnext\n")
    assert output.take()[-1] == "next"


LOOKS = """
    import os
    def handler(event, context):
        here = "/proc/self/fd/"
        open_files = {name: os.readlink(here + name) for name in os.listdir(here) if os.path.exists(here + name)}
        return {"variables": dict(os.environ), "files": open_files, "cwd": os.getcwd()}
"""


@linux
def test_a_function_inherits_no_open_file_but_its_output(cloud: Any, workshop: Any) -> None:
    files = workshop.call(workshop.make(LOOKS))["files"]
    pipe = files["1"]
    assert files.pop("0") == os.devnull
    assert files["2"] == pipe
    # The log's copy of the pipe; and what the runtime has opened itself, to speak with the Runtime API.
    others = [what for what in files.values() if what != pipe]
    assert all(what.startswith("socket:") for what in others), others
    assert len(others) <= 4
    assert len(files) - len(others) == 3


def test_a_function_sees_none_of_the_kernels_secrets(cloud: Any, workshop: Any) -> None:
    if sys.platform.startswith("linux"):
        variables = workshop.call(workshop.make(LOOKS))["variables"]
    else:
        variables = workshop.call(workshop.make("import os\ndef handler(event, context): return dict(os.environ)"))
    assert not [name for name, value in variables.items() if "a-secret" in value]
    assert variables["AWS_ACCESS_KEY_ID"].startswith("ASIA")  # its role's


def test_every_port_is_on_loopback(cloud: Any, workshop: Any) -> None:
    workshop.call(workshop.make("def handler(event, context): return event"))
    listening = [one for one in psutil.Process().net_connections("inet") if one.status == psutil.CONN_LISTEN]
    assert len(listening) >= 2
    assert {one.laddr.ip for one in listening} == {"127.0.0.1"}


def runtime_api(workshop: Any) -> tuple[str, int]:
    source = "import os\ndef handler(event, context): return os.environ['AWS_LAMBDA_RUNTIME_API']"
    host, port = workshop.call(workshop.make(source)).split(":")
    return host, int(port)


ASKS = """
import os, socket, sys
if len(sys.argv) > 2:
    os.setuid(int(sys.argv[2]))
with socket.socket() as caller:
    caller.settimeout(10)
    caller.connect(("127.0.0.1", int(sys.argv[1])))
    try:
        caller.sendall(b"GET /nothing HTTP/1.1\\r\\n\\r\\n")
        print(caller.recv(12).decode())
    except ConnectionError:
        print()
"""


def asked(port: int, *user: str) -> str:
    command = [sys.executable, "-c", ASKS, str(port), *user]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


@linux
@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root can become another user")
def test_the_runtime_api_does_not_answer_another_user(workshop: Any) -> None:
    _, port = runtime_api(workshop)
    assert asked(port) == "HTTP/1.1 404"
    assert asked(port, "65534") == ""


@linux
def test_the_owner_of_a_connection_is_told_from_the_systems_table(
    workshop: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from helpers.cloud.runtime_api import same_user

    with socket.create_server(("127.0.0.1", 0)) as server, socket.create_connection(server.getsockname()) as caller:
        ports = caller.getsockname()[1], server.getsockname()[1]
        assert same_user(*ports)
        assert not same_user(ports[0], 1)
        # The columns around the user's number are 0 more often than not, and so is root.
        me = os.getuid()
        table = Path("/proc/net/tcp").read_text().splitlines()
        (row,) = (line.split() for line in table if line.split()[1:3] == [f"0100007F:{port:04X}" for port in ports])
        row[table[0].split().index("uid") - 2] = "4711"  # two headings name one column each with their neighbours
        monkeypatch.setattr(Path, "read_bytes", lambda _: " ".join(row).encode())
        assert not same_user(*ports)
        monkeypatch.setattr(os, "getuid", lambda: 4711)
        assert same_user(*ports)
        assert me != 4711


DAEMON = """
    import os, subprocess, sys
    def handler(event, context):
        child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"], start_new_session=True)
        if event:
            open(event, "w").write(str(child.pid))
            os._exit(1)
        return child.pid
"""


def test_what_a_function_leaves_running_ends_with_its_environment(workshop: Any, tmp_path: Path) -> None:
    def runs(pid: int) -> bool:
        with contextlib.suppress(psutil.Error):
            return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
        return False

    name = workshop.make(DAEMON)
    others = workshop.call(workshop.make(DAEMON))
    workshop.fail(name, str(tmp_path / "pid"))
    pid = int((tmp_path / "pid").read_text())
    workshop.until(lambda: not runs(pid))
    assert runs(others)


def test_only_processes_with_the_very_mark_are_found() -> None:
    def process(mark: str) -> subprocess.Popen:
        variables = {**os.environ, "_LOCAL_CLOUD": mark, "AND_LOCAL_CLOUD": "mine"}
        return subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"], env=variables)

    others, one, two = process("mine-not"), process("mine.1"), process("mine.12")
    try:
        everyone = {others.pid, one.pid, two.pid}
        deadline = time.monotonic() + 5
        while set(marked(("mine",))) & everyone != {one.pid, two.pid}:  # they begin as copies of this process
            assert time.monotonic() < deadline
        assert set(marked(("mine.1",))) == {one.pid}
        kill_marked("mine.1")
        assert one.wait(5) == -signal.SIGKILL
        assert two.poll() is None
    finally:
        for each in (others, one, two):
            each.kill()
            each.wait()


def test_a_folder_is_removed_though_parts_are_read_only_and_no_link_is_followed(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir(mode=0o750)
    (outside / "file").touch()
    inner = tmp_path / "folder" / "a" / "b"
    inner.mkdir(parents=True)
    (inner / "link").symlink_to(outside)
    inner.chmod(0o000)
    inner.parent.chmod(0o000)
    remove(str(tmp_path / "folder"))
    assert not (tmp_path / "folder").exists()
    assert (outside / "file").exists()
    assert outside.stat().st_mode & 0o777 == 0o750
