"""The four calls by which AWS's Python runtime client speaks to the Lambda Runtime API, in plain Python.

``awslambdaric`` brings them as a C extension that is built for Linux only. Where it is missing, this folder goes on
PYTHONPATH and ``import runtime_client`` finds this file: same requests on the wire, same values handed back. It runs
inside the function's process, so it imports next to nothing and keeps one connection for the environment's life.
"""

from __future__ import annotations

import os
import socket

_INVOCATION = "/2018-06-01/runtime/invocation/"
_LONGEST_HEAD_BYTES = 1 << 20
_CHUNK_BYTES = 1 << 16

# What the runtime client looks up after next(), with the value that stands for an absent header.
_PASSED_ON: dict[str, str | int | None] = {
    "Lambda-Runtime-Aws-Request-Id": "",
    "Lambda-Runtime-Trace-Id": None,
    "Lambda-Runtime-Invoked-Function-Arn": "",
    "Lambda-Runtime-Deadline-Ms": 0,
    "Lambda-Runtime-Client-Context": None,
    "Content-Type": "",
    "Lambda-Runtime-Cognito-Identity": None,
    "Lambda-Runtime-Aws-Tenant-Id": None,
    "Lambda-Runtime-Invocation-Id": None,
}


class _Silence(Exception):
    """The other side closed the connection before it answered anything."""


class _Connection:
    """One connection to the Runtime API, used for one request at a time."""

    def __init__(self, address: str) -> None:
        host, _, port = address.rpartition(":")
        self.host = address
        self.socket = socket.create_connection((host.strip("[]"), int(port)))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.unread = b""

    def exchange(self, request: bytes) -> tuple[int, dict[str, str], bytes]:
        """Send a whole request at once; return the answer's status, headers (lower case) and body."""
        try:
            self.socket.sendall(request)
            head = self._until(b"\r\n\r\n")
        except (ConnectionError, EOFError) as lost:
            if self.unread:
                raise
            raise _Silence(str(lost) or type(lost).__name__) from None
        status_line, *lines = head.decode("utf-8", "replace").split("\r\n")
        pairs = (line.partition(":") for line in lines)
        headers = {name.strip().lower(): value.strip() for name, _, value in pairs}
        if headers.get("transfer-encoding", "").lower() == "chunked":
            body = self._chunks()
        else:
            body = self._exactly(int(headers.get("content-length", 0)))
        return int(status_line.split(None, 2)[1]), headers, body

    def close(self) -> None:
        self.socket.close()

    def _more(self) -> bytes:
        received = self.socket.recv(_CHUNK_BYTES)
        if not received:
            raise EOFError("connection closed")
        return received

    def _until(self, end: bytes) -> bytes:
        while end not in self.unread:
            if len(self.unread) > _LONGEST_HEAD_BYTES:
                raise ValueError("no end of the answer's headers")
            self.unread += self._more()
        part, _, self.unread = self.unread.partition(end)
        return part

    def _exactly(self, size: int) -> bytes:
        parts, missing = [self.unread], size - len(self.unread)
        while missing > 0:
            parts.append(self._more())
            missing -= len(parts[-1])
        whole = b"".join(parts)
        self.unread = whole[size:]
        return whole[:size]

    def _chunks(self) -> bytes:
        parts = []
        while size := int(self._until(b"\r\n").partition(b";")[0], 16):
            parts.append(self._exactly(size))
            self._until(b"\r\n")
        while self._until(b"\r\n"):
            pass  # trailers
        return b"".join(parts)


_user_agent = ""
_connection: _Connection | None = None


def initialize_client(user_agent: str) -> None:
    """Remember how the client introduces itself. The connection opens with the first request."""
    global _user_agent, _connection
    if _connection is not None:
        _connection.close()
        _connection = None
    _user_agent = user_agent


def next() -> tuple[bytes, dict[str, str | int | None]]:
    """Wait, as long as it takes, for an invocation; return the event and what its headers say about it.

    The deadline comes as an integer, as the context's remaining time is computed from it.
    """
    headers, body = _call("GET", "next")
    found = {name: headers.get(name.lower()) or absent for name, absent in _PASSED_ON.items()}
    found["Lambda-Runtime-Deadline-Ms"] = int(found["Lambda-Runtime-Deadline-Ms"] or 0)
    return body, found


def post_invocation_result(invoke_id: str, data: bytes, content_type: str, invocation_id: str | None = None) -> None:
    """Hand in what the handler returned."""
    headers = {"content-type": content_type, "User-Agent": _user_agent, "lambda-runtime-invocation-id": invocation_id}
    _call("POST", f"{invoke_id}/response", headers, data)


def post_error(invoke_id: str, error_json: str, xray_json: str, invocation_id: str | None = None) -> None:
    """Hand in the exception that the handler raised, and X-Ray's account of it."""
    headers = {
        "content-type": "application/json",
        "lambda-runtime-function-xray-error-cause": xray_json,
        "User-Agent": _user_agent,
        "lambda-runtime-invocation-id": invocation_id,
    }
    _call("POST", f"{invoke_id}/error", headers, error_json.encode())


def _call(
    method: str, path: str, headers: dict[str, str | None] | None = None, body: bytes | None = None
) -> tuple[dict[str, str], bytes]:
    address = os.environ.get("AWS_LAMBDA_RUNTIME_API", "")
    if not address:
        raise RuntimeError("AWS_LAMBDA_RUNTIME_API is not set: this module runs inside a Lambda environment")
    lines = {"Host": address, "Accept": "*/*", **(headers or {"User-Agent": _user_agent})}
    if body is not None:
        lines["content-length"] = str(len(body))
    head = [f"{method} {_INVOCATION}{path} HTTP/1.1"]
    head += [f"{name}: {_one_line(value)}" for name, value in lines.items() if value]
    request = "\r\n".join([*head, "\r\n"]).encode() + (body or b"")
    try:
        status, answered, content = _exchange(address, request)
    except (_Silence, OSError, EOFError, ValueError, IndexError) as error:
        _hang_up()
        raise RuntimeError(f"Lambda Runtime API: {method} {path} failed: {error}") from None
    if answered.get("connection", "").lower() == "close":
        _hang_up()
    if not 200 <= status < 300:
        raise RuntimeError(f"Lambda Runtime API: {method} {path} answered {status}: {content[:500]!r}")
    return answered, content


def _exchange(address: str, request: bytes) -> tuple[int, dict[str, str], bytes]:
    """Send on the open connection; if that one was closed while idle, once more on a new one."""
    global _connection
    if _connection is not None and _connection.host == address:
        try:
            return _connection.exchange(request)
        except _Silence:
            _hang_up()
    _hang_up()
    _connection = _Connection(address)
    return _connection.exchange(request)


def _hang_up() -> None:
    global _connection
    if _connection is not None:
        _connection.close()
        _connection = None


def _one_line(value: str) -> str:
    return value.replace("\r", " ").replace("\n", " ")
