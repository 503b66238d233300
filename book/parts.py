"""The parts of a chapter that Markdown can't say: figures, cards, quizzes, printed text, tables. Each returns HTML.

A figure is its stored picture first, with its sentence below; ``static/book.js`` draws the live figure over it when it
comes into sight. Without JavaScript the picture stays. What needs a kernel is a card that says so, and where to run it.
"""

from __future__ import annotations

import base64
import hashlib
import html
import json
import re
import struct
from collections.abc import Sequence
from typing import Any

from columns import aligned

from helpers.learn.quizfile import Question, QuizFile
from helpers.learn.quizzes import shuffled
from helpers.show.wording import number

FIGURES = "figures"  # the pictures' folder, in Sphinx's _static
_TONES = {"○": "open", "✓": "right", "✗": "wrong", "!": "trouble", "→": "hint"}


def escaped(text: str) -> str:
    """Return text as HTML, with code where backquotes are."""
    return re.sub(r"`([^`]+)`", r"<code>\1</code>", html.escape(text))


# ---- figures ---------------------------------------------------------------------------------


def picture_name(png: str) -> str:
    """Name a picture after its content."""
    return f"{hashlib.sha256(png.encode()).hexdigest()[:16]}.png"


def size(png: str) -> tuple[int, int]:
    """Return width and height of a base64-encoded PNG, from its first bytes."""
    width, height = struct.unpack(">II", base64.b64decode(png[:64])[16:24])
    return width, height


def finding(figure: dict[str, Any]) -> str:
    """Return a figure's title as plain text."""
    title = figure.get("layout", {}).get("title", {})
    return bare(title if isinstance(title, str) else title.get("text", ""))


def bare(markup: str) -> str:
    """Return Plotly's markup as plain text: a line break is a space."""
    return html.unescape(re.sub(r"<[^>]*>", "", re.sub(r"<br\s*/?>", " ", markup)))


def figure(plotly: dict[str, Any] | None, png: str, sentence: str, *, name: str, static: str) -> str:
    """Show a figure: picture, sentence, and what the live figure is drawn from.

    Parameters
    ----------
    plotly : dict, optional
        Data and layout; without them the picture is all there is.
    png : str
        The stored picture, base64.
    sentence : str
        What the figure shows.
    name : str
        An id that is unique on the page.
    static : str
        The way from the page to Sphinx's ``_static``.
    """
    width, height = size(png)
    title = finding(plotly) if plotly else ""
    source = f"{static}/{FIGURES}/{picture_name(png)}"
    picture = (
        f'<img src="{source}" alt="{html.escape(title or sentence)}" width="{width}" height="{height}" '
        'loading="lazy" decoding="async">'
    )
    if not plotly:
        return (
            f'<figure class="chart" id="{name}"><div class="sheet">{picture}</div>'
            f"<figcaption>{escaped(sentence)}</figcaption></figure>"
        )
    drawn = {"data": plotly["data"], "layout": plotly.get("layout", {})}
    return (
        f'<figure class="chart live" id="{name}" aria-describedby="{name}-says"><div class="sheet">'
        f'<p class="finding" aria-hidden="true" hidden>{html.escape(title)}</p>'
        f'<div class="frame"><a class="still" href="{source}" title="The picture alone">{picture}</a></div></div>'
        f'<figcaption id="{name}-says">{escaped(sentence)}</figcaption>{as_json(drawn)}</figure>'
    )


def as_json(value: Any) -> str:
    """Return a script element that only holds data."""
    text = json.dumps(value, separators=(",", ":"), ensure_ascii=False).replace("</", "<\\/")
    return f'<script type="application/json">{text}</script>'


# ---- what needs a kernel ---------------------------------------------------------------------


def card(kind: str, heading: str, body: str = "", *, binder: str = "", action: str = "") -> str:
    """Frame something: what it is, what there is to read, and where it runs."""
    mark = '<span class="runs">runs in JupyterLab</span>' if action else ""
    link = f'<p class="go"><a href="{html.escape(binder)}">{html.escape(action)}</a></p>' if action else ""
    head = f'<p class="card-head"><span>{heading}</span>{mark}</p>'
    return f'<div class="card card-{kind}">{head}{body}{link}</div>'


def paragraph(text: str) -> str:
    """Return a text's lines as paragraphs; a line that is numbered becomes an item of a list."""
    parts: list[str] = []
    for line in filter(None, map(str.strip, text.splitlines())):
        item = re.match(r"\d+\. (.+)", line)
        if item:
            previous = parts.pop() if parts and parts[-1].startswith("<ol") else '<ol class="choices"></ol>'
            parts.append(f"{previous.removesuffix('</ol>')}<li>{escaped(item[1])}</li></ol>")
        else:
            parts.append(f"<p>{escaped(line)}</p>")
    return "".join(parts)


def explorer(controls: list[str], sentence: str, binder: str) -> str:
    """Say what an explorer would let one move."""
    moved = "".join(f"<li>{html.escape(label)}</li>" for label in controls)
    body = f'<ul class="controls" aria-label="Controls">{moved}</ul>' if moved else ""
    if sentence:
        body += f"<p>{escaped(sentence)}</p>"
    return card("runs", "Explorer", body, binder=binder, action="Move it in Binder")


