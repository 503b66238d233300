"""One exercise of each kind: a pattern for authors, and what the tests try.

These belong to no notebook and count in nobody's progress.
"""

from typing import Any

from helpers.learn.exercise import Exercise, Slip

REQUESTS = 3_000_000


def _bill(requests: int, memory_mb: int = 1536, free_tier: bool = True) -> float:
    from helpers import pricing

    bill = pricing.lambda_bill(requests=requests, duration_ms=120, memory_mb=memory_mb, free_tier=free_tier)
    return float(bill.invoice_total)


def _two_bills() -> Any:
    import pandas as pd

    sizes = [512, 1536]
    return pd.DataFrame({"memory_mb": sizes, "usd": [_bill(REQUESTS, size) for size in sizes]})


EXERCISES = (
    Exercise(
        id="example.1",
        minutes=5,
        title="A month's bill for one function",
        target="an amount in USD a month, to the cent",
        kind="number",
        expected=lambda: _bill(REQUESTS),
        unit="USD a month",
        slips=(Slip(lambda: _bill(REQUESTS, free_tier=False), "the monthly free tier, which comes off first"),),
        idea="the two lines of a bill: requests, and GB-seconds",
        hints=(
            "A bill has two lines.",
            "Memory counts in GB, duration in seconds.",
            "Take the free tier off each line.",
        ),
        shows="Three million requests cost less than a coffee: the free tier covers most of the GB-seconds.",
    ),
    Exercise(
        id="example.2",
        minutes=10,
        title="A function for any number of requests",
        target="a function of requests and memory_mb that returns USD a month",
        kind="function",
        cases=({"requests": 1_000_000, "memory_mb": 512}, {"requests": 40_000_000, "memory_mb": 1536}),
        expected=_bill,
        unit="USD a month",
        slips=(Slip(lambda requests, memory_mb: _bill(requests, memory_mb, free_tier=False), "the monthly free tier"),),
        idea="the formula that we wrote by hand",
        hints=("Start from the formula for one month.",),
    ),
    Exercise(
        id="example.3",
        minutes=2,
        title="What an idle function costs",
        target='one of "nothing", "the memory", "one request"',
        kind="choice",
        choices=("nothing", "the memory", "one request"),
        expected=lambda: "nothing",
        slips=(Slip(lambda: "the memory", "memory is billed while a request runs"),),
        idea="what is metered, and when",
        hints=("Look at the bill for zero requests.",),
    ),
    Exercise(
        id="example.4",
        minutes=5,
        title="Two memory sizes side by side",
        target="a table with the columns memory_mb and usd, a row for 512 and one for 1536",
        kind="table",
        expected=_two_bills,
        unit="USD a month",
        idea="one bill for each size",
        hints=("A list of two bills becomes a column.",),
    ),
)
