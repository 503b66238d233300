"""What the figures of the five edges say, and the calculations behind promise and game."""

from __future__ import annotations

import time

import pytest

from helpers.coldstart import Remedies, outcome
from helpers.coldstart.promise import Promise, keep, promised
from helpers.scaling.sessions import Game, both_ways, on_functions, on_servers, servers_month
from helpers.show import edges

SLOW = {"wait_ms": 300, "cpu_ms": 20, "memory_mb": 3008, "init_ms": 2000}


def test_a_kept_promise_takes_the_fewest_environments_that_keep_it() -> None:
    use, promise = Remedies(requests=1_000_000, **SLOW), Promise(objective_ms=1000, share=0.001)
    found = keep(use, promise)
    assert found is not None
    assert promise.kept(found)
    assert not promise.kept(outcome(use, provisioned=found.environments - 1))


def test_what_is_warm_and_too_slow_is_helped_by_no_number() -> None:
    use = Remedies(requests=1_000_000, wait_ms=800, cpu_ms=100, memory_mb=1024)
    assert keep(use, Promise(objective_ms=1000, share=0.001)) is None


def test_a_promise_that_holds_by_itself_costs_nothing_more() -> None:
    frame = promised(Remedies(requests=1, **SLOW), Promise(objective_ms=5000), requests=[1e5])
    assert frame.environments[0] == 0
    assert frame.kept_usd[0] == frame.on_demand_usd[0]


def test_somewhere_the_promise_costs_more_than_a_fleet() -> None:
    frame = promised(Remedies(requests=1, **SLOW), Promise(objective_ms=1000), requests=[3e5, 1e6])
    assert (frame.kept_usd > frame.fleet_usd).tolist() == [False, True]


def test_a_message_takes_two_round_trips_and_the_work_on_functions() -> None:
    game = Game(players=100, store_ms=4, store_p99_ms=4.001)
    assert on_functions(game).latency_ms(0.5) == pytest.approx(9, rel=0.02)


def test_a_message_takes_the_work_alone_on_servers_that_are_not_full() -> None:
    assert on_servers(Game(players=100)).latency_ms(0.5) == pytest.approx(1, rel=0.02)


def test_full_servers_make_messages_wait() -> None:
    full = Game(players=790, messages_per_s=5, utilisation=1.0)  # 3.95 of 4 processors
    assert on_servers(full).latency_ms(0.99) > 2 * on_servers(Game(players=790, messages_per_s=5)).latency_ms(0.99)


def test_the_same_seed_gives_the_same_game() -> None:
    assert both_ways(Game(players=50)).equals(both_ways(Game(players=50)))


def test_servers_are_paid_whether_anybody_plays_or_not() -> None:
    assert servers_month(Game(players=1)).total == servers_month(Game(players=100)).total


def test_a_dear_store_dominates_the_functions_month() -> None:
    frame = both_ways(Game(players=50)).set_index("way")
    cheap = both_ways(Game(players=50, store="Redis", store_ms=0.5, store_p99_ms=2)).set_index("way")
    assert frame.usd["functions, DynamoDB"] > 5 * cheap.usd["functions, Redis"]


@pytest.mark.parametrize(
    ("draw", "moved"),
    [
        (edges.break_even, {"fleet": "EC2 committed", "people_hours": 40}),
        (edges.promise, {"memory_mb": 1024, "objective_ms": 700}),
        (edges.game, {"players": 2000}),
        (edges.steady_month, {"people_hours": 80}),
    ],
)
def test_an_explorers_figure_is_drawn_anew_within_200_ms(draw, moved) -> None:
    draw()  # imports, compiling and tables are behind it
    least = 10.0
    for _ in range(3):
        begin = time.process_time()  # on a machine with other work, processor time is what the drawing takes
        chart = draw(**moved)
        least = min(least, time.process_time() - begin)
    assert least < 0.2
    assert chart.sentence != draw().sentence


def test_the_map_says_where_functions_stay_cheaper() -> None:
    chart = edges.break_even(utilisation=2, computing=100)
    assert "functions are cheaper up to 100,000" in chart.sentence
    assert edges.break_even().figure["layout"]["shapes"]


def test_the_promise_says_when_no_number_helps() -> None:
    chart = edges.promise(objective_ms=300)
    assert "No number of environments" in chart.sentence
