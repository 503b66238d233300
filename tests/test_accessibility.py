"""Whoever sees little, or other colours, or nothing reads every figure and every card: contrast, shapes, words.

Computed from the style sheets and from the figures that the notebooks store. What a page makes of them is looked at in
``tests/browser/test_accessibility.py``.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest
from colours import contrast, opaque
from normalise import PLOTLY
from notebook_parts import PATHS, ROOT

PAPER = "#ffffff"
OF_TEXT, OF_MARKS = 4.5, 3.0  # WCAG 2.2, levels AA: 1.4.3 and 1.4.11
SHEETS = sorted((ROOT / "helpers").rglob("*.css"))
COLOUR = r"#[0-9a-fA-F]{3,6}\b|rgba?\([^)]*\)"

# Colours that carry no meaning of their own, each with what carries it.
SET_ASIDE = {
    "#d4d9df": "the edge of a card and lines between rows: nothing is lost without them",
    "#e3e6ea": "the grid: values are read from axis and labels",
    "#c3cad2": "what is left of a slider's track: its thumb and its number say where it stands",
    "#9aa1a9": "the ink of a button that cannot be pressed",
    "#c9ced4": "the edge of a button that cannot be pressed",
}


def rules(sheet: Path) -> Iterator[tuple[str, dict[str, str]]]:
    """Every rule of a style sheet: its selector, and its properties with variables put in."""
    text = re.sub(r"/\*.*?\*/", "", sheet.read_text(encoding="utf-8"), flags=re.DOTALL)
    known = dict(re.findall(r"(--[\w-]+):\s*(#\w+)", text))
    for selector, body in re.findall(r"([^{}]+)\{([^{}]*)\}", text):
        described = dict(re.findall(r"([\w-]+):\s*([^;]+)", body))
        yield (
            " ".join(selector.split()),
            {
                name: re.sub(r"var\((--[\w-]+)(?:,[^)]*)?\)", lambda found: known.get(found[1], ""), value)
                for name, value in described.items()
            },
        )


def grounds(sheet: Path) -> set[str]:
    """The light colours that text stands on."""
    found = {"#ffffff"}
    for _, described in rules(sheet):
        found |= {opaque(colour) for colour in re.findall(COLOUR, described.get("background", ""))}
    return {colour for colour in found if contrast(colour, PAPER) < 1.3}


@pytest.mark.parametrize("sheet", SHEETS, ids=lambda sheet: sheet.name)
def test_text_of_a_card_reads_on_everything_that_it_stands_on(sheet: Path):
    faint = []
    for selector, described in rules(sheet):
        ink, ground = described.get("color", ""), described.get("background", "")
        if not re.fullmatch(COLOUR, ink) or ":disabled" in selector:
            continue
        own = [opaque(colour) for colour in re.findall(COLOUR, ground)]
        faint += [(selector, ink, on) for on in own or grounds(sheet) if contrast(opaque(ink), on) < OF_TEXT]
    assert faint == []


@pytest.mark.parametrize("sheet", SHEETS, ids=lambda sheet: sheet.name)
def test_edges_of_controls_and_the_focus_stand_out(sheet: Path):
    faint = []
    for selector, described in rules(sheet):
        for name, value in described.items():
            if not name.startswith(("border", "outline")) or ":disabled" in selector:
                continue
            colours = [colour for colour in re.findall(COLOUR, value) if opaque(colour) not in SET_ASIDE]
            faint += [(selector, name, colour) for colour in colours if contrast(opaque(colour), PAPER) < OF_MARKS]
    assert faint == []


def test_text_that_python_writes_reads_on_its_ground():
    # HTML of cards, tables and reports: "color:#…;background:#…" in one style
    faint = []
    for path in sorted((ROOT / "helpers").rglob("*.py")):
        for ink in re.findall(rf"(?<![-\w])color:\s*({COLOUR})", path.read_text(encoding="utf-8")):
            faint += [(path.name, ink)] if contrast(opaque(ink), "#f0f2f5") < OF_TEXT else []
    assert faint == []


# --- figures, as they are stored


def figures() -> list[Any]:
    found = []
    for path in PATHS:
        for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]:
            data = [output["data"] for output in cell.get("outputs", []) if PLOTLY in output.get("data", {})]
            found += [pytest.param(each, id=f"{path.name[:2]}-{cell['id']}") for each in data]
    return found


FIGURES = figures()


@pytest.fixture(params=FIGURES)
def bundle(request: pytest.FixtureRequest) -> dict[str, Any]:
    return request.param


def listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [] if value is None else [value]


def colours_of(value: Any) -> set[str]:
    """Colours that are written out; numbers are colours of a scale."""
    return {opaque(colour) for colour in listed(value) if isinstance(colour, str) and re.fullmatch(COLOUR, colour)}


def drawn(trace: dict[str, Any]) -> bool:
    return trace.get("visible", True) is True and bool(trace.get("x") or trace.get("y") or trace.get("labels"))


def marks(trace: dict[str, Any]) -> set[str]:
    """The colours of what a trace draws, edges where there are some that stand out."""
    marker, line = trace.get("marker", {}), trace.get("line", {})
    mode = trace.get("mode", "lines")
    found: set[str] = set()
    if trace["type"] == "scatter":
        if "lines" in mode and line.get("width", 2) > 0:
            found |= colours_of(line.get("color"))
        if "markers" not in mode:
            return found
    edges = colours_of(marker.get("line", {}).get("color")) if marker.get("line", {}).get("width", 1) else set()
    fills = colours_of(marker.get("color")) | colours_of(marker.get("colors"))
    stands_out = edges and min(contrast(edge, PAPER) for edge in edges) >= OF_MARKS
    return found | (edges if stands_out else fills)


def test_every_mark_stands_out_on_the_card(bundle: dict[str, Any]):
    faint = [
        (trace.get("name"), colour)
        for trace in bundle[PLOTLY]["data"]
        for colour in marks(trace)
        if contrast(colour, PAPER) < OF_MARKS
    ]
    assert faint == []


def test_every_text_reads_on_what_lies_under_it(bundle: dict[str, Any]):
    figure, faint = bundle[PLOTLY], []
    for part in [figure["layout"], *figure["layout"].get("annotations", [])]:
        ground = opaque(part.get("bgcolor") or PAPER)
        faint += [ink for ink in colours_of(part.get("font", {}).get("color")) if contrast(ink, ground) < OF_TEXT]
    for trace in figure["data"]:
        inside = "inside" in listed(trace.get("textposition")) or trace["type"] in ("icicle", "treemap")
        under = colours_of(trace.get("marker", {}).get("color")) | colours_of(trace.get("marker", {}).get("colors"))
        inks = listed(trace.get("insidetextfont" if "insidetextfont" in trace else "textfont", {}).get("color"))
        scale = any(other["type"] == "heatmap" for other in figure["data"])
        if inside:
            faint += [(ink, on) for ink in inks for on in under if contrast(opaque(ink), on) < OF_TEXT]
        elif not scale and "text" in trace.get("mode", ""):
            faint += [ink for ink in inks if contrast(opaque(ink), PAPER) < OF_TEXT]
    assert faint == []


def look(trace: dict[str, Any]) -> tuple[Any, ...]:
    """What of a trace's look is left in grey: dash, symbols, patterns."""
    marker, mode = trace.get("marker", {}), trace.get("mode", "lines")
    if trace["type"] == "bar":
        return "bar", json.dumps(marker.get("pattern", {}).get("shape", "")), json.dumps(trace.get("width"))
    symbols = json.dumps(marker.get("symbol", "circle")) if "markers" in mode else ""
    dash = trace.get("line", {}).get("dash", "solid") if "lines" in mode else ""
    return trace["type"], mode, symbols, dash, trace.get("fill", "none")


