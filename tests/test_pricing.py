"""Bills one by one: what they contain, how they add, what they refuse."""

import math

import numpy as np
import pytest

from helpers import pricing, tables
from helpers.pricing import (
    Bill,
    LambdaUse,
    Provisioned,
    SnapStart,
    api_bill,
    break_even,
    ec2_bill,
    eks_bill,
    fargate_bill,
    lambda_account_bill,
    lambda_bill,
    lambda_cost,
    last_break_even,
    managed_instances_bill,
    memory_model,
    rack_bill,
    service_bill,
)
from helpers.pricing.scenarios import Workload, compute_models

API = {"requests": 500_000, "duration_ms": 100, "memory_mb": 256}


def test_half_a_million_small_requests_are_free():
    bill = lambda_bill(**API)
    assert bill.total == 0
    assert {line.item for line in bill.free_lines} == {"Requests (free tier)", "Duration x86_64 (free tier)"}


def test_an_average_of_more_than_0_8_gb_seconds_a_request_leaves_the_free_tier():
    at_the_edge = lambda_bill(requests=500_000, duration_ms=800, memory_mb=1024)
    beyond = lambda_bill(requests=500_000, duration_ms=801, memory_mb=1024)
    assert at_the_edge.total == 0
    assert beyond.total == pytest.approx(500 * 0.0000166667)


def test_no_traffic_costs_nothing_on_lambda_and_a_full_month_on_ec2():
    assert lambda_bill(requests=0, duration_ms=100, memory_mb=128, free_tier=False).total == 0
    assert ec2_bill("t3.micro").total == pytest.approx(7.592)


def test_every_line_names_its_rate_source_and_date():
    frame = lambda_bill(requests=3e6, duration_ms=120, memory_mb=1536).to_frame()
    assert list(frame.columns) == ["item", "quantity", "unit", "rate", "usd", "source", "as_of"]
    assert frame.source.str.len().min() > 10
    assert frame.as_of.notna().all()


def test_arm_is_charged_at_its_own_rate_and_its_tier_begins_later():
    seven_billion = {"requests": 7e9, "duration_ms": 1000, "memory_mb": 1024, "free_tier": False}
    x86, arm = (lambda_bill(**seven_billion, architecture=name) for name in pricing.ARCHITECTURES)
    assert [line.item for line in x86.lines[1:]] == ["Duration x86_64", "Duration x86_64, tier 2"]
    assert [line.item for line in arm.lines[1:]] == ["Duration arm64"]
    assert x86.total == pytest.approx(7000 * 0.2 + 6e9 * 0.0000166667 + 1e9 * 0.000015)
    assert arm.total == pytest.approx(7000 * 0.2 + 7e9 * 0.0000133334)


def test_cold_starts_bill_their_init():
    warm = lambda_bill(requests=1e6, duration_ms=100, memory_mb=1024, free_tier=False)
    cold = lambda_bill(
        requests=1e6, duration_ms=100, memory_mb=1024, free_tier=False, init_ms=200, cold_start_share=0.01
    )
    assert cold.total - warm.total == pytest.approx(1e4 * 0.2 * 0.0000166667)


def test_provisioned_concurrency_is_billed_in_steps_of_five_minutes():
    bill = lambda_bill(
        requests=0, duration_ms=1, memory_mb=1024, provisioned=Provisioned(1, hours=1.01), free_tier=False
    )
    allocated = next(line for line in bill.lines if line.slug.endswith("allocated"))
    assert allocated.quantity == pytest.approx(3600 + 300)


def test_provisioned_concurrency_breaks_even_with_on_demand_at_sixty_percent_use():
    hour = {"memory_mb": 1024, "duration_ms": 1000, "free_tier": False}
    kept = Provisioned(1, hours=1)
    used = break_even(
        lambda n: lambda_bill(requests=n, provisioned=kept, **hour),
        lambda n: lambda_bill(requests=n, **hour),
        low=1,
        high=3600,
    )
    assert [round(crossing.x / 3600, 3) for crossing in used] == [0.6]


def test_an_asynchronous_event_above_256_kb_counts_as_several_requests():
    bills = [
        lambda_bill(requests=1e6, duration_ms=1, memory_mb=128, free_tier=False, payload_kb=kb)
        for kb in (0, 256, 320, 1024)
    ]
    assert [bill.lines[0].quantity for bill in bills] == [1, 1, 2, 13]


