"""Six ways of running an application, and who looks after which task in each: a finer table than the lesson's.

The lesson has four models. Two of them need a second look, because who does what depends on a choice within them:
containers on nodes of one's own or on Fargate, a Lambda function from a zip file or from a container image. The rows
stand in ``data/responsibility_refined.csv``; :mod:`helpers.responsibility` compares them with the lesson's.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType
from typing import TYPE_CHECKING

from helpers import tables

if TYPE_CHECKING:
    import pandas as pd

OWNERS = ("You", "Shared", "AWS")


@dataclass(frozen=True, slots=True)
class Way:
    """A way of running an application: its id, what a reader calls it, and the lesson's model that it belongs to."""

    id: str
    label: str
    model: str


_ALL = (
    Way("rack", "Physical / On-Prem", "Physical / On-Prem"),
    Way("ec2", "VM (EC2)", "VM (EC2)"),
    Way("nodes", "Containers (own nodes)", "Containers (ECS/EKS)"),
    Way("fargate", "Containers (Fargate)", "Containers (ECS/EKS)"),
    Way("zip", "Lambda (zip)", "Serverless (Lambda)"),
    Way("image", "Lambda (image)", "Serverless (Lambda)"),
)
WAYS: Mapping[str, Way] = MappingProxyType({each.id: each for each in _ALL})


def way(name: str) -> Way:
    """Return a way of running by its id, its label, or the lesson's name of a model.

    A model that covers two ways means the plainer one: containers on nodes of one's own, Lambda from a zip file.

    Raises
    ------
    KeyError
        If there is no such way, naming those that there are.

    Examples
    --------
    >>> way("Serverless (Lambda)").id, way("fargate").label
    ('zip', 'Containers (Fargate)')
    """
    for each in _ALL:
        if str(name).casefold() in {each.id, each.label.casefold(), each.model.casefold()}:
            return each
    models = dict.fromkeys(each.model for each in _ALL)
    raise KeyError(f"no way of running {name!r}; there is {', '.join(WAYS)}, and the lesson's {', '.join(models)}")


def split(cell: str) -> tuple[str, str]:
    """Split a cell into owner and qualifier.

    Examples
    --------
    >>> split("AWS (built-in)"), split("You")
    (('AWS', 'built-in'), ('You', ''))
    """
    owner, _, qualifier = cell.partition(" (")
    return owner, qualifier.removesuffix(")")


def refined() -> pd.DataFrame:
    """Return the finer table: one row per part of a responsibility, one column per way of running.

    Examples
    --------
    >>> refined().loc[("Runtime / language version", "Patch releases"), ["Lambda (zip)", "Lambda (image)"]].tolist()
    ['AWS', 'You (image)']
    """
    labels = {each.id: each.label for each in _ALL}
    return parts().reset_index().set_index(["responsibility", "part"])[list(labels)].rename(columns=labels)


def parts() -> pd.DataFrame:
    """Return the rows of the finer table by part, a column per way's id, with why, evidence, since, claim, source."""
    return _parts().copy(deep=False)


def part(name: str) -> pd.Series:
    """Return one row of :func:`parts`; a KeyError names near ones."""
    if name not in _parts().index:
        raise unknown("part", name, _parts().index)
    return _parts().loc[name]


@cache
def _parts() -> pd.DataFrame:
    return tables.load("responsibility_refined")


def unknown(what: str, name: object, known: Iterable[str]) -> KeyError:
    """Return the error for a name that is not there, with those that are near."""
    known = list(known)
    near = difflib.get_close_matches(str(name), known, n=3, cutoff=0.4) or known
    return KeyError(f"no {what} {name!r}; there is {', '.join(near)}")
