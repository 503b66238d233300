"""What 172,463 forced cold starts on AWS say: the published table, summarised, and each finding computed from it.

The table (``tables.cold_starts()``) holds one row per runtime, architecture, memory and package: number of starts,
mean, percentiles and extremes of INIT, mean of the first handler call. Means of several rows pool exactly; their
percentiles do not, so what stands for several rows is the median of the rows' medians, and is called typical. The
function said hello: a real one imports more. INIT leaves out what happens before it (a machine, the download of the
code) and the network. Measured and published by Maxime David, maxday/lambda-perf (Apache-2.0).
"""

from __future__ import annotations

import re

import numpy as np
import pandas as pd

from helpers import tables
from helpers.checks import choice, number

BAND_MS = (50.0, 300.0)  # the lesson's "typically" for Node.js 20 with a small bundle
A_SECOND_MS = 1000.0
PACKAGES = ("zip", "image")
_FAMILIES = {"nodejs": "Node.js", "python": "Python", "java": "Java", "dotnet": ".NET", "ruby": "Ruby"}


def starts(frame: pd.DataFrame | None = None) -> pd.DataFrame:
    """Return the table with two columns more: ``name``, as people call the variant, and ``managed``.

    Parameters
    ----------
    frame : rows of ``tables.cold_starts()``; all of them if omitted

    Examples
    --------
    >>> starts().name[starts().managed].unique().tolist()[:4]
    ['.NET 10', '.NET 8', 'Java 11', 'Java 17']
    >>> int(starts().n.sum())
    172463
    """
    frame = tables.cold_starts() if frame is None else frame
    if frame.empty:
        raise ValueError("frame must have at least one row, got none")
    pairs = list(zip(frame.runtime, frame.variant, strict=True))
    systems: dict[str, set[str]] = {}
    for runtime, variant in pairs:
        systems.setdefault(variant, set()).add(runtime)
    known = {pair: _name(*pair, several=len(systems[pair[1]]) > 1) for pair in dict.fromkeys(pairs)}
    return frame.assign(name=[known[pair] for pair in pairs], managed=frame.variant == "").reset_index(drop=True)


def _name(runtime: str, variant: str, *, several: bool) -> str:
    if variant:
        return f"{variant} ({runtime.removeprefix('provided.').upper()})" if several else variant
    family, version = re.fullmatch(r"([a-z]+)([\d.]*?)(?:\.x|\.al2)?", runtime).groups()
    return f"{_FAMILIES[family]} {version}"


def pooled(frame: pd.DataFrame | None = None, by: str | list[str] = "name") -> pd.DataFrame:
    """Return the table summarised by some columns.

    Parameters
    ----------
    frame : as for :func:`starts`
    by : one column or several: ``"name"``, ``"language"``, ``"memory_mb"``, ``"architecture"``, ``"package"`` …

    Returns
    -------
    pandas.DataFrame
        The columns of ``by``, then ``cells`` and ``n``; ``init_mean_ms`` and ``first_call_mean_ms``, pooled exactly;
        ``init_typical_ms`` and ``first_call_typical_ms``, medians of the rows; ``init_min_ms``, ``init_max_ms``.

    Examples
    --------
    >>> pooled(by="package")[["package", "n", "init_mean_ms"]].round(1).to_dict("list")
    {'package': ['image', 'zip'], 'n': [85646, 86817], 'init_mean_ms': [181.3, 145.9]}
    """
    frame, by = starts(frame), [by] if isinstance(by, str) else list(by)
    missing = [name for name in by if name not in frame.columns]
    if missing:
        raise ValueError(f"by must name columns of the table, got {', '.join(map(repr, missing))}")
    weighted = frame.assign(init=frame.init_mean_ms * frame.n, first=frame.first_handler_mean_ms * frame.n)
    groups = weighted.groupby(by, sort=True)
    found = groups.agg(
        cells=("n", "size"),
        n=("n", "sum"),
        init_mean_ms=("init", "sum"),
        first_call_mean_ms=("first", "sum"),
        init_typical_ms=("init_p50_ms", "median"),
        first_call_typical_ms=("first_handler_mean_ms", "median"),
        init_min_ms=("init_min_ms", "min"),
        init_max_ms=("init_max_ms", "max"),
    )
    for column in ("init_mean_ms", "first_call_mean_ms"):
        found[column] /= found.n
    return found.reset_index()


