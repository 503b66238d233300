"""The exercises of each notebook, one module each, named as the notebook is without its number.

A module has a tuple ``EXERCISES`` of :class:`~helpers.learn.exercise.Exercise`; ``example.py`` shows every kind.
"""
