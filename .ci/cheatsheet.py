"""The cheat sheet: formulas, limits, prices and promises on one page, from the tables of data/.

    python .ci/cheatsheet.py

Writes build/cheat-sheet.html and, where there is a Chromium or Chrome, build/cheat-sheet.pdf: one sheet of A4.
docpages.py, next to this file, writes the same blocks as docs/cheat-sheet.md. Every number that AWS may change is
looked up; what stands here is which rows matter, and in which words.
"""

from __future__ import annotations

import html
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from printing import page_count, print_to_pdf

from helpers import tables
from helpers.coldstart.remedies import provisioned_break_even

BUILD = Path(__file__).resolve().parents[1] / "build"
TITLE = "From Racks to Functions on one page"
INTRO = (
    "AWS Lambda, us-east-1, without tax. Every figure has the date of its source; look up what decides. "
    "A month has 730 hours."
)


@dataclass(frozen=True)
class Block:
    """One table of the sheet."""

    title: str
    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    note: str = ""


def _number(value: float) -> str:
    return f"{value:,g}" if value % 1 else f"{value:,.0f}"


def _limit(slug: str, words: str, bound: str = "max") -> tuple[str, ...]:
    row = tables.limit(slug)
    least = f"{_number(row.min)} to " if bound == "range" else ""
    value = getattr(row, "max" if bound == "range" else bound)
    return words, f"{least}{_number(value)} {row.unit}", row.as_of.isoformat()


def _price(slug: str, words: str, times: float = 1, unit: str = "") -> tuple[str, ...]:
    row = tables.price(slug)
    amount = _usd(row.value * times) if row.kind == "usd" else _number(row.value)
    return words, f"{amount} {unit or 'per ' + row.unit}", row.as_of.isoformat()


def _usd(value: float) -> str:
    """Write at least cents, and no more than five digits that count."""
    text = f"{value:.10f}" if value < 0.001 else f"{value:.5g}"
    whole, _, cents = text.rstrip("0").partition(".")
    return f"${whole}.{cents.ljust(2, '0')}"


def formulas() -> Block:
    """Compute by hand: what the notebooks derive."""
    factor, full = tables.limit("lambda.request_rate_factor").max, tables.limit("lambda.full_vcpu_memory").max
    rate, window = tables.limit("lambda.scaling_rate").max, tables.limit("lambda.scaling_window").max
    rows = (
        ("Requests in progress (Little's law)", "rate × duration", "01, 05"),
        ("Concurrency that a rate needs", f"max(rate × duration, rate / {factor:g})", "05"),
        ("Environments t s after a crowd came", f"{rate:,g} + {rate / window:g} × t, up to the quota", "05"),
        ("Billed duration", "INIT + handler, rounded up to 1 ms", "02, 06"),
        ("GB-seconds", "requests × memory in GB × billed seconds", "06"),
        ("Bill", "requests × price + GB-seconds × price − free tier", "06"),
        ("Duration at a memory size (a model)", f"wait + cpu × {full:,g} / min(memory, {full:,g})", "06"),
        ("Fleet", "requests in progress / (those of one unit × planned use), rounded up, 2 at least", "01"),
        ("Cost of an hour that computes", "price of an hour / utilisation", "01"),
        ("Cold share of a lone slow function", "exp(−rate × keep-alive); more where requests overlap", "08"),
        ("Page of n calls, each cold with share p", "1 − (1 − p)ⁿ", "08"),
        ("Provisioned concurrency pays from", f"{provisioned_break_even():.0%} use", "08"),
    )
    return Block("Formulas", ("what", "how", "notebook"), rows)


def limits() -> Block:
    """List limits that one meets."""
    rows = (
        _limit("lambda.timeout", "One invocation"),
        _limit("lambda.timeout", "… unless set otherwise", "default"),
        _limit("lambda.memory", "Memory", "range"),
        _limit("lambda.full_vcpu_memory", "One full vCPU at"),
        _limit("lambda.ephemeral_storage", "/tmp", "range"),
        _limit("lambda.zip_unzipped", "Code from a zip, unpacked"),
        _limit("lambda.image", "Container image"),
        _limit("lambda.payload.sync", "Request, and response"),
        _limit("lambda.payload.async", "Asynchronous event"),
        _limit("lambda.concurrency", "Account, at once, by default"),
        _limit("lambda.init_timeout", "INIT"),
        _limit("lambda.async.retries", "Asynchronous events are retried", "default"),
        _limit("lambda.sqs.batch_size", "Batch from a queue, by default", "default"),
        _limit("apigateway.http.timeout", "HTTP API waits"),
        _limit("apigateway.rest.timeout", "REST API waits"),
        _limit("cognito.trigger.timeout", "Cognito waits"),
    )
    return Block("Limits", ("what", "at most", "as of"), rows)


