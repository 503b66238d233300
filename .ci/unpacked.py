"""Install and open an archive for a room without internet: what start.sh hands over to.

    python .ci/unpacked.py [--only-install | any option of jupyter lab]

Refuses in one sentence where the wheels beside it can't work, instead of letting an installer fail in many. The set-up
is that of `make lab`: install.py takes everything from wheels/ when that folder is there.
"""

import os
import platform
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def number(version: str) -> tuple[int, ...]:
    """Return a version as numbers that can be compared.

    Examples
    --------
    >>> number("2.28") < number("2.4")
    False
    """
    return tuple(int(part) for part in version.split(".")[:2])


def system_version() -> tuple[str, str]:
    """Return what the wheels of this system depend on, by name and version; no version where it isn't theirs."""
    if platform.system() == "Darwin":
        return "macOS", platform.mac_ver()[0]
    name, version = platform.libc_ver()
    return ("glibc", version) if name == "glibc" else ("glibc", "")


def refusal(made_for: str) -> str:
    """Say why the wheels of an archive can't be installed here; "" if they can.

    Parameters
    ----------
    made_for : what offline.py wrote: Python, system, machine, oldest glibc or macOS
    """
    python, system, machine, needed = made_for.split()
    here = f"{sys.version_info[0]}.{sys.version_info[1]}", platform.system(), platform.machine()
    name, version = system_version()
    if here != (python, system, machine):
        problem = f"this is Python {here[0]} on {here[1]} {here[2]}"
    elif not version:
        problem = f"this system has no {name}, on which its packages depend"
    elif number(version) < number(needed):
        problem = f"it needs {name} {needed} or newer, and this machine has {version}"
    else:
        return ""
    remedy = "take the archive whose name fits this machine, or install over a network with make lab"
    return f"This archive is for Python {python} on {system} {machine}: {problem}. Remedy: {remedy}."


def main(arguments: list[str]) -> int:
    """Check, install, and become JupyterLab."""
    refused = refusal((ROOT / "wheels" / "made-for").read_text())
    if refused:
        print(refused, file=sys.stderr)
        return 1
    done = subprocess.run([sys.executable, str(ROOT / ".ci" / "setup.py"), "lab"], cwd=ROOT, check=False)
    if done.returncode or arguments == ["--only-install"]:
        return done.returncode
    lab = [str(ROOT / ".venv" / "bin" / "python"), str(ROOT / ".ci" / "lab.py"), *arguments]
    return os.execv(lab[0], lab)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
