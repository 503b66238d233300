"""What is really drawn in the page's figures: marks of every trace, and texts that fit.

A static figure is drawn by JupyterLab's renderer, an explorer's by our panel; both leave Plotly's elements, which are
looked at here.
"""

from __future__ import annotations

from typing import Any

from jupyter_page import NotebookPage

# Every figure: the id of its cell, and its traces that have something to draw, each with the number of marks drawn.
_DRAWN = """panel => {
    const layers = { scatter: '.scatterlayer > .trace', bar: '.barlayer > .trace', heatmap: '.heatmaplayer > .hm',
                     icicle: '.iciclelayer > .trace' };
    const some = (values) => Array.from(values ?? []).flat().some((value) => value !== null && value !== undefined);
    const hasData = (trace) => trace.visible === true
        && (trace.type === 'icicle' || (trace.type === 'heatmap' ? some(trace.z) : some(trace.x) && some(trace.y)));
    const seen = (mark) => { const box = mark.getBoundingClientRect(); return box.width > 0 || box.height > 0; };
    return panel.content.widgets.flatMap((cell) =>
        [...cell.node.querySelectorAll('.js-plotly-plot')].map((gd) => {
            const traces = (gd._fullData ?? []).filter(hasData);
            const kinds = [...new Set(traces.map((trace) => trace.type))];
            return { cell: cell.model.id, height: gd.querySelector('.main-svg')?.clientHeight ?? 0, kinds: kinds.map((kind) => ({
                kind, traces: traces.filter((trace) => trace.type === kind).length,
                drawn: layers[kind] ? [...gd.querySelectorAll(layers[kind])].filter((trace) =>
                    [...trace.querySelectorAll('path, image, text, canvas')].some(seen)).length : -1 })) };
        }));
}"""

# Texts of figures that stick out of their drawing, and so are cut off.
_CUT = """panel => panel.content.widgets.flatMap((cell) =>
    [...cell.node.querySelectorAll('.js-plotly-plot')].flatMap((gd) => {
        const frame = gd.getBoundingClientRect();
        return [...gd.querySelectorAll('.main-svg text')].flatMap((text) => {
            const box = text.getBoundingClientRect();
            if (!box.width || !text.textContent.trim()) return [];
            const beyond = Math.max(frame.left - box.left, box.right - frame.right, frame.top - box.top, box.bottom - frame.bottom);
            return beyond > 2 ? [`cell ${cell.model.id}: "${text.textContent}" is cut off by ${Math.round(beyond)} pixels`] : [];
        });
    }))"""

# Elements of our cards and tables that are wider than their place, those that scroll within it aside.
_WIDE = """panel => panel.content.widgets.flatMap((cell) =>
    [...cell.node.querySelectorAll('.r2f-card, .r2f-sheet')].flatMap((card) => [card, ...card.querySelectorAll('*')]
        .filter((each) => !each.closest('.r2f-scroll > *, .r2f-table > *, svg, .r2f-frame'))
        .filter((each) => each.getBoundingClientRect().right > each.parentElement.getBoundingClientRect().right + 1)
        .map((each) => `cell ${cell.model.id}: ${each.tagName} ${each.className} sticks out: ${each.innerText?.slice(0, 60)}`)))"""

# Outputs that are wider than the notebook and do not scroll either: their right end can't be seen.
_HIDDEN = """panel => panel.content.widgets.flatMap((cell) =>
    [...cell.node.querySelectorAll('.jp-OutputArea-output')].filter((output) =>
        output.scrollWidth > output.clientWidth + 1 && !['auto', 'scroll'].includes(getComputedStyle(output).overflowX)
        && !output.querySelector('.jp-RenderedPlotly, .js-plotly-plot')
        && ![...output.querySelectorAll('*')].some((each) => ['auto', 'scroll'].includes(getComputedStyle(each).overflowX)
            && each.scrollWidth > each.clientWidth))
        .map((output) => `cell ${cell.model.id}: ${output.scrollWidth} pixels in ${output.clientWidth}, and no way to scroll`))"""


def await_drawn(notebook: NotebookPage, timeout_s: float = 60) -> None:
    """Wait until each figure of the page has been drawn once, or is shown as the image that was stored of it."""
    notebook.page.wait_for_function(
        """() => [...document.querySelectorAll('.r2f-loading')].every((each) => each.hidden)
            && [...document.querySelectorAll('.jp-RenderedPlotly')].every((each) =>
                each.querySelector('.main-svg, img.plot-img'))""",
        timeout=timeout_s * 1000,
    )
    notebook.two_frames()


def undrawn(notebook: NotebookPage) -> list[str]:
    """Say which traces of which figures have no marks."""
    faults = []
    for figure in notebook.js(_DRAWN):
        if not figure["kinds"]:
            faults.append(f"the figure in cell {figure['cell']} has nothing to draw")
        faults += [
            f"the figure in cell {figure['cell']}: {each['drawn']} of {each['traces']} traces of kind {each['kind']}"
            for each in figure["kinds"]
            if each["drawn"] < each["traces"]
        ]
    return faults


def count(notebook: NotebookPage) -> dict[str, int]:
    """Count the figures of each cell that has any."""
    found: dict[str, int] = {}
    for figure in notebook.js(_DRAWN):
        found[figure["cell"]] = found.get(figure["cell"], 0) + 1
    return found


def cut_off(notebook: NotebookPage) -> list[str]:
    """Say what can't be seen whole at the window's present width."""
    return [*notebook.js(_CUT), *notebook.js(_WIDE), *notebook.js(_HIDDEN)]


def heights(notebook: NotebookPage) -> list[Any]:
    """Return the height of each figure."""
    return [(figure["cell"], figure["height"]) for figure in notebook.js(_DRAWN)]


def await_width(notebook: NotebookPage, timeout_s: float = 30) -> None:
    """Wait until every figure in the page has the width of its place."""
    notebook.page.wait_for_function(
        """() => [...document.querySelectorAll('.js-plotly-plot')].every((gd) => {
            const drawn = gd.querySelector('.main-svg'), place = gd.clientWidth;
            return !drawn || !place || Math.abs(drawn.clientWidth - place) < 2;
        })""",
        timeout=timeout_s * 1000,
    )
    notebook.two_frames()
