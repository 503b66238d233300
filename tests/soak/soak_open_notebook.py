"""A notebook left open for an hour, cloud up, traffic flowing: does anything grow, does it survive being stopped?

    python tests/soak/soak_open_notebook.py [--minutes N] [--json FILE]

A real kernel, as JupyterLab starts it. Its memory, threads and descriptors are read from outside. On the way the
kernel alone is stopped for a minute (SIGSTOP, SIGCONT), and later the kernel with all that it started, for longer, as
when a laptop's lid is closed: in the middle of invocations. What they worked on must end as if nothing had been, what
was to time out must time out, and schedules must not make up for lost minutes all at once. Exits with 1 otherwise.
"""

from __future__ import annotations

import argparse
import json
import signal
import statistics
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil
from jupyter_client.manager import KernelManager

HERE = Path(__file__).resolve().parent
REPLY_S = 120
GROWTH_MAX_KB = 8.0  # an invocation: its record and its log are kept, as AWS keeps them
SPREAD_MAX = 3  # threads and descriptors come and go with environments
# A schedule and a rule, each once a minute: after a sleep one of each is late, and the next may come soon after.
STAMPEDE_S, STAMPEDE = 10.0, 4
# label: seconds of work, the function's timeout; what must come of it
UNDER_WAY = {
    "five seconds of work": (5.0, 30, "success"),
    "three, with a timeout of five": (3.0, 5, "success"),
    "much more than its timeout": (600.0, 6, "timeout"),
}


class Kernel:
    """The kernel of an open notebook."""

    def __init__(self) -> None:
        self._manager = KernelManager(kernel_name="python3")
        self._manager.start_kernel(cwd=str(HERE))
        self._client = self._manager.client()
        self._client.start_channels()
        self._client.wait_for_ready(timeout=REPLY_S)
        self.ask("0", before="import json, open_notebook; notebook = open_notebook.Notebook()")
        self.process = psutil.Process(self._manager.provisioner.pid)

    def ask(self, expression: str, before: str = "") -> Any:
        """Run a cell, and return what an expression is then."""
        told = {"it": f"__import__('json').dumps({expression}, default=float)"}
        sent = self._client.execute(before, user_expressions=told, store_history=False)
        until = time.monotonic() + REPLY_S
        while time.monotonic() < until:
            reply = self._client.get_shell_msg(timeout=REPLY_S)
            if reply["parent_header"].get("msg_id") == sent:
                content = reply["content"]
                if content["status"] != "ok" or content["user_expressions"]["it"]["status"] != "ok":
                    raise RuntimeError(content)
                return json.loads(eval(content["user_expressions"]["it"]["data"]["text/plain"]))  # a str's repr
        raise TimeoutError("the kernel does not answer")

    @contextmanager
    def stopped(self, *, with_children: bool) -> Iterator[None]:
        """Stop the kernel, alone or with all that it has started, which is elsewhere in the tree of processes."""
        several = [self.process, *(self.process.children(recursive=True) if with_children else [])]
        for one in several:
            one.send_signal(signal.SIGSTOP)
        try:
            yield
        finally:
            for one in reversed(several):
                one.send_signal(signal.SIGCONT)

    def close(self) -> None:
        """End the kernel."""
        self._client.stop_channels()
        self._manager.shutdown_kernel(now=True)


def sample(kernel: Kernel, began: float) -> dict[str, Any]:
    """Return what the kernel is and has done now."""
    asked = time.monotonic()
    facts = kernel.ask("notebook.facts()")
    process = kernel.process
    memory = process.memory_full_info()
    return {
        "minute": round((time.monotonic() - began) / 60, 2),
        "memory_mb": round(getattr(memory, "pss", memory.uss) / 1e6, 1),
        "threads": process.num_threads(),
        "descriptors": process.num_fds(),
        "children": len(process.children(recursive=True)),
        "reply_ms": round((time.monotonic() - asked) * 1000),
        **facts,
    }


def line(one: dict[str, Any]) -> str:
    """Return a sample's line of the table."""
    slowest = max(flow.get("slowest_ms", 0) for flow in one["flows"].values())
    names = ("memory_mb", "threads", "descriptors", "children", "environments", "invocations")
    return f"{one['minute']:>7.1f}" + "".join(f"{one[name]:>13,}" for name in names) + f"{slowest:>13,.0f}"


HEAD = f"{'minute':>7}" + "".join(
    f"{name:>13}"
    for name in ("memory, MB", "threads", "descriptors", "children", "environments", "invocations", "slowest, ms")
)


