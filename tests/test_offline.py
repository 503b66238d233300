"""An archive for a room without internet: one command installs and runs, or one sentence says why not."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path

import install
import offline
import pytest
import unpacked

ROOT = Path(__file__).resolve().parents[1]
HERE = f"{sys.version_info[0]}.{sys.version_info[1]} {platform.system()} {platform.machine()}"
NOTEBOOK = "notebooks/02_serverless_flips_the_model.ipynb"

pytestmark = pytest.mark.skipif(os.name == "nt", reason="make and sh are for Linux, macOS and WSL")

# Brings up the loopback device of a new network namespace, which needs no program, and becomes the command.
WITH_LOOPBACK = """
import fcntl, os, socket, struct, sys
with socket.socket() as any_socket:
    fcntl.ioctl(any_socket, 0x8914, struct.pack("16sh14x", b"lo", 0x1 | 0x40))
os.execvp(sys.argv[1], sys.argv[1:])
"""


def test_the_oldest_system_is_the_one_that_every_wheel_runs_on() -> None:
    old = "a-1-cp311-cp311-manylinux_2_17_x86_64.manylinux2014_x86_64.whl"
    newer = "b-1-cp311-cp311-manylinux_2_24_x86_64.manylinux_2_28_x86_64.whl"
    assert offline.oldest_system([old, newer, "c-1-py3-none-any.whl"]) == (2, 24)
    assert offline.oldest_system(["d-1-cp313-cp313-macosx_11_0_arm64.whl"]) == (11, 0)


def test_a_fitting_machine_is_not_refused() -> None:
    assert unpacked.refusal(f"{HERE} 0.0") == ""


@pytest.mark.parametrize(
    ("made_for", "said"),
    [
        (f"3.99 {platform.system()} {platform.machine()} 0.0", "is for Python 3.99"),
        (f"{HERE.split()[0]} Plan9 {platform.machine()} 0.0", "on Plan9"),
        (f"{HERE.split()[0]} {platform.system()} m68k 0.0", "m68k: this is Python"),
        (f"{HERE} 99.0", "it needs"),
    ],
)
def test_another_python_processor_or_system_is_refused_in_one_sentence(made_for: str, said: str) -> None:
    answer = unpacked.refusal(made_for)
    assert said in answer
    assert "Remedy: " in answer
    assert len(answer.splitlines()) == 1


def test_a_linux_without_glibc_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unpacked, "system_version", lambda: ("glibc", ""))
    assert "this system has no glibc" in unpacked.refusal(f"{HERE} 2.28")


def start(folder: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("PIP_", "PYTHON", "UV_"))}
    command = ["sh", folder / "start.sh", "--only-install"]
    return subprocess.run(command, env=clean | environment, capture_output=True, text=True, check=False)


def test_start_names_the_python_that_the_wheels_are_for(tmp_path: Path) -> None:
    shutil.copy(ROOT / ".ci" / "start.sh", tmp_path)
    (tmp_path / "wheels").mkdir()
    (tmp_path / "wheels" / "made-for").write_text("3.99 Linux x86_64 2.28\n")
    done = start(tmp_path)
    assert done.returncode == 1
    assert "is for Python 3.99 on Linux x86_64" in done.stderr
    assert "Remedy: install Python 3.99" in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_start_without_its_wheels_says_what_to_do(tmp_path: Path) -> None:
    shutil.copy(ROOT / ".ci" / "start.sh", tmp_path)
    assert "unpack the whole archive" in start(tmp_path).stderr


def test_a_learner_gets_everything_from_the_archive_and_a_tester_the_rest_from_the_network(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(install, "WHEELS", str(tmp_path))
    assert install.where_from(["requirements.txt"]) == ["--find-links", str(tmp_path), "--no-index"]
    assert "--no-index" not in install.where_from(["requirements.txt", "tests/requirements.txt"])
    monkeypatch.setattr(install, "WHEELS", str(tmp_path / "none"))
    assert install.where_from(["requirements.txt"]) == []


def without_a_route() -> list[str]:
    """Return what starts a command in a network namespace of its own; skip where that isn't allowed."""
    enter = ["unshare", "--net"] if os.geteuid() == 0 else ["unshare", "--map-root-user", "--net"]
    command = [*enter, sys.executable, "-c", WITH_LOOPBACK]
    if not shutil.which("unshare") or subprocess.run([*command, "true"], capture_output=True, check=False).returncode:
        pytest.skip("this machine doesn't let us make a network namespace: the room without internet isn't tried")
    return command


@pytest.mark.thorough
def test_in_a_room_without_internet_one_command_installs_and_a_notebook_runs(tmp_path: Path) -> None:
    enter = without_a_route()
    try:
        archive = offline.pack(tmp_path)
    except SystemExit as reason:
        if os.environ.get("CI") == "true":
            raise
        pytest.skip(f"nothing to pack: {reason}")
    with tarfile.open(archive) as files:
        files.extractall(tmp_path, filter="data")
    folder = tmp_path / offline.archive_name()
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("PIP_", "PYTHON", "UV_"))}
    clean |= {"PIP_CONFIG_FILE": os.devnull, "RACKS_TO_FUNCTIONS_PROGRESS": str(tmp_path / "progress.json")}

    def run(*command: str) -> str:
        done = subprocess.run([*enter, *command], cwd=folder, env=clean, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    reach = "import socket\ntry: socket.create_connection(('192.0.2.1', 80), 3)\nexcept OSError as error: print(error)"
    assert "unreachable" in run(sys.executable, "-c", reach)
    python = str(folder / ".venv" / "bin" / "python")
    assert "Ready after" in run("sh", "start.sh", "--only-install")
    assert "This room is ready" in run(python, "-m", "helpers.room")
    assert " passed" in run(python, "-m", "pytest", "-q", "-n", "0", "--nbval", NOTEBOOK)
    assert "Starting JupyterLab" in run("sh", "start.sh", "--version")
