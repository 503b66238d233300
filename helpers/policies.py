"""Whether a policy of IAM allows a request: what a role may do, decided as AWS decides it.

Everything is denied unless a statement allows it, and a statement that denies wins over all that allow. Names of
actions are compared without regard to case, resources with it; ``*`` stands for any characters, ``?`` for one. Source:
AWS IAM User Guide, policy evaluation logic and the elements Action and Resource
(https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html), checked 2026-11-25.

A single identity policy is all that is looked at here: no conditions, no boundaries, no policies of resources or of an
organization. A statement with a Condition is refused rather than guessed at.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from functools import cache
from typing import Any

ALLOWED, DENIED, IMPLICITLY_DENIED = "allowed", "explicitly denied", "implicitly denied"
_ELEMENTS = {"Sid", "Effect", "Action", "NotAction", "Resource", "NotResource"}


def evaluate(policy: Mapping[str, Any] | str, *, action: str, resource: str) -> str:
    """Return what a policy says to one request.

    Parameters
    ----------
    policy : a policy, as a dict or as JSON
    action : service and operation: ``"s3:GetObject"``
    resource : the ARN that the request is about

    Returns
    -------
    str
        "allowed", "explicitly denied", or "implicitly denied" where no statement fits.

    Raises
    ------
    ValueError
        If it is no policy, naming what is missing or not known here.

    Examples
    --------
    >>> statement = {"Effect": "Allow", "Action": "s3:Get*", "Resource": "arn:aws:s3:::photos/*"}
    >>> policy = {"Version": "2012-10-17", "Statement": [statement]}
    >>> evaluate(policy, action="s3:GetObject", resource="arn:aws:s3:::photos/noon.jpg")
    'allowed'
    >>> evaluate(policy, action="s3:DeleteObject", resource="arn:aws:s3:::photos/noon.jpg")
    'implicitly denied'
    """
    effects = {
        one["Effect"] for one in statements(policy) if _fits(one, "Action", action) and _fits(one, "Resource", resource)
    }
    if "Deny" in effects:
        return DENIED
    return ALLOWED if effects else IMPLICITLY_DENIED


def allows(policy: Mapping[str, Any] | str, *, action: str, resource: str) -> bool:
    """Say whether a policy allows one request; parameters as for :func:`evaluate`."""
    return evaluate(policy, action=action, resource=resource) == ALLOWED


def statements(policy: Mapping[str, Any] | str) -> list[Mapping[str, Any]]:
    """Return the statements of a policy, each checked.

    Raises
    ------
    ValueError
        If it is no policy, naming what is missing or not known here.
    """
    if isinstance(policy, str):
        try:
            policy = json.loads(policy)
        except ValueError as error:
            raise ValueError(f"policy must be JSON: {error}") from None
    if not isinstance(policy, Mapping) or "Statement" not in policy:
        raise ValueError("policy must be a dict with Version and Statement")
    given = policy["Statement"]
    found = [given] if isinstance(given, Mapping) else list(given)
    for one in found:
        _check(one)
    return found


def _check(statement: Any) -> None:
    if not isinstance(statement, Mapping):
        raise ValueError(f"a statement must be a dict, got {statement!r}")
    if statement.get("Effect") not in ("Allow", "Deny"):
        raise ValueError(f"Effect must be 'Allow' or 'Deny', got {statement.get('Effect')!r}")
    if unknown := set(statement) - _ELEMENTS:
        raise ValueError(f"a statement with {', '.join(sorted(unknown))} can't be judged here")
    for element in ("Action", "Resource"):
        if (element in statement) == (f"Not{element}" in statement):
            raise ValueError(f"a statement needs either {element} or Not{element}")
        for pattern in _listed(statement.get(element, statement.get(f"Not{element}"))):
            if not isinstance(pattern, str) or (pattern != "*" and ":" not in pattern):
                like = "s3:GetObject" if element == "Action" else "arn:aws:s3:::photos/*"
                raise ValueError(f"{element} must be '*' or like {like!r}, got {pattern!r}")


def _fits(statement: Mapping[str, Any], element: str, value: str) -> bool:
    flags = re.IGNORECASE if element == "Action" else 0
    patterns = _listed(statement.get(element, statement.get(f"Not{element}")))
    found = any(_pattern(one, flags).fullmatch(value) for one in patterns)
    return found if element in statement else not found


def _listed(value: Any) -> Iterable[Any]:
    return [value] if isinstance(value, str) or not isinstance(value, Iterable) else value


@cache
def _pattern(text: str, flags: int) -> re.Pattern[str]:
    return re.compile(re.escape(text).replace(r"\*", ".*").replace(r"\?", "."), flags | re.DOTALL)
