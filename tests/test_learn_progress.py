"""Progress survives crashes, damage, full disks and two notebooks at once; records merge in any order."""

import contextlib
import json
import os
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest

from helpers.learn import lock, overview, progress, quizfile, record, registry, store
from helpers.learn.record import answered, cleaned, empty, merged, predicted, solved


@pytest.fixture(autouse=True)
def path(monkeypatch, tmp_path):
    path = tmp_path / "kept" / "progress.json"
    monkeypatch.setenv(store.VARIABLE, str(path))
    monkeypatch.setattr(store, "_unsaved", empty())
    return path


def start(code: str, *arguments: str) -> subprocess.Popen:
    """Start a Python of its own, as another kernel would be."""
    code = "import sys\nfrom helpers.learn import store\nfrom helpers.learn.record import solved\n" + textwrap.dedent(
        code
    )
    return subprocess.Popen([sys.executable, "-c", code, *arguments], stdout=subprocess.PIPE, text=True)


def kept() -> set[str]:
    return set(store.read()[0]["exercises"])


# ---- where it is


@pytest.mark.parametrize(
    ("platform", "variable", "base"),
    [
        ("linux", "XDG_DATA_HOME", ".local/share"),
        ("darwin", None, "Library/Application Support"),
        ("win32", "LOCALAPPDATA", "AppData/Local"),
    ],
)
def test_each_system_keeps_it_where_it_keeps_data(platform, variable, base, monkeypatch, tmp_path):
    monkeypatch.delenv(store.VARIABLE)
    monkeypatch.setattr(sys, "platform", platform)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    for name in ("XDG_DATA_HOME", "LOCALAPPDATA"):
        monkeypatch.delenv(name, raising=False)
    assert store.location() == tmp_path / base / "from-racks-to-functions" / "progress.json"
    if variable:
        monkeypatch.setenv(variable, str(tmp_path / "elsewhere"))
        assert store.location() == tmp_path / "elsewhere" / "from-racks-to-functions" / "progress.json"


def test_nothing_is_written_before_there_is_something_to_keep(path):
    assert store.read() == (empty(), "")
    progress()
    assert not path.parent.exists()


# ---- several writers


def test_two_processes_that_write_at_once_lose_nothing():
    code = """
        for number in range(60):
            assert store.add(solved(f"{sys.argv[1]}.{number}")) == ""
    """
    writers = [start(code, name) for name in ("01", "02", "03")]
    assert [writer.wait(60) for writer in writers] == [0, 0, 0]
    assert kept() == {f"{name}.{number}" for name in ("01", "02", "03") for number in range(60)}


def test_a_writer_killed_at_any_moment_leaves_a_whole_file_with_all_that_it_had_confirmed(path):
    code = """
        number = 0
        while True:
            store.add(solved(f"{sys.argv[1]}.{number}"))
            print(number, flush=True)
            number += 1
    """
    confirmed = set()
    for turn in range(4):
        writer = start(code, f"{turn}")
        for _ in range(3 + 5 * turn):
            confirmed.add(f"{turn}.{writer.stdout.readline().strip()}")
        writer.kill()
        writer.wait()
        writer.stdout.close()
        json.loads(path.read_text())
        assert confirmed <= kept()


@pytest.mark.parametrize("moment", ["fsync", "replace"])
def test_a_crash_in_the_middle_of_a_write_leaves_the_old_file_and_no_lock(moment, path):
    store.add(solved("06.1"))
    before = path.read_bytes()
    crashed = start("import os; setattr(os, sys.argv[1], lambda *_: os._exit(7)); store.add(solved('06.2'))", moment)
    assert crashed.wait(30) == 7
    crashed.stdout.close()
    assert path.read_bytes() == before
    assert list(path.parent.glob(".*.tmp"))
    assert store.add(solved("06.3")) == ""
    assert kept() == {"06.1", "06.3"}
    assert not list(path.parent.glob(".*.tmp"))


