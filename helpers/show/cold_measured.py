"""Figures of starts that were measured: the steps of one, the spread of many, the imports inside."""

from __future__ import annotations

from typing import Any

import pandas as pd

from helpers.coldstart import compare, summarise
from helpers.show import theme
from helpers.show.chart import Chart
from helpers.show.frames import category, check_columns
from helpers.show.palette import PAPER, QUIET_TEXT, TEXT, palette
from helpers.show.wording import listed, number

_ROW, _FRAME = 46, 150


def _ms(value: float) -> str:
    """Write a duration: three digits are more than any measurement here is worth."""
    return f"{number(float(f'{value:.3g}'))} ms"


def waterfall(frame: pd.DataFrame, *, where: str = "on this machine", height: int | None = None) -> Chart:
    """Draw one cold start as the steps that follow each other.

    Parameters
    ----------
    frame : one row per step: ``step``, ``start_ms``, ``duration_ms``; a column ``yours`` (bool) tells what is the
        learner's code from what is the platform's
    where : what was measured, for title and sentence
    height : in pixels
    """
    check_columns(frame, "step", "start_ms", "duration_ms")
    yours = frame.yours if "yours" in frame.columns else pd.Series(True, index=frame.index)
    ends = frame.start_ms + frame.duration_ms
    whole = float(ends.max() - frame.start_ms.min())
    longest = frame.loc[frame.duration_ms.idxmax()]
    share = longest.duration_ms / whole if whole else 0.0
    steps = [category(step, True) for step in frame.step]
    parts = [("your code", yours, "lambda"), ("the platform", ~yours, "fargate")]
    data = []
    for name, mine, style in parts:
        if mine.any():
            data.append(_steps(frame[mine], [s for s, m in zip(steps, mine, strict=True) if m], name, style))
    several = len(data) > 1
    title = f"A cold start {where}: {_ms(whole)}, {share:.0%} of it {longest.step}"
    layout = theme.layout(title, "ms since the request", height=height or _FRAME + _ROW * len(frame), legend=several)
    layout["xaxis"] |= {"range": [0, whole * 1.02]}
    layout["margin"]["r"] = theme.beyond(map(_ms, frame.duration_ms))
    layout["yaxis"] |= _names(steps)
    layout |= {"bargap": 0.35, "barmode": "overlay"}
    told = listed(f"{row.step} {_ms(row.duration_ms)}" for row in frame.itertuples())
    sentence = f"One cold start {where} took {_ms(whole)}: {told}."
    return Chart({"data": data, "layout": layout}, sentence, frame.reset_index(drop=True))


def _steps(frame: pd.DataFrame, steps: list[str], name: str, style: str) -> dict[str, Any]:
    colour, _, _, pattern = palette.style(style)
    marker: dict[str, Any] = {"color": colour}
    if pattern:
        marker["pattern"] = {"shape": pattern, "fillmode": "overlay", "fgcolor": PAPER, "size": 9, "solidity": 0.25}
    return {
        "type": "bar",
        "orientation": "h",
        "name": name,
        "y": steps,
        "x": frame.duration_ms,
        "base": frame.start_ms,
        "marker": marker,
        "text": [_ms(value) for value in frame.duration_ms],
        "textposition": "outside",
        "textfont": {"size": 15},
        "constraintext": "none",
        "cliponaxis": False,
        "hovertemplate": "%{y}: %{text}<extra></extra>",
    }


def _names(names: list[str]) -> dict[str, Any]:
    """Describe a vertical axis of names, the first on top."""
    return {
        "type": "category",
        "categoryorder": "array",
        "categoryarray": names,
        "autorange": "reversed",
        "automargin": True,
        "showgrid": False,
        "ticks": "",
        "title": {"text": ""},
    }


