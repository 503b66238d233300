"""Who looks after what: the lesson's table, the finer one, and what follows from the two."""

import json
import re
from datetime import date, timedelta

import pytest

from helpers import responsibility as r
from helpers import tables
from helpers.learn.quizfile import FOLDER

# The lesson's table, typed once more from its text: what the code returns must equal it word for word.
LESSON = """
Data center & hardware | You | AWS | AWS | AWS
Host OS patching | You | You | You (nodes) | AWS
Runtime / language version | You | You | You (image) | AWS (managed runtimes)
Capacity planning & scaling | You | You | You | AWS (automatic)
High availability | You | You | Shared | AWS (built-in)
Application code & logic | You | You | You | You
Business data & security | You | You | You | You
"""
MODELS = ["Physical / On-Prem", "VM (EC2)", "Containers (ECS/EKS)", "Serverless (Lambda)"]
RACK, EC2, NODES, FARGATE, ZIP, IMAGE = (way.label for way in r.WAYS.values())


def owners(frame):
    return frame.map(lambda cell: r.split(cell)[0])


# The lesson's table


def test_the_matrix_is_the_lessons_table_word_for_word():
    table = r.matrix()
    assert list(table.columns) == MODELS
    written = [" | ".join([name, *row]) for name, row in zip(table.index, table.to_numpy(), strict=True)]
    assert written == LESSON.strip().splitlines()


def test_changing_a_returned_table_changes_nothing_for_the_next_caller():
    for table in (r.matrix(), r.refined()):
        table.loc[:, :] = "Nobody"
    assert set(owners(r.matrix()).to_numpy().ravel()) == set(r.OWNERS)
    assert set(owners(r.refined()).to_numpy().ravel()) == set(r.OWNERS)


# The finer table


def test_every_row_of_the_lesson_is_taken_apart_and_in_its_order():
    assert list(dict.fromkeys(r.refined().index.get_level_values("responsibility"))) == list(r.matrix().index)
    assert r.refined().shape == (16, 6)


def test_on_premises_everything_is_yours_and_nothing_shared():
    assert set(r.refined()[RACK]) == {"You"}


def test_code_access_limits_and_the_next_major_version_are_yours_in_every_way_of_running():
    always = owners(r.refined()).eq("You").all(axis="columns")
    assert list(always[always].index.get_level_values("part")) == [
        "Next major version",
        "Limits, and what is behind",
        "Second Region, retries",
        "Code and logic",
        "Access, data, libraries",
    ]


@pytest.mark.parametrize(
    ("part", "expected"),
    [
        ("Host and hypervisor", "YAAAAA"),
        ("Guest or node system", "YYYAAA"),
        ("Packages around the code", "YYYYAY"),
        ("Patch releases", "YYYYAY"),
        ("Number of machines", "YYYAAA"),
        ("Spread over the zones", "YYSSAA"),
        ("Platform under the data", "YAAAAA"),
    ],
)
def test_a_part_has_the_owners_that_its_claim_teaches(part, expected):
    row = owners(r.refined()).droplevel("responsibility").loc[part]
    assert "".join(owner[0] for owner in row) == expected


def test_from_the_rack_to_a_zip_file_each_step_leaves_you_less_and_an_image_gives_some_back():
    yours = owners(r.refined()).eq("You").sum().tolist()
    assert yours == [16, 11, 10, 8, 5, 7]


def test_every_part_answers_a_claim_that_is_about_the_table_or_the_words_around_it():
    claims = set(r.parts()["claim"])
    assert {f"T{n:02}" for n in range(1, 9)} <= claims
    assert claims <= set(tables.claims().index)


# What the lesson's words leave out


