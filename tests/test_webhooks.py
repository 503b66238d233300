"""Signatures are those that Stripe, GitHub and Twilio document."""

from __future__ import annotations

import hashlib
import hmac

import pytest

from helpers.webhooks import sign_github, sign_stripe, sign_twilio

CALL = {"CallSid": "CA1234567890ABCDE", "Digits": "1234", "To": "+18005551212"}
ADDRESS = "https://mycompany.com/myapp.php?foo=1&bar=2"


def test_github_s_documented_example() -> None:
    headers = sign_github("Hello, World!", "It's a Secret to Everybody")
    assert headers == {
        "X-Hub-Signature-256": "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17",
        "X-GitHub-Event": "push",
    }


# The examples of Twilio's documentation (14158675310) and of its libraries' tests (14158675309).
@pytest.mark.parametrize(
    ("number", "signature"),
    [("+14158675310", "GvWf1cFY/Q7PnoempGyD5oXAezc="), ("+14158675309", "RSOYDt4T1cUTdK1PDd93/VVr8B8=")],
)
def test_twilio_s_documented_examples(number: str, signature: str) -> None:
    params = {**CALL, "Caller": number, "From": number}
    assert sign_twilio(ADDRESS, params, "12345") == {"X-Twilio-Signature": signature}


def test_twilio_signs_several_values_of_one_name_once_each_and_in_order() -> None:
    assert sign_twilio(ADDRESS, {"a": ["2", "1", "2"]}, "t") == sign_twilio(f"{ADDRESS}a1a2", {}, "t")


def test_stripe_signs_time_dot_payload_with_the_secret() -> None:
    # Computed with: printf '1700000000.{"id": "evt_1"}' | openssl dgst -sha256 -hmac whsec_test
    wanted = "a0c091828640f0b68061abc7c03981ad1100ff7160c5dba6b656239494a2b537"
    assert sign_stripe('{"id": "evt_1"}', "whsec_test", 1_700_000_000) == {
        "Stripe-Signature": f"t=1700000000,v1={wanted}"
    }


def test_a_payload_s_bytes_are_signed_and_not_its_meaning() -> None:
    assert sign_stripe('{"a":1}', "s", 1) != sign_stripe('{"a": 1}', "s", 1)
    assert sign_github("é", "s") == sign_github("é".encode(), "s")
    digest = hmac.new(b"s", "é".encode(), hashlib.sha256).hexdigest()
    assert sign_github("é", "s")["X-Hub-Signature-256"] == f"sha256={digest}"


def test_github_names_event_and_delivery() -> None:
    headers = sign_github(b"{}", "s", event="ping", delivery="72d3162e")
    assert (headers["X-GitHub-Event"], headers["X-GitHub-Delivery"]) == ("ping", "72d3162e")
