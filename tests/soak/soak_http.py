"""A thousand requests at once to each front door: is one lost, and is what is refused refused as AWS would?

    make soak

Exits with 1 if a request stays without an answer, an answer belongs to another request, or an error is none of AWS's
throttles.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import requests

sys.path.insert(0, str(Path(__file__).parents[2]))
sys.path.insert(0, str(Path(__file__).parents[1]))

SOURCE = """
def handler(event, context):
    query = event.get("queryStringParameters") or {}
    return {"statusCode": 200, "body": query["number"]}
"""
THROTTLES = {"function URL": {429}, "HTTP API": {503}, "REST API": {500}, "load balancer": {502}}
TIMEOUT_S = 120


def doors(shop: object, cloud: object) -> dict[str, str]:
    """Return a URL of each kind, all of them in front of functions that give a request's number back."""
    from http_callers import Gateways

    gateways = Gateways(shop, cloud)
    http_api = gateways.http_api({"GET /": shop.make(SOURCE)})["ApiEndpoint"]
    rest_api = cloud.rest_api_url(gateways.rest_api({"GET /": shop.make(SOURCE)}))
    balancer, _ = gateways.load_balancer(gateways.group(shop.make(SOURCE)))
    return {
        "function URL": gateways.url(SOURCE),
        "HTTP API": f"{http_api}/",
        "REST API": f"{rest_api}/",
        "load balancer": f"{balancer}/",
    }


def crowd(url: str, count: int) -> list[tuple[int, str, float]]:
    """Ask from so many threads at the same moment; return statuses (0: no answer), texts and seconds."""
    together = threading.Barrier(count)

    def one(number: int) -> tuple[int, str, float]:
        together.wait(TIMEOUT_S)
        began = time.perf_counter()
        try:
            reply = requests.get(url, params={"number": number}, timeout=TIMEOUT_S)
            status, text = reply.status_code, reply.text
            if status != 200:
                text = reply.headers.get("x-local-cloud-cause", text)
        except requests.RequestException as error:
            status, text = 0, repr(error)
        return status, text, time.perf_counter() - began

    with ThreadPoolExecutor(count) as callers:
        return list(callers.map(one, range(count)))


def report(name: str, replies: list[tuple[int, str, float]], say: Callable[[str], None] = print) -> bool:
    """Print what became of a crowd; say whether all is well."""
    statuses = Counter(status for status, _, _ in replies)
    right = sum(status == 200 and text == str(number) for number, (status, text, _) in enumerate(replies))
    strange = [(status, text) for status, text, _ in replies if status not in {200, *THROTTLES[name]}]
    strange += [(status, text) for status, text, _ in replies if status != 200 and "throttled" not in text]
    seconds = [took for _, _, took in replies]
    counts = {"asked": len(replies), "right": right, "refused": len(replies) - statuses[200], "strange": len(strange)}
    told = "".join(f"{count:>7,} {what}" for what, count in counts.items())
    say(f"  {name:14}{told}   median {statistics.median(seconds):.1f} s, last {max(seconds):.1f} s")
    for status, text in strange[:3]:
        say(f"    {status}: {text[:150]}")
    return not strange and right == statuses[200]


def main() -> int:
    """Send a crowd to each door; say whether all was well."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--only", choices=THROTTLES, help="one door")
    parser.add_argument("--requests", type=int, default=1000, help="at once, to each door")
    options = parser.parse_args()
    from conftest import Workshop

    from helpers.cloud import LocalCloud

    with LocalCloud() as cloud:
        urls = {name: url for name, url in doors(Workshop(), cloud).items() if options.only in (None, name)}
        results = [report(name, crowd(url, options.requests)) for name, url in urls.items()]
        print(f"  {len(cloud.environments()):,} environments, {len(cloud.invocations()):,} invocations")
    return int(not all(results))


if __name__ == "__main__":
    sys.exit(main())
