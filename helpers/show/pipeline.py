"""A pipeline of events as a picture: who sends to whom, and how many events went each way.

Draws what it is given: a frame of ways as ``cloud.flows()`` gives it, one row each with source, target, kind,
delivered, failed and filtered. Nodes are placed in columns, from where events come to where they end.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pandas as pd

from helpers.show import theme
from helpers.show.chart import Chart
from helpers.show.palette import PAPER, QUIET_TEXT, palette
from helpers.show.timeline import checked
from helpers.show.viewer import EnvironmentViewer
from helpers.show.wording import listed, number

COLUMNS = ("source", "target", "kind", "delivered", "failed", "filtered")
LOST_WAYS = ("redrive", "dead letter", "on failure")  # where goes what could not be dealt with
FONT = 14
_ROW_PX, _AROUND_PX = 88, 60
_LONGEST_NAME = 16
_MARKER_PX = 30

# What a node is, by the service in its ARN: its word, the palette's name for its look, and its shape.
SERVICES = {
    "lambda": ("function", "lambda"),
    "sqs": ("queue", "ec2"),
    "sns": ("topic", "fargate"),
    "s3": ("bucket", "duration"),
    "kinesis": ("stream", "eks"),
    "dynamodb": ("table", "rack"),
    "events": ("rule or bus", "requests"),
    "scheduler": ("schedule", "requests"),
    "logs": ("log group", "requests"),
}
OTHER = ("other", "muted")


def node(arn: str) -> tuple[str, str]:
    """Return a node's name and what it is.

    Examples
    --------
    >>> node("arn:aws:lambda:us-east-1:123456789012:function:thumbnails"), node("a caller")
    (('thumbnails', 'function'), ('a caller', 'other'))
    >>> node("arn:aws:dynamodb:us-east-1:123456789012:table/pictures/stream/2026-11-25T10:00:00.000")
    ('pictures', 'table')
    """
    parts = arn.split(":", 5)
    if len(parts) < 6:
        return arn, OTHER[0]
    word = SERVICES.get(parts[2], OTHER)[0]
    name = parts[5].split("/")[1] if parts[2] == "dynamodb" else parts[5].rpartition("/")[2]
    return name.removeprefix("function:").removesuffix(":$LATEST"), word


def columns(ways: pd.DataFrame) -> dict[str, int]:
    """Place each node one column behind the last that sends to it; a way back is left out of account.

    Examples
    --------
    >>> columns(pd.DataFrame({"source": ["a", "b", "a"], "target": ["b", "c", "c"]}))
    {'a': 0, 'b': 1, 'c': 2}
    """
    into: dict[str, list[str]] = {}
    for source, target in zip(ways["source"], ways["target"], strict=True):
        into.setdefault(source, [])
        into.setdefault(target, []).append(source)
    found: dict[str, int] = {}

    def column(name: str, on_the_way: frozenset[str]) -> int:
        if name not in found:
            before = [one for one in into[name] if one not in on_the_way and one != name]
            place = max((column(one, on_the_way | {name}) + 1 for one in before), default=0)
            if on_the_way.isdisjoint(into[name]):
                found[name] = place
            return place
        return found[name]

    return {name: column(name, frozenset()) for name in into}


def reached(flows: pd.DataFrame, *start: str) -> pd.DataFrame:
    """Return the ways that events go, directly or not, from the nodes of these names.

    Examples
    --------
    >>> ways = pd.DataFrame({"source": ["a", "b", "x"], "target": ["b", "c", "y"]})
    >>> list(reached(ways, "b")["target"]), list(reached(ways, "a", "x")["target"])
    (['c'], ['b', 'c', 'y'])
    """
    known = {arn for arn in (*flows["source"], *flows["target"]) if node(arn)[0] in start}
    while True:
        more = known | set(flows[flows["source"].isin(known)]["target"])
        if more == known:
            return flows[flows["source"].isin(known)].reset_index(drop=True)
        known = more


def pipeline(flows: pd.DataFrame, *start: str, title: str | None = None, height: int | None = None) -> Chart:
    """Draw a pipeline: its nodes, and its ways with the events that went them.

    Parameters
    ----------
    flows : pandas.DataFrame
        One row a way, as ``cloud.flows()`` gives them.
    start : str
        Names of nodes: only what events reach from there is drawn. Without, everything is.
    title : str, optional
        The finding; if omitted, how many events were dealt with, and how many were given up.
    height : int, optional
        In pixels; if omitted, as many as the nodes need.

    Returns
    -------
    Chart
        Its table has one row a way.

    Raises
    ------
    KeyError
        If the frame lacks a column, naming it.

    Examples
    --------
    >>> way = {"kind": "SQS", "delivered": 9, "failed": 3, "filtered": 0}
    >>> queue, function = "arn:aws:sqs:us-east-1:1:sales", "arn:aws:lambda:us-east-1:1:function:worker"
    >>> print(pipeline(pd.DataFrame([{"source": queue, "target": function, **way}])))
    9 events dealt with, 3 attempts failed. From sales to worker (SQS): 9 delivered, 3 failed.
    """
    ways = checked(flows, "flows", COLUMNS).reset_index(drop=True)
    ways = reached(ways, *start) if start else ways
    # A function's version or alias is the function, in a picture.
    table = ways.assign(
        source=[node(one)[0] for one in ways["source"]], target=[node(one)[0] for one in ways["target"]]
    )
    at, rows = _places(ways)
    finding = title if title is not None else _finding(ways)
    layout = theme.layout(finding, legend=True)
    layout["height"] = height or max(260, rows * _ROW_PX + layout["margin"]["t"] + _AROUND_PX)
    layout["margin"] |= {"l": 24, "r": 24, "b": 24}
    last = max((x for x, _ in at.values()), default=0)
    hidden = {"visible": False, "fixedrange": True}
    layout["xaxis"] = hidden | {"range": [-0.45, last + 0.45]}
    layout["yaxis"] = hidden | {"range": [rows - 0.35, -0.65]}
    layout["annotations"] = [one for way in ways.to_dict("records") for one in _labels(way, at)]
    layout["legend"] |= {"itemclick": False, "itemdoubleclick": False, "font": {"size": FONT}}
    return Chart({"data": [*_lines(ways, at), *_nodes(at)], "layout": layout}, _sentence(ways), table)


class PipelineViewer(EnvironmentViewer):
    """A pipeline, drawn again as events flow.

    Parameters
    ----------
    look : callable
        Gives the frame of ways, for instance ``cloud.flows``, or a function that leaves some of them out.
    more
        See :class:`~helpers.show.viewer.EnvironmentViewer`.

    Examples
    --------
    >>> PipelineViewer(lambda: pd.DataFrame(columns=list(COLUMNS)))
    No event has gone anywhere yet.
    """

    _subject = "The pipeline"

    def __init__(self, look: Callable[[], pd.DataFrame], **more: Any) -> None:
        super().__init__(look, **more)

    def _read(self) -> tuple[object, Callable[[], Chart]]:
        flows = self._look()
        return flows.to_csv(), lambda: pipeline(flows, height=self._height)


def _places(ways: pd.DataFrame) -> tuple[dict[str, tuple[float, float]], int]:
    """Place the nodes: each column in the order of what sends to it, in the middle of the tallest column."""
    column = columns(ways)
    into: dict[str, list[str]] = {}
    for source, target in zip(ways["source"], ways["target"], strict=True):
        into.setdefault(target, []).append(source)
    by_column: dict[int, list[str]] = {}
    for name, place in column.items():
        by_column.setdefault(place, []).append(name)
    rows = max((len(names) for names in by_column.values()), default=1)
    found: dict[str, tuple[float, float]] = {}
    for place in sorted(by_column):
        names = by_column[place]

        def height(name: str) -> float:
            before = [found[one][1] for one in into.get(name, []) if one in found]
            return sum(before) / len(before) if before else 0.0

        names.sort(key=height)
        for row, name in enumerate(names):
            found[name] = place, row + (rows - len(names)) / 2
    return found, rows


def _lines(ways: pd.DataFrame, at: Mapping[str, tuple[float, float]]) -> list[dict[str, Any]]:
    """Return the ways as lines: solid where events go on, dotted where they are given up."""
    traces = []
    for lost, name, look in ((False, "events", "requests"), (True, "given up", "accent")):
        x: list[float | None] = []
        y: list[float | None] = []
        for way in ways[ways["kind"].isin(LOST_WAYS) == lost].to_dict("records"):
            (x0, y0), (x1, y1) = at[way["source"]], at[way["target"]]
            x += [x0, x1, None]
            y += [y0, y1, None]
        if x:
            colour = palette[look] if lost else theme.AXIS
            line = {"color": colour, "width": 2.5, "dash": "dot" if lost else "solid"}
            traces.append({"type": "scatter", "mode": "lines", "x": x, "y": y, "name": name, "line": line})
            traces[-1]["hoverinfo"] = "skip"
    return traces


def _nodes(at: Mapping[str, tuple[float, float]]) -> list[dict[str, Any]]:
    kinds: dict[str, list[str]] = {}
    for arn in at:
        kinds.setdefault(node(arn)[1], []).append(arn)
    looks = dict((*SERVICES.values(), OTHER))
    traces = []
    for word, arns in kinds.items():
        names = [node(arn)[0] for arn in arns]
        look = looks[word]
        traces.append(
            {
                "type": "scatter",
                "mode": "markers+text",
                "name": word,
                "x": [at[arn][0] for arn in arns],
                "y": [at[arn][1] for arn in arns],
                "text": [f"<b>{_cut(name)}</b>" for name in names],
                "textposition": "bottom center",
                "textfont": {"size": FONT},
                "hovertext": [f"{word} {name}" for name in names],
                "hoverinfo": "text",
                "marker": {
                    "color": palette[look],
                    "symbol": palette.symbol(look),
                    "size": _MARKER_PX,
                    "line": {"color": PAPER, "width": 2},
                },
            }
        )
    return traces


def _labels(way: Mapping[str, Any], at: Mapping[str, tuple[float, float]]) -> list[dict[str, Any]]:
    """Return a way's arrowhead, and its counts beside the line."""
    (x0, y0), (x1, y1) = at[way["source"]], at[way["target"]]
    lost = way["kind"] in LOST_WAYS
    colour = palette["accent"] if lost else theme.AXIS

    def along(share: float) -> tuple[float, float]:
        return round(x0 + share * (x1 - x0), 3), round(y0 + share * (y1 - y0), 3)

    (ax, ay), (hx, hy), (tx, ty) = along(0.76), along(0.84), along(0.48)
    arrow = {"x": hx, "y": hy, "ax": ax, "ay": ay, "xref": "x", "yref": "y", "axref": "x", "ayref": "y", "text": ""}
    arrow |= {"showarrow": True, "arrowhead": 2, "arrowsize": 1.2, "arrowwidth": 2.5, "arrowcolor": colour}
    counts = f"<b>{number(int(way['delivered']))}</b>"
    if way["failed"]:
        counts += f" <span style='color:{palette['accent']}'>{number(int(way['failed']))} failed</span>"
    if way["filtered"]:
        counts += f" <span style='color:{QUIET_TEXT}'>{number(int(way['filtered']))} filtered</span>"
    text = {"x": tx, "y": ty, "text": counts, "showarrow": False, "bgcolor": PAPER, "font": {"size": FONT}}
    return [arrow, text]


