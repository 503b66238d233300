"""Predictions are asked, kept and shown beside the result; what a notebook stores never depends on them."""

import pytest

from helpers.learn import predict, predictions, recall, store
from helpers.learn.record import empty
from helpers.learn.typed import typed_number


@pytest.fixture(autouse=True)
def path(monkeypatch, tmp_path):
    monkeypatch.setenv(store.VARIABLE, str(tmp_path / "progress.json"))
    monkeypatch.setattr(store, "_unsaved", empty())
    monkeypatch.setattr(predictions, "_units", {})
    return tmp_path / "progress.json"


def test_a_number_is_asked_with_its_unit_and_the_text_stays_the_same_once_it_is_kept():
    asked = predict("06.a", "What will it cost?", unit="USD a month", low=0, high=1000)
    text = "Predict 06.a: What will it cost?\n  A number from 0 to 1,000 USD a month."
    assert repr(asked) == text
    asked.keep(12)
    assert repr(asked) == text


def test_a_choice_is_asked_with_its_choices_numbered():
    asked = predict("06.b", "Which is cheaper?", choices=["Lambda", "Fargate"])
    assert repr(asked) == "Predict 06.b: Which is cheaper?\n  1. Lambda\n  2. Fargate"


def test_a_prediction_stands_beside_the_result():
    predict("06.a", "What will it cost?", unit="USD a month").keep(12)
    assert repr(recall("06.a", 2.734)) == "○ You predicted 12 USD a month; it is 2.73 USD a month: 4.4 times too high."
    assert repr(recall("06.a", 12)) == "✓ You predicted 12 USD a month; it is 12 USD a month: just right."


def test_without_a_prediction_the_result_stands_alone():
    predict("06.a", "What will it cost?", unit="USD a month")
    assert repr(recall("06.a", 2.734)) == "○ No prediction kept. The result: 2.73 USD a month."
    assert repr(recall("06.z", 40, unit="environments")) == "○ No prediction kept. The result: 40 environments."


def test_a_chosen_prediction_hears_whether_it_came_out_so():
    predict("06.b", "Which is cheaper?", choices=["Lambda", "Fargate"]).keep("Lambda")
    assert repr(recall("06.b", "Lambda")) == "✓ You predicted: Lambda. It came out so."
    assert repr(recall("06.b", "Fargate")) == "○ You predicted: Lambda. The result: Fargate."


@pytest.mark.parametrize(
    ("given", "status", "said"),
    [
        ("12", "kept", "Kept: 12 USD a month. Run on to see."),
        ("$1,200", "trouble", "Give a number from 0 to 1,000 USD a month."),
        ("a lot", "trouble", "Type a number, as in 1500 or 2.73."),
        ("", "trouble", "Type a number first."),
    ],
)
def test_what_is_typed_on_the_page_is_kept_or_refused_in_words(given, status, said, path):
    asked = predict("06.a", "What will it cost?", unit="USD a month", low=0, high=1000)
    standing = asked.taken("it", given)
    assert (standing["status"], standing["lines"]) == (status, [said])
    assert path.exists() == (status == "kept")


def test_nothing_chosen_on_the_page_is_said_so():
    asked = predict("06.b", "Which?", choices=["Lambda", "Fargate"])
    assert asked.taken("it", None) == {"given": None, "status": "trouble", "lines": ["Choose one first."]}
    assert asked.taken("it", 1)["status"] == "kept"


def test_the_form_shows_what_is_kept_when_it_is_opened_again():
    predict("06.a", "What will it cost?", unit="USD a month").keep(2.5)
    again = predict("06.a", "What will it cost?", unit="USD a month")
    assert again.shown()["answers"]["it"]["given"] == "2.5"
    predict("06.b", "Which?", choices=["Lambda", "Fargate"]).keep("Fargate")
    assert predict("06.b", "Which?", choices=["Lambda", "Fargate"]).shown()["answers"]["it"]["given"] == 1
    assert predict("06.b", "Which?", choices=["EC2", "EKS"]).shown()["answers"] == {}


def test_a_form_that_asks_for_a_choice_now_ignores_a_number_kept_before():
    predict("06.a", "How many?").keep(3)
    assert predict("06.a", "Which?", choices=["few", "many"]).shown()["answers"] == {}
    assert repr(recall("06.a", "few")) == "○ No prediction kept. The result: few."


@pytest.mark.parametrize(
    "wrong",
    [
        {"choices": ["one"]},
        {"choices": ["one", "one"]},
        {"choices": ["one", "two"], "unit": "USD"},
        {"low": 3, "high": 3},
    ],
)
def test_a_question_that_makes_no_sense_is_refused(wrong):
    with pytest.raises(ValueError, match=r"06\.a"):
        predict("06.a", "How many?", **wrong)


@pytest.mark.parametrize("value", ["three", True, float("nan")])
def test_code_can_not_keep_what_is_no_number(value):
    with pytest.raises(ValueError, match="is a number"):
        predict("06.a", "How many?").keep(value)


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("1,500", 1500),
        ("1 500", 1500),
        ("1_500", 1500),
        ("1,234,567.8", 1234567.8),
        ("2,73", 2.73),
        ("$2.73", 2.73),
        ("3 million", 3_000_000),
        ("5k", 5000),
        ("12 USD a month", 12),
        ("80 %", 80),
        ("80%", 80),
        ("1e6", 1_000_000),
        ("-3", -3),
        (".5", 0.5),
    ],
)
def test_a_number_is_read_as_people_type_it(text, number):
    assert typed_number(text) == number


@pytest.mark.parametrize("text", ["", "many", "1,2,3", "--1", "1.2.3", "nan", "inf", "3 or 4"])
def test_what_is_no_number_is_refused(text):
    with pytest.raises(ValueError, match="Type a number"):
        typed_number(text)
