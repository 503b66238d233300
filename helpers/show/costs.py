"""The figures about money: each takes plain inputs, asks ``pricing`` and draws what comes back.

These are the functions that explorers call, so each answers at once and says in its sentence what changed.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from helpers import tables
from helpers.pricing import lambda_bill, last_break_even
from helpers.pricing.crossing import Crossing
from helpers.pricing.scenarios import Workload, api_month, compute_models, idle_month, memory_sweep
from helpers.show import charts
from helpers.show.chart import Chart
from helpers.show.palette import PAPER
from helpers.show.wording import dollars, listed, number, quantity

# The range of the chart of five models: from a few requests a minute to thousands a second.
FEWEST, MOST, POINTS = 1e6, 1e10, 41


def month(
    *, requests: float, duration_ms: float, memory_mb: float, architecture: str = "x86_64", free_tier: bool = True
) -> Chart:
    """Draw one month's bill of one function, line by line; inputs as for ``pricing.lambda_bill``."""
    return charts.bill(
        lambda_bill(
            requests=requests,
            duration_ms=duration_ms,
            memory_mb=memory_mb,
            architecture=architecture,
            free_tier=free_tier,
        )
    )


def init(*, requests: float, duration_ms: float, memory_mb: float, init_ms: float, cold_percent: float) -> Chart:
    """Draw what INIT adds to a month's bill since it is billed (2025-08-01), free tier left out.

    Parameters
    ----------
    cold_percent : share of the requests that start cold, in percent
    """
    use = {"requests": requests, "duration_ms": duration_ms, "memory_mb": memory_mb, "free_tier": False}
    before = lambda_bill(**use).total
    since = lambda_bill(**use, init_ms=init_ms, cold_start_share=cold_percent / 100).total
    requests_usd = lambda_bill(**use).lines[0].usd
    rows = [
        ("before August 2025", "requests", requests_usd),
        ("before August 2025", "handler", before - requests_usd),
        ("before August 2025", "INIT", 0.0),
        ("since August 2025", "requests", requests_usd),
        ("since August 2025", "handler", before - requests_usd),
        ("since August 2025", "INIT", since - before),
    ]
    frame = pd.DataFrame(rows, columns=["bill", "part", "usd"])
    added = (since / before - 1) * 100 if before else 0.0
    chart = charts.bars(
        frame,
        "bill",
        "usd",
        "part",
        title=f"Billing INIT adds {number(added, 3)}% to the bill",
        sentence=(
            f"With {number(cold_percent, 3)}% cold starts of {number(init_ms)} ms each, the bill rises from "
            f"{dollars(before)} to {dollars(since)} a month, by {number(added, 3)}%."
        ),
        y_title="USD a month",
        horizontal=True,
        height=330,
    )
    # Two plain fills would differ by colour alone.
    hatch = {"shape": "/", "fillmode": "overlay", "fgcolor": PAPER, "size": 9, "solidity": 0.25}
    chart.figure["data"][2]["marker"]["pattern"] = hatch
    return chart


def api(*, requests: float, response_kb: float, door: str = "HTTP", duration_ms: float = 100) -> Chart:
    """Draw what an API's month costs part by part: the function (256 MB), its front door, logs, data out."""
    frame = api_month(requests=requests, duration_ms=duration_ms, memory_mb=256, response_kb=response_kb, door=door)
    total = float(frame.usd.sum())
    function = float(frame.usd[0])
    around = total - function
    share = f"{around / total:.0%} of it for what stands around the function" if total else "nothing at all"
    return charts.bars(
        frame,
        "part",
        "usd",
        title=f"The API costs {dollars(total)} a month, {share}",
        sentence=(
            f"Of {dollars(total)} a month, the function costs {dollars(function)} and what stands around it "
            f"{dollars(around)}: {listed(f'{row.part} {dollars(row.usd)}' for row in frame[1:].itertuples())}."
        ),
        y_title="USD a month",
        horizontal=True,
        height=330,
    )


def idle() -> Chart:
    """Draw what a month without a single request costs."""
    frame = idle_month()
    free = listed(frame.what[frame.usd == 0])
    return charts.bars(
        frame,
        "what",
        "usd",
        title="Without traffic the function costs nothing; what one puts around it does not stop",
        sentence=(
            f"In a month without requests, {free} costs nothing; "
            f"{listed(f'{row.what} {dollars(row.usd)}' for row in frame[frame.usd > 0].itertuples())}."
        ),
        y_title="USD a month",
        horizontal=True,
        height=460,
    )


