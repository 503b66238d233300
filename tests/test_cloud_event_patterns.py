"""Event patterns: which events fit, and which patterns are none."""

from __future__ import annotations

import pytest

from helpers.cloud.events.event_patterns import check, matches

IMAGE = {
    "source": "shop.images",
    "account": "123456789012",
    "resources": ["arn:aws:s3:::photos", "arn:aws:s3:::thumbnails"],
    "detail": {
        "key": "img/Cat.png",
        "size": 250,
        "price": 3.0,
        "public": True,
        "owner": None,
        "comment": "",
        "address": "10.0.0.17",
        "tags": [],
        "people": [{"name": "Ada", "age": 36}, {"name": "Bob", "age": 12}],
    },
}


def detail(**fields: object) -> dict:
    return {"detail": fields}


FITS = {
    "a value of the list": {"source": ["shop.orders", "shop.images"]},
    "one element of an array": {"resources": ["arn:aws:s3:::thumbnails"]},
    "all fields": {"source": ["shop.images"], **detail(key=[{"prefix": "img/"}])},
    "an integer where the event has a float": detail(price=[3]),
    "true": detail(public=[True]),
    "null": detail(owner=[None]),
    "an empty text": detail(comment=[""]),
    "a prefix": detail(key=[{"prefix": "img/"}]),
    "a prefix in another case": detail(key=[{"prefix": {"equals-ignore-case": "IMG/c"}}]),
    "a suffix": detail(key=[{"suffix": ".png"}]),
    "a suffix in another case": detail(key=[{"suffix": {"equals-ignore-case": ".PNG"}}]),
    "another case": detail(key=[{"equals-ignore-case": "IMG/CAT.PNG"}]),
    "a wildcard": detail(key=[{"wildcard": "*/C*.png"}]),
    "a range": detail(size=[{"numeric": [">", 0, "<=", 250]}]),
    "an equal number": detail(size=[{"numeric": ["=", 250.0]}]),
    "anything but a text": detail(key=[{"anything-but": "img/Dog.png"}]),
    "anything but texts": detail(key=[{"anything-but": ["a", "b"]}]),
    "anything but numbers": detail(size=[{"anything-but": [1, 2]}]),
    "anything but a prefix": detail(key=[{"anything-but": {"prefix": "doc/"}}]),
    "anything but suffixes": detail(key=[{"anything-but": {"suffix": [".jpg", ".gif"]}}]),
    "anything but another case": detail(key=[{"anything-but": {"equals-ignore-case": ["x", "y"]}}]),
    "anything but a wildcard": detail(key=[{"anything-but": {"wildcard": "*/D*"}}]),
    "a field that exists": detail(size=[{"exists": True}]),
    "a field that doesn't exist": detail(error=[{"exists": False}]),
    "a field that doesn't exist, deep in what doesn't": {"error": {"cause": {"name": [{"exists": False}]}}},
    "an empty array is no value": detail(tags=[{"exists": False}]),
    "a value or no field": detail(error=["none", {"exists": False}]),
    "an address": detail(address=[{"cidr": "10.0.0.0/24"}]),
    "one of two": {"$or": [{"source": ["shop.orders"]}, detail(size=[{"numeric": [">=", 250]}])]},
    "one of two, deeper": detail(**{"$or": [{"size": [1]}, {"public": [True]}]}),
    "one and the same element": detail(people={"name": ["Bob"], "age": [12]}),
}

