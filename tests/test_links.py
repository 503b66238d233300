"""The link check tells what is gone from what nobody here can know; asked of servers on this machine."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import links
import pytest


class Answering(BaseHTTPRequestHandler):
    """Answers /404 with 404, and so on."""

    def do_GET(self) -> None:
        self.send_response(int(self.path.strip("/")))
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture(scope="module")
def site() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Answering)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


@pytest.fixture
def nobody() -> Iterator[str]:
    """An address at which nobody listens, for as long as the test runs."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{held.getsockname()[1]}/"


@pytest.mark.parametrize(
    ("code", "problem"),
    [(200, ""), (403, ""), (429, ""), (404, "is gone"), (410, "is gone"), (500, "answers 500")],
)
def test_an_answer_is_judged_by_its_number(site: str, code: int, problem: str) -> None:
    assert links.ask(f"{site}/{code}").problem == problem


def test_silence_is_told_with_its_reason(nobody: str) -> None:
    assert links.ask(nobody).problem.startswith("does not answer from here: ")
    assert "refused" in links.ask(nobody).problem


def told(capsys: pytest.CaptureFixture[str], *asked: str) -> tuple[int, str]:
    """Return exit code and text of a check of these addresses."""
    code = links.report(
        {address: ["README.md"] for address in asked}, {address: links.ask(address) for address in asked}
    )
    return code, capsys.readouterr().out


def test_what_is_gone_is_named_with_the_file_that_links_to_it(
    site: str, nobody: str, capsys: pytest.CaptureFixture[str]
) -> None:
    code, said = told(capsys, f"{site}/200", f"{site}/404", nobody)
    assert code == 1
    assert f"{site}/404 is gone (README.md)" in said
    assert said.endswith("3 addresses: 1 lead nowhere, 1 do not answer\n")


def test_where_all_are_there_all_is_well(site: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert told(capsys, f"{site}/200", f"{site}/403") == (0, "2 addresses: 0 lead nowhere, 0 do not answer\n")


def test_a_machine_that_reaches_nobody_accuses_nobody(nobody: str, capsys: pytest.CaptureFixture[str]) -> None:
    code, said = told(capsys, nobody)
    assert code == 2
    assert "nothing is known" in said
    assert "gone" not in said