def test_an_account_gets_one_free_tier_and_both_architectures_share_it():
    uses = [LambdaUse(requests=6e5, duration_ms=1000, memory_mb=1024, architecture=a) for a in pricing.ARCHITECTURES]
    bill = lambda_account_bill(uses)
    free = sum(line.quantity for line in bill.free_lines if line.slug == "lambda.free.gb_seconds")
    assert free == pytest.approx(400_000)
    assert bill.total == pytest.approx(0.2 * 0.2 + 400_000 * (0.0000166667 + 0.0000133334))


def test_an_account_without_functions_owes_nothing():
    assert lambda_account_bill([]) == Bill(())


def test_two_bills_with_the_same_free_tier_do_not_add_and_the_remedy_is_named():
    with pytest.raises(ValueError, match="lambda_account_bill"):
        lambda_bill(**API) + lambda_bill(**API)
    with pytest.raises(ValueError, match="service_bill once"):
        service_bill("egress", 10) + service_bill("egress", 10)
    assert (lambda_bill(**API) + service_bill("egress", 10)).total == 0


def test_bills_of_different_periods_do_not_add():
    month = ec2_bill("t3.micro")
    year = month * 12
    assert year.period == "12 months"
    assert year.total == pytest.approx(12 * month.total)
    with pytest.raises(ValueError, match="12 months"):
        month + year


def test_an_invoice_rounds_half_a_cent_up_line_by_line():
    rates = tables.prices()
    rates.loc["ec2.t3.nano", "value"] = 0.125
    assert ec2_bill("t3.nano", hours=1, rates=rates).invoice_total == 0.13
    rates.loc["ec2.t3.nano", "value"] = 0.005
    three = sum(
        (ec2_bill("t3.nano", hours=1, rates=rates) for _ in range(2)), ec2_bill("t3.nano", hours=1, rates=rates)
    )
    assert (three.total, three.invoice_total) == (pytest.approx(0.015), 0.03)


def test_another_price_table_changes_the_bill_and_not_the_collections_own():
    rates = tables.prices()
    rates.loc["lambda.requests", "value"] = 0.40
    use = {"requests": 2e6, "duration_ms": 1, "memory_mb": 128, "free_tier": False}
    doubled, own = lambda_bill(**use, rates=rates), lambda_bill(**use)
    assert doubled.total - own.total == pytest.approx(0.40)
    assert lambda_cost(**use, rates=rates) == pytest.approx(doubled.total)
    assert lambda_bill(**use, rates=tables.price_list()) == own


def test_a_rates_table_of_the_wrong_form_is_refused():
    with pytest.raises(ValueError, match="rates must be"):
        lambda_bill(**API, rates=[1, 2])


def test_a_bill_in_words_writes_large_quantities_out_and_ends_with_its_total():
    line = Bill((pricing.Line("Duration", 1_050_000.25, "GB-second", 0.0000166667, "slug", "source", None),))
    assert str(line).splitlines() == [
        "Duration             1,050,000 GB-second  x 0.0000166667  17.50 USD",
        "Total for one month                                       17.50 USD",
    ]


def test_a_task_that_runs_once_for_ninety_seconds_pays_for_ninety():
    one, sixty = (fargate_bill(vcpu=1, memory_gb=2, tasks=1, seconds_per_task=s) for s in (90, 60))
    assert one.total / sixty.total == pytest.approx(1.5)


def test_a_task_runs_as_long_as_the_longest_month_at_most():
    fargate_bill(vcpu=1, memory_gb=2, tasks=1, seconds_per_task=744 * 3600)
    with pytest.raises(ValueError, match=r"seconds_per_task must be .* 2678400"):
        fargate_bill(vcpu=1, memory_gb=2, tasks=1, seconds_per_task=744 * 3600 + 1)


def test_a_task_on_fargate_has_a_disk_of_200_gb_at_most():
    task = {"vcpu": 1, "memory_gb": 2, "tasks": 1}
    assert fargate_bill(**task, ephemeral_storage_gb=200).total > fargate_bill(**task).total
    with pytest.raises(ValueError, match="between 20 and 200"):
        fargate_bill(**task, ephemeral_storage_gb=201)


def test_a_start_on_fargate_is_billed_a_minute_at_least():
    short, minute = (
        fargate_bill(vcpu=1, memory_gb=2, tasks=1, seconds_per_task=100 * s, starts_per_task=100).total for s in (5, 60)
    )
    assert short == minute > 0


def test_a_committed_instance_is_paid_whether_it_runs_or_not():
    assert ec2_bill("t3.medium", hours=1, commitment="reserved_1y").total == pytest.approx(730 * 0.0261)
    assert ec2_bill("m7g.large", commitment="savings_plan_1y").total == pytest.approx(730 * 0.0816 * 0.68)


