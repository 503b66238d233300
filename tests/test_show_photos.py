"""Pictures side by side: drawn once, and told in a sentence."""

import base64
import io

import pytest

pytest.importorskip("PIL")

from PIL import Image

from helpers.cloud.samples import pictures
from helpers.show.photos import Photos

SMALL = io.BytesIO()
Image.new("RGB", (40, 30), (200, 0, 0)).save(SMALL, "PNG")
BOTH = Photos({"before": pictures()["noon.jpg"], "after": SMALL.getvalue()})


def test_the_sentence_names_each_picture_and_its_size():
    assert repr(BOTH) == "before: 420 by 640 pixels; after: 40 by 30 pixels."


def test_the_card_holds_all_of_them_and_is_the_same_each_time():
    bundle = BOTH._repr_mimebundle_()
    card = Image.open(io.BytesIO(base64.b64decode(bundle["image/png"])))
    assert card.width > 210 + 40
    assert 320 < card.height < 420, "the tall one is drawn smaller"
    assert bundle == BOTH._repr_mimebundle_()
    assert bundle["text/plain"] == repr(BOTH)
