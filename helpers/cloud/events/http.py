"""What all front doors have in common: a request as a gateway reads it, the reply, and the way to the function.

A :class:`Door` stands behind the gate's path of the session and answers on a real local URL. What lies behind each door
is told by its own module: :mod:`~helpers.cloud.events.http_url` (function URLs), :mod:`~helpers.cloud.events.http_api`
(HTTP APIs), :mod:`~helpers.cloud.events.http_rest` (REST APIs) and :mod:`~helpers.cloud.events.http_alb` (load
balancers). A refusal looks as AWS's does; its cause, which AWS hides in metrics and execution logs, is on record in
``cloud.problems()`` and in the reply's header :data:`CAUSE_HEADER`.
"""

from __future__ import annotations

import json
import re
import secrets
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from http import HTTPStatus
from typing import Any, Protocol
from urllib.parse import quote

from werkzeug.exceptions import RequestEntityTooLarge

CAUSE_HEADER = "x-local-cloud-cause"
HOP_BY_HOP = {"connection", "keep-alive", "proxy-connection", "te", "trailer", "transfer-encoding", "upgrade", "expect"}
NOT_FROM_FUNCTIONS = {"content-length", "date", "server", "connection", "transfer-encoding"}
CHUNK_BYTES = 1024 * 1024


@dataclass(frozen=True)
class Request:
    """A request as it arrives at a door.

    Attributes
    ----------
    path : below the door, percent-encoded as it was sent, beginning with a slash
    query : as it was sent
    headers : in the client's order and writing; without those that concern its connection only
    prefix : where the door's URLs begin, as the client sees it
    too_large : the body was longer than the door takes, and is not here
    """

    method: str
    path: str
    query: str
    headers: tuple[tuple[str, str], ...]
    body: bytes = b""
    source_ip: str = "127.0.0.1"
    protocol: str = "HTTP/1.1"
    prefix: str = ""
    too_large: bool = False
    trace: str = field(default_factory=lambda: f"Root=1-{int(time.time()):08x}-{secrets.token_hex(12)}")
    time_s: float = field(default_factory=time.time)

    @classmethod
    def of(cls, environ: Mapping[str, Any], max_bytes: int) -> Request:
        """Read a request of the server's."""
        raw, _, query = environ["REQUEST_URI"].encode("latin-1").decode("utf-8", "replace").partition("?")
        script = environ.get("SCRIPT_NAME", "")
        if raw.startswith(script):
            path = raw[len(script) :]
        else:  # the session's path was written with escapes
            path = quote(environ["PATH_INFO"].encode("latin-1"), safe="/:@!$&'()*+,;=-._~")
        headers = tuple((name, value) for name, value in _headers(environ) if name.lower() not in HOP_BY_HOP)
        body = _body(environ, max_bytes)
        trace = environ.get("HTTP_X_AMZN_TRACE_ID", "")
        known = {"trace": trace.partition(";")[0]} if re.match(r"Root=1-[0-9a-f]{8}-[0-9a-f]{24}", trace) else {}
        return cls(
            method=environ["REQUEST_METHOD"],
            path="/" + path.lstrip("/") if path.strip("/") else "/",
            query=query,
            headers=headers,
            body=body or b"",
            source_ip=environ.get("REMOTE_ADDR", "127.0.0.1"),
            protocol=environ.get("SERVER_PROTOCOL", "HTTP/1.1"),
            prefix=script,
            too_large=body is None,
            **known,
        )

    def header(self, name: str, default: str = "") -> str:
        """Return a header's last value, whatever its writing."""
        found = [value for key, value in self.headers if key.lower() == name.lower()]
        return found[-1] if found else default

    def entered(self) -> tuple[str, Request]:
        """Return the path's first segment, and the request as it looks from below it."""
        first, _, rest = self.path[1:].partition("/")
        return first, replace(self, path=f"/{rest}", prefix=f"{self.prefix}/{first}")


@dataclass(frozen=True)
class Reply:
    """What goes back to the client."""

    status: int
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""

    def has(self, name: str) -> bool:
        """Say whether a header is among them."""
        return any(key.lower() == name.lower() for key, _ in self.headers)

    def plus(self, *headers: tuple[str, str]) -> Reply:
        """Return the reply with more headers."""
        return Reply(self.status, (*self.headers, *headers), self.body)

    def with_location(self, moved: Callable[[str], str]) -> Reply:
        """Return the reply with another place to go, if it sends the client to one."""
        headers = ((name, moved(value) if name.lower() == "location" else value) for name, value in self.headers)
        return Reply(self.status, tuple(headers), self.body)


class Refused(Exception):
    """A door's own answer, in the place of the function's.

    Parameters
    ----------
    status : HTTP's
    body : an object becomes JSON, text stays
    cause : why, for the learner; nothing where the answer says it all
    headers : more headers
    """

    def __init__(self, status: int, body: Any, cause: str = "", **headers: str) -> None:
        super().__init__(cause)
        is_text = isinstance(body, str)
        kind = "text/html" if is_text and body.startswith("<html>") else "application/json"
        data = body if is_text else json.dumps(body, separators=(",", ":"))
        more = tuple((name.replace("_", "-"), value) for name, value in headers.items())
        self.cause = cause
        self.reply = Reply(status, (("Content-Type", kind), *more), data.encode())


