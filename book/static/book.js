// Figures come to life when they come into sight: from the data beside them, with one Plotly for all pages.
// Without this file, or before it has loaded, each figure is its picture.

const here = document.currentScript;
const TITLE_LINE = 24; // as theme.TITLE_LINE: the title is the page's own text here, so its lines leave the figure
const NARROW = 560; // pixels; below, letters and margins shrink
const SHRINK = 0.78;
const TABLE_AT_LEAST = 600; // a table of words can't be narrower; it scrolls instead

// ---- Plotly, once, and only when a figure is near ------------------------------------------

let loading;

function plotly() {
  loading ??= new Promise((resolve, reject) => {
    const script = document.createElement("script");
    script.src = new URL(here.dataset.plotly, here.src);
    script.onload = () => resolve(globalThis.Plotly);
    script.onerror = () => reject(new Error("Plotly did not load"));
    document.head.append(script);
  });
  return loading;
}

// ---- one figure ------------------------------------------------------------------------------

/** Fit a figure into a width: its title leaves, and on a phone everything in it gets smaller. */
function fitted({ data, layout }, width) {
  const fit = structuredClone({ data, layout });
  if (fit.layout.title) {
    const lines = (fit.layout.title.text ?? "").split(/<br\s*\/?>/).length * TITLE_LINE;
    delete fit.layout.title;
    fit.layout.height -= lines;
    fit.layout.margin.t -= lines;
  }
  if (width < NARROW) shrink(fit);
  fit.layout.width = Math.max(width, width < NARROW && isTable(fit) ? TABLE_AT_LEAST : 0);
  return fit;
}

/** Some figures are tables of words, or several in a row: they can't get narrower. */
function isTable({ data, layout }) {
  const words = data.filter(({ mode }) => mode?.includes("text")).reduce((sum, { x }) => sum + x.length, 0);
  return words > 11 || Object.keys(layout).filter((key) => key.startsWith("xaxis")).length > 4;
}

function shrink({ data, layout }) {
  const scaled = (value) => Math.round(value * SHRINK);
  const walk = (value, key) => {
    if (!value || typeof value !== "object") return;
    if (/font$/.test(key ?? "") && typeof value.size === "number") value.size = Math.max(11, scaled(value.size));
    for (const [name, inner] of Object.entries(value)) walk(inner, name);
  };
  walk(data);
  walk(layout);
  const { margin } = layout;
  for (const side of ["l", "r"]) margin[side] = scaled(margin[side]);
  for (const note of layout.annotations ?? []) if (note.xref === "paper" && note.xshift) note.xshift = scaled(note.xshift);
  // Words beside bars keep their length while the bars get shorter.
  if (data.some(({ textposition }) => textposition === "middle right")) margin.r += 60;
  else if (data.some(({ textposition, orientation }) => textposition === "outside" && orientation === "h")) margin.r += 40;
  for (const [name, axis] of Object.entries(layout)) {
    if (!name.startsWith("xaxis") || axis.tickvals) continue;
    if (axis.type === "log") axis.dtick = 2;
    else if (!axis.type) Object.assign(axis, { nticks: 4, tickangle: 0 });
    if (axis.title?.text) axis.title.text = axis.title.text.replace(/(.{14,26}) /g, "$1<br>");
  }
}

class Figure {
  constructor(element, figure) {
    this.element = element;
    this.frame = element.querySelector(".frame");
    this.finding = element.querySelector(".finding");
    this.figure = figure ?? JSON.parse(element.querySelector("script").textContent);
    this.plot = document.createElement("div");
    this.plot.className = "plot";
    this.plot.setAttribute("aria-hidden", "true"); // the sentence below says it
  }

  async draw() {
    const Plotly = await plotly();
    const width = this.frame.clientWidth;
    if (!width || width === this.width) return;
    this.width = width;
    if (!this.plot.isConnected) this.frame.append(this.plot);
    const { data, layout } = fitted(this.figure, width);
    await Plotly.react(this.plot, data, layout, { displayModeBar: false });
    const still = this.element.querySelector(".still");
    if (still) still.hidden = true;
    if (this.finding) this.finding.hidden = !this.finding.textContent;
    this.element.dataset.drawn = "";
    this.frame.parentElement.classList.toggle("swipes", scrollable(this.frame, "Figure"));
  }

  /** Show another figure in the same place. */
  change(figure) {
    this.figure = figure;
    this.width = 0;
    return this.draw();
  }
}

// ---- all of them -----------------------------------------------------------------------------

const drawn = new WeakMap();
const woken = new WeakSet();
const near = new IntersectionObserver(
  (seen) => {
    for (const { isIntersecting, target } of seen) {
      if (!isIntersecting) continue;
      near.unobserve(target);
      wake(target);
    }
  },
  { rootMargin: "600px 0px" },
);
const resized = new ResizeObserver((changes) => {
  for (const { target } of changes) drawn.get(target)?.draw();
});

