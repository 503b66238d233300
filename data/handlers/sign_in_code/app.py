"""Custom authentication by a one-time code: all three triggers in one function.

Codes leave through the queue OUTBOX, from which the shop's mailer sends them. A user has three tries, at one code.
"""

import hmac
import json
import os
import secrets

import boto3

TRIES = 3
sqs = boto3.client("sqs")


def handler(event, context):
    step = event["triggerSource"].removesuffix("_Authentication")
    STEPS[step](event["request"], event["response"])
    return event


def define(request, response):
    """Say what comes next, from what happened so far."""
    results = request["session"]
    correct = bool(results) and results[-1]["challengeName"] == "CUSTOM_CHALLENGE" and results[-1]["challengeResult"]
    response["issueTokens"] = correct
    response["failAuthentication"] = not correct and len(results) >= TRIES
    response["challengeName"] = "CUSTOM_CHALLENGE"


def create(request, response):
    """Send a code, or keep asking for the one that was sent."""
    email = request["userAttributes"]["email"]
    if request["session"]:
        code = request["session"][-1]["challengeMetadata"].removeprefix("CODE-")
    else:
        code = f"{secrets.randbelow(1_000_000):06}"
        sqs.send_message(QueueUrl=os.environ["OUTBOX"], MessageBody=json.dumps({"to": email, "code": code}))
    response["publicChallengeParameters"] = {"sent_to": f"{email[0]}***@{email.rpartition('@')[2]}"}
    response["privateChallengeParameters"] = {"code": code}  # goes to the third trigger, never to the client
    response["challengeMetadata"] = f"CODE-{code}"


def verify(request, response):
    """Compare in constant time: how long it takes shall tell nothing."""
    expected, given = request["privateChallengeParameters"]["code"], request["challengeAnswer"]
    response["answerCorrect"] = hmac.compare_digest(expected.encode(), given.strip().encode())


STEPS = {"DefineAuthChallenge": define, "CreateAuthChallenge": create, "VerifyAuthChallengeResponse": verify}
