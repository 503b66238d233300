// Goes before the module of every widget: see page.py.

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

