"""What an execution environment is made for, and what all of a session's environments share.

:class:`Function` is one version of a function, as far as running it goes; :class:`Machine` holds the loop, the folder
and the guard. :mod:`helpers.cloud.environment` makes processes of them.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from helpers.cloud.guard import Guard
from helpers.cloud.loop import Loop

if TYPE_CHECKING:
    from helpers.cloud.environment import Environment

MB = 1024 * 1024
RUNTIME_PACKAGES = ("awslambdaric", "simplejson", "snapshot_restore_py")
FALLBACK_CLIENT = Path(__file__).with_name("fallback")


@dataclass(frozen=True)
class Function:
    """One version of a function, as far as running it goes.

    Two of them are equal when an environment of the one may serve the other.
    """

    arn: str  # without a qualifier
    name: str
    version: str
    handler: str
    runtime: str
    timeout_s: float
    memory_mb: int
    code: Path
    layers: tuple[Path, ...] = ()
    variables: tuple[tuple[str, str], ...] = ()
    log_group: str = ""
    log_format: str = "Text"
    log_level: str | None = None
    system_log_level: str = "INFO"
    region: str = "us-east-1"
    architecture: str = "x86_64"
    role: str = ""
    snapstart: bool = False
    identity: str = ""  # tells a function from a later one of the same name

    @property
    def key(self) -> tuple[str, str]:
        """What stays the same when code or configuration change."""
        return self.arn, self.version


@dataclass
class Machine:
    """What the environments of one session share: the loop, the folder, and who cleans up when all else fails."""

    loop: Loop
    folder: Path
    mark: str
    guard: Guard
    variables: Callable[[Function, Path], Mapping[str, str]]  # the process's environment, credentials included
    live: set[Environment] = field(default_factory=set)
    closing: bool = False
    _number: Iterator[int] = field(default_factory=itertools.count)

    def new_mark(self) -> str:
        """Return what the next process and all its children carry in their environment."""
        return f"{self.mark}.{next(self._number)}"

    def abandon(self) -> None:
        """Let go of everything in a forked child."""
        self.guard.abandon()
        self.loop.abandon()
        for environment in self.live:
            environment.abandon()


def has_extension() -> bool:
    """Say whether AWS's runtime client came with its C extension, as it does on Linux."""
    import importlib.util

    return importlib.util.find_spec("runtime_client") is not None


def compile_runtime() -> None:
    """Compile AWS's runtime client if its installation left that out, as uv's does.

    Lambda's runtimes come compiled. A function's process writes no compiled files, so without this every cold start
    would compile the client anew: 60 ms that AWS doesn't know.
    """
    import compileall
    import importlib.util

    for name in RUNTIME_PACKAGES:
        found = importlib.util.find_spec(name)
        for folder in (found.submodule_search_locations or ()) if found else ():
            # What is compiled already costs a look at its date; where nothing may be written, nothing changes.
            compileall.compile_dir(folder, maxlevels=1, quiet=2)
