"""A stored notebook taken apart for tests: its sections, its prose, its code, and how long a reader needs for them."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
FOLDER = ROOT / "notebooks"
PATHS = sorted(FOLDER.glob("*.ipynb"))

# How long a reader needs, beside the exercises, which say their own minutes. Technical prose is read at some 200 words
# a minute; a line of code takes two seconds, a figure a quarter of a minute, a prediction and a question of a quiz
# half a minute each, an explorer a minute. Fine print is there to look something up in, and is not counted.
WORDS_A_MINUTE = 200
SECONDS = {"line": 2, "figure": 15, "prediction": 30, "explorer": 60, "question": 30}

EXERCISE = re.compile(r"^### Exercise (?P<id>\d\d\.\d+) · (?P<title>.+) \((?P<minutes>\d+) minutes?\)$", re.MULTILINE)
MINUTES = re.compile(
    r"^\*(?P<read>\d+) minutes to read and run, (?P<do>\d+) for the exercises"
    r"(?:, (?P<quiz>\d+) for the quiz(?:zes)?)? · "
)
ASIDE = ("Fine print", "Check yourself")  # sections that are not read from top to bottom


@dataclass(frozen=True)
class Cell:
    """One cell, and the section that it stands in."""

    raw: dict[str, Any]
    section: str
    in_exercise: bool

    @property
    def id(self) -> str:
        return self.raw["id"]

    @property
    def is_code(self) -> bool:
        return self.raw["cell_type"] == "code"

    @cached_property
    def source(self) -> str:
        return "".join(self.raw["source"])

    @property
    def tags(self) -> set[str]:
        return set(self.raw["metadata"].get("tags", []))

    @property
    def outputs(self) -> list[dict[str, Any]]:
        return self.raw.get("outputs", [])

    @property
    def lines(self) -> int:
        return sum(bool(line.strip()) for line in self.source.splitlines()) if self.is_code else 0

    @property
    def words(self) -> int:
        """Words of prose, the addresses of links left out."""
        return 0 if self.is_code else len(re.sub(r"\]\([^)]*\)", "]", self.source).split())


@dataclass(frozen=True)
class Notebook:
    """One notebook's cells, and what stands where."""

    path: Path
    cells: tuple[Cell, ...]

    @property
    def number(self) -> str:
        return self.path.name[:2]

    @property
    def code(self) -> list[Cell]:
        return [cell for cell in self.cells if cell.is_code]

    @property
    def prose(self) -> list[Cell]:
        return [cell for cell in self.cells if not cell.is_code]

    @cached_property
    def text(self) -> str:
        return "\n\n".join(cell.source for cell in self.prose)

    @cached_property
    def program(self) -> str:
        return "\n".join(cell.source for cell in self.code)

    def section(self, title: str) -> str:
        """Return the prose of one section, "" if there is none of that title."""
        return "\n\n".join(cell.source for cell in self.prose if cell.section == title)

    @property
    def title_line(self) -> str:
        """The line in italics under the title: minutes, place in the lesson, Binder."""
        lines = self.cells[0].source.splitlines()
        return next((line for line in lines if line.startswith("*") and not line.startswith("**")), "")

    @property
    def exercises(self) -> dict[str, int]:
        """Minutes of each exercise, by its number."""
        return {found["id"]: int(found["minutes"]) for found in EXERCISE.finditer(self.text)}

    @property
    def quizzes(self) -> list[str]:
        """The names of its quizzes, in order."""
        return re.findall(r"^quiz\(\"(\w+)\"\)", self.program, re.MULTILINE)

    @property
    def minutes_to_read(self) -> float:
        """Measured minutes for prose, code, figures, predictions and explorers, exercises and fine print aside."""
        flow = [cell for cell in self.cells if cell.section not in ASIDE]
        words = sum(
            len(re.split(r"^### Exercise", cell.source, flags=re.MULTILINE)[0].split())
            for cell in flow
            if not cell.is_code
        )
        shown = [cell for cell in flow if cell.is_code and not cell.in_exercise]
        code = "\n".join(cell.source for cell in shown)
        counts = {
            "line": sum(cell.lines for cell in shown),
            "figure": sum("image/png" in output.get("data", {}) for cell in shown for output in cell.outputs),
            "prediction": len(re.findall(r"\bpredict\(", code)),
            "explorer": len(re.findall(r"\bExplorer\(", code)),
        }
        return words / WORDS_A_MINUTE + sum(SECONDS[what] * count for what, count in counts.items()) / 60

    @property
    def minutes_of_quiz(self) -> float:
        """Measured minutes for the quizzes."""
        paths = [ROOT / "data" / "quizzes" / f"{name}.json" for name in self.quizzes]
        questions = sum(len(json.loads(path.read_text(encoding="utf-8"))["questions"]) for path in paths)
        return questions * SECONDS["question"] / 60

    @property
    def minutes_stated(self) -> dict[str, int]:
        """What the line under the title says: read, do, quiz."""
        found = MINUTES.match(self.title_line)
        return {name: int(value or 0) for name, value in found.groupdict().items()} if found else {}


@cache
def notebook(path: Path) -> Notebook:
    """Read a stored notebook."""
    section, in_exercise, cells = "", False, []
    for raw in json.loads(path.read_text(encoding="utf-8"))["cells"]:
        source = "".join(raw["source"])
        if raw["cell_type"] == "markdown":
            headings = re.findall(r"^## (.+)$", source, re.MULTILINE)
            section = re.sub(r"^\d+\. ", "", headings[-1]) if headings else section
            in_exercise = bool(EXERCISE.search(source))
        cells.append(Cell(raw, section, in_exercise or "solution" in raw["metadata"].get("tags", [])))
    return Notebook(path, tuple(cells))
