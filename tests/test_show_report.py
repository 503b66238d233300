"""The REPORT line is read whatever it holds, and its cost is what a bill says."""

import re

import pytest

from helpers.pricing import lambda_bill
from helpers.show.report import parse_report, report_line

ID = "8f507cfc-xmpl-4697-b07a-ac58fc914c95"
WARM = (
    f"REPORT RequestId: {ID}\tDuration: 1.23 ms\tBilled Duration: 2 ms\tMemory Size: 128 MB\tMax Memory Used: 15 MB\t"
)
COLD = WARM.replace("Billed Duration: 2 ms", "Billed Duration: 62 ms") + "Init Duration: 60.12 ms\t"
TIMEOUT = WARM.replace("1.23", "3000.00").replace(": 2 ms", ": 3000 ms") + "Status: timeout"


def test_a_cold_line_gives_all_its_numbers():
    assert parse_report(COLD + "\n") == {
        "request_id": ID,
        "duration_ms": 1.23,
        "billed_ms": 62,
        "memory_mb": 128,
        "max_memory_mb": 15,
        "init_ms": 60.12,
        "status": "success",
    }


def test_a_warm_line_has_no_init():
    assert parse_report(WARM)["init_ms"] is None


def test_a_line_copied_from_a_console_has_blanks_for_tabs():
    assert parse_report(COLD.replace("\t", "  ")) == parse_report(COLD.replace("\t", " ")) == parse_report(COLD)


def test_status_error_type_and_restore_are_read():
    line = (
        WARM
        + "Restore Duration: 412.04 ms\tBilled Restore Duration: 120 ms\tStatus: error\tError Type: Runtime.ExitError"
    )
    told = parse_report(line)
    assert (told["status"], told["error_type"]) == ("error", "Runtime.ExitError")
    assert (told["restore_ms"], told["billed_restore_ms"]) == (412.04, 120)


def test_words_that_nobody_knows_are_left_alone():
    assert parse_report(COLD + "Something New: 3 ms\t") == parse_report(COLD)


def test_the_line_is_found_in_the_log_of_an_invocation():
    log = f"START RequestId: {ID} Version: $LATEST\nsaid REPORT\nEND RequestId: {ID}\n{COLD}\n"
    assert parse_report(log) == parse_report(COLD)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (f"END RequestId: {ID}", 'must be a REPORT line, "REPORT RequestId: …", got \'END RequestId'),
        ("", "must be a REPORT line"),
        (f"{WARM}\n{COLD}", "must hold one REPORT line, got 2"),
        (f"REPORT RequestId: {ID}\tDuration: 1 ms", "lacks Billed Duration, Memory Size and Max Memory Used"),
        (WARM.replace("1.23", "fast"), "^Duration must be a number of ms, got 'fast ms'"),
        (WARM.replace("15 MB", "-1 MB"), "Max Memory Used must be a number of MB, got '-1 MB'"),
        (WARM.replace("15 MB", "nan MB"), "Max Memory Used must be a number of MB"),
    ],
)
def test_a_line_that_cannot_be_read_is_refused_in_words(line, message):
    with pytest.raises(ValueError, match=message):
        parse_report(line)


def test_what_is_no_text_is_refused():
    with pytest.raises(TypeError, match="line must be text, got bytes"):
        parse_report(b"REPORT")


@pytest.mark.parametrize("architecture", ["x86_64", "arm64"])
def test_the_cost_is_that_of_a_bill_for_one_request(architecture):
    bill = lambda_bill(
        requests=1, duration_ms=1.23, init_ms=60.12, cold_start_share=1, memory_mb=128, free_tier=False,
        architecture=architecture,
    )  # fmt: skip
    said = float(re.search(r"cost ([\d.]+) USD", report_line(COLD, architecture=architecture).sentence)[1])
    assert said == pytest.approx(bill.total, rel=0.005)


def test_every_word_has_value_meaning_and_cost():
    table = report_line(COLD).table
    assert list(table.word) == [
        "RequestId", "Duration", "Billed Duration", "Memory Size", "Max Memory Used", "Init Duration",
    ]  # fmt: skip
    assert (table[["value", "meaning", "cost"]] != "").all(axis=None)
    assert "60.12 + 1.23 = 61.35" in table.meaning[2]


def test_the_sentence_says_cold_warm_and_what_went_wrong():
    assert report_line(COLD).sentence.startswith(
        "A cold start: 60.12 ms of INIT and 1.23 ms of handler, billed as 62 ms"
    )
    assert report_line(WARM).sentence.startswith("A warm start: 1.23 ms of handler, billed as 2 ms with 128 MB")
    assert "3,000 ms of handler, which timed out, billed as 3,000 ms" in report_line(TIMEOUT).sentence


def test_it_shows_as_a_table_and_reads_as_text_without_formulas_or_markup():
    bundle = report_line(COLD.replace(ID, "<script>"))._repr_mimebundle_()
    assert set(bundle) == {"text/html", "text/plain"}
    assert "<script>" not in bundle["text/html"]
    assert "$" not in bundle["text/html"] + bundle["text/plain"]
    assert bundle["text/html"].count("<tr") == 7
    assert bundle["text/plain"].startswith("A cold start")


def test_a_warm_line_says_why_it_has_no_init():
    assert "There is no Init Duration" in report_line(WARM)._repr_mimebundle_()["text/html"]
