"""A group and its health check: too little grace, too much of it, and nobody who asks the service."""

import math

import pytest

from helpers.replacing import HealthCheck, hang_noticed_s, never_starts_noticed_s, survives_start


def test_a_group_that_asks_the_machine_only_never_notices_a_hang():
    assert hang_noticed_s(HealthCheck(type="EC2")) == math.inf
    assert never_starts_noticed_s(HealthCheck(type="EC2", grace_s=60)) == math.inf
    assert survives_start(HealthCheck(type="EC2"), start_s=10_000)


def test_a_hang_is_noticed_after_as_many_failures_as_count():
    assert hang_noticed_s(HealthCheck(type="ELB", interval_s=10, unhealthy=3)) == 30


@pytest.mark.parametrize(("grace_s", "kept"), [(0, False), (150, False), (159, False), (160, True), (300, True)])
def test_grace_must_last_until_the_last_success_that_counts(grace_s, kept):
    check = HealthCheck(type="ELB", grace_s=grace_s, interval_s=10, healthy=2, unhealthy=3)
    assert survives_start(check, start_s=150) is kept


def test_a_start_that_is_quicker_than_the_failures_needs_no_grace():
    assert survives_start(HealthCheck(type="ELB", interval_s=10, unhealthy=3), start_s=25)


def test_a_machine_that_never_starts_is_left_alone_for_the_whole_grace():
    assert never_starts_noticed_s(HealthCheck(type="ELB", grace_s=600)) == 600
    assert never_starts_noticed_s(HealthCheck(type="ELB", grace_s=0)) == 60


def test_settings_out_of_range_are_refused():
    with pytest.raises(ValueError, match="type must be"):
        HealthCheck(type="HTTP")
    with pytest.raises(ValueError, match="healthy must be between 2 and 10"):
        HealthCheck(healthy=1)
