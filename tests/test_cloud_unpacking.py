"""Packages that lie, climb, link and explode are refused before anything is written; honest ones become /var/task."""

from __future__ import annotations

import io
import os
import stat
import struct
import sys
import tempfile
import zipfile
import zlib
from pathlib import Path

import pytest

from helpers.cloud import unpacking
from helpers.cloud.unpacking import COULD_NOT_UNZIP, BadPackage, inspect_zip, remove_tree, unpack

MAX = 1_000_000
LEAVES = "leaves its folder"
ABSOLUTE = "absolute name"
SPECIAL = "link or a special file"
TWICE = "two entries of one name"
BOTH = "a file and a folder"
TOO_LARGE = f"^Unzipped size must be smaller than {MAX} bytes$"
NO_ZIP = "^Could not unzip uploaded file\\. Please check your file, then try to upload again\\.$"


def entry(name, mode=0o100644, method=zipfile.ZIP_STORED):
    info = zipfile.ZipInfo("x")
    info.filename = name  # set afterwards: the constructor would tidy it
    info.external_attr = mode << 16
    info.create_system = 3
    info.compress_type = method
    return info


def packed(*entries):
    """Return a zip of (name or ZipInfo, content) pairs."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, content in entries:
            archive.writestr(name if isinstance(name, zipfile.ZipInfo) else entry(name), content)
    return buffer.getvalue()


def raw(name, content, *, declared=None, crc=None, method=8, flags=0, local_name=None):
    """Return a zip of one entry, written byte by byte, so that it can say of itself what is not so."""
    name, local_name = name.encode(), (local_name or name).encode()
    body = content
    if method == 8:
        deflate = zlib.compressobj(9, zlib.DEFLATED, -15)
        body = deflate.compress(content) + deflate.flush()
    size = len(content) if declared is None else declared
    crc = zlib.crc32(content) if crc is None else crc
    facts = struct.pack("<HHHHHIII", 20, flags, method, 0, 33, crc, len(body), size)
    local = b"PK\3\4" + facts + struct.pack("<HH", len(local_name), 0) + local_name + body
    directory = b"PK\1\2" + struct.pack("<H", 0x314) + facts
    directory += struct.pack("<HHHHHII", len(name), 0, 0, 0, 0, 0o100644 << 16, 0) + name
    end = b"PK\5\6" + struct.pack("<HHHHIIH", 0, 0, 1, 1, len(directory), len(local), 0)
    return local + directory + end


def overlapping():
    """Return a zip whose directory names one entry's data forty times."""
    once = raw("a.py", bytes(100_000))
    start = once.index(b"PK\1\2")
    one = once[start : once.index(b"PK\5\6")]
    named = [one.replace(b"a.py", f"a{n:02}y".encode()) for n in range(40)]
    end = struct.pack("<HHHHIIH", 0, 0, 40, 40, 40 * len(one), start, 0)
    return once[:start] + b"".join(named) + b"PK\5\6" + end