def test_a_cell_is_questioned_exactly_if_a_part_of_it_has_another_owner():
    asked, fine, lesson = r.questioned(), owners(r.refined()), owners(r.matrix())
    for responsibility, row in lesson.iterrows():
        for model, owner in row.items():
            labels = [way.label for way in r.WAYS.values() if way.model == model]
            found = set(fine.loc[responsibility, labels].to_numpy().ravel())
            assert ((responsibility, model) in asked.index) == (found != {owner}), (responsibility, model)


def test_twelve_cells_are_questioned_and_only_the_host_of_ec2_is_wrong():
    asked = r.questioned()
    assert len(asked) == 12
    assert asked.index[asked["verdict"] == "wrong"].tolist() == [("Host OS patching", "VM (EC2)")]


def test_every_claim_that_is_not_correct_leads_to_a_questioned_cell_where_aws_has_a_part():
    verdicts, asked = tables.claims()["verdict"], r.questioned().index
    for row in tables.responsibility().itertuples():
        if row.claim and verdicts[row.claim] != "correct" and row.model != "Physical / On-Prem":
            assert (row.responsibility, row.model) in asked


def test_a_questioned_cell_says_why_with_evidence_source_and_date():
    for key, row in r.questioned().iterrows():
        assert all(row[["instead", "why", "evidence", "claim", "source"]]), key
        assert row.as_of.date() >= date(2026, 11, 23), key


def test_the_reason_comes_from_the_part_that_the_cells_own_claim_is_about():
    asked = r.questioned()
    assert asked.loc[("Host OS patching", "Containers (ECS/EKS)"), "since"].date() == date(2017, 11, 29)
    assert asked.loc[("Runtime / language version", "Serverless (Lambda)"), "since"].date() == date(2026, 4, 30)
    for row in tables.responsibility().itertuples():
        key = (row.responsibility, row.model)
        if row.claim and key in asked.index:
            assert asked.loc[key, "claim"] == row.claim


def test_the_further_from_the_rack_the_fewer_cells_hold():
    assert (r.verdicts() == "holds").sum().tolist() == [7, 4, 3, 2]


# What moves


def test_between_a_machine_and_a_function_four_of_the_lessons_rows_move():
    moved = r.moved("VM (EC2)", "Serverless (Lambda)")
    assert list(moved.index) == [
        "Host OS patching",
        "Runtime / language version",
        "Capacity planning & scaling",
        "High availability",
    ]
    assert set(owners(moved)["Serverless (Lambda)"]) == {"AWS"}


def test_a_qualifier_alone_is_no_move():
    assert "Runtime / language version" not in r.moved("VM (EC2)", "Containers (ECS/EKS)").index


def test_fargate_takes_the_nodes_system_and_their_number_and_nothing_else():
    moved = r.moved(NODES, FARGATE, r.refined())
    assert list(moved.index.get_level_values("part")) == ["Guest or node system", "Number of machines"]


def test_moving_back_moves_the_same_rows_and_staying_moves_none():
    there, back = r.moved(EC2, ZIP, r.refined()), r.moved(ZIP, EC2, r.refined())
    assert list(there.index) == list(back.index)
    assert r.moved(IMAGE, IMAGE, r.refined()).empty


def test_an_unknown_column_is_refused_with_those_that_exist():
    with pytest.raises(KeyError, match=r"no column 'Mainframe'; there is Physical / On-Prem"):
        r.moved("Mainframe", "VM (EC2)")


# Events


def test_the_events_cover_what_a_year_of_operations_needs():
    known = {event.id for event in r.events()}
    assert known >= {"kernel-cve", "base-image-cve", "certificate", "runtime-end", "full-disk"}
    assert known >= {"failed-disk", "leaked-key", "zone-outage", "traffic-spike"}


def test_who_acts_agrees_with_the_finer_table_for_every_event_and_way():
    fine = r.refined().droplevel("responsibility")
    for event in r.events():
        for way in r.WAYS.values():
            answer = r.who_acts(event, way.id)
            assert (answer.owner, answer.qualifier) == r.split(fine.loc[event.part, way.label])
            assert answer.action.endswith(".")
            assert answer.why
            assert answer.source
            assert answer == r.who_acts(event.id, way.label)


