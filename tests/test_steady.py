"""Where a fleet becomes cheaper than functions under steady traffic."""

from __future__ import annotations

import math

import numpy as np
import pytest

from helpers.pricing import last_break_even
from helpers.pricing.steady import (
    FLEETS,
    Steady,
    both,
    break_even_per_s,
    break_even_table,
    functions_bill,
    month,
    people,
)


@pytest.mark.parametrize("fleet", FLEETS)
@pytest.mark.parametrize(("duration_ms", "memory_mb", "people_hours"), [(100, 512, 0), (20, 128, 0), (800, 1769, 5)])
def test_it_agrees_with_the_search_over_whole_bills(
    fleet: str, duration_ms: float, memory_mb: float, people_hours: float
) -> None:
    steady = Steady(fleet=fleet, people_hours=people_hours)
    found = float(break_even_per_s(steady, duration_ms=duration_ms, memory_mb=memory_mb))
    functions, servers = both(steady, duration_ms=duration_ms, memory_mb=memory_mb)
    exact = last_break_even(functions, servers, low=0, high=found * 3)
    assert exact is not None
    assert found == pytest.approx(exact.x, rel=1e-6)


def test_just_below_functions_are_cheaper_and_just_above_the_fleet() -> None:
    steady = Steady()
    found = float(break_even_per_s(steady, duration_ms=100, memory_mb=512))
    functions, servers = both(steady, duration_ms=100, memory_mb=512)
    assert functions(found * 0.999).total < servers(found * 0.999).total
    assert functions(found * 1.001).total > servers(found * 1.001).total


def test_longer_and_larger_requests_bring_the_line_down() -> None:
    frame = break_even_table(Steady(), durations_ms=(10, 100, 1000), memories_mb=(256, 1024))
    grid = frame.pivot(index="memory_mb", columns="duration_ms", values="per_s").to_numpy()
    assert (np.diff(grid, axis=1) < 0).all()
    assert (np.diff(grid, axis=0) < 0).all()


def test_people_and_idle_servers_move_it_up() -> None:
    def at(**assumed: float) -> float:
        return float(break_even_per_s(Steady(**assumed), duration_ms=100, memory_mb=512))

    assert at() < at(people_hours=10) < at(people_hours=40)
    assert at(people_hours=40, utilisation=0.6) < at(people_hours=40, utilisation=0.4)
    assert at(people_hours=40, computing=0.4) < at(people_hours=40, computing=0.6)


def test_a_fleet_that_idles_nearly_always_never_pays() -> None:
    assert math.isnan(break_even_per_s(Steady(utilisation=0.02, computing=1), duration_ms=100, memory_mb=512))


def test_the_order_of_the_fleets_at_a_million_a_minute() -> None:
    frame = month(1e6 / 60, duration_ms=100, memory_mb=128).set_index("model")
    assert frame.usd.idxmin() == "EC2 committed"
    assert frame.usd["Lambda"] == pytest.approx(functions_bill(1e6 / 60, duration_ms=100, memory_mb=128).total)
    assert frame.units["Lambda"] == 1667
    assert frame.usd["EKS on EC2"] - frame.usd["EC2 on demand"] == pytest.approx(73)


def test_what_an_instance_carries_by_hand() -> None:
    # m7g.large has 2 vCPUs and 8 GB. Half of 100 ms on a full vCPU: 40 a second; used to a half, 20.
    assert Steady().unit_rate(100, 1769) == pytest.approx(20)
    # With 10 GB a quarter of it is taken for 100 ms: 32 a second fit into the memory, 16 are planned.
    assert Steady().unit_rate(100, 10_240) == pytest.approx(16)


def test_a_task_has_one_vcpu_and_two_gb_and_two_of_them_always_run() -> None:
    lines = Steady(fleet="Fargate").bill(0.001, duration_ms=100, memory_mb=512).lines
    assert [line.quantity for line in lines] == [2 * 1 * 730, 2 * 2 * 730]
    assert Steady(fleet="Fargate").unit_rate(100, 1769) == pytest.approx(10)


@pytest.mark.parametrize("name", ["utilisation", "computing", "own_memory"])
def test_a_share_is_above_nothing_and_at_most_all(name: str) -> None:
    assert getattr(Steady(**{name: 1}), name) == 1
    for beyond in (0, 1.5):
        with pytest.raises(ValueError, match=f"{name} must be"):
            Steady(**{name: beyond})


@pytest.mark.parametrize(("name", "least", "most"), [("people_hours", 0, 10_000), ("minimum", 1, 1000)])
def test_a_fleet_has_bounds(name: str, least: float, most: float) -> None:
    assert getattr(Steady(**{name: least}), name) == least
    assert getattr(Steady(**{name: most}), name) == most
    for beyond in (least - 1, most + 1):
        with pytest.raises(ValueError, match=f"{name} must be"):
            Steady(**{name: beyond})


def test_people_cost_their_share_of_a_year() -> None:
    assert people(2080 / 12).total == pytest.approx(85_000 / 12)
    assert people(0).lines == ()


def test_what_makes_no_sense_is_refused_by_name() -> None:
    with pytest.raises(ValueError, match="utilisation must be"):
        Steady(utilisation=0)
    with pytest.raises(ValueError, match="fleet must be"):
        Steady(fleet="racks")
