"""Whether anything is still under way in a cloud: events in queues, records in streams, workflows between two steps.

Every part that holds something back says how much it holds (:meth:`Quiet.watch`) and calls :meth:`Quiet.changed`
whenever that number moves. What goes from one part to the next is taken on by the next before the first lets go of it.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

LOOK_AGAIN_S = 0.25  # for a part that forgets to say that it moved


class Quiet:
    """The parts of a cloud that can be busy."""

    def __init__(self) -> None:
        self._parts: dict[str, Callable[[], int]] = {}
        self._moved = threading.Condition()
        self._moves = 0

    def watch(self, name: str, waiting: Callable[[], int]) -> None:
        """Ask a part, whenever somebody waits, how many things it has under way.

        Parameters
        ----------
        name : of what is counted, in the plural: events, messages
        waiting : quick, and never waits for a lock that is held while :meth:`changed` is called
        """
        self._parts[name] = waiting

    def changed(self) -> None:
        """Say that a part took something on, or let go of it."""
        with self._moved:
            self._moves += 1
            self._moved.notify_all()

    def waiting(self) -> dict[str, int]:
        """Return how much each part has under way, without the quiet ones."""
        counted = {name: waiting() for name, waiting in list(self._parts.items())}
        return {name: count for name, count in counted.items() if count}

    def settle(self, timeout_s: float) -> bool:
        """Wait until nothing is under way; say whether that happened in time."""
        until_s = time.monotonic() + timeout_s
        while True:
            before = self._moves
            quiet = not self.waiting()
            with self._moved:
                # Something may have passed from a part not yet asked to one already asked: then the count has moved.
                if self._moves != before:
                    continue
                if quiet:
                    return True
                left_s = until_s - time.monotonic()
                if left_s <= 0:
                    return False
                self._moved.wait(min(left_s, LOOK_AGAIN_S))
