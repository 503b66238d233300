"""How many events went which way: from bucket, topic, queue or stream to a function, and on to where failures go.

Every part that delivers something says so to :meth:`Flows.record`; ``cloud.flows()`` shows the counts, and
:mod:`helpers.show.pipeline` draws them. Counts are of events: a batch of ten messages counts ten.
"""

from __future__ import annotations

import threading
from dataclasses import astuple, dataclass, fields

import pandas as pd


@dataclass
class Flow:
    """One way of events, and how many went it.

    Attributes
    ----------
    source, target : ARNs, or a name where there is none
    kind : what carries them: ``SQS``, ``SNS``, ``S3``, ``redrive``, ``on failure`` ...
    delivered : events that arrived and were dealt with
    failed : attempts that failed, each event of each attempt
    filtered : events that the way's filter kept back
    """

    source: str
    target: str
    kind: str
    delivered: int = 0
    failed: int = 0
    filtered: int = 0


class Flows:
    """The ways of one session's events."""

    def __init__(self) -> None:
        self._known: dict[tuple[str, str, str], Flow] = {}
        self._lock = threading.Lock()

    def record(
        self, source: str, target: str, kind: str, *, delivered: int = 0, failed: int = 0, filtered: int = 0
    ) -> None:
        """Count events on a way.

        Examples
        --------
        >>> flows = Flows()
        >>> flows.record("queue", "function", "SQS", delivered=10)
        >>> flows.record("queue", "function", "SQS", failed=1)
        >>> flows.frame().to_dict("records")  # doctest: +NORMALIZE_WHITESPACE
        [{'source': 'queue', 'target': 'function', 'kind': 'SQS', 'delivered': 10, 'failed': 1, 'filtered': 0}]
        """
        with self._lock:
            flow = self._known.setdefault((source, target, kind), Flow(source, target, kind))
            flow.delivered += delivered
            flow.failed += failed
            flow.filtered += filtered

    def frame(self) -> pd.DataFrame:
        """Return the ways, in the order of their names: source, target, kind, delivered, failed, filtered.

        (Which of several subscribers is done first is chance; the frame is the same each time.)
        """
        names = [field.name for field in fields(Flow)]
        with self._lock:
            rows = [astuple(flow) for _, flow in sorted(self._known.items())]
        frame = pd.DataFrame(rows, columns=names)
        return frame.astype({**dict.fromkeys(names[:3], "str"), **dict.fromkeys(names[3:], int)})
