"""Reads the text of a module and says which of its lines are AWS's: imports, calls, events, answers, settings, names.

The text is parsed, never run. A line counts as AWS's when the statement on it would have to be written anew for another
platform. What is followed: names that lead to an AWS library or to a client made with it, and the parts of an event as
they go from the handler into other functions of the module. What is not: values once they are plain (a text read from
an object), other modules, and names that are built at run time.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from helpers.portability.events import source_of_event

if TYPE_CHECKING:
    import pandas as pd

KINDS = ("import", "handler", "event shape", "answer shape", "context", "call", "response shape", "environment")
KINDS += ("resource",)
AWS_PACKAGES = {
    "aioboto3",
    "aws_cdk",
    "aws_encryption_sdk",
    "aws_lambda_powertools",
    "aws_xray_sdk",
    "awslambdaric",
    "boto3",
    "botocore",
    "chalice",
    "s3transfer",
    "snapshot_restore_py",
}
HANDLERS = {"handler", "lambda_handler"}
# Methods of an AWS object that give another one.
MAKERS = {
    "Bucket",
    "Message",
    "Object",
    "Queue",
    "Session",
    "Table",
    "Topic",
    "batch_writer",
    "client",
    "get_paginator",
    "get_waiter",
    "resource",
}
SETTINGS = re.compile(r"(AWS_|LAMBDA_)\w+|_HANDLER|_X_AMZN_TRACE_ID")
NAMED = re.compile(r"arn:aws[\w-]*:|s3://|https://[\w.-]*\.(amazonaws\.com|on\.aws)|/var/task|/opt/python")
ANSWERS = {"statusCode", "isBase64Encoded", "batchItemFailures", "policyDocument", "multiValueHeaders"}
_SERVICES = {"client": 0, "resource": 0}


@dataclass(frozen=True, order=True)
class Finding:
    """One thing in a module that is AWS's.

    Attributes
    ----------
    line, end : first and last line of the statement, or of a compound statement's head
    kind : one of ``KINDS``
    what : the module, the path within the event, the method, the variable or the resource
    """

    line: int
    end: int
    kind: str
    what: str


@dataclass(frozen=True)
class Report:
    """What a module owes to AWS.

    Attributes
    ----------
    name : of the module
    text : what was read
    findings : in order of their lines
    code : numbers of the lines that hold code: no comments, docstrings or empty lines
    """

    name: str
    text: str
    findings: tuple[Finding, ...]
    code: frozenset[int]

    @property
    def lines(self) -> frozenset[int]:
        """Numbers of the lines that are AWS's."""
        spans = (range(one.line, one.end + 1) for one in self.findings)
        return frozenset(line for span in spans for line in span) & self.code

    @property
    def share(self) -> float:
        """AWS's lines as a share of the lines of code, 0 where there is no code."""
        return len(self.lines) / len(self.code) if self.code else 0.0

    def named(self, kind: str) -> tuple[str, ...]:
        """Return what was found of one kind, each once, in order of appearance."""
        if kind not in KINDS:
            raise ValueError(f"kind must be one of {', '.join(KINDS)}, got {kind!r}")
        return tuple(dict.fromkeys(one.what for one in self.findings if one.kind == kind))

    @property
    def sources(self) -> tuple[str, ...]:
        """Who sends such events, as far as their shape gives it away: ``("S3",)``."""
        return tuple(dict.fromkeys(filter(None, map(source_of_event, self.named("event shape")))))

    def to_frame(self) -> pd.DataFrame:
        """Return one row a finding: line, kind, what, text (the line's own)."""
        import pandas as pd

        lines = self.text.splitlines()
        rows = [(one.line, one.kind, one.what, lines[one.line - 1].strip()) for one in self.findings]
        return pd.DataFrame(rows, columns=["line", "kind", "what", "text"])

    def summary(self) -> pd.DataFrame:
        """Return one row a kind: kind, count, what (each once)."""
        import pandas as pd

        counts = {kind: sum(one.kind == kind for one in self.findings) for kind in KINDS}
        rows = [(kind, count, ", ".join(self.named(kind))) for kind, count in counts.items() if count]
        return pd.DataFrame(rows, columns=["kind", "count", "what"])

    def marked(self) -> str:
        """Return the text with a bar before each line that is AWS's."""
        lines = enumerate(self.text.splitlines(), start=1)
        return "\n".join(f"{'┃' if number in self.lines else ' '} {text}".rstrip() for number, text in lines)


