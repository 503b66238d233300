"""Milestones as exact as their sources, layers that only ever leave, and four ways through the same week."""

from datetime import date

import pytest

from helpers import tables
from helpers.capacity import Week, assumptions
from helpers.history import LAYERS, MAIN, MODELS, SHIPS, TRACKS, WAYS, Shop, milestones, provision, stack, ways, when
from helpers.pricing import ec2_bill, fargate_bill, lambda_bill


@pytest.fixture(scope="module")
def outcomes():
    return {way: provision(way, Week()) for way in WAYS}


@pytest.mark.parametrize(
    ("dated", "said"), [("day", "5 Mar 2013"), ("month", "Mar 2013"), ("year", "2013"), ("decade", "the 2013s")]
)
def test_a_date_is_said_as_exactly_as_it_is_known(dated, said):
    assert when(date(2013, 3, 5), dated) == said


def test_every_track_of_the_table_belongs_to_one_line_and_no_milestone_is_lost():
    assert sorted(sum(TRACKS.values(), ())) == sorted(set(tables.timeline().track))
    assert sum(len(milestones(track)) for track in TRACKS) == len(milestones()) == len(tables.timeline())


def test_the_main_line_is_made_of_milestones_of_the_table():
    assert set(milestones("main").milestone) == set(MAIN)


def test_milestones_come_in_order_and_within_the_years_asked_for():
    rows = milestones(since=2014, until=2017)
    assert rows.date.is_monotonic_increasing
    assert set(rows.date.dt.year) <= {2014, 2015, 2016, 2017}


def test_the_last_day_of_a_date_lies_as_far_off_as_its_precision_allows():
    rows = milestones().set_index("milestone")
    assert rows["last"]["Racks and colocation"] == date(1999, 12, 31)
    assert rows["last"]["Docker shown at PyCon"] == date(2013, 3, 31)
    assert rows["last"]["LXC"] == date(2008, 12, 31)
    assert rows["last"]["Kubernetes 1.0"] == date(2015, 7, 21)


def test_lambda_came_before_kubernetes_and_three_years_before_fargate():
    dates = milestones().set_index("milestone").date
    assert dates["AWS Lambda, preview"] < dates["Kubernetes 1.0"]
    assert (dates["AWS Fargate for ECS, generally available"] - dates["AWS Lambda, preview"]).days == pytest.approx(
        1111, abs=5
    )


def test_an_unknown_line_is_refused_with_those_that_there_are():
    with pytest.raises(ValueError, match="track must be one of all, main"):
        milestones("mainframes")


def test_a_layer_once_handed_over_does_not_come_back():
    load = {"Y": 2, "B": 1, "A": 0, "L": 0}
    for layer, owners in LAYERS.items():
        if owners[0] != "L":
            assert [load[owner] for owner in owners] == sorted((load[owner] for owner in owners), reverse=True), layer


def test_the_stack_says_what_the_claims_teach():
    owner = stack().set_index(["layer", "model"]).owner
    assert owner["host, hypervisor", "VM (EC2)"] == "AWS"  # C02
    assert owner["guest system", "VM (EC2)"] == "You"
    assert owner["packages, base image", "containers on Fargate"] == "You"  # C03
    assert owner["guest system", "containers on EC2"] == "You"  # C04
    assert owner["guest system", "containers on Fargate"] == "AWS"
    assert owner["language runtime", "functions (zip)"] == "Shared"  # T04


def test_every_model_says_what_one_hands_over():
    assert len(SHIPS) == len(MODELS) == len(next(iter(LAYERS.values())))


def test_every_assumption_about_the_shop_has_a_reason_that_fits_its_table():
    assert assumptions(Shop()).reason.str.len().between(10, 50).all()


def test_the_rack_is_sized_for_the_busiest_minute_and_then_stays(outcomes):
    assert set(outcomes["racks"].units) == {3}
    assert outcomes["racks"].served.dropped.sum() == 0


def test_utilisation_rises_from_way_to_way(outcomes):
    busy = [outcomes[way].utilisation for way in WAYS]
    assert busy == sorted(busy)
    assert busy[0] < 0.2 < busy[1]


