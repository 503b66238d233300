"""Pictures side by side, with a sentence for those who can't see them."""

from __future__ import annotations

import base64
import io
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from PIL import Image, ImageDraw, ImageFont

GAP, LINE, LETTERS = 24, 26, 15  # pixels
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
        images = {name: Image.open(io.BytesIO(data)).convert("RGB") for name, data in self.files.items()}
        width = sum(max(one.width, len(name) * LETTERS // 2) + GAP for name, one in images.items()) + GAP
        card = Image.new("RGB", (width, max(one.height for one in images.values()) + LINE + 2 * GAP), PAPER)
        draw, font, left = ImageDraw.Draw(card), ImageFont.load_default(LETTERS), GAP
        for name, one in images.items():
            draw.text((left, GAP // 2), name, INK, font)
            card.paste(one, (left, GAP // 2 + LINE))
            left += max(one.width, len(name) * LETTERS // 2) + GAP
        file = io.BytesIO()
        card.quantize(128, dither=Image.Dither.NONE).save(file, "PNG", optimize=True)
        return file.getvalue()