def distributions(
    frame: pd.DataFrame,
    by: str = "variant",
    value: str = "ms",
    *,
    what: str = "start",
    title: str | None = None,
    height: int | None = None,
) -> Chart:
    """Draw every measurement of some variants, with each median and its interval.

    Parameters
    ----------
    frame : one row per measurement
    by : the column that names the variants, drawn in their order of appearance
    value : the column that was measured, in ms
    what : what took so long, in words
    title : a finding that holds whatever the numbers; one from the numbers if omitted
    height : in pixels
    """
    check_columns(frame, by, value)
    found = summarise(frame, by, value)
    names = [category(name, True) for name in found[by]]
    places = {name: place for place, name in enumerate(found[by])}
    turn = frame.groupby(by, sort=False).cumcount()
    # Points side by side, in the order of measurement: a drift would show as a slope.
    spread = turn / frame.groupby(by, sort=False)[value].transform("size").clip(lower=2).sub(1) - 0.5
    dots = {
        "type": "scatter",
        "mode": "markers",
        "name": "one measurement",
        "x": frame[value],
        "y": frame[by].map(places) + 0.24 + spread * 0.22,
        "marker": {"symbol": "circle", "size": 7, "color": palette["ec2"], "opacity": 0.6},
        "hovertemplate": "%{x:.4g} ms<extra></extra>",
    }
    middles = {
        "type": "scatter",
        "mode": "markers+text",
        "name": f"median, {_level(found.coverage.min())} interval",
        "x": found["median"],
        "y": [place - 0.08 for place in range(len(found))],
        "text": [_ms(value) for value in found["median"]],
        "textposition": "top center",
        "textfont": {"size": 15},
        "cliponaxis": False,
        "marker": {"symbol": "diamond", "size": 13, "color": TEXT},
        "error_x": {
            "type": "data",
            "symmetric": False,
            "array": found.high - found["median"],
            "arrayminus": found["median"] - found.low,
            "color": TEXT,
            "thickness": 2.5,
            "width": 7,
        },
        "hovertemplate": "median %{x:.4g} ms<extra></extra>",
    }
    first, last = found.iloc[found["median"].argmin()], found.iloc[found["median"].argmax()]
    layout = theme.layout(
        title or _distributions_title(frame, by, value, first, last, what),
        "ms",
        height=height or _FRAME + 20 + 78 * len(found),
        legend=True,
    )
    room = max(float(frame[value].max()), float(found.high.max()))
    layout["xaxis"] |= {"range": [0, room * 1.08]}
    layout["yaxis"] |= {"tickvals": list(range(len(found))), "ticktext": names, "automargin": True, "ticks": ""}
    layout["yaxis"] |= {"range": [len(found) - 0.5, -0.55], "title": {"text": ""}, "showgrid": False}
    told = listed(
        f"{row[by]} {_ms(row['median'])} ({number(float(f'{row.low:.3g}'))} to {number(float(f'{row.high:.3g}'))})"
        for _, row in found.iterrows()
    )
    sentence = (
        f"Medians of {_count(found.n)} each, with the range that holds the true median with a probability of "
        f"{_level(found.coverage.min())} or more: {told}."
    )
    return Chart({"data": [dots, middles], "layout": layout}, sentence, found)


def _level(coverage: float) -> str:
    return "95%" if coverage >= 0.95 else f"{coverage:.1%}".replace(".0%", "%")


def _count(n: pd.Series) -> str:
    return f"{n.min()} measurements" if n.min() == n.max() else f"{n.min()} to {n.max()} measurements"


def _distributions_title(frame: pd.DataFrame, by: str, value: str, first: pd.Series, last: pd.Series, what: str) -> str:
    if first[by] == last[by]:
        return f"{first[by]}: a median {what} of {_ms(first['median'])}"
    slow, fast = (frame.loc[frame[by] == row[by], value] for row in (last, first))
    if first["median"] <= 0 or not compare(slow, fast).differs:
        return f"The samples show no difference in the {what} yet"
    ratio = number(float(f"{last['median'] / first['median']:.2g}"))
    return f"{last[by]}: a {what} {ratio} times as long as {first[by]}"