def test_a_writer_waits_for_another_and_gives_up_in_words(path, monkeypatch):
    monkeypatch.setattr(lock, "PATIENCE_S", 0.05)
    path.parent.mkdir(parents=True)
    with lock.locked(path.with_name(path.name + ".lock")):
        notice = store.add(solved("06.1"))
    assert notice.startswith("Your progress is not saved yet: another notebook holds the progress file.")
    assert kept() == {"06.1"}, "it waits in memory"
    assert store.add(solved("06.2")) == ""
    assert set(json.loads(path.read_text())["exercises"]) == {"06.1", "06.2"}


def test_where_the_file_system_has_no_locks_a_file_stands_for_one(tmp_path, monkeypatch):
    monkeypatch.setattr(lock, "_take", lambda descriptor: None)
    held = tmp_path / "a.lock.held"
    with lock.locked(tmp_path / "a.lock"):
        assert held.exists()
        with pytest.raises(lock.Busy), lock.locked(tmp_path / "a.lock", patience_s=0.03):
            pass
    assert not held.exists()


def test_such_a_file_that_a_dead_writer_left_is_taken_away(tmp_path, monkeypatch):
    monkeypatch.setattr(lock, "_take", lambda descriptor: None)
    held = tmp_path / "a.lock.held"
    held.touch()
    long_ago = time.time() - 2 * lock.STALE_S
    os.utime(held, (long_ago, long_ago))
    with lock.locked(tmp_path / "a.lock", patience_s=1):
        assert time.time() - held.stat().st_mtime < lock.STALE_S


# ---- damage


@pytest.mark.parametrize(
    "content", [b"{", b"[1]", b"\xff\xfe", b'{"version": 1}', b"[" * 100_000, b'{"version": 99, "exercises": {}}']
)
def test_a_damaged_file_is_kept_aside_and_said_in_one_line(content, path):
    path.parent.mkdir(parents=True)
    path.write_bytes(content)
    shown = repr(progress())
    assert "It is kept as progress.damaged-1.json, and a new one is started." in shown
    assert path.with_name("progress.damaged-1.json").read_bytes() == content
    assert store.add(solved("06.1")) == ""
    path.write_bytes(content)
    assert "progress.damaged-2.json" in store.add(solved("06.2"))


def test_an_empty_file_is_no_damage(path):
    path.parent.mkdir(parents=True)
    path.touch()
    assert store.read() == (empty(), "")


def test_entries_of_another_form_are_left_out_and_the_rest_is_used():
    data = {**solved("06.1"), "predictions": {"a": 3, "b": {"value": [], "unit": "", "at": ""}}, "more": 1}
    assert cleaned(data) == {**solved("06.1"), "exercises": data["exercises"]}


def test_a_place_that_can_not_be_written_is_said_in_one_line(monkeypatch, tmp_path):
    (tmp_path / "file").touch()
    monkeypatch.setenv(store.VARIABLE, str(tmp_path / "file" / "progress.json"))
    notice = store.add(solved("06.1"))
    assert notice.startswith("Your progress is not saved yet: ")
    assert "\n" not in notice
    assert kept() == {"06.1"}


# ---- taking it along


def test_what_is_exported_here_is_loaded_there(path, monkeypatch, tmp_path):
    store.add(solved("06.1"))
    store.add(answered("06", "idle", True))
    store.add(predicted("06.a", 12, "USD a month"))
    saved = tmp_path / "saved.json"
    assert "1 solved exercise, 1 quiz answer, 1 prediction" in repr(progress.export(saved))
    monkeypatch.setenv(store.VARIABLE, str(tmp_path / "there.json"))
    store.add(solved("06.2"))
    assert repr(progress.load(saved)).startswith("✓ Loaded: 1 solved exercise")
    assert kept() == {"06.1", "06.2"}
    assert progress.load(saved.read_bytes()).tone == "right"


def test_exporting_to_a_folder_makes_a_file_in_it(tmp_path):
    progress.export(tmp_path)
    assert cleaned(json.loads((tmp_path / "progress.json").read_text())) == empty()


