// The browser's half of an explorer: controls, figure, sentence. panel.py is the other half.
//
// The kernel decides: this file sends what was moved or typed, and shows the state that comes back.
// At most one message of a view is on its way; what happens meanwhile waits, newest value only, so
// the last move always wins and the kernel never has a queue to work off.

const SHARED = Symbol.for("from-racks-to-functions.plotly");
const TITLE_LINE = 24; // theme.TITLE_LINE: the title is HTML here, so its lines leave the figure
const RESEND_AFTER_MS = 5000;
// While a cell runs, JupyterLab's subshell answers; but some messages reach the kernel behind that cell all the same.
const ASK_AGAIN_AFTER_MS = 1200;
const [HELLO, TICK] = [" hello", " tick"]; // no control has a space in its name

// ---- Plotly, once per page -------------------------------------------------------------------

/** Find or load Plotly. Every view on the page, of every kernel, shares the answer. */
function plotly(model, version) {
  const shared = (globalThis[SHARED] ??= { loads: 0, byVersion: {} });
  if (!shared.byVersion[version]) {
    const entry = { askedAt: 0 };
    entry.promise = new Promise((resolve) => (entry.resolve = resolve));
    entry.useFile = async (bytes) => {
      if (entry.loading) return;
      entry.loading = true;
      entry.resolve(evaluate(await inflate(bytes)));
      shared.loads += 1;
    };
    shared.byVersion[version] = entry;
  }
  const entry = shared.byVersion[version];
  seek(entry, model, version);
  return entry.promise;
}

/** Use the page's own Plotly if it is the same one, else ask this view's kernel for the file. */
async function seek(entry, model, version) {
  let settled = false;
  entry.promise.then(() => (settled = true));
  model.on("msg:custom", (message, buffers) => {
    if (message.type === "plotly") entry.useFile(buffers[0]);
  });
  // JupyterLab loads the same file for static figures; when one is on the page, wait for it a while. Figures of a
  // notebook that was just opened are images, and stay so until somebody points at one: nothing to wait for.
  for (let waits = 0; waits < 60 && !entry.askedAt; waits += 1) {
    if (globalThis.Plotly?.version === version) entry.resolve(globalThis.Plotly);
    await pause(0);
    if (settled || !document.querySelector(".jp-RenderedPlotly:not(:has(img))")) break;
    await pause(50);
  }
  // A kernel that was asked may be gone: after ten seconds the next view asks its own.
  while (!settled) {
    if (!entry.loading && Date.now() - entry.askedAt > 10_000) {
      entry.askedAt = Date.now();
      model.send({ type: "plotly" });
    }
    await Promise.race([entry.promise, pause(2000)]);
  }
}

async function inflate(bytes) {
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
  return new Response(stream).text();
}

/** Run the file so that it neither sees a module loader nor replaces a Plotly that others use. */
function evaluate(source) {
  const others = Object.getOwnPropertyDescriptor(globalThis, "Plotly");
  const module = { exports: {} };
  new Function("module", "exports", "define", "require", source)(module, module.exports);
  if (others) Object.defineProperty(globalThis, "Plotly", others);
  else delete globalThis.Plotly;
  return module.exports;
}

/** Draw first figures one after the other, with a breath between them: the page stays usable while it fills. */
function inTurn(draw) {
  const shared = globalThis[SHARED];
  const turn = (shared.turn ?? Promise.resolve()).then(() => pause(0)).then(draw);
  shared.turn = turn.catch(() => {});
  return turn;
}

const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

// ---- small helpers ---------------------------------------------------------------------------

function formatted(value) {
  const digits = Number.isInteger(value) ? {} : { maximumSignificantDigits: 6 };
  return value.toLocaleString("en-US", digits);
}

const plainTitle = (html) => html.replace(/<br\s*\/?>/g, " ").replace(/<[^>]*>/g, "");

// ---- controls: each has a node, and show(value) ----------------------------------------------

