"""What compute costs: bills for functions, containers, instances, clusters and racks, and where they cost the same.

Every function is pure: numbers in, a :class:`Bill` out, rates from ``data/prices.csv`` with their source and date.
A bill adds up exactly (``total``) and as AWS's worked examples do (``invoice_total``). Neighbours: ``tables`` gives
the rates, ``show`` draws the bills, ``cloud`` bills what it has measured.
"""

from helpers.pricing.bill import Bill, Line
from helpers.pricing.crossing import Crossing, break_even, last_break_even
from helpers.pricing.fleets import ec2_bill, eks_bill, fargate_bill, managed_instances_bill, rack_bill
from helpers.pricing.functions import lambda_account_bill, lambda_bill, lambda_cost
from helpers.pricing.memory import memory_model
from helpers.pricing.services import api_bill, metered_units, service_bill
from helpers.pricing.use import (
    ARCHITECTURES,
    HOURS_A_MONTH,
    LambdaUse,
    Provisioned,
    SnapStart,
    billed_duration_ms,
    gb_seconds,
    payload_requests,
)

__all__ = [
    "ARCHITECTURES",
    "HOURS_A_MONTH",
    "Bill",
    "Crossing",
    "LambdaUse",
    "Line",
    "Provisioned",
    "SnapStart",
    "api_bill",
    "billed_duration_ms",
    "break_even",
    "ec2_bill",
    "eks_bill",
    "fargate_bill",
    "gb_seconds",
    "lambda_account_bill",
    "lambda_bill",
    "lambda_cost",
    "last_break_even",
    "managed_instances_bill",
    "memory_model",
    "metered_units",
    "payload_requests",
    "rack_bill",
    "service_bill",
]
