"""What a stored notebook becomes in the web book, page by page and part by part; ``tests/browser`` opens the result."""

from __future__ import annotations

import ast
import json
import re
from pathlib import Path
from typing import Any

import chapters
import explorers
import moving
import parts
import pytest
from columns import aligned
from notebook_parts import PATHS
from reading import WIDGETS, Role, called, opening, questions, roles, text_of

from helpers.learn.quizfile import read_quiz

# Explorers of what another cell computed: the book has a card for them.
NEEDS_OTHER_CELLS = {("03", "finer-explorer")}
BINDER = "https://mybinder.org/v2/gh/some/where/main?urlpath=lab/tree/notebooks/x.ipynb"
TITLE = {
    "cell_type": "markdown",
    "id": "title",
    "metadata": {},
    "source": f"# A title\n\n*5 minutes · start · [open in Binder]({BINDER})*\n\nFirst words.",
}
PNG = next(
    text_of(output["data"]["image/png"])
    for cell in json.loads(PATHS[0].read_text())["cells"]
    for output in cell.get("outputs", [])
    if "image/png" in output.get("data", {})
)
FIGURE = {
    "data": [{"type": "bar", "x": ["</script>"], "y": [1]}],
    "layout": {"title": {"text": "<b>Twice the<br>memory</b>"}, "height": 300},
}


def code(source: str, *outputs: dict[str, Any], id: str = "cell", **metadata: Any) -> dict[str, Any]:
    return {"cell_type": "code", "id": id, "metadata": metadata, "source": source, "outputs": list(outputs)}


def shown(**data: Any) -> dict[str, Any]:
    names = {"text": "text/plain", "html": "text/html", "png": "image/png", "plotly": chapters.PLOTLY}
    return {"output_type": "execute_result", "data": {names[name]: value for name, value in data.items()}}


def page(*cells: dict[str, Any]) -> str:
    return chapters.chapter({"cells": [TITLE, *cells]}, static="../_static", source="https://example.org/x.ipynb")


@pytest.fixture(params=PATHS, ids=lambda path: path.stem)
def stored(request: pytest.FixtureRequest) -> dict[str, Any]:
    return json.loads(request.param.read_text(encoding="utf-8"))


# ---- whole notebooks


def test_a_notebook_opens_in_binder_from_its_page(stored: dict[str, Any]) -> None:
    written = chapters.chapter(stored, static="../_static", source="https://example.org/x.ipynb")
    begins = opening(stored)
    assert written.startswith(f"# {begins.title}\n")
    assert f'<a class="launch-run" href="{begins.binder}">' in written


def test_every_figure_of_a_notebook_is_on_its_page_with_its_sentence(stored: dict[str, Any]) -> None:
    written = chapters.chapter(stored, static="../_static", source="https://example.org/x.ipynb")
    bundles = [
        o["data"] for cell in stored["cells"] for o in cell.get("outputs", []) if "image/png" in o.get("data", {})
    ]
    for data in bundles:
        assert parts.picture_name(text_of(data["image/png"])) in written
        assert parts.escaped(text_of(data["text/plain"])) in written
    assert written.count("<figcaption") == len(bundles)


def test_all_prose_of_a_notebook_is_on_its_page(stored: dict[str, Any]) -> None:
    written = chapters.chapter(stored, static="../_static", source="https://example.org/x.ipynb")
    prose = [text_of(cell["source"]) for cell in stored["cells"][1:] if cell["cell_type"] == "markdown"]
    assert [text for text in prose if text not in written] == []


def test_no_widget_is_shown_as_a_bare_result(stored: dict[str, Any]) -> None:
    # What a class of ours displays is text alone in a stored notebook when it was a widget: each is known to the book.
    plain = {"start_cloud", "simulate", "array"}
    unknown = [
        (cell["id"], called(role.call))
        for cell, role in roles(stored)
        if role.kind == "code" and role.call and called(role.call)[:1].isupper()
        if any(set(output.get("data", {})) == {"text/plain"} for output in cell["outputs"])
        if called(role.call) not in plain
    ]
    assert unknown == []


def test_each_picture_that_a_page_shows_is_written(stored: dict[str, Any]) -> None:
    written = chapters.chapter(stored, static="../_static", source="https://example.org/x.ipynb")
    pictures = chapters.pictures(stored)
    assert {*re.findall(r"figures/(\w+\.png)", written)} == {*pictures}
    assert all(picture.startswith(b"\x89PNG") for picture in pictures.values())


def test_the_map_has_a_question_and_minutes_for_each_notebook() -> None:
    rows = questions(json.loads(PATHS[0].read_text(encoding="utf-8")))
    assert list(rows) == [path.stem for path in PATHS[1:]]
    assert all(question.endswith("?") and 10 <= minutes <= 120 for question, minutes in rows.values())


# ---- cells


def test_a_page_starts_with_title_minutes_and_two_ways_on() -> None:
    written = page()
    assert written.startswith("# A title\n")
    assert '<p class="byline">5 minutes · start</p>' in written
    assert 'href="https://example.org/x.ipynb"' in written
    assert "open in Binder" not in written


