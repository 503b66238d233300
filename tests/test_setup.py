"""The first command says in one line what stands in its way, and mends what it can; nothing here needs a network."""

from __future__ import annotations

import ast
import json
import os
import re
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from install import explain

ROOT = Path(__file__).resolve().parents[1]
NOWHERE = "http://127.0.0.1:9"  # the discard port: nothing listens

pytestmark = pytest.mark.skipif(os.name == "nt", reason="make and sh are for Linux, macOS and WSL")


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """A copy of what set-up reads, in a folder whose name has a space."""
    folder = tmp_path / "a clone"
    for name in ("tests", "book", "deploy/single"):
        (folder / name).mkdir(parents=True)
    shutil.copytree(ROOT / ".ci", folder / ".ci", ignore=shutil.ignore_patterns("__pycache__"))
    for name in (
        "Makefile",
        "pyproject.toml",
        "requirements.txt",
        "tests/requirements.txt",
        "book/requirements.txt",
        "deploy/single/requirements.txt",
    ):
        shutil.copy(ROOT / name, folder / name)
    return folder


@pytest.fixture
def tools(tmp_path: Path) -> Path:
    """A PATH of its own, with what a bare machine has, and no Python."""
    folder = tmp_path / "bin"
    folder.mkdir()
    for name in ("sh", "uname", "dirname"):
        (folder / name).symlink_to(shutil.which(name))
    return folder


def make_python(folder: Path, name: str, version: str) -> None:
    """Put a program there that says it is this version of Python."""
    program = folder / name
    program.write_text(f"#!/bin/sh\necho {version}\n")
    program.chmod(0o755)


def run(command: list[str], folder: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("PIP_", "PYTHON"))}
    return subprocess.run(command, cwd=folder, env=clean | environment, capture_output=True, text=True, timeout=120)


def setup_in(folder: Path, *, first: str = "", **environment: str) -> subprocess.CompletedProcess[str]:
    """Run setup.py in a folder with this Python, after some lines that change what it finds."""
    program = f"import sys; sys.path.insert(0, '.ci')\n{first}\nimport setup; sys.exit(setup.main(['lab']))"
    return run([sys.executable, "-c", program], folder, **environment)


def one_line(done: subprocess.CompletedProcess[str]) -> str:
    assert done.returncode == 1
    assert len(done.stderr.splitlines()) == 1, done.stderr
    return done.stderr


@pytest.mark.parametrize(
    ("pythons", "environment", "said"),
    [
        ({}, {}, "this machine has none"),
        ({"python3": "3.10"}, {}, "this machine has only 3.10"),
        ({"python3": "3.9", "python": "2.7"}, {}, "this machine has only 3.9 and 2.7"),
        ({"python3": "3.15"}, {}, "this machine has only 3.15"),
        ({"python3.10": "3.10"}, {"PYTHON": "python3.10"}, "PYTHON=python3.10 is Python 3.10"),
        ({}, {"PYTHON": "/no/such/python"}, "PYTHON=/no/such/python is not a program that runs"),
    ],
)
def test_a_machine_without_a_supported_python_hears_the_remedy(
    clone: Path, tools: Path, pythons: dict[str, str], environment: dict[str, str], said: str
) -> None:
    for name, version in pythons.items():
        make_python(tools, name, version)
    answer = one_line(run(["sh", ".ci/setup.sh", "lab"], clone, PATH=str(tools), **environment))
    assert said in answer
    assert "3.11, 3.12, 3.13 or 3.14" in answer
    assert "Remedy: " in answer


def test_the_newest_supported_python_is_chosen(clone: Path, tools: Path) -> None:
    for name, version in (("python3", "3.10"), ("python3.11", "3.11"), ("python3.13", "3.13")):
        make_python(tools, name, version)
    (tools / "python3.13").write_text('#!/bin/sh\n[ "$1" = -c ] && echo 3.13 || echo "chosen: $*"\n')
    done = run(["sh", ".ci/setup.sh", "lab", "tests"], clone, PATH=str(tools))
    assert done.stdout == "chosen: .ci/setup.py lab tests\n"


@pytest.mark.parametrize("name", ["setup.py", "install.py"])
def test_an_old_python_can_read_what_explains_itself_to_it(name: str) -> None:
    ast.parse((ROOT / ".ci" / name).read_text(), feature_version=(3, 6))


def test_a_python_without_venv_is_told_the_package_to_install(clone: Path) -> None:
    answer = one_line(setup_in(clone, first="sys.modules['ensurepip'] = None"))
    assert re.search(r"sudo apt-get install python3\.\d+-venv", answer)
    assert not (clone / ".venv").exists()


def test_an_old_python_is_told_which_ones_do(clone: Path) -> None:
    answer = one_line(setup_in(clone, first="sys.version_info = (3, 9, 1)"))
    assert "3.11, 3.12, 3.13 or 3.14, and this is 3.9" in answer


def test_a_full_disk_is_noticed_before_the_download(clone: Path) -> None:
    answer = one_line(setup_in(clone, first="import install; install.NEEDED_MB = 10**9"))
    assert "MB free" in answer
    assert not (clone / ".venv").exists()


@pytest.mark.thorough
def test_without_a_network_one_line_says_so_and_the_next_call_goes_on(clone: Path) -> None:
    proxies = dict.fromkeys(("HTTPS_PROXY", "HTTP_PROXY", "https_proxy", "http_proxy", "ALL_PROXY"), NOWHERE)
    answer = one_line(setup_in(clone, **proxies, NO_PROXY="", no_proxy="", PIP_CONFIG_FILE=os.devnull))
    assert answer.startswith("The proxy in HTTPS_PROXY")
    assert ".venv/install.log" in answer
    assert not (clone / ".venv" / "unfinished").exists()
    assert not (clone / ".venv" / "installed.json").exists()