FITS_NOT = {
    "another value": {"source": ["shop.orders"]},
    "one of two fields": {"source": ["shop.images"], **detail(size=[1])},
    "a number written as text": detail(size=["250"]),
    "1 is not true": detail(public=[1]),
    "null is not the empty text": detail(owner=[""]),
    "a case of its own": detail(key=["img/cat.png"]),
    "a prefix": detail(key=[{"prefix": "doc/"}]),
    "a suffix": detail(key=[{"suffix": ".jpg"}]),
    "a wildcard must cover the whole": detail(key=[{"wildcard": "*.pn"}]),
    "out of range": detail(size=[{"numeric": [">", 0, "<", 250]}]),
    "a text is no number": detail(key=[{"numeric": [">", 0]}]),
    "anything but this": detail(key=[{"anything-but": ["a", "img/Cat.png"]}]),
    "anything but this number": detail(price=[{"anything-but": 3}]),
    "anything but this prefix": detail(key=[{"anything-but": {"prefix": "img/"}}]),
    "anything but one of the suffixes": detail(key=[{"anything-but": {"suffix": [".png", ".gif"]}}]),
    "anything but needs the field": detail(error=[{"anything-but": "x"}]),
    "a field that exists": detail(size=[{"exists": False}]),
    "a field that doesn't": detail(error=[{"exists": True}]),
    "an object is no value": {"detail": [{"exists": True}]},
    "an address outside": detail(address=[{"cidr": "10.0.1.0/24"}]),
    "a text that is no address": detail(key=[{"cidr": "10.0.1.0/24"}]),
    "none of two": {"$or": [{"source": ["shop.orders"]}, detail(size=[1])]},
    "two elements, each in part": detail(people={"name": ["Ada"], "age": [12]}),
}


@pytest.mark.parametrize("pattern", FITS.values(), ids=FITS)
def test_an_event_fits(pattern: dict) -> None:
    check(pattern)
    assert matches(pattern, IMAGE)


@pytest.mark.parametrize("pattern", FITS_NOT.values(), ids=FITS_NOT)
def test_an_event_does_not_fit(pattern: dict) -> None:
    check(pattern)
    assert not matches(pattern, IMAGE)


def test_a_backslash_takes_the_meaning_from_a_star() -> None:
    assert matches({"path": [{"wildcard": r"a\*b\\*"}]}, {"path": "a*b\\c"})
    assert not matches({"path": [{"wildcard": r"a\*b"}]}, {"path": "axb"})


def test_an_address_may_be_a_long_one() -> None:
    assert matches({"ip": [{"cidr": "2001:db8::/32"}]}, {"ip": "2001:db8::17"})


REFUSED = {
    "must be an object or an array": {"source": "shop"},
    "Empty objects": {},
    "Empty arrays": {"source": []},
    "Filter is not an object": ["shop"],
    "Unrecognized match type regex": {"source": [{"regex": "x"}]},
    "Only one key": {"source": [{"prefix": "a", "suffix": "b"}]},
    "Match value must be": {"source": [["a"]]},
    "prefix match pattern must be a string": {"source": [{"prefix": 1}]},
    "Unsupported prefix pattern": {"source": [{"prefix": {"suffix": "x"}}]},
    "Consecutive wildcard": {"source": [{"wildcard": "a**b"}]},
    "Invalid escape": {"source": [{"wildcard": r"a\b"}]},
    "Unrecognized numeric": {"n": [{"numeric": ["!=", 1]}]},
    "must be numeric": {"n": [{"numeric": [">", "1"]}]},
    "an array is expected": {"n": [{"numeric": 1}]},
    "Bottom must be less than top": {"n": [{"numeric": [">", 5, "<", 1]}]},
    "Too many elements": {"n": [{"numeric": ["<", 5, ">", 1]}]},
    "between -5.0E9 and 5.0E9": {"n": [{"numeric": [">", 5e10]}]},
    "mixed type": {"n": [{"anything-but": ["a", 1]}]},
    "Unsupported anything-but": {"n": [{"anything-but": {"numeric": [">", 1]}}]},
    "either true or false": {"n": [{"exists": "yes"}]},
    "Malformed CIDR": {"n": [{"cidr": "10.0.0/99"}]},
    "Unrecognized match type source": {"$or": [{"source": ["a"]}]},  # one alternative is none: a field called $or
}


@pytest.mark.parametrize(("reason", "pattern"), REFUSED.items(), ids=REFUSED)
def test_what_is_no_pattern_is_refused_with_the_reason(reason: str, pattern: object) -> None:
    with pytest.raises(ValueError, match=reason.replace("+", r"\+")):
        check(pattern)


def test_an_or_of_values_is_a_field_of_that_name() -> None:
    assert matches({"$or": ["a"]}, {"$or": "a"})
