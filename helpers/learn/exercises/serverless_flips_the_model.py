"""The exercises of notebook 02: what an environment keeps, what it must not keep, and what a timeout costs."""

from collections.abc import Mapping, Sequence

from helpers import tables
from helpers.learn.exercise import Exercise, Slip
from helpers.pricing import lambda_bill

TIMEOUTS = 100_000
ADA, BEN = {"pictures": ["ada-1.jpg", "ada-2.jpg"]}, {"pictures": ["ben.jpg"]}


def links(event: Mapping[str, Sequence[str]]) -> list[str]:
    """Return the link of each picture."""
    return [f"https://pictures.example/{picture}" for picture in event["pictures"]]


def leaking(events: Sequence[Mapping[str, Sequence[str]]]) -> list[list[str]]:
    """Return what callers get from a list that outlives each call."""
    return [[link for earlier in events[: i + 1] for link in links(earlier)] for i in range(len(events))]


def timed_out(*, requests: float = TIMEOUTS, duration_ms: float = 1000, memory_mb: int = 128) -> float:
    """Bill invocations that ran into their timeout."""
    return lambda_bill(requests=requests, duration_ms=duration_ms, memory_mb=memory_mb, free_tier=False).total


EXERCISES = (
    Exercise(
        id="02.1",
        minutes=4,
        title="One client for all calls",
        target="code whose five invocations in one environment open one client, and answer with five signed links",
        kind="function",
        expected=lambda invocations: 1,
        unit="clients opened",
        cases=({"invocations": 5},),
        slips=(
            Slip(
                lambda invocations: invocations,
                "Every invocation opens one of its own: which line runs each time, and which place runs once?",
            ),
            Slip(
                lambda invocations: invocations + 1,
                "One is opened in INIT, and the handler opens its own nevertheless: use the one that is there.",
            ),
        ),
        idea="section 4: what stands outside the handler runs once, in INIT",
        hints=(
            "Which line of the code does not depend on the event?",
            "Move that line up, between the import and the handler, without indentation.",
        ),
        shows="Five invocations, one client: INIT opened it, and each invocation found it open.",
    ),
    Exercise(
        id="02.2",
        minutes=4,
        title="Whose pictures are these?",
        target="code that gives each caller the links of the caller's own pictures, all in one environment",
        kind="function",
        expected=lambda events: [links(event) for event in events],
        cases=({"events": [ADA, BEN, ADA]},),
        slips=(
            Slip(leaking, "An answer holds pictures of earlier callers: where does the list begin its life?"),
            Slip(
                lambda events: [links(event)[-1:] for event in events],
                "Only the last picture of each caller is left: begin the list before the loop, not in it.",
            ),
        ),
        idea="section 4: what stands outside the handler outlives the call, whoever the caller was",
        hints=(
            "Each answer has to begin with an empty list. When does the line that makes the list run?",
            "Move that line down, to be the first of the handler.",
        ),
        shows="Three calls in one environment, and nobody sees another's pictures.",
    ),
    Exercise(
        id="02.3",
        minutes=5,
        title="Paid for nothing",
        target="an amount in USD for 100,000 such invocations, without the free tier, within half a cent",
        kind="number",
        expected=timed_out,
        unit="USD",
        slips=(
            Slip(lambda: timed_out(duration_ms=5000), "The platform did not wait so long: what does REPORT bill?"),
            Slip(
                lambda: timed_out() - TIMEOUTS * tables.price("lambda.requests").each,
                "A request that failed is a request: it has its price beside the duration.",
            ),
            Slip(lambda: timed_out(memory_mb=1024), "How much memory does publish have? Nobody set it: see REPORT."),
            Slip(
                lambda: 0,
                "Nothing, or nearly so? Count all of them, and see what REPORT bills for one that was stopped.",
            ),
        ),
        idea="section 6: billed duration runs until the platform stops the handler",
        hints=(
            "Read Billed Duration and Memory Size of the invocation that was stopped, in cloud.invocations().",
            "lambda_bill(requests=…, duration_ms=…, memory_mb=…, free_tier=False).total; the rest is three numbers.",
        ),
        shows="A call that fails is billed up to its timeout. With the longest timeout, 15 minutes, duration is 900 "
        "times as much.",
    ),
)
