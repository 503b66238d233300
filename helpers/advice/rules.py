"""The five edges and the six good fits, as rules: a measure, two thresholds, and what would change the verdict.

Thresholds, reasons and sources stand in ``data/rules.csv``; here is how each measure is computed from a case. A rule
with several measures has the verdict of its worst one. What no number is given for is not judged.
"""

from __future__ import annotations

import datetime
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from helpers import tables
from helpers.advice.bills import cheapest, environments, options
from helpers.advice.case import Case
from helpers.pricing import HOURS_A_MONTH

FINE, CARE, STOP, OPEN = "fine", "look closer", "against", "not asked"
LEVELS = (OPEN, FINE, CARE, STOP)
# How long one read or write of a database counts; the reason stands in the table's row edge.state.time.
TRIP_MS = 5.0
FIT_OF = {"http": "api", "files": "files", "schedule": "schedule", "events": "events", "webhook": "webhook"}
FIT_OF["auth"] = "auth"


@dataclass(frozen=True)
class Verdict:
    """What one measure says.

    Attributes
    ----------
    id, rule : row of the table, and the rule in the lesson's words
    level : ``fine``, ``look closer``, ``against``, or ``not asked`` where no number was given
    value, unit : the number that decided it
    threshold : the one that it crossed, or the nearest one that it did not
    reason, change : why that threshold, and what would change the verdict
    source, as_of, flag : of the threshold
    """

    id: str
    rule: str
    level: str
    value: float | None
    unit: str
    threshold: float
    worse: str
    reason: str
    change: str
    source: str
    as_of: datetime.date
    flag: str
    claim: str

    @property
    def sentence(self) -> str:
        """The verdict in words: the number, the threshold, and on which side it lies."""
        if self.value is None:
            return f"{self.rule}: not asked."
        side = {"above": ("over", "up to"), "below": ("under", "from")}[self.worse]
        beyond = self.level in (CARE, STOP)
        verdict = f"{self.level} {side[0]}" if beyond else f"fine {side[1]}"
        return f"{measured(self.value, self.unit)} ({verdict} {written(self.threshold)})"


def written(value: float) -> str:
    """Write a measure with three digits, thousands apart."""
    if abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.3g}"


def measured(value: float, unit: str) -> str:
    """Write a measure with its unit; a percent sign follows its number at once.

    Examples
    --------
    >>> measured(0.4571, "% of requests"), measured(1500, "ms")
    ('0.457% of requests', '1,500 ms')
    """
    return f"{written(value)}{'' if unit.startswith('%') else ' '}{unit}"


def _late_percent(case: Case) -> float | None:
    """Return the share of requests that a cold start makes late, in percent."""
    if case.latency_aim_ms is None:
        return None
    return case.cold_share * 100 if case.init_ms + case.duration_ms > case.latency_aim_ms else 0.0


def _fleet_saves_h(case: Case) -> float:
    """Return what the cheapest fleet saves a month, in hours of somebody's work; 0 if it saves nothing."""
    function = next(option for option in options(case) if option.name == "Lambda")
    return max(0.0, function.total - cheapest(case, function=False, rack=False).total) / case.hour_usd


MEASURES: Mapping[str, Callable[[Case], float | None]] = {
    "longest_s": lambda case: case.longest / 1000,
    "longest_cold_s": lambda case: (case.longest + case.init_ms) / 1000,
    "memory_mb": lambda case: case.memory_mb,
    "fleet_saves_h": _fleet_saves_h,
    "late_percent": _late_percent,
    "warm_percent": lambda case: case.duration_ms / case.latency_aim_ms * 100 if case.latency_aim_ms else None,
    "state_mb": lambda case: case.state_mb,
    "state_percent": lambda case: (
        case.state_trips * TRIP_MS / case.latency_aim_ms * 100
        if case.latency_aim_ms and case.state_mb
        else 0.0
        if not case.state_mb
        else None
    ),
    "leave_months": lambda case: case.leave_months,
    "response_kb": lambda case: case.response_kb,
    "peak_per_s": lambda case: case.requests_month / (HOURS_A_MONTH * 3600) * case.peak,
    "peak_concurrency": lambda case: float(environments(case)),
    "file_mb": lambda case: case.file_mb,
    "busy_percent": lambda case: min(case.requests_month * case.duration_ms / (HOURS_A_MONTH * 36_000), 100.0),
    "every_s": lambda case: HOURS_A_MONTH * 3600 / case.requests_month if case.requests_month else None,
}


def verdicts(case: Case, kind: str = "edge") -> tuple[Verdict, ...]:
    """Return what every measure of the edges (or of the case's own good fit) says.

    Parameters
    ----------
    case : the case
    kind : ``"edge"``, or ``"fit"`` for the good fit that belongs to the case's trigger
    """
    wanted = f"fit.{FIT_OF[case.trigger]}." if kind == "fit" else "edge."
    return tuple(
        _judge(row, MEASURES[row["measure"]](case)) for row in tables.rule_list() if row["id"].startswith(wanted)
    )


def fits(case: Case) -> dict[str, tuple[Verdict, ...]]:
    """Return all six good fits by name, as if the case's trigger were theirs."""
    found: dict[str, list[Verdict]] = {}
    for row in tables.rule_list():
        if row["kind"] == "fit":
            found.setdefault(row["rule"], []).append(_judge(row, MEASURES[row["measure"]](case)))
    return {rule: tuple(each) for rule, each in found.items()}


def worst(judged: tuple[Verdict, ...]) -> Verdict:
    """Return the verdict that decides; of equals, the first."""
    return max(judged, key=lambda verdict: LEVELS.index(verdict.level))


def by_rule(judged: tuple[Verdict, ...]) -> dict[str, Verdict]:
    """Return for each rule the verdict of its worst measure."""
    groups: dict[str, list[Verdict]] = {}
    for verdict in judged:
        groups.setdefault(verdict.rule, []).append(verdict)
    return {rule: worst(tuple(group)) for rule, group in groups.items()}


def _judge(row: Mapping[str, Any], value: float | None) -> Verdict:
    care, stop = row["care"], row["stop"]

    def beyond(threshold: float) -> bool:
        return value > threshold if row["worse"] == "above" else value < threshold

    if value is None:
        level, threshold = OPEN, care
    elif stop is not None and beyond(stop):
        level, threshold = STOP, stop
    elif beyond(care):
        level, threshold = CARE, care
    else:
        level, threshold = FINE, care
    own = {name: row[name] for name in ("id", "rule", "unit", "worse", "reason", "change", "source", "as_of", "flag")}
    return Verdict(**own, level=level, value=value, threshold=threshold, claim=row["claim"])