@pytest.mark.parametrize(
    ("source", "said"),
    [
        (b"{", "it is not JSON"),
        (b"\xff", "it is not JSON"),
        (b"[]", "it is not a progress file"),
        ("/no/such/file", "No such file"),
        (b'{"version": 2, "exercises": {}}', "a newer version"),
    ],
)
def test_what_can_not_be_loaded_is_said_in_one_line(source, said, path):
    card = progress.load(source)
    assert said in card.heading
    assert not path.exists()


def test_the_overview_counts_exercises_minutes_and_questions(monkeypatch):
    monkeypatch.setattr(registry, "NOTEBOOKS", {"example": "example"})
    monkeypatch.setattr(overview, "NOTEBOOKS", {"example": "example"})
    store.add(solved("example.1"))
    store.add(answered("example", "idle", True))
    store.add(answered("example", "longest", False))
    row = progress().rows[0]
    assert row.cells() == ("example example", "1 of 4", "5 of 22", "1 of 4")
    bundle = progress()._repr_mimebundle_()
    assert "1 of 4" in bundle["text/plain"]
    assert '<th scope="col"' in bundle["text/html"]
    assert "application/vnd.jupyter.widget-view+json" in bundle


# ---- merging

hypothesis = pytest.importorskip("hypothesis", reason="tests/requirements.txt has it")
st = hypothesis.strategies
times = st.integers(0, 3).map(lambda hour: f"2026-01-01T0{hour}:00:00.000Z")
ids = st.sampled_from(["06.1", "06.2", "07.1"])
records = st.fixed_dictionaries(
    {
        "version": st.just(record.VERSION),
        "exercises": st.dictionaries(ids, st.fixed_dictionaries({"solved": times})),
        "quizzes": st.dictionaries(
            st.sampled_from(["06", "07"]),
            st.dictionaries(ids, st.fixed_dictionaries({"right": st.booleans(), "at": times})),
        ),
        "predictions": st.dictionaries(
            ids,
            st.fixed_dictionaries({"value": st.integers(0, 2) | st.text(max_size=1), "unit": st.just(""), "at": times}),
        ),
    }
)


@hypothesis.given(records, records, records)
def test_records_merge_in_any_order_and_any_number_of_times(a, b, c):
    assert merged(a, b) == merged(b, a)
    assert merged(merged(a, b), c) == merged(a, merged(b, c))
    assert merged(a, a) == a
    assert cleaned(json.loads(json.dumps(a))) == a


@hypothesis.given(records, records)
def test_merging_never_takes_a_solved_exercise_or_a_right_answer_away(a, b):
    both = merged(a, b)
    assert set(both["exercises"]) == {*a["exercises"], *b["exercises"]}
    for one in (a, b):
        for quiz, questions in one["quizzes"].items():
            assert all(both["quizzes"][quiz][id]["right"] for id, answer in questions.items() if answer["right"])


@hypothesis.given(
    st.recursive(
        st.none() | st.integers() | st.text(),
        lambda inner: (
            st.lists(inner)
            | st.dictionaries(st.sampled_from(["version", "exercises", "quizzes", "predictions", "06.1"]), inner)
        ),
    )
)
def test_any_json_is_either_a_record_or_refused_in_words(data):
    with contextlib.suppress(ValueError):
        assert merged(cleaned(data), empty())["version"] == record.VERSION


def test_a_relative_path_named_by_the_variable_is_used_as_it_is(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv(store.VARIABLE, "mine.json")
    assert store.add(solved("06.1")) == ""
    assert Path("mine.json").is_file()


def test_every_quiz_is_counted_in_the_row_of_its_notebook():
    numbered = [name for name in quizfile.names() if name[:2].isdigit()]  # a course's tests belong to no notebook
    asked = sum(len(quizfile.read_quiz(name).questions) for name in numbered)
    assert sum(row.questions for row in overview.rows(empty())) == asked
