"""Pack everything for a room without internet into one archive: `make offline`.

    python .ci/offline.py [--into FOLDER]

The last commit's files, a wheel of each package that requirements.txt pins, and start.sh, which installs and opens them
without a network. Wheels are for one platform and one Python, those that this program runs on; the archive's name says
which. The book goes in as well where build/book has one. unpacked.py is what the other end runs.
"""

from __future__ import annotations

import argparse
import platform
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
import tomllib
from collections.abc import Iterable
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
NAME, VERSION = PROJECT["project"]["name"], PROJECT["project"]["version"]
BOOK = ROOT / "build" / "book"
# What makes this folder importable, beside what pyproject.toml asks for; hatchling needs it for an editable install.
EDITABLE = "editables"
OLDEST_GLIBC_MINOR = 28  # Debian 10, Ubuntu 20.04, RHEL 8: lock.py checks that each pin has a wheel for it
IN_A_TAG = re.compile(r"(manylinux|macosx)_(\d+)_(\d+)_")


def this_platform() -> str:
    """Return the words that name this machine's wheels, as the archive's name has them: "linux-x86_64"."""
    system = {"Darwin": "macos"}.get(platform.system(), platform.system().lower())
    return f"{system}-{platform.machine()}"


def archive_name() -> str:
    """Return the name of the archive, and of the folder that it unpacks to."""
    return f"{NAME}-{VERSION}-{this_platform()}-py{sys.version_info[0]}{sys.version_info[1]}"


def oldest_system(wheels: Iterable[str]) -> tuple[int, int]:
    """Return the oldest glibc or macOS on which all of these wheels run.

    Examples
    --------
    >>> oldest_system(["a-1-cp311-cp311-manylinux_2_17_x86_64.manylinux_2_28_x86_64.whl", "b-1-py3-none-any.whl"])
    (2, 17)
    """
    versions = [[(int(major), int(minor)) for _, major, minor in IN_A_TAG.findall(wheel)] for wheel in wheels]
    return max((min(found) for found in versions if found), default=(0, 0))


def lines(file: str) -> list[str]:
    """Return the lines of a requirements file that ask for something."""
    return [line for line in (ROOT / file).read_text().splitlines() if line and not line.startswith("#")]


def for_older_linux() -> list[str]:
    """Return pip's options for wheels that older systems run as well: of two that fit, pip takes the newer."""
    glibc = [f"manylinux_2_{minor}" for minor in range(OLDEST_GLIBC_MINOR, 4, -1)]
    tags = [*glibc, "manylinux2014", "manylinux2010", "manylinux1", "linux"]
    return [option for tag in tags for option in ("--platform", f"{tag}_{platform.machine()}")]


def fetch_wheels(folder: Path) -> list[str]:
    """Fetch or build a wheel of everything that requirements.txt installs, and of what installs it."""
    if platform.system() == "Linux":
        how = ["download", "--only-binary", ":all:", *for_older_linux(), "--dest", str(folder)]
    else:  # one package has to be built, and pip builds for the machine that it runs on alone
        how = ["wheel", "--wheel-dir", str(folder)]
    pins = [line for line in lines("requirements.txt") if not line.startswith("-e")]
    pins += [line for line in lines(".ci/requirements.txt") if line.startswith("uv==")]
    with tempfile.TemporaryDirectory() as scratch:
        file = Path(scratch, "pins.txt")
        file.write_text("\n".join(pins))
        pip(*how, "--no-deps", "-r", str(file))  # the pins are complete, and looking for more takes most of the time
        pip(*how, *PROJECT["build-system"]["requires"], EDITABLE, "--constraint", str(file))
    return sorted(path.name for path in folder.glob("*.whl"))


def pip(*arguments: str) -> None:
    """Run pip, or say in one line why it stopped."""
    command = [sys.executable, "-m", "pip", *arguments, "--quiet"]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, check=False)
    if done.returncode:
        said = [line for line in done.stderr.splitlines() if line.startswith("ERROR")] or done.stderr.splitlines()[-1:]
        raise SystemExit("The wheels could not be fetched: " + " ".join(said))


def copy_commit(folder: Path) -> None:
    """Copy the files of the last commit, and say which changes are left out."""

    def git(*arguments: str) -> bytes:
        try:
            return subprocess.run(["git", *arguments], cwd=ROOT, check=True, stdout=subprocess.PIPE).stdout
        except (OSError, subprocess.CalledProcessError):
            raise SystemExit("The archive is made from a commit: run this in a clone of the repository.") from None

    with tempfile.NamedTemporaryFile(suffix=".tar") as file:
        git("archive", "--output", file.name, "HEAD")
        with tarfile.open(file.name) as files:
            files.extractall(folder, filter="data")
    changed = git("status", "--porcelain").decode().splitlines()
    if changed:
        print(f"{len(changed)} files differ from the last commit: the archive has the commit's.")


def pack(into: Path) -> Path:
    """Write the archive into a folder and return its path."""
    name = archive_name()
    into.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=into) as scratch:
        folder = Path(scratch, name)
        folder.mkdir()
        copy_commit(folder)
        wheels = fetch_wheels(folder / "wheels")
        needed = ".".join(map(str, oldest_system(wheels)))
        python = ".".join(map(str, sys.version_info[:2]))
        (folder / "wheels" / "made-for").write_text(f"{python} {platform.system()} {platform.machine()} {needed}\n")
        shutil.copy(ROOT / ".ci" / "start.sh", folder / "start.sh")
        if BOOK.is_dir():
            shutil.copytree(BOOK, folder / "build" / "book")
        unfinished = Path(scratch, "archive")
        # Wheels are compressed already; more effort would save two per cent and cost most of the time.
        with tarfile.open(unfinished, "w:gz", compresslevel=1) as archive:
            archive.add(folder, name)
        path = unfinished.replace(into / f"{name}.tar.gz")
    book = "with the book" if BOOK.is_dir() else "without the book (make book first puts it in)"
    print(f"{path}: {path.stat().st_size / 1e6:.0f} MB, {len(wheels)} wheels, {book}")
    return path


def main() -> int:
    """Read the command line and pack."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--into", type=Path, default=ROOT / "build", help="where the archive goes; build/ if not said")
    pack(parser.parse_args().into)
    return 0


if __name__ == "__main__":
    sys.exit(main())
