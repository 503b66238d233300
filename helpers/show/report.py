"""The REPORT line that Lambda writes after every invocation, taken apart word by word.

:func:`parse_report` is pure and gives the numbers; :func:`report_line` shows each word with what it means and what it
costs. The amounts come from :mod:`helpers.pricing`.
"""

from __future__ import annotations

import html
import math
import re
import textwrap
from dataclasses import dataclass
from typing import Any

import pandas as pd

from helpers.pricing import lambda_bill
from helpers.show.palette import PAPER, QUIET_TEXT, TEXT, palette
from helpers.show.wording import dollars, listed, number

# The words of the line: the name that each gets (as in cloud.invocations()), and its unit.
_WORDS = {
    "RequestId": ("request_id", ""),
    "Duration": ("duration_ms", "ms"),
    "Billed Duration": ("billed_ms", "ms"),
    "Memory Size": ("memory_mb", "MB"),
    "Max Memory Used": ("max_memory_mb", "MB"),
    "Init Duration": ("init_ms", "ms"),
    "Restore Duration": ("restore_ms", "ms"),
    "Billed Restore Duration": ("billed_restore_ms", "ms"),
    "Status": ("status", ""),
    "Error Type": ("error_type", ""),
    "XRAY TraceId": ("xray_trace_id", ""),
    "SegmentId": ("segment_id", ""),
    "Sampled": ("sampled", ""),
}
_NEEDED = ("RequestId", "Duration", "Billed Duration", "Memory Size", "Max Memory Used")
_WHOLE = {"billed_ms", "memory_mb", "max_memory_mb", "billed_restore_ms"}
# The longest first, and nothing before it but a gap: "Billed Duration" is not a "Duration".
_WORD = re.compile(rf"(?:(?<=\s)|^)({'|'.join(sorted(map(re.escape, _WORDS), key=len, reverse=True))}):\s*")


def parse_report(line: str) -> dict[str, Any]:
    r"""Read a REPORT line into numbers.

    Parameters
    ----------
    line : str
        The line, or a piece of log with one such line in it. Its words may be apart by tabs, as Lambda writes them, or
        by blanks, as a console copies them.

    Returns
    -------
    dict
        request_id, duration_ms, billed_ms, memory_mb, max_memory_mb, init_ms (None on a warm start) and status
        ("success" unless the line says otherwise); others, such as error_type, where the line has them.

    Raises
    ------
    ValueError
        If there is no such line or more than one, or a word is missing or is no number.

    Examples
    --------
    >>> line = "REPORT RequestId: 8f5\tDuration: 1.23 ms\tBilled Duration: 62 ms\tMemory Size: 128 MB"
    >>> line += "\tMax Memory Used: 15 MB"
    >>> parse_report(line + "\tInit Duration: 60.12 ms\t")["init_ms"], parse_report(line)["billed_ms"]
    (60.12, 62)
    """
    words = _words(line)
    told: dict[str, Any] = {"init_ms": None, "status": "success"}
    for word, text in words.items():
        name, unit = _WORDS[word]
        told[name] = _number(word, text, unit, whole=name in _WHOLE) if unit else text
    order = [name for name, _ in _WORDS.values()]
    return {name: told[name] for name in sorted(told, key=order.index)}


def _words(line: str) -> dict[str, str]:
    if not isinstance(line, str):
        raise TypeError(f"line must be text, got {type(line).__name__}")
    found = [each.strip() for each in line.splitlines() if re.match(r"\s*REPORT\s", each)]
    if not found:
        raise ValueError(f'line must be a REPORT line, "REPORT RequestId: …", got {textwrap.shorten(line, 60)!r}')
    if len(found) > 1:
        raise ValueError(f"line must hold one REPORT line, got {len(found)}")
    pieces = _WORD.split(found[0].removeprefix("REPORT").strip())[1:]
    words = {
        word: text.strip().partition("\t")[0].strip() for word, text in zip(pieces[::2], pieces[1::2], strict=True)
    }
    if missing := [word for word in _NEEDED if not words.get(word)]:
        raise ValueError(f"the REPORT line lacks {listed(missing)}")
    return words


