"""The exercises of notebook 05: a quota, the time until it is filled, an incident, a keep-alive."""

import math

from helpers import tables
from helpers.learn.exercise import Exercise, Slip
from helpers.scaling import required_concurrency
from helpers.scaling.incidents import incident

LAUNCH = {"rate_per_s": 12_000, "duration_ms": 60}
ALBUM = {"rate_per_s": 9_000, "duration_ms": 400}
SELDOM_PER_S = 20 / 3600
CAUSES = {
    "concurrency": "a reserved concurrency that is too small",
    "scaling": "the rate at which new environments are added",
    "rate": "the cap on requests a second",
}


def filled_s(at_once: float | None = None, per_s: float | None = None) -> float:
    """Return how long the album needs until its environments are there: some at once, the others one by one."""
    window = tables.limit("lambda.scaling_window").max
    most = tables.limit("lambda.scaling_rate").max
    at_once, per_s = most if at_once is None else at_once, most / window if per_s is None else per_s
    return (required_concurrency(**ALBUM) - at_once) / per_s


def keep_alive_minutes(share: float = 0.1, rounded=math.ceil) -> float:
    """Return the keep-alive at which a lone function that is called seldom starts cold in such a share of calls."""
    return rounded(-math.log(share) / SELDOM_PER_S / 60)


EXERCISES = (
    Exercise(
        id="05.1",
        minutes=2,
        title="A quota for launch day",
        target="a whole number of environments: the smallest quota that carries the launch",
        kind="number",
        expected=lambda: required_concurrency(**LAUNCH),
        tolerance=0.5,
        unit="environments",
        slips=(
            Slip(
                lambda: LAUNCH["rate_per_s"] * LAUNCH["duration_ms"] / 1000,
                "That is enough for the work. Which second limit grows with the quota?",
            ),
            Slip(lambda: LAUNCH["rate_per_s"] * LAUNCH["duration_ms"], "A duration in ms: divide before you multiply."),
            Slip(lambda: tables.limit("lambda.concurrency").max, "That is the default quota. Does it take so many?"),
        ),
        idea="section 2: concurrency for the work, concurrency for the cap, and the larger of the two",
        hints=(
            "First Little's law: rate times duration, in seconds.",
            "Then the cap: how many requests a second does one unit of quota allow?",
        ),
        shows="Short functions meet the cap on requests before they run out of environments.",
    ),
    Exercise(
        id="05.2",
        minutes=3,
        title="How long until they are there?",
        target="seconds, to within two",
        kind="number",
        expected=filled_s,
        tolerance=2,
        unit="s",
        slips=(
            Slip(lambda: filled_s(at_once=0), "Some environments may be created at once. How many?"),
            Slip(lambda: filled_s(per_s=1000), "How long is the window in which so many may be added?"),
            Slip(lambda: filled_s(per_s=500 / 60), "That was the rate before November 2023."),
            Slip(lambda: 0.0, "The quota allows them; it does not create them."),
        ),
        idea="section 5: what is there at once, and how many are added each second after that",
        hints=(
            "How many environments does the album need, by Little's law?",
            "Take off those that may start at once; the others come at a steady pace.",
        ),
        shows="A quota says how many there may be, the scaling rate when they are there. Only what is ready counts.",
    ),
    Exercise(
        id="05.3",
        minutes=4,
        title="What happened on Thursday?",
        target="one of the three causes",
        kind="choice",
        expected=lambda: CAUSES[incident("Thursday").cause],
        choices=tuple(CAUSES.values()),
        slips=(
            Slip(
                lambda: CAUSES["concurrency"],
                "Reserved concurrency holds environments at a ceiling. Watch how many worked at once at the worst "
                "moment, and how many when requests were turned away.",
            ),
            Slip(
                lambda: CAUSES["scaling"],
                "Environments that come too slowly grow in number while people are turned away. Do these?",
            ),
        ),
        idea="section 6: which of the three lines is level while requests are turned away",
        hints=(
            "Multiply the answered requests a second by their duration: are environments short?",
            "Which number stays level? Divide it by the account's quota.",
        ),
        shows="5,000 a second is ten times 500: four fifths of the quota idle, and the cap refuses all the same.",
    ),
    Exercise(
        id="05.4",
        minutes=5,
        title="Choose a keep-alive",
        target="a whole number of minutes: the shortest keep-alive with fewer than 10% cold starts",
        kind="number",
        expected=keep_alive_minutes,
        tolerance=0.4,
        unit="minutes",
        slips=(
            Slip(lambda: keep_alive_minutes(rounded=math.floor), "A little too short: round the other way."),
            Slip(
                lambda: 1 / SELDOM_PER_S / 60,
                "That is the average gap between two requests. Random gaps are often longer.",
            ),
            Slip(
                lambda: keep_alive_minutes(share=0.01),
                "That is safe, and longer than asked: it leaves one in a hundred cold.",
            ),
        ),
        idea="section 8: a lone function is cold when nobody came for a whole keep-alive",
        hints=(
            "Let sweep try each of the minutes, and read the column cold_start_probability.",
            "frame[frame.cold_start_probability < 0.1] has the keep-alives that are long enough, in seconds.",
        ),
        shows="More than twice the average gap, for one cold start in ten: random requests come in clumps.",
    ),
)
