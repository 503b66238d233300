"""moto's server on loopback, behind the gate: what boto3, the AWS CLI and functions talk to."""

from __future__ import annotations

import logging
import secrets
import threading
from collections.abc import Callable, Iterable
from typing import Any

from moto.moto_server.werkzeug_app import DomainDispatcherApplication, MotoRequestHandler, create_backend_app
from werkzeug.serving import make_server

from helpers.cloud.gate import Gate
from helpers.cloud.moto_bridge import chain_depth, is_issued

log = logging.getLogger(__name__)


class _QuietHandler(MotoRequestHandler):
    """Keeps requests out of the notebook, and sends each answer at once."""

    disable_nagle_algorithm = True

    def log(self, *_: object) -> None:
        """Write nothing: a notebook's output is the learner's."""


class Server:
    """A thread that serves AWS's API from moto's state in this process.

    Parameters
    ----------
    access_key : the session's own
    """

    def __init__(self, access_key: str) -> None:
        self.token = secrets.token_hex(16)
        self.routes: dict[str, Callable] = {}
        moto = DomainDispatcherApplication(create_backend_app)

        def with_depth(environ: dict[str, Any], start_response: Callable) -> Iterable[bytes]:
            with chain_depth(environ.get("HTTP_X_AMZN_TRACE_ID")):
                return moto(environ, start_response)

        gate = Gate(
            with_depth, token=self.token, is_known=lambda key: key == access_key or is_issued(key), routes=self.routes
        )
        self._server = make_server("127.0.0.1", 0, gate, threaded=True, request_handler=_QuietHandler)
        self._server.daemon_threads = True
        self.port: int = self._server.server_address[1]
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), name="local-aws", daemon=True)
        self._thread.start()

    @property
    def endpoint(self) -> str:
        """What AWS_ENDPOINT_URL is set to."""
        return f"http://127.0.0.1:{self.port}/{self.token}"

    def stop(self) -> None:
        """Close the port and end the thread."""
        self._server.shutdown()
        self._thread.join(5)
        self._server.server_close()
