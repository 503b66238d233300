"""A check says what is off without giving it away; a solution meets the same check; hints come one by one."""

import math
import re
import subprocess
import sys
from decimal import Decimal

import numpy as np
import pandas as pd
import pytest

from helpers.learn import Exercise, Slip, check, desk, hint, registry, solution, store
from helpers.learn.card import Card
from helpers.learn.distance import how_far
from helpers.learn.verdict import close, judge
from helpers.pricing import lambda_bill


@pytest.fixture(autouse=True)
def progress_file(monkeypatch, tmp_path):
    path = tmp_path / "progress.json"
    monkeypatch.setenv(store.VARIABLE, str(path))
    monkeypatch.setattr(desk, "_hints_given", {})
    return path


def an_exercise(**more):
    fields = {
        "kind": "number",
        "expected": lambda: 2.73,
        "unit": "USD a month",
        "hints": ("Count.",),
        "idea": "the bill",
    }
    return Exercise(**{"id": "example.9", "minutes": 5, "title": "A bill", "target": "an amount", **fields, **more})


def right_bill():
    return lambda_bill(requests=3_000_000, duration_ms=120, memory_mb=1536).invoice_total


def free_tier_forgotten():
    return lambda_bill(requests=3_000_000, duration_ms=120, memory_mb=1536, free_tier=False).invoice_total


# ---- unanswered


@pytest.mark.parametrize("dots", [..., None])
def test_dots_are_an_answer_not_given_yet_and_the_target_is_shown(dots, progress_file):
    card = check("example.1", dots)
    assert repr(card).startswith(
        "○ Exercise example.1 · 5 minutes · not answered yet. Target: an amount in USD a month, to the cent"
    )
    assert 'hint("example.1")' in repr(card)
    assert not progress_file.exists()


def test_a_function_without_a_body_is_not_answered_yet(progress_file):
    def my_bill(requests, memory_mb): ...

    assert "not answered yet" in repr(check("example.2", my_bill))
    assert "not answered yet" in repr(check("example.2", lambda requests, memory_mb: ...))
    assert not progress_file.exists()


# ---- right


@pytest.mark.parametrize("as_type", [float, Decimal, np.float64, lambda value: np.array([value])])
def test_a_right_number_of_any_numeric_type_is_kept_as_solved(as_type, progress_file):
    assert "· right" in repr(check("example.1", as_type(right_bill())))
    assert '"example.1"' in progress_file.read_text()


def test_a_number_that_was_not_rounded_is_right_as_well():
    unrounded = lambda_bill(requests=3_000_000, duration_ms=120, memory_mb=1536).total
    assert judge(registry.find("example.1"), unrounded).outcome == "right"


def test_a_right_function_is_right_in_every_case():
    def my_bill(requests, memory_mb):
        return lambda_bill(requests=requests, duration_ms=120, memory_mb=memory_mb).invoice_total

    assert "· right" in repr(check("example.2", my_bill))


@pytest.mark.parametrize("written", ["nothing", "Nothing", "  NOTHING "])
def test_a_choice_is_right_however_it_is_capitalised(written):
    assert judge(registry.find("example.3"), written).outcome == "right"


def test_a_table_is_right_with_columns_in_any_order_and_with_an_index_of_its_own():
    bills = [lambda_bill(requests=3_000_000, duration_ms=120, memory_mb=size).invoice_total for size in (512, 1536)]
    frame = pd.DataFrame({"usd": bills, "memory_mb": [512, 1536]}, index=[7, 8])
    for answer in (frame, frame.set_index("memory_mb"), frame.to_dict("records"), frame.to_dict("list")):
        assert judge(registry.find("example.4"), answer).outcome == "right"


# ---- wrong


def test_a_wrong_number_is_told_how_far_it_is_off_and_what_to_revisit(progress_file):
    said = repr(check("example.1", 12))
    assert "12 USD a month is about 9 USD a month (4 times) too high." in said
    assert "Revisit: the two lines of a bill" in said
    assert "There are 3 hints" in said
    assert not progress_file.exists()


def test_a_typical_mistake_is_recognised_by_its_result():
    assert "Revisit: the monthly free tier, which comes off first" in repr(check("example.1", free_tier_forgotten()))


def test_a_typical_mistake_in_a_function_is_recognised_over_all_cases():
    def my_bill(requests, memory_mb):
        return lambda_bill(requests=requests, duration_ms=120, memory_mb=memory_mb, free_tier=False).invoice_total

    said = repr(check("example.2", my_bill))
    assert "Revisit: the monthly free tier" in said
    assert "For requests=1_000_000, memory_mb=512 your function gives" in said


