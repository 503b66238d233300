"""The one table of benchmarks: what a row says, and how a run compares with the one before."""

from __future__ import annotations

import json
from pathlib import Path

import chart
import pytest
from rows import WORSE, Row, changes, from_json, in_turn, machine, median_row, to_json

RESULTS = Path(__file__).parent / "bench" / "results"


def row(ratio: float, *, more: bool = False, bound: float | None = None, name: str = "a thing") -> Row:
    return Row(name=name, unit="s", ours=ratio, baseline="another", theirs=1.0, more=more, bound=bound)


def test_a_row_is_ours_in_units_of_the_baseline() -> None:
    assert median_row([1, 9, 3], [2, 2, 1], name="a", unit="s", baseline="b").ratio == pytest.approx(1.5)


@pytest.mark.parametrize(
    ("more", "ratio", "met"), [(False, 0.5, True), (False, 0.7, False), (True, 0.7, True), (True, 0.5, False)]
)
def test_a_bound_is_the_most_or_where_more_is_better_the_least(more: bool, ratio: float, met: bool) -> None:
    assert row(ratio, more=more, bound=0.6).met is met


def test_without_a_bound_nothing_is_met_or_missed() -> None:
    assert row(5).met is None


@pytest.mark.parametrize(("more", "now"), [(False, 1.25), (True, 1 / 1.25)])
def test_a_ratio_that_is_a_quarter_worse_than_before_is_flagged(more: bool, now: float) -> None:
    (change,) = changes([row(now, more=more)], [row(1.0, more=more)])
    assert change.factor == pytest.approx(1.25)
    assert change.worse


@pytest.mark.parametrize("now", [0.1, 1.0, WORSE - 0.01])
def test_what_is_better_or_nearly_as_before_is_not(now: float) -> None:
    (change,) = changes([row(now)], [row(1.0)])
    assert not change.worse


def test_only_rows_that_were_there_before_are_compared() -> None:
    assert list(changes([row(1, name="new")], [row(1, name="gone")])) == []


def test_the_same_name_against_two_baselines_is_two_rows() -> None:
    one = Row(name="a", unit="s", ours=1, baseline="b", theirs=1)
    other = Row(name="a", unit="s", ours=3, baseline="c", theirs=1)
    assert [change.before for change in changes([one, other], [other, one])] == [1, 3]


def test_rows_come_back_from_json_as_they_were() -> None:
    rows = [row(1.25, bound=2.0), row(0.5, more=True, name="b")]
    assert from_json(json.loads(json.dumps(to_json(rows)))) == rows


def test_contenders_take_turns_and_the_first_turns_do_not_count() -> None:
    order: list[str] = []

    def called(name: str) -> float:
        order.append(name)
        return float(len(order))

    taken = in_turn({name: lambda name=name: called(name) for name in "ab"}, 2, warm_up=1)
    assert order == ["b", "a", "a", "b", "b", "a"]
    assert taken == {"a": [3, 6], "b": [4, 5]}


def test_the_machine_is_described_and_not_named() -> None:
    import socket

    described = machine()
    assert {"processor", "cores", "system", "python", "packages"} <= set(described)
    assert socket.gethostname() not in json.dumps(described).split('"')


def test_the_page_says_what_the_last_run_found() -> None:
    kept = chart.runs()
    assert kept, "no run is kept: make bench"
    assert chart.PAGE.read_text(encoding="utf-8") == chart.page(kept)
    assert chart.PICTURE.read_text(encoding="utf-8") == chart.picture(kept)
