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


# What each way is billed for, by hand: three hours, 180 pieces of a minute, 1,769 MB.
GB_SECONDS = 3 * 3600 * 1769 / 1024
BILLED = {
    "one invocation": {"Requests": 1e-6, "Duration arm64": 900 * 1769 / 1024},
    "queue": {"Requests": 180e-6, "Duration arm64": GB_SECONDS, "SQS": 3 * 180e-6},
    "Step Functions": {"Requests": 180e-6, "Duration arm64": GB_SECONDS, "Step Functions": (2 + 2 * 180) / 1000},
    "goes on by itself": {"Requests": 13e-6, "Duration arm64": GB_SECONDS},
    "durable function": {"Requests": 13e-6, "Duration arm64": GB_SECONDS, "Lambda": 180e-6},
    "Managed Instances": {"EC2 m7g.large": 3 * 1.5, "Requests": 2e-6},
    "Fargate task": {"Fargate vCPU": 3, "Fargate memory": 2 * 3},
    "Batch on EC2": {"EC2 c7g.medium": 3, "gp3 disk": 20 * 3 / 730},
}


@pytest.mark.parametrize("way", BILLED)
def test_what_three_hours_are_billed_for(way: str) -> None:
    lines = {line.item.partition(":")[0]: line.quantity for line in named(Work())[way].bill.lines}
    lines.pop("Managed Instances fee", None)  # a share of what the instances cost
    assert lines == pytest.approx(BILLED[way], rel=1e-5)


def test_how_three_hours_fall_apart_and_when_they_are_done() -> None:
    found = {name: (one.stretches, one.done_s) for name, one in named(Work()).items()}
    assert math.isnan(found.pop("one invocation")[1])
    assert found == {
        "queue": (180, 95),
        "Step Functions": (180, 5 * 60),  # 40 at a time
        "goes on by itself": (13, 3 * 3600),
        "durable function": (13, 3 * 3600),
        "Managed Instances": (2, 1.5 * 3600),
        "Fargate task": (1, 3 * 3600),
        "Batch on EC2": (1, 3 * 3600),
    }
    assert named(Work())["one invocation"].stretches == 1


def test_a_function_that_goes_on_leaves_itself_half_a_minute() -> None:
    assert named(Work(hours=0.725))["goes on by itself"].stretches == 3  # 870 s each


def test_the_guard_lets_sixteen_rounds_pass() -> None:
    by_itself = [named(Work(hours=hours, pieces=480))["goes on by itself"] for hours in (16 * 0.2416, 16 * 0.2417)]
    assert [one.stretches for one in by_itself] == [16, 17]
    assert [one.but for one in by_itself] == ["one piece after the other", "the guard stops it after 16 rounds"]


def test_a_job_is_three_hours_in_pieces_of_a_minute_unless_said() -> None:
    assert (Work().hours, Work().pieces, Work().piece_s, Work().at_once) == (3, 180, 60, 40)


@pytest.mark.parametrize(
    ("name", "least", "most"), [("hours", 1e-3, 720), ("pieces", 1, 100_000), ("at_once", 1, 1000)]
)
def test_a_job_has_bounds(name: str, least: float, most: float) -> None:
    assert getattr(Work(**{name: least}), name) == least
    assert getattr(Work(**{name: most}), name) == most
    for beyond in (0, most + 1):
        with pytest.raises(ValueError, match=f"{name} must be"):
            Work(**{name: beyond})


def test_the_table_is_in_minutes_to_a_tenth_and_in_dollars_to_a_tenth_of_a_cent() -> None:
    frame = table(Work()).set_index("way")
    assert frame.done_min.drop("one invocation").tolist() == [1.6, 5, 180, 180, 90, 180, 180]
    exact = {name: one.bill.total for name, one in named(Work()).items()}
    assert frame.usd.to_dict() == {name: round(usd, 3) for name, usd in exact.items()}


def test_the_table_says_what_stands_against_each() -> None:
    frame = table(Work()).set_index("way")
    assert frame.but["one invocation"] == "cut off with 8% done"
    assert frame.usd["Fargate task"] < frame.usd["queue"]