async function wake(element) {
  if (woken.has(element)) return;
  woken.add(element);
  const figure = new Figure(element);
  try {
    await figure.draw();
    drawn.set(figure.frame, figure);
    resized.observe(figure.frame);
  } catch (error) {
    console.error(error); // the picture stays
  }
}

/** The landing page's figure: a slider changes between figures that were computed when the book was built. */
function moving(element) {
  const frames = JSON.parse(element.querySelector("script").textContent);
  const [slider, label, sentence] = ["input", "output", "figcaption"].map((name) => element.querySelector(name));
  const figure = new Figure(element);
  function show() {
    const frame = frames[slider.value];
    label.textContent = frame.label;
    slider.setAttribute("aria-valuetext", frame.label);
    sentence.textContent = frame.sentence;
    figure.finding.textContent = frame.finding;
    slider.style.setProperty("--filled", `${(100 * slider.value) / slider.max}%`);
    return figure.change(frame);
  }
  slider.addEventListener("input", show);
  slider.parentElement.hidden = false;
  show().then(() => {
    drawn.set(figure.frame, figure);
    resized.observe(figure.frame);
  });
}

/** An explorer: each control by itself, from states that were computed when the book was built. */
const exploring = new Map();
globalThis.explored = (name, states) => exploring.get(name).resolve(states);

function load(element) {
  let states = exploring.get(element.id);
  if (!states) {
    states = {};
    states.promise = new Promise((resolve, reject) => Object.assign(states, { resolve, reject }));
    exploring.set(element.id, states);
    const script = document.createElement("script");
    script.src = element.dataset.states;
    script.onerror = () => states.reject(new Error("The explorer's states did not load"));
    document.head.append(script);
  }
  return states.promise;
}

function explorer(element) {
  const controls = [...element.querySelectorAll("input, select")];
  const starts = controls.map(place);
  const picture = element.querySelector("figure");
  let figure;
  let wanted = 0;

  function place(control) {
    return control.matches("select") ? control.selectedIndex : Number(control.value);
  }
  function put(control, index) {
    if (control.matches("select")) control.selectedIndex = index;
    else control.value = index;
    show(control);
  }
  function show(control) {
    if (control.matches("select")) return;
    const words = JSON.parse(control.dataset.words)[control.value];
    control.previousElementSibling.textContent = words;
    control.setAttribute("aria-valuetext", words);
    control.style.setProperty("--filled", `${(100 * control.value) / control.max}%`);
  }
  async function move(moved) {
    const turn = (wanted += 1);
    controls.forEach((control, i) => (control === moved ? show(control) : put(control, starts[i])));
    const { data, layout, controls: states } = await load(element);
    if (turn !== wanted) return; // moved on meanwhile
    const state = states[controls.indexOf(moved)][place(moved)];
    picture.hidden = false;
    figure ??= new Figure(picture, { data, layout });
    figure.finding.textContent = state.finding;
    picture.querySelector("figcaption").textContent = state.sentence;
    await figure.change(changed({ data, layout }, state.differs));
    drawn.set(figure.frame, figure);
    resized.observe(figure.frame);
  }
  for (const control of controls) {
    show(control);
    control.addEventListener("input", () => move(control).catch(console.error));
    control.addEventListener("pointerdown", () => load(element), { once: true });
  }
}

/** Lay what differs over a figure. */
function changed(figure, differs) {
  const copy = structuredClone(figure);
  for (const [path, value] of differs) {
    const last = path.at(-1);
    path.slice(0, -1).reduce((part, key) => part[key], copy)[last] = value;
  }
  return copy;
}

/** What scrolls sideways can be reached and scrolled with the keyboard, and has a name. */
function scrollable(element, name) {
  const overflows = element.scrollWidth > element.clientWidth + 1;
  if (overflows) {
    element.tabIndex = 0;
    element.setAttribute("role", "group");
    element.setAttribute("aria-label", name);
  } else {
    for (const attribute of ["tabindex", "role", "aria-label"]) element.removeAttribute(attribute);
  }
  return overflows;
}

function scrollers() {
  for (const pre of document.querySelectorAll("pre")) scrollable(pre, pre.matches(".result") ? "Result" : "Code");
  for (const table of document.querySelectorAll(".table, .paper, .paper > div, .table-wrapper")) scrollable(table, "Table");
}

document.querySelectorAll("figure.live").forEach((element) => near.observe(element));
document.querySelectorAll("figure.moving").forEach(moving);
document.querySelectorAll(".explorer").forEach(explorer);
document.querySelectorAll("details").forEach((element) => element.addEventListener("toggle", scrollers));
addEventListener("resize", scrollers);
scrollers();
