// What the widgets' modules share: page.py puts it before each of them.

/**
 * Take the kernel's messages without anywidget's condition.
 *
 * anywidget 0.11 gives a widget's module two seconds to load. On a page that is busy for longer, with eight figures on
 * a slow laptop, it gives up without a word: the widget appears, sends its messages, and never hears an answer. The
 * model underneath still knows how to take messages, and this module evidently has loaded.
 */
async function listen(model) {
  try {
    const own = await model.widget_manager.get_model(model.get("page_id"));
    const underneath = Object.getPrototypeOf(Object.getPrototypeOf(own));
    own.comm.on_msg((message) => underneath._handle_comm_msg.call(own, message));
  } catch (error) {
    console.debug("This front end delivers messages in a way of its own.", error);
  }
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

