"""A long job on everything that could run it."""

from __future__ import annotations

import math

import pytest

from helpers import tables
from helpers.pricing.splitting import RECURSIONS, Work, queue_s, table, ways


def named(work: Work) -> dict:
    return {one.name: one for one in ways(work)}


def test_one_invocation_is_cut_off_at_the_limit() -> None:
    assert math.isnan(named(Work(hours=3))["one invocation"].done_s)
    assert named(Work(hours=0.2))["one invocation"].done_s == pytest.approx(720)


def test_pieces_above_the_limit_leave_only_machines() -> None:
    assert list(named(Work(hours=3, pieces=6))) == [
        "one invocation",
        "Managed Instances",
        "Fargate task",
        "Batch on EC2",
    ]


def test_functions_side_by_side_cost_what_one_after_the_other_does() -> None:
    found = named(Work())
    assert found["queue"].bill.total == pytest.approx(found["goes on by itself"].bill.total, rel=0.01)
    assert found["queue"].done_s < found["Step Functions"].done_s < found["Fargate task"].done_s


def test_the_guard_stops_what_takes_too_many_rounds() -> None:
    assert "guard" not in named(Work(hours=3))["goes on by itself"].but
    long = named(Work(hours=8, pieces=480))["goes on by itself"]
    assert long.stretches > RECURSIONS
    assert "guard" in long.but


def test_a_durable_function_ends_with_its_operations() -> None:
    most = tables.limit("lambda.durable.operations").max
    assert "operations" in named(Work(hours=100, pieces=int(most) + 1))["durable function"].but


def test_pollers_take_pieces_up_as_fast_as_they_are_added() -> None:
    assert queue_s(Work(hours=5 / 60, pieces=5)) == 60  # five at once from the beginning
    assert 60 < queue_s(Work(hours=1, pieces=60)) < 75  # five more each second


def test_the_table_says_what_stands_against_each() -> None:
    frame = table(Work()).set_index("way")
    assert frame.but["one invocation"] == "cut off with 8% done"
    assert frame.usd["Fargate task"] < frame.usd["queue"]
