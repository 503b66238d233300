"""A learner without a browser: logs in at a JupyterHub, starts a server, opens a notebook and runs its cells.

The same requests as a browser's: the login form with its token against forgery, the sign-in at the learner's own
server, Jupyter's REST interface, and the kernel's messages over a websocket. ``load_test.py`` has several of them.
"""

from __future__ import annotations

import json
import re
import time
import uuid
from dataclasses import dataclass
from urllib.parse import quote

import requests
import websocket

REPLY_S = 300.0
START_S = 180.0


@dataclass(frozen=True)
class Ran:
    """One cell as it ran: seconds until the kernel was idle again, what it wrote to the page, and its error, if any."""

    seconds: float
    text: str
    error: str = ""


class Learner:
    """One learner's browser.

    Parameters
    ----------
    hub : the address of JupyterHub, without a slash at its end
    name, password : as the class list has them
    """

    def __init__(self, hub: str, name: str, password: str) -> None:
        self.hub, self.name, self._password = hub, name, password
        self.base = f"{hub}/user/{quote(name)}"
        self._web = requests.Session()
        self._web.trust_env = False  # loopback needs no proxy
        self._socket: websocket.WebSocket | None = None
        self._session = uuid.uuid4().hex

    def log_in(self) -> float:
        """Log in and start the server; return the seconds until it answers."""
        began = time.monotonic()
        self._ok(self._web.get(f"{self.hub}/hub/login", timeout=60))
        form = {"username": self.name, "password": self._password, "_xsrf": self._token("/hub/")}
        answer = self._web.post(f"{self.hub}/hub/login", data=form, timeout=60)
        if answer.status_code in (401, 403):
            raise PermissionError(f"{self.name} was not let in: {answer.status_code}")
        self._ok(self._web.get(f"{self.hub}/hub/spawn/{quote(self.name)}", timeout=60))
        while True:  # until the page is one of the learner's own server: the hub's own sign-in lies on the way
            page = self._web.get(f"{self.base}/lab", timeout=60)
            if page.ok and page.url.startswith(self.base):
                break
            if time.monotonic() - began > START_S:
                raise TimeoutError(f"{self.name}'s server does not answer: {page.status_code} at {page.url}")
            time.sleep(0.1)
        return time.monotonic() - began

    def cells(self, notebook: str) -> list[str]:
        """Return the code cells of a notebook."""
        content = self._ok(self._web.get(f"{self.base}/api/contents/{quote(notebook)}", timeout=60)).json()["content"]
        return ["".join(cell["source"]) for cell in content["cells"] if cell["cell_type"] == "code"]

    def open(self, notebook: str) -> float:
        """Start a kernel for a notebook; return the seconds until it answers."""
        began = time.monotonic()
        body = {"path": notebook, "name": notebook, "type": "notebook", "kernel": {"name": "python3"}}
        made = self._ok(self._web.post(f"{self.base}/api/sessions", json=body, headers=self._headers(), timeout=60))
        kernel = made.json()["kernel"]["id"]
        cookies = "; ".join(f"{one.name}={one.value}" for one in self._web.cookies if self._fits(one.path))
        address = self.base.replace("http", "ws", 1) + f"/api/kernels/{kernel}/channels?session_id={self._session}"
        self._socket = websocket.create_connection(address, cookie=cookies, timeout=REPLY_S, http_no_proxy=["*"])
        self.run("0")
        return time.monotonic() - began

    def run(self, code: str) -> Ran:
        """Run a cell and wait until the kernel is idle again."""
        assert self._socket is not None
        sent, began = uuid.uuid4().hex, time.monotonic()
        header = {"msg_id": sent, "msg_type": "execute_request", "session": self._session, "username": self.name}
        content = {"code": code, "silent": False, "store_history": True, "user_expressions": {}, "allow_stdin": False}
        message = {"header": {**header, "version": "5.3", "date": ""}, "parent_header": {}, "metadata": {}}
        self._socket.send(json.dumps({**message, "content": content, "channel": "shell", "buffers": []}))
        text, error, waiting = "", "", {"reply", "idle"}
        while waiting:
            raw = self._socket.recv()
            if isinstance(raw, bytes):  # with buffers: a widget's numbers
                continue
            got = json.loads(raw)
            kind, said = got["header"]["msg_type"], got["content"]
            text += said.get("text", "") if kind == "stream" else ""  # also of a thread that an earlier cell began
            if got["parent_header"].get("msg_id") != sent:
                continue
            if kind == "error":
                error = f"{said['ename']}: {said['evalue']}"
            elif kind == "execute_reply":
                waiting.discard("reply")
            elif kind == "status" and said["execution_state"] == "idle":
                waiting.discard("idle")
        return Ran(time.monotonic() - began, text, error)

    def stop_server(self) -> None:
        """Stop the learner's server, as the button on the hub's page does."""
        self.close()
        headers = {"X-XSRFToken": self._token("/hub/"), "Referer": f"{self.hub}/hub/home"}
        address = f"{self.hub}/hub/api/users/{quote(self.name)}/server"
        until = time.monotonic() + START_S
        while self._web.delete(address, headers=headers, timeout=60).status_code != 204:  # 202: it is on its way
            if time.monotonic() > until:
                raise TimeoutError(f"{self.name}'s server does not end")
            time.sleep(0.5)

    def get(self, path: str) -> requests.Response:
        """Ask the learner's own server, or another's, for a path."""
        return self._web.get(f"{self.hub}{path}", timeout=60)

    def close(self) -> None:
        """Close the page; the kernel goes on, as with a real one."""
        if self._socket is not None:
            self._socket.close()
        self._web.close()

    def _fits(self, path: str) -> bool:
        return f"/user/{quote(self.name)}/".startswith(path)

    def _headers(self) -> dict[str, str]:
        return {"X-XSRFToken": self._token(f"/user/{quote(self.name)}/"), "Referer": f"{self.base}/lab"}

    def _token(self, path: str) -> str:
        for cookie in self._web.cookies:
            if cookie.name == "_xsrf" and cookie.path == path:
                return str(cookie.value)
        raise RuntimeError(f"there is no token against forgery for {path}")

    @staticmethod
    def _ok(answer: requests.Response) -> requests.Response:
        if not answer.ok:
            told = re.sub(r"<[^>]*>|\s+", " ", answer.text)[:300]
            raise RuntimeError(f"{answer.request.method} {answer.url}: {answer.status_code} {told}")
        return answer
