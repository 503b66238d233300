"""Fill .venv with what requirements files pin, telling how far it is: setup.py's longest step.

uv does it in seconds and is fetched for the occasion; it leaves nothing behind. Where it can't work (no build of it for
this machine, an index that only pip is told about, any failure at all), pip does the same in a minute or two, and its
log is what a failure is explained from. Standard library only, in a syntax that Python 3.6 reads, as setup.py.
"""

import glob
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
VENV = os.path.join(ROOT, ".venv")
VENV_PYTHON = os.path.join(VENV, *(("Scripts", "python.exe") if os.name == "nt" else ("bin", "python")))
LOG = os.path.join(VENV, "install.log")
WHEELS = os.path.join(ROOT, "wheels")  # in an archive that offline.py packed, and nowhere else

NEEDED_MB = 1500  # the packages on disk, and room to unpack them
LINE_EVERY_S = 15  # where no terminal shows a counter, this often a line tells that it goes on
AGAIN = "then run the same command again"

CAUSES = (
    (
        r"No space left on device|Errno 28|Disk quota exceeded",
        f"The disk is full: free about {NEEDED_MB} MB, {AGAIN}.",
    ),
    (
        r"CERTIFICATE_VERIFY_FAILED",
        "Something between this machine and the package index replaces its certificate (a company's proxy, usually): "
        f"set PIP_CERT to that proxy's certificate file, {AGAIN}.",
    ),
    (
        r"ProxyError|Cannot connect to proxy|Tunnel connection failed",
        f"The proxy in HTTPS_PROXY (or in pip's configuration) doesn't answer or refuses: correct it, {AGAIN}.",
    ),
    (
        r"NewConnectionError|ConnectTimeoutError|ReadTimeoutError|Read timed out|NameResolutionError|ProtocolError"
        r"|Temporary failure in name resolution|Network is unreachable|Connection (refused|reset|aborted|broken)",
        f"The package index can't be reached: connect to the internet (or set HTTPS_PROXY), {AGAIN}.",
    ),
    (
        r"Permission denied|Errno 13|Read-only file system",
        f"Files in .venv can't be written: make this folder yours, or remove .venv, {AGAIN}.",
    ),
    (
        r"error: subprocess-exited-with-error|Failed (to build|building)",
        "A package has no ready build for this machine and building it failed: use Python 3.11 to 3.14 "
        f"on 64-bit Linux or macOS, {AGAIN}.",
    ),
    (
        r"No matching distribution found",
        "The package index that pip is set to use lacks a version that is pinned: if it is a mirror, "
        f"choose a complete one, {AGAIN}.",
    ),
)


class Problem(Exception):
    """What stands in the way, as one sentence with its remedy."""


def explain(log):
    """Return the sentence that fits what pip said."""
    for pattern, sentence in CAUSES:
        if re.search(pattern, log):
            return sentence
    errors = [line for line in log.splitlines() if line.startswith("ERROR:")] or log.splitlines() or ["no message"]
    return "pip stopped: {}.".format(errors[-1].replace("ERROR: ", "").rstrip("."))


def say(line):
    """Print a line at once, also where output goes to a file."""
    print(line)
    sys.stdout.flush()


def install(files):
    """Install what these requirements files pin."""
    with open(LOG, "w"):
        pass
    pins = sum(count_pins(file) for file in files)
    arguments = [argument for file in files for argument in ("-r", os.path.join(ROOT, file))]
    where = where_from(files)
    if not with_uv(arguments, pins, where) and not with_pip([*where, *arguments], pins):
        raise failure()


def where_from(files):
    """Return the options that make an installer take wheels/: alone for learners, and first for anybody else."""
    if not os.path.isdir(WHEELS):
        return []
    return ["--find-links", WHEELS] + (["--no-index"] if files == ["requirements.txt"] else [])


def failure():
    """Return what the log says went wrong, as a problem to raise."""
    return Problem(f"{explain(log_text())} (The installer's own words: .venv/install.log)")