def test_a_first_cell_without_binder_is_refused() -> None:
    with pytest.raises(ValueError, match="link to Binder"):
        opening({"cells": [TITLE | {"source": "# A title\n\nWords."}]})


def test_a_solution_is_folded_with_its_code() -> None:
    written = page(
        code('solution("01.1", 1)', shown(text="✓ Solution 01.1 holds: the check accepts it."), tags=["solution"])
    )
    before, _, after = written.partition(chapters.SOLUTION)
    assert 'solution("01.1", 1)' not in before
    assert after.index('solution("01.1", 1)') < after.index("</details>")


def test_set_up_is_folded_and_other_code_is_not() -> None:
    written = page(code("import json", id="setup"), code("1 + 1", shown(text="2")))
    assert (
        written.index(chapters.SETUP)
        < written.index("import json")
        < written.index("</details>")
        < written.index("1 + 1")
    )


def test_code_whose_source_is_hidden_is_folded() -> None:
    written = page(code("1 + 1", shown(text="2"), jupyter={"source_hidden": True}))
    assert written.index('<pre class="result">2</pre>') < written.index("<details") < written.index("1 + 1")


def test_an_explorer_is_a_card_with_its_controls_and_the_way_to_binder() -> None:
    source = 'explorer = Explorer(month, requests=Slider("Images a month", 0, 9), kind=Choice("Kind", ["a"]))\nexplorer'
    written = page(code(source, shown(text="The bill is $2.73 a month.")))
    assert "<li>Images a month</li><li>Kind</li>" in written
    assert "The bill is $2.73 a month." in written
    assert f'<a href="{BINDER}">Move it in Binder</a>' in written


def test_an_explorer_does_not_repeat_the_figure_before_it() -> None:
    says = "The bill is $2.73 a month."
    explorer = code('e = Explorer(month, n=Slider("N", 0, 9))\ne', shown(text=says), id="e")
    written = page(code("month(3)", shown(plotly=FIGURE, png=PNG, text=says)), explorer)
    assert written.count(says) == 1


def test_what_an_explorer_says_after_a_move_is_a_sentence_and_no_string() -> None:
    written = page(code("explorer.sentence", shown(text="'It\\'s $9.14.'")))
    assert '<p class="said">It&#x27;s $9.14.</p>' in written


def test_a_prediction_asks_and_its_result_answers_without_talking_of_a_kernel() -> None:
    ask = code('predict("01.a", "Which?", choices=["x", "y"])', shown(text="Predict 01.a: Which?\n  1. x\n  2. y"))
    tell = code('recall("01.a", "x")', shown(text="○ No prediction kept. The result: x.", html="<div></div>"), id="r")
    written = page(ask, tell)
    assert '<ol class="choices"><li>x</li><li>y</li></ol>' in written
    assert "<b>The result</b>: x." in written
    assert "No prediction kept" not in written


def test_an_exercise_has_its_target_and_its_hints_and_is_checked_in_binder() -> None:
    said = (
        "○ Exercise 06.4 · 2 minutes · not answered yet. Target: a number of requests a month, within 2%\n"
        'There are 2 hints: `hint("06.4")`'
    )
    written = page(code('my_answer = ...\ncheck("06.4", my_answer)', shown(text=said, html="<div></div>")))
    assert "Target: a number of requests a month, within 2%." in written
    assert written.count("<summary>Hint ") == 2
    assert f'href="{BINDER}">Have your answer checked' in written


@pytest.mark.parametrize("name", ["01", "06", "07b", "10", "example"])
def test_a_quiz_shows_every_question_and_keeps_each_answer_folded(name: str) -> None:
    asked = read_quiz(name)
    written = parts.quiz(asked, BINDER)
    assert written.count('<details class="answer">') == len(asked.questions)
    shown_first = re.sub(r"<details[\s\S]*?</details>", "", written)
    for question in asked.questions:
        assert parts.escaped(question.text) in shown_first
        reasons = [choice.why for choice in question.choices] or [question.why]
        assert all(parts.escaped(why) in written and parts.escaped(why) not in shown_first for why in reasons)


def test_names_are_followed_from_cell_to_cell() -> None:
    cells = [code('v = show.Explorer(draw, n=Slider("N", 0, 1))'), code("v", shown(text="One."))]
    assert [role.kind for _, role in roles({"cells": cells})] == ["code", "explorer"]


def test_a_cell_with_a_magic_command_is_code() -> None:
    assert [role for _, role in roles({"cells": [code("%time x")]})] == [Role("code")]


@pytest.mark.parametrize("name", WIDGETS)
def test_a_widget_that_the_book_knows_exists(name: str) -> None:
    from importlib import import_module

    homes = [
        "helpers.show",
        "helpers.show.viewer",
        "helpers.show.pipeline",
        "helpers.show.rerun",
        "helpers.report.desk",
    ]
    assert any(hasattr(import_module(home), name) for home in homes)


# ---- figures, text, tables


