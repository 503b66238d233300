"""A test of the tests: change one price, limit, row or constant at a time, and see that something fails.

    python .ci/mutate.py [--only PATTERN] [--limit N] [--survivors] [--resume] [--unit] [--at-once] [--list]

Works on a copy of the tree, so the tree stays as it is however this ends. Each change first meets the unit tests that
are likely to notice it, in a process forked from one that has imported pandas and the rest already, and stops at the
first failure; what survives them meets the notebooks that use it. Nothing needs a network. A line tells of each
change, `build/mutations.csv` keeps the results, and a table ends it. Ctrl+C stops with the table of what was done.

`--only data/prices` takes places that contain the words (or match the pattern), `--limit 60` that many, evenly spread,
`--survivors` those that survived in `build/mutations.csv`, `--resume` those that are not in it yet. Exits with 1 if a
change survives without an explanation in `.ci/mutations.py`.
"""

from __future__ import annotations

import argparse
import contextlib
import csv
import importlib
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path

import psutil
from mutations import Mutation, mutations

ROOT = Path(__file__).resolve().parents[1]
RESULTS = ROOT / "build" / "mutations.csv"
HUNG_S = 300
# Tests that time something fail on a busy machine, which would look like noticing; and one solves a slow exercise.
LEFT_OUT = "not (under_60_ms or two_microseconds or sixty_milliseconds or twentieth_of_a_millisecond or 05.3)"
PRELOADED = ("pytest", "hypothesis", "pandas", "numpy", "numba", "boto3", "ipywidgets", "anywidget", "nbval.plugin")

_BILLS = "pricing_examples pricing assumptions scenarios show_costs history coldstart"
_PLATFORM = "scaling assumptions scaling_confidence scaling_arrivals scaling_reference show_scaling coldstart"
# What is likely to notice a change in a file, the likeliest first: tests/test_<name>.py, and doctests of a folder.
LIKELY = {
    "data/prices.csv": f"pricing_examples data_values data {_BILLS} learn_check learn_quiz show_report cloud_report"
    " helpers/pricing helpers/coldstart helpers/tables",
    "data/limits.csv": f"data_values data tables pricing scaling helpers/tables helpers/pricing helpers/scaling"
    f" {_BILLS} cloud_package learn_quiz",
    "data/responsibility": "responsibility show_matrix learn_sets learn_quiz data helpers/responsibility.py",
    "data/claims.csv": "show_lesson responsibility coldstart history data show_matrix learn_quiz",
    "data/timeline.csv": "data_values history show_eras data learn_sets learn_quiz helpers/history.py",
    "helpers/pricing/splitting.py": "splitting assumptions edges helpers/pricing",
    "helpers/pricing/steady.py": "steady assumptions edges helpers/pricing",
    "helpers/pricing": f"{_BILLS} show_report cloud_report helpers/pricing pricing_properties",
    "helpers/scaling": f"{_PLATFORM} helpers/scaling",
    "helpers/capacity.py": "capacity assumptions history scenarios show_eras learn_sets helpers/history.py",
    "helpers/history.py": "history assumptions show_eras learn_sets helpers/history.py",
    "helpers/operations.py": "operations upkeep assumptions show_operations helpers/operations.py",
    "helpers/advice": "advice_by_hand advice assumptions report_record report_reading learn_sets helpers/advice",
    "helpers/coldstart": "coldstart assumptions coldstart_findings show_cold learn_sets helpers/coldstart",
}
# Which notebooks could; for a price or a limit those whose text has it, by the start of its name.
NOTEBOOKS = {
    "data/responsibility": "03 00",
    "data/claims.csv": "03 06 10 01 02 07 08 09",
    "data/timeline.csv": "01",
    "helpers/pricing/splitting.py": "09",
    "helpers/pricing/steady.py": "09",
    "helpers/pricing": "06 00 01 08 05 02 07 04 09 10",
    "helpers/scaling": "05 08 02 09 10",
    "helpers/capacity.py": "01 05 06",
    "helpers/history.py": "01",
    "helpers/operations.py": "04",
    "helpers/advice": "10",
    "helpers/coldstart": "08",
}


