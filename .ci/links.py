"""Ask every address that the notebooks, the README and the tables name whether it still leads somewhere.

    python .ci/links.py [--only WORDS]

`make links` runs this; it needs the network, so no test does. A server that refuses programs (403, 429, 999) counts as
there. Exits with 1 if an address is gone or does not answer, and says where it stands.
"""

from __future__ import annotations

import argparse
import csv
import json
import re
import sys
import urllib.error
import urllib.request
from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
IN_MARKDOWN = re.compile(r"\]\((https?://[^)\s]+)\)|<(https?://[^>\s]+)>")
IN_A_TABLE = re.compile(r"https?://[^\s\"<>,;)]+")
SHY = {401, 403, 405, 406, 429, 999}
TIMEOUT_S = 20
AT_ONCE = 8


def in_markdown(text: str) -> list[str]:
    """Return the addresses that a text of Markdown links to.

    Examples
    --------
    >>> in_markdown("See [here](https://example.org/a) and [there](there.md), or <https://example.org/b>.")
    ['https://example.org/a', 'https://example.org/b']
    """
    return [one or other for one, other in IN_MARKDOWN.findall(text)]


def addresses() -> dict[str, list[str]]:
    """Return every address, with the files that name it."""
    found: dict[str, list[str]] = defaultdict(list)

    def add(path: Path, links: list[str]) -> None:
        for link in dict.fromkeys(links):
            found[link].append(path.relative_to(ROOT).as_posix())

    for path in sorted((ROOT / "notebooks").glob("*.ipynb")):
        cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
        add(path, in_markdown("\n".join("".join(c["source"]) for c in cells if c["cell_type"] == "markdown")))
    for path in sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")]):
        add(path, in_markdown(path.read_text(encoding="utf-8")))
    for path in sorted((ROOT / "data").glob("*.csv")):
        with path.open(encoding="utf-8", newline="") as file:
            add(
                path,
                [link.rstrip(".") for row in csv.reader(file) for cell in row for link in IN_A_TABLE.findall(cell)],
            )
    return dict(found)


def problem(address: str) -> str:
    """Ask for an address; return what is wrong with it, "" if nothing is."""
    request = urllib.request.Request(address, headers={"User-Agent": "Mozilla/5.0 (link check)"})
    try:
        with urllib.request.urlopen(request, timeout=TIMEOUT_S):
            return ""
    except urllib.error.HTTPError as error:
        return "" if error.code in SHY else f"answers {error.code}"
    except (OSError, ValueError) as error:
        return f"no answer: {getattr(error, 'reason', error)}"


def main() -> int:
    """Ask all of them, and say which are gone."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", default="", metavar="WORDS", help="addresses that contain this")
    asked = parser.parse_args()
    found = {address: files for address, files in addresses().items() if asked.only in address}
    with ThreadPoolExecutor(AT_ONCE) as callers:
        problems = dict(zip(found, callers.map(problem, found), strict=True))
    gone = {address: said for address, said in problems.items() if said}
    for address, said in gone.items():
        print(f"{address} {said} ({', '.join(found[address])})")
    print(f"{len(found)} addresses, {len(gone)} of them lead nowhere")
    return 1 if gone else 0


if __name__ == "__main__":
    sys.exit(main())
