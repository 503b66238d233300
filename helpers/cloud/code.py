"""Where packages lie once they are unpacked: one read-only folder for each, shared by all environments."""

from __future__ import annotations

import hashlib
import threading
from collections import defaultdict
from pathlib import Path

from helpers import tables
from helpers.cloud.unpacking import unpack

UNPACKED_MAX_BYTES = int(tables.limit("lambda.zip_unzipped").max * 1024 * 1024)


class Store:
    """Unpacked packages of one session, by the hash of their bytes.

    Parameters
    ----------
    folder : where to unpack
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._locks: dict[str, threading.Lock] = defaultdict(threading.Lock)

    def unpacked(self, data: bytes, digest: str | None = None) -> Path:
        """Return the folder of a package's files; unpacks it when it is new.

        Raises
        ------
        BadPackage
            for what isn't a zip file that can be unpacked safely
        """
        digest = digest or hashlib.sha256(data).hexdigest()
        target = self._folder / digest[:16]
        if target.exists():
            return target
        with self._locks[digest]:
            if not target.exists():
                building = target.with_suffix(".new")
                unpack(data, building, max_unzipped_bytes=UNPACKED_MAX_BYTES)
                building.rename(target)
        return target
