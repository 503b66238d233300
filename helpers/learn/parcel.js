// The browser's half of the overview: a table, a link that saves the file, a field that loads one.
// parcel.py is the other half.

const LARGEST_BYTES = 1_000_000; // a record of everything is a hundredth of that

async function render({ model, el }) {
  await listen(model, el);
  const table = element("table", {});
  const save = element("a", { class: "r2f-save", download: "progress.json" }, "Save my progress to a file");
  const file = element("input", { type: "file", accept: ".json,application/json" });
  const notice = element("p", { class: "r2f-sheet-notice", role: "status" });
  el.append(
    element("section", { class: "r2f-sheet", "aria-label": "My progress" },
      element("div", { class: "r2f-scroll" }, table),
      element("div", { class: "r2f-moves" }, save, element("label", {}, element("span", {}, "Load a saved file: "), file)),
      notice),
  );

  file.addEventListener("change", async () => {
    const [chosen] = file.files;
    if (!chosen) return;
    if (chosen.size > LARGEST_BYTES) notice.textContent = "Nothing is loaded: the file is too large.";
    else model.send({ type: "load", text: await chosen.text() });
    file.value = ""; // so that choosing the same file again loads it again
  });

  function show() {
    const state = model.get("state");
    const cells = (texts, tag, more = {}) => texts.map((text) => element(tag, more, text));
    const head = element("tr", {}, ...cells(state.columns, "th", { scope: "col" }));
    table.replaceChildren(
      element("thead", {}, head),
      element("tbody", {}, ...state.rows.map((row) => element("tr", {}, ...cells(row, "td")))));
    save.href = `data:application/json;charset=utf-8,${encodeURIComponent(state.file)}`;
    notice.textContent = state.notice;
  }
  model.on("change:state", show);
  show();
  return () => model.off("change:state", show);
}

export default { render };
