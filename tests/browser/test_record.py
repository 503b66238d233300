"""The decision record on paper: two pages, whatever the case."""

import datetime
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext
from printing import page_count

from helpers.advice import Case, advise, split
from helpers.report import Origin, Wish, decide, kept, origin_of, read, record
from helpers.report.samples import FOLDER

DATE = datetime.date(2026, 11, 25)


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
def test_a_record_prints_on_two_pages_at_most(document, browser: BrowserContext, tmp_path: Path):
    page, pdf = browser.new_page(), tmp_path / "record.pdf"
    page.set_content(document().html())
    margin = dict.fromkeys(("top", "right", "bottom", "left"), "1cm")  # a browser's own
    page.pdf(path=pdf, format="A4", margin=margin, prefer_css_page_size=True)
    page.close()
    assert 1 <= page_count(pdf) <= 2
