"""The figure on the landing page that moves: one question, one slider, no kernel.

The chart of notebook 10's advisor is computed for each stop of the slider when the book is built, by the function that
the notebook calls. ``static/book.js`` changes between them.
"""

from __future__ import annotations

import html

import parts

from helpers.show import decisions
from helpers.show.chart import Chart
from helpers.show.wording import quantity

FIRST, LAST, START = 1_000, 100_000_000_000, 3_000_000
# One request, as in the notebook: 120 ms at 512 MB, the busiest minute four times the average.
REQUEST = {"duration_ms": 120, "memory_mb": 512, "peak": 4, "need": "nothing special"}


def stops() -> list[int]:
    """Return the numbers of requests a month that the slider stops at: 1, 3 and 10 of each power of ten."""
    found = [FIRST]
    while found[-1] < LAST:
        found.append(found[-1] * 3 if str(found[-1])[0] == "1" else found[-1] // 3 * 10)
    return found


def chart(requests: int) -> Chart:
    """Draw every way's bill for so many requests a month."""
    return decisions.advisor(requests=requests, **REQUEST)


def figure() -> str:
    """Return the slider, the figure at its starting point, and all other figures as data."""
    numbers = stops()
    charts = [chart(one) for one in numbers]
    start = numbers.index(START)
    frames = [
        {"label": quantity(one), "finding": parts.finding(drawn.figure), "sentence": drawn.sentence, **drawn.figure}
        for one, drawn in zip(numbers, charts, strict=True)
    ]
    sentence = parts.escaped(charts[start].sentence)
    return (
        f'<figure class="chart moving" id="moving"><div class="sheet">'
        f'<p class="slider" hidden><label for="moving-slider">Requests a month</label>'
        f'<output for="moving-slider">{quantity(START)}</output>'
        f'<input id="moving-slider" type="range" min="0" max="{len(numbers) - 1}" step="1" value="{start}"></p>'
        f'<p class="finding">{html.escape(parts.finding(charts[start].figure))}</p>'
        f'<div class="frame"></div></div>'
        f'<figcaption aria-live="polite">{sentence}</figcaption>{parts.as_json(frames)}</figure>'
    )
