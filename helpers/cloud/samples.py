"""What the labs work on: handlers as practitioners write them, a few pictures, and a file that scanners react to.

Handlers lie in ``data/handlers``, a folder each, with ``app.py`` and in it ``handler``:
``zip_function(handler_folder("thumbnails"))``. Pictures are drawn, not photographed, and are the same on each run.
"""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

HANDLERS = Path(__file__).resolve().parents[2] / "data" / "handlers"
WIDTH, HEIGHT = 640, 420
SKIES = {"morning": (250, 214, 165), "noon": (120, 190, 240), "evening": (120, 90, 150)}
# How cameras note that they were held sideways, and what undoes it is what PIL.ImageOps.exif_transpose does.
ORIENTATIONS = {"morning": 1, "noon": 6, "evening": 8}


def handler_folder(name: str) -> Path:
    """Return the folder of a handler, for ``zip_function``; its Handler is ``app.handler``.

    Raises
    ------
    ValueError
        when there is none of this name

    Examples
    --------
    >>> handler_folder("thumbnails").name
    'thumbnails'
    """
    known = sorted(path.name for path in HANDLERS.iterdir() if path.is_dir())
    if name not in known:
        raise ValueError(f"name must be one of {', '.join(known)}, got {name!r}")
    return HANDLERS / name


def pictures() -> dict[str, bytes]:
    """Return a few JPEG pictures by file name, with EXIF data: camera, time, place, and how the camera was held.

    Examples
    --------
    >>> sorted(pictures())
    ['evening.jpg', 'morning.jpg', 'noon.jpg']
    """
    return {f"{name}.jpg": _photograph(name, hour) for hour, name in zip((7, 12, 20), SKIES, strict=True)}


def eicar() -> bytes:
    """Return the file that every malware scanner takes for malware, and that does nothing; see eicar.org.

    It is put together here, so that no scanner takes this repository for it.
    """
    return "".join(["X5O!P%@AP[4\\PZX54(P^)", "7CC)7}$EICAR-", "STANDARD-ANTIVIRUS-", "TEST-FILE!$H+H*"]).encode()


def _photograph(name: str, hour: int) -> bytes:
    from PIL import ExifTags, Image

    image = _landscape(SKIES[name], hour)
    exif = Image.Exif()
    exif[ExifTags.Base.Make], exif[ExifTags.Base.Model] = "Pillow", "Drawn 1"
    exif[ExifTags.Base.Orientation] = ORIENTATIONS[name]
    details = exif.get_ifd(ExifTags.IFD.Exif)
    details[ExifTags.Base.DateTimeOriginal] = f"2026:06:21 {hour:02}:30:00"
    place = exif.get_ifd(ExifTags.IFD.GPSInfo)
    place[ExifTags.GPS.GPSLatitudeRef], place[ExifTags.GPS.GPSLatitude] = "N", (47.0, 22.0, 37.0)
    place[ExifTags.GPS.GPSLongitudeRef], place[ExifTags.GPS.GPSLongitude] = "E", (8.0, 32.0, 30.0)
    turned = {6: Image.Transpose.ROTATE_90, 8: Image.Transpose.ROTATE_270}.get(ORIENTATIONS[name])
    if turned is not None:
        image = image.transpose(turned)
    data = io.BytesIO()
    image.save(data, "JPEG", quality=85, exif=exif)
    return data.getvalue()


def _landscape(sky: tuple[int, int, int], hour: int) -> Any:
    from PIL import Image, ImageDraw

    image = Image.new("RGB", (WIDTH, HEIGHT), sky)
    draw = ImageDraw.Draw(image)
    x, y = int(WIDTH * (hour - 5) / 17), int(HEIGHT * (0.12 + 0.06 * abs(hour - 13) / 2))
    draw.ellipse((x - 34, y - 34, x + 34, y + 34), fill=(255, 240, 150))
    for far, (left, peak, right) in enumerate(((-80, 210, 420), (180, 430, 760), (-200, 60, 330))):
        shade = 130 - 30 * far
        top = HEIGHT * (45 + 9 * far) // 100
        draw.polygon([(left, HEIGHT), (peak, top), (right, HEIGHT)], fill=(shade // 2, shade, shade * 2 // 3))
    draw.rectangle((0, HEIGHT - 60, WIDTH, HEIGHT), fill=(58, 110, 70))
    return image
