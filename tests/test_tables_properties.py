"""What must hold of a look-up, whatever it is asked for."""

import pytest

pytest.importorskip("hypothesis", reason="the property tests need tests/requirements.txt")
from hypothesis import given
from hypothesis import strategies as st

from helpers import tables


@given(st.text())
def test_any_text_is_a_known_price_or_a_key_error(slug):
    if slug in tables.price_list():
        assert tables.price(slug).slug == slug
    else:
        with pytest.raises(KeyError, match="no price"):
            tables.price(slug)
