"""Import arrows point down only, and calculations stay pure: the house of helpers/ as its ``__init__`` describes it."""

from __future__ import annotations

import ast
import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
HELPERS = ROOT / "helpers"
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))

FLOORS = {
    0: {"tables", "checks"},
    1: {
        "pricing",
        "scaling",
        "advice",
        "capacity",
        "coldstart",
        "responsibility",
        "history",
        "portability",
        "webhooks",
    },
    2: {"cloud"},
    3: {"show"},
    4: {"learn", "report"},
}
FLOOR_OF = {part: floor for floor, parts in FLOORS.items() for part in parts}
# A part that has no place yet is held to the strictest rules.
CALCULATIONS = 1

# Programs that look at their machine or speak to a network: they use every floor, and no floor uses them.
EDGE_PARTS = {"room"}
EDGE_MODULES = {"helpers.pricing.refresh"}

FILES_AND_PROCESSES = {
    "os",
    "io",
    "pathlib",
    "tempfile",
    "shutil",
    "glob",
    "subprocess",
    "threading",
    "multiprocessing",
    "signal",
    "sqlite3",
}
NETWORK = {
    "socket",
    "urllib",
    "http",
    "requests",
    "httpx",
    "boto3",
    "botocore",
    "moto",
    "asyncio",
    "ssl",
}
CLOCKS = {"time", "sched", "timeit"}
WIDGETS = {"ipywidgets", "anywidget", "IPython", "plotly", "traitlets"}
NOT_IN_A_CALCULATION = FILES_AND_PROCESSES | NETWORK | CLOCKS | WIDGETS
NOT_IN_A_TABLE = NETWORK | CLOCKS | WIDGETS
CALLS_TO_A_CLOCK = {"now", "today", "utcnow"}
CALLS_TO_THE_WORLD = {"open", "print", "input"}

# What a notebook may import besides helpers: what its readers know, or meet in practice.
NOTEBOOK_LIBRARIES = {
    "pandas",
    "numpy",
    "boto3",
    "botocore",
    "plotly",
    "IPython",
    "ipywidgets",
    "math",
    "datetime",
    "time",
    "json",
    "itertools",
    "statistics",
    "collections",
    "pathlib",
    "random",
    "zoneinfo",
    "io",
    "zipfile",
    "hashlib",
    "hmac",
    "requests",
    "tempfile",
    "os",
    "sys",
    "threading",
    "concurrent",
    "decimal",
    "functools",
    "dataclasses",
    "textwrap",
}


@dataclass(frozen=True)
class Import:
    """One imported name: the module it leads to, and whether only type checkers follow it."""

    module: str
    line: int
    typing_only: bool


def part_of(module: str) -> str:
    """Return the room of the house that a module lies in: pricing for helpers.pricing.bill."""
    return module.split(".")[1] if "." in module else ""


def package_of(module: str, modules: frozenset[str]) -> str:
    """Return what one dot means in a module: itself if it is a package, otherwise the package around it."""
    inside = module == "helpers" or any(other.startswith(f"{module}.") for other in modules)
    return module if inside else module.rpartition(".")[0]


def is_edge(module: str) -> bool:
    return part_of(module) in EDGE_PARTS or module in EDGE_MODULES or module.endswith(".__main__")


@cache
def sources() -> dict[str, str]:
    """Return the text of every module of helpers/."""
    found = {}
    for path in sorted(HELPERS.rglob("*.py")):
        parts = path.relative_to(ROOT).with_suffix("").parts
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path.read_text(encoding="utf-8")
    return found


@cache
def known() -> frozenset[str]:
    """Return the names of all modules of helpers/."""
    return frozenset(sources())


@cache
def imports(text: str, modules: frozenset[str], package: str = "helpers") -> tuple[Import, ...]:
    """Return what a module imports, at its top and inside its functions."""
    return tuple(_imports(ast.parse(text), modules, package))


def _imports(tree: ast.Module, modules: frozenset[str], package: str) -> Iterator[Import]:
    typing_only: set[ast.AST] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            typing_only.update(inner for statement in node.body for inner in ast.walk(statement))
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                up = package.split(".")[: len(package.split(".")) - node.level + 1]
                base = ".".join([*up, base] if base else up)
            # `from package import name` leads to a module where there is one of that name
            names = [full if (full := f"{base}.{alias.name}") in modules else base for alias in node.names]
        else:
            continue
        for name in names:
            yield Import(name, node.lineno, node in typing_only)


