// What the widgets' modules share: page.py puts it before each of them.

/**
 * Take the kernel's messages without anywidget's condition.
 *
 * anywidget 0.11 gives a widget's module two seconds to load. On a page that is busy for longer, with eight figures on
 * a slow laptop, it gives up without a word: the widget appears, sends its messages, and never hears an answer. The
 * model underneath still knows how to take messages, and this module evidently has loaded.
 */
async function listen(model, el) {
  try {
    const own = await model.widget_manager.get_model(model.get("page_id"));
    nameFigures(el, own.widget_manager.context.model.cells);
    const underneath = Object.getPrototypeOf(Object.getPrototypeOf(own));
    own.comm.on_msg((message) => underneath._handle_comm_msg.call(own, message));
  } catch (error) {
    console.debug("This front end delivers messages in a way of its own.", error);
  }
}

const NAMED = Symbol.for("from-racks-to-functions.named");

/**
 * Give the static figures and pictures around a widget their sentence as a name.
 *
 * JupyterLab shows one form of an output, the figure, and leaves the sentence beside it in the notebook: a screen
 * reader would find an image without a name. `cells` is JupyterLab's list of cells, in the order of the page.
 */
function nameFigures(el, cells) {
  let waits = 0;
  const start = () => {
    const notebook = el.closest(".jp-Notebook");
    if (!notebook && (waits += 1) < 50) return setTimeout(start, 100); // it is not on the page yet
    if (!notebook || notebook[NAMED]) return undefined;
    notebook[NAMED] = true;
    let due = 0;
    const soon = () => (due ||= setTimeout(() => ((due = 0), name()), 200));
    new MutationObserver(soon).observe(notebook, { childList: true, subtree: true });
    return soon();
    function name() {
      if (!notebook.querySelector(".jp-RenderedPlotly:not([aria-label]), .jp-RenderedImage img:not([alt])")) return;
      notebook.querySelectorAll(".jp-Cell").forEach((cell, i) => {
        cell.querySelectorAll(".jp-OutputArea-child").forEach((output, k) => {
          const sentence = cells.get(i)?.outputs?.get(k)?.data["text/plain"];
          const picture = output.querySelector(".jp-RenderedImage img");
          const figure = output.querySelector(".jp-RenderedPlotly");
          if (picture) picture.alt = sentence ?? "";
          if (!figure || !sentence) return;
          figure.setAttribute("role", "img");
          figure.setAttribute("aria-label", sentence);
        });
      });
    }
  };
  start();
}

function element(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== undefined && value !== false) made.setAttribute(name, value === true ? "" : value);
  }
  // Where the focus is, keys belong to the control: else JupyterLab takes the arrows to walk its cells.
  // It looks for this attribute from the focused element on upwards, so it must be on that very element.
  if (made.matches("input, select, button, a, [tabindex]")) made.setAttribute("data-lm-suppress-shortcuts", "true");
  made.append(...children);
  return made;
}

/** Give JupyterLab the one shortcut back that a learner expects everywhere: save. */
function passSaveOn(event) {
  if (event.key !== "s" || !(event.ctrlKey || event.metaKey)) return;
  const { key, code, keyCode, ctrlKey, metaKey } = event;
  const again = { key, code, keyCode, ctrlKey, metaKey, bubbles: true, cancelable: true };
  if (!event.currentTarget.parentElement.dispatchEvent(new KeyboardEvent("keydown", again))) event.preventDefault();
}

/** Write text only when it differs, so that a screen reader isn't told the same thing again. */
function write(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

