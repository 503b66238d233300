"""The room check finds what is missing and names its remedy."""

import socket
import subprocess
import sys
from pathlib import Path

import pytest

from helpers import room


@pytest.mark.parametrize(
    ("finding", "words"),
    [
        (room.python_version((3, 10)), "3.10 isn't among 3.11, 3.12, 3.13, 3.14"),
        (room.packages("no-such-package==1.0\n"), "no-such-package is missing"),
        (room.packages("pytest==0.1\n"), "instead of 0.1"),
        (room.packages(None), "requirements.txt"),
        (room.operating_system("Windows"), "native Windows"),
        (room.memory(0.3), "0.3 GB free, 1.5 GB needed"),
        (room.disk(0.1), "0.1 GB free, 0.5 GB needed"),
        (room.temporary_folder(Path("/no/such/folder")), "No such file"),
        (room.loopback("192.0.2.1"), "can't be reached"),  # an address set aside for documentation
        (room.proxy({"http": "http://proxy:3128"}, {}), "127.0.0.1 and localhost"),
        (room.proxy({"https": "http://proxy:3128"}, {"NO_PROXY": "localhost"}), "127.0.0.1"),
    ],
    ids=lambda value: value.name if isinstance(value, room.Finding) else "",
)
def test_what_is_missing_is_named_with_a_remedy(finding: room.Finding, words: str) -> None:
    assert not finding.ok
    assert words in finding.detail
    assert finding.remedy


@pytest.mark.parametrize(
    "finding",
    [
        room.python_version((3, 12)),
        room.packages("# a comment\npywinpty==1.0 ; os_name == 'none'\n-e .\n"),
        room.operating_system("Linux"),
        room.memory(4),
        room.disk(4),
        room.loopback(),
        room.proxy({}, {}),
        room.proxy({"http": "http://proxy:3128"}, {"no_proxy": "intra.example, 127.0.0.1,LOCALHOST"}),
        room.proxy({"http": "http://proxy:3128"}, {"NO_PROXY": "*"}),
    ],
    ids=lambda finding: finding.name,
)
def test_what_is_fine_needs_no_remedy(finding: room.Finding) -> None:
    assert finding.ok
    assert finding.remedy == ""


def test_a_writable_temporary_folder_is_fine(tmp_path: Path) -> None:
    assert room.temporary_folder(tmp_path).ok
    assert list(tmp_path.iterdir()) == []


def test_the_report_of_a_ready_room_reads_the_same_everywhere() -> None:
    report = room.RoomReport((room.memory(4), room.disk(9)))
    assert report.ok
    assert report.summary == repr(report) == "This room is ready: 2 checks passed."


def test_a_report_lists_each_missing_thing_under_its_name() -> None:
    report = room.RoomReport((room.memory(0.3), room.disk(9)))
    assert not report.ok
    assert [finding.name for finding in report.missing] == ["memory"]
    assert str(report).splitlines() == [
        "missing memory: 0.3 GB free, 1.5 GB needed",
        "        remedy: close other programs and kernels that you no longer need",
        "ok      disk: 9.0 GB free, 0.5 GB needed",
        "This room is not ready: 1 of 2 checks failed (memory).",
    ]


def test_every_ready_room_shows_the_same_in_a_notebook() -> None:
    roomy, tight = (room.RoomReport((room.memory(gb), room.disk(gb))) for gb in (64, 2))
    assert roomy._repr_html_() == tight._repr_html_()
    assert str(roomy) != str(tight)


def test_a_notebook_shows_words_not_markup() -> None:
    shown = room.RoomReport((room.Finding("disk", False, "<script>", "free & easy"),))._repr_html_()
    assert "&lt;script&gt;" in shown
    assert "free &amp; easy" in shown


def test_the_check_looks_at_eight_things_without_asking_the_network(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []
    monkeypatch.setattr(socket, "getaddrinfo", lambda host, *rest, **more: asked.append(host) or [])
    assert len(room.check_room().findings) == 8
    assert set(asked) <= {"127.0.0.1"}


def test_the_command_ends_with_one_when_something_is_missing() -> None:
    program = "import sys; from helpers import room; room.NEEDED_DISK_GB = 10**9; sys.exit(room.main())"
    answer = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert answer.returncode == 1
    assert "missing disk" in answer.stdout
