"""A card: what the notebook says to a learner, as HTML and as plain text.

The look is that of the figures: one opaque light sheet in both themes of JupyterLab. Styles stand in the elements,
because GitHub and printing keep no style sheet; where even those are dropped, the words and the symbol still tell
right from wrong.
"""

from __future__ import annotations

import html
import re
from dataclasses import dataclass

_SHEET = (
    "box-sizing:border-box;max-width:1120px;margin:4px 2px;padding:10px 18px 12px;color:#1b1f24;background:#fff;"
    "border:1px solid #d4d9df;border-left:6px solid {edge};border-radius:8px;"
    "font:16px/1.5 system-ui,'Segoe UI',Roboto,'Helvetica Neue',Arial,sans-serif"
)
_CODE = "padding:1px 5px;color:#1b1f24;background:#f0f2f5;border-radius:4px;font-size:15px"
_LISTING = (
    "margin:8px 0 0;padding:8px 12px;color:#1b1f24;background:#f0f2f5;border-radius:5px;font-size:15px;line-height:1.4"
)
_TONES = {
    "open": ("○", "#7a7e8f"),
    "right": ("✓", "#235951"),
    "wrong": ("✗", "#bf0101"),
    "trouble": ("!", "#8a3b00"),
    "hint": ("→", "#1f5fbf"),
}


@dataclass(frozen=True, repr=False)
class Card:
    """A heading and some lines, with a symbol for what they mean.

    Parameters
    ----------
    heading : str
        What it is about and how it stands.
    lines : tuple of str
        Sentences; `` `code` `` in backquotes, and a text of several lines is a listing.
    tone : str
        ``"open"``, ``"right"``, ``"wrong"``, ``"trouble"`` or ``"hint"``.
    rest : str
        What goes on beside the heading, less loud.
    """

    heading: str
    lines: tuple[str, ...] = ()
    tone: str = "open"
    rest: str = ""

    def __repr__(self) -> str:
        first = f"{_TONES[self.tone][0]} {self.heading} {self.rest}".rstrip()
        return "\n".join([first, *filter(None, self.lines)])

    def _repr_html_(self) -> str:
        symbol, edge = _TONES[self.tone]
        rest = f' <span style="font-weight:400">{marked(self.rest)}</span>' if self.rest else ""
        heading = f'<p style="margin:0;font-weight:600;color:inherit">{symbol} {marked(self.heading)}{rest}</p>'
        return f'<div style="{_SHEET.format(edge=edge)}">{heading}{"".join(map(_line, filter(None, self.lines)))}</div>'


def _line(text: str) -> str:
    if "\n" in text:
        return f'<pre style="{_LISTING}">{html.escape(text)}</pre>'
    return f'<p style="margin:4px 0 0;color:inherit">{marked(text)}</p>'


def marked(text: str) -> str:
    """Turn text into HTML: escaped, with code where backquotes are.

    Examples
    --------
    >>> marked("1 < 2")
    '1 &lt; 2'
    """
    return re.sub(r"`([^`]+)`", rf'<code style="{_CODE}">\1</code>', html.escape(text, quote=False))
