"""Says what a file looks like, from its first lines: which format, which columns, which time zone.

Of the formats that are known, the one that fits most lines wins; of two that fit equally well, the one that says more.
What was recognised is shown to people before anything is read, for they know better.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from helpers.report import metrics, w3c
from helpers.report.formats import LIBERAL, LINE_FORMATS, Format, iso_second, outline, with_unit
from helpers.report.jsonlines import fields_of, record_of
from helpers.report.sources import HEAD, Opened, Source, Unreadable, sources_of

SAMPLE = 500  # lines by which a format is recognised
JSON = Format("JSON access log, a request a line", LIBERAL, (), iso_second, duration_ms=1.0)


@dataclass(frozen=True)
class Recognised:
    """What the beginning of a file looks like.

    Attributes
    ----------
    kind : ``lines``, ``json`` or ``metrics``
    form : the format of its lines
    columns : what would be taken, and from where
    zone : the time zone, in words
    share : how much of the beginning fits
    """

    kind: str
    form: Format
    columns: tuple[tuple[str, str], ...]
    zone: str
    share: float

    @property
    def name(self) -> str:
        """The format in words."""
        return self.form.name


def recognise(place: str | Path | Source) -> Recognised:
    """Say what a file looks like, from its beginning.

    Raises
    ------
    Unreadable
        When it doesn't exist, is empty, or looks like no format that is known.
    """
    (source, *_) = sources_of([place])
    opened = Opened(source)
    try:
        head = next(opened.blocks(), b"")[:HEAD]
    finally:
        opened.close()
    return recognise_head(head, source.name)


def recognise_head(head: bytes, name: str) -> Recognised:
    """Say what the first bytes of a file look like; as :func:`recognise`."""
    if not head.strip():
        raise Unreadable(f"{name} is empty")
    if found := metrics.recognise(head):
        return Recognised("metrics", Format(found.name, LIBERAL, (), iso_second), found.columns, found.zone, 1.0)
    lines = [line for line in head.split(b"\n") if line.strip() and not line.startswith(b"#")][:SAMPLE]
    if len(lines) > 1 and not head.endswith(b"\n"):
        lines = lines[:-1]  # it may be cut
    best: tuple[float, Format] | None = None
    told = w3c.described(head)
    for form in (told, *LINE_FORMATS) if told else LINE_FORMATS:
        share = sum(form.pattern.match(line) is not None for line in lines) / len(lines)
        # An earlier format says more; a later one has to fit clearly better.
        if share > 0.1 and (best is None or share > best[0] + 0.1):
            best = share, form
    records = [record for line in lines if (record := record_of(line)) is not None]
    timed = [found for record in records if "time" in (found := fields_of(record))]
    if timed and (best is None or len(timed) / len(lines) > best[0]):
        usual = Counter(key for found in timed for key in found.items())
        columns = tuple((what, f"key {key}") for (what, key), count in usual.items() if count > len(timed) / 2)
        return Recognised("json", JSON, columns, "each line says its own, UTC otherwise", len(timed) / len(lines))
    if best is None:
        raise Unreadable(
            f"{name} looks like no access log or metric that is known here. Its first line has the outline "
            f"{outline(lines[0])!r}"
            if lines
            else f"{name} holds no line with content"
        )
    form = with_unit(best[1], lines)
    return Recognised("lines", form, form.columns, form.zone, best[0])
