"""The figures of notebook 04: what the builds leave behind, a year played event by event, and what that year costs."""

from __future__ import annotations

from typing import Any

import pandas as pd

from helpers import operations, upkeep
from helpers.responsibility import who_acts
from helpers.show import charts, theme
from helpers.show.chart import Chart
from helpers.show.palette import PAPER, palette
from helpers.show.upkeep_facts import facts
from helpers.show.wording import listed, number, quantity
from helpers.ways import WAYS

__all__ = ["YEAR_EVENTS", "builds", "costs", "facts", "remains", "year"]

YEAR_EVENTS = len(operations.year())
_STYLES = {"instances": "ec2", "containers": "fargate", "Kubernetes, begun": "eks", "function": "lambda"}
_HEADS = {
    "calls": "calls",
    "parameters decided": "values<br>decided",
    "resources": "resources",
    upkeep.CAN_BE_WRONG: "can be<br>wrong",
    upkeep.TO_PATCH: "to patch",
}
_GAP = 0.035
_MOST_HOURS = 132


def builds(counted: pd.DataFrame) -> Chart:
    """Draw the five counts of each build beside each other, every count on a scale of its own.

    Parameters
    ----------
    counted : pandas.DataFrame
        As ``upkeep.counted`` gives it.
    """
    names = list(counted.columns)
    width = (1 - _GAP * (len(counted) - 1)) / len(counted)
    first, last = names[0], names[-1]
    decided = counted.loc["parameters decided"]
    title = f"{decided[first]} values decided for {first}, {decided[last]} for a {last}"
    layout = theme.layout(title, height=208 + 44 * len(names))
    layout["margin"] |= {"l": 164, "b": 24, "t": layout["margin"]["t"] + 52}
    layout |= {"bargap": 0.3, "barmode": "overlay"}
    data: list[dict[str, Any]] = []
    notes = []
    for place, (measure, row) in enumerate(counted.iterrows()):
        suffix = "" if place == 0 else str(place + 1)
        left = place * (width + _GAP)
        layout[f"xaxis{suffix}"] = {
            "domain": [left, left + width],
            "range": [0, 1.45 * float(row.max())],
            "visible": False,
            "fixedrange": True,
        }
        layout[f"yaxis{suffix}"] = {
            "anchor": f"x{suffix}",
            "type": "category",
            "autorange": "reversed",
            "showticklabels": place == 0,
            "showgrid": False,
            "ticks": "",
            "showline": True,
            "linecolor": "#8a9199",
            "fixedrange": True,
        }
        notes.append(
            {
                "text": f"<b>{_HEADS[str(measure)]}</b>",
                "x": left,
                "xref": "paper",
                "xanchor": "left",
                "y": 1.02,
                "yref": "paper",
                "yanchor": "bottom",
                "align": "left",
                "showarrow": False,
            }
        )
        data.append(_bars(names, row, str(measure), suffix))
    layout["annotations"] = notes
    told = [
        f"{name}: {listed(f'{counted.loc[measure, name]} {_unit(str(measure))}' for measure in counted.index)}"
        for name in names
    ]
    return Chart({"data": data, "layout": layout}, f"{'; '.join(told)}.", counted.reset_index())


def _bars(names: list[str], row: pd.Series, measure: str, suffix: str) -> dict[str, Any]:
    styles = [palette.style(_STYLES.get(name, "muted")) for name in names]
    return {
        "type": "bar",
        "orientation": "h",
        "y": names,
        "x": [int(value) for value in row],
        "xaxis": f"x{suffix}",
        "yaxis": f"y{suffix}",
        "text": [f"<b>{value}</b>" for value in row],
        "textposition": "outside",
        "cliponaxis": False,
        "hovertemplate": f"%{{y}}: %{{x}} {_unit(measure)}<extra></extra>",
        "marker": {
            "color": [style.colour for style in styles],
            "pattern": {
                "shape": [style.pattern for style in styles],
                "fillmode": "overlay",
                "fgcolor": PAPER,
                "size": 9,
                "solidity": 0.25,
            },
        },
    }


def _unit(measure: str) -> str:
    words = {"parameters decided": "values decided", upkeep.CAN_BE_WRONG: "things that can be wrong"}
    return words.get(measure, "things to patch" if measure == upkeep.TO_PATCH else measure)


def year(*, events: int = YEAR_EVENTS, scripted: float = 0) -> Chart:
    """Draw the team's hours after so many events of the year, in each way of running.

    Parameters
    ----------
    events : how many have come, 1 to the last
    scripted : share of the hours that scripts take over, in percent
    """
    if not 1 <= events <= YEAR_EVENTS:
        raise ValueError(f"events must be between 1 and {YEAR_EVENTS}, got {number(events)}")
    happenings = operations.year()[: int(events)]
    frame = operations.played(happenings, scripted=scripted / 100)
    now = happenings[-1]
    sums = {each: float(frame[f"{each}_hours"].sum()) for each in WAYS}
    last = {each: float(frame[f"{each}_hours"].iloc[-1]) for each in WAYS}
    parts = pd.concat(
        pd.DataFrame(
            {
                "way": [way.label for way in WAYS.values()],
                "part": part,
                "hours": [round(value, 2) for value in values],
            }
        )
        for part, values in (
            ("until then", [sums[each] - last[each] for each in WAYS]),
            ("this event", list(last.values())),
        )
    )
    owners = {each: who_acts(now.event, each).owner for each in WAYS}
    whose = [
        f"{who}: {listed(WAYS[each].label for each in WAYS if owners[each] == who)}"
        for who in ("You", "Shared", "AWS")
        if who in owners.values()
    ]
    title = f"{len(happenings)} of {YEAR_EVENTS}, {now.day.day} {now.day:%B}: {_lower(now.event.title)}"
    if len(happenings) == YEAR_EVENTS:
        hours = {each: number(sums[each], 3) for each in ("ec2", "zip")}
        title = f"A whole year: {hours['ec2']} hours on EC2, {hours['zip']} as a function"
    chart = charts.bars(
        parts,
        "way",
        "hours",
        "part",
        title=title,
        sentence=(
            f"Event {len(happenings)} of {YEAR_EVENTS}, {now.day.day} {now.day:%B}: {_lower(now.event.title)}. "
            f"{'. '.join(whose)}. Hours of the team so far: "
            f"{listed(f'{WAYS[each].label} {number(value, 3)}' for each, value in sums.items())}."
        ),
        y_title="hours of the team since 1 January",
        horizontal=True,
        height=470,
    )
    chart.figure["layout"]["xaxis"]["range"] = [0, _MOST_HOURS]  # so that bars grow and the axis doesn't
    return _styled(chart, "duration", "accent")