def test_a_functions_processor_idles_as_long_as_its_requests_wait(outcomes):
    assert outcomes["functions"].utilisation == pytest.approx(100 / 150)
    assert provision("functions", Week(), Shop(wait_ms=0)).utilisation == pytest.approx(1)


def test_only_virtual_machines_turn_requests_away_at_two(outcomes):
    lost = {way: outcome.served.dropped.sum() for way, outcome in outcomes.items()}
    assert lost.pop("VMs") > 20_000
    assert not any(lost.values())


def test_what_is_turned_away_is_turned_away_in_the_first_half_hour(outcomes):
    served, start = outcomes["VMs"].served, Week().launch_minute
    assert served.between(start, start + 30).dropped.sum() == served.dropped.sum()


def test_the_bills_are_those_of_pricing(outcomes):
    requests = outcomes["functions"].served.requests
    assert (
        outcomes["functions"].usd
        == lambda_bill(requests=requests, duration_ms=150, memory_mb=1769, free_tier=False).total
    )
    hours = outcomes["VMs"].served.paid.sum() / 60 / ways()["VMs"].fleet.unit_rate
    assert outcomes["VMs"].usd == pytest.approx(ec2_bill("m5.large", count=hours, hours=1, storage_gb=20).total)
    hours = outcomes["containers"].served.paid.sum() / 60 / ways()["containers"].fleet.unit_rate
    assert outcomes["containers"].usd == pytest.approx(
        fargate_bill(vcpu=1, memory_gb=2, tasks=hours, seconds_per_task=3600).total
    )


def test_idle_and_used_make_the_bill(outcomes):
    for outcome in outcomes.values():
        assert outcome.idle_usd == pytest.approx(outcome.usd * (1 - outcome.utilisation))


def test_small_shops_are_cheaper_on_functions_and_large_ones_on_a_fleet():
    small, large = ({way: provision(way, Week(per_second=rate)).usd for way in WAYS} for rate in (2, 200))
    assert min(small, key=small.get) == "functions"
    assert large["functions"] > large["containers"]


def test_a_rack_ordered_for_less_than_comes_turns_people_away_all_evening():
    small = provision("racks", Week(launch=6), forecast=1)
    assert small.units.max() == 2
    assert small.served.dropped.sum() > 1e6


def test_headroom_covers_a_failure_or_a_surprise_and_not_both():
    assert provision("racks", Week(), fails=1).served.dropped.sum() == 0
    assert provision("racks", Week(launch=5), forecast=3).served.dropped.sum() == 0
    assert provision("racks", Week(launch=5), forecast=3, fails=1).served.dropped.sum() > 0


def test_more_environments_start_when_the_crowd_is_larger():
    start = Week().launch_minute
    few, many = (provision("functions", Week(launch=launch)).started(start, start + 30) for launch in (2, 6))
    assert 0 < few < many


def test_beyond_the_quota_functions_turn_requests_away_too():
    assert provision("functions", Week(per_second=3000)).served.dropped.sum() > 0


def test_an_unknown_way_is_refused():
    with pytest.raises(ValueError, match="way must be one of racks, VMs, containers, functions"):
        provision("mainframe", Week())


def test_the_four_ways_by_hand():
    four = ways()
    assert {name: way.vcpu for name, way in four.items()} == {"racks": 16, "VMs": 2, "containers": 1, "functions": 1}
    # a request computes for 100 ms on a vCPU; in a function it occupies an environment for 50 ms more
    rates = {name: way.fleet.unit_rate for name, way in four.items()}
    assert rates == pytest.approx({"racks": 160, "VMs": 20, "containers": 10, "functions": 1000 / 150})
    leads = {name: way.fleet.lead_minutes for name, way in four.items()}
    assert leads == {"racks": 6 * 7 * 24 * 60, "VMs": 5, "containers": 2, "functions": 0}
    repairs = {name: way.repair_minutes for name, way in four.items()}
    assert repairs == {"racks": 24 * 60, "VMs": 5 + 5, "containers": 1 + 2, "functions": 0}
    assert four["functions"].fleet.use == 1
