"""Quizzes: files that say what is wrong with them, answers that get reasons, a text for readers without a kernel."""

import copy
import json
from dataclasses import replace

import pytest

from helpers import tables
from helpers.learn import quiz, quizfile, store
from helpers.learn.quizfile import QuizError, read_quiz
from helpers.learn.quizzes import Quiz, judge, shuffled
from helpers.learn.record import empty

EXAMPLE = json.loads((quizfile.FOLDER / "example.json").read_text())


@pytest.fixture(autouse=True)
def path(monkeypatch, tmp_path):
    monkeypatch.setenv(store.VARIABLE, str(tmp_path / "progress.json"))
    monkeypatch.setattr(store, "_unsaved", empty())
    return tmp_path / "progress.json"


@pytest.fixture
def written(tmp_path):
    """Return a function that writes the example, changed by a function, and reads it as a quiz file."""

    def write(change):
        data = copy.deepcopy(EXAMPLE)
        change(data)
        (tmp_path / "07.json").write_text(json.dumps(data))
        return read_quiz("07", tmp_path)

    return write


# ---- files


@pytest.mark.parametrize("name", quizfile.names())
def test_every_quiz_file_is_as_it_must_be_and_its_right_answers_are_right(name):
    for question in read_quiz(name).questions:
        if question.items:
            given = [shuffled(question).index(item) for item in question.items]
        elif question.choices:
            right = [place for place, choice in enumerate(question.choices) if choice.right]
            given = right if question.kind == "multiple" else right[0]
        else:
            given = repr(question.answer())
            assert all(judge(question, repr(slip.answer())).status == "wrong" for slip in question.slips)
        assert judge(question, given).status == "right"


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda d: d.pop("title"), "07.json, field title: is missing"),
        (lambda d: d.update(questions=[]), "field questions: must hold at least one"),
        (lambda d: d.update(extra=1), "field extra: unknown"),
        (lambda d: d["questions"].append(3), "question 5: must be an object"),
        (lambda d: d["questions"][0].update(kind="essay"), r"question 1 \(idle\), field kind: must be one of single"),
        (lambda d: d["questions"][0].pop("text"), r"question 1 \(idle\), field text: is missing"),
        (lambda d: d["questions"][0].update(id="A b"), "field id: must be small letters"),
        (lambda d: d["questions"][1].update(id="idle"), "question 2, field id: 'idle' is there twice"),
        (lambda d: d["questions"][0]["choices"][2].pop("why"), r"question 1 \(idle\), choice 3, field why: is missing"),
        (lambda d: d["questions"][0]["choices"][2].update(why=" "), "choice 3, field why: is empty"),
        (lambda d: d["questions"][0]["choices"][1].update(right="no"), "choice 2, field right: must be true or false"),
        (lambda d: d["questions"][0]["choices"][1].update(right=True), "exactly one that is right, got 2"),
        (lambda d: d["questions"][1].update(choices=d["questions"][1]["choices"][3:]), "two or more"),
        (lambda d: d["questions"][2].update(answer="900"), "field answer: must be a number or a table row, got '900'"),
        (lambda d: d["questions"][2].update(answer=True), "field answer: must be a number"),
        (lambda d: d["questions"][2].update(answer={"limit": "lambda.timeoot"}), "field answer: .*lambda.timeout"),
        (lambda d: d["questions"][2].update(answer={"limit": "lambda.timeout", "bound": "most"}), "bound is min, max"),
        (lambda d: d["questions"][2].update(tolerance=-1), "field tolerance: must be 0 or more"),
        (lambda d: d["questions"][2]["slips"][0].pop("why"), r"question 3 \(longest\), slip 1, field why: is missing"),
        (lambda d: d["questions"][3].update(items=["a", "b"]), r"question 4 \(start\), field items: must be three"),
        (lambda d: d["questions"][3].update(items=["a", "b", "a"]), "field items"),
        (lambda d: d["questions"][0].update(cell="5, reuse"), "field cell: must be a notebook's number, a slash"),
        (lambda d: d["questions"][0]["choices"][1].update(belief=""), "choice 2, field belief: is empty"),
    ],
)
def test_a_fault_in_a_quiz_file_is_named_with_its_place(change, said, written):
    with pytest.raises(QuizError, match=said):
        written(change)


@pytest.mark.parametrize(("text", "said"), [("{", "not JSON"), ('{"title": "a", "title": "b"}', "there twice: title")])
def test_a_file_that_is_no_json_is_named(text, said, tmp_path):
    (tmp_path / "07.json").write_text(text)
    with pytest.raises(QuizError, match=rf"07.json: .*{said}"):
        read_quiz("07", tmp_path)


def test_an_unknown_quiz_names_those_that_are_there():
    with pytest.raises(KeyError, match=r"no quiz '99'; there is .*example"):
        quiz("99")


