"""The end of a record: what was given, what was assumed and why, and where prices and thresholds come from."""

from __future__ import annotations

import datetime
from dataclasses import dataclass

from helpers import tables
from helpers.advice import Advice, Case
from helpers.advice.case import said
from helpers.advice.rules import FINE
from helpers.report import keeping
from helpers.report.document import Block, Heading, Paragraph
from helpers.report.reading import Reading
from helpers.show.wording import listed

LONGEST_TITLE = 120


@dataclass(frozen=True)
class Origin:
    """Where a case comes from: a name for it, the date of the record, what was read, and what is assumed beside."""

    name: str
    date: datetime.date
    reading: Reading | None = None
    assumed: tuple[str, ...] = ()
    before: keeping.Kept | None = None


def inputs(advice: Advice, origin: Origin) -> list[Block]:
    """Return what was read, given and assumed."""
    stated = [f"{name} {said(value)}" for name, value in _rounded(advice.case).items()]
    assumed = [f"{name} {value} ({why})" for name, value, why in advice.case.assumed()]
    blocks: list[Block] = [Heading("Inputs and assumptions")]
    if (reading := origin.reading) is not None:
        odd = f"{reading.malformed:,} lines did not fit" if reading.malformed else "every line fitted"
        names = listed(reading.names[:4]) + (f" and {len(reading.names) - 4} more" if len(reading.names) > 4 else "")
        stray = f", {reading.stray:,} requests with a far-off date were left out" if reading.stray else ""
        blocks.append(
            Paragraph(f"Read: {names}; {reading.format}; {reading.zone}; {reading.lines:,} lines, {odd}{stray}.")
        )
    blocks.append(Paragraph("Given or measured: " + "; ".join(stated) + ".", small=True))
    blocks.append(Paragraph("Assumed: " + "; ".join([*origin.assumed, *assumed]) + ".", small=True))
    return blocks


def _rounded(case: Case) -> dict[str, object]:
    return {name: float(f"{v:.4g}") if isinstance(v, float) else v for name, v in case.stated().items()}


def sources(advice: Advice) -> list[Block]:
    """Return where prices and thresholds come from, with the dates, and which to take with care."""
    lines = [line for option in advice.options for line in (*option.compute.lines, *option.around.lines)]
    slugs = {line.slug: line for line in lines if line.as_of is not None}
    dates = sorted(line.as_of for line in slugs.values())
    titles = dict.fromkeys(_title(line.source) for line in slugs.values())
    rules = dict.fromkeys(_title(v.source) for v in (*advice.edges, *advice.fit) if v.level != FINE)
    weak = sorted({slug for slug in slugs if _flagged(slug)})
    flagged = f" To be taken with care (one source, or assumed): {', '.join(weak)}." if weak else ""
    return [
        Heading("Sources"),
        Paragraph(
            f"Prices of {dates[0].isoformat()} to {dates[-1].isoformat()}: {'; '.join(titles)}. "
            f"Thresholds: {'; '.join(rules) or 'the limits of this collection'}.{flagged}",
            small=True,
        ),
    ]


def _title(source: str) -> str:
    return source.split(" (http")[0].split(", read in")[0].split(": answers of")[0][:LONGEST_TITLE]


def _flagged(slug: str) -> bool:
    try:
        return bool(tables.price(slug).flag)
    except KeyError:
        return False
