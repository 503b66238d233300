"""The decision record on paper: two pages, whatever the case."""

import datetime
from pathlib import Path

import pytest
from printing import page_count, print_to_pdf

from helpers.advice import Case, advise, split
from helpers.report import Origin, Wish, decide, kept, origin_of, read, record
from helpers.report.samples import FOLDER

DATE = datetime.date(2026, 11, 25)


def pages(html: str, folder: Path) -> int:
    """Print a page to PDF as a person would, and count its sheets."""
    page, pdf = folder / "record.html", folder / "record.pdf"
    page.write_text(html, encoding="utf-8")
    print_to_pdf(page, pdf)
    return page_count(pdf)


def from_a_log():
    reading = read(FOLDER / "shop_nginx.log.gz")
    wish = Wish(more={"memory_mb": 512.0, "latency_aim_ms": 300.0})
    advice = decide(reading.traffic, wish)
    before = kept(advise(Case(requests_month=5e9, state_mb=5000)), "before", DATE)
    return record(advice, origin_of("Albums", reading.traffic, wish, date=DATE, reading=reading, before=before))


def from_figures():
    long_job = Case(
        requests_month=30, **split(3 * 3_600_000, memory_mb=1769), memory_mb=1769, trigger="schedule", door="none"
    )
    return record(advise(long_job), Origin("A nightly job", DATE))


@pytest.mark.parametrize("document", [from_a_log, from_figures])
def test_a_record_prints_on_two_pages_at_most(document, tmp_path):
    assert pages(document().html(), tmp_path) <= 2
