"""The controls of an explorer: what a learner can set, in which range, and what happens to a typo.

A control is plain Python: it holds a value, knows its limits and says in words what is wrong with
another one. :mod:`helpers.show.explorer` puts controls on a panel; the browser draws them from
:meth:`Control.spec`. Setting ``control.value`` in code is strict (ValueError); typing into the box on
the panel is forgiving: :meth:`Slider.typed` takes the nearest allowed value and says so.
"""

from __future__ import annotations

import bisect
import math
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from helpers.show import stops
from helpers.show.wording import listed, number, read


class Control:
    """What every control has: a label, a value, and somebody to tell when the value changes."""

    kind = ""

    def __init__(self, label: str) -> None:
        if not isinstance(label, str) or not label.strip():
            raise ValueError(f"a {type(self).__name__} needs a label, got {label!r}")
        self.label = label.strip()
        self._value: Any = None
        self._changed: Callable[[], None] = lambda: None

    @property
    def value(self) -> Any:
        """The value now; setting one that is not allowed raises ValueError in words."""
        return self._value

    @value.setter
    def value(self, value: Any) -> None:
        self._value = self.checked(value)
        self._changed()

    def checked(self, value: Any) -> Any:
        """Return the value as the control holds it, or raise ValueError."""
        raise NotImplementedError

    def moved(self, message: Mapping[str, Any]) -> str:
        """Take what the browser sent; return what to tell the learner, or nothing.

        The one who calls redraws afterwards, so nobody is told here.
        """
        raise NotImplementedError

    def spec(self) -> dict[str, Any]:
        """Describe the control to the browser."""
        return {"kind": self.kind, "label": self.label}

    def shown(self) -> Any:
        """Give the value as the browser holds it."""
        return self._value

    def on_change(self, changed: Callable[[], None]) -> None:
        """Call ``changed`` after each value set in code."""
        self._changed = changed

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.label!r}, value={self._value!r})"


class Slider(Control):
    """A number in a range, set by a slider or typed.

    Parameters
    ----------
    label : str
        What it sets, in words: "Memory".
    low, high : float
        The smallest and the largest value allowed.
    value : float
        Where it starts; `low` if omitted.
    step : float
        What one press of an arrow key adds on a linear slider. Typing reaches values between steps.
        If range, step and value are whole, so is every value.
    unit : str
        The unit, as shown after the number: "MB".
    scale : {"linear", "log"}
        "log" walks ten even steps per power of ten (1, 1.2, 1.5, 2, 2.5, 3, 4, 5, 6, 8) instead; its
        range may start at 0.

    Examples
    --------
    >>> memory = Slider("Memory", 128, 10240, value=1536, step=64, unit="MB")
    >>> memory.value = 64
    Traceback (most recent call last):
        ...
    ValueError: Memory must be between 128 and 10,240 MB, got 64
    >>> memory.typed("12 GB")
    'Memory is given in MB, and "12 GB" is not: still 1,536.'
    >>> memory.typed("99999"), memory.value
    ('Memory goes from 128 to 10,240 MB: using 10,240.', 10240)
    """

    kind = "slider"

    def __init__(
        self,
        label: str,
        low: float,
        high: float,
        *,
        value: float | None = None,
        step: float | None = None,
        unit: str = "",
        scale: str = "linear",
    ) -> None:
        super().__init__(label)
        value = low if value is None else value
        for name, given in {"low": low, "high": high, "value": value}.items():
            if isinstance(given, bool) or not isinstance(given, int | float) or not math.isfinite(given):
                raise ValueError(f"{self.label}: {name} must be a number, got {given!r}")
        if not low < high:
            raise ValueError(f"{self.label}: low must be below high, got {low} and {high}")
        if scale not in ("linear", "log"):
            raise ValueError(f'{self.label}: scale must be "linear" or "log", got {scale!r}')
        if scale == "log" and low < 0:
            raise ValueError(f"{self.label}: a log scale starts at 0 or above, got {low}")
        if step is None:
            step = stops.nice_step(high - low)
        if not step > 0 or not math.isfinite(step):
            raise ValueError(f"{self.label}: step must be above 0, got {step!r}")
        whole = (low, high, value, step) if scale == "linear" else (low, high, value)
        self.whole = all(float(x).is_integer() for x in whole)
        self.low, self.high = self._typed_as(low), self._typed_as(high)
        self.step, self.unit, self.scale = self._typed_as(step), unit, scale
        self.stops = self._stops()
        self._value = self.checked(value)

    def checked(self, value: Any) -> int | float:
        """Return `value` as the slider holds it, or raise ValueError naming the range."""
        try:
            given = float(value)
        except (TypeError, ValueError):
            raise ValueError(f"{self.label} must be a number{self._unit_words()}, got {value!r}") from None
        if isinstance(value, str) or not self.low <= given <= self.high:
            got = repr(value) if isinstance(value, str) else number(given)
            raise ValueError(f"{self.label} must be between {self._range('and')}, got {got}")
        if self.whole and not given.is_integer():
            raise ValueError(f"{self.label} must be a whole number{self._unit_words()}, got {number(given)}")
        return self._typed_as(given)

    def typed(self, text: str) -> str:
        """Take what was typed; return a sentence if something else than that is used."""
        given = read(text, self.unit)
        if given is None:
            return self._misread(text)
        nearest = min(max(given, self.low), self.high)
        if self.whole:
            nearest = math.floor(nearest + 0.5)
        self._value = self._typed_as(nearest)
        if not self.low <= given <= self.high:
            return f"{self.label} goes from {self._range('to')}: using {number(self._value)}."
        if self._value != given:
            return f"{self.label} takes whole numbers{self._unit_words()}: using {number(self._value)}."
        return ""

    def moved(self, message: Mapping[str, Any]) -> str:
        """Take a typed text, or the index of the stop that the slider was moved to."""
        if "typed" in message:
            return self.typed(str(message["typed"]))
        index = min(max(int(message["index"]), 0), len(self.stops) - 1)
        self._value = self.stops[index]
        return ""

    def spec(self) -> dict[str, Any]:
        """Describe the slider: where it stops, and its unit."""
        stops = {"stops": self.stops} if self.scale == "log" else {"step": self.step}
        ends = {"low": self.low, "high": self.high, "last": len(self.stops) - 1}
        return {**super().spec(), **stops, **ends, "unit": self.unit, "range": self._range("to")}

    def shown(self) -> dict[str, Any]:
        """Give the value as text, and the stop that is nearest to it."""
        above = bisect.bisect_left(self.stops, self._value)
        near = [index for index in (above - 1, above) if 0 <= index < len(self.stops)]
        index = min(near, key=lambda i: abs(self.stops[i] - self._value))
        return {"index": index, "text": number(self._value)}

    def _misread(self, text: str) -> str:
        text = text.strip()[:40]
        still = f"still {number(self._value)}."
        if not text:
            return f"{self.label} needs a number{self._unit_words()}: {still}"
        if self.unit and text[0].isdigit():
            return f'{self.label} is given in {self.unit}, and "{text}" is not: {still}'
        return f'{self.label} needs a number{self._unit_words()}, and "{text}" is none: {still}'

    def _stops(self) -> list[int | float]:
        """List what the slider can be moved to."""
        if self.scale == "log":
            return stops.log(self.low, self.high, self._typed_as, whole=self.whole)
        return stops.linear(self.low, self.high, self.step, self._typed_as)

    def _typed_as(self, value: float) -> int | float:
        return int(value) if self.whole else float(value)

    def _range(self, word: str) -> str:
        return f"{number(self.low)} {word} {number(self.high)}" + (f" {self.unit}" if self.unit else "")

    def _unit_words(self) -> str:
        return f" of {self.unit}" if self.unit else ""


