"""A pipeline's picture: nodes in the order of events, counts on the ways, and a view that follows."""

from __future__ import annotations

import pandas as pd
import pytest

from helpers.show.palette import palette
from helpers.show.pipeline import COLUMNS, PipelineViewer, columns, pipeline

TOPIC, QUEUE, DEAD = (f"arn:aws:{one}" for one in ("sns:us-east-1:1:uploads", "sqs:us-east-1:1:sales", "sqs:us:1:dead"))
WORKER, LABELS = (f"arn:aws:lambda:us-east-1:1:function:{name}" for name in ("worker", "labels"))
WAYS = [
    (TOPIC, LABELS, "SNS", 12, 3, 0),
    (TOPIC, QUEUE, "SNS", 12, 0, 0),
    (QUEUE, WORKER, "SQS", 10, 4, 1),
    (QUEUE, DEAD, "redrive", 1, 0, 0),
]


def flows(*ways: tuple) -> pd.DataFrame:
    return pd.DataFrame(ways, columns=list(COLUMNS))


def test_a_node_stands_behind_everyone_who_sends_to_it() -> None:
    assert columns(flows(*WAYS)) == {TOPIC: 0, LABELS: 1, QUEUE: 1, WORKER: 2, DEAD: 2}


def test_a_loop_can_be_drawn() -> None:
    assert set(columns(flows((QUEUE, WORKER, "SQS", 1, 0, 0), (WORKER, QUEUE, "SQS", 1, 0, 0)))) == {QUEUE, WORKER}
    assert pipeline(flows((QUEUE, QUEUE, "SQS", 1, 0, 0))).figure["data"]


def test_the_sentence_says_every_count() -> None:
    assert str(pipeline(flows(*WAYS))) == (
        "22 events dealt with, 7 attempts failed, 1 given up. From uploads to labels (SNS): 12 delivered, 3 failed. "
        "From uploads to sales (SNS): 12 delivered. From sales to worker (SQS): 10 delivered, 4 failed, 1 filtered. "
        "From sales to dead (redrive): 1 delivered."
    )


def test_what_is_given_up_goes_a_dotted_way_in_the_colour_of_warnings() -> None:
    lines = [trace for trace in pipeline(flows(*WAYS)).figure["data"] if trace["mode"] == "lines"]
    assert [(line["name"], line["line"]["dash"]) for line in lines] == [("events", "solid"), ("given up", "dot")]
    assert lines[1]["line"]["color"] == palette["accent"]


def test_each_kind_of_node_has_its_colour_and_its_shape() -> None:
    nodes = [trace for trace in pipeline(flows(*WAYS)).figure["data"] if trace["mode"] != "lines"]
    assert [trace["name"] for trace in nodes] == ["topic", "function", "queue"]
    assert (
        len({trace["marker"]["color"] for trace in nodes}) == len({trace["marker"]["symbol"] for trace in nodes}) == 3
    )


def test_the_table_has_names_instead_of_arns() -> None:
    assert list(pipeline(flows(*WAYS)).table["target"]) == ["labels", "sales", "worker", "dead"]


def test_a_frame_without_its_columns_is_refused() -> None:
    with pytest.raises(KeyError, match="flows has no column 'kind'"):
        pipeline(flows(*WAYS).drop(columns="kind"))


def test_the_view_follows_the_events() -> None:
    known = list(WAYS[:1])
    viewer = PipelineViewer(lambda: flows(*known))
    assert "12 events dealt with" in viewer.sentence
    known.append(WAYS[2])
    viewer.refresh()
    assert "22 events dealt with" in viewer.sentence
    known.clear()
    viewer._look = lambda: pd.DataFrame({"source": [QUEUE]})
    viewer.refresh()
    assert viewer.sentence.startswith("The pipeline can't be shown")
    assert viewer.chart is not None
