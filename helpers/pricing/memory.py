"""How duration follows memory: a declared model, for want of a law.

AWS gives a function CPU in proportion to its memory, one full vCPU at 1,769 MB. From that, and from the assumption
that a handler's work splits into waiting (which memory does not shorten) and computing on one thread (which it does,
up to one vCPU), follows the model. Real functions deviate: measure before you choose.
"""

from typing import Any

import numpy as np

from helpers import tables
from helpers.checks import number


def memory_model(wait_ms: Any, cpu_ms: Any, memory_mb: Any) -> Any:
    """Return the modelled duration in ms: ``wait + cpu × 1769 / min(memory, 1769)``.

    Parameters
    ----------
    wait_ms : time spent waiting for others (a database, another service); a number or an array
    cpu_ms : time the computing takes on one full vCPU, single-threaded
    memory_mb : configured memory, 128 to 10,240

    Examples
    --------
    >>> memory_model(wait_ms=50, cpu_ms=100, memory_mb=1769), memory_model(50, 100, 1769 / 2)
    (150.0, 250.0)
    """
    limit, full = tables.limit("lambda.memory"), tables.limit("lambda.full_vcpu_memory").max
    memory = number("memory_mb", memory_mb, limit.min, limit.max)
    duration = number("wait_ms", wait_ms) + number("cpu_ms", cpu_ms) * full / np.minimum(memory, full)
    return float(duration) if np.ndim(duration) == 0 else duration
