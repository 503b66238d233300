"""How a platform scales functions: arrivals, a platform's rules, a simulator that streams, and what theory says.

``simulate`` plays arrivals against a :class:`Platform` and returns a :class:`Result`; ``sweep`` does so for a grid of
settings. ``measured`` turns what a cloud measured into what the simulator takes; a :class:`Surge` meets functions here
and an Auto Scaling group in ``follow``. The rules themselves stand once, in :mod:`helpers.scaling.loop`, compiled where
Numba is installed. The model is that of queueing theory for functions (N. Mahmoudi, H. Khazaei, "Performance Modeling
of Serverless Computing Platforms", 2020, and their simulator SimFaaS), with the limits of AWS Lambda from
``data/limits.csv`` added.
"""

from helpers.scaling.analytic import concurrency, erlang_b, lone_cold_probability, required_concurrency
from helpers.scaling.arrivals import Arrivals, bursts, constant, daily, from_timestamps, poisson, ramp
from helpers.scaling.counted import from_counts
from helpers.scaling.engine import simulate
from helpers.scaling.group import Followed, Group, follow
from helpers.scaling.measured import Measured, mean_gap, measured
from helpers.scaling.platform import Asynchronous, Platform, Pollers, Retry
from helpers.scaling.result import Interval, Result
from helpers.scaling.samplers import Sampler, empirical, exponential, lognormal
from helpers.scaling.surge import Surge
from helpers.scaling.sweep import sweep

__all__ = [
    "Arrivals",
    "Asynchronous",
    "Followed",
    "Group",
    "Interval",
    "Measured",
    "Platform",
    "Pollers",
    "Result",
    "Retry",
    "Sampler",
    "Surge",
    "bursts",
    "concurrency",
    "constant",
    "daily",
    "empirical",
    "erlang_b",
    "exponential",
    "follow",
    "from_counts",
    "from_timestamps",
    "lognormal",
    "lone_cold_probability",
    "mean_gap",
    "measured",
    "poisson",
    "ramp",
    "required_concurrency",
    "simulate",
    "sweep",
]
