"""How many environments may serve and begin: of a function, of an account, of this machine."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pandas as pd
import psutil
import pytest
from botocore.exceptions import ClientError

from helpers.cloud import memory

Start = Callable[..., tuple[Any, Any]]

ECHO = "def handler(event, context): return event\n"
PID = "import os\ndef handler(event, context): return os.getpid()\n"
# Leaves a mark and waits for a file.
WAITS = """
    import os, pathlib, time
    def handler(event, context):
        folder = pathlib.Path(event["folder"])
        (folder / f"here-{context.aws_request_id}").touch()
        while not (folder / "go").exists():
            time.sleep(0.002)
        return os.getpid()
"""
# Waits until so many others are at work in the same folder.
MEETS = """
    import os, pathlib, time
    def handler(event, context):
        folder = pathlib.Path(event["folder"])
        (folder / context.aws_request_id).touch()
        while len(list(folder.iterdir())) < event["count"]:
            time.sleep(0.002)
        return os.getpid()
"""


def of(frame: pd.DataFrame, name: str) -> pd.DataFrame:
    return frame[frame.function == name].reset_index(drop=True)


def reason(error: pytest.ExceptionInfo[ClientError]) -> str:
    assert error.value.response["Error"]["Code"] == "TooManyRequestsException"
    assert error.value.response["ResponseMetadata"]["HTTPStatusCode"] == 429
    return error.value.response["Reason"]


def test_reserved_concurrency_limits_one_function_and_no_other(start: Start, held: Any) -> None:
    cloud, workshop = start()
    held = held(workshop)
    name, other = workshop.make(WAITS), workshop.make(ECHO)
    workshop.client.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=1)
    held.hold(name)
    with pytest.raises(ClientError, match=r"Rate Exceeded\.") as error:
        workshop.invoke(name)
    assert reason(error) == "ReservedFunctionConcurrentInvocationLimitExceeded"
    assert workshop.call(other, 1) == 1
    [first] = held.let_go()
    assert workshop.call(name, {"folder": str(held.folder)}) == first
    throttled = of(cloud.invocations(), name).query("status == 'throttled'").iloc[0]
    assert throttled.environment == ""
    assert throttled[["duration_ms", "init_ms", "max_memory_mb"]].isna().all()
    assert (throttled.billed_ms, throttled.usd, throttled.cold) == (0, 0, False)


def test_reserved_concurrency_of_zero_turns_a_function_off(start: Start) -> None:
    cloud, workshop = start()
    name = workshop.make(ECHO)
    workshop.client.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=0)
    with pytest.raises(ClientError) as error:
        workshop.invoke(name)
    assert reason(error) == "ReservedFunctionConcurrentInvocationLimitExceeded"
    assert len(cloud.environments()) == 0
    workshop.client.delete_function_concurrency(FunctionName=name)
    assert workshop.call(name, 1) == 1


def test_the_account_s_concurrency_is_shared_and_what_is_reserved_is_set_aside(start: Start, held: Any) -> None:
    _, workshop = start(concurrency=3)
    held = held(workshop)
    name, special = workshop.make(WAITS), workshop.make(ECHO)
    workshop.client.put_function_concurrency(FunctionName=special, ReservedConcurrentExecutions=1)
    held.hold(name, 2)
    with pytest.raises(ClientError) as error:
        workshop.invoke(name)
    assert reason(error) == "ConcurrentInvocationLimitExceeded"
    assert workshop.call(special, 1) == 1
    held.let_go()


def test_new_environments_come_no_faster_than_the_scaling_rate(start: Start, held: Any) -> None:
    _, workshop = start(scaling_rate=2, scaling_window_s=600)
    held = held(workshop)
    name, other = workshop.make(WAITS), workshop.make(ECHO)
    held.hold(name, 2)
    with pytest.raises(ClientError) as error:
        workshop.invoke(name)
    assert reason(error) == "FunctionInvocationRateLimitExceeded"
    assert workshop.call(other, 1) == 1
    held.let_go()
    assert workshop.call(name, {"folder": str(held.folder)})  # a warm one needs no new environment


def test_the_scaling_rate_refills(start: Start, tmp_path: Path) -> None:
    _, workshop = start(scaling_rate=1, scaling_window_s=0.2)
    name = workshop.make(MEETS)
    event = {"folder": str(tmp_path), "count": 2}
    with ThreadPoolExecutor(1) as callers:
        first = callers.submit(workshop.call, name, event)
        workshop.until(lambda: any(tmp_path.iterdir()))

        def second() -> int | None:
            try:
                return workshop.call(name, event)
            except ClientError:
                return None

        assert workshop.until(second) != first.result()


def test_a_full_machine_gives_up_the_environment_that_was_idle_for_longest(start: Start) -> None:
    cloud, workshop = start(max_environments=2)
    first, second, third = (workshop.make(PID) for _ in range(3))
    for name in (first, second, third):
        workshop.call(name)
    states = cloud.environments().set_index("function").state
    workshop.until(lambda: cloud.environments().set_index("function").state[first] == "stopped")
    assert (states[second], states[third]) == ("idle", "idle")


def test_idle_environments_hold_no_more_memory_than_they_may(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(memory.IDLE_VARIABLE, "0")
    cloud, workshop = start()
    first, second = (workshop.make(PID) for _ in range(2))
    for name in (first, second):
        workshop.call(name)
    workshop.until(lambda: cloud.environments().set_index("function").state[first] == "stopped")
    assert cloud.environments().set_index("function").state[second] == "idle"


@pytest.mark.parametrize(("limit", "allowed"), [("1000000\n", 1_000_000), ("max\n", None)])
def test_a_container_that_limits_memory_limits_what_is_idle(tmp_path: Path, limit: str, allowed: int | None) -> None:
    (tmp_path / "memory.max").write_text(limit)
    (tmp_path / "mine").write_text("0::/\n")
    machine = psutil.virtual_memory().total
    assert memory.allowed_bytes(tmp_path, tmp_path / "mine") == (allowed or machine)


def test_a_machine_full_of_busy_environments_throttles_and_says_why(start: Start, held: Any) -> None:
    _, workshop = start(max_environments=2)
    held = held(workshop)
    name = workshop.make(WAITS)
    held.hold(name, 2)
    with pytest.raises(ClientError, match="This machine runs 2 environments at most") as error:
        workshop.invoke(name)
    assert reason(error) == "ConcurrentInvocationLimitExceeded"
    held.let_go()


def test_callers_beyond_the_limit_are_throttled_and_all_others_served(start: Start, tmp_path: Path) -> None:
    cloud, workshop = start()
    name = workshop.make(MEETS)
    workshop.client.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=4)
    results = workshop.together(12, name, {"folder": str(tmp_path), "count": 4})
    throttled = [result for result in results if isinstance(result, ClientError)]
    frame = of(cloud.invocations(), name)
    assert len(frame) == 12
    assert (frame.status == "throttled").sum() == len(throttled)
    assert len(of(cloud.environments(), name)) == 4


def test_the_account_s_settings_count_functions_and_what_is_reserved(start: Start) -> None:
    _, workshop = start(concurrency=500)
    name = workshop.make(ECHO)
    workshop.make(ECHO)
    workshop.client.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=20)
    settings = workshop.client.get_account_settings()
    assert settings["AccountLimit"]["ConcurrentExecutions"] == 500
    assert settings["AccountLimit"]["UnreservedConcurrentExecutions"] == 480
    assert settings["AccountUsage"]["FunctionCount"] == 2


def test_an_environment_is_recycled_by_itself_after_its_time(start: Start) -> None:
    cloud, workshop = start(keep_alive_s=0.2)
    name = workshop.make(ECHO)
    workshop.call(name)
    workshop.until(lambda: list(of(cloud.environments(), name).state) == ["stopped"])


def test_an_init_over_the_limit_is_repeated_within_the_invocation(start: Start) -> None:
    cloud, workshop = start(init_timeout_s=0.5)
    source = """
        import os, pathlib, time
        marker = pathlib.Path(os.environ["MARKER"])
        if not marker.exists():
            marker.touch()
            time.sleep(20)
        def handler(event, context): return "works"
    """
    marker = cloud._running().folder / "slow-once"
    name = workshop.make(source, Environment={"Variables": {"MARKER": str(marker)}})
    assert workshop.call(name) == "works"
    row = cloud.invocations().query("function == @name").iloc[0]
    assert (row.cold, row.status) == (True, "success")
    assert row.duration_ms > 20  # the second INIT is part of it
    lines = workshop.logs(name)
    [report] = [line for line in lines if line.startswith("INIT_REPORT")]
    assert report.endswith("\tPhase: init\tStatus: timeout\n")
    assert "Init Duration" not in lines[-1]
    assert workshop.call(name) == "works"
    assert not cloud.invocations().query("function == @name").iloc[1].cold


def test_an_init_that_never_ends_is_a_timeout(start: Start) -> None:
    cloud, workshop = start(init_timeout_s=0.5)
    name = workshop.make("import time\ntime.sleep(30)\n", Timeout=1)
    said = workshop.fail(name)
    assert said["errorType"] == "Sandbox.Timedout"
    assert said["errorMessage"].endswith("Error: Task timed out after 1.00 seconds")
    reports = [line.split("\t")[1:] for line in workshop.logs(name) if line.startswith("INIT_REPORT")]
    assert reports == [["Phase: init", "Status: timeout\n"], ["Phase: invoke", "Status: timeout\n"]]
    assert cloud.invocations().query("function == @name").iloc[0].duration_ms == 1000
    workshop.client.update_function_code(
        FunctionName=name, ZipFile=workshop.zipped("def handler(event, context): return 'works'\n")
    )
    assert workshop.call(name) == "works"
