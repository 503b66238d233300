"""Re-execute the notebooks and store them in normal form: what `make notebooks` runs.

    python .ci/notebooks.py [--check] [--fresh] [--jobs N] [notebook ...]

Each notebook runs in a kernel of its own, from the folder it lies in, several at a time. A figure gets a picture
beside its Plotly data, for readers without a kernel; a picture is drawn again only when its figure changed. A notebook
with a failing cell keeps its file as it was, and the command ends with 1.

A cell tagged `measurement` keeps its stored output as long as only numbers in it moved; `--fresh` stores the new
numbers and draws every picture again (after an upgrade of Plotly or of the browser, say). `--check` executes nothing:
it says which files aren't in normal form.
"""

from __future__ import annotations

import argparse
import asyncio
import base64
import io
import os
import re
import sys
import tempfile
import time
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError
from normalise import (
    LARGEST_NOTEBOOK_BYTES,
    PLOTLY,
    PNG,
    as_text,
    bundles,
    fingerprint,
    keep_measurements,
    normalised,
    pictures,
)

FOLDER = Path(__file__).resolve().parents[1] / "notebooks"
CELL_TIMEOUT_S = 300  # over twice what pytest allows: authoring may share the machine with other notebooks
PICTURE_WIDTH, PICTURE_HEIGHT = 900, 500  # pixels, where a figure doesn't say
PICTURE_COLOURS = 128  # lines and text lose nothing, and a picture shrinks to a third


class Client(NotebookClient):
    """An executor that leaves widgets alone, as nbval does.

    The original keeps models and plays the Output widget's part in the kernel's messages, which fails or hangs when
    a callback prints. Nothing of that would be stored: widget state is dropped.
    """

    def handle_comm_msg(self, outs: list, msg: dict, cell_index: int) -> None:
        """Ignore the message."""


class Progress:
    """Lines of progress: one for each start and end, and on a terminal a last line that counts cells."""

    def __init__(self) -> None:
        self.running: dict[str, str] = {}
        self.live = sys.stdout.isatty()

    def say(self, line: str) -> None:
        print(("\r\033[K" if self.live else "") + line, flush=True)
        self._count()

    def update(self, name: str, state: str | None) -> None:
        if state is None:
            self.running.pop(name, None)
        else:
            self.running[name] = state
        self._count()

    def _count(self) -> None:
        if self.live:
            line = "   ".join(f"{name} {state}" for name, state in sorted(self.running.items()))
            print("\r\033[K" + line[: os.get_terminal_size().columns - 1], end="", flush=True)


class Artist:
    """Draws figures in one Chromium, which starts with the first figure."""

    def __init__(self, stack: AsyncExitStack) -> None:
        self.stack = stack
        self.browser: Any = None
        self.lock = asyncio.Lock()

    async def draw(self, figure: dict[str, Any]) -> str:
        """Return a small PNG of the figure, in base64."""
        async with self.lock:
            if self.browser is None:
                self.browser = await self._start()
            layout = figure.get("layout", {})
            size = {"width": layout.get("width") or PICTURE_WIDTH, "height": layout.get("height") or PICTURE_HEIGHT}
            parts = {key: figure[key] for key in ("data", "layout", "frames") if key in figure}
            png = await self.browser.calc_fig(parts, opts={"format": "png", "scale": 1, **size})
        return base64.b64encode(_fewer_colours(png)).decode()

    async def _start(self) -> Any:
        try:
            import kaleido
        except ModuleNotFoundError:
            raise SystemExit(
                "Drawing the pictures needs the authoring packages: pip install --group authoring (see CONTRIBUTING.md)"
            ) from None
        return await self.stack.enter_async_context(kaleido.Kaleido(n=1, mathjax=False))


def _fewer_colours(png: bytes) -> bytes:
    from PIL import Image

    smaller = io.BytesIO()
    image = Image.open(io.BytesIO(png)).convert("RGB")
    image.quantize(PICTURE_COLOURS, dither=Image.Dither.NONE).save(smaller, "PNG", optimize=True)
    return min(png, smaller.getvalue(), key=len)


async def execute(path: Path, progress: Progress) -> nbformat.NotebookNode:
    """Run a notebook in a fresh kernel and return it; the file stays as it is."""
    notebook = nbformat.read(path, as_version=4)
    cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
    for cell in cells:
        cell.execution_count, cell.outputs = None, []

    def count(cell: Any, cell_index: int, **_: Any) -> None:
        done = sum(cell.cell_type == "code" for cell in notebook.cells[: cell_index + 1])
        progress.update(path.stem, f"{done}/{len(cells)}")

    client = Client(
        notebook,
        timeout=CELL_TIMEOUT_S,
        kernel_name="python3",
        resources={"metadata": {"path": str(path.parent)}},
        record_timing=False,
        store_widget_state=False,
        force_raise_errors=True,
        extra_arguments=["--IPKernelApp.log_level=ERROR"],
        on_cell_start=count,
    )
    with tempfile.TemporaryDirectory(prefix="author-") as folder:
        # Neither the author's progress nor the start-up files of the author's IPython shape what is stored.
        own = {"RACKS_TO_FUNCTIONS_PROGRESS": f"{folder}/progress.json", "IPYTHONDIR": f"{folder}/ipython"}
        await client.async_execute(env=os.environ | own)
    return notebook


