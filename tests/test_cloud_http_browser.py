"""Front doors as a learner's browser reaches them: through jupyter-server-proxy, on Binder and JupyterHub."""

from __future__ import annotations

import json
import os
import secrets
import socket
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest
import requests
from http_callers import ECHO, Gateways, answer

from helpers.cloud import target
from helpers.cloud.addresses import browser_url

pytestmark = pytest.mark.thorough  # a Jupyter server takes its time to start

PREFIX = "/user/ada/"


@pytest.fixture(scope="module")
def gateways(workshop: Any, cloud: Any) -> Gateways:
    return Gateways(workshop, cloud)


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory, workshop: Any) -> Iterator[requests.Session]:
    """Return a session with a Jupyter server that serves below a hub's prefix; its URLs are relative."""
    pytest.importorskip("jupyter_server_proxy")
    folder = tmp_path_factory.mktemp("jupyter")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    token = secrets.token_hex(16)
    known = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "JUPYTER"))}
    settings = {
        "ServerApp.port": port,
        "ServerApp.base_url": PREFIX,
        "ServerApp.open_browser": False,
        "ServerApp.allow_root": True,
        "IdentityProvider.token": token,
        "ServerApp.jpserver_extensions": "jupyter_server_proxy=True",
    }
    command = [sys.executable, "-m", "jupyter_server", *(f"--{name}={value}" for name, value in settings.items())]
    folders = {f"JUPYTER_{kind}_DIR": str(folder / kind) for kind in ("CONFIG", "DATA", "RUNTIME")}
    server = subprocess.Popen(
        command, cwd=folder, env={**known, **folders}, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    session = requests.Session()
    session.headers["Authorization"] = f"token {token}"

    class Relative(requests.adapters.HTTPAdapter):
        def send(self, request: Any, **more: Any) -> Any:
            request.url = request.url.replace("http://hub", f"http://127.0.0.1:{port}", 1)
            return super().send(request, **more)

    session.mount("http://hub", Relative())

    def is_up() -> bool:
        assert server.poll() is None, "the Jupyter server has ended"
        try:
            return session.get(f"http://hub{PREFIX}api").ok
        except requests.ConnectionError:
            return False

    try:
        workshop.until(is_up, 30)
        yield session
    finally:
        server.terminate()
        server.wait(10)


@pytest.fixture
def on_hub(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JUPYTERHUB_SERVICE_PREFIX", PREFIX)


def test_a_function_answers_through_the_proxy(
    gateways: Gateways, cloud: Any, hub: requests.Session, on_hub: None
) -> None:
    url = cloud.browser_url(gateways.url(ECHO))
    assert url.startswith(f"{PREFIX}proxy/")
    event = hub.post(f"http://hub{url}a/b?x=1", json={"n": 1}).json()
    assert (event["rawPath"], event["queryStringParameters"], json.loads(event["body"])) == (
        *("/a/b", {"x": "1"}),
        {"n": 1},
    )
    assert {"x-forwarded-context", "x-proxycontextpath"}.isdisjoint(event["headers"])


def test_a_place_to_go_leads_through_the_proxy_too(
    gateways: Gateways, cloud: Any, hub: requests.Session, on_hub: None
) -> None:
    url = cloud.browser_url(gateways.url(ECHO))
    there = {"statusCode": 303, "headers": {"Location": "/there"}}
    reply = hub.get(f"http://hub{url}", params={"answer": json.dumps(there)}, allow_redirects=False)
    assert reply.headers["Location"] == f"{url}there"


def test_an_api_answers_through_the_proxy(
    gateways: Gateways, workshop: Any, cloud: Any, hub: requests.Session, on_hub: None
) -> None:
    name = workshop.make(ECHO)
    http_api = cloud.browser_url(gateways.http_api({"GET /a": name})["ApiEndpoint"])
    rest_api = cloud.browser_url(cloud.rest_api_url(gateways.rest_api({"GET /a": name})))
    paths = [hub.get(f"http://hub{url}/a").json() for url in (http_api, rest_api)]
    assert [paths[0]["rawPath"], paths[1]["path"]] == ["/a", "/a"]


def test_without_a_hub_the_address_is_right_as_it_is(gateways: Gateways, cloud: Any, monkeypatch: Any) -> None:
    monkeypatch.delenv("JUPYTERHUB_SERVICE_PREFIX", raising=False)
    url = gateways.url(ECHO)
    assert cloud.browser_url(url) == url
    assert answer(cloud.browser_url(url), "well").text == "well"


@pytest.mark.parametrize("url", ["https://127.0.0.1:1/", "http://example.com:80/", "/a", "http://127.0.0.1/"])
def test_what_is_no_address_of_this_machine_has_none_in_the_browser(url: str) -> None:
    with pytest.raises(ValueError, match="must be one of the local cloud's"):
        browser_url(url)


def test_a_cloud_that_somebody_else_runs_has_addresses_of_its_own() -> None:
    account = target.RealAccount(account="123456789012", region="eu-central-1", say=print)
    url = account.rest_api_url("abc", stage="dev")
    assert url == account.browser_url(url) == "https://abc.execute-api.eu-central-1.amazonaws.com/dev"
    with pytest.raises(target.OnlyOnThisMachine, match="rest_api_url"):
        target.Elsewhere("http://127.0.0.1:5000").rest_api_url("abc")
