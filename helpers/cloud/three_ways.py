"""The poster shop, asked in three ways: as a function behind a URL, as a plain HTTP server, from the command line.

Each way is a caller that orders and finds, and says in the same words what came of it, so that one set of tests holds
for all three (:data:`TESTS`). The rules and the adapters lie in ``data/handlers/poster_shop``.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import requests

from helpers.cloud.deploying import make_table, public_url, ship
from helpers.cloud.programs import start_server
from helpers.cloud.samples import handler_folder

if TYPE_CHECKING:
    import pandas as pd

FOLDER = "poster_shop"
PATIENCE_S = 60
Said = tuple[str, Any]  # "done", "refused" or "unknown", with the order or the reason


@dataclass(frozen=True)
class Caller:
    """One way to the shop.

    Attributes
    ----------
    order : takes number, picture, size and copies
    find : takes a number
    """

    order: Callable[..., Said]
    find: Callable[[str], Said]


def by_url(url: str) -> Caller:
    """Return a caller that speaks HTTP: to a function URL, an HTTP API, or a server."""

    def said(answer: requests.Response) -> Said:
        found = answer.json()
        if answer.status_code == 200:
            return "done", found
        return {400: "refused", 404: "unknown"}.get(answer.status_code, str(answer.status_code)), found.get("error")

    def order(number: str, picture: str, size: str, copies: int) -> Said:
        asked = {"picture": picture, "size": size, "copies": copies}
        return said(requests.put(f"{url}/orders/{number}", json=asked, timeout=PATIENCE_S))

    return Caller(order, lambda number: said(requests.get(f"{url}/orders/{number}", timeout=PATIENCE_S)))


def by_command(folder: Path | str) -> Caller:
    """Return a caller that starts a process for each question; orders are kept in a folder."""
    program = handler_folder(FOLDER) / "cli.py"

    def run(*words: str) -> Said:
        command = [sys.executable, "-B", str(program), str(folder), *words]
        ended = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE_S, check=False)
        if ended.returncode == 0:
            return "done", json.loads(ended.stdout)
        verdict = {2: "refused", 3: "unknown"}.get(ended.returncode)
        return (verdict, json.loads(ended.stdout)["error"]) if verdict else ("failed", ended.stderr.strip()[-200:])

    def order(number: str, picture: str, size: str, copies: int) -> Said:
        return run("order", number, picture, size, str(copies))

    return Caller(order, lambda number: run("find", number))


def as_function(role: str, name: str = "posters") -> Caller:
    """Ship the shop as a function with a table and a public URL; return who asks it.

    Parameters
    ----------
    role : ARN of its role, which may read and write items of DynamoDB
    name : of the function and of the table
    """
    make_table(name)
    ship(name, FOLDER, role, TABLE=name)
    return by_url(public_url(name))


def as_server(cloud: Any, folder: Path | str) -> tuple[Any, Caller]:
    """Start the shop as an HTTP server on this machine; return the program, which is to be stopped, and who asks it."""
    program, url = start_server(cloud, handler_folder(FOLDER) / "server.py", str(folder), "0")
    return program, by_url(url)


def _costs(caller: Caller) -> bool:
    said, order = caller.order("1", "noon", "large", 3)
    return said == "done" and order["cents"] == 6000


def _discounts(caller: Caller) -> bool:
    said, order = caller.order("2", "noon", "small", 10)
    return said == "done" and order["cents"] == 10_200


def _remembers(caller: Caller) -> bool:
    placed = caller.order("3", "evening", "small", 1)
    return placed[0] == "done" and caller.find("3") == placed


def _repeats(caller: Caller) -> bool:
    return caller.order("4", "noon", "small", 1) == caller.order("4", "noon", "small", 1)


def _keeps(caller: Caller) -> bool:
    caller.order("5", "noon", "small", 1)
    return caller.order("5", "noon", "large", 9)[0] == "refused" and caller.find("5")[1]["copies"] == 1


def _refuses(caller: Caller) -> bool:
    return caller.order("6", "noon", "huge", 1)[0] == caller.order("6", "noon", "small", 501)[0] == "refused"


def _admits(caller: Caller) -> bool:
    return caller.find("7") == ("unknown", "no order 7")


TESTS: Mapping[str, Callable[[Caller], bool]] = {
    "three large posters cost 60 USD": _costs,
    "from ten on there are 15% off": _discounts,
    "an order is remembered": _remembers,
    "the same order twice is one": _repeats,
    "a number is not given away again": _keeps,
    "sizes and amounts have bounds": _refuses,
    "nobody's order is unknown": _admits,
}


def verdicts(callers: Mapping[str, Caller]) -> pd.DataFrame:
    """Run every test on every way; return "holds" or "fails", one row a test and one column a way."""
    import pandas as pd

    rows = {name: ["holds" if test(caller) else "fails" for caller in callers.values()] for name, test in TESTS.items()}
    return pd.DataFrame.from_dict(rows, orient="index", columns=list(callers))
