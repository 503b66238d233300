"""The bills that the collection compares: a workload on five models, an API with its surroundings, an idle month.

Where a comparison needs an assumption (how much a server can carry, how many one keeps), it is a field with a name
here, so that a notebook can show it and put it under a control.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

from helpers import tables
from helpers.capacity import concurrency, units_needed
from helpers.checks import choice, number
from helpers.pricing.bill import Bill
from helpers.pricing.fleets import ec2_bill, eks_bill, fargate_bill, rack_bill
from helpers.pricing.functions import lambda_bill
from helpers.pricing.memory import memory_model
from helpers.pricing.services import api_bill, service_bill
from helpers.pricing.use import ARCHITECTURES, HOURS_A_MONTH, Provisioned

if TYPE_CHECKING:
    import pandas as pd

KB_A_GB = 1024.0**2
# A general-purpose instance of each architecture whose price two sources agree on.
INSTANCE = {"x86_64": "m5.large", "arm64": "m7g.large"}


@dataclass(frozen=True, kw_only=True)
class Workload:
    """One workload, described so that functions and fleets can be sized for it.

    Attributes
    ----------
    wait_ms, cpu_ms : a request's time spent waiting for others, and computing on one full vCPU
    memory_mb : memory of the function; from these three ``memory_model`` gives its duration
    peak : the busiest moment's rate, as a multiple of the average; a fleet is sized for it
    utilisation : share of a fleet's vCPUs that is planned to be busy at the peak
    architecture : of the function, the tasks and the instances alike
    minimum : units of a fleet that always run, so that one may fail
    server_vcpu, server_kw, server_years : a server in the rack
    """

    wait_ms: float = 80
    cpu_ms: float = 10
    memory_mb: float = 512
    peak: float = 3
    utilisation: float = 0.5
    architecture: str = "x86_64"
    minimum: int = 2
    server_vcpu: float = 32
    server_kw: float = 0.4
    server_years: float = 4

    def __post_init__(self) -> None:
        number("wait_ms", self.wait_ms)
        number("cpu_ms", self.cpu_ms, above=True)
        number("peak", self.peak, 1)
        choice("architecture", self.architecture, ARCHITECTURES)

    @property
    def duration_ms(self) -> float:
        """Duration of one invocation: a function is billed for its waiting, and has a part of a vCPU."""
        return memory_model(self.wait_ms, self.cpu_ms, self.memory_mb)

    def peak_vcpu(self, requests: float) -> float:
        """Return the vCPUs that are busy at the peak: a server computes for others while one request waits."""
        rate = requests / (HOURS_A_MONTH * 3600) * self.peak
        return concurrency(rate_per_s=rate, duration_ms=self.cpu_ms)

    def units(self, requests: float, vcpu: float) -> int:
        """Return how many units of so many vCPUs a fleet needs for a month with so many requests."""
        return units_needed(
            load=self.peak_vcpu(requests), unit_capacity=vcpu, utilisation=self.utilisation, minimum=self.minimum
        )


def compute_models(work: Workload) -> Mapping[str, Callable[[float], Bill]]:
    """Return, for each of five models, the function from requests a month to the bill for compute alone.

    Front door, traffic and people are left out (but for the rack, whose administrators replace what AWS does): they
    are much the same for all, or an argument of their own.
    """
    instance = INSTANCE[work.architecture]
    vcpu = float(tables.instances().loc[instance, "vcpu"])
    servers_an_admin = tables.price("physical.servers_per_admin").value

    # A chart and four break-evens ask for the same bills again and again.
    @cache
    def functions(requests: float) -> Bill:
        return lambda_bill(
            requests=requests,
            duration_ms=work.duration_ms,
            memory_mb=work.memory_mb,
            architecture=work.architecture,
        )

    @cache
    def tasks(requests: float) -> Bill:
        return fargate_bill(vcpu=1, memory_gb=2, tasks=work.units(requests, 1), architecture=work.architecture)

    @cache
    def instances(requests: float) -> Bill:
        return ec2_bill(instance, count=work.units(requests, vcpu), storage_gb=20)

    @cache
    def rack(requests: float) -> Bill:
        servers = work.units(requests, work.server_vcpu)
        return rack_bill(
            servers=servers,
            years=work.server_years,
            kw_per_server=work.server_kw,
            admins_share=servers / servers_an_admin,
        )

    return {
        "Lambda": functions,
        "Fargate": tasks,
        "EC2": instances,
        "EKS": lambda requests: eks_bill(nodes=instances(requests)),
        "Rack": rack,
    }


def api_month(
    *, requests: float, duration_ms: float, memory_mb: float, response_kb: float, door: str = "HTTP", log_kb: float = 1
) -> pd.DataFrame:
    """Return what an API's month costs part by part: function, front door, logs, data to the internet.

    Parameters
    ----------
    requests, duration_ms, memory_mb : as for ``lambda_bill``
    response_kb : size of an answer
    door : as ``kind`` of ``api_bill``
    log_kb : log written by one request

    Returns
    -------
    pandas.DataFrame
        Columns part, usd (a month) and what (how much of it is charged or free).
    """
    import pandas as pd

    answer_kb, written_kb = number("response_kb", response_kb), number("log_kb", log_kb)
    traffic_gb, logs_gb = requests * answer_kb / KB_A_GB, requests * written_kb / KB_A_GB
    function = lambda_bill(requests=requests, duration_ms=duration_ms, memory_mb=memory_mb)
    parts = [
        ("function", function, f"{requests:,.0f} invocations"),
        ("front door", api_bill(door, requests=requests, payload_kb=answer_kb), f"{door}, {requests:,.0f} requests"),
        ("logs", service_bill("cloudwatch.logs.ingestion", logs_gb), f"{logs_gb:,.1f} GB written"),
        ("data out", service_bill("egress", traffic_gb), f"{traffic_gb:,.1f} GB to the internet"),
    ]
    return pd.DataFrame(
        [(part, round(bill.total, 2), what) for part, bill, what in parts], columns=["part", "usd", "what"]
    )


def idle_month() -> pd.DataFrame:
    """Return what a month without a single request costs: columns what and usd, cheapest first."""
    import pandas as pd

    def none(**more: object) -> Bill:
        return lambda_bill(requests=0, duration_ms=100, memory_mb=1024, free_tier=False, **more)

    bills = {
        "Lambda function": none(),
        "EC2 t3.micro, disk, address": ec2_bill("t3.micro", storage_gb=8, public_ipv4=1),
        "Lambda, one provisioned (1 GB)": none(provisioned=Provisioned(1)),
        "Load balancer": api_bill("ALB", requests=0),
        "NAT gateway": service_bill("vpc.nat_gateway.hours", HOURS_A_MONTH),
        "Fargate, two tasks (1 vCPU, 2 GB)": fargate_bill(vcpu=1, memory_gb=2, tasks=2),
        "EKS control plane": eks_bill(nodes=Bill(())),
    }
    rows = [(what, round(bill.total, 2)) for what, bill in bills.items()]
    return pd.DataFrame(rows, columns=["what", "usd"]).sort_values("usd", ignore_index=True)


def memory_sweep(*, wait_ms: float, cpu_ms: float, architecture: str = "x86_64") -> pd.DataFrame:
    """Return modelled duration and cost over memory, for work that is part waiting and part computing.

    Returns
    -------
    pandas.DataFrame
        Columns memory_mb, duration_ms, usd_a_million (requests included, free tier not).
    """
    import pandas as pd

    full = int(tables.limit("lambda.full_vcpu_memory").max)
    sizes = [128, 192, 256, 384, 512, 768, 1024, 1280, 1536, full, 2048, 2560, 3008, 4096]
    rows = []
    for size in sizes:
        duration = memory_model(wait_ms, cpu_ms, size)
        bill = lambda_bill(
            requests=1e6, duration_ms=duration, memory_mb=size, architecture=architecture, free_tier=False
        )
        rows.append((size, round(duration, 1), round(bill.total, 4)))
    return pd.DataFrame(rows, columns=["memory_mb", "duration_ms", "usd_a_million"])
