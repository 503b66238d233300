"""The figures about cold starts: measured here, published for AWS, what callers notice, and what helps.

What was measured is given as a frame; what is published or follows from a model comes from ``coldstart``.
"""

from helpers.show.cold_elsewhere import client_starts, code_sizes, idle_lifetimes
from helpers.show.cold_latency import CODES, callers, percentiles, remedies
from helpers.show.cold_measured import distributions, imports, waterfall
from helpers.show.cold_published import memory, packages, runtimes
from helpers.show.cold_traffic import often, shapes

__all__ = [
    "CODES",
    "callers",
    "client_starts",
    "code_sizes",
    "distributions",
    "idle_lifetimes",
    "imports",
    "memory",
    "often",
    "packages",
    "percentiles",
    "remedies",
    "runtimes",
    "shapes",
    "waterfall",
]
