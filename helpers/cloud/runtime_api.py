"""The Lambda Runtime API (2018-06-01), by which a runtime asks for its next event and posts what came of it.

One server for all execution environments, on one thread. Every environment gets a port of its own on loopback, because
AWS's runtime client builds its addresses from a host and a port alone: the port says who is asking. Requests are read
and answered by hand, in as few system calls as there are messages; that is most of the cost of a warm invocation.
"""

from __future__ import annotations

import contextlib
import errno
import os
import select
import socket
import sys
import threading
from pathlib import Path
from typing import Protocol

from helpers import tables
from helpers.cloud.chunks import Chunks
from helpers.cloud.loop import Loop

PREFIX = b"/2018-06-01/runtime/"
NEXT = b"GET " + PREFIX + b"invocation/next "
Head = tuple[bytes, bytes]  # as it came, and in lower case
# AWS documents 6 MB and answers with this number of bytes.
RESPONSE_MAX_BYTES = int(tables.limit("lambda.payload.sync").max * 1024 * 1024) + 100
READ_BYTES = 256 * 1024
HEAD_MAX_BYTES = 2 * 1024 * 1024  # an error's X-Ray cause travels in a header, of up to 1 MB
SEND_TIMEOUT_MS = 10_000
# What the system says of a connection whose other end closed before it had read everything, or before it all came.
UNREAD = (errno.ECONNRESET, errno.EPIPE)

ACCEPTED = b'HTTP/1.1 202 Accepted\r\nContent-Type: application/json\r\nContent-Length: 16\r\n\r\n{"status":"OK"}\n'
RESTORED = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
TOO_LARGE_BODY = (
    b'{"errorMessage":"Exceeded maximum allowed payload size (%d bytes).","errorType":"RequestEntityTooLarge"}'
    % RESPONSE_MAX_BYTES
)
TOO_LARGE = b"HTTP/1.1 413 Payload Too Large\r\nContent-Length: %d\r\n\r\n" % len(TOO_LARGE_BODY) + TOO_LARGE_BODY
NOT_FOUND = b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"
BAD_REQUEST = b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
WRONG_REQUEST_ID_BODY = b'{"errorMessage":"Invalid request ID","errorType":"InvalidRequestID"}'
WRONG_REQUEST_ID = (
    b"HTTP/1.1 400 Bad Request\r\nContent-Length: %d\r\n\r\n" % len(WRONG_REQUEST_ID_BODY) + WRONG_REQUEST_ID_BODY
)


class Listener(Protocol):
    """Who hears what a runtime says. Called on the loop's thread."""

    def on_next(self) -> None:
        """Hear that the runtime asks for an event: at first, that INIT is over."""

    def on_response(self, request_id: str, body: bytes, size: int) -> None:
        """Hear a result; ``body`` is empty when its ``size`` in bytes is over the limit."""

    def on_error(self, request_id: str, body: bytes, error_type: str) -> None:
        """Hear that the handler raised."""

    def on_init_error(self, body: bytes, error_type: str) -> None:
        """Hear that INIT failed."""

    def on_restore(self) -> None:
        """Hear that the runtime waits for a snapshot to be restored."""


def event_message(request_id: str, headers: dict[str, str], body: bytes) -> bytes:
    """Return the answer to ``next``: one event as HTTP."""
    lines = [f"{name}: {value}\r\n" for name, value in headers.items()]
    head = (
        "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
        f"Lambda-Runtime-Aws-Request-Id: {request_id}\r\n{''.join(lines)}Content-Length: {len(body)}\r\n\r\n"
    )
    return head.encode("utf-8") + body


