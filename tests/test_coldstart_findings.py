"""Where each published finding turns: figures at the edge hold, figures just beyond it do not."""

from importlib import import_module

import numpy as np
import pandas as pd
import pytest

from helpers.coldstart import published

FINDINGS = import_module("helpers.coldstart.findings")  # its function has the same name


@pytest.fixture
def told(monkeypatch):
    """Return what gives a function of ``published`` other figures, and says whether a finding holds then."""

    def told(finding, where, frame=None, **columns):
        monkeypatch.setattr(published, where, lambda *_: pd.DataFrame(columns))
        return getattr(FINDINGS, f"_{finding}")(frame)[0]

    return told


@pytest.mark.parametrize(
    ("ratios", "holds"),
    [
        ([1.0] * 91 + [1.105] * 9, True),
        ([1.0] * 90 + [1.105] * 10, False),  # nine in ten are not more than nine in ten
        ([1.0] * 90 + [0.895] * 10, False),
        ([1.095] * 9 + [1.0] * 11, True),
        ([1.019] * 10, True),
        ([1.021] * 10, False),
        ([0.979] * 10, False),
    ],
)
def test_init_is_flat_where_over_nine_in_ten_are_within_a_tenth_and_the_middle_within_a_fiftieth(told, ratios, holds):
    assert told("init_flat", "memory_effect", init_ratio=np.array(ratios)) == holds


@pytest.mark.parametrize(("least", "holds"), [(1.51, True), (1.5, False)])
def test_the_first_call_falls_where_every_one_with_work_to_do_takes_half_as_long_again(told, least, holds):
    columns = {"first_low_ms": [5.0, 80.0, 4.9], "first_ratio": [least, 7.0, 1.0]}
    assert told("first_call_falls", "memory_effect", **columns) == holds


@pytest.mark.parametrize(
    ("name", "language", "ratio", "holds"),
    [
        *(("images_slower", "Python", ratio, holds) for ratio, holds in ((1.5, True), (2.2, True))),
        *(("images_slower", "Node.js", ratio, holds) for ratio, holds in ((1.49, False), (2.21, False))),
        *(("ruby_equal", "Ruby", ratio, holds) for ratio, holds in ((0.9, True), (1.2, True))),
        *(("ruby_equal", "Ruby", ratio, holds) for ratio, holds in ((0.89, False), (1.21, False))),
    ],
)
def test_images_are_within_their_limits_or_not(told, name, language, ratio, holds):
    columns = {"language": [language, "Java"], "ratio": [ratio, 9.0], "mean_ratio": [3.0, 9.0]}
    assert told(name, "packages", **columns) == holds


@pytest.mark.parametrize(("count", "holds"), [(3, True), (2, False)])
def test_some_custom_runtimes_are_three_or_more(told, count, holds):
    columns = {"managed": False, "ratio_high": [0.9] * count + [1.0], "ratio": 0.8, "name": "Rust"}
    assert told("custom_faster", "packages", **columns) == holds


@pytest.mark.parametrize(
    ("count", "languages", "sizes", "holds"),
    [(4, [".NET"], [128], True), (3, [".NET"], [128], False), (4, ["Java"], [128], False), (4, [".NET"], [256], False)],
)
def test_only_net_at_128_mb_passes_a_second_in_four_cells_or_more(told, count, languages, sizes, holds):
    cells = {"language": ".NET", "managed": True, "memory_mb": [128], "init_plus_handler_mean_ms": [900.0]}
    slow = {"language": languages * count, "memory_mb": sizes * count, "package": "zip"}
    frame = pd.DataFrame(cells)
    assert told("a_second", "slowest", frame, **slow, init_plus_handler_mean_ms=1100.0) == holds


@pytest.mark.parametrize(("last_ms", "holds"), [(1001.0, True), (1000.0, False)])
def test_init_grows_with_the_code_where_the_largest_takes_over_ten_times_as_long(told, last_ms, holds):
    columns = {"mean_ms": [100.0, 200.0, last_ms], "code_size_kb": [1, 1024, 50_000], "n": 100}
    assert told("code_size", "code_sizes", **columns) == holds


def test_init_does_not_grow_with_the_code_where_a_larger_one_is_faster(told):
    columns = {"mean_ms": [100.0, 200.0, 190.0, 2000.0], "code_size_kb": [1, 1024, 2048, 50_000], "n": 100}
    assert not told("code_size", "code_sizes", **columns)
