"""A handout has no solutions and everything else; a notebook with all of this passes nbval, also the second time."""

import json
import os
import subprocess
import sys
from pathlib import Path

import handout
import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from helpers.learn import store

REPOSITORY = Path(__file__).resolve().parents[1]

CELLS = [
    "from helpers.learn import check, hint, predict, progress, quiz, recall, solution",
    'predict("example.a", "What does it cost?", unit="USD a month", low=0)',
    'recall("example.a", 2.73)',
    'my_answer = ...  # replace the dots\ncheck("example.1", my_answer)',
    'def my_bill(requests, memory_mb):\n    ...\n\n\ncheck("example.2", my_bill)',
    'quiz("example")',
    "progress()",
]
SOLUTION = (
    "from helpers.pricing import lambda_bill\n"
    'solution("example.1", lambda_bill(requests=3e6, duration_ms=120, memory_mb=1536).invoice_total)'
)


def a_notebook():
    cells = [new_markdown_cell("# A notebook"), *map(new_code_cell, CELLS)]
    hidden = {"tags": ["solution"], "jupyter": {"source_hidden": True}}
    cells.append(new_code_cell(SOLUTION, metadata=hidden))
    cells.append(new_markdown_cell("And why.", metadata={"tags": ["solution"]}))
    return new_notebook(cells=cells, metadata={"kernelspec": {"name": "python3", "display_name": "Python 3"}})


def test_a_handout_leaves_out_the_solutions_and_keeps_outputs(tmp_path):
    notebook = a_notebook()
    notebook.cells[1].outputs = [nbformat.v4.new_output("stream", text="hello")]
    (tmp_path / "in").mkdir()
    nbformat.write(notebook, tmp_path / "in" / "06_a.ipynb")
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "old.ipynb").touch()
    (tmp_path / "out" / "notes.txt").touch()
    assert handout.write_handout(tmp_path / "in", tmp_path / "out") == ["06_a: 2 solutions left out"]
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["06_a.ipynb", "notes.txt"]
    copy = nbformat.read(tmp_path / "out" / "06_a.ipynb", as_version=4)
    nbformat.validate(copy)
    assert [cell.source for cell in copy.cells] == ["# A notebook", *CELLS]
    assert copy.cells[1].outputs[0].text == "hello"


def test_a_solution_without_its_tag_stops_the_handout(tmp_path):
    notebook = a_notebook()
    notebook.cells[-2].metadata = {}
    nbformat.write(notebook, tmp_path / "06_a.ipynb")
    with pytest.raises(SystemExit, match=r"06_a.ipynb: cell .* shows a solution and has no tag 'solution'"):
        handout.write_handout(tmp_path, tmp_path / "out")


def test_a_handout_never_takes_the_notebooks_place(tmp_path):
    with pytest.raises(SystemExit, match="a folder of its own"):
        handout.write_handout(tmp_path, tmp_path)


@pytest.mark.thorough
def test_run_all_of_a_stored_notebook_passes_and_neither_reads_nor_writes_the_learners_progress(tmp_path, monkeypatch):
    """Execute with a progress file full of answers; store; compare under nbval, where no such file may matter."""
    from nbclient import NotebookClient

    (tmp_path / "conftest.py").write_text((REPOSITORY / "notebooks" / "conftest.py").read_text())
    mine = tmp_path / "mine.json"
    notebook = a_notebook()
    monkeypatch.setenv(store.VARIABLE, str(tmp_path / "authors.json"))
    NotebookClient(notebook, timeout=120, kernel_name="python3", store_widget_state=False).execute()
    assert not (tmp_path / "authors.json").exists(), "running everything as it comes counts as nothing"
    nbformat.write(notebook, tmp_path / "06_a.ipynb")
    learners = {
        "version": 1,
        "exercises": {"example.1": {"solved": "2026-01-01T00:00:00.000Z"}},
        "quizzes": {},
        "predictions": {"example.a": {"value": 12, "unit": "USD a month", "at": "2026-01-01T00:00:00.000Z"}},
    }
    mine.write_text(json.dumps(learners))
    options = ["-q", "-p", "no:cacheprovider", "-c", os.devnull, "--rootdir", str(tmp_path)]
    ran = subprocess.run(
        [sys.executable, "-m", "pytest", "--nbval", *options, "06_a.ipynb"],
        env={**os.environ, store.VARIABLE: str(mine), "PYTHONPATH": str(REPOSITORY)},
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    assert ran.returncode == 0, ran.stdout[-3000:]
    assert json.loads(mine.read_text()) == learners
