"""From files or monthly figures to advice: what the command line and the notebook both do."""

from __future__ import annotations

import datetime
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from helpers.advice import Advice, Case, Traffic, advise, case_of, modelled, play, shape_of, split
from helpers.report.reading import Reading
from helpers.report.recording import Origin

DAY_S, WEEK_S = 86_400, 7 * 86_400
USUAL_DURATION_MS, USUAL_CPU_SHARE = 100.0, 0.3


@dataclass(frozen=True)
class Wish:
    """What a person says beside the traffic.

    Attributes
    ----------
    duration_ms : mean duration of an invocation at the given memory; the log's own, on a server, if None
    cpu_share : share of the duration that computes
    more : further fields of a case
    keep_alive_s, concurrency : of the simulated platform
    """

    duration_ms: float | None = None
    cpu_share: float = USUAL_CPU_SHARE
    more: dict[str, Any] | None = None
    keep_alive_s: float = 600.0
    concurrency: int | None = None


def decide(traffic: Traffic, wish: Wish | None = None, *, on_step: Callable[[str], None] | None = None) -> Advice:
    """Return advice on some traffic.

    Parameters
    ----------
    traffic : what was read, or ``modelled`` monthly figures
    wish : what is known beside it
    on_step : told what is being done, in a few words
    """
    wish, say = wish or Wish(), on_step or (lambda _: None)
    case = first_case(traffic, wish)
    say("measuring the traffic's shape")
    shape = shape_of(traffic, duration_ms=case.duration_ms)
    case = case_of(case, shape)
    say("simulating Lambda")
    played = play(traffic, case, keep_alive_s=wish.keep_alive_s, concurrency=wish.concurrency)
    say("computing bills")
    return advise(case_of(case, shape, played), shape=shape, played=played)


def first_case(traffic: Traffic, wish: Wish) -> Case:
    """Return the case before the traffic's shape is known: durations, sizes, and what was said."""
    more = dict(wish.more or {})
    if traffic.response_kb is not None:
        more.setdefault("response_kb", round(traffic.response_kb, 3))
    memory = more.get("memory_mb", Case(requests_month=0).memory_mb)
    if wish.duration_ms is not None:
        more |= split(wish.duration_ms, cpu_share=wish.cpu_share, memory_mb=memory)
    elif traffic.durations is not None and traffic.durations.mean_ms > 0:
        more |= split(traffic.durations.mean_ms, cpu_share=wish.cpu_share)
        more.setdefault("longest_ms", round(traffic.durations.quantile(0.9999), 1))
    else:
        more |= split(USUAL_DURATION_MS, cpu_share=wish.cpu_share, memory_mb=memory)
    return replace(Case(requests_month=traffic.requests_a_month), **more)


def assumptions(traffic: Traffic, wish: Wish) -> tuple[str, ...]:
    """Return what was assumed on the way from traffic to a case, in words."""
    found = [f"{wish.cpu_share:.0%} of a request's time computes, the rest waits"]
    if wish.duration_ms is None and traffic.durations is None:
        found.append(f"a request takes {USUAL_DURATION_MS:g} ms: neither the log nor you named a duration")
    elif wish.duration_ms is None:
        found.append("the log's response times were measured on a server with at least one full vCPU")
    if traffic.period_s < WEEK_S:
        found.append(f"a month is like the {length_of(traffic)} read")
    return tuple(found)


def length_of(traffic: Traffic) -> str:
    """Return how long the traffic lasted, in words."""
    for unit_s, unit in ((86_400, "days"), (3600, "hours"), (60, "minutes")):
        if traffic.period_s >= 2 * unit_s:
            return f"{traffic.period_s / unit_s:.1f} {unit}"
    return "1 second" if traffic.period_s == 1 else f"{traffic.period_s:,} seconds"


def caution(traffic: Traffic) -> str:
    """Return a warning where the traffic is too short to stand for a month, or nothing."""
    if traffic.period_s >= DAY_S:
        return ""
    return (
        f"this is {length_of(traffic)} only, and a month was made of it: without a day and a night, "
        "rates and bills may be off by any factor"
    )


def origin_of(
    name: str, traffic: Traffic, wish: Wish, *, date: datetime.date, reading: Reading | None = None, **more: Any
) -> Origin:
    """Return where an advice comes from, for its record."""
    return Origin(name, date, reading, assumptions(traffic, wish), **more)


__all__ = ["Wish", "assumptions", "decide", "first_case", "modelled", "origin_of"]
