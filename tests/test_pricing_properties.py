"""What must hold of every bill, whatever the inputs: tried on random ones."""

import math
from dataclasses import replace

import numpy as np
import pytest

pytest.importorskip("hypothesis", reason="the property tests need tests/requirements.txt")
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from helpers import pricing, tables
from helpers.pricing import LambdaUse, Provisioned, SnapStart

requests = st.floats(0, 1e11)
durations = st.floats(0.01, 900_000)
memories = st.integers(128, 10_240)
shares = st.floats(0, 1)
uses = st.fixed_dictionaries(
    {
        "requests": requests,
        "duration_ms": durations,
        "memory_mb": memories,
        "architecture": st.sampled_from(pricing.ARCHITECTURES),
        "init_ms": st.floats(0, 10_000),
        "cold_start_share": shares,
        "ephemeral_storage_mb": st.integers(512, 10_240),
        "streamed_gb": st.floats(0, 1e6),
        "payload_kb": st.floats(0, 1024),
    },
    optional={
        "provisioned": st.builds(Provisioned, st.floats(0, 1000), st.floats(0, 744), shares),
    },
)


@given(uses, st.booleans())
def test_a_bill_is_never_negative_and_every_line_is_quantity_times_rate(use, free_tier):
    bill = pricing.lambda_bill(**use, free_tier=free_tier)
    assert bill.total >= 0
    assert all(line.quantity >= 0 and line.usd == line.quantity * line.rate for line in bill.lines)


@given(uses)
def test_the_free_tier_never_raises_a_bill(use):
    with_it, without = (pricing.lambda_bill(**use, free_tier=granted).total for granted in (True, False))
    assert with_it <= without * (1 + 1e-12)


GROWING = {
    "requests": 1e11,
    "duration_ms": 900_000,
    "memory_mb": 10_240,
    "init_ms": 900_000,
    "cold_start_share": 1,
    "ephemeral_storage_mb": 10_240,
    "streamed_gb": 1e6,
    "payload_kb": 1024,
}


@pytest.mark.parametrize("name", GROWING)
@given(use=uses, up=shares, free_tier=st.booleans())
@settings(max_examples=40)
def test_more_of_anything_never_costs_less(name, use, up, free_tier):
    more = {**use, name: use[name] + up * (GROWING[name] - use[name])}
    before, after = (pricing.lambda_bill(**each, free_tier=free_tier).total for each in (use, more))
    assert after >= before * (1 - 1e-12)


@given(uses, st.booleans())
def test_the_sweep_costs_what_the_bill_totals(use, free_tier):
    cost = pricing.lambda_cost(**use, free_tier=free_tier)
    assert float(cost) == pytest.approx(pricing.lambda_bill(**use, free_tier=free_tier).total, rel=1e-12, abs=1e-12)


@given(
    st.lists(
        st.tuples(requests, durations, memories, shares, st.sampled_from(pricing.ARCHITECTURES)), min_size=1, max_size=6
    )
)
def test_a_sweep_over_arrays_equals_the_bills_element_by_element(rows):
    n, ms, mb, cold, chips = (np.array(column) for column in zip(*rows, strict=True))
    swept = pricing.lambda_cost(
        requests=n, duration_ms=ms, memory_mb=mb, cold_start_share=cold, init_ms=200, architecture=chips
    )
    singly = [
        pricing.lambda_bill(
            requests=a, duration_ms=b, memory_mb=int(c), cold_start_share=d, init_ms=200, architecture=str(e)
        ).total
        for a, b, c, d, e in rows
    ]
    assert swept.tolist() == pytest.approx(singly, rel=1e-12, abs=1e-12)


@given(uses, uses)
def test_totals_without_free_tier_add_up_exactly(one, other):
    a, b = (pricing.lambda_bill(**use, free_tier=False) for use in (one, other))
    assert (a + b).total == math.fsum([line.usd for line in (*a.lines, *b.lines)])
    assert (a + b).total == pytest.approx(a.total + b.total, rel=1e-15)


@given(uses, st.integers(1, 60))
def test_a_bill_times_a_number_of_months_costs_that_many_times_as_much(use, months):
    bill = pricing.lambda_bill(**use)
    assert (bill * months).total == pytest.approx(bill.total * months, rel=1e-12)


@given(uses)
def test_one_function_costs_the_same_alone_and_as_an_account(use):
    assert pricing.lambda_account_bill([LambdaUse(**use)]) == pricing.lambda_bill(**use)


@given(uses, uses)
def test_pooling_two_functions_never_costs_more_than_sharing_no_free_tier(one, other):
    pooled = pricing.lambda_account_bill([LambdaUse(**one), LambdaUse(**other)]).total
    apart = sum(pricing.lambda_bill(**use, free_tier=False).total for use in (one, other))
    assert pooled <= apart * (1 + 1e-12)


