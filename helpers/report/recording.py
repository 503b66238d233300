"""The decision record: what was asked, what was found, what it costs, what is recommended, and what that rests on.

Everything in it comes from an :class:`~helpers.advice.Advice` and from what was read; the same inputs give the same
record, but for its date. At its end stands a block for machines with the inputs and the results, so that a later run
can say what has changed since.
"""

from __future__ import annotations

import math

from helpers.advice import Advice, Case, Option, Swing, at_scales, by_rule, tornado
from helpers.advice.memory import sizes
from helpers.advice.rules import OPEN, Verdict, written
from helpers.advice.shape import DAYS
from helpers.report import keeping, provenance
from helpers.report.document import Block, Document, Heading, Paragraph, Picture, Table
from helpers.report.provenance import Origin
from helpers.show import svg
from helpers.show.wording import dollars, listed, quantity

__all__ = ["Origin", "record"]
MOST_CHANGES = 12


def record(advice: Advice, origin: Origin) -> Document:
    """Return the decision record of some advice."""
    swings = tornado(advice.case)
    blocks: list[Block] = [
        Heading(f"Decision record: {origin.name}", 1),
        Paragraph(f"Run it on {advice.run_on.name}. {advice.because}", strong=True),
        Paragraph(_first_line(advice, origin)),
        *_changes(advice, origin),
        *_bills(advice),
        *_verdicts(advice),
        *_traffic(advice, origin),
        *_scales(advice),
        *_sensitivity(advice, swings),
        *_memory(advice.case),
        *provenance.inputs(advice, origin),
        *provenance.sources(advice),
    ]
    return Document(blocks, keeping.hidden(advice, origin.name, origin.date))


def _first_line(advice: Advice, origin: Origin) -> str:
    if advice.break_even is None:
        again = " No fleet is cheaper, up to ten thousand times this traffic."
    elif not advice.break_even:
        again = " A fleet is cheaper at any traffic, down to a thousandth of this."
    else:
        again = f" A fleet becomes cheaper from about {quantity(_round(advice.break_even))} requests a month on."
    return (
        f"{origin.date.isoformat()}. {quantity(_round(advice.case.requests_month))} requests a month, "
        f"{advice.case.duration_ms:,.0f} ms each at {advice.case.memory_mb:,.0f} MB.{again} "
        f"All amounts are USD a month, us-east-1, without tax."
    )


def _round(value: float, digits: int = 3) -> float:
    return float(f"{value:.{digits}g}")


def _changes(advice: Advice, origin: Origin) -> list[Block]:
    if origin.before is None:
        return []
    found = keeping.changes(origin.before, keeping.kept(advice, origin.name, origin.date))
    since = origin.before.date.isoformat()
    if not found:
        return [Paragraph(f"Since the record of {since}: nothing has changed.")]
    return [
        Heading(f"What changed since {since}"),
        Table(("what", "then", "now"), found[:MOST_CHANGES], numbers=("then", "now"), small=True),
        *([Paragraph(f"{more} more values moved.", small=True)] if (more := len(found) - MOST_CHANGES) > 0 else []),
    ]


def _bills(advice: Advice) -> list[Block]:
    ordered = sorted(advice.options, key=lambda option: option.total)
    rows = [
        (
            option.name,
            dollars(option.compute.total),
            dollars(option.around.total),
            dollars(option.total),
            option.obstacle or option.note,
        )
        for option in ordered
    ]
    sentence = f"The month's bills, from {ordered[0].name} {dollars(ordered[0].total)} to {_most(ordered)}."
    columns = ("way to run it", "compute", "around the requests", "total", "what it is")
    return [
        Heading("What a month costs"),
        Table(columns, rows, numbers=columns[1:4]),
        Picture("bills", bills_picture(advice), sentence),
        Paragraph("Around it: " + _around(advice) + _people(advice)),
    ]


