"""Writes the small samples in ``data/samples/``: ``python -m helpers.report.samples``.

Made up from a seed, and the same on every machine: a week of the shop's API in miniature, with a launch on Thursday.
Addresses come from the ranges reserved for documentation (RFC 5737, RFC 3849). Every way of writing has one sample.
"""

from __future__ import annotations

import gzip
import json
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import numpy as np

from helpers.capacity import Week

FOLDER = Path(__file__).resolve().parents[2] / "data" / "samples"
MONDAY = datetime(2026, 10, 26, tzinfo=timezone(timedelta(hours=1)))
MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
PLACES = ("/photos", "/photos/1048", "/albums?user=17", "/search?q=dunes", "/login", "/static/logo.svg")
SEED = 10


def requests(per_second: float = 0.012, seed: int = SEED) -> Iterator[tuple[datetime, int, int, float]]:
    """Yield moment, status, bytes and duration in s of a week's requests, in order."""
    rng = np.random.default_rng(seed)
    counts = rng.poisson(Week(per_second=per_second).rates() * 60)
    total = int(counts.sum())
    times_s = np.sort((np.repeat(np.arange(counts.size), counts) + rng.random(total)) * 60)
    statuses = rng.choice([200, 304, 404, 500], p=[0.9, 0.06, 0.035, 0.005], size=total)
    sizes = np.where(statuses == 200, rng.lognormal(9.5, 0.8, total), 0).astype(int)
    durations_s = rng.lognormal(np.log(0.07), 0.7, total)
    columns = (times_s, statuses, sizes, durations_s)
    for second, status, size, duration_s in zip(*(column.tolist() for column in columns), strict=True):
        yield MONDAY + timedelta(seconds=second), status, size, duration_s


def address(number: int) -> str:
    """Return an address that nobody has."""
    if number % 9 == 0:
        return f"2001:db8::{number % 65535:x}"
    return f"{('192.0.2', '198.51.100', '203.0.113')[number % 3]}.{number % 254 + 1}"


def clf(moment: datetime) -> str:
    """Write a moment as web servers do."""
    return f"{moment.day:02d}/{MONTHS[moment.month - 1]}/{moment:%Y:%H:%M:%S %z}"


def combined() -> str:
    """Return a week as nginx writes it, with the response time at the end of a line."""
    lines = []
    for number, (moment, status, size, duration_s) in enumerate(requests()):
        place = PLACES[number % len(PLACES)]
        lines.append(
            f'{address(number)} - - [{clf(moment)}] "GET {place} HTTP/1.1" {status} {size or "-"} '
            f'"https://shop.example/" "Mozilla/5.0 (X11; Linux x86_64)" {duration_s:.3f}'
        )
    # What every real log has: somebody who tries the door, and a line that was cut.
    lines.insert(40, f'203.0.113.9 - - [{clf(MONDAY)}] "\\x16\\x03\\x01" 400 157 "-" "-" 0.000')
    lines.insert(90, "198.51.100.4 - - [26/Oct/2026:01:")
    return "\n".join(lines) + "\n"


def balancer(count: int = 60) -> str:
    """Return an hour as an Application Load Balancer writes it."""
    lines = []
    for number, (moment, status, size, duration_s) in enumerate(requests()):
        if number == count:
            break
        when = moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        place = PLACES[number % len(PLACES)]
        lines.append(
            f"https {when} app/shop/50dc6c495c0c9188 192.0.2.{number % 254 + 1}:2817 198.51.100.7:80 0.000 "
            f'{duration_s:.3f} 0.000 {status} {status} 341 {size} "GET https://shop.example:443{place} HTTP/2.0" '
            f'"Mozilla/5.0" TLS_AES_128_GCM_SHA256 TLSv1.3 arn:aws:elasticloadbalancing:us-east-1:123456789012:'
            f'targetgroup/shop/73e2d6bc24d8a067 "Root=1-58337262-36d228ad5d99923122bbe354" "shop.example" "-" 0 '
            f'{when} "forward" "-" "-" "198.51.100.7:80" "{status}" "-" "-"'
        )
    return "\n".join(lines) + "\n"


def gateway(count: int = 60) -> str:
    """Return the beginning of the week as API Gateway writes it with a usual format in JSON."""
    lines = []
    for number, (moment, status, size, duration_s) in enumerate(requests()):
        if number == count:
            break
        record = {
            "requestId": f"{number:08x}-5d2c-4b1e-9f0a-000000000000",
            "ip": address(number),
            "requestTime": clf(moment.astimezone(UTC)),
            "httpMethod": "GET",
            "routeKey": "GET /photos",
            "status": str(status),
            "protocol": "HTTP/1.1",
            "responseLength": str(size),
            "responseLatency": str(round(duration_s * 1000)),
        }
        lines.append(json.dumps(record))
    return "\n".join(lines) + "\n"


def console() -> str:
    """Return two days by the hour as CloudWatch's console exports two metrics of a function."""
    rng = np.random.default_rng(SEED)
    hourly = Week(per_second=0.5).rates().reshape(-1, 60).sum(axis=1)[: 14 * 24] * 60
    lines = [
        '"Full label","Invocations","Duration"',
        '"Label","Invocations","Duration"',
        '"Statistic","Sum","Average"',
        '"Period","3600","3600"',
    ]
    for hour, count in enumerate(hourly[:168]):
        when = MONDAY.astimezone(UTC) + timedelta(hours=hour)
        lines.append(f"{when:%Y/%m/%d %H:%M:%S},{rng.poisson(count)},{rng.normal(95, 4):.3f}")
    return "\n".join(lines) + "\n"


SAMPLES = {
    "shop_nginx.log.gz": combined,
    "shop_alb.log": balancer,
    "shop_api_gateway.json": gateway,
    "shop_cloudwatch.csv": console,
}


def main() -> int:
    """Write all samples."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name, make in SAMPLES.items():
        data = make().encode()
        # Without a name and a date inside, the same content packs to the same bytes.
        (FOLDER / name).write_bytes(gzip.compress(data, 9, mtime=0) if name.endswith(".gz") else data)
        print(f"{name}: {len(data):,} bytes")
    return 0


if __name__ == "__main__":
    sys.exit(main())
