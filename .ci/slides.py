"""Make slides of the notebooks for whoever stands at the projector: what `make slides` runs.

    python .ci/slides.py [notebook ...]

Each notebook becomes build/slides/NAME.html, one file that opens without the internet: nbconvert's exporter for
reveal.js, with our template in slides/, next to this file. Cells choose themselves by JupyterLab's own setting, "Slide
Type" (`slideshow.slide_type` in their metadata): slide, subslide and fragment as everywhere; `-` goes on where the last
one ended. A cell without a type is not shown, and its prose becomes the speaker's notes of the slide before (key S).

On a slide a figure stands as a picture with its sentence, without the line of code that drew it; a prediction stands as
the question; and of prose what follows its last heading, since what comes before closes the step before. The notebooks
are read as they are stored: nothing runs.
"""

from __future__ import annotations

import html
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nbformat

ROOT = Path(__file__).resolve().parents[1]
NOTEBOOKS = ROOT / "notebooks"
BUILD = ROOT / "build" / "slides"
STYLE = Path(__file__).parent / "slides" / "slides.css"
WIDTH, HEIGHT = 1280, 720
PNG, TEXT = "image/png", "text/plain"
STARTS = ("slide", "subslide")
_LOCAL_LINK = re.compile(r"\[([^\]]+)\]\((?!https?:)[^)]*\)")
_ASKED = re.compile(r"^Predict [\w.]+: (?P<question>.+)\n(?P<rest>(?:.|\n)*)", re.MULTILINE)
# Lines that speak to tests and to the learner's own record, as the cards with a ring do.
_ASIDE = re.compile(r"^(?:assert|recall\().*\n?", re.MULTILINE)

Cell = nbformat.NotebookNode


def slide_type(cell: Cell) -> str:
    """Return how a cell takes part: "" if it does not."""
    return cell.get("metadata", {}).get("slideshow", {}).get("slide_type", "")


def deck(notebook: nbformat.NotebookNode, name: str) -> nbformat.NotebookNode:
    """Return a notebook that holds what is shown, in the form in which the exporter shows it."""
    chapter = f"{name[:2]} · {name[3:].replace('_', ' ').capitalize()}"
    section, begun, cells = "", False, []
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            headings = re.findall(r"^## (.+)$", cell.source, re.MULTILINE)
            section = headings[-1] if headings else section
        kind = slide_type(cell)
        if kind in STARTS:
            begun = True
            cells.append(_markdown(_where(chapter, "" if cell.source.startswith("#") else section), kind))
            kind = "-"
        if kind in ("-", "fragment"):
            shown, said = _parts(cell)
            cells.append(_shown(shown, kind))
            cells += [_markdown(said, "notes")] * bool(said)
        elif kind != "skip" and begun and cell.cell_type == "markdown":
            cells.append(_markdown(_plain(cell.source), "notes"))
    return nbformat.v4.new_notebook(cells=cells, metadata=notebook.metadata)


def _parts(cell: Cell) -> tuple[Cell, str]:
    """Divide a cell into what is shown and what is only said: words before its last heading, and what one needs."""
    if cell.cell_type != "markdown":
        return cell, ""
    said, heading, shown = cell.source.rpartition("\n##")
    shown = (heading.lstrip() + shown) if heading else shown
    if shown.startswith("## What we aim at"):
        shown, bar, needs = shown.partition("\n\n|")
        said += bar.lstrip() + needs
    return _markdown(_plain(shown), ""), _plain(said).strip()