def prices() -> Block:
    """List prices that decide."""
    rows = (
        _price("lambda.requests", "Requests"),
        _price("lambda.duration.x86_64.tier1", "Duration, x86_64"),
        _price("lambda.duration.arm64.tier1", "Duration, arm64"),
        _price("lambda.free.requests", "Free each month", unit="requests"),
        _price("lambda.free.gb_seconds", "Free each month", unit="GB-seconds"),
        _price("lambda.provisioned.x86_64.allocated", "Provisioned, kept ready", 3600, "per GB-hour"),
        _price("apigateway.http.requests.tier1", "HTTP API"),
        _price("apigateway.rest.requests.tier1", "REST API"),
        _price("alb.hours", "Load balancer"),
        _price("sqs.standard.requests", "SQS, standard queue"),
        _price("dynamodb.write_units", "DynamoDB, writes"),
        _price("s3.requests.write", "S3, writes"),
        _price("stepfunctions.standard.transitions", "Step Functions"),
        _price("cloudwatch.logs.ingestion.tier1", "Logs taken in"),
        _price("egress.tier1", "Data to the internet"),
        _price("vpc.nat_gateway.hours", "NAT gateway"),
        _price("fargate.vcpu.x86_64", "Fargate, processor"),
        _price("fargate.memory.x86_64", "Fargate, memory"),
        _price("ec2.m7g.large", "EC2 m7g.large, 2 vCPUs"),
        _price("eks.cluster", "EKS cluster"),
    )
    return Block("Prices", ("what", "USD", "as of"), rows)


def sources() -> Block:
    """Say who waits and who tries again."""
    frame = tables.event_sources()
    shown = ("http-api", "function-url", "cognito", "s3", "scheduler", "sqs", "kinesis")
    retried = {
        "until the queue's redrive count": "until set aside",
        "until the records expire, or as set": "until expired",
    }
    rows = tuple(
        (
            frame.loc[name, "title"],
            frame.loc[name, "invokes"],
            retried.get(frame.loc[name, "retries"], frame.loc[name, "retries"]),
            "may come" if frame.loc[name, "duplicates"].startswith("yes") else frame.loc[name, "duplicates"],
        )
        for name in shown
    )
    return Block("Who tries again", ("source", "is called", "retries", "twice?"), rows, f"As of {_span(frame, shown)}.")


def _span(frame: object, shown: Iterable[str]) -> str:
    days = sorted({frame.loc[name, "as_of"].date().isoformat() for name in shown})  # type: ignore[attr-defined]
    return days[0] if len(days) == 1 else f"{days[0]} to {days[-1]}"


_MEASURES = {
    "longest_s": "longest run",
    "memory_mb": "memory",
    "fleet_saves_h": "a fleet would save",
    "late_percent": "late by cold starts",
    "warm_percent": "a warm request",
    "state_mb": "state in memory",
    "state_percent": "trips to the store",
    "leave_months": "time until leaving",
}


def edges() -> Block:
    """Measure the five edges: the advisor's rules."""
    frame = tables.rules().query("kind == 'edge'")
    rows = []
    for row in frame.itertuples():
        sign = "<" if row.worse == "below" else ">"
        unit = row.unit.replace("% of requests", "%").replace("hours of work a month", "h of work a month")
        mark = " *" if row.flag == "assumption" else ""
        space = "" if unit.startswith("%") else " "
        care, stop = (f"{sign} {_number(value)}{space}{unit}" for value in (row.care, row.stop))
        rows.append((_MEASURES[row.measure] + mark, care, stop))
    days = sorted(frame.as_of.dt.date.map(str))
    return Block(
        "When to think twice",
        ("measure", "look closer", "against"),
        tuple(rows),
        f"* our judgement: data/rules.csv says why. As of {days[0]} to {days[-1]}.",
    )


def blocks() -> tuple[Block, ...]:
    """Return the sheet's tables in their order."""
    return formulas(), limits(), prices(), sources(), edges()


