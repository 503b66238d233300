"""Every explorer of a page, moved as a learner moves it: by keyboard and by mouse, each control by itself.

A control must change what is seen: the figure and the sentence under it. What doesn't is reported with the explorer's
cell, the control's label and the move.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import page_figures as figures
from jupyter_page import NotebookPage
from playwright.sync_api import Locator

MOVE_S = 20
# What a number turns into when nobody has looked at it, and what only a programmer understands.
_NOT_A_WORD = re.compile(r"\b(nan|NaN|None(?! of)|inf|undefined|null)\b|\$-|<br|</?b>")
_FOR_PROGRAMMERS = re.compile(r"\b[a-z]+_[a-z]+\b|must be|, got ")


@dataclass(frozen=True)
class Look:
    """What is seen of an explorer at one moment."""

    figure: str
    sentence: str
    problem: str
    notice: str


@dataclass
class Tally:
    """Whether the moves of one control changed anything, and what went wrong."""

    who: str
    figure: bool = False
    sentence: bool = False
    faults: list[str] = field(default_factory=list)

    def verdict(self) -> list[str]:
        """Return the faults; that nothing changed is one."""
        unmoved = [name for name in ("figure", "sentence") if not getattr(self, name)]
        return [*self.faults, *(f"{self.who}: the {name} never changed" for name in unmoved)]


@dataclass
class Explorer:
    """One explorer in the page."""

    notebook: NotebookPage
    cell_id: str
    card: Locator

    def look(self) -> Look:
        """Return what is seen, once it is at rest."""
        return Look(**self.card.evaluate("(card, withinMs) => looking.lookAtRest(card, withinMs)", MOVE_S * 1000))

    def controls(self) -> list[Control]:
        """Return its controls."""
        found = []
        for node in self.card.locator(".r2f-control").all():
            label = node.locator("label, legend").first.inner_text()
            kind = next(kind for kind, part in _KINDS.items() if node.locator(part).count())
            found.append(Control(self, label, kind, node))
        return found

    def by_keyboard(self) -> list[str]:
        """Reach and move each control with the keyboard; return what is wrong."""
        return [*self._tab_stops(), *(fault for control in self.controls() for fault in control.by_keyboard())]

    def by_mouse(self) -> list[str]:
        """Move each control with the mouse; return what is wrong."""
        return [fault for control in self.controls() for fault in control.by_mouse()]

    def _tab_stops(self) -> list[str]:
        """Walk through the card with Tab: each control in turn, with a name and a visible focus."""
        stops = self.card.locator(
            ".r2f-control input:not([type=radio]), .r2f-control input[type=radio]:checked, select"
        )
        handles = stops.element_handles()
        faults = []
        if handles:
            handles[0].focus()
        for number, handle in enumerate(handles):
            seen = handle.evaluate("input => looking.stop(input)")
            where = f"cell {self.cell_id}, stop {number + 1} ({seen['name']})"
            faults += [f"{where}: it has no name"] * (not seen["name"])
            faults += [f"{where}: Tab does not reach it"] * (not seen["here"])
            # The first one was focused by a program, which shows no ring on everything.
            faults += [f"{where}: nothing shows that it has the focus"] * (
                number > 0 and seen["here"] and seen["ring"] < 2
            )
            self.notebook.page.keyboard.press("Tab")
        return faults


_KINDS = {"slider": "input[type=range]", "radios": "input[type=radio]", "list": "select", "switch": "[role=switch]"}


@dataclass
class Control:
    """One control of an explorer."""

    explorer: Explorer
    label: str
    kind: str
    node: Locator

    @property
    def who(self) -> str:
        """Its place in words."""
        return f"cell {self.explorer.cell_id}, {self.label!r}"

    def by_keyboard(self) -> list[str]:
        """Press its keys one by one and look after each; end where it started."""
        return self._moved(getattr(self, f"_{self.kind}_by_keyboard"))

    def by_mouse(self) -> list[str]:
        """Drag or click it and look after each move; end where it started."""
        return self._moved(getattr(self, f"_{self.kind}_by_mouse"))

    def _moved(self, moves: Callable[[], Iterator[str]]) -> list[str]:
        tally, before = Tally(self.who), self.explorer.look()
        for move in moves():
            after = self.explorer.look()
            tally.figure |= after.figure != before.figure
            tally.sentence |= after.sentence != before.sentence
            # Some combinations have no answer: then a line says why, in the words on the panel.
            if after.notice or _FOR_PROGRAMMERS.search(after.problem):
                tally.faults.append(f"{self.who}, {move}: {after.notice or after.problem}")
            if found := _NOT_A_WORD.search(after.sentence):
                tally.faults.append(f"{self.who}, {move}: the sentence says {found[0]!r}: {after.sentence}")
        return tally.verdict()

    # -- a slider: arrows, both ends, and a typed number to return

    @property
    def _range(self) -> Locator:
        return self.node.locator("input[type=range]")

    def _back(self, text: str) -> None:
        box = self.node.locator("input[type=text]")
        box.focus()
        self._keys("ControlOrMeta+a")
        self.explorer.notebook.page.keyboard.insert_text(text)
        self._keys("Enter")
        self.explorer.look()

    def _keys(self, *keys: str) -> None:
        for key in keys:
            self.explorer.notebook.page.keyboard.press(key)

    def _slider_by_keyboard(self) -> Iterator[str]:
        text = self.node.locator("input[type=text]").input_value()
        self._range.focus()
        for key in ("ArrowRight", "ArrowLeft", "Home", "End"):
            self._keys(key)
            yield key
        self._back(text)

    def _slider_by_mouse(self) -> Iterator[str]:
        text = self.node.locator("input[type=text]").input_value()
        self._range.scroll_into_view_if_needed()
        mouse, box = self.explorer.notebook.page.mouse, self._range.bounding_box()
        now = self._range.evaluate("input => input.value / input.max")
        for share in (0.25, 0.02, 0.85) if now > 0.5 else (0.75, 0.98, 0.15):
            mouse.move(box["x"] + 11 + now * (box["width"] - 22), box["y"] + box["height"] / 2)
            mouse.down()
            mouse.move(box["x"] + share * box["width"], box["y"] + box["height"] / 2, steps=2)
            mouse.up()
            yield f"dragged to {share:.0%}"
            now = self._range.evaluate("input => input.value / input.max")
        self._back(text)

    # -- a choice, as radio buttons or as a list

    def _radios_by_keyboard(self) -> Iterator[str]:
        count = self.node.locator("input[type=radio]").count()
        self.node.locator("input[type=radio]:checked").focus()
        for _ in range(count):
            self._keys("ArrowRight")
            yield "ArrowRight"

    def _radios_by_mouse(self) -> Iterator[str]:
        radios = self.node.locator("label:has(input[type=radio])")
        start = self.node.locator("input[type=radio]").evaluate_all("all => all.findIndex((one) => one.checked)")
        count = radios.count()
        for step in range(1, count + 1):
            label = radios.nth((start + step) % count)
            label.click()
            yield f"{label.inner_text()!r} clicked"

    def _list_by_keyboard(self) -> Iterator[str]:
        # The mouse chooses every option; here both ends, and the way back.
        start = self.node.locator("select").evaluate("select => select.selectedIndex")
        self.node.locator("select").focus()
        for key in ("End", "Home", *("ArrowDown",) * start):
            self._keys(key)
            yield key

    def _list_by_mouse(self) -> Iterator[str]:
        # The list that a click opens belongs to the operating system: its choice is made by the browser's own hand.
        select = self.node.locator("select")
        start, count = select.evaluate("select => [select.selectedIndex, select.options.length]")
        for step in range(1, count + 1):
            select.select_option(index=(start + step) % count)
            yield f"option {(start + step) % count + 1} chosen"

    def _switch_by_keyboard(self) -> Iterator[str]:
        self.node.locator("[role=switch]").focus()
        for _ in range(2):
            self._keys("Space")
            yield "Space"

    def _switch_by_mouse(self) -> Iterator[str]:
        for _ in range(2):
            self.node.locator("[role=switch]").click()
            yield "clicked"


def started_anew(notebook: NotebookPage) -> list[Explorer]:
    """Show each explorer as it is at its start, whatever later cells set, and return them."""
    found = explorers(notebook)
    for explorer in found:
        notebook.run_cell(explorer.cell_id)
    figures.await_drawn(notebook)
    return found


def explorers(notebook: NotebookPage) -> list[Explorer]:
    """Return the explorers of a page: our cards that have controls."""
    found = []
    for cell_id in notebook.js(
        """panel => panel.content.widgets.filter((cell) => cell.node.querySelector('.r2f-card .r2f-control'))
            .map((cell) => cell.model.id)"""
    ):
        for card in notebook.cell(cell_id).locator(".r2f-card").all():
            found.append(Explorer(notebook, cell_id, card))
    return found