class Line:
    """The Runtime API as one environment sees it: a port, and an event at a time.

    Parameters
    ----------
    loop : the thread that reads
    listener : who hears what the runtime says
    """

    def __init__(self, loop: Loop, listener: Listener) -> None:
        self._loop, self._listener = loop, listener
        self._socket = socket.create_server(("127.0.0.1", 0))
        self._socket.setblocking(False)
        self.port: int = self._socket.getsockname()[1]
        self._connections: set[_Connection] = set()
        self._lock = threading.Lock()
        self._waiting: _Connection | None = None
        self._pending: bytes | None = None
        self._carrier: _Connection | None = None  # took the last event, and has said nothing since
        self.current: str | None = None  # the request that the runtime works on
        loop.add(self._socket, self._accept)

    @property
    def address(self) -> str:
        """Host and port, as ``AWS_LAMBDA_RUNTIME_API`` wants them."""
        return f"127.0.0.1:{self.port}"

    def send(self, request_id: str, message: bytes) -> None:
        """Hand over an event, at once if the runtime is waiting; from any thread."""
        with self._lock:
            self.current = request_id
            waiting, self._waiting = self._waiting, None
            self._carry(waiting)
            if waiting is None:
                self._pending = message
        if waiting is not None:
            waiting.send(message)

    def undelivered(self) -> bool:
        """Say whether the last event never reached the runtime, or lay unread when its process ended."""
        return self._pending is not None or (self._carrier is not None and self._carrier.was_reset())

    def _carry(self, connection: _Connection | None) -> None:
        """Note which connection takes an event; the one before it is no longer needed if its other end is gone."""
        before, self._carrier = self._carrier, connection
        if before is not None and before is not connection and before.ended:
            before.close()

    def close(self) -> None:
        """Close the port and its connections."""
        self._loop.remove(self._socket)
        self._socket.close()
        for connection in list(self._connections):
            connection.close()

    def abandon(self) -> None:
        """Close a forked child's copies of the port and its connections, which live on in the parent."""
        self._socket.close()
        for connection in self._connections:
            connection.socket.close()

    def _accept(self) -> None:
        with contextlib.suppress(BlockingIOError, OSError):
            connection, (_, port) = self._socket.accept()
            if not same_user(port, self.port):
                connection.close()
                return
            self._connections.add(_Connection(self, connection))

    def _next(self, connection: _Connection) -> None:
        """Answer ``next`` with the event that waits, or later."""
        self._listener.on_next()
        with self._lock:
            message, self._pending = self._pending, None
            self._waiting = connection if message is None else None
            if message is not None:
                self._carry(connection)
        if message is not None:
            connection.send(message)

    def _asked(self, connection: _Connection, method: bytes, path: bytes, head: Head, body: bytes, size: int) -> None:
        """Answer one request of the runtime."""
        if not path.startswith(PREFIX):
            connection.send(NOT_FOUND)
            return
        what = path[len(PREFIX) :]
        if method == b"GET" and what == b"invocation/next":
            self._next(connection)
        elif method == b"POST" and what.startswith(b"invocation/"):
            request_id, _, kind = what[len(b"invocation/") :].decode("ascii", "replace").partition("/")
            if request_id != self.current or kind not in ("response", "error"):
                connection.send(WRONG_REQUEST_ID)
            elif kind == "response":
                self.current = None
                self._listener.on_response(request_id, body, size)
                connection.send(TOO_LARGE if size > RESPONSE_MAX_BYTES else ACCEPTED)
            else:
                self.current = None
                self._listener.on_error(request_id, body, _header(*head, b"lambda-runtime-function-error-type"))
                connection.send(ACCEPTED)
        elif method == b"POST" and what in (b"init/error", b"restore/error"):
            # Answered first: the runtime ends as soon as it has the answer, and then its output is complete.
            self._listener.on_init_error(body, _header(*head, b"lambda-runtime-function-error-type"))
            connection.send(ACCEPTED)
        elif method == b"GET" and what == b"restore/next":
            self._listener.on_restore()
            connection.send(RESTORED)
        else:
            connection.send(NOT_FOUND)


