"""What the local cloud is measured against: the least that must happen, and others who do the same.

AWS's runtime client driven by hand, a bare loop over sockets, moto answering without running anything, and ministack,
another AWS on one machine. Each cleans up after itself.
"""

from __future__ import annotations

import contextlib
import logging
import os
import selectors
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

MINISTACK = "1.5.33"
REGION = "eu-central-1"
# Its answer tells whether an invocation was the first of its process.
HANDLER = "calls = 0\n\n\ndef handler(event, context):\n    global calls\n    calls += 1\n    return {'calls': calls}\n"
EVENT = b'{"name": "launch day"}'

REQUEST_ID = "11111111-2222-3333-4444-555555555555"
NEXT = (
    "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
    f"Lambda-Runtime-Aws-Request-Id: {REQUEST_ID}\r\nLambda-Runtime-Deadline-Ms: 4102444800000\r\n"
    "Lambda-Runtime-Invoked-Function-Arn: arn:aws:lambda:eu-central-1:123456789012:function:bench\r\n"
    f"Content-Length: {len(EVENT)}\r\n\r\n"
).encode() + EVENT
ACCEPTED = b"HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n"

# A runtime reduced to its messages: ask, answer, ask again. Standard input tells when to go and when to end.
TINY_RUNTIME = """
import socket, sys
host, port = sys.argv[1].split(":")
line = socket.create_connection((host, int(port)))
line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
ask = b"GET /2018-06-01/runtime/invocation/next HTTP/1.1\\r\\nHost: %s\\r\\n\\r\\n" % sys.argv[1].encode()
while True:
    line.sendall(ask)
    event = line.recv(65536)
    at = event.find(b"Request-Id: ") + 12
    if at < 12:
        break
    line.sendall(b"POST /2018-06-01/runtime/invocation/%s/response HTTP/1.1\\r\\nHost: %s\\r\\n"
        b"Content-Type: application/json\\r\\nContent-Length: 12\\r\\n\\r\\n{\\"calls\\": 1}"
        % (event[at:event.index(b"\\r", at)], sys.argv[1].encode()))
    if not line.recv(65536):
        break
"""