def report(source: str, *, name: str = "module") -> Report:
    """Say which lines of a module are AWS's, and why.

    Parameters
    ----------
    source : the module's text; it is parsed and never run
    name : what to call it

    Raises
    ------
    ValueError
        when the text is not Python; the message names the line

    Examples
    --------
    >>> found = report('''
    ... import json, boto3
    ...
    ... table = boto3.resource("dynamodb").Table("likes")
    ...
    ... def handler(event, context):
    ...     name = event["pathParameters"]["name"]
    ...     return {"statusCode": 200, "body": json.dumps({"name": name})}
    ... ''')
    >>> found.named("event shape"), found.named("resource"), found.share
    (('pathParameters', 'pathParameters.name'), ('dynamodb',), 1.0)
    """
    if not isinstance(source, str):
        raise ValueError(f"source must be the text of a module, got {source!r}")
    try:
        tree = ast.parse(source)
    except SyntaxError as error:
        raise ValueError(f"source must be Python, line {error.lineno} is not: {error.msg}") from None
    reader = _Reader(tree)
    found = {Finding(*_span(reader.statements[node]), kind, what) for node, kind, what in reader.findings()}
    return Report(name, source, tuple(sorted(found)), frozenset(_code_lines(tree, source)))


def compare(sources: Mapping[str, str]) -> pd.DataFrame:
    """Return one row a module: name, lines (of code), aws_lines, share, and what it knows of AWS, in words."""
    import pandas as pd

    rows = []
    for name, source in sources.items():
        one = report(source, name=name)
        knows = [*one.named("import"), *one.named("resource"), *(f"{who} events" for who in one.sources)]
        rows.append((name, len(one.code), len(one.lines), round(one.share, 3), ", ".join(knows)))
    return pd.DataFrame(rows, columns=["module", "lines", "aws_lines", "share", "knows"])


def _span(statement: ast.stmt) -> tuple[int, int]:
    """Return first and last line of a statement; of a compound one, of its head."""
    first = min([statement.lineno, *(one.lineno for one in getattr(statement, "decorator_list", ()))])
    body = getattr(statement, "body", None)
    if isinstance(body, list) and body:
        return first, max(first, min(getattr(one, "lineno", first) for one in body) - 1)
    return first, statement.end_lineno or first


def _code_lines(tree: ast.Module, source: str) -> Iterator[int]:
    texts = source.splitlines()
    silent = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) and (
            ast.get_docstring(node, clean=False) is not None
        ):
            silent.update(range(node.body[0].lineno, (node.body[0].end_lineno or 0) + 1))
    for number, text in enumerate(texts, start=1):
        if text.strip() and not text.lstrip().startswith("#") and number not in silent:
            yield number


