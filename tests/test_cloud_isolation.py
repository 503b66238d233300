"""Each way by which a call could leave this machine or use the learner's credentials, with its guard and without.

Two servers on loopback stand for the cloud and for the outside. Whoever asks for the address of another host has
escaped. A way is set up, the isolation entered, the call made: it reaches the cloud, or is refused. Then the same
again with the guard taken out: the call escapes, which shows that the first test can fail.
"""

import json
import os
import re
import socket
import subprocess
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import SimpleNamespace

import boto3
import botocore
import pytest
from botocore import UNSIGNED
from botocore.config import Config
from botocore.httpsession import URLLib3Session
from botocore.loaders import JSONFileLoader, Loader

from helpers.cloud import isolation
from helpers.cloud.isolation import CallRefused, Isolation, child_environment, cleared, variables

OURS, FOREIGN = "AKIAOURS", "FOREIGN"
KEYS = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")
METADATA = "AWS_EC2_METADATA_SERVICE_ENDPOINT"


class Escaped(BaseException):
    """A call asked for a host's address; nothing of botocore's catches and retries this."""


class Recorder(ThreadingHTTPServer):
    """A server that keeps what it was sent and answers so that boto3 goes on."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Answer)
        self.seen: list[str] = []
        self.url = f"http://127.0.0.1:{self.server_port}"
        threading.Thread(target=self.serve_forever, args=(0.01,), daemon=True).start()


class Answer(BaseHTTPRequestHandler):
    def answer(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode("latin-1")
        self.server.seen.append(f"{self.path}\n{self.headers}\n{body}")
        reply, kind = self.reply(body)
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(reply)))
        self.end_headers()
        self.wfile.write(reply.encode())

    do_GET = do_POST = do_PUT = answer

    def reply(self, body: str) -> tuple[str, str]:
        soon = (datetime.now(UTC) + timedelta(minutes=1)).isoformat()
        keys = {"AccessKeyId": "AKIA" + FOREIGN, "SecretAccessKey": "s"}
        if "Action=" in body:
            token = {"SessionToken": FOREIGN, "Expiration": soon}
            action = re.search("Action=([A-Za-z]+)", body)[1]
            inner = "".join(f"<{k}>{v}</{k}>" for k, v in (keys | token).items())
            result = f"<{action}Result><Credentials>{inner}</Credentials></{action}Result>"
            return f"<{action}Response>{result}</{action}Response>", "text/xml"
        if self.headers.get("X-Amz-Target", "").endswith("DescribeEndpoints"):
            # What moto answers.
            address = {"Address": "ingest.timestream.us-east-1.amazonaws.com", "CachePeriodInMinutes": 1440}
            return json.dumps({"Endpoints": [address]}), "application/x-amz-json-1.0"
        if self.path == "/credentials":
            return json.dumps(keys | {"Token": FOREIGN, "Expiration": soon}), "application/json"
        return "{}", "application/json"

    def log_message(self, *_: object) -> None: ...


@pytest.fixture(scope="module")
def servers():
    pair = Recorder(), Recorder()
    yield pair
    for server in pair:
        server.shutdown()
        server.server_close()


class Scene:
    """The two servers, a home folder, and the learner's environment before the cloud comes up."""

    def __init__(self, ours: Recorder, outside: Recorder, folder: Path, monkeypatch: pytest.MonkeyPatch):
        self.ours, self.outside, self.folder, self.monkeypatch = ours, outside, folder, monkeypatch
        self.home = folder / "home"
        self.isolation = Isolation(
            f"{ours.url}/token", region="eu-central-1", access_key=OURS, secret_key="s", empty_file=folder / "empty"
        )

    def setenv(self, **environ: str) -> None:
        for name, value in environ.items():
            self.monkeypatch.setenv(name, value)

    def write(self, name: str, text: str) -> str:
        file = self.folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
        return str(file)

    def remove(self, *guards: str) -> None:
        """Take single variables out of what is cleared and out of what is set."""
        now_cleared, now_set = isolation.cleared, isolation.variables
        self.monkeypatch.setattr(isolation, "cleared", lambda environ: now_cleared(environ) - set(guards))
        self.monkeypatch.setattr(
            isolation,
            "variables",
            lambda *given, **named: {k: v for k, v in now_set(*given, **named).items() if k not in guards},
        )

    def open_wall(self) -> None:
        self.monkeypatch.setattr(isolation, "_wall", lambda send, _: send)

    def outcome(self, call: Callable[[], object]) -> set[str]:
        """Make the call; say where it came to and with whose credentials."""
        self.ours.seen.clear()
        self.outside.seen.clear()
        result = set()
        try:
            with self.isolation:
                call()
        except Escaped:
            result.add("escaped")
        except CallRefused:
            result.add("refused")
        except Exception as error:
            result.add(type(error).__name__)
        if self.ours.seen:
            result.add("ours")
        if self.outside.seen:
            result.add("escaped")
        if any(FOREIGN in seen for seen in self.ours.seen + self.outside.seen):
            result.add("foreign")
        return result


