"""Packages from anybody, read so that they can do no harm: nothing outside the target, no link, no bomb.

A zip says of itself where its files go and how large they are; both may be lies. :func:`inspect_zip` believes neither:
it checks every name and inflates every byte, counting. :func:`unpack` does the same before it writes anything, then
lays the files out as AWS does under ``/var/task``: readable and executable, but not writable.
"""

from __future__ import annotations

import io
import os
import re
import shutil
import stat
import zipfile
from collections.abc import Iterator
from contextlib import suppress
from copy import copy
from pathlib import Path

COULD_NOT_UNZIP = "Could not unzip uploaded file. Please check your file, then try to upload again."
ENTRIES_MAX = 65_535  # what a zip's directory counts to without extensions
NAME_MAX, PATH_MAX = 255, 1024  # bytes: what every file system takes
CHUNK_BYTES = 1 << 20

_ENTRY_MARK = b"PK\x01\x02"
_ENCRYPTED = 0x1 | 0x40 | 0x2000
_METHODS = {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}


class BadPackage(ValueError):
    """A package that is refused; the message is AWS's own where AWS has one."""


def too_large(max_unzipped_bytes: int) -> str:
    """Return AWS's sentence about an unzipped size.

    >>> too_large(262144000)
    'Unzipped size must be smaller than 262144000 bytes'
    """
    return f"Unzipped size must be smaller than {max_unzipped_bytes} bytes"


def safe_path(name: str) -> str:
    """Return a zip entry's name without empty and ``.`` parts, when it stays below the folder it is unpacked into.

    Raises
    ------
    BadPackage
        For absolute names, drive letters, backslashes, ``..``, NUL, and names that are too long for a file system.

    Examples
    --------
    >>> safe_path("./shop//orders.py")
    'shop/orders.py'
    >>> safe_path("shop/../../orders.py")
    Traceback (most recent call last):
    helpers.cloud.unpacking.BadPackage: The package has an entry that leaves its folder: 'shop/../../orders.py'
    """
    shown = repr(name if len(name) < 100 else name[:100] + "…")
    if "\0" in name:
        raise BadPackage(f"The package has an entry with NUL in its name: {shown}")
    if "\\" in name:
        raise BadPackage(f"The package has an entry with a backslash in its name (folders are separated by /): {shown}")
    if name.startswith("/") or re.match(r"[A-Za-z]:", name):
        raise BadPackage(f"The package has an entry with an absolute name: {shown}")
    parts = [part for part in name.split("/") if part not in ("", ".")]
    if ".." in parts:
        raise BadPackage(f"The package has an entry that leaves its folder: {shown}")
    sizes = [len(part.encode("utf-8", "surrogatepass")) for part in parts]
    if max(sizes, default=0) > NAME_MAX or sum(sizes) + len(sizes) > PATH_MAX:
        raise BadPackage(f"The package has an entry whose name is too long: {shown}")
    return "/".join(parts)


def inspect_zip(data: bytes, *, max_unzipped_bytes: int) -> None:
    """Check a package without writing anything.

    Parameters
    ----------
    data : the zip, as uploaded
    max_unzipped_bytes : what all files together must stay below

    Raises
    ------
    BadPackage
        If the package is no zip, would write outside its folder, holds links, special files, two entries of one name,
        encrypted or too many entries, or inflates to more than is allowed, whatever sizes it declares.
    """
    for _, _, chunks in _contents(data, max_unzipped_bytes):
        for _ in chunks:
            pass


def unpack(data: bytes, target: Path, *, max_unzipped_bytes: int) -> None:
    """Write a package's files below a folder, then make the folder read-only, as ``/var/task`` is.

    Parameters
    ----------
    data : the zip, as uploaded
    target : a folder that is empty or does not exist yet
    max_unzipped_bytes : what all files together must stay below

    Raises
    ------
    BadPackage
        As :func:`inspect_zip`; then nothing was written.
    ValueError
        If the target is a link, a file or a folder that holds something.
    """
    inspect_zip(data, max_unzipped_bytes=max_unzipped_bytes)
    target = Path(target)
    if target.is_symlink() or (target.exists() and (not target.is_dir() or any(target.iterdir()))):
        raise ValueError(f"target must be an empty folder or not exist yet, got {str(target)!r}")
    target.mkdir(parents=True, exist_ok=True)
    try:
        for path, info, chunks in _contents(data, max_unzipped_bytes):
            if info.is_dir():
                (target / path).mkdir(parents=True, exist_ok=True)
            else:
                (target / path).parent.mkdir(parents=True, exist_ok=True)
                _write(target / path, chunks, executable=bool(info.external_attr >> 16 & 0o111))
        for folder, _, _ in os.walk(target, topdown=False):
            os.chmod(folder, 0o555)
    except (FileExistsError, NotADirectoryError):
        remove_tree(target)
        raise BadPackage("The package has two entries whose names are one on this file system") from None
    except BaseException:
        remove_tree(target)
        raise