class Undelivered(Exception):
    """An event that did not become a function's answer.

    ``kind`` is denied (the function's policy), missing (no such function), throttled, slow (longer than the door
    waits), large (more than a function takes) or broken (nothing that can run here).
    """

    def __init__(self, kind: str, cause: str, body: Mapping[str, Any] | None = None) -> None:
        super().__init__(cause)
        self.kind, self.cause, self.body = kind, cause, dict(body or {})


@dataclass(frozen=True)
class Caller:
    """Who asks a function to run, as its resource-based policy sees it.

    Attributes
    ----------
    principal : a service's, or ``*`` for anybody
    sources : the ARN of what calls, in each of the ways in which a policy may name it
    url_auth : of a function URL
    trusted : calls with a role of its own, and needs no policy
    """

    principal: str
    sources: tuple[str, ...] = ()
    url_auth: str | None = None
    trusted: bool = False


class Answered(Protocol):
    """What a function gave: its payload, and what kind of error if it failed."""

    payload: bytes
    function_error: str | None


class Functions(Protocol):
    """The way to the functions; see :class:`~helpers.cloud.events.moto_http.Functions`."""

    def invoke(self, arn: str, event: Any, *, caller: Caller, limit_s: float, trace: str) -> Answered:
        """Run a function; raise :class:`Undelivered` where none did."""

    def who_signed(self, request: Request) -> str | None:
        """Return the access key that a request is signed with, if the cloud knows it."""


class Door:
    """A WSGI application that turns requests into events and answers into replies.

    Parameters
    ----------
    functions : the way to them
    record : takes note of what went wrong: source, target, cause
    """

    source = "door"
    max_bytes = 10 * 1024 * 1024

    def __init__(self, functions: Functions, record: Callable[[str, str, str], None]) -> None:
        self.functions, self.record = functions, record

    def __call__(self, environ: dict[str, Any], start_response: Callable) -> Iterable[bytes]:
        """Answer one request."""
        name, request = Request.of(environ, self.max_bytes).entered()
        try:
            reply = self.answer(name, request)
        except Refused as refused:
            reply = refused.reply
            if refused.cause:
                self.record(f"{self.source} {name}", f"{request.method} {request.path}", refused.cause)
                reply = reply.plus((CAUSE_HEADER, one_line(refused.cause)))
        return send(reply, request, start_response)

    def answer(self, name: str, request: Request) -> Reply:
        """Return what the client of one URL, API or load balancer gets, or raise :class:`Refused`."""
        raise NotImplementedError


def send(reply: Reply, request: Request, start_response: Callable) -> list[bytes]:
    """Hand a reply over to the server."""
    # On AWS a door has a host name of its own; here its URLs begin with a path.
    reply = reply.with_location(lambda value: request.prefix + value if is_path(value) else value)
    empty = reply.status in (204, 304) or reply.status < 200
    length = () if empty else (("Content-Length", str(len(reply.body))),)
    try:
        phrase = HTTPStatus(reply.status).phrase
    except ValueError:
        phrase = "Unknown"
    start_response(f"{reply.status} {phrase}", [*reply.headers, *length])
    return [] if empty or request.method == "HEAD" else [reply.body]


def is_path(location: str) -> bool:
    """Say whether a place to go is a path on the same host.

    >>> is_path("/there"), is_path("//elsewhere.example/there")
    (True, False)
    """
    return location.startswith("/") and not location.startswith("//")


def one_line(text: str) -> str:
    """Return text that may stand in a header.

    >>> one_line("no route for é")
    'no route for ?'
    """
    return " ".join(text.split()).encode("ascii", "replace").decode()


def _headers(environ: Mapping[str, Any]) -> Iterable[tuple[str, str]]:
    kept = environ.get("local_cloud.headers")  # as the client wrote them; WSGI's own are in capitals
    if kept is not None:
        return kept
    names = {key: key[5:].replace("_", "-").title() for key in environ if key.startswith("HTTP_")}
    names |= {"CONTENT_TYPE": "Content-Type", "CONTENT_LENGTH": "Content-Length"}
    return [(name, environ[key]) for key, name in names.items() if environ.get(key)]


def _body(environ: Mapping[str, Any], max_bytes: int) -> bytes | None:
    """Read the body; None if it is too long, and then read to its end, so that the client hears the answer."""
    stream = environ["wsgi.input"]
    length = int(environ.get("CONTENT_LENGTH") or 0)
    endless = bool(environ.get("wsgi.input_terminated"))
    parts, size = [], 0
    try:
        while endless or size < length:
            data = stream.read(CHUNK_BYTES if endless else min(CHUNK_BYTES, length - size))
            if not data:
                break
            size += len(data)
            if size <= max_bytes:
                parts.append(data)
    except RequestEntityTooLarge:
        return None
    return None if size > max_bytes else b"".join(parts)
