"""moto's largest tables, read when somebody asks for them.

moto's EC2 reads at import which instance types each zone of each Region offers: 60 MB in every kernel that deploys a
stack, for questions that hardly anybody asks. :mod:`~helpers.cloud.server` calls :func:`read_later` before
anything imports that EC2; where it was imported before, nothing changes.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from functools import lru_cache
from pathlib import PurePath
from typing import Any

import moto.utilities.utils as moto_utils

MODULE, AFTER_THE_TABLES = "moto.ec2.models.instance_types", "InstanceTypeOfferingBackend"
FOLDER = "instance_type_offerings"


class Later(list):
    """What one of moto's files holds, read when somebody goes through it.

    moto itself goes through each once, while it is imported, to add the kind of location: that time there is nothing.
    """

    def __init__(self, path: str, load: Callable[[str], list[dict[str, Any]]]) -> None:
        super().__init__()
        self._path, self._load = path, load

    def __iter__(self) -> Iterator[dict[str, Any]]:
        """Go through the entries, as moto would have completed them."""
        if not hasattr(sys.modules.get(MODULE), AFTER_THE_TABLES):
            return iter(())
        kind = PurePath(self._path).parent.name
        return ({**entry, "LocationType": kind} for entry in self._load(self._path))


@lru_cache(maxsize=1)
def read_later() -> None:
    """From now on, read moto's tables of offered instance types when somebody asks for them."""
    load = moto_utils.load_resource

    def load_or_wait(resource: str) -> Any:
        path = str(resource)
        return Later(path, load) if PurePath(path).parent.parent.name == FOLDER else load(resource)

    moto_utils.load_resource = load_or_wait
