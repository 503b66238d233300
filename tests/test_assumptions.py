"""What the models assume, entered a second time: whoever changes an assumption means it, and reads the notebooks again.

A bill or a fleet in a notebook rests on such numbers, and many of them can move by a tenth without any sentence there
becoming wrong. That is no reason to let them move unnoticed.
"""

from dataclasses import MISSING, fields
from math import inf

import pytest

from helpers.advice import Case, playing, rules, sketch, traffic
from helpers.advice.bills import SCALES, SMALL_LOAD
from helpers.capacity import DAY_SHAPE, Fleet, Week
from helpers.coldstart.remedies import Remedies
from helpers.coldstart.traffic import SHAPES
from helpers.history import Shop
from helpers.pricing.scenarios import Workload
from helpers.pricing.splitting import Work
from helpers.pricing.steady import Steady
from helpers.scaling.group import Group
from helpers.scaling.incidents import EVENINGS, INIT_MS, Incident
from helpers.scaling.platform import Asynchronous, Platform, Retry
from helpers.scaling.surge import Surge

ASSUMED = {
    Workload: {
        "wait_ms": 80,
        "cpu_ms": 10,
        "memory_mb": 512,
        "peak": 3,
        "utilisation": 0.5,
        "architecture": "x86_64",
        "minimum": 2,
        "server_vcpu": 32,
        "server_kw": 0.4,
        "server_years": 4,
    },
    Case: {
        "wait_ms": 80,
        "cpu_ms": 10,
        "memory_mb": 512,
        "architecture": "x86_64",
        "longest_ms": None,
        "peak": 3,
        "peak_hour": None,
        "idle_share": 0,
        "init_ms": 250,
        "cold_share": 0,
        "trigger": "http",
        "door": "HTTP",
        "response_kb": 20,
        "log_kb": 1,
        "file_mb": 0,
        "latency_aim_ms": None,
        "state_mb": 0,
        "state_trips": 2,
        "leave_months": None,
        "people_hours": 0,
        "usd_per_hour": None,
        "utilisation": 0.5,
        "minimum": 2,
        "free_tier": True,
    },
    Work: {"hours": 3, "pieces": 180, "at_once": 40},
    Steady: {
        "fleet": "EC2 on demand",
        "utilisation": 0.5,
        "computing": 0.5,
        "own_memory": 0.25,
        "people_hours": 0,
        "minimum": 2,
    },
    Week: {
        "per_second": 60,
        "weekend": 1.25,
        "launch": 3,
        "launch_day": 3,
        "launch_hour": 2,
        "ramp_minutes": 10,
        "fade_hours": 6,
        "spread": 0.05,
        "seed": 1,
    },
    Fleet: {"use": 0.6, "minimum": 2, "maximum": inf, "lead_minutes": 0, "review_minutes": 1, "linger_minutes": 15},
    Shop: {
        "wait_ms": 50,
        "cpu_ms": 100,
        "memory_mb": 1769,
        "use": 0.6,
        "minimum": 2,
        "server_vcpu": 16,
        "server_kw": 0.4,
        "server_years": 4,
        "rack_lead_weeks": 6,
        "rack_repair_hours": 24,
        "vm_review_minutes": 5,
        "vm_lead_minutes": 5,
        "task_lead_minutes": 2,
        "idle_minutes": 10,
        "patience_s": 10,
    },
    Group: {
        "unit_rate": 200,
        "use": 0.6,
        "minimum": 2,
        "maximum": 400,
        "alarm_s": 180,
        "lead_s": 120,
        "patience_s": 10,
        "signal": "requests",
    },
    Surge: {"base_rate": 1, "peak_rate": 10_000, "quiet_s": 10, "rise_s": 0, "hold_s": 50},
    Platform: {"keep_alive_s": 600, "provisioned": 0, "reserved": None, "routing": "newest"},
    Retry: {
        "attempts": 3,
        "first_wait_s": 1,
        "factor": 2,
        "longest_wait_s": 20,
        "jitter": True,
        "max_age_s": None,
    },
    Asynchronous: {"first_wait_s": 1, "longest_wait_s": 300, "jitter": False},
    Remedies: {
        "wait_ms": 50,
        "cpu_ms": 10,
        "memory_mb": 512,
        "init_ms": 800,
        "first_cpu_ms": 0,
        "shape": "a shop's day",
        "keep_alive_s": 360,
        "architecture": "x86_64",
        "warm_tail": 2,
        "init_tail": 1.3,
        "trimmed": 0.5,
        "more_memory": 2,
        "restore_ms": 200,
        "snapstart_charged": True,
        "spared": 0.001,
    },
}


CROWD = Surge(base_rate=400, peak_rate=6_000, quiet_s=10, rise_s=5, hold_s=60)


@pytest.mark.parametrize("model", ASSUMED, ids=lambda model: model.__name__)
def test_a_model_assumes_what_was_entered(model):
    assert {each.name: each.default for each in fields(model) if each.default is not MISSING} == ASSUMED[model]


def test_the_advisor_assumes_what_was_entered():
    assert (rules.TRIP_MS, SMALL_LOAD, SCALES) == (5, 0.5, (0.1, 1, 10))
    assert (playing.KEEP_ALIVE_S, playing.MOST_REQUESTS, traffic.WEEKS) == (600, 2_000_000, 4)
    assert (sketch.RATIO, sketch.LOWEST_MS, sketch.CLASSES) == (1.01, 0.01, 2600)
    assert (traffic.STRAY_SHARE, traffic.STRAY_GAP_DAYS, traffic.STEPS) == (0.001, 30, (1, 60, 3600))


def test_the_three_evenings_are_set_as_they_were_entered():
    assert INIT_MS == 300
    assert {
        "Tuesday": Incident(CROWD, 800, Platform(concurrency=6_000)),
        "Wednesday": Incident(CROWD, 100, Platform(concurrency=1_000, reserved=300)),
        "Thursday": Incident(CROWD, 20, Platform(concurrency=500)),
    } == EVENINGS


def test_an_ordinary_day_has_the_shape_that_was_entered():
    night, morning = (0.75, 0.6, 0.5, 0.42, 0.38, 0.4), (0.5, 0.65, 0.8, 0.95, 1.05, 1.1)
    afternoon, evening = (1.2, 1.2, 1.15, 1.15, 1.2, 1.3), (1.45, 1.6, 1.65, 1.55, 1.3, 1.0)
    assert night + morning + afternoon + evening == DAY_SHAPE


def test_the_days_of_other_functions_have_the_shapes_that_were_entered():
    assert SHAPES == {
        "even": (1,) * 24,
        "a shop's day": DAY_SHAPE,
        "office hours": (0.02,) * 8 + (2.361,) * 10 + (0.045,) * 6,
        "one busy hour": (0.01,) * 12 + (23.77,) + (0.01,) * 11,
    }
    assert {name: round(sum(shape)) for name, shape in SHAPES.items()} == dict.fromkeys(SHAPES, 24)