def costs(*, requests: float = 5_000_000, usd_per_hour: float = 50, scripted: float = 0, luck: float = 1) -> Chart:
    """Draw what a year costs in each way of running: AWS's bill or the rack's, and the team's hours.

    Parameters
    ----------
    requests : a month
    usd_per_hour : of the team's time
    scripted : share of the hours that scripts take over, in percent
    luck : how many times as much happens as assumed
    """
    frame = operations.cost_of_year(requests=requests, usd_per_hour=usd_per_hour, scripted=scripted / 100, luck=luck)
    parts = pd.concat(
        [
            pd.DataFrame({"way": frame["way"], "part": "bill", "usd": frame["bill_usd"].round(2)}),
            pd.DataFrame({"way": frame["way"], "part": "the team's hours", "usd": frame["people_usd"].round(2)}),
        ],
        ignore_index=True,
    )
    total = frame["bill_usd"] + frame["people_usd"]
    best = total.idxmin()
    share = float(frame.loc[best, "people_usd"] / total[best]) if total[best] else 0.0
    told = [
        f"{words} {_usd(total[each])}, of which {_usd(frame.loc[each, 'bill_usd'])} are the bill and "
        f"{number(frame.loc[each, 'hours'], 3)} hours the rest"
        for each, words in (("ec2", "a year on EC2 costs"), ("zip", "as a function from a zip file"))
    ]
    chart = charts.bars(
        parts,
        "way",
        "usd",
        "part",
        title=f"Cheapest year: {WAYS[best].label}, {_share(share)} of it hours",
        sentence=(
            f"With {quantity(requests)} requests a month and {_usd(usd_per_hour)} an hour, {'; '.join(told)}. "
            f"The cheapest: {WAYS[best].label}, {_usd(total[best])}."
        ),
        y_title="USD a year",
        horizontal=True,
        height=470,
    )
    chart.figure["data"][-1]["text"] = [f" <b>{_usd(value)}</b>" for value in total]
    return _styled(chart, "requests", "duration")


def _usd(value: float) -> str:
    """Write an amount without cents: assumptions are not that exact."""
    return f"${round(value):,}"


def _share(value: float) -> str:
    return "nearly all" if value > 0.99 else "none" if value < 0.005 else f"{value:.0%}"


def _styled(chart: Chart, *names: str) -> Chart:
    """Give the parts of stacked bars styles that are not those of a way of running."""
    for trace, name in zip(chart.figure["data"], names, strict=False):
        style = palette.style(name)
        trace["marker"] = {"color": style.colour}
        if style.pattern:
            trace["marker"]["pattern"] = {"shape": style.pattern, "fillmode": "overlay", "fgcolor": PAPER}
            trace["marker"]["pattern"] |= {"size": 9, "solidity": 0.25}
    return chart


def remains() -> Chart:
    """Draw the hours of a year that are left with a function from a zip file, event by event, beside a machine's."""
    happenings = operations.year()
    frame = operations.played(happenings)
    sums = frame.groupby("event", sort=False)[["ec2_hours", "zip_hours"]].sum()
    sums = sums.sort_values(["zip_hours", "ec2_hours"], ascending=False)
    parts = pd.concat(
        [
            pd.DataFrame({"event": sums.index, "way": "VM (EC2)", "hours": sums["ec2_hours"].to_numpy()}),
            pd.DataFrame({"event": sums.index, "way": "Lambda (zip)", "hours": sums["zip_hours"].to_numpy()}),
        ],
        ignore_index=True,
    )
    left = sums[sums["zip_hours"] > 0]
    gone = sums[(sums["zip_hours"] == 0) & (sums["ec2_hours"] > 0)]
    share = sums["zip_hours"].sum() / sums["ec2_hours"].sum()
    return charts.bars(
        parts,
        "event",
        "hours",
        "way",
        mode="group",
        title=f"{share:.0%} of the machine's hours stay with a function",
        sentence=(
            f"A year on EC2 takes {number(sums['ec2_hours'].sum(), 3)} hours of the team, a function from a zip file "
            f"{number(sums['zip_hours'].sum(), 3)}. What is left: "
            f"{listed(f'{_lower(name)} {number(row.zip_hours, 3)}' for name, row in left.iterrows())}. Gone: "
            f"{listed(_lower(name) for name in gone.index)}."
        ),
        y_title="hours of the team in a year",
        horizontal=True,
        height=640,
    )


def _lower(title: str) -> str:
    return title[0].lower() + title[1:]