@pytest.mark.parametrize(
    ("event", "expected"),
    [
        ("kernel-cve", "YYYAAA"),
        ("base-image-cve", "YYYYAY"),
        ("runtime-end", "YYYYYY"),
        ("certificate", "YSSSSS"),
        ("full-disk", "YYYYYY"),
        ("failed-disk", "YAAAAA"),
        ("leaked-key", "YYYYYY"),
        ("zone-outage", "YYSSAA"),
        ("traffic-spike", "YYYYAA"),
    ],
)
def test_an_event_wakes_whom_it_should(event, expected):
    assert "".join(r.who_acts(event, way).owner[0] for way in r.WAYS) == expected


def test_the_lessons_models_mean_nodes_of_ones_own_and_a_zip_file():
    assert r.who_acts("kernel-cve", "Containers (ECS/EKS)").way == "nodes"
    assert r.who_acts("kernel-cve", "Serverless (Lambda)").way == "zip"
    assert all(r.who_acts("kernel-cve", model).way for model in MODELS)


def test_unknown_events_and_ways_are_refused_with_names_that_exist():
    with pytest.raises(KeyError, match="base-image-cve"):
        r.who_acts("base-image", "zip")
    with pytest.raises(KeyError, match=r"no way of running 'mainframe'.*fargate"):
        r.who_acts("kernel-cve", "mainframe")


def test_an_event_without_aws_leaves_no_action_that_names_only_aws():
    for event in r.events():
        for way in r.WAYS:
            answer = r.who_acts(event, way)
            assert answer.owner == "AWS" or "Nothing is left for you" not in answer.action


def test_five_nights_stay_yours_on_every_way():
    assert (r.duties() == "You").all(axis="columns").sum() == 5
    assert (r.duties() == "You").sum().tolist() == [12, 10, 9, 8, 5, 7]


# Runtimes


@pytest.mark.parametrize(
    ("day", "stage", "days_left"),
    [
        (date(2026, 4, 29), "supported", 1),
        (date(2026, 4, 30), "no patches", 277),
        (date(2026, 11, 23), "no patches", 70),
        (date(2027, 2, 1), "no new functions", 30),
        (date(2027, 3, 3), "no changes", None),
    ],
)
def test_node_20_ends_in_three_steps_each_on_its_day(day, stage, days_left):
    found = r.runtime_stage("nodejs20.x", today=day)
    assert (found.stage, found.days_left) == (stage, days_left)


def test_the_days_left_lead_to_the_day_of_the_next_stage():
    for name in tables.runtimes().index:
        now = r.runtime_stage(name, today=date(2026, 11, 23))
        if now.next:
            later = r.runtime_stage(name, today=date(2026, 11, 23) + timedelta(days=now.days_left))
            assert later.stage != now.stage, name


def test_a_preview_has_no_dates_and_an_unknown_runtime_names_near_ones():
    assert r.runtime_stage("nodejs26.x", today=date(2026, 11, 23)).stage == "preview"
    with pytest.raises(KeyError, match=r"nodejs20\.x"):
        r.runtime_stage("nodejs20", today=date(2026, 11, 23))


def test_the_quizs_dates_are_the_tables():
    node = tables.runtimes().loc["nodejs20.x"]
    questions = json.loads((FOLDER / "03.json").read_text(encoding="utf-8"))["questions"]
    text = json.dumps(next(one for one in questions if one["id"] == "runtime-end"))
    told = set(re.findall(r"\d{4}-\d\d-\d\d", text))
    assert told == {f"{node.deprecated:%Y-%m-%d}", f"{node.update_blocked:%Y-%m-%d}", "2027-03-10"}
    assert r.runtime_stage("nodejs20.x", today=date(2027, 3, 10)).stage == "no changes"
