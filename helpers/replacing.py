"""What an Auto Scaling group does with a machine that starts slowly, and with a service that hangs.

A model of two rules. The door's health check calls a target healthy after some successes in a row and unhealthy after
some failures; the group replaces an unhealthy machine once its grace period is over, if it trusts the door's check at
all. Sources: Elastic Load Balancing User Guide, target group health checks; Amazon EC2 Auto Scaling User Guide, health
check grace period (https://docs.aws.amazon.com/autoscaling/ec2/userguide/health-check-grace-period.html), checked
2026-11-25.
"""

from __future__ import annotations

from dataclasses import dataclass

from helpers.checks import choice, number

TYPES = ("EC2", "ELB")
NEVER = float("inf")


@dataclass(frozen=True, kw_only=True)
class HealthCheck:
    """How a group looks after its machines.

    Attributes
    ----------
    type : ``"EC2"`` asks whether the machine runs, ``"ELB"`` also whether the service answers
    grace_s : how long a new machine is left alone
    interval_s : between two checks of the door
    healthy, unhealthy : successes or failures in a row that count
    """

    type: str = "EC2"
    grace_s: float = 0
    interval_s: float = 30
    healthy: int = 5
    unhealthy: int = 2

    def __post_init__(self) -> None:
        choice("type", self.type, TYPES)
        number("grace_s", self.grace_s)
        number("interval_s", self.interval_s, 5, 300)
        number("healthy", self.healthy, 2, 10)
        number("unhealthy", self.unhealthy, 2, 10)


def survives_start(check: HealthCheck, *, start_s: float) -> bool:
    """Say whether a machine whose service needs so long to start is kept.

    It must have been found healthy when its grace period ends, or not yet have failed often enough.

    Examples
    --------
    >>> survives_start(HealthCheck(type="ELB", grace_s=60), start_s=100)
    False
    >>> survives_start(HealthCheck(type="ELB", grace_s=300), start_s=100)
    True
    """
    starting = number("start_s", start_s)
    failed_s = check.interval_s * check.unhealthy
    if check.type == "EC2" or starting < failed_s:
        return True
    # The first check that succeeds, and the others that have to.
    first_s = -(-starting // check.interval_s) * check.interval_s
    return check.grace_s >= first_s + check.interval_s * (check.healthy - 1)


def hang_noticed_s(check: HealthCheck) -> float:
    """Return after how many seconds, at the latest, a service that hangs is being replaced; infinity if never.

    Examples
    --------
    >>> hang_noticed_s(HealthCheck(type="ELB")), hang_noticed_s(HealthCheck(type="EC2"))
    (60, inf)
    """
    return check.interval_s * check.unhealthy if check.type == "ELB" else NEVER


def never_starts_noticed_s(check: HealthCheck) -> float:
    """Return after how many seconds a machine whose service never comes up is being replaced; infinity if never.

    Examples
    --------
    >>> never_starts_noticed_s(HealthCheck(type="ELB", grace_s=600))
    600.0
    """
    noticed_s = hang_noticed_s(check)
    return max(float(check.grace_s), noticed_s)
