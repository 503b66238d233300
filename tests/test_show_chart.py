"""Charts: plain rounded figures that Plotly accepts, with their sentence and their table."""

import datetime
import decimal
import json
import subprocess
import sys

import numpy as np
import pandas as pd
import plotly.graph_objects as go
import pytest

from helpers.pricing import ec2_bill, eks_bill, lambda_bill
from helpers.show import Chart, charts, theme

TABLE = pd.DataFrame({"x": [1.0]})

COSTS = pd.DataFrame(
    [(model, x, x * rate + base) for model, rate, base in (("Lambda", 3e-6, 0), ("EC2", 0, 60)) for x in (0, 1e6, 3e7)],
    columns=["model", "requests", "usd"],
)


def drawn(y: object) -> Chart:
    return Chart({"data": [{"type": "scatter", "y": y}], "layout": {}}, "A line.", TABLE)


def words(**more: object) -> dict[str, object]:
    return {"title": "A finding", "sentence": "A sentence.", "x_title": "requests a month", "y_title": "USD", **more}


def every_kind_of_chart() -> dict[str, Chart]:
    fleet = eks_bill(nodes=ec2_bill("m7g.large", count=3, storage_gb=100))
    return {
        "lines": charts.lines(COSTS, "requests", "usd", "model", **words(marks=[(2e7, 60, "break-even")])),
        "one line": charts.lines(COSTS[COSTS.model == "EC2"], "requests", "usd", **words()),
        "log lines": charts.lines(COSTS, "requests", "usd", "model", **words(log_x=True, log_y=True)),
        "bars": charts.bars(COSTS, "requests", "usd", **words()),
        "stacked bars": charts.bars(COSTS, "requests", "usd", "model", **words()),
        "grouped bars": charts.bars(COSTS, "requests", "usd", "model", **words(mode="group", horizontal=True)),
        "heat": charts.heat(COSTS, "requests", "model", "usd", z_title="USD", log_z=True, **words()),
        "bill": charts.bill(lambda_bill(requests=3_000_000, duration_ms=120, memory_mb=1536)),
        "bill of a fleet": charts.bill(fleet * 12),
        "bill of nothing": charts.bill(lambda_bill(requests=0, duration_ms=120, memory_mb=1536)),
    }


@pytest.mark.parametrize("kind", every_kind_of_chart())
def test_plotly_accepts_the_figure_of(kind: str):
    chart = every_kind_of_chart()[kind]
    assert isinstance(chart.to_plotly(), go.Figure)


@pytest.mark.parametrize("kind", every_kind_of_chart())
def test_a_figure_is_the_same_after_json(kind: str):
    figure = every_kind_of_chart()[kind].figure
    assert json.loads(json.dumps(figure, allow_nan=False)) == figure


def test_a_bundle_holds_figure_and_sentence_and_nothing_else():
    bundle = drawn([1, 2])._repr_mimebundle_()
    assert set(bundle) == {"application/vnd.plotly.v1+json", "text/plain"}
    assert bundle["text/plain"] == "A line."
    assert set(bundle["application/vnd.plotly.v1+json"]) == {"data", "layout", "config"}


def test_a_chart_reads_as_its_sentence():
    assert str(drawn([1])) == repr(drawn([1])) == "A line."


def test_floats_keep_six_digits_and_become_whole_where_they_are():
    assert drawn(np.array([1 / 3, 2.0, 123456.789, -0.0])).figure["data"][0]["y"] == [0.333333, 2, 123457, 0]


def test_sums_in_another_order_draw_the_same_figure():
    parts = [0.1, 0.2, 0.3, 0.7, 1e-9]
    assert drawn([sum(parts)]).figure == drawn([sum(reversed(parts))]).figure


def test_what_json_cannot_say_becomes_a_gap():
    holes = [float("nan"), float("inf"), -float("inf"), None, np.nan, pd.NA, pd.NaT]
    assert drawn([1, *holes]).figure["data"][0]["y"] == [1] + [None] * len(holes)


def test_numpy_pandas_decimals_and_dates_become_plain():
    y = pd.Series([np.int64(3), decimal.Decimal("0.25"), np.True_, datetime.date(2026, 1, 2)], dtype=object)
    assert drawn(y).figure["data"][0]["y"] == [3, 0.25, True, "2026-01-02"]
    assert drawn(range(2)).figure["data"][0]["y"] == drawn((0, 1)).figure["data"][0]["y"] == [0, 1]


def test_what_has_no_plain_form_is_refused_with_its_place():
    with pytest.raises(TypeError, match=r"data\[0\]\.y\[1\] must hold numbers, .* got object"):
        drawn([1, object()])


@pytest.mark.parametrize(
    ("figure", "sentence", "table", "message"),
    [
        ([], "s", TABLE, "figure must be a dict"),
        ({"data": {}}, "s", TABLE, "figure must be a dict"),
        ({"data": [], "layout": 1}, "s", TABLE, "layout must be a dict, got int"),
        ({"data": [], "frames": []}, "s", TABLE, "data and layout only, got frames"),
        ({"data": []}, " ", TABLE, "sentence must say"),
        ({"data": []}, "s", [[1]], "table must be a DataFrame, got list"),
    ],
)
def test_a_chart_with_a_part_missing_is_refused(figure: object, sentence: str, table: object, message: str):
    with pytest.raises((TypeError, ValueError), match=message):
        Chart(figure, sentence, table)


