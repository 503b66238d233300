"""The figures about cold starts say in words what they draw, and what they draw is what ``coldstart`` computes."""

import re
import subprocess
import sys
import time

import numpy as np
import pandas as pd
import pytest

from helpers import coldstart
from helpers.coldstart import Remedies
from helpers.show import Choice, Explorer, Slider, cold

STEPS = pd.DataFrame(
    [
        ("process spawned", 0, 17, False),
        ("runtime starts", 17, 41, False),
        ("imports (boto3)", 58, 212, True),
        ("module code", 270, 12, True),
        ("first handler call", 282, 33, True),
    ],
    columns=["step", "start_ms", "duration_ms", "yours"],
)
RUNS = pd.DataFrame({"variant": ["bare"] * 20 + ["pandas"] * 20, "ms": [*range(50, 70), *range(500, 520)]})
IMPORTS = coldstart.parse_imports(
    "\n".join(
        f"import time: {own} | {total} | {indent}{name}"
        for own, total, indent, name in [
            (300_000, 300_000, "    ", "numpy.core"),
            (100_000, 400_000, "  ", "numpy"),
            (10, 10, "  ", "pandas.tiny"),
            (550_000, 950_010, "", "pandas"),
            (40_000, 40_000, "", "json"),
        ]
    )
)
USE = Remedies(requests=20_000)
CHARTS = {
    "waterfall": lambda: cold.waterfall(STEPS),
    "waterfall, one kind": lambda: cold.waterfall(STEPS.drop(columns="yours")),
    "distributions": lambda: cold.distributions(RUNS),
    "imports": lambda: cold.imports(IMPORTS),
    "memory": cold.memory,
    "memory of two": lambda: cold.memory(names=(".NET 10", "Java 25"), package="image"),
    "packages": cold.packages,
    "packages, custom": lambda: cold.packages(which="custom"),
    "runtimes": cold.runtimes,
    "runtimes, images": lambda: cold.runtimes(package="image", which="all"),
    "code sizes": cold.code_sizes,
    "client": cold.client_starts,
    "idle": cold.idle_lifetimes,
    "often": cold.often,
    "often, alone": lambda: cold.often(keep_alives_min=(10,), alone=True),
    "shapes": cold.shapes,
    "percentiles": cold.percentiles,
    "remedies": lambda: cold.remedies(coldstart.remedies(USE), objective_ms=300),
    "callers": cold.callers,
}


def title(chart):
    return chart.figure["layout"]["title"]["text"].replace("<br>", " ")


@pytest.mark.parametrize("name", CHARTS)
def test_every_figure_is_one_that_plotly_accepts_and_has_sentence_and_table(name):
    graph_objects = pytest.importorskip("plotly.graph_objects")
    chart = CHARTS[name]()
    graph_objects.Figure(chart.figure)
    assert chart.sentence.endswith(".")
    assert len(chart.table) >= 2
    assert title(chart).startswith("<b>")
    assert len(title(chart)) <= 2 * 54 + 7
    assert chart.figure["layout"]["paper_bgcolor"] == "#ffffff"
    assert "  " not in chart.sentence
    assert "nan" not in chart.sentence


def test_the_waterfalls_bars_start_where_the_step_before_ends():
    figure = cold.waterfall(STEPS).figure
    begins = {step: base for bar in figure["data"] for step, base in zip(bar["y"], bar["base"], strict=True)}
    assert list(map(begins.get, STEPS.step)) == STEPS.start_ms.tolist()
    assert "315 ms, 67% of it imports (boto3)" in title(cold.waterfall(STEPS))


def test_the_platforms_steps_differ_from_ones_own_by_pattern_too():
    yours, platform = cold.waterfall(STEPS).figure["data"]
    assert "pattern" not in yours["marker"]
    assert platform["marker"]["pattern"]["shape"]


def test_every_measurement_is_drawn_and_each_median_has_its_interval():
    chart = cold.distributions(RUNS, what="cold start")
    dots, medians = chart.figure["data"]
    assert dots["x"] == RUNS.ms.tolist()
    found = coldstart.summarise(RUNS, "variant")
    assert medians["x"] == found["median"].tolist()
    assert medians["error_x"]["array"] == (found.high - found["median"]).tolist()
    assert "pandas: a cold start 8.6 times as long as bare" in title(chart)


