"""Environments as lanes over time: what each one did from its birth to its end, and the requests that found none.

Takes the two frames that a cloud keeps, starts nothing. :mod:`helpers.show.segments` says what stands where;
:mod:`helpers.show.curves` draws how many environments there are, :mod:`helpers.show.viewer` keeps drawing these lanes
while something runs.
"""

from __future__ import annotations

import math
from typing import Any

import pandas as pd

from helpers.show import theme, times
from helpers.show.chart import Chart
from helpers.show.curves import environments_over_time
from helpers.show.lane_traces import FONT, Frame, traces, widened
from helpers.show.palette import QUIET_TEXT
from helpers.show.segments import Segments, segments
from helpers.show.telling import sentence_of, table_of_requests, title_of
from helpers.show.timeline import lives, requests

__all__ = ["environment_lanes", "environments_over_time"]

MOST_LANES = 250
MOST_SEGMENTS = 1500
_LABEL_PX, _SPARSE_PX = 18, 36
_CHAR_PX = 7.6
_LONGEST_NAME = 18
_STRIP_PX = 30  # the lane of throttled requests


def environment_lanes(
    invocations: pd.DataFrame,
    environments: pd.DataFrame | None = None,
    *,
    title: str | None = None,
    until_s: float | None = None,
    height: int | None = None,
    most_segments: int = MOST_SEGMENTS,
) -> Chart:
    """Draw each environment as a lane: hatched while it initialises, filled while it serves, a line while it is idle.

    Parameters
    ----------
    invocations : pandas.DataFrame
        One row a request, as ``cloud.invocations()`` gives them.
    environments : pandas.DataFrame, optional
        One row an environment, as ``cloud.environments()`` gives them: shows environments that nobody has called yet,
        which ones have been stopped, and how long the others have been idle.
    title : str, optional
        The finding; if omitted, how many requests met how many environments.
    until_s : float, optional
        Where the picture ends, as seconds of the frames; if omitted, with the last thing noted.
    height : int, optional
        In pixels; if omitted, as many as the lanes need.
    most_segments : int
        How many stretches to draw at most. Beyond, neighbours are drawn as one and a note says so.

    Returns
    -------
    Chart
        Its table has one row a request.

    Raises
    ------
    KeyError
        If a frame lacks a column, naming it.

    Examples
    --------
    >>> call = {"function": "hello", "environment": "a", "started_s": 2.0, "cold": True, "init_ms": 61.2,
    ...         "duration_ms": 1.3, "status": "success"}
    >>> print(environment_lanes(pd.DataFrame([call])))
    One call: one environment, one cold start. INIT took 61.2 ms, the handler 1.3 ms.
    """
    told, lived = requests(invocations), lives(invocations, environments)
    lived.index += 1
    drawn = lived.head(MOST_LANES)
    first = float(pd.concat([told["start_s"], lived["born_s"]]).iloc[0]) if len(told) or len(lived) else 0.0
    end = _last_moment(told, lived, until_s, first)
    cut = segments(told, drawn, end_s=end, most=most_segments)
    unit, scale = times.unit(end - first)
    throttled = int((told["status"] == "throttled").sum())

    notes = _notes(cut, len(drawn), len(lived), end - first)
    small = "".join(f"<br><span style='color:{QUIET_TEXT}'>{note}</span>" for note in notes)
    layout = theme.layout(title_of(told, lived) if title is None else title, legend=len(lived) > 0)
    margin = layout["margin"] | {"b": theme.BELOW + 20 * len(notes)}
    count, strip = max(1, len(drawn)), _STRIP_PX if throttled else 0
    around = margin["t"] + margin["b"] + strip
    step = _lane_px(count) if height is None else max(1.0, (height - around) / count)
    bottom = count + 0.5 + strip / step
    frame = Frame(first, end, scale, step, strip_at=(bottom + count + 0.5) / 2)
    data = traces(cut, drawn, frame)

    names = _names(drawn)
    margin["l"] = 30 + math.ceil(_CHAR_PX * max([len("environment 1"), *map(len, names)]))
    layout |= {"margin": margin, "height": round(step * count) + around, "barmode": "overlay"}
    wide = (end - first) * scale or 1.0
    beside = 0.12 if any("outside" in trace.get("textposition", ()) for trace in data) else 0.03
    layout["xaxis"] = theme.axis(f"{unit} since the first request{small}")
    layout["xaxis"] |= {"range": [-0.02 * wide, (1 + beside) * wide], "showticklabels": end > first}
    layout["yaxis"] = {"range": [bottom, 0.5], "fixedrange": True, "zeroline": False, "showgrid": False}
    layout["yaxis"] |= {"tickfont": {"size": FONT}} | _labels(names, frame, throttled)
    if throttled:
        rule = {"type": "line", "xref": "paper", "x0": 0, "x1": 1, "y0": count + 0.5, "y1": count + 0.5}
        layout["shapes"] = [rule | {"line": {"color": theme.AXIS, "width": 1}}]
    if "legend" in layout:
        layout["legend"] |= {"font": {"size": FONT}, "itemclick": False, "itemdoubleclick": False}
    return Chart({"data": data, "layout": layout}, sentence_of(told, lived, end), table_of_requests(told, lived, first))


def _last_moment(told: pd.DataFrame, lived: pd.DataFrame, until_s: float | None, first: float) -> float:
    moments = pd.concat([told["end_s"], lived["last_used_s"], lived["ended_s"], lived["born_s"]])
    noted = [float(moment) for moment in moments if math.isfinite(moment)]
    return max([first, *noted, *([] if until_s is None else [float(until_s)])])


def _lane_px(count: int) -> float:
    """Give a lane's height: comfortable for a few, and all of them on one screen."""
    return 46 if count <= 3 else 34 if count <= 12 else 20 if count <= 30 else max(3.0, 600 / count)


def _names(lived: pd.DataFrame) -> list[str]:
    if lived["function"].nunique() <= 1:
        return [f"environment {lane}" for lane in lived.index]
    return [f"{lane} · {_cut(name)}" for lane, name in lived["function"].items()]


def _cut(name: str) -> str:
    return name if len(name) <= _LONGEST_NAME else f"{name[: _LONGEST_NAME - 1]}…"


def _labels(names: list[str], frame: Frame, throttled: int) -> dict[str, Any]:
    """Name as many lanes as there is room for, at round numbers, and the strip of the throttled."""
    every = 1
    if frame.step_px < _LABEL_PX:
        every = next((each for each in (5, 10, 20, 50) if each * frame.step_px >= _SPARSE_PX), 100)
    ticks = [(lane, name) for lane, name in enumerate(names, 1) if lane % every == 0 or lane == 1]
    if throttled:
        ticks = [(lane, name) for lane, name in ticks if (frame.strip_at - lane) * frame.step_px >= _LABEL_PX]
        ticks.append((frame.strip_at, f"{throttled:,} throttled"))
    return {"tickvals": [at for at, _ in ticks], "ticktext": [f"{text} " for _, text in ticks]}


def _notes(cut: Segments, drawn: int, there: int, span_s: float) -> list[str]:
    notes = []
    if drawn < there:
        notes.append(f"The first {drawn:,} of {there:,} environments are drawn.")
    if cut.merged_s:
        notes.append(f"Requests closer than {times.duration(cut.merged_s * 1000)} to each other are drawn as one.")
    if widened(cut, span_s):
        notes.append("INIT is drawn longer than it took, so that it can be seen.")
    return notes
