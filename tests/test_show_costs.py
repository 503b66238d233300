"""The figures about money say in words what they draw, and what they draw is what ``pricing`` computes."""

import pytest

from helpers.pricing import lambda_bill
from helpers.show import costs

USE = {"requests": 3e6, "duration_ms": 120, "memory_mb": 1536}
CHARTS = {
    "month": lambda: costs.month(**USE),
    "init": lambda: costs.init(**USE, init_ms=400, cold_percent=1),
    "api": lambda: costs.api(requests=5e5, response_kb=500),
    "idle": costs.idle,
    "models": costs.models,
    "memory": lambda: costs.memory(wait_ms=50, cpu_ms=100),
}


@pytest.mark.parametrize("name", CHARTS)
def test_every_figure_is_one_that_plotly_accepts_and_has_sentence_and_table(name):
    graph_objects = pytest.importorskip("plotly.graph_objects")
    chart = CHARTS[name]()
    graph_objects.Figure(chart.figure)
    assert chart.sentence.endswith(".")
    assert len(chart.table) >= 2


def test_the_months_sentence_names_the_total_that_pricing_computes():
    assert f"${lambda_bill(**USE).total:.2f}" in costs.month(**USE).sentence


def test_init_adds_what_the_bill_with_cold_starts_adds():
    chart = costs.init(**USE, init_ms=400, cold_percent=1)
    added = lambda_bill(**USE, free_tier=False, init_ms=400, cold_start_share=0.01).total
    assert f"to ${added:.2f}" in chart.sentence
    assert chart.table.usd.sum() == pytest.approx(added + lambda_bill(**USE, free_tier=False).total)


def test_no_requests_and_no_cold_starts_make_a_figure_too():
    assert "by 0%" in costs.init(requests=0, duration_ms=1, memory_mb=128, init_ms=0, cold_percent=0).sentence
    assert "Of $0.00 a month" in costs.api(requests=0, response_kb=1, door="URL").sentence


def test_the_five_models_are_marked_where_a_fleet_becomes_cheaper_for_good():
    chart = costs.models()
    assert "Above 99.3 million requests a month" in chart.figure["layout"]["title"]["text"].replace("<br>", " ")
    assert set(chart.table.model) == {"Lambda", "Fargate", "EC2", "EKS", "Rack"}


def test_with_spiky_traffic_functions_stay_the_cheapest():
    chart = costs.models(peak=20)
    assert "functions stay the cheapest" in chart.figure["layout"]["title"]["text"].replace("<br>", " ")
    assert "Not cheaper below ten billion" in chart.sentence


def test_pure_computing_gets_faster_for_nothing_up_to_one_vcpu():
    assert "for nothing" in costs.memory(wait_ms=0, cpu_ms=100).figure["layout"]["title"]["text"]
