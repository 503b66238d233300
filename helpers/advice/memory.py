"""What a case's function costs and how long it takes at each memory size, on both architectures."""

from __future__ import annotations

from dataclasses import dataclass, replace

from helpers import tables
from helpers.advice.case import Case
from helpers.pricing import ARCHITECTURES, lambda_bill

SIZES_MB = (128, 256, 512, 1024, 1769, 3008, 4096, 10_240)


@dataclass(frozen=True)
class Size:
    """One memory size: duration in ms, and the month's compute in USD by architecture; None where it takes too long."""

    memory_mb: float
    duration_ms: float
    usd: dict[str, float | None]


def sizes(case: Case, memories_mb: tuple[float, ...] = SIZES_MB) -> tuple[Size, ...]:
    """Return the sweep, the case's own size among the others.

    The duration follows ``memory_model``: a declared model, in which arm64 is as fast as x86_64. The bill is the
    function's alone.
    """
    timeout_ms = tables.limit("lambda.timeout").max * 1000
    found = []
    for memory in sorted({*memories_mb, case.memory_mb}):
        here = replace(case, memory_mb=memory)
        usd = {
            architecture: lambda_bill(
                requests=case.requests_month,
                duration_ms=here.duration_ms,
                memory_mb=memory,
                architecture=architecture,
                free_tier=case.free_tier,
                init_ms=case.init_ms,
                cold_start_share=case.cold_share,
            ).total
            if here.duration_ms <= timeout_ms
            else None
            for architecture in ARCHITECTURES
        }
        found.append(Size(memory, here.duration_ms, usd))
    return tuple(found)
