"""The figures of notebook 01 say in words what they draw, and draw what history and capacity compute."""

import inspect
import re
from itertools import product

import pytest

from helpers.capacity import Week
from helpers.history import WAYS, Shop, milestones, provision
from helpers.show import eras, fleets

CHARTS = {
    "timeline": eras.timeline,
    "stack": eras.stack,
    "week": fleets.week,
    "fleet": fleets.fleet,
    "shapes": fleets.shapes,
    "night": fleets.night,
    "bills": fleets.bills,
}


@pytest.mark.parametrize("name", CHARTS)
def test_every_figure_is_one_that_plotly_accepts_and_has_sentence_and_table(name):
    graph_objects = pytest.importorskip("plotly.graph_objects")
    chart = CHARTS[name]()
    graph_objects.Figure(chart.figure)
    assert chart.sentence.endswith(".")
    assert len(chart.table) >= 2


@pytest.mark.parametrize("name", CHARTS)
def test_no_text_of_a_figure_could_be_taken_for_a_formula(name):
    texts = re.findall(r"'text': '([^']*)'", str(CHARTS[name]().figure["layout"]))
    assert all(text.count("$") < 2 for text in texts)


@pytest.mark.parametrize(("track", "years"), list(product(eras.LINES.values(), eras.YEARS.values())))
def test_every_choice_of_the_timeline_has_its_milestones_or_says_that_there_are_none(track, years):
    rows = milestones(track, since=years[0], until=years[1])
    if rows.empty:
        with pytest.raises(ValueError, match="no milestone of this line"):
            eras.timeline(track=track, years=years)
    else:
        chart = eras.timeline(track=track, years=years)
        assert list(chart.table.milestone) == list(rows.milestone)
        assert len(chart.figure["data"]) == len(rows)


def test_dates_known_to_the_day_are_points_and_others_are_bars():
    data = eras.timeline(track="containers").figure["data"]
    rows = milestones("containers")
    assert [trace["x"][0] != trace["x"][-1] for trace in data] == (rows.dated != "day").tolist()


def test_cautions_and_sources_can_be_read_beside_the_milestones():
    rows = milestones("racks and virtual machines")
    texts = str(eras.timeline(track="racks and virtual machines", note="caution").figure["data"])
    assert "One book has GSX" in texts
    assert all(f"Source: {source[:20]}" in texts for source in rows.source)


def test_the_stack_says_its_owners_in_words_and_symbols():
    texts = [text for trace in eras.stack().figure["data"] for text in trace["text"] if isinstance(text, str)]
    assert {"● You", "○ AWS", "◐ Shared"} <= set(texts)


def test_the_fleets_sentence_names_what_provision_computes():
    for way in WAYS:
        outcome = provision(way, Week())
        sentence = fleets.fleet(way=way).sentence
        assert f"${outcome.usd:,.2f} for the week" in sentence
        assert f"${outcome.idle_usd:,.2f} pays for idle time" in sentence


def test_the_night_names_who_is_turned_away_and_how_many():
    chart = fleets.night()
    assert "EC2 VMs: 29,900 requests" in chart.sentence
    assert "turn 29,900 requests away" in chart.figure["layout"]["title"]["text"]


def test_with_enough_headroom_nobody_is_turned_away_at_two():
    assert "nobody is turned away" in fleets.night(use=20).figure["layout"]["title"]["text"]


def test_a_failing_server_shows_in_what_the_rack_can_carry():
    rack = fleets.night(fails=True).table.query("line == 'rack'")["requests a second"]
    assert (rack.max(), rack.min()) == (480, 320)


def test_the_bills_add_up_to_those_of_the_ways():
    table = fleets.bills().table.groupby("way").usd.sum()
    for way in WAYS:
        assert table[fleets.NAMES[way]] == pytest.approx(provision(way, Week()).usd)


def test_the_cheapest_way_changes_with_the_size_of_the_shop():
    titles = [fleets.bills(per_second=size).figure["layout"]["title"]["text"] for size in (2, 60)]
    assert "Functions cost least and idle least" in titles[0]
    assert "Containers cost least, functions idle least" in titles[1]


def test_explorers_start_from_what_the_shop_and_the_week_assume():
    week, shop = Week(), Shop()
    starts = {
        "per_second": week.per_second,
        "launch": week.launch,
        "ordered": week.launch,
        "weekend": week.weekend,
        "seed": week.seed,
        "ramp_minutes": week.ramp_minutes,
        "use": shop.use * 100,
        "lead_minutes": shop.vm_lead_minutes,
        "wait_ms": shop.wait_ms,
        "minimum": shop.minimum,
    }
    for draw in (fleets.week, fleets.fleet, fleets.night, fleets.bills):
        for name, parameter in inspect.signature(draw).parameters.items():
            if name in starts:
                assert parameter.default == starts[name], f"{draw.__name__}: {name}"
