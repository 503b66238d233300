"""The requirements files answer pyproject.toml on every Python and platform; checked without a network."""

import json
import subprocess
import sys
import tomllib
from itertools import product
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
LINUX = {"sys_platform": "linux", "platform_system": "Linux", "os_name": "posix"}
MACOS = {"sys_platform": "darwin", "platform_system": "Darwin", "os_name": "posix"}
ENVIRONMENTS = [
    {
        **system,
        "platform_machine": machine,
        "python_version": python,
        "python_full_version": f"{python}.{patch}",
        "implementation_name": "cpython",
        "platform_python_implementation": "CPython",
        "extra": "",
    }
    for (system, machine), (python, patch) in product(
        [(LINUX, "x86_64"), (LINUX, "aarch64"), (MACOS, "x86_64"), (MACOS, "arm64")],
        [("3.11", 0), ("3.11", 9), ("3.12", 3), ("3.13", 0), ("3.14", 0)],
    )
]
NAMES = [f"{e['sys_platform']}-{e['platform_machine']}-{e['python_full_version']}" for e in ENVIRONMENTS]
GROUPS = PROJECT["dependency-groups"]
FILES = {
    "requirements.txt": PROJECT["project"]["dependencies"],
    "tests/requirements.txt": PROJECT["project"]["dependencies"] + GROUPS["tests"],
    ".ci/requirements.txt": PROJECT["project"]["dependencies"] + GROUPS["authoring"],
    "book/requirements.txt": PROJECT["project"]["dependencies"] + GROUPS["book"],
}


def lines(file: str) -> list[str]:
    return [line for line in (ROOT / file).read_text().splitlines() if line and not line.startswith("#")]


def pins(file: str) -> list[Requirement]:
    return [Requirement(line) for line in lines(file) if line != "-e ."]


def applying(file: str, environment: dict[str, str]) -> dict[str, str]:
    """Return name and version of what ``file`` installs there, on top of requirements.txt."""
    found: dict[str, str] = {}
    for source in dict.fromkeys(["requirements.txt", file]):
        for pin in pins(source):
            if pin.marker is None or pin.marker.evaluate(environment):
                name = canonicalize_name(pin.name)
                assert name not in found, f"{name} is pinned twice"
                found[name] = next(iter(pin.specifier)).version
    return found


@pytest.mark.parametrize("file", FILES)
@pytest.mark.parametrize("environment", ENVIRONMENTS, ids=NAMES)
def test_every_range_in_pyproject_has_a_pin_inside_it(file: str, environment: dict[str, str]) -> None:
    installed = applying(file, environment)
    for text in FILES[file]:
        wanted = Requirement(text)
        if wanted.marker is None or wanted.marker.evaluate(environment):
            version = installed.get(canonicalize_name(wanted.name))
            assert version, f"{file} doesn't pin {wanted.name}: run make requirements"
            assert version in wanted.specifier, f"{file} pins {wanted.name} {version}: run make requirements"


@pytest.mark.parametrize("file", FILES)
def test_every_line_pins_one_exact_version(file: str) -> None:
    for pin in pins(file):
        operators = [specifier.operator for specifier in pin.specifier]
        assert operators == ["=="], f"{pin} isn't exact"
        assert pin.url is None, f"{pin} names an address"


def test_only_the_learners_file_installs_helpers_and_does_so_last() -> None:
    assert [file for file in FILES if "-e ." in lines(file)] == ["requirements.txt"]
    assert lines("requirements.txt")[-1] == "-e ."


def test_the_supported_pythons_are_those_that_are_checked() -> None:
    from packaging.specifiers import SpecifierSet

    supported = SpecifierSet(PROJECT["project"]["requires-python"])
    minors = [f"3.{minor}" for minor in range(30) if f"3.{minor}.0" in supported]
    assert minors == sorted({environment["python_version"] for environment in ENVIRONMENTS}, key=minors.index)


def test_a_range_that_no_pin_answers_is_noticed() -> None:
    installed = applying("requirements.txt", ENVIRONMENTS[0])
    assert installed["pandas"] not in Requirement("pandas<3").specifier
    assert "no-such-package" not in installed


def test_no_requirement_compiles_grammars_at_import() -> None:
    everything = {canonicalize_name(pin.name) for file in FILES for pin in pins(file)}
    assert everything.isdisjoint({"lark", "rfc3987-syntax"})


@pytest.mark.parametrize("package", ["nbformat", "plotly.io", "jupyter_events"])
def test_what_every_kernel_imports_starts_without_grammars(package: str) -> None:
    program = (
        f"import json, sys, {package}; print(json.dumps([m for m in ('lark', 'rfc3987_syntax') if m in sys.modules]))"
    )
    answer = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert json.loads(answer.stdout) == []
