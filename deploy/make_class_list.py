"""Write a class list, and print each learner's name and password once: cut the sheet into slips.

    python deploy/make_class_list.py --file class-list --count 40 [--prefix learner] > slips.csv
    python deploy/make_class_list.py --file class-list ada grace alan >> slips.csv

Adds to a list that is there; a name that is on it gets a new password. The list itself holds no password, only what
scrypt makes of it; it belongs outside the repository, readable by the hub alone.
"""

import argparse
import csv
import hashlib
import os
import re
import secrets
import sys
from pathlib import Path

N, R, P = 16384, 8, 1
LETTERS = "abcdefghjkmnpqrstuvwxyz23456789"  # none that looks like another
NAME = re.compile(r"[a-z][a-z0-9-]{0,30}")


def new_password() -> str:
    """Return a password of 59 bits, in three groups that are easily typed."""
    return "-".join("".join(secrets.choice(LETTERS) for _ in range(4)) for _ in range(3))


def entry(password: str) -> str:
    """Return what the list keeps of a password."""
    salt = secrets.token_bytes(16)
    return f"{N}:{R}:{P}:{salt.hex()}:{hashlib.scrypt(password.encode(), n=N, r=R, p=P, salt=salt).hex()}"


def write(path: Path, names: list[str]) -> dict[str, str]:
    """Put names on the list, each with a new password; return the passwords."""
    wrong = [name for name in names if not NAME.fullmatch(name)]
    if wrong:
        raise SystemExit(f"a name is small letters, digits and hyphens, a letter first, got {', '.join(wrong)}")
    known = dict(line.split(":", 1) for line in path.read_text(encoding="utf-8").split()) if path.exists() else {}
    passwords = {name: new_password() for name in names}
    known |= {name: entry(password) for name, password in passwords.items()}
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.writelines(f"{name}:{kept}\n" for name, kept in sorted(known.items()))
    return passwords


def main() -> None:
    """Do what the command line says."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", metavar="name")
    parser.add_argument("--file", type=Path, required=True)
    parser.add_argument("--count", type=int, default=0, help="so many numbered names")
    parser.add_argument("--prefix", default="learner")
    asked = parser.parse_args()
    width = len(str(asked.count))
    names = [*asked.names, *(f"{asked.prefix}-{number:0{width}}" for number in range(1, asked.count + 1))]
    rows = write(asked.file, names)
    csv.writer(sys.stdout).writerows(rows.items())


if __name__ == "__main__":
    main()
