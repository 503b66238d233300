"""Cross-origin requests as function URLs and HTTP APIs answer them from their configuration, without the function."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

from helpers.cloud.events.http import Reply, Request


@dataclass(frozen=True)
class Cors:
    """A CORS configuration; names of methods and headers are compared without regard to their case."""

    origins: tuple[str, ...] = ()
    methods: tuple[str, ...] = ()
    headers: tuple[str, ...] = ()
    exposed: tuple[str, ...] = ()
    max_age_s: int | None = None
    credentials: bool = False

    @classmethod
    def of(cls, config: Mapping[str, Any] | None) -> Cors | None:
        """Read AWS's configuration: ``AllowOrigins`` of a function URL, ``allowOrigins`` of an HTTP API."""
        if not config:
            return None
        known = {key[:1].lower() + key[1:]: value for key, value in config.items()}
        return cls(
            origins=tuple(known.get("allowOrigins") or ()),
            methods=tuple(known.get("allowMethods") or ()),
            headers=tuple(known.get("allowHeaders") or ()),
            exposed=tuple(known.get("exposeHeaders") or ()),
            max_age_s=known.get("maxAge"),
            credentials=bool(known.get("allowCredentials")),
        )

    def allows(self, origin: str) -> bool:
        """Say whether pages of an origin may ask.

        >>> Cors(origins=("https://*", "http://localhost:8000")).allows("https://shop.example")
        True
        """
        return any(fnmatchcase(origin.lower(), one.lower()) for one in self.origins)

    def preflight(self, request: Request, status: int) -> Reply | None:
        """Answer a browser's question before the request itself; nothing where it is none."""
        asked = request.header("access-control-request-method")
        if request.method != "OPTIONS" or not asked or not request.header("origin"):
            return None
        reply = Reply(status)
        if not self.allows(request.header("origin")):
            return reply
        reply = reply.plus(*self._common(request))
        if self.methods:
            reply = reply.plus(("Access-Control-Allow-Methods", ",".join(self.methods)))
        if self.headers:
            reply = reply.plus(("Access-Control-Allow-Headers", ",".join(self.headers)))
        if self.max_age_s is not None:
            reply = reply.plus(("Access-Control-Max-Age", str(self.max_age_s)))
        return reply

    def applied(self, request: Request, reply: Reply) -> Reply:
        """Return a reply with the configured headers in the place of the function's own."""
        kept = tuple(pair for pair in reply.headers if not pair[0].lower().startswith("access-control-"))
        reply = Reply(reply.status, kept, reply.body)
        origin = request.header("origin")
        if not origin or not self.allows(origin):
            return reply
        exposed = (("Access-Control-Expose-Headers", ",".join(self.exposed)),) if self.exposed else ()
        return reply.plus(*self._common(request), *exposed)

    def _common(self, request: Request) -> tuple[tuple[str, str], ...]:
        anybody = "*" in self.origins and not self.credentials
        found = [("Access-Control-Allow-Origin", "*" if anybody else request.header("origin"))]
        if not anybody:
            found.append(("Vary", "Origin"))
        if self.credentials:
            found.append(("Access-Control-Allow-Credentials", "true"))
        return tuple(found)
