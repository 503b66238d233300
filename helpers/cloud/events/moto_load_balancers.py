"""moto's load balancers as the front door reads them; functions are registered only where AWS would register them.

With the files of :mod:`helpers.cloud` that are called ``moto_*``, one of the few places that touch moto's internals. It
is imported when the service is first used: see :mod:`~helpers.cloud.events.front_doors`.
"""

from __future__ import annotations

import contextlib
import warnings
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from moto.elbv2.exceptions import ELBClientError
from moto.elbv2.models import ELBv2Backend, elbv2_backends

from helpers.cloud.events.http_alb import Listener, LoadBalancer, Rule, TargetGroup
from helpers.cloud.events.moto_common import everywhere, replace_methods

# AWS's own answer, which its published service model doesn't list: moto would say so in the notebook.
warnings.filterwarnings("ignore", message=r"Exception\(ELBClientError\) with code AccessDenied")


def install(refusal: Callable[[str, str, str], str], undo: contextlib.ExitStack) -> None:
    """Refuse to register functions that the load balancer may not invoke, until ``undo`` is closed.

    Parameters
    ----------
    refusal : why a function may not be invoked by a principal on behalf of an ARN; nothing if it may
    """
    register = ELBv2Backend.register_targets

    def register_targets(backend: ELBv2Backend, target_group_arn: str, instances: list[Any]) -> None:
        group = backend.target_groups.get(target_group_arn)
        for target in instances if group is not None and group.target_type == "lambda" else ():
            if refusal(target["Id"], "elasticloadbalancing.amazonaws.com", target_group_arn):
                message = "elasticloadbalancing principal does not have permission to invoke "
                raise ELBClientError("AccessDenied", f"{message}{target['Id']} from target group {target_group_arn}")
        register(backend, target_group_arn, instances)

    replace_methods(ELBv2Backend, {"register_targets": register_targets}, undo)


def load_balancer(name: str) -> LoadBalancer | None:
    """Return a load balancer by the last part of its ARN, if there is one."""
    for _, _, backend in everywhere(elbv2_backends):
        for arn, balancer in list(backend.load_balancers.items()):
            if arn.rpartition("/")[2] == name:
                listeners = tuple(_listener(one) for one in list(balancer.listeners.values()))
                groups = {one.arn: _group(one) for one in list(backend.target_groups.values())}
                return LoadBalancer(arn, balancer.dns_name, listeners, groups)
    return None


def _listener(listener: Any) -> Listener:
    others = sorted(listener._non_default_rules.values(), key=lambda rule: int(rule.priority))
    rules = [Rule(tuple(one.conditions), _actions(one.actions)) for one in others]
    return Listener(int(listener.port), listener.protocol, (*rules, Rule((), _actions(listener.default_actions))))


def _actions(actions: Iterable[Any]) -> tuple[Mapping[str, Any], ...]:
    return tuple(sorted((action.data for action in actions), key=lambda data: int(data.get("Order") or 0)))


def _group(group: Any) -> TargetGroup:
    many = str(group.attributes.get("lambda.multi_value_headers.enabled", "false")).lower() == "true"
    return TargetGroup(group.arn, group.target_type, tuple(group.targets), many)
