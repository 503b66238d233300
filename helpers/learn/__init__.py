"""Learning that checks itself: exercises, hints, quizzes, predictions, and the progress that is kept of them.

The top floor: it may use everything below. Exercises stand in ``exercises/``, one module for each notebook; quizzes
in ``data/quizzes/``. Importing this is quick: pandas, Plotly and the widgets are imported by what needs them.
"""

from helpers.learn.desk import check, hint, solution
from helpers.learn.exercise import Exercise, Slip
from helpers.learn.overview import progress
from helpers.learn.predictions import predict, recall
from helpers.learn.quizzes import quiz

__all__ = ["Exercise", "Slip", "check", "hint", "predict", "progress", "quiz", "recall", "solution"]
