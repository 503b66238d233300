"""The exercises of notebook 08: a heavy import, what data say of cold starts, environments to keep, several calls."""

from functools import cache

from helpers.coldstart import Remedies, outcome
from helpers.learn.exercise import Exercise, Slip
from helpers.learn.starts import HALF, LONG, MOVED

# 08.2: what people say, and whether the data of the notebook bear it out.
FALSE = (
    "More memory shortens INIT",
    "A container image always starts slower than a zip file",
    "A function that is called every few seconds never starts cold",
)
TRUE = (
    "No INIT of a zip file in the published table took a second",
    "At 128 MB, a .NET function may need more than a second for its first answer",
    "The more code there is to load, the longer INIT takes",
)

# 08.3: the shop's checkout waits for its payment provider.
CHECKOUT = {"requests": 100_000, "wait_ms": 800, "cpu_ms": 100, "memory_mb": 1024, "init_ms": 1500}
WANTED_MS, BUDGET_USD = 2000, 30


@cache
def p99_and_bill(environments: int) -> tuple[float, float]:
    """Return the checkout's p99 in ms, and its bill in USD a month, with so many environments provisioned."""
    found = outcome(Remedies(**CHECKOUT), provisioned=environments)
    return float(found.latency.quantile(0.99)), found.bill.total


def enough(*, budget: float = BUDGET_USD) -> int:
    """Return the least number of environments that keeps both promises, 0 if none does."""
    kept = (n for n in range(20) if p99_and_bill(n)[0] <= WANTED_MS and p99_and_bill(n)[1] <= budget)
    return next(kept, 0)


EXERCISES = (
    Exercise(
        id="08.1",
        minutes=6,
        title="Half the start",
        target="code with the same answers whose INIT and first call together take half the time or less, "
        "measured here in turns with the code before",
        kind="function",
        expected=lambda repetitions: HALF,
        cases=({"repetitions": 3},),
        slips=(
            Slip(
                lambda repetitions: MOVED,
                "The import moved into the handler, where every first visitor still pays for it. What is it used for?",
            ),
            Slip(
                lambda repetitions: LONG,
                "Most of the time is still spent. Which block of the icicle is the widest, and which line asks for it?",
            ),
        ),
        idea="section 3: the widest block of the icicle",
        hints=(
            "cold.imports(import_times(cloud, slow_code)) draws the icicle of this code.",
            "One import takes nearly all of the time, and the handler needs it for one date.",
            "datetime.date.fromisoformat(text) reads such a date, and strftime writes it as before.",
        ),
        shows="The shortest import is the one that is not there: Python's own library knew dates all along.",
    ),
    Exercise(
        id="08.2",
        minutes=5,
        title="Three sayings",
        target="a set of three texts, copied from the list",
        kind="choice",
        choices=tuple(text for pair in zip(FALSE, TRUE, strict=True) for text in pair),
        expected=lambda: set(FALSE),
        slips=(Slip(lambda: set(TRUE), "These are the three that hold: which are left?"),),
        idea="sections 5 and 6: each saying is one line of code away from its answer",
        hints=(
            "memory_effect(), packages(), slowest() and cold_share() of helpers.coldstart answer four of them.",
            "starts() is the whole table: look at the largest init_max_ms of the zip files. code_sizes() is the last.",
            "An 'always' or a 'never' falls with a single row that disagrees.",
        ),
        shows="All three come from something true: memory helps the first call, images are slower with AWS's own "
        "runtimes, and busy functions are seldom cold.",
    ),
    Exercise(
        id="08.3",
        minutes=5,
        title="Within two seconds, for thirty dollars",
        target="a whole number of environments: the smallest that keeps both promises",
        kind="number",
        expected=enough,
        tolerance=0,
        unit="environments",
        slips=(
            Slip(lambda: 1, "It is there for a single request at a time, and the next visitor finds it busy."),
            Slip(lambda: enough() + 1, "It keeps the first promise. What does it do to the second?"),
            Slip(lambda: 0, "With none provisioned, more than one request in a hundred starts cold."),
        ),
        idea="section 7: outcome(use, provisioned=n) gives latency and bill",
        hints=(
            "For each n, print outcome(checkout, provisioned=n): .latency.quantile(0.99) and .bill.total.",
            "Start at none and go up until the p99 is low enough; then look at the bill.",
        ),
        shows="The first environment changes next to nothing and costs as much as the second, which keeps the promise.",
    ),
    Exercise(
        id="08.4",
        minutes=2,
        title="A page of five calls",
        target="a number of pages, to the nearest one",
        kind="number",
        expected=lambda: 1000 * (1 - 0.99**5),
        tolerance=0.6,
        unit="pages",
        slips=(
            Slip(lambda: 1000 * 0.01, "That is one call. How many has the page?"),
            Slip(lambda: 1000 * 0.99**5, "These meet none: all five are warm. What is left?"),
            Slip(lambda: 1000 * 0.01**5, "That is a page on which all five start cold. One is enough to wait."),
        ),
        idea="a page is warm when all of its calls are",
        hints=(
            "A call is warm with probability 0.99. With which are two of them warm, if neither knows of the other?",
            "Take what is left to 1, then the thousand.",
        ),
        shows="The more calls a page makes, the more of its visitors meet the slowest of a hundred: watch high "
        "percentiles.",
    ),
)