def places(trace: dict[str, Any]) -> set[Any]:
    """Named places along an axis: a trace with places of its own is told apart by their labels."""
    values = listed(trace.get("y" if trace.get("orientation") == "h" else "x"))
    other = listed(trace.get("x" if trace.get("orientation") == "h" else "y"))
    names = [{value for value in each if isinstance(value, str)} for each in (values, other)]
    return names[0] or names[1]


def test_no_two_series_differ_by_colour_alone(bundle: dict[str, Any]):
    figure = bundle[PLOTLY]
    words = " ".join(note.get("text", "") for note in figure["layout"].get("annotations", []))
    alike = []
    for one, two in combinations([trace for trace in figure["data"] if drawn(trace) and marks(trace)], 2):
        same_plot = all(one.get(axis) == two.get(axis) for axis in ("xaxis", "yaxis"))
        if not same_plot or marks(one) == marks(two) or look(one) != look(two):
            continue
        apart = places(one) and places(two) and not places(one) & places(two)
        labelled = [trace.get("text") or (trace.get("name") or "\0") in words for trace in (one, two)]
        if not apart and not all(labelled):
            alike.append((one.get("name"), two.get("name"), look(one)))
    assert alike == []


def goes_one_way(scale: list[Any]) -> bool:
    """Whether a scale only gets darker, or only lighter: then it reads in grey."""
    steps = [contrast(opaque(colour), PAPER) for _, colour in scale]
    return steps == sorted(steps) or steps == sorted(steps, reverse=True)


def test_colours_within_a_series_say_nothing_that_shape_or_words_do_not(bundle: dict[str, Any]):
    silent = []
    for trace in bundle[PLOTLY]["data"]:
        marker = trace.get("marker", {})
        several = len(colours_of(marker.get("color")) | colours_of(marker.get("colors"))) > 1
        shapes = (
            len(set(listed(marker.get("symbol")))) > 1 or len(set(listed(marker.get("pattern", {}).get("shape")))) > 1
        )
        words = trace.get("text") or trace.get("labels") or places(trace)
        if several and not shapes and not words:
            silent.append(trace.get("name"))
        if trace["type"] == "heatmap" and not (trace.get("text") or trace.get("texttemplate")):
            texts = [other for other in bundle[PLOTLY]["data"] if "text" in other.get("mode", "")]
            silent += [] if texts or goes_one_way(trace["colorscale"]) else ["a heatmap without words"]
    assert silent == []


def test_the_sentence_of_a_figure_has_a_number_or_names_what_it_shows(bundle: dict[str, Any]):
    sentence = "".join(bundle["text/plain"])
    title = re.sub(r"<[^>]+>", " ", bundle[PLOTLY]["layout"].get("title", {}).get("text", ""))
    assert sentence.rstrip().endswith((".", "?", ".”", ")"))
    assert len(sentence.split()) >= 6
    assert set(re.findall(r"\w{5,}", sentence.lower())) & set(re.findall(r"\w{5,}", title.lower())) or re.search(
        r"\d", sentence
    )


@pytest.mark.parametrize("path", PATHS, ids=lambda path: path.stem)
def test_headings_inside_outputs_do_not_break_the_order(path: Path):
    # an output that opens with <h1> would stand above the notebook's own title for who jumps from heading to heading
    text = path.read_text(encoding="utf-8")
    assert not re.search(r"<h[1-2]\b", text)


def test_there_are_figures_to_look_at():
    assert len(FIGURES) >= 40
