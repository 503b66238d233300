"""PreSignUp: colleagues are confirmed at once, throw-away addresses are refused, everybody else confirms by code."""

import os

STAFF = set(os.environ.get("STAFF_DOMAINS", "").lower().split(","))
REFUSED = set(os.environ.get("REFUSED_DOMAINS", "").lower().split(","))


def handler(event, context):
    email = event["request"]["userAttributes"].get("email", "")
    domain = email.rpartition("@")[2].lower()
    if not domain or domain in REFUSED:
        raise ValueError(f"Addresses at {domain or 'nowhere'} are not welcome here")  # the visitor reads this
    if domain in STAFF:
        event["response"]["autoConfirmUser"] = True
        event["response"]["autoVerifyEmail"] = True
    return event
