"""What all tests share: random tests draw the same examples each time, so that a suite that passes keeps passing.

``--hypothesis-profile=search`` looks for new counterexamples. The tests of the local cloud share a cloud for each file
and a workshop that makes functions in it.
"""

from __future__ import annotations

import gc
import io
import itertools
import json
import os
import textwrap
import time
import zipfile
from collections import Counter
from collections.abc import Callable, Generator, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from botocore import loaders

try:
    from hypothesis import settings
except ImportError:  # a learner's installation has no hypothesis: those tests skip themselves
    pass
else:
    settings.register_profile("same-each-time", derandomize=True, deadline=None)
    settings.register_profile("search", deadline=None, max_examples=1000)
    settings.load_profile("same-each-time")

# While thousands of tests are found, the collector would look at all of them again and again, and find nothing to free.
gc.disable()


@pytest.hookimpl(wrapper=True, optionalhook=True)
def pytest_xdist_auto_num_workers() -> Generator[None, int, int]:
    """Start a worker more than there are processors: much of the time, tests wait for processes and deadlines."""
    return (yield) + ("PYTEST_XDIST_AUTO_NUM_WORKERS" not in os.environ)


# Of `make test-thorough`, those of half a minute and more, the longest first: an installation, measured starts, naps.
LONGEST = ("test_offline.py", "test_learn_starts.py", "test_cloud_asleep.py", "test_cloud_edges.py")


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the files that take longest first, so that at the end no worker waits for another one's notebook."""
    if "TESTS_AS_GIVEN" in os.environ:  # the soak has an order of its own
        return
    count = Counter(item.path for item in items)

    def turn(item: pytest.Item) -> tuple[int, int]:
        name = item.path.name
        if name in LONGEST:
            return 1, LONGEST.index(name)
        return 0 if name.endswith(".ipynb") else 2 if name.startswith("test_cloud") else 3, -count[item.path]

    items.sort(key=turn)


def pytest_collection_finish() -> None:
    """Keep what was found out of the collector's sight: a test that calls it pays for its own garbage only."""
    gc.freeze()
    gc.enable()


def _read_once() -> None:
    """Read botocore's own descriptions of services once a process, not once a session; others, whenever asked."""
    own, read = str(Path(loaders.__file__).parent), loaders.JSONFileLoader.load_file
    known = cache(lambda path: read(loaders.JSONFileLoader(), path))
    loaders.JSONFileLoader.load_file = lambda self, path: known(path) if path.startswith(own) else read(self, path)


_read_once()


def zipped(source: str | Mapping[str, str | bytes]) -> bytes:
    """Return a package of files, or of the one file app.py."""
    files = {"app.py": source} if isinstance(source, str) else source
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as package:
        for name, content in files.items():
            package.writestr(name, textwrap.dedent(content) if isinstance(content, str) else content)
    return data.getvalue()


def until(condition: Callable[[], Any], timeout_s: float = 30) -> Any:
    """Wait until something holds; return it."""
    deadline = time.monotonic() + timeout_s
    while not (found := condition()):
        assert time.monotonic() < deadline, "what the test waits for did not come"
        time.sleep(0.005)
    return found


@cache
def _loader() -> Any:
    from botocore.loaders import create_loader

    return create_loader()


def _session() -> Any:
    """Return a session that knows this moment's cloud, with the API's descriptions read once for all of them."""
    import boto3
    import botocore.session

    session = botocore.session.get_session()
    session.register_component("data_loader", _loader())
    return boto3.session.Session(botocore_session=session)


