"""Ask every address that the notebooks, the README and the tables name whether it still leads somewhere.

    python .ci/links.py [--only WORDS]

`make links` runs this, and so does a job every week. A server that refuses programs (403, 429, 999) counts as there,
and what doesn't answer is asked twice. Exits with 1 if an address is gone or silent, and says where it stands; with 2
if not one of them answered, for then it is this machine that reaches nobody.
"""

from __future__ import annotations

import argparse
import csv
import json
import re
import sys
import urllib.error
import urllib.request
from collections import Counter, defaultdict
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from http.client import HTTPException
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


@dataclass(frozen=True)
class Answer:
    """What came back from an address: a server's number, or why there was none.

    Attributes
    ----------
    code : the server's answer, None where none came
    silence : why none came
    """

    code: int | None
    silence: str = ""

    @property
    def problem(self) -> str:
        """What is wrong with the address; "" if nothing is."""
        if self.code is None:
            return f"does not answer from here: {self.silence}"
        if self.code < 400 or self.code in SHY:
            return ""
        return "is gone" if self.code in (404, 410) else f"answers {self.code}"


def ask(address: str, tries: int = 2) -> Answer:
    """Ask for an address, again if nobody answered."""
    request = urllib.request.Request(address, headers={"User-Agent": "Mozilla/5.0 (link check)"})
    try:
        with urllib.request.urlopen(request, timeout=TIMEOUT_S) as reply:
            return Answer(reply.status)
    except urllib.error.HTTPError as error:
        return Answer(error.code)
    except (OSError, ValueError, HTTPException) as error:
        silent = Answer(None, str(getattr(error, "reason", "") or error or type(error).__name__))
    return ask(address, tries - 1) if tries > 1 else silent


def report(found: dict[str, list[str]], answers: dict[str, Answer]) -> int:
    """Print what leads nowhere, and return the exit code.

    Parameters
    ----------
    found : the files that name each address
    answers : what each address said
    """
    if answers and all(answer.code is None for answer in answers.values()):
        why = Counter(answer.silence for answer in answers.values()).most_common(1)[0][0]
        print(f"None of {len(answers)} addresses answers ({why}): this machine reaches nobody, so nothing is known.")
        return 2
    problems = {address: answer.problem for address, answer in answers.items() if answer.problem}
    for address, said in problems.items():
        print(f"{address} {said} ({', '.join(found[address])})")
    silent = sum(answers[address].code is None for address in problems)
    print(f"{len(answers)} addresses: {len(problems) - silent} lead nowhere, {silent} do not answer")
    if 2 * silent > len(answers):
        print("Most are silent: before you doubt them, look at this machine's network and proxy.")
    return 1 if problems else 0


def main() -> int:
    """Ask all of them, and say which are gone."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", default="", metavar="WORDS", help="addresses that contain this")
    asked = parser.parse_args()
    found = {address: files for address, files in addresses().items() if asked.only in address}
    with ThreadPoolExecutor(AT_ONCE) as callers:
        answers = dict(zip(found, callers.map(ask, found), strict=True))
    return report(found, answers)


if __name__ == "__main__":
    sys.exit(main())