class _Reader:
    """Follows AWS's names and the parts of events through one module."""

    def __init__(self, tree: ast.Module) -> None:
        self.tree = tree
        self.statements: dict[ast.AST, ast.stmt] = {}
        self._place(tree, None)
        self.functions = {one.name: one for one in ast.walk(tree) if isinstance(one, ast.FunctionDef)}
        self.aws: set[str] = set()  # names that lead to an AWS library, or to an object of one
        self.answers: set[str] = set()  # names of what a call to AWS returned
        self.parts: dict[tuple[str, str], str] = {}  # (function, name): the path of the event that it holds
        self.contexts: set[tuple[str, str]] = set()
        self.inside: dict[ast.AST, str] = {}
        for name, function in self.functions.items():
            for node in ast.walk(function):
                self.inside[node] = name  # an inner function's own walk comes later, and wins
        self._handlers()
        self._follow()

    def _place(self, node: ast.AST, statement: ast.stmt | None) -> None:
        if isinstance(node, ast.stmt):
            statement = node
        if statement is not None:
            self.statements[node] = statement
        for child in ast.iter_child_nodes(node):
            self._place(child, statement)

    def _handlers(self) -> None:
        for name, function in self.functions.items():
            arguments = [one.arg for one in function.args.args]
            if len(arguments) >= 2 and (name in HANDLERS or arguments[0] == "event"):
                self.parts[name, arguments[0]] = ""
                self.contexts.add((name, arguments[1]))

    def _follow(self) -> None:
        """Repeat until no further name is learned: what is used may be defined further down."""
        before = None
        while before != (before := (len(self.aws), len(self.answers), len(self.parts))):
            for node in ast.walk(self.tree):
                match node:
                    case ast.Import():
                        self.aws |= {_bound(one) for one in node.names if _is_aws(one.name)}
                    case ast.ImportFrom() if _is_aws(node.module or ""):
                        self.aws |= {one.asname or one.name for one in node.names}
                    case ast.Assign(targets=targets, value=value):
                        for target in targets:
                            self._bind(target, value)
                    case ast.AnnAssign(target=target, value=value) | ast.NamedExpr(target=target, value=value) if value:
                        self._bind(target, value)
                    case ast.withitem(context_expr=value, optional_vars=target) if target:
                        self._bind(target, value)
                    case ast.For(target=target, iter=value) | ast.comprehension(target=target, iter=value):
                        self._each(target, value)
                    case ast.Call():
                        self._pass_on(node)

    def _bind(self, target: ast.expr, value: ast.expr) -> None:
        if isinstance(target, ast.Tuple) and isinstance(value, ast.Tuple) and len(target.elts) == len(value.elts):
            for one, other in zip(target.elts, value.elts, strict=True):
                self._bind(one, other)
            return
        if isinstance(value, ast.GeneratorExp) and self._makes(value.elt):
            self.aws |= {one.id for one in ast.walk(target) if isinstance(one, ast.Name)}
        if isinstance(target, ast.Attribute) and self._makes(value):
            self.aws.add(ast.unparse(target))  # self.table
        if not isinstance(target, ast.Name):
            return
        path = self._path(value)
        if path is not None:
            self.parts[self._where(target), target.id] = path
        elif self._makes(value):
            self.aws.add(target.id)
        elif isinstance(value, ast.Call) and self._is_call(value):
            self.answers.add(target.id)

    def _each(self, target: ast.expr, value: ast.expr) -> None:
        path = self._path(value)
        if path is not None and isinstance(target, ast.Name):
            self.parts[self._where(target), target.id] = f"{path}[]"

    def _pass_on(self, call: ast.Call) -> None:
        """Let a function of this module know which part of the event it is given."""
        called = call.func.id if isinstance(call.func, ast.Name) else ""
        function = self.functions.get(called)
        for position, value in enumerate(call.args if function else ()):
            path = self._path(value)
            if path is not None and position < len(function.args.args):
                self.parts.setdefault((called, function.args.args[position].arg), path)

    def _where(self, node: ast.AST) -> str:
        return self.inside.get(node, "")

    def _path(self, node: ast.expr) -> str | None:
        """Return the path within the event that an expression reads, None if it reads none."""
        match node:
            case ast.Name(id=name):
                return self.parts.get((self._where(node), name))
            case ast.Subscript(value=value, slice=ast.Constant(value=key)):
                return _joined(self._path(value), key)
            case ast.Call(func=ast.Attribute(value=value, attr="get"), args=[ast.Constant(value=key), *_]):
                return _joined(self._path(value), key)
            case ast.BoolOp(op=ast.Or(), values=[first, *_]):
                return self._path(first)
        return None

    def _makes(self, node: ast.expr) -> bool:
        """Say whether an expression gives an AWS library's object that is not an answer."""
        match node:
            case ast.Name(id=name):
                return name in self.aws
            case ast.Call(func=ast.Attribute(value=value, attr=method)):
                return method in MAKERS and self._makes(value)
            case ast.Call(func=ast.Name(id=name)):
                return name in self.aws
            case ast.Attribute(value=value):
                return ast.unparse(node) in self.aws or self._makes(value)
        return False

    def _is_call(self, node: ast.Call) -> bool:
        return isinstance(node.func, ast.Attribute) and self._makes(node.func.value)

    def findings(self) -> Iterator[tuple[ast.AST, str, str]]:
        """Yield node, kind and what."""
        for node in self.statements:
            yield from ((node, kind, what) for kind, what in self._of(node))

    def _of(self, node: ast.AST) -> Iterator[tuple[str, str]]:
        match node:
            case ast.Import():
                yield from (("import", one.name) for one in node.names if _is_aws(one.name))
            case ast.ImportFrom() if _is_aws(node.module or ""):
                yield "import", node.module or ""
            case ast.FunctionDef(name=name):
                if (name, node.args.args[0].arg if node.args.args else "") in self.parts and (
                    any(where == name for where, _ in self.contexts)
                ):
                    yield "handler", f"{name}(event, context)"
                yield from (("call", ast.unparse(one)) for one in node.decorator_list if self._rooted(one))
            case ast.Dict():
                keys = {one.value for one in node.keys if isinstance(one, ast.Constant)}
                yield from (("answer shape", key) for key in sorted(keys & ANSWERS))
            case ast.Constant(value=str(text)) if found := NAMED.match(text):
                yield "resource", text if len(text) < 60 else found.group()
            case ast.Attribute(value=ast.Name(id=name), attr=attribute):
                if (self._where(node), name) in self.contexts:
                    yield "context", attribute
            case ast.Name(id=name) if name in self.aws and isinstance(node.ctx, ast.Load):
                yield "call", name
        if isinstance(node, ast.Call | ast.Subscript):
            yield from self._read(node)

    def _read(self, node: ast.Call | ast.Subscript) -> Iterator[tuple[str, str]]:
        path = self._path(node)
        if path:
            yield "event shape", path
        setting = _setting(node)
        if setting and SETTINGS.fullmatch(setting):
            yield "environment", setting
        match node:
            case ast.Call(func=ast.Attribute(value=value, attr=method), args=arguments) if self._makes(value):
                yield "call", method
                if method in _SERVICES and arguments and isinstance(arguments[0], ast.Constant):
                    yield "resource", str(arguments[0].value)
            case (
                ast.Subscript(value=ast.Name(id=name), slice=ast.Constant(value=key))
                | ast.Call(func=ast.Attribute(value=ast.Name(id=name), attr="get"), args=[ast.Constant(value=key), *_])
            ) if name in self.answers:
                yield "response shape", str(key)

    def _rooted(self, node: ast.expr) -> bool:
        return any(isinstance(one, ast.Name) and one.id in self.aws for one in ast.walk(node))


def _is_aws(module: str) -> bool:
    return module.partition(".")[0] in AWS_PACKAGES


def _bound(alias: ast.alias) -> str:
    return alias.asname or alias.name.partition(".")[0]


def _joined(path: str | None, key: Any) -> str | None:
    if path is None:
        return None
    step = "[]" if isinstance(key, int) else f".{key}" if path else str(key)
    return f"{path}{step}"


def _setting(node: ast.AST) -> str | None:
    """Return the name of an environment variable that is read here."""
    match node:
        case ast.Subscript(value=ast.Attribute(attr="environ"), slice=ast.Constant(value=str(name))):
            return name
        case ast.Call(
            func=ast.Attribute(value=ast.Attribute(attr="environ"), attr="get"),
            args=[ast.Constant(value=str(name)), *_],
        ):
            return name
        case ast.Call(func=ast.Attribute(attr="getenv"), args=[ast.Constant(value=str(name)), *_]):
            return name
    return None
