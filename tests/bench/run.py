"""Run the benchmarks and print one table, each row a ratio to a baseline measured in the same run: `make bench`.

    python tests/bench/run.py [--only cloud,log] [--quick]

A full run is kept in `results/` with the machine that it ran on, compared with the one before on such a machine, and
drawn into `docs/benchmarks.md`. Exits with 1 if a ratio is over its bound, or over 1.2 times worse than before.
"""

from __future__ import annotations

import argparse
import datetime
import json
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import chart
from rows import Row, changes, from_json, machine, to_json

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
RESULTS = HERE / "results"
PROGRAMS = {path.stem.removeprefix("bench_"): path for path in sorted(HERE.glob("bench_*.py"))}
TELLS = ("processor", "cores")  # two runs are compared where these are the same


def rows_of(program: Path, *, quick: bool, notes: list[str]) -> Iterator[Row]:
    """Yield a program's rows as they come; a program that fails is a note, and the others go on."""
    command = [sys.executable, str(program), *(["--quick"] if quick else [])]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as running:
        for line in running.stdout:
            if line.startswith("{"):
                yield from from_json([json.loads(line)])
            else:
                notes.append(line.strip())
    if running.returncode:
        notes.append(f"{program.stem} ended with {running.returncode}: its rows are missing.")


def last_run(now: dict[str, Any]) -> dict[str, Any] | None:
    """Return the last kept run on a machine like this one, if there is one."""
    for path in sorted(RESULTS.glob("*.json"), reverse=True):
        found = json.loads(path.read_text(encoding="utf-8"))
        if all(found["machine"][name] == now["machine"][name] for name in TELLS):
            return found
    return None


def print_table(rows: list[Row], before: dict[str, Any] | None) -> bool:
    """Print the table; say whether every bound is kept and nothing is worse than before."""
    compared = {one.row.key: one for one in changes(rows, from_json(before["rows"]) if before else [])}
    width = max((len(row.name) for row in rows), default=0) + 2
    print(
        f"\n{'':<{width}}{'ours':>11}{'baseline':>11}  {'unit':<11}{'ratio':>9}{'before':>9}  bound           against"
    )
    well = True
    for row in rows:
        change = compared.get(row.key)
        bound = "" if row.bound is None else f"{'at least' if row.more else 'at most'} {row.bound:g}"
        verdict = "MISSED" if row.met is False else "WORSE" if change and change.worse else ""
        well = well and not verdict
        before_ratio = f"{change.before:.3g}" if change else ""
        print(
            f"{row.name:<{width}}{digits(row.ours):>11}{digits(row.theirs):>11}  {row.unit:<11}{row.ratio:>9.3g}"
            f"{before_ratio:>9}  {bound:<14} {verdict:<7}{row.baseline}"
        )
        if row.note:
            print(f"{'':<4}{row.note}")
    return well


def digits(value: float) -> str:
    """Return a number with as many digits as mean something: 86.4, 14,830."""
    return f"{value:,.0f}" if value >= 1000 else f"{value:.3g}"


def main() -> int:
    """Run what is asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", default="", help=f"some of {', '.join(PROGRAMS)}, separated by commas")
    parser.add_argument("--quick", action="store_true", help="fewer turns, nothing kept: for trying, not for comparing")
    asked = parser.parse_args()
    names = [name for name in asked.only.split(",") if name] or list(PROGRAMS)
    if unknown := set(names) - set(PROGRAMS):
        parser.error(f"no such benchmark: {', '.join(sorted(unknown))}")
    notes: list[str] = []
    rows: list[Row] = []
    for name in names:
        began = time.monotonic()
        rows += rows_of(PROGRAMS[name], quick=asked.quick, notes=notes)
        print(f"{name}: {time.monotonic() - began:.0f} s", flush=True)
    when = datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%dT%H%MZ")
    found = {"when": when, "machine": machine(), "rows": to_json(rows), "notes": notes}
    well = print_table(rows, last_run(found))
    for note in notes:
        print(note)
    if asked.quick:
        return int(not well)
    if len(names) < len(PROGRAMS):  # what wasn't run stays as it was last measured on this machine
        found["rows"] = merged(found["rows"], last_run(found))
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / f"{when}.json").write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    chart.write()
    return int(not well)


def merged(rows: list[dict[str, Any]], before: dict[str, Any] | None) -> list[dict[str, Any]]:
    """Return the rows of a run, and those of the run before that this one has not measured."""
    keys = {row.key for row in from_json(rows)}
    kept = [one for one in (before or {"rows": []})["rows"] if from_json([one])[0].key not in keys]
    return [*rows, *kept]


if __name__ == "__main__":
    sys.exit(main())
