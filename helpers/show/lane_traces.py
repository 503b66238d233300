"""The drawing of lanes: bars for stretches of time, symbols for what went wrong.

Filled for the learner's own code, hatched for what comes before it; what went wrong ends in a symbol. It reads without
colour. :mod:`helpers.show.lanes` puts these traces on their axes.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from helpers.show import placing, times
from helpers.show.palette import AXIS, PAPER, TEXT, palette
from helpers.show.segments import Segments

FONT = 14
_MOST_TEXTS = 40
_LEAST_TEXT_PX = 18
_CHAR_PX = 7.2
_INIT_SEEN = 0.005  # the share of the picture that INIT gets at least


class _Look(NamedTuple):
    colour: str
    pattern: str
    ink: str
    hatch: str = PAPER


_LOOKS = {
    "INIT": _Look(palette["fargate"], "/", PAPER, "#3c0f66"),
    "handler": _Look(palette["lambda"], "", TEXT),
    "running": _Look(palette["lambda"], "|", TEXT),
    "error": _Look(palette["accent"], "+", PAPER),
    "timeout": _Look(palette["eks"], "x", PAPER),
}
_MARKS = {
    "error": ("x", palette["accent"]),
    "timeout": ("hourglass", palette["eks"]),
    "stopped": ("line-ns-open", TEXT),
    "throttled": ("triangle-down", palette["accent"]),
}


class Frame(NamedTuple):
    """Where lanes are drawn: from when to when (seconds of the frames), the axis' unit, pixels a lane."""

    first_s: float
    end_s: float
    scale: float
    step_px: float
    strip_at: float

    def place(self, moments_s: pd.Series) -> pd.Series:
        """Give moments as the axis counts."""
        return (moments_s - self.first_s) * self.scale

    @property
    def span_s(self) -> float:
        """How long the picture is."""
        return self.end_s - self.first_s


def traces(cut: Segments, lived: pd.DataFrame, frame: Frame) -> list[dict[str, Any]]:
    """Draw the lives, the stretches on them, and the marks on top."""
    bars = [] if lived.empty else [_idle(lived, frame)]
    stretches = _widened(cut.stretches, frame)
    stretches = stretches[stretches["end_s"] >= frame.first_s]
    texts, places = _texts(stretches, frame)
    for kind, look in _LOOKS.items():
        which = stretches["kind"] == kind
        if which.any():
            bars.append(_bars(stretches[which], kind, look, frame, texts[which], places[which]))
    marks = cut.marks[cut.marks["at_s"] >= frame.first_s]
    symbols = [_symbols(marks[marks["kind"] == kind], kind, frame) for kind in _MARKS if (marks["kind"] == kind).any()]
    return bars + symbols


def widened(cut: Segments, span_s: float) -> bool:
    """Tell whether an INIT is drawn longer than it was, or nobody would see it."""
    stretches = cut.stretches
    init = (stretches["end_s"] - stretches["start_s"])[stretches["kind"] == "INIT"]
    return bool((init < _INIT_SEEN * span_s).any())


def _widened(stretches: pd.DataFrame, frame: Frame) -> pd.DataFrame:
    long_s = stretches["end_s"] - stretches["start_s"]
    least = np.where(stretches["kind"] == "INIT", _INIT_SEEN * frame.span_s, 0.0)
    seen = np.maximum(long_s, least)
    return stretches.assign(ms=long_s * 1000, end_s=stretches["start_s"] + seen)


def _idle(lived: pd.DataFrame, frame: Frame) -> dict[str, Any]:
    """Draw lives as thin bars, which lie under the others, as lines would not."""
    begin = lived["born_s"].clip(lower=frame.first_s - 0.02 * frame.span_s)
    end = lived["ended_s"].clip(upper=frame.end_s)
    return {
        "type": "bar",
        "orientation": "h",
        "name": "idle",
        "y": lived.index,
        "base": frame.place(begin),
        "x": (end - begin).clip(lower=0) * frame.scale,
        "width": min(0.3, 2 / frame.step_px),
        "marker": {"color": AXIS, "line": {"width": 0}},
        "hoverinfo": "skip",
    }