async def rebuild(path: Path, *, artist: Artist, progress: Progress, fresh: bool) -> bool:
    """Execute, normalise and store one notebook; return whether that went well."""
    started = time.monotonic()
    progress.say(f"{path.stem}: running")
    try:
        executed = await execute(path, progress)
    except (CellExecutionError, CellTimeoutError, DeadKernelError) as error:
        progress.update(path.stem, None)
        reason = re.sub(r"\033\[[0-9;]*m", "", str(error))
        progress.say(f"{path.stem}: FAILED, the file stays as it was. {type(error).__name__}:\n{reason}")
        return False
    stored_text = path.read_text(encoding="utf-8")
    stored = normalised(nbformat.reads(stored_text, as_version=4))
    notebook = normalised(executed)
    kept = [] if fresh else keep_measurements(notebook, stored)
    known = {} if fresh else pictures(stored)
    drawn = 0
    for data in bundles(notebook):
        picture = known.get(fingerprint(data[PLOTLY]))
        if picture is None:
            progress.update(path.stem, "drawing")
            picture, drawn = await artist.draw(data[PLOTLY]), drawn + 1
        data[PNG] = picture
    progress.update(path.stem, None)
    text = as_text(notebook)
    size = len(text.encode())
    if size > LARGEST_NOTEBOOK_BYTES:
        progress.say(f"{path.stem}: FAILED, {size / 1e6:.2f} MB is over the limit of 1 MB; the file stays as it was")
        return False
    if text != stored_text:
        _write(path, text)
    facts = [
        f"{time.monotonic() - started:.1f} s",
        f"{size // 1000} KB",
        "unchanged" if text == stored_text else "changed",
        *([f"{drawn} pictures drawn"] if drawn else []),
        *([f"measurements kept in {len(kept)} cells"] if kept else []),
    ]
    progress.say(f"{path.stem}: {', '.join(facts)}")
    return True


def _write(path: Path, text: str) -> None:
    """Replace a file in one step, so that no interruption leaves half a notebook."""
    with tempfile.NamedTemporaryFile(
        "w", encoding="utf-8", newline="\n", dir=path.parent, prefix=f".{path.stem}-", delete=False
    ) as file:
        file.write(text)
    os.chmod(file.name, path.stat().st_mode)
    os.replace(file.name, path)


async def rebuild_all(paths: list[Path], *, jobs: int, fresh: bool) -> bool:
    """Rebuild several notebooks, ``jobs`` at a time; return whether all went well."""
    progress, room = Progress(), asyncio.Semaphore(jobs)
    async with AsyncExitStack() as stack:
        artist = Artist(stack)

        async def one(path: Path) -> bool:
            async with room:
                return await rebuild(path, artist=artist, progress=progress, fresh=fresh)

        return all(await asyncio.gather(*map(one, paths)))


def check(paths: list[Path]) -> bool:
    """Say which notebooks aren't in normal form; return whether all are."""
    clean = True
    for path in paths:
        text = path.read_text(encoding="utf-8")
        notebook = nbformat.reads(text, as_version=4)
        faults = []
        if as_text(normalised(notebook)) != text:
            faults.append("not in normal form")
        if any(PNG not in data for data in bundles(notebook)):
            faults.append("a figure without a picture")
        if faults:
            clean = False
            print(f"{path.stem}: {', '.join(faults)}; make notebooks ARGS={path.stem} mends it")
    return clean


def chosen(names: list[str]) -> list[Path]:
    """Return the notebooks that are named (a path, a name, or the start of one), or all of them."""
    everything = sorted(path for path in FOLDER.glob("*.ipynb") if not path.name.startswith("."))
    paths = []
    for name in names:
        found = [Path(name).resolve()] if name.endswith(".ipynb") and Path(name).is_file() else []
        found = found or [path for path in everything if path.name.startswith(Path(name).name)]
        if not found:
            raise SystemExit(f"No notebook {name!r}. There are: {', '.join(path.stem for path in everything)}")
        paths += found
    return paths or everything


def main() -> int:
    """Read the command line and do what it says."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", metavar="notebook", help="a path, a name or the start of one, as in 06")
    parser.add_argument("--check", action="store_true", help="execute nothing; say what isn't in normal form")
    parser.add_argument("--fresh", action="store_true", help="new measurements and new pictures")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="how many notebooks at a time")
    asked = parser.parse_args()
    paths = chosen(asked.names)
    if asked.check:
        return 0 if check(paths) else 1
    started = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="ipython-") as profile:
        os.environ["IPYTHONDIR"] = profile  # start-up files of one author must not shape what is stored
        os.environ["RACKS_TO_FUNCTIONS_PROGRESS"] = str(Path(profile) / "progress.json")  # nor what an author solved
        fine = asyncio.run(rebuild_all(paths, jobs=asked.jobs, fresh=asked.fresh))
    print(f"{len(paths)} notebooks in {time.monotonic() - started:.0f} s{'' if fine else ', not all of them stored'}")
    return 0 if fine else 1


if __name__ == "__main__":
    sys.exit(main())
