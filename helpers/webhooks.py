"""Webhooks as their senders sign them: Stripe, GitHub and Twilio, each by its documented scheme.

The sender and the receiver share a secret. The sender computes a keyed hash (HMAC) of what it sends and puts it into a
header; the receiver computes the same and compares. These functions are the sender's side: they return the headers. The
receivers are the handlers in ``data/handlers``. Read in the senders' own code and texts: stripe 16.1.0 (its
``_webhook.py`` also sets the 300 s), twilio 9.13.0 (``request_validator.py``: SHA-1 unless told otherwise), and
docs.github.com, "Validating webhook deliveries", whose example the doctest below computes.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Iterable, Mapping


def sign_stripe(payload: str | bytes, secret: str, timestamp: int) -> dict[str, str]:
    """Return the header with which Stripe signs: the time is signed with the payload, so that a call grows stale.

    Parameters
    ----------
    payload : the body, to the last byte
    secret : of the endpoint, ``whsec_...``
    timestamp : seconds since 1970

    Examples
    --------
    >>> sign_stripe('{"id": "evt_1"}', "whsec_test", 1_700_000_000)["Stripe-Signature"][:25]
    't=1700000000,v1=a0c091828'
    """
    digest = hmac.new(secret.encode(), f"{timestamp}.".encode() + _bytes(payload), hashlib.sha256).hexdigest()
    return {"Stripe-Signature": f"t={timestamp},v1={digest}"}


def sign_github(payload: str | bytes, secret: str, *, event: str = "push", delivery: str = "") -> dict[str, str]:
    """Return the headers with which GitHub signs; the time is no part of it.

    Parameters
    ----------
    payload : the body, to the last byte
    secret : of the webhook
    event : what happened: push, issues, ping
    delivery : the delivery's id, the same when it is sent again; left out if empty

    Examples
    --------
    >>> sign_github("Hello, World!", "It's a Secret to Everybody")["X-Hub-Signature-256"][:23]
    'sha256=757107ea0eb2509f'
    """
    digest = hmac.new(secret.encode(), _bytes(payload), hashlib.sha256).hexdigest()
    headers = {"X-Hub-Signature-256": f"sha256={digest}", "X-GitHub-Event": event}
    return headers | ({"X-GitHub-Delivery": delivery} if delivery else {})


def sign_twilio(url: str, params: Mapping[str, str | Iterable[str]], token: str) -> dict[str, str]:
    """Return the header with which Twilio signs: the full address and the form, name after name.

    Parameters
    ----------
    url : as Twilio calls it, scheme and query included
    params : of the form, not encoded; empty for GET, and for JSON (then the address carries ``bodySHA256``)
    token : the account's auth token

    Examples
    --------
    >>> sign_twilio("https://example.com/sms", {"Body": "hello", "From": "+15550100"}, "12345")
    {'X-Twilio-Signature': 'Hco+lnMpZFGVEIkfaVh9m/IWzRo='}
    """
    text = url
    for name in sorted(params):
        value = params[name]
        values = [value] if isinstance(value, str) else sorted(set(value))
        text += "".join(f"{name}{one}" for one in values)
    digest = hmac.new(token.encode(), text.encode(), hashlib.sha1).digest()
    return {"X-Twilio-Signature": base64.b64encode(digest).decode()}


def _bytes(payload: str | bytes) -> bytes:
    return payload.encode() if isinstance(payload, str) else payload
