"""The exercises of notebook 10: two numbers that decide, an edge to name, and what would turn a decision around."""

from collections.abc import Sequence
from functools import cache

import numpy as np

from helpers.advice import Case, advise, by_rule, split
from helpers.learn.exercise import Exercise, Slip

MINUTES = ([12, 0, 30, 18], [0, 0, 0, 60, 0], [7, 7, 7])
#: The workload of exercise 10.4: a dashboard that shows a plant's machines, twenty times a second.
DASHBOARD = Case(
    requests_month=80e6,
    **split(40, cpu_share=0.5, memory_mb=1024),
    memory_mb=1024,
    peak=2,
    latency_aim_ms=50,
    state_mb=3000,
    state_trips=6,
    response_kb=2,
    door="ALB",
)
#: The workload of exercise 10.3: an API whose traffic grows.
GROWING = Case(requests_month=20e6, **split(100, cpu_share=0.2, memory_mb=512), peak=3, door="ALB", response_kb=5)


def peak_of(counts: Sequence[float]) -> float:
    """Return the busiest minute against the average."""
    return max(counts) / (sum(counts) / len(counts))


def idle_of(counts: Sequence[float]) -> float:
    """Return the share of the minutes without any request."""
    return sum(count == 0 for count in counts) / len(counts)


def edges_against(case: Case) -> set[str]:
    """Return the rules whose verdict is against functions."""
    return {rule for rule, verdict in by_rule(advise(case).edges).items() if verdict.level == "against"}


@cache
def turning_point() -> float:
    """Return the traffic from which on a fleet is cheaper for the growing API."""
    return advise(GROWING).break_even or 0.0


RULES = (
    "Long-running or compute-heavy work",
    "Steady, high-throughput traffic",
    "Cold-start-sensitive applications",
    "Heavy stateful processing",
    "Vendor lock-in",
)

EXERCISES = (
    Exercise(
        id="10.1",
        minutes=3,
        title="The busiest minute",
        target="a function from requests in each minute to the busiest minute against the average",
        kind="function",
        expected=lambda counts: peak_of(counts),
        tolerance=1e-9,
        unit="times the average",
        cases=tuple({"counts": counts} for counts in MINUTES),
        slips=(
            Slip(
                lambda counts: max(counts) / float(np.median(counts) or 1), "A fleet pays for the mean, not the median."
            ),
            Slip(lambda counts: max(counts) / 60, "That is its rate a second. Against what do you hold it?"),
            Slip(
                lambda counts: max(counts) / (sum(counts) / max(sum(count > 0 for count in counts), 1)),
                "Idle minutes count as well: a fleet is paid for in them.",
            ),
        ),
        idea="section 2: the busiest minute, divided by the mean of all minutes",
        hints=("The mean is sum(counts) / len(counts).", "max(counts) divided by that mean."),
        shows="This ratio is what a fleet keeps ready for one unit that it uses.",
    ),
    Exercise(
        id="10.2",
        minutes=3,
        title="Nobody there",
        target="a function from requests in each minute to the share of minutes without a request, between 0 and 1",
        kind="function",
        expected=lambda counts: idle_of(counts),
        tolerance=1e-9,
        cases=tuple({"counts": counts} for counts in MINUTES),
        slips=(
            Slip(lambda counts: 1 - idle_of(counts), "That is the share of busy minutes."),
            Slip(lambda counts: float(sum(count == 0 for count in counts)), "That counts them; divide by how many."),
        ),
        idea="section 2: count the zeros, divide by all",
        hints=("How many of the counts are 0?", "sum(count == 0 for count in counts) / len(counts)"),
        shows="In that share of the time a server earns nothing and a function costs nothing.",
    ),
    Exercise(
        id="10.3",
        minutes=5,
        title="How far to the fleet",
        target="how many times today's traffic, within 3%",
        kind="number",
        expected=lambda: turning_point() / GROWING.requests_month,
        tolerance=0.0,
        relative=0.03,
        unit="times",
        slips=(
            Slip(lambda: turning_point(), "That is the traffic itself. How many times today's is it?"),
            Slip(lambda: GROWING.requests_month / turning_point(), "The other way round: how many times today's?"),
        ),
        idea="section 4: the place where the two lines cross, divided by today's traffic",
        hints=(
            "advise(growing).break_even is in requests a month.",
            "Divide it by growing.requests_month.",
        ),
        shows="A decision holds as long as traffic stays on this side: write the number into the record.",
    ),
    Exercise(
        id="10.4",
        minutes=5,
        title="A dashboard of machines",
        target="the set of rules whose verdict is 'against', in the words of the table",
        kind="choice",
        expected=lambda: edges_against(DASHBOARD),
        choices=RULES,
        idea="section 5: each verdict has a number and a threshold",
        hints=(
            "advise(dashboard) has .edges; decisions.verdicts shows them as a table.",
            "Look for the word 'against' in the column verdict.",
        ),
        shows="State that changes with every request stands against functions here, and cost alone might not.",
    ),
)
