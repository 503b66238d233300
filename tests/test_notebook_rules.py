"""A test of the tests of notebooks: each of their rules is broken once, in a copy, and must say so."""

from __future__ import annotations

import copy
import inspect
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import nbformat
import pytest
import test_notebook_style
import test_notebooks
from normalise import PLOTLY, PNG
from notebook_parts import PATHS, notebook

WHOLE = next(path for path in PATHS if path.name.startswith("06"))
IGNORE = "nbval-ignore-output"


class Draft:
    """A notebook that is about to be spoiled."""

    def __init__(self) -> None:
        self.content: dict[str, Any] = copy.deepcopy(json.loads(WHOLE.read_text(encoding="utf-8")))
        self.cells: list[dict[str, Any]] = self.content["cells"]

    @property
    def code(self) -> list[dict[str, Any]]:
        return [cell for cell in self.cells if cell["cell_type"] == "code"]

    @property
    def figure(self) -> dict[str, Any]:
        """What the first figure stores."""
        return next(out["data"] for cell in self.code for out in cell["outputs"] if PLOTLY in out.get("data", {}))

    def write(self, text: str, *, before: str = "") -> None:
        """Add prose behind the title, or before the first cell that has these words."""
        place = next((i for i, cell in enumerate(self.cells) if before and before in "".join(cell["source"])), 1)
        self.cells.insert(place, {"cell_type": "markdown", "id": "spoiled", "metadata": {}, "source": [text]})

    def replace(self, pattern: str, by: str, *, kind: str = "markdown", count: int = 0) -> None:
        """Replace a pattern in all prose, or in all code."""
        for cell in self.cells:
            if cell["cell_type"] == kind:
                text = re.sub(pattern, by, "".join(cell["source"]), count=count, flags=re.MULTILINE)
                cell["source"] = text.splitlines(keepends=True)

    def tag(self, cell: dict[str, Any], *tags: str) -> None:
        cell["metadata"]["tags"] = [*cell["metadata"].get("tags", []), *tags]

    def say(self, text: str, *, name: str = "stdout") -> None:
        """Let the first code cell print."""
        self.code[0]["outputs"].append({"output_type": "stream", "name": name, "text": [text]})

    def save(self, folder: Path) -> Path:
        path = folder / WHOLE.name
        path.write_text(json.dumps(self.content), encoding="utf-8")
        return path


def without_tags(draft: Draft) -> None:
    for cell in draft.code:
        cell["metadata"].pop("tags", None)


def without_its_code_lines_weighing(draft: Draft) -> None:
    for cell in draft.code:
        cell["source"] = [*cell["source"], *("\nx = 1" for _ in range(9))]


def without_claims(draft: Draft) -> None:
    for kind in ("code", "markdown"):
        draft.replace(r"\b([A-Z])(\d\d)\b", r"\1-\2", kind=kind)


def all_uncompared(draft: Draft) -> None:
    for cell in draft.code:
        draft.tag(cell, IGNORE, "measurement")