def test_a_commitment_without_a_price_row_names_those_that_have_one():
    with pytest.raises(ValueError, match="reserved_1y, reserved_3y"):
        ec2_bill("t3.medium", commitment="savings_plan_1y")
    with pytest.raises(ValueError, match="no committed price"):
        ec2_bill("t3.micro", commitment="reserved_1y")


def test_an_instance_with_disk_and_address_costs_what_aws_lists():
    assert ec2_bill("t3.micro", storage_gb=8, public_ipv4=1).invoice_total == 7.59 + 0.64 + 3.65


def test_a_cluster_costs_its_control_plane_and_its_nodes():
    nodes = ec2_bill("m7g.large", count=3)
    assert eks_bill(nodes=nodes).total == pytest.approx(73 + nodes.total)


def test_managed_instances_add_fifteen_percent_of_the_instances_and_the_requests():
    nodes = ec2_bill("m7g.large", count=3, storage_gb=20)
    bill = managed_instances_bill(nodes=nodes, requests=10e6)
    assert bill.total == pytest.approx(nodes.total + 0.15 * 3 * 730 * 0.0816 + 2.00)


def test_a_rack_costs_its_purchase_space_power_and_people():
    bill = rack_bill(
        servers=9, price_per_server=6000, years=5, kw_per_server=0.4, usd_per_kw_month=200, admins_share=0.2
    )
    assert [line.usd for line in bill.lines] == pytest.approx([900, 720, 9 * 0.4 * 730 * 0.13, 0.2 * 85_000 / 12])
    assert bill.lines[0].source == "your input"
    assert bill.lines[2].source != "your input"


def test_front_doors_cost_what_the_lessons_api_would_pay():
    doors = {kind: api_bill(kind, requests=500_000).invoice_total for kind in ("HTTP", "REST", "URL")}
    assert doors == {"HTTP": 0.50, "REST": 1.75, "URL": 0.0}


def test_no_invocation_is_billed_for_longer_than_the_longest_timeout():
    assert pricing.billed_duration_ms(900_000) == 900_000
    with pytest.raises(ValueError, match=r"duration_ms must be .* 900000"):
        pricing.billed_duration_ms(900_000.1)


def test_an_http_api_counts_each_started_512_kb():
    small, large = (api_bill("HTTP", requests=1e6, payload_kb=kb).total for kb in (512, 513))
    assert (small, large) == (1.0, 2.0)


def test_a_load_balancer_costs_its_hours_and_the_larger_of_connections_and_traffic():
    idle = api_bill("ALB", requests=0).total
    connections = api_bill("ALB", requests=25 * 3600 * 730).total
    traffic = api_bill("ALB", requests=1024 * 730, payload_kb=1024, lambda_target=False).total
    assert idle == pytest.approx(730 * 0.0225)
    assert connections == pytest.approx(idle + 730 * 0.008)
    assert traffic == pytest.approx(idle + 730 * 0.008)
    functions = api_bill("ALB", requests=1024 * 730, payload_kb=1024).total  # 0.4 GB an hour make a unit for them
    assert functions == pytest.approx(idle + 2.5 * 730 * 0.008)


def test_a_single_row_is_charged_flat_and_a_meter_by_its_tiers():
    assert service_bill("egress.tier4", 100).total == pytest.approx(5.0)
    assert service_bill("egress", 10_240).total == pytest.approx(10_140 * 0.09)
    assert service_bill("cloudwatch.logs.ingestion", 30_720).total == pytest.approx(10_240 * 0.5 + 20_480 * 0.25)


def test_sweeps_broadcast_their_inputs():
    cost = lambda_cost(requests=np.array([[0], [1e6], [1e7]]), duration_ms=100, memory_mb=np.array([128, 1024]))
    assert cost.shape == (3, 2)
    assert (np.diff(cost, axis=0) >= 0).all()


def test_below_one_vcpu_half_the_memory_takes_twice_the_computing_time():
    assert memory_model(wait_ms=50, cpu_ms=100, memory_mb=1769) == 150
    assert memory_model(wait_ms=50, cpu_ms=100, memory_mb=10_240) == 150
    assert memory_model(0, 100, np.array([1769 / 2, 1769 / 4])).tolist() == [200, 400]


def flat(usd):
    line = pricing.Line("flat", usd, "USD", 1.0, "x", "test", None)
    return lambda _: Bill((line,))


