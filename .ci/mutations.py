"""What `make mutate` changes: one price, limit, row or constant of a formula at a time, each in a named place.

Pure: texts come in, changed texts come out. :mod:`mutate` applies them to a copy of the tree and runs what should
notice. A place keeps its name when lines move, so that :data:`EXPLAINED` can speak of it.
"""

from __future__ import annotations

import ast
import csv
import io
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path

FORMULAS = (
    *(f"helpers/pricing/{name}.py" for name in ("bill", "fleets", "functions", "rates", "scenarios")),
    *(f"helpers/pricing/{name}.py" for name in ("services", "splitting", "steady", "use")),
    *(f"helpers/scaling/{name}.py" for name in ("analytic", "arrivals", "group", "incidents", "loop")),
    *(f"helpers/scaling/{name}.py" for name in ("platform", "result", "samplers", "surge")),
    "helpers/capacity.py",
    "helpers/history.py",
    "helpers/operations.py",
    *(f"helpers/advice/{name}.py" for name in ("bills", "case", "decide", "memory", "playing")),
    *(f"helpers/advice/{name}.py" for name in ("rules", "sensitivity", "shape", "sketch", "traffic")),
    *(f"helpers/coldstart/{name}.py" for name in ("findings", "imports", "latency", "published", "remedies")),
    *(f"helpers/coldstart/{name}.py" for name in ("stats", "traffic")),
)
SMALLEST = 1e-5  # below it, a constant is a tolerance against rounding and no part of what is computed

# Places whose change nobody has to notice, each with its reason. Everything else that survives is a missing test.
EXPLAINED: dict[str, str] = {
    "helpers/advice/bills.py:options:128": "how many answers are kept at hand",
    "helpers/advice/decide.py:FEWEST.MOST.POINTS:*": "between which, and how finely, a crossing is looked for",
    "helpers/advice/decide.py:fleet_from*": "how a search begins, narrows and ends: within a thousandth either way",
    "helpers/advice/playing.py:durations:0.001": "what keeps a duration above nothing",
    "helpers/advice/playing.py:_warmed_up*": "how much of a run is left out while it warms up, rounded up",
    "helpers/advice/rules.py:written:100": "three digits of a number from 100 to 110 are all of it",
    "helpers/advice/shape.py:_dispersion.an_hour:1": "below three counts an hour, one or two, there is no variance",
    "helpers/advice/traffic.py:Gatherer._without_strays:1": "where nothing is kept: a day before the first, or two",
    "helpers/advice/traffic.py:modelled.sketch:1000": "how many equal durations stand for all of them",
    "helpers/advice/sketch.py:Sketch.quantile:0.5": "anything above none and below one finds the first",
    "helpers/advice/traffic.py:PAGES*": "how much of a log is kept before its steps become coarser",
    "helpers/pricing/steady.py:break_even_per_s:50": "how often an interval is halved: far below what is shown",
    "helpers/history.py:milestones:2100": "the default end of the timeline, far after its last milestone",
    "helpers/history.py:_last_day:1": "any day of a month, and 31 days more, lies in the next one",
    "helpers/history.py:_last_day:31": "the first of a month, and 31 to 58 days more, lies in the next one",
    "helpers/coldstart/remedies.py:Remedies.provisioned:1": "where a search begins that ends at the least",
    "helpers/coldstart/remedies.py:Remedies.provisioned:2": "how fast a search widens before it narrows",
    "helpers/coldstart/stats.py:_binomial_cdf:1.0": "what exceeds one is binary noise",
    "helpers/coldstart/remedies.py:_MOST_PROVISIONED:5_000": "a search that doubles goes from 4,096 past either bound",
    "helpers/coldstart/remedies.py:snapstart_cost.bill:1": "a month without requests: no duration is ever multiplied",
    "helpers/coldstart/latency.py:_NODES._WEIGHTS:64": "at how many points a sum is taken: far below what is shown",
    "helpers/coldstart/latency.py:_Z:8*": "how far and how finely a table goes: within two ten-millionths either way",
    "helpers/coldstart/latency.py:Latency._top:2": "how fast a search widens before it narrows",
    "helpers/coldstart/latency.py:_HALVINGS:40": "how finely is searched: a billionth of a millisecond either way",
    "helpers/scaling/result.py:Result.__init__:2": "a period of no length: two values are read, a third is not",
    "helpers/scaling/result.py:Result.littles_law_gap:2": "a tolerance against binary noise",
    "helpers/scaling/result.py:Result.latency_ms:0.5#2": "anything above no request and below one finds the fastest",
    "helpers/scaling/result.py:Result.bill:1": "a use without requests: no duration is ever multiplied",
    "helpers/scaling/loop.py:GRID_COLUMNS:8": "room for a column that nobody writes or reads",
    "helpers/scaling/loop.py:WAITING_COLUMNS:6": "room for a column that nobody writes or reads",
    "helpers/scaling/loop.py:CLASSES_AN_OCTAVE.LOWEST_OCTAVE.OCTAVES:256": "how finely latencies are counted: finer",
    "helpers/scaling/loop.py:CLASSES_AN_OCTAVE.LOWEST_OCTAVE.OCTAVES:20": "counts from a millionth of a ms or less",
    "helpers/scaling/loop.py:CLASSES_AN_OCTAVE.LOWEST_OCTAVE.OCTAVES:64": "counts up to centuries, or longer ones",
    "helpers/scaling/loop.py:_answer.place:0.5": "where an octave's classes begin: all move alike, none overlap",
    "helpers/scaling/loop.py:run:1.0": "attempts are read as whole numbers: what is above one is cut off",
    "helpers/scaling/platform.py:ENVIRONMENTS_MAX:10_000_000": "a bound for typing errors, far above any quota",
    "helpers/scaling/arrivals.py:PIECE:65_536": "the size of a buffer, which moves nothing but last digits",
    "helpers/pricing/scenarios.py:idle_month.none:100": "a month without requests: no duration is ever multiplied",
}