def bills_picture(advice: Advice) -> str:
    """Return the month's bills as SVG, cheapest first, the recommended way pointed out."""
    ordered = sorted(advice.options, key=lambda option: option.total)
    rows = [(option.name, option.total, dollars(option.total)) for option in ordered]
    return svg.bars(rows, title="Monthly bills", mark=advice.run_on.name)


def _most(ordered: list[Option]) -> str:
    return f"{ordered[-1].name} {dollars(ordered[-1].total)}"


def _around(advice: Advice) -> str:
    lines = [line for line in advice.function.around.lines if not line.free]
    return listed(f"{line.item} {dollars(line.usd)}" for line in lines) + " for the function." if lines else "nothing."


def _people(advice: Advice) -> str:
    fleet = min((o for o in advice.options if not o.is_function), key=lambda option: option.total)
    if advice.case.people_hours:
        return f" Fleets carry {advice.case.people_hours:g} hours of work a month at {dollars(advice.case.hour_usd)}."
    gap = advice.function.total - fleet.total
    if gap <= 0:
        return " People's time is left out; it would make fleets dearer still."
    return f" People's time is left out: {gap / advice.case.hour_usd:.1f} hours of it a month outweigh {fleet.name}."


def _verdicts(advice: Advice) -> list[Block]:
    rows = []
    for rule, verdict in by_rule((*advice.edges, *advice.fit)).items():
        kind = "fit" if verdict.id.startswith("fit") else "edge"
        shown = "not asked" if verdict.level == OPEN else verdict.level
        number = "" if verdict.value is None else f"{written(verdict.value)} {verdict.unit}"
        side = "over" if verdict.worse == "above" else "under"
        threshold = f"{side} {written(verdict.threshold)}; {_origin(verdict)}"
        rows.append((f"{rule} ({kind})", shown, number, threshold, verdict.change))
    return [
        Heading("The five edges, and the good fit"),
        Table(
            ("rule", "verdict", "number that decides", "threshold, its source", "what would change it"),
            rows,
            small=True,
        ),
    ]


def _origin(verdict: Verdict) -> str:
    """Return where a threshold comes from, in a few words."""
    if verdict.flag == "assumption":
        return "our judgement"
    title = verdict.source.split(" (")[0].split(",")[0].removeprefix("The ").removesuffix(" of this collection")
    return f"{title}, {verdict.as_of.isoformat()}"


def _traffic(advice: Advice, origin: Origin) -> list[Block]:
    shape, played, blocks = advice.shape, advice.played, []
    if shape is not None:
        second = f", busiest second {shape.peak_second:,}" if shape.peak_second is not None else ""
        blocks = [
            Heading("The traffic"),
            Paragraph(
                f"{shape.requests:,} requests in {shape.days:,.1f} days: {_rate(shape.mean_rate_per_s)} on average, "
                f"busiest minute {_rate(shape.peak_minute_per_s)} ({shape.peak:.1f} times the average){second}. "
                f"{shape.idle_share:.0%} of the minutes have no request. In progress at once: "
                f"{written(shape.mean_concurrency)} on average, {written(shape.peak_concurrency)} at most. "
                f"{_bursts(shape.burstiness)}"
            ),
            Picture("week", svg.week(shape.by_hour.tolist(), DAYS, title="Requests by hour and weekday"), _busy(shape)),
        ]
    if played is not None:
        p50, p95, p99, p999 = (f"{value:,.0f}" for value in played.latency_ms)
        part = "" if played.part == 1 else f", the busiest {played.part:.1%} of the period"
        within = "a second" if played.step_s == 1 else f"a step of {played.step_s} s"
        refused = f"{played.throttled:,} refused" if played.throttled else "none refused"
        blocks.append(
            Paragraph(
                f"Simulated on Lambda ({played.requests:,} requests{part}): {played.cold_share:.2%} start cold "
                f"(95% interval {played.cold_low:.2%} to {played.cold_high:.2%}, warming up included), {refused}, "
                f"{played.peak_environments:,} environments at most. Latency in ms: median {p50}, p95 {p95}, "
                f"p99 {p99}, p99.9 {p999}. Idle environments are kept {played.keep_alive_s:,.0f} s, an assumption; "
                f"within {within} requests come at random moments."
            )
        )
    return blocks