def _shown(cell: Cell, kind: str) -> Cell:
    """Give a cell as it stands on a slide."""
    if cell.cell_type == "markdown":
        return _markdown(cell.source, kind)
    outputs = [output for output in cell.outputs if "data" in output]
    asked = next((found for output in outputs if (found := _ASKED.search(output.data.get(TEXT, "")))), None)
    if asked:
        return _markdown(_question(asked["question"], asked["rest"]), kind)
    figure = next((output.data for output in outputs if PNG in output.data), None)
    if figure:
        return _markdown(_picture(figure[PNG], figure.get(TEXT, "")), kind)
    copy = nbformat.from_dict(dict(cell))
    copy["metadata"] = nbformat.from_dict({"slideshow": {"slide_type": kind}})
    copy["source"] = _ASIDE.sub("", cell.source).strip()
    copy["outputs"] = [one for one in cell.outputs if not one.get("data", {}).get(TEXT, "").startswith("○")]
    return copy


def _markdown(source: str, kind: str) -> Cell:
    return nbformat.v4.new_markdown_cell(source, metadata={"slideshow": {"slide_type": kind}})


def _plain(source: str) -> str:
    """Keep the words of links that lead to files beside a notebook: a deck is alone."""
    return _LOCAL_LINK.sub(r"\1", source)


def _where(chapter: str, section: str) -> str:
    return f'<div class="where"><b>{html.escape(chapter)}</b><span>{html.escape(section)}</span></div>'


def _question(question: str, rest: str) -> str:
    choices = re.findall(r"^\s*\d+\. (.+)$", rest, re.MULTILINE)
    below = "".join(f"<li>{html.escape(choice)}</li>" for choice in choices)
    below = f"<ol>{below}</ol>" if below else f"<p>{html.escape(rest.strip())}</p>"
    return f'<div class="ask"><h2>{html.escape(question)}</h2>{below}</div>'


def _picture(png: str, sentence: str) -> str:
    sentence = html.escape(sentence.strip(), quote=True)
    data = "".join(png.split())
    return f'<figure><img alt="{sentence}" src="data:{PNG};base64,{data}"><figcaption>{sentence}</figcaption></figure>'


def reveal() -> tuple[str, str]:
    """Return reveal.js' style and its program, from the package that carries it.

    Raises
    ------
    SystemExit
        If the authoring packages are missing.
    """
    try:
        import pyreveal
    except ModuleNotFoundError:
        raise SystemExit("Slides need the authoring packages, which make slides installs.") from None
    folder = Path(pyreveal.__file__).parent / "revealjs" / "dist"
    style = "".join((folder / name).read_text(encoding="utf-8") for name in ("reset.css", "reveal.css"))
    script = "\n".join((folder / name).read_text(encoding="utf-8") for name in ("reveal.js", "plugin/notes.js"))
    return style, script.replace("</script", r"<\/script")


def page(path: Path) -> str:
    """Return a notebook's deck as one page of HTML."""
    from nbconvert.exporters import SlidesExporter

    exporter = SlidesExporter(extra_template_basedirs=[str(STYLE.parent)], template_name="deck")
    style, script = reveal()
    notebook = nbformat.read(path, as_version=4)
    resources: dict[str, Any] = {
        "deck": {
            "title": notebook.cells[0].source.partition("\n")[0].lstrip("# "),
            "style": style + STYLE.read_text(encoding="utf-8"),
            "script": script,
            "width": WIDTH,
            "height": HEIGHT,
        }
    }
    body, _ = exporter.from_notebook_node(deck(notebook, path.stem), resources)
    return body


def chosen(arguments: list[str]) -> Iterator[Path]:
    """Yield the notebooks whose names begin with one of the arguments; all of them without any."""
    for path in sorted(NOTEBOOKS.glob("[!.]*.ipynb")):
        if not arguments or any(path.name.startswith(start) for start in arguments):
            yield path


def main() -> None:
    """Write a deck for each notebook that has slides."""
    BUILD.mkdir(parents=True, exist_ok=True)
    for path in chosen(sys.argv[1:]):
        count = sum(slide_type(cell) in STARTS for cell in nbformat.read(path, as_version=4).cells)
        if count:
            (BUILD / f"{path.stem}.html").write_text(page(path), encoding="utf-8", newline="\n")
        print(f"{path.stem}: {count} slides")
    print(f"The decks are in {BUILD}")


if __name__ == "__main__":
    main()
