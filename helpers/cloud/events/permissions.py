"""Whether a resource's policy lets an AWS service use it: what stands between a bucket and the function it notifies.

A function, a queue or a topic says in its policy which services may call it, and on whose behalf. This reads as much of
the policy language as such statements use: principals, actions, resources, and the conditions on the caller's ARN and
account.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from fnmatch import fnmatchcase
from typing import Any

Statement = Mapping[str, Any]


def allows(
    statements: Iterable[Statement], *, service: str, action: str, resource: str, source_arn: str, account: str
) -> bool:
    """Say whether a policy lets a service act on a resource.

    Parameters
    ----------
    statements : of the resource's policy
    service : the principal, for instance ``s3.amazonaws.com``
    action : for instance ``lambda:InvokeFunction``
    resource : the ARN that is called
    source_arn : the bucket, topic or log group on whose behalf the service calls
    account : its owner

    Examples
    --------
    >>> one = {"Effect": "Allow", "Principal": {"Service": "s3.amazonaws.com"}, "Action": "lambda:InvokeFunction"}
    >>> asked = {"action": "lambda:InvokeFunction", "resource": "f", "source_arn": "b", "account": "1"}
    >>> allows([one], service="s3.amazonaws.com", **asked), allows([one], service="sns.amazonaws.com", **asked)
    (True, False)
    """
    context = {"aws:sourcearn": source_arn, "aws:sourceaccount": account}
    fitting = [
        statement.get("Effect", "Allow")
        for statement in statements
        if _names(statement.get("Principal"), service)
        and any(_fits(action.lower(), one.lower()) for one in _listed(statement.get("Action", "*")))
        and any(_fits(resource, one) for one in _listed(statement.get("Resource", "*")))
        and _holds(statement.get("Condition") or {}, context)
    ]
    return "Allow" in fitting and "Deny" not in fitting


def grants(statements: Iterable[Statement], *, action: str, resource: str) -> bool:
    """Say whether the policies of a role let it act on a resource; a condition is taken as met.

    Examples
    --------
    >>> grants([{"Effect": "Allow", "Action": "sqs:*", "Resource": "*"}], action="sqs:ReceiveMessage", resource="q")
    True
    """
    fitting = [
        statement.get("Effect", "Allow")
        for statement in statements
        if any(_fits(action.lower(), one.lower()) for one in _listed(statement.get("Action", [])))
        and any(_fits(resource, one) for one in _listed(statement.get("Resource", [])))
    ]
    return "Allow" in fitting and "Deny" not in fitting


def _names(principal: Any, service: str) -> bool:
    if principal == "*":
        return True
    if not isinstance(principal, Mapping):
        return principal == service
    return "*" in _listed(principal.get("AWS", [])) or service in _listed(principal.get("Service", []))


def _holds(condition: Mapping[str, Any], context: Mapping[str, str]) -> bool:
    for operator, wanted in condition.items():
        optional = operator.lower().endswith("ifexists")
        exact = operator.lower().removesuffix("ifexists") == "stringequals"
        for key, values in wanted.items():
            found = context.get(key.lower())
            if found is None:
                if not optional:
                    return False
            elif not any(found == value if exact else _fits(found, value) for value in _listed(values)):
                return False
    return True


def _listed(value: Any) -> list[str]:
    return [value] if isinstance(value, str) else list(value)


def _fits(found: str, pattern: str) -> bool:
    return fnmatchcase(found, pattern.replace("[", "[[]"))
