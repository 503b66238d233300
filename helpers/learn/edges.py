"""Trials of notebook 09: a counter that many call at once, and rules that must know no cloud.

Neighbour of :mod:`helpers.learn.trials`: what these return is handed to ``check``.
"""

from __future__ import annotations

import secrets
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from helpers.cloud import zip_function
from helpers.learn.trials import Trial, TrialFailed
from helpers.portability import report

ALL, SOME, TOO_MANY = "every like counted", "some likes lost", "more likes than there were"
CALLERS = 4


@dataclass(frozen=True)
class _Together(Trial):
    table: Any

    def __call__(self, likes: int) -> str:
        """Call the function from four callers at once; say what became of so many likes for one picture."""
        name, picture = f"trial-{secrets.token_hex(4)}", f"picture-{secrets.token_hex(4)}"
        self.client.create_function(
            FunctionName=name,
            Code={"ZipFile": zip_function({"lambda_function.py": self.code})},
            Handler="lambda_function.handler",
            Runtime="python3.13",
            Role=self.role,
            Timeout=30,
            MemorySize=256,
        )
        with ThreadPoolExecutor(CALLERS) as callers:
            list(callers.map(lambda _: self._call(name, {"picture": picture}), range(likes)))
        item = self.table.get_item(Key={"id": picture}, ConsistentRead=True).get("Item", {})
        counted = int(item.get("likes", 0))
        return ALL if counted == likes else SOME if counted < likes else TOO_MANY


def liked_together(code: Any, client: Any, role: str, table: Any) -> Any:
    """Return a trial that lets many like one picture at the same time, and reads the count from the table.

    Parameters
    ----------
    code : str
        The text of a module whose handler counts a like of ``event["picture"]``. Dots stay dots: not answered yet.
    client : a boto3 client of Lambda
    role : ARN of the function's role
    table : boto3's Table ``likes``, with ``id`` as its key and the count as ``likes``
    """
    return _Together(code, client, role, table) if isinstance(code, str) else code


def free_of_aws(code: Any) -> Any:
    """Return the function ``cents(size, copies)`` of a module that owes nothing to AWS, as a trial.

    Parameters
    ----------
    code : str
        The module's text. Dots stay dots: not answered yet.
    """
    if not isinstance(code, str):
        return code

    def cents(size: str, copies: int) -> Any:
        found = report(code, name="your rules")
        if found.findings:
            first = found.findings[0]
            raise TrialFailed(f"line {first.line} is AWS's still: {first.kind}, {first.what}")
        names: dict[str, Any] = {}
        exec(compile(code, "your rules", "exec"), names)
        if not callable(names.get("cents")):
            raise TrialFailed("it has no function cents(size, copies)")
        return names["cents"](size, copies)

    return cents
