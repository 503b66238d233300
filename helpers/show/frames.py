"""What the figure functions share: checking a frame's columns, and writing its values as labels."""

from __future__ import annotations

from typing import Any

import pandas as pd

from helpers.show import theme
from helpers.show.wording import dollars, listed, number


def check_columns(frame: pd.DataFrame, *names: str | None) -> None:
    """Refuse a frame that is empty or lacks a column, naming those that it has."""
    missing = [name for name in names if name is not None and name not in frame.columns]
    if missing:
        raise KeyError(f"the frame has no column {listed(map(repr, missing))}; it has {listed(frame.columns)}")
    if frame.empty:
        raise ValueError("the frame has no rows: there is nothing to draw")


def table_of(frame: pd.DataFrame, *names: str | None) -> pd.DataFrame:
    """Give the columns that a figure draws, as its table."""
    return frame[list(dict.fromkeys(name for name in names if name))].reset_index(drop=True)


def category(value: Any, long: bool) -> str:
    """Write what stands on an axis of names, broken into lines."""
    text = number(value) if isinstance(value, int | float) and not isinstance(value, bool) else str(value)
    return theme.wrapped(text, 28 if long else 16)


def amount(value: float, money: bool) -> str:
    """Write a value where there is little room."""
    return dollars(value) if money else number(float(f"{value:.3g}")) if abs(value) < 1000 else number(round(value))
