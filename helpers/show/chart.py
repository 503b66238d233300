"""A chart is a figure, the sentence that says what it shows, and the table that it draws.

The three travel together: JupyterLab draws the figure, a screen reader and a plain-text view get
the sentence, and whoever wants the numbers asks for the table. A figure is a plain Plotly dict, so
Plotly's Python package, which takes a second to import, is not needed to show one.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pandas as pd

from helpers.show.plain import plain

if TYPE_CHECKING:
    import plotly.graph_objects as go

PLOTLY_MIME = "application/vnd.plotly.v1+json"
CONFIG = {"displayModeBar": False}


@dataclass(frozen=True, eq=False, repr=False)
class Chart:
    """A Plotly figure with its sentence and its table.

    Parameters
    ----------
    figure : dict
        ``{"data": [...], "layout": {...}}`` in Plotly's terms. NumPy and pandas values become plain
        lists, floats keep six significant digits, NaN and infinity become None (a gap).
    sentence : str
        What the figure shows, in one or two sentences that stand without it.
    table : pandas.DataFrame
        The numbers behind the figure.

    Examples
    --------
    >>> table = pd.DataFrame({"requests": [0, 1e6], "usd": [0.0, 0.2]})
    >>> figure = {"data": [{"type": "scatter", "x": table["requests"], "y": table["usd"]}], "layout": {}}
    >>> chart = Chart(figure, "A million requests cost $0.20.", table)
    >>> print(chart)
    A million requests cost $0.20.
    >>> chart.figure["data"][0]["y"]
    [0, 0.2]
    """

    figure: dict[str, Any]
    sentence: str
    table: pd.DataFrame

    def __post_init__(self) -> None:
        figure = self.figure
        if not isinstance(figure, dict) or not isinstance(figure.get("data"), list):
            raise TypeError('figure must be a dict {"data": [...], "layout": {...}}')
        if not isinstance(figure.get("layout", {}), dict):
            raise TypeError(f"figure's layout must be a dict, got {type(figure['layout']).__name__}")
        if unknown := set(figure) - {"data", "layout"}:
            raise ValueError(f"figure holds data and layout only, got {', '.join(sorted(unknown))} as well")
        if not isinstance(self.sentence, str) or not self.sentence.strip():
            raise ValueError("sentence must say in words what the figure shows")
        if not isinstance(self.table, pd.DataFrame):
            raise TypeError(f"table must be a DataFrame, got {type(self.table).__name__}")
        plain_figure = {"data": plain(figure["data"], "data"), "layout": plain(figure.get("layout", {}), "layout")}
        object.__setattr__(self, "figure", plain_figure)
        object.__setattr__(self, "sentence", self.sentence.strip())

    def __str__(self) -> str:
        return self.sentence

    def __repr__(self) -> str:
        return self.sentence

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, Any]:
        return {PLOTLY_MIME: {**self.figure, "config": dict(CONFIG)}, "text/plain": self.sentence}

    def to_plotly(self) -> go.Figure:
        """Give a real Plotly figure, for those who want to go on with it.

        Returns
        -------
        plotly.graph_objects.Figure
            A copy: changing it leaves the chart as it is.
        """
        import plotly.graph_objects as go

        layout = {"template": {}, **self.figure["layout"]}
        return go.Figure({"data": self.figure["data"], "layout": layout})
