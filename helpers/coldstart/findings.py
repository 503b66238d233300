"""The findings that the published table supports, each computed from it: a number that moves, and whether it holds.

A notebook lets its reader find them first and asserts them after. The data can change under them: a new release of
the measurements may turn one around, and then ``holds`` says so, and the test that reads it fails.
"""

from __future__ import annotations

from collections.abc import Callable

import pandas as pd

from helpers import tables
from helpers.coldstart import published
from helpers.coldstart.published import A_SECOND_MS, BAND_MS

_FLAT = 0.10  # an INIT within a tenth of another is called the same
_Row = tuple[bool, str]


def findings(frame: pd.DataFrame | None = None) -> pd.DataFrame:
    """Return what the published cold starts show.

    Parameters
    ----------
    frame : rows of ``tables.cold_starts()``; all of them if omitted

    Returns
    -------
    pandas.DataFrame
        Indexed by a short name: ``finding``, in words; ``holds``; ``figures``, the numbers that decide it; ``claims``,
        the lesson's claims that it bears on.

    Examples
    --------
    >>> found = findings()
    >>> bool(found.holds.all())
    True
    >>> found.figures["samples"]
    '172,463 starts in 620 cells, on 29 days each'
    """
    frame = published.starts(frame)
    rows = [(name, words, *check(frame), claims) for name, (words, claims, check) in _FINDINGS.items()]
    table = pd.DataFrame(rows, columns=["name", "finding", "holds", "figures", "claims"]).set_index("name")
    return table[["finding", "holds", "figures", "claims"]]


def _samples(frame: pd.DataFrame) -> _Row:
    days = sorted(frame.days.unique())
    text = f"{frame.n.sum():,} starts in {len(frame)} cells, on {' to '.join(map(str, days))} days each"
    return bool(frame.n.sum() == 172_463), text


def _init_flat(frame: pd.DataFrame) -> _Row:
    effect = published.memory_effect(frame)
    flat = (effect.init_ratio - 1).abs() <= _FLAT
    middle, low, high = effect.init_ratio.median(), effect.init_ratio.min(), effect.init_ratio.max()
    text = f"at 128 MB {middle:.2f} times the INIT at 1,024 MB ({low:.2f} to {high:.2f}); {flat.mean():.0%} within 10%"
    return bool(flat.mean() > 0.9 and abs(middle - 1) < 0.02), text


def _first_call_falls(frame: pd.DataFrame) -> _Row:
    effect = published.memory_effect(frame)
    works = effect[effect.first_low_ms >= 5]
    ratio = works.first_ratio
    text = (
        f"of {len(effect)} variants, {len(works)} need 5 ms or more at 128 MB; they take {ratio.median():.1f} times "
        f"as long there as at 1,024 MB (at least {ratio.min():.1f}, at most {ratio.max():.0f})"
    )
    return bool(ratio.min() > 1.5), text


def _images_slower(frame: pd.DataFrame) -> _Row:
    both = published.packages(frame)
    found = both[both.language.isin(["Node.js", "Python"])]
    text = f"medians {found.ratio.min():.2f} to {found.ratio.max():.2f} times a zip's; means up to "
    return bool(found.ratio.between(1.5, 2.2).all()), text + f"{found.mean_ratio.max():.2f}, pulled up by outliers"


def _ruby_equal(frame: pd.DataFrame) -> _Row:
    found = published.packages(frame).query("language == 'Ruby'")
    return bool(
        found.ratio.between(0.9, 1.2).all()
    ), f"{found.ratio.min():.2f} to {found.ratio.max():.2f} times a zip's"


def _custom_faster(frame: pd.DataFrame) -> _Row:
    custom = published.packages(frame).query("not managed")
    faster = custom[custom.ratio_high < 1]
    best = faster.iloc[0]
    text = f"{len(faster)} of {len(custom)}, from {best['name']} at {best.ratio:.2f} times a zip's"
    return bool(len(faster) >= 3), text