CACHED = SimpleNamespace(exists=JSONFileLoader().exists, load_file=lambda file: load_file(file))


@cache
def load_file(file: str) -> dict:
    # botocore parses its 2 MB of endpoints anew for each session: more than half of the time of these tests.
    return JSONFileLoader().load_file(file)


@pytest.fixture
def scene(servers, tmp_path, monkeypatch):
    def look_up(host, *given, **named):
        if host not in (b"127.0.0.1", "127.0.0.1", "localhost", None):
            raise Escaped(host)
        return real(host, *given, **named)

    real = socket.getaddrinfo
    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    for name in os.environ:
        if name.startswith(("AWS_", "BOTO")) or name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)
    monkeypatch.setattr(Loader, "FILE_LOADER_CLASS", staticmethod(lambda: CACHED))
    monkeypatch.setattr(boto3, "DEFAULT_SESSION", None)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    (tmp_path / "home").mkdir()
    made = Scene(*servers, tmp_path, monkeypatch)
    yield made
    made.isolation.leave()


def identity() -> None:
    boto3.client("sts").get_caller_identity()


def identity_of_work() -> None:
    boto3.Session(profile_name="work").client("sts").get_caller_identity()


def timestream() -> None:
    boto3.client("timestream-query").query(QueryString="SELECT 1")


def multi_region_access_point() -> None:
    # Unsigned, for the signature would need AWS's C runtime; with it, signed calls go the same way.
    bucket = "arn:aws:s3::123456789012:accesspoint/mfzwi23gnjvgw.mrap"
    boto3.client("s3", config=Config(signature_version=UNSIGNED)).get_object(Bucket=bucket, Key="k")


WORK = f"[work]\naws_access_key_id = AKIA{FOREIGN}\naws_secret_access_key = s\n"
AWAY = "[default]\nignore_configured_endpoint_urls = true\n"
BOTO = f"[Credentials]\naws_access_key_id = AKIA{FOREIGN}\naws_secret_access_key = s\n"
FIXED_RULES = {
    "version": "1.0",
    "parameters": {"Region": {"type": "String", "builtIn": "AWS::Region"}},
    "rules": [{"type": "endpoint", "conditions": [], "endpoint": {"url": "https://sts.amazonaws.com"}}],
}


@dataclass(frozen=True)
class Way:
    """One way out: what the learner's machine may hold, the guards against it, and what happens without them."""

    name: str
    set_up: Callable[[Scene], None]
    guards: tuple[str, ...]
    without: str
    call: Callable[[], object] = identity
    guarded: str = "ours"


def environ(**values: str) -> Callable[[Scene], None]:
    return lambda scene: scene.setenv(**{k: v.replace("OUTSIDE", scene.outside.url) for k, v in values.items()})


def file_in(variable: str, text: str) -> Callable[[Scene], None]:
    return lambda scene: scene.setenv(**{variable: scene.write("file", text)})


def file_at_home(name: str, text: str) -> Callable[[Scene], None]:
    return lambda scene: scene.write(f"home/{name}", text)


def web_identity(scene: Scene) -> None:
    scene.setenv(AWS_ROLE_ARN="arn:aws:iam::123456789012:role/r", AWS_WEB_IDENTITY_TOKEN_FILE=scene.write("t", FOREIGN))


def models(scene: Scene) -> None:
    rules = scene.write("models/sts/2011-06-15/endpoint-rule-set-1.json", json.dumps(FIXED_RULES))
    scene.setenv(AWS_DATA_PATH=str(Path(rules).parents[2]))


def plugin(scene: Scene) -> None:
    scene.write(
        "hostile_plugin.py",
        "def initialize_client_plugin(client):\n"
        f"    redirect = lambda request, **_: setattr(request, 'url', '{scene.outside.url}')\n"
        "    client.meta.events.register('before-send', redirect)\n",
    )
    scene.monkeypatch.syspath_prepend(scene.folder)
    scene.setenv(BOTOCORE_EXPERIMENTAL__PLUGINS="hostile=hostile_plugin")