def test_variants_that_measure_alike_are_said_to_show_no_difference():
    alike = RUNS.assign(ms=[*range(50, 70), *range(51, 71)])
    assert "no difference" in title(cold.distributions(alike))


def test_few_measurements_say_how_little_they_promise():
    assert "93.8% or more" in cold.distributions(RUNS.groupby("variant").head(5)).sentence


def test_the_icicles_blocks_add_up_to_all_imports_and_name_the_heavy_one():
    chart = cold.imports(IMPORTS)
    [trace] = chart.figure["data"]
    assert sum(trace["values"]) == pytest.approx(IMPORTS.self_ms.sum())
    assert "pandas.tiny" not in trace["labels"]  # too small to see, it counts with pandas
    parents = dict(zip(trace["ids"], trace["parents"], strict=True))
    assert all(parent in parents for parent in parents.values() if parent)
    assert "numpy takes 40%" in title(chart)


def test_a_real_programs_imports_make_an_icicle():
    run = [sys.executable, "-X", "importtime", "-c", "import json, email.message"]
    text = subprocess.run(run, capture_output=True, text=True, check=True).stderr
    frame = coldstart.parse_imports(text)
    [trace] = cold.imports(frame).figure["data"]
    assert sum(trace["values"]) == pytest.approx(frame.self_ms.sum(), rel=1e-4)


def test_memory_shortens_the_first_call_in_the_figure_and_not_init():
    chart = cold.memory()
    assert len(chart.table) == 4 * 4
    lines = {(trace["name"], trace["yaxis"]): trace["y"] for trace in chart.figure["data"]}
    net, first = lines["INIT, median", "y"], lines["first handler call, mean", "y"]
    assert max(net) / min(net) < 1.05
    assert first[0] / first[-1] > 9
    assert {trace["line"]["dash"] for trace in chart.figure["data"]} == {"solid", "dash"}


def test_every_managed_runtime_starts_slower_from_an_image_and_bun_faster():
    assert "19 start slower" in cold.packages().sentence
    assert "0.47 times a zip's with Bun" in title(cold.packages(which="custom"))
    assert all(note["text"].startswith("×") for note in cold.packages().figure["layout"]["annotations"])


def test_the_lessons_band_stands_behind_the_runtimes():
    chart = cold.runtimes()
    [band] = chart.figure["layout"]["shapes"]
    assert (band["x0"], band["x1"]) == (50, 300)
    assert title(chart) == "<b>Node.js 22 and Node.js 20 always took 50 to 300 ms</b>"
    assert len(chart.figure["data"][1]["y"]) == 19


def test_code_size_and_clients_views_carry_their_date():
    assert "November 2023" in cold.code_sizes().sentence
    assert "January 2021" in cold.client_starts().sentence
    assert "promises none" in cold.idle_lifetimes().sentence


def test_a_year_is_a_name_on_its_axis():
    labels = [note["y"] for note in cold.idle_lifetimes().figure["layout"]["annotations"]]
    assert "in 2018" in labels


def test_overlaps_keep_requests_cold_where_pauses_no_longer_do():
    chart = cold.often(keep_alives_min=(10,), alone=True)
    real, alone = (part.percent.to_numpy() for _, part in chart.table.groupby("line", sort=False))
    assert (real >= alone * 0.999).all()
    assert real[30] > 1000 * alone[30]
    assert "0.59% of six a minute" in chart.sentence
    assert len({trace["line"]["dash"] for trace in chart.figure["data"]}) == 2


def test_curves_differ_by_their_dash():
    for name in ("often", "shapes", "percentiles"):
        dashes = [trace["line"]["dash"] for trace in CHARTS[name]().figure["data"] if "line" in trace]
        assert len(set(dashes)) == len(dashes)


def test_the_mean_rises_a_little_and_the_99th_percentile_a_lot():
    table = cold.percentiles().table.set_index("cold (%)")
    assert table["mean (ms)"][2] - table["mean (ms)"][0] == pytest.approx(16, abs=0.2)
    assert table["p99 (ms)"][2] > 4 * table["p99 (ms)"][0]
    assert table["p99 (ms)"][0.5] < 1.1 * table["p99 (ms)"][0]


