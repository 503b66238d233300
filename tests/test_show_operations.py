"""The figures of notebook 04 draw what their calculations give, and say so."""

import pandas as pd
import pytest

from helpers import operations, upkeep
from helpers.show import operations as figures

COUNTED = pd.DataFrame(
    {"instances": [23, 92, 16, 21, 6], "function": [11, 52, 7, 12, 2]},
    index=pd.Index(upkeep.MEASURES, name="counted"),
)
CHARTS = {
    "builds": lambda: figures.builds(COUNTED),
    "year": figures.year,
    "first event": lambda: figures.year(events=1),
    "costs": figures.costs,
    "costs of nothing": lambda: figures.costs(requests=0, usd_per_hour=0),
    "remains": figures.remains,
}


def title(chart):
    return chart.figure["layout"]["title"]["text"].replace("<br>", " ")


@pytest.mark.parametrize("name", CHARTS)
def test_every_figure_is_one_that_plotly_accepts_and_has_sentence_and_table(name):
    graph_objects = pytest.importorskip("plotly.graph_objects")
    chart = CHARTS[name]()
    graph_objects.Figure(chart.figure)
    assert chart.sentence.endswith(".")
    assert len(chart.table) >= 2


def test_each_count_stands_on_its_own_scale_with_its_number():
    chart = figures.builds(COUNTED)
    assert [trace["text"][0] for trace in chart.figure["data"]] == [f"<b>{n}</b>" for n in COUNTED["instances"]]
    assert len({trace["xaxis"] for trace in chart.figure["data"]}) == len(COUNTED)
    assert "function: 11 calls, 52 values decided" in chart.sentence


def test_the_year_up_to_an_event_names_it_and_sums_the_hours_until_then():
    chart = figures.year(events=5)
    now = operations.year()[4]
    assert now.event.title[1:] in title(chart)
    total = chart.table.groupby("way")["hours"].sum()
    assert total["VM (EC2)"] == operations.played(operations.year()[:5])["ec2_hours"].sum()


def test_the_axis_holds_the_whole_year_so_that_bars_grow():
    most = operations.hours_of_year().max()
    assert figures.year(events=1).figure["layout"]["xaxis"]["range"][1] > most
    assert "99.5 hours on EC2, 45.5 as a function" in title(figures.year())


def test_an_event_that_is_not_there_is_refused():
    with pytest.raises(ValueError, match="events must be between 1 and"):
        figures.year(events=0)


def test_the_cheapest_year_changes_with_traffic():
    assert "Lambda (zip), nearly all of it hours" in title(figures.costs())
    assert "Physical / On-Prem" in title(figures.costs(requests=2e9))


def test_what_remains_and_what_is_gone_add_up_to_the_machines_hours():
    chart = figures.remains()
    sums = chart.table.groupby("way")["hours"].sum()
    hours = operations.hours_of_year()
    assert sums["VM (EC2)"] == hours["ec2"]
    assert sums["Lambda (zip)"] == hours["zip"]


def test_hours_are_named_as_assumptions_in_the_fine_print():
    facts = figures.facts("lambda.requests")
    assert (facts.rows[facts.rows["service"] == "Hours, assumed"]["flag"] == "assumption").all()
    assert str(facts).startswith("Facts used here:")