@dataclass(frozen=True)
class Verdict:
    """What became of one change."""

    mutation: Mutation
    noticed_by: str
    seconds: float

    @property
    def word(self) -> str:
        return "killed" if self.noticed_by else "explained" if self.mutation.reason else "SURVIVED"


class Copy:
    """A copy of the tree, in which one file at a time is changed, and the processes that run tests there."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.log = folder, folder.parent / "output.txt"
        listed = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
        names = subprocess.run(listed, cwd=ROOT, capture_output=True, check=True).stdout.decode().split("\0")
        for name in filter(None, names):
            if (ROOT / name).is_file():
                (folder / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(ROOT / name, folder / name)
        self.turn = 0
        self.failing: list[str] = []
        self.kills: dict[str, Counter[str]] = {}
        self.noticed = {row["place"]: row["noticed_by"] for row in results()}  # by what, in an earlier run
        self.child = 0

    def fails(self, *arguments: str, keep_bytecode: bool = False) -> str:
        """Run pytest until the first failure; return the name of what failed, "" if nothing did."""
        self.child = os.fork()
        if self.child == 0:
            self._test(arguments, keep_bytecode)
        deadline = time.monotonic() + HUNG_S
        while (ended := os.waitpid(self.child, os.WNOHANG))[0] == 0:
            if time.monotonic() > deadline:
                self.end_child()
                return f"hung for {HUNG_S} s in {' '.join(arguments)}"
            time.sleep(0.02)
        self.child = 0
        code = os.waitstatus_to_exitcode(ended[1])
        text = re.sub(r"\x1b\[[0-9;]*m", "", self.log.read_text(errors="replace"))
        if code in (0, 5):  # 5: a module without doctests
            return ""
        if code < 0:  # compiled code wrote where it must not
            return f"{signal.Signals(-code).name} in {' '.join(arguments)}"
        if code not in (1, 2):
            raise SystemExit(f"pytest ended with {code} for {' '.join(arguments)}:\n{text[-3000:]}")
        found = re.search(r"^(?:FAILED|ERROR) (\S+)", text, re.MULTILINE)
        return found.group(1) if found else text.strip().splitlines()[-1]

    def left_out(self, tests: list[str]) -> list[str]:
        """Run tests on the unchanged copy; return those that fail, which say nothing about a change."""
        self.fails(*tests, "--maxfail=20", keep_bytecode=True)
        self.failing = re.findall(r"^(?:FAILED|ERROR) (\S+)", self.log.read_text(errors="replace"), re.MULTILINE)
        if len(self.failing) >= 20:
            raise SystemExit("Too many tests fail without any change: mend them first.")
        return self.failing

    def _test(self, arguments: tuple[str, ...], keep_bytecode: bool) -> None:
        """Be the child: run pytest in the copy, and end without coming back."""
        code = 4
        try:
            os.setsid()
            signal.signal(signal.SIGINT, signal.SIG_DFL)
            signal.signal(signal.SIGTERM, signal.SIG_DFL)
            with self.log.open("w") as log:
                os.dup2(log.fileno(), 1)
                os.dup2(log.fileno(), 2)
            os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
            os.chdir(self.folder)
            sys.path[:0] = [str(self.folder)]
            os.environ["PYTHONPATH"] = str(self.folder)  # kernels and functions use the copy, too
            os.environ["NUMBA_CACHE_DIR"] = str(self.log.parent / ("numba" if keep_bytecode else f"numba-{self.turn}"))
            sys.dont_write_bytecode = not keep_bytecode
            if not keep_bytecode:
                os.environ["PYTHONDONTWRITEBYTECODE"] = "1"
            import pytest

            how = ["-x", "-q", "-n", "0", "-rfE", "--tb=line", "--color=no", "-p", "no:cacheprovider", "-k", LEFT_OUT]
            code = pytest.main([*how, *(f"--deselect={test}" for test in self.failing), *arguments])
        finally:
            sys.stdout.flush()
            os._exit(int(code))

    def judge(self, mutation: Mutation, *, notebooks: bool) -> Verdict:
        """Apply a change, run what could notice it, and take the change back."""
        began = time.monotonic()
        path = self.folder / mutation.path
        text, times = path.read_bytes(), path.stat().st_mtime
        self.turn += 1
        cache = self.log.parent / f"numba-{self.turn}"
        if mutation.path != "helpers/scaling/loop.py" and (self.log.parent / "numba").is_dir():
            cache.symlink_to(self.log.parent / "numba")
        try:
            path.write_text(mutation.text, encoding="utf-8")
            os.utime(path, (times + self.turn, times + self.turn))  # no bytecode of another version fits
            noticed = self._noticed(mutation)
            for notebook in noticing(mutation) if notebooks and not noticed else []:
                noticed = noticed or self.fails("--nbval", notebook)
        finally:
            self.end_child()
            path.write_bytes(text)
            os.utime(path, (times, times))
            if cache.is_symlink():
                cache.unlink()
            shutil.rmtree(cache, ignore_errors=True)
        return Verdict(mutation, noticed, time.monotonic() - began)

    def _noticed(self, mutation: Mutation) -> str:
        """Run the test that noticed it last time, then file by file, first those that noticed the most so far."""
        before = self.noticed.get(mutation.place, "").partition("[")[0]  # with all its parameters: names have spaces
        if before.startswith("tests/"):
            with contextlib.suppress(SystemExit):  # it was renamed
                if noticed := self.fails(before):
                    return noticed
        of_file, of_folder = (
            self.kills.setdefault(place, Counter()) for place in (mutation.path, Path(mutation.path).parent.as_posix())
        )
        for tests in sorted(likely(mutation), key=lambda tests: (-of_file[tests], -of_folder[tests])):
            if noticed := self.fails(tests):
                of_file[tests] += 1
                of_folder[tests] += 1
                return noticed
        return ""

    def end_child(self) -> None:
        """End the running tests with all that they started."""
        if self.child:
            family = [psutil.Process(self.child), *psutil.Process(self.child).children(recursive=True)]
            for process in family:
                process.kill()
            os.waitpid(self.child, 0)
            self.child = 0


def likely(mutation: Mutation) -> list[str]:
    """Return the tests that are likely to notice a change, the likeliest first."""
    words = next(words for start, words in LIKELY.items() if mutation.path.startswith(start)).split()
    doctests = [mutation.path] if mutation.path.startswith("helpers") else []
    named = [word if "/" in word else f"tests/test_{word}.py" for word in dict.fromkeys(words)]
    return [*doctests, *(name for name in named if (ROOT / name).exists())]


def noticing(mutation: Mutation) -> list[str]:
    """Return the notebooks that could notice a change."""
    stems = {path.name[:2]: f"notebooks/{path.name}" for path in sorted((ROOT / "notebooks").glob("*.ipynb"))}
    words = next((words for start, words in NOTEBOOKS.items() if mutation.path.startswith(start)), None)
    if words is not None:
        return [stems[word] for word in words.split() if word in stems]
    parts = mutation.place.split(":")[1].split(".")
    names = [".".join(parts[:count]) for count in range(len(parts), 1, -1)]
    texts = {stem: (ROOT / path).read_text(encoding="utf-8") for stem, path in stems.items()}
    return [stems[stem] for stem, text in texts.items() if any(name in text for name in names)]


def spread(found: list[Mutation], limit: int | None) -> list[Mutation]:
    """Return so many of them, evenly spread."""
    if not limit or limit >= len(found):
        return found
    return [found[place * len(found) // limit] for place in range(limit)]


def table(verdicts: list[Verdict]) -> str:
    """Return the table that ends a run: files down, what became of their changes across; then the survivors."""
    counts = {path: Counter(v.word for v in verdicts if v.mutation.path == path) for path in _paths(verdicts)}
    counts["all"] = sum(counts.values(), Counter())
    columns = ("killed", "explained", "SURVIVED")
    lines = [f"{'':34}{'changes':>9}" + "".join(f"{column:>11}" for column in columns)]
    for path, count in counts.items():
        lines.append(f"{path:34}{count.total():>9}" + "".join(f"{count[column]:>11}" for column in columns))
    for word, title in (("explained", "Nobody has to notice:"), ("SURVIVED", "Survived, and somebody should notice:")):
        left = [verdict.mutation for verdict in verdicts if verdict.word == word]
        lines += ["", title] if left else []
        lines += [f"  {m.place}: {m.before} → {m.after}{f' ({m.reason})' if m.reason else ''}" for m in left]
    return "\n".join(lines)


def _paths(verdicts: list[Verdict]) -> list[str]:
    return list(dict.fromkeys(verdict.mutation.path for verdict in verdicts))


def results() -> list[dict[str, str]]:
    """Return what earlier runs have kept."""
    return list(csv.DictReader(RESULTS.open(encoding="utf-8"))) if RESULTS.exists() else []


def keep(verdicts: list[Verdict]) -> None:
    """Write the results, over those of the same places from before."""
    RESULTS.parent.mkdir(exist_ok=True)
    rows = {row["place"]: list(row.values()) for row in results()}
    rows |= {v.mutation.place: [v.mutation.place, v.word, v.noticed_by, f"{v.seconds:.1f}"] for v in verdicts}
    with RESULTS.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows([["place", "verdict", "noticed_by", "seconds"], *rows.values()])


def chosen(asked: argparse.Namespace) -> list[Mutation]:
    """Return the changes that the command line asks for."""
    found = mutations(ROOT)
    if asked.only:
        found = [m for m in found if any(only in m.place or fnmatch(m.place, only) for only in asked.only)]
    if asked.survivors:
        places = {row["place"] for row in results() if row["verdict"] == "SURVIVED"}
        found = [mutation for mutation in found if mutation.place in places]
    if asked.resume:
        judged = {row["place"] for row in results()}
        found = [mutation for mutation in found if mutation.place not in judged]
    return spread(found, asked.limit)


def main() -> int:
    """Do what the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", action="append", metavar="PATTERN", help="places that contain or match this")
    parser.add_argument("--limit", type=int, help="so many, evenly spread")
    parser.add_argument("--survivors", action="store_true", help="those that survived last time")
    parser.add_argument("--resume", action="store_true", help="those that no earlier run came to")
    parser.add_argument("--unit", action="store_true", help="unit tests only: a quick first look")
    parser.add_argument("--at-once", action="store_true", help="without running the tests on the unchanged copy first")
    parser.add_argument("--list", action="store_true", help="run nothing; list the places")
    asked = parser.parse_args()
    found = chosen(asked)
    if asked.list or not found:
        print("\n".join(f"{m.place}: {m.before} → {m.after}" for m in found) or "no such place")
        return 0
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    for name in PRELOADED:
        importlib.import_module(name)
    verdicts: list[Verdict] = []
    with tempfile.TemporaryDirectory(prefix="mutate-") as folder:
        copy = Copy(Path(folder) / "tree")
        try:
            everything = list(dict.fromkeys(test for mutation in found for test in likely(mutation)))
            first = "" if asked.at_once else f"; first {len(everything)} files of tests without any"
            print(f"{len(found)} changes{first}", flush=True)
            if not asked.at_once and copy.left_out(everything):
                print(f"these fail without any change, and are left out: {' '.join(copy.failing)}", flush=True)
            for number, mutation in enumerate(found, 1):
                verdicts.append(copy.judge(mutation, notebooks=not asked.unit))
                verdict = verdicts[-1]
                change = f"{mutation.place}: {mutation.before} → {mutation.after}"
                start = f"{number:4}/{len(found)} {verdict.word:9} {verdict.seconds:5.1f} s"
                print(f"{start}  {change}  {verdict.noticed_by}", flush=True)
                keep(verdicts[-1:])
        except KeyboardInterrupt:
            print("\nstopped")
        finally:
            copy.end_child()
    print(table(verdicts))
    return 1 if any(verdict.word == "SURVIVED" for verdict in verdicts) else 0


if __name__ == "__main__":
    sys.exit(main())
