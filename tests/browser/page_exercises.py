"""The exercises of a page: a wrong answer typed into the cell is explained, the code of the solution is accepted."""

from __future__ import annotations

import re
from dataclasses import dataclass

from jupyter_page import NotebookPage

from helpers.learn import registry
from helpers.learn.exercise import Exercise

CHECK = re.compile(r"^check\(\"(?P<id>\d\d\.\d+)\", (?P<answer>.+)\)$", re.MULTILINE)
SOLUTION = re.compile(r"^solution\((\"\d\d\.\d+\")", re.MULTILINE)
FAR_OFF = 987_654_321

# What is typed where the answer is neither a number nor a choice: a first try that runs and misses the point.
_ANSWERS_NOTHING = '"""\ndef handler(event, context):\n    return {}\n"""'
FIRST_TRIES = {
    "02.1": _ANSWERS_NOTHING,
    "02.2": _ANSWERS_NOTHING,
    "04.1": '{"HealthCheckType": "EC2", "HealthCheckGracePeriod": 0}',
    "04.2": '{"Version": "2012-10-17", "Statement": []}',
    "04.3": '"python3.13", "def handler(event, context):\\n    return 1"',
    "07.1": _ANSWERS_NOTHING,
    "07.2": _ANSWERS_NOTHING,
    "07.3": _ANSWERS_NOTHING,
    "07.4": '("cron(0 3 * * ? *)", "UTC")',
    "07.5": _ANSWERS_NOTHING,
    "07.6": '{"BatchSize": 8}',
    "07.7": _ANSWERS_NOTHING,
    "08.1": _ANSWERS_NOTHING,
    "09.3": _ANSWERS_NOTHING,
    "09.4": '"import boto3"',
}


@dataclass(frozen=True)
class Task:
    """One exercise of a notebook: where its answer goes, and what its solution is."""

    id: str
    cell_id: str
    source: str
    solution: str

    def with_wrong_answer(self) -> str:
        """Return the cell with a wrong answer in place of the dots."""
        wrong = FIRST_TRIES.get(self.id) or _wrong(registry.find(self.id))
        typed, count = re.subn(r"(= |return )\.\.\.(, \.\.\.)?", lambda found: found[1] + wrong, self.source, count=1)
        assert count == 1, f"exercise {self.id} has no dots to replace"
        return typed

    def with_right_answer(self) -> str:
        """Return the solution, held against the check as an answer is."""
        return SOLUTION.sub(r"check(\1", self.solution)


def _wrong(exercise: Exercise) -> str:
    if exercise.kind != "choice":
        return str(FAR_OFF)
    expected = exercise.expected()
    several = isinstance(expected, set | frozenset | list | tuple)
    wrong = next(choice for choice in exercise.choices if choice not in (expected if several else [expected]))
    return repr({wrong}) if several else repr(wrong)


def tasks(cells: list[dict]) -> list[Task]:
    """Return the exercises of a notebook, in order."""
    found, open_task = [], None
    for cell in cells:
        source = "".join(cell["source"])
        if cell["cell_type"] != "code":
            continue
        if open_task and SOLUTION.search(source):
            found.append(Task(*open_task, source))
            open_task = None
        elif asked := CHECK.search(source):
            open_task = (asked["id"], cell["id"], source)
    return found


def solve(notebook: NotebookPage, task: Task) -> list[str]:
    """Answer an exercise wrong, then right; return what is wrong about what the page says."""
    faults = []
    for source, marks, says in (
        (task.with_wrong_answer(), "✗!", ("not yet.", "can't be checked yet.")),
        (task.with_right_answer(), "✓", ("right.",)),
    ):
        outputs = notebook.type_and_run(task.cell_id, source)
        where = f"exercise {task.id}, cell {task.cell_id}"
        faults += [f"{where}: {one['ename']}: {one['evalue']}" for one in outputs if one["output_type"] == "error"]
        shown = notebook.cell(task.cell_id).locator(".jp-OutputArea").first.inner_text()
        said = next((line for line in shown.splitlines() if f"Exercise {task.id} · " in line), "")
        if not said or said[0] not in marks or not said.endswith(says):
            faults.append(f"{where}: after {source.splitlines()[0]!r}… the page says {said or shown!r}")
        elif marks != "✓" and len(shown.split()) < 12:
            faults.append(f"{where}: {shown!r} does not help")
    return faults
