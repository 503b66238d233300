"""What stands in for the runtime client's C extension: same requests on the wire, same values in the handler."""

from __future__ import annotations

import importlib.util
import json
import os
import socket
import subprocess
import sys
import threading
from collections import deque
from pathlib import Path

import pytest

pytest.importorskip("awslambdaric", reason="AWS's runtime client is not for this system")

FALLBACK = Path(__file__).resolve().parents[1] / "helpers" / "cloud" / "fallback"
HAS_EXTENSION = (spec := importlib.util.find_spec("runtime_client")) is not None and spec.origin.endswith(".so")
CLIENTS = [
    pytest.param(None, id="extension", marks=pytest.mark.skipif(not HAS_EXTENSION, reason="built for Linux only")),
    pytest.param(FALLBACK, id="fallback"),
]
HANDLERS = """
import runtime_client

def answer(event, context):
    return {"client": runtime_client.__file__, "event": event, "id": context.aws_request_id,
            "arn": context.invoked_function_arn, "some time left": context.get_remaining_time_in_millis() > 0,
            "custom": context.client_context and context.client_context.custom}

def fail(event, context):
    raise LookupError("no order\\n4711 – sorry")

def large(event, context):
    return "x" * event
"""
LATER_MS = 4_000_000_000_000
STOP = b""
PATIENCE_S = 20


class FakeApi:
    """A Runtime API that hands out prepared answers, one per request, and remembers what it was asked."""

    def __init__(self, *answers):
        self.answers = deque(answers)
        self.requests = []
        self.connections = 0
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.address = f"127.0.0.1:{self.listener.getsockname()[1]}"
        self.listener.settimeout(PATIENCE_S)
        self.thread = threading.Thread(target=self.serve, daemon=True)
        self.thread.start()

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.thread.join(2 * PATIENCE_S)
        assert not self.thread.is_alive()

    def serve(self):
        with self.listener:  # closed after the last answer: a client that asks on finds nobody
            while self.answers:
                connection, _ = self.listener.accept()
                connection.settimeout(PATIENCE_S)
                self.connections += 1
                with connection, connection.makefile("rb") as stream:
                    while self.answers and (request := self.read(stream)):
                        self.requests.append(request)
                        answer = self.answers.popleft()
                        if answer == STOP:
                            break
                        connection.sendall(answer)

    @staticmethod
    def read(stream):
        first = stream.readline().decode().strip()
        headers = {}
        while line := stream.readline().decode().strip():
            name, _, value = line.partition(": ")
            headers[name.lower()] = value
        return first and (first, headers, stream.read(int(headers.get("content-length", 0))))


