"""The figures of responsibility: right in their cells, readable without colour, and quick to redraw."""

import time
from datetime import date
from itertools import combinations

import pytest
from colours import contrast

from helpers import responsibility, tables
from helpers.show import matrix
from helpers.show.grid import LOOKS, Cell, cell, grid

TODAY = date(2026, 11, 23)
CHARTS = {
    "lesson": matrix.lesson,
    "questioned": matrix.questioned,
    "refined": matrix.refined,
    "refined-you": lambda: matrix.refined(owner="You", row="High availability"),
    "moved": matrix.moved,
    "moved-nowhere": lambda: matrix.moved(before="zip", after="zip"),
    "event": matrix.event,
    "events": matrix.events,
    "runtimes": lambda: matrix.runtimes(today=TODAY),
}


def title(chart):
    return chart.figure["layout"]["title"]["text"]


def words(chart):
    return chart.figure["data"][1]["text"]


@pytest.mark.parametrize("name", CHARTS)
def test_every_figure_is_one_that_plotly_accepts_and_has_sentence_and_table(name):
    graph_objects = pytest.importorskip("plotly.graph_objects")
    chart = CHARTS[name]()
    graph_objects.Figure(chart.figure)
    assert chart.sentence.endswith(".")
    assert len(chart.table) >= 4


@pytest.mark.parametrize("name", CHARTS)
def test_every_figure_says_its_finding_in_a_title_of_one_line(name):
    assert "<br>" not in title(CHARTS[name]())


def test_every_event_and_every_move_has_a_title_of_one_line():
    titles = [title(matrix.event(event=each.id)) for each in responsibility.events()]
    titles += [
        title(matrix.moved(before=one, after=other)) for one in responsibility.WAYS for other in responsibility.WAYS
    ]
    assert not [each for each in titles if "<br>" in each]


# Without colour


def test_every_cell_of_a_table_says_its_owner_with_a_symbol_and_a_word():
    for chart, table in (
        (matrix.lesson(), responsibility.matrix()),
        (matrix.refined(), responsibility.refined()),
        (matrix.events(), responsibility.duties()),
    ):
        for text, each in zip(words(chart), table.to_numpy().ravel(), strict=True):
            owner, qualifier = responsibility.split(each)
            assert f"{LOOKS[owner].symbol} {owner}" in text
            assert qualifier in text


def test_symbols_differ_and_text_stands_out_from_its_cell():
    told = [look.symbol for look in LOOKS.values() if look.symbol]
    assert len(set(told)) == len(told)
    for name, look in LOOKS.items():
        assert contrast(look.fill, look.ink) >= 4.5, name


@pytest.mark.parametrize("family", [("You", "Shared", "AWS"), ("holds", "too coarse", "wrong")])
def test_the_fills_of_one_table_differ_in_lightness_too(family):
    for one, other in combinations(family, 2):
        assert contrast(LOOKS[one].fill, LOOKS[other].fill) >= 1.25, (one, other)


def test_a_faint_cell_keeps_its_word():
    assert cell("You", "image", faint=True) == Cell("faint", "● You")


# Filtering


def test_choosing_an_owner_leaves_only_that_owners_cells_filled():
    fills = matrix.refined(owner="Shared").figure["data"][0]["z"]
    names = list(LOOKS)
    looks = {names[int(value)] for row in fills for value in row}
    assert looks == {"Shared", "faint"}


@pytest.mark.parametrize("owner", responsibility.OWNERS)
def test_the_title_of_a_filtered_table_counts_its_cells(owner):
    table = responsibility.refined()
    count = table.map(lambda each: responsibility.split(each)[0] == owner).to_numpy().sum()
    chart = matrix.refined(owner=owner)
    assert title(chart).startswith(f"<b>{count} of 96 cells")
    assert chart.sentence.startswith(f"{count} of 96 cells")


def test_choosing_a_row_counts_within_it():
    assert (
        title(matrix.refined(owner="You", row="High availability")) == "<b>9 of 18 cells are yours in Availability</b>"
    )