def _a_second(frame: pd.DataFrame) -> _Row:
    slow = published.slowest(frame)
    dotnet = frame[(frame.language == ".NET") & frame.managed & (frame.memory_mb == 128)]
    just = dotnet.init_plus_handler_mean_ms.min()
    holds = set(slow.memory_mb) == {128} and set(slow.language) == {".NET"} and len(slow) >= 4
    text = (
        f"{len(slow)} cells of {len(frame)}, {len(slow[slow.package == 'zip'])} of them zips: "
        f"{slow.init_plus_handler_mean_ms.min():,.0f} to {slow.init_plus_handler_mean_ms.max():,.0f} ms; "
        f"the other of the {len(dotnet)} .NET cells at 128 MB takes {just:,.0f} ms"
    )
    return bool(holds), text


def _java_below(frame: pd.DataFrame) -> _Row:
    java = frame[frame.language == "Java"]
    worst = java.loc[java.init_plus_handler_mean_ms.idxmax()]
    text = f"{worst.init_plus_handler_mean_ms:.0f} ms ({worst['name']}, {worst.memory_mb} MB, {worst.architecture}, "
    return bool(worst.init_plus_handler_mean_ms < A_SECOND_MS), text + f"{worst.package})"


def _zip_below(frame: pd.DataFrame) -> _Row:
    zips, images = (frame[frame.package == kind] for kind in ("zip", "image"))
    rare = float((images.share_over_1000_ms * images.n).sum() / images.n.sum())
    text = f"slowest of {zips.n.sum():,} zips {zips.init_max_ms.max():,.0f} ms; of the images {rare:.2%} take more"
    return bool(zips.init_max_ms.max() < A_SECOND_MS), text


def _node_inside(frame: pd.DataFrame) -> _Row:
    node = frame[frame.runtime == "nodejs20.x"]
    zips, images = (node[node.package == kind] for kind in ("zip", "image"))
    low, high = zips.init_min_ms.min(), zips.init_max_ms.max()
    text = f"{zips.n.sum():,} zips: {low:.0f} to {high:.0f} ms; images: up to {images.init_max_ms.max():,.0f} ms"
    return bool(low >= BAND_MS[0] and high <= BAND_MS[1]), text


def _node_deprecated(frame: pd.DataFrame) -> _Row:
    since = tables.runtimes().deprecated["nodejs20.x"]
    return bool(since < frame.as_of.max()), f"since {since.date()}; the table is of {frame.as_of.max().date()}"


def _code_size(frame: pd.DataFrame) -> _Row:
    sizes = published.code_sizes()
    first, last = sizes.iloc[0], sizes.iloc[-1]
    text = (
        f"mean INIT {first.mean_ms:,.0f} ms with {first.code_size_kb:,} KB of code, {last.mean_ms:,.0f} ms with "
        f"{last.code_size_kb / 1024:,.0f} MB (Node.js 20, 256 MB, {sizes.n.min()} starts each, November 2023)"
    )
    from_1_mb = sizes[sizes.code_size_kb >= 1024].mean_ms
    return bool(last.mean_ms > 10 * first.mean_ms and from_1_mb.is_monotonic_increasing), text


_FINDINGS: dict[str, tuple[str, str, Callable[[pd.DataFrame], _Row]]] = {
    "samples": ("The table stands for 172,463 forced cold starts", "L07 L08", _samples),
    "init and memory": ("INIT does not fall with memory", "L07 L08", _init_flat),
    "first call and memory": ("The first handler call does, where it has work to do", "L08", _first_call_falls),
    "images": ("A container image's INIT is 1.5 to 2.2 times a zip's with Node.js and Python", "L07", _images_slower),
    "images, Ruby": ("With Ruby it is nearly the same", "L07", _ruby_equal),
    "images, custom": ("Some custom runtimes start faster from an image", "L07", _custom_faster),
    "a second": ("Only .NET at 128 MB passes a second, INIT and first call together, on average", "L08", _a_second),
    "Java": ("Java's worst mean stays below a second", "L08", _java_below),
    "zip INITs": ("No INIT of a zip package took a second", "L08", _zip_below),
    "Node.js 20": ("Every INIT of Node.js 20 from a zip lies within the lesson's 50 to 300 ms", "L07", _node_inside),
    "Node.js 20, deprecated": ("Node.js 20 was deprecated when this was measured", "L07", _node_deprecated),
    "code size": ("INIT grows with the size of the code", "L06 L07", _code_size),
}
