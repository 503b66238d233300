"""Make or mend .venv and install what a command needs: the first step of `make lab` and `make test`.

    python .ci/setup.py [--ready] [lab | tests | authoring ...]

Standard library only, and in a syntax that Python 3.6 reads, so that an old Python gets a sentence and not a
SyntaxError. What it does is said while it happens; pip's own words go to .venv/install.log. A stamp in .venv records
what was installed, hence the next call returns at once. `--ready` only asks: it ends with 0 if nothing is to be done.
"""

import glob
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import time

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
VENV = os.path.join(ROOT, ".venv")
VENV_PYTHON = os.path.join(VENV, *(("Scripts", "python.exe") if os.name == "nt" else ("bin", "python")))
STAMP = os.path.join(VENV, "installed.json")
UNFINISHED = os.path.join(VENV, "unfinished")
LOG = os.path.join(VENV, "install.log")

SUPPORTED = ((3, 11), (3, 12), (3, 13), (3, 14))
REQUIREMENTS = {
    "lab": "requirements.txt",
    "tests": os.path.join("tests", "requirements.txt"),
    "authoring": os.path.join(".ci", "requirements.txt"),
}
NEEDED_MB = 1500  # the packages on disk, and room for pip to unpack them
INSTALLING = r"^Installing collected packages: (.*)"  # pip's first line after it has fetched everything
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


def digest(what):
    """Return a hash of everything that decides what is installed for ``what``."""
    with open(os.path.join(ROOT, REQUIREMENTS[what]), "rb") as file:
        content = file.read()
    if what == "lab":
        import tomllib

        with open(os.path.join(ROOT, "pyproject.toml"), "rb") as file:
            project = tomllib.load(file)
        # Ranges, package and shared files; not the settings of pytest or ruff, which install nothing.
        parts = [project["build-system"], project["project"], project["tool"]["hatch"]]
        content += json.dumps(parts, sort_keys=True).encode()
    return hashlib.sha256(content).hexdigest()


def stamped():
    """Return what the stamp says, or nothing."""
    try:
        with open(STAMP) as file:
            return json.load(file)
    except (OSError, ValueError):
        return {}


def installed():
    """Return the stamp of a .venv that this program finished, and in this folder; otherwise nothing."""
    stamp = stamped()
    return stamp if stamp.get("folder") == ROOT and not os.path.exists(UNFINISHED) else {}


def missing(whats):
    """Return which of the wanted sets aren't installed as their files say now."""
    stamp = installed()
    return [what for what in whats if stamp.get(what) != digest(what)]


def version_of(python):
    """Return the version of an interpreter, or None if it doesn't run."""
    ask = "import sys; print(*sys.version_info[:2])"
    try:
        answer = subprocess.run([python, "-I", "-c", ask], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    except OSError:
        return None
    return tuple(map(int, answer.stdout.split())) if answer.returncode == 0 else None


def prepare_venv():
    """Leave a .venv that works: the one that is there, or a new one."""
    if os.path.lexists(VENV):
        reason = whats_wrong_with_venv()
        if reason is None:
            return
        say(f"Removing .venv: {reason}.")
        remove_venv()
    try:
        import ensurepip  # noqa: F401  Debian and Ubuntu pack it apart from Python
        import venv  # noqa: F401
    except ImportError:
        raise Problem(
            "Python {0}.{1} is here without its venv module: sudo apt-get install python{0}.{1}-venv "
            "(Debian, Ubuntu), {2}.".format(sys.version_info[0], sys.version_info[1], AGAIN)
        ) from None
    say("Making .venv with Python {}.{}.{}".format(*sys.version_info[:3]))
    os.mkdir(VENV)
    mark_unfinished()
    done = subprocess.run(
        [sys.executable, "-m", "venv", VENV], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    if done.returncode:
        lines = [line.strip() for line in done.stdout.splitlines() if line.strip()] or ["no message"]
        raise Problem("Python could not make .venv: {}. Mend that, {}.".format(lines[-1].rstrip("."), AGAIN))


def whats_wrong_with_venv():
    """Say why the .venv that is there can't be used, or None."""
    if os.path.exists(UNFINISHED):
        return "an earlier set-up was interrupted"
    version = version_of(VENV_PYTHON)
    if version is None:
        return "its Python is gone"
    if version not in SUPPORTED:
        return "its Python {}.{} isn't supported".format(*version)
    if os.environ.get("PYTHON") and version != sys.version_info[:2]:
        return "it has Python {}.{}, and PYTHON asks for {}.{}".format(*(version + sys.version_info[:2]))
    with_pip = subprocess.run([VENV_PYTHON, "-m", "pip", "--version"], capture_output=True)
    if with_pip.returncode:
        return "it has no pip"
    stamp_elsewhere = os.path.exists(STAMP) and not installed()
    return "it was made for another folder" if stamp_elsewhere else None


def remove_venv():
    """Remove .venv, or say that it can't be removed."""
    try:
        if os.path.islink(VENV) or os.path.isfile(VENV):
            os.remove(VENV)
        else:
            shutil.rmtree(VENV)
    except OSError as error:
        raise Problem(f".venv can't be removed ({error.strerror}): remove it by hand, {AGAIN}.") from None


def check_room():
    """Stop before a download that can't end well."""
    if not os.access(ROOT, os.W_OK):
        raise Problem(f"This folder can't be written to: copy it to one of yours, {AGAIN}.")
    free_mb = shutil.disk_usage(ROOT).free // 10**6
    if free_mb < NEEDED_MB and not installed():
        raise Problem(f"The disk has {free_mb} MB free and the packages need {NEEDED_MB}: free some space, {AGAIN}.")


def install(whats):
    """Install the requirements of these sets, showing how far it is."""
    arguments = [argument for what in whats for argument in ("-r", os.path.join(ROOT, REQUIREMENTS[what]))]
    # Two retries: without a network the answer comes within a minute, and a hiccup is still forgiven.
    quiet = ["--no-input", "--disable-pip-version-check", "--progress-bar", "off", "--retries", "2"]
    command = [VENV_PYTHON, "-m", "pip", "install", *quiet, *arguments]
    environment = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "PYTHONHOME")}
    environment["PIP_USER"] = "0"
    mark_unfinished()
    with open(LOG, "w") as log:
        process = subprocess.Popen(
            command, cwd=ROOT, env=environment, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT
        )
        try:
            progress(process, whats)
        except BaseException:
            process.terminate()
            process.wait()
            raise
    if process.returncode:
        if not re.search(INSTALLING, log_text(), re.M):
            os.remove(UNFINISHED)  # pip failed before it changed anything
        raise Problem(f"{explain(log_text())} (pip's own words: .venv/install.log)")


