"""A body whose length nobody announced: HTTP's chunks, taken apart as they arrive."""

from __future__ import annotations

import re

SIZE = re.compile(rb"[0-9a-fA-F]{1,8}")
LINE_MAX_BYTES = 1024


class Chunks:
    r"""Puts a body in chunks together; of one that is too long it keeps the beginning and the size.

    Parameters
    ----------
    keep_bytes : how much of the body to keep

    Examples
    --------
    >>> chunks, data = Chunks(keep_bytes=100), bytearray(b"5\r\nhello\r\n6")
    >>> chunks.take(data)
    False
    >>> data += b"\r\n world\r\n0\r\n\r\n"
    >>> chunks.take(data), bytes(chunks.body), chunks.size
    (True, b'hello world', 11)
    """

    def __init__(self, keep_bytes: int) -> None:
        self.body = bytearray()
        self.size = 0
        self._keep_bytes = keep_bytes
        self._left = 0  # of the chunk that is being read
        self._closing = False  # the chunk is complete but for the end of its line
        self._last = False  # what follows are trailers

    def take(self, data: bytearray, start: int = 0) -> bool:
        """Move what has arrived out of ``data``, from ``start`` on; say whether the body is complete.

        Raises
        ------
        ValueError
            for what isn't in chunks
        """
        at, complete = start, False
        while not complete:
            if self._left:
                end = min(at + self._left, len(data))
                self.body += data[at : min(end, at + self._keep_bytes - len(self.body))]
                self.size += end - at
                self._left -= end - at
                at = end
                if self._left:
                    break
                self._closing = True
            end = data.find(b"\r\n", at)
            if end < 0:
                if len(data) - at > LINE_MAX_BYTES or (self._closing and data[at : at + 1] not in (b"", b"\r")):
                    raise ValueError("a line among chunks is too long")
                break
            complete = self._line(bytes(data[at:end]))
            at = end + 2
        del data[start:at]
        return complete

    def _line(self, line: bytes) -> bool:
        """Understand a line between two chunks; say whether it is the last of the body."""
        if self._last:
            return not line
        if self._closing:
            if line:
                raise ValueError("a chunk is longer than it says")
            self._closing = False
            return False
        digits = line.split(b";")[0].strip()
        if not SIZE.fullmatch(digits):
            raise ValueError("a chunk has no size")
        self._left = int(digits, 16)
        self._last = self._left == 0
        return False
