"""The door of the local cloud: who may come in, when the machine has other users and the learner a browser.

A port on loopback is open to every user of the host and to every page in the learner's browser. Two secrets of the
session keep them out. A signed request must carry an access key that the cloud knows; the signature itself is not
verified, so the random key is the secret. A request without a signature (Cognito's sign-up, a function's URL) must
come under the session's path, ``/<token>/``. Behind the door stands moto, which sees neither.

`isolation` points AWS's tools at this door. A refusal is written as the caller's protocol wants it, so that boto3
raises a ``ClientError`` that can be read.
"""

import hmac
import io
import json
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any
from urllib.parse import parse_qsl

from werkzeug.exceptions import RequestEntityTooLarge

WSGIApp = Callable[[dict[str, Any], Callable], Iterable[bytes]]

MAX_BODY_BYTES = 128 * 1024 * 1024
"""More than a deployment package unzips to is somebody's mistake, and moto would hold it in memory."""

CREDENTIAL_PARAMETERS = {"x-amz-credential", "awsaccesskeyid"}
FORM_HEAD_BYTES = 64 * 1024
REST_XML_SERVICES = {"s3", "s3express", "s3-outposts", "cloudfront", "route53"}

_IN_HEADER = re.compile(r"(?:Credential|AWSAccessKeyId)=([^/,\s]*)")
_IN_FORM = re.compile(
    rb'name="(?:x-amz-credential|awsaccesskeyid)"[^\r\n]*\r\n(?:[^\r\n]+\r\n)*\r\n([^/\r\n]*)', re.IGNORECASE
)


UNKNOWN_KEY = "InvalidClientTokenId"


class Refusal(Exception):
    """Why a request is not admitted, in AWS's terms: status, code, message."""

    def __init__(self, status: int, code: str, message: str):
        super().__init__(message)
        self.status, self.code, self.message = status, code, message


class Gate:
    """Let a request pass to moto, or to a route, if it shows one of the session's secrets.

    Parameters
    ----------
    app
        moto's application.
    token
        The first segment of the session's path; unguessable, letters and digits.
    is_known
        Whether an access key is the session's, or one that local IAM or STS issued.
    routes
        Applications by prefix: ``/<token>/<prefix>/...`` goes to one of them before moto, with ``SCRIPT_NAME`` set,
        whatever its signature. Looked up at each request, so that front doors may come later. A prefix that no bucket
        can be called, ``_url`` for instance, takes nothing from S3.
    max_body_bytes
        Longer requests are refused.
    """

    def __init__(
        self,
        app: WSGIApp,
        *,
        token: str,
        is_known: Callable[[str], bool],
        routes: Mapping[str, WSGIApp] | None = None,
        max_body_bytes: int = MAX_BODY_BYTES,
    ):
        self.app = app
        self.is_known = is_known
        self.routes = {} if routes is None else routes
        self.max_body_bytes = max_body_bytes
        self._token = token.encode("ascii")
        self._prefix = f"/{token}"

    def __call__(self, environ: dict[str, Any], start_response: Callable) -> Iterable[bytes]:
        """Answer one request."""
        try:
            app = self._admit(environ)
        except Refusal as refusal:
            return _respond(refusal, environ, start_response)
        return app(environ, start_response)

    def _admit(self, environ: dict[str, Any]) -> WSGIApp:
        path = environ.get("PATH_INFO", "")
        # compare_digest takes as long for a good guess as for a bad one.
        first = path[1:].partition("/")[0].encode("utf-8", "surrogateescape")
        inside = hmac.compare_digest(first, self._token)
        self._bound_body(environ)
        if inside and (route := self._route(environ, path)):
            return route
        # A page of an attacker's can give its own name the address 127.0.0.1, and is then of the same origin as this
        # server in the browser's eyes. The Host header still says the name. (Routes are reached through Jupyter's
        # proxy as well, whose Host is the hub's; their secret is the path, which such a page does not know.)
        if not _is_loopback(environ.get("HTTP_HOST", "")):
            raise Refusal(403, "AccessDenied", "This server answers only under the names of this machine.")
        keys = self._access_keys(environ)
        if not all(key and self.is_known(key) for key in keys) or not (keys or inside):
            raise Refusal(403, UNKNOWN_KEY, "The security token included in the request is invalid.")
        # moto allows every origin (CORS). Whoever learns the path, from a log or a screen that is shared, shall not
        # work Cognito from a web page that the learner happens to open. Pages on this machine may.
        if not keys and "HTTP_ORIGIN" in environ and not _is_loopback(environ["HTTP_ORIGIN"].partition("://")[2]):
            raise Refusal(403, "AccessDenied", "Unsigned requests from other sites' pages are refused.")
        if inside:
            self._strip(environ, path)
        return self.app

    def _route(self, environ: dict[str, Any], path: str) -> WSGIApp | None:
        prefix, slash, rest = path[len(self._prefix) + 1 :].partition("/")
        if (app := self.routes.get(prefix)) is None:
            return None
        environ["SCRIPT_NAME"] = f"{environ.get('SCRIPT_NAME', '')}{self._prefix}/{prefix}"
        environ["PATH_INFO"] = slash + rest
        return app

    def _strip(self, environ: dict[str, Any], path: str) -> None:
        environ["PATH_INFO"] = path[len(self._prefix) :] or "/"
        # moto reads the keys of S3 from the undecoded path.
        for name in ("REQUEST_URI", "RAW_URI"):
            if name in environ:
                before, found, after = environ[name].partition(self._prefix)
                if not found:
                    raise Refusal(403, "AccessDenied", "The session's path must be written as it is, without escapes.")
                environ[name] = before + after if after.startswith("/") else f"{before}/{after}"

    def _bound_body(self, environ: dict[str, Any]) -> None:
        if "HTTP_TRANSFER_ENCODING" in environ:  # no length is announced
            environ["wsgi.input"] = io.BufferedReader(_Bounded(environ["wsgi.input"], self.max_body_bytes))
        elif length := environ.get("CONTENT_LENGTH"):
            if not (length.isascii() and length.isdigit()):
                raise Refusal(400, "InvalidRequest", "Content-Length must be a number.")
            if int(length) > self.max_body_bytes:
                raise Refusal(413, "EntityTooLarge", f"A request may have {self.max_body_bytes:,} bytes here.")

    def _access_keys(self, environ: dict[str, Any]) -> list[str]:
        """Find every access key that the request claims to be signed with; an odd signature claims the key ''."""
        keys = []
        header = environ.get("HTTP_AUTHORIZATION", "")
        if header.startswith("AWS "):  # signature version 2
            keys.append(header[4:].partition(":")[0].strip())
        elif header.startswith("AWS"):
            match = _IN_HEADER.search(header)
            keys.append(match[1] if match else "")
        query = environ.get("QUERY_STRING", "")
        if "redential" in query.lower() or "accesskeyid" in query.lower():
            keys += _claims(query)
        if not keys and environ["REQUEST_METHOD"] == "POST":
            keys += self._keys_in_form(environ)
        return keys

    def _keys_in_form(self, environ: dict[str, Any]) -> list[str]:
        kind = environ.get("CONTENT_TYPE", "").lower()
        if not kind.startswith(("multipart/form-data", "application/x-www-form-urlencoded")):
            return []
        if not environ.get("CONTENT_LENGTH"):
            return []
        body = environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"]))
        environ["wsgi.input"] = io.BytesIO(body)
        if kind.startswith("multipart"):
            # S3 wants the policy before the file; a file may say what it likes.
            return [key.decode("latin-1") for key in _IN_FORM.findall(body[:FORM_HEAD_BYTES])[:1]]
        return _claims(body.decode("latin-1")) if b"AccessKeyId" in body else []