class Workshop:
    """Makes functions in the local cloud that is up, and invokes them, through plain boto3."""

    _numbers = itertools.count(1)
    zipped = staticmethod(zipped)
    until = staticmethod(until)

    def __init__(self) -> None:
        from botocore.config import Config

        session = _session()
        # boto3 itself would try again after a throttle.
        config = Config(retries={"total_max_attempts": 1}, max_pool_connections=32)
        self.client, self._logs = session.client("lambda", config=config), session.client("logs")
        trust = json.dumps({"Version": "2012-10-17", "Statement": []})
        role = session.client("iam").create_role(RoleName=self.name("role"), AssumeRolePolicyDocument=trust)
        self.role = role["Role"]["Arn"]

    def name(self, word: str = "function") -> str:
        """Return a name that nobody else has."""
        return f"{word}-{next(self._numbers)}"

    def make(self, source: str | Mapping[str, str | bytes], **settings: Any) -> str:
        """Create a function of app.handler; return its name."""
        name = settings.pop("FunctionName", None) or self.name()
        known = {"Runtime": "python3.13", "Handler": "app.handler", "Role": self.role, "Timeout": 10}
        code = settings.pop("Code", None) or {"ZipFile": zipped(source)}
        self.client.create_function(FunctionName=name, Code=code, **{**known, **settings})
        return name

    def permit(self, name: str, service: str) -> None:
        """Allow a service to invoke a function."""
        sid = self.name("permission")
        self.client.add_permission(
            FunctionName=name, StatementId=sid, Action="lambda:InvokeFunction", Principal=service
        )

    def invoke(self, name: str, event: Any = None, **settings: Any) -> dict[str, Any]:
        """Invoke; return the response with its payload as text."""
        payload = event if isinstance(event, bytes) else json.dumps(event).encode()
        answer = self.client.invoke(FunctionName=name, Payload=payload, **settings)
        return {**answer, "Payload": answer["Payload"].read().decode()}

    def call(self, name: str, event: Any = None, **settings: Any) -> Any:
        """Invoke a function that shall succeed; return its result."""
        answer = self.invoke(name, event, **settings)
        assert "FunctionError" not in answer, answer["Payload"]
        return json.loads(answer["Payload"])

    def fail(self, name: str, event: Any = None, **settings: Any) -> dict[str, Any]:
        """Invoke a function that shall fail; return what it says of the error."""
        answer = self.invoke(name, event, **settings)
        assert answer.get("FunctionError") == "Unhandled", answer["Payload"][:1000]
        return json.loads(answer["Payload"])

    def together(self, count: int, name: str, event: Any = None) -> list[Any]:
        """Invoke from so many callers at once; return the results, an exception for who got one."""

        def one(_: int) -> Any:
            try:
                return self.call(name, event)
            except Exception as error:
                return error

        with ThreadPoolExecutor(count) as callers:
            return list(callers.map(one, range(count)))

    def logs(self, name: str, group: str | None = None) -> list[str]:
        """Return the messages of a function's log, stream by stream."""
        logs = self._logs
        group = group or f"/aws/lambda/{name}"
        try:
            streams = logs.describe_log_streams(logGroupName=group)["logStreams"]
        except logs.exceptions.ResourceNotFoundException:
            return []
        return [
            event["message"]
            for stream in streams
            for event in logs.get_log_events(
                logGroupName=group, logStreamName=stream["logStreamName"], startFromHead=True
            )["events"]
        ]


class Held:
    """Invocations that wait until they are let go."""

    def __init__(self, workshop: Workshop, folder: Path) -> None:
        self.workshop, self.folder = workshop, folder
        self.callers = ThreadPoolExecutor(16)
        self.results: list = []

    def hold(self, name: str, count: int = 1, **settings: Any) -> None:
        """Start invocations; return when all of them are at work."""
        before = len(list(self.folder.glob("here-*")))
        event = {"folder": str(self.folder)}
        self.results += [self.callers.submit(self.workshop.call, name, event, **settings) for _ in range(count)]
        self.workshop.until(lambda: len(list(self.folder.glob("here-*"))) == before + count)

    def let_go(self) -> list:
        """Let all of them end; return their results."""
        (self.folder / "go").touch()
        results = [result.result(20) for result in self.results]
        self.callers.shutdown()
        return results


@pytest.fixture(scope="module")
def cloud() -> Iterator[Any]:
    """Return a local cloud that all tests of a file share."""
    session = pytest.importorskip("helpers.cloud.session", exc_type=ImportError)
    with session.LocalCloud() as cloud:
        yield cloud


@pytest.fixture(scope="module")
def workshop(cloud: Any) -> Workshop:
    """Return what makes functions in the file's cloud."""
    return Workshop()


@pytest.fixture(scope="module")
def ear(cloud: Any, workshop: Workshop, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Return a function of the file's cloud that keeps what it hears."""
    from cloud_ears import Ear

    return Ear(cloud, workshop, tmp_path_factory.mktemp("heard") / "events")


@pytest.fixture
def queue(workshop: Workshop) -> Any:
    """Return a queue of one's own in the file's cloud."""
    from cloud_ears import Queue

    return Queue(workshop.name("queue"))


@pytest.fixture
def start() -> Iterator[Callable[..., tuple[Any, Workshop]]]:
    """Return what starts a cloud with settings of one's own, for one test."""
    from helpers.cloud import LocalCloud

    clouds = []

    def start(**settings: Any) -> tuple[Any, Workshop]:
        clouds.append(LocalCloud.start(**settings))
        return clouds[-1], Workshop()

    yield start
    for cloud in clouds:
        cloud.stop()


@pytest.fixture
def held(tmp_path: Path) -> Callable[[Workshop], Held]:
    """Return what holds invocations of a function that waits for a file."""
    return lambda workshop: Held(workshop, tmp_path)


@pytest.fixture(scope="session", name="zipped")
def _zipped() -> Callable[..., bytes]:
    """Return what makes a package of source."""
    return zipped