GOOD = packed(("a.py", b"x = 1"))
HALF = bytes(600_000)
HOSTILE = {
    "nothing": (b"", NO_ZIP),
    "no zip": (b"def handler(event, context): ...", NO_ZIP),
    "cut off": (GOOD[:-30], NO_ZIP),
    "damaged": (GOOD.replace(b"x = 1", b"x = 2"), NO_ZIP),
    "truncated data": (raw("a.py", b"x = 1", method=0).replace(b"x = 1", b""), NO_ZIP),
    "another method": (packed((entry("a.py", method=zipfile.ZIP_LZMA), b"x")), NO_ZIP),
    "encrypted": (raw("a.py", b"x = 1", flags=1), NO_ZIP),
    "two names": (raw("a.py", b"x = 1", local_name="b.py"), NO_ZIP),
    "a name that is no text": (raw("a.py", b"x", flags=0x800).replace(b"a.py", b"a\xff\xfey"), NO_ZIP),
    "absolute": (packed(("/etc/cron.d/x", b"")), ABSOLUTE),
    "absolute with two slashes": (packed(("//host/x", b"")), ABSOLUTE),
    "a drive": (packed(("C:/x", b"")), ABSOLUTE),
    "a drive, relative": (packed(("c:x", b"")), ABSOLUTE),
    "backslashes": (packed(("a\\b.py", b"")), "backslash"),
    "climbing with backslashes": (packed(("..\\x", b"")), "backslash"),
    "climbing": (packed(("../x", b"")), LEAVES),
    "climbing from below": (packed(("a/../../x", b"")), LEAVES),
    "climbing back": (packed(("a/../x", b"")), LEAVES),
    "the folder above": (packed(("..", b"")), LEAVES),
    "a folder above": (packed(("../x/", b"")), LEAVES),
    "climbing after a good one": (packed(("a.py", b"x"), ("../x", b"")), LEAVES),
    "a link": (packed((entry("a", 0o120777), b"/etc/passwd")), SPECIAL),
    "a link and a file behind it": (packed((entry("a", 0o120777), b".."), ("a/x", b"")), SPECIAL),
    "a pipe": (packed((entry("a", 0o010644), b"")), SPECIAL),
    "a device": (packed((entry("a", 0o020644), b"")), SPECIAL),
    "a disk": (packed((entry("a", 0o060644), b"")), SPECIAL),
    "a socket": (packed((entry("a", 0o140644), b"")), SPECIAL),
    "the same twice": (packed(("a.py", b"x"), ("b.py", b"y")).replace(b"b.py", b"a.py"), TWICE),
    "the same in two spellings": (packed(("a.py", b"x"), (".//a.py", b"y")), TWICE),
    "a file that is a folder": (packed(("a", b"x"), ("a/b", b"y")), BOTH),
    "a folder that is a file": (packed(("a/b/c", b"x"), ("a/b", b"y")), BOTH),
    "a file by name, a folder by mode": (packed((entry("a", 0o040755), b"")), BOTH),
    "a folder by name, a file by mode": (raw("a/", b""), BOTH),
    "NUL": (packed(("axpy", b"")).replace(b"axpy", b"a\0py"), "NUL"),
    "no name": (packed((".", b"")), "without a name"),
    "a long name": (packed(("a" * 256, b"")), "too long"),
    "a long path": (packed(("a/" * 600 + "b", b"")), "too long"),
    "a bomb": (raw("a", bytes(50_000_000)), TOO_LARGE),
    "two halves of a bomb": (packed(("a", HALF), ("b", HALF)), TOO_LARGE),
    "a bomb that says it is small": (raw("a", bytes(50_000_000), declared=5, crc=zlib.crc32(bytes(5))), TOO_LARGE),
    "a file that says it is smaller": (raw("a", bytes(500), declared=5, crc=zlib.crc32(bytes(5))), NO_ZIP),
    "a file that says it is larger": (raw("a", bytes(500), declared=501), NO_ZIP),
    "a stored file that says it is smaller": (
        raw("a", bytes(500), declared=5, crc=zlib.crc32(bytes(5)), method=0),
        NO_ZIP,
    ),
    "sizes beyond any disk": (raw("a", b"x", declared=0xFFFFFFF0), TOO_LARGE),
    "one entry's data under forty names": (overlapping(), TOO_LARGE),
    "too many entries": (packed(("a", b"PK\1\2" * 65_536)), "more than 65535 entries"),
}


@pytest.fixture
def place(tmp_path):
    """Return a target, deep enough that what climbs out of it is found."""
    yield tmp_path / "one" / "two" / "task"
    remove_tree(tmp_path / "one")


@pytest.mark.parametrize("case", HOSTILE)
def test_a_hostile_package_is_refused_when_looked_at(case):
    data, message = HOSTILE[case]
    with pytest.raises(BadPackage, match=message):
        inspect_zip(data, max_unzipped_bytes=MAX)


@pytest.mark.parametrize("case", HOSTILE)
def test_a_hostile_package_is_refused_before_anything_is_written(case, place, tmp_path):
    data, message = HOSTILE[case]
    with pytest.raises(BadPackage, match=message):
        unpack(data, place, max_unzipped_bytes=MAX)
    assert not list(tmp_path.rglob("*"))


def test_every_single_changed_byte_is_harmless(tmp_path):
    data = packed(("a/b.py", b"x = 1"), ("c.py", b""))
    for position in range(len(data)):
        broken = bytearray(data)
        broken[position] ^= 0xFF
        target = tmp_path / str(position)
        try:
            unpack(bytes(broken), target, max_unzipped_bytes=MAX)
        except BadPackage:
            assert not target.exists()
        else:
            remove_tree(target)
    assert not list(tmp_path.iterdir())


def test_the_limits_last_byte_is_one_too_many():
    inspect_zip(packed(("a", bytes(MAX - 1))), max_unzipped_bytes=MAX)
    with pytest.raises(BadPackage, match=TOO_LARGE):
        inspect_zip(packed(("a", bytes(MAX))), max_unzipped_bytes=MAX)


def test_a_bomb_is_left_as_soon_as_it_is_too_large(monkeypatch):
    liar = raw("a", bytes(100_000_000), declared=5, crc=zlib.crc32(bytes(5)))
    inflated = []

    class Counting(zipfile.ZipExtFile):
        def read(self, n=-1):
            inflated.append(n)
            return super().read(n)

    monkeypatch.setattr(zipfile, "ZipExtFile", Counting)
    with pytest.raises(BadPackage):
        inspect_zip(liar, max_unzipped_bytes=MAX)
    assert sum(inflated) <= MAX + 2 * unpacking.CHUNK_BYTES