WAYS = [
    Way("an endpoint", environ(AWS_ENDPOINT_URL="OUTSIDE"), ("AWS_ENDPOINT_URL",), "escaped"),
    Way("a service's endpoint", environ(AWS_ENDPOINT_URL_STS="OUTSIDE"), ("AWS_ENDPOINT_URL_STS",), "escaped"),
    Way(
        "endpoints to be ignored",
        environ(AWS_IGNORE_CONFIGURED_ENDPOINT_URLS="true"),
        ("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS",),
        "escaped",
    ),
    Way("a configuration elsewhere", file_in("AWS_CONFIG_FILE", AWAY), ("AWS_CONFIG_FILE",), "escaped"),
    Way("a configuration at home", file_at_home(".aws/config", AWAY), ("AWS_CONFIG_FILE",), "escaped"),
    Way("a profile", environ(AWS_PROFILE="work"), ("AWS_PROFILE",), "ProfileNotFound"),
    Way(
        "a profile by its other name", environ(AWS_DEFAULT_PROFILE="work"), ("AWS_DEFAULT_PROFILE",), "ProfileNotFound"
    ),
    Way(
        "credentials elsewhere",
        file_in("AWS_SHARED_CREDENTIALS_FILE", WORK),
        ("AWS_SHARED_CREDENTIALS_FILE",),
        "foreign",
        call=identity_of_work,
        guarded="ProfileNotFound",
    ),
    Way(
        "credentials at home",
        file_at_home(".aws/credentials", WORK),
        ("AWS_SHARED_CREDENTIALS_FILE",),
        "foreign",
        call=identity_of_work,
        guarded="ProfileNotFound",
    ),
    Way("keys", environ(AWS_ACCESS_KEY_ID="AKIA" + FOREIGN, AWS_SECRET_ACCESS_KEY="s"), KEYS, "foreign"),
    Way("a session token", environ(AWS_SESSION_TOKEN=FOREIGN), ("AWS_SESSION_TOKEN",), "foreign"),
    Way("a session token, old name", environ(AWS_SECURITY_TOKEN=FOREIGN), ("AWS_SECURITY_TOKEN",), "foreign"),
    Way(
        "an expiry date",
        environ(AWS_CREDENTIAL_EXPIRATION="2020-01-01T00:00:00Z"),
        ("AWS_CREDENTIAL_EXPIRATION",),
        "RuntimeError",
    ),
    Way(
        "a bearer token",
        environ(AWS_BEARER_TOKEN_BEDROCK=FOREIGN),
        ("AWS_BEARER_TOKEN_BEDROCK",),
        "InvalidEndpointConfigurationError",  # botocore sends such a token only over TLS
        call=lambda: boto3.client("bedrock").list_foundation_models(),
    ),
    Way(
        "a container's credentials",
        environ(AWS_CONTAINER_CREDENTIALS_FULL_URI="OUTSIDE/credentials"),
        ("AWS_CONTAINER_CREDENTIALS_FULL_URI", *KEYS),
        "foreign",
    ),
    Way(
        "a container's credentials, relative",
        environ(AWS_CONTAINER_CREDENTIALS_RELATIVE_URI="/credentials"),
        ("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", *KEYS),
        "escaped",
    ),
    Way("a web identity", web_identity, ("AWS_ROLE_ARN", "AWS_WEB_IDENTITY_TOKEN_FILE", *KEYS), "foreign"),
    Way(
        "a credential file of EC2's old tools",
        file_in("AWS_CREDENTIAL_FILE", f"AWSAccessKeyId=AKIA{FOREIGN}\nAWSSecretKey=s\n"),
        ("AWS_CREDENTIAL_FILE", *KEYS),
        "foreign",
    ),
    Way("boto 2's file elsewhere", file_in("BOTO_CONFIG", BOTO), ("BOTO_CONFIG", *KEYS), "foreign"),
    Way("boto 2's file at home", file_at_home(".boto", BOTO), ("BOTO_CONFIG", *KEYS), "foreign"),
    Way("a machine's role", lambda scene: None, ("AWS_EC2_METADATA_DISABLED", *KEYS), "escaped"),
    Way(
        "a machine's role elsewhere",
        environ(**{METADATA: "OUTSIDE"}),
        (METADATA, "AWS_EC2_METADATA_DISABLED", *KEYS),
        "escaped",
    ),
    Way(
        "defaults that ask the machine for its region",
        environ(**{METADATA: "OUTSIDE", "AWS_DEFAULTS_MODE": "auto"}),
        (METADATA, "AWS_DEFAULTS_MODE", "AWS_EC2_METADATA_DISABLED"),
        "escaped",
    ),
    Way("a folder of models", models, ("AWS_DATA_PATH",), "escaped"),
    Way("a plugin", plugin, ("BOTOCORE_EXPERIMENTAL__PLUGINS",), "escaped"),
    Way(
        "discovery of endpoints, required",
        lambda scene: None,
        ("AWS_ENDPOINT_DISCOVERY_ENABLED",),
        "escaped",
        call=timestream,
        guarded="EndpointDiscoveryRequired",
    ),
    Way(
        "discovery of endpoints, wanted",
        environ(AWS_ENDPOINT_DISCOVERY_ENABLED="true"),
        ("AWS_ENDPOINT_DISCOVERY_ENABLED",),
        "escaped",
        call=lambda: boto3.client("dynamodb").describe_table(TableName="table"),
    ),
    Way(
        "a word before the host",
        lambda scene: None,
        ("AWS_DISABLE_HOST_PREFIX_INJECTION",),
        "escaped",
        call=lambda: boto3.client("stepfunctions").start_sync_execution(
            stateMachineArn="arn:aws:states:eu-central-1:123456789012:stateMachine:m"
        ),
    ),
    Way(
        "a multi-region access point",
        lambda scene: None,
        ("AWS_S3_DISABLE_MULTIREGION_ACCESS_POINTS",),
        "escaped",
        call=multi_region_access_point,
        guarded="UnsupportedS3AccesspointConfigurationError",
    ),
    Way("a proxy", environ(HTTP_PROXY="OUTSIDE"), ("NO_PROXY", "no_proxy"), "escaped"),
    Way("a proxy in small letters", environ(http_proxy="OUTSIDE"), ("NO_PROXY", "no_proxy"), "escaped"),
    Way(
        "a proxy with exceptions in small letters",
        environ(HTTP_PROXY="OUTSIDE", no_proxy="internal"),
        ("no_proxy",),
        "escaped",
    ),
]


