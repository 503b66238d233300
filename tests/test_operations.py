"""A year of operations: its days, its owners, and hours that follow from assumptions."""

from datetime import date

import pytest

from helpers import operations, tables
from helpers.operations import bill, cost_of_year, hours_of_year, usd_an_hour, year
from helpers.pricing import lambda_bill, rack_bill
from helpers.responsibility import events, who_acts
from helpers.ways import WAYS

YEAR = operations.year()


def test_every_event_of_responsibility_has_an_assumption_with_its_reason():
    effort = tables.load("effort")
    assert set(effort.index) == {event.id for event in events()}
    assert set(effort["flag"]) == {"assumption"}
    assert effort["reason"].str.len().min() > 10


def test_events_come_in_order_within_the_year_and_as_often_as_assumed():
    days = [one.day for one in YEAR]
    assert days == sorted(days)
    assert {day.year for day in days} == {operations.YEAR}
    counts = tables.load("effort")["per_year"].fillna(1)
    for event in events():
        assert sum(one.event.id == event.id for one in YEAR) == counts[event.id], event.id


def test_a_runtime_ends_on_awss_day_or_not_in_this_year():
    def ends(runtime):
        return [one.day for one in operations.year(runtime=runtime) if one.event.id == "runtime-end"]

    assert ends("nodejs22.x") == [tables.runtimes().loc["nodejs22.x", "deprecated"].date()] == [date(2027, 4, 30)]
    assert ends("python3.13") == []
    assert ends("python3.15") == []  # a preview, without a date
    with pytest.raises(KeyError, match="no runtime 'cobol'"):
        operations.year(runtime="cobol")


def test_what_aws_answers_takes_the_team_no_time_and_what_is_shared_takes_less():
    effort = tables.load("effort")
    for event in events():
        for way in WAYS:
            owner = who_acts(event, way).owner
            hours = operations.hours(event, way)
            wanted = {
                "You": effort.loc[event.id, "hours_you"],
                "Shared": effort.loc[event.id, "hours_shared"],
                "AWS": 0,
            }
            assert hours == wanted[owner]


def test_the_hours_of_a_year_are_the_sum_of_its_events():
    played = operations.played(YEAR)
    for way, hours in operations.hours_of_year().items():
        assert hours == pytest.approx(played[f"{way}_hours"].sum())
        assert hours == pytest.approx(sum(operations.hours(one.event, way) for one in YEAR))


def test_each_step_from_the_rack_to_the_function_takes_hours_away_and_an_image_brings_some_back():
    hours = operations.hours_of_year()
    assert hours["rack"] > hours["ec2"] > hours["nodes"] > hours["fargate"] > hours["zip"] > 0
    assert hours["image"] > hours["zip"]


def test_scripts_and_luck_scale_the_hours():
    plain = operations.hours_of_year()
    assert operations.hours_of_year(scripted=0.5).tolist() == pytest.approx((plain / 2).tolist())
    assert operations.hours_of_year(luck=2).tolist() == pytest.approx((plain * 2).tolist())
    with pytest.raises(ValueError, match="scripted must be between 0 and 1"):
        operations.hours("kernel-cve", "ec2", scripted=2)


def test_a_year_costs_twelve_bills_and_the_hours():
    year = operations.cost_of_year(requests=5e6, usd_per_hour=50)
    month = lambda_bill(requests=5e6, duration_ms=114.55, memory_mb=512)
    assert year.loc["zip", "bill_usd"] == pytest.approx(float(month.total) * 12, rel=0.05)
    assert year["people_usd"].tolist() == pytest.approx((year["hours"] * 50).tolist())
    assert year.loc["zip", "bill_usd"] == year.loc["image", "bill_usd"]


def test_a_way_with_machines_has_a_load_balancer_on_its_bill_and_a_function_none():
    def items(way):
        return " ".join(operations.bill(way, requests=1e6).to_frame()["item"])

    assert all("Load balancer" in items(way) for way in ("ec2", "nodes", "fargate"))
    assert "Load balancer" not in items("zip")
    assert "Administrators" not in items("rack") or operations.bill("rack", requests=1e6).to_frame().usd.iloc[-1] == 0


def test_an_hour_costs_what_the_salary_of_the_price_table_gives():
    assert operations.usd_an_hour() == tables.price("physical.admin_salary").value / operations.HOURS_A_PERSON


def test_the_year_of_the_notebook_is_spread_as_its_rule_says():
    # The first kind of event comes four times; 0.618034 of a quarter after New Year is the 57th day.
    first = next(one for one in year() if one.event.id == events()[0].id)
    assert (events()[0].id, first.day) == ("kernel-cve", date(2027, 2, 26))


def test_the_rack_has_two_servers_over_four_years():
    servers = rack_bill(servers=2, years=4, kw_per_server=0.4, admins_share=0)
    assert bill("rack", requests=1000).total == pytest.approx(servers.total)


def test_an_hour_of_the_team_costs_fifty_dollars_to_begin_with():
    assert usd_an_hour() == 85_000 / 1_700 == 50


def test_a_year_costs_the_hours_that_are_assumed_unless_luck_is_named():
    assert cost_of_year(requests=0, usd_per_hour=1).people_usd.to_dict() == hours_of_year().to_dict()
