"""The decision record on paper: two pages, whatever the case."""

import datetime
import re
import subprocess
from pathlib import Path

import pytest
from jupyter_page import find_browser

from helpers.advice import Case, advise, split
from helpers.report import Origin, Wish, decide, kept, origin_of, read, record
from helpers.report.samples import FOLDER

DATE = datetime.date(2026, 11, 25)


def pages(html: str, folder: Path) -> int:
    """Print a page to PDF as a person would, and count its sheets."""
    (folder / "record.html").write_text(html, encoding="utf-8")
    subprocess.run(
        [
            find_browser(),
            "--headless=new",
            "--no-sandbox",
            "--disable-gpu",
            "--no-pdf-header-footer",
            f"--user-data-dir={folder / 'profile'}",
            f"--print-to-pdf={folder / 'record.pdf'}",
            (folder / "record.html").as_uri(),
        ],
        check=True,
        capture_output=True,
        timeout=300,
    )
    return len(re.findall(rb"/Type\s*/Page\b(?!s)", (folder / "record.pdf").read_bytes()))


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