@dataclass(frozen=True)
class Mutation:
    """One change of one file: where, from what to what, and the file's text afterwards."""

    place: str
    path: str
    before: str
    after: str
    text: str

    @property
    def reason(self) -> str:
        """Why nobody has to notice it; empty if somebody must."""
        return next((why for pattern, why in EXPLAINED.items() if fnmatch(self.place, pattern)), "")


def other_number(text: str) -> str:
    """Return a number near another, a tenth away: an integer stays one, a fraction stays below one.

    Examples
    --------
    >>> other_number("0.0000166667"), other_number("900"), other_number("3"), other_number("0.95"), other_number("-1")
    ('1.833337e-05', '990', '4', '0.855', '-2')
    """
    if "." in text or "e" in text.lower():
        value = float(text)
        moved = value * (0.9 if 0.5 <= value < 1 else 1.1)
        return repr(round(moved, 4 if abs(moved) > 1 else 16))
    value = int(text.replace("_", ""))
    step = max(1, abs(value) // 10)
    return str(value - step if value < 0 else value + step)


# --- rows of data/


class _Table:
    """The rows of one file, and its text with some cells replaced."""

    def __init__(self, root: Path, path: str) -> None:
        self.path = path
        text = (root / path).read_text(encoding="utf-8")
        self.header, *self.rows = list(csv.reader(io.StringIO(text)))

    def _text(self, rows: list[list[str]]) -> str:
        out = io.StringIO()
        csv.writer(out, lineterminator="\n").writerows([self.header, *rows])
        return out.getvalue()

    def cell(self, row: int, column: str) -> str:
        return self.rows[row][self.header.index(column)]

    def mutation(self, place: str, changes: dict[tuple[int, str], str]) -> Mutation:
        rows = [list(row) for row in self.rows]
        before = ", ".join(dict.fromkeys(self.cell(*where) for where in changes))
        for (row, column), value in changes.items():
            rows[row][self.header.index(column)] = value
        after = ", ".join(dict.fromkeys(changes.values()))
        return Mutation(f"{self.path}:{place}", self.path, before, after, self._text(rows))


def prices(root: Path) -> Iterator[Mutation]:
    """Every price, and every edge between two of its tiers."""
    table = _Table(root, "data/prices.csv")
    edges: dict[tuple[str, str], list[tuple[int, str]]] = {}
    for row in range(len(table.rows)):
        slug, value = table.cell(row, "slug"), table.cell(row, "value")
        yield table.mutation(slug, {(row, "value"): other_number(value)})
        for column in ("tier_from", "tier_to"):
            if edge := table.cell(row, column).strip("0"):
                edges.setdefault((table.cell(row, "meter"), edge), []).append((row, column))
    for (meter, _), where in edges.items():
        if len(where) == 2:  # both sides move, so that the tiers still meet
            yield table.mutation(
                f"{meter}.edge-at-{table.cell(*where[0])}", {each: other_number(table.cell(*each)) for each in where}
            )


def limits(root: Path) -> Iterator[Mutation]:
    """Every limit: its upper end, or the one number that it has."""
    table = _Table(root, "data/limits.csv")
    for row in range(len(table.rows)):
        numbers = {column: table.cell(row, column) for column in ("max", "min", "default")}
        told = next((number for number in numbers.values() if number), "")
        if told:
            # An equal default or lower end goes along: otherwise the row would contradict itself.
            same = {(row, column): other_number(told) for column, number in numbers.items() if number == told}
            yield table.mutation(table.cell(row, "slug"), same)
        if numbers["default"] not in ("", "0", told, numbers["min"]):
            moved = {(row, "default"): other_number(numbers["default"])}
            yield table.mutation(f"{table.cell(row, 'slug')}.default", moved)


def rows(root: Path) -> Iterator[Mutation]:
    """Who is responsible, what became of a claim, and when something happened."""
    other = {"You": "AWS", "AWS": "You", "Shared": "You"}
    table = _Table(root, "data/responsibility.csv")
    for row in range(len(table.rows)):
        place = f"{table.cell(row, 'responsibility')}, {table.cell(row, 'model')}"
        yield table.mutation(place, {(row, "owner"): other[table.cell(row, "owner")]})
    table = _Table(root, "data/responsibility_refined.csv")
    for row in range(len(table.rows)):
        if table.cell(row, "zip") in other:
            place = f"{table.cell(row, 'responsibility')}, {table.cell(row, 'part')}"
            yield table.mutation(place, {(row, "zip"): other[table.cell(row, "zip")]})
    table = _Table(root, "data/claims.csv")
    for row in range(len(table.rows)):
        verdict = table.cell(row, "verdict")
        wrong = "correct" if verdict != "correct" else "wrong"
        yield table.mutation(f"{table.cell(row, table.header[0])}", {(row, "verdict"): wrong})
    table = _Table(root, "data/timeline.csv")
    for row in range(len(table.rows)):
        date = table.cell(row, "date")
        yield table.mutation(table.cell(row, "milestone"), {(row, "date"): f"{int(date[:4]) - 1}{date[4:]}"})


# --- constants of formulas


def _skipped(chain: list[ast.AST], node: ast.Constant) -> bool:
    """Tell whether a constant says how something is written, not what it is."""
    parent = chain[-1]
    if not isinstance(node.value, int | float) or isinstance(node.value, bool) or abs(node.value) < SMALLEST:
        return True
    for outer, inner in zip(chain, [*chain[1:], node], strict=True):
        if isinstance(outer, ast.Raise | ast.JoinedStr | ast.Assert):
            return True
        if isinstance(outer, ast.Subscript) and outer.slice is inner:
            return True
        if isinstance(outer, ast.Call):
            name = outer.func.attr if isinstance(outer.func, ast.Attribute) else getattr(outer.func, "id", "")
            if name == "reshape":
                return True
            if name in ("range", "compiled", "diff") or (name in ("round", "quantile") and parent is outer):
                return name != "quantile" and (not outer.args or outer.args[0] is not inner)
        if isinstance(outer, ast.keyword) and outer.arg in ("axis", "n", "decimals", "dtype", "stacklevel", "decimal"):
            return True
    if isinstance(parent, ast.Compare) and node.value == 1:
        return True
    # i + 1 and i - 1 count places; 1 - share is arithmetic
    counts = isinstance(parent, ast.BinOp | ast.AugAssign) and isinstance(parent.op, ast.Add | ast.Sub)
    return counts and type(node.value) is int and node.value == 1 and not _is_left(parent, node)


def _is_left(parent: ast.AST, node: ast.AST) -> bool:
    return isinstance(parent, ast.BinOp) and isinstance(parent.op, ast.Sub) and parent.left is node


def _named(chain: list[ast.AST]) -> str:
    names = [each.name for each in chain if isinstance(each, ast.FunctionDef | ast.ClassDef)]
    if not names or isinstance(chain[-1], ast.AnnAssign) or len(names) < 2:
        assigned = next((each for each in chain if isinstance(each, ast.Assign | ast.AnnAssign | ast.AugAssign)), None)
        if assigned is not None:
            target = assigned.targets[0] if isinstance(assigned, ast.Assign) else assigned.target
            names += [each.id for each in ast.walk(target) if isinstance(each, ast.Name)]
    return ".".join(names)


def constants(root: Path, path: str) -> Iterator[Mutation]:
    """Every number in the formulas of one module."""
    source = (root / path).read_text(encoding="utf-8")
    lines = source.splitlines(keepends=True)
    found: list[tuple[ast.Constant, str]] = []

    def visit(node: ast.AST, chain: list[ast.AST]) -> None:
        if isinstance(node, ast.Constant):
            if not _skipped(chain, node):
                found.append((node, _named(chain)))
            return
        for child in ast.iter_child_nodes(node):
            visit(child, [*chain, node])

    visit(ast.parse(source), [])
    seen: Counter[str] = Counter()
    for node, name in sorted(found, key=lambda each: (each[0].lineno, each[0].col_offset)):
        line = lines[node.lineno - 1].encode()
        before = line[node.col_offset : node.end_col_offset].decode()
        after = other_number(before)
        changed = (line[: node.col_offset] + after.encode() + line[node.end_col_offset :]).decode()
        text = "".join([*lines[: node.lineno - 1], changed, *lines[node.lineno :]])
        place = f"{path}:{name}:{before}"
        seen[place] += 1
        place += f"#{seen[place]}" if seen[place] > 1 else ""
        yield Mutation(place, path, before, after, text)


def mutations(root: Path) -> list[Mutation]:
    """Return all changes, in the order of files."""
    makers: list[Callable[[Path], Iterator[Mutation]]] = [prices, limits, rows]
    return [
        *(each for maker in makers for each in maker(root)),
        *(each for path in FORMULAS for each in constants(root, path)),
    ]
