"""How fast and how lean the simulator is: ``python tests/bench/bench_scaling.py [--quick]``.

Measured in processor time on one core, side by side in one run, so that a busy machine slows both: against SimFaaS
(PyPI) on its README case and on a saturated one, then for 10^6 to 10^8 requests, each in a process of its own for its
peak memory. SimFaaS is given a shorter time and compared by the cost of a request. Fails if a target is missed.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable

UNLIMITED = {"scaling_rate": None, "rate_cap_factor": None}
COMPILE = """
import json, time
from helpers.scaling import constant, simulate
marks = []
for _ in range(2):
    start = time.process_time()
    simulate(constant(1, 2), duration_ms=1, init_ms=1)
    marks.append(time.process_time() - start)
print(json.dumps(marks))
"""
STREAM = """
import json, resource, sys, time
from helpers.scaling import constant, exponential, poisson, simulate
simulate(constant(1, 2), duration_ms=1, init_ms=1)
unit = 1024 if sys.platform != "darwin" else 1024 * 1024
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit
start = time.process_time()
result = simulate(poisson(1000, {duration_s}, seed=1), duration_ms=exponential(100), init_ms=exponential(200))
took = time.process_time() - start
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit
print(json.dumps([result.requests, took, before, peak, result.littles_law_gap]))
"""


def child(code: str, **environment: str) -> list[float]:
    """Run a program in a fresh process and return what it printed."""
    done = subprocess.run(
        [sys.executable, "-c", code], env={**os.environ, **environment}, capture_output=True, text=True, check=True
    )
    return json.loads(done.stdout)


def cpu_s(work: Callable[[], object]) -> tuple[float, object]:
    start = time.process_time()
    result = work()
    return time.process_time() - start, result


def compile_times() -> None:
    with tempfile.TemporaryDirectory() as folder:
        first, again = child(COMPILE, NUMBA_CACHE_DIR=folder)
        cached, _ = child(COMPILE, NUMBA_CACHE_DIR=folder)
    print(f"compiling, once after an installation: {first:.1f} s; loading what was compiled, once a process:", end=" ")
    print(f"{cached:.1f} s; then {again * 1000:.1f} ms for a small run\n")


def against_simfaas(name: str, *, rate: float, warm_s: float, cold_s: float, ours_s: float, theirs_s: float) -> float:
    """Print one comparison and return how many times faster ours is."""
    import numpy as np
    from simfaas.ServerlessSimulator import ServerlessSimulator

    from helpers.scaling import Platform, exponential, poisson, simulate

    def ours():
        return simulate(
            poisson(rate, ours_s, seed=1),
            duration_ms=exponential(warm_s * 1000),
            init_ms=exponential((cold_s - warm_s) * 1000),
            platform=Platform(**UNLIMITED),
        )

    np.random.seed(1)
    their = ServerlessSimulator(
        arrival_rate=rate,
        warm_service_rate=1 / warm_s,
        cold_service_rate=1 / cold_s,
        expiration_threshold=600,
        max_time=theirs_s,
    )
    took_theirs, _ = cpu_s(their.generate_trace)
    took, our = min((cpu_s(ours) for _ in range(3)), key=lambda measured: measured[0])
    each, each_theirs = took / our.requests, took_theirs / their.total_req_count
    print(
        f"{name:<28}{each_theirs * 1e6:>12.1f} us{each * 1e6:>12.3f} us{each_theirs / each:>12,.0f} x    "
        f"cold {our.cold_start_probability:.5f}, environments {our.mean_environments:.2f}, "
        f"running {our.mean_running:.2f}, rejected {our.throttled_share:.4f} "
        f"(SimFaaS: rejected {their.total_reject_count / their.total_req_count:.4f}, "
        f"environments {their.get_average_server_count():.2f})"
    )
    return each_theirs / each


def stream(requests: int) -> tuple[float, float]:
    """Print one run and return its time a request in ns and its memory above the start in MB."""
    count, took, before, peak, gap = child(STREAM.format(duration_s=requests / 1000))
    print(f"{count:>14,.0f}{took:>10.2f} s{took / count * 1e9:>10.0f} ns{before:>10.0f} MB{peak:>10.0f} MB{gap:>14.1e}")
    return took / count * 1e9, peak - before


def main() -> int:
    """Print the tables; return 1 if a target is missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a tenth of SimFaaS's time, and no 10^8")
    short = parser.parse_args().quick
    compile_times()

    print(f"{'':<28}{'SimFaaS':>15}{'ours':>15}{'ratio':>14}   (processor time a request)")
    readme = against_simfaas(
        "README case, 0.9/s", rate=0.9, warm_s=1.991, cold_s=2.244, ours_s=1e6, theirs_s=1e4 if short else 1e5
    )
    saturated = against_simfaas(
        "saturated, 1,000/s", rate=1000, warm_s=2.016, cold_s=2.163, ours_s=2000, theirs_s=3 if short else 20
    )

    print(f"\n{'requests':>14}{'time':>12}{'each':>13}{'start':>13}{'peak':>13}{'Little gap':>14}")
    runs = [stream(10**power) for power in ((6, 7) if short else (6, 7, 8))]
    slowest, fastest = max(each for each, _ in runs), min(each for each, _ in runs)
    extra = max(memory for _, memory in runs)

    targets = {
        "at least 100 x SimFaaS on its README case": readme >= 100,
        "at least 1,000 x SimFaaS at 1,000/s": saturated >= 1000,
        "time linear in requests (each within 1.5 x)": slowest <= 1.5 * fastest,
        "peak memory flat (at most 40 MB above the start)": extra <= 40,
    }
    print()
    for target, met in targets.items():
        print(f"{'met   ' if met else 'MISSED'} {target}")
    return 0 if all(targets.values()) else 1


if __name__ == "__main__":
    sys.exit(main())