class _Bounded(io.RawIOBase):
    """A stream that breaks off after so many bytes, for bodies that do not say how long they are."""

    def __init__(self, stream: Any, limit: int):
        self._stream, self._left = stream, limit

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        data = self._stream.read(len(buffer))
        self._left -= len(data)
        if self._left < 0:
            raise RequestEntityTooLarge
        buffer[: len(data)] = data
        return len(data)


def _claims(query: str) -> list[str]:
    return [value.partition("/")[0] for name, value in parse_qsl(query, True) if name.lower() in CREDENTIAL_PARAMETERS]


def _is_loopback(host: str) -> bool:
    name = host.rpartition(":")[0] if re.search(r":\d*$", host) and not host.endswith("]") else host
    name = name.lower().rstrip(".")
    return bool(
        name in ("localhost", "[::1]") or name.endswith(".localhost") or re.fullmatch(r"127(\.\d{1,3}){3}", name)
    )


def _respond(refusal: Refusal, environ: dict[str, Any], start_response: Callable) -> list[bytes]:
    kind, code, body = _written(refusal, environ)
    headers = [
        ("Content-Type", kind),
        ("Content-Length", str(len(body))),
        ("x-amzn-errortype", code),
        ("x-amzn-requestid", "00000000-0000-0000-0000-000000000000"),
    ]
    if kind == "application/cbor":
        headers.append(("smithy-protocol", "rpc-v2-cbor"))
    reasons = {400: "Bad Request", 403: "Forbidden", 413: "Request Entity Too Large"}
    start_response(f"{refusal.status} {reasons[refusal.status]}", headers)
    return [body]


def _written(refusal: Refusal, environ: dict[str, Any]) -> tuple[str, str, bytes]:
    """Write the refusal in the protocol of the request: content type, code, body."""
    code, message = refusal.code, refusal.message
    kind = environ.get("CONTENT_TYPE", "").lower()
    scope = environ.get("HTTP_AUTHORIZATION", "").partition("Credential=")[2].partition(",")[0].split("/")
    service = scope[-2] if len(scope) > 2 else ""
    if environ.get("HTTP_SMITHY_PROTOCOL") == "rpc-v2-cbor":
        body = b"\xa2" + b"".join(map(_cbor_text, ("__type", code, "message", message)))
        return "application/cbor", code, body
    if "json" in kind or "HTTP_X_AMZ_TARGET" in environ:
        return _in_json("application/x-amz-json-1.1", code, message)
    if service == "ec2":
        xml = f"<Response><Errors><Error><Code>{code}</Code><Message>{message}</Message></Error></Errors></Response>"
    elif "x-www-form-urlencoded" in kind:
        xml = f"<ErrorResponse><Error><Code>{code}</Code><Message>{message}</Message></Error></ErrorResponse>"
    elif service in REST_XML_SERVICES or not service:
        code = "InvalidAccessKeyId" if code == UNKNOWN_KEY else code
        xml = f"<Error><Code>{code}</Code><Message>{message}</Message></Error>"
    else:
        return _in_json("application/json", code, message)
    return "text/xml", code, xml.encode()


def _in_json(kind: str, code: str, message: str) -> tuple[str, str, bytes]:
    code = "UnrecognizedClientException" if code == UNKNOWN_KEY else code
    return kind, code, json.dumps({"__type": code, "message": message}).encode()


def _cbor_text(text: str) -> bytes:
    data = text.encode()
    head = bytes([0x60 + len(data)]) if len(data) < 24 else bytes([0x78, len(data)])  # all of ours are below 256
    return head + data