def models(
    *,
    wait_ms: float = 80,
    cpu_ms: float = 10,
    memory_mb: float = 512,
    peak: float = 3,
    architecture: str = "x86_64",
) -> Chart:
    """Draw a month's compute on five models over the number of requests, with Lambda's last break-even with each.

    Parameters are fields of ``pricing.scenarios.Workload``.
    """
    work = Workload(wait_ms=wait_ms, cpu_ms=cpu_ms, memory_mb=memory_mb, peak=peak, architecture=architecture)
    bills = compute_models(work)
    requests = [float(f"{n:.3g}") for n in np.geomspace(FEWEST, MOST, POINTS)]
    rows = [(name, n, round(bill(n).total, 2)) for name, bill in bills.items() for n in requests]
    frame = pd.DataFrame(rows, columns=["model", "requests a month", "usd"])
    # A function inside its free tier costs nothing, which a logarithmic axis cannot show.
    frame = frame[frame.usd > 0]
    lasting = {
        name: found
        for name, bill in bills.items()
        if name != "Lambda" and (found := last_break_even(bills["Lambda"], bill, low=FEWEST, high=MOST))
    }
    marks = [(c.x, bills["Lambda"](c.x).total, f"{name}: {quantity(_digits(c.x))}") for name, c in lasting.items()]
    return charts.lines(
        frame,
        "requests a month",
        "usd",
        "model",
        title=_models_title(lasting),
        sentence=_models_sentence(work, lasting),
        x_title="requests a month",
        y_title="USD a month",
        log_x=True,
        log_y=True,
        marks=marks,
        height=520,
    )


def _digits(value: float) -> float:
    return float(f"{value:.3g}")


def _a_second(requests: float) -> str:
    return f"{number(_digits(requests / (730 * 3600)), 3)} a second"


def _models_title(lasting: dict[str, Crossing]) -> str:
    if not lasting:
        return "Up to ten billion requests a month, functions stay the cheapest"
    name, first = min(lasting.items(), key=lambda item: item[1].x)
    return f"Above {quantity(_digits(first.x))} requests a month, {_article(name)} is cheaper than functions"


def _article(name: str) -> str:
    return {"Fargate": "a fleet on Fargate", "EC2": "a fleet on EC2", "EKS": "a cluster on EKS", "Rack": "a rack"}[name]


def _models_sentence(work: Workload, lasting: dict[str, Crossing]) -> str:
    about = (
        f"A request waits {number(work.wait_ms)} ms and computes {number(work.cpu_ms)} ms; "
        f"at {number(work.memory_mb)} MB a function takes {number(_digits(work.duration_ms))} ms for it. "
    )
    order = sorted(lasting.items(), key=lambda item: item[1].x)
    met = [f"{_article(name)} above {quantity(_digits(c.x))} ({_a_second(c.x)})" for name, c in order]
    never = [_article(name) for name in ("Fargate", "EC2", "EKS", "Rack") if name not in lasting]
    said = [f"Cheaper than functions for good: {listed(met)} requests a month." if met else ""]
    said.append(f"Not cheaper below ten billion: {listed(never)}." if never else "")
    return about + " ".join(part for part in said if part)


def memory(*, wait_ms: float, cpu_ms: float, architecture: str = "x86_64") -> Chart:
    """Draw how duration and cost change with memory under the declared model, relative to 128 MB."""
    sweep = memory_sweep(wait_ms=wait_ms, cpu_ms=cpu_ms, architecture=architecture)
    full = int(tables.limit("lambda.full_vcpu_memory").max)
    parts = []
    for column, name in (("duration_ms", "duration"), ("usd_a_million", "cost")):
        relative = (sweep[column] / sweep[column].iloc[0] * 100).round(2)
        parts.append(pd.DataFrame({"memory (MB)": sweep.memory_mb, "what": name, "percent": relative}))
    frame = pd.concat(parts, ignore_index=True)
    elbow = sweep[sweep.memory_mb == full].iloc[0]
    first, cheapest = sweep.iloc[0], sweep.loc[sweep.usd_a_million.idxmin()]
    faster, dearer = first.duration_ms / elbow.duration_ms, elbow.usd_a_million / first.usd_a_million
    chart = charts.lines(
        frame,
        "memory (MB)",
        "percent",
        "what",
        title=f"Up to {full:,} MB, memory makes this function {number(_digits(faster), 3)} times faster"
        + (" for nothing" if dearer < 1.02 else f" and {number(_digits(dearer), 3)} times as dear"),
        sentence=(
            f"In the model, going from 128 MB to {full:,} MB shortens {number(_digits(first.duration_ms))} ms to "
            f"{number(_digits(elbow.duration_ms))} ms, while a million requests go from "
            f"{dollars(first.usd_a_million)} to {dollars(elbow.usd_a_million)}; "
            f"beyond {full:,} MB only the cost grows. The cheapest size is {int(cheapest.memory_mb):,} MB."
        ),
        x_title="memory (MB)",
        y_title="percent of the value at 128 MB",
        marks=[(full, float(elbow.usd_a_million / first.usd_a_million * 100), "one full vCPU")],
    )
    table = sweep.rename(columns={"memory_mb": "memory (MB)", "duration_ms": "duration (ms)"})
    return Chart(chart.figure, chart.sentence, table.rename(columns={"usd_a_million": "USD a million requests"}))
