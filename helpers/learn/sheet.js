// The browser's half of a quiz or a prediction: questions with native inputs. sheet.py is the other half.
//
// The kernel decides what is right: this file sends what was given, and shows what comes back. An answer that is
// being changed is not overwritten by what the kernel says about an earlier one.

const SLOW_MS = 2000;
const SYMBOLS = { right: "✓ ", wrong: "✗ ", kept: "✓ ", trouble: "! " };

/** Text with `code` in backquotes, as nodes. */
function marked(text) {
  return text.split(/`([^`]+)`/).map((part, i) => (i % 2 ? element("code", {}, part) : part));
}

// ---- kinds of question: each has a node, given(), and show(given) ----------------------------

function options(question, id, type) {
  const inputs = question.choices.map((_, i) => element("input", { type, name: id, value: i }));
  const labels = question.choices.map((text, i) => element("label", {}, inputs[i], element("span", {}, ...marked(text))));
  const checked = () => inputs.flatMap((input, i) => (input.checked ? [i] : []));
  const node = element("div", { class: "r2f-choices" }, ...labels);
  return { node, checked, set: (chosen) => inputs.forEach((input, i) => (input.checked = chosen.includes(i))) };
}

function single(question, id) {
  const { node, checked, set } = options(question, id, "radio");
  return { node, given: () => checked()[0] ?? null, show: (given) => set([given]) };
}

function multiple(question, id) {
  const { node, checked, set } = options(question, id, "checkbox");
  return { node, how: "Choose all that apply.", given: checked, show: (given) => set(given ?? []) };
}

function numeric(question, id) {
  const unit = question.unit ? ` in ${question.unit}` : "";
  const box = element("input", {
    type: "text", inputmode: "decimal", autocomplete: "off", spellcheck: "false", "aria-label": `Your number${unit}`,
  });
  const node = element("div", { class: "r2f-number-row" }, box, element("span", { "aria-hidden": "true" }, question.unit ?? ""));
  return { node, enter: box, given: () => box.value, show: (given) => (box.value = given) };
}

function ordering(question) {
  let order = question.items.map((_, i) => i);
  const list = element("ol", { class: "r2f-order" });
  const said = element("span", { role: "status", style: "position:absolute;clip-path:inset(50%);width:1px;height:1px;overflow:hidden" });
  const node = element("div", {}, list, said);

  function draw() {
    list.replaceChildren(...order.map((item, place) => {
      const text = question.items[item];
      const button = (sign, by, words) => {
        const made = element("button", { type: "button", "aria-label": `Move ${words}: ${text}`, title: `Move ${words}` }, sign);
        made.disabled = place + by < 0 || place + by >= order.length;
        made.addEventListener("click", () => move(place, by));
        return made;
      };
      return element("li", {}, element("span", {}, `${place + 1}.`), element("span", {}, ...marked(text)),
        button("↑", -1, "up"), button("↓", 1, "down"));
    }));
  }
  function move(place, by) {
    const item = order[place];
    [order[place], order[place + by]] = [order[place + by], item];
    draw();
    // The focus follows the item, so that pressing again moves it on; at an end, its other button takes over.
    const buttons = list.children[place + by].querySelectorAll("button");
    const same = buttons[by < 0 ? 0 : 1];
    (same.disabled ? buttons[by < 0 ? 1 : 0] : same).focus();
    write(said, `${question.items[item]}: now ${place + by + 1} of ${order.length}`);
    node.dispatchEvent(new Event("input", { bubbles: true }));
  }
  draw();
  return {
    node,
    how: "Move each item with its arrows.",
    given: () => order,
    show: (given) => {
      order = [...given];
      draw();
    },
  };
}

const makers = { single, multiple, numeric, ordering };

// ---- the sheet -------------------------------------------------------------------------------

async function render({ model, el }) {
  await listen(model, el);
  const spec = model.get("spec");
  const view = `s${Math.random().toString(36).slice(2, 10)}`;
  const card = element("section", { class: "r2f-sheet", "aria-label": spec.title });
  const summary = element("p", { class: "r2f-sheet-summary", role: "status" });
  const notice = element("p", { class: "r2f-sheet-notice", role: "status" });
  card.append(element("p", { class: "r2f-sheet-title" }, spec.title), summary);
  card.addEventListener("keydown", passSaveOn);

  let serial = 0;
  let slow = 0;
  const questions = new Map();

  function send(question) {
    const part = questions.get(question);
    part.touched = false;
    part.asked = `${view}-${(serial += 1)}`;
    clearTimeout(slow);
    slow = setTimeout(() => {
      write(notice, "Waiting for the kernel. If it was restarted, run this cell again.");
      part.feedback.setAttribute("aria-busy", "false");
    }, SLOW_MS);
    part.feedback.setAttribute("aria-busy", "true");
    try {
      model.send({ type: "answer", question, given: part.given(), from: part.asked });
    } catch {
      write(notice, "The kernel is gone: run this cell again.");
      part.feedback.setAttribute("aria-busy", "false");
    }
  }

  spec.questions.forEach((question, i) => {
    const made = makers[question.kind](question, `${view}-${i}`);
    const feedback = element("div", { class: "r2f-feedback", role: "status" });
    const submit = element("button", { type: "button", class: "r2f-submit" }, spec.button);
    const text = spec.numbered ? `${i + 1}. ${question.text}` : question.text;
    const field = element("fieldset", { class: "r2f-question" }, element("legend", {}, element("span", {}, ...marked(text))));
    if (made.how) field.append(element("p", { class: "r2f-how" }, made.how));
    field.append(made.node, submit, feedback);
    const part = { ...made, feedback, touched: false, asked: "" };
    made.node.addEventListener("input", () => {
      part.touched = true;
      feedback.replaceChildren(); // it was about another answer
      delete feedback.dataset.shown;
    });
    submit.addEventListener("click", () => send(question.id));
    made.enter?.addEventListener("keydown", (event) => event.key === "Enter" && send(question.id));
    questions.set(question.id, part);
    card.append(field);
  });
  card.append(notice);

  function show() {
    const state = model.get("state");
    write(summary, state.summary ?? "");
    for (const [id, part] of questions) {
      if (part.asked && part.asked === state.replies) {
        clearTimeout(slow);
        write(notice, "");
        part.asked = "";
        part.feedback.setAttribute("aria-busy", "false");
      }
      const answer = state.answers[id];
      if (!answer || part.asked || part.touched) continue;
      if (answer.given !== null) part.show(answer.given);
      tell(part.feedback, answer);
    }
  }

  /** Show how an answer stands; the same words a second time are announced again only if they change. */
  function tell(feedback, { status, lines }) {
    const wanted = JSON.stringify([status, lines]);
    if (feedback.dataset.shown === wanted) return;
    feedback.dataset.shown = wanted;
    feedback.dataset.status = status;
    feedback.replaceChildren(
      ...lines.map((line, i) => element("p", {}, i ? "" : SYMBOLS[status] ?? "", ...marked(line))));
  }

  model.on("change:state", show);
  el.append(card);
  show();
  return () => {
    clearTimeout(slow);
    model.off("change:state", show);
  };
}

export default { render };
