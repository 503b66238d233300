"""The page's half of an explorer: one widget that holds controls, figure and sentence.

The controls are the browser's own inputs and not ipywidgets: the thumb of an ipywidgets slider has no
accessible name, its arrow keys move JupyterLab's cell selection as well, a log slider cannot include
0, and a control costs three models where a whole panel here costs one.

Plotly reaches the page once: the first panel asks for it, and gets the file that Plotly's Python
package brings, compressed, as bytes. Each move then travels as one small message there, and one
message with figure and sentence back. ``panel.js`` is the other end.
"""

from __future__ import annotations

import functools
import gzip
import json
import re
from importlib import metadata, resources
from pathlib import Path
from typing import TYPE_CHECKING, Any

import traitlets

from helpers.show.page import PageWidget, module
from helpers.show.wording import number

if TYPE_CHECKING:
    import pandas as pd

    from helpers.show.explorer import Explorer

_HERE = Path(__file__).parent
_MOST_ROWS = 200


@functools.cache
def plotly_js() -> bytes:
    """Compress Plotly's JavaScript as its Python package brings it: 4.8 MB become 1.5."""
    source = resources.files("plotly").joinpath("package_data/plotly.min.js").read_bytes()
    # Level 6: level 1 is 0.1 s faster and 0.2 MB larger, and the network is the slower part.
    return gzip.compress(source, 6, mtime=0)


@functools.cache
def plotly_js_version() -> str:
    """Read the version of that file from its first lines: another one on the page is not the same."""
    with resources.files("plotly").joinpath("package_data/plotly.min.js").open(encoding="utf-8") as source:
        found = re.search(r"plotly\.js v([\w.-]+)", source.read(400))
    return found[1] if found else metadata.version("plotly")


class Panel(PageWidget):
    """The widget of one explorer; every view of it shows the same state."""

    _esm = module(_HERE / "panel.js")
    _css = _HERE / "panel.css"

    #: What never changes: title, controls, the version of Plotly to share.
    panel = traitlets.Dict().tag(sync=True)
    #: What changes with each move, in one piece, so that one message brings it.
    state = traitlets.Dict().tag(sync=True)

    def __init__(self, explorer: Explorer) -> None:
        self._explorer = explorer
        self._with_table = False
        self._notice = ""
        controls = [{"name": name, **control.spec()} for name, control in explorer.controls.items()]
        super().__init__(
            panel={"title": explorer.title, "controls": controls, "plotly": plotly_js_version()},
            state=self._state(),
        )
        self.on_msg(self._answer)

    def refresh(self) -> None:
        """Show the explorer's state after a value was set in code."""
        self._notice = ""
        self.state = self._state()

    def _answer(self, _widget: object, message: dict[str, Any], _buffers: list[bytes]) -> None:
        """Take a message from a view. Each gets exactly one answer, so that a view knows it may go on.

        A view that has just appeared says "hello" and gets the state as it is.
        """
        if message["type"] == "plotly":
            self.send({"type": "plotly"}, buffers=[plotly_js()])
            return
        if message["type"] == "move":
            self._notice = self._explorer.move(message["name"], message)
        elif message["type"] == "table":
            self._with_table = bool(message["open"])
        self.state = self._state(answers=message["from"])

    def _state(self, *, answers: str = "") -> dict[str, Any]:
        drawn = self._explorer.drawn
        return {
            "values": {name: control.shown() for name, control in self._explorer.controls.items()},
            # As text: ipywidgets would search each point of a nested figure for binary data.
            "figure": json.dumps(drawn.chart.figure, separators=(",", ":")) if drawn.chart else "",
            "sentence": drawn.chart.sentence if drawn.chart else "",
            "problem": drawn.problem,
            "notice": self._notice,
            "table": _rows(drawn.chart.table) if drawn.chart and self._with_table else None,
            "answers": answers,
        }


def _rows(table: pd.DataFrame) -> dict[str, Any]:
    """Give a table as texts, with its numbers marked, and say so when rows are left out."""
    shown = table.head(_MOST_ROWS)
    columns = [str(column) for column in shown.columns]
    numeric = [kind.kind in "iuf" for kind in shown.dtypes]
    rows = [[_text(value) for value in row] for row in shown.itertuples(index=False, name=None)]
    left_out = f"The first {_MOST_ROWS} of {len(table):,} rows." if len(table) > _MOST_ROWS else ""
    return {"columns": columns, "numeric": numeric, "rows": rows, "left_out": left_out}


def _text(value: Any) -> str:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return "" if value is None else str(value)
    return "" if value != value else number(value)
