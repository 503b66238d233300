"""A function from a notebook, written out as a module of its own together with what it needs from around it.

What a function's code names is looked up where the function would look: modules become import lines, other functions
and classes of the notebook come along as source, constants with the value that they have now. What exists only in the
running notebook (an open file, a client, a data frame) can't be written down and is refused by name.
:mod:`helpers.cloud.package` puts the module into a zip.
"""

from __future__ import annotations
import __future__

import ast
import builtins
import inspect
import linecache
import logging
import re
import symtable
import sys
import textwrap
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import lru_cache
from types import FunctionType, ModuleType
from typing import Any

_FUTURE_ANNOTATIONS = "from __future__ import annotations"
_REMEDY = "create it inside the function, or pass the module's source text instead of the function"
_DEFINITIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)


def defined_function(function: Callable[..., Any]) -> FunctionType:
    """Return the function that a ``def`` made, beneath decorators that used functools.wraps.

    Raises
    ------
    ValueError
        For lambdas, methods, callable objects, and functions that use variables of a function around them.
    """
    inner = inspect.unwrap(function) if callable(function) else function
    if not isinstance(inner, FunctionType):
        raise ValueError(f"a handler must be a function made with def, got {_described(function)}")
    if inner.__name__ == "<lambda>":
        raise ValueError("a handler must be a function made with def: a lambda has no name that Lambda could call")
    _refuse_closure(inner)
    return inner


def module_source(function: Callable[..., Any]) -> str:
    """Return the text of a module that defines a function and all that it uses.

    Raises
    ------
    ValueError
        If the function's source is unknown, or it uses something that can't be written down; the message names it.
    """
    inner = defined_function(function)
    gathered = _Gathered(inner)
    gathered.define(inner.__name__, function)
    return gathered.text()


def literal(value: Any, inside: tuple[int, ...] = ()) -> str | None:
    """Return an expression for a plain value or a container of plain values, else None.

    >>> literal({"currencies": ["USD", "EUR"], "limit": float("inf")})
    "{'currencies': ['USD', 'EUR'], 'limit': float('inf')}"
    >>> literal({"open": object()}) is None
    True
    """
    kind = type(value)
    if value is None or value is ... or kind in (bool, int, str, bytes):
        return repr(value)
    if kind is float:
        return repr(value) if abs(value) < float("inf") else f"float({str(value)!r})"
    if kind not in (list, tuple, dict, set, frozenset) or id(value) in inside:
        return None
    flat = [part for pair in value.items() for part in pair] if kind is dict else list(value)
    parts = [literal(part, (*inside, id(value))) for part in flat]
    if None in parts:
        return None
    if kind is dict:
        pairs = zip(parts[::2], parts[1::2], strict=True)
        return "{" + ", ".join(f"{key}: {item}" for key, item in pairs) + "}"
    if kind in (set, frozenset):  # their order changes from one start of Python to the next
        inner = ", ".join(sorted(parts))
        return f"{kind.__name__}([{inner}])" if kind is frozenset or not inner else f"{{{inner}}}"
    inner = ", ".join(parts)
    return f"[{inner}]" if kind is list else f"({inner}{',' * (len(parts) == 1)})"