def ranked(frame: pd.DataFrame | None = None, *, package: str = "zip") -> pd.DataFrame:
    """Return the variants of one package type from the fastest INIT to the slowest, with the band of the lesson.

    Returns
    -------
    pandas.DataFrame
        What :func:`pooled` returns by name, language and ``managed``; and ``inside``: whether every single start
        lay within 50 to 300 ms.
    """
    frame = starts(frame)
    found = pooled(frame[frame.package == choice("package", package, PACKAGES)], ["name", "language", "managed"])
    inside = (found.init_min_ms >= BAND_MS[0]) & (found.init_max_ms <= BAND_MS[1])
    return found.assign(inside=inside).sort_values("init_typical_ms", kind="stable").reset_index(drop=True)


def memory_effect(frame: pd.DataFrame | None = None, *, low_mb: int = 128, high_mb: int = 1024) -> pd.DataFrame:
    """Return what more memory does to INIT and to the first handler call, for each variant.

    Parameters
    ----------
    frame : as for :func:`starts`
    low_mb, high_mb : the two sizes that are compared: 128, 256, 512 or 1024

    Returns
    -------
    pandas.DataFrame
        ``name, architecture, package``; ``init_low_ms, init_high_ms`` (medians) and ``init_ratio``, low ÷ high;
        ``first_low_ms, first_high_ms`` (means) and ``first_ratio``.

    Examples
    --------
    >>> effect = memory_effect()
    >>> effect[["init_ratio", "first_ratio"]].median().round(2).to_dict()
    {'init_ratio': 1.0, 'first_ratio': 3.32}
    """
    frame, keys = starts(frame), ["name", "architecture", "package"]
    sides = {}
    for side, size in (("low", low_mb), ("high", high_mb)):
        part = frame[frame.memory_mb == size]
        if part.empty:
            raise ValueError(f"{side}_mb must be a size that was measured, got {size!r}")
        names = {"init_p50_ms": f"init_{side}_ms", "first_handler_mean_ms": f"first_{side}_ms"}
        sides[side] = part[[*keys, *names]].rename(columns=names)
    both = sides["low"].merge(sides["high"], on=keys)
    both["init_ratio"] = both.init_low_ms / both.init_high_ms
    both["first_ratio"] = both.first_low_ms / both.first_high_ms
    columns = ["init_low_ms", "init_high_ms", "init_ratio", "first_low_ms", "first_high_ms", "first_ratio"]
    return both[[*keys, *columns]]


def packages(frame: pd.DataFrame | None = None) -> pd.DataFrame:
    """Return a container image's INIT against a zip's, for each variant that was measured as both.

    Returns
    -------
    pandas.DataFrame
        ``name, language, managed``; ``zip_ms, image_ms``, the medians of the cells' medians; ``ratio``, the median of
        the cells' own ratios, with ``ratio_low`` and ``ratio_high`` among them; ``mean_ratio``, of the pooled means,
        which slow outliers of images pull up. The slowest against zip comes last.

    Examples
    --------
    >>> found = packages().set_index("name").ratio
    >>> found[["Node.js 20", "Python 3.12", "Ruby 3.4", "Bun"]].round(2).to_dict()
    {'Node.js 20': 1.79, 'Python 3.12': 1.73, 'Ruby 3.4': 1.15, 'Bun': 0.47}
    """
    frame, keys = starts(frame), ["name", "language", "managed"]
    sides = {kind: frame[frame.package == kind] for kind in ("zip", "image")}
    cell = [*keys, "architecture", "memory_mb"]
    both = sides["zip"].merge(sides["image"], on=cell, suffixes=("_zip", "_image"))
    if both.empty:
        raise ValueError("frame must hold variants that were measured both as zip and as image, got none")
    both["ratio"] = both.init_p50_ms_image / both.init_p50_ms_zip
    found = both.groupby(keys).agg(
        zip_ms=("init_p50_ms_zip", "median"),
        image_ms=("init_p50_ms_image", "median"),
        ratio=("ratio", "median"),
        ratio_low=("ratio", "min"),
        ratio_high=("ratio", "max"),
    )
    means = {kind: pooled(part).set_index("name").init_mean_ms for kind, part in sides.items()}
    found = found.reset_index()
    found["mean_ratio"] = found.name.map(means["image"] / means["zip"])
    return found.sort_values("ratio", kind="stable").reset_index(drop=True)


