"""Lambda authorizers: a function that says who may pass, asked before the function behind the API.

A TOKEN authorizer sees one header, a REQUEST authorizer the whole request. It answers with an IAM policy or, in HTTP
APIs that ask for it, with ``{"isAuthorized": true}``. Answers are kept as long as the authorizer's configuration says,
for the same identity: a kept policy that names one path refuses the next path, here as on AWS.
"""

from __future__ import annotations

import json
import re
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

from helpers.cloud.events.http import Caller, Functions, Request, Undelivered
from helpers.cloud.events.http_payload import many, query_pairs

LIMIT_S = 10.0
KEPT_MAX = 10_000


@dataclass(frozen=True)
class Authorizer:
    """An authorizer's configuration.

    Attributes
    ----------
    kind : TOKEN or REQUEST
    function : the ARN of its function
    arn : its own, which the function's policy may name
    sources : where the identity stands, as ``$request.header.Authorization`` or ``method.request.header.Authorization``
    ttl_s : how long an answer is kept; 0 for not at all
    validation : what a token must match
    simple : whether it may answer with ``isAuthorized``
    """

    kind: str
    function: str
    arn: str
    sources: tuple[str, ...] = ()
    ttl_s: float = 0.0
    payload: str = "1.0"
    validation: str | None = None
    simple: bool = False
    trusted: bool = False


@dataclass(frozen=True)
class Verdict:
    """What an authorizer says: its policy, or yes and no; and what it tells the function."""

    simple: bool | None
    statements: tuple[Mapping[str, Any], ...]
    principal: str
    context: Mapping[str, Any]

    def allows(self, arn: str) -> tuple[bool, bool]:
        """Say whether a method may be called, and whether it was denied in so many words."""
        if self.simple is not None:
            return self.simple, False
        effects = {
            str(statement.get("Effect", "")).lower()
            for statement in self.statements
            if any(fnmatchcase(arn, one.replace("[", "[[]")) for one in _listed(statement.get("Resource", "*")))
            and any(fnmatchcase("execute-api:invoke", one.lower()) for one in _listed(statement.get("Action", "*")))
        }
        return "allow" in effects and "deny" not in effects, "deny" in effects


class Unidentified(Exception):
    """The request does not say who asks, or the authorizer wouldn't hear of it: 401."""


class Broken(Exception):
    """The authorizer itself failed: 500; says how."""


class Authorizers:
    """Asks authorizers, and remembers what they said.

    Parameters
    ----------
    functions : the way to them
    now_s : a clock, for the time that answers are kept
    """

    def __init__(self, functions: Functions, now_s: Callable[[], float] = time.monotonic) -> None:
        self._functions, self._now_s = functions, now_s
        self._lock = threading.Lock()
        self._kept: dict[tuple, tuple[float, Verdict]] = {}

    def ask(
        self,
        authorizer: Authorizer,
        request: Request,
        *,
        scope: tuple[str, ...],
        variables: Mapping[str, str],
        context: Mapping[str, Any],
        event: Callable[[list[str]], dict[str, Any]],
    ) -> Verdict:
        """Return what an authorizer says of a request.

        Parameters
        ----------
        scope : API and stage, within which answers are kept
        variables, context : the stage's variables and the request's context, where identities may stand too
        event : makes the authorizer's event of the identity

        Raises
        ------
        Unidentified, Broken
        """
        identity = [_found(source, request, variables, context) for source in authorizer.sources]
        if not all(identity):
            missing = [source for source, value in zip(authorizer.sources, identity, strict=True) if not value]
            raise Unidentified(f"the request lacks what the authorizer asks for: {', '.join(missing)}")
        if authorizer.validation and not re.fullmatch(authorizer.validation, identity[0]):
            raise Unidentified(f"the token doesn't match {authorizer.validation}")
        key = (*scope, authorizer.arn, *identity)
        keeps = authorizer.ttl_s > 0 and bool(identity)
        if keeps:
            with self._lock:
                until_s, kept = self._kept.get(key, (0.0, None))
            if kept is not None and self._now_s() < until_s:
                return kept
        verdict = self._call(authorizer, event(identity), request.trace)
        if keeps:
            with self._lock:
                if len(self._kept) >= KEPT_MAX:
                    self._kept.clear()
                self._kept[key] = (self._now_s() + authorizer.ttl_s, verdict)
        return verdict

    def _call(self, authorizer: Authorizer, event: dict[str, Any], trace: str) -> Verdict:
        caller = Caller("apigateway.amazonaws.com", (authorizer.arn,), trusted=authorizer.trusted)
        try:
            answer = self._functions.invoke(authorizer.function, event, caller=caller, limit_s=LIMIT_S, trace=trace)
        except Undelivered as failed:
            raise Broken(f"the authorizer could not be asked: {failed.cause}") from None
        try:
            said = json.loads(answer.payload)
        except ValueError:
            raise Broken("the authorizer's answer is not JSON") from None
        if answer.function_error:
            if isinstance(said, dict) and said.get("errorMessage") == "Unauthorized":
                raise Unidentified("the authorizer raised Unauthorized")
            raise Broken(f"the authorizer failed: {json.dumps(said)[:500]}")
        return _verdict(authorizer, said)


def _verdict(authorizer: Authorizer, said: Any) -> Verdict:
    if not isinstance(said, dict):
        raise Broken("the authorizer's answer must be an object")
    context = said.get("context") or {}
    if not isinstance(context, dict):
        raise Broken("the authorizer's context must be an object")
    if authorizer.simple:
        if not isinstance(said.get("isAuthorized"), bool):
            raise Broken('the authorizer must answer {"isAuthorized": true} or false: EnableSimpleResponses is on')
        return Verdict(said["isAuthorized"], (), "", context)
    policy = said.get("policyDocument")
    if not isinstance(policy, dict) or "Statement" not in policy:
        raise Broken("the authorizer's answer has no policyDocument with a Statement")
    if not isinstance(said.get("principalId"), str):
        raise Broken("the authorizer's answer has no principalId")
    statements = policy["Statement"]
    statements = (statements,) if isinstance(statements, dict) else tuple(statements)
    return Verdict(None, statements, said["principalId"], context)


def _found(source: str, request: Request, variables: Mapping[str, str], context: Mapping[str, Any]) -> str:
    """Return what stands where an identity source points to; nothing if nothing does."""
    where = source.removeprefix("$").removeprefix("method.")
    if where.startswith("request.header."):
        return request.header(where.removeprefix("request.header."))
    if where.startswith("request.querystring."):
        values = many(query_pairs(request)).get(where.removeprefix("request.querystring."), [""])
        return ",".join(values)
    if where.startswith("stageVariables."):
        return str(variables.get(where.removeprefix("stageVariables."), ""))
    value: Any = context
    for name in where.removeprefix("context.").split("."):
        value = value.get(name, "") if isinstance(value, Mapping) else ""
    return str(value or "")


def _listed(value: Any) -> list[str]:
    return [value] if isinstance(value, str) else [str(one) for one in value]
