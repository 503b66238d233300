"""The shared calculations, and everything else that the notebooks import.

Five floors, and imports point down only: ``tables`` (sourced data), the pure calculations
(``pricing`` and its neighbours), ``cloud`` (what a learner runs), ``show`` (what a learner sees),
``learn`` and ``report`` on top.
"""