def _rate(per_s: float) -> str:
    if per_s >= 1:
        return f"{per_s:,.1f} a second"
    return f"{per_s * 60:.1f} a minute" if per_s >= 1 / 60 else f"{per_s * 3600:.1f} an hour"


def _bursts(burstiness: float) -> str:
    if not math.isfinite(burstiness):
        return ""
    nature = "as random arrivals do" if burstiness < 1.5 else "in bursts: callers that come together"
    return f"Within an hour they come {nature} (variance over mean of the minutes {burstiness:.1f})."


def _busy(shape) -> str:
    day, hour = divmod(int(_nan_argmax(shape.by_hour.ravel().tolist())), 24)
    return f"Requests by weekday and hour; the busiest is {DAYS[day]} {hour:02d}:00."


def _nan_argmax(values: list[float]) -> int:
    return max(range(len(values)), key=lambda place: -1.0 if math.isnan(values[place]) else values[place])


def _scales(advice: Advice) -> list[Block]:
    names = [option.name for option in advice.options]
    columns = ["requests a month", *(name for name in names if name != "One small server"), "break-even"]
    rows = []
    for scale, options in at_scales(advice.case):
        totals = {option.name: dollars(option.total) for option in options}
        requests = quantity(_round(advice.case.requests_month * scale))
        label = "" if scale == 1 else f" ({'a tenth' if scale < 1 else 'ten times'})"
        away = _away(advice.break_even, advice.case.requests_month * scale)
        rows.append((requests + label, *(totals.get(name, "") for name in columns[1:-1]), away))
    return [
        Heading("A tenth of the traffic, and ten times as much"),
        Table(columns, rows, numbers=columns[1:], small=True),
    ]


def _away(place: float | None, requests: float) -> str:
    """Return how far the break-even is from so many requests a month."""
    if place is None or not requests:
        return "none"
    return (
        f"at {place / requests:,.2g} times"
        if place < 100 * requests
        else f"at {_round(place / requests, 2):,.0f} times"
    )


def _sensitivity(advice: Advice, swings: tuple[Swing, ...]) -> list[Block]:
    now = advice.function.total
    rows = [
        (f"{s.what} {s.low} … {s.high}", s.low_usd, s.high_usd, dollars(s.low_usd), dollars(s.high_usd)) for s in swings
    ]
    turns = [
        f"{s.what} {end}"
        for s in swings
        for end, best in ((s.low, s.low_best), (s.high, s.high_best))
        if best.startswith("Lambda") != _best(advice).startswith("Lambda")
    ]
    widest = swings[0]
    turned = (
        f" The cheapest way changes with {listed(turns)}." if turns else " None of them changes which kind is cheapest."
    )
    return [
        Heading("Which input matters most"),
        Picture(
            "inputs",
            svg.swings(rows, now=now, title="The function's bill when one input moves"),
            (f"{widest.what} moves the function's bill most: {dollars(widest.low_usd)} to {dollars(widest.high_usd)}."),
        ),
        Paragraph(
            f"The input that moves the function's bill most is {widest.what}: from {dollars(widest.low_usd)} to "
            f"{dollars(widest.high_usd)} around {dollars(now)}.{turned}"
        ),
    ]


def _best(advice: Advice) -> str:
    able = [
        option for option in advice.options if not option.obstacle and option.name not in ("Rack", "One small server")
    ]
    return min(able, key=lambda option: option.total).name


def _memory(case: Case) -> list[Block]:
    swept = sizes(case)
    columns = ("", *(f"{size.memory_mb:,.0f} MB" for size in swept))
    rows = [("duration, ms", *(f"{size.duration_ms:,.0f}" for size in swept))]
    for architecture in ("x86_64", "arm64"):
        rows.append(
            (architecture, *("" if (usd := size.usd[architecture]) is None else dollars(usd) for size in swept))
        )
    return [Heading("Memory, by a model"), Table(columns, rows, numbers=columns[1:], small=True)]
