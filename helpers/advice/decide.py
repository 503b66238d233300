"""From a case to advice: the verdicts, the bills, and one recommendation with what would turn it around.

The order is that of regret. What cannot run at all comes first (too long, state, must leave), then money, and comfort
last. The recommendation is a consequence of the verdicts and nothing else, so that whoever disagrees can say with which
number.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

from helpers.advice import rules
from helpers.advice.bills import Option, cheapest, curve, is_job, options
from helpers.advice.case import Case
from helpers.advice.playing import Played
from helpers.advice.rules import CARE, STOP, Verdict
from helpers.advice.shape import Shape

FEWEST, MOST, POINTS = 1e-3, 1e4, 57  # times today's traffic, between which a break-even is looked for


@dataclass(frozen=True, eq=False)
class Advice:
    """What the advisor says about a case.

    Attributes
    ----------
    case : what it is about
    run_on : the way to run it that is recommended
    because : why, in a sentence
    edges, fit : the verdicts on the five edges, and on the good fit that belongs to the trigger
    options : every way with its month's bill
    shape, played : of the traffic, where there was some
    """

    case: Case
    run_on: Option
    because: str
    edges: tuple[Verdict, ...]
    fit: tuple[Verdict, ...]
    options: tuple[Option, ...]
    shape: Shape | None = None
    played: Played | None = None

    @cached_property
    def break_even(self) -> float | None:
        """Requests a month from about which on the cheapest fleet is cheaper: None for none, 0 if at any traffic."""
        return fleet_from(self.case)

    @property
    def function(self) -> Option:
        """The plain Lambda function among the options."""
        return next(option for option in self.options if option.name == "Lambda")

    @property
    def open_points(self) -> tuple[Verdict, ...]:
        """The verdicts that ask to look closer."""
        return tuple(verdict for verdict in (*self.edges, *self.fit) if verdict.level == CARE)


def advise(case: Case, *, shape: Shape | None = None, played: Played | None = None) -> Advice:
    """Return the advice on a case.

    Parameters
    ----------
    case : the case; what traffic says about it (peak, idle share, cold share) is already in it, see ``case_of``
    shape, played : kept with the advice for its record
    """
    edges, fit = rules.verdicts(case), rules.verdicts(case, "fit")
    run_on, because = _recommend(case, {verdict.id.split(".")[1]: verdict for verdict in _worst_first(edges)}, fit)
    return Advice(case, run_on, because, edges, fit, options(case), shape, played)


def case_of(case: Case, shape: Shape, played: Played | None = None) -> Case:
    """Return the case with what its traffic says: requests, peak, idle share, and cold share if it was played."""
    peak = max(1.0, round(shape.peak, 4))
    found = {
        "requests_month": shape.requests_a_month,
        "peak": peak,
        "peak_hour": min(max(1.0, round(shape.peak_hour, 4)), peak),
        "idle_share": shape.idle_share,
    }
    if played is not None:
        found["cold_share"] = played.cold_share
    return replace(case, **found)


def fleet_from(case: Case) -> float | None:
    """Return the traffic, in requests a month, from about which on a fleet is cheaper than the function.

    The fleet is the one that is cheapest at a thousand times today's traffic, without the rack. The search looks at a
    grid from above, then halves the interval: where both bills run side by side, they may cross more than once in it.

    Examples
    --------
    >>> f"{fleet_from(Case(requests_month=1e6)):.2g}"
    '5.4e+07'
    """
    now = case.requests_month
    if not now:
        return None
    rival = cheapest(case.with_requests(now * 1000), function=False, rack=False).name
    lowest, highest = now * FEWEST, now * MOST
    function, fleet = curve(case, "Lambda"), curve(case, rival)

    def dearer(requests: float) -> bool:
        return function(requests).total > fleet(requests).total

    if not dearer(highest):
        return None
    high, step = highest, (MOST / FEWEST) ** (1 / POINTS)
    while high > lowest and dearer(high / step):
        high /= step
    if high <= lowest:
        return 0.0
    low = high / step
    while high / low > 1.001:
        middle = (low * high) ** 0.5
        low, high = (low, middle) if dearer(middle) else (middle, high)
    return high


def _worst_first(edges: tuple[Verdict, ...]) -> list[Verdict]:
    """Return the verdicts so that of each edge the worst comes last and wins in a dict."""
    return sorted(edges, key=lambda verdict: rules.LEVELS.index(verdict.level))


def _recommend(case: Case, edge: dict[str, Verdict], fit: tuple[Verdict, ...]) -> tuple[Option, str]:
    every = {option.name: option for option in options(case)}
    function = every["Lambda"]
    if edge["lock"].level == STOP:
        if case.leave_months == 0:
            return every["Rack"], "It must run outside AWS from the first day, which none of AWS's own services does."
        return every["EKS"], (
            f"It must run outside AWS within {case.leave_months:g} months: containers on Kubernetes move with the "
            "least work, and their bill is the price of that."
        )
    if edge["long"].level == STOP:
        if is_job(case):
            return every["Fargate, a task a run"], (
                f"A run takes {rules.written(edge['long'].value)} {edge['long'].unit} and an invocation ends at "
                f"{rules.written(edge['long'].threshold)}: start a container for each run, and nothing in between."
            )
        fleet = cheapest(case, function=False, rack=False)
        return fleet, f"The longest run does not fit into an invocation: {edge['long'].sentence}."
    if edge["state"].level == STOP:
        fleet = cheapest(case, function=False, rack=False)
        why = f"It keeps {case.state_mb:,.0f} MB in memory between requests; "
        if edge["state"].id.endswith("size"):
            return fleet, f"{why}a function holds {edge['state'].threshold:,.0f} at most, and not for long."
        share = f"{edge['state'].value:.0f}% of the time allowed"
        return fleet, f"{why}moving them to a database would take {share}. A server keeps them where they are."
    if edge["steady"].level == STOP:
        fleet = cheapest(case, function=False, rack=False)
        return fleet, (
            f"{fleet.name} costs {function.total - fleet.total:,.0f} USD a month less than the function: "
            f"{edge['steady'].value:,.0f} hours of somebody's work, enough to run it."
        )
    if edge["cold"].level == STOP:
        if edge["cold"].id.endswith("late"):
            warm = every["Lambda, provisioned"]
            return warm, (
                f"{edge['cold'].value:.2g}% of the requests would come late because of cold starts; environments kept "
                f"warm cost {warm.total - function.total:,.2f} USD a month more."
            )
        fleet = cheapest(case, function=False, rack=False)
        share = f"{edge['cold'].value:.0f}% of the time allowed"
        return fleet, f"Even a warm function of this size takes {share}: faster code or more memory comes first."
    if fit and rules.worst(fit).level == STOP:
        fleet = cheapest(case, function=False, rack=False)
        return fleet, f"{rules.worst(fit).rule}: {rules.worst(fit).sentence}."
    fleet = cheapest(case, function=False, rack=False)
    if fleet.total < function.total:
        return function, (
            f"{fleet.name} would save {function.total - fleet.total:,.2f} USD a month, "
            f"{edge['steady'].value:.1f} hours of somebody's work: less than running it takes."
        )
    return function, (
        f"It costs {function.total:,.2f} USD a month and the cheapest fleet ({fleet.name}) {fleet.total:,.2f}; "
        f"{_on_edges(edge)}."
    )


def _on_edges(edge: dict[str, Verdict]) -> str:
    """Return what is left to look at when nothing stands against functions."""
    close = [verdict.rule[0].lower() + verdict.rule[1:] for verdict in edge.values() if verdict.level == CARE]
    if not close:
        return "none of the five edges stands against it"
    return f"no edge stands against it, but look closer at {' and '.join(close)}"