def stop(kernel: Kernel, seconds: float, *, with_children: bool) -> dict[str, Any]:
    """Begin work, stop the kernel in the middle of it, let it go on, and return what came of the work."""
    for label, (work_s, timeout_s, _) in UNDER_WAY.items():
        kernel.ask("0", before=f"notebook.begin({label!r}, {work_s}, {timeout_s})")
    time.sleep(1)
    with kernel.stopped(with_children=with_children):
        time.sleep(seconds)
    until = time.monotonic() + 60
    while None in (came := kernel.ask("notebook.came()")).values() and time.monotonic() < until:
        time.sleep(0.5)
    return came


def verdicts(samples: list[dict[str, Any]], stops: dict[str, dict[str, Any]]) -> dict[str, bool]:
    """Say of each thing that must hold whether it does."""
    settled = samples[len(samples) // 5 :]
    quarter = max(1, len(settled) // 4)
    last = settled[-1]

    def level(name: str) -> tuple[float, float]:
        """Return the median of a quantity in the first and in the last quarter: single samples jump."""
        values = [one[name] for one in settled]
        return statistics.median(values[:quarter]), statistics.median(values[-quarter:])

    (memory, memory_then), (calls, calls_then) = level("memory_mb"), level("invocations")
    each_kb = (memory_then - memory) * 1000 / max(calls_then - calls, 1)
    ticks = last["ticks"]
    crowd = max(sum(at <= other < at + STAMPEDE_S for other in ticks) for at in ticks) if ticks else 0
    wrong = {word: count for one in last["flows"].values() for word, count in one.items() if word not in KNOWN}
    print(f"\n  memory grew from {memory:.1f} to {memory_then:.1f} MB in {calls_then - calls:,.0f} invocations")
    print(f"  {len(ticks)} ticks of schedule and rule, at most {crowd} within {STAMPEDE_S:.0f} s")
    for name, came in stops.items():
        print(f"  {name}: " + "; ".join(f"{label}: {one}" for label, one in came.items()))
    for name in (*wrong, *dict.fromkeys(last["problems"])):
        print(f"  told: {name}")
    found = {
        f"memory grows by less than {GROWTH_MAX_KB} KB an invocation ({each_kb:.1f})": each_kb < GROWTH_MAX_KB,
        "all calls were answered rightly": not wrong,
        "schedules do not make up for lost minutes at once": 0 < crowd <= STAMPEDE,
        "only what was to time out did": last["statuses"].get("timeout", 0) == len(stops)
        and set(last["statuses"]) == {"success", "timeout"},
    }
    for name in ("threads", "descriptors"):
        before, then = level(name)
        found[f"{name} flat ({before:.0f}, then {then:.0f})"] = then - before <= SPREAD_MAX
    for name, came in stops.items():
        right = all((came[label] or {}).get("status") == must for label, (_, _, must) in UNDER_WAY.items())
        found[f"{name}: what was under way ended as it would have"] = right
    return found


KNOWN = ("right", "slowest_ms")


def run(minutes: float, stop_s: float, sleep_s: float) -> tuple[list[dict[str, Any]], dict[str, dict[str, Any]]]:
    """Keep a notebook open; return the samples, and what came of what was under way at each stop."""
    every_s = max(2.0, minutes * 60 / 40)
    stops = {
        f"kernel stopped for {stop_s:.0f} s": (0.4, stop_s, False),
        f"kernel and functions asleep for {sleep_s:.0f} s": (0.7, sleep_s, True),
    }
    came: dict[str, dict[str, Any]] = {}
    samples: list[dict[str, Any]] = []
    kernel = Kernel()
    try:
        print(HEAD, flush=True)
        began = time.monotonic()
        while (passed := (time.monotonic() - began) / 60) < minutes:
            for name, (share, seconds, with_children) in stops.items():
                if passed >= share * minutes and name not in came:
                    print(f"         {name}", flush=True)
                    came[name] = stop(kernel, seconds, with_children=with_children)
            samples.append(sample(kernel, began))
            print(line(samples[-1]), flush=True)
            time.sleep(every_s)
    finally:
        kernel.close()
    return samples, came


def main() -> int:
    """Keep a notebook open for as long as the command line says."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=60)
    parser.add_argument("--stop-s", type=float, default=60, help="how long the kernel alone is stopped")
    parser.add_argument("--sleep-s", type=float, default=300, help="how long the kernel and its functions are")
    parser.add_argument("--json", type=Path, help="write the samples there")
    asked = parser.parse_args()
    samples, came = run(asked.minutes, asked.stop_s, asked.sleep_s)
    found = verdicts(samples, came)
    if asked.json:
        asked.json.write_text(json.dumps({"samples": samples, "stops": came}, indent=1) + "\n", encoding="utf-8")
    print()
    for name, holds in found.items():
        print(f"  {'holds ' if holds else 'BROKEN'} {name}")
    return 0 if all(found.values()) else 1


if __name__ == "__main__":
    sys.exit(main())