class _Connection:
    """One connection of a runtime: bytes in, requests out."""

    def __init__(self, line: Line, connection: socket.socket) -> None:
        self.line, self.socket = line, connection
        connection.setblocking(False)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.read = bytearray()
        self.continued = self.ended = self.reset = False
        self.chunks: Chunks | None = None
        self.dropped = 0  # bytes of an oversized body that were read and let go
        line._loop.add(connection, self.readable)

    def send(self, message: bytes) -> None:
        """Send all of a message, waiting for a slow reader only where there is one."""
        try:
            sent = self.socket.send(message)
            if sent == len(message):
                return
        except BlockingIOError:
            sent = 0
        except OSError:
            self.reset = True
            self.close()
            return
        view = memoryview(message)[sent:]
        try:
            while view:
                try:
                    view = view[self.socket.send(view) :]
                except BlockingIOError:
                    poller = select.poll()
                    poller.register(self.socket, select.POLLOUT)
                    if not poller.poll(SEND_TIMEOUT_MS):
                        raise ConnectionError("the runtime doesn't read") from None
        except OSError:
            self.reset = True
            self.close()

    def readable(self) -> None:
        """Take what has arrived, and answer every request that is complete."""
        try:
            data = self.socket.recv(READ_BYTES)
        except BlockingIOError:
            return
        except OSError:
            self.reset, data = True, b""
        if not data:
            self._end()
            return
        if self.line._carrier is self:
            self.line._carrier = None
        self.read += data
        while self.read and self._answer_one():
            pass

    def was_reset(self) -> bool:
        """Say whether the other end closed with something unread: the system tells that apart from a plain end."""
        if not self.reset:
            with contextlib.suppress(OSError):  # the connection is closed
                self.reset = self.socket.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) in UNREAD
        return self.reset

    def _end(self) -> None:
        """Hear that the other end is gone; an event may be on its way to it, of which the system then tells."""
        self.ended = True
        self.line._loop.remove(self.socket)
        with self.line._lock:
            if self.line._waiting is self:
                self.line._waiting = None
            carries = self.line._carrier is self
        if not carries or self.reset:
            self.close()

    def close(self) -> None:
        """Close this connection."""
        self.line._loop.remove(self.socket)
        self.line._connections.discard(self)
        if self.line._waiting is self:
            self.line._waiting = None
        self.socket.close()

    def _answer_one(self) -> bool:
        """Take one request out of what was read; say whether there was one."""
        end = self.read.find(b"\r\n\r\n")
        # What runtimes ask most, and nothing else in it matters.
        if end > 0 and self.read.startswith(NEXT):
            del self.read[: end + 4]
            self.line._next(self)
            return True
        if end < 0:
            if len(self.read) > HEAD_MAX_BYTES:
                self._refuse()
            return False
        head = bytes(self.read[:end])
        lower = head.lower()
        first = head[: head.find(b"\r\n")].split(b" ")
        if len(first) != 3:
            self._refuse()
            return False
        start = end + 4
        if b"100-continue" in lower and not self.continued:
            # The client sends a large body only now, or a second later.
            self.continued = True
            self.send(b"HTTP/1.1 100 Continue\r\n\r\n")
        if first[0] == b"GET":
            body, size, stop = b"", 0, start
        elif _header(head, lower, b"transfer-encoding").lower() == "chunked":
            self.chunks = self.chunks or Chunks(RESPONSE_MAX_BYTES)
            try:
                if not self.chunks.take(self.read, start):
                    return False
            except ValueError:
                self._refuse()
                return False
            body, size, stop = bytes(self.chunks.body), self.chunks.size, start
            self.chunks = None
        else:
            length = _header(head, lower, b"content-length") or "0"
            if not (length.isascii() and length.isdigit() and len(length) < 16):
                self._refuse()
                return False
            size = int(length)
            have = len(self.read) - start + self.dropped
            if size > RESPONSE_MAX_BYTES:
                if have < size:
                    self.dropped += len(self.read) - start
                    del self.read[start:]
                    return False
                body, stop = b"", start + size - self.dropped
                self.dropped = 0
            elif have < size:
                return False
            else:
                stop = start + size
                body = bytes(self.read[start:stop])
        del self.read[:stop]
        self.continued = False
        if size > RESPONSE_MAX_BYTES:
            body = b""
        self.line._asked(self, first[0], first[1], (head, lower), body, size)
        return True

    def _refuse(self) -> None:
        self.send(BAD_REQUEST)
        self.close()


def _header(head: bytes, lower: bytes, name: bytes) -> str:
    """Return a header's value, or an empty string; ``lower`` is the head in lower case."""
    at = lower.find(b"\r\n" + name + b":")
    if at < 0:
        return ""
    start = at + len(name) + 3
    end = head.find(b"\r\n", start)
    return head[start : None if end < 0 else end].strip().decode("latin-1")


def same_user(client_port: int, server_port: int) -> bool:
    """Say whether the process at the other end of a loopback connection belongs to this user.

    On Linux, the kernel's table of connections tells. Elsewhere there is no cheap way to know, and the port, which
    changes with every environment, is all the protection there is.
    """
    if not sys.platform.startswith("linux"):
        return True
    wanted = b"0100007F:%04X 0100007F:%04X " % (client_port, server_port)
    try:
        table = Path("/proc/net/tcp").read_bytes()
    except OSError:
        return True
    at = table.find(wanted)
    if at < 0:
        return False
    fields = table[at : at + 200].split()
    return int(fields[6]) == os.getuid()  # after both addresses: state, queues, timer, retransmits