def _cut(name: str) -> str:
    return name if len(name) <= _LONGEST_NAME else f"{name[: _LONGEST_NAME - 1]}…"


def _finding(ways: pd.DataFrame) -> str:
    if ways.empty:
        return "No event has gone anywhere yet"
    lost = ways["kind"].isin(LOST_WAYS)
    functions = ways[[node(one)[1] == "function" for one in ways["target"]]]
    delivered, failed = int(functions["delivered"].sum()), int(functions["failed"].sum())
    parts = [f"{number(delivered)} event{'' if delivered == 1 else 's'} dealt with"]
    parts += [f"{number(failed)} attempt{'' if failed == 1 else 's'} failed"] if failed else []
    given_up = int(ways[lost]["delivered"].sum())
    parts += [f"{number(given_up)} given up"] if given_up else []
    return ", ".join(parts)


def _sentence(ways: pd.DataFrame) -> str:
    said = [f"{_finding(ways)}."]
    for way in ways.to_dict("records"):
        counts = [f"{number(int(way[name]))} {name}" for name in COLUMNS[3:] if way[name]]
        source, target = node(way["source"])[0], node(way["target"])[0]
        said.append(
            f"From {source} to {target} ({way['kind']}): {listed(counts or ['nothing'])}.".replace(" and ", ", ")
        )
    return " ".join(said)
