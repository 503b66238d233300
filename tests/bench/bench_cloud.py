"""How fast the local cloud is, as ratios to what was measured beside it in the same run.

``python tests/bench/bench_cloud.py`` prints a table; ``--json`` the same as JSON. Contenders take turns, so that a
slow moment of the machine meets all of them, and medians are compared. The program fails when a ratio misses its
target. ``--only baselines`` measures without the local cloud, ``--only cold,warm,door,api`` some of the rows.
"""

from __future__ import annotations

import argparse
import contextlib
import functools
import json
import os
import platform
import statistics
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from baselines import EVENT, REQUEST_ID, BareColdStart, BareLoop, ministack_python, served_per_second
from caller import MINISTACK, MOTO, MOTO_HERE, OURS, Caller

Contenders = dict[str, Callable[[], float]]

ENVIRONMENTS = 16
ROWS = ("cold", "warm", "door", "api")
WARM_UP = 3


@dataclass(frozen=True)
class Target:
    """What a row compares, in which unit, and what its ratio may be; no bound where a ratio is only told."""

    baseline: str
    at_most: float | None = None
    at_least: float | None = None

    def met(self, ratio: float) -> bool:
        """Say whether a ratio keeps within the bounds."""
        return (self.at_most is None or ratio <= self.at_most) and (self.at_least is None or ratio >= self.at_least)

    def words(self) -> str:
        """Return the bound as the table shows it."""
        if self.at_most is not None:
            return f"at most {self.at_most}"
        return f"at least {self.at_least}" if self.at_least is not None else ""


BARE, LOOP, DIRECT = "bare awslambdaric", "bare socket loop", "invoke through boto3"
UNITS = {"cold": "ms", "warm": "ms", "door": "ms", "api": "invocations/s"}
NAMES = {
    "cold": "cold start",
    "warm": "warm invocation",
    "door": "through a function URL",
    "api": f"Runtime API, {ENVIRONMENTS} runtimes",
}
TARGETS = {
    "cold": (Target(BARE, at_most=1.6), Target(MINISTACK)),
    "warm": (Target(MOTO, at_most=1.5), Target(MOTO_HERE), Target(MINISTACK)),
    "door": (Target(DIRECT, at_most=1.5),),
    "api": (Target(LOOP, at_least=0.6),),
}


class OurRuntimeApi:
    """The local cloud's Runtime API with as many environments, each getting the same event for ever."""

    def __init__(self, environments: int) -> None:
        from helpers.cloud.loop import Loop
        from helpers.cloud.runtime_api import Line, event_message

        self.served = 0
        self._loop = Loop()
        headers = {
            "Lambda-Runtime-Deadline-Ms": "4102444800000",
            "Lambda-Runtime-Invoked-Function-Arn": "arn:aws:lambda:eu-central-1:123456789012:function:bench",
        }
        message = event_message(REQUEST_ID, headers, EVENT)

        class Environment:
            line: Line

            def on_next(mine) -> None:
                mine.line.send(REQUEST_ID, message)

            def on_response(mine, request_id: str, body: bytes, size: int) -> None:
                self.served += 1

        self._lines = []
        for _ in range(environments):
            listener = Environment()
            listener.line = Line(self._loop, listener)
            self._lines.append(listener.line)
        self.addresses = [line.address for line in self._lines]

    def stop(self) -> None:
        """Close every port and end the thread."""
        for line in self._lines:
            self._loop.run_here(line.close)
        self._loop.stop()


def throughput(make: Callable[[int], BareLoop | OurRuntimeApi], seconds: float) -> Callable[[], float]:
    """Return a call that serves 16 tiny runtimes for a while and gives the invocations in a second."""

    def once() -> float:
        server = make(ENVIRONMENTS)
        try:
            return served_per_second(server.addresses, lambda: server.served, seconds)
        finally:
            server.stop()

    return once


def in_turn(contenders: Contenders, turns: int, warm_up: int = 0) -> dict[str, list[float]]:
    """Call contenders one after the other, again and again; the order is reversed every time."""
    taken: dict[str, list[float]] = {name: [] for name in contenders}
    order = list(contenders)
    for turn in range(-warm_up, turns):
        order.reverse()
        for name in order:
            value = contenders[name]()
            if turn >= 0:
                taken[name].append(value)
    return taken


@contextlib.contextmanager
def contenders(options: argparse.Namespace, folder: Path, notes: list[str]) -> Iterator[dict[str, Contenders]]:
    """Start everyone; yield what to call for each row."""
    calls: dict[str, Contenders] = {row: {} for row in options.rows}
    with contextlib.ExitStack() as stack:
        if "api" in calls:
            servers = {OURS: OurRuntimeApi} if options.ours else {}
            for name, make in (servers | {LOOP: BareLoop}).items():
                calls["api"][name] = throughput(make, options.seconds)
        if "cold" in calls:
            calls["cold"][BARE] = BareColdStart(folder)
        clouds = {OURS: ("cold", "warm", "door")} if options.ours else {}
        clouds |= {MOTO: ("warm",), MOTO_HERE: ("warm",), MINISTACK: ("cold", "warm")}
        for cloud, rows in clouds.items():
            rows = [row for row in rows if row in calls]
            if not rows:
                continue
            python = ministack_python(options.folder or folder) if cloud == MINISTACK else None
            if cloud == MINISTACK and python is None:
                notes.append("ministack is left out: it cannot be installed here.")
                continue
            caller = stack.enter_context(Caller(cloud, python))
            for row in rows:
                calls[row][cloud] = functools.partial(caller.measure, row)
            if "door" in rows:
                calls["door"][DIRECT] = functools.partial(caller.measure, "warm")
        yield calls


