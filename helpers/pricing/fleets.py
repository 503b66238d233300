"""What always-on compute costs: Fargate tasks, EC2 instances, EKS clusters, and servers in a rack.

Bills here grow with hours, not with requests: that is the comparison the collection makes. Rules: AWS Fargate
pricing, https://aws.amazon.com/fargate/pricing/ (per second, one minute at least); Amazon EC2 on-demand and reserved
pricing, https://aws.amazon.com/ec2/pricing/; Amazon EKS pricing, https://aws.amazon.com/eks/pricing/.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from helpers import tables
from helpers.checks import choice, number
from helpers.pricing.bill import Bill, Line
from helpers.pricing.functions import lines
from helpers.pricing.rates import Charge, Rates, RateTable
from helpers.pricing.use import ARCHITECTURES, HOURS_A_MONTH, LONGEST_MONTH_HOURS

FARGATE_INCLUDED_GB, FARGATE_STORAGE_MAX_GB = 20.0, 200.0
FARGATE_MINIMUM_S = 60.0
# The families that the price table's one-year discount was read for.
SAVINGS_PLAN_FAMILIES = ("c7g", "m7g")


def fargate_bill(
    *,
    vcpu: float,
    memory_gb: float,
    tasks: float,
    seconds_per_task: float = HOURS_A_MONTH * 3600,
    starts_per_task: float = 1,
    architecture: str = "x86_64",
    ephemeral_storage_gb: float = FARGATE_INCLUDED_GB,
    rates: RateTable = None,
) -> Bill:
    """Return one month's bill for tasks on Fargate (Linux).

    Parameters
    ----------
    vcpu, memory_gb : size of one task
    tasks : how many such tasks
    seconds_per_task : how long each runs in the month, all its starts together; the default is the whole month
    starts_per_task : how often each starts in the month; every start is billed per second, 60 s at least
    architecture : ``"x86_64"`` or ``"arm64"``
    ephemeral_storage_gb : disk of one task, 20 (included) to 200

    Examples
    --------
    A job of ten minutes, five tasks at a time, on each of 30 days:

    >>> fargate_bill(vcpu=1, memory_gb=2, tasks=5, seconds_per_task=30 * 600, starts_per_task=30,
    ...              ephemeral_storage_gb=30).invoice_total
    1.26
    """
    choice("architecture", architecture, ARCHITECTURES)
    seconds = number("seconds_per_task", seconds_per_task, 0, LONGEST_MONTH_HOURS * 3600, above=True)
    starts = number("starts_per_task", starts_per_task, above=True)
    each = max(float(math.ceil(round(seconds / starts, 6))), FARGATE_MINIMUM_S)
    hours = number("tasks", tasks) * starts * each / 3600
    extra = number("ephemeral_storage_gb", ephemeral_storage_gb, FARGATE_INCLUDED_GB, FARGATE_STORAGE_MAX_GB)
    extra -= FARGATE_INCLUDED_GB
    table = Rates(rates)
    charges = [
        Charge("Fargate vCPU", hours * number("vcpu", vcpu, above=True), table.price(f"fargate.vcpu.{architecture}")),
        Charge(
            "Fargate memory",
            hours * number("memory_gb", memory_gb, above=True),
            table.price(f"fargate.memory.{architecture}"),
        ),
    ]
    if extra:
        charges.append(Charge("Fargate disk above 20 GB", hours * extra, table.price("fargate.ephemeral_storage")))
    return Bill(lines(charges))


def ec2_bill(
    instance_type: str,
    *,
    count: float = 1,
    hours: float = HOURS_A_MONTH,
    storage_gb: float = 0,
    public_ipv4: float = 0,
    commitment: str | None = None,
    rates: RateTable = None,
) -> Bill:
    """Return one month's bill for Linux instances.

    Parameters
    ----------
    instance_type : one that has a row in the price table, for instance ``"t3.micro"``
    count : how many instances
    hours : how long each exists in the month, with its disk and addresses
    storage_gb : gp3 disk of each instance
    public_ipv4 : public IPv4 addresses of each instance
    commitment : ``"reserved_1y"`` or ``"reserved_3y"`` where the type has such a row, ``"savings_plan_1y"`` for
        c7g and m7g; committed instances are paid for every hour of the month, used or not

    Raises
    ------
    KeyError
        For an instance type without a price row; near ones are named.
    ValueError
        For a commitment without a price row; those that have one are named.
    """
    table = Rates(rates)
    if not isinstance(instance_type, str) or instance_type.count(".") != 1:
        raise KeyError(f"instance_type must be a type such as 't3.micro', got {instance_type!r}")
    on_demand = table.price(f"ec2.{instance_type}")
    instances = number("count", count)
    exists_h = instances * number("hours", hours, 0, LONGEST_MONTH_HOURS)
    item = f"EC2 {instance_type}"
    if commitment is None:
        charges = [Charge(item, exists_h, on_demand)]
    else:
        committed = _commitments(instance_type, table)
        choice("commitment", commitment, tuple(committed) or ("None (this type has no committed price)",))
        charges = [Charge(f"{item}, {commitment}", instances * HOURS_A_MONTH, committed[commitment])]
    disk_gb_months = number("storage_gb", storage_gb) * exists_h / HOURS_A_MONTH
    if disk_gb_months:
        charges.append(Charge("gp3 disk", disk_gb_months, table.price("ebs.gp3")))
    address_h = number("public_ipv4", public_ipv4) * exists_h
    if address_h:
        charges.append(Charge("Public IPv4 address", address_h, table.price("vpc.public_ipv4")))
    return Bill(lines(charges))


def _commitments(instance_type: str, table: Rates) -> dict[str, tables.Price]:
    """Return the committed hourly prices that an instance type has, by name."""
    found = {}
    for name in ("reserved_1y", "reserved_3y"):
        if (slug := f"ec2.{instance_type}.{name}") in table:
            found[name] = table.price(slug)
    if instance_type.startswith(SAVINGS_PLAN_FAMILIES):
        plan, hourly = table.price("ec2.savings_plan_1y"), table.price(f"ec2.{instance_type}")
        found[plan.slug.removeprefix("ec2.")] = replace(
            plan, value=hourly.value * (1 - plan.value), kind="usd", unit=hourly.unit
        )
    return found


def eks_bill(*, nodes: Bill, clusters: float = 1, hours: float = HOURS_A_MONTH, rates: RateTable = None) -> Bill:
    """Return one month's bill for Kubernetes clusters and the nodes they run on.

    Parameters
    ----------
    nodes : the nodes' own bill, from :func:`ec2_bill` or :func:`fargate_bill`
    clusters : how many control planes, in standard support
    hours : how long each exists in the month
    """
    if not isinstance(nodes, Bill):
        raise ValueError(f"nodes must be a Bill, from ec2_bill or fargate_bill, got {nodes!r}")
    exists_h = number("clusters", clusters) * number("hours", hours, 0, LONGEST_MONTH_HOURS)
    return Bill(lines([Charge("EKS cluster", exists_h, Rates(rates).price("eks.cluster"))])) + nodes


def managed_instances_bill(*, nodes: Bill, requests: float, rates: RateTable = None) -> Bill:
    """Return one month's bill for Lambda Managed Instances: the instances, AWS's fee on them, and the requests.

    Parameters
    ----------
    nodes : the instances' bill at on-demand rates, from :func:`ec2_bill`; disks and addresses bear no fee
    requests : invocations a month
    """
    if not isinstance(nodes, Bill):
        raise ValueError(f"nodes must be a Bill, from ec2_bill, got {nodes!r}")
    table = Rates(rates)
    fee, per_request = table.price("lambda_managed_instances.fee"), table.price("lambda_managed_instances.requests")
    compute = math.fsum(line.usd for line in nodes.lines if line.slug.startswith("ec2."))
    fees = lines([Charge("Managed Instances fee", compute, replace(fee, unit="USD of instances"))])
    paid = lines([Charge("Requests", number("requests", requests) / per_request.per, per_request)])
    return nodes + Bill(fees + paid)


def rack_bill(
    *,
    servers: float,
    price_per_server: float | None = None,
    years: float,
    kw_per_server: float,
    usd_per_kw_month: float | None = None,
    admins_share: float,
    admin_salary: float | None = None,
    usd_per_kwh: float | None = None,
    rates: RateTable = None,
) -> Bill:
    """Return one month's cost of servers that one owns: purchase spread over their life, space, power and people.

    These are the weakest figures of the collection: whatever is left out comes from dated, single or assumed
    sources, and each line says so. Pass your own.

    Parameters
    ----------
    servers : how many
    price_per_server : USD to buy one
    years : over how many years the purchase is spread
    kw_per_server : electrical load of one, in kW
    usd_per_kw_month : colocation space, USD per kW and month, power excluded
    admins_share : administrators' time, in full-time people (0.5 is half of one's time)
    admin_salary : USD per year of one administrator, without overheads
    usd_per_kwh : electricity
    """
    table = Rates(rates)
    count = number("servers", servers)
    load_kw = count * number("kw_per_server", kw_per_server, above=True)
    months = number("years", years, above=True) * 12

    def charge(item: str, quantity: Any, slug: str, name: str, value: float | None, per: float = 1) -> Iterator[Line]:
        price = table.price(slug)
        if value is not None:
            price = replace(price, value=number(name, value), source="your input", flag="assumption")
        (line,) = lines([Charge(item, quantity / per, price)])
        yield line

    return Bill(
        (
            *charge("Servers, bought", count, "physical.server", "price_per_server", price_per_server, per=months),
            *charge("Rack space", load_kw, "physical.colocation", "usd_per_kw_month", usd_per_kw_month),
            *charge("Electricity", load_kw * HOURS_A_MONTH, "physical.electricity", "usd_per_kwh", usd_per_kwh),
            *charge(
                "Administrators",
                number("admins_share", admins_share),
                "physical.admin_salary",
                "admin_salary",
                admin_salary,
                per=12,
            ),
        )
    )
