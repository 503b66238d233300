"""Write copies of the notebooks without their solutions to ``build/handout/``: what `make handout` runs.

    python .ci/handout.py [folder]

A solution is a cell with the tag `solution`. Everything else stays as it is stored, outputs included.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

import nbformat
from normalise import as_text

REPOSITORY = Path(__file__).resolve().parents[1]
TAG = "solution"


def without_solutions(notebook: nbformat.NotebookNode) -> tuple[nbformat.NotebookNode, int]:
    """Return a copy without its solution cells, and how many there were.

    Raises
    ------
    ValueError
        If a cell that is left gives a solution away: it calls ``solution`` without having the tag.
    """
    copy = nbformat.from_dict(dict(notebook))
    copy["cells"] = [cell for cell in notebook["cells"] if TAG not in cell["metadata"].get("tags", [])]
    for cell in copy["cells"]:
        if cell["cell_type"] == "code" and re.search(r"(?m)^\s*solution\(", cell["source"]):
            raise ValueError(f"cell {cell['id']} shows a solution and has no tag {TAG!r}")
    return copy, len(notebook["cells"]) - len(copy["cells"])


def write_handout(source: Path, target: Path) -> list[str]:
    """Write a copy of each notebook in ``source``, in place of those in ``target``; return a line about each."""
    if target.resolve() == source.resolve():
        raise SystemExit("The handout needs a folder of its own: the notebooks would lose their solutions.")
    target.mkdir(parents=True, exist_ok=True)
    for old in target.glob("*.ipynb"):
        old.unlink()
    lines = []
    for path in sorted(source.glob("[!.]*.ipynb")):
        try:
            copy, count = without_solutions(nbformat.read(path, as_version=4))
        except ValueError as error:
            raise SystemExit(f"{path.name}: {error}") from None
        (target / path.name).write_text(as_text(copy), encoding="utf-8", newline="\n")
        lines.append(f"{path.stem}: {count} solution{'' if count == 1 else 's'} left out")
    return lines


if __name__ == "__main__":
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else REPOSITORY / "build" / "handout"
    print(*write_handout(REPOSITORY / "notebooks", folder), f"The handout is in {folder}", sep="\n")
