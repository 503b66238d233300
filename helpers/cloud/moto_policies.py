"""The policies that AWS manages, from the moment somebody names one.

With the other files called ``moto_*``, one of the few places that touch moto's internals. moto holds the 1,500 policies
as data, and leaves them out by default because reading them takes a fifth of a second. A role that attaches
``AWSLambdaBasicExecutionRole`` is the first line of many a tutorial; here it works, and only then is the time spent.
"""

from __future__ import annotations

import contextlib
import json
from typing import Any

from moto.iam.aws_managed_policies import aws_managed_policies_data
from moto.iam.models import AWSManagedPolicy, IAMBackend

NEEDED_BY = ("attach_role_policy", "attach_user_policy", "attach_group_policy", "get_policy", "list_policies")


def install(undo: contextlib.ExitStack) -> None:
    """Read the policies before the first operation that may want one.

    Parameters
    ----------
    undo : gets what gives moto its methods back
    """
    for name in NEEDED_BY:
        method = getattr(IAMBackend, name)
        setattr(IAMBackend, name, _reading_first(method))
        undo.callback(setattr, IAMBackend, name, method)


def _reading_first(method: Any) -> Any:
    def reading_first(backend: IAMBackend, *arguments: Any, **named: Any) -> Any:
        if not backend.aws_managed_policies:
            backend.aws_managed_policies = [
                AWSManagedPolicy.from_data(name, backend.account_id, backend.region_name, data)
                for name, data in json.loads(aws_managed_policies_data).items()
            ]
            backend.managed_policies = {policy.arn: policy for policy in backend.aws_managed_policies} | (
                backend.managed_policies
            )
        return method(backend, *arguments, **named)

    return reading_first
