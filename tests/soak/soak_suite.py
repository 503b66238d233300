"""Run the whole suite again and again, notebooks in random order and in parallel, once on a busy machine: any flake?

    python tests/soak/soak_suite.py [--rounds N] [--seed N] [--workers N] [--busy last|all|none] [path ...]

Each round takes files of tests and notebooks in an order of its own (the seed of a round is printed, and brings the
same order again), spread over several workers; in the last round a program keeps every processor busy meanwhile. A
table says what failed, in which rounds, and build/soak/ keeps what those rounds said. Paths choose a part of the suite.
Exits with 1 if anything failed.
"""

from __future__ import annotations

import argparse
import os
import random
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

from soak_notebooks import load

ROOT = Path(__file__).resolve().parents[2]
KEPT = ROOT / "build" / "soak"
SUITE = ("tests", "helpers", "notebooks")


@dataclass(frozen=True)
class Round:
    """What one run of the suite gave."""

    seed: int
    busy: bool
    seconds: float
    tests: int
    failed: tuple[str, ...]


def order(paths: list[str], seed: int) -> list[str]:
    """Return every file with tests and every notebook of the paths, in an order that the seed decides."""
    found = []
    for path in (ROOT / path for path in paths):
        # doctests are many and small, and stay together
        files = [*path.glob("test_*.py"), *path.glob("*.ipynb")] if path.is_dir() else []
        found += sorted(files) or [path]
    random.Random(seed).shuffle(found)
    return [path.relative_to(ROOT).as_posix() for path in found]


def run(paths: list[str], *, seed: int, workers: str, busy: bool) -> Round:
    """Run the suite once."""
    with tempfile.TemporaryDirectory(prefix="soak-") as folder, load((os.cpu_count() or 1) if busy else 0):
        report = Path(folder) / "report.xml"
        how = ["--nbval", "-q", "-n", workers, "-p", "no:cacheprovider"]
        command = [sys.executable, "-m", "pytest", *how, f"--junitxml={report}", *order(paths, seed)]
        began = time.monotonic()
        settings = {**os.environ, "TESTS_AS_GIVEN": "1"}
        done = subprocess.run(command, cwd=ROOT, env=settings, capture_output=True, text=True, check=False)
        seconds = time.monotonic() - began
        if not report.exists():
            return Round(seed, busy, seconds, 0, (f"pytest ended with {done.returncode}: {done.stderr[-500:]}",))
        cases = list(ElementTree.parse(report).iter("testcase"))
    wrong = [case for case in cases if case.find("failure") is not None or case.find("error") is not None]
    names = tuple(f"{case.get('classname')}::{case.get('name')}" for case in wrong)
    if done.returncode not in (0, 1) and not names:
        names = (f"pytest ended with {done.returncode}",)
    if names:
        KEPT.mkdir(parents=True, exist_ok=True)
        (KEPT / f"{seed}.txt").write_text(done.stdout + done.stderr, encoding="utf-8")
    return Round(seed, busy, seconds, len(cases), names)


def line(number: int, one: Round) -> str:
    """Return a round's line of the table."""
    busy = "yes" if one.busy else "no"
    return f"{number:5}  {one.seed:<10}  {busy:<4} {one.seconds:9.0f} {one.tests:7} {len(one.failed):7}"


def table(rounds: list[Round]) -> str:
    """Return the table of rounds, then that of what failed."""
    lines = ["round  seed        busy   seconds   tests  failed"]
    lines += [line(number, one) for number, one in enumerate(rounds, 1)]
    failed: dict[str, list[int]] = defaultdict(list)
    for number, one in enumerate(rounds, 1):
        for name in one.failed:
            failed[name].append(number)
    lines += [f"{name}: failed in rounds {', '.join(map(str, where))}" for name, where in sorted(failed.items())]
    return "\n".join(lines if failed else [*lines, "nothing failed"])


def main() -> int:
    """Run what the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("paths", nargs="*", default=list(SUITE), metavar="path", help="a part of the suite")
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--seed", type=int, default=None, help="of the first round; a new one each time if omitted")
    parser.add_argument("--workers", default="auto")
    parser.add_argument("--busy", choices=("last", "all", "none"), default="last", help="rounds on a busy machine")
    asked = parser.parse_args()
    seed = random.randrange(10**6) if asked.seed is None else asked.seed
    rounds: list[Round] = []
    try:
        for number in range(asked.rounds):
            busy = asked.busy == "all" or (asked.busy == "last" and number == asked.rounds - 1)
            rounds.append(run(asked.paths, seed=seed + number, workers=asked.workers, busy=busy))
            print(line(number + 1, rounds[-1]), "; ".join(rounds[-1].failed) or "passed", flush=True)
    except KeyboardInterrupt:
        print("stopped")
    print(table(rounds))
    return 1 if any(one.failed for one in rounds) else 0


if __name__ == "__main__":
    sys.exit(main())
