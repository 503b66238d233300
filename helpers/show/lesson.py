"""The lesson's claims with our verdict on each, what to say instead, and where that comes from.

:func:`lesson_claims` shows rows of ``tables.claims()`` at the end of a notebook, as a table whose sentences are whole.
"""

from __future__ import annotations

import difflib
import html
import re
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pandas as pd

from helpers import tables

# A shape as well as a word, so that a column of verdicts can be read at a glance.
_SHAPES = {"correct": "●", "dated": "◐", "wrong": "○", "opinion": "◇"}
_LINK = re.compile(r" \((https?://[^()\s]+)\)")
_CELL = "text-align:left;vertical-align:top;white-space:normal"
_AS_IT_STANDS = "Holds as it stands."


@dataclass(frozen=True, eq=False, repr=False)
class LessonClaims:
    """Some of the lesson's claims.

    Attributes
    ----------
    rows : pandas.DataFrame
        Rows of ``tables.claims()``, indexed by id.
    """

    rows: pd.DataFrame

    def __str__(self) -> str:
        lines = [self._summary()]
        for row in self.rows.itertuples():
            lines.append(f"{row.Index} {_SHAPES[row.verdict]} {row.verdict}: {row.claim}")
            said = f"{row.teach or _AS_IT_STANDS} Source: {row.source}"
            lines += [f"    {line}" for line in textwrap.wrap(said, 96, break_on_hyphens=False, break_long_words=False)]
        return "\n".join(lines)

    __repr__ = __str__

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, Any]:
        heads = "".join(
            f"<th scope='col' style='{_CELL}'>{head}</th>" for head in ("", "The lesson says", "Verdict", "We say")
        )
        body = "".join(
            f"<tr><th scope='row' style='{_CELL}'>{row.Index}</th><td style='{_CELL}'>{_escaped(row.claim)}</td>"
            f"<td style='{_CELL};white-space:nowrap'>{_SHAPES[row.verdict]} {row.verdict}</td>"
            f"<td style='{_CELL}'>{_escaped(row.teach or _AS_IT_STANDS)} <i>{_linked(row.source)}</i></td></tr>"
            for row in self.rows.itertuples()
        )
        table = f"<table><thead><tr>{heads}</tr></thead><tbody>{body}</tbody></table>"
        return {"text/html": f"<p>{html.escape(self._summary())}</p>{table}", "text/plain": str(self)}

    def _summary(self) -> str:
        counts = self.rows["verdict"].value_counts()
        told = ", ".join(f"{counts[verdict]} {verdict}" for verdict in _SHAPES if verdict in counts)
        checked = f"{self.rows['as_of'].max():%Y-%m-%d}"
        return f"{len(self.rows)} of the lesson's claims, checked on {checked}: {told}."


def lesson_claims(*ids: str) -> LessonClaims:
    """Show the lesson's claims with verdict, what to say instead, and source.

    Parameters
    ----------
    *ids : str
        Ids of ``tables.claims()``; ``"B08:B12"`` stands for the rows from the first to the last, both included.

    Returns
    -------
    LessonClaims
        A table, with its ``rows``.

    Raises
    ------
    KeyError
        If there is no such claim, naming near ones.
    ValueError
        If no id is given.

    Examples
    --------
    >>> lesson_claims("C08", "B08:B12").rows["verdict"].tolist()
    ['wrong', 'dated', 'correct', 'dated', 'dated', 'correct']
    """
    if not ids:
        raise ValueError('ids must name at least one claim, as "C08" or "B08:B12"')
    table = tables.claims()
    rows = table.loc[list(dict.fromkeys(_each(ids, table.index)))]
    return LessonClaims(rows.assign(as_of=pd.to_datetime(rows["as_of"]), teach=rows["teach"].fillna("")))


def _each(ids: tuple[str, ...], known: pd.Index) -> Iterator[str]:
    for one in ids:
        ends = one.split(":")
        for end in ends:
            if end not in known:
                near = difflib.get_close_matches(end, known, n=3, cutoff=0.3) or list(known[:3])
                raise KeyError(f"no claim has the id {end!r}; near: {', '.join(near)}")
        yield from known[known.get_loc(ends[0]) : known.get_loc(ends[-1]) + 1]


def _escaped(text: str) -> str:
    """Return the text as HTML, in which two dollar signs are no formula: MathJax looks for pairs within one element."""
    return html.escape(text).replace("$", "<span>$</span>")


def _linked(source: str) -> str:
    """Return the source as HTML, each address as a link that shows its host."""
    pieces = _LINK.split(source)
    told = html.escape(pieces[0])
    for address, after in zip(pieces[1::2], pieces[2::2], strict=True):
        host = address.split("/")[2].removeprefix("www.")
        told += f' (<a href="{html.escape(address)}">{host}</a>){html.escape(after)}'
    return told