@given(requests, durations, memories, st.integers(2, 5))
def test_splitting_a_function_into_equal_parts_changes_no_account_bill(total, duration, memory, parts):
    whole = pricing.lambda_bill(requests=total, duration_ms=duration, memory_mb=memory).total
    part = LambdaUse(requests=total / parts, duration_ms=duration, memory_mb=memory)
    assert pricing.lambda_account_bill([part] * parts).total == pytest.approx(whole, rel=1e-9, abs=1e-9)


METERS = sorted({price.meter for price in tables.price_list().values() if price.kind == "usd"})


@pytest.mark.parametrize("meter", METERS)
@given(quantity=st.floats(0, 1e12), more=st.floats(0, 1e12), free_tier=st.booleans())
@settings(max_examples=15)
def test_every_service_is_priced_and_grows_with_its_quantity(meter, quantity, more, free_tier):
    bills = [pricing.service_bill(meter, q, free_tier=free_tier).total for q in (quantity, quantity + more)]
    assert 0 <= bills[0] <= bills[1] * (1 + 1e-12)


TIERED = sorted({meter for meter in METERS if len(tables.tiers(meter)) > 1})


@pytest.mark.parametrize("meter", TIERED)
def test_a_tier_begins_where_the_last_one_ends_without_a_step(meter):
    for tier in tables.tiers(meter)[1:]:
        edge = float(tier.tier_from)
        below, at, above = (
            pricing.service_bill(meter, edge * part, free_tier=False).total for part in (1 - 1e-9, 1, 1 + 1e-9)
        )
        assert below <= at <= above
        assert above - below <= 3e-9 * at


@given(
    vcpu=st.sampled_from([0.25, 0.5, 1, 2, 4, 8, 16]),
    memory=st.floats(0.5, 120),
    tasks=st.integers(0, 500),
    seconds=st.floats(1, 730 * 3600),
    starts=st.integers(1, 1000),
)
def test_a_task_is_billed_at_least_its_seconds_and_at_least_a_minute_a_start(vcpu, memory, tasks, seconds, starts):
    bill = pricing.fargate_bill(
        vcpu=vcpu, memory_gb=memory, tasks=tasks, seconds_per_task=seconds, starts_per_task=starts
    )
    hours = bill.lines[0].quantity / vcpu
    least = tasks * max(seconds, 60 * starts) / 3600
    assert hours >= least * (1 - 1e-9)
    assert hours <= (least + tasks * starts / 3600) * (1 + 1e-9)


@given(snap_hours=st.floats(0.01, 744), restores=st.floats(0, 1e6), memory=memories)
def test_a_snapshot_is_cached_for_three_hours_at_least(snap_hours, restores, memory):
    bill = pricing.lambda_bill(
        requests=1, duration_ms=1, memory_mb=memory, free_tier=False, snapstart=SnapStart(snap_hours, restores)
    )
    cached = next(line for line in bill.lines if line.slug == "lambda.snapstart.cache")
    assert cached.quantity == pytest.approx(memory / 1024 * max(snap_hours, 3) * 3600)


@given(
    duration=st.floats(1, 2000),
    memory=st.integers(128, 4096),
    hourly=st.floats(0.001, 0.2),
    requests_a_server=st.floats(1e6, 5e7),
    free_tier=st.booleans(),
)
@settings(max_examples=25, deadline=None)
def test_break_even_finds_every_change_of_side_that_a_brute_force_scan_sees(
    duration, memory, hourly, requests_a_server, free_tier
):
    """Functions against a fleet that grows by whole servers: crossings, and jumps where a server is added."""
    rates = {**tables.price_list(), "ec2.t3.micro": replace(tables.price("ec2.t3.micro"), value=hourly)}
    server_usd, high = hourly * 730, 2e8
    assume(high / requests_a_server < 100)

    def functions(n):
        return pricing.lambda_bill(requests=n, duration_ms=duration, memory_mb=memory, free_tier=free_tier)

    def fleet(n):
        return pricing.ec2_bill("t3.micro", count=max(1, math.ceil(n / requests_a_server)), rates=rates)

    found = pricing.break_even(functions, fleet, low=0, high=high)
    assert all(crossing.kind in ("cross", "jump") for crossing in found)

    grid = np.linspace(0, high, 50_001)
    costs = pricing.lambda_cost(requests=grid, duration_ms=duration, memory_mb=memory, free_tier=free_tier)
    sides = np.sign(costs - server_usd * np.maximum(1, np.ceil(grid / requests_a_server)))
    grid, sides = grid[sides != 0], sides[sides != 0]  # bills that touch in one point change no side
    for place in np.flatnonzero(np.diff(sides)):
        inside = [c for c in found if grid[place] - 1e-6 <= c.x <= grid[place + 1] + 1e-6]
        assert len(inside) % 2 == 1, (grid[place], grid[place + 1], found)
    for crossing in found:
        step = max(crossing.x * 1e-7, 1e-6)
        gaps = [functions(x).total - fleet(x).total for x in (crossing.x - step, crossing.x + step)]
        assert np.sign(gaps[0]) != np.sign(gaps[1]), crossing
