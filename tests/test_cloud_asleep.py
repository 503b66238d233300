"""A kernel that is stopped, as by a laptop's closed lid, blames no function for the time that passed meanwhile.

Each case runs in a process of its own that is stopped for some seconds (SIGSTOP, SIGCONT), alone or with its functions.
`tests/soak/soak_open_notebook.py` stops a notebook's kernel for minutes.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import psutil
import pytest

from helpers.cloud.loop import ASLEEP_S, Loop

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="the local Lambda needs Linux or macOS")

BEFORE_BOOT = float("-inf")  # the clock of a machine that was just started has not come far yet

# Three functions at work when the kernel is stopped. Work is slices of sleep: only time awake counts.
SCRIPT = """
import json, sys, threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
sys.path.insert(0, sys.argv[1])
from conftest import Workshop
from helpers.cloud import LocalCloud

SOURCE = '''
import time
def handler(event, context):
    for _ in range(int(event * 20)):
        time.sleep(0.05)
    return event
'''
with LocalCloud() as cloud:
    shop = Workshop()
    work = {seconds: shop.make(SOURCE, Timeout=timeout) for seconds, timeout in ((3, 5), (4, 30), (90, 6))}
    with ThreadPoolExecutor(3) as callers:
        callers.map(lambda pair: shop.invoke(pair[1], pair[0]), work.items())
        shop.until(lambda: (cloud.environments()["state"] == "busy").sum() == 3)
        print("busy", flush=True)
    records = cloud.invocations().set_index("function")
    print(json.dumps({s: [records.status[name], records.duration_ms[name]] for s, name in work.items()}))
"""


def stopped(seconds: float, *, with_functions: bool) -> dict[str, Any]:
    """Stop a kernel in the middle of its invocations; return their status and duration in ms by seconds of work."""
    command = [sys.executable, "-c", SCRIPT, str(Path(__file__).parent)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as kernel:
        assert kernel.stdout.readline() == "busy\n"
        family = psutil.Process(kernel.pid).children(recursive=True) if with_functions else []
        for pid in (kernel.pid, *(one.pid for one in family)):
            os.kill(pid, signal.SIGSTOP)
        time.sleep(seconds)
        for pid in (*(one.pid for one in family), kernel.pid):
            os.kill(pid, signal.SIGCONT)
        return json.loads(kernel.stdout.readline())


@pytest.mark.thorough
@pytest.mark.parametrize("with_functions", [False, True], ids=["the kernel alone", "the kernel and its functions"])
def test_only_what_was_to_time_out_does_when_the_kernel_was_stopped(with_functions: bool) -> None:
    came = stopped(ASLEEP_S + 2, with_functions=with_functions)
    assert {seconds: status for seconds, (status, _) in came.items()} == {
        "3": "success",
        "4": "success",
        "90": "timeout",
    }
    assert came["90"][1] == 6000
    assert came["3"][1] < 5000


@pytest.fixture
def loop() -> Any:
    loop = Loop()
    yield loop
    loop.stop()


def test_only_the_part_of_a_sleep_that_lies_after_a_moment_counts(loop: Loop) -> None:
    loop._naps.append((100.0, 160.0))
    assert [loop.asleep_s(since) for since in (90.0, 130.0, 170.0)] == [60.0, 30.0, 0.0]


def test_a_loop_that_waits_for_nothing_in_particular_was_not_asleep(loop: Loop) -> None:
    loop._beat_s -= 3600
    loop.wake()
    loop.run_here(lambda: None)
    assert loop.asleep_s(BEFORE_BOOT) == 0


def test_a_tick_that_is_an_hour_late_tells_that_the_process_was_stopped(loop: Loop) -> None:
    loop.ticking = True
    loop.run_here(lambda: setattr(loop, "_beat_s", loop._beat_s - 3600))
    loop.run_here(lambda: None)
    assert 3590 < loop.asleep_s(BEFORE_BOOT) < 3610
