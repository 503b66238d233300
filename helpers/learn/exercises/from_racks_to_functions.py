"""The exercises of notebook 01: requests in progress, the size of a fleet, headroom, where idling decides."""

import math

from helpers.capacity import Week, concurrency, units_needed
from helpers.history import Shop, provision
from helpers.learn.exercise import Exercise, Slip
from helpers.pricing import fargate_bill, lambda_bill

PEAK_PER_S, IN_SYSTEM_MS, COMPUTING_MS = 220, 150, 100
A_MILLION = 1e6


def in_progress(duration_ms: float) -> float:
    """Return the requests in progress at the launch's peak."""
    return concurrency(rate_per_s=PEAK_PER_S, duration_ms=duration_ms)


def nobody_turned_away_at(percent: int) -> bool:
    """Tell whether virtual machines, planned to be busy so much, carry the whole launch night."""
    return not provision("VMs", Week(), Shop(use=percent / 100)).served.dropped.any()


def highest_use() -> int:
    """Return the highest planned use, in steps of five percent, at which nobody is turned away."""
    return next(percent for percent in range(60, 0, -5) if nobody_turned_away_at(percent))


def break_even_percent(*, function_ms: float = IN_SYSTEM_MS, memory_gb: float = 2) -> float:
    """Return the utilisation, in percent, at which a request costs the same in a container and as a function."""
    functions = lambda_bill(requests=A_MILLION, duration_ms=function_ms, memory_mb=1769, free_tier=False).total
    an_hour = fargate_bill(vcpu=1, memory_gb=memory_gb, tasks=1, seconds_per_task=3600).total
    return 100 * A_MILLION * COMPUTING_MS / 1000 / 3600 * an_hour / functions


EXERCISES = (
    Exercise(
        id="01.1",
        minutes=2,
        title="In progress at the peak",
        target="a number of requests that are in progress at the same time, on average",
        kind="number",
        expected=lambda: in_progress(IN_SYSTEM_MS),
        tolerance=0.1,
        unit="requests",
        slips=(
            Slip(lambda: in_progress(COMPUTING_MS), "A request is in progress while it waits, too."),
            Slip(
                lambda: in_progress(IN_SYSTEM_MS * 1000),
                "Look at the unit of the time: a rate per second needs seconds.",
            ),
            Slip(lambda: PEAK_PER_S / IN_SYSTEM_MS * 1000, "Divided, where Little's law multiplies."),
        ),
        idea="section 3: arrival rate times time in the system",
        hints=(
            "How long is one request in the system, in seconds?",
            "Little's law multiplies that by the arrival rate.",
        ),
        shows="This many environments run at the peak of the launch, and a tenth of them in the quietest hour.",
    ),
    Exercise(
        id="01.2",
        minutes=4,
        title="How many units?",
        target="a function that returns whole units, never fewer than two",
        kind="function",
        expected=lambda load, unit_capacity, use: units_needed(
            load=load, unit_capacity=unit_capacity, utilisation=use, minimum=2
        ),
        tolerance=0.001,
        unit="units",
        cases=(
            {"load": 218.5, "unit_capacity": 20, "use": 0.6},
            {"load": 218.5, "unit_capacity": 160, "use": 0.6},
            {"load": 48, "unit_capacity": 20, "use": 0.8},
            {"load": 5, "unit_capacity": 20, "use": 0.6},
        ),
        slips=(
            Slip(
                lambda load, unit_capacity, use: max(2, math.ceil(load / unit_capacity)),
                "Where is the headroom? Only a share of each unit is planned to be used.",
            ),
            Slip(
                lambda load, unit_capacity, use: max(2, math.floor(load / (unit_capacity * use))),
                "Half a server cannot be bought: which way do you round, so that the load is carried?",
            ),
            Slip(
                lambda load, unit_capacity, use: math.ceil(load / (unit_capacity * use)),
                "One unit may fail: what is the least that a fleet keeps?",
            ),
            Slip(
                lambda load, unit_capacity, use: max(2, load / (unit_capacity * use)),
                "Units are whole: which way do you round?",
            ),
        ),
        idea="section 4: load, divided by the part of a unit that is planned to be used, in whole units",
        hints=(
            "A unit may carry unit_capacity × use; the rest is headroom.",
            "math.ceil rounds up to a whole number.",
            "max(2, …) keeps two in any case.",
        ),
        shows="Load, size of a unit, headroom, whole units, a minimum: every fleet is sized by this line.",
    ),
    Exercise(
        id="01.3",
        minutes=3,
        title="Headroom for a late fleet",
        target="a whole percentage, a multiple of five",
        kind="number",
        expected=highest_use,
        tolerance=0.5,
        unit="%",
        slips=(
            Slip(lambda: highest_use() + 5, "Close, but read the sentence: there are still some who are turned away."),
            Slip(lambda: highest_use() - 5, "Nobody is turned away there, but it is not the highest such value."),
            Slip(lambda: highest_use() / 100, "In percent, as the control has it."),
        ),
        idea="section 6: the control for planned use, and what the sentence says about EC2 VMs",
        hints=(
            "Leave everything else as in the picture, and lower the planned use by five, again and again.",
            "Stop at the first value at which the sentence says nobody for EC2 VMs.",
        ),
        shows="Three quarters of the fleet stand by all week, so that its slowness goes unnoticed for ten minutes.",
    ),
    Exercise(
        id="01.4",
        minutes=3,
        title="Where idling decides",
        target="a utilisation in percent, within one percent of itself",
        kind="number",
        expected=break_even_percent,
        tolerance=0.0,
        relative=0.01,
        unit="%",
        slips=(
            Slip(lambda: break_even_percent() / 100, "That is the share; the answer is wanted in percent."),
            Slip(lambda: 1e4 / break_even_percent(), "Upside down: containers at full use are the cheaper of the two."),
            Slip(
                lambda: break_even_percent(function_ms=COMPUTING_MS),
                "A function is billed while it waits, too: what is its duration?",
            ),
        ),
        idea="section 7: a million requests as functions, and in containers that never idle",
        hints=(
            "a_million_in_containers is for containers that never idle. At half the utilisation they cost twice that.",
            "At utilisation u they cost a_million_in_containers / u. Set that equal to a_million_as_functions.",
            "Solve for u, and multiply by 100.",
        ),
        shows="Below this utilisation functions are cheaper, above it containers: idling decides, not the rate.",
    ),
)
