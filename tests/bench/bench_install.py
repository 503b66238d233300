"""What an installation takes, in MB and seconds, against the bare packages that the lesson names.

Both into new environments, with the same versions of what they share, by uv from its cache: what a network takes is
not measured.
"""

from __future__ import annotations

import importlib.util
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from rows import Row, serve

ROOT = Path(__file__).resolve().parents[2]
CARD = ("jupyterlab", "ipywidgets", "pandas", "plotly", "boto3", "moto", "nbval")
BARE = "the bare packages"
WHY = "numba with its compiler is 217 MB of it: it compiles the simulator's loop"


def installed(folder: Path, *what: str) -> tuple[float, float]:
    """Install into a new environment; return MB on disk and seconds."""
    venv = folder / f"venv-{time.monotonic_ns()}"
    uv = [sys.executable, "-m", "uv", "--quiet", "--no-config", "--system-certs"]
    subprocess.run([*uv, "venv", "--python", sys.executable, str(venv)], check=True, cwd=ROOT)
    command = [
        *uv,
        "pip",
        "install",
        "--compile-bytecode",
        "--link-mode=copy",
        "--python",
        str(venv / "bin" / "python"),
    ]
    began = time.perf_counter()
    subprocess.run([*command, *what], check=True, cwd=ROOT)
    took = time.perf_counter() - began
    site = next(venv.glob("lib/*/site-packages"))
    blocks = sum(path.lstat().st_blocks for path in site.rglob("*") if not path.is_dir())
    return blocks * 512 / 1e6, took


def rows(quick: bool) -> Iterator[Row]:
    """Install both, once to fill the cache and then to measure."""
    if importlib.util.find_spec("uv") is None:
        print("the installation is left out: it needs uv, which comes with .ci/requirements.txt", flush=True)
        return
    pins = [line for line in (ROOT / "requirements.txt").read_text().splitlines() if line and line[0] not in "#-"]
    with tempfile.TemporaryDirectory(prefix="bench-") as name:
        folder = Path(name)
        (folder / "pins.txt").write_text("\n".join(pins))
        sides = {"ours": ("-r", str(folder / "pins.txt")), BARE: (*CARD, "-c", str(folder / "pins.txt"))}
        found: dict[str, list[tuple[float, float]]] = {side: [] for side in sides}
        for turn in range(1 if quick else 3):
            for side, what in sides.items():
                measured = installed(folder, *what)
                if turn or quick:
                    found[side].append(measured)
    best = {side: tuple(map(min, zip(*values, strict=True))) for side, values in found.items()}
    sizes, seconds = ({side: value[place] for side, value in best.items()} for place in (0, 1))
    yield Row(name="installed", unit="MB", ours=sizes["ours"], baseline=BARE, theirs=sizes[BARE], bound=1.6, note=WHY)
    yield Row(name="installing, packages cached", unit="s", ours=seconds["ours"], baseline=BARE, theirs=seconds[BARE])


if __name__ == "__main__":
    serve(rows)
