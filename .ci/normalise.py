"""How a notebook is stored, so that two executions of it store the same bytes.

Kept: sources, outputs, tags, cell ids. Dropped: what differs from run to run or from editor to editor (timings,
collapsed cells, the version of Python, the state of widgets). `notebooks.py`, next to this file, executes; this
module only transforms, and `tests/test_notebooks.py` asks it whether a stored notebook is in its normal form.
"""

import hashlib
import json
import re
from collections.abc import Iterator
from typing import Any

import nbformat

PLOTLY = "application/vnd.plotly.v1+json"
WIDGET = "application/vnd.jupyter.widget-view+json"
PNG = "image/png"

# One megabyte is what GitHub still renders without complaint, and what a slow connection opens in seconds.
LARGEST_NOTEBOOK_BYTES = 1_000_000

# A cell with this tag shows numbers that a clock gave. See `keep_measurements`.
MEASUREMENT = "measurement"

# What an author means; everything else in a cell's metadata was left there by a tool.
KEPT_CELL_METADATA = {"deletable", "editable", "format", "jupyter", "name", "slideshow", "tags"}
KERNELSPEC = {"display_name": "Python 3", "language": "python", "name": "python3"}
LANGUAGE_INFO = {"file_extension": ".py", "mimetype": "text/x-python", "name": "python"}
_VALID_ID = re.compile(r"[a-zA-Z0-9_-]{1,64}")

Notebook = dict[str, Any]
Cell = dict[str, Any]


def normalised(notebook: Notebook) -> Notebook:
    """Return a copy in normal form: nothing volatile, unique ids, execution counts from 1."""
    copy = nbformat.from_dict(json.loads(json.dumps(notebook)))
    taken: set[str] = set()
    count = 0
    for cell in copy["cells"]:
        cell["id"] = _unused_id(cell, taken)
        taken.add(cell["id"])
        kept = {key: value for key, value in cell.get("metadata", {}).items() if key in KEPT_CELL_METADATA and value}
        cell["metadata"] = nbformat.from_dict(kept)
        if cell["cell_type"] == "code":
            if cell.get("execution_count") is not None:
                count += 1
                cell["execution_count"] = count
            seen = [one for one in cell.get("outputs", []) if set(one.get("data", {})) != {WIDGET}]  # gone by now
            cell["outputs"] = [_stored(output, cell["execution_count"]) for output in seen]
    copy["metadata"] = nbformat.from_dict({"kernelspec": KERNELSPEC, "language_info": LANGUAGE_INFO})
    copy["nbformat"], copy["nbformat_minor"] = 4, 5
    return copy


def as_text(notebook: Notebook) -> str:
    """Return the file's text: one-space indent, sorted keys, characters as they are, a newline at the end."""
    return nbformat.writes(nbformat.from_dict(notebook), version=nbformat.NO_CONVERT).rstrip("\n") + "\n"


def _stored(output: dict[str, Any], count: int | None) -> dict[str, Any]:
    """Drop the view of a widget, which no reader without a kernel can open; its sentence stays."""
    if "data" in output:
        output["data"].pop(WIDGET, None)
        for mime in output["data"]:
            output.get("metadata", {}).pop(mime, None)
    if output["output_type"] == "execute_result":
        output["execution_count"] = count
    return output


def _unused_id(cell: Cell, taken: set[str]) -> str:
    """Keep a cell's id; one that is missing, malformed or taken is derived from the cell's text."""
    wanted = cell.get("id") or ""
    attempt = 0
    while not _VALID_ID.fullmatch(wanted) or wanted in taken:
        text = f"{cell['cell_type']}\n{''.join(cell['source'])}\n{attempt}"
        wanted = hashlib.sha256(text.encode()).hexdigest()[:8]
        attempt += 1
    return wanted


def bundles(notebook: Notebook) -> Iterator[dict[str, Any]]:
    """Yield the MIME bundle of each figure."""
    for cell in notebook["cells"]:
        for output in cell.get("outputs", []):
            if PLOTLY in output.get("data", {}):
                yield output["data"]


def fingerprint(figure: dict[str, Any]) -> str:
    """Return a text that two figures share when they would be drawn alike."""
    return hashlib.sha256(json.dumps(figure, sort_keys=True).encode()).hexdigest()


def pictures(notebook: Notebook) -> dict[str, str]:
    """Return the pictures that a notebook holds, by the fingerprint of the figure that they show."""
    return {fingerprint(data[PLOTLY]): data[PNG] for data in bundles(notebook) if PNG in data}


def keep_measurements(fresh: Notebook, stored: Notebook) -> list[str]:
    """Put stored outputs back where only measured numbers moved; return the ids of those cells.

    A cell tagged ``measurement`` shows other numbers each time it runs. If its source is the stored one and its fresh
    output has the same words around the numbers, the stored output stands for it and the file doesn't change. A new
    word, line or column is a change of the notebook, and is stored.
    """
    before = {cell.get("id"): cell for cell in stored["cells"]}
    kept = []
    for cell in fresh["cells"]:
        twin = before.get(cell["id"])
        if twin is None or MEASUREMENT not in cell["metadata"].get("tags", []):
            continue
        if cell["source"] == twin["source"] and _words(cell["outputs"]) == _words(twin.get("outputs", [])):
            # Cells before it may have come or gone since: its outputs carry the count of their cell.
            cell["outputs"] = [_stored(output, cell["execution_count"]) for output in twin["outputs"]]
            kept.append(cell["id"])
    return kept


def _words(outputs: list[dict[str, Any]]) -> list[tuple[str, Any]]:
    """Return what outputs say apart from their numbers; of a figure, the words in it.

    Padding goes as well: a column is as wide as its longest number.
    """

    def reduced(text: str) -> str:
        return re.sub(r"[\s─-]+", " ", re.sub(r"\d[\d.,]*(e[+-]?\d+)?", "#", text))

    def texts(value: Any) -> list[str]:
        if isinstance(value, dict):
            return [word for key in sorted(value) for word in texts(value[key])]
        if isinstance(value, list):
            return [word for item in value for word in texts(item)]
        return [reduced(value)] if isinstance(value, str) else []

    said: list[tuple[str, Any]] = []
    for output in outputs:
        data = output.get("data", {"text": output.get("text", "")})
        for mime in sorted(set(data) - {PNG, WIDGET}):
            said.append((mime, sorted(set(texts(data[mime]))) if mime == PLOTLY else texts(data[mime])))
    return said
