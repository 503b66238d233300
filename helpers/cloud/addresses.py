"""Where the front doors of a local cloud stand: addresses for this machine, and for a browser elsewhere.

Function URLs and the endpoints of HTTP APIs come back from boto3. For REST APIs and load balancers AWS's answer holds
no address that could be replaced, so the cloud is asked.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from urllib.parse import urlsplit

# JupyterHub sets the first for each of its servers, and Binder runs on JupyterHub.
PREFIXES = ("JUPYTERHUB_SERVICE_PREFIX", "JUPYTER_BASE_URL")
LOOPBACK = ("127.0.0.1", "localhost", "::1")


class Addresses:
    """The part of a local cloud that names its front doors."""

    @property
    def endpoint(self) -> str:
        """The address that boto3 talks to; with the session's secret path."""
        raise NotImplementedError

    def rest_api_url(self, rest_api_id: str, stage: str = "prod") -> str:
        """Return the local URL of a REST API's stage, to which a resource's path is added.

        Raises
        ------
        LookupError
            when there is no such API
        """
        from helpers.cloud.events import front_doors

        return front_doors.rest_api_url(self.endpoint, rest_api_id, stage)

    def load_balancer_url(self, arn: str, port: int | None = None) -> str:
        """Return the local URL of a load balancer's listener, to which a path is added.

        Parameters
        ----------
        arn : the load balancer's
        port : the listener's; the first listener's if there are several and none is named

        Raises
        ------
        LookupError
            when there is no such load balancer, or no such listener
        """
        from helpers.cloud.events import front_doors

        return front_doors.load_balancer_url(self.endpoint, arn, port)

    def browser_url(self, url: str) -> str:
        """Return a local URL as the learner's browser reaches it: through the proxy of Binder or JupyterHub, if any."""
        return browser_url(url)


def browser_url(url: str, environ: Mapping[str, str] | None = None) -> str:
    """Return where a browser finds a local URL.

    On Binder and JupyterHub the kernel runs on another machine than the browser, and jupyter-server-proxy passes
    requests on to its ports. Elsewhere the URL is right as it is.

    Parameters
    ----------
    url : of this machine
    environ : the environment variables; the process's own by default

    Raises
    ------
    ValueError
        when the URL isn't one of this machine

    Examples
    --------
    >>> browser_url("http://127.0.0.1:4566/a/b?c=1", {"JUPYTERHUB_SERVICE_PREFIX": "/user/ada/"})
    '/user/ada/proxy/4566/a/b?c=1'
    >>> browser_url("http://127.0.0.1:4566/a/b?c=1", {})
    'http://127.0.0.1:4566/a/b?c=1'
    """
    parts = urlsplit(url)
    if parts.scheme != "http" or parts.hostname not in LOOPBACK or parts.port is None:
        raise ValueError(f"url must be one of the local cloud's, http://127.0.0.1:<port>/..., got {url!r}")
    known = os.environ if environ is None else environ
    prefix = next((known[name] for name in PREFIXES if known.get(name)), None)
    if prefix is None:
        return url
    rest = parts._replace(scheme="", netloc="").geturl()
    return f"{prefix.rstrip('/')}/proxy/{parts.port}{rest or '/'}"