def test_a_function_that_is_right_in_some_cases_hears_how_many():
    exercise = an_exercise(kind="function", cases=({"x": 1}, {"x": 2}, {"x": 30}), expected=lambda x: x * x, unit="")
    assert "2 of 3 cases are right." in judge(exercise, lambda x: x * x if x < 10 else 60).said


def test_a_table_hears_which_value_is_off_first():
    said = judge(registry.find("example.4"), {"memory_mb": [512, 1536], "usd": [90, 80]}).said
    assert said.startswith("2 of 4 values are off. The first is 'usd' in row 1: ")


@pytest.mark.parametrize(
    ("table", "expected"),
    [
        ({"memory_mb": [512, 1536]}, "lacks the column 'usd'; it has memory_mb"),
        ({"memory_mb": [512], "usd": [0.0]}, "has 1 rows; expected are more"),
    ],
)
def test_a_table_of_another_shape_hears_so(table, expected):
    assert expected in judge(registry.find("example.4"), table).said


def test_a_table_in_another_order_hears_so():
    exercise = an_exercise(kind="table", expected=lambda: pd.DataFrame({"a": [1, 2], "b": ["x", None]}))
    assert "another order" in judge(exercise, {"a": [2, 1], "b": [None, "x"]}).said
    assert judge(exercise, {"a": [1, 2], "b": ["x", None]}).outcome == "right"


def test_a_set_of_choices_hears_how_many_belong():
    exercise = an_exercise(kind="choice", choices=("a", "b", "c"), expected=lambda: {"a", "b"})
    assert judge(exercise, {"b", "a"}).outcome == "right"
    assert judge(exercise, ["a", "c"]).said == "1 of your 2 belongs there, and more do."
    assert judge(exercise, {"c"}).said == "None of yours belongs there."


# ---- what can't be compared


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ("2.73", "got the text '2.73': leave out the quotes"),
        (True, "got a bool"),
        (math.nan, "got nan"),
        ([1, 2], "got a list"),
        (np.array([1.0, 2.0]), "got 2 numbers"),
        (print, "got a function: call it"),
        (1j, "got a complex"),
        (Decimal("NaN"), "got nan"),
        (10**400, "got one that is far too large"),
    ],
)
def test_an_answer_that_is_no_number_gets_one_line(answer, said, progress_file):
    card = check("example.1", answer)
    assert said in repr(card)
    assert "Target: an amount in USD a month" in repr(card)
    assert not progress_file.exists()


def test_a_whole_bill_hears_which_of_its_numbers_is_asked_for():
    bill = lambda_bill(requests=3_000_000, duration_ms=120, memory_mb=1536)
    assert "got a Bill: its .invoice_total is one" in repr(check("example.1", bill))


def test_an_exception_in_a_learners_function_is_one_line_with_its_place():
    def my_bill(requests, memory_mb):
        return requests / (memory_mb - memory_mb)

    said = judge(registry.find("example.2"), my_bill).said
    line = my_bill.__code__.co_firstlineno + 1
    assert said.endswith(f"your function stops in line {line} of its cell: ZeroDivisionError: division by zero.")


@pytest.mark.parametrize("stop", [SystemExit(1), RecursionError("too deep"), KeyError("a")])
def test_whatever_a_learners_function_raises_the_check_goes_on(stop):
    def my_bill(requests, memory_mb):
        raise stop

    assert type(stop).__name__ in repr(check("example.2", my_bill))


def test_a_function_with_other_parameters_hears_which_are_needed():
    assert "Your function must take requests, memory_mb: " in repr(check("example.2", lambda volume: 1))


def test_a_result_given_for_a_function_hears_not_to_call_it():
    assert "give the function's name, without calling it" in repr(check("example.2", 3.2))


def test_a_word_that_is_no_choice_hears_what_there_is():
    assert "'free' is not a choice. There is 'nothing', 'the memory', 'one request'." in repr(
        check("example.3", "free")
    )
    assert "Choose exactly one" in repr(check("example.3", ["nothing", "the memory"]))


def test_a_function_can_not_change_the_cases_of_the_next_check():
    case = {"times": [3, 1, 2]}
    exercise = an_exercise(kind="function", cases=(case,), expected=lambda times: max(times), unit="")
    assert judge(exercise, lambda times: times.sort() or times[-1]).outcome == "right"
    assert case == {"times": [3, 1, 2]}


