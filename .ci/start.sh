#!/bin/sh
# In an archive for a room without internet: install from wheels/ and open the notebooks. Needs no network.
#     sh start.sh [--only-install | any option of jupyter lab]
# PYTHON=/path/to/python chooses an interpreter; it must be of the version that wheels/ is for.
set -u
cd "$(dirname "$0")" || exit 1
if ! read -r minor system machine _ <wheels/made-for; then
    echo "wheels/ is missing beside start.sh: unpack the whole archive, then the same command again." >&2
    exit 1
fi
found=""
for name in ${PYTHON:-"python$minor" python3 python}; do
    version=$("$name" -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null) || continue
    [ "$version" = "$minor" ] && exec "$name" .ci/unpacked.py "$@"
    case " $found " in
        *" $version "*) ;;
        *) found="${found:+$found and }$version" ;;
    esac
done
printf 'This archive is for Python %s on %s %s, and this machine has %s. %s\n' "$minor" "$system" "$machine" \
    "${found:+only }${found:-none}" \
    "Remedy: install Python $minor, or take the archive whose name ends in the version that is here." >&2
exit 1
