"""The decision record: what it holds, that it survives, and that a later one says what changed."""

import datetime
import os
import re
from dataclasses import replace

import pytest

from helpers.advice import Case, Traffic, advise, split
from helpers.report import Desk, Origin, Source, Wish, changes, decide, kept, load, origin_of, read, record, write
from helpers.report.document import Document, Heading, Paragraph, Table
from helpers.report.keeping import Broken, loads, write_atomically
from helpers.report.samples import FOLDER
from helpers.show import svg

DATE = datetime.date(2026, 11, 25)
MOMENT = datetime.datetime(2026, 11, 25, tzinfo=datetime.UTC)
LOG = FOLDER / "shop_alb.log"


@pytest.fixture(scope="module")
def reading():
    return read(LOG)


@pytest.fixture(scope="module")
def advice(reading):
    return decide(reading.traffic, Wish(more={"memory_mb": 512.0}))


@pytest.fixture(scope="module")
def document(advice, reading):
    return record(advice, origin_of("Albums", reading.traffic, Wish(), date=DATE, reading=reading))


def test_it_opens_with_the_recommendation(document, advice):
    text = document.markdown()
    assert text.startswith("# Decision record: Albums\n\n**Run it on Lambda.")
    assert "2026-11-25" in text


@pytest.mark.parametrize(
    "heading",
    [
        "What a month costs",
        "The five edges, and the good fit",
        "The traffic",
        "A tenth of the traffic, and ten times as much",
        "Which input matters most",
        "Memory, by a model",
        "Inputs and assumptions",
        "Sources",
    ],
)
def test_it_has_a_part_on(heading, document):
    assert f"## {heading}\n" in document.markdown()
    assert f"<h2>{heading}</h2>" in document.html()


def test_every_bill_of_the_advice_stands_in_it(document, advice):
    text = document.markdown()
    for option in advice.options:
        assert f"| {option.name} |" in text
        assert f"\\${option.total:,.2f}" in text


def test_prices_have_sources_and_dates(document):
    sources = document.html().split("<h2>Sources</h2>")[1]
    assert "AWS Price List for Lambda" in sources
    assert re.search(r"Prices of \d{4}-\d\d-\d\d to 2026-\d\d-\d\d", sources)


def test_what_nobody_stated_is_listed_as_assumed_with_its_reason(document):
    assert "init\\_ms 250 ms (a small zip file in a scripting language" in document.markdown()
    assert "30% of a request's time computes" in document.markdown()


def test_charts_need_no_kernel(document):
    html = document.html()
    assert html.count("<svg") == 3
    assert "<script" not in html
    assert set(re.findall(r"https?://[^'\"]+", html)) == {"http://www.w3.org/2000/svg"}


def test_the_same_inputs_give_the_same_record(document, reading):
    again = decide(read(LOG).traffic, Wish(more={"memory_mb": 512.0}))
    assert record(again, origin_of("Albums", reading.traffic, Wish(), date=DATE, reading=reading)) == document


def test_neither_addresses_nor_paths_stand_in_it(document):
    for text in (document.markdown(), document.html()):
        for private in ("192.0.2", "198.51.100", "/photos", "dunes", "user=17", "Mozilla"):
            assert private not in text


def test_names_from_outside_are_escaped():
    nasty = Origin("<script>alert(1)</script> | `x` *y*", DATE)
    document = record(advise(Case(requests_month=1e6)), nasty)
    assert "<script" not in document.html()
    assert "<script" not in document.markdown()


def test_a_comment_cannot_be_ended_from_within():
    document = record(advise(Case(requests_month=1e6)), Origin("a --> b", DATE))
    assert loads(document.markdown()).name == "a --> b"
    assert document.html().count("-->") == 1


# What a record keeps


def test_the_block_brings_the_case_back(document, advice):
    for text in (document.markdown(), document.html()):
        assert loads(text).case() == advice.case


def test_nothing_has_changed_when_nothing_has(document, advice):
    assert changes(loads(document.markdown()), kept(advice, "Albums", DATE)) == []


def test_a_later_record_says_what_changed(document):
    before = loads(document.markdown())
    grown = replace(before.case(), requests_month=4e9, peak=1.0, peak_hour=1.0)
    text = record(advise(grown), Origin("Albums", datetime.date(2027, 11, 25), before=before)).markdown()
    assert "## What changed since 2026-11-25" in text
    assert re.search(r"\| run on \| Lambda \| EC2 committed \|", text)


def test_a_damaged_or_missing_block_is_said():
    with pytest.raises(Broken, match="holds no block"):
        loads("# Decision record")
    with pytest.raises(Broken, match="is damaged"):
        loads("<!-- decision-record 1\n{not json\n-->")


# Writing


