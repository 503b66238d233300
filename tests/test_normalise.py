"""The normal form keeps what an author means and drops what a run or an editor leaves behind."""

from typing import Any

import nbformat
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output
from normalise import PLOTLY, PNG, WIDGET, as_text, fingerprint, keep_measurements, normalised, pictures


def notebook(*cells: Any) -> nbformat.NotebookNode:
    made = new_notebook(cells=list(cells))
    made.metadata["widgets"] = {"state": {}}
    made.metadata["language_info"] = {"name": "python", "version": "3.11.7"}
    return made


def code(text: str, *outputs: Any, count: int | None = 1, **metadata: Any) -> nbformat.NotebookNode:
    return new_code_cell(text, outputs=list(outputs), execution_count=count, metadata=metadata)


def printed(text: str) -> nbformat.NotebookNode:
    return new_output("stream", name="stdout", text=text)


def measured(text: str, said: str) -> nbformat.NotebookNode:
    cell = code(text, printed(said), tags=["measurement", "nbval-ignore-output"])
    cell["id"] = "measured"
    return cell


def test_normalising_twice_changes_nothing() -> None:
    once = normalised(notebook(new_markdown_cell("# é"), code("1", count=7), code("2", count=9)))
    assert as_text(normalised(once)) == as_text(once)
    assert as_text(normalised(nbformat.reads(as_text(once), as_version=4))) == as_text(once)


def test_traces_of_a_run_and_of_an_editor_go() -> None:
    cell = code("1", execution={"iopub.status.busy": "now"}, collapsed=True, tags=["kept"], vscode={"languageId": "x"})
    done = normalised(notebook(cell))
    assert done.cells[0].metadata == {"tags": ["kept"]}
    assert set(done.metadata) == {"kernelspec", "language_info"}
    assert "version" not in done.metadata.language_info


def test_a_widget_keeps_its_sentence_only() -> None:
    output = new_output("display_data", {WIDGET: {"model_id": "random"}, "text/plain": "A sentence."})
    done = normalised(notebook(code("explorer", output)))
    assert done.cells[0].outputs[0].data == {"text/plain": "A sentence."}


def test_counts_run_from_one_and_a_cell_that_did_not_run_keeps_none() -> None:
    done = normalised(notebook(code("a", count=4), code("b", count=None), code("c", count=9)))
    assert [cell.execution_count for cell in done.cells] == [1, None, 2]


def test_names_are_kept_and_doubles_get_one_that_depends_on_the_text_alone() -> None:
    made = notebook(code("a"), code("b"), code("c"))
    for cell, name in zip(made.cells, ["same", "same", "not valid!"], strict=True):
        cell["id"] = name
    names = [cell["id"] for cell in normalised(made).cells]
    assert names[0] == "same"
    assert len(set(names)) == 3
    assert names == [cell["id"] for cell in normalised(made).cells]


def test_a_picture_is_found_again_for_the_same_figure_only() -> None:
    figure = {"data": [{"x": [1, 2]}], "layout": {}}
    stored = notebook(code("draw", new_output("display_data", {PLOTLY: figure, PNG: "drawn"})))
    assert pictures(stored)[fingerprint({"layout": {}, "data": [{"x": [1, 2]}]})] == "drawn"
    assert fingerprint({"layout": {}, "data": [{"x": [1, 3]}]}) not in pictures(stored)


def test_a_measurement_stays_while_only_its_numbers_move() -> None:
    stored = normalised(notebook(measured("t()", "took  9.8 ms, 3 starts\n")))
    fresh = normalised(notebook(measured("t()", "took 12.25 ms, 4 starts\n")))
    assert keep_measurements(fresh, stored) == ["measured"]
    assert fresh.cells[0].outputs[0].text == "took  9.8 ms, 3 starts\n"


def test_a_measurement_that_stays_carries_the_count_of_its_cell() -> None:
    result = new_output("execute_result", {"text/plain": "9.8"}, execution_count=1)
    cell = code("t()", result, tags=["measurement", "nbval-ignore-output"])
    cell["id"] = "measured"
    stored, fresh = normalised(notebook(cell)), normalised(notebook(code("new"), cell))
    assert keep_measurements(fresh, stored) == ["measured"]
    assert fresh.cells[1].outputs[0].execution_count == fresh.cells[1].execution_count == 2


def test_a_measurement_is_stored_anew_when_its_words_or_its_code_change() -> None:
    stored = normalised(notebook(measured("t()", "took 9.8 ms\n")))
    assert keep_measurements(normalised(notebook(measured("t()", "took 9.8 seconds\n"))), stored) == []
    assert keep_measurements(normalised(notebook(measured("t(2)", "took 9.8 ms\n"))), stored) == []


def test_other_cells_always_store_what_they_show_now() -> None:
    stored, fresh = notebook(code("price", printed("0.20\n"))), notebook(code("price", printed("0.25\n")))
    fresh.cells[0]["id"] = stored.cells[0]["id"]
    assert keep_measurements(fresh, stored) == []
    assert fresh.cells[0].outputs[0].text == "0.25\n"
