"""The exercises of notebook 06: bills of AWS's own examples, a crossing, a memory size."""

import math

from helpers import tables
from helpers.learn.exercise import Exercise, Slip
from helpers.pricing import Provisioned, lambda_bill, last_break_even
from helpers.pricing.scenarios import Workload, compute_models

MESSAGES = 10_000 * 24 * 31


def vehicles(**more: object) -> float:
    """Bill the messages of the vehicles, as an invoice."""
    use = {"requests": MESSAGES, "duration_ms": 2000, "memory_mb": 1024, "free_tier": False} | more
    return lambda_bill(**use).invoice_total


def unrounded(requests: float, duration_ms: float, memory_mb: float, rounding=math.ceil) -> float:
    """Compute the two dimensions by hand, without free tier."""
    gb_seconds = requests * memory_mb / 1024 * rounding(duration_ms) / 1000
    request, duration = tables.price("lambda.requests"), tables.price("lambda.duration.x86_64.tier1")
    return requests * request.each + gb_seconds * duration.each


def sales_day(**more: object) -> float:
    """Bill the day of sales, as an invoice."""
    use = {"requests": 2e6, "duration_ms": 280, "memory_mb": 4096, "provisioned": Provisioned(7, hours=24)} | more
    return lambda_bill(**use).invoice_total


def last_crossing(model: str, peak: float) -> float:
    """Return the requests a month above which a model is cheaper than functions for good."""
    bills = compute_models(Workload(peak=peak))
    return last_break_even(bills["Lambda"], bills[model], low=1e6, high=1e10).x


def fast_enough_mb(slack_ms: float) -> int:
    """Return the smallest memory size that computes for at most so long."""
    return math.ceil(100 * tables.limit("lambda.full_vcpu_memory").max / slack_ms)


EXERCISES = (
    Exercise(
        id="06.1",
        minutes=2,
        title="Vehicles that phone home",
        target="an amount in USD a month, to the cent: the one that AWS prints for its example",
        kind="number",
        expected=vehicles,
        unit="USD a month",
        slips=(
            Slip(lambda: vehicles(free_tier=True), "Who gets the free tier? Here others have used it up."),
            Slip(lambda: vehicles(duration_ms=2), "Look at the unit of the duration: the helper takes milliseconds."),
            Slip(lambda: vehicles(requests=10_000 * 24), "How many days does the month have? One day is not enough."),
            Slip(lambda: vehicles(requests=10_000 * 31), "How often does a vehicle report on one day?"),
        ),
        idea="section 2: lambda_bill with requests, duration_ms and memory_mb",
        hints=(
            "First count the messages: vehicles, hours, days.",
            "lambda_bill(requests=…, duration_ms=…, memory_mb=…, free_tier=False) gives a bill.",
            "The invoice total is what AWS prints: bill.invoice_total.",
        ),
        shows="Without a free tier, 7.44 million messages of 2 seconds cost what AWS's page says, to the cent.",
    ),
    Exercise(
        id="06.2",
        minutes=5,
        title="The calculator in three lines",
        target="a function whose result equals the helper's total without free tier, in USD a month",
        kind="function",
        expected=lambda requests, duration_ms, memory_mb: (
            lambda_bill(requests=requests, duration_ms=duration_ms, memory_mb=memory_mb, free_tier=False).total
        ),
        tolerance=0.0,
        relative=1e-9,
        unit="USD a month",
        cases=(
            {"requests": 3_000_000, "duration_ms": 120, "memory_mb": 1536},
            {"requests": 1_000_000, "duration_ms": 0.2, "memory_mb": 128},
            {"requests": 250_000, "duration_ms": 899.5, "memory_mb": 2048},
        ),
        slips=(
            Slip(
                lambda requests, duration_ms, memory_mb: unrounded(requests, duration_ms, memory_mb, rounding=float),
                "Round the duration of each invocation up to a whole millisecond.",
            ),
            Slip(
                lambda requests, duration_ms, memory_mb: unrounded(requests, duration_ms, memory_mb * 1.024),
                "How many MB does AWS count as one GB? It is not 1,000.",
            ),
            Slip(
                lambda requests, duration_ms, memory_mb: (
                    unrounded(requests, duration_ms, memory_mb) - requests * tables.price("lambda.requests").each
                ),
                "A request has a price of its own, beside its duration.",
            ),
        ),
        idea="section 1: requests times rate, plus GB-seconds times rate",
        hints=(
            "Begin with the GB-seconds: requests × GB × seconds.",
            "GB is memory_mb / 1024; seconds is math.ceil(duration_ms) / 1000.",
            "The request rate is per million: divide by 1_000_000.",
        ),
        shows="Three lines are the whole price model; the rest of a calculator is free tier, tiers and sources.",
    ),
    Exercise(
        id="06.3",
        minutes=2,
        title="A day of sales",
        target="an amount in USD for the day, to the cent: the one that AWS prints for its example",
        kind="number",
        expected=sales_day,
        unit="USD",
        slips=(
            Slip(lambda: sales_day(provisioned=None), "Where are the seven provisioned environments?"),
            Slip(lambda: sales_day(provisioned=Provisioned(7)), "For how many hours are the environments kept?"),
            Slip(lambda: sales_day(provisioned=Provisioned(1, hours=24)), "How many environments are kept?"),
        ),
        idea="section 6: Provisioned(environments, hours=…) as an argument of lambda_bill",
        hints=(
            "Three lines make this bill: environments kept, duration on them, requests.",
            "lambda_bill(..., provisioned=Provisioned(7, hours=24)); then invoice_total.",
        ),
        shows="Keeping environments warm is a third of this day's bill, and paid whether requests come or not.",
    ),
    Exercise(
        id="06.4",
        minutes=2,
        title="Flat traffic",
        target="a number of requests a month, within 2%",
        kind="number",
        expected=lambda: last_crossing("Fargate", peak=1),
        tolerance=0.0,
        relative=0.02,
        unit="requests a month",
        slips=(
            Slip(lambda: last_crossing("Fargate", peak=3), "That is the place with peaks. Flatten the traffic first."),
            Slip(lambda: last_crossing("EC2", peak=1), "That is another fleet's crossing: which line is Fargate's?"),
        ),
        idea="section 7: the control for the busiest moment, and the sentence under the figure",
        hints=(
            "Set the busiest moment to 1 times the average.",
            "The sentence names each model with the requests above which it is cheaper for good.",
        ),
        shows="Without peaks nothing is kept in reserve, and the fleet wins a third earlier.",
    ),
    Exercise(
        id="06.5",
        minutes=2,
        title="Fast enough, and no more",
        target="a whole number of MB",
        kind="number",
        expected=lambda: fast_enough_mb(slack_ms=150),
        tolerance=0.5,
        unit="MB",
        slips=(
            Slip(lambda: fast_enough_mb(slack_ms=150) - 1, "One MB less is a little too slow: round the other way."),
            Slip(lambda: fast_enough_mb(slack_ms=200), "The waiting takes its part of the 200 ms."),
            Slip(lambda: 1769, "That is fast enough, and more than needed."),
        ),
        idea="section 8: waiting stays, computing grows as memory shrinks",
        hints=(
            "How much time is left for computing once the waiting is over?",
            "100 × 1769 / memory has to be that time at most. Solve for memory, and round up.",
        ),
        shows="Two thirds of a vCPU are enough for this target; the rest of the memory would buy unasked speed.",
    ),
)