def free_port() -> int:
    """Return a port on which nobody listens now."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        return server.getsockname()[1]


@contextlib.contextmanager
def process(command: list[str], **options: Any) -> Iterator[subprocess.Popen]:
    """Run a program in a process group of its own, and end all of the group."""
    with subprocess.Popen(command, start_new_session=True, stderr=subprocess.DEVNULL, **options) as running:
        try:
            yield running
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(running.pid, signal.SIGTERM)
            with contextlib.suppress(subprocess.TimeoutExpired):
                running.wait(5)
            with contextlib.suppress(ProcessLookupError):
                os.killpg(running.pid, signal.SIGKILL)


# --- AWS's runtime client, driven by hand -------------------------------------------------------------------------


def read_request(connection: socket.socket) -> bytes:
    """Read one request of a runtime, head and body."""
    data = b""
    while b"\r\n\r\n" not in data:
        data += connection.recv(65536)
    head, _, body = data.partition(b"\r\n\r\n")
    at = head.lower().find(b"content-length:")
    size = int(head[at + 15 :].split(b"\r\n", 1)[0]) if at >= 0 else 0
    while len(body) < size:
        body += connection.recv(65536)
    return head + b"\r\n\r\n" + body


class BareColdStart:
    """``python -m awslambdaric lambda_function.handler`` from its start to its first response."""

    def __init__(self, folder: Path) -> None:
        (folder / "lambda_function.py").write_text(HANDLER, encoding="utf-8")
        self.folder = folder

    def __call__(self) -> float:
        """Start one and return the milliseconds until the response is here."""
        with socket.create_server(("127.0.0.1", 0)) as server:
            environment = os.environ | {
                "AWS_LAMBDA_RUNTIME_API": f"127.0.0.1:{server.getsockname()[1]}",
                "AWS_LAMBDA_FUNCTION_NAME": "bench",
                "LAMBDA_TASK_ROOT": str(self.folder),
                "AWS_REGION": REGION,
            }
            command = [sys.executable, "-m", "awslambdaric", "lambda_function.handler"]
            start = time.perf_counter()
            with process(command, cwd=self.folder, env=environment, stdout=subprocess.DEVNULL):
                connection, _ = server.accept()
                with connection:
                    while b"/response " not in (request := read_request(connection)).split(b"\r\n", 1)[0]:
                        connection.sendall(NEXT)
                    took = (time.perf_counter() - start) * 1000
                assert request.endswith(b'{"calls": 1}'), request
        return took


class BareWarm:
    """The same process again and again: from the event to its response, and nothing around it."""

    def __init__(self, folder: Path) -> None:
        (folder / "lambda_function.py").write_text(HANDLER, encoding="utf-8")
        self._folder, self._stack = folder, contextlib.ExitStack()

    def __enter__(self) -> BareWarm:
        server = self._stack.enter_context(socket.create_server(("127.0.0.1", 0)))
        environment = os.environ | {
            "AWS_LAMBDA_RUNTIME_API": f"127.0.0.1:{server.getsockname()[1]}",
            "AWS_LAMBDA_FUNCTION_NAME": "bench",
            "LAMBDA_TASK_ROOT": str(self._folder),
            "AWS_REGION": REGION,
        }
        command = [sys.executable, "-m", "awslambdaric", "lambda_function.handler"]
        self._stack.enter_context(process(command, cwd=self._folder, env=environment, stdout=subprocess.DEVNULL))
        self._connection = self._stack.enter_context(server.accept()[0])
        self._connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        read_request(self._connection)
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def __call__(self) -> float:
        """Hand over one event and return the milliseconds until its response is here."""
        start = time.perf_counter()
        self._connection.sendall(NEXT)
        request = read_request(self._connection)
        took = (time.perf_counter() - start) * 1000
        assert b"/response " in request.split(b"\r\n", 1)[0], request
        self._connection.sendall(ACCEPTED)
        read_request(self._connection)
        return took


# --- a loop over sockets ------------------------------------------------------------------------------------------


class BareLoop:
    """One thread that answers ``next`` with an event and ``response`` with 202, and knows nothing else."""

    def __init__(self, connections: int) -> None:
        self.served = 0
        self._server = socket.create_server(("127.0.0.1", 0))
        self.addresses = [f"127.0.0.1:{self._server.getsockname()[1]}"] * connections
        self._running = True
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        with selectors.DefaultSelector() as selector:
            selector.register(self._server, selectors.EVENT_READ)
            while self._running:
                for key, _ in selector.select(0.1):
                    if key.fileobj is self._server:
                        connection, _ = self._server.accept()
                        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                        selector.register(connection, selectors.EVENT_READ)
                    elif not self._answer(key.fileobj):
                        selector.unregister(key.fileobj)
                        key.fileobj.close()
            for key in list(selector.get_map().values()):
                key.fileobj.close()

    def _answer(self, connection: socket.socket) -> bool:
        """Answer one message; say whether there was one."""
        try:
            data = connection.recv(65536)
            if data.startswith(b"GET"):
                connection.send(NEXT)
            elif data:
                self.served += 1
                connection.send(ACCEPTED)
        except ConnectionError:
            return False
        return bool(data)

    def stop(self) -> None:
        """End the thread and close every connection."""
        self._running = False
        self._thread.join()


def served_per_second(addresses: list[str], served: Callable[[], int], seconds: float) -> float:
    """Let a tiny runtime at each address work for a while; return how many invocations were served in a second."""
    with contextlib.ExitStack() as stack:
        for address in addresses:
            stack.enter_context(process([sys.executable, "-SEc", TINY_RUNTIME, address]))
        deadline = time.monotonic() + 10
        while served() < 50 * len(addresses) and time.monotonic() < deadline:
            time.sleep(0.02)  # until all have started
        before, start = served(), time.perf_counter()
        time.sleep(seconds)
        return (served() - before) / (time.perf_counter() - start)


# --- moto, answering without running ------------------------------------------------------------------------------

# Without a line in a log for each call, which would make moto slower and its rivals look better.
MOTO_SERVER = """
import logging, sys
from moto.server import ThreadedMotoServer
logging.getLogger("werkzeug").disabled = True
server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
server.start()
print(server.get_host_and_port()[1], flush=True)
sys.stdin.read()
"""


@contextlib.contextmanager
def moto() -> Iterator[str]:
    """Run a moto server in a process of its own; yield its address."""
    with process([sys.executable, "-c", MOTO_SERVER], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as server:
        yield f"http://127.0.0.1:{int(server.stdout.readline())}"


@contextlib.contextmanager
def moto_here() -> Iterator[str]:
    """Run a moto server on a thread of this process, as the local cloud does; yield its address."""
    from moto.server import ThreadedMotoServer

    logging.getLogger("werkzeug").disabled = True
    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    try:
        yield f"http://127.0.0.1:{server.get_host_and_port()[1]}"
    finally:
        server.stop()


# --- ministack ----------------------------------------------------------------------------------------------------


def ministack_python(folder: Path) -> Path | None:
    """Return an interpreter that has ministack, from a throw-away environment in a folder; nothing if it can't be had.

    It pins another botocore than ours, and may not share an environment with it.
    """
    python = folder / "ministack" / "bin" / "python"
    if not python.exists():
        made = subprocess.run(
            [sys.executable, "-m", "venv", str(folder / "ministack")], capture_output=True, check=False
        )
        if made.returncode:
            return None
    install = [str(python), "-m", "pip", "install", "--quiet", f"ministack=={MINISTACK}"]
    return None if subprocess.run(install, capture_output=True, check=False).returncode else python


@contextlib.contextmanager
def ministack(python: Path) -> Iterator[str]:
    """Run ministack, which keeps its own workers for functions when there is no Docker; yield its address."""
    with tempfile.TemporaryDirectory(prefix="ministack-") as folder:
        port = free_port()
        environment = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
        environment |= {"GATEWAY_PORT": str(port), "BIND_HOST": "127.0.0.1", "TMPDIR": folder, "HOME": folder}
        environment |= {"LOG_LEVEL": "WARNING", "S3_DATA_DIR": f"{folder}/s3", "LAMBDA_EXECUTOR": "local"}
        with process(
            [str(python), "-m", "ministack"], env=environment, cwd=folder, stdout=subprocess.DEVNULL
        ) as server:
            endpoint = f"http://127.0.0.1:{port}"
            deadline = time.monotonic() + 30
            while True:
                try:
                    urllib.request.urlopen(f"{endpoint}/_ministack/health", timeout=1).close()
                    break
                except OSError:
                    if time.monotonic() > deadline or server.poll() is not None:
                        raise RuntimeError("ministack did not start") from None
                    time.sleep(0.1)
            yield endpoint