# Honest packages


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_an_honest_package_arrives_whole_and_in_its_folders(place, method):
    large = os.urandom(1000) * 3000
    files = {"app.py": b"x = 1", "shop/orders.py": b"", "shop/data/ö.bin": large}
    data = packed(*((entry(name, method=method), content) for name, content in files.items()))
    unpack(data, place, max_unzipped_bytes=5 * MAX)
    found = {path.relative_to(place).as_posix(): path.read_bytes() for path in place.rglob("*") if path.is_file()}
    assert found == files


def test_an_empty_zip_is_an_empty_folder(place):
    unpack(packed(), place, max_unzipped_bytes=MAX)
    assert list(place.iterdir()) == []


def test_folders_of_their_own_and_the_folder_itself_are_taken(place):
    data = packed((entry("./", 0o40755), b""), (entry("empty/", 0o40755), b""), ("./a.py", b""))
    unpack(data, place, max_unzipped_bytes=MAX)
    assert sorted(path.name for path in place.iterdir()) == ["a.py", "empty"]


def test_the_tree_is_read_only_and_programs_stay_executable(place):
    data = packed(("shop/a.py", b""), (entry("shop/run", 0o100777), b""), (entry("bare", 0), b""))
    unpack(data, place, max_unzipped_bytes=MAX)
    modes = {
        path.relative_to(place).as_posix(): stat.S_IMODE(path.stat().st_mode) for path in (place, *place.rglob("*"))
    }
    assert modes == {".": 0o555, "shop": 0o555, "shop/a.py": 0o444, "shop/run": 0o555, "bare": 0o444}


def test_setuid_and_sticky_bits_are_not_kept(place):
    unpack(packed((entry("run", 0o107777), b"")), place, max_unzipped_bytes=MAX)
    assert stat.S_IMODE((place / "run").stat().st_mode) == 0o555


def test_a_folder_that_holds_something_is_no_target(place):
    place.mkdir(parents=True)
    (place / "mine").write_text("kept")
    with pytest.raises(ValueError, match="empty folder"):
        unpack(GOOD, place, max_unzipped_bytes=MAX)
    assert (place / "mine").read_text() == "kept"


def test_a_link_is_no_target(place, tmp_path):
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    place.parent.mkdir(parents=True)
    place.symlink_to(elsewhere)
    with pytest.raises(ValueError, match="empty folder"):
        unpack(GOOD, place, max_unzipped_bytes=MAX)
    assert not list(elsewhere.iterdir())


def test_a_disk_that_is_full_leaves_nothing_behind(place, monkeypatch):
    def full(*_, **__):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(unpacking, "_write", full)
    with pytest.raises(OSError, match="No space left"):
        unpack(GOOD, place, max_unzipped_bytes=MAX)
    assert not place.exists()


# Removing


def test_what_is_not_there_is_removed_without_complaint(tmp_path):
    remove_tree(tmp_path / "never")


def test_links_in_a_tree_are_removed_and_not_followed(tmp_path):
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "mine").write_text("kept")
    outside.chmod(0o755)
    tree = tmp_path / "tree"
    tree.mkdir()
    (tree / "link").symlink_to(outside)
    remove_tree(tree)
    assert not tree.exists()
    assert (outside / "mine").read_text() == "kept"
    assert stat.S_IMODE(outside.stat().st_mode) == 0o755
    tree.symlink_to(outside)
    with pytest.raises(ValueError, match="must be a folder"):
        remove_tree(tree)


@pytest.mark.skipif(sys.platform == "win32", reason="no users to become")
def test_who_is_not_root_can_neither_write_to_the_tree_nor_fails_to_remove_it():
    folder = Path(tempfile.mkdtemp())
    nobody = 65534
    if os.getuid() == 0:
        os.chown(folder, nobody, nobody)
    child = os.fork()
    if child == 0:
        code = 1
        try:
            if os.getuid() == 0:
                os.setgid(nobody)
                os.setuid(nobody)
            unpack(packed(("a/b.py", b"x")), folder / "task", max_unzipped_bytes=MAX)
            refused = 0
            for path in (folder / "task" / "new", folder / "task" / "a" / "b.py", folder / "task" / "a" / "new"):
                try:
                    path.write_text("")
                except PermissionError:
                    refused += 1
            (folder / "task" / "a").chmod(0)
            remove_tree(folder / "task")
            code = 0 if refused == 3 and not list(folder.iterdir()) else 2
        finally:
            os._exit(code)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    folder.rmdir()


def test_awss_words_are_exact():
    assert COULD_NOT_UNZIP == "Could not unzip uploaded file. Please check your file, then try to upload again."
    assert unpacking.too_large(262144000) == "Unzipped size must be smaller than 262144000 bytes"
    assert issubclass(BadPackage, ValueError)
