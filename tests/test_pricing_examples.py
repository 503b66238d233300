"""AWS's own worked examples, reproduced to the cent with the price table's rates.

Read on 2026-11-23 from public copies of https://aws.amazon.com/lambda/pricing/, https://aws.amazon.com/fargate/pricing/
and https://aws.amazon.com/s3/faqs/ (the copies bear no date; they describe services of mid-2026). The example of thirty
million requests, and the two of API Gateway, were read in articles that quote AWS's pages. Left out are examples whose
own arithmetic slips by a cent or more: tenant isolation, the first Kafka poller, the first MicroVM.
"""

import pytest

from helpers import pricing, tables
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
    kept = Provisioned(7, hours=24)
    assert lambda_bill(requests=2e6, duration_ms=280, memory_mb=4096, provisioned=kept).invoice_total == 32.26


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


def test_ten_pods_for_an_hour_a_day_on_fargate_cost_4_37():
    bill = pricing.fargate_bill(vcpu=0.25, memory_gb=1, tasks=10, seconds_per_task=30 * 3600, starts_per_task=30)
    assert bill.invoice_total == 4.37


def test_the_older_example_of_thirty_million_small_requests_still_costs_11_63():
    assert lambda_bill(requests=30e6, duration_ms=200, memory_mb=128).invoice_total == 11.63


def test_a_month_of_reading_and_writing_s3_costs_1_80():
    bill = service_bill("s3.requests.write", 310_000) + service_bill("s3.requests.read", 620_000)
    assert [float(line.invoiced) for line in bill.lines] == [1.55, 0.25]


def test_free_traffic_comes_off_the_first_tier_and_moves_no_bounds():
    """The example is from the time when 1 GB a month was free."""
    rates = tables.prices()
    rates.loc["egress.free", "value"] = 1
    bill = service_bill("egress", 62 * 1024, rates=rates)
    assert [float(line.invoiced) for line in bill.lines if not line.free] == [921.51, 3481.60, 860.16]
    assert bill.invoice_total == 5263.27


def test_micro_vms_for_ten_thousand_builds_cost_1124_03():
    quantities = {
        "lambda_microvm.vcpu": (9.6e6, 21.6e6),
        "lambda_microvm.memory": (19.2e6, 43.2e6),
        "lambda_microvm.snapshot_read": (20_000,),
        "lambda_microvm.snapshot_storage": (2,),
    }
    bills = [service_bill(slug, quantity) for slug, each in quantities.items() for quantity in each]
    assert sum(bills[1:], bills[0]).invoice_total == 1124.03


def test_an_api_of_five_million_small_answers_pays_for_requests_and_traffic():
    answers_gb = 5e6 * 3 / 1024**2
    bill = pricing.api_bill("REST", requests=5e6) + service_bill("egress", answers_gb, free_tier=False)
    assert bill.invoice_total == 18.79


def test_an_http_api_changes_tier_after_three_hundred_million_counted_requests():
    bill = pricing.api_bill("HTTP", requests=216e6, payload_kb=600)
    assert [float(line.invoiced) for line in bill.lines] == [300.00, 118.80]
