"""Is this machine ready? Each thing that the notebooks need, looked at, with the remedy where it is missing.

Notebook 00 shows the report to a learner, and ``make check-room`` (``python -m helpers.room``) prints it for an
instructor, on every machine of a room, before a class. Nothing here asks the network. Like every program that looks
at its machine, it stands at the edge of the house: no calculation imports it.
"""

import html
import os
import platform
import shutil
import socket
import sys
import tempfile
import urllib.request
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
REQUIREMENTS = ROOT / "requirements.txt"
PYTHONS = ((3, 11), (3, 12), (3, 13), (3, 14))

# Measured on Linux with one notebook run: JupyterLab and its kernel 0.2 GB, the browser 0.8 GB. The rest is margin.
NEEDED_MEMORY_GB = 1.5
# What a session writes (checkpoints, packed functions, screenshots), with a margin; the packages are already there.
NEEDED_DISK_GB = 0.5
# Long enough for a busy machine to connect to itself.
LOOPBACK_TIMEOUT_S = 5


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at.

    Attributes
    ----------
    name : what it is, in one or two words
    ok : whether the notebooks can work with it
    detail : what was found
    remedy : what to do about it; empty if nothing
    """

    name: str
    ok: bool
    detail: str
    remedy: str = ""


@dataclass(frozen=True)
class RoomReport:
    """What :func:`check_room` found; ``str()`` lists it, a notebook shows it as a table.

    Attributes
    ----------
    findings : every check, in the order in which a problem would bite
    """

    findings: tuple[Finding, ...]

    @property
    def ok(self) -> bool:
        """Whether every check passed."""
        return all(finding.ok for finding in self.findings)

    @property
    def missing(self) -> tuple[Finding, ...]:
        """The checks that did not pass."""
        return tuple(finding for finding in self.findings if not finding.ok)

    @property
    def summary(self) -> str:
        """One sentence; the same on every machine that is ready."""
        if self.ok:
            return f"This room is ready: {len(self.findings)} checks passed."
        names = ", ".join(finding.name for finding in self.missing)
        return f"This room is not ready: {len(self.missing)} of {len(self.findings)} checks failed ({names})."

    def __str__(self) -> str:
        """List every check, each missing thing with its remedy, and the summary."""
        lines = []
        for finding in self.findings:
            lines.append(f"{'ok' if finding.ok else 'missing':8}{finding.name}: {finding.detail}")
            if finding.remedy:
                lines.append(f"{'':8}remedy: {finding.remedy}")
        return "\n".join([*lines, self.summary])

    def __repr__(self) -> str:
        """Show the summary only: the details differ from machine to machine."""
        return self.summary

    def _repr_html_(self) -> str:
        """Show one row for each check; details only of what is missing, so that every ready room shows the same."""
        rows = []
        for finding in self.findings:
            said = (
                "" if finding.ok else f"{html.escape(finding.detail)}<br><strong>{html.escape(finding.remedy)}</strong>"
            )
            state = "✓ ready" if finding.ok else "✗ missing"
            cells = "".join(
                f"<td style='text-align:left'>{text}</td>" for text in (state, html.escape(finding.name), said)
            )
            rows.append(f"<tr>{cells}</tr>")
        return f"<table>{''.join(rows)}</table><p>{html.escape(self.summary)}</p>"


def check_room() -> RoomReport:
    """Look at everything the notebooks need on this machine.

    Returns
    -------
    RoomReport
        ``.ok``, ``.summary`` and the findings; printing it lists them.
    """
    return RoomReport(
        (
            python_version(sys.version_info[:2]),
            packages(REQUIREMENTS.read_text(encoding="utf-8") if REQUIREMENTS.exists() else None),
            operating_system(platform.system()),
            memory(_free_memory_gb()),
            disk(shutil.disk_usage(ROOT).free / 1e9),
            temporary_folder(Path(tempfile.gettempdir())),
            loopback(),
            proxy(urllib.request.getproxies(), os.environ),
        )
    )


def python_version(found: tuple[int, ...]) -> Finding:
    """Check the version of Python."""
    words = ".".join(map(str, found))
    if found in PYTHONS:
        return Finding("Python", True, f"{words} is supported")
    known = ", ".join(".".join(map(str, python)) for python in PYTHONS)
    return Finding("Python", False, f"{words} isn't among {known}", f"install one of {known}, then make lab")


def packages(requirements: str | None) -> Finding:
    """Check that each pinned package is here in its pinned version.

    Parameters
    ----------
    requirements : the text of requirements.txt, or None where there is no such file
    """
    if requirements is None:
        return Finding("packages", False, "requirements.txt isn't beside helpers/", "clone the whole repository")
    wrong = list(_wrong_packages(requirements))
    if not wrong:
        return Finding("packages", True, "each is here in its pinned version")
    shown = ", ".join(wrong[:5]) + (f" and {len(wrong) - 5} more" if len(wrong) > 5 else "")
    remedy = "make lab, or: python -m pip install -r requirements.txt"
    return Finding("packages", False, shown, remedy)


def _wrong_packages(requirements: str) -> Iterator[str]:
    from packaging.requirements import Requirement

    for line in requirements.splitlines():
        if not line or line.startswith(("#", "-")):
            continue
        pin = Requirement(line)
        if pin.marker is not None and not pin.marker.evaluate():
            continue
        try:
            found = version(pin.name)
        except PackageNotFoundError:
            yield f"{pin.name} is missing"
            continue
        if found not in pin.specifier:
            yield f"{pin.name} is {found} instead of {next(iter(pin.specifier)).version}"


def operating_system(system: str) -> Finding:
    """Check that functions can run here as processes of their own."""
    if system == "Windows":
        return Finding(
            "operating system",
            False,
            "native Windows runs the notebooks that start no local Lambda, not the others",
            "open the folder in WSL (wsl --install), or use the Binder link in the README",
        )
    return Finding("operating system", True, f"{system} runs every notebook")


def _free_memory_gb() -> float:
    import psutil

    return psutil.virtual_memory().available / 1e9


def memory(free_gb: float) -> Finding:
    """Check the memory that programs can still have."""
    detail = f"{free_gb:.1f} GB free, {NEEDED_MEMORY_GB} GB needed"
    remedy = "" if free_gb >= NEEDED_MEMORY_GB else "close other programs and kernels that you no longer need"
    return Finding("memory", not remedy, detail, remedy)


def disk(free_gb: float) -> Finding:
    """Check the room on the disk that holds the notebooks."""
    detail = f"{free_gb:.1f} GB free, {NEEDED_DISK_GB} GB needed"
    remedy = "" if free_gb >= NEEDED_DISK_GB else "remove or move files on this disk"
    return Finding("disk", not remedy, detail, remedy)


def temporary_folder(folder: Path) -> Finding:
    """Check that the folder for temporary files can be written to."""
    try:
        with tempfile.TemporaryFile(dir=folder) as file:
            file.write(b"room")
    except OSError as error:
        remedy = "set TMPDIR to a folder of yours that can be written to"
        return Finding("temporary folder", False, f"{folder}: {error.strerror}", remedy)
    return Finding("temporary folder", True, f"{folder} can be written to")


def loopback(host: str = "127.0.0.1") -> Finding:
    """Check that a program can listen on a port of this machine and be reached there."""
    try:
        with socket.create_server((host, 0)) as server:
            port = server.getsockname()[1]
            with socket.create_connection((host, port), timeout=LOOPBACK_TIMEOUT_S):
                pass
    except OSError as error:
        remedy = "allow connections to 127.0.0.1 in this machine's firewall or security program"
        return Finding("local port", False, f"{host} can't be reached: {error.strerror or error}", remedy)
    return Finding("local port", True, f"{host} listens and answers")


def proxy(proxies: Mapping[str, str], environment: Mapping[str, str]) -> Finding:
    """Check that no proxy catches calls from this machine to itself.

    Parameters
    ----------
    proxies : scheme and address of each proxy that Python would use
    environment : the environment variables, for the exceptions in ``NO_PROXY``
    """
    catching = sorted(scheme for scheme in proxies if scheme in ("http", "https", "all"))
    if not catching:
        return Finding("proxy", True, "none is set")
    exceptions = environment.get("no_proxy") or environment.get("NO_PROXY") or ""
    excepted = {name.strip().lower() for name in exceptions.split(",")}
    caught = [] if "*" in excepted else [host for host in ("127.0.0.1", "localhost") if host not in excepted]
    if not caught:
        return Finding("proxy", True, "one is set, and leaves calls to this machine alone")
    detail = f"a proxy ({', '.join(catching)}) would catch calls to {' and '.join(caught)}"
    return Finding("proxy", False, detail, "export NO_PROXY=127.0.0.1,localhost and start JupyterLab again")


def main() -> int:
    """Print the report; the exit code is 1 when something is missing."""
    report = check_room()
    print(report)
    return 0 if report.ok else 1


if __name__ == "__main__":
    sys.exit(main())
