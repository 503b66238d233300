"""Should this workload run on functions? Rules, and the mathematics of one's own traffic.

:class:`Traffic` is what a log boils down to, :func:`shape_of` its shape, :func:`play` what Lambda would make of it.
A :class:`Case` says what the workload needs, :func:`advise` judges it by the rules of ``data/rules.csv`` and by its
bills. ``report`` reads the files and writes the record; nothing here reads or writes anything.
"""

from helpers.advice.bills import Option, at_scales, cheapest, environments, options
from helpers.advice.case import Case, split
from helpers.advice.decide import Advice, advise, case_of
from helpers.advice.playing import Played, play
from helpers.advice.rules import Verdict, by_rule, fits, verdicts
from helpers.advice.sensitivity import Swing, tornado
from helpers.advice.shape import Shape, shape_of
from helpers.advice.sketch import Sketch
from helpers.advice.traffic import Gatherer, Traffic, modelled

__all__ = [
    "Advice",
    "Case",
    "Gatherer",
    "Option",
    "Played",
    "Shape",
    "Sketch",
    "Swing",
    "Traffic",
    "Verdict",
    "advise",
    "at_scales",
    "by_rule",
    "case_of",
    "cheapest",
    "environments",
    "fits",
    "modelled",
    "options",
    "play",
    "shape_of",
    "split",
    "tornado",
    "verdicts",
]
