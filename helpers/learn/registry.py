"""Where things are: the notebooks in reading order, and the exercises of each.

The exercises of notebook ``06_pay_per_invocation`` stand in ``exercises/pay_per_invocation.py``, as a tuple named
``EXERCISES``. Only the module that is asked for gets imported.
"""

from __future__ import annotations

import difflib
import importlib
import importlib.util
from functools import cache

from helpers.learn.exercise import Exercise

NOTEBOOKS = {
    "00": "start_here",
    "01": "from_racks_to_functions",
    "02": "serverless_flips_the_model",
    "03": "shared_responsibility",
    "04": "no_server_management",
    "05": "automatic_scaling",
    "06": "pay_per_invocation",
    "07": "when_serverless_shines",
    "08": "cold_starts",
    "09": "when_to_think_twice",
    "10": "decide",
}
#: A set that belongs to no notebook: it shows authors, and the tests, one exercise of each kind.
EXAMPLE = "example"


@cache
def exercises_of(notebook: str) -> dict[str, Exercise]:
    """Return a notebook's exercises by id, in their order; none if it has no set.

    Raises
    ------
    ValueError
        If two exercises share an id, or one belongs to another notebook.
    """
    name = notebook if notebook == EXAMPLE else NOTEBOOKS.get(notebook)
    module = f"helpers.learn.exercises.{name}"
    if name is None or importlib.util.find_spec(module) is None:
        return {}
    found: dict[str, Exercise] = {}
    for exercise in importlib.import_module(module).EXERCISES:
        if exercise.id in found or exercise.notebook != notebook:
            raise ValueError(f"{module}: id {exercise.id} is there twice or belongs to another notebook")
        found[exercise.id] = exercise
    return found


def find(id: str) -> Exercise:
    """Return an exercise by its id.

    Raises
    ------
    KeyError
        Naming ids that are near.
    """
    notebook = str(id).partition(".")[0]
    known = exercises_of(notebook)
    if id in known:
        return known[id]
    if not known:
        known = {known_id: one for number in NOTEBOOKS for known_id, one in exercises_of(number).items()}
    near = sorted(difflib.get_close_matches(str(id), known, n=4, cutoff=0.3)) or list(known)[:4]
    raise KeyError(f"no exercise {id!r}{'; there is ' + ', '.join(near) if near else ''}")
