"""What a bill is: lines of quantity times rate, each with its source, and two ways to add them up.

A :class:`Bill` adds its lines exactly; an invoice rounds each line to the cent first. Both are kept, because AWS's
own worked examples do the second and a comparison of prices wants the first.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from decimal import ROUND_HALF_UP, Decimal
from typing import TYPE_CHECKING

from helpers.checks import in_words, number

if TYPE_CHECKING:
    import datetime

    import pandas as pd

CENT = Decimal("0.01")


@dataclass(frozen=True)
class Line:
    """One line of a bill: ``usd`` is ``quantity`` times ``rate``.

    Attributes
    ----------
    item : what is paid for
    quantity : how much of it, in ``unit``
    unit : what one is, for instance ``GB-second`` or ``1M requests``
    rate : USD per unit
    slug : the row of the price table that gives the rate
    source, as_of : where the rate was read and the date of that source; "your input" for a figure of the caller's
    free : whether a free tier covers this quantity (its rate is then zero)
    """

    item: str
    quantity: float
    unit: str
    rate: float
    slug: str
    source: str
    as_of: datetime.date | None
    free: bool = False

    @property
    def usd(self) -> float:
        """The line's amount in USD, not rounded."""
        return self.quantity * self.rate

    @property
    def invoiced(self) -> Decimal:
        """The line's amount in USD, rounded half up to the cent."""
        # Ten decimals first: binary noise must not decide which way half a cent goes.
        return Decimal(f"{self.usd:.10f}").quantize(CENT, ROUND_HALF_UP)


@dataclass(frozen=True)
class Bill:
    """What one period costs, line by line.

    Attributes
    ----------
    lines : the lines, free-tier lines (at zero USD) included
    period : what the bill covers, ``"month"`` unless it was multiplied

    Examples
    --------
    >>> from helpers.pricing import lambda_bill
    >>> bill = lambda_bill(requests=3_000_000, duration_ms=120, memory_mb=1536)
    >>> bill.invoice_total
    2.73
    """

    lines: tuple[Line, ...]
    period: str = "month"

    @property
    def total(self) -> float:
        """The sum in USD for the period, added without intermediate rounding."""
        return math.fsum(line.usd for line in self.lines)

    @property
    def invoice_total(self) -> float:
        """The sum in USD with each line rounded half up to the cent before it is added."""
        return float(sum((line.invoiced for line in self.lines), Decimal(0)))

    @property
    def free_lines(self) -> tuple[Line, ...]:
        """The lines that a free tier covers."""
        return tuple(line for line in self.lines if line.free)

    def to_frame(self) -> pd.DataFrame:
        """One row a line: item, quantity, unit, rate (USD per unit), usd, source, as_of."""
        import pandas as pd

        columns = ["item", "quantity", "unit", "rate", "usd", "source", "as_of"]
        return pd.DataFrame([[getattr(line, c) for c in columns] for line in self.lines], columns=columns)

    def __add__(self, other: Bill) -> Bill:
        """Put two bills of the same period on one; a free tier is granted once."""
        if not isinstance(other, Bill):
            return NotImplemented
        if self.period != other.period:
            raise ValueError(f"bills for different periods do not add: {self.period!r} and {other.period!r}")
        twice = {line.slug for line in self.free_lines} & {line.slug for line in other.free_lines}
        if twice:
            remedy = (
                "price both with lambda_account_bill, which pools it"
                if any(slug.startswith("lambda.") for slug in twice)
                else "add the quantities and call service_bill once"
            )
            raise ValueError(f"both bills use the same free tier ({', '.join(sorted(twice))}): {remedy}")
        return Bill(self.lines + other.lines, self.period)

    def __mul__(self, periods: float) -> Bill:
        """Repeat the bill: ``bill * 12`` covers ``"12 months"``."""
        times = number("periods", periods, above=True)
        if times == 1:
            return self
        count, _, unit = self.period.rpartition(" ")
        length = times * (float(count) if count else 1)
        scaled = tuple(replace(line, quantity=line.quantity * times) for line in self.lines)
        return Bill(scaled, f"{in_words(length)} {unit.removesuffix('s')}{'' if length == 1 else 's'}")

    __rmul__ = __mul__

    def __str__(self) -> str:
        """Write the bill as a table in plain text, a line a row and the total below."""
        rows = [
            (
                line.item,
                f"{line.quantity:,.6g}" if line.quantity < 1e6 else f"{line.quantity:,.0f}",
                line.unit,
                f"{line.rate:.10f}".rstrip("0").rstrip("."),
                f"{line.usd:,.2f}",
            )
            for line in self.lines
        ]
        rows.append(
            (
                f"Total for one {self.period}" if self.period == "month" else f"Total for {self.period}",
                "",
                "",
                "",
                f"{self.total:,.2f}",
            )
        )
        wide = [max(len(row[i]) for row in rows) for i in range(5)]
        return "\n".join(
            f"{item:<{wide[0]}}  {quantity:>{wide[1]}} {unit:<{wide[2]}}  "
            f"{'x ' + rate if rate else '':<{wide[3] + 2}}  {usd:>{wide[4]}} USD"
            for item, quantity, unit, rate, usd in rows
        )
