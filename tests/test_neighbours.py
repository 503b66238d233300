"""What one account of a machine can do to another's cloud: several learners on one host, as on a class's JupyterHub.

A neighbour is a process of this test under another account's number; becoming one takes root. It knows all that is not
secret: where folders are, which processes and ports there are. The second part needs no root: two clouds side by side.
`deploy/single` is tried as a whole by tests/test_class.py.
"""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import tempfile
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import boto3
import psutil
import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from helpers.cloud.isolation import CallRefused
from helpers.cloud.programs import redis_command, start_redis
from helpers.learn import store
from helpers.learn.record import empty

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="the local Lambda needs Linux or macOS")
as_root = pytest.mark.skipif(
    not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root can act as another account of the machine"
)
on_linux = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only Linux has /proc")

NEIGHBOUR = 65534  # nobody


def as_neighbour(work: Callable[[], Any]) -> Any:
    """Do something as another account; return what came of it, or the name of the exception."""
    read, write = os.pipe()
    if (child := os.fork()) == 0:
        try:
            os.setgroups([])
            os.setgid(NEIGHBOUR)
            os.setuid(NEIGHBOUR)
            told = work()
        except BaseException as error:
            told = type(error).__name__
        os.write(write, json.dumps(told).encode())
        os._exit(0)
    os.close(write)
    with os.fdopen(read, "rb") as pipe:
        told = json.loads(pipe.read())
    os.waitpid(child, 0)
    return told


@pytest.fixture(scope="module")
def victim(cloud: Any, workshop: Any) -> Any:
    """Return a cloud with a function that has run, and all that a neighbour may know of it."""

    class Victim:
        engine = cloud._running()
        name = workshop.make("import os\ndef handler(event, context): return os.environ['TMPDIR']\n")
        temporary = Path(workshop.call(name))
        pid = int(cloud.environments().query("function == @name")["pid"].iloc[-1])
        api = psutil.Process(pid).environ()["AWS_LAMBDA_RUNTIME_API"]

        def secrets(self) -> list[str]:
            environment = psutil.Process(self.pid).environ()
            role = [environment["AWS_SECRET_ACCESS_KEY"], environment["AWS_SESSION_TOKEN"]]
            return [self.engine.secret_key, self.engine.server.token, *role]

    return Victim()


# Another account.


@as_root
@pytest.mark.parametrize("part", ["", "code", "environments", "empty"])
def test_a_neighbour_cannot_look_into_a_clouds_folder(victim: Any, part: str) -> None:
    path = victim.engine.folder / part
    assert path.exists()
    assert as_neighbour(lambda: os.listdir(path) if path.is_dir() else path.read_text()) == "PermissionError"


@as_root
def test_a_neighbour_cannot_enter_the_folder_for_temporary_files_of_a_function(victim: Any) -> None:
    assert victim.temporary.exists()
    assert as_neighbour(lambda: os.listdir(victim.temporary)) == "PermissionError"
    assert as_neighbour(lambda: (victim.temporary / "planted").write_text("x")) == "PermissionError"


@as_root
@on_linux
@pytest.mark.parametrize("file", ["environ", "mem", "maps"])
def test_a_neighbour_cannot_read_what_a_process_of_the_cloud_knows(victim: Any, file: str) -> None:
    for pid in (os.getpid(), victim.pid):
        assert as_neighbour(lambda pid=pid: len(Path(f"/proc/{pid}/{file}").read_bytes())) == "PermissionError"


@as_root
@on_linux
def test_what_everybody_may_see_of_the_clouds_processes_holds_no_secret(victim: Any, cloud: Any) -> None:
    redis = start_redis(cloud) if redis_command() else None
    secrets = [*victim.secrets(), *([urlsplit(redis[1]).password] if redis else [])]
    pids = [one.pid for one in psutil.Process().children(recursive=True)]
    lines = as_neighbour(lambda: [Path(f"/proc/{pid}/cmdline").read_text() for pid in pids])
    assert any("awslambdaric" in line for line in lines)
    assert not [secret for secret in secrets for line in lines if secret in line]


@as_root
def test_a_neighbour_without_the_sessions_path_and_key_is_refused(victim: Any) -> None:
    def ask() -> int:
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{victim.engine.server.port}/2015-03-31/functions", timeout=10)
        except urllib.error.HTTPError as error:
            return error.code
        return 200

    assert as_neighbour(ask) == 403


@as_root
@on_linux
def test_a_neighbour_cannot_take_a_functions_events(victim: Any, workshop: Any) -> None:
    host, port = victim.api.split(":")

    def next_event() -> str:
        with socket.create_connection((host, int(port)), timeout=10) as line:
            line.sendall(b"GET /2018-06-01/runtime/invocation/next HTTP/1.1\r\nHost: x\r\n\r\n")
            return line.recv(100).decode()

    assert as_neighbour(next_event) in ("", "ConnectionResetError")
    assert workshop.call(victim.name) == str(victim.temporary)


@as_root
def test_a_neighbour_cannot_end_a_function(victim: Any) -> None:
    assert as_neighbour(lambda: os.kill(victim.pid, 0)) == "PermissionError"


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that everybody may enter, as a home often is."""
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o755)
        yield Path(folder)


@as_root
def test_a_neighbour_cannot_read_a_learners_progress(open_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = open_folder / "share" / "progress.json"
    monkeypatch.setenv(store.VARIABLE, str(path))
    assert store.add(empty()) == ""
    assert path.exists()
    assert as_neighbour(lambda: path.read_text()) == "PermissionError"
    assert as_neighbour(lambda: path.with_name("planted").write_text("x")) == "PermissionError"


# A second cloud on the machine.

OTHER = """
from helpers.cloud import LocalCloud
with LocalCloud() as cloud:
    print(cloud.endpoint, flush=True)
    input()
"""


@pytest.fixture(scope="module")
def other() -> Iterator[str]:
    """Return the address of another learner's cloud, without its secret path."""
    with subprocess.Popen(
        [sys.executable, "-c", OTHER], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        yield "http://" + urlsplit(process.stdout.readline().strip()).netloc
        process.communicate("\n", timeout=30)


def test_two_clouds_have_ports_and_folders_of_their_own(cloud: Any, other: str) -> None:
    assert urlsplit(cloud.endpoint).netloc != urlsplit(other).netloc


def test_one_clouds_credentials_open_no_other_cloud(cloud: Any, other: str) -> None:
    engine = cloud._running()
    request = AWSRequest("GET", f"{other}/2015-03-31/functions")
    SigV4Auth(Credentials(engine.access_key, engine.secret_key), "lambda", "us-east-1").add_auth(request)
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(urllib.request.Request(request.url, headers=dict(request.headers)), timeout=10)
    assert refused.value.code == 403


def test_a_client_of_this_cloud_is_not_let_out_to_another_one(cloud: Any, other: str) -> None:
    with pytest.raises(CallRefused):
        boto3.client("lambda", endpoint_url=other).list_functions()
