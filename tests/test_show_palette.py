"""The palette keeps apart for every kind of colour vision, and stands out on white: see colours.py for how."""

from itertools import combinations

import numpy as np
import pytest
from colours import VISIONS, ciede2000, contrast, lab, linear

from helpers.show.palette import PAPER, QUIET_TEXT, TEXT, palette

# Distances of 2 are just seen side by side; 10 are seen at a glance, also in thin lines far apart.
LEAST_DISTANCE = 15.0


def test_the_distance_agrees_with_published_pairs():
    # From the test data of Sharma, Wu and Dalal.
    pairs = [
        ((50, 2.6772, -79.7751), (50, 0, -82.7485), 2.0425),
        ((50, -1, 2), (50, 0, 0), 2.3669),
        ((2.0776, 0.0795, -1.1350), (0.9033, -0.0636, -0.5514), 0.9082),
    ]
    for one, two, expected in pairs:
        assert ciede2000(np.array(one), np.array(two)) == pytest.approx(expected, abs=1e-4)


@pytest.mark.parametrize("vision", VISIONS)
def test_any_two_colours_keep_apart_with(vision: str):
    seen = {name: lab(VISIONS[vision] @ linear(colour)) for name, colour in palette.items()}
    distances = {pair: ciede2000(seen[pair[0]], seen[pair[1]]) for pair in combinations(seen, 2)}
    nearest = min(distances, key=distances.get)
    assert distances[nearest] >= LEAST_DISTANCE, f"{nearest}: {distances[nearest]:.1f}"


def test_every_colour_stands_out_on_white():
    assert min(contrast(colour, PAPER) for colour in palette.values()) >= 3


def test_text_reads_on_white():
    assert min(contrast(colour, PAPER) for colour in (TEXT, QUIET_TEXT)) >= 4.5


def test_series_differ_without_colour():
    compute = ["lambda", "fargate", "ec2", "eks", "rack"]
    for looks in (palette.dash, palette.symbol, palette.pattern):
        assert len({looks(name) for name in compute}) == len(compute)
    assert len({palette.symbol(name) for name in palette}) == len(palette)


def test_an_unknown_name_is_answered_with_the_known_ones():
    with pytest.raises(KeyError, match=r"'lambada' is not in the palette: lambda, fargate"):
        palette["lambada"]


def test_a_series_gets_the_colour_of_the_model_that_its_label_names():
    assert palette.names_for(["Rack servers", "AWS Lambda", "EKS (2 nodes)"]) == ["rack", "lambda", "eks"]


def test_no_two_series_share_a_look_while_there_are_enough():
    assert len(set(palette.names_for([f"EC2 {i}" for i in range(9)]))) == 9