def _number(word: str, text: str, unit: str, *, whole: bool) -> float | int:
    try:
        value = float(text.removesuffix(unit).strip())
    except ValueError:
        value = math.nan
    if not (math.isfinite(value) and value >= 0):
        raise ValueError(f"{word} must be a number of {unit}, got {text!r}")
    return int(value) if whole and value.is_integer() else value


@dataclass(frozen=True, eq=False, repr=False)
class ReportLine:
    """A REPORT line with its words explained.

    Attributes
    ----------
    line : str
        As Lambda wrote it.
    fields : dict
        What :func:`parse_report` gives.
    table : pandas.DataFrame
        One row a word: word, value, meaning, cost.
    sentence : str
        What the invocation took and cost.
    """

    line: str
    fields: dict[str, Any]
    table: pd.DataFrame
    sentence: str

    def __repr__(self) -> str:
        rows = [f"  {row.word}: {row.value}. {row.meaning} Cost: {row.cost}." for row in self.table.itertuples()]
        rows = [textwrap.fill(row, 110, subsequent_indent="      ") for row in rows]
        return "\n".join([self.sentence, *rows])

    __str__ = __repr__

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, Any]:
        return {"text/html": _page(self), "text/plain": repr(self)}


def report_line(text: str, *, architecture: str = "x86_64") -> ReportLine:
    r"""Take a REPORT line apart: each word, its value, what it means and what it costs.

    Parameters
    ----------
    text : str
        As for :func:`parse_report`.
    architecture : {"x86_64", "arm64"}
        Whose prices to use; the line doesn't say it.

    Returns
    -------
    ReportLine
        Shows itself as a table. Prices are those of one invocation without the free tier.

    Examples
    --------
    >>> line = "REPORT RequestId: 8f5\tDuration: 1.23 ms\tBilled Duration: 62 ms\tMemory Size: 128 MB"
    >>> print(report_line(line + "\tMax Memory Used: 15 MB\tInit Duration: 60.12 ms\t").sentence)
    A cold start: 60.12 ms of INIT and 1.23 ms of handler, billed as 62 ms with 128 MB, cost 0.000000329 USD.
    """
    told, words = parse_report(text), _words(text)
    line = next(each.strip() for each in text.splitlines() if re.match(r"\s*REPORT\s", each))
    told_costs, total = _costs(told, architecture)
    rows = [(word, words[word], _meaning(word, told), told_costs.get(word, "nothing")) for word in words]
    table = pd.DataFrame(rows, columns=["word", "value", "meaning", "cost"])
    init = told["init_ms"]
    start = "A warm start:" if init is None else f"A cold start: {number(init)} ms of INIT and"
    ended = {"timeout": ", which timed out,", "error": ", which failed,"}.get(told["status"], "")
    sentence = (
        f"{start} {number(told['duration_ms'])} ms of handler{ended or ','} billed as {told['billed_ms']:,} ms "
        f"with {told['memory_mb']:,} MB, cost {_usd(total)}."
    )
    return ReportLine(line, told, table, sentence)


def _costs(told: dict[str, Any], architecture: str) -> tuple[dict[str, str], float]:
    """Say for each word what it adds to the bill, and give the sum."""
    bill = lambda_bill(
        requests=1,
        duration_ms=max(told["billed_ms"], 1),
        memory_mb=told["memory_mb"],
        architecture=architecture,
        free_tier=False,
    )
    lines = bill.to_frame()
    request = float(lines.loc[lines["item"].str.startswith("Requests"), "usd"].sum())
    rest = float(bill.total) - request
    gb = told["memory_mb"] / 1024
    return {
        "RequestId": f"{_usd(request)} for the request",
        "Duration": "counted in Billed Duration",
        "Init Duration": "counted in Billed Duration",
        "Billed Duration": f"{_usd(rest)}: {told['billed_ms'] / 1000:g} s × {gb:g} GB",
        "Memory Size": "the factor of every billed millisecond",
        "Max Memory Used": "nothing: the size is paid, used or not",
        "Status": "a failed invocation costs the same" if told["status"] != "success" else "nothing",
        "Restore Duration": "not reckoned here",
        "Billed Restore Duration": "not reckoned here",
    }, float(bill.total)


