"""Where a bill finds its rates: the collection's price table, or another table of the same form.

``rates=None`` everywhere means the collection's own table. Another one (another region, a price that a test has
changed) may be passed as a frame of the form of ``tables.prices()`` or as a mapping from ``tables.price_list``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import fields
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

import numpy as np

from helpers import tables
from helpers.tables import Price

if TYPE_CHECKING:
    import pandas as pd

RateTable: TypeAlias = "pd.DataFrame | Mapping[str, Price] | None"


class Charge(NamedTuple):
    """A quantity at a rate, before it becomes a line; the quantity may be an array, for sweeps."""

    item: str
    quantity: Any
    price: Price
    free: bool = False

    @property
    def rate(self) -> float:
        """USD per unit, zero where a free tier covers the quantity."""
        return 0.0 if self.free else self.price.value

    @property
    def unit(self) -> str:
        """The price's unit; that of a free allowance without its "per month"."""
        return self.price.unit.removesuffix(" per month")


def some(quantity: Any) -> bool:
    """Tell whether there is anything of a quantity, in any element of an array."""
    return bool(quantity > 0) if isinstance(quantity, float) else bool(np.any(quantity > 0))


def least(a: Any, b: Any) -> Any:
    """Return the smaller of two, element by element; single floats stay out of NumPy, which is ten times slower."""
    return min(a, b) if isinstance(a, float) and isinstance(b, float) else np.minimum(a, b)


def tiered(item: str, quantity: Any, tiers: tuple[Price, ...]) -> Iterator[Charge]:
    """Split a quantity over the tiers of a meter, one charge a tier.

    Parameters
    ----------
    quantity : in base units (requests, GB, GB-seconds), a number or an array
    tiers : prices in order; their bounds are in base units
    """
    for place, price in enumerate(tiers, 1):
        inside = quantity if price.tier_to is None else least(quantity, float(price.tier_to))
        if price.tier_from:
            inside = -least(float(price.tier_from) - inside, 0.0)
        if place == 1 or some(inside):
            yield Charge(item if place == 1 else f"{item}, tier {place}", inside / price.per, price)


class Rates:
    """Prices by slug, the tiers of a meter and its free quantity, from one table."""

    def __init__(self, table: RateTable = None) -> None:
        if table is None:
            self._prices = tables.price_list()
        elif isinstance(table, Mapping):
            self._prices = table
        elif hasattr(table, "to_dict") and {"value", "kind", "unit"} <= set(table.columns):
            self._prices = _from_frame(table)
        else:
            raise ValueError("rates must be a table of the form of tables.prices(), or None")
        self._own = table is None

    def __contains__(self, slug: str) -> bool:
        return slug in self._prices

    def price(self, slug: str) -> Price:
        """Return one price. KeyError names slugs that are near, or says that ``rates`` lacks it."""
        if self._own:
            return tables.price(slug)
        try:
            return self._prices[slug]
        except KeyError:
            raise KeyError(f"rates has no price {slug!r}") from None

    def tiers(self, meter: str) -> tuple[Price, ...]:
        """Return the USD prices of a meter in the order of their tiers."""
        if self._own:
            return tables.tiers(meter)
        found = [p for p in self._prices.values() if p.meter == meter and p.kind == "usd"]
        return tuple(sorted(found, key=lambda p: p.tier_from or 0.0)) or (self.price(meter),)

    def free(self, meter: str) -> Price | None:
        """Return the quantity of a meter that is free each month, None where nothing is."""
        return next((p for p in self._prices.values() if p.meter == meter and p.kind == "quantity"), None)


def _from_frame(frame: pd.DataFrame) -> dict[str, Price]:
    names = {field.name for field in fields(Price)}
    found = {}
    for slug, row in zip(frame.index, frame.to_dict("records"), strict=True):
        given = {name: value for name, value in row.items() if name in names}
        bounds = {
            name: None if given.get(name) is None or np.isnan(given[name]) else given[name]
            for name in ("tier_from", "tier_to")
        }
        found[slug] = Price(**{**given, **bounds, "slug": slug})
    return found
