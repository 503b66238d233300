"""Read a log of one gigabyte: how fast against plain iteration over its lines, and in how much memory?

    python tests/soak/soak_big_log.py [--mb N]

The log is made by repeating a week of the sample with a file's usual lines, lies in a temporary folder and is removed.
Each way runs in a process of its own; seconds are processor time, which a busy machine does not change much. Exits with
1 if reading takes more than 400 MB, or loses a request.
"""

from __future__ import annotations

import argparse
import gzip
import json
import subprocess
import sys
import tempfile
from pathlib import Path

from helpers.report.samples import FOLDER

MOST_MB = 400
ITERATE = "requests = sum(1 for line in open(path, 'rb'))"
READ = "from helpers.report import read; requests = read(path).requests"
MEASURED = """
import json, resource, sys, time
path = sys.argv[1]
{work}
used = resource.getrusage(resource.RUSAGE_SELF)
unit = 1024 if sys.platform != "darwin" else 1024**2
print(json.dumps([requests, used.ru_utime + used.ru_stime, used.ru_maxrss / unit]))
"""


def measured(work: str, path: Path) -> tuple[int, float, float]:
    """Return requests, seconds of processor time and MB of one way, in a process of its own."""
    command = [sys.executable, "-c", MEASURED.format(work=work), str(path)]
    return tuple(json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout))


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--mb", type=int, default=1000, help="size of the log (1000)")
    size = parser.parse_args().mb * 1_000_000
    lines = gzip.decompress((FOLDER / "shop_nginx.log.gz").read_bytes()).splitlines(keepends=True)
    whole = b"".join(line for line in lines if line.rstrip().endswith(b"00") or b'" ' in line)
    with tempfile.TemporaryDirectory(prefix="soak-") as folder:
        path = Path(folder) / "big.log"
        with path.open("wb") as log:
            while log.tell() < size:
                log.write(whole)
        written = path.stat().st_size / 1e6
        plain = measured(ITERATE, path)
        read = measured(READ, path)
    for name, (requests, seconds, memory_mb) in {"iterate": plain, "read": read}.items():
        print(f"{name:8} {requests:>12,} requests  {written / seconds:7.1f} MB/s  {memory_mb:6.0f} MB")
    return int(read[2] > MOST_MB or read[0] != plain[0])


if __name__ == "__main__":
    sys.exit(main())
