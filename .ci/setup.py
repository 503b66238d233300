"""Make or mend .venv and install what a command needs: the first step of `make lab` and `make test`.

    python .ci/setup.py [--ready] [lab | tests | authoring | book ...]

Standard library only, and in a syntax that Python 3.6 reads, so that an old Python gets a sentence and not a
SyntaxError. A stamp in .venv records what was installed, hence the next call returns at once. `--ready` only asks: it
ends with 0 if nothing is to be done. install.py, next to this file, does the fetching.
"""

import hashlib
import json
import os
import shutil
import subprocess
import sys
import time

from install import AGAIN, NEEDED_MB, VENV, VENV_PYTHON, Problem, count_packages, install, run, say

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
STAMP = os.path.join(VENV, "installed.json")
UNFINISHED = os.path.join(VENV, "unfinished")
# The first simulation compiles its loop, for three seconds: not in a lesson, and not in several tests at once.
COMPILE = "from helpers.scaling import poisson, simulate; simulate(poisson(1, 1, seed=1), duration_ms=1, init_ms=1)"

SUPPORTED = ((3, 11), (3, 12), (3, 13), (3, 14))
REQUIREMENTS = {
    "lab": "requirements.txt",
    "tests": os.path.join("tests", "requirements.txt"),
    "authoring": os.path.join(".ci", "requirements.txt"),
    "book": os.path.join("book", "requirements.txt"),
    "class": os.path.join("deploy", "single", "requirements.txt"),
}


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


def fill_venv(whats):
    """Install these sets and record it, so that the next call has nothing to do."""
    mark_unfinished()
    try:
        install([REQUIREMENTS[what] for what in whats])
    except Problem:
        if count_packages() <= len(("pip", "setuptools")):
            os.remove(UNFINISHED)  # nothing was changed yet: the next call can go on from here
        raise
    run([VENV_PYTHON, "-c", COMPILE], lambda log: "Compiling the simulator's loop")  # if it can't be, it isn't
    stamp = stamped()
    stamp.update({what: digest(what) for what in whats})
    stamp["folder"] = ROOT
    with open(STAMP, "w") as file:
        json.dump(stamp, file, indent=1, sort_keys=True)
    os.remove(UNFINISHED)


def mark_unfinished():
    """Leave a sign that outlives an interruption: the next call won't trust what it finds."""
    with open(UNFINISHED, "w"):
        pass


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
        fill_venv(whats)
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
