"""The exercises as written: sound definitions, solvable, with hints and slips that don't give answers away."""

import re

import pytest

from helpers.learn import registry
from helpers.learn.verdict import difference, judge

ALL = [
    exercise for notebook in ("example", *registry.NOTEBOOKS) for exercise in registry.exercises_of(notebook).values()
]


@pytest.fixture(params=ALL, ids=lambda exercise: exercise.id)
def exercise(request):
    return request.param


def test_what_is_expected_passes_its_own_check(exercise):
    if exercise.kind == "function":  # judged by results: a lambda with **case takes every case
        results = [exercise.expected(**case) for case in exercise.cases]
        assert not any(difference(exercise, result, result) for result in results)
    else:
        assert judge(exercise, exercise.expected()).outcome == "right"


def test_no_slip_passes_as_right_and_no_two_slips_are_the_same(exercise):
    if exercise.kind == "function":
        values = [[slip.value(**case) for case in exercise.cases] for slip in exercise.slips]
        for results in values:
            wanted = [exercise.expected(**case) for case in exercise.cases]
            assert any(difference(exercise, *pair) for pair in zip(results, wanted, strict=True))
    else:
        for slip in exercise.slips:
            verdict = judge(exercise, slip.value())
            assert verdict.outcome == "wrong"
            assert verdict.idea == slip.idea, "an earlier slip hides this one"


@pytest.mark.parametrize("exercise", [one for one in ALL if one.kind == "number"], ids=lambda exercise: exercise.id)
def test_neither_target_nor_idea_nor_hints_say_the_number(exercise):
    words = " ".join([exercise.target, exercise.idea, *exercise.hints, *(slip.idea for slip in exercise.slips)])
    for figure in re.findall(r"\d[\d,]*(?:\.\d+)?", words):
        assert judge(exercise, float(figure.replace(",", ""))).outcome != "right", f"{figure} is the answer"


def test_every_set_belongs_to_a_notebook_and_is_found_by_its_ids():
    for exercise in ALL:
        assert registry.find(exercise.id) is exercise
