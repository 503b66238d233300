"""moto's server on loopback, behind the gate: what boto3, the AWS CLI and functions talk to.

Each connection has a thread and carries one request: werkzeug closes it with the answer. Hence connections are counted.
When there are too many, further ones wait in the kernel's queue until one ends; a connection that has asked for nothing
for a while makes room, and if none ends for long, the next one is refused.
"""

from __future__ import annotations

import contextlib
import logging
import secrets
import socket
import threading
import time
from collections.abc import Callable, Iterable
from functools import lru_cache
from typing import Any

from moto.moto_server.werkzeug_app import DomainDispatcherApplication, MotoRequestHandler, create_backend_app
from werkzeug.serving import ThreadedWSGIServer

from helpers.cloud.gate import Gate
from helpers.cloud.moto_memory import read_later
from helpers.cloud.moto_state import chain_depth, is_issued

read_later()

log = logging.getLogger(__name__)

CONNECTIONS_MAX = 600  # as many environments as a machine may have, each called and calling, and then some
SILENT_S = 1.0  # how long a connection may ask for nothing while others wait
PATIENCE_S = 10.0  # how long the next one waits before it is refused: those at work may wait for it
BUSY = (
    b"HTTP/1.1 503 Service Unavailable\r\nContent-Type: text/plain\r\nConnection: close\r\nContent-Length: 52\r\n\r\n"
    b"The local cloud has as many callers as it can serve."
)


class _Handler(MotoRequestHandler):
    """Keeps requests out of the notebook, sends each answer at once, and says when a request has come."""

    disable_nagle_algorithm = True

    def log(self, *_: object) -> None:
        """Write nothing: a notebook's output is the learner's."""

    def make_environ(self) -> dict[str, Any]:
        """Keep the headers as the client wrote them: WSGI has their names in capitals, and repeated ones in one."""
        return {**super().make_environ(), "local_cloud.headers": tuple(self.headers.items())}

    def run_wsgi(self) -> None:
        """Answer the request."""
        self.server.asked(self.connection)
        super().run_wsgi()


class _Server(ThreadedWSGIServer):
    """A thread for each connection, as long as there aren't too many."""

    daemon_threads = True
    request_queue_size = 1024

    def __init__(self, app: Callable) -> None:
        self._lock = threading.Condition()
        self._closing = False
        self._silent_since: dict[socket.socket, float | None] = {}  # nothing: it has asked, and is served
        super().__init__("127.0.0.1", 0, app, _Handler)

    def process_request(self, request: socket.socket, address: Any) -> None:
        """Take a new connection on as soon as there is room; refuse it if there is none for long."""
        with self._lock:
            room = self._wait_for_room(time.monotonic() + PATIENCE_S)
            if room:
                self._silent_since[request] = time.monotonic()
        if room:
            super().process_request(request, address)
        else:
            with contextlib.suppress(OSError):
                request.sendall(BUSY)
            self.shutdown_request(request)

    def _wait_for_room(self, until_s: float) -> bool:
        """Say whether one more connection may be served; the lock is held."""
        while len(self._silent_since) >= CONNECTIONS_MAX and not self._closing:
            now_s = time.monotonic()
            silent = {one: since_s for one, since_s in self._silent_since.items() if since_s is not None}
            oldest = min(silent, key=silent.get, default=None)
            if oldest is not None and silent[oldest] <= now_s - SILENT_S:
                del self._silent_since[oldest]
                _end(oldest)
                continue
            if now_s >= until_s:
                return False
            due_s = until_s if oldest is None else min(until_s, silent[oldest] + SILENT_S)
            self._lock.wait(due_s - now_s)
        return not self._closing

    def shutdown(self) -> None:
        """Stop taking connections on."""
        with self._lock:
            self._closing = True
            self._lock.notify_all()
        super().shutdown()

    def shutdown_request(self, request: socket.socket) -> None:
        """Forget a connection that ends."""
        with self._lock:
            self._silent_since.pop(request, None)
            self._lock.notify_all()
        super().shutdown_request(request)

    def handle_error(self, request: Any, address: Any) -> None:
        """Write nothing about clients that went away."""
        log.debug("a connection to the local cloud failed", exc_info=True)

    def asked(self, connection: socket.socket) -> None:
        """Note that a request has come."""
        with self._lock:
            if connection in self._silent_since:
                self._silent_since[connection] = None

    def end_all(self) -> None:
        """End every connection, and so its thread."""
        with self._lock:
            for one in self._silent_since:
                _end(one)

    def abandon(self) -> None:
        """Close a forked child's copies of the port and its connections, which live on in the parent."""
        self.socket.close()
        for one in self._silent_since:
            one.close()


def _end(connection: socket.socket) -> None:
    with contextlib.suppress(OSError):
        connection.shutdown(socket.SHUT_RDWR)


class Server:
    """A thread that serves AWS's API from moto's state in this process.

    Parameters
    ----------
    access_key : the session's own
    """

    def __init__(self, access_key: str) -> None:
        self.token = secrets.token_hex(16)
        self.routes: dict[str, Callable] = {}
        self.at_first_use: dict[str, list[Callable[[], None]]] = {}

        def create_app(service: str) -> Any:
            for prepare in self.at_first_use.pop(service, ()):
                prepare()
            app = create_backend_app(service)
            # moto has Flask debug, which makes a class for each request that carries a form.
            app.debug, app.config["PROPAGATE_EXCEPTIONS"] = False, True
            return app

        moto = DomainDispatcherApplication(create_app)
        # For each request, moto lists its folders and tries patterns until one fits: a tenth of a call's time.
        moto.get_backend_for_host = lru_cache(moto.get_backend_for_host)

        def with_depth(environ: dict[str, Any], start_response: Callable) -> Iterable[bytes]:
            with chain_depth(environ.get("HTTP_X_AMZN_TRACE_ID")):
                return moto(environ, start_response)

        gate = Gate(
            with_depth, token=self.token, is_known=lambda key: key == access_key or is_issued(key), routes=self.routes
        )
        self._server = _Server(gate)
        self.port: int = self._server.server_address[1]
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), name="local-aws", daemon=True)
        self._thread.start()

    @property
    def endpoint(self) -> str:
        """What AWS_ENDPOINT_URL is set to."""
        return f"http://127.0.0.1:{self.port}/{self.token}"

    def stop(self) -> None:
        """Close the port and all connections, and end the threads."""
        self._server.shutdown()
        self._thread.join(5)
        self._server.server_close()
        self._server.end_all()

    def abandon(self) -> None:
        """Let go in a forked child."""
        self._server.abandon()
