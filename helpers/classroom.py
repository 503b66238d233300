"""What a class needs: from what one learner takes to the machines for three hundred, and to their bill.

Learners were measured (``deploy/load_test.py``): memory and processor time of a server, of its notebook's kernel and of
the functions that it runs. A class differs from other users of a cluster in one thing: all do the same at the same
time. Hence memory is planned for everybody's peak at once, and processors for a class that logs in within minutes.
What is assumed beside that is declared as such; :func:`helpers.capacity.assumptions` lists it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from helpers import tables
from helpers.capacity import declared, units_needed
from helpers.checks import number
from helpers.pricing import Bill, ec2_bill, eks_bill

STEP_MB = 64
HOURS_A_MONTH = 730


@dataclass(frozen=True, kw_only=True)
class Learner:
    """What one learner takes, measured.

    Attributes
    ----------
    peak_mb : memory of server, kernel and functions at its highest, in the notebook that takes most
    start_cpu_s : processor time of a server until it answers
    run_cpu_s : processor time of a kernel's start and a whole notebook, the one that takes most
    """

    peak_mb: float
    start_cpu_s: float
    run_cpu_s: float

    def __post_init__(self) -> None:
        number("peak_mb", self.peak_mb, above=True)
        number("start_cpu_s", self.start_cpu_s)
        number("run_cpu_s", self.run_cpu_s)

    @classmethod
    def measured(cls, found: Mapping[str, Any]) -> Learner:
        """Return the learner that a load test found, as it stored it: of each quantity the highest value."""
        rows = [*found["alone"], *found["together"]]
        return cls(**{name: max(row[name] for row in rows) for name in ("peak_mb", "start_cpu_s", "run_cpu_s")})


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What is assumed of a class and of the machines that serve it."""

    headroom: float = declared(1.25, "above the measured peak: notebooks that a learner changes, and writes")
    burst: float = declared(2.0, "a learner may take so many times what is set aside, while others don't")
    arrival_minutes: float = declared(5.0, "within which everybody logs in")
    run_minutes: float = declared(10.0, "within which everybody runs a whole notebook")
    cpu_limit: float = declared(2.0, "processors that one learner may use when nobody else does")
    spare: float = declared(0.05, "more places than learners: whoever comes finds one ready")
    system_mb: float = declared(800.0, "of each node: the system, Kubernetes, image pullers")
    system_share: float = declared(0.04, "of each node's memory and processors, beside that")
    pods_per_vcpu: float = declared(14.0, "addresses that Amazon's network gives a node, by its size")
    volumes: int = declared(24, "folders of learners on disks of their own that a node takes at once")
    core_nodes: int = declared(1, "for the hub and its proxy")
    disk_gb: float = declared(50.0, "of each node: the image and the system")

    def __post_init__(self) -> None:
        number("headroom", self.headroom, 1)
        number("burst", self.burst, 1)
        for name in ("arrival_minutes", "run_minutes", "cpu_limit", "pods_per_vcpu"):
            number(name, getattr(self, name), above=True)
        number("spare", self.spare, 0, 1)
        number("system_share", self.system_share, 0, 0.9)
        number("volumes", self.volumes, 1)
        for name in ("system_mb", "core_nodes", "disk_gb"):
            number(name, getattr(self, name))


@dataclass(frozen=True)
class Share:
    """What is set aside for one learner, and what a learner may take at most."""

    memory_mb: int
    memory_limit_mb: int
    cpu: float
    cpu_limit: float


def share_of(learner: Learner, plan: Plan | None = None) -> Share:
    """Return the guarantees and limits for one learner.

    Examples
    --------
    >>> share_of(Learner(peak_mb=400, start_cpu_s=6, run_cpu_s=30))
    Share(memory_mb=512, memory_limit_mb=1024, cpu=0.05, cpu_limit=2.0)
    """
    plan = plan or Plan()
    memory_mb = math.ceil(learner.peak_mb * plan.headroom / STEP_MB) * STEP_MB
    arriving = learner.start_cpu_s / (plan.arrival_minutes * 60)
    running = learner.run_cpu_s / (plan.run_minutes * 60)
    cpu = math.ceil(max(arriving, running, 0.01) * 100 - 1e-9) / 100
    return Share(memory_mb, math.ceil(memory_mb * plan.burst / STEP_MB) * STEP_MB, cpu, plan.cpu_limit)


