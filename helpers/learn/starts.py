"""A learner's function, started cold in turns with the one that it should replace.

The trial answers in words and not in milliseconds: these differ from machine to machine and from minute to minute,
while half is half wherever both take turns.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from helpers.cloud import zip_function
from helpers.coldstart import median
from helpers.learn.trials import TrialFailed

HALF = "half the time or less"
MOVED = "INIT half or less, the first call longer by as much"
LONG = "more than half the time"


@dataclass(frozen=True)
class _Compared:
    code: str
    before: str
    cloud: Any
    events: Sequence[Mapping[str, Any]]

    def __call__(self, repetitions: int) -> str:
        """Start both cold so many times, taking turns, and say how the medians compare."""
        from helpers.cloud.measure import measure_cold
        from helpers.cloud.trial import Variant

        packages = {"before": zip_function(self.before), "yours": zip_function(self.code)}
        self._same_answers(packages)
        variants = {name: Variant(package, event=self.events[0]) for name, package in packages.items()}
        starts = measure_cold(self.cloud, variants, repetitions=repetitions)
        starts["both_ms"] = starts.init_ms + starts.first_call_ms
        init, both = (self._share(starts, column) for column in ("init_ms", "both_ms"))
        return HALF if both <= 0.5 else MOVED if init <= 0.5 else LONG

    @staticmethod
    def _share(starts: Any, column: str) -> float:
        parts = starts.groupby("variant")[column]
        return median(parts.get_group("yours")) / median(parts.get_group("before"))

    def _same_answers(self, packages: Mapping[str, bytes]) -> None:
        from helpers.cloud.trial import deployed

        with deployed(self.cloud, packages) as trials:
            for event in self.events:
                wanted, given = (_answer(trials[name], event) for name in ("before", "yours"))
                if given != wanted:
                    raise TrialFailed(f"for {json.dumps(event)} it answers {given!r}, and should {wanted!r}")


def _answer(trial: Any, event: Mapping[str, Any]) -> Any:
    answer = trial.client.invoke(FunctionName=trial.name, Payload=json.dumps(event))
    told = json.loads(answer["Payload"].read())
    if "FunctionError" in answer:
        raise TrialFailed(f"{told.get('errorType', 'Error')}: {told.get('errorMessage', '')}"[:300])
    return told


def started_in_turns(code: Any, before: str, cloud: Any, events: Sequence[Mapping[str, Any]]) -> Any:
    """Return a trial that says whether a function starts in half the time of another.

    Parameters
    ----------
    code : str
        The text of a module with a ``handler``. The dots that a notebook comes with stay dots: not answered yet.
    before : the text that it should replace
    cloud : the notebook's local cloud
    events : what both must answer alike; cold starts are measured with the first
    """
    return _Compared(code, before, cloud, tuple(events)) if isinstance(code, str) else code
