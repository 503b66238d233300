"""A bill as a picture: one bar per line, what the free tier covers beside what is paid."""

from __future__ import annotations

import math
from typing import Any, Protocol

import pandas as pd

from helpers.show import theme
from helpers.show.chart import Chart
from helpers.show.palette import PAPER, palette
from helpers.show.wording import counted, dollars, listed, number

_FREE = " (free tier)"
_STUB = 0.035


class Billed(Protocol):
    """What this module needs of a bill; :class:`helpers.pricing.Bill` is one."""

    period: str

    @property
    def total(self) -> float:
        """The sum in USD."""
        ...

    def to_frame(self) -> pd.DataFrame:
        """One row a line: item, quantity, unit, rate, usd, source, as_of."""
        ...


def bill(bill: Billed, *, title: str | None = None) -> Chart:
    """Draw a bill line by line.

    Parameters
    ----------
    bill : helpers.pricing.Bill
        Or anything with its ``total``, ``period`` and ``to_frame()``.
    title : str, optional
        The finding; if omitted, total and largest line.

    Returns
    -------
    Chart
        Its sentence names the total, the largest line and what the free tier covers.

    Examples
    --------
    >>> from helpers.pricing import lambda_bill
    >>> print(bill(lambda_bill(requests=1_000, duration_ms=900_000, memory_mb=512, free_tier=False)))
    The bill is $7.50 a month. The largest line is Duration x86_64: $7.50, 100% of it.
    """
    table = bill.to_frame()
    if table.empty:
        raise ValueError("the bill has no lines: there is nothing to draw")
    free = table["item"].str.endswith(_FREE)
    total, period = float(bill.total), _period(bill.period)
    largest = table.loc[table["usd"].idxmax()] if total > 0 else None
    if title is None:
        title = f"The bill is {dollars(total)} {period}"
        if largest is not None and len(table) > 1:
            title += f", {_share(largest['usd'], total)} of it for {_lower(largest['item'])}"
    layout = theme.layout(title, height=120 + 46 * len(table))
    most = float(table["usd"].max()) or 1.0
    labels = [_label(row, is_free) for (_, row), is_free in zip(table.iterrows(), free, strict=True)]
    layout["margin"] |= {"l": 24, "b": 24, "r": _room(labels, [float(usd) / most for usd in table["usd"]])}
    layout["xaxis"] = {"range": [-_STUB * most, most], "visible": False, "fixedrange": True}
    layout["yaxis"] = {"autorange": "reversed", "automargin": True, "ticks": "", "showgrid": False, "type": "category"}
    layout |= {"bargap": 0.28, "barmode": "overlay"}
    return Chart({"data": _traces(table, free, most), "layout": layout}, _sentence(table, free, total, period), table)


def _room(labels: list[str], shares: list[float]) -> int:
    """Return a right margin that fits each label after a bar of its share, wherever there are 140 pixels for bars."""
    reach = max(
        10 * len(label.replace("<b>", "").replace("</b>", "")) - 140 * (1 - x)
        for label, x in zip(labels, shares, strict=True)
    )
    return 24 + 20 * math.ceil(max(reach, 0) / 20)


def _traces(table: pd.DataFrame, free: pd.Series, most: float) -> list[dict[str, Any]]:
    """Draw amounts to the right of zero, and a hatched stub to its left for what costs nothing."""
    paid = [_paid(item) for item in table["item"]]
    names = palette.names_for(dict.fromkeys(paid))
    colour_of = {item: palette[name] for item, name in zip(dict.fromkeys(paid), names, strict=True)}
    # A space at the end of each line of a name keeps it off the stub.
    labels = [theme.wrapped(item, 20).replace("<br>", " <br>") + " " for item in _distinct(table["item"])]
    rows = [
        {"y": label, "free": is_free, "usd": usd, "colour": colour_of[each]}
        for label, is_free, usd, each in zip(labels, free, table["usd"], paid, strict=True)
    ]
    bars = {
        "type": "bar",
        "orientation": "h",
        "y": [row["y"] for row in rows],
        "x": [-_STUB * most if row["free"] else row["usd"] for row in rows],
        "hoverinfo": "text",
        "hovertext": [_hover(row) for _, row in table.iterrows()],
        "marker": {
            "color": [row["colour"] for row in rows],
            "pattern": {
                "shape": ["/" if row["free"] else "" for row in rows],
                "fillmode": "overlay",
                "fgcolor": PAPER,
                "size": 6,
                "solidity": 0.45,
            },
        },
    }
    # The amounts are a trace of their own: a label of a bar to the left of zero would lie on its name.
    amounts = {
        "type": "scatter",
        "mode": "text",
        "y": bars["y"],
        "x": [0 if row["free"] else row["usd"] for row in rows],
        "text": [f" {_label(row, is_free)}" for (_, row), is_free in zip(table.iterrows(), free, strict=True)],
        "textposition": "middle right",
        "hoverinfo": "skip",
        "cliponaxis": False,
        "showlegend": False,
    }
    return [bars, amounts]


def _label(row: pd.Series, is_free: bool) -> str:
    amount = counted(row["quantity"], row["unit"])
    return f"<b>$0.00</b>  first {amount}" if is_free else f"<b>{dollars(row['usd'])}</b>  {amount}"


def _hover(row: pd.Series) -> str:
    # USD in words: JupyterLab reads what stands between two dollar signs as a formula.
    source = theme.wrapped(str(row["source"]), 60)
    rate = f"{row['rate']:.10f}".rstrip("0").rstrip(".")
    return (
        f"<b>{row['item']}</b><br>{number(row['quantity'])} × {row['unit']} at {rate} USD"
        f" = {row['usd']:,.2f} USD<br>{source}"
    )


def _sentence(table: pd.DataFrame, free: pd.Series, total: float, period: str) -> str:
    said = [f"The bill is {dollars(total)} {period}."]
    if total > 0 and len(table) > 1:
        largest = table.loc[table["usd"].idxmax()]
        share = _share(largest["usd"], total)
        said.append(f"The largest line is {largest['item']}: {dollars(largest['usd'])}, {share} of it.")
    covered = table[free & (table["quantity"] > 0)]
    if len(covered):
        amounts = [counted(row["quantity"], row["unit"]) for _, row in covered.iterrows()]
        said.append(f"The free tier covers {listed(amounts)}.")
    return " ".join(said)


def _distinct(items: pd.Series) -> list[str]:
    """Tell lines of one name apart, or Plotly would lay their bars over each other."""
    seen: dict[str, int] = {}
    distinct = []
    for item in items:
        seen[item] = seen.get(item, 0) + 1
        distinct.append(item if seen[item] == 1 else f"{item} ({seen[item]})")
    return distinct


def _paid(item: str) -> str:
    return item.removesuffix(_FREE)


def _lower(item: str) -> str:
    """Write an item inside a sentence: "Duration" becomes "duration", "EC2" stays."""
    return item[0].lower() + item[1:] if item[1:2].islower() else item


def _share(part: float, total: float) -> str:
    return f"{part / total:.0%}"


def _period(period: str) -> str:
    return f"a {period}" if period and not period[0].isdigit() else f"for {period}"
