"""A long job on everything that could run it: how long until it is done, in how many pieces, for how much.

The job is a number of equal pieces of computing on one full vCPU; each way's limits come from ``data/limits.csv``, its
rates from ``data/prices.csv``. Neighbour: :mod:`helpers.scaling` says how fast a queue's pollers take pieces up.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from helpers import tables
from helpers.checks import number
from helpers.pricing.bill import Bill
from helpers.pricing.fleets import ec2_bill, fargate_bill, managed_instances_bill
from helpers.pricing.functions import lambda_bill
from helpers.pricing.services import service_bill

if TYPE_CHECKING:
    import pandas as pd

ARCHITECTURE = "arm64"
SQS_REQUESTS_A_PIECE = 3  # sent, received, deleted
OPERATIONS_A_PIECE = 1  # a step of a durable function
RECURSIONS = 16  # after so many rounds Lambda's guard stops a function that calls itself
SPARE_S = 30  # that a function which goes on leaves itself for saving


@dataclass(frozen=True, kw_only=True)
class Work:
    """A long job.

    Attributes
    ----------
    hours : of computing on one full vCPU
    pieces : into which it can be cut
    at_once : pieces that a workflow runs at a time
    """

    hours: float = 3
    pieces: int = 180
    at_once: int = 40

    def __post_init__(self) -> None:
        number("hours", self.hours, 0, 720, above=True)
        number("pieces", self.pieces, 1, 100_000)
        number("at_once", self.at_once, 1, 1000)

    @property
    def seconds(self) -> float:
        """Of computing, all together."""
        return self.hours * 3600

    @property
    def piece_s(self) -> float:
        """Of computing, for one piece."""
        return self.seconds / self.pieces


@dataclass(frozen=True)
class Way:
    """One way to run a job.

    Attributes
    ----------
    name : of the way
    limit_s : for one uninterrupted stretch; None where there is none
    stretches : into which the job falls
    done_s : until the last is done; NaN where it never is
    bill : of one job, without free tier
    but : what stands against it, "" where nothing does
    """

    name: str
    limit_s: float | None
    stretches: int
    done_s: float
    bill: Bill
    but: str = ""


def queue_s(work: Work) -> float:
    """Return how long Lambda's pollers take for the pieces: they begin with five at once, and add by the minute.

    Examples
    --------
    >>> queue_s(Work(hours=3, pieces=180))
    95.0
    """
    start, ramp = tables.limit("lambda.sqs.concurrency_start").min, tables.limit("lambda.sqs.concurrency_ramp").max
    left, now_s, busy = work.pieces, 0.0, []
    while left:
        most = min(start + ramp * now_s / 60, tables.limit("lambda.sqs.concurrency").max)
        busy = [end for end in busy if end > now_s]
        taken = min(int(most) - len(busy), left)
        busy += [now_s + work.piece_s] * max(taken, 0)
        left -= max(taken, 0)
        now_s += 1.0
    return max(busy)


def ways(work: Work) -> tuple[Way, ...]:
    """Return each way to run the job, the one that fails first.

    A queue and a workflow run pieces side by side; what goes on by itself, and a machine, one after the other.
    """
    limit_s = tables.limit("lambda.timeout").max
    memory = int(tables.limit("lambda.full_vcpu_memory").max)

    def functions(requests: float, seconds: float) -> Bill:
        use = {"memory_mb": memory, "architecture": ARCHITECTURE, "free_tier": False}
        # An average that is above the limit is billed in stretches of their own.
        return lambda_bill(requests=requests, duration_ms=seconds / requests * 1000, **use)

    too_long = f"a piece takes {work.piece_s:,.0f} s, the limit is {limit_s:,.0f}" if work.piece_s > limit_s else ""
    rounds = math.ceil(work.seconds / (limit_s - SPARE_S))
    transitions = 2 + 2 * work.pieces
    durable = tables.limit("lambda.durable.operations").max
    managed = tables.limit("lambda_managed_instances.timeout").max
    kept = int(tables.limit("lambda_managed_instances.environments").min)
    stretches = math.ceil(work.seconds / managed)
    nodes = ec2_bill("m7g.large", count=kept, hours=work.seconds / stretches / 3600)
    one_go = min(work.seconds, limit_s)
    found = [
        Way(
            "one invocation",
            limit_s,
            1,
            work.seconds if work.seconds <= limit_s else math.nan,
            functions(1, one_go),
            "" if work.seconds <= limit_s else f"cut off with {limit_s / work.seconds:.0%} done",
        )
    ]
    if not too_long:
        found += [
            Way(
                "queue",
                limit_s,
                work.pieces,
                queue_s(work),
                functions(work.pieces, work.seconds)
                + service_bill("sqs.standard.requests", SQS_REQUESTS_A_PIECE * work.pieces, free_tier=False),
                "nobody knows when all is done",
            ),
            Way(
                "Step Functions",
                limit_s,
                work.pieces,
                math.ceil(work.pieces / work.at_once) * work.piece_s,
                functions(work.pieces, work.seconds)
                + service_bill("stepfunctions.standard.transitions", transitions, free_tier=False),
            ),
            Way(
                "goes on by itself",
                limit_s,
                rounds,
                work.seconds,
                functions(rounds, work.seconds),
                f"the guard stops it after {RECURSIONS} rounds" if rounds > RECURSIONS else "one piece after the other",
            ),
            Way(
                "durable function",
                limit_s,
                rounds,
                work.seconds,
                functions(rounds, work.seconds)
                + service_bill("lambda.durable.operations", OPERATIONS_A_PIECE * work.pieces),
                "" if work.pieces <= durable else f"more than {durable:,.0f} operations",
            ),
        ]
    return (
        *found,
        Way(
            "Managed Instances",
            managed,
            stretches,
            work.seconds / stretches,
            managed_instances_bill(nodes=nodes, requests=stretches),
            f"{kept} instances at least, by the hour",
        ),
        Way(
            "Fargate task",
            None,
            1,
            work.seconds,
            fargate_bill(vcpu=1, memory_gb=2, tasks=1, seconds_per_task=work.seconds, architecture=ARCHITECTURE),
        ),
        Way(
            "Batch on EC2",
            None,
            1,
            work.seconds,
            ec2_bill("c7g.medium", hours=work.hours, storage_gb=20),
            "minutes until the instance runs",
        ),
    )


def table(work: Work) -> pd.DataFrame:
    """Return the ways as a frame: way, stretches, done_min (minutes until done), usd (for one job), but."""
    import pandas as pd

    rows = [(one.name, one.stretches, one.done_s / 60, one.bill.total, one.but) for one in ways(work)]
    frame = pd.DataFrame(rows, columns=["way", "stretches", "done_min", "usd", "but"])
    return frame.round({"done_min": 1, "usd": 3})
