"""What a function writes, as log messages: lines from print, frames from the runtime's logger.

AWS's runtime client marks where a logged message begins and ends, so that a traceback stays one message. It gets the
same pipe as standard output for these frames; hence the order of prints and log calls is kept.
"""

from __future__ import annotations

import re

FRAME = re.compile(rb"\xa5\x5a\x00[\x02-\x1b]", re.DOTALL)
FRAME_HEAD_BYTES = 16  # four for the kind, four for the length, eight for the time
MESSAGE_MAX_BYTES = 256 * 1024  # CloudWatch Logs' own limit of one event
FRAME_MAX_BYTES = 4 * 1024 * 1024  # what claims to be longer is no frame of the runtime's
# AWS keeps all that a function writes. Here it stays in the kernel's memory, and so has an end.
MESSAGES_MAX = 10_000
KEPT_MAX_BYTES = 4 * 1024 * 1024


class Output:
    r"""Bytes in, messages out.

    Examples
    --------
    >>> output = Output()
    >>> output.feed(b"loading\nhal")
    >>> output.take()
    ['loading']
    >>> output.feed(b"f\n" + bytes.fromhex("a55a0003 00000003") + bytes(8) + b"a\nb")
    >>> output.take()
    ['half', 'a\nb']
    """

    def __init__(self) -> None:
        self._data = bytearray()
        self._messages: list[str] = []
        self._size = self._lost = 0

    @property
    def full(self) -> bool:
        """Whether what nobody took yet is enough: a function may print without end."""
        return self._size > KEPT_MAX_BYTES or len(self._messages) >= MESSAGES_MAX

    def feed(self, data: bytes) -> None:
        """Take what the process wrote."""
        if self.full:
            self._lost += len(data) + len(self._data)
            self._data.clear()
            return
        self._data += data
        self._parse()

    def take(self, *, rest: bool = False) -> list[str]:
        """Return the messages since the last call; with ``rest``, an unfinished line as well."""
        if rest and self._data:
            self._add(bytes(self._data))
            self._data.clear()
        messages, self._messages, self._size = self._messages, [], 0
        if self._lost:
            messages.append(f"[local cloud] {self._lost:,} bytes more were written, and not kept.")
            self._lost = 0
        return messages

    def _add(self, message: bytes) -> None:
        for start in range(0, len(message), MESSAGE_MAX_BYTES):  # Lambda, too, cuts what is longer
            piece = message[start : start + MESSAGE_MAX_BYTES]
            text = piece.decode("utf-8", "replace").replace("\r\n", "\n").replace("\r", "\n").rstrip("\n")
            if text:
                self._messages.append(text)
                self._size += len(text)

    def _parse(self) -> None:
        while self._data:
            frame = FRAME.search(self._data)
            until = frame.start() if frame else len(self._data)
            end = self._data.rfind(b"\n", 0, until)
            if frame:  # whatever stands before a frame is a message, finished or not
                end = until - 1
            if end >= 0:
                for line in filter(None, bytes(self._data[: end + 1]).split(b"\n")):
                    if self.full:
                        self._lost += len(line) + 1
                    else:
                        self._add(line)
                del self._data[: end + 1]
            if not frame:
                if len(self._data) > MESSAGE_MAX_BYTES:
                    self._add(bytes(self._data))
                    self._data.clear()
                return
            if len(self._data) < FRAME_HEAD_BYTES:
                return
            size = int.from_bytes(self._data[4:8], "big")
            if size > FRAME_MAX_BYTES:
                self._add(bytes(self._data[:4]))
                del self._data[:4]
                continue
            if len(self._data) < FRAME_HEAD_BYTES + size:
                return
            self._add(bytes(self._data[FRAME_HEAD_BYTES : FRAME_HEAD_BYTES + size]))
            del self._data[: FRAME_HEAD_BYTES + size]
