"""What a learner sees: one theme, figures that take frames, and explorers.

A figure is a :class:`Chart`: a plain Plotly dict with its sentence and its table. An
:class:`Explorer` puts controls above a live one. Nothing here starts anything or knows a price: data
comes from the floors below. Importing this does not import Plotly or ipywidgets, so that the first
figure of a kernel is quick.
"""

from helpers.show import charts, theme
from helpers.show.chart import Chart
from helpers.show.controls import Choice, Slider, Switch
from helpers.show.explorer import Explorer
from helpers.show.freshness import as_of
from helpers.show.lesson import lesson_claims
from helpers.show.palette import palette

__all__ = ["Chart", "Choice", "Explorer", "Slider", "Switch", "as_of", "charts", "lesson_claims", "palette", "theme"]