@pytest.mark.parametrize(
    ("log", "said"),
    [
        ("OSError: [Errno 28] No space left on device", "The disk is full"),
        ("SSLError(SSLCertVerificationError: CERTIFICATE_VERIFY_FAILED)", "PIP_CERT"),
        (
            "NewConnectionError: Failed: [Errno -2] Name or service not known\nERROR: No matching distribution found",
            "internet",
        ),
        ("ProxyError('Cannot connect to proxy.', timeout())", "HTTPS_PROXY"),
        ("ERROR: Could not install packages: [Errno 13] Permission denied", "make this folder yours"),
        ("error: subprocess-exited-with-error", "no ready build"),
        ("ERROR: No matching distribution found for numpy==9", "mirror"),
        ("thinking\nERROR: something new.\n", "pip stopped: something new."),
        ("", "pip stopped: no message."),
    ],
)
def test_what_pip_says_is_translated(log: str, said: str) -> None:
    assert said in explain(log)
    assert len(explain(log).splitlines()) == 1


@pytest.fixture
def installed(clone: Path) -> Path:
    """A clone whose .venv says that everything is installed."""
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", clone / ".venv"], check=True)
    program = (
        "import sys, json; sys.path.insert(0, '.ci'); import setup\n"
        "stamp = {what: setup.digest(what) for what in setup.REQUIREMENTS} | {'folder': setup.ROOT}\n"
        "json.dump(stamp, open(setup.STAMP, 'w'))"
    )
    subprocess.run([sys.executable, "-c", program], cwd=clone, check=True)
    return clone


def is_ready(folder: Path) -> bool:
    done = run(["sh", ".ci/setup.sh", "lab", "tests"], folder, PATH="/usr/bin:/bin", PYTHON="")
    return done.returncode == 0 and done.stdout == ""


def ask_ready(folder: Path, *whats: str) -> bool:
    return run([sys.executable, ".ci/setup.py", "--ready", *whats], folder).returncode == 0


def test_what_is_installed_is_not_installed_again(installed: Path) -> None:
    assert ask_ready(installed, "lab", "tests", "authoring")
    assert is_ready(installed)


def test_a_changed_requirement_or_range_is_noticed_and_a_changed_lint_rule_is_not(installed: Path) -> None:
    project = installed / "pyproject.toml"
    text = project.read_text()
    project.write_text(text.replace("line-length = ", "line-length = 1"))
    assert ask_ready(installed, "lab")
    project.write_text(text.replace('"boto3>=', '"boto3>'))
    assert not ask_ready(installed, "lab")
    project.write_text(text)
    with (installed / "tests/requirements.txt").open("a") as file:
        file.write("colorama==0.4.6\n")
    assert ask_ready(installed, "lab")
    assert not ask_ready(installed, "tests")


def test_an_interrupted_or_moved_installation_is_not_trusted(installed: Path) -> None:
    moved = installed.with_name("elsewhere")
    installed.rename(moved)
    assert not ask_ready(moved)
    moved.rename(installed)
    assert ask_ready(installed)
    (installed / ".venv" / "unfinished").touch()
    assert not ask_ready(installed)


def whats_wrong(folder: Path, **environment: str) -> str:
    program = "import sys; sys.path.insert(0, '.ci'); import setup; print(setup.whats_wrong_with_venv())"
    return run([sys.executable, "-c", program], folder, **environment).stdout.strip()


def test_a_venv_that_cannot_be_used_is_recognised(installed: Path) -> None:
    assert whats_wrong(installed) == "it has no pip"
    (installed / ".venv" / "unfinished").touch()
    assert whats_wrong(installed) == "an earlier set-up was interrupted"
    (installed / ".venv" / "unfinished").unlink()
    for python in (installed / ".venv" / "bin").glob("python*"):
        python.unlink()
    assert whats_wrong(installed) == "its Python is gone"
    make_python(installed / ".venv" / "bin", "python", "3 9")
    assert whats_wrong(installed) == "its Python 3.9 isn't supported"


def open_lab(*arguments: str) -> subprocess.CompletedProcess[str]:
    return run([sys.executable, ".ci/lab.py", *arguments], ROOT)


def test_a_busy_port_is_named_before_jupyterlab_starts() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert f"Port {port} is taken" in one_line(open_lab("--port", str(port)))


@pytest.mark.parametrize("port", ["many", "0", "70000", "-1", ""])
def test_a_port_that_is_none_is_refused(port: str) -> None:
    assert "PORT must be a number between 1 and 65535" in one_line(open_lab("--port", port))


def test_make_alone_lists_every_target() -> None:
    makefile = (ROOT / "Makefile").read_text()
    targets = set(re.search(r"^\.PHONY: (.*)", makefile, re.M).group(1).split())
    listed = subprocess.run(["make"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert set(re.findall(r"^  make ([a-z-]+) ", listed, re.M)) == targets


def test_jupyterlab_asks_nothing_when_it_opens() -> None:
    settings = json.loads((ROOT / ".ci/jupyterlab-settings.json").read_text())
    notifications = settings["@jupyterlab/apputils-extension:notification"]
    assert notifications == {"fetchNews": "false", "checkForUpdates": False}
