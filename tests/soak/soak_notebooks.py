"""Run a notebook that measures again and again, strictly compared: does it ever fail?

    python tests/soak/soak_notebooks.py [--rounds N] [--busy] [notebook ...]

What a clock gives differs each time; what the notebook asserts about it must hold on a machine with other work, too.
`--busy` keeps every processor busy meanwhile. `make soak` runs this with its defaults. Exits with 1 if a run fails.
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "notebooks"
MEASURING = ("08",)
COLOUR = re.compile(r"\x1b\[[0-9;]*m")
FAILED = re.compile(r"^(?:FAILED|ERROR) .*$|^Cell \d+: .*$|^\w*Error: .*$", re.MULTILINE)


@contextmanager
def load(processors: int) -> Iterator[None]:
    """Keep some processors busy."""
    spin = [sys.executable, "-c", "while True: pass"]
    burners = [subprocess.Popen(spin) for _ in range(processors)]
    try:
        yield
    finally:
        for burner in burners:
            burner.kill()
            burner.wait()


def run(path: Path) -> tuple[float, str]:
    """Run a notebook under nbval; return the seconds, and what it says of a failure."""
    command = [sys.executable, "-m", "pytest", "--nbval", "-q", "-n", "0", str(path)]
    began = time.monotonic()
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    text = COLOUR.sub("", done.stdout + done.stderr)
    return time.monotonic() - began, "" if done.returncode == 0 else "; ".join(FAILED.findall(text)) or text[-500:]


def main() -> int:
    """Run what the command line asks for, and print a line for each round."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", default=MEASURING, metavar="notebook", help="the start of a name, as in 08")
    parser.add_argument("--rounds", type=int, default=30)
    parser.add_argument("--busy", action="store_true", help="keep every processor busy meanwhile")
    asked = parser.parse_args()
    paths = [path for path in sorted(FOLDER.glob("*.ipynb")) if path.name.startswith(tuple(asked.names))]
    if not paths:
        parser.error(f"no notebook begins with {', '.join(asked.names)}")
    rows = []
    for path in paths:
        with load((os.cpu_count() or 1) if asked.busy else 0):
            for number in range(1, asked.rounds + 1):
                seconds, problem = run(path)
                rows.append((path.stem, seconds, problem))
                load_1m = os.getloadavg()[0]
                print(
                    f"{path.stem} {number:3} {seconds:6.1f} s  load {load_1m:4.1f}  {problem or 'passed'}", flush=True
                )
    for stem in dict.fromkeys(stem for stem, *_ in rows):
        mine = [(seconds, problem) for name, seconds, problem in rows if name == stem]
        spent = sorted(seconds for seconds, _ in mine)
        failed = sum(bool(problem) for _, problem in mine)
        print(f"{stem}: {len(mine)} runs, {failed} failed, {spent[0]:.0f} to {spent[-1]:.0f} s each")
    return 1 if any(problem for *_, problem in rows) else 0


if __name__ == "__main__":
    sys.exit(main())
