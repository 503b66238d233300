"""Measurements on the local cloud: what they count, that they tell things apart, and that they leave nothing."""

from __future__ import annotations

import threading

import boto3
import pandas as pd
import pytest

from helpers.cloud import measure
from helpers.cloud.measure import Variant, anatomy, import_times, measure_cold, measure_warm, typical
from helpers.cloud.target import OnlyOnThisMachine
from helpers.cloud.variants import HOOKS, NOTHING, PANDAS, SLOW, _in_the_first_call, _lazy, packed

REPETITIONS = 2

# Notebook 08 measures in every run of the suite; here each promise of the measuring itself is tried.
pytestmark = pytest.mark.thorough


@pytest.fixture(scope="module")
def starts(cloud):
    """Return a few starts of functions that differ in one thing each."""
    both = NOTHING.replace('"hello"', "said") + HOOKS
    variants = {
        "nothing": packed(NOTHING),
        "pandas": Variant(packed(PANDAS)),
        "provisioned": Variant(packed(NOTHING), provisioned=1),
        "hooks": Variant(packed(both), snapstart=True),
        "3 MB": packed(NOTHING, ballast_mb=3),
    }
    told = []
    frame = measure_cold(cloud, variants, repetitions=REPETITIONS, progress=lambda *count: told.append(count))
    frame.attrs["told"] = told
    return frame


@pytest.fixture(scope="module")
def steps(cloud):
    """Return the steps of a few starts of a function that computes while it is imported."""
    return anatomy(cloud, packed(SLOW.replace("import pandas as pd\n", "")), repetitions=3)


def quickest(frame: pd.DataFrame, column: str) -> pd.Series:
    """Return each variant's quickest measurement: a busy machine makes some slower, and none quicker."""
    return frame.groupby("variant")[column].min()


def traces() -> tuple:
    """Return what a cloud's user would find left over."""
    functions = boto3.client("lambda").list_functions()["Functions"]
    roles = boto3.client("iam").list_roles()["Roles"]
    groups = boto3.client("logs").describe_log_groups()["logGroups"]
    return len(functions), len(roles), len(groups)


def test_variants_take_turns_and_each_comes_first_once_in_a_while(starts):
    rounds = [list(part.variant) for _, part in starts.groupby("repetition")]
    assert [sorted(one) for one in rounds] == [sorted(rounds[0])] * REPETITIONS
    assert len({one[0] for one in rounds}) == REPETITIONS
    assert starts.order.tolist() == list(range(len(starts)))


def test_one_variant_after_the_other_if_asked(cloud):
    variants = {"one": packed(NOTHING), "other": packed(NOTHING)}
    frame = measure_cold(cloud, variants, repetitions=2, interleaved=False)
    assert frame.variant.tolist() == ["one", "one", "other", "other"]


def test_each_start_is_cold_but_those_that_were_provisioned(starts):
    provisioned = starts.variant == "provisioned"
    assert starts[~provisioned].cold.all()
    assert not starts[provisioned].cold.any()
    assert starts[provisioned].init_ms.isna().all()


def test_each_provisioned_start_finds_a_new_environment(cloud):
    variants = {
        "it": Variant(
            packed("count = [0]\ndef handler(event, context):\n    count[0] += 1; print(count)"), provisioned=1
        )
    }
    measure_cold(cloud, variants, repetitions=2)
    served = cloud.invocations().tail(2).environment
    assert served.nunique() == 2


def test_importing_pandas_makes_init_longer(starts):
    init_ms = quickest(starts, "init_ms")
    assert init_ms["pandas"] > init_ms["nothing"]


def test_the_caller_waits_for_init_and_for_the_call(starts):
    cold = starts[starts.cold]
    assert (cold.client_ms > cold.init_ms + cold.first_call_ms).all()
    client_ms = quickest(starts, "client_ms")
    assert client_ms["provisioned"] < client_ms["pandas"]


def test_a_larger_package_takes_longer_to_unpack(starts):
    unpack_ms = quickest(starts, "unpack_ms")
    assert unpack_ms["3 MB"] > unpack_ms["nothing"] > 0


def test_only_snapstart_has_a_time_after_the_restore(starts):
    hooks = starts.variant == "hooks"
    assert (starts[hooks].after_restore_ms < starts[hooks].init_ms).all()
    assert (starts[hooks].after_restore_ms > 0).all()
    assert starts[~hooks].after_restore_ms.isna().all()


def test_progress_counts_each_measurement_to_the_last(starts):
    told = starts.attrs["told"]
    assert told == [(done, len(told)) for done in range(1, len(told) + 1)]


def test_the_remedies_change_one_thing_each():
    packages = {name: variant.package for name, variant in measure.remedy_variants().items()}
    assert packages["provisioned concurrency"] == packages["as it was"]
    assert len(packages["trimmed package"]) < 10_000 < len(packages["as it was"])
    namespaces = {}
    for name, source in {"slow": SLOW, "lazy": _lazy(SLOW), "later": _in_the_first_call(SLOW)}.items():
        exec(source, namespaces.setdefault(name, {}))
    for event in (None, {"report": [1, 2, 3]}):
        assert len({str(each["handler"](event, None)) for each in namespaces.values()}) == 1


def test_a_lazy_import_and_work_put_off_take_init_down(cloud):
    variants = {"slow": packed(SLOW), "lazy": packed(_lazy(SLOW)), "later": packed(_in_the_first_call(_lazy(SLOW)))}
    frame = measure_cold(cloud, variants, repetitions=REPETITIONS)
    init_ms, first_call_ms = quickest(frame, "init_ms"), quickest(frame, "first_call_ms")
    assert init_ms["lazy"] < init_ms["slow"]
    assert first_call_ms["later"] > first_call_ms["lazy"]


