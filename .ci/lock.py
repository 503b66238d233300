"""Generate the requirements files from pyproject.toml: `make requirements`, and `make check-requirements`.

    python .ci/lock.py [--upgrade | --check]

Files of exact versions, each valid on every supported Python and platform (markers tell them apart): what a learner
installs, what only the tests need, what only authors need, what builds the web book, what serves a class; and the
learner's once more for Binder, without this folder. Versions that still satisfy pyproject.toml stay until `--upgrade`.
`--check` changes nothing: it fails when a file isn't what pyproject.toml asks for, or when a pinned version has no
wheel for a Python and platform that we promise.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import tomllib
from concurrent.futures import ThreadPoolExecutor
from itertools import product
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PYTHONS = ("3.11", "3.12", "3.13", "3.14")
PLATFORMS = ("x86_64-manylinux_2_28", "aarch64-manylinux_2_28", "x86_64-apple-darwin", "aarch64-apple-darwin")
# Built from source there, which takes no compiler: off Linux, its set-up leaves the C extension out.
SOURCE_ON_MACS = ("awslambdaric==",)
LEARNER = Path("requirements.txt")
TESTS = Path("tests/requirements.txt")
AUTHORING = Path(".ci/requirements.txt")
BOOK = Path("book/requirements.txt")
CLASS = Path("deploy/single/requirements.txt")
BINDER = Path(".binder/requirements.txt")
GROUPS = {TESTS: "tests", AUTHORING: "authoring", BOOK: "book", CLASS: "class"}

HEADERS = {
    LEARNER: """\
# Everything that the notebooks and `pytest --nbval` need: pip install -r requirements.txt
# Made by `make requirements` from the ranges in pyproject.toml. Change those, then run it again.
""",
    TESTS: """\
# What only the tests need, on top of requirements.txt. Made by `make requirements` from pyproject.toml.
""",
    AUTHORING: """\
# What only authors need (pictures of figures, these files), on top of requirements.txt.
# Made by `make requirements` from pyproject.toml.
""",
    CLASS: """\
# What one big machine needs to serve a class, on top of requirements.txt. Made by `make requirements` from
# pyproject.toml.
""",
    BOOK: """\
# What only the web book's builder needs, on top of requirements.txt. Made by `make requirements` from pyproject.toml.
""",
    BINDER: """\
# requirements.txt for Binder, without this folder: postBuild installs that, so that a change to a notebook doesn't
# install everything else again. Made by `make requirements` from pyproject.toml.
""",
}
# `helpers` becomes importable from any notebook, whatever the working directory.
LAST_LINES = {LEARNER: "-e .\n"}


def wanted(path: Path) -> list[str]:
    """Return the ranges in pyproject.toml that a requirements file answers."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    if path == LEARNER:
        return project["project"]["dependencies"]
    return project["dependency-groups"][GROUPS[path]]


def pins(text: str) -> list[str]:
    """Return the lines of a requirements file that pin a version."""
    return [line for line in text.splitlines() if line and not line.startswith(("#", "-"))]


def compiled(path: Path, *, learner: list[str], upgrade: bool) -> list[str]:
    """Return the pins that answer pyproject.toml, the current ones where they still do.

    Packages that requirements.txt pins keep that version in the other files, and aren't repeated there.
    """
    with tempfile.TemporaryDirectory() as folder:
        ranges, output, constraints = (Path(folder, name) for name in ("ranges.in", "pins.txt", "constraints.txt"))
        ranges.write_text("\n".join(wanted(path)))
        constraints.write_text("\n".join(learner))
        if (ROOT / path).exists():
            output.write_text("\n".join(pins((ROOT / path).read_text())))
        options = ["--universal", "--python-version", PYTHONS[0], "--no-annotate", "--no-header"]
        uv("pip", "compile", ranges, "-o", output, "-c", constraints, *options, *(["--upgrade"] if upgrade else []))
        # By name and version alone: a package may be for fewer platforms there, and is a dependency here as well.
        there = {line.partition(" ;")[0] for line in learner}
        return [line for line in pins(output.read_text()) if line.partition(" ;")[0] not in there]


def uv(*arguments: object) -> None:
    """Run uv, which comes with the authoring packages."""
    command = [
        sys.executable,
        "-m",
        "uv",
        "--quiet",
        "--no-config",
        "--no-python-downloads",
        "--system-certs",
        *map(str, arguments),
    ]
    done = subprocess.run(command, cwd=ROOT, stdin=subprocess.DEVNULL, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"uv could not resolve the requirements:\n{done.stderr.strip()}")


def as_file(path: Path, lines: list[str]) -> str:
    """Return the text of a requirements file."""
    return HEADERS[path] + "".join(line + "\n" for line in lines) + LAST_LINES.get(path, "")


def generate(*, upgrade: bool) -> dict[Path, str]:
    """Return what each requirements file should say."""
    learner = compiled(LEARNER, learner=[], upgrade=upgrade)
    texts = {path: as_file(path, learner) for path in (LEARNER, BINDER)}
    for path in GROUPS:
        texts[path] = as_file(path, compiled(path, learner=learner, upgrade=upgrade))
    return texts


def missing_wheels() -> list[str]:
    """Say for which Python and platform a pinned version would have to be built from source."""

    def fault(python: str, platform: str) -> str | None:
        with tempfile.TemporaryDirectory() as folder:
            ranges = Path(folder, "pins.in")
            wheels = [
                pin
                for pin in pins((ROOT / LEARNER).read_text())
                if not (platform.endswith("apple-darwin") and pin.startswith(SOURCE_ON_MACS))
            ]
            ranges.write_text("\n".join(wheels))
            where = ["--python", sys.executable, "--python-version", python, "--python-platform", platform]
            try:
                uv(
                    "pip",
                    "compile",
                    ranges,
                    "-o",
                    Path(folder, "out.txt"),
                    "--no-deps",
                    "--only-binary",
                    ":all:",
                    *where,
                )
            except SystemExit as error:
                return f"Python {python} on {platform}: {' '.join(str(error).split())}"
        return None

    with ThreadPoolExecutor(2) as pool:
        return [found for found in pool.map(fault, *zip(*product(PYTHONS, PLATFORMS), strict=True)) if found]


def check() -> list[str]:
    """Return what is wrong with the requirements files."""
    faults = []
    for path, text in generate(upgrade=False).items():
        now = (ROOT / path).read_text() if (ROOT / path).exists() else ""
        more = sorted(set(text.splitlines()) - set(now.splitlines()))
        less = sorted(set(now.splitlines()) - set(text.splitlines()))
        if now != text:
            change = "".join(f"\n  + {line}" for line in more) + "".join(f"\n  - {line}" for line in less)
            faults.append(f"{path} doesn't answer pyproject.toml; run `make requirements`, which changes:{change}")
    return faults + missing_wheels()


def main() -> int:
    """Read the command line and do what it says."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="change nothing; fail when the files disagree")
    parser.add_argument("--upgrade", action="store_true", help="take the newest versions that pyproject.toml allows")
    asked = parser.parse_args()
    if asked.check:
        faults = check()
        combinations = f"Python {PYTHONS[0]} to {PYTHONS[-1]} on {len(PLATFORMS)} platforms"
        print("\n".join(faults) or f"requirements: as pyproject.toml asks, with wheels for {combinations}")
        return 1 if faults else 0
    for path, text in generate(upgrade=asked.upgrade).items():
        before = (ROOT / path).read_text() if (ROOT / path).exists() else ""
        (ROOT / path).write_text(text)
        print(f"{path}: {len(pins(text))} versions, {'unchanged' if text == before else 'written'}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