class Choice(Control):
    """One of a few options.

    Parameters
    ----------
    label : str
        What it sets, in words.
    options : iterable or mapping
        The values; a mapping gives each a text to show, ``{"Arm": "arm64"}``.
    value : object
        The one that is chosen at the start; the first if omitted.

    Examples
    --------
    >>> architecture = Choice("Architecture", ["x86_64", "arm64"])
    >>> architecture.value = "mips"
    Traceback (most recent call last):
        ...
    ValueError: Architecture must be 'x86_64' or 'arm64', got 'mips'
    """

    kind = "choice"

    def __init__(self, label: str, options: Iterable[Any] | Mapping[str, Any], *, value: Any = None) -> None:
        super().__init__(label)
        named = options.items() if isinstance(options, Mapping) else [(str(each), each) for each in options]
        self.options = {str(text): each for text, each in named}
        if len(self.options) < 2:
            raise ValueError(f"{self.label} needs at least two options, got {len(self.options)}")
        self._value = self.checked(next(iter(self.options.values())) if value is None else value)

    def checked(self, value: Any) -> Any:
        """Return `value` if it is one of the options, or raise ValueError naming them."""
        for each in self.options.values():
            if each == value:
                return each
        allowed = listed([repr(each) for each in self.options.values()], "or")
        raise ValueError(f"{self.label} must be {allowed}, got {value!r}")

    def moved(self, message: Mapping[str, Any]) -> str:
        """Take the index of the option that was chosen."""
        self._value = list(self.options.values())[int(message["index"])]
        return ""

    def spec(self) -> dict[str, Any]:
        """Describe the choice: the texts of its options."""
        return {**super().spec(), "options": list(self.options)}

    def shown(self) -> int:
        """Give the index of the chosen option."""
        return list(self.options.values()).index(self._value)


class Switch(Control):
    """On or off.

    Examples
    --------
    >>> Switch("Free tier", value=True).value
    True
    """

    kind = "switch"

    def __init__(self, label: str, *, value: bool = False) -> None:
        super().__init__(label)
        self._value = self.checked(value)

    def checked(self, value: Any) -> bool:
        """Return `value` if it is True or False, or raise ValueError."""
        if value is not True and value is not False:
            raise ValueError(f"{self.label} must be True or False, got {value!r}")
        return value

    def moved(self, message: Mapping[str, Any]) -> str:
        """Take on or off."""
        self._value = bool(message["on"])
        return ""
