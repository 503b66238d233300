"""The lesson's claims as a table: whole sentences, verdicts with a shape, sources that can be opened."""

import re

import pytest

from helpers import tables
from helpers.show import lesson_claims


def test_a_range_holds_both_ends_and_nothing_twice():
    assert list(lesson_claims("L03", "L01:L03").rows.index) == ["L03", "L01", "L02"]


def test_every_sentence_is_whole_in_both_forms():
    shown = lesson_claims("C01:S05")
    bundle = shown._repr_mimebundle_()
    plain = " ".join(bundle["text/plain"].split())
    for row in tables.claims().fillna("").itertuples():
        assert row.claim in plain
        assert row.teach in plain
    assert "..." not in bundle["text/html"]


def test_every_verdict_has_a_shape_of_its_own():
    lines = str(lesson_claims("C01:S05")).splitlines()
    shapes = {(line.split()[1], line.split()[2]) for line in lines[1:] if not line.startswith(" ")}
    assert len(shapes) == len({shape for shape, _ in shapes}) == tables.claims()["verdict"].nunique()


def test_a_source_s_address_is_a_link_and_not_part_of_the_text():
    page = lesson_claims("C08")._repr_mimebundle_()["text/html"]
    address = "https://aws.amazon.com/blogs/compute/aws-lambda-standardizes-billing-for-init-phase"
    assert page.count(address) == 1
    assert f'<a href="{address}">' in page


def test_two_amounts_in_a_sentence_are_no_formula():
    page = lesson_claims("C01:S05")._repr_mimebundle_()["text/html"]
    assert page.count("$") > 5
    assert not re.search(r"\$[^<]*\$", page)


def test_the_summary_counts_the_verdicts():
    assert str(lesson_claims("S01:S05")).splitlines()[0] == (
        "5 of the lesson's claims, checked on 2026-11-23: 1 correct, 3 dated, 1 opinion."
    )


def test_a_claim_that_is_not_there_is_named_with_near_ones():
    with pytest.raises(KeyError, match=r"no claim has the id 'L99'; near: L09"):
        lesson_claims("L99")


def test_no_claim_at_all_is_refused():
    with pytest.raises(ValueError, match="at least one claim"):
        lesson_claims()
