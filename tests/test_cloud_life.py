"""The life of execution environments: INIT, reuse, scaling out, shutdown."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

Start = Callable[..., tuple[Any, Any]]

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


# One environment.


def test_an_environment_is_initialised_once_and_keeps_its_globals_and_files(cloud: Any, workshop: Any) -> None:
    name = workshop.make("""
        import os, pathlib, tempfile
        COUNT = 0
        FILE = pathlib.Path(tempfile.gettempdir(), "count")
        def handler(event, context):
            global COUNT
            COUNT += 1
            FILE.write_text(FILE.read_text() + "x" if FILE.exists() else "x")
            return [COUNT, len(FILE.read_text()), os.getpid()]
    """)
    first, second, third = (workshop.call(name) for _ in range(3))
    assert [first[:2], second[:2], third[:2]] == [[1, 1], [2, 2], [3, 3]]
    assert first[2] == second[2] == third[2]
    invocations, environments = of(cloud.invocations(), name), of(cloud.environments(), name)
    assert list(invocations.cold) == [True, False, False]
    assert list(invocations.init_ms.notna()) == [True, False, False]
    assert set(invocations.environment) == set(environments.environment)
    assert environments[["pid", "state", "invocations"]].to_numpy().tolist() == [[first[2], "idle", 3]]


def test_the_temporary_folder_is_the_environment_s_own_and_goes_with_it(
    cloud: Any, workshop: Any, tmp_path: Path
) -> None:
    name = workshop.make("""
        import pathlib, tempfile, time
        def handler(event, context):
            folder = pathlib.Path(event["folder"])
            (folder / context.aws_request_id).touch()
            while len(list(folder.iterdir())) < 2:
                time.sleep(0.002)
            return tempfile.gettempdir()
    """)
    folders = workshop.together(2, name, {"folder": str(tmp_path)})
    assert len(set(folders)) == 2
    workshop.client.delete_function(FunctionName=name)
    workshop.until(lambda: not any(Path(folder).exists() for folder in folders))


def test_an_idle_environment_is_recycled_and_the_next_invocation_is_cold(cloud: Any, workshop: Any) -> None:
    name = workshop.make(PID)
    first = workshop.call(name)
    assert cloud.recycle(idle_s=3600) == 0
    assert cloud.recycle() >= 1
    assert list(of(cloud.environments(), name).state) == ["stopped"]
    assert workshop.call(name) != first
    assert list(of(cloud.invocations(), name).cold) == [True, True]


LAST_WORDS = """
    import signal, sys
    def obey(number, frame):
        print("closing the connection")
        sys.exit(0)
    signal.signal(signal.SIGTERM, obey)
    def handler(event, context): return event
"""


def test_a_function_hears_sigterm_and_its_last_words_are_in_the_log(cloud: Any, workshop: Any) -> None:
    name = workshop.make(LAST_WORDS, Runtime="python3.12")
    workshop.call(name)
    cloud.recycle()
    assert workshop.logs(name)[-1] == "closing the connection\n"


def test_a_function_that_ignores_sigterm_is_killed(cloud: Any, workshop: Any) -> None:
    name = workshop.make("import signal\nsignal.signal(15, signal.SIG_IGN)\n" + PID)
    pid = workshop.call(name)
    assert cloud.recycle() >= 1
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


def test_an_environment_that_dies_between_two_events_is_replaced_without_a_failure(cloud: Any, workshop: Any) -> None:
    name = workshop.make(PID)
    for _ in range(5):
        os.kill(workshop.call(name), signal.SIGKILL)
    assert workshop.call(name)
    assert list(of(cloud.invocations(), name).status) == ["success"] * 6


def test_a_function_that_ends_after_its_answer_fails_nobody(cloud: Any, workshop: Any) -> None:
    name = workshop.make("""
        import os, threading, time
        def handler(event, context):
            threading.Timer(event, os._exit, [0]).start()
            return event
    """)
    for delay in (0.0005, 0.001, 0.002, 0.005):
        workshop.invoke(name, delay)  # the next event may reach a dying process: that one fails, as on AWS
    cloud.recycle()
    assert len(of(cloud.invocations(), name)) == 4


# Many environments.


def test_ten_callers_at_once_get_ten_environments(cloud: Any, workshop: Any, tmp_path: Path) -> None:
    name = workshop.make(MEETS)
    pids = workshop.together(10, name, {"folder": str(tmp_path), "count": 10})
    assert len(set(pids)) == 10
    environments = of(cloud.environments(), name)
    assert len(environments) == 10
    assert set(environments.pid) == set(pids)
    assert of(cloud.invocations(), name).cold.all()


def test_callers_one_after_another_get_one_environment(cloud: Any, workshop: Any) -> None:
    name = workshop.make(PID)
    assert len({workshop.call(name) for _ in range(10)}) == 1


def test_the_environment_used_last_serves_next(cloud: Any, workshop: Any, tmp_path: Path) -> None:
    name = workshop.make(MEETS)
    workshop.together(3, name, {"folder": str(tmp_path), "count": 3})
    environments = of(cloud.environments(), name).sort_values("last_used_s")
    newest = environments.environment.iloc[-1]
    for _ in range(4):
        workshop.call(name, {"folder": str(tmp_path), "count": 0})
    assert set(of(cloud.invocations(), name).environment.iloc[3:]) == {newest}


def test_versions_have_environments_of_their_own(cloud: Any, workshop: Any) -> None:
    name = workshop.make(PID, Publish=True)
    assert workshop.call(name) != workshop.call(name, Qualifier="1")


def test_an_update_while_an_environment_is_busy_lets_it_finish_and_then_takes_its_place(
    cloud: Any, workshop: Any, held: Any
) -> None:
    held = held(workshop)
    name = workshop.make(WAITS)
    held.hold(name)
    workshop.client.update_function_code(FunctionName=name, ZipFile=workshop.zipped(PID))
    new = workshop.call(name)
    [old] = held.let_go()
    assert old != new
    assert workshop.call(name) == new
    states = of(cloud.environments(), name).set_index("pid").state
    assert states[new] == "idle"
    workshop.until(lambda: of(cloud.environments(), name).set_index("pid").state[old] == "stopped")
