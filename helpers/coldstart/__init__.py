"""Cold starts: how long, how often, what callers notice, what helps and what that costs.

Everything here is computed from numbers that are given: measurements made on this machine or elsewhere
(:mod:`~helpers.coldstart.stats`, :mod:`~helpers.coldstart.imports`), the published table
(:mod:`~helpers.coldstart.published`, :mod:`~helpers.coldstart.findings`), traffic
(:mod:`~helpers.coldstart.traffic`, :mod:`~helpers.coldstart.latency`) and prices
(:mod:`~helpers.coldstart.remedies`). ``cloud`` measures, ``show`` draws.
"""

from helpers.coldstart.findings import findings
from helpers.coldstart.imports import heaviest, parse_imports
from helpers.coldstart.latency import Latency, LogNormal, Samples
from helpers.coldstart.published import (
    code_sizes,
    idle_lifetimes,
    memory_effect,
    packages,
    pooled,
    ranked,
    slowest,
    starts,
    typical_start,
)
from helpers.coldstart.remedies import (
    Remedies,
    init_cost,
    outcome,
    provisioned_break_even,
    remedies,
    snapstart_cost,
)
from helpers.coldstart.stats import Interval, Ratio, compare, interval, median, quantile, summarise
from helpers.coldstart.traffic import (
    SHAPES,
    cold_share,
    cold_share_of_month,
    hourly_rates,
)

__all__ = [
    "SHAPES",
    "Interval",
    "Latency",
    "LogNormal",
    "Ratio",
    "Remedies",
    "Samples",
    "code_sizes",
    "cold_share",
    "cold_share_of_month",
    "compare",
    "findings",
    "heaviest",
    "hourly_rates",
    "idle_lifetimes",
    "init_cost",
    "interval",
    "median",
    "memory_effect",
    "outcome",
    "packages",
    "parse_imports",
    "pooled",
    "provisioned_break_even",
    "quantile",
    "ranked",
    "remedies",
    "slowest",
    "snapstart_cost",
    "starts",
    "summarise",
    "typical_start",
]
