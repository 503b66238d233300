// What the browser tests look at in the page. jupyter_page.py puts this file into every page that it opens; `panel` is
// JupyterLab's notebook panel, and every function returns plain values.

window.looking = (() => {
  const figures = (panel) =>
    panel.content.widgets.flatMap((cell) =>
      [...cell.node.querySelectorAll(".js-plotly-plot")].map((gd) => ({ id: cell.model.id, gd })));

  // ---- figures

  const LAYERS = {
    scatter: ".scatterlayer > .trace",
    bar: ".barlayer > .trace",
    heatmap: ".heatmaplayer > .hm",
    icicle: ".iciclelayer > .trace",
  };
  const MARKS = "path, image, text, canvas";
  const some = (values) => Array.from(values ?? []).flat().some((value) => value !== null && value !== undefined);

  function hasData(trace) {
    if (trace.visible !== true) return false;
    if (trace.type === "icicle") return true;
    return trace.type === "heatmap" ? some(trace.z) : some(trace.x) && some(trace.y);
  }
  function isSeen(mark) {
    const box = mark.getBoundingClientRect();
    return box.width > 0 || box.height > 0;
  }

  /** Every figure: its cell, its height, and of each kind of trace how many have data, and how many have marks. */
  function drawn(panel) {
    return figures(panel).map(({ id, gd }) => {
      const traces = (gd._fullData ?? []).filter(hasData);
      const kinds = [...new Set(traces.map((trace) => trace.type))].map((kind) => ({
        kind,
        traces: traces.filter((trace) => trace.type === kind).length,
        drawn: [...gd.querySelectorAll(LAYERS[kind])]
          .filter((trace) => [...trace.querySelectorAll(MARKS)].some(isSeen)).length,
      }));
      return { cell: id, height: gd.querySelector(".main-svg")?.clientHeight ?? 0, kinds };
    });
  }

  /** Whether every figure has been drawn, or is shown as the image that was stored of it. */
  const allDrawn = () =>
    [...document.querySelectorAll(".r2f-loading")].every((each) => each.hidden) &&
    [...document.querySelectorAll(".jp-RenderedPlotly")].every((each) => each.querySelector(".main-svg, img.plot-img"));

  /** What a cell in sight should show and does not: figures, widgets. */
  function missing(panel, position) {
    const cell = panel.content.widgets[position];
    const { id } = cell.model;
    const failed = /Loading widget\.\.\.|Error displaying widget|Error creating widget|Failed to load model/;
    const faults = [...cell.node.querySelectorAll(".jp-RenderedPlotly, .r2f-plot")]
      .filter((each) => !each.querySelector(".main-svg, img.plot-img"))
      .map(() => `cell ${id}: a figure is not drawn`);
    if ([...cell.node.querySelectorAll(".r2f-loading")].some((each) => !each.hidden)) {
      faults.push(`cell ${id}: an explorer is still loading`);
    }
    const said = failed.exec(cell.node.innerText);
    if (said) faults.push(`cell ${id} says: ${said[0]}`);
    for (const output of cell.model.outputs?.toJSON() ?? []) {
      if (output.data && !cell.node.querySelector(".jp-OutputArea-output")?.childElementCount) {
        faults.push(`cell ${id}: its output is not in the page`);
      }
    }
    return faults;
  }

  /** Whether every figure has the width of its place. */
  const allFit = () =>
    [...document.querySelectorAll(".js-plotly-plot")].every((gd) => {
      const drawing = gd.querySelector(".main-svg");
      return !drawing || !gd.clientWidth || Math.abs(drawing.clientWidth - gd.clientWidth) < 2;
    });

  /** Static figures and pictures that a screen reader finds without a name. */
  const unnamed = (panel) =>
    panel.content.widgets.flatMap((cell) =>
      [...cell.node.querySelectorAll(".jp-RenderedPlotly, .jp-RenderedImage img")]
        .filter((each) => !(each.alt || each.ariaLabel))
        .map(() => `the figure in cell ${cell.model.id} has no name`));

  // ---- what can't be seen whole

  /** Texts of figures that stick out of their drawing. */
  const cutTexts = (panel) =>
    figures(panel).flatMap(({ id, gd }) => {
      const frame = gd.getBoundingClientRect();
      return [...gd.querySelectorAll(".main-svg text")].flatMap((text) => {
        const box = text.getBoundingClientRect();
        if (!box.width || !text.textContent.trim()) return [];
        const sides = [frame.left - box.left, box.right - frame.right, frame.top - box.top, box.bottom - frame.bottom];
        const by = Math.round(Math.max(...sides));
        return by > 2 ? [`cell ${id}: "${text.textContent}" is cut off by ${by} pixels`] : [];
      });
    });

  /** Parts of our cards that are wider than their place, those that scroll within it aside. */
  const wideParts = (panel) =>
    panel.content.widgets.flatMap((cell) =>
      [...cell.node.querySelectorAll(".r2f-card, .r2f-sheet, .r2f-desk")]
        .flatMap((card) => [card, ...card.querySelectorAll("*")])
        .filter((each) => !each.closest(".r2f-scroll > *, .r2f-table > *, svg, .r2f-frame"))
        .filter((each) => getComputedStyle(each.parentElement).display !== "contents")
        .filter((each) => each.getBoundingClientRect().right > each.parentElement.getBoundingClientRect().right + 1)
        .map((each) => `cell ${cell.model.id}: ${each.tagName} ${each.className} sticks out: ${each.innerText?.slice(0, 60)}`));

  const scrolls = (each) => ["auto", "scroll"].includes(getComputedStyle(each).overflowX);

  /** Outputs that are wider than the notebook and do not scroll either. */
  const wideOutputs = (panel) =>
    panel.content.widgets.flatMap((cell) =>
      [...cell.node.querySelectorAll(".jp-OutputArea-output")]
        .filter((output) => output.scrollWidth > output.clientWidth + 1 && !scrolls(output))
        .filter((output) => !output.querySelector(".js-plotly-plot") && !output.matches(".jp-RenderedPlotly"))
        .filter((output) => ![...output.querySelectorAll("*")].some((each) => scrolls(each) && each.scrollWidth > each.clientWidth))
        .map((output) => `cell ${cell.model.id}: ${output.scrollWidth} pixels in ${output.clientWidth}, and no way to scroll`));

  const cutOff = (panel) => [...cutTexts(panel), ...wideParts(panel), ...wideOutputs(panel)];

  // ---- explorers

  /** What is seen of an explorer; the figure as a short hash of what was handed to Plotly. */
  function look(card) {
    const gd = card.querySelector(".r2f-plot");
    const text = (part) => card.querySelector(part)?.textContent ?? "";
    const { shapes, annotations, xaxis, yaxis } = gd.layout ?? {};
    const axes = [xaxis, yaxis].map((axis) => [axis?.range, axis?.ticktext]);
    const all = JSON.stringify([gd.data, shapes, annotations, axes]);
    let hash = 0;
    for (let i = 0; i < all.length; i += 1) hash = (Math.imul(31, hash) + all.charCodeAt(i)) | 0;
    return {
      figure: `${all.length} ${hash} ${text(".r2f-heading")}`,
      sentence: text(".r2f-sentence"),
      problem: text(".r2f-problem"),
      notice: text(".r2f-notice"),
    };
  }
  const atRest = (card) => card.querySelector(".r2f-sentence").ariaBusy !== "true";

  /** The same, once it is at rest: a look and the wait before it in one go. */
  async function lookAtRest(card, withinMs) {
    const until = performance.now() + withinMs;
    while (!atRest(card)) {
      if (performance.now() > until) throw new Error(`an explorer was not at rest after ${withinMs} ms`);
      await new Promise(requestAnimationFrame);
    }
    return look(card);
  }

  /** A control: its name, whether it has the focus, and how thick the ring around it is. */
  function stop(input) {
    const style = getComputedStyle(input);
    const name = input.ariaLabel || (input.labels?.[0] ?? input.closest("fieldset"))?.textContent.trim();
    const ring = style.outlineStyle === "none" ? 0 : parseFloat(style.outlineWidth);
    return { name, here: document.activeElement === input, ring };
  }

  return { drawn, allDrawn, missing, allFit, unnamed, cutOff, lookAtRest, stop };
})();