@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.name)
def test_the_environment_alone_keeps_a_call_here(scene, way):
    scene.open_wall()  # as for the AWS CLI and for functions
    way.set_up(scene)
    assert scene.outcome(way.call) == {way.guarded}


@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.name)
def test_without_its_guard_the_call_escapes(scene, way):
    scene.open_wall()
    way.set_up(scene)
    scene.remove(*way.guards)
    assert way.without in scene.outcome(way.call)


# Ways that no variable reaches. Each sets up what the learner had, and returns the call to make later.


def client_from_before(scene):
    scene.setenv(AWS_ACCESS_KEY_ID="AKIA" + FOREIGN, AWS_SECRET_ACCESS_KEY="s")
    return boto3.client("sts", "us-east-1", endpoint_url=scene.outside.url).get_caller_identity


def session_from_before(scene):
    scene.setenv(AWS_CONTAINER_CREDENTIALS_FULL_URI=f"{scene.outside.url}/credentials")
    session = boto3.Session()
    session.get_credentials().get_frozen_credentials()
    return lambda: session.client("sts").get_caller_identity()


def endpoint_of_the_clients_own(scene):
    return lambda: boto3.client("sts", endpoint_url=scene.outside.url).get_caller_identity()


def endpoints_ignored_by_a_client(scene):
    return lambda: boto3.client("sts", config=Config(ignore_configured_endpoint_urls=True)).get_caller_identity()


def endpoint_of_an_operation(scene):
    there = "https://realtime.machinelearning.us-east-1.amazonaws.com"
    return lambda: boto3.client("machinelearning").predict(MLModelId="m", Record={}, PredictEndpoint=there)


def access_point(scene):
    bucket = "arn:aws:s3:eu-central-1:123456789012:accesspoint/point"
    return lambda: boto3.client("s3").get_object(Bucket=bucket, Key="k")


def proxy_of_the_clients_own(scene):
    return lambda: boto3.client("sts", config=Config(proxies={"http": scene.outside.url})).get_caller_identity()


def models_at_home(scene):
    models(scene)
    scene.monkeypatch.setattr(Loader, "CUSTOMER_DATA_PATH", os.environ["AWS_DATA_PATH"])
    return identity


