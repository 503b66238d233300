"""Where bytes come from: files, folders of rotated parts, standard input, an upload; plain or packed.

A source is opened as often as it is needed and gives blocks of whole lines. Packing is seen by its first bytes, not by
a name. Nothing is copied to disk, and nothing leaves the machine.
"""

from __future__ import annotations

import bz2
import codecs
import gzip
import io
import lzma
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

BLOCK = 1 << 22
LONGEST_LINE = 1 << 24  # what is longer holds no request
HEAD = 1 << 16
PACKED = ((b"\x1f\x8b", gzip.open), (b"BZh", bz2.open), (b"\xfd7zXZ\x00", lzma.open))


class Unreadable(ValueError):
    """A file that cannot be read, in one sentence that says why."""


@dataclass(frozen=True)
class Source:
    """One thing to read.

    Attributes
    ----------
    name : to show; a file's own name without its folders
    path : the file, None for an upload or standard input
    data : the bytes of an upload
    """

    name: str
    path: Path | None = None
    data: bytes | None = None

    @property
    def size(self) -> int | None:
        """Bytes as stored, packed or not; None where nobody knows."""
        if self.data is not None:
            return len(self.data)
        return self.path.stat().st_size if self.path is not None and self.path.is_file() else None

    def raw(self) -> BinaryIO:
        """Open it, as stored."""
        if self.data is not None:
            return io.BytesIO(self.data)
        if self.path is None:
            return sys.stdin.buffer
        try:
            return self.path.open("rb")
        except OSError as error:
            raise Unreadable(f"{self.name} cannot be read: {error.strerror or error}") from None


def sources_of(places: Iterable[str | Path | Source]) -> list[Source]:
    """Return the sources that some paths name: files, all files of a folder, ``-`` for standard input.

    Raises
    ------
    Unreadable
        When one doesn't exist, or a folder is empty.
    """
    found: list[Source] = []
    for place in places:
        if isinstance(place, Source):
            found.append(place)
            continue
        if str(place) == "-":
            found.append(Source("standard input"))
            continue
        path = Path(place).expanduser()
        if path.is_dir():
            files = sorted(file for file in path.iterdir() if file.is_file() and not file.name.startswith("."))
            if not files:
                raise Unreadable(f"{path.name} is a folder without files")
            found += [Source(file.name, file) for file in files]
        elif path.exists():
            found.append(Source(path.name, path))
        else:
            raise Unreadable(f"{place} does not exist")
    return found


class Opened:
    """A source being read: blocks of whole lines, and how far it has come."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self._raw = source.raw()
        self._counting = _Counting(self._raw)
        buffered = io.BufferedReader(self._counting, BLOCK)
        start = buffered.peek(16)[:16]
        opener = next((opener for magic, opener in PACKED if start.startswith(magic)), None)
        self._stream: BinaryIO = opener(buffered) if opener else buffered  # type: ignore[assignment]
        self.packed = opener is not None

    @property
    def done(self) -> int:
        """Bytes taken from the source, as stored."""
        return self._counting.count

    def blocks(self) -> Iterator[bytes]:
        """Yield blocks that end where a line ends, without a byte order mark, UTF-16 made UTF-8.

        Raises
        ------
        Unreadable
            When what is packed is broken; blocks up to there have been given.
        """
        rest, first, decode = b"", True, None
        while True:
            try:
                block = self._stream.read1(BLOCK) if hasattr(self._stream, "read1") else self._stream.read(BLOCK)
            except (OSError, EOFError, lzma.LZMAError) as error:
                if rest:
                    yield rest
                raise Unreadable(f"{self.source.name} is damaged or cut off: {error}") from None
            if not block:
                break
            if first:
                first = False
                block = block.removeprefix(codecs.BOM_UTF8)
                if block[:2] in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE):
                    decode = codecs.getincrementaldecoder("utf-16")(errors="replace")
            if decode:
                block = decode.decode(block).encode()
            cut = block.rfind(b"\n") + 1
            if not cut:
                rest = (rest + block)[:LONGEST_LINE]
                continue
            yield rest + block[:cut]
            rest = block[cut:]
        if rest:
            yield rest

    def close(self) -> None:
        """Close it; standard input stays open."""
        if self.source.path is not None or self.source.data is not None:
            self._raw.close()


class _Counting(io.RawIOBase):
    """A stream that counts what was read from it."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self.count = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: bytearray) -> int:
        data = self._stream.read1(len(buffer)) if hasattr(self._stream, "read1") else self._stream.read(len(buffer))
        buffer[: len(data)] = data
        self.count += len(data)
        return len(data)