def test_a_number_may_be_a_row_of_our_tables_so_that_one_place_changes_both():
    question = read_quiz("example").questions[2]
    assert question.answer() == tables.limit("lambda.timeout").max


def test_a_second_quiz_of_a_notebook_counts_for_it():
    assert replace(read_quiz("example"), name="03-scenarios").notebook == "03"


# ---- answers


@pytest.mark.parametrize(
    ("question", "given", "status", "said"),
    [
        ("idle", 0, "right", "Requests and their duration are metered"),
        ("idle", 1, "wrong", "Memory is billed for the time that a request runs"),
        ("idle", None, "trouble", "Choose one first."),
        ("idle", 9, "trouble", "Choose one first."),
        ("billed", [0, 1, 2], "right", "Duration is billed by the millisecond."),
        ("billed", [2, 0, 1], "right", "Right."),
        ("billed", [0, 1], "wrong", "Something is missing."),
        ("billed", [0, 1, 2, 3], "wrong", "1 of your choices does not belong."),
        ("billed", [0, 3], "wrong", "The configured size counts, used or not."),
        ("billed", [], "trouble", "Choose at least one first."),
        ("longest", "900", "right", "Fifteen minutes"),
        ("longest", " 900.4 ", "right", "Fifteen minutes"),
        ("longest", "15", "wrong", "the question asks for seconds"),
        ("longest", "1,000", "wrong", "Too high."),
        ("longest", "soon", "trouble", "Type a number"),
        ("longest", "", "trouble", "Type a number first."),
        ("start", [0, 0, 1, 2], "trouble", "Put every item in one place first."),
    ],
)
def test_each_answer_gets_its_reason(question, given, status, said):
    feedback = quiz("example").answer(question, given)
    assert feedback.status == status
    assert any(said in line for line in feedback.lines)


def test_an_order_hears_how_many_are_in_place_and_starts_with_one_at_most():
    question = read_quiz("example").questions[3]
    shown = shuffled(question)
    assert sum(one == other for one, other in zip(shown, question.items, strict=True)) <= 1
    right = [shown.index(item) for item in question.items]
    assert judge(question, right).status == "right"
    right[0], right[1] = right[1], right[0]
    assert judge(question, right).lines[0] == "2 of 4 are in the right place."


def test_a_wrong_answer_never_comes_with_the_reason_of_a_right_one():
    for question in read_quiz("example").questions:
        reasons = {question.why, *(choice.why for choice in question.choices if choice.right)} - {""}
        if question.choices:
            wrong = [place for place, choice in enumerate(question.choices) if not choice.right]
            for place in wrong:
                given = [place] if question.kind == "multiple" else place
                assert not reasons & set(judge(question, given).lines)


# ---- the form and the text


def test_the_text_has_every_question_and_choice_and_no_answer():
    text = repr(quiz("example"))
    for question in EXAMPLE["questions"]:
        assert question["text"] in text
        for choice in question.get("choices", []):
            assert choice["text"] in text
            assert choice["why"] not in text
    assert "1) Nothing" in text
    assert "900" not in text
    assert repr(quiz("example")) == text


def test_the_page_gets_no_answer_in_advance():
    shown = quiz("example")
    sent = json.dumps([shown.spec(), shown.shown()])
    assert "900" not in sent
    assert "right" not in sent
    assert not any(choice["why"] in sent for question in EXAMPLE["questions"] for choice in question.get("choices", []))


def test_an_answer_on_the_page_is_kept_and_one_in_code_is_not(path):
    shown = quiz("example")
    shown.answer("idle", 0)
    assert not path.exists()
    assert shown.taken("idle", 1)["status"] == "wrong"
    assert shown.shown()["summary"] == "0 of 4 answered right so far"
    assert shown.taken("idle", 0)["status"] == "right"
    assert shown.taken("idle", 1)["status"] == "wrong"
    assert shown.shown()["summary"] == "1 of 4 answered right so far"
    assert quiz("example").shown() == {"answers": {}, "summary": "1 of 4 answered right so far"}


def test_an_answer_that_can_not_be_read_is_not_kept(path):
    assert quiz("example").taken("longest", "soon")["status"] == "trouble"
    assert not path.exists()


def test_a_message_from_the_page_gets_its_reply_through_the_widget():
    shown = Quiz(read_quiz("example"))
    bundle = shown._repr_mimebundle_()
    assert set(bundle) == {"text/plain", "application/vnd.jupyter.widget-view+json"}
    shown._sheet._answer(None, {"type": "answer", "question": "idle", "given": 0, "from": "view-1"}, [])
    assert shown._sheet.state["replies"] == "view-1"
    assert shown._sheet.state["answers"]["idle"]["status"] == "right"