def _meaning(word: str, told: dict[str, Any]) -> str:
    share = told["max_memory_mb"] / told["memory_mb"] if told["memory_mb"] else math.nan
    took = told["duration_ms"] + (told["init_ms"] or 0.0)
    rounded = told["billed_ms"] == math.ceil(round(took, 6))
    parts = " + ".join(number(part) for part in (told["init_ms"], told["duration_ms"]) if part is not None)
    sum_of = f" {parts} = {number(took)}." if rounded and told["init_ms"] is not None else ""
    return {
        "RequestId": "This invocation's name; START, END and its other lines carry it too.",
        "Duration": "How long the handler ran.",
        "Billed Duration": f"INIT and handler, rounded up to a whole millisecond.{sum_of}",
        "Memory Size": "What the function is set to. Its share of a processor grows with it.",
        "Max Memory Used": f"The most that this environment has used so far: {share:.0%} of its size.",
        "Init Duration": "Starting the runtime and running the code outside the handler. Cold starts only.",
        "Restore Duration": "Restoring a SnapStart snapshot.",
        "Billed Restore Duration": "The part of the restore that is charged.",
        "Status": "How it ended, where it did not end well.",
        "Error Type": "What the platform calls that end.",
    }.get(word, "For tracing with X-Ray.")


def _usd(amount: float) -> str:
    # In words: JupyterLab reads what stands between two dollar signs as a formula.
    return f"{dollars(amount).removeprefix('$')} USD"


_CELL = "padding:6px 12px;text-align:left;vertical-align:top;border-bottom:1px solid #d4d9df"


def _page(report: ReportLine) -> str:
    """Write line and table on a light card; it reads without the styles as well, which GitHub drops."""
    colours = [palette["fargate"] if word == "Init Duration" else TEXT for word in report.table["word"]]
    line = html.escape("REPORT")
    body = ""
    for i, (row, colour) in enumerate(zip(report.table.itertuples(), colours, strict=True), 1):
        word, value, meaning, cost = (html.escape(str(each)) for each in (row.word, row.value, row.meaning, row.cost))
        line += f" {_circled(i)}&nbsp;<b style='color:{colour}'>{word}:</b> {value}"
        strong = ("<b>", "</b>") if row.word in ("RequestId", "Billed Duration") else ("", "")
        body += (
            f"<tr style='background:{PAPER}'><td style='{_CELL}'>{_circled(i)}</td><th style='{_CELL}'>{word}</th>"
            f"<td style='{_CELL};white-space:nowrap'>{_shortened(row.value)}</td><td style='{_CELL}'>{meaning}</td>"
            f"<td style='{_CELL}'>{strong[0]}{cost}{strong[1]}</td></tr>"
        )
    heads = "".join(f"<th style='{_CELL}'>{head}</th>" for head in ("", "word", "value", "meaning", "cost"))
    warm = (
        ""
        if report.fields["init_ms"] is not None
        else (f"<p style='color:{QUIET_TEXT}'>There is no Init Duration: the environment was there already.</p>")
    )
    return (
        f"<div style='background:{PAPER};color:{TEXT};color-scheme:light;max-width:1080px;padding:12px 16px;"
        f"border:1px solid #d4d9df;border-radius:8px;font-size:15px;line-height:1.45'>"
        f"<p><code style='background:#f3f5f7;color:{TEXT};display:block;padding:10px 12px;line-height:1.9'>"
        f"{line}</code></p>"
        f"<table style='font-size:15px;color:{TEXT};margin:8px 0'>"
        f"<thead><tr style='background:#f3f5f7'>{heads}</tr></thead><tbody>{body}</tbody></table>{warm}"
        f"<p><b>{html.escape(report.sentence)}</b></p></div>"
    )


def _shortened(value: str) -> str:
    """Show a long identifier by its beginning; the line above has it whole."""
    return html.escape(value if len(value) <= 18 else f"{value[:8]}…")


def _circled(turn: int) -> str:
    """Write 1 as ①: a raised figure beside a number would read as its power."""
    return chr(0x2460 + turn - 1)
