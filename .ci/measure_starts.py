"""Measure cold starts on this machine and store them as data/measured_starts.csv.

    python .ci/measure_starts.py [--repetitions N]

Twenty starts of each variant, taking turns: the function with more and more to load, then the slow function with each
remedy. Notebook 08 charts the file; its numbers are those of the machine that ran this, and of its load.
"""

from __future__ import annotations

import argparse
import os
import platform
import sys
from datetime import UTC, datetime
from pathlib import Path

import pandas as pd

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))
TABLE = ROOT / "data" / "measured_starts.csv"
COLUMNS = ["experiment", "variant", "repetition", "order", "cold"]
COLUMNS += ["init_ms", "first_call_ms", "client_ms", "after_restore_ms", "unpack_ms"]


def main() -> int:
    """Measure, and write the table."""
    from helpers.cloud import LocalCloud, measure

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repetitions", type=int, default=20)
    asked = parser.parse_args()
    parts = []
    with LocalCloud() as cloud:
        for experiment, variants in (("what to load", measure.variants()), ("remedies", measure.remedy_variants())):
            frame = measure.measure_cold(cloud, variants, repetitions=asked.repetitions, progress=_say)
            # In the order of the variants and not of their turns, as a reader looks for them.
            place = frame.variant.map(list(variants).index)
            parts.append(frame.assign(experiment=experiment).iloc[place.argsort(kind="stable")])
    table = pd.concat(parts, ignore_index=True)[COLUMNS].round(3)
    table["cold"] = table.cold.map({True: "true", False: "false"})
    today = datetime.now(UTC).date().isoformat()
    machine = f"{platform.system()} on {platform.machine()} with {os.cpu_count()} processors"
    table["as_of"], table["dated"] = today, "day"
    table["source"] = f"Measured for this collection with .ci/measure_starts.py: {machine}, Python {_python()}"
    table.to_csv(TABLE, index=False, lineterminator="\n")
    return 0


def _python() -> str:
    return ".".join(platform.python_version_tuple()[:2])


def _say(done: int, total: int) -> None:
    print(f"\r{done}/{total}", end="\n" if done == total else "", flush=True)


if __name__ == "__main__":
    sys.exit(main())
