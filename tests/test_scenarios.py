"""The comparisons that notebooks draw: sizes of fleets, a month of nothing, an API with its surroundings."""

import numpy as np
import pytest

from helpers import tables
from helpers.capacity import concurrency, units_needed
from helpers.pricing import break_even, memory_model
from helpers.pricing.scenarios import Workload, api_month, compute_models, idle_month, memory_sweep


def test_concurrency_is_rate_times_duration():
    assert concurrency(rate_per_s=100, duration_ms=500) == 50


def test_units_are_whole_and_never_fewer_than_the_minimum():
    assert units_needed(load=0, unit_capacity=1, minimum=2) == 2
    assert units_needed(load=4.0, unit_capacity=2, utilisation=0.5) == 4
    assert units_needed(load=4.0001, unit_capacity=2, utilisation=0.5) == 5


@pytest.mark.parametrize(
    ("name", "value"), [("load", -1), ("unit_capacity", 0), ("utilisation", 0), ("utilisation", 1.1), ("minimum", -1)]
)
def test_a_fleet_is_not_sized_from_nonsense(name, value):
    with pytest.raises(ValueError, match=f"{name} must be"):
        units_needed(**{"load": 1, "unit_capacity": 1, name: value})


def test_a_function_is_billed_for_waiting_and_a_fleet_is_sized_for_computing():
    waiting, computing = Workload(wait_ms=200, cpu_ms=10), Workload(wait_ms=0, cpu_ms=10)
    assert waiting.duration_ms == computing.duration_ms + 200
    assert waiting.peak_vcpu(1e9) == computing.peak_vcpu(1e9)


def test_the_duration_of_a_workload_follows_the_memory_model():
    assert Workload(wait_ms=80, cpu_ms=10, memory_mb=512).duration_ms == memory_model(80, 10, 512)


def test_the_workload_that_a_comparison_begins_with_by_hand():
    work = Workload()
    assert work.duration_ms == pytest.approx(80 + 10 * 1769 / 512)
    busy = 3e9 / (730 * 3600) * 3 * 0.010  # vCPUs at three times the average rate: 34.2
    assert work.peak_vcpu(3e9) == pytest.approx(busy)
    # half of a fleet's vCPUs are busy at the peak
    assert [work.units(3e9, vcpu) for vcpu in (1, 2, work.server_vcpu)] == [69, 35, 3]


def test_two_servers_in_the_rack_by_hand():
    lines = {line.item: line.quantity for line in compute_models(Workload())["Rack"](1e6).lines}
    by_hand = {
        "Servers, bought": 2 / (4 * 12),  # over four years
        "Rack space": 2 * 0.4,
        "Electricity": 2 * 0.4 * 730,
        "Administrators": 2 / tables.price("physical.servers_per_admin").value / 12,
    }
    assert lines == pytest.approx(by_hand)


def test_two_instances_with_their_disks_by_hand():
    assert compute_models(Workload())["EC2"](1e6).total == pytest.approx(2 * (730 * 0.096 + 20 * 0.08))


def test_a_fleet_grows_with_its_peak():
    flat, spiky = (compute_models(Workload(peak=peak))["EC2"](1e9).total for peak in (1, 10))
    assert spiky > 5 * flat


def test_a_fleet_costs_the_same_at_any_low_traffic_and_a_function_nothing_inside_the_free_tier():
    models = compute_models(Workload())
    for name in ("Fargate", "EC2", "EKS", "Rack"):
        assert models[name](0).total == models[name](1e6).total > 50
    assert models["Lambda"](1e6).total == 0


def test_flat_traffic_brings_the_break_even_forward_and_peaks_drive_it_away():
    places = {}
    for peak in (1, 3, 20):
        models = compute_models(Workload(peak=peak))
        found = break_even(models["Lambda"], models["Fargate"], low=1e6, high=1e10)
        places[peak] = found[-1].x if found else np.inf
    assert places[1] < places[3] < places[20] == np.inf


def test_a_cluster_costs_its_control_plane_more_than_its_instances():
    models = compute_models(Workload())
    assert models["EKS"](1e8).total - models["EC2"](1e8).total == pytest.approx(730 * tables.price("eks.cluster").value)


@pytest.mark.parametrize(("name", "value"), [("peak", 0.5), ("cpu_ms", 0), ("wait_ms", -1), ("architecture", "risc")])
def test_a_workload_without_sense_is_refused_by_name(name, value):
    with pytest.raises(ValueError, match=f"{name} must be"):
        Workload(**{name: value})


def test_in_a_month_without_requests_only_the_function_is_free():
    frame = idle_month().set_index("what").usd
    assert frame["Lambda function"] == 0
    assert (frame.drop("Lambda function") > 5).all()
    assert frame["Lambda, one provisioned (1 GB)"] == 10.95


def test_the_lessons_api_pays_for_its_front_door_and_not_for_its_function():
    parts = api_month(requests=5e5, duration_ms=100, memory_mb=256, response_kb=20).set_index("part").usd
    assert parts.to_dict() == {"function": 0.0, "front door": 0.5, "logs": 0.24, "data out": 0.0}


def test_in_the_model_cost_has_its_elbow_at_one_full_vcpu():
    sweep = memory_sweep(wait_ms=0, cpu_ms=500).set_index("memory_mb")
    assert sweep.duration_ms[4096] == sweep.duration_ms[1769] == 500
    assert sweep.usd_a_million[1769] == pytest.approx(sweep.usd_a_million[128], rel=0.01)
    assert sweep.usd_a_million[4096] > 2 * sweep.usd_a_million[1769]
    assert sweep.usd_a_million[1769] == pytest.approx(0.20 + 1e6 * 0.5 * 1769 / 1024 * 0.0000166667, abs=1e-4)


def test_a_month_without_requests_by_hand():
    month = 730
    by_hand = {
        "Lambda function": 0,
        "Lambda, one provisioned (1 GB)": 1 * month * 3600 * 0.0000041667,
        "EC2 t3.micro, disk, address": month * 0.0104 + 8 * 0.08 + month * 0.005,
        "Load balancer": month * 0.0225,
        "NAT gateway": month * 0.045,
        "Fargate, two tasks (1 vCPU, 2 GB)": 2 * month * (1 * 0.04048 + 2 * 0.004445),
        "EKS control plane": month * 0.10,
    }
    found = idle_month().set_index("what").usd.to_dict()
    assert found == {what: pytest.approx(usd, abs=0.0051) for what, usd in by_hand.items()}


def test_a_sweep_takes_the_sizes_that_people_choose_and_the_one_with_a_full_vcpu():
    sizes = memory_sweep(wait_ms=1, cpu_ms=1).memory_mb.tolist()
    assert sizes == [128, 192, 256, 384, 512, 768, 1024, 1280, 1536, 1769, 2048, 2560, 3008, 4096]