def mark_unfinished():
    """Leave a sign that outlives an interruption: the next call won't trust what it finds."""
    with open(UNFINISHED, "w"):
        pass


def log_text():
    """Return what pip has said so far."""
    with open(LOG, errors="replace") as file:
        return file.read()


def progress(process, whats):
    """Count packages until pip ends: on a terminal in one line, elsewhere now and then."""
    pins = 0
    for what in whats:
        with open(os.path.join(ROOT, REQUIREMENTS[what])) as file:
            pins += sum("==" in line and "'win32'" not in line for line in file)
    live = sys.stdout.isatty()
    started = last_line = time.monotonic()
    before = None
    while process.poll() is None:
        time.sleep(0.2)
        log = log_text()
        listed = re.search(INSTALLING, log, re.M)
        if listed:
            names = listed.group(1).split(", ")
            before = count_packages() if before is None else before
            done = max(0, min(len(names), count_packages() - before))
            line = f"Installing {len(names)} packages: {done} done"
        else:
            seen = len(re.findall(r"^(?:Collecting|Requirement already satisfied:) ", log, re.M))
            line = f"Fetching packages: {min(seen, pins)} of about {pins}"
            retries = log.count("WARNING: Retrying")
            if retries:
                line += f" (no answer yet, {retries} tries)"
        seconds = int(time.monotonic() - started)
        if live:
            sys.stdout.write(f"\r\033[K{line}, {seconds} s")
            sys.stdout.flush()
        elif time.monotonic() - last_line >= LINE_EVERY_S:
            last_line = time.monotonic()
            say(f"{line}, {seconds} s")
    if live:
        sys.stdout.write("\r\033[K")


def count_packages():
    """Return how many packages .venv holds."""
    folders = ("Lib",) if os.name == "nt" else ("lib", "*")
    return len(glob.glob(os.path.join(VENV, *folders, "site-packages", "*.dist-info")))


def finish(whats):
    """Record what is installed now, so that the next call has nothing to do."""
    stamp = stamped()
    stamp.update({what: digest(what) for what in whats})
    stamp["folder"] = ROOT
    with open(STAMP, "w") as file:
        json.dump(stamp, file, indent=1, sort_keys=True)
    os.remove(UNFINISHED)


def say(line):
    """Print a line at once, also where output goes to a file."""
    print(line)
    sys.stdout.flush()


def wait_for_others():
    """Wait while another set-up works in this folder; the lock ends with the process."""
    try:
        import fcntl
    except ImportError:  # Windows
        return None
    lock = os.open(ROOT, os.O_RDONLY)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        say("Another set-up is running in this folder; waiting until it is done.")
        fcntl.flock(lock, fcntl.LOCK_EX)
    return lock


def main(arguments):
    """Make ready what the arguments name; return the exit code."""
    if sys.version_info[:2] not in SUPPORTED:
        have = "{}.{}".format(*sys.version_info[:2])
        print(f"This needs Python 3.11, 3.12, 3.13 or 3.14, and this is {have}.", file=sys.stderr)
        return 1
    whats = [argument for argument in arguments if argument in REQUIREMENTS] or ["lab"]
    whats = ["lab"] + [what for what in whats if what != "lab"]
    if "--ready" in arguments:
        return 1 if missing(whats) else 0
    started = time.monotonic()
    try:
        lock = wait_for_others()
        same_python = not os.environ.get("PYTHON") or version_of(VENV_PYTHON) == sys.version_info[:2]
        if same_python and version_of(VENV_PYTHON) and not missing(whats):
            return 0
        check_room()
        say("Setting up .venv in this folder, once; the notebooks then start without it.")
        prepare_venv()
        install(whats)
        finish(whats)
        say(f"Ready after {time.monotonic() - started:.0f} s.")
        if lock is not None:
            os.close(lock)
    except Problem as problem:
        print(problem, file=sys.stderr)
        return 1
    except OSError as error:
        print(f"{error.filename}: {error.strerror}. Mend that, {AGAIN}.", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nStopped. The same command begins again.", file=sys.stderr)
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
