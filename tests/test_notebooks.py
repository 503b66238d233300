"""What must hold of every stored notebook, so that strict comparison means something and readers can trust it."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterator
from pathlib import Path
from statistics import median
from typing import Any

import nbformat
import pytest
from docpages import anchor
from normalise import LARGEST_NOTEBOOK_BYTES, MEASUREMENT, PLOTLY, PNG, WIDGET, as_text, bundles, normalised

FOLDER = Path(__file__).resolve().parents[1] / "notebooks"
PATHS = sorted(FOLDER.glob("*.ipynb"))
UNCOMPARED = {"nbval-ignore-output", "nbval-skip"}
MOST_LINES = 15
LINES_OF_NEARLY_ALL = 10
# A path of one machine, or an object's address: both differ for the next reader.
PERSONAL = re.compile(r"(?<![\w.])/(?:home|Users|root|tmp|private|work)/[\w.]|[A-Z]:\\Users\\|\bat 0x[0-9a-f]{6,}")

pytestmark = pytest.mark.parametrize("path", PATHS, ids=lambda path: path.stem)


def cells(path: Path, kind: str = "code") -> list[dict[str, Any]]:
    notebook = json.loads(path.read_text(encoding="utf-8"))
    return [cell for cell in notebook["cells"] if cell["cell_type"] == kind]


def source(cell: dict[str, Any]) -> str:
    return "".join(cell["source"])


def tags(cell: dict[str, Any]) -> set[str]:
    return set(cell["metadata"].get("tags", []))


def outputs(path: Path) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
    for cell in cells(path):
        for output in cell["outputs"]:
            yield cell, output


def lines(cell: dict[str, Any]) -> int:
    return sum(bool(line.strip()) for line in source(cell).splitlines())


CARDS = {"as_of", "check", "hint", "predict", "progress", "quiz", "recall", "solution"}


def test_a_card_is_what_its_cell_shows(path: Path) -> None:
    unseen = [
        (cell["id"], step.value.func.id)
        for cell in cells(path)
        for step in ast.parse(source(cell)).body[:-1]
        if isinstance(step, ast.Expr) and isinstance(step.value, ast.Call) and isinstance(step.value.func, ast.Name)
        if step.value.func.id in CARDS
    ]
    assert unseen == [], "a cell shows its last expression only"


def test_it_is_in_normal_form(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    same = as_text(normalised(nbformat.reads(text, as_version=4))) == text
    assert same, f"make notebooks ARGS={path.stem} puts it in order"


def test_it_is_valid_and_its_cells_have_names_of_their_own(path: Path) -> None:
    # as stored: nbformat's reader gives a second cell of one name another, and says nothing
    notebook = json.loads(path.read_text(encoding="utf-8"))
    names = [cell["id"] for cell in notebook["cells"]]
    assert len(set(names)) == len(names)
    nbformat.validate(nbformat.from_dict(notebook))


def test_every_code_cell_ran_in_order(path: Path) -> None:
    # nbval compares nothing of a cell that has no count
    counts = [cell["execution_count"] for cell in cells(path)]
    assert counts == list(range(1, len(counts) + 1))


def test_no_cell_is_empty_or_skipped(path: Path) -> None:
    assert [cell["id"] for cell in cells(path) if not source(cell).strip() or "nbval-skip" in tags(cell)] == []
    assert "NBVAL_SKIP" not in path.read_text(encoding="utf-8")


def test_no_cell_failed_or_complained(path: Path) -> None:
    wrong = [cell["id"] for cell, output in outputs(path) if output["output_type"] == "error"]
    assert wrong == []
    complaints = [cell["id"] for cell, output in outputs(path) if output.get("name") == "stderr"]
    assert complaints == []


def test_no_widget_state_is_stored(path: Path) -> None:
    notebook = json.loads(path.read_text(encoding="utf-8"))
    assert "widgets" not in notebook["metadata"]
    assert [cell["id"] for cell, output in outputs(path) if WIDGET in output.get("data", {})] == []


def test_every_rich_output_says_in_words_what_it_shows(path: Path) -> None:
    silent = [
        cell["id"]
        for cell, output in outputs(path)
        if "data" in output and not "".join(output["data"].get("text/plain", "")).strip()
    ]
    assert silent == []


def test_every_figure_has_a_picture_and_a_sentence(path: Path) -> None:
    for data in bundles(json.loads(path.read_text(encoding="utf-8"))):
        assert PNG in data, "make notebooks draws it"
        sentence = "".join(data["text/plain"]).strip()
        assert " " in sentence, f"not a sentence: {sentence!r}"
        assert not sentence.startswith(("Figure(", "FigureWidget(", "<")), f"not a sentence: {sentence!r}"


def test_figures_hold_plain_lists(path: Path) -> None:
    # a NumPy array is stored as base64, which nobody can review and whose last bit differs
    for data in bundles(json.loads(path.read_text(encoding="utf-8"))):
        assert '"bdata"' not in json.dumps(data[PLOTLY])


def test_no_text_of_a_figure_has_two_dollar_signs(path: Path) -> None:
    # JupyterLab reads what stands between them as a formula, and the text vanishes; a stored picture does not show it
    def texts(part: Any) -> Iterator[str]:
        if isinstance(part, str):
            yield part
        elif isinstance(part, dict | list):
            for each in part.values() if isinstance(part, dict) else part:
                yield from texts(each)

    for data in bundles(json.loads(path.read_text(encoding="utf-8"))):
        assert [text for text in texts(data[PLOTLY]) if text.count("$") > 1] == []


def test_prose_has_no_dollar_signs(path: Path) -> None:
    # for the same reason: amounts in prose are written in words
    assert [cell["id"] for cell in cells(path, "markdown") if re.search(r"(?<!\\)\$", source(cell))] == []


def test_no_code_ends_in_a_semicolon(path: Path) -> None:
    assert [cell["id"] for cell in cells(path) if source(cell).rstrip().endswith(";")] == []


def test_cells_are_short(path: Path) -> None:
    shown = [cell for cell in cells(path) if not cell["metadata"].get("jupyter", {}).get("source_hidden")]
    lengths = [lines(cell) for cell in shown]
    assert max(map(lines, cells(path))) <= MOST_LINES  # collapsed solutions included
    assert sum(length <= LINES_OF_NEARLY_ALL for length in lengths) >= 0.98 * len(lengths)
    assert median(lengths) <= 5


def test_its_size_stays_below_a_megabyte(path: Path) -> None:
    assert path.stat().st_size < LARGEST_NOTEBOOK_BYTES


def test_nothing_stored_belongs_to_one_machine(path: Path) -> None:
    for cell, output in outputs(path):
        words = {mime: value for mime, value in output.get("data", {}).items() if mime != PNG}
        found = PERSONAL.search(json.dumps([words, output.get("text", "")], ensure_ascii=False))
        assert not found or tags(cell) & UNCOMPARED, f"cell {cell['id']}: {found.group()}"
    assert not PERSONAL.search("".join(map(source, cells(path)))), "a path of one machine in the code"


def test_a_measurement_is_not_compared(path: Path) -> None:
    assert [cell["id"] for cell in cells(path) if MEASUREMENT in tags(cell) and not tags(cell) & UNCOMPARED] == []


def test_what_is_not_compared_is_asserted(path: Path) -> None:
    # varying output: the cell itself, or the one after it, asserts what must hold
    everything = cells(path)
    unheld = [
        cell["id"]
        for cell, following in zip(everything, [*everything[1:], None], strict=True)
        if tags(cell) & UNCOMPARED
        and "assert " not in source(cell)
        and (following is None or "assert " not in source(following))
    ]
    assert unheld == []


def test_it_opens_with_one_title(path: Path) -> None:
    headings = [line for cell in cells(path, "markdown") for line in source(cell).splitlines() if line.startswith("# ")]
    first = json.loads(path.read_text(encoding="utf-8"))["cells"][0]
    assert len(headings) == 1
    assert first["cell_type"] == "markdown"
    assert source(first).startswith("# ")


def test_its_links_to_files_lead_somewhere(path: Path) -> None:
    text = "\n".join(source(cell) for cell in cells(path, "markdown"))
    local = re.findall(r"\]\((?!https?:|#|mailto:|attachment:)([^)#\s]+)", text)
    assert [link for link in local if not (FOLDER / link).exists()] == []


def test_its_links_to_headings_lead_somewhere(path: Path) -> None:
    text = "\n".join(source(cell) for cell in cells(path, "markdown"))
    for file, heading in re.findall(r"\]\((?!https?:)([^)#\s]*)#([^)\s]+)\)", text):
        target = FOLDER / file if file else path
        own = target.suffix == ".ipynb"
        there = "\n".join(source(cell) for cell in cells(target, "markdown")) if own else target.read_text("utf-8")
        titles = re.findall(r"^#+ (.+)$", there, re.MULTILINE)
        # JupyterLab's anchors inside a notebook keep capitals; pages are read on GitHub and in the book as well.
        assert heading in {title.replace(" ", "-") if own else anchor(title) for title in titles}