function slider(spec, id, tell) {
  const unit = spec.unit ? ` ${spec.unit}` : "";
  const stop = (index) => (spec.stops ? spec.stops[index] : Math.min(spec.low + index * spec.step, spec.high));
  const range = element("input", { type: "range", id, min: 0, max: spec.last, step: 1 });
  const box = element("input", {
    type: "text",
    inputmode: "decimal",
    autocomplete: "off",
    spellcheck: "false",
    "aria-label": `${spec.label}${spec.unit ? ` in ${spec.unit}` : ""}, typed; ${spec.range}`,
  });
  let typing = false;

  function place(index, text) {
    range.value = index;
    range.setAttribute("aria-valuetext", text + unit);
    range.style.setProperty("--filled", `${(100 * index) / spec.last}%`);
    if (!typing) box.value = text;
  }
  range.addEventListener("input", () => {
    const index = Number(range.value);
    typing = false;
    place(index, formatted(stop(index)));
    tell({ index });
  });
  box.addEventListener("input", () => (typing = true));
  function commit() {
    if (!typing) return;
    typing = false;
    tell({ typed: box.value });
  }
  box.addEventListener("change", commit);
  box.addEventListener("keydown", (event) => {
    if (event.key === "Enter") commit();
    const by = { ArrowUp: 1, ArrowDown: -1 }[event.key];
    if (!by) return;
    event.preventDefault();
    range.value = Number(range.value) + by;
    range.dispatchEvent(new Event("input"));
  });
  const node = element(
    "div",
    { class: "r2f-control r2f-wide" },
    element("div", { class: "r2f-top" },
      element("label", { for: id }, spec.label),
      element("span", { class: "r2f-typed" }, box, element("span", { class: "r2f-unit" }, spec.unit))),
    range,
    element("span", { class: "r2f-ends", "aria-hidden": "true" },
      element("span", {}, formatted(spec.low)), element("span", {}, formatted(spec.high))),
  );
  box.style.width = `${Math.max(4, formatted(spec.high).length + 1)}ch`;
  return { node, show: (shown) => place(shown.index, shown.text) };
}

function choice(spec, id, tell) {
  const few = spec.options.length <= 4 && spec.options.join("").length <= 36;
  if (!few) {
    const options = spec.options.map((text, index) => element("option", { value: index }, text));
    const select = element("select", { id }, ...options);
    select.addEventListener("change", () => tell({ index: Number(select.value) }));
    const node = element("div", { class: "r2f-control" }, element("label", { for: id }, spec.label), select);
    return { node, show: (index) => (select.value = index) };
  }
  const inputs = spec.options.map((_, index) => element("input", { type: "radio", name: id, value: index }));
  const labels = spec.options.map((text, index) => element("label", {}, inputs[index], element("span", {}, text)));
  inputs.forEach((input, index) => input.addEventListener("change", () => tell({ index })));
  const group = element("div", { class: "r2f-options" }, ...labels);
  const node = element("fieldset", { class: "r2f-control" }, element("legend", {}, spec.label), group);
  return { node, show: (index) => (inputs[index].checked = true) };
}

function onOff(spec, id, tell) {
  const box = element("input", { type: "checkbox", role: "switch", id });
  const word = element("span", { class: "r2f-word", "aria-hidden": "true" });
  const show = (on) => {
    box.checked = on;
    write(word, on ? "on" : "off");
  };
  box.addEventListener("change", () => {
    show(box.checked);
    tell({ on: box.checked });
  });
  const label = element("label", { for: id }, spec.label);
  const node = element("div", { class: "r2f-control" }, label, element("span", { class: "r2f-switch" }, box, word));
  return { node, show };
}

const makers = { slider, choice, switch: onOff };

// ---- the panel -------------------------------------------------------------------------------