def test_a_chart_cannot_be_changed_through_its_plotly_figure():
    chart = drawn([1, 2])
    chart.to_plotly().data[0].y = (5, 6)
    assert chart.figure["data"][0]["y"] == [1, 2]


def test_importing_show_does_not_import_plotly_or_widgets():
    program = "import sys, helpers.show; print({'plotly', 'ipywidgets', 'anywidget', 'IPython'} & set(sys.modules))"
    output = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout
    assert output.strip() == "set()"


def test_the_theme_is_an_opaque_light_sheet_with_large_type():
    layout = theme.layout("A finding", "x", "y")
    assert layout["paper_bgcolor"] == layout["plot_bgcolor"] == "#ffffff"
    assert layout["font"]["size"] >= 16
    assert len(json.dumps(layout)) < 1500


def test_a_long_title_is_broken_and_the_drawing_moves_down_for_it():
    short, long = theme.layout("Short"), theme.layout("A finding that takes more words " * 4)
    lines = long["title"]["text"].split("<br>")
    assert len(lines) > 1
    assert max(map(len, lines)) <= 70
    assert long["margin"]["t"] > short["margin"]["t"]
    assert long["height"] == short["height"]


def test_what_is_added_to_a_layout_is_merged_into_it():
    layout = theme.layout("t", "x", "USD a month", yaxis={"range": [0, 1]}, barmode="stack")
    assert layout["yaxis"]["range"] == [0, 1]
    assert layout["yaxis"]["tickprefix"] == "$"
    assert layout["barmode"] == "stack"


def test_a_line_ends_in_its_name():
    chart = every_kind_of_chart()["lines"]
    texts = [note["text"] for note in chart.figure["layout"]["annotations"]]
    assert any(text.endswith("Lambda") for text in texts)
    assert any(text.endswith("EC2") for text in texts)
    assert not chart.figure["layout"]["showlegend"]


def test_long_names_go_to_a_legend():
    frame = COSTS.assign(model="a virtual machine that never sleeps: " + COSTS.model)
    assert charts.lines(frame, "requests", "usd", "model", **words()).figure["layout"]["showlegend"]


def test_a_mark_is_drawn_where_it_is_on_a_log_axis():
    chart = charts.lines(COSTS, "requests", "usd", "model", **words(log_x=True, log_y=True, marks=[(1e6, 60, "here")]))
    note = chart.figure["layout"]["annotations"][-1]
    assert (note["x"], note["y"]) == (6, pytest.approx(np.log10(60), rel=1e-5))


def test_a_log_axis_leaves_out_what_is_not_above_zero():
    chart = charts.lines(COSTS, "requests", "usd", "model", **words(log_x=True, log_y=True))
    assert chart.figure["data"][0]["x"][0] is None


def test_points_come_in_order_of_x():
    chart = charts.lines(COSTS.iloc[::-1], "requests", "usd", "model", **words())
    assert chart.figure["data"][0]["x"] == [0, 1000000, 30000000]


def test_stacked_bars_say_their_sum():
    texts = every_kind_of_chart()["stacked bars"].figure["data"][-1]["text"]
    assert texts == ["<b>$60.00</b>", "<b>$63.00</b>", "<b>$150.00</b>"]


def test_a_missing_column_is_named():
    with pytest.raises(KeyError, match="no column 'dollars'; it has model, requests and usd"):
        charts.lines(COSTS, "requests", "dollars", "model", **words())


def test_an_empty_frame_is_refused():
    with pytest.raises(ValueError, match="no rows"):
        charts.bars(COSTS.iloc[:0], "requests", "usd", **words())


def test_the_table_of_a_chart_holds_the_columns_that_it_draws():
    assert list(charts.bars(COSTS, "model", "usd", **words()).table) == ["model", "usd"]


def test_a_bill_says_total_largest_line_and_what_is_free():
    chart = charts.bill(lambda_bill(requests=3_000_000, duration_ms=120, memory_mb=1536))
    assert str(chart) == (
        "The bill is $2.73 a month. The largest line is Duration x86_64: $2.33, 85% of it. "
        "The free tier covers 1 million requests and 400,000 GB-seconds."
    )


def test_a_bill_draws_what_is_free_hatched_and_left_of_zero():
    bars = charts.bill(lambda_bill(requests=3_000_000, duration_ms=120, memory_mb=1536)).figure["data"][0]
    assert bars["marker"]["pattern"]["shape"] == ["/", "", "/", ""]
    assert [x < 0 for x in bars["x"]] == [True, False, True, False]


def test_a_bill_of_nothing_has_no_largest_line():
    assert str(every_kind_of_chart()["bill of nothing"]) == "The bill is $0.00 a month."


def test_a_bill_for_a_year_says_so():
    assert "for 12 months" in str(every_kind_of_chart()["bill of a fleet"])