def per_request(usd):
    return lambda n: Bill((pricing.Line("each", n, "request", usd, "x", "test", None),))


def test_break_even_of_a_flat_and_a_growing_bill_is_their_quotient():
    (crossing,) = break_even(per_request(0.001), flat(7.3), low=0, high=1e6)
    assert (crossing.kind, crossing.x) == ("cross", pytest.approx(7300, rel=1e-9))


def test_break_even_of_bills_that_never_meet_is_empty():
    assert break_even(flat(1), flat(2), low=0, high=1e6) == ()


def test_break_even_reports_a_step_as_a_jump_at_its_place():
    def stepped(n):
        return flat(5 if n <= 1000 else 20)(n)

    (crossing,) = break_even(stepped, flat(10), low=0, high=1e6)
    assert (crossing.kind, crossing.x) == ("jump", pytest.approx(1000, rel=1e-9))


def test_break_even_reports_where_two_bills_run_together():
    def free_at_first(n):
        return per_request(0.01)(max(0, n - 250_000))

    (crossing,) = break_even(free_at_first, flat(0), low=0, high=1e6)
    assert (crossing.kind, crossing.x) == ("equal", 0)
    assert crossing.until == pytest.approx(250_000, rel=1e-6)


def test_break_even_finds_two_crossings_between_its_first_points():
    def bump(n):
        return per_request(1.0)(1 if abs(n - 500_123) > 4000 else 3)

    assert [c.kind for c in break_even(bump, flat(2), low=0, high=1e6)] == ["jump", "jump"]


@pytest.mark.parametrize("peak", [1, 2, 3, 4, 5])
@pytest.mark.parametrize("model", ["Fargate", "EC2", "EKS", "Rack"])
def test_the_last_break_even_is_the_last_of_all(model, peak):
    bills = compute_models(Workload(peak=peak))
    found = break_even(bills["Lambda"], bills[model], low=1e6, high=1e10)
    last = last_break_even(bills["Lambda"], bills[model], low=1e6, high=1e10)
    assert (last is None) == (found == ())
    assert last is None or (last.x, last.kind) == (pytest.approx(found[-1].x, rel=1e-8), found[-1].kind)


def test_two_bills_that_start_at_zero_together_are_told_apart_right_after():
    found = break_even(per_request(1.0), per_request(2.0), low=0, high=1e6)
    assert [(c.kind, c.x) for c in found] == [("equal", 0)]
    assert found[0].until < 1


def test_break_even_refuses_an_empty_range():
    with pytest.raises(ValueError, match="low must be below high"):
        break_even(flat(1), flat(2), low=5, high=5)


@pytest.mark.parametrize(
    ("use", "name"),
    [
        ({"init_ms": np.array([1, 2])}, "init_ms"),
        ({"provisioned": Provisioned(np.array([1, 2]))}, "environments"),
        ({"snapstart": SnapStart(10, np.array([1, 2]))}, "restores"),
    ],
)
def test_a_bill_is_about_one_month_and_names_what_is_an_array(use, name):
    with pytest.raises(ValueError, match=f"{name} must be one number for a bill"):
        lambda_bill(**API, **use)
    with pytest.raises(ValueError, match=f"{name} must be one number for a bill"):
        lambda_account_bill([LambdaUse(**API, **use)])
    assert lambda_cost(**API, **use).shape in ((), (2,))


BAD = [math.nan, math.inf, -1, "100", None, True, [1, -1]]


@pytest.mark.parametrize("value", BAD, ids=repr)
@pytest.mark.parametrize(
    "name",
    [
        "requests",
        "duration_ms",
        "memory_mb",
        "init_ms",
        "cold_start_share",
        "ephemeral_storage_mb",
        "streamed_gb",
        "payload_kb",
    ],
)
def test_a_bad_number_is_refused_by_name(name, value):
    with pytest.raises(ValueError, match=rf"{name} must be"):
        lambda_bill(**{**API, name: value})
    with pytest.raises(ValueError, match=rf"{name} must be"):
        lambda_cost(**{**API, name: value})