PAST_VARIABLES = [
    client_from_before,
    session_from_before,
    endpoint_of_the_clients_own,
    endpoints_ignored_by_a_client,
    endpoint_of_an_operation,
    access_point,
    proxy_of_the_clients_own,
    models_at_home,
]


@pytest.mark.parametrize("way", PAST_VARIABLES)
def test_the_wall_refuses_what_variables_do_not_reach(scene, way):
    assert scene.outcome(way(scene)) == {"refused"}


@pytest.mark.parametrize("way", PAST_VARIABLES)
def test_without_the_wall_the_call_escapes(scene, way):
    call = way(scene)
    scene.open_wall()
    assert "escaped" in scene.outcome(call)


def use_the_default_session(scene):
    scene.setenv(AWS_ACCESS_KEY_ID="AKIA" + FOREIGN, AWS_SECRET_ACCESS_KEY="s")
    boto3.client("sts")
    return boto3.DEFAULT_SESSION


def test_the_default_session_forgets_the_learners_credentials(scene):
    use_the_default_session(scene)
    assert scene.outcome(identity) == {"ours"}


def test_a_default_session_that_stays_uses_the_learners_credentials(scene):
    session = use_the_default_session(scene)

    def identity_of_the_session() -> None:
        boto3.DEFAULT_SESSION = session
        identity()

    assert "foreign" in scene.outcome(identity_of_the_session)


def test_no_datagram_about_a_call_leaves(scene):
    assert not datagrams(scene)


def test_without_its_guard_a_datagram_leaves(scene):
    scene.remove("AWS_CSM_ENABLED", "AWS_CSM_PORT")
    assert b"AKIAOURS" in datagrams(scene)


def datagrams(scene) -> bytes:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as monitor:
        monitor.bind(("127.0.0.1", 0))
        scene.setenv(AWS_CSM_ENABLED="true", AWS_CSM_PORT=str(monitor.getsockname()[1]))
        assert "ours" in scene.outcome(identity)
        monitor.setblocking(False)
        try:
            return b"".join(monitor.recv(65536) for _ in range(2))
        except BlockingIOError:
            return b""


def test_every_variable_that_botocore_reads_is_cleared_or_known_to_be_harmless():
    source = "".join(file.read_text() for file in Path(botocore.__file__).parent.glob("*.py"))
    read = set(re.findall(r"""['"]((?:AWS|BOTO|BOTOCORE)_[A-Z0-9_]+)['"]""", source))
    assert {"AWS_PROFILE", "AWS_CONTAINER_CREDENTIALS_FULL_URI", "BOTO_CONFIG", "AWS_LOGIN_CACHE_DIRECTORY"} <= read
    harmless = {
        "BOTO_DISABLE_CRT",  # do without AWS's C runtime
        "BOTOCORE_TCP_KEEPALIVE",
        "BOTO_EXPERIMENTAL__NO_EMPTY_CONTINUE",
        "BOTO_EXPERIMENTAL__ADD_PROXY_HOST_HEADER",  # there is no proxy
    }
    assert read - cleared(dict.fromkeys(read, "")) == harmless


def test_how_the_aws_cli_shows_things_stays_the_learners():
    assert cleared({"AWS_PAGER": "", "AWS_DEFAULT_OUTPUT": "table", "AWS_PROFILE": "p", "PATH": "/bin"}) == {
        "AWS_PROFILE"
    }


SETTINGS = {
    "endpoint": "http://127.0.0.1:40123/token",
    "region": "eu-central-1",
    "access_key": OURS,
    "secret_key": "s",
    "empty_file": Path("/empty"),
}


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ({}, "127.0.0.1,localhost,::1"),
        ({"NO_PROXY": "a.example, localhost"}, "a.example,localhost,127.0.0.1,::1"),
        ({"NO_PROXY": "a.example", "no_proxy": "b.example"}, "b.example,a.example,127.0.0.1,localhost,::1"),
        ({"no_proxy": "*"}, "*"),
    ],
)
def test_exceptions_to_proxies_stay_and_loopback_joins_them(before, after):
    set_now = variables(before, **SETTINGS)
    assert (set_now["NO_PROXY"], set_now["no_proxy"]) == (after, after)


def test_leaving_puts_the_environment_back_exactly(scene):
    scene.setenv(AWS_PROFILE="work", AWS_ENDPOINT_URL_S3="http://x", NO_PROXY="a.example", AWS_PAGER="less")
    before = dict(os.environ)
    with scene.isolation:
        assert "AWS_PROFILE" not in os.environ
    assert dict(os.environ) == before


