"""Figures from frames: lines, bars, a heat map, and a bill.

Each function takes a tidy frame, the names of its columns and the words (the finding as title, the
sentence, the axes with their units), and returns a :class:`~helpers.show.chart.Chart`. Series differ by
dash, marker or pattern as well as by colour, and carry their name where the eye is.
"""

from helpers.show.bar_charts import bars, heat
from helpers.show.bills import bill
from helpers.show.line_charts import lines

__all__ = ["bars", "bill", "heat", "lines"]
