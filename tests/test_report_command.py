"""The command line: what people expect of one."""

import io
import re
import subprocess
import sys

import pytest

from helpers.report import keeping
from helpers.report.arguments import offset_of
from helpers.report.command import DONE, FAILED, STOPPED, WRONG, Progress, main
from helpers.report.samples import FOLDER

LOG = str(FOLDER / "shop_alb.log")


def test_a_log_in_and_a_record_out(tmp_path, capsys):
    out = tmp_path / "decision.md"
    assert main([LOG, "--memory-mb", "512", "--duration-ms", "120", "--out", str(out)]) == DONE
    assert out.read_text().startswith("# Decision record: shop\\_alb.log")
    said = capsys.readouterr()
    assert said.out == ""
    assert "60 requests in 60 lines" in said.err
    assert re.search(r"^Lambda: It costs", said.err, re.M)


def test_without_out_the_record_goes_to_standard_output_and_nothing_else_does(capsys):
    assert main([LOG, "--quiet"]) == DONE
    said = capsys.readouterr()
    assert said.out.startswith("# Decision record")
    assert said.out.rstrip().endswith("-->")


def test_a_second_run_says_what_changed(tmp_path, capsys):
    out = str(tmp_path / "decision.md")
    main([LOG, "--out", out, "--quiet"])
    main([LOG, "--out", out, "--quiet"])
    assert "nothing has changed" in (tmp_path / "decision.md").read_text()
    main([LOG, "--out", out, "--quiet", "--leave-months", "6"])
    assert "| run on | Lambda | EKS |" in (tmp_path / "decision.md").read_text()
    capsys.readouterr()


def test_an_earlier_record_is_computed_anew_without_its_log(tmp_path, capsys):
    out = tmp_path / "decision.html"
    main([LOG, "--out", str(out), "--quiet", "--name", "Albums"])
    before = keeping.load(out)
    assert main(["--again", str(out)]) == DONE
    assert keeping.load(out).case() == before.case()
    assert "nothing has changed" in out.read_text()
    capsys.readouterr()


def test_monthly_figures_instead_of_a_log(capsys):
    assert main(["--requests-month", "3e6", "--duration-ms", "120", "--quiet"]) == DONE
    assert "3,000,000 requests a month" in capsys.readouterr().out


def test_a_log_of_a_moment_comes_with_a_warning(tmp_path, capsys):
    log = tmp_path / "one.log"
    log.write_text('192.0.2.1 - - [25/Nov/2026:11:00:30 +0100] "GET / HTTP/1.1" 200 5 "-" "-"\n')
    assert main([str(log), "--quiet"]) == DONE
    said = capsys.readouterr()
    assert "warning: this is 1 second only" in said.err
    assert "a month is like the 1 second read" in said.out


def test_check_says_what_a_log_is_taken_for_and_reads_nothing(capsys):
    assert main([LOG, "--check"]) == DONE
    said = capsys.readouterr().out
    assert "shop_alb.log: AWS Application Load Balancer access log" in said
    assert "duration: target_processing_time" in said


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        ([], WRONG, "name a log, or --requests-month, or --again"),
        ([LOG, "--requests-month", "5"], WRONG, "name a log, or"),
        (["nowhere.log"], FAILED, "nowhere.log does not exist"),
        ([LOG, "--out", "decision.pdf"], WRONG, "--out must end in .md or .html"),
        ([LOG, "--out", "nowhere/decision.md"], WRONG, "there is no folder nowhere"),
        ([LOG, "--memory-mb", "64"], WRONG, "memory_mb must be between 128 and 10240, got 64"),
        ([LOG, "--time-zone", "Mars"], WRONG, "Europe/Berlin"),
        (["--again", LOG], FAILED, "holds no block of a decision record"),
    ],
)
def test_what_is_wrong_is_said_in_one_line_with_an_exit_code(arguments, code, said, capsys):
    assert main(arguments) == code
    error = capsys.readouterr().err.splitlines()
    assert said in error[-1]
    assert error[-1].startswith("error: ")


@pytest.mark.parametrize(
    "arguments", [["--memory-mb", "lots"], ["--cpu-share", "2"], ["--door", "WINDOW"], ["--mem", "5"]]
)
def test_arguments_of_the_wrong_kind_end_with_two(arguments, capsys):
    with pytest.raises(SystemExit, match="2"):
        main([LOG, *arguments])
    assert arguments[0] in capsys.readouterr().err


def test_help_has_examples_and_exit_codes(capsys):
    with pytest.raises(SystemExit, match="0"):
        main(["--help"])
    text = capsys.readouterr().out
    assert "python -m helpers.report access.log --memory-mb 512 --duration-ms 120 --out decision.md" in text
    assert "exit codes" in text


def test_stopping_writes_nothing(tmp_path, monkeypatch, capsys):
    def stop(*_arguments, **_more):
        raise KeyboardInterrupt

    monkeypatch.setattr("helpers.report.reading.read", stop)
    assert main([LOG, "--out", str(tmp_path / "decision.md")]) == STOPPED
    assert list(tmp_path.iterdir()) == []
    assert "nothing was written" in capsys.readouterr().err


@pytest.mark.thorough
def test_standard_input_is_read_in_a_process_of_its_own():
    with open(LOG, "rb") as log:
        done = subprocess.run(
            [sys.executable, "-m", "helpers.report", "-", "--quiet"], stdin=log, capture_output=True, timeout=100
        )
    assert done.returncode == DONE, done.stderr
    assert b"# Decision record: standard input" in done.stdout


def test_progress_keeps_to_one_line_on_a_terminal_and_says_nothing_when_asked():
    class Terminal(io.StringIO):
        def isatty(self):
            return True

    stream = Terminal()
    progress = Progress(stream)
    progress._last -= 1
    progress(50_000_000, 100_000_000, 7)
    progress.end()
    assert stream.getvalue().startswith("reading:  50% of 100 MB, 7 requests")
    assert stream.getvalue().count("\r") == stream.getvalue().count("\n") == 1
    quiet = Progress(stream, quiet=True)
    quiet._last -= 1
    quiet(1, 1, 1)
    assert stream.getvalue().count("reading") == 1


def test_zones_are_names_or_offsets():
    assert [offset_of(zone) for zone in ("Europe/Berlin", "+05:30", "-0330", "UTC")] == [3600, 19_800, -12_600, 0]
    assert offset_of(None) is None