def imports(frame: pd.DataFrame, *, least_share: float = 0.01, levels: int = 5, height: int = 460) -> Chart:
    """Draw what a program imports as an icicle: each block as wide as its time, what it imports below it.

    Parameters
    ----------
    frame : what ``coldstart.parse_imports`` returned: ``module, parent, depth, self_ms, cumulative_ms``
    least_share : imports that take less of the whole are counted with the module that wanted them
    levels : how deep the tree is drawn; what lies below is counted likewise
    height : in pixels
    """
    check_columns(frame, "module", "parent", "depth", "self_ms", "cumulative_ms")
    frame = frame.reset_index(drop=True)
    whole = float(frame.self_ms.sum())
    blocks = _blocks(frame, least_share * whole, levels)
    heavy = _heavy(frame, whole)
    share = heavy.cumulative_ms / whole if whole else 0.0
    colours = [palette["lambda"], "#f6c667", "#9cc3f5", "#cfe0c8", "#e3d5ee", "#eadfd3"]
    trace = {
        "type": "icicle",
        "ids": ["all", *(block["id"] for block in blocks)],
        "labels": ["all imports", *(block["label"] for block in blocks)],
        "parents": ["", *(block["parent"] for block in blocks)],
        # Each block's own time: Plotly adds up the rest, and no rounding makes children larger than their parent.
        "values": [0, *(block["own"] for block in blocks)],
        "text": [_ms(whole), *(_ms(block["total"]) for block in blocks)],
        "texttemplate": "%{label}<br>%{text}",
        "hovertemplate": "%{label}: %{text}<extra></extra>",
        "branchvalues": "remainder",
        "tiling": {"orientation": "v", "pad": 2},
        "sort": False,
        "pathbar": {"visible": False},
        "textfont": {"size": 14, "color": TEXT},
        "marker": {
            "colors": ["#eef1f4", *(colours[min(block["depth"], len(colours) - 1)] for block in blocks)],
            "line": {"color": QUIET_TEXT, "width": 1},
        },
    }
    layout = theme.layout(
        f"{heavy.module} takes {share:.0%} of the time for imports",
        height=height,
        uniformtext={"minsize": 12, "mode": "hide"},
    )
    layout["margin"] |= {"l": 16, "r": 16, "b": 34}
    layout["annotations"] = [
        {
            "text": "as wide as its time; below each module, what it imports",
            "x": 0,
            "y": 0,
            "xref": "paper",
            "yref": "paper",
            "xanchor": "left",
            "yanchor": "top",
            "yshift": -6,
            "showarrow": False,
            "font": {"size": 14, "color": QUIET_TEXT},
        }
    ]
    for axis in ("xaxis", "yaxis"):
        layout.pop(axis)
    largest = frame.nlargest(3, "self_ms")
    sentence = (
        f"{len(frame):,} imports take {_ms(whole)} with tracing on; {heavy.module} and what it imports take "
        f"{_ms(heavy.cumulative_ms)}, {share:.0%} of it. Most time of their own: {_listed_own(largest)}."
    )
    return Chart({"data": [trace], "layout": layout}, sentence, frame)


def _heavy(frame: pd.DataFrame, whole: float) -> pd.Series:
    """Give the import to name: the heaviest on top, or what it owes its time to, if it is nearly everything."""
    below = frame[frame.depth == frame.depth.min()]
    while True:
        heavy = below.loc[below.cumulative_ms.idxmax()]
        inside = frame.loc[heavy.name + 1 :]
        beyond = inside.index[inside.depth <= heavy.depth]
        inside = inside.loc[: beyond[0] - 1] if len(beyond) else inside
        below = inside[inside.depth == heavy.depth + 1]
        if heavy.cumulative_ms < 0.9 * whole or below.empty:
            return heavy


def _listed_own(frame: pd.DataFrame) -> str:
    return listed(f"{row.module} {_ms(row.self_ms)}" for row in frame.itertuples())


def _blocks(frame: pd.DataFrame, least_ms: float, levels: int) -> list[dict[str, Any]]:
    """Give the blocks worth drawing; what is too small counts as its nearest drawn importer's own time."""
    blocks: list[dict[str, Any]] = []
    path: list[int] = []  # places, in blocks, of what imported this; -1 stands for all imports
    small = {"id": "others", "label": "others", "parent": "all", "own": 0.0, "total": 0.0, "depth": 5}
    for place, row in enumerate(frame.itertuples()):
        depth = int(row.depth)
        path = path[:depth]
        path += [path[-1] if path else -1] * (depth - len(path))
        drawn_by = path[-1] if path else -1
        if row.cumulative_ms >= least_ms and depth < levels:
            above = blocks[drawn_by] if drawn_by >= 0 else None
            package, _, rest = row.module.partition(".")
            inside = above is not None and rest and above["module"].partition(".")[0] == package
            blocks.append(
                {
                    "id": str(place),
                    "module": row.module,
                    "label": f".{rest}" if inside else row.module,
                    "parent": above["id"] if above else "all",
                    "own": row.self_ms,
                    "total": row.cumulative_ms,
                    "depth": len([p for p in dict.fromkeys(path) if p >= 0]),
                }
            )
            path.append(len(blocks) - 1)
        else:
            if drawn_by >= 0:
                blocks[drawn_by]["own"] += row.self_ms
            else:
                small["own"] += row.self_ms
                small["total"] += row.self_ms
            path.append(drawn_by)
    return [*blocks, small] if small["own"] > 0 else blocks