def with_uv(arguments, pins, where):
    """Try the fast way; return whether it worked."""
    if "--no-index" not in where and re.search(r"(?<!extra-)index-url|no-index", answer_of_pip("config", "list")):
        return False  # this machine is told where to fetch from, and uv doesn't read pip's settings
    with open(os.path.join(ROOT, ".ci", "requirements.txt")) as file:
        uv = next(line for line in file.read().split() if line.startswith("uv=="))
    folder = tempfile.mkdtemp(prefix="uv-")
    try:
        fetch = [VENV_PYTHON, "-m", "pip", "install", *PIP_OPTIONS, *where, "--no-deps", "--target", folder, uv]
        if run(fetch, lambda log: "Fetching the installer"):
            if "WARNING: Retrying" in log_text():
                raise failure()  # nothing answers: pip would only wait once more
            return False
        program = os.path.join(folder, "bin", "uv")
        # Compiled now, as pip does it: a function's process writes no compiled files, and would do it at each start.
        settings = ["--compile-bytecode", "--color", "never", "--system-certs", "--python", VENV_PYTHON]
        command = [program, "pip", "install", *settings, *where, *arguments]
        return run(command, lambda log: f"Fetching and installing about {pins} packages") == 0
    finally:
        shutil.rmtree(folder, ignore_errors=True)


# Two retries: without a network the answer comes within a minute, and a hiccup is still forgiven.
PIP_OPTIONS = ("--no-input", "--disable-pip-version-check", "--progress-bar", "off", "--retries", "2")


def with_pip(arguments, pins):
    """Install the way that works everywhere; return whether it did."""
    present = count_packages()

    def how_far(log):
        listed = re.search(r"^Installing collected packages: (.*)", log, re.M)
        if listed:
            total = len(listed.group(1).split(", "))
            return f"Installing packages: {max(0, min(total, count_packages() - present))} of {total}"
        seen = len(re.findall(r"^(?:Collecting|Requirement already satisfied:) ", log, re.M))
        retries = log.count("WARNING: Retrying")
        waiting = f" (no answer yet, {retries} tries)" if retries else ""
        return f"Fetching packages: {min(seen, pins)} of about {pins}{waiting}"

    return run([VENV_PYTHON, "-m", "pip", "install", *PIP_OPTIONS, *arguments], how_far) == 0


def answer_of_pip(*arguments):
    """Return what pip prints."""
    done = subprocess.run([VENV_PYTHON, "-m", "pip", *arguments], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    return done.stdout.decode(errors="replace")


def run(command, how_far):
    """Run a program into the log and show how far it is; return its exit code."""
    environment = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "PYTHONHOME")}
    environment["PIP_USER"] = "0"
    start = len(log_text())
    with open(LOG, "a") as log:
        process = subprocess.Popen(
            command, cwd=ROOT, env=environment, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT
        )
        try:
            watch(process, lambda: how_far(log_text()[start:]))
        except BaseException:
            process.terminate()
            process.wait()
            raise
    return process.returncode


def watch(process, how_far):
    """Show how far a process is until it ends: on a terminal in one line, elsewhere now and then."""
    live = sys.stdout.isatty()
    started = last_line = time.monotonic()
    while process.poll() is None:
        time.sleep(0.1)
        now = time.monotonic()
        if live:
            sys.stdout.write(f"\r\033[K{how_far()}, {now - started:.0f} s")
            sys.stdout.flush()
        elif now - last_line >= LINE_EVERY_S:
            last_line = now
            say(f"{how_far()}, {now - started:.0f} s")
    if live:
        sys.stdout.write("\r\033[K")
        sys.stdout.flush()


def count_pins(file):
    """Return about how many packages a requirements file installs here."""
    with open(os.path.join(ROOT, file)) as lines:
        return sum("==" in line and "'win32'" not in line for line in lines)


def count_packages():
    """Return how many packages .venv holds."""
    folders = ("Lib",) if os.name == "nt" else ("lib", "*")
    return len(glob.glob(os.path.join(VENV, *folders, "site-packages", "*.dist-info")))


def log_text():
    """Return what the installers have said so far."""
    with open(LOG, errors="replace") as file:
        return file.read()
