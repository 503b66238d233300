"""The tables of responsibility as figures: who looks after what, what moves, and who acts when something happens.

A full circle and a dark cell are yours, an empty circle and a light cell are AWS's, a half circle is shared. Each
function draws what :mod:`helpers.responsibility` returns, with :mod:`helpers.show.grid`; their arguments are what the
explorers of notebook 03 set.
"""

from __future__ import annotations

from datetime import date

import pandas as pd

from helpers import responsibility, tables
from helpers.responsibility import OWNERS, WAYS, split
from helpers.show import theme
from helpers.show.chart import Chart
from helpers.show.freshness import Freshness, as_of
from helpers.show.grid import FONT, Cell, cell, grid
from helpers.show.palette import PAPER, TEXT
from helpers.show.wording import listed

EVERYONE = "everyone"
ALL = "all"
SHORT = {
    "Data center & hardware": "Hardware",
    "Host OS patching": "Host OS",
    "Runtime / language version": "Runtime",
    "Capacity planning & scaling": "Capacity",
    "High availability": "Availability",
    "Application code & logic": "Application",
    "Business data & security": "Data",
}
HEADS = {
    "rack": "Rack",
    "ec2": "VM<br>(EC2)",
    "nodes": "Own<br>nodes",
    "fargate": "Fargate",
    "zip": "Lambda<br>zip",
    "image": "Lambda<br>image",
}
_STAGES = (
    ("patched", None, "deprecated", "#235951", ""),
    ("no patches", "deprecated", "create_blocked", "#f6c667", "/"),
    ("no new functions", "create_blocked", "update_blocked", "#d9772b", "x"),
    ("no changes", "update_blocked", None, "#a3290f", "-"),
)


def lesson() -> Chart:
    """Draw the lesson's table."""
    table = responsibility.matrix()
    yours = _yours(table)
    return grid(
        list(table.index),
        [_heading(name) for name in table],
        [[cell(*split(each)) for each in row] for row in table.to_numpy()],
        title=f"From rack to function, {yours.iloc[0]} rows of yours become {yours.iloc[-1]}",
        sentence=f"Rows that are yours, of {len(table)}: {_counts(yours)}.",
        table=table.reset_index(),
    )


def questioned() -> Chart:
    """Draw which cells of the lesson's table hold when each part of a row is looked at."""
    table, asked = responsibility.verdicts(), responsibility.questioned()
    rows = []
    for name, row in table.iterrows():
        more = {model: _broken(asked.loc[(name, model), "instead"]) for model in row.index[row != "holds"]}
        rows.append([cell(verdict, hover=more.get(model, "")) for model, verdict in row.items()])
    hold = (table == "holds").sum()
    wrong = int((table == "wrong").to_numpy().sum())
    return grid(
        list(table.index),
        [_heading(name) for name in table],
        rows,
        title=f"{hold.sum()} of {table.size} cells hold, under Lambda {hold.iloc[-1]} of {len(table)}",
        sentence=(
            f"Cells that hold, of {len(table)}: {_counts(hold)}. Of the other {len(asked)}, "
            f"{len(asked) - wrong} are too coarse and {wrong} is wrong."
        ),
        table=table.reset_index(),
    )


def refined(*, owner: str = EVERYONE, row: str = ALL) -> Chart:
    """Draw the finer table; with an owner or a row of the lesson chosen, the rest steps back.

    Parameters
    ----------
    owner : "everyone", "You", "Shared" or "AWS"
    row : "all", or a responsibility of the lesson's table
    """
    table, parts = responsibility.refined(), responsibility.parts()
    yours, chosen, rows = _yours(table), 0, []
    for (group, part), cells in table.iterrows():
        hover = _broken(parts.loc[part, "why"])
        fits = [owner in (EVERYONE, split(each)[0]) and row in (ALL, group) for each in cells]
        rows.append([cell(*split(each), hover, faint=not fit) for each, fit in zip(cells, fits, strict=True)])
        chosen += sum(fits)
    title = f"Of {len(table)} tasks, {_always(table)} stay yours wherever you run"
    sentence = f"Tasks that are yours, of {len(table)}: {_counts(yours)}."
    if (owner, row) != (EVERYONE, ALL):
        whose = {"You": "are yours", "AWS": "are AWS's", "Shared": "are shared", EVERYONE: "are there"}[owner]
        among = len(table) if row == ALL else sum(group == row for group, _ in table.index)
        title = f"{chosen} of {among * len(WAYS)} cells {whose}" + ("" if row == ALL else f" in {SHORT[row]}")
        sentence = f"{title}. {sentence}"
    return _by_part(table, _with_counts(yours), rows, title, sentence)


