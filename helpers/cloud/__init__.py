"""AWS on this machine: a local cloud whose functions really run.

``LocalCloud`` is the whole (:mod:`~helpers.cloud.session`), and ``start_cloud`` what notebooks call
(:mod:`~helpers.cloud.target`). ``local_lambda`` is the executor alone, for tests under moto's ``mock_aws``, and
``zip_function`` makes what Lambda takes of a function or a folder (:mod:`~helpers.cloud.package`).
"""

from __future__ import annotations

from typing import Any

_HOME = {
    "LocalCloud": "session",
    "local_lambda": "session",
    "start_cloud": "target",
    "zip_function": "package",
    "handler_name": "package",
    "play": "playing",
}
__all__ = sorted(_HOME)


def __getattr__(name: str) -> Any:
    # moto takes half a second to import: who only packs a function shouldn't wait for it.
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)
