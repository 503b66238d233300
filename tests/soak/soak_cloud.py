"""Start and stop the local cloud many times, and send it many invocations: what leaks, what is lost?

    make soak

Exits with 1 if anything does.
"""

from __future__ import annotations

import argparse
import gc
import json
import os
import sys
import tempfile
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psutil

WARM_UP = 20  # cycles in which moto's and boto3's caches fill
GROWTH_MAX_MB = 6.0
CALLERS, FUNCTIONS = 16, 5
SOURCE = "def handler(event, context):\n    print('served', event)\n    return event\n"


def workshop() -> object:
    """Return the tests' own maker of functions, for the cloud that is up."""
    sys.path.insert(0, str(Path(__file__).parents[1]))
    from conftest import Workshop

    return Workshop()


def traces() -> dict[str, float]:
    """Return what a cloud might leave behind."""
    gc.collect()
    me = psutil.Process()
    return {
        "threads": threading.active_count(),
        "descriptors": me.num_fds(),
        "child processes": len(me.children(recursive=True)),
        "folders": len(list(Path(tempfile.gettempdir()).glob("local-cloud-*"))),
        "AWS_ variables": sum(name.startswith("AWS_") for name in os.environ),
        "memory, MB": round(me.memory_info().rss / 1e6, 1),
    }


def cycles(count: int) -> bool:
    """Start and stop; print what is there at first and at last."""
    from helpers.cloud import LocalCloud

    began = time.monotonic()
    rows = {}
    for number in range(1, WARM_UP + count + 1):
        with LocalCloud():
            shop = workshop()
            assert shop.call(shop.make(SOURCE), number) == number
        if number == WARM_UP or (number - WARM_UP) % (count // 4 or 1) == 0:
            rows[number - WARM_UP] = traces()
            print(f"  {max(0, number - WARM_UP):>4} of {count} cycles, {time.monotonic() - began:.0f} s", flush=True)
    first, last = rows[0], rows[count]
    print(f"\n  {'after cycles':16}" + "".join(f"{number:>9}" for number in rows))
    for name in first:
        print(f"  {name:16}" + "".join(f"{row[name]:>9}" for row in rows.values()))
    memory = "memory, MB"
    same = all(last[name] <= first[name] for name in first if name != memory)
    return same and last[memory] - first[memory] < GROWTH_MAX_MB


def invocations(count: int) -> bool:
    """Invoke from many callers, with a payload that tells one from another; print what came back."""
    from helpers.cloud import LocalCloud

    began = time.monotonic()
    with LocalCloud() as cloud:
        shop = workshop()
        names = [shop.make(SOURCE) for _ in range(FUNCTIONS)]
        done = Counter()

        def call(number: int) -> bool:
            right = shop.call(names[number % FUNCTIONS], number) == number
            done[right] += 1
            if sum(done.values()) % (count // 10 or 1) == 0:
                print(f"  {sum(done.values()):>6} of {count} invocations, {time.monotonic() - began:.0f} s", flush=True)
            return right

        with ThreadPoolExecutor(CALLERS) as callers:
            right = sum(callers.map(call, range(count)))
        took = time.monotonic() - began
        records = cloud.invocations()
        served = Counter(
            number for name in names for number in map(json.loads, (text.split()[1] for text in lines(name)))
        )
    results = {
        "answered with their own number": right,
        "in cloud.invocations(), successful": int((records["status"] == "success").sum()),
        "with a request id of their own": records["request_id"].nunique(),
        "in the logs, once": sum(1 for number in range(count) if served[number] == 1),
    }
    print()
    for name, value in results.items():
        print(f"  {name:36}{value:>9,}")
    print(f"  {'environments':36}{records['environment'].nunique():>9,}")
    print(f"  {'invocations a second':36}{count / took:>9,.0f}")
    return all(value == count for value in results.values())


def lines(name: str) -> list[str]:
    """Return what a function printed."""
    import boto3

    pages = boto3.client("logs").get_paginator("filter_log_events").paginate(logGroupName=f"/aws/lambda/{name}")
    messages = (event["message"] for page in pages for event in page["events"])
    return [text for text in messages if text.startswith("served")]


def main() -> int:
    """Run both; say whether all was well."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cycles", type=int, default=200)
    parser.add_argument("--invocations", type=int, default=10_000)
    options = parser.parse_args()
    tempfile.tempdir = tempfile.mkdtemp()  # where no other cloud of this machine leaves its folder
    print(f"Clouds that start and stop, {WARM_UP} to warm up")
    flat = cycles(options.cycles)
    print(f"\nInvocations from {CALLERS} callers, {FUNCTIONS} functions")
    complete = invocations(options.invocations)
    leaks = "Nothing leaks" if flat else "SOMETHING LEAKS"
    losses = "nothing is lost" if complete else "SOMETHING IS LOST"
    print(f"\n{leaks}, {losses}.")
    return 0 if flat and complete else 1


if __name__ == "__main__":
    sys.exit(main())
