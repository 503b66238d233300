"""How fast and how lean the simulator is: against SimFaaS, and against itself from a million requests to a hundred.

Processor time on one core, each side in a process of its own. SimFaaS (PyPI) simulates its README's case and a
saturated one; it is given a shorter time and compared by the cost of a request.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator

from rows import Row, in_turn, median_row, serve

OURS = """
import json, time
from helpers.scaling import Platform, constant, exponential, poisson, simulate
simulate(constant(1, 2), duration_ms=1, init_ms=1)
start = time.process_time()
result = simulate(poisson({rate}, {duration_s}, seed=1), duration_ms=exponential({warm_s} * 1000),
                  init_ms=exponential(({cold_s} - {warm_s}) * 1000),
                  platform=Platform(scaling_rate=None, rate_cap_factor=None))
print(json.dumps([(time.process_time() - start) / result.requests * 1e6]))
"""
THEIRS = """
import json, time
import numpy as np
from simfaas.ServerlessSimulator import ServerlessSimulator
np.random.seed(1)
simulator = ServerlessSimulator(arrival_rate={rate}, warm_service_rate=1 / {warm_s}, cold_service_rate=1 / {cold_s},
                                expiration_threshold=600, max_time={duration_s})
start = time.process_time()
simulator.generate_trace()
print(json.dumps([(time.process_time() - start) / simulator.total_req_count * 1e6]))
"""
STREAM = """
import json, resource, sys, time
from helpers.scaling import constant, exponential, poisson, simulate
simulate(constant(1, 2), duration_ms=1, init_ms=1)
start = time.process_time()
result = simulate(poisson(1000, {duration_s}, seed=1), duration_ms=exponential(100), init_ms=exponential(200))
took = time.process_time() - start
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1024 if sys.platform != "darwin" else 1024 * 1024)
print(json.dumps([took / result.requests * 1e9, peak]))
"""
# name: rate, warm and cold seconds, how long ours and SimFaaS simulate, in full and in a hurry; the bound
CASES = {
    "simulator, SimFaaS's README case": (0.9, 1.991, 2.244, 1e6, 1e5, 1e4, 1 / 100),
    "simulator, saturated": (1000, 2.016, 2.163, 2000, 20, 3, 1 / 1000),
}
FIRST = 6


def child(code: str) -> list[float]:
    """Run a program in a fresh process and return what it printed."""
    return json.loads(subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout)


def rows(quick: bool) -> Iterator[Row]:
    """Simulate."""
    for name, (rate, warm_s, cold_s, ours_s, full_s, short_s, bound) in CASES.items():
        case = {"rate": rate, "warm_s": warm_s, "cold_s": cold_s}
        theirs_s = short_s if quick else full_s
        taken = in_turn(
            {
                "ours": lambda case=case, ours_s=ours_s: child(OURS.format(duration_s=ours_s, **case))[0],
                "theirs": lambda case=case, theirs_s=theirs_s: child(THEIRS.format(duration_s=theirs_s, **case))[0],
            },
            1 if quick else 3,
        )
        known = {"unit": "us/request", "baseline": "SimFaaS", "bound": bound}
        yield median_row(taken["ours"], taken["theirs"], name=name, **known)
    powers = (6, 7) if quick else (6, 7, 8)
    runs = {power: [child(STREAM.format(duration_s=10**power / 1000)) for _ in range(2)] for power in powers}
    each = {power: min(took for took, _ in found) for power, found in runs.items()}
    for power in powers[1:]:
        yield Row(
            name=f"a request among 10^{power}",
            unit="ns",
            ours=each[power],
            baseline=f"among 10^{FIRST}",
            theirs=each[FIRST],
            bound=1.5,
        )
    last = powers[-1]
    yield Row(
        name=f"memory for 10^{last} requests",
        unit="MB",
        ours=max(peak for _, peak in runs[last]),
        baseline=f"for 10^{FIRST}",
        theirs=min(peak for _, peak in runs[FIRST]),
        bound=1.2,
    )


if __name__ == "__main__":
    serve(rows)
