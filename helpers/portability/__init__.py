"""How much of a program belongs to one provider: its lines, and the resources around it.

:func:`report` reads the text of a module and says which of its lines need AWS, and why
(:mod:`~helpers.portability.reading`). :func:`moves` reads a template's resources and says what becomes of each
elsewhere, :func:`manifest_faults` reads the manifests of a Kubernetes cluster (:mod:`~helpers.portability.resources`).
All take text or plain dicts and open nothing.
"""

from helpers.portability.reading import KINDS, Finding, Report, compare, report
from helpers.portability.resources import Fate, manifest_faults, moves

__all__ = ["KINDS", "Fate", "Finding", "Report", "compare", "manifest_faults", "moves", "report"]
