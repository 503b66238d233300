"""Columns of numbers in an HTML table, found and marked, so that they can stand to the right and words to the left."""

from __future__ import annotations

import html
import re

_ROW = re.compile(r"<tr[\s\S]*?</tr>")
_CELL = re.compile(r"<(t[hd])([^>]*)>([\s\S]*?)</\1>")
_NUMBER = re.compile(r"[-−+]?\$?[\d.,]+(e[-+]?\d+)?\s?%?|NaN|[-—]?")


def aligned(markup: str) -> str:
    """Give each cell of a column that holds only numbers the class ``number``, its heading included.

    Examples
    --------
    >>> aligned("<tr><th>way</th><th>usd</th></tr><tr><td>rack</td><td>1.50</td></tr>")
    '<tr><th>way</th><th class="number">usd</th></tr><tr><td>rack</td><td class="number">1.50</td></tr>'
    """
    rows = [_CELL.findall(row) for row in _ROW.findall(markup)]
    columns = [[row[place] for row in rows if len(row) > place] for place in range(max(map(len, rows), default=0))]
    numbers = {place for place, cells in enumerate(columns) if _is_of_numbers(cells)}

    def marked(row: re.Match[str]) -> str:
        places = iter(range(len(columns)))

        def cell(found: re.Match[str]) -> str:
            kind = ' class="number"' if next(places) in numbers else ""
            return f"<{found[1]}{found[2]}{kind}>{found[3]}</{found[1]}>"

        return _CELL.sub(cell, row[0])

    return re.sub(r"<th[^>]*>\s*</th>", "<td></td>", _ROW.sub(marked, markup))  # a heading says something


def _is_of_numbers(cells: list[tuple[str, str, str]]) -> bool:
    texts = [html.unescape(re.sub(r"<[^>]*>", "", text)).strip() for kind, _, text in cells if kind == "td"]
    return any(texts) and all(_NUMBER.fullmatch(text) for text in texts)
