"""Pictures side by side, with a sentence for those who can't see them."""

from __future__ import annotations

import base64
import io
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from PIL import Image, ImageDraw, ImageFont

GAP, LINE, LETTERS = 24, 26, 15  # pixels
TALLEST = 320  # what is larger is drawn smaller; its size stands over it
PAPER, INK = (255, 255, 255), (40, 40, 40)


@dataclass(frozen=True, repr=False)
class Photos:
    """Named pictures, drawn on one light card.

    Parameters
    ----------
    files : the bytes of each picture file, by the name that stands over it
    """

    files: Mapping[str, bytes]

    def __repr__(self) -> str:
        sizes = {name: Image.open(io.BytesIO(data)).size for name, data in self.files.items()}
        return "; ".join(f"{name}: {wide} by {high} pixels" for name, (wide, high) in sizes.items()) + "."

    def _repr_mimebundle_(self, **_: Any) -> dict[str, str]:
        return {"image/png": base64.b64encode(self.png()).decode(), "text/plain": repr(self)}

    def png(self) -> bytes:
        """Return the card as a PNG; pixels lie as the file has them, whatever it notes about turning."""
        drawn = [_titled(name, data) for name, data in self.files.items()]
        widths = [max(image.width, LETTERS * len(title) * 3 // 5) + GAP for title, image in drawn]
        height = max(image.height for _, image in drawn) + LINE + 2 * GAP
        card = Image.new("RGB", (sum(widths) + GAP, height), PAPER)
        draw, font, left = ImageDraw.Draw(card), ImageFont.load_default(LETTERS), GAP
        for (title, image), width in zip(drawn, widths, strict=True):
            draw.text((left, GAP // 2), title, INK, font)
            card.paste(image, (left, GAP // 2 + LINE))
            left += width
        file = io.BytesIO()
        card.quantize(128, dither=Image.Dither.NONE).save(file, "PNG", optimize=True)
        return file.getvalue()


def _titled(name: str, data: bytes) -> tuple[str, Image.Image]:
    image = Image.open(io.BytesIO(data)).convert("RGB")
    title = f"{name}, {image.width} by {image.height} pixels"
    image.thumbnail((2 * TALLEST, TALLEST))
    return title, image
