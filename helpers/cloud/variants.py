"""What is measured: one function with more and more to load, and one slow function with each remedy applied to it.

Each is made from source that fits on a slide, so that a learner can read what was measured.
:mod:`helpers.cloud.measure` runs them.
"""

from __future__ import annotations

import io
import random
import zipfile
from collections.abc import Mapping
from functools import cache

from helpers.cloud.package import MODULE
from helpers.cloud.trial import Variant

MB = 1_000_000  # decimal, as package sizes are told; 50 of them stay below Lambda's limit of 50 × 1024 × 1024
BALLAST_MB = 5

ANSWER = """
def handler(event, context):
    return "hello"
"""
NOTHING = ANSWER.lstrip()
BOTO3 = f"import boto3\n\ns3 = boto3.client('s3')\n\n{ANSWER}"
PANDAS = f"import pandas\n\n{ANSWER}"

SLOW = """
import math

import pandas as pd


def table():
    return {n: sum(math.isqrt(k) for k in range(n)) for n in range(1200)}


TABLE = table()


def handler(event, context):
    if event and "report" in event:
        return pd.Series(event["report"]).describe().to_dict()
    return TABLE[100]
""".lstrip()

HOOKS = """
from snapshot_restore_py import register_after_restore, register_before_snapshot

said = []
register_before_snapshot(said.append, "before the snapshot")
register_after_restore(said.append, "after the restore")
"""


def variants() -> dict[str, bytes]:
    """Return packages of one function, from nothing to load to 50 MB, by name.

    ``boto3`` imports it and makes a client; ``pandas`` imports it. The large packages hold random bytes, which no zip
    makes smaller, in files of 1 MB that the function never reads. The handler is ``lambda_function.handler``.

    Examples
    --------
    >>> {name: round(len(package) / 1e6, 2) for name, package in variants().items()}
    {'nothing': 0.0, 'boto3': 0.0, 'pandas': 0.0, '1 MB': 1.0, '50 MB': 50.01}
    """
    return {
        "nothing": packed(NOTHING),
        "boto3": packed(BOTO3),
        "pandas": packed(PANDAS),
        "1 MB": packed(NOTHING, ballast_mb=1),
        "50 MB": packed(NOTHING, ballast_mb=50),
    }


def remedy_variants() -> dict[str, Variant]:
    """Return one slow function as it was, then with one thing changed each time, by name.

    As it was, the function imports pandas, which few of its events need, computes a table while it is imported, and
    carries 5 MB that nothing reads. ``SnapStart hooks`` is no remedy here: the local cloud runs the hooks and takes no
    snapshot, so that this one shows what the hooks are and when they run.
    """
    slow = packed(SLOW, ballast_mb=BALLAST_MB)
    return {
        "as it was": Variant(slow),
        "lazy import": Variant(packed(_lazy(SLOW), ballast_mb=BALLAST_MB)),
        "trimmed package": Variant(packed(SLOW)),
        "work in the first call": Variant(packed(_in_the_first_call(SLOW), ballast_mb=BALLAST_MB)),
        "provisioned concurrency": Variant(slow, provisioned=1),
        "SnapStart hooks": Variant(packed(SLOW + HOOKS, ballast_mb=BALLAST_MB), snapstart=True),
    }


@cache
def packed(source: str, *, ballast_mb: int = 0) -> bytes:
    """Return a package of a module, ``lambda_function.py``, and of so many files of 1 MB that cannot be compressed.

    Nothing in it is compressed: the ballast cannot be, and trying takes seconds. Same source, same bytes.
    """
    files: Mapping[str, bytes] = {
        f"{MODULE}.py": source.encode(),
        **{f"ballast/{i:02}.bin": random.Random(i).randbytes(MB) for i in range(ballast_mb)},
    }
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w", zipfile.ZIP_STORED) as package:
        for name, content in files.items():
            info = zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0))
            info.external_attr = 0o100644 << 16
            package.writestr(info, content)
    return data.getvalue()


def _lazy(source: str) -> str:
    return _changed(
        _changed(source, "import pandas as pd\n\n", ""),
        "        return pd.",
        "        import pandas as pd\n\n        return pd.",
    )


def _in_the_first_call(source: str) -> str:
    source = _changed(source, "import math\n", "import functools\nimport math\n")
    source = _changed(source, "def table():", "@functools.cache\ndef table():")
    return _changed(_changed(source, "TABLE = table()\n\n\n", ""), "TABLE[100]", "table()[100]")


def _changed(source: str, old: str, new: str) -> str:
    assert source.count(old) == 1, f"{old!r} must be in the source once"
    return source.replace(old, new)
