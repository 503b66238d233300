"""Where a start's time goes, module by module: what ``python -X importtime`` writes, as a frame.

Python writes one line per import to stderr once the module is ready, so what a module imports stands above it, two
spaces further in: https://docs.python.org/3/using/cmdline.html#cmdoption-X. ``self`` is the module's own code,
``cumulative`` includes what it imported first. Times of a traced start are longer than those of an ordinary one:
they show where it goes, not how long it takes.
"""

from __future__ import annotations

import re

import pandas as pd

from helpers.checks import number

_LINE = re.compile(r"import time:\s+(\d+) \|\s+(\d+) \| ( *)(\S.*)")
COLUMNS = ["module", "parent", "depth", "self_ms", "cumulative_ms"]


def parse_imports(text: str) -> pd.DataFrame:
    """Return one row per import, each before what it imported, from the text that ``-X importtime`` wrote.

    Lines of other kinds (the program's own messages, modules that were there already) are left out.

    Parameters
    ----------
    text : what the program wrote to stderr

    Returns
    -------
    pandas.DataFrame
        ``module``; ``parent``, ``""`` for what nobody in the list imported; ``depth``, 0 for those; ``self_ms``;
        ``cumulative_ms``. A module that is imported by several stands with the first, who paid for it.

    Raises
    ------
    ValueError
        If no line is one of ``-X importtime``.

    Examples
    --------
    >>> text = '''import time: self [us] | cumulative | imported package
    ... import time:       300 |        300 |   json.decoder
    ... import time:       200 |        500 | json
    ... '''
    >>> parse_imports(text).to_dict("list")
    {'module': ['json', 'json.decoder'], 'parent': ['', 'json'], 'depth': [0, 1], 'self_ms': [0.2, 0.3], \
'cumulative_ms': [0.5, 0.3]}
    """
    if not isinstance(text, str):
        raise ValueError(f"text must be what -X importtime wrote, got {type(text).__name__}")
    found = [match.groups() for match in map(_LINE.fullmatch, (line.rstrip() for line in text.splitlines())) if match]
    if not found:
        raise ValueError("text must hold lines that -X importtime wrote, got none")
    rows, path = [], []
    for own, total, indent, module in reversed(found):
        depth = min(len(indent) // 2, len(path))  # a line whose importer failed hangs on what is there
        path[depth:] = [module]
        rows.append((module, path[depth - 1] if depth else "", depth, int(own) / 1000, int(total) / 1000))
    return pd.DataFrame(_in_order(rows), columns=COLUMNS)


def _in_order(rows: list[tuple[str, str, int, float, float]]) -> list[tuple[str, str, int, float, float]]:
    """Bring siblings into the order in which they were imported: the rows come with the last one first."""
    if not rows:
        return []
    top = rows[0][2]
    starts = [place for place, row in enumerate(rows) if row[2] == top]
    families = [rows[a:b] for a, b in zip(starts, [*starts[1:], len(rows)], strict=True)]
    return [row for family in reversed(families) for row in (family[0], *_in_order(family[1:]))]


def heaviest(imports: pd.DataFrame, *, least_ms: float = 1.0) -> pd.DataFrame:
    r"""Return the imports that cost at least so much with all that they import, the heaviest first.

    Parameters
    ----------
    imports : what :func:`parse_imports` returned
    least_ms : what to leave out

    Examples
    --------
    >>> text = "import time: 9000 | 9000 |   numpy\nimport time: 4000 | 13000 | pandas\nimport time: 90 | 90 | json"
    >>> heaviest(parse_imports(text)).module.tolist()
    ['pandas', 'numpy']
    """
    least = number("least_ms", least_ms)
    kept = imports[imports.cumulative_ms >= least]
    return kept.sort_values("cumulative_ms", ascending=False, kind="stable").reset_index(drop=True)
