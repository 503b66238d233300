"""Colours, dashes, markers and patterns, each under the name of what it stands for.

Lambda is the same orange solid line in every figure of the collection. The colours stay apart for
readers with protanopia, deuteranopia and tritanopia, and each has a contrast of at least 3:1 on
white; ``tests/test_show_palette.py`` measures both. Dash, marker and pattern differ too, so that a
figure still reads in grey.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

PAPER = "#ffffff"
TEXT = "#1b1f24"
QUIET_TEXT = "#525961"
GRID = "#e3e6ea"
AXIS = "#8a9199"
# Of a grid of cells, from few to many. One hue, from light to middling: it reads in grey and for every kind of colour
# vision, and dark text stands out on all of it.
SHADES = [[0, "#f3f7fe"], [1, "#5b9aec"]]


class Style(NamedTuple):
    """How one series looks."""

    colour: str
    dash: str
    symbol: str
    pattern: str


class Palette(Mapping[str, str]):
    """Named colours, with the dash, marker and pattern that go with each.

    Examples
    --------
    >>> palette["lambda"], palette.dash("fargate"), palette.symbol("ec2")
    ('#e37405', 'dash', 'square')
    >>> palette.names_for(["AWS Lambda", "EC2 m7g.large", "EC2 c7g.large"])
    ['lambda', 'ec2', 'duration']
    """

    def __init__(self, styles: Mapping[str, Style]) -> None:
        self._styles = dict(styles)

    def __getitem__(self, name: str) -> str:
        return self.style(name).colour

    def __iter__(self) -> Iterator[str]:
        return iter(self._styles)

    def __len__(self) -> int:
        return len(self._styles)

    def __repr__(self) -> str:
        return f"Palette({', '.join(self)})"

    def style(self, name: str) -> Style:
        """Give colour, dash, symbol and pattern of a name; KeyError lists the names."""
        try:
            return self._styles[name]
        except KeyError:
            raise KeyError(f"{name!r} is not in the palette: {', '.join(self)}") from None

    def dash(self, name: str) -> str:
        """Give the line dash of a name, in Plotly's terms."""
        return self.style(name).dash

    def symbol(self, name: str) -> str:
        """Give the marker symbol of a name, in Plotly's terms."""
        return self.style(name).symbol

    def pattern(self, name: str) -> str:
        """Give the fill pattern of a name for bars, in Plotly's terms ("" is a plain fill)."""
        return self.style(name).pattern

    def names_for(self, labels: Iterable[object]) -> list[str]:
        """Choose a palette name for each series, none twice while there are enough.

        A label that contains a name as a word gets that name; the others get what is left, in the
        palette's order.
        """
        labels = [str(label) for label in labels]
        chosen: dict[int, str] = {}
        for i, label in enumerate(labels):
            words = re.findall(r"[a-z0-9]+", label.lower())
            name = next((word for word in words if word in self._styles), None)
            if name is not None and name not in chosen.values():
                chosen[i] = name
        order = ["duration", "lambda", "fargate", "ec2", "requests", "accent", "eks", "rack", "muted"]
        left = [name for name in order if name not in chosen.values()]
        for turn, i in enumerate(i for i in range(len(labels)) if i not in chosen):
            chosen[i] = left[turn] if turn < len(left) else order[turn % len(order)]
        return [chosen[i] for i in range(len(labels))]


palette = Palette(
    {
        "lambda": Style("#e37405", "solid", "circle", ""),
        "fargate": Style("#781ec2", "dash", "diamond", "/"),
        "ec2": Style("#368ffe", "dot", "square", "\\"),
        "eks": Style("#1b144f", "dashdot", "triangle-up", "x"),
        "rack": Style("#401007", "longdash", "cross", "-"),
        "requests": Style("#a18f7c", "dash", "star", "."),
        "duration": Style("#235951", "solid", "triangle-down", ""),
        "accent": Style("#bf0101", "dot", "x", "+"),
        "muted": Style("#7a7e8f", "longdashdot", "hexagon", "|"),
    }
)