class _Gathered:
    """What was found so far, in the order in which a module must say it."""

    def __init__(self, root: FunctionType) -> None:
        self.root = root.__name__
        self.namespace = root.__globals__
        self.sources = list(_sources(root))
        self.future = False
        self.imports: set[str] = set()
        self.values: list[str] = []
        self.definitions: list[str] = []
        self.defined: dict[str, Any] = {}
        self.seen: set[str] = set()

    def text(self) -> str:
        head = "\n".join([_FUTURE_ANNOTATIONS] * self.future + sorted(self.imports))
        return "\n\n\n".join(filter(None, [head, "\n".join(self.values), *self.definitions])) + "\n"

    def need(self, name: str) -> None:
        """Add what a name stands for, once."""
        if name in self.seen or name not in self.namespace or (name.startswith("__") and name.endswith("__")):
            return
        self.seen.add(name)
        value = self.namespace[name]
        origin = getattr(value, "__module__", None)
        if str(origin).startswith(("IPython.", "ipykernel.")):
            if hasattr(builtins, name) and name not in ("display", "get_ipython"):
                return  # a notebook's own open, exit and quit
            raise ValueError(f"{self.root} uses {name!r}, which exists only in notebooks: leave it out of the function")
        if (expression := self.expression(value)) is not None:
            self.values.append(f"{name} = {expression}")
            if isinstance(value, logging.Logger) and value.level != (logging.WARNING if value.parent is None else 0):
                self.values.append(f"{name}.setLevel({value.level})")
        elif self.is_ours(value):
            self.define(name, value)
        elif lines := _imports(name, value, self.sources):
            self.imports |= lines
        else:
            raise ValueError(f"{self.root} uses {name!r} ({_described(value)}), which can't be packed: {_REMEDY}")

    def expression(self, value: Any) -> str | None:
        """Return how a constant is written, or a compiled pattern or a logger is made again."""
        if isinstance(value, re.Pattern) and self.namespace.get("re", re) is re:
            self.imports.add("import re")
            flags = value.flags & ~re.UNICODE if isinstance(value.pattern, str) else value.flags
            return f"re.compile({value.pattern!r}{f', {int(flags)}' if flags else ''})"
        if isinstance(value, logging.Logger) and self.namespace.get("logging", logging) is logging:
            self.imports.add("import logging")
            return f"logging.getLogger({'' if value.parent is None else repr(value.name)})"
        return literal(value)

    def is_ours(self, value: Any) -> bool:
        """Whether a ``def`` or ``class`` of this namespace made it."""
        inner = inspect.unwrap(value) if callable(value) and not isinstance(value, type) else value
        if isinstance(inner, FunctionType):
            return inner.__globals__ is self.namespace
        return isinstance(inner, type) and inner.__module__ == self.namespace.get("__name__")

    def define(self, name: str, value: Any) -> None:
        """Add a function's or a class's source: what runs with the definition before it, the rest behind it."""
        is_class = isinstance(value, type)
        text, own_name = self.class_source(value) if is_class else _function_source(inspect.unwrap(value))
        self.seen.add(own_name)
        if self.defined.setdefault(own_name, value) is not value:
            same = inspect.unwrap(self.defined[own_name]) is inspect.unwrap(value)
            if not same:
                raise ValueError(f"{self.root} uses two definitions named {own_name!r}: give one another name")
        else:
            codes = [vars(value)[key] for key in vars(value)] if is_class else [inspect.unwrap(value)]
            flags = [code.__code__.co_flags for code in codes if isinstance(code, FunctionType)]
            postponed = any(flag & __future__.annotations.compiler_flag for flag in flags)
            self.future |= postponed and any(
                getattr(node, "annotation", None) or getattr(node, "returns", None)
                for node in ast.walk(ast.parse(text))
            )
            at_once = _names_at_definition(text)
            later = _global_names(text)
            for needed in sorted(later & at_once):
                self.need(needed)
            self.definitions.append(text)
            for needed in sorted(later - at_once):
                self.need(needed)
        if name != own_name:
            self.definitions.append(f"{name} = {own_name}")

    def class_source(self, cls: type) -> tuple[str, str]:
        """Find a class by its methods' file, or in what was run here last: inspect knows no classes of a notebook."""
        name = cls.__name__
        own = [item for item in vars(cls).values() if isinstance(item, FunctionType)]
        own = [item for item in own if item.__globals__ is self.namespace]  # an Enum's or a dataclass' are not
        files = ["".join(linecache.getlines(item.__code__.co_filename)) for item in own[:1]]
        texts = [*filter(None, files), *self.sources]
        if cls.__qualname__ == name:
            for text in texts:
                for node in reversed(_top_level(text)):
                    if isinstance(node, ast.ClassDef) and node.name == name:
                        return _lines_of(text, node), name
        raise ValueError(f"{self.root} uses the class {name!r}, whose source is unknown: {_REMEDY}")


def _sources(root: FunctionType) -> Iterator[str]:
    """Yield what defined a namespace: a notebook's cells, the last one first, or a module's file."""
    namespace = root.__globals__
    if "get_ipython" in namespace and isinstance(namespace.get("In"), list):
        yield from reversed(namespace["In"])
    yield "".join(linecache.getlines(root.__code__.co_filename, namespace))