def test_the_steps_are_what_the_waterfall_draws(steps):
    chart = pytest.importorskip("helpers.show.cold").waterfall(typical(steps))
    assert list(measure.STEPS) == typical(steps).step.tolist()
    assert "import of your module" in chart.sentence


def test_the_steps_of_a_start_follow_each_other_without_a_gap(steps):
    for _, start in steps.groupby("repetition"):
        ends = start.start_ms + start.duration_ms
        assert ends.tolist()[:-1] == pytest.approx(start.start_ms.tolist()[1:])
        assert (start.duration_ms >= 0).all()


def test_the_steps_add_up_to_what_the_platform_recorded(cloud, steps):
    recorded = cloud.invocations()
    for _, start in steps.groupby("repetition"):
        init_ms = start[start.step.isin(measure.INIT)].duration_ms.sum()
        row = recorded.iloc[(recorded.init_ms - init_ms).abs().argmin()]
        assert row.init_ms == pytest.approx(init_ms, abs=0.01)
        assert start.duration_ms.sum() > row.init_ms + row.duration_ms


def test_work_in_the_module_is_found_in_its_import(steps):
    least = steps.groupby("step").duration_ms.min()
    assert least["import of your module"] > least["your handler"]
    assert steps[steps.yours].step.unique().tolist() == ["import of your module", "your handler"]


def test_measuring_the_steps_costs_next_to_nothing(steps):
    whole = steps.groupby("repetition").duration_ms.sum().median()
    assert 0 < steps.attrs["stopwatch_ms"] < 0.1 * whole


def test_the_typical_start_is_one_that_happened(steps):
    chosen = typical(steps)
    assert len(chosen) == len(chosen.step.unique())
    assert chosen.repetition.nunique() == 1


def test_imports_are_traced_in_a_real_environment(cloud):
    frame = import_times(cloud, "import json.tool, wave\n\ndef handler(event, context):\n    return 'hello'\n")
    assert frame.module[0] == "lambda_function"
    assert {"json.tool", "wave"} <= set(frame.module)
    assert "awslambdaric" not in set(frame.module)
    assert frame.cumulative_ms[0] >= frame.self_ms[1:].sum()


def test_warm_calls_are_warm(cloud):
    frame = measure_warm(cloud, {"one": packed(NOTHING), "other": packed(NOTHING)}, repetitions=5)
    assert len(frame) == 10
    assert not frame.cold.any()
    assert (frame.client_ms > frame.duration_ms).all()


@pytest.mark.parametrize("by", ["answer", "event"])
def test_a_measurement_that_is_stopped_returns_what_it_has(cloud, by):
    cancel = threading.Event()

    def progress(done: int, total: int) -> bool | None:
        if done == 3 and by == "event":
            cancel.set()
        return done < 3 if by == "answer" else None

    frame = measure_cold(cloud, {"one": packed(NOTHING)}, repetitions=100, progress=progress, cancel=cancel)
    assert len(frame) == 2
    assert frame.attrs["cancelled"]


def test_nothing_is_left_even_when_a_function_fails(cloud):
    before = traces()
    with pytest.raises(RuntimeError, match=r"must not fail.*ZeroDivisionError"):
        measure_cold(cloud, {"broken": packed("1 / 0\n")}, repetitions=1)
    measure_cold(cloud, {"well": packed(NOTHING)}, repetitions=1)
    assert traces() == before


def test_what_cannot_be_measured_is_refused(cloud):
    with pytest.raises(ValueError, match="at least one package"):
        measure_cold(cloud, {})
    with pytest.raises(ValueError, match="repetitions must be between 1 and"):
        measure_cold(cloud, {"one": packed(NOTHING)}, repetitions=0)
    with pytest.raises(ValueError, match="not a cold start"):
        anatomy(cloud, Variant(packed(NOTHING), provisioned=1))
    with pytest.raises(OnlyOnThisMachine, match="LocalCloud"):
        measure_cold(object(), {"one": packed(NOTHING)})


SNAPSTART = """
import os

from snapshot_restore_py import register_after_restore, register_before_snapshot

said = []
for name in ("first", "second"):
    register_before_snapshot(said.append, f"before: {name}")
    register_after_restore(said.append, f"after: {name}")


def handler(event, context):
    return [*said, os.environ["AWS_LAMBDA_INITIALIZATION_TYPE"]]
"""


def snapstarted(workshop, source: str) -> tuple[str, str]:
    name = workshop.make(source, SnapStart={"ApplyOn": "PublishedVersions"})
    return name, workshop.client.publish_version(FunctionName=name)["Version"]


def test_snapstart_runs_its_hooks_before_the_first_event_the_last_registered_first_before_a_snapshot(workshop):
    name, version = snapstarted(workshop, SNAPSTART)
    hooks = ["before: second", "before: first", "after: first", "after: second"]
    assert workshop.call(name, Qualifier=version) == [*hooks, "snap-start"]
    assert workshop.call(name) == ["on-demand"]


@pytest.mark.parametrize(
    ("hook", "error"),
    [
        ("register_before_snapshot", "Runtime.BeforeSnapshotError"),
        ("register_after_restore", "Runtime.AfterRestoreError"),
    ],
)
def test_a_hook_that_fails_fails_the_start(workshop, hook, error):
    name, version = snapstarted(workshop, f"{SNAPSTART}\n\n{hook}(lambda: 1 / 0)\n")
    assert workshop.fail(name, Qualifier=version)["errorType"] == "ZeroDivisionError"
    assert any(error in line for line in workshop.logs(name) if line.startswith("INIT_REPORT"))
    assert workshop.call(name) == ["on-demand"]