# What is done to a notebook, by the rule that it breaks.
SPOILED: dict[str, Callable[[Draft], object]] = {
    "it_is_in_normal_form": lambda draft: draft.content["metadata"].update(editor="mine"),
    "it_is_valid_and_its_cells_have_names_of_their_own": lambda draft: draft.cells[1].update(id=draft.cells[0]["id"]),
    "every_code_cell_ran_in_order": lambda draft: draft.code[3].update(execution_count=None),
    "no_cell_is_empty_or_skipped": lambda draft: draft.code[3].update(source=[]),
    "no_cell_failed_or_complained": lambda draft: draft.say("DeprecationWarning", name="stderr"),
    "no_widget_state_is_stored": lambda draft: draft.content["metadata"].update(widgets={}),
    "every_rich_output_says_in_words_what_it_shows": lambda draft: draft.figure.update({"text/plain": " "}),
    "every_figure_has_a_picture_and_a_sentence": lambda draft: draft.figure.pop(PNG),
    "figures_hold_plain_lists": lambda draft: draft.figure[PLOTLY]["data"].append(
        {"x": {"bdata": "AA", "dtype": "i1"}}
    ),
    "no_text_of_a_figure_has_two_dollar_signs": lambda draft: draft.figure[PLOTLY]["data"].append({"name": "$1 or $2"}),
    "prose_has_no_dollar_signs": lambda draft: draft.write("That makes $5."),
    "no_code_ends_in_a_semicolon": lambda draft: draft.code[3]["source"].append(";"),
    "cells_are_short": lambda draft: draft.code[3]["source"].extend(["\nx = 1"] * 15),
    "its_size_stays_below_a_megabyte": lambda draft: draft.say("x" * 2**20),
    "nothing_stored_belongs_to_one_machine": lambda draft: draft.say("/home/ada/notebooks"),
    "a_measurement_is_not_compared": lambda draft: draft.tag(draft.code[0], "measurement"),
    "what_is_not_compared_is_asserted": lambda draft: draft.tag(draft.code[0], IGNORE),
    "it_opens_with_one_title": lambda draft: draft.write("# Another title"),
    "its_links_to_files_lead_somewhere": lambda draft: draft.write("[there](11_nowhere.ipynb)"),
    "its_links_to_headings_lead_somewhere": lambda draft: draft.write("[there](#nowhere)"),
    "it_aims_at_three_or_four_things": lambda draft: draft.replace(r"^- \*\*", "**"),
    "each_aim_begins_with_a_verb": lambda draft: draft.replace(r"^- \*\*", "- you will **"),
    "what_was_learned_answers_what_was_aimed_at_one_by_one": lambda draft: draft.write(
        "## What we aim at\n\n- **Fly** to the moon", before="## What we aim at"
    ),
    "what_one_needs_stands_in_a_table": lambda draft: draft.replace("how much", "how well"),
    "the_line_under_the_title_opens_binder": lambda draft: draft.replace("mybinder.org", "example.org"),
    "the_line_under_the_title_says_minutes": lambda draft: draft.replace("minutes to read", "moments to read"),
    "its_minutes_are_those_that_are_counted": lambda draft: draft.replace(r"^\*\d+ minutes", "*3 minutes"),
    "the_map_says_its_minutes_in_steps_of_five": lambda draft: draft.replace(r"^\*\d+ minutes", "*90 minutes"),
    "the_map_asks_what_its_title_asks": lambda draft: draft.replace("^# 06 · A thumbnail", "# 06 · A picture"),
    "predictions_are_lettered_without_a_gap": lambda draft: draft.replace('"06.b"', '"06.q"', kind="code"),
    "there_is_something_to_do_six_times_an_hour": lambda draft: draft.replace(r"^\*\d+ minutes", "*900 minutes"),
    "exercises_are_numbered_and_each_has_its_check_and_its_solution": lambda draft: draft.replace(
        'check\\("06.2"', 'check("06.9"', kind="code"
    ),
    "prose_and_code_keep_the_balance": without_its_code_lines_weighing,
    "headings_go_down_one_step_at_a_time": lambda draft: draft.write("#### A detail"),
    "numbered_sections_count_without_a_gap": lambda draft: draft.replace(r"^## 3\.", "## 4."),
    "it_ends_with_the_question_that_the_next_one_answers": lambda draft: draft.replace(r"\?", "."),
    "dates_of_prices_and_limits_are_shown": without_tags,
    "it_says_what_became_of_the_lessons_claims": without_claims,
    "what_became_of_a_claim_can_be_looked_up_with_its_source": lambda draft: draft.replace(
        "^lesson_claims", "print", kind="code"
    ),
    "sections_that_are_looked_up_come_last": lambda draft: draft.write("## Another word", before="## What we learned"),
    "prose_names_no_place_of_one_machine": lambda draft: draft.write("Look into /home/ada/notebooks."),
    "links_out_are_well_formed": lambda draft: draft.write("[there](http://example.org/)"),
    "what_is_not_compared_has_a_reason": lambda draft: draft.tag(draft.code[0], IGNORE),
    "no_more_than_a_few_cells_go_uncompared": all_uncompared,
    "a_card_is_what_its_cell_shows": lambda draft: draft.replace(
        r"^recall\((.*)\)$", r"recall(\1)\nbill", kind="code", count=1
    ),
    "every_picture_has_words_in_its_place": lambda draft: draft.write("![](rack.png)"),
}
RULES = {
    name.removeprefix("test_"): rule
    for module in (test_notebooks, test_notebook_style)
    for name, rule in inspect.getmembers(module, inspect.isfunction)
    if name.startswith("test_") and {"path", "book"} & set(inspect.signature(rule).parameters)
}


def hold(rule: Callable[..., None], path: Path) -> None:
    wanted = inspect.signature(rule).parameters
    given = {"path": path, "place": "README.md"}
    if "book" in wanted:
        given["book"] = notebook(path)
    rule(**{name: value for name, value in given.items() if name in wanted})


def test_each_rule_is_broken_once() -> None:
    assert set(SPOILED) == set(RULES)


@pytest.mark.parametrize("name", SPOILED)
def test_a_notebook_that_breaks_a_rule_fails_its_test(name: str, tmp_path: Path) -> None:
    draft = Draft()
    SPOILED[name](draft)
    with pytest.raises((AssertionError, KeyError, nbformat.ValidationError)):
        hold(RULES[name], draft.save(tmp_path))


@pytest.mark.parametrize("name", SPOILED)
def test_a_copy_that_was_only_copied_does_not(name: str, tmp_path: Path) -> None:
    path = tmp_path / WHOLE.name
    path.write_bytes(WHOLE.read_bytes())
    hold(RULES[name], path)
