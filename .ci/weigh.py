"""Weigh a fresh installation of requirements.txt: what `make weigh` prints, and CONTRIBUTING.md shows.

Fails when the whole is over its limit, or when one of the heaviest packages has no reason in ``WHY``.
"""

import os
import subprocess
import sys
import tempfile
from importlib.metadata import Distribution, distributions
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
LIMIT_MB = 897  # 1.6 times the 561 MB that the bare packages of the lesson's tools take; and below 900
SHOWN = 12

WHY = {
    "argon2-cffi-bindings": "JupyterLab's server hashes passwords with it",
    "babel": "JupyterLab's server formats dates and languages with it",
    "boto3": "the AWS calls in the notebooks",
    "botocore": "boto3's description of every AWS service; most of its size",
    "cryptography": "moto signs what AWS would sign",
    "debugpy": "the kernel's debugger: ipykernel requires it",
    "ipython": "the kernel's Python shell",
    "jedi": "completion in JupyterLab; its size is type stubs",
    "jupyterlab": "where the notebooks run",
    "jupyter-server": "JupyterLab's server",
    "llvmlite": "the compiler under numba",
    "moto": "AWS on this machine",
    "nbconvert": "JupyterLab's export, and nbclient for `make notebooks`",
    "numba": "compiles the simulator's loop: millions of requests a second",
    "numpy": "sweeps over many bills; pandas requires it",
    "pandas": "tables of prices, limits and results",
    "pip": "comes with every venv",
    "pillow": "thumbnails and EXIF data in functions that handle pictures",
    "plotly": "figures, and the one Plotly that explorers load in the browser",
    "prompt-toolkit": "IPython requires it",
    "psutil": "the room check: memory and processes",
    "pygments": "colours in tracebacks and code",
    "pyzmq": "messages between JupyterLab and its kernels",
    "setuptools": "comes with a venv of Python 3.11",
    "tornado": "the web server under JupyterLab",
    "widgetsnbextension": "ipywidgets requires it",
}


def megabytes(distribution: Distribution) -> float:
    """Return what a package takes on disk: whole blocks, and the bytecode beside its modules."""
    blocks = 0
    for file in distribution.files or ():
        path = Path(distribution.locate_file(file))
        beside = path.parent.glob(f"__pycache__/{path.stem}.*.pyc") if path.suffix == ".py" else ()
        blocks += sum(found.stat().st_blocks for found in (path, *beside) if found.is_file())
    return blocks * 512 / 1e6


def installed(folder: Path) -> list[Distribution]:
    """Install requirements.txt into a new environment in ``folder`` and return what it holds."""
    venv = folder / "venv"
    python = venv / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    uv = [sys.executable, "-m", "uv", "--quiet", "--system-certs"]
    subprocess.run([*uv, "venv", "--python", sys.executable, venv], cwd=ROOT, check=True)
    subprocess.run(
        [*uv, "pip", "install", "--compile-bytecode", "--python", python, "-r", "requirements.txt"],
        cwd=ROOT,
        check=True,
    )
    site = next(venv.glob("[Ll]ib/site-packages"), None) or next(venv.glob("lib/*/site-packages"))
    return list(distributions(path=[str(site)]))


def main() -> int:
    """Print the table of the heaviest packages and the total."""
    with tempfile.TemporaryDirectory(prefix="weigh-") as folder:
        sizes = {found.name.lower().replace("_", "-"): megabytes(found) for found in installed(Path(folder))}
    heaviest = sorted(sizes, key=sizes.get, reverse=True)[:SHOWN]
    total = sum(sizes.values())
    print("| package | MB | why it is here |\n|---|---:|---|")
    for name in heaviest:
        print(f"| {name} | {sizes[name]:.0f} | {WHY.get(name, '?')} |")
    print(f"| the other {len(sizes) - SHOWN} | {total - sum(sizes[name] for name in heaviest):.0f} | |")
    print(f"| **all {len(sizes)}** | **{total:.0f}** | the limit is {LIMIT_MB} MB |")
    unexplained = [name for name in heaviest if name not in WHY]
    if unexplained:
        print(f"No reason in .ci/weigh.py for {', '.join(unexplained)}", file=sys.stderr)
    return 1 if unexplained or total > LIMIT_MB else 0


if __name__ == "__main__":
    sys.exit(main())