def _function_source(function: FunctionType) -> tuple[str, str]:
    """Return a function's text, at the left margin, and the name that it defines."""
    _refuse_closure(function)
    try:
        written = inspect.getsource(function)
    except (OSError, TypeError):
        raise ValueError(f"the source of {function.__name__!r} is unknown: pass it as text") from None
    text = textwrap.dedent(written)
    with suppress(SyntaxError):
        (node,) = ast.parse(text).body
        if text != written:  # dedenting must not have changed a string of several lines
            (block,) = ast.parse(f"if True:\n{written}").body
            if ast.dump(block.body[0]) != ast.dump(node):
                text = ast.unparse(block.body[0])
        if isinstance(node, _DEFINITIONS) and node.name == function.__name__:
            return text.rstrip(), node.name
        if (
            isinstance(node, ast.Assign)
            and isinstance(node.value, ast.Lambda)
            and isinstance(node.targets[0], ast.Name)
        ):
            return text.rstrip(), node.targets[0].id
    raise ValueError(f"the source of {function.__name__!r} can't be told from what stands around it: make it with def")


def _refuse_closure(function: FunctionType) -> None:
    if free := ", ".join(function.__code__.co_freevars):
        raise ValueError(
            f"{function.__name__} uses {free} of the function around it, which can't be packed: define it at the top "
            "level of a cell, and write decorators with functools.wraps"
        )


def _global_names(text: str) -> set[str]:
    """Return the names that a definition looks up outside itself."""
    names, tables = set(), [symtable.symtable(text, "<package>", "exec")]
    while tables:
        table = tables.pop()
        tables += table.get_children()
        for symbol in table.get_symbols():
            if symbol.is_declared_global() or (symbol.is_global() and symbol.is_referenced()):
                names.add(symbol.get_name())
    return names


def _names_at_definition(text: str) -> set[str]:
    """Return the names that are looked up when the definition runs: decorators, defaults, annotations, bases."""
    names, nodes = set(), list(ast.parse(text).body)
    while nodes:
        node = nodes.pop()
        if isinstance(node, ast.Name):
            names.add(node.id)
        nodes += (
            child
            for field, content in ast.iter_fields(node)
            if not (field == "body" and isinstance(node, _FUNCTIONS))
            for child in (content if isinstance(content, list) else [content])
            if isinstance(child, ast.AST)
        )
    return names


def _is_annotated(text: str) -> bool:
    return any(
        getattr(node, "annotation", None) or getattr(node, "returns", None) for node in ast.walk(ast.parse(text))
    )


@lru_cache(256)
def _top_level(text: str) -> tuple[ast.stmt, ...]:
    """Return the statements outside of functions and classes; none for a cell that is no Python."""
    try:
        nodes: list[ast.AST] = [ast.parse(text)]
    except (SyntaxError, ValueError):
        return ()
    found = []
    while nodes:
        node = nodes.pop(0)
        if isinstance(node, ast.stmt):
            found.append(node)
        if not isinstance(node, _DEFINITIONS):
            nodes += [child for child in ast.iter_child_nodes(node) if isinstance(child, (ast.stmt, ast.excepthandler))]
    return tuple(found)


def _lines_of(text: str, node: ast.ClassDef) -> str:
    first = min([node.lineno, *(decorator.lineno for decorator in node.decorator_list)])
    return textwrap.dedent("\n".join(text.splitlines()[first - 1 : node.end_lineno]))


def _imports(name: str, value: Any, sources: list[str]) -> set[str]:
    """Return the import lines behind a name: as they were written, else as the object itself tells."""
    for text in sources:
        nodes = [node for node in _top_level(text) if isinstance(node, (ast.Import, ast.ImportFrom))]
        if lines := {line for node in nodes for line in _written(node, name, value)}:
            return lines
    if isinstance(value, ModuleType) and sys.modules.get(value.__name__) is value:
        return {f"import {value.__name__}" + (f" as {name}" if name != value.__name__ else "")}
    origin, known_as = getattr(value, "__module__", None), getattr(value, "__name__", None)
    if origin in sys.modules and known_as and getattr(sys.modules[origin], known_as, None) is value:
        return {f"from {origin} import {known_as}" + (f" as {name}" if name != known_as else "")}
    return set()


def _written(node: ast.Import | ast.ImportFrom, name: str, value: Any) -> Iterator[str]:
    """Yield the parts of an import statement that bind a name to this very object."""
    for alias in node.names:
        line = f"import {alias.name}" + (f" as {alias.asname}" if alias.asname else "")
        if isinstance(node, ast.ImportFrom):
            module = sys.modules.get(node.module or "")
            bound = (alias.asname or alias.name) == name and not node.level
            found = getattr(module, alias.name, None)
            line = f"from {node.module} {line}"
        else:
            bound = (alias.asname or alias.name.partition(".")[0]) == name
            found = sys.modules.get(alias.name if alias.asname else name)
        if bound and found is value:
            yield line


def _described(value: Any) -> str:
    kind = type(value)
    return kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"
