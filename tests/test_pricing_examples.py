"""AWS's own worked examples, reproduced to the cent with the price table's rates.

Read on 2026-11-23 from copies of https://aws.amazon.com/lambda/pricing/ and of the other pricing pages. Two examples of
those pages are left out because their own arithmetic slips by a cent or more (tenant isolation, the first Kafka poller).
"""

import pytest

from helpers import pricing
from helpers.pricing import LambdaUse, Provisioned, SnapStart, lambda_account_bill, lambda_bill, service_bill


def test_a_mobile_back_end_with_three_million_requests_costs_2_73():
    assert lambda_bill(requests=3e6, duration_ms=120, memory_mb=1536).invoice_total == 2.73


def test_telemetry_of_ten_thousand_vehicles_costs_249_49_without_free_tier():
    n = 10_000 * 24 * 31
    assert lambda_bill(requests=n, duration_ms=2000, memory_mb=1024, free_tier=False).invoice_total == 249.49


def test_inference_with_two_gigabytes_of_ephemeral_storage_costs_106_41():
    bill = lambda_bill(requests=6e6, duration_ms=280, memory_mb=4096, ephemeral_storage_mb=2048)
    assert [float(line.invoiced) for line in bill.lines if not line.free] == [1.00, 105.33, 0.08]
    assert bill.invoice_total == 106.41


def test_an_app_launch_partly_on_provisioned_concurrency_costs_19_96():
    on_provisioned = LambdaUse(requests=5e5, duration_ms=100, memory_mb=1536, provisioned=Provisioned(100, hours=8))
    on_demand = LambdaUse(requests=2.5e6, duration_ms=120, memory_mb=1536)
    bill = lambda_account_bill([on_provisioned, on_demand])
    assert sorted(float(line.invoiced) for line in bill.lines if not line.free) == [0.40, 0.73, 0.83, 18.00]
    assert bill.invoice_total == 19.96


def test_a_day_of_sales_on_provisioned_concurrency_costs_32_26():
    bill = lambda_bill(
        requests=2e6, duration_ms=280, memory_mb=4096, provisioned=Provisioned(7, hours=24), free_tier=False
    )
    assert bill.invoice_total == 32.26


def test_telemetry_with_snapstart_costs_263_92():
    n = 10_000 * 24 * 31
    snapshots = SnapStart(cached_hours=31 * 24, restores=n // 100)
    bill = lambda_bill(requests=n, duration_ms=2000, memory_mb=1024, free_tier=False, snapstart=snapshots)
    assert bill.invoice_total == 263.92


def test_streamed_responses_cost_39_04_once_their_free_hundred_gigabytes_are_used():
    streamed = 100 + 1_000_000 * (7 - 6) / 1024
    assert lambda_bill(requests=3e6, duration_ms=500, memory_mb=1536, streamed_gb=streamed).invoice_total == 39.04


def test_durable_insurance_claims_cost_490_46():
    compute = lambda_account_bill(
        [
            LambdaUse(requests=1e6, duration_ms=30_000, memory_mb=1024, architecture="arm64"),
            LambdaUse(requests=1e6, duration_ms=2_000, memory_mb=1024, architecture="arm64"),
        ]
    )
    operations = service_bill("lambda.durable.operations", 4e6)
    written = service_bill("lambda.durable.data_written", 104)
    retained = service_bill("lambda.durable.data_retained", 104 * (7 + 14) / 30)
    assert (compute + operations + written + retained).invoice_total == 490.46


@pytest.mark.parametrize(
    ("requests", "duration_ms", "meter", "hours", "total"),
    [(30e6, 1000, "lambda.poller.sqs", 8000, 580.00), (300e6, 200, "lambda.poller.kafka", 720, 1193.20)],
)
def test_functions_behind_provisioned_pollers_cost_what_aws_prints(requests, duration_ms, meter, hours, total):
    function = lambda_bill(requests=requests, duration_ms=duration_ms, memory_mb=1024, free_tier=False)
    assert (function + service_bill(meter, hours)).invoice_total == total


def test_init_and_handler_are_added_before_they_are_rounded_up():
    assert pricing.billed_duration_ms(250.06, init_ms=100.77) == 351


@pytest.mark.parametrize(("architecture", "total"), [("x86_64", 1.26), ("arm64", 1.02)])
def test_five_tasks_of_ten_minutes_a_day_on_fargate(architecture, total):
    bill = pricing.fargate_bill(
        vcpu=1,
        memory_gb=2,
        tasks=5,
        seconds_per_task=30 * 600,
        starts_per_task=30,
        ephemeral_storage_gb=30,
        architecture=architecture,
    )
    assert bill.invoice_total == total
