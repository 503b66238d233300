"""What stands around the compute: the front door, queues, logs, traffic out, each from its row of the price table."""

from __future__ import annotations

import math
from dataclasses import replace

from helpers.checks import choice, flag, number
from helpers.pricing.bill import Bill
from helpers.pricing.functions import lines
from helpers.pricing.rates import Charge, Rates, RateTable, tiered
from helpers.pricing.use import HOURS_A_MONTH, LONGEST_MONTH_HOURS
from helpers.tables import Price

FRONT_DOORS = ("HTTP", "REST", "ALB", "URL")
HTTP_API_STEP_KB = 512.0
# What one load balancer capacity unit holds, as Elastic Load Balancing's pricing page has it. Known from articles that
# quote it, not read there: https://aws.amazon.com/elasticloadbalancing/pricing/
LCU_NEW_CONNECTIONS_A_SECOND = 25.0
LCU_GB_AN_HOUR_LAMBDA, LCU_GB_AN_HOUR_OTHER = 0.4, 1.0


def metered_units(payload_kb: float, *, step_kb: float) -> float:
    """Return how many requests one message counts as where a service meters in steps (SQS 64 KB, HTTP API 512 KB).

    Examples
    --------
    >>> metered_units(513, step_kb=512)
    2.0
    """
    size, step = number("payload_kb", payload_kb), number("step_kb", step_kb, above=True)
    return max(1.0, float(math.ceil(round(size / step, 9))))


def service_bill(slug: str, quantity: float, *, free_tier: bool = True, rates: RateTable = None) -> Bill:
    """Return one month's bill for a quantity of one metered service.

    Parameters
    ----------
    slug : a meter (``"egress"``, ``"sqs.standard.requests"``), whose tiers and free quantity then apply, or one
        row of the price table (``"egress.tier2"``), which is charged flat
    quantity : in base units: requests, not millions of them
    free_tier : take off what is free each month

    Raises
    ------
    KeyError
        For an unknown slug; near ones are named.
    ValueError
        For a negative quantity, or a row that is not a price (a discount, an allowance).

    Examples
    --------
    >>> service_bill("egress", 150).invoice_total
    4.5
    """
    flag("free_tier", free_tier)
    amount, table = number("quantity", quantity), Rates(rates)
    prices = _prices(slug, table)
    grant = table.free(slug) if free_tier else None
    covered = min(amount, grant.value) if grant else 0.0
    name = f"{prices[0].service}: {prices[0].item}" if len(prices) == 1 else prices[0].service
    # What is free comes off the first tier and moves no tier's bounds: so AWS's example of data transfer has it.
    first, *rest = tiered(name, amount, prices)
    paid = [first._replace(quantity=first.quantity - covered / first.price.per), *rest]
    granted = [Charge(f"{name} (free tier)", covered, grant, free=True)] if grant and covered > 0 else []
    return Bill(lines([*granted, *paid]))


def _prices(slug: str, table: Rates) -> tuple[Price, ...]:
    try:
        prices = table.tiers(slug)
    except KeyError:
        # A row on its own has no bounds: its rate is charged on everything.
        prices = (replace(table.price(slug), tier_from=None, tier_to=None),)
    if prices[0].kind != "usd":
        raise ValueError(f"slug must name a price in USD, got {slug!r}, which is a {prices[0].kind}")
    return prices


def api_bill(
    kind: str,
    *,
    requests: float,
    payload_kb: float = 0.0,
    hours: float = HOURS_A_MONTH,
    requests_per_connection: float = 1.0,
    lambda_target: bool = True,
    rates: RateTable = None,
) -> Bill:
    """Return one month's bill for the front door of an API.

    Parameters
    ----------
    kind : ``"HTTP"`` or ``"REST"`` (API Gateway), ``"ALB"`` (a load balancer) or ``"URL"`` (a function URL, free)
    requests : a month
    payload_kb : size of request and response together; an HTTP API counts each started 512 KB, a load balancer
        the GB processed, the others do not
    hours : how long the load balancer exists in the month
    requests_per_connection : for the load balancer; 1 is the dearest case, every request a new connection
    lambda_target : whether the load balancer's targets are functions (0.4 GB an hour a unit) or not (1 GB)

    Notes
    -----
    Load balancer capacity units are counted for traffic spread evenly over the hours. AWS counts every hour for
    itself, so a month with peaks costs more.
    """
    choice("kind", kind, FRONT_DOORS)
    table, count = Rates(rates), number("requests", requests)
    size_kb = number("payload_kb", payload_kb)
    if kind == "HTTP":
        counted = count * metered_units(size_kb, step_kb=HTTP_API_STEP_KB)
        return Bill(lines(tiered("HTTP API requests", counted, table.tiers("apigateway.http.requests"))))
    if kind == "REST":
        return Bill(lines(tiered("REST API requests", count, table.tiers("apigateway.rest.requests"))))
    if kind == "URL":
        return Bill(())
    exists_h = number("hours", hours, 0, LONGEST_MONTH_HOURS, above=True)
    connections = count / number("requests_per_connection", requests_per_connection, above=True)
    gb_an_hour = LCU_GB_AN_HOUR_LAMBDA if flag("lambda_target", lambda_target) else LCU_GB_AN_HOUR_OTHER
    units = max(
        connections / (exists_h * 3600) / LCU_NEW_CONNECTIONS_A_SECOND,
        count * size_kb / 1024**2 / exists_h / gb_an_hour,
    )
    return Bill(
        lines(
            [
                Charge("Load balancer", exists_h, table.price("alb.hours")),
                Charge("Load balancer capacity", units * exists_h, table.price("alb.lcu")),
            ]
        )
    )
