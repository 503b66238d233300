"""A session's own life: start, a second one, stop, and the frames that remain."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from typing import Any

import pytest

Start = Callable[..., tuple[Any, Any]]

ECHO = "def handler(event, context): return event\n"
PID = "import os\ndef handler(event, context): return os.getpid()\n"


def test_a_second_cloud_is_refused_and_the_first_goes_on(start: Start) -> None:
    from helpers.cloud import LocalCloud

    cloud, workshop = start()
    with pytest.raises(RuntimeError, match="a local cloud is up already"):
        LocalCloud.start()
    assert workshop.call(workshop.make(ECHO), 1) == 1
    assert LocalCloud.current() is cloud


def test_what_a_stop_leaves_behind_is_nothing_but_the_frames(start: Start) -> None:
    before = (dict(os.environ), threading.active_count())
    cloud, workshop = start()
    name = workshop.make(PID)
    pid = workshop.call(name)
    folder = cloud._running().folder
    cloud.stop()
    cloud.stop()
    assert dict(os.environ) == before[0]
    assert threading.active_count() == before[1]
    assert not folder.exists()
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)
    assert list(cloud.environments().state) == ["stopped"]
    assert list(cloud.invocations().function) == [name]
    with pytest.raises(RuntimeError, match="this local cloud is not up"):
        cloud.recycle()
    _, again = start()
    assert again.client.list_functions()["Functions"] == []


INVOCATIONS = {
    "request_id": "str",
    "function": "str",
    "environment": "str",
    "started_s": "float64",
    "cold": "bool",
    "init_ms": "float64",
    "duration_ms": "float64",
    "billed_ms": "int64",
    "memory_mb": "int64",
    "max_memory_mb": "float64",
    "usd": "float64",
    "status": "str",
}
ENVIRONMENTS = {
    "environment": "str",
    "pid": "Int64",
    "function": "str",
    "state": "str",
    "started_s": "float64",
    "last_used_s": "float64",
    "invocations": "int64",
}


def test_frames_have_the_same_types_when_empty_and_when_filled(start: Start) -> None:
    cloud, workshop = start()
    for _ in range(2):
        assert cloud.invocations().dtypes.astype(str).to_dict() == INVOCATIONS
        assert cloud.environments().dtypes.astype(str).to_dict() == ENVIRONMENTS
        workshop.call(workshop.make(ECHO))
    assert len(cloud.invocations()) == 2


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"concurrency": 0}, "concurrency must be"),
        ({"keep_alive_s": -1}, "keep_alive_s must be"),
        ({"init_timeout_s": 0}, "init_timeout_s must be"),
        ({"scaling_rate": 0}, "scaling_rate must be"),
        ({"max_environments": 0}, "max_environments must be"),
    ],
)
def test_settings_out_of_range_are_refused_in_their_own_words(settings: dict, says: str) -> None:
    from helpers.cloud import LocalCloud

    with pytest.raises(ValueError, match=says):
        LocalCloud(**settings)