# ---- hints and solutions


def test_hints_come_one_by_one_and_the_last_one_stays():
    assert [repr(hint("example.1")).splitlines()[1] for _ in range(4)] == [
        "A bill has two lines.",
        "Memory counts in GB, duration in seconds.",
        "Take the free tier off each line.",
        "Take the free tier off each line.",
    ]
    assert "Hint 2 of 3" in repr(hint("example.1", 2))
    with pytest.raises(ValueError, match="has hints 1 to 3, got 4"):
        hint("example.1", 4)


def test_a_solution_that_the_check_accepts_says_so_and_counts_for_nobody(progress_file):
    assert repr(solution("example.1", right_bill())).startswith("✓ Solution example.1 holds: ")
    assert not progress_file.exists()


@pytest.mark.parametrize("answer", [12, ..., "2.73"])
def test_a_solution_that_the_check_refuses_fails_its_cell(answer):
    with pytest.raises(AssertionError, match=r"the solution of exercise example[.]1 is "):
        solution("example.1", answer)


def test_an_unknown_exercise_names_its_neighbours():
    with pytest.raises(KeyError, match=r"no exercise 'example.7'; there is example.1"):
        check("example.7", 1)


# ---- definitions


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"kind": "essay"}, "kind must be one of number, function, choice, table"),
        ({"expected": 2.73}, "expected must be a function"),
        ({"hints": ("one")}, "hints must be a tuple"),
        ({"hints": ()}, "at least one hint"),
        ({"kind": "function"}, "a function needs them"),
        ({"choices": ("a", "b")}, "choices belong to a choice"),
        ({"id": "9"}, "notebook.number"),
        ({"target": " "}, "target is empty"),
    ],
)
def test_a_definition_with_a_fault_is_refused_in_words(wrong, said):
    with pytest.raises((ValueError, TypeError), match=said):
        an_exercise(**wrong)


def test_a_slip_computes_its_value():
    with pytest.raises(TypeError, match="must be a function"):
        Slip(3, "the unit")


# ---- cards


def test_a_card_escapes_what_a_learner_wrote_and_says_its_state_in_words_and_symbol():
    shown = Card("Not <yet>", ("use `a < b`", "two\nlines"), "wrong")._repr_html_()
    assert "✗ Not &lt;yet&gt;" in shown
    assert "a &lt; b</code>" in shown
    assert "<pre" in shown


def test_learn_imports_without_pandas_plotly_or_widgets():
    code = (
        "import helpers.learn, sys; print([m for m in ('pandas', 'numpy', 'plotly', 'anywidget') if m in sys.modules])"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "[]"


# ---- any numbers

hypothesis = pytest.importorskip("hypothesis", reason="tests/requirements.txt has it")
st = hypothesis.strategies
amounts = st.floats(-1e9, 1e9).map(lambda value: round(value, 4))


@hypothesis.given(answer=amounts, expected=amounts)
def test_no_message_about_a_wrong_number_leads_straight_to_the_right_one(answer, expected):
    exercise = an_exercise(expected=lambda: expected)
    hypothesis.assume(not close(exercise, answer, expected))
    said = how_far(answer, expected, lambda number: close(exercise, number, expected), "")
    assert ("too high" in said) == (answer > expected)
    figures = [float(figure.replace(",", "")) for figure in re.findall(r"\d[\d,.]*(?:e-\d+)?", said)]
    if "about" not in said or not figures:
        return
    toward = -1 if answer > expected else 1
    taken_at_their_word = [answer + toward * figures[0]]
    if "times)" in said and len(figures) == 2:
        taken_at_their_word += [answer / figures[1], answer * figures[1]]
    elif "%)" in said:
        larger_by = figures[1] / 100 if abs(answer) > abs(expected) else -figures[1] / 100
        taken_at_their_word.append(answer / (1 + larger_by))
    assert not any(close(exercise, candidate, expected) for candidate in taken_at_their_word), said


@hypothesis.given(st.one_of(st.none(), st.text(), st.booleans(), st.floats(), st.integers(), st.lists(st.integers())))
def test_no_answer_whatsoever_makes_a_check_fail(answer):
    for id in registry.exercises_of("example"):
        assert judge(registry.find(id), answer).outcome in ("right", "wrong", "unanswered", "unusable")
