"""From what one learner takes to the machines and the bill of a class."""

from __future__ import annotations

from dataclasses import replace

import pytest

from helpers.capacity import assumptions
from helpers.classroom import Learner, Node, Plan, Share, plan_class, seats, share_of
from helpers.pricing import ec2_bill, eks_bill

LEARNER = Learner(peak_mb=500, start_cpu_s=6, run_cpu_s=30)
SHARE = Share(memory_mb=512, memory_limit_mb=1024, cpu=0.05, cpu_limit=2)
# Without anything reserved, the sums can be done by hand.
BARE = Plan(system_mb=0, system_share=0, spare=0, core_nodes=0, disk_gb=0, pods_per_vcpu=1000, volumes=1000)
LARGE = Node("m7i.large")


def test_memory_is_planned_for_everybodys_peak_with_headroom_in_whole_steps() -> None:
    share = share_of(LEARNER, Plan(headroom=1.25, burst=2))
    assert (share.memory_mb, share.memory_limit_mb) == (640, 1280)


def test_processors_are_planned_for_arriving_or_running_whichever_takes_more() -> None:
    plan = Plan(arrival_minutes=1, run_minutes=10)
    assert share_of(LEARNER, plan).cpu == pytest.approx(0.10)
    assert share_of(replace(LEARNER, run_cpu_s=120), plan).cpu == pytest.approx(0.20)


def test_a_load_test_gives_the_highest_of_each_quantity() -> None:
    rows = [{"peak_mb": 500, "start_cpu_s": 2, "run_cpu_s": 9}, {"peak_mb": 400, "start_cpu_s": 3, "run_cpu_s": 5}]
    assert Learner.measured({"alone": rows[:1], "together": rows[1:]}) == Learner(
        peak_mb=500, start_cpu_s=3, run_cpu_s=9
    )


def test_a_nodes_memory_is_divided_by_what_is_set_aside() -> None:
    assert seats(LARGE, SHARE, BARE) == int(8 * 1024**3 / 1e6 / 512)


def test_processors_addresses_and_volumes_limit_a_node_as_well() -> None:
    assert seats(LARGE, replace(SHARE, cpu=0.5), BARE) == 4
    assert seats(LARGE, SHARE, replace(BARE, pods_per_vcpu=3)) == 6
    assert seats(LARGE, SHARE, replace(BARE, volumes=5)) == 5


def test_a_larger_size_of_a_family_carries_more_than_in_proportion() -> None:
    plan = replace(Plan(), volumes=1000)
    assert seats(Node("m7i.large", 4), SHARE, plan) > 4 * seats(LARGE, SHARE, plan)


@pytest.mark.parametrize("learners", [1, 16, 17, 300])
def test_every_learner_finds_a_place_and_one_node_less_would_not_do(learners: int) -> None:
    one = plan_class(learners, LARGE, SHARE, BARE)
    assert (one.nodes - 1) * one.seats < learners <= one.nodes * one.seats


def test_the_bill_is_that_of_nodes_and_cluster_for_their_hours() -> None:
    one = plan_class(300, Node("m7i.large", 4), SHARE)
    machines = one.nodes + one.core_nodes
    nodes = ec2_bill("m7i.large", count=4 * machines, hours=40, storage_gb=one.disk_gb / 4)
    assert one.bill(40).total == pytest.approx(eks_bill(nodes=nodes, hours=40).total)


def test_an_hour_costs_one_in_730_of_a_month() -> None:
    one = plan_class(300, LARGE, SHARE)
    assert one.usd_per_hour * 730 == pytest.approx(one.bill().total)


def test_a_node_that_carries_nobody_is_refused() -> None:
    with pytest.raises(ValueError, match="node must carry at least one learner"):
        plan_class(10, LARGE, replace(SHARE, memory_mb=9000))


def test_an_unknown_instance_type_names_those_that_are_known() -> None:
    with pytest.raises(KeyError, match=r"m7i\.large"):
        Node("m7i.huge")


def test_each_assumption_says_why() -> None:
    assert assumptions(Plan()).reason.str.len().min() > 10