def faults_of(module: str, text: str, modules: frozenset[str]) -> list[str]:
    """Say which imports and calls of a module its floor doesn't allow."""
    faults = []
    floor = FLOOR_OF.get(part_of(module), CALCULATIONS)
    if module == "helpers" or is_edge(module):
        return faults
    forbidden = {0: NOT_IN_A_TABLE, 1: NOT_IN_A_CALCULATION}.get(floor, set())
    for found in imports(text, modules, package_of(module, modules)):
        there = FLOOR_OF.get(part_of(found.module), CALCULATIONS)
        if found.module.startswith("helpers."):
            if is_edge(found.module):
                faults.append(f"{module}:{found.line} imports {found.module}, which stands at the edge")
            elif there > floor:
                faults.append(f"{module}:{found.line} on floor {floor} imports {found.module} on floor {there}")
        elif found.module.split(".")[0] in forbidden and not found.typing_only:
            faults.append(f"{module}:{found.line} on floor {floor} imports {found.module}")
    if floor == 1:
        faults += [f"{module}:{line} calls {name}" for line, name in impure_calls(text)]
    return faults


def impure_calls(text: str) -> Iterator[tuple[int, str]]:
    """Yield calls that read a clock or touch the world."""
    for node in ast.walk(ast.parse(text)):
        if not isinstance(node, ast.Call):
            continue
        if isinstance(node.func, ast.Attribute) and node.func.attr in CALLS_TO_A_CLOCK:
            yield node.lineno, ast.unparse(node.func)
        if isinstance(node.func, ast.Name) and node.func.id in CALLS_TO_THE_WORLD:
            yield node.lineno, node.func.id


def circle(arrows: dict[str, set[str]]) -> list[str]:
    """Return the modules of one import circle, or nothing."""
    done: set[str] = set()

    def walk(module: str, trail: list[str]) -> list[str]:
        if module in trail:
            return [*trail[trail.index(module) :], module]
        if module in done:
            return []
        for target in sorted(arrows.get(module, ())):
            if found := walk(target, [*trail, module]):
                return found
        done.add(module)
        return []

    return next((found for module in sorted(arrows) if (found := walk(module, []))), [])


def arrows_of(texts: dict[str, str]) -> dict[str, set[str]]:
    modules = frozenset(texts)
    return {
        module: {
            found.module
            for found in imports(text, modules, package_of(module, modules))
            if found.module in modules and not found.typing_only and found.module != module
        }
        for module, text in texts.items()
    }


@pytest.mark.parametrize("module", sources())
def test_a_module_imports_only_what_its_floor_allows(module: str) -> None:
    assert faults_of(module, sources()[module], known()) == []


def test_no_module_imports_itself_through_others() -> None:
    assert circle(arrows_of(sources())) == []


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_imports_from_the_floors_and_from_known_libraries(path: Path) -> None:
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    strange = []
    for cell in cells:
        lines = "".join(cell["source"]).splitlines()
        text = "\n".join("pass" if line.lstrip().startswith(("%", "!")) else line for line in lines)
        if cell["cell_type"] != "code" or (lines and lines[0].startswith("%%")):
            continue
        for found in imports(text, known()):
            part = part_of(found.module)
            inside = found.module.split(".")[0] == "helpers" and found.module not in EDGE_MODULES and part != "checks"
            if not inside and found.module.split(".")[0] not in NOTEBOOK_LIBRARIES:
                strange.append(found.module)
    assert strange == []


VIOLATIONS = {
    "a calculation that draws": ("helpers.pricing.made_up", "from helpers.show import theme"),
    "a table that computes bills": ("helpers.tables", "import helpers.pricing.bill"),
    "a cloud that draws": ("helpers.cloud.session", "from helpers import show"),
    "a calculation that reads files": ("helpers.scaling.made_up", "def f():\n    from pathlib import Path"),
    "a calculation with a widget": ("helpers.advice", "import ipywidgets as w"),
    "a calculation that asks AWS": ("helpers.pricing.made_up", "import boto3"),
    "a calculation that reads the clock": (
        "helpers.pricing.made_up",
        "import datetime\ndatetime.date.today()",
    ),
    "a calculation that prints": ("helpers.capacity", "print(1)"),
    "a table that asks the network": ("helpers.tables.reading", "import urllib.request"),
    "a drawing that uses a program at the edge": ("helpers.show.theme", "from helpers import room"),
    "a relative import upwards": ("helpers.pricing", "from ..show import theme"),
    "a part without a place that prints": ("helpers.attic", "print(1)"),
    "a calculation that imports all of helpers": ("helpers.capacity", "from helpers import learn"),
}


@pytest.mark.parametrize("name", VIOLATIONS)
def test_a_violation_is_caught(name: str) -> None:
    module, text = VIOLATIONS[name]
    modules = frozenset({*sources(), "helpers.show", "helpers.show.theme", "helpers.room"})
    assert len(faults_of(module, text, modules)) == 1


def test_a_circle_is_caught() -> None:
    texts = {
        "helpers.a": "import helpers.b",
        "helpers.b": "def late():\n    from helpers import c",
        "helpers.c": "from helpers.a import x",
    }
    assert circle(arrows_of(texts)) == ["helpers.a", "helpers.b", "helpers.c", "helpers.a"]


def test_an_import_for_type_checkers_closes_no_circle() -> None:
    texts = {
        "helpers.a": "import helpers.b",
        "helpers.b": "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import helpers.a",
    }
    assert circle(arrows_of(texts)) == []
