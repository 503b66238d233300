#!/bin/sh
# Find a Python that the notebooks support and hand over to setup.py, which makes .venv.
# An installed .venv answers for itself, so that a second start costs next to nothing.
set -u
cd "$(dirname "$0")/.." || exit 1

if [ -z "${PYTHON:-}" ] && [ -x .venv/bin/python ] && .venv/bin/python -E -s -S .ci/setup.py --ready "$@" 2>/dev/null; then
    exit 0
fi

found=""
hand_over_if_supported() {
    candidate=$1
    shift
    version=$("$candidate" -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null) || return 1
    case "$version" in
        3.11 | 3.12 | 3.13 | 3.14) exec "$candidate" .ci/setup.py "$@" ;;
    esac
    case " $found " in
        *" $version "*) ;;
        *) found="${found:+$found and }$version" ;;
    esac
}

if [ -n "${PYTHON:-}" ]; then
    hand_over_if_supported "$PYTHON" "$@"
    problem="PYTHON=$PYTHON is ${found:+Python }${found:-not a program that runs}"
else
    for name in python3.14 python3.13 python3.12 python3.11 python3 python; do
        hand_over_if_supported "$name" "$@"
    done
    problem="this machine has ${found:+only }${found:-none}"
fi

remedy="install one with your system's package manager"
if [ "$(uname -s)" = Darwin ]; then
    remedy="brew install python@3.13"
elif command -v apt-get >/dev/null 2>&1; then
    remedy="sudo apt-get install python3 python3-venv"
    for minor in 11 12 13 14; do
        if apt-cache show "python3.$minor-venv" >/dev/null 2>&1; then
            remedy="sudo apt-get install python3.$minor python3.$minor-venv"
        fi
    done
elif command -v dnf >/dev/null 2>&1; then
    remedy="sudo dnf install python3.13"
fi
printf 'This needs Python 3.11, 3.12, 3.13 or 3.14, and %s. Remedy: %s (or python.org/downloads), then the same command again.\n' \
    "$problem" "$remedy" >&2
exit 1
