"""What `make mutate` changes, and how it names and explains it."""

from collections import Counter
from fnmatch import fnmatch

import mutations
import pytest
from links import in_markdown
from mutate import LIKELY, likely, noticing
from notebook_parts import ROOT

ALL = mutations.mutations(ROOT)


def test_every_price_every_limit_and_every_formula_is_changed_once():
    counted = Counter(mutation.path for mutation in ALL)
    assert counted["data/prices.csv"] >= 122
    assert counted["data/limits.csv"] >= 75
    assert [path for path in mutations.FORMULAS if not counted[path]] == []
    assert max(Counter(mutation.place for mutation in ALL).values()) == 1


def test_a_change_touches_one_line_of_a_formula_and_leaves_it_valid():
    for mutation in [each for each in ALL if each.path.endswith(".py")][::7]:
        old, new = (ROOT / mutation.path).read_text(encoding="utf-8").splitlines(), mutation.text.splitlines()
        assert sum(one != other for one, other in zip(old, new, strict=True)) == 1, mutation.place
        compile(mutation.text, mutation.path, "exec")


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("900", "990"),
        ("3", "4"),
        ("-1", "-2"),
        ("0.95", "0.855"),
        ("25.0", "27.5"),
        ("0.2", "0.22"),
        ("65_536", "72089"),
    ],
)
def test_a_number_moves_by_a_tenth_and_keeps_its_kind(before, after):
    assert mutations.other_number(before) == after


def test_what_is_explained_exists():
    for pattern in mutations.EXPLAINED:
        assert any(fnmatch(mutation.place, pattern) for mutation in ALL), pattern


def test_tests_and_notebooks_that_could_notice_exist():
    assert all((ROOT / path).exists() for mutation in ALL[::20] for path in (*likely(mutation), *noticing(mutation)))
    for words in LIKELY.values():
        assert [
            name for name in words.split() if "/" not in name and not (ROOT / f"tests/test_{name}.py").exists()
        ] == []


def test_addresses_are_found_in_markdown():
    text = "See [here](https://example.org/a) and [there](there.md), or <https://example.org/b>."
    assert in_markdown(text) == ["https://example.org/a", "https://example.org/b"]
