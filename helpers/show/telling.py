"""What a run of environments comes to in words: the finding, the sentence, and the table of requests."""

from __future__ import annotations

import re

import numpy as np
import pandas as pd

from helpers.show import theme, times
from helpers.show.wording import number

_SMALL = ("no", "one")


def most_at_once(told: pd.DataFrame) -> int:
    """Count the served requests that ran at the same moment, at the busiest one."""
    served = told[told["environment"] != ""]
    moments = np.concatenate([served["start_s"], served["end_s"]]).round(9)
    steps = np.concatenate([np.ones(len(served)), -np.ones(len(served))])
    order = np.lexsort((steps, moments))  # whoever ends makes room before whoever begins
    return int(np.cumsum(steps[order]).max(initial=0))


def finding(told: pd.DataFrame, lived: pd.DataFrame) -> str:
    """Say how many requests met how many environments, short enough for a title."""
    if told.empty:
        if lived.empty:
            return "No request, no environment: nothing runs"
        return f"No request yet: {_counted(len(lived), 'environment')} waiting"
    throttled, cold = int((told["status"] == "throttled").sum()), int(told["cold"].sum())
    used = lived["last_end_s"].notna().sum()
    parts = [_counted(int(used), "environment"), _counted(cold, "cold start")]
    parts += [f"{throttled:,} throttled"] if throttled else []
    failed = told["status"].value_counts()
    parts += [_counted(int(failed[status]), status) for status in ("error", "timeout") if status in failed]
    return f"{_how_they_came(told)}: {', '.join(parts)}"


def title_of(told: pd.DataFrame, lived: pd.DataFrame) -> str:
    """Give the finding as a title of two lines at most, which break between its parts only."""
    said = finding(told, lived)
    shorter = re.sub(r", at most [\d,]+ at once", "", said)
    failed = int(told["status"].isin(["error", "timeout"]).sum())
    shortest = re.sub(r"(, (one|[\d,]+) (error|timeout)s?)+$", f", {failed:,} failed", shorter)
    bound = [_kept_together(each) for each in (said, shorter, shortest)]
    return next((each for each in bound if theme.wrapped(each).count("<br>") < 2), bound[-1])


def _kept_together(title: str) -> str:
    """Let a title break after its commas only, so that no number stands apart from what it counts."""
    return title.replace(" ", "\xa0").replace(",\xa0", ", ").replace(":\xa0", ": ")


def _how_they_came(told: pd.DataFrame) -> str:
    most, served = most_at_once(told), told[told["environment"] != ""]
    if len(told) == 1:
        return "One call"
    if served.empty:
        return f"{len(told):,} calls"
    if most == len(served) > 1 and told["start_s"].max() <= served["end_s"].min():
        return f"{len(told):,} callers at once"
    if most == 1 and len(served) == len(told):
        return f"{len(told):,} calls in a row"
    return f"{len(told):,} requests, at most {most:,} at once"


def sentence_of(told: pd.DataFrame, lived: pd.DataFrame, end_s: float) -> str:
    """Say in words what the lanes show."""
    said = [f"{finding(told, lived)}."]
    served = told[told["environment"] != ""]
    spans = []
    init = (served["handler_s"] - served["start_s"])[served["cold"]] * 1000
    if len(init):
        spans.append(f"INIT took {times.from_to(init.min(), init.max())}")
    if len(served):
        handler = (served["end_s"] - served["handler_s"]) * 1000
        spans.append(f"the handler {'' if spans else 'took '}{times.from_to(handler.min(), handler.max())}")
    if spans:
        said.append(f"{', '.join(spans)}.")
    busiest = served["environment"].value_counts().max() if len(served) else 0
    if busiest > 1:
        span = times.duration((end_s - told["start_s"].min()) * 1000)
        said.append(f"In {span} the busiest environment served {number(int(busiest))} of them.")
    stopped = int(lived["stopped"].sum())
    if stopped:
        said.append(f"Stopped since: {_counted(stopped, 'environment')}.")
    text = " ".join(said)
    return text[0].upper() + text[1:]


def table_of_requests(told: pd.DataFrame, lived: pd.DataFrame, first: float) -> pd.DataFrame:
    """List the requests in order of arrival, with their environment's lane and their times in milliseconds."""
    lanes = pd.Series(lived.index, index=lived["environment"])
    return pd.DataFrame(
        {
            "request": np.arange(1, len(told) + 1),
            "environment": told["environment"].map(lanes).map(lambda lane: "" if lane != lane else str(int(lane))),
            "function": told["function"],
            "after (ms)": _ms(told["start_s"] - first),
            "INIT (ms)": _ms(told["handler_s"] - told["start_s"]).where(told["cold"]),
            "handler (ms)": _ms(told["end_s"] - told["handler_s"]).where(told["environment"] != ""),
            "status": told["status"],
        }
    )


def _ms(seconds: pd.Series) -> pd.Series:
    return (seconds * 1000).round(3)


def _counted(count: int, thing: str) -> str:
    amount = _SMALL[count] if count < len(_SMALL) else f"{count:,}"
    return f"{amount} {thing}{'' if count == 1 else 's'}"