@pytest.mark.parametrize(
    ("name", "value", "allowed"),
    [
        ("memory_mb", 127, "between 128 and 10240, got 127"),
        ("memory_mb", 10_241, "between 128 and 10240, got 10241"),
        ("memory_mb", 0, "between 128 and 10240, got 0"),
        ("duration_ms", 900_001, "more than 0 and at most 900000, got 900001"),
        ("duration_ms", 0, "more than 0"),
        ("cold_start_share", 1.01, "between 0 and 1, got 1.01"),
        ("ephemeral_storage_mb", 511, "between 512 and 10240, got 511"),
        ("payload_kb", 1025, "between 0 and 1024"),
        ("architecture", "arm", "one of x86_64, arm64, got 'arm'"),
        ("architecture", None, "one of x86_64, arm64, got None"),
        ("provisioned", 5, "a Provisioned or None, got 5"),
        ("snapstart", "yes", "a SnapStart or None, got 'yes'"),
        ("free_tier", "no", "True or False, got 'no'"),
        ("requests", np.array([1, 2]), "one number for a bill"),
    ],
)
def test_an_input_out_of_range_is_refused_with_the_range(name, value, allowed):
    with pytest.raises(ValueError, match=f"{name} must be {allowed}"):
        lambda_bill(**{**API, name: value})


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: fargate_bill(vcpu=0, memory_gb=2, tasks=1), "vcpu must be more than 0"),
        (lambda: fargate_bill(vcpu=1, memory_gb=-2, tasks=1), "memory_gb must be more than 0"),
        (lambda: fargate_bill(vcpu=1, memory_gb=2, tasks=-1), "tasks must be 0 or more"),
        (
            lambda: fargate_bill(vcpu=1, memory_gb=2, tasks=1, seconds_per_task=0),
            "seconds_per_task must be more than 0",
        ),
        (lambda: fargate_bill(vcpu=1, memory_gb=2, tasks=1, starts_per_task=0), "starts_per_task must be more than 0"),
        (
            lambda: fargate_bill(vcpu=1, memory_gb=2, tasks=1, ephemeral_storage_gb=5),
            "ephemeral_storage_gb must be between 20",
        ),
        (lambda: fargate_bill(vcpu=1, memory_gb=2, tasks=1, architecture="mips"), "architecture must be one of"),
        (lambda: ec2_bill("t3.micro", count=-1), "count must be 0 or more"),
        (lambda: ec2_bill("t3.micro", hours=745), "hours must be between 0 and 744"),
        (lambda: ec2_bill("t3.micro", storage_gb=math.nan), "storage_gb must be"),
        (lambda: eks_bill(nodes=5), "nodes must be a Bill"),
        (lambda: eks_bill(nodes=Bill(()), clusters=-1), "clusters must be"),
        (lambda: managed_instances_bill(nodes=None, requests=1), "nodes must be a Bill"),
        (lambda: rack_bill(servers=1, years=0, kw_per_server=1, admins_share=0), "years must be more than 0"),
        (lambda: rack_bill(servers=1, years=1, kw_per_server=0, admins_share=0), "kw_per_server must be more than 0"),
        (lambda: rack_bill(servers=1, years=1, kw_per_server=1, admins_share=0, usd_per_kwh=-1), "usd_per_kwh must be"),
        (lambda: api_bill("SOAP", requests=1), "kind must be one of HTTP, REST, ALB, URL, got 'SOAP'"),
        (lambda: api_bill("HTTP", requests=-1), "requests must be"),
        (lambda: service_bill("egress", -1), "quantity must be"),
        (lambda: service_bill("fargate.spot_discount", 1), "which is a fraction"),
        (lambda: service_bill("lambda.free.requests", 1), "which is a quantity"),
        (lambda: Provisioned(1, hours=745), "hours must be between 0 and 744"),
        (lambda: Provisioned(1, requests_share=2), "requests_share must be between 0 and 1"),
        (lambda: SnapStart(-1, 0), "cached_hours must be"),
        (lambda: lambda_account_bill([{"requests": 1}]), "LambdaUse only"),
        (lambda: ec2_bill("t3.micro") * -1, "periods must be more than 0"),
        (lambda: memory_model(1, 1, 64), "memory_mb must be between 128 and 10240"),
        (lambda: pricing.metered_units(-1, step_kb=64), "payload_kb must be"),
    ],
)
def test_every_bill_refuses_what_makes_no_sense(call, message):
    with pytest.raises(ValueError, match=message):
        call()


@pytest.mark.parametrize(
    ("call", "near"),
    [
        (lambda: ec2_bill("t3.mikro"), "ec2.t3.micro"),
        (lambda: ec2_bill("micro"), "a type such as"),
        (lambda: ec2_bill(5), "a type such as"),
        (lambda: service_bill("sqs.requests", 1), "sqs.standard.requests"),
    ],
)
def test_an_unknown_name_is_answered_with_near_ones(call, near):
    with pytest.raises(KeyError, match=near):
        call()