def test_a_figure_is_a_picture_with_an_alternative_text_until_it_is_drawn() -> None:
    markup = parts.figure(FIGURE, PNG, "It takes half as long.", name="figure-x", static="../_static")
    assert f'<img src="../_static/figures/{parts.picture_name(PNG)}" alt="Twice the memory" width="900"' in markup
    assert '<figcaption id="figure-x-says">It takes half as long.</figcaption>' in markup
    assert "data:image" not in markup


def test_the_data_of_a_figure_cannot_end_its_element() -> None:
    markup = parts.as_json(FIGURE)
    assert markup.count("</script>") == 1
    assert json.loads(markup.removeprefix('<script type="application/json">').removesuffix("</script>")) == FIGURE


def test_what_a_cell_prints_is_text_and_not_markup() -> None:
    assert parts.printed("<b> & `x`\n") == '<pre class="result">&lt;b&gt; &amp; `x`</pre>'


def test_columns_of_numbers_are_marked_with_their_heading() -> None:
    table = "<tr><th>way</th><th>usd</th><th>share</th></tr><tr><td>rack</td><td>$1,250.10</td><td>3%</td></tr>"
    assert aligned(table).count('class="number"') == 4
    assert '<td class="number">$1,250.10</td>' in aligned(table)


def test_a_column_of_words_and_an_empty_one_are_not_numbers() -> None:
    table = "<tr><th>a</th><th>b</th></tr><tr><td>1 to 2</td><td></td></tr>"
    assert "number" not in aligned(table)


def test_an_empty_heading_is_no_heading() -> None:
    assert aligned("<tr><th scope='col'></th><th>x</th></tr>") == "<tr><td></td><th>x</th></tr>"


def test_a_sheet_with_colours_of_its_own_keeps_them() -> None:
    assert parts.table("<div style='color:#000'><table></table></div>").startswith('<div class="paper">')


# ---- explorers


def explorers_of(path: Path) -> list[tuple[dict[str, Any], list[dict[str, Any]]]]:
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    return [(cell, cells[:i]) for i, (cell, role) in enumerate(roles({"cells": cells})) if role.kind == "explorer"]


@pytest.mark.parametrize("path", PATHS, ids=lambda path: path.stem)
def test_explorers_move_in_the_book_and_start_where_the_notebook_does(path: Path) -> None:
    for cell, earlier in explorers_of(path):
        if (path.stem[:2], cell["id"]) in NEEDS_OTHER_CELLS:
            with pytest.raises(NameError):
                explorers.made(cell, earlier)
            continue
        explorer = explorers.made(cell, earlier)
        assert explorer.sentence == text_of(cell["outputs"][0]["data"]["text/plain"])
        for control in explorer.controls.values():
            values = [value for _, value in explorers.stops(control)]
            assert control.value in values
            assert len(values) <= explorers.MOST_STOPS + 1 or not hasattr(control, "stops")


def test_what_differs_laid_over_the_start_gives_each_figure() -> None:
    cell, earlier = explorers_of(PATHS[0])[0]
    explorer = explorers.made(cell, earlier)
    states = explorers.states(explorer)
    (control,) = explorer.controls.values()
    for (_, value), state in zip(explorers.stops(control), states["controls"][0], strict=True):
        control.value = value
        assert laid_over(states, state["differs"]) == explorer.chart.figure
        assert state["sentence"] == explorer.sentence


def laid_over(start: dict[str, Any], differs: list[list[Any]]) -> dict[str, Any]:
    figure = json.loads(json.dumps({"data": start["data"], "layout": start["layout"]}))
    for path, value in differs:
        part = figure
        for key in path[:-1]:
            part = part[key]
        part[path[-1]] = value
    return figure


def test_computing_an_explorers_states_leaves_it_as_it_was() -> None:
    cell, earlier = explorers_of(PATHS[6])[0]
    explorer = explorers.made(cell, earlier)
    before = explorer.values
    explorers.states(explorer)
    assert explorer.values == before


# ---- the figure that moves


def test_the_slider_stops_at_one_three_and_ten_and_starts_at_a_stop() -> None:
    stops = moving.stops()
    assert stops[:4] == [1_000, 3_000, 10_000, 30_000]
    assert stops[-1] == moving.LAST
    assert moving.START in stops


def test_moving_the_slider_far_enough_changes_the_advice() -> None:
    assert "Run it on Lambda" in moving.chart(moving.START).sentence
    assert "Run it on EC2" in moving.chart(moving.LAST).sentence


def test_the_moving_figure_starts_as_notebook_10_does() -> None:
    cells = json.loads(PATHS[-1].read_text(encoding="utf-8"))["cells"]
    (advisor,) = (role.call for cell, role in roles({"cells": cells}) if cell["id"] == "advisor-explorer")
    controls = {one.arg: one.value for one in advisor.keywords}
    values = {
        name: next(one.value.value for one in control.keywords if one.arg == "value")
        for name, control in controls.items()
        if any(one.arg == "value" and isinstance(one.value, ast.Constant) for one in control.keywords)
    }
    assert values == {"requests": moving.START} | {name: moving.REQUEST[name] for name in values if name != "requests"}