def reply(status, body=b"", **headers):
    lines = [f"HTTP/1.1 {status} Said", f"Content-Length: {len(body)}"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return "\r\n".join([*lines, "", ""]).encode() + body


def event(payload, **more):
    named = {
        "Lambda_Runtime_Aws_Request_Id": "8476a536",
        "Lambda_Runtime_Deadline_Ms": LATER_MS,
        "Lambda_Runtime_Invoked_Function_Arn": "arn:aws:lambda:us-east-1:123456789012:function:f",
        "Lambda_Runtime_Trace_Id": "Root=1-5bef4de7-ad49b0e87f6ef6c87fc2e700",
        "Content_Type": "application/json",
    }
    return reply(200, json.dumps(payload).encode(), **{**named, **more})


ACCEPTED = reply(202, b'{"status":"OK"}')


@pytest.fixture(scope="module")
def task(tmp_path_factory):
    folder = tmp_path_factory.mktemp("task")
    (folder / "app.py").write_text(HANDLERS)
    (folder / "broken.py").write_text("raise OSError('no such table')\n")
    return folder


def run(task, handler, client, *answers):
    """Run AWS's client against prepared answers until it finds the API gone; return what it asked, and its output."""
    with FakeApi(*answers) as api:
        done = subprocess.run(
            [sys.executable, "-m", "awslambdaric", handler],
            cwd=task,
            env={
                "PATH": os.environ["PATH"],
                "PYTHONPATH": os.pathsep.join(map(str, filter(None, [client, task]))),
                "PYTHONDONTWRITEBYTECODE": "1",
                "AWS_LAMBDA_RUNTIME_API": api.address,
            },
            capture_output=True,
            text=True,
            timeout=60,
        )
    return api, done


def of_the_function(requests):
    """Leave out what only the port decides."""
    return [(first, {k: v for k, v in headers.items() if k != "host"}, body) for first, headers, body in requests]


@pytest.mark.parametrize("client", CLIENTS)
def test_an_invocation_reaches_the_handler_and_its_result_comes_back(task, client):
    api, _ = run(task, "app.answer", client, event({"ö": 1}), ACCEPTED)
    assert [first for first, _, _ in api.requests] == [
        "GET /2018-06-01/runtime/invocation/next HTTP/1.1",
        "POST /2018-06-01/runtime/invocation/8476a536/response HTTP/1.1",
    ]
    _, headers, body = api.requests[1]
    assert headers["content-type"] == "application/json"
    result = json.loads(body)
    assert (Path(result.pop("client")).parent == FALLBACK) == (client is not None)
    assert result == {
        "event": {"ö": 1},
        "id": "8476a536",
        "arn": "arn:aws:lambda:us-east-1:123456789012:function:f",
        "some time left": True,
        "custom": None,
    }


@pytest.mark.parametrize("client", CLIENTS)
def test_a_clients_context_reaches_the_handler(task, client):
    more = {"Lambda_Runtime_Client_Context": '{"custom": {"shop": "north"}}'}
    api, _ = run(task, "app.answer", client, event(None, **more), ACCEPTED)
    assert json.loads(api.requests[1][2])["custom"] == {"shop": "north"}


@pytest.mark.parametrize("client", CLIENTS)
def test_an_exception_is_posted_with_its_trace(task, client):
    api, _ = run(task, "app.fail", client, event({}), ACCEPTED)
    first, headers, body = api.requests[1]
    assert first == "POST /2018-06-01/runtime/invocation/8476a536/error HTTP/1.1"
    error = json.loads(body)
    assert (error["errorType"], error["errorMessage"]) == ("LookupError", "no order\n4711 – sorry")
    assert json.loads(headers["lambda-runtime-function-xray-error-cause"])["exceptions"][0]["type"] == "LookupError"


@pytest.mark.parametrize("client", CLIENTS)
def test_a_module_that_fails_to_load_is_an_init_error_and_asks_for_no_invocation(task, client):
    api, done = run(task, "broken.handler", client, ACCEPTED)
    ((first, headers, body),) = api.requests
    assert first == "POST /2018-06-01/runtime/init/error HTTP/1.1"
    assert headers["lambda-runtime-function-error-type"] == "OSError"
    assert json.loads(body)["errorMessage"] == "no such table"
    assert done.returncode == 1


@pytest.mark.parametrize("client", CLIENTS)
def test_events_and_results_of_megabytes_pass_whole(task, client):
    api, _ = run(task, "app.large", client, event(5_000_000), ACCEPTED)
    assert len(json.loads(api.requests[1][2])) == 5_000_000


@pytest.mark.skipif(not HAS_EXTENSION, reason="the extension is built for Linux only")
@pytest.mark.parametrize(("handler", "calls"), [("app.fail", 2), ("app.large", 2), ("broken.handler", 0)])
def test_both_clients_send_the_same_requests_word_for_word(task, handler, calls):
    answers = [event(3, Lambda_Runtime_Invocation_Id="once"), ACCEPTED] * calls or [ACCEPTED]
    extension, fallback = (run(task, handler, client, *answers)[0] for client in (None, FALLBACK))
    assert of_the_function(extension.requests) == of_the_function(fallback.requests)
    assert extension.connections == fallback.connections == 1


# The stand-in by itself


@pytest.fixture
def client(monkeypatch):
    spec = importlib.util.spec_from_file_location("stand_in", FALLBACK / "runtime_client.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)

    def ask(api):
        monkeypatch.setenv("AWS_LAMBDA_RUNTIME_API", api.address)
        module.initialize_client("tests/1")
        return module

    yield ask
    module.initialize_client("")


def test_absent_headers_have_the_extensions_values(client):
    with FakeApi(reply(200, b"{}", Content_Type="application/json", Lambda_Runtime_Deadline_Ms=LATER_MS)) as api:
        body, headers = client(api).next()
    assert body == b"{}"
    assert headers == {
        "Lambda-Runtime-Aws-Request-Id": "",
        "Lambda-Runtime-Trace-Id": None,
        "Lambda-Runtime-Invoked-Function-Arn": "",
        "Lambda-Runtime-Deadline-Ms": LATER_MS,
        "Lambda-Runtime-Client-Context": None,
        "Content-Type": "application/json",
        "Lambda-Runtime-Cognito-Identity": None,
        "Lambda-Runtime-Aws-Tenant-Id": None,
        "Lambda-Runtime-Invocation-Id": None,
    }


def test_a_connection_that_was_closed_while_idle_is_opened_once_more(client):
    with FakeApi(event(1), STOP, ACCEPTED) as api:
        module = client(api)
        module.next()
        module.post_invocation_result("8476a536", b"{}", "application/json")
    assert api.connections == 2
    assert api.requests[1] == api.requests[2]


def test_a_new_connection_that_stays_silent_is_an_error(client):
    with FakeApi(STOP) as api, pytest.raises(RuntimeError, match="GET next failed"):
        client(api).next()


def test_an_answer_that_breaks_off_is_an_error_and_not_asked_for_again(client):
    with FakeApi(event(1), b"HTTP/1.1 202 Acc", ACCEPTED) as api:
        module = client(api)
        module.next()
        api.answers.pop()  # nothing more to say: the connection closes within the answer
        with pytest.raises(RuntimeError, match="response failed"):
            module.post_invocation_result("8476a536", b"{}", "application/json")
    assert len(api.requests) == 2


@pytest.mark.parametrize("status", [400, 403, 413, 500])
def test_a_refusal_is_a_runtime_error_that_quotes_it(client, status):
    with FakeApi(reply(status, b"because"), ACCEPTED) as api:
        module = client(api)
        with pytest.raises(RuntimeError, match=f"{status}.*because"):
            module.post_error("8476a536", "{}", "{}")
        module.post_error("8476a536", "{}", "{}")  # the next call works
    assert api.connections == 1


def test_an_answer_in_chunks_is_put_together(client):
    chunked = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2;x=1\r\n{}\r\n3\r\n   \r\n0\r\n\r\n"
    with FakeApi(chunked, event(2)) as api:
        module = client(api)
        assert module.next()[0] == b"{}   "
        assert module.next()[0] == b"2"


def test_a_header_never_becomes_two(client):
    with FakeApi(ACCEPTED) as api:
        client(api).post_error("8476a536", "{}", '{"a": 1}\r\nsmuggled: yes')
    assert "smuggled" not in api.requests[0][1]


def test_no_address_is_said_plainly(client, monkeypatch):
    with FakeApi() as api:
        module = client(api)
    monkeypatch.delenv("AWS_LAMBDA_RUNTIME_API")
    with pytest.raises(RuntimeError, match="AWS_LAMBDA_RUNTIME_API is not set"):
        module.next()


def test_it_imports_little():
    heavy = {"http.client", "ssl", "email", "urllib.request", "asyncio", "logging", "json"}
    code = f"import sys; sys.path.insert(0, {str(FALLBACK)!r}); import runtime_client; print(*sys.modules, sep='\\n')"
    done = subprocess.run([sys.executable, "-S", "-c", code], capture_output=True, text=True, check=True)
    assert not heavy & set(done.stdout.split())