def moved(*, before: str = "ec2", after: str = "zip") -> Chart:
    """Draw what changes hands from one way of running to another; both are ids of ``responsibility.WAYS``."""
    table = responsibility.refined()
    one, other = WAYS[before].label, WAYS[after].label
    changed = responsibility.moved(one, other, table)
    rows = []
    for key, cells in table.iterrows():
        moves = key in changed.index
        arrow = Cell("plain", "<b>→</b>") if moves else Cell("faint", "=")
        left, right = (cell(*split(cells[name]), faint=not moves) for name in (one, other))
        rows.append([left, arrow, right])
    title, sentence = _moves_in_words(len(table), changed, one, other)
    both = table[[one, other]] if before != after else table[[one]]
    return _by_part(both, [_heading(one), "", _heading(other)], rows, title, sentence, widths=(5, 1, 5))


def event(*, event: str = "base-image-cve") -> Chart:
    """Draw who acts on an event, and how, in each way of running; `event` is the id of one."""
    answers = [responsibility.who_acts(event, each) for each in WAYS]
    about = next(each for each in responsibility.events() if each.id == event)
    labels = [WAYS[answer.way].label for answer in answers]
    rows = [[cell(a.owner, a.qualifier, _broken(a.why)), Cell("plain", "", _broken(a.why))] for a in answers]
    mine, shared = (sum(answer.owner == owner for answer in answers) for owner in ("You", "Shared"))
    whose = {who: [name for name, a in zip(labels, answers, strict=True) if a.owner == who] for who in OWNERS}
    said = [f"{who}: {listed(names)}." for who, names in whose.items() if names]
    chart = grid(
        labels,
        ["who acts", ""],
        rows,
        title=f"{about.title}: yours on {mine} of {len(answers)}{f', {shared} shared' if shared else ' ways'}",
        sentence=f"{about.what} {' '.join(said)}",
        table=pd.DataFrame(
            {
                "way": labels,
                "who": [a.owner for a in answers],
                "action": [a.action for a in answers],
                "source": [a.source for a in answers],
            }
        ),
        widths=(1, 4.2),
        left=178,
        step=54,
    )
    actions = {
        "type": "scatter",
        "mode": "text",
        "x": [1.06] * len(answers),
        "y": list(range(len(answers))),
        "text": [theme.wrapped(answer.action, 40) for answer in answers],
        "textposition": "middle right",
        "textfont": {"size": FONT},
        "hoverinfo": "skip",
    }
    figure = {"data": [*chart.figure["data"], actions], "layout": chart.figure["layout"]}
    return Chart(figure, chart.sentence, chart.table)


def events(*, owner: str = EVERYONE) -> Chart:
    """Draw who acts on every event in every way of running; with an owner chosen, the rest steps back."""
    table = responsibility.duties()
    yours = _yours(table)
    return grid(
        list(table.index),
        _with_counts(yours),
        [[cell(each, faint=owner not in (EVERYONE, each)) for each in row] for row in table.to_numpy()],
        title=f"Of {len(table)} bad nights, {_always(table)} are yours wherever you run",
        sentence=f"Events that you answer, of {len(table)}: {_counts(yours)}.",
        table=table.reset_index(),
        left=204,
        step=37,
    )


def runtimes(*, family: str = "Node.js", today: date) -> Chart:
    """Draw how long each Lambda runtime of a language gets patches, may be created and may be changed."""
    table = tables.runtimes()
    table = table[(table["family"] == family) & table["deprecated"].notna()]
    start = min(pd.Timestamp(today), table["deprecated"].min()) - pd.DateOffset(months=4)
    end = table["update_blocked"].max() + pd.DateOffset(months=6)
    late = (table["deprecated"] <= pd.Timestamp(today)).sum()
    title = f"{late} of {len(table)} {family} runtimes get no patches any more"
    layout = theme.layout(title, height=188 + 52 * len(table), legend=True, barmode="overlay", bargap=0.35)
    layout["margin"] |= {"l": 116, "b": 46, "t": layout["margin"]["t"] + 18}  # the legend may need two lines
    layout["legend"]["font"] = {"size": FONT}
    layout["xaxis"] |= {"type": "date", "range": [f"{start:%Y-%m-%d}", f"{end:%Y-%m-%d}"], "tickformat": "%b %Y"}
    layout["xaxis"] |= {"dtick": "M12", "tick0": "2026-01-01"}
    layout["yaxis"] |= {"type": "category", "range": [len(table) - 0.5, -0.95], "ticks": "", "showgrid": False}
    note = {"text": "today", "x": str(today), "xanchor": "left", "xshift": 5, "y": -0.72, "showarrow": False}
    layout["annotations"] = [note]
    line = {"type": "line", "x0": str(today), "x1": str(today), "yref": "paper", "y0": 0, "y1": 1}
    layout["shapes"] = [line | {"line": {"color": TEXT, "width": 3, "dash": "dot"}}]
    data = []
    for name, since, until, colour, pattern in _STAGES:
        begin = table[since] if since else pd.Series(start, index=table.index)
        finish = table[until] if until else pd.Series(end, index=table.index)
        edge = {"color": TEXT, "width": 1}  # one of the fills is pale
        hatch = {"shape": pattern, "fillmode": "overlay", "fgcolor": PAPER, "size": 8, "solidity": 0.25}
        bar = {"type": "bar", "orientation": "h", "name": name, "y": list(table.index)}
        bar |= {
            "base": list(begin.dt.strftime("%Y-%m-%d")),
            "x": [days * 86_400_000 for days in (finish - begin).dt.days],
        }
        data.append(
            bar
            | {
                "marker": {"color": colour, "pattern": hatch, "line": edge},
                "hovertemplate": f"%{{y}}: {name}<extra></extra>",
            }
        )
    said = [f"{name} from {row.deprecated:%Y-%m-%d}, {row.create_blocked:%Y-%m-%d}" for name, row in table.iterrows()]
    sentence = f"On {today}, {title}. Without patches, and then closed to new functions: {'; '.join(said)}."
    columns = ["deprecated", "create_blocked", "update_blocked"]
    return Chart({"data": data, "layout": layout}, sentence, table[columns].reset_index())


