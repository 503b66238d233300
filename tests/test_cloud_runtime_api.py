"""The Runtime API on the wire: corners of the protocol that AWS's client never, or seldom, comes to."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Iterator

import pytest

from helpers.cloud.loop import Loop
from helpers.cloud.runtime_api import RESPONSE_MAX_BYTES, Line, event_message

NEXT = b"GET /2018-06-01/runtime/invocation/next HTTP/1.1\r\nHost: x\r\n\r\n"


class Heard:
    """Keeps what a runtime says."""

    def __init__(self) -> None:
        self.calls: list[tuple] = []
        self._changed = threading.Condition()

    def _add(self, *call: object) -> None:
        with self._changed:
            self.calls.append(call)
            self._changed.notify_all()

    def on_next(self) -> None:
        self._add("next")

    def on_response(self, request_id: str, body: bytes, size: int) -> None:
        self._add("response", request_id, body, size)

    def on_error(self, request_id: str, body: bytes, error_type: str) -> None:
        self._add("error", request_id, body, error_type)

    def on_init_error(self, body: bytes, error_type: str) -> None:
        self._add("init error", body, error_type)

    def on_restore(self) -> None:
        self._add("restore")

    def wait(self, count: int) -> list[tuple]:
        with self._changed:
            assert self._changed.wait_for(lambda: len(self.calls) >= count, 5), self.calls
            return self.calls


class Client:
    """A runtime that speaks raw HTTP."""

    def __init__(self, port: int) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=5)
        self.file = self.socket.makefile("rb")

    def send(self, data: bytes) -> None:
        self.socket.sendall(data)

    def answer(self) -> tuple[int, dict[str, str], bytes]:
        """Read one answer: status, headers, body."""
        status = int(self.file.readline().split()[1])
        headers = {}
        while (line := self.file.readline().strip()) != b"":
            name, _, value = line.decode().partition(":")
            headers[name.lower()] = value.strip()
        return status, headers, self.file.read(int(headers.get("content-length", 0)))

    def post(self, path: str, body: bytes, *headers: str) -> None:
        lines = "".join(f"{header}\r\n" for header in (*headers, f"Content-Length: {len(body)}"))
        self.send(f"POST /2018-06-01/runtime/{path} HTTP/1.1\r\nHost: x\r\n{lines}\r\n".encode() + body)

    def closed(self) -> bool:
        try:
            return self.file.read(1) == b""
        except ConnectionError:
            return True


@pytest.fixture
def heard() -> Heard:
    return Heard()


@pytest.fixture
def line(heard: Heard) -> Iterator[Line]:
    loop = Loop()
    line = Line(loop, heard)
    yield line
    line.close()
    loop.stop()


@pytest.fixture
def client(line: Line) -> Client:
    return Client(line.port)


def busy(line: Line, client: Client, request_id: str = "one") -> None:
    """Have the client work on a request."""
    line.send(request_id, event_message(request_id, {}, b"{}"))
    client.send(NEXT)
    assert client.answer()[1]["lambda-runtime-aws-request-id"] == request_id


def test_an_event_carries_its_headers_and_its_body(line: Line, client: Client, heard: Heard) -> None:
    client.send(NEXT)
    heard.wait(1)
    line.send("one", event_message("one", {"Lambda-Runtime-Deadline-Ms": "7"}, "ü".encode()))
    status, headers, body = client.answer()
    assert (status, body.decode()) == (200, "ü")
    assert headers["lambda-runtime-aws-request-id"] == "one"
    assert headers["lambda-runtime-deadline-ms"] == "7"
    assert not line.undelivered()


def test_an_event_waits_for_a_runtime_that_comes_later(line: Line, client: Client) -> None:
    line.send("one", event_message("one", {}, b"{}"))
    assert line.undelivered()
    client.send(NEXT)
    assert client.answer()[0] == 200
    assert not line.undelivered()


def test_a_result_is_accepted_and_heard(line: Line, client: Client, heard: Heard) -> None:
    busy(line, client)
    client.post("invocation/one/response", b'"done"')
    assert client.answer()[0] == 202
    assert heard.calls[-1] == ("response", "one", b'"done"', 6)


def test_an_error_is_accepted_with_its_type(line: Line, client: Client, heard: Heard) -> None:
    busy(line, client)
    client.post("invocation/one/error", b"{}", "lambda-RUNTIME-function-error-type: Unhandled")
    assert client.answer()[0] == 202
    assert heard.calls[-1] == ("error", "one", b"{}", "Unhandled")


def test_an_error_of_init_is_accepted(client: Client, heard: Heard) -> None:
    client.post("init/error", b"{}", "Lambda-Runtime-Function-Error-Type: Runtime.ImportModuleError")
    assert client.answer()[0] == 202
    assert heard.calls == [("init error", b"{}", "Runtime.ImportModuleError")]


@pytest.mark.parametrize("kind", ["response", "error"])
@pytest.mark.parametrize("request_id", ["two", "", "one%20", "\u00fc"])
def test_the_wrong_request_id_is_refused(line: Line, client: Client, heard: Heard, kind: str, request_id: str) -> None:
    busy(line, client)
    client.post(f"invocation/{request_id}/{kind}", b"{}")
    status, _, body = client.answer()
    assert (status, json.loads(body)["errorType"]) == (400, "InvalidRequestID")
    client.post("invocation/one/response", b"{}")
    assert client.answer()[0] == 202


def test_a_second_result_of_one_request_is_refused(line: Line, client: Client, heard: Heard) -> None:
    busy(line, client)
    client.post("invocation/one/response", b"1")
    client.post("invocation/one/response", b"2")
    assert [client.answer()[0], client.answer()[0]] == [202, 400]
    assert [call for call in heard.calls if call[0] == "response"] == [("response", "one", b"1", 1)]


@pytest.mark.parametrize(
    "start",
    [
        b"GET / HTTP/1.1",
        b"GET /2018-06-01/runtime/invocation/last HTTP/1.1",
        b"POST /2018-06-01/runtime/invocation/next HTTP/1.1",
        b"DELETE /2018-06-01/runtime/invocation/next HTTP/1.1",
        b"GET /2019-01-01/runtime/invocation/next HTTP/1.1",
        b"POST /2018-06-01/runtime/init/success HTTP/1.1",
    ],
)
def test_what_the_api_does_not_have_is_not_found(client: Client, heard: Heard, start: bytes) -> None:
    client.send(start + b"\r\nHost: x\r\nContent-Length: 0\r\n\r\n")
    assert client.answer()[0] in (400, 404)
    assert heard.calls == []


def test_a_body_in_chunks_is_put_together(line: Line, client: Client, heard: Heard) -> None:
    busy(line, client)
    client.send(b"POST /2018-06-01/runtime/invocation/one/response HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n")
    for piece in (b"5;x=y\r\nhel", b"lo\r", b"\n6\r\n world\r\n0\r\nTrailer: 1\r\n", b"\r\n"):
        client.send(piece)
    assert client.answer()[0] == 202
    assert heard.calls[-1] == ("response", "one", b"hello world", 11)
    client.send(NEXT)
    heard.wait(3)


def test_a_large_body_in_chunks_is_put_together_in_time(line: Line, client: Client, heard: Heard) -> None:
    busy(line, client)
    client.send(b"POST /2018-06-01/runtime/invocation/one/response HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n")
    chunk = b"1000\r\n" + b"x" * 4096 + b"\r\n"
    client.send(chunk * 1500 + b"0\r\n\r\n")
    assert client.answer()[0] == 202
    assert heard.calls[-1][3] == 1500 * 4096


def test_chunks_above_the_limit_are_refused_and_heard_of(line: Line, client: Client, heard: Heard) -> None:
    busy(line, client)
    client.send(b"POST /2018-06-01/runtime/invocation/one/response HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n")
    client.send((b"100000\r\n" + b"x" * 2**20 + b"\r\n") * 7 + b"0\r\n\r\n")
    assert client.answer()[0] == 413
    assert heard.calls[-1] == ("response", "one", b"", 7 * 2**20)


def test_a_client_that_asks_before_it_sends_is_told_to_continue(line: Line, client: Client, heard: Heard) -> None:
    busy(line, client)
    client.send(
        b"POST /2018-06-01/runtime/invocation/one/response HTTP/1.1\r\n"
        b"Expect: 100-continue\r\nContent-Length: 4\r\n\r\n"
    )
    assert client.file.readline().split()[1] == b"100"
    assert client.file.readline() == b"\r\n"
    client.send(b"1234")
    assert client.answer()[0] == 202
    assert heard.calls[-1] == ("response", "one", b"1234", 4)


def test_requests_in_one_piece_are_answered_in_order(line: Line, client: Client, heard: Heard) -> None:
    busy(line, client)
    line.send("one", event_message("one", {}, b"{}"))
    post = b"POST /2018-06-01/runtime/invocation/one/response HTTP/1.1\r\nContent-Length: 1\r\n\r\n1"
    client.send(b"GET /no HTTP/1.1\r\n\r\n" + post + NEXT)
    assert [client.answer()[0] for _ in range(2)] == [404, 202]
    assert client.answer()[0] == 200  # the event that waited


def test_requests_byte_by_byte_are_understood(line: Line, client: Client, heard: Heard) -> None:
    busy(line, client)
    client.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    for byte in b"POST /2018-06-01/runtime/invocation/one/response HTTP/1.1\r\ncontent-length:2\r\n\r\n{}":
        client.send(bytes([byte]))
    assert client.answer()[0] == 202


def test_a_result_at_the_limit_passes_and_one_above_is_refused_and_not_kept(
    line: Line, client: Client, heard: Heard
) -> None:
    busy(line, client)
    client.post("invocation/one/response", b"x" * RESPONSE_MAX_BYTES)
    assert client.answer()[0] == 202
    assert len(heard.calls[-1][2]) == RESPONSE_MAX_BYTES
    busy(line, client, "two")
    client.post("invocation/two/response", b"x" * (RESPONSE_MAX_BYTES + 1))
    status, _, body = client.answer()
    assert (status, json.loads(body)["errorType"]) == (413, "RequestEntityTooLarge")
    assert heard.calls[-1] == ("response", "two", b"", RESPONSE_MAX_BYTES + 1)
    busy(line, client, "three")


@pytest.mark.parametrize(
    "garbage",
    [
        b"\x00\x01\x02\r\n\r\n",
        b"HELLO\r\n\r\n",
        b"\r\n\r\n",
        b"POST /2018-06-01/runtime/init/error HTTP/1.1\r\nContent-Length: many\r\n\r\n",
        b"POST /2018-06-01/runtime/init/error HTTP/1.1\r\nContent-Length: -5\r\n\r\n",
        b"POST /2018-06-01/runtime/init/error HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"POST /2018-06-01/runtime/init/error HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n-5\r\n",
        b"POST /2018-06-01/runtime/init/error HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n" + b"1" * 2000,
        b"POST /2018-06-01/runtime/init/error HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n1\r\n123\r\n",
        b"x" * (2 * 1024 * 1024 + 1),
    ],
    ids=range(10),
)
def test_garbage_is_refused_and_harms_nobody(line: Line, client: Client, heard: Heard, garbage: bytes) -> None:
    other = Client(line.port)
    try:
        client.send(garbage)
        assert client.answer()[0] == 400
    except ConnectionError:
        pass  # refused while the client was still sending
    assert client.closed()
    busy(line, other)
    assert heard.calls == [("next",)]


def test_a_runtime_that_hangs_up_while_it_waits_leaves_the_event_to_the_next(
    line: Line, client: Client, heard: Heard
) -> None:
    client.send(NEXT)
    heard.wait(1)
    client.file.close()
    client.socket.close()
    while line._waiting is not None:
        threading.Event().wait(0.001)
    line.send("one", event_message("one", {}, b"{}"))
    later = Client(line.port)
    later.send(NEXT)
    assert later.answer()[0] == 200


def test_an_event_that_lay_unread_when_the_runtime_ended_is_told_from_one_that_was_read(
    line: Line, client: Client, heard: Heard
) -> None:
    client.send(NEXT)
    heard.wait(1)
    line.send("one", event_message("one", {}, b"{}"))
    client.file.close()
    client.socket.close()
    deadline = time.monotonic() + 5
    while not line.undelivered() and time.monotonic() < deadline:
        threading.Event().wait(0.001)
    assert line.undelivered()
    later = Client(line.port)
    busy(line, later, "two")
    later.file.close()
    later.socket.close()
    while not line._carrier.ended and time.monotonic() < deadline:
        threading.Event().wait(0.001)
    assert not line.undelivered()


def test_an_event_that_came_after_the_end_of_the_runtime_was_not_read_though_nobody_had_noticed_the_end(
    line: Line, client: Client, heard: Heard
) -> None:
    client.send(NEXT)
    heard.wait(1)
    held, released = threading.Event(), threading.Event()
    line._loop.call(lambda: (held.set(), released.wait(5)))  # as on a busy machine
    assert held.wait(5)
    client.file.close()
    client.socket.close()
    line.send("one", event_message("one", {}, b"{}"))
    released.set()
    line._loop.run_here(lambda: None)
    assert line.undelivered()