def test_the_height_stays_when_the_choice_changes():
    heights = {matrix.refined(owner=owner).figure["layout"]["height"] for owner in ("everyone", *responsibility.OWNERS)}
    heights_of_moves = {
        matrix.moved(before=before, after=after).figure["layout"]["height"]
        for before in responsibility.WAYS
        for after in ("rack", "zip")
    }
    heights_of_events = {matrix.event(event=each.id).figure["layout"]["height"] for each in responsibility.events()}
    assert (len(heights), len(heights_of_moves), len(heights_of_events)) == (1, 1, 1)


# Moves, events, runtimes


def test_the_sentence_of_a_move_names_what_moves_and_to_whom():
    there, back = matrix.moved(before="nodes", after="fargate"), matrix.moved(before="fargate", after="nodes")
    assert "Less for you: Guest or node system and Number of machines." in there.sentence
    assert "More for you: Guest or node system and Number of machines." in back.sentence
    assert title(there) == "<b>2 of 16 tasks leave you on this move</b>"


def test_an_image_gives_back_what_a_zip_file_takes():
    assert (
        "More for you: Packages around the code and Patch releases."
        in matrix.moved(before="zip", after="image").sentence
    )


@pytest.mark.parametrize("event", [each.id for each in responsibility.events()])
def test_an_events_figure_shows_every_ways_owner_and_action(event):
    chart = matrix.event(event=event)
    answers = [responsibility.who_acts(event, way) for way in responsibility.WAYS]
    assert chart.table["who"].tolist() == [answer.owner for answer in answers]
    shown = [text.replace("<br>", " ") for text in chart.figure["data"][2]["text"]]
    assert shown == [answer.action for answer in answers]
    assert max(text.count("<br>") for text in chart.figure["data"][2]["text"]) <= 2


def test_the_bars_of_a_runtime_change_on_its_dates():
    data = matrix.runtimes(today=TODAY).figure["data"]
    node = tables.runtimes().loc["nodejs20.x"]
    place = data[0]["y"].index("nodejs20.x")
    begins = [bar["base"][place] for bar in data[1:]]
    assert begins == [f"{day:%Y-%m-%d}" for day in (node.deprecated, node.create_blocked, node.update_blocked)]


def test_the_title_of_the_runtimes_counts_those_past_their_date():
    assert title(matrix.runtimes(today=TODAY)) == "<b>2 of 4 Node.js runtimes get no patches any more</b>"
    assert "<b>3 of 4 " in title(matrix.runtimes(today=date(2027, 4, 30)))


@pytest.mark.parametrize("family", ["Node.js", "Python", "Java", ".NET", "Ruby", "custom"])
def test_every_family_of_runtimes_can_be_drawn(family):
    assert len(matrix.runtimes(family=family, today=TODAY).table) >= 2


def test_the_facts_count_every_row_and_notice_old_ones():
    facts = matrix.facts("lambda.timeout", today=TODAY)
    assert len(facts.rows) == 28 + 16 + 12 + 25 + 1
    assert str(facts).startswith("Facts used here: 82 rows")
    assert not len(facts.outdated)
    assert len(matrix.facts(today=date(2028, 11, 23)).outdated) == 81


def test_an_explorer_gets_its_figure_within_sixty_milliseconds():
    for draw in (matrix.refined, matrix.moved, matrix.event):
        draw()
        times = []
        for _ in range(5):
            begun = time.process_time()  # what else runs on the machine does not count
            draw()
            times.append(time.process_time() - begun)
        assert min(times) < 0.06, draw.__name__


def test_groups_are_named_once_and_set_apart_by_lines():
    import pandas as pd

    rows = [[cell("You")], [cell("AWS")], [cell("AWS")]]
    chart = grid("abc", ["x"], rows, title="t", sentence="s.", table=pd.DataFrame({"x": [1]}), groups=["g", "g", "h"])
    layout = chart.figure["layout"]
    assert [note["text"] for note in layout["annotations"]] == ["<b>g</b>", "<b>h</b>"]
    assert [line["y0"] for line in layout["shapes"]] == [1.5]
