"""What the readers of moto's gateways share: the way through its backends, functions in addresses, replaced methods.

With the files of :mod:`helpers.cloud` that are called ``moto_*``, one of the few places that touch moto's internals.
"""

from __future__ import annotations

import contextlib
import importlib.util
import re
import sys
from collections.abc import Iterable, Iterator, Mapping
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

from moto.core.exceptions import JsonRESTError

FUNCTION = re.compile(r"arn:aws[\w-]*:lambda:[\w-]+:\d{12}:function:[^/]+")
VARIABLE = re.compile(r"\$\{stageVariables\.(\w+)\}")
SPECIFICATION = "openapi_spec_validator"


def stand_in() -> None:
    """Let moto's API Gateway be imported without the validator of OpenAPI documents.

    moto needs it when such a document is imported, and imports it always. It brings a dozen packages, of which some
    have no wheels for every machine.
    """
    if SPECIFICATION in sys.modules or importlib.util.find_spec(SPECIFICATION) is not None:
        return

    def validate(*_: object, **__: object) -> None:
        message = f"Importing an OpenAPI document needs a package here: pip install {SPECIFICATION}"
        raise JsonRESTError("BadRequestException", message)

    names = (SPECIFICATION, f"{SPECIFICATION}.validation", f"{SPECIFICATION}.validation.exceptions")
    package, _, exceptions = modules = [ModuleType(name) for name in names]
    for module in modules:
        module.__spec__ = ModuleSpec(module.__name__, None)  # who looks for it finds it without an error
        sys.modules[module.__name__] = module
    package.validate = validate  # type: ignore[attr-defined]
    exceptions.OpenAPIValidationError = type("OpenAPIValidationError", (Exception,), {})  # type: ignore[attr-defined]


@contextlib.contextmanager
def without_batch() -> Iterator[None]:
    """Let moto's interpreter of state machines be imported without AWS Batch, which brings all of EC2: two seconds.

    It wants one enumeration of Batch's, from a module that needs nothing. Afterwards Batch is as if nobody had asked.
    """
    name = "moto.batch"
    spec = None if name in sys.modules else importlib.util.find_spec(name)
    if spec is None:
        yield
        return
    package = sys.modules[name] = ModuleType(name)
    package.__path__ = list(spec.submodule_search_locations or ())
    try:
        yield
    finally:
        for one in [one for one in sys.modules if one == name or one.startswith(f"{name}.")]:
            del sys.modules[one]


def everywhere(backends: Any) -> Iterable[tuple[str, str, Any]]:
    """Yield account, Region and backend of everything that is there."""
    for account, regions in list(backends.items()):
        for region, backend in list(regions.items()):
            yield account, region, backend


def function_in(uri: str | None, variables: Mapping[str, str]) -> str:
    """Return the ARN of the function in an integration's address; stage variables may stand in it."""
    text = VARIABLE.sub(lambda found: str(variables.get(found[1], "")), uri or "")
    found = FUNCTION.search(text)
    return found[0] if found else ""


def replace_methods(owner: type, methods: Mapping[str, Any], undo: contextlib.ExitStack) -> None:
    """Put methods in the place of a class's own until ``undo`` is closed."""
    for name, method in methods.items():
        before = vars(owner).get(name)
        undo.callback(delattr, owner, name) if before is None else undo.callback(setattr, owner, name, before)
        setattr(owner, name, method)
