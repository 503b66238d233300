"""Which route of an API a path takes: the most specific one, a segment at a time.

A route's path is fixed text, parameters (``{id}``, one segment) and, at its end, perhaps a greedy parameter
(``{proxy+}``, one segment or more). Fixed text goes before a parameter, a parameter before a greedy one, a named method
before ANY; an HTTP API's ``$default`` comes last.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Protocol, TypeVar
from urllib.parse import unquote


class Routed(Protocol):
    """What has a method and a path: ``GET`` or ``ANY``, ``/users/{id}``."""

    method: str
    path: str


R = TypeVar("R", bound=Routed)


def segments(path: str) -> list[str]:
    """Return a path's segments; of the root there are none.

    >>> segments("/users/7"), segments("/")
    (['users', '7'], [])
    """
    return path[1:].split("/") if path != "/" else []


def fitted(template: str, path: str, *, decode: Callable[[str], str] = unquote) -> dict[str, str] | None:
    """Return the parameters with which a template becomes a path, or nothing if it can't.

    >>> fitted("/users/{id}/{rest+}", "/users/7/a/b%20c")
    {'id': '7', 'rest': 'a/b c'}
    >>> fitted("/users/{id}", "/users") is None
    True
    """
    wanted, given = segments(template), segments(path)
    found: dict[str, str] = {}
    for number, segment in enumerate(wanted):
        if segment.startswith("{") and segment.endswith("+}"):
            rest = given[number:]
            if not rest or not rest[0]:
                return None
            return {**found, segment[1:-2]: decode("/".join(rest))}
        if number >= len(given):
            return None
        if segment.startswith("{") and segment.endswith("}"):
            if not given[number]:
                return None
            found[segment[1:-1]] = decode(given[number])
        elif segment != unquote(given[number]):
            return None
    return found if len(given) == len(wanted) else None


def rank(template: str) -> tuple[int, ...]:
    """Return what sorts templates, the most specific first.

    >>> sorted(["/{proxy+}", "/pets/{id}", "/pets/dog"], key=rank)
    ['/pets/dog', '/pets/{id}', '/{proxy+}']
    """
    return tuple(2 if one.endswith("+}") else int(one.startswith("{")) for one in segments(template))


def best(
    routes: Iterable[R], method: str, path: str, *, decode: Callable[[str], str] = unquote
) -> tuple[R, dict[str, str]] | None:
    """Return the route that a request takes, and its parameters."""
    fitting = [
        (rank(route.path), route.method == "ANY", number, route, parameters)
        for number, route in enumerate(routes)
        if route.method in (method, "ANY") and (parameters := fitted(route.path, path, decode=decode)) is not None
    ]
    if not fitting:
        return None
    *_, route, parameters = min(fitting, key=lambda one: one[:3])
    return route, parameters
