"""How fast an access log is read: megabytes a second against plain iteration over its lines."""

from __future__ import annotations

import gzip
import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from rows import Row, in_turn, median_row, serve

from helpers.report.samples import FOLDER

READ = "requests = read(path).requests"
ITERATE = "requests = sum(1 for line in open(path, 'rb'))"
MEASURED = """
import json, sys, time
path = sys.argv[1]
{before}
start = time.process_time()
{work}
print(json.dumps([requests, time.process_time() - start]))
"""


def mb_per_s(before: str, work: str, path: Path) -> float:
    """Return how many MB a second of processor time one way reads, in a process of its own."""
    command = [sys.executable, "-c", MEASURED.format(before=before, work=work), str(path)]
    _, took = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    return path.stat().st_size / 1e6 / took


def rows(quick: bool) -> Iterator[Row]:
    """Read a log of 100 MB, or of 10."""
    lines = gzip.decompress((FOLDER / "shop_nginx.log.gz").read_bytes()).splitlines(keepends=True)
    whole = b"".join(line for line in lines if line.rstrip().endswith(b"00") or b'" ' in line)
    imported = "from helpers.report import read"
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        path = Path(folder) / "access.log"
        path.write_bytes(whole * max(1, (10 if quick else 100) * 1_000_000 // len(whole)))
        taken = in_turn(
            {
                "read": lambda: mb_per_s(imported, READ, path),
                "iterate": lambda: mb_per_s("", ITERATE, path),
            },
            1 if quick else 3,
        )
    yield median_row(
        taken["read"],
        taken["iterate"],
        name="an access log is read",
        unit="MB/s",
        baseline="iterating over its lines",
        more=True,
        note="a line is parsed into time, size, duration and status; iterating only finds its end",
    )


if __name__ == "__main__":
    serve(rows)