def _bars(
    part: pd.DataFrame, kind: str, look: _Look, frame: Frame, texts: np.ndarray, places: np.ndarray
) -> dict[str, Any]:
    marker: dict[str, Any] = {"color": look.colour, "line": {"width": 0}}
    if look.pattern:
        marker["pattern"] = {"shape": look.pattern, "fillmode": "overlay", "fgcolor": look.hatch, "size": 8}
        marker["pattern"] |= {"solidity": 0.3, "fgopacity": 0.6 if look.hatch == PAPER else 1}
    name = "still running" if kind == "running" else kind
    trace = {
        "type": "bar",
        "orientation": "h",
        "name": name,
        "y": part["lane"],
        "base": frame.place(part["start_s"]),
        "x": (part["end_s"] - part["start_s"]) * frame.scale,
        "width": 0.78,
        "marker": marker,
        "hovertext": [
            times.duration(ms) if count == 1 else f"{count:,} requests in {times.duration(ms)}"
            for ms, count in zip(part["ms"], part["count"], strict=True)
        ],
        "hovertemplate": f"environment %{{y}}, {name}: %{{hovertext}}<extra></extra>",
    }
    if texts.astype(bool).any():
        trace |= {"text": texts.tolist(), "textposition": places.tolist(), "textangle": 0, "constraintext": "none"}
        trace |= {"insidetextanchor": "middle", "cliponaxis": False, "insidetextfont": {"size": 13, "color": look.ink}}
        trace["outsidetextfont"] = {"size": 13, "color": TEXT}
    return trace


def _texts(stretches: pd.DataFrame, frame: Frame) -> tuple[np.ndarray, np.ndarray]:
    """Write durations on the bars where there are few bars: inside, or after the last one of a lane."""
    count = len(stretches)
    texts, places = np.full(count, "", dtype=object), np.full(count, "inside", dtype=object)
    if count > _MOST_TEXTS or frame.step_px < _LEAST_TEXT_PX:
        return texts, places
    told = stretches["kind"] != "running"  # it goes on, so nobody knows how long it takes
    alone = (stretches["kind"] == "handler") & (stretches.groupby(["lane", "kind"])["start_s"].transform("size") == 1)
    last = stretches.groupby("lane")["start_s"].transform("max") == stretches["start_s"]
    wide = (stretches["end_s"] - stretches["start_s"]) / (frame.span_s or 1.0) * placing.WIDTH_PX * 0.9
    for i, (ms, px, beside, known) in enumerate(zip(stretches["ms"], wide, last & alone, told, strict=True)):
        text = times.duration(ms)
        fits = px >= len(text) * _CHAR_PX + 8
        if known and (fits or beside):
            texts[i], places[i] = text, "inside" if fits else "outside"
    return texts, places


def _symbols(part: pd.DataFrame, kind: str, frame: Frame) -> dict[str, Any]:
    symbol, colour = _MARKS[kind]
    size = {"throttled": 9.0, "stopped": max(5.0, 0.4 * frame.step_px)}.get(kind, 0.55 * frame.step_px)
    edges = {"stopped": {"color": colour, "width": 2.5}, "throttled": {"width": 0}}
    edge = edges.get(kind, {"color": PAPER, "width": 1})
    return {
        "type": "scatter",
        "mode": "markers",
        "name": kind,
        "x": frame.place(part["at_s"]),
        "y": part["lane"] if kind != "throttled" else [frame.strip_at] * len(part),
        "marker": {"symbol": symbol, "size": min(14.0, max(6.0, size)), "color": colour, "line": edge, "opacity": 1},
        "hovertext": [kind if count == 1 else f"{count:,} {kind}" for count in part["count"]],
        "hovertemplate": "%{hovertext}<extra></extra>",
        "cliponaxis": False,
        # The throttled have a lane that says so; errors and timeouts have their bar in the legend.
        "showlegend": kind == "stopped",
    }