async function render({ model, el }) {
  const spec = model.get("panel");
  await listen(model, el);
  const view = `v${Math.random().toString(36).slice(2, 10)}`;
  const parts = {
    controls: element("div", { class: "r2f-controls" }),
    notice: element("p", { class: "r2f-notice", role: "status" }),
    heading: element("p", { class: "r2f-heading" }),
    plot: element("div", { class: "r2f-plot" }),
    loading: element("p", { class: "r2f-loading" }, "Loading chart…"),
    sentence: element("p", { class: "r2f-sentence", "aria-live": "polite" }),
    problem: element("p", { class: "r2f-problem", role: "status" }),
    toggle: element("button", { type: "button", class: "r2f-toggle", "aria-expanded": "false" }, "Show the numbers"),
    again: element("button", { type: "button", class: "r2f-toggle r2f-again", hidden: true }, "Watch again"),
    table: element("div", { class: "r2f-table", id: `${view}-table`, tabindex: "0", role: "region", "aria-label": "The numbers", hidden: true }),
  };
  parts.toggle.setAttribute("aria-controls", parts.table.id);
  const frame = element("div", { class: "r2f-frame", "aria-hidden": "true" }, parts.plot, parts.loading);
  const card = element("section", { class: "r2f-card", "aria-label": spec.title || "Explorer" });
  card.addEventListener("keydown", passSaveOn);
  if (spec.title) card.append(element("p", { class: "r2f-title" }, spec.title));
  card.append(parts.controls, parts.notice, parts.heading, frame, parts.problem, parts.sentence, parts.toggle, parts.again, parts.table);

  // -- to the kernel
  const waiting = new Map();
  let onItsWay = null;
  let slow = 0;
  let serial = 0;

  function tell(key, message) {
    waiting.set(key, message);
    if (key !== HELLO && key !== TICK) busy(true);
    send();
  }
  /** From a move until its answer is drawn: a screen reader reads the sentence then, and not what came in between. */
  function busy(on) {
    parts.sentence.setAttribute("aria-busy", String(on));
  }
  function atRest() {
    if (!drawing && !onItsWay && !waiting.size) busy(false);
  }
  function send() {
    const patience = spec.live && [HELLO, TICK].includes(onItsWay?.key) ? ASK_AGAIN_AFTER_MS : RESEND_AFTER_MS;
    const late = onItsWay && performance.now() - onItsWay.at > patience;
    if (!waiting.size || (onItsWay && !late)) return;
    const [key, message] = waiting.entries().next().value;
    waiting.delete(key);
    onItsWay = { key, from: `${view}-${(serial += 1)}`, at: performance.now() };
    clearTimeout(slow);
    const waits = "Waiting for the kernel. If it was restarted, run this cell again.";
    if (key !== HELLO && key !== TICK) {
      slow = setTimeout(() => {
        write(parts.notice, waits);
        busy(false);
      }, 2000);
    }
    try {
      model.send({ ...message, from: onItsWay.from });
    } catch {
      write(parts.notice, "The kernel is gone: run this cell again.");
      busy(false);
    }
  }

  const controls = new Map();
  spec.controls.forEach((control, i) => {
    const made = makers[control.kind](control, `${view}-${i}`, (move) =>
      tell(control.name, { type: "move", name: control.name, ...move }));
    controls.set(control.name, made);
    parts.controls.append(made.node);
  });
  parts.toggle.addEventListener("click", () => {
    const open = parts.toggle.getAttribute("aria-expanded") !== "true";
    tell(" table", { type: "table", open });
  });

  // -- a live view asks for news, for as long as the kernel says that there may be some
  let ticking = 0;
  let unanswered = 0;
  function tick() {
    if (document.hidden || !parts.plot.clientWidth) return void (ticking = setTimeout(tick, 1000));
    tell(TICK, { type: "tick" });
    // A kernel that is busy answers late, one that was restarted never.
    if ((unanswered += 1) < 8) ticking = setTimeout(tick, ASK_AGAIN_AFTER_MS + 50);
  }
  function keepLive(next) {
    unanswered = 0;
    clearTimeout(ticking);
    if (next && !gone) ticking = setTimeout(tick, next);
    const { button } = model.get("state");
    write(parts.again, button || "Watch again");
    if (button && !parts.again.classList.contains("r2f-run")) {
      parts.again.classList.replace("r2f-again", "r2f-run"); // it does something of its own: above the figure
      parts.notice.before(parts.again);
    }
    parts.again.hidden = next > 0 && !button;
    // What changes several times a second would never let a screen reader finish.
    for (const part of [parts.sentence, parts.notice]) part.setAttribute("aria-live", next ? "off" : "polite");
  }
  parts.again.addEventListener("click", () => tell(" wake", { type: "wake" }));

  // -- from the kernel
  function show() {
    const state = model.get("state");
    if (onItsWay && state.answers === onItsWay.from) {
      onItsWay = null;
      clearTimeout(slow);
      send();
    }
    for (const [name, control] of controls) {
      if (!waiting.has(name) && onItsWay?.key !== name) control.show(state.values[name]);
    }
    write(parts.notice, state.notice);
    write(parts.problem, state.problem);
    write(parts.sentence, state.sentence);
    card.classList.toggle("r2f-stale", Boolean(state.problem));
    showTable(state.table);
    if (spec.live) keepLive(state.next_ms);
    draw();
    atRest();
  }

  function showTable(table) {
    parts.toggle.setAttribute("aria-expanded", String(Boolean(table)));
    write(parts.toggle, table ? "Hide the numbers" : "Show the numbers");
    parts.table.hidden = !table;
    if (!table) return parts.table.replaceChildren();
    const kind = (i) => (table.numeric[i] ? { class: "r2f-number" } : {});
    const head = element("tr", {}, ...table.columns.map((text, i) => element("th", { scope: "col", ...kind(i) }, text)));
    const rows = table.rows.map((row) => element("tr", {}, ...row.map((text, i) => element("td", kind(i), text))));
    parts.table.replaceChildren(
      element("table", {}, element("thead", {}, head), element("tbody", {}, ...rows)),
      element("p", {}, table.left_out),
    );
  }

  // -- the figure
  let Plotly = null;
  let drawn = "";
  let drawing = false;
  let gone = false;

  async function draw() {
    if (drawing || gone) return;
    drawing = true;
    try {
      for (let wanted = asked(); wanted !== drawn; wanted = asked()) {
        await drawOnce(model.get("state").figure);
        drawn = wanted;
      }
    } catch (error) {
      console.error(error);
      write(parts.loading, "The figure can't be drawn here; the sentence says what it shows.");
    } finally {
      drawing = false;
      atRest();
    }
  }
  /** What should be on the screen: the figure at the width there is. A hidden panel draws nothing. */
  function asked() {
    const figure = model.get("state").figure;
    const width = parts.plot.clientWidth;
    return !gone && figure && width ? `${width} ${figure}` : drawn;
  }
  async function drawOnce(text) {
    const { data, layout } = JSON.parse(text);
    const title = layout.title?.text ?? "";
    if (title) {
      const lines = title.split(/<br\s*\/?>/).length;
      delete layout.title;
      layout.height -= lines * TITLE_LINE;
      layout.margin.t -= lines * TITLE_LINE;
    }
    reserve(layout.height, title);
    Plotly ??= await plotly(model, spec.plotly);
    if (gone) return;
    const react = () => {
      layout.width = parts.plot.clientWidth;
      return gone || Plotly.react(parts.plot, data, layout, { displayModeBar: false });
    };
    await (drawn ? react() : inTurn(react));
    parts.loading.hidden = true;
  }
  function reserve(height, title) {
    write(parts.heading, plainTitle(title));
    parts.heading.hidden = !title;
    if (height) frame.style.minHeight = `${height}px`;
  }

  // A longer sentence may push down what is below, once; a shorter one doesn't pull it up again.
  let sentenceWidth = 0;
  const steady = new ResizeObserver(([{ target, contentRect }]) => {
    if (contentRect.width !== sentenceWidth) target.style.minHeight = "";
    sentenceWidth = contentRect.width;
    target.style.minHeight = `${target.offsetHeight}px`;
  });
  const resized = new ResizeObserver(() => requestAnimationFrame(draw));
  model.on("change:state", show);
  el.append(card);
  show();
  resized.observe(parts.plot);
  steady.observe(parts.sentence);
  tell(HELLO, { type: "hello" }); // what the kernel said before this view listened

  return () => {
    gone = true;
    clearTimeout(slow);
    clearTimeout(ticking);
    resized.disconnect();
    steady.disconnect();
    Plotly?.purge(parts.plot);
  };
}

export default { render };
