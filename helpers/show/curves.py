"""How many environments there are over time, and how many of them serve a request, for several runs at once.

Steps, because an environment is there or is not. The first run is drawn broad and solid, the others narrow and dashed
over it, so that curves which agree can both be seen.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from helpers.show import placing, theme, times
from helpers.show.chart import Chart
from helpers.show.palette import palette
from helpers.show.timeline import checked
from helpers.show.wording import listed, number

COLUMNS = ("time_s", "environments", "running")
_STYLES = ("lambda", "eks", "duration", "accent", "muted")
_PANEL_PX = 214
_GAP_PX = 46
_MOST_POINTS = 800
_LONGEST_NAME = 24


def environments_over_time(
    frames_by_name: Mapping[str, pd.DataFrame],
    *,
    title: str | None = None,
    sentence: str | None = None,
    running: bool = True,
) -> Chart:
    """Draw the number of environments over time, and below it how many of them serve a request.

    Parameters
    ----------
    frames_by_name : mapping of str to pandas.DataFrame
        A run's name and its frame with the columns ``time_s``, ``environments`` and ``running``, as
        :func:`helpers.show.timeline.environments_timeline` gives it: up to five runs.
    title, sentence : str, optional
        The finding and what the figure shows; if omitted, the peaks, and the peaks with the means.
    running : bool
        Whether to draw the lower panel.

    Returns
    -------
    Chart

    Examples
    --------
    >>> run = pd.DataFrame({"time_s": [0, 1, 2], "environments": [1, 3, 3], "running": [1, 3, 0]})
    >>> print(environments_over_time({"measured": run}))
    Environments at the peak: measured 3. On average: measured 2.33. Serving a request at the peak: measured 3.
    """
    runs = _checked_runs(frames_by_name)
    peaks = {name: frame["environments"].max() for name, frame in runs.items()}
    title = f"At the peak: {_peaks(peaks)}" if title is None else title
    panels = ["environments", "running"] if running else ["environments"]
    titles = {"environments": "environments", "running": "serving a request"}
    last_s = max(frame["time_s"].max() for frame in runs.values())
    unit, scale = times.unit(last_s)

    layout = theme.layout(title)
    inner = len(panels) * _PANEL_PX + (len(panels) - 1) * _GAP_PX
    layout["height"] = inner + layout["margin"]["t"] + layout["margin"]["b"]
    layout["margin"] |= {"l": 84, "r": 30 + int(placing.CHAR_PX * max(map(len, runs)) + 20)}
    data: list[dict[str, Any]] = []
    notes: list[dict[str, Any]] = []
    for i, column in enumerate(panels):
        number_of = "" if i == 0 else str(i + 1)
        low = (len(panels) - 1 - i) * (_PANEL_PX + _GAP_PX) / inner
        highest = max(frame[column].max() for frame in runs.values()) or 1
        layout[f"yaxis{number_of}"] = theme.axis(titles[column]) | {
            "domain": [low, low + _PANEL_PX / inner],
            "range": [0, 1.08 * highest],
            "nticks": 5,
            **({"dtick": 1} if highest <= 4 else {}),
        }
        bottom = i == len(panels) - 1
        layout[f"xaxis{number_of}"] = theme.axis(f"{unit} since the first request" if bottom else "") | {
            "range": [0, last_s * scale or 1],
            "anchor": f"y{number_of}",
            "showticklabels": bottom,
        }
        ends = [float(frame[column].iloc[-1]) for frame in runs.values()]
        heights = placing.spread(
            [end / (1.08 * highest) * _PANEL_PX for end in ends], gap=placing.LINE_PX + 1, top=_PANEL_PX
        )
        for turn, ((name, frame), height) in enumerate(zip(runs.items(), heights, strict=True)):
            data.append(_steps(frame, column, name, turn, number_of, scale))
            notes.append(_end_label(name, turn, low + height / inner))
    layout["annotations"] = notes
    said = _sentence(runs, running) if sentence is None else sentence
    table = pd.concat([frame.assign(run=name)[["run", *COLUMNS]] for name, frame in runs.items()], ignore_index=True)
    return Chart({"data": data, "layout": layout}, said, table)


def _checked_runs(frames_by_name: Mapping[str, pd.DataFrame]) -> dict[str, pd.DataFrame]:
    runs = {str(name): checked(frame, f"the run {name!r}", COLUMNS) for name, frame in dict(frames_by_name).items()}
    if not 1 <= len(runs) <= len(_STYLES):
        raise ValueError(f"there must be between 1 and {len(_STYLES)} runs, got {len(runs)}")
    for name, frame in runs.items():
        if frame.empty:
            raise ValueError(f"the run {name!r} has no rows: there is nothing to draw")
        if len(name) > _LONGEST_NAME:
            raise ValueError(f"a run's name must have at most {_LONGEST_NAME} characters, got {name!r}")
    return {name: frame.sort_values("time_s", kind="stable") for name, frame in runs.items()}


def _steps(frame: pd.DataFrame, column: str, name: str, turn: int, axes: str, scale: float) -> dict[str, Any]:
    style = palette.style(_STYLES[turn])
    values = frame[column]
    # A step needs only the points where the value changes, and the last.
    changed = values.ne(values.shift())
    changed.iloc[-1] = True
    kept = frame[changed]
    if len(kept) > _MOST_POINTS:  # the highest of each stretch, so that no peak is lost
        group = (pd.RangeIndex(len(kept)) * _MOST_POINTS) // len(kept)
        kept = kept.groupby(group).agg({"time_s": "first", column: "max"})
    dash = "solid" if turn == 0 else ("dash", "dot", "dashdot", "longdash")[turn - 1]
    return {
        "type": "scatter",
        "mode": "lines",
        "name": name,
        "x": kept["time_s"] * scale,
        "y": kept[column],
        "xaxis": f"x{axes}",
        "yaxis": f"y{axes}",
        "line": {"color": style.colour, "width": 5 if turn == 0 else 2.5, "dash": dash, "shape": "hv"},
        "hovertemplate": f"{name}: %{{y}}<extra></extra>",
        "showlegend": False,
    }


def _end_label(name: str, turn: int, height: float) -> dict[str, Any]:
    sign = "━" if turn == 0 else "╍"
    return {
        "text": f"<span style='color:{palette[_STYLES[turn]]}'>{sign}</span> {name}",
        "x": 1,
        "xref": "paper",
        "xanchor": "left",
        "xshift": 6,
        "y": height,
        "yref": "paper",
        "yanchor": "middle",
        "showarrow": False,
        "align": "left",
    }


def _sentence(runs: Mapping[str, pd.DataFrame], running: bool) -> str:
    said = [f"Environments at the peak: {_told({name: f['environments'].max() for name, f in runs.items()})}."]
    said.append(f"On average: {_told({name: f['environments'].mean() for name, f in runs.items()})}.")
    if running:
        said.append(f"Serving a request at the peak: {_told({name: f['running'].max() for name, f in runs.items()})}.")
    return " ".join(said)


def _told(values: Mapping[str, float]) -> str:
    return listed(f"{name} {_short(value)}" for name, value in values.items())


def _peaks(values: Mapping[str, float]) -> str:
    (first, value), *others = values.items()
    told = f"{_short(value)} environment{'' if value == 1 else 's'} ({first})"
    # A title breaks between runs, not between a number and its run.
    return ", ".join(each.replace(" ", "\xa0") for each in [told, *(f"{_short(v)} ({name})" for name, v in others)])


def _short(value: float) -> str:
    return number(float(f"{value:.3g}") if value % 1 else int(value))