def remove_tree(path: Path) -> None:
    """Remove a folder with all it holds, read-only or not; links in it are removed, never followed.

    A folder that does not exist is no error.
    """
    path = Path(path)
    if path.is_symlink():
        raise ValueError(f"path must be a folder, got the link {str(path)!r}")
    folders = [path]
    while folders:
        folder = folders.pop()
        with suppress(FileNotFoundError):
            os.chmod(folder, 0o700)
            with os.scandir(folder) as entries:
                folders += [Path(entry.path) for entry in entries if entry.is_dir(follow_symlinks=False)]
    with suppress(FileNotFoundError):
        shutil.rmtree(path)


def _contents(data: bytes, max_bytes: int) -> Iterator[tuple[str, zipfile.ZipInfo, Iterator[bytes]]]:
    """Yield each entry's path, its record and its bytes; names are all checked before the first is yielded."""
    if data.count(_ENTRY_MARK) > ENTRIES_MAX:  # counted before zipfile makes an object of each
        raise BadPackage(f"The package has more than {ENTRIES_MAX} entries")
    try:
        archive = zipfile.ZipFile(io.BytesIO(data))
    except Exception:  # a parser fed with anything at all raises almost anything
        raise BadPackage(COULD_NOT_UNZIP) from None
    with archive:
        entries = _checked(archive.infolist())
        if sum(info.file_size for info in entries.values()) >= max_bytes:
            raise BadPackage(too_large(max_bytes))
        left = max_bytes
        for path, info in entries.items():
            yield path, info, _inflated(archive, info, left, max_bytes)
            left -= info.file_size


def _checked(infos: list[zipfile.ZipInfo]) -> dict[str, zipfile.ZipInfo]:
    entries: dict[str, zipfile.ZipInfo] = {}
    for info in infos:
        path = safe_path(info.orig_filename)
        if not path and info.is_dir():
            continue  # "./", the folder itself
        if not path:
            raise BadPackage(f"The package has an entry without a name: {info.orig_filename!r}")
        if path in entries:
            raise BadPackage(f"The package has two entries of one name: {path!r}")
        _check_kind(path, info)
        entries[path] = info
    for path in entries:
        while path := path.rpartition("/")[0]:
            if path in entries and not entries[path].is_dir():
                raise BadPackage(f"The package has an entry that is a file and a folder: {path!r}")
    return entries


def _check_kind(path: str, info: zipfile.ZipInfo) -> None:
    kind = stat.S_IFMT(info.external_attr >> 16)
    if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
        raise BadPackage(f"The package has an entry that is a link or a special file: {path!r}")
    if kind and (kind == stat.S_IFDIR) != info.is_dir():
        raise BadPackage(f"The package has an entry that is a file and a folder: {path!r}")
    unreadable = info.flag_bits & _ENCRYPTED or info.compress_type not in _METHODS
    if unreadable or (info.is_dir() and info.file_size):
        raise BadPackage(COULD_NOT_UNZIP)


def _inflated(archive: zipfile.ZipFile, info: zipfile.ZipInfo, left: int, max_bytes: int) -> Iterator[bytes]:
    """Yield an entry's bytes until its data ends, wherever its declared size says that it does."""
    if info.compress_type == zipfile.ZIP_STORED and info.compress_size != info.file_size:
        raise BadPackage(COULD_NOT_UNZIP)
    undeclared = copy(info)
    undeclared.file_size = max(left, info.file_size) + CHUNK_BYTES  # so that zipfile reads on behind a small lie
    size = 0
    try:
        with archive.open(undeclared) as stream:
            while chunk := stream.read(CHUNK_BYTES):
                size += len(chunk)
                if size >= left:
                    raise BadPackage(too_large(max_bytes))
                yield chunk
    except BadPackage:
        raise
    except Exception:
        raise BadPackage(COULD_NOT_UNZIP) from None
    if size != info.file_size:
        raise BadPackage(COULD_NOT_UNZIP)


def _write(path: Path, chunks: Iterator[bytes], *, executable: bool) -> None:
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0)
    with open(os.open(path, flags, 0o600), "wb") as file:
        for chunk in chunks:
            file.write(chunk)
        os.chmod(path, 0o555 if executable else 0o444)
