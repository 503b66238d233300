"""A game of many players, on functions that fetch the session from a store, and on servers that hold it in memory.

Both ways get the same messages at the same moments. A function reads the session, works and writes it back: its time is
two round trips and the work, and its concurrency is what that takes. A server works only; what waits is a message that
finds every processor busy. Neither model has a network between player and cloud, which is the same for both.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from helpers.capacity import declared, units_needed
from helpers.checks import number
from helpers.pricing import HOURS_A_MONTH, ec2_bill, lambda_bill, service_bill
from helpers.pricing.bill import Bill
from helpers.scaling.arrivals import Arrivals, knots
from helpers.scaling.engine import simulate
from helpers.scaling.platform import Platform, Pollers
from helpers.scaling.samplers import constant, empirical, lognormal

if TYPE_CHECKING:
    import pandas as pd

    from helpers.scaling.result import Result

ARCHITECTURE, INSTANCE, VCPU = "arm64", "c7g.large", 2
RAMP_S = 10.0  # in which the players come
STORES = ("DynamoDB", "Redis")


@dataclass(frozen=True, kw_only=True)
class Game:
    """A game server's work. Made up, and says so.

    Attributes
    ----------
    players : in the game at once
    """

    players: float = 500
    messages_per_s: float = declared(10.0, "that one player sends: moves, shots, a chat now and then")
    work_ms: float = declared(1.0, "to apply a message to the session, on one vCPU")
    store: str = declared("DynamoDB", "where functions keep the session")
    store_ms: float = declared(4.0, "median of one round trip to the store")
    store_p99_ms: float = declared(20.0, "99th percentile of one")
    session_kb: float = declared(4.0, "a session's size, read and written whole")
    memory_mb: float = declared(256, "of the function")
    init_ms: float = declared(250.0, "of the function, SDK included")
    utilisation: float = declared(0.5, "of the servers' processors, on average")
    hours: float = declared(HOURS_A_MONTH, "a month in which people play so")
    watch_s: float = declared(4.0, "simulated, after the players have come")

    def __post_init__(self) -> None:
        number("players", self.players, 1, 20_000)
        number("messages_per_s", self.messages_per_s, 0.01, 100)
        number("work_ms", self.work_ms, above=True)
        number("store_ms", self.store_ms, above=True)
        number("store_p99_ms", self.store_p99_ms, self.store_ms)
        if self.store not in STORES:
            raise ValueError(f"store must be {' or '.join(STORES)}, got {self.store!r}")

    @property
    def rate_per_s(self) -> float:
        """Messages a second, all players together."""
        return self.players * self.messages_per_s

    @property
    def servers(self) -> int:
        """Instances that carry the work at the planned utilisation; at least two."""
        busy = self.rate_per_s * self.work_ms / 1000
        return units_needed(load=busy, unit_capacity=VCPU, utilisation=self.utilisation, minimum=2)


def _messages(game: Game, seed: int) -> Arrivals:
    end_s = RAMP_S + game.watch_s
    return knots([0, RAMP_S, end_s], [0, game.rate_per_s, game.rate_per_s], seed)


def on_functions(game: Game, *, seed: int = 0) -> Result:
    """Simulate the game on functions: each message reads the session, works, and writes it back.

    Returns
    -------
    Result
        Of a quarter of a minute, in whose first part the players come: their cold starts count.
    """
    import numpy as np

    rng = np.random.default_rng(seed)
    trip = lognormal(median_ms=game.store_ms, p99_ms=max(game.store_p99_ms, game.store_ms * 1.001))
    drawn = trip.draw(rng, 20_000) + trip.draw(rng, 20_000) + game.work_ms
    platform = Platform(keep_alive_s=600, concurrency=10_000)
    return simulate(
        _messages(game, seed), duration_ms=empirical(drawn), init_ms=game.init_ms, platform=platform, seed=seed
    )


def on_servers(game: Game, *, seed: int = 0) -> Result:
    """Simulate the game on servers that hold the sessions: a message waits for a processor, and takes its work."""
    processors = game.servers * VCPU
    platform = Platform(provisioned=processors, concurrency=processors, scaling_rate=None, rate_cap_factor=None)
    queue = Pollers(start=processors, per_minute=0, most=processors, batch_size=1)
    work = constant(game.work_ms)
    return simulate(_messages(game, seed), duration_ms=work, init_ms=0, platform=platform, queue=queue, seed=seed)


def functions_month(game: Game, duration_ms: float) -> Bill:
    """Return the month of the functions and their store: a read and a write for each message.

    Parameters
    ----------
    game : the game
    duration_ms : average time of an invocation
    """
    messages = game.rate_per_s * game.hours * 3600
    bill = lambda_bill(requests=messages, duration_ms=duration_ms, memory_mb=game.memory_mb, architecture=ARCHITECTURE)
    if game.store == "DynamoDB":
        # A write unit is 1 KB, a read unit with strong consistency 4 KB.
        writes, reads = -(-game.session_kb // 1), -(-game.session_kb // 4)
        bill = bill + service_bill("dynamodb.write_units", messages * writes)
        return bill + service_bill("dynamodb.read_units", messages * reads)
    # A pair of instances with Redis of one's own stands for ElastiCache, of which this collection has no price.
    return bill + ec2_bill("m7g.large", count=2, hours=game.hours)


def servers_month(game: Game) -> Bill:
    """Return the month of the servers, disks included."""
    return ec2_bill(INSTANCE, count=game.servers, hours=game.hours, storage_gb=20)


def both_ways(game: Game, *, seed: int = 0) -> pd.DataFrame:
    """Simulate both ways; return one row each: way, p50_ms, p99_ms, at_once, units, usd (a month).

    ``at_once`` is the mean number of messages at work, ``units`` environments or instances.
    """
    import pandas as pd

    functions, servers = on_functions(game, seed=seed), on_servers(game, seed=seed)
    warm_ms = functions.mean_running * functions.period_s * 1000 / functions.served
    rows = [
        (
            f"functions, {game.store}",
            functions.latency_ms(0.5),
            functions.latency_ms(0.99),
            functions.mean_running,
            functions.peak_environments,
            functions_month(game, warm_ms).total,
        ),
        (
            "servers, memory",
            servers.latency_ms(0.5),
            servers.latency_ms(0.99),
            servers.mean_running,
            game.servers,
            servers_month(game).total,
        ),
    ]
    return pd.DataFrame(rows, columns=["way", "p50_ms", "p99_ms", "at_once", "units", "usd"])
