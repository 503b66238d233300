"""Binder builds what a learner installs, keeps that layer when a notebook changes, and stays within its memory."""

from __future__ import annotations

import asyncio
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from traitlets.config import Config
from traitlets.config.loader import PyFileConfigLoader

ROOT = Path(__file__).resolve().parents[1]
BINDER = ROOT / ".binder"
INSTALL = 'pip install --no-cache-dir -r ".binder/requirements.txt"'
THE_REPOSITORY = "COPY --chown=1000:1000 src/ ${REPO_DIR}/"
WITHOUT_REPO2DOCKER = "what Binder would build is asked of repo2docker, which is in tests/requirements.txt"


def pins(path: Path) -> list[str]:
    return [line for line in path.read_text().splitlines() if line and not line.startswith("#")]


def build_pack(folder: Path) -> Any:
    """Return the build pack that repo2docker chooses for a folder, as it chooses it."""
    app = pytest.importorskip("repo2docker.app", reason=WITHOUT_REPO2DOCKER).Repo2Docker()
    before = os.getcwd()
    os.chdir(folder)
    try:
        packs = (pack(app.base_image) for pack in app.buildpacks)
        chosen = next(pack for pack in packs if pack.detect())
        chosen.platform = "linux/amd64"
        chosen.dockerfile = chosen.render({"NB_UID": "1000"})
    finally:
        os.chdir(before)
    return chosen


def test_binder_installs_what_a_learner_installs_and_not_this_folder() -> None:
    assert pins(BINDER / "requirements.txt") == pins(ROOT / "requirements.txt")[:-1]
    assert pins(ROOT / "requirements.txt")[-1] == "-e ."


def test_binder_has_a_python_that_we_support() -> None:
    python = (BINDER / "runtime.txt").read_text().strip()
    assert re.fullmatch(r"python-3\.1[1-4]", python)


def test_repo2docker_chooses_python_of_that_version() -> None:
    chosen = build_pack(ROOT)
    assert type(chosen).__name__ == "PythonBuildPack"
    assert f"python-{chosen.python_version}" == (BINDER / "runtime.txt").read_text().strip()


def test_a_change_to_a_notebook_installs_nothing_again() -> None:
    dockerfile = build_pack(ROOT).dockerfile
    assert dockerfile.count(INSTALL) == 1
    assert dockerfile.index(INSTALL) < dockerfile.index(THE_REPOSITORY)
    assert dockerfile.index("redis-server") < dockerfile.index(THE_REPOSITORY)
    later = dockerfile[dockerfile.index(THE_REPOSITORY) :]
    assert re.findall(r"^RUN (.*)", later, re.M) == [
        "chmod +x .binder/postBuild",
        "./.binder/postBuild",
        'chmod +x "${REPO_DIR}/.binder/start"',
    ]


def test_with_this_folder_among_the_requirements_every_change_would_install_all_again(tmp_path: Path) -> None:
    shutil.copytree(BINDER, tmp_path / ".binder")
    with (tmp_path / ".binder" / "requirements.txt").open("a") as file:
        file.write("-e .\n")
    dockerfile = build_pack(tmp_path).dockerfile
    assert dockerfile.index(INSTALL) > dockerfile.index(THE_REPOSITORY)


def settings() -> Config:
    return PyFileConfigLoader("jupyter_server_config.py", path=str(BINDER)).load_config()


@pytest.mark.thorough
def test_the_kernel_that_is_idle_longest_ends_for_the_memory_of_the_next_one(monkeypatch: pytest.MonkeyPatch) -> None:
    manager_class = settings().ServerApp.kernel_manager_class
    held_mb = [0]
    monkeypatch.setitem(manager_class.start_kernel.__globals__, "memory_mb", lambda: held_mb[0])

    async def story() -> tuple[list[str], set[str]]:
        manager = manager_class()
        started = [await manager.start_kernel() for _ in range(3)]
        for kernel in started:
            manager.get_kernel(kernel).execution_state = "idle"
        manager.get_kernel(started[0]).execution_state = "busy"
        ends = manager.shutdown_kernel

        async def end_and_free(kernel: str, **options: Any) -> None:
            held_mb[0] = 0
            await ends(kernel, **options)

        monkeypatch.setattr(manager, "shutdown_kernel", end_and_free)
        held_mb[0] = 10_000
        started.append(await manager.start_kernel())
        running = set(manager.list_kernel_ids())
        await manager.shutdown_all(now=True)
        return started, running

    (busy, longest_idle, idle, new), running = asyncio.run(story())
    assert running == {busy, idle, new}
    assert longest_idle not in running


@pytest.mark.thorough
def test_post_build_makes_helpers_importable_and_compiles_what_kernels_then_find(tmp_path: Path) -> None:
    clone = tmp_path / "clone"
    clone.mkdir()
    for name in (".binder", ".ci", "helpers", "data"):
        shutil.copytree(ROOT / name, clone / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "README.md", "requirements.txt"):
        shutil.copy(ROOT / name, clone)
    # A Python of its own that has our packages, as the layers before have put them there; helpers aside.
    subprocess.run([sys.executable, "-m", "venv", tmp_path / "env"], check=True)
    python = tmp_path / "env" / "bin" / "python"
    ours, theirs = (
        subprocess.run([each, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"], stdout=-1, text=True)
        for each in (sys.executable, python)
    )
    Path(theirs.stdout.strip(), "layers.pth").write_text(ours.stdout)
    path = f"{python.parent}{os.pathsep}{os.environ['PATH']}"
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")} | {"PATH": path}

    def run(*command: str | Path) -> str:
        done = subprocess.run(command, cwd=clone, env=environment, capture_output=True, text=True, check=False)
        if "hatchling" in done.stderr and os.environ.get("CI") != "true":
            pytest.skip("postBuild fetches what builds this package, and the package index can't be reached")
        assert done.returncode == 0, done.stderr
        return done.stdout

    run("sh", ".binder/postBuild")
    assert (tmp_path / "env" / "etc" / "jupyter" / "jupyter_server_config.py").exists()
    assert (tmp_path / "env" / "share/jupyter/lab/settings/overrides.d/from-racks-to-functions.json").exists()
    program = (
        "from helpers.scaling import Platform, poisson, simulate, loop\n"
        "simulate(poisson(1, 60, seed=2), duration_ms=1, init_ms=1, platform=Platform())\n"
        "kept = [value.stats for value in vars(loop).values() if hasattr(value, 'stats')]\n"
        "hits, misses = (sum(bool(getattr(each, name)) for each in kept) for name in ('cache_hits', 'cache_misses'))\n"
        "print(loop.__file__, hits, misses)"
    )
    file, found, compiled_again = run("sh", ".binder/start", python, "-c", program).split()
    assert Path(file).is_relative_to(clone)
    assert int(found) > 0
    assert int(compiled_again) == 0
