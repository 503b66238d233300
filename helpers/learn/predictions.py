"""Predictions: asked before a run, kept, and shown again beside the result.

``predict`` shows a question, ``recall`` the prediction next to what came out. A notebook stores neither the one nor
the other's answer: the question stands there as text, and without a prediction ``recall`` says the result alone.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from helpers.learn import store
from helpers.learn.card import Card
from helpers.learn.distance import times_off
from helpers.learn.record import predicted
from helpers.learn.typed import typed_number

if TYPE_CHECKING:
    from helpers.learn.sheet import Sheet

_units: dict[str, str] = {}


class Prediction:
    """A question about what a run will show.

    It shows itself as a small form; :meth:`keep` does in code what its button does.

    Attributes
    ----------
    id, question, unit : str
    choices : tuple of str
        What can be chosen; empty where a number is asked for.
    """

    def __init__(
        self, id: str, question: str, choices: tuple[str, ...], unit: str, low: float | None, high: float | None
    ) -> None:
        self.id, self.question, self.choices, self.unit = id, question, choices, unit
        self._low, self._high = low, high
        self._sheet: Sheet | None = None

    def keep(self, value: float | str) -> str:
        """Keep a prediction; return what the learner is told.

        Raises
        ------
        ValueError
            If it is not one of the choices, not a number, or out of range.
        """
        value = self._checked(value)
        notice = store.add(predicted(self.id, value, self.unit))
        if self._sheet is not None:
            self._sheet.refresh()
        return f"Kept: {_amount(value, self.unit)}. {notice}".strip()

    def __repr__(self) -> str:
        lines = [f"Predict {self.id}: {self.question}"]
        lines += [f"  {number}. {choice}" for number, choice in enumerate(self.choices, 1)]
        return "\n".join(lines if self.choices else [*lines, f"  A number{self._asked_for()}."])

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, Any]:
        if self._sheet is None:
            from helpers.learn.sheet import Sheet

            self._sheet = Sheet(self)
        return {**self._sheet.view(), "text/plain": repr(self)}

    # -- what a sheet asks of what it shows

    def spec(self) -> dict[str, Any]:
        """Describe the form to the browser."""
        kind = "single" if self.choices else "numeric"
        question = {"id": "it", "kind": kind, "text": self.question, "choices": list(self.choices), "unit": self.unit}
        return {"title": "Your prediction", "button": "Keep my prediction", "numbered": False, "questions": [question]}

    def shown(self) -> dict[str, Any]:
        """Give what is kept, as the form shows it."""
        kept = kept_prediction(self.id)
        if kept is None or (self.choices and kept not in self.choices):
            return {"answers": {}, "summary": ""}
        given = self.choices.index(kept) if self.choices else _plain(kept)
        text = f"Kept: {_amount(kept, self.unit)}. Run on to see."
        return {"answers": {"it": {"given": given, "status": "kept", "lines": [text]}}, "summary": ""}

    def taken(self, question: str, given: Any) -> dict[str, Any]:
        """Take what the learner gave; return what to show for it."""
        try:
            text = self.keep(self._chosen(given) if self.choices else typed_number(str(given)))
        except ValueError as error:
            return {"given": given, "status": "trouble", "lines": [f"{error}."]}
        return {"given": given, "status": "kept", "lines": [f"{text} Run on to see."]}

    def _chosen(self, place: Any) -> str:
        if type(place) is not int or not 0 <= place < len(self.choices):
            raise ValueError("Choose one first")
        return self.choices[place]

    def _checked(self, value: float | str) -> float | str:
        if self.choices:
            if value not in self.choices:
                raise ValueError(f"a prediction for {self.id} is one of {', '.join(self.choices)}, got {value!r}")
            return value
        if isinstance(value, bool | str) or not math.isfinite(value):
            raise ValueError(f"a prediction for {self.id} is a number, got {value!r}")
        if (self._low is not None and value < self._low) or (self._high is not None and value > self._high):
            raise ValueError(f"Give a number{self._asked_for()}")
        return value

    def _asked_for(self) -> str:
        low, high = self._low, self._high
        unit = f" {self.unit}" if self.unit else ""
        if low is not None and high is not None:
            return f" from {_plain(low)} to {_plain(high)}{unit}"
        if low is not None or high is not None:
            return f" of {_plain(low)}{unit} or more" if high is None else f" of {_plain(high)}{unit} or less"
        return f" in {self.unit}" if self.unit else ""


def predict(
    id: str,
    question: str,
    *,
    choices: list[str] | tuple[str, ...] = (),
    unit: str = "",
    low: float | None = None,
    high: float | None = None,
) -> Prediction:
    """Ask for a prediction, before the run that answers it.

    Parameters
    ----------
    id : str
        The notebook and a letter: ``"06.a"``.
    question : str
        One sentence.
    choices : list of str
        What to choose from; without choices a number is asked for.
    unit : str
        The number's unit: "USD a month".
    low, high : float, optional
        What makes sense.

    Returns
    -------
    Prediction
        A form when displayed; its text is the question with its choices.
    """
    if not question.strip() or "." not in id:
        raise ValueError(f"a prediction needs an id as in 06.a and a question, got {id!r} and {question!r}")
    if choices and (
        len(choices) < 2 or len(set(choices)) < len(choices) or unit or low is not None or high is not None
    ):
        raise ValueError(f"prediction {id}: two or more different choices, or a number with unit, low and high")
    if low is not None and high is not None and low >= high:
        raise ValueError(f"prediction {id}: low must be below high, got {low} and {high}")
    _units[id] = unit
    return Prediction(id, question.strip(), tuple(choices), unit, low, high)


def recall(id: str, actual: float | str, *, unit: str | None = None) -> Card:
    """Show the kept prediction beside the result.

    Parameters
    ----------
    id : str
        As given to :func:`predict`.
    actual : float or str
        The result; for a prediction by choice, the choice that came true.
    unit : str, optional
        The result's unit; as given to :func:`predict` if omitted.

    Returns
    -------
    Card
        Shown by the notebook.
    """
    unit = _units.get(id, "") if unit is None else unit
    kept = kept_prediction(id)
    result = _amount(actual, unit)
    if kept is None or isinstance(kept, str) != isinstance(actual, str):
        return Card(f"No prediction kept. The result: {result}.")
    if isinstance(kept, str):
        right = kept == actual
        said = "It came out so." if right else f"The result: {result}."
        return Card(f"You predicted: {_amount(kept, unit)}. {said}", tone="right" if right else "open")
    off = times_off(float(kept), float(actual))
    return Card(
        f"You predicted {_amount(kept, unit)}; it is {result}: {off}.", tone="right" if off == "just right" else "open"
    )


def kept_prediction(id: str) -> float | str | None:
    """Return the prediction that is kept, or None."""
    record, _ = store.read()
    entry = record["predictions"].get(id)
    return entry["value"] if entry else None


def _amount(value: float | str, unit: str) -> str:
    """Write a value with its unit, dollars to the cent unless they are whole."""
    if isinstance(value, str):
        return value.removesuffix(".")
    return f"{_plain(value, money=unit.startswith('USD'))}{'' if unit == '%' or not unit else ' '}{unit}"


def _plain(value: float, *, money: bool = False) -> str:
    from helpers.show.wording import number

    value = float(value)
    if money and not value.is_integer() and abs(value) >= 0.005:
        return f"{value:,.2f}"
    return number(value, 4) if abs(value) < 1000 else number(round(value))