class _Facts(Freshness):
    """Rows of other tables, with their dates."""

    def _summary(self) -> str:
        return super()._summary().replace("Prices and limits", "Facts")


def facts(*slugs: str, today: date | None = None) -> Freshness:
    """Say how old the rows are that this notebook rests on: its own tables, and the limits with these slugs."""
    found = [as_of(*slugs).rows] if slugs else []
    for name, frame in (
        ("The lesson's table", tables.responsibility()),
        ("The finer table", responsibility.parts()),
        ("Events", tables.load("events")),
        ("Lambda's runtimes", tables.runtimes()),
    ):
        frame = frame.assign(service=name, item=[str(each) for each in frame.index])
        found.append(frame.reindex(columns=["service", "item", "as_of", "max_age_days", "flag", "source"]))
    rows = pd.concat(found).fillna({"max_age_days": 365, "flag": ""})
    return _Facts(rows, today or date.today())


def _by_part(
    table: pd.DataFrame, heads: list[str], rows: list[list[Cell]], title: str, sentence: str, widths: tuple = ()
) -> Chart:
    """Draw rows of the finer table, grouped by the rows of the lesson's."""
    return grid(
        [part for _, part in table.index],
        heads,
        rows,
        title=title,
        sentence=sentence,
        table=table.reset_index(),
        groups=[SHORT[group] for group, _ in table.index],
        widths=widths,
        left=242,
        step=37,
    )


def _heading(name: str) -> str:
    """Break a column's name where it has two parts."""
    return name.replace(" / ", " /<br>").replace(" (", "<br>(")


def _with_counts(yours: pd.Series) -> list[str]:
    return [f"{head}<br><b>{count} ●</b>" for head, count in zip(HEADS.values(), yours, strict=True)]


def _yours(table: pd.DataFrame) -> pd.Series:
    return table.map(lambda each: split(each)[0] == "You").sum()


def _always(table: pd.DataFrame) -> int:
    """Count the rows that are yours in every column."""
    return int(table.map(lambda each: split(each)[0] == "You").all(axis="columns").sum())


def _counts(numbers: pd.Series) -> str:
    return listed(f"{label} {count}" for label, count in numbers.items())


def _broken(text: str) -> str:
    return theme.wrapped(text, 60)


def _moves_in_words(of: int, changed: pd.DataFrame, one: str, other: str) -> tuple[str, str]:
    if changed.empty:
        return "Nothing changes hands", f"Between {one} and {other} nothing changes hands."
    ranks = {owner: rank for rank, owner in enumerate(OWNERS)}
    step = changed[other].map(lambda each: ranks[split(each)[0]]) - changed[one].map(lambda each: ranks[split(each)[0]])
    away, back = ([part for (_, part), by in step.items() if by * sign > 0] for sign in (1, -1))
    moves = [f"{len(names)} of {of} tasks {verb} you" for names, verb in ((away, "leave"), (back, "come to")) if names]
    title = f"{listed(moves)} on this move"
    said = [f"Of {of} tasks, {len(changed)} change hands from {one} to {other}."]
    said += [f"Less for you: {listed(away)}."] if away else []
    said += [f"More for you: {listed(back)}."] if back else []
    return title, " ".join(said)