def test_the_remedies_figure_names_every_remedy_and_the_cheapest_within_the_objective():
    frame = coldstart.remedies(USE)
    chart = cold.remedies(frame, objective_ms=300)
    notes = " ".join(note["text"] for note in chart.figure["layout"]["annotations"])
    assert all(remedy in notes for remedy in frame.remedy)
    enough = frame[frame.p99_ms <= 300]
    assert f"The cheapest within 300 ms: {enough.loc[enough.usd.idxmin()].remedy}." in chart.sentence
    assert "None stays within 1 ms" in cold.remedies(frame, objective_ms=1).sentence


def test_the_title_names_the_cheapest_remedy_within_the_objective_and_else_the_fastest():
    three = {"remedy": ["nothing", "SnapStart", "provisioned"], "p99_ms": [900, 300, 170], "usd": [0, 2, 11]}
    titles = [
        cold.remedies(pd.DataFrame(three), objective_ms=wanted).figure["layout"]["title"]["text"]
        for wanted in (None, 400, 200, 100)
    ]
    named = [re.search(r"(\w+): a p99", title)[1] for title in titles]
    assert named == ["Provisioned", "SnapStart", "Provisioned", "Provisioned"]


@pytest.mark.parametrize("code", cold.CODES)
def test_every_code_makes_a_figure_at_any_size_of_memory(code):
    for memory_mb in (128, 512, 3008, 10_240):
        assert "start cold" in cold.callers(code=code, memory_mb=memory_mb).sentence


def test_the_explorers_sentence_says_what_the_model_computes():
    chart = cold.callers(requests=30_000, code=".NET 10", memory_mb=128)
    init, _, first = coldstart.typical_start(".NET 10", 128)
    assert f"{init + first:,.0f} ms more".replace("1,046", "1,050") in chart.sentence
    worse, better = chart.table["p99 (ms)"]
    assert worse > better
    kept = cold.callers(requests=30_000, code=".NET 10", memory_mb=128, provisioned=1)
    assert kept.table["p99 (ms)"][0] < worse
    assert kept.table.usd[0] > chart.table.usd[0]


def test_an_explorer_of_five_controls_answers_at_once_and_changes_its_sentence():
    explorer = Explorer(
        cold.callers,
        requests=Slider("Requests a month", 1_000, 1_000_000_000, value=30_000, scale="log"),
        code=Choice("Code", list(cold.CODES)),
        memory_mb=Slider("Memory", 128, 10_240, value=512, step=64, unit="MB"),
        keep_alive_min=Slider("Keep-alive", 1, 60, value=6, unit="min"),
        provisioned=Slider("Provisioned", 0, 20, value=0, step=1),
    )
    said, spent = {explorer.sentence}, []
    for name, value in [
        ("requests", 1_000_000_000),
        ("requests", 1_000),
        ("code", "Java 21"),
        ("memory_mb", 10_240),
        ("keep_alive_min", 60),
        ("provisioned", 20),
    ]:
        begun = time.process_time()
        explorer[name].value = value
        spent.append(time.process_time() - begun)
        said.add(explorer.sentence)
    assert len(said) == 7
    assert not any("no answer" in sentence for sentence in said)
    assert np.median(spent) < 0.05


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: cold.memory(names=()), "names must be one to four variants"),
        (lambda: cold.memory(names=["Cobol"]), "names must be one of"),
        (lambda: cold.memory(names=["Bun layer"], package="image"), "must have been measured as image"),
        (lambda: cold.packages(which="best"), "which must be one of managed, custom, all"),
        (lambda: cold.runtimes(package="tar"), "package must be one of zip, image"),
        (lambda: cold.callers(code="Cobol"), "code must be one of Node.js 22"),
        (lambda: cold.callers(memory_mb=64), "memory_mb must be 128 or more, got 64"),
    ],
)
def test_wrong_input_is_refused_in_words(call, words):
    with pytest.raises(ValueError, match=words):
        call()


def test_a_frame_without_the_columns_is_refused_by_name():
    with pytest.raises(KeyError, match="duration_ms"):
        cold.waterfall(STEPS.drop(columns="duration_ms"))
