"""What GitHub runs is well-formed, calls what exists here, and covers what we promise; asked without GitHub."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[1]
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
NAMES = [path.stem for path in WORKFLOWS]
PYTHONS = {"3.11", "3.12", "3.13", "3.14"}

pytestmark = pytest.mark.skipif(os.name == "nt", reason="the scripts are for Linux, macOS and WSL")


def read(name: str) -> dict[Any, Any]:
    return yaml.safe_load((ROOT / ".github" / "workflows" / f"{name}.yml").read_text())


def commands(name: str) -> list[str]:
    """Return what a workflow's steps run, line by line."""
    steps = [step for job in read(name)["jobs"].values() for step in job["steps"]]
    return [line for step in steps for line in step.get("run", "").splitlines()]


def faults(*paths: Path) -> str:
    pytest.importorskip("check_jsonschema", reason="GitHub's schema comes with tests/requirements.txt")
    check = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.github-workflows"]
    done = subprocess.run([*check, *paths], capture_output=True, text=True, check=False)
    return done.stdout if done.returncode else ""


def test_every_workflow_has_the_form_that_github_asks_for() -> None:
    assert faults(*WORKFLOWS) == ""


@pytest.mark.thorough
def test_a_workflow_with_a_misspelt_word_is_noticed(tmp_path: Path) -> None:
    wrong = tmp_path / "wrong.yml"
    wrong.write_text((ROOT / ".github/workflows/ci.yml").read_text().replace("runs-on", "run-on"))
    assert "run-on" in faults(wrong)


@pytest.mark.parametrize("name", NAMES)
def test_what_a_workflow_calls_exists(name: str) -> None:
    text = "\n".join(commands(name))
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.M))
    assert set(re.findall(r"^make ([a-z-]+)", text, re.M)) <= targets
    for path in re.findall(r"(?<!\S)\.ci/\S+", text):
        assert (ROOT / path).exists(), path
    for module in re.findall(r"-m (helpers\.\S+)", text):
        assert (ROOT / f"{module.replace('.', '/')}.py").exists(), module


@pytest.mark.parametrize("name", NAMES)
def test_a_workflow_may_read_and_says_where_it_does_more(name: str) -> None:
    assert read(name)["permissions"] == {"contents": "read"}


@pytest.mark.parametrize("name", NAMES)
def test_every_action_has_a_version(name: str) -> None:
    used = [step["uses"] for job in read(name)["jobs"].values() for step in job["steps"] if "uses" in step]
    assert [action for action in used if not re.fullmatch(r"[\w./-]+@v\d+", action)] == []


def test_every_week_each_supported_python_is_tried_on_linux_and_macos() -> None:
    supported = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["requires-python"]
    assert supported == ">=3.11,<3.15"
    matrix = read("weekly")["jobs"]["pinned"]["strategy"]["matrix"]
    assert set(matrix["python"]) == PYTHONS
    assert set(matrix["os"]) == {"ubuntu-latest", "macos-latest"}


def test_every_release_has_an_archive_for_each_supported_python() -> None:
    assert set(read("release")["jobs"]["archive"]["strategy"]["matrix"]["python"]) == PYTHONS


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """A clone with a file of prices, whose origin is a folder, and a `gh` that writes down what it is asked."""
    origin, folder = tmp_path / "origin.git", tmp_path / "clone"
    git(tmp_path, "init", "--quiet", "--bare", str(origin))
    git(tmp_path, "init", "--quiet", "--initial-branch=main", str(folder))
    git(folder, "remote", "add", "origin", str(origin))
    (folder / "prices.csv").write_text("1\n")
    git(folder, "add", "prices.csv")
    git(folder, "-c", "user.name=a", "-c", "user.email=a@example.org", "commit", "--quiet", "--message", "prices")
    gh = tmp_path / "bin" / "gh"
    gh.parent.mkdir()
    gh.write_text(f'#!/bin/sh\n[ "$2" = list ] && cat {tmp_path}/open 2>/dev/null\necho "$*" >>{tmp_path}/asked\n')
    gh.chmod(0o755)
    return folder


def git(folder: Path, *arguments: str) -> str:
    return subprocess.run(["git", *arguments], cwd=folder, check=True, capture_output=True, text=True).stdout


def propose(clone: Path) -> str:
    """Offer what changed; return what `gh` was asked, without the question what is open."""
    path = f"{clone.parent / 'bin'}{os.pathsep}{os.environ['PATH']}"
    command = ["sh", ROOT / ".ci" / "propose.sh", "prices", "Prices of today", "text.md"]
    subprocess.run(command, cwd=clone, env=os.environ | {"PATH": path}, check=True, capture_output=True)
    asked = clone.parent / "asked"
    return asked.read_text().splitlines()[-1] if asked.exists() else ""


def test_a_price_that_moved_becomes_a_pull_request(clone: Path) -> None:
    (clone / "prices.csv").write_text("2\n")
    assert propose(clone) == "pr create --head prices --title Prices of today --body-file text.md"
    assert git(clone, "show", "origin/prices:prices.csv") == "2\n"


def test_what_moves_before_anybody_merged_replaces_what_was_offered(clone: Path) -> None:
    (clone / "prices.csv").write_text("2\n")
    propose(clone)
    (clone.parent / "open").write_text("7\n")
    git(clone, "switch", "--quiet", "main")
    (clone / "prices.csv").write_text("3\n")
    assert propose(clone) == "pr edit prices --title Prices of today --body-file text.md"
    assert git(clone, "show", "origin/prices:prices.csv") == "3\n"
    assert git(clone, "rev-list", "--count", "main..prices").strip() == "1"


def test_when_nothing_moved_nothing_is_offered(clone: Path) -> None:
    assert propose(clone) == ""
    assert git(clone, "branch", "--list", "prices") == ""
