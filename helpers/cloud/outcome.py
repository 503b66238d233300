"""One invocation as it was measured, its billed duration and its price.

Since August 2025 the INIT phase is billed with the invocation that caused it: INIT and handler are added, then
rounded up to the millisecond (https://aws.amazon.com/blogs/compute/aws-lambda-standardizes-billing-for-init-phase/).
:mod:`helpers.cloud.report` writes an :class:`Outcome` as AWS does; the rates come from :mod:`helpers.pricing`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from helpers import tables
from helpers.checks import choice, number
from helpers.pricing import Provisioned, SnapStart, billed_duration_ms, lambda_bill

STATUSES = ("success", "error", "timeout")
INITIALIZATIONS = ("on-demand", "provisioned-concurrency", "snap-start")
PLATFORM_ERRORS = ("Runtime.", "Function.", "Extension.", "Sandbox.")


@dataclass(frozen=True)
class Outcome:
    """How one invocation ended, as the caller measured it.

    Attributes
    ----------
    request_id : the invocation's id
    version : ``"$LATEST"``, or the number of a published version
    status : ``"success"``, ``"error"`` (the function raised, or its process died) or ``"timeout"``
    duration_ms : from the event's arrival in the environment to the end; after a timeout the timeout itself, as AWS
        reports it
    init_ms : only when this invocation waited for INIT (with SnapStart: for the restore)
    memory_mb, max_memory_mb : configured, and the most that was used
    error_type : ``"Runtime.ExitError"``, ``"Runtime.OutOfMemory"``, or the class of the exception that was raised
    init_in_invoke : INIT was repeated inside the invocation and is part of ``duration_ms``; AWS shows no INIT then
    initialization : how the environment came to be
    """

    request_id: str
    version: str
    status: str
    duration_ms: float
    init_ms: float | None
    memory_mb: int
    max_memory_mb: int
    error_type: str | None = None
    init_in_invoke: bool = False
    initialization: str = "on-demand"

    def __post_init__(self) -> None:
        choice("status", self.status, STATUSES)
        choice("initialization", self.initialization, INITIALIZATIONS)
        number("duration_ms", self.duration_ms, 0, tables.limit("lambda.timeout").max * 1000, above=True)
        number("init_ms", self.init_ms or 0.0)

    @property
    def shown_init_ms(self) -> float | None:
        """INIT as the log shows it, beside the duration; None when there was none, or when it is in the duration."""
        return None if self.init_in_invoke else self.init_ms

    @property
    def billed_init_ms(self) -> float:
        """What is billed of INIT with this invocation, before the sum is rounded up."""
        if self.initialization == "provisioned-concurrency":
            return 0.0
        init_ms = self.shown_init_ms or 0.0
        return float(math.ceil(init_ms)) if self.initialization == "snap-start" else init_ms

    @property
    def platform_error(self) -> str | None:
        """What the log calls the error: an exception that the function raised is not the platform's to name."""
        named = self.status == "error" and (self.error_type or "").startswith(PLATFORM_ERRORS)
        return self.error_type if named else None


def billed_ms(outcome: Outcome) -> int:
    """Return the billed duration: what was waited for INIT and the duration, together rounded up.

    With provisioned concurrency the environment was initialized before, and is paid by the hour: its INIT is not
    billed here. A restore is billed in whole milliseconds of its own.

    Examples
    --------
    >>> billed_ms(Outcome("8f5c", "$LATEST", "success", 1233.96, 463.512, 256, 123))
    1698
    """
    return int(billed_duration_ms(outcome.duration_ms, init_ms=outcome.billed_init_ms))


def usd(outcome: Outcome, *, architecture: str = "x86_64", rates: Any = None) -> float:
    """Return what this one invocation costs in USD, without free tier: its GB-seconds and its request.

    Parameters
    ----------
    outcome : the invocation
    architecture : ``"x86_64"`` or ``"arm64"``
    rates : another price table of the form of ``tables.prices()``

    Notes
    -----
    What is paid by the hour (environments kept provisioned, snapshots kept cached) is not in it.

    Examples
    --------
    >>> cold = usd(Outcome("8f5c", "$LATEST", "success", 100.0, 900.0, 1024, 80))
    >>> warm = usd(Outcome("90aa", "$LATEST", "success", 100.0, None, 1024, 80))
    >>> round(1e6 * cold, 2), round(1e6 * warm, 2)
    (16.87, 1.87)
    """
    provisioned = snapstart = None
    if outcome.initialization == "provisioned-concurrency":
        provisioned = Provisioned(environments=0, hours=0)
    elif outcome.initialization == "snap-start":
        snapstart = SnapStart(cached_hours=0, restores=1 if outcome.shown_init_ms else 0)
    return lambda_bill(
        requests=1,
        duration_ms=outcome.duration_ms,
        init_ms=outcome.billed_init_ms,
        cold_start_share=1,
        memory_mb=outcome.memory_mb,
        architecture=architecture,
        free_tier=False,
        provisioned=provisioned,
        snapstart=snapstart,
        rates=rates,
    ).total
