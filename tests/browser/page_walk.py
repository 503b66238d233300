"""A learner's way through a notebook: cell after cell, with a stop at each prediction and each exercise.

All cells between two stops run in one go, as Run All runs them; so by the end each cell has run once, in order, and
the cells of exercises with an answer as well.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from jupyter_page import NotebookPage
from page_exercises import Task, solve, tasks
from page_sheets import predict
from playwright.sync_api import Error

PREDICT = re.compile(r"^predict\(\s*\"(?P<id>[\w.]+)\"", re.MULTILINE)
RECALL = re.compile(r"^recall\(\"(?P<id>[\w.]+)\"", re.MULTILINE)


@dataclass
class Walk:
    """What happened on the way."""

    notebook: NotebookPage
    predictions: dict[str, str] = field(default_factory=dict)
    tasks: list[Task] = field(default_factory=list)
    prediction_faults: list[str] = field(default_factory=list)
    exercise_faults: list[str] = field(default_factory=list)

    def recalled(self) -> list[str]:
        """Say which predictions were not shown beside their result."""
        faults = []
        for cell in self.notebook.cells():
            source = "".join(cell["source"])
            asked = RECALL.search(source) if cell["cell_type"] == "code" else None
            if not asked or asked["id"] not in self.predictions:
                continue
            shown = self.notebook.cell(cell["id"]).locator(".jp-OutputArea").first.inner_text()
            kept = self.predictions[asked["id"]].split(" ")[0]
            if not re.search(rf"You predicted:? {re.escape(kept)}", shown):
                faults.append(f"cell {cell['id']}: {kept!r} was predicted, and the page says {shown[:200]!r}")
        return faults


def walk(notebook: NotebookPage) -> Walk:
    """Run a notebook from top to bottom, predicting and solving on the way."""
    cells = notebook.cells()
    way = Walk(notebook, tasks=tasks(cells))
    at_cell = {task.cell_id: task for task in way.tasks}
    notebook.js("async () => { await window.jupyterapp.commands.execute('notebook:clear-all-cell-outputs'); }")
    start = 0
    for position, cell in enumerate(cells):
        if cell["cell_type"] != "code":
            continue
        asked = PREDICT.search("".join(cell["source"]))
        task = at_cell.get(cell["id"])
        last = position == len(cells) - 1 or not any(later["cell_type"] == "code" for later in cells[position + 1 :])
        if not (asked or task or last):
            continue
        notebook.run_range(start, position)
        start = position + 1
        try:
            if asked:
                kept, faults = predict(notebook, cell["id"])
                way.prediction_faults += faults
                way.predictions[asked["id"]] = kept
            if task:
                way.exercise_faults += solve(notebook, task)
        except Error as error:
            faults = way.exercise_faults if task else way.prediction_faults
            faults.append(f"cell {cell['id']}: {error.message.splitlines()[0]}")
    notebook.settle()
    return way
