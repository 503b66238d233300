"""The benchmarks in the book: docs/benchmarks.md with the last run's table, and a picture of all runs over time.

    python tests/bench/chart.py

Written anew after each full run of ``run.py``; nothing in either file is written by hand.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from html import escape
from pathlib import Path
from typing import Any

from rows import Row, changes, from_json

HERE = Path(__file__).resolve().parent
DOCS = HERE.parents[1] / "docs"
PAGE, PICTURE = DOCS / "benchmarks.md", DOCS / "benchmarks.svg"
WIDTH, LINE, LABEL, CHART = 900, 34, 455, 330
INK, FAINT, GOOD, BAD = "#1f2933", "#9aa5b1", "#0b6e99", "#b42318"

INTRODUCTION = """\
# Benchmarks

What this collection costs a machine and its owner's patience. Each row is a ratio of two quantities measured in the
same run, ours and a named baseline's: the least that must happen, or what one would use instead. A ratio of 1 is as
much as the baseline; less is better, unless the table says *more*. The bound is what a change may not cross:
`make bench` fails there, and where a ratio is over 1.2 times worse than in the run before.
"""
SCALING = """\
## What grows with what

- **Start-up** does not depend on the number of notebooks: JupyterLab opens one, and each has a kernel of its own.
- **The suite** grows by one kernel for each notebook, and by what its cells wait for.
- **Explorers** share one Plotly in a page: the ninth sends its numbers alone. A figure's numbers are what the callback
  returns; the simulator gives a figure at most a point for each step of its time axis, however many requests it ran.
- **Reading a log** and **the simulator** are linear in lines and requests, in memory that does not grow.
- **The local cloud** keeps a record and the log of each invocation, as AWS does: about 2 KB.
"""


def runs() -> list[dict[str, Any]]:
    """Return all kept runs, the first one first."""
    return [json.loads(path.read_text(encoding="utf-8")) for path in sorted((HERE / "results").glob("*.json"))]


def digits(value: float) -> str:
    """Return a number as the table shows it."""
    return f"{value:,.0f}" if value >= 1000 else f"{value:.3g}"


def table(rows: list[Row], before: list[Row]) -> Iterator[str]:
    """Yield the table's lines."""
    known = {one.row.key: one for one in changes(rows, before)}
    yield "| what | against | ours | baseline | unit | ratio | before | bound |"
    yield "|---|---|---:|---:|---|---:|---:|---|"
    for row in rows:
        change = known.get(row.key)
        ratio = f"**{row.ratio:.3g}**" if row.met is False or (change and change.worse) else f"{row.ratio:.3g}"
        bound = "" if row.bound is None else f"at {'least' if row.more else 'most'} {row.bound:g}"
        note = f"<br><small>{row.note}</small>" if row.note else ""
        cells = [f"{row.name}{' (more)' if row.more else ''}{note}", row.baseline, digits(row.ours), digits(row.theirs)]
        cells += [row.unit, ratio, f"{change.before:.3g}" if change else "", bound]
        yield f"| {' | '.join(cells)} |"


def picture(kept: list[dict[str, Any]]) -> str:
    """Return the picture: for each row of the last run, its ratio in all runs, on a scale of its own."""
    last = from_json(kept[-1]["rows"])
    height = 40 + LINE * len(last)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" role="img" '
        f'font-family="sans-serif" font-size="13" fill="{INK}">',
        f"<title>Ratio to the baseline in {len(kept)} runs</title>",
        f'<rect width="{WIDTH}" height="{height}" fill="#ffffff"/>',
        f'<text x="10" y="22" font-weight="bold">Ratio to the baseline, {kept[0]["when"][:10]} to '
        f"{kept[-1]['when'][:10]}</text>",
    ]
    for place, row in enumerate(last):
        ratios = [next((one.ratio for one in from_json(run["rows"]) if one.key == row.key), None) for run in kept]
        parts += _line(row, ratios, 40 + LINE * place)
    return "\n".join([*parts, "</svg>", ""])


def _line(row: Row, ratios: list[float | None], top: int) -> Iterator[str]:
    """Yield one row of the picture."""
    middle = top + LINE / 2
    name = row.name if len(row.name) + len(row.baseline) < 58 else row.name[:57]
    against = f'<tspan fill="#52606d"> / {escape(row.baseline)}</tspan>'
    yield f'<text x="10" y="{middle + 4:.1f}">{escape(name)}{against}</text>'
    values = [math.log(one) for one in ratios if one]
    bound = [math.log(row.bound)] if row.bound else []
    low, high = min(values + bound), max(values + bound)
    reach = max(high - low, 0.2)

    def y(value: float) -> float:
        return top + LINE - 6 - (value - low) / reach * (LINE - 12)

    if bound:
        level = y(bound[0])
        yield (
            f'<line x1="{LABEL}" x2="{LABEL + CHART}" y1="{level:.1f}" y2="{level:.1f}" stroke="{FAINT}" '
            'stroke-dasharray="4 3"/>'
        )
    step = CHART / max(1, len(ratios) - 1)
    left = LABEL + CHART - step * (len(ratios) - 1)  # the last run stands at the right
    points = [(left + step * number, y(math.log(one))) for number, one in enumerate(ratios) if one]
    colour = BAD if row.met is False else GOOD
    if len(points) > 1:
        path = " ".join(f"{x:.1f},{at:.1f}" for x, at in points)
        yield f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"/>'
    x, at = points[-1]
    yield f'<circle cx="{x:.1f}" cy="{at:.1f}" r="3.5" fill="{colour}"/>'
    yield f'<text x="{LABEL + CHART + 14}" y="{middle + 4:.1f}">{row.ratio:.3g}</text>'


def page(kept: list[dict[str, Any]]) -> str:
    """Return the page."""
    now = kept[-1]
    machine = now["machine"]
    like = [one for one in kept[:-1] if all(one["machine"][name] == machine[name] for name in ("processor", "cores"))]
    packages = ", ".join(f"{name} {version}" for name, version in machine["packages"].items() if version)
    lines = [
        INTRODUCTION,
        f"Measured on {now['when'][:10]}: {machine['processor']}, {machine['cores']} cores, {machine['memory_gb']} GB, "
        f"{machine['system']}, Python {machine['python']}; {packages}.",
        "",
        *table(from_json(now["rows"]), from_json(like[-1]["rows"]) if like else []),
        "",
        *(f"- {note}\n" for note in now["notes"]),
        "![Each row's ratio over all runs, with its bound as a dashed line; the table above has the last one.]"
        f"({PICTURE.name})",
        "",
        SCALING,
    ]
    return "\n".join(lines)


def write() -> None:
    """Write page and picture."""
    kept = runs()
    DOCS.mkdir(exist_ok=True)
    PAGE.write_text(page(kept), encoding="utf-8")
    PICTURE.write_text(picture(kept), encoding="utf-8")


if __name__ == "__main__":
    write()
