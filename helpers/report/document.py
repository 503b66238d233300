"""A document as a list of blocks, and its two forms: Markdown, and HTML that prints on two pages.

Blocks are headings, paragraphs, tables and charts. Everything that comes from outside is escaped in both forms.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from html import escape


@dataclass(frozen=True)
class Heading:
    """A heading; level 1 is the title."""

    text: str
    level: int = 2


@dataclass(frozen=True)
class Paragraph:
    """Plain text; ``strong`` for the sentence that matters, ``small`` for the small print."""

    text: str
    strong: bool = False
    small: bool = False


@dataclass(frozen=True)
class Table:
    """A table of texts; columns named in ``numbers`` are set flush right."""

    columns: Sequence[str]
    rows: Sequence[Sequence[str]]
    numbers: Sequence[str] = ()
    small: bool = False


@dataclass(frozen=True)
class Picture:
    """A chart as SVG text, the name of its file, and what it shows in words."""

    name: str
    svg: str
    sentence: str


Block = Heading | Paragraph | Table | Picture

STYLE = """
@page { size: A4; margin: 11mm 12mm; }
body { font: 8.6pt/1.25 system-ui, sans-serif; color: #1b1f24; max-width: 186mm; margin: 8mm auto; }
h1 { font-size: 15pt; margin: 0 0 2mm; } h2 { font-size: 10pt; margin: 2mm 0 0.5mm; break-after: avoid; }
p { margin: 0.7mm 0; } .strong { font-size: 10.5pt; font-weight: 600; } .small { font-size: 7.2pt; color: #525961; }
table { border-collapse: collapse; width: 100%; margin: 1mm 0; } tr { break-inside: avoid; }
th, td { text-align: left; padding: 0.25mm 1.5mm; border-bottom: 0.2mm solid #e3e6ea; vertical-align: top; }
th { font-weight: 600; } td:first-child { white-space: nowrap; }
td.n, th.n { text-align: right; font-variant-numeric: tabular-nums; }
table.small { font-size: 7.2pt; line-height: 1.2; }
figure { margin: 1mm 0; break-inside: avoid; } svg { max-width: 100%; max-height: 38mm; height: auto; }
@media print { body { margin: 0; max-width: none; } }
"""


@dataclass(frozen=True)
class Document:
    """Blocks, and a text that machines read, which neither form shows."""

    blocks: Sequence[Block]
    hidden: str = ""
    pictures: dict[str, str] = field(default_factory=dict)

    def markdown(self, stem: str = "decision") -> str:
        """Return the document as Markdown; its pictures are files named after ``stem``."""
        parts = [*(_markdown(block, stem) for block in self.blocks), *filter(None, [self.hidden])]
        return "\n\n".join(parts) + "\n"

    def html(self) -> str:
        """Return the document as one HTML file that needs nothing else."""
        title = next((block.text for block in self.blocks if isinstance(block, Heading)), "")
        body = "\n".join(_html(block) for block in self.blocks)
        return (
            f"<!doctype html>\n<html lang='en'><head><meta charset='utf-8'><title>{escape(title)}</title>"
            f"<meta name='viewport' content='width=device-width'><style>{STYLE}</style></head>\n"
            f"<body>\n{body}\n</body></html>\n{self.hidden}\n"
        )

    def files(self, stem: str) -> dict[str, str]:
        """Return the pictures that the Markdown form shows, by file name."""
        return {f"{stem}-{b.name}.svg": b.svg for b in self.blocks if isinstance(b, Picture)}


def _cell(text: str) -> str:
    safe = text.replace("\\", "\\\\").replace("|", "\\|").replace("<", "&lt;").replace("\n", " ")
    return safe.replace("`", "'").replace("*", "\\*").replace("_", "\\_").replace("$", "\\$")


def _markdown(block: Block, stem: str) -> str:
    match block:
        case Heading(text, level):
            return f"{'#' * level} {_cell(text)}"
        case Paragraph(text, strong, _):
            return f"**{_cell(text)}**" if strong else _cell(text)
        case Picture(name, _, sentence):
            return f"![{_cell(sentence).replace(']', ')')}](<{stem}-{name}.svg>)"
    rule = ["---:" if column in block.numbers else "---" for column in block.columns]
    lines = [map(_cell, block.columns), rule, *(map(_cell, row) for row in block.rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _html(block: Block) -> str:
    match block:
        case Heading(text, level):
            return f"<h{level}>{escape(text)}</h{level}>"
        case Paragraph(text, strong, small):
            kind = " class='strong'" if strong else " class='small'" if small else ""
            return f"<p{kind}>{escape(text)}</p>"
        case Picture(_, svg, sentence):
            return f"<figure aria-label='{escape(sentence, quote=True)}'>{svg}</figure>"
    numbers = [column in block.numbers for column in block.columns]

    def cells(row: Sequence[str], tag: str) -> str:
        return "".join(
            f"<{tag}{' class=n' if number else ''}>{escape(cell)}</{tag}>"
            for cell, number in zip(row, numbers, strict=True)
        )

    rows = "\n".join(f"<tr>{cells(row, 'td')}</tr>" for row in block.rows)
    return (
        f"<table{' class=small' if block.small else ''}><thead><tr>{cells(block.columns, 'th')}</tr></thead>"
        f"<tbody>{rows}</tbody></table>"
    )