def test_markdown_is_written_with_its_charts_beside_it(document, tmp_path):
    write(document, tmp_path / "albums.md")
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "albums-bills.svg",
        "albums-inputs.svg",
        "albums-week.svg",
        "albums.md",
    ]
    for name in re.findall(r"\(<(.*?)>\)", (tmp_path / "albums.md").read_text()):
        assert (tmp_path / name).read_text().startswith("<svg")
    assert load(tmp_path / "albums.md").date == DATE


def test_a_write_that_fails_leaves_the_old_file_and_no_other(tmp_path, monkeypatch):
    path = tmp_path / "albums.html"
    write_atomically(path, "old")

    def full(_descriptor):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        write_atomically(path, "new")
    assert [(file.name, file.read_text()) for file in tmp_path.iterdir()] == [("albums.html", "old")]


def test_markdown_escapes_what_tables_and_formulas_would_take():
    blocks = [Heading("a_b"), Paragraph("$1 and $2"), Table(("x|y",), (("1|2",),))]
    assert Document(blocks).markdown() == "## a\\_b\n\n\\$1 and \\$2\n\n| x\\|y |\n| --- |\n| 1\\|2 |\n"


def test_a_bar_is_as_long_as_its_value():
    drawn = svg.bars([("a", 10, "ten"), ("b", 5, "five")], title="Two")
    widths = [float(width) for width in re.findall(r"<rect[^>]*width='([\d.]+)'", drawn)]
    assert widths[0] == pytest.approx(2 * widths[1])


# The desk


def test_a_desk_keeps_what_was_there_when_something_goes_wrong():
    desk = Desk().take(LOG)
    before = desk.advice
    desk.take("nowhere.log")
    assert desk.sentence == "That did not work: nowhere.log does not exist. What was there before stays."
    desk.take(Source("notes.txt", data=b"no log at all\n"))
    assert "looks like no access log" in desk.sentence
    assert desk.advice is before


def test_a_desk_says_what_a_file_is_taken_for_before_it_reads():
    desk = Desk().look(LOG)
    assert desk.sentence.startswith("shop_alb.log: AWS Application Load Balancer access log. Time zone: UTC")
    assert desk.advice is None
    assert desk.take().advice is not None


def test_a_desk_refuses_figures_out_of_range_in_words():
    desk = Desk().figures(requests_month=1e6, memory_mb=64)
    assert "memory_mb must be between 128 and 10240, got 64" in desk.sentence


def test_a_desk_writes_where_one_says_and_overwrites_no_strange_file(tmp_path):
    desk = Desk()
    assert desk.save(tmp_path / "a.md").sentence == "There is nothing to write yet."
    desk.take(LOG).save(tmp_path / "a.html", date=DATE)
    assert desk.sentence == "Written: a.html."
    assert "what changed since 2026-11-25" in desk.save(tmp_path / "a.html", date=DATE).sentence
    (tmp_path / "notes.md").write_text("mine")
    assert "is no decision record" in desk.save(tmp_path / "notes.md").sentence
    assert (tmp_path / "notes.md").read_text() == "mine"


def test_the_desks_buttons_do_what_they_say(tmp_path):
    desk = Desk()
    assert desk._repr_mimebundle_()["text/plain"] == desk.sentence
    panel = desk._panel
    panel.path.value = str(LOG)
    panel.look.click()
    assert "AWS Application Load Balancer" in panel.said.value
    panel.read.click()
    panel.wait()
    assert "60 requests read" in panel.said.value
    panel.memory.value = "a lot"
    panel.read.click()
    assert "memory, MB must be a number above 0" in panel.said.value
    panel.target.value = str(tmp_path / "mine.html")
    panel.save.click()
    assert (tmp_path / "mine.html").read_text().startswith("<!doctype html>")


def test_an_upload_is_read_from_memory():
    desk = Desk()
    desk._repr_mimebundle_()
    content = {
        "name": "my.log",
        "type": "",
        "size": 1,
        "last_modified": MOMENT,
        "content": memoryview(LOG.read_bytes()),
    }
    desk._panel.upload.value = (content,)
    assert desk.sentence.startswith("my.log: AWS Application")
    desk._panel.read.click()
    desk._panel.wait()
    assert desk.reading.requests == 60


def test_monthly_figures_need_no_file():
    desk = Desk()
    desk._repr_mimebundle_()
    desk._panel.requests.value = "3 million"
    desk._panel.read.click()
    desk._panel.wait()
    assert desk.advice.case.requests_month == pytest.approx(3e6, rel=0.01)


def test_a_log_without_durations_says_which_was_assumed():
    traffic = Traffic(start_s=0, step_s=60, counts=read(LOG).traffic.by(60))
    advice = decide(traffic)
    text = record(advice, origin_of("x", traffic, Wish(), date=DATE)).markdown()
    assert "a request takes 100 ms: neither the log nor you named a duration" in text
    assert advice.case.duration_ms == pytest.approx(split(100)["wait_ms"] + 30, rel=0.01)