def slowest(frame: pd.DataFrame | None = None, *, over_ms: float = A_SECOND_MS) -> pd.DataFrame:
    """Return the cells whose INIT and first handler call together take longer than a time, on average, slowest first.

    Examples
    --------
    >>> slow = slowest()
    >>> slow.name.unique().tolist(), slow.memory_mb.unique().tolist()
    (['.NET 8', '.NET 10'], [128])
    """
    frame, least = starts(frame), number("over_ms", over_ms)
    columns = ["name", "language", "architecture", "memory_mb", "package", "n"]
    columns += ["init_mean_ms", "first_handler_mean_ms", "init_plus_handler_mean_ms", "init_max_ms"]
    kept = frame[frame.init_plus_handler_mean_ms > least]
    return kept.sort_values("init_plus_handler_mean_ms", ascending=False)[columns].reset_index(drop=True)


def code_sizes() -> pd.DataFrame:
    """Return INIT against the size of the code: Node.js 20, 256 MB of memory, measured in November 2023.

    Returns
    -------
    pandas.DataFrame
        ``code_size_kb, mean_ms, p90_ms, min_ms, max_ms, n, source``.

    Examples
    --------
    >>> code_sizes()[["code_size_kb", "mean_ms"]].iloc[[0, -1]].astype(int).values.tolist()
    [[1, 242], [65536, 3184]]
    """
    rows = tables.cold_starts_other().query("kind == 'init_by_code_size'")
    means, high = rows[rows.metric == "mean"], rows[rows.metric == "p90"]
    named = means.rename(columns={"value": "mean_ms", "min": "min_ms", "max": "max_ms"})
    found = named.merge(high[["code_size_kb", "value"]].rename(columns={"value": "p90_ms"}), on="code_size_kb")
    found = found.astype({"code_size_kb": int, "n": int}).sort_values("code_size_kb")
    return found[["code_size_kb", "mean_ms", "p90_ms", "min_ms", "max_ms", "n", "source"]].reset_index(drop=True)


def idle_lifetimes() -> pd.DataFrame:
    """Return how long an idle environment was reported to live, over the years; AWS publishes no figure.

    Returns
    -------
    pandas.DataFrame
        ``as_of, condition, low_min, high_min, source``, in minutes; a single figure has equal ends.
    """
    rows = tables.cold_starts_other().query("kind == 'idle_lifetime' and unit == 'min'")
    found = rows.assign(low_min=rows["min"].fillna(rows.value), high_min=rows["max"].fillna(rows.value))
    columns = ["as_of", "condition", "metric", "low_min", "high_min", "source"]
    return found.sort_values("as_of")[columns].reset_index(drop=True)


def typical_start(
    name: str, memory_mb: float, *, architecture: str = "x86_64", package: str = "zip"
) -> tuple[float, float, float]:
    """Return a variant's start with some memory: median and 99th percentile of INIT, mean of the first handler call.

    Parameters
    ----------
    name : a name of :func:`starts`
    memory_mb : 128 or more. Between the sizes that were measured the figures are interpolated, on logarithms; above
        1,024 MB, where nothing was measured, they stay as there
    architecture, package : as in the table

    Examples
    --------
    >>> typical_start(".NET 10", 128)
    (252.9, 682.2, 793.4)
    """
    frame = starts()
    choice("name", name, frame.name.unique().tolist())
    mine = (frame.name == name) & (frame.architecture == architecture) & (frame.package == package)
    cells = frame[mine].sort_values("memory_mb")
    if cells.empty:
        raise ValueError(f"name must be a variant that was measured as {package} on {architecture}, got {name!r}")
    size = np.log(number("memory_mb", memory_mb, 128))
    columns = ("init_p50_ms", "init_p99_ms", "first_handler_mean_ms")
    found = (np.exp(np.interp(size, np.log(cells.memory_mb), np.log(cells[column]))) for column in columns)
    return tuple(round(float(value), 6) for value in found)
