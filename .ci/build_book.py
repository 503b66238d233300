"""Build the web book and look at every link in it: what `make book` runs.

    python .ci/build_book.py [folder]

Warnings are errors, so a reference to a page or a heading that is gone ends the build. What Sphinx doesn't look at (the
map, pictures, links in HTML of our own) is checked in the finished pages. Needs no network, and no server: the pages
work from the disk.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None

ROOT = Path(__file__).resolve().parents[1]
FOLDER = ROOT / "build" / "book"


def build(folder: Path = FOLDER) -> Path:
    """Build the book from scratch and return its first page.

    Raises
    ------
    SystemExit
        If Sphinx complains, or a link inside the book leads nowhere.
    """
    shutil.rmtree(folder, ignore_errors=True)
    with tempfile.TemporaryDirectory() as remembered:
        options = ["-W", "--keep-going", "-q", "-b", "html", "-d", remembered, "-c", ROOT / "book"]
        done = subprocess.run([sys.executable, "-m", "sphinx", *options, ROOT, folder], stdin=subprocess.DEVNULL)
    if done.returncode:
        raise SystemExit("The book was not built: see above.")
    if dead := dead_links(folder):
        raise SystemExit("\n".join(dead))
    return folder / "index.html"


def built(folder: Path = FOLDER) -> Path:
    """Return the book's first page, building it only if something that it is made of is newer.

    Several processes may ask at once: one builds, the others wait.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    with (folder.parent / "book.lock").open("w") as lock:
        if fcntl is not None:
            fcntl.flock(lock, fcntl.LOCK_EX)
        first = folder / "index.html"
        if first.exists() and first.stat().st_mtime > max(path.stat().st_mtime for path in sources()):
            return first
        return build(folder)


def sources() -> Iterator[Path]:
    """Yield the files that the book is made of."""
    yield Path(__file__)
    yield ROOT / "requirements.txt"
    for name in ("book", "data", "docs", "helpers", "notebooks"):
        for path in (ROOT / name).rglob("*"):
            if path.is_file() and path.suffix not in {".pyc", ".nbc", ".nbi"}:
                yield path


class _Page(HTMLParser):
    """What a page links to, and what in it can be linked to."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.links: set[str] = set()
        self.ids: set[str] = set()
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Keep its address and its name."""
        for name, value in attrs:
            if name in {"href", "src"} and value and not (tag == "use" or value.startswith("data:")):
                self.links.add(value)
            elif name == "id" and value:
                self.ids.add(value)


def dead_links(folder: Path) -> list[str]:
    """Say which links between the pages of a folder lead nowhere; addresses of other sites are not asked."""
    pages = {path: _Page(path.read_text(encoding="utf-8")) for path in sorted(folder.rglob("*.html"))}
    dead = []
    for path, page in pages.items():
        for link in sorted(page.links):
            parts = urlsplit(link)
            if parts.scheme or parts.netloc:
                continue
            target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
            known = pages.get(target)
            if not target.is_file() or (known and parts.fragment and unquote(parts.fragment) not in known.ids):
                dead.append(f"{path.relative_to(folder)} links to {link}, which isn't there")
    return dead


if __name__ == "__main__":
    first = build(Path(sys.argv[1]).resolve() if len(sys.argv) > 1 else FOLDER)
    print(f"The book is in {first}: open it in a browser, no server is needed.")