def compare(row: str, taken: dict[str, list[float]]) -> list[dict[str, Any]]:
    """Return a row of the result for each thing that ours is compared with."""
    medians = {name: statistics.median(values) for name, values in taken.items()}
    results = []
    for target in TARGETS[row]:
        if target.baseline not in medians:
            continue
        result = {"row": row, "unit": UNITS[row], "baseline": target.baseline, **asdict(target)}
        result |= {"baseline_median": medians[target.baseline], "median": None, "ratio": None, "met": None}
        if OURS in medians:
            ratio = medians[OURS] / medians[target.baseline]
            bounded = target.at_most is not None or target.at_least is not None
            result |= {"median": medians[OURS], "ratio": ratio, "met": target.met(ratio) if bounded else None}
        results.append(result)
    return results


def digits(value: float) -> str:
    """Return a number with as many digits as mean something: 86.4, 14,830."""
    return f"{value:,.0f}" if value >= 1000 else f"{value:.1f}"


def print_table(results: list[dict[str, Any]], spread: dict[str, dict[str, Any]], notes: list[str]) -> None:
    """Print ratios first, then the spread of what was measured."""
    print(f"{'':<28}{OURS:>12}{'baseline':>10}  {'unit':<14}{'ratio':>6}  target")
    for result in results:
        ours = "" if result["median"] is None else digits(result["median"])
        ratio = "" if result["ratio"] is None else f"{result['ratio']:.2f}"
        words = Target(result["baseline"], result["at_most"], result["at_least"]).words()
        verdict = {True: "met", False: "MISSED", None: ""}[result["met"]]
        print(
            f"{NAMES[result['row']]:<28}{ours:>12}{digits(result['baseline_median']):>10}  {result['unit']:<14}"
            f"{ratio:>6}  {words:<12} {verdict:<7} {result['baseline']}"
        )
    width = max(map(len, spread)) + 2
    print(f"\n{'':<{width}}{'median':>8}{'p10':>8}{'p90':>8}{'turns':>7}")
    for name, numbers in spread.items():
        values = "".join(f"{digits(numbers[key]):>8}" for key in ("median", "p10", "p90"))
        print(f"{name:<{width}}{values}{numbers['turns']:>7}")
    for note in notes:
        print(note)


def main() -> int:
    """Measure, print, and return 1 if a ratio misses its target."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--only", default="", help="rows, separated by commas: cold, warm, door, api; or baselines")
    parser.add_argument("--json", action="store_true", help="print JSON instead of the table")
    parser.add_argument("--cold", type=int, default=25, help="turns of the cold row")
    parser.add_argument("--warm", type=int, default=400, help="turns of the warm row")
    parser.add_argument("--door", type=int, default=400, help="turns of the row through a function URL")
    parser.add_argument("--api", type=int, default=5, help="turns of the Runtime API row")
    parser.add_argument("--seconds", type=float, default=1.5, help="length of one turn of the Runtime API row")
    parser.add_argument("--folder", type=Path, help="keep ministack here for the next time")
    options = parser.parse_args()
    asked = [word for word in options.only.split(",") if word]
    if unknown := set(asked) - {*ROWS, "baselines"}:
        parser.error(f"no such row: {', '.join(sorted(unknown))}")
    options.ours = "baselines" not in asked
    options.rows = [row for row in ROWS if row in asked] or list(ROWS)
    turns = {
        "cold": (options.cold, WARM_UP),
        "warm": (options.warm, 20),
        "door": (options.door, 20),
        "api": (options.api, 0),
    }
    notes: list[str] = []
    results, spread = [], {}
    with (
        tempfile.TemporaryDirectory(prefix="bench-cloud-") as folder,
        contenders(options, Path(folder), notes) as calls,
    ):
        for row in options.rows:
            if not calls[row]:  # only baselines, and the row has none without the local cloud
                continue
            taken = in_turn(calls[row], *turns[row])
            results += compare(row, taken)
            for name, values in taken.items():
                tenths = statistics.quantiles(values, n=10)
                numbers = {
                    "median": statistics.median(values),
                    "p10": tenths[0],
                    "p90": tenths[-1],
                    "turns": len(values),
                }
                spread[f"{NAMES[row]}, {UNITS[row]}: {name}"] = numbers
    if options.json:
        machine = {"python": platform.python_version(), "system": platform.platform(), "cpus": os.cpu_count()}
        print(json.dumps({"rows": results, "spread": spread, "notes": notes, "machine": machine}, indent=2))
    else:
        print_table(results, spread, notes)
    return int(any(result["met"] is False for result in results))


if __name__ == "__main__":
    sys.exit(main())