def moving_explorer(name: str, file: str, controls: str, sentence: str, binder: str) -> str:
    """Show an explorer whose controls move here, one at a time; its figure appears with the first move."""
    body = (
        f'<div class="explorer" id="{name}" data-states="{file}">'
        f'<div class="explorer-controls">{controls}</div>'
        '<figure class="chart" hidden><div class="sheet"><p class="finding"></p><div class="frame"></div></div>'
        f'<figcaption aria-live="polite">{escaped(sentence)}</figcaption></figure>'
        "<noscript><p>The controls need JavaScript.</p></noscript></div>"
    )
    head = '<p class="card-head"><span>Explorer</span><span class="runs">one control at a time here</span></p>'
    go = f'<p class="go"><a href="{html.escape(binder)}">All at once in Binder</a></p>'
    return f'<div class="card card-runs">{head}{body}{go}</div>'


def prediction(said: str, binder: str) -> str:
    """Ask before the answer comes."""
    question = re.sub(r"^Predict \S+: ", "", said)
    return card("ask", "Predict, before you read on", paragraph(question), binder=binder, action="Answer in Binder")


def outcome(said: str) -> str:
    """Give the answer to a prediction, which nobody made here."""
    found = re.match(r"○ No prediction kept\. The result: (.+)$", said, re.DOTALL)
    return f'<p class="card card-told"><b>The result</b>: {escaped(found[1])}</p>' if found else note(said)


def exercise(said: str, hints: Sequence[str], binder: str) -> str:
    """Say what an exercise wants, with its hints behind a summary each."""
    found = re.match(r"○ (Exercise \S+ · .+?) · not answered yet\. (Target: .+)$", said.splitlines()[0])
    if not found:
        return note(said)
    body = paragraph(f"{found[2].rstrip('.')}.")
    for place, text in enumerate(hints, 1):
        body += f'<details class="answer"><summary>Hint {place}</summary>{paragraph(text)}</details>'
    return card("do", escaped(found[1]), body, binder=binder, action="Have your answer checked in Binder")


def note(said: str) -> str:
    """Show a card of ours from its text: a symbol, a heading, lines."""
    first, _, rest = said.partition("\n")
    tone = _TONES.get(first[:1], "open")
    return (
        f'<div class="card card-{tone}"><p class="card-head"><span>{escaped(first)}</span></p>{paragraph(rest)}</div>'
    )


# ---- quizzes ---------------------------------------------------------------------------------


def quiz(asked: QuizFile, binder: str) -> str:
    """Show a quiz's questions, each with its answer behind a summary."""
    questions = "".join(f"<li>{_question(one)}</li>" for one in asked.questions)
    body = f'<ol class="questions">{questions}</ol>'
    return card("ask", html.escape(asked.title), body, binder=binder, action="Answer them in Binder")


def _question(one: Question) -> str:
    how = {
        "single": "Choose one.",
        "multiple": "Choose all that apply.",
        "numeric": f"Give a number{f' in {one.unit}' if one.unit else ''}.",
        "ordering": "Put these in order.",
    }[one.kind]
    offered = [choice.text for choice in one.choices] or (list(shuffled(one)) if one.items else [])
    choices = "".join(f"<li>{escaped(text)}</li>" for text in offered)
    return (
        f'<p>{escaped(one.text)} <span class="how">{how}</span></p>{f"<ul>{choices}</ul>" if choices else ""}'
        f'<details class="answer"><summary>Answer</summary>{_answer(one)}</details>'
    )


def _answer(one: Question) -> str:
    if one.kind == "numeric":
        return f"<p><strong>{escaped(f'{number(one.answer(), 4)} {one.unit}'.strip())}</strong>. {escaped(one.why)}</p>"
    if one.kind == "ordering":
        return f"<ol>{''.join(f'<li>{escaped(text)}</li>' for text in one.items)}</ol><p>{escaped(one.why)}</p>"
    rows = [
        f'<li class="{"right" if choice.right else "wrong"}"><strong>{"✓" if choice.right else "✗"} '
        f"{escaped(choice.text)}</strong>: {escaped(choice.why)}</li>"
        for choice in one.choices
    ]
    return f'<ul class="reasons">{"".join(rows)}</ul>'


# ---- text and tables -------------------------------------------------------------------------


def printed(text: str) -> str:
    """Show what a cell printed, or the text of its result."""
    return f'<pre class="result">{html.escape(text.rstrip())}</pre>'


def said(text: str) -> str:
    """Show a sentence that a cell returned, as a sentence."""
    return f'<p class="said">{escaped(text)}</p>'


def table(markup: str) -> str:
    """Show a table that pandas or we wrote; a wide one scrolls by itself, and follows the page's theme.

    A sheet that brings its own colours keeps them.
    """
    if re.match(r"\s*<div style=", markup):
        return f'<div class="paper">{markup.strip()}</div>'
    plain = re.sub(r"<style[\s\S]*?</style>", "", markup).replace(' border="1"', "").strip()
    return f'<div class="table">{aligned(plain)}</div>'