def test_variables_set_meanwhile_go_if_they_are_awss_and_stay_if_not(scene):
    with scene.isolation:
        scene.setenv(AWS_LAMBDA_THING="1", THING="1")
    assert "AWS_LAMBDA_THING" not in os.environ
    assert os.environ["THING"] == "1"


def test_entering_and_leaving_twice_is_as_once(scene):
    before, send = dict(os.environ), URLLib3Session.send
    for step in (scene.isolation.enter, scene.isolation.enter, scene.isolation.leave, scene.isolation.leave):
        step()
    assert dict(os.environ) == before
    assert URLLib3Session.send is send


def test_the_default_session_is_the_learners_again_afterwards(scene):
    boto3.setup_default_session(region_name="us-west-2")
    session = boto3.DEFAULT_SESSION
    with scene.isolation:
        identity()
        assert boto3.DEFAULT_SESSION is not session
    assert boto3.DEFAULT_SESSION is session


def test_a_client_from_before_works_again_afterwards(scene):
    call = client_from_before(scene)
    assert scene.outcome(call) == {"refused"}
    call()
    assert len(scene.outside.seen) == 1


def test_who_wrapped_the_wall_finds_it_open_afterwards(scene):
    with scene.isolation:
        wall = URLLib3Session.send
        scene.monkeypatch.setattr(URLLib3Session, "send", lambda session, request: wall(session, request))
    client_from_before(scene)()
    assert scene.outside.seen


def test_the_refusal_says_where_the_call_was_going_and_what_to_do(scene):
    with scene.isolation, pytest.raises(CallRefused, match=r"on its way to .*make a new client"):
        endpoint_of_the_clients_own(scene)()


def test_a_second_cloud_in_the_process_is_refused(scene):
    other = Isolation("http://127.0.0.1:1/t", region="r", access_key="k", secret_key="s", empty_file=scene.folder / "e")
    with scene.isolation, pytest.raises(RuntimeError, match="stop it first"):
        other.enter()


def test_a_file_that_should_be_empty_and_is_not_is_refused(scene):
    scene.write("empty", "[default]")
    before = dict(os.environ)
    with pytest.raises(ValueError, match="must be empty"):
        scene.isolation.enter()
    assert dict(os.environ) == before


def child(parent: dict[str, str], **more: object) -> dict[str, str]:
    folders = {"home": Path("/f/home"), "temporary": Path("/f/tmp")}
    return child_environment(parent, **(SETTINGS | folders | {"session_token": "t"} | more))


def test_a_functions_process_gets_nothing_of_jupyters_and_no_secrets():
    parent = {"JPY_PARENT_PID": "1", "JUPYTERHUB_API_TOKEN": "x", "GITHUB_TOKEN": "x", "AWS_SECRET_ACCESS_KEY": "real"}
    environment = child(parent | {"PATH": "/bin", "LC_ALL": "C.UTF-8", "HOME": "/learner", "TMPDIR": "/tmp"})
    expected = variables({}, **SETTINGS) | {"PATH": "/bin", "LC_ALL": "C.UTF-8", "HOME": "/f/home", "TMPDIR": "/f/tmp"}
    assert environment == expected | {"TZ": ":UTC", "AWS_SESSION_TOKEN": "t"}


def test_a_functions_own_folders_come_before_the_parents_in_the_search_path():
    assert child({"PYTHONPATH": "/p"}, python_path=["/task", Path("/layer")])["PYTHONPATH"] == "/task:/layer:/p"


def test_a_functions_own_variables_win():
    assert child({"LANG": "de"}, extra={"LANG": "en_US.UTF-8"})["LANG"] == "en_US.UTF-8"


def test_a_functions_process_reaches_the_cloud_with_its_roles_credentials(scene):
    scene.write("home/.aws/config", AWAY)
    scene.setenv(AWS_SESSION_TOKEN=FOREIGN, HTTP_PROXY=scene.outside.url)
    scene.ours.seen.clear()
    (scene.folder / "empty").touch()
    settings = SETTINGS | {"endpoint": f"{scene.ours.url}/token", "empty_file": scene.folder / "empty"}
    environment = child_environment(
        os.environ, **settings, session_token="ROLE", home=scene.folder, temporary=scene.folder
    )
    program = "import boto3; boto3.client('sts').get_caller_identity()"
    subprocess.run([sys.executable, "-c", program], env=environment, check=True, timeout=60)
    [seen] = scene.ours.seen
    assert "ROLE" in seen
    assert FOREIGN not in seen