@dataclass(frozen=True)
class Node:
    """A machine: how many of the listed instance type make it, since sizes of a family cost in proportion.

    Attributes
    ----------
    instance_type : one of :func:`helpers.tables.instances`
    times : 4 of ``m7i.large`` are what one ``m7i.2xlarge`` has, and costs
    """

    instance_type: str
    times: int = 1

    def __post_init__(self) -> None:
        number("times", self.times, 1, 64)
        if self.instance_type not in tables.instances().index:
            known = ", ".join(sorted(tables.instances().index))
            raise KeyError(f"instance_type must be one of {known}, got {self.instance_type!r}")

    @property
    def vcpu(self) -> float:
        """Its virtual processors."""
        return float(tables.instances().loc[self.instance_type, "vcpu"]) * self.times

    @property
    def memory_mb(self) -> float:
        """Its memory."""
        return float(tables.instances().loc[self.instance_type, "memory_gib"]) * 1024**3 / 1e6 * self.times


def seats(node: Node, share: Share, plan: Plan | None = None) -> int:
    """Return how many learners one node carries.

    Examples
    --------
    >>> seats(Node("m7i.large"), Share(memory_mb=512, memory_limit_mb=1024, cpu=0.1, cpu_limit=2))
    14
    """
    plan = plan or Plan()
    memory_mb = node.memory_mb * (1 - plan.system_share) - plan.system_mb
    most = min(memory_mb / share.memory_mb, node.vcpu * (1 - plan.system_share) / share.cpu)
    return max(0, math.floor(min(most, node.vcpu * plan.pods_per_vcpu, plan.volumes)))


@dataclass(frozen=True)
class Class:
    """The machines of a class.

    Attributes
    ----------
    learners : how many
    node : what each machine is
    seats : learners on one machine
    nodes : machines for learners
    core_nodes : machines for the hub
    """

    learners: int
    node: Node
    seats: int
    nodes: int
    core_nodes: int
    disk_gb: float

    def bill(self, hours: float = HOURS_A_MONTH) -> Bill:
        """Return the bill of a month in which cluster and machines exist for so many hours."""
        machines = self.nodes + self.core_nodes
        count = machines * self.node.times
        nodes = ec2_bill(self.node.instance_type, count=count, hours=hours, storage_gb=self.disk_gb / self.node.times)
        return eks_bill(nodes=nodes, hours=hours)

    @property
    def usd_per_hour(self) -> float:
        """What one hour costs."""
        return self.bill(hours=1).total


def plan_class(learners: int, node: Node, share: Share, plan: Plan | None = None) -> Class:
    """Return the machines that a class needs.

    Parameters
    ----------
    learners : how many come
    node : what each machine is
    share : what is set aside for each learner
    plan : the assumptions

    Raises
    ------
    ValueError
        when the node is too small for a single learner

    Examples
    --------
    >>> share = Share(memory_mb=512, memory_limit_mb=1024, cpu=0.1, cpu_limit=2)
    >>> plan_class(300, Node("m7i.large"), share).nodes
    23
    """
    plan = plan or Plan()
    each = seats(node, share, plan)
    if not each:
        raise ValueError(f"node must carry at least one learner, and {node.instance_type} x {node.times} carries none")
    places = math.ceil(number("learners", learners, 1) * (1 + plan.spare))
    nodes = units_needed(load=places, unit_capacity=each, minimum=1)
    return Class(int(learners), node, each, nodes, int(plan.core_nodes), plan.disk_gb)
