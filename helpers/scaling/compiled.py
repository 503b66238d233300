"""The wrapper that compiles a loop where Numba is installed, and leaves it as it is where not.

Macs with an Intel processor have no Numba: there the same Python runs uncompiled, slower and with equal results.
Machine code is kept on disk (in ``__pycache__``, or in the user's cache folder if that is read-only), so that only
the first run after an installation compiles. Numba looks at the text of the module that holds a function, not of
those that it calls: everything that :mod:`helpers.scaling.loop` calls therefore stands in that one file.
"""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import numpy as np

try:
    import numba
except ImportError:
    numba = None


def compiled(function: Callable[..., Any]) -> Callable[..., Any]:
    """Return the function as machine code that doesn't hold Python's lock; without Numba, the function itself.

    Examples
    --------
    >>> @compiled
    ... def twice(number):
    ...     return 2 * number
    >>> twice(21)
    42
    """
    if numba is None:
        return function
    # Without _nrt=False, Numba counts who uses each array, for every request: half of the loop's time. The loop
    # creates no arrays, and whoever calls it holds on to those that it passes.
    options = {"nogil": True, "_nrt": False}
    try:
        return numba.njit(function, cache=True, **options)
    except RuntimeError:  # no folder where the code could be kept: it is compiled once a process
        return numba.njit(function, **options)


def state_of(values: np.void) -> Any:
    """Return a structured value in the form in which attributes are fastest to change: a record, or plain Python."""
    if numba is not None:
        return values
    return SimpleNamespace(**{name: values[name].item() for name in values.dtype.names})