def as_markdown(made: str = "") -> str:
    """Write the sheet for docs/."""
    parts = ["# Cheat sheet", *filter(None, [made]), INTRO, "`make cheatsheet` makes one printed page of it."]
    for block in blocks():
        lines = [block.head, ("---",) * len(block.head), *block.rows]
        table = "\n".join(f"| {' | '.join(line)} |" for line in lines)
        parts += [f"## {block.title}", table, *filter(None, [block.note.replace("* our", r"\* our")])]
    return "\n\n".join(parts) + "\n"


_STYLE = """
@page { size: A4; margin: 9mm 10mm 8mm }
* { box-sizing: border-box }
body { margin: 0 auto; width: 190mm; color: #1b1f24; background: #fff;
       font: 7.7pt/1.28 system-ui, "Segoe UI", Roboto, "Helvetica Neue", "DejaVu Sans", Arial, sans-serif }
header { display: flex; justify-content: space-between; align-items: baseline; gap: 6mm;
         border-bottom: 2.2pt solid #e37405; padding-bottom: 1.4mm; margin-bottom: 2.4mm }
h1 { font-size: 14.5pt; line-height: 1.1; margin: 0; white-space: nowrap }
header p { margin: 0; text-align: right; color: #525961 }
main { display: grid; grid-template-columns: 1fr 1fr; gap: 2.4mm 5mm; align-items: start }
.wide { grid-column: 1 / -1 } .column { display: grid; gap: 2.4mm }
h2 { margin: 0 0 .6mm; font-size: 9.6pt; color: #235951 }
table { border-collapse: collapse; width: 100% }
th { text-align: left; font-weight: 600; color: #525961; border-bottom: .8pt solid #8a9199; padding: 0 1.6mm .4mm 0 }
td { padding: .42mm 1.6mm .42mm 0; border-bottom: .4pt solid #e3e6ea; vertical-align: top }
td:last-child, th:last-child { padding-right: 0 }
.dated td:last-child, .dated th:last-child { color: #525961; white-space: nowrap; text-align: right; font-size: 6.9pt }
.dated td:nth-child(2) { white-space: nowrap; font-variant-numeric: tabular-nums }
.wide td:nth-child(2) { font-family: ui-monospace, "DejaVu Sans Mono", Menlo, monospace; font-size: 7.3pt }
.note, footer { margin: .8mm 0 0; color: #525961; font-size: 6.9pt }
footer { border-top: .4pt solid #8a9199; padding-top: 1mm; margin-top: 2.2mm }
"""


def as_html() -> str:
    """Write the sheet as a page that prints on one sheet of A4."""
    first, *others = blocks()
    left, right = (others[0], others[2]), (others[1], others[3])
    columns = "".join(f'<div class="column">{"".join(map(_section, column))}</div>' for column in (left, right))
    return (
        f'<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8"><title>{TITLE}</title>\n'
        f"<style>{_STYLE}</style></head>\n<body><header><h1>{TITLE}</h1><p>{html.escape(INTRO)}</p></header>\n"
        f"<main>{_section(first, 'wide')}{columns}</main>\n"
        "<footer>Sources of every row: data/ of the collection. Text: CC BY 4.0, From Racks to Functions.</footer>"
        "</body></html>\n"
    )


def _section(block: Block, kind: str = "") -> str:
    kind = kind or ("dated" if block.head[-1] == "as of" else "")

    def line(cells: Iterable[str], tag: str) -> str:
        return "<tr>" + "".join(f"<{tag}>{html.escape(cell)}</{tag}>" for cell in cells) + "</tr>"

    rows = "".join(line(row, "td") for row in block.rows)
    note = f'<p class="note">{html.escape(block.note)}</p>' if block.note else ""
    table = f"<table>{line(block.head, 'th')}{rows}</table>"
    return f'<section class="{kind}"><h2>{block.title}</h2>{table}{note}</section>'


def main() -> int:
    """Write the page, print it, and say how many sheets that took."""
    BUILD.mkdir(exist_ok=True)
    page, pdf = BUILD / "cheat-sheet.html", BUILD / "cheat-sheet.pdf"
    page.write_text(as_html(), encoding="utf-8", newline="\n")
    try:
        print_to_pdf(page, pdf)
    except FileNotFoundError as error:
        print(f"The page is in {page}. Not printed: {error}")
        return 1
    count = page_count(pdf)
    print(f"The cheat sheet is in {page} and, on {count} sheet{'s' * (count != 1)} of A4, in {pdf}")
    return 0 if count == 1 else 1


if __name__ == "__main__":
    sys.exit(main())
