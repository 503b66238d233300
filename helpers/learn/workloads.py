"""Trials of whole workloads: code behind a real URL, before a user pool, fed with S3's events; a schedule over a year.

Neighbour of :mod:`helpers.learn.trials`: what these return is an object that ships the code, calls it as the outside
world does, and gives back what came out.
"""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import boto3
import requests
from botocore.exceptions import ClientError, ParamValidationError

from helpers.cloud import zip_function
from helpers.cloud.events.mappings import failed_items
from helpers.cloud.events.notifications import ObjectEvent
from helpers.cloud.events.records import sqs_record
from helpers.cloud.events.schedules import moments
from helpers.learn.trials import Trial, TrialFailed
from helpers.webhooks import sign_stripe

SECRET = "whsec_of_a_trial"
NO_ORDER = "no order at all"
SHARD_MAX_S = 60
_FAILS_AT = """
import base64


def handler(event, context):
    for record in event["Records"]:
        if base64.b64decode(record["kinesis"]["data"]) == b"{bad}":
            raise ValueError("this one is too much for me")
"""
CONSTANT, EARLY = "compared in constant time", "compared with =="
CONFIRMED, WAITS, REFUSED, UNREADABLE = "confirmed", "waits for a code", "refused", "an answer that Cognito can't read"
# Counts how often the learner's module compares in constant time; the count leaves in a header.
_COMPARING = """
import hmac

compared = 0
real = hmac.compare_digest


def compare_digest(one, other):
    global compared
    compared += 1
    return real(one, other)


hmac.compare_digest = compare_digest
import lambda_function


def handler(event, context):
    answer = lambda_function.handler(event, context)
    if isinstance(answer, dict):
        answer["headers"] = {**(answer.get("headers") or {}), "x-compared": str(compared)}
    return answer
"""


@dataclass(frozen=True)
class _BehindUrl(Trial):
    files: dict[str, str] = field(default_factory=dict)
    module: str = "lambda_function"

    def _url(self) -> str:
        """Ship the code and give it a function URL; the cloud's own stop removes both."""
        name = f"trial-{secrets.token_hex(4)}"
        self.client.create_function(
            FunctionName=name,
            Code={"ZipFile": zip_function({"lambda_function.py": self.code, **self.files})},
            Handler=f"{self.module}.handler",
            Environment={"Variables": {"SECRET": SECRET}},
            Runtime="python3.13",
            Role=self.role,
            Timeout=30,
            MemorySize=256,
        )
        for action, condition in (
            ("lambda:InvokeFunctionUrl", {"FunctionUrlAuthType": "NONE"}),
            ("lambda:InvokeFunction", {"InvokedViaFunctionUrl": True}),
        ):
            self.client.add_permission(
                FunctionName=name, StatementId=action.partition(":")[2], Action=action, Principal="*", **condition
            )
        return self.client.create_function_url_config(FunctionName=name, AuthType="NONE")["FunctionUrl"].rstrip("/")


class _Statuses(_BehindUrl):
    def __call__(self, asked: Sequence[str]) -> list[int]:
        """Return the status of each request: "GET /pictures/noon" and the like."""
        url = self._url()
        answers = [requests.request(method, url + path, timeout=60) for method, path in map(str.split, asked)]
        for answer in answers[:1]:
            if answer.status_code == 502:
                raise TrialFailed(f"{asked[0]}: {answer.headers.get('x-local-cloud-cause', 'it failed')[:300]}")
        return [answer.status_code for answer in answers]


class _LetIn(_BehindUrl):
    def __call__(self, letters: Sequence[str]) -> list[str]:
        """Return what becomes of each webhook (genuine, forged, stale, unsigned), and how signatures are compared."""
        url, found, compared = self._url(), [], 0
        for letter in letters:
            body = json.dumps({"id": f"evt_{secrets.token_hex(4)}", "type": "checkout.session.completed"})
            signed_s = int(time.time()) - (3600 if letter == "stale" else 0)
            headers = sign_stripe(body, "another secret" if letter == "forged" else SECRET, signed_s)
            with_type = {"Content-Type": "application/json", **({} if letter == "unsigned" else headers)}
            answer = requests.post(url + "/stripe", body, headers=with_type, timeout=60)
            status = answer.status_code
            found.append("let in" if status < 300 else "refused" if 400 <= status < 500 else f"failed with {status}")
            with suppress(ValueError):
                compared = max(compared, int(answer.headers.get("x-compared", 0)))
        return [*found, CONSTANT if compared else EARLY]


@dataclass(frozen=True)
class _SignUps(Trial):
    pools: Any

    def __call__(self, newcomers: Sequence[str]) -> list[str]:
        """Return what becomes of each newcomer who signs up with an address."""
        name = f"trial-{secrets.token_hex(4)}"
        package = zip_function({"lambda_function.py": self.code})
        settings = {"Runtime": "python3.13", "Role": self.role, "Timeout": 30, "MemorySize": 256}
        made = self.client.create_function(
            FunctionName=name, Code={"ZipFile": package}, Handler="lambda_function.handler", **settings
        )
        self.client.add_permission(
            FunctionName=name, StatementId="pool", Action="lambda:InvokeFunction", Principal="cognito-idp.amazonaws.com"
        )
        pool = self.pools.create_user_pool(PoolName=name, LambdaConfig={"PreSignUp": made["FunctionArn"]})["UserPool"]
        app = self.pools.create_user_pool_client(UserPoolId=pool["Id"], ClientName=name)["UserPoolClient"]["ClientId"]
        return [self._signed_up(app, email) for email in newcomers]

    def _signed_up(self, app: str, email: str) -> str:
        attributes = [{"Name": "email", "Value": email}]
        who = {"Username": email.partition("@")[0].lower(), "Password": "Sunrise-7", "UserAttributes": attributes}
        try:
            return CONFIRMED if self.pools.sign_up(ClientId=app, **who)["UserConfirmed"] else WAITS
        except self.pools.exceptions.UserLambdaValidationException as refused:
            if "Syntax error" in str(refused) or "Unable to import" in str(refused):
                raise TrialFailed(refused.response["Error"]["Message"][:300]) from None
            return REFUSED
        except self.pools.exceptions.InvalidLambdaResponseException:
            return UNREADABLE


@dataclass(frozen=True)
class _Counted(Trial):
    table: Any

    def __call__(self, deliveries: Sequence[Sequence[Any]]) -> list[int]:
        """Return the count after each delivery of an upload; the same pair is the same event once more.

        Each delivery meets a new environment: what the code remembers in its memory only is not there.
        """
        bucket = f"trial-{secrets.token_hex(4)}"
        events = {}
        for key, upload in deliveries:
            one = ObjectEvent("s3:ObjectCreated:Put", bucket, "us-east-1", "123456789012", key, 1000, "0" * 32)
            sent = {"request": {}, "principal": "", "address": "127.0.0.1", "configuration_id": "uploads"}
            events.setdefault((key, upload), one.message(**sent))
        counts: list[int] = []

        def counted(_: Any) -> int:
            found = self.table.get_item(Key={"id": bucket}).get("Item", {})
            return int(found.get("pictures", 0))

        for pair in deliveries:
            self._results([events[tuple(pair)]], {}, "lambda_function")
            counts.append(counted(pair))
        return counts


class _Posters(Trial):
    def __call__(self, orders: Sequence[str]) -> list[str]:
        """Return what becomes of each message of one batch: done, again, both, or lost.

        The table ``posters`` says which orders were printed; the answer, which messages come again.
        """
        posters, mark = boto3.resource("dynamodb").Table("posters"), secrets.token_hex(4)
        names = {order: f"{mark}-{order}" for order in orders}
        records = [
            sqs_record(
                message_id=names[order],
                receipt_handle=order,
                body=order if order == NO_ORDER else json.dumps({"id": names[order]}),
                body_md5="",
                attributes={"ApproximateReceiveCount": "1"},
                message_attributes={},
                message_attributes_md5=None,
                source="arn:aws:sqs:us-east-1:123456789012:trial",
            )
            for order in orders
        ]
        try:
            (answer,) = self._results([{"Records": records}], {}, "lambda_function")
            failed = failed_items(json.dumps(answer).encode(), list(names.values()))
        except TrialFailed:
            failed = None
        found = []
        for name in names.values():
            printed = "Item" in posters.get_item(Key={"id": name})
            again = failed is None or name in failed
            found.append({(1, 0): "done", (0, 1): "again", (1, 1): "done, and again"}.get((printed, again), "lost"))
        return found


@dataclass(frozen=True)
class _Shard:
    settings: dict[str, Any]
    cloud: Any
    role: str

    def __call__(self, records: int, bad: int) -> list[int]:
        """Return how many records of a shard were handled, and how many given up, when one of them can't be."""
        limits = "MaximumRetryAttempts", "MaximumRecordAgeInSeconds"
        if all(self.settings.get(name, -1) < 0 for name in limits):
            return [0, 0]  # the shard would wait until its records expire
        kinesis, lam, name = boto3.client("kinesis"), boto3.client("lambda"), f"trial-{secrets.token_hex(4)}"
        kinesis.create_stream(StreamName=name, ShardCount=1)
        arn = kinesis.describe_stream_summary(StreamName=name)["StreamDescriptionSummary"]["StreamARN"]
        texts = [str(number) for number in range(1, records + 1)]
        kinesis.put_records(StreamName=name, Records=[{"Data": text.encode(), "PartitionKey": "one"} for text in texts])
        package = zip_function({"lambda_function.py": _FAILS_AT.format(bad=bad)})
        place = {"Runtime": "python3.13", "Role": self.role, "Timeout": 30, "Handler": "lambda_function.handler"}
        lam.create_function(FunctionName=name, Code={"ZipFile": package}, **place)
        try:
            mapping = lam.create_event_source_mapping(
                EventSourceArn=arn, FunctionName=name, **{"StartingPosition": "TRIM_HORIZON", **self.settings}
            )
        except (ClientError, ParamValidationError) as error:
            raise TrialFailed(f"Lambda refuses these settings: {error}") from None
        try:
            self.cloud.settle(SHARD_MAX_S)
        except TimeoutError:
            raise TrialFailed(
                f"the shard still waits after {SHARD_MAX_S} s: so many attempts take their time"
            ) from None
        finally:
            lam.delete_event_source_mapping(UUID=mapping["UUID"])
        ways = self.cloud.flows()
        handled = int(ways[ways["source"] == arn]["delivered"].sum())
        return [handled, records - handled]


@dataclass(frozen=True)
class _Due:
    schedule: tuple[str, str]

    def __call__(self, year: int) -> list[str]:
        """Return when the schedule is due in a year, in UTC."""
        expression, zone = self.schedule
        start, end = datetime(year, 1, 1, tzinfo=UTC), datetime(year + 1, 1, 1, tzinfo=UTC)
        try:
            due = moments(expression, start, end, zone=zone)
        except ValueError as refused:
            raise TrialFailed(f"EventBridge would refuse it: {refused}") from None
        return [f"{one.astimezone(UTC):%Y-%m-%d %H:%M}" for one in due]


def due_in(schedule: Any) -> Any:
    """Return a trial that lists when a schedule is due in a year.

    Parameters
    ----------
    schedule : (str, str)
        Its expression and its time zone. The dots that a notebook comes with stay dots: not answered yet.
    """
    return _Due(tuple(schedule)) if isinstance(schedule, (tuple, list)) and len(schedule) == 2 else schedule


def statuses(code: Any, client: Any, role: str) -> Any:
    """Return a trial that puts a module behind a function URL, sends requests to it, and lists the statuses.

    Parameters
    ----------
    code : str
        The text of the module. The dots that a notebook comes with stay dots: not answered yet.
    client : a boto3 client of Lambda
    role : ARN of the function's role
    """
    return _Statuses(code, client, role) if isinstance(code, str) else code


def uploads_counted(code: Any, client: Any, role: str, table: Any) -> Any:
    """Return a trial that delivers S3's events to a module, some of them twice, and reads what it has counted.

    Parameters
    ----------
    code, client, role : see :func:`statuses`
    table : boto3's Table of the counts, where ``id`` is the bucket's name
    """
    return _Counted(code, client, role, table) if isinstance(code, str) else code


def posters_printed(code: Any, client: Any, role: str) -> Any:
    """Return a trial that hands a module a batch of a queue's messages and says what becomes of each.

    Parameters
    ----------
    code, client, role : see :func:`statuses`; the module adds what it has printed to the table ``posters``
    """
    return _Posters(code, client, role) if isinstance(code, str) else code


def shard_outcome(settings: Any, cloud: Any, role: str) -> Any:
    """Return a trial that joins a stream and a function with these settings, one record being too much for it.

    Parameters
    ----------
    settings : dict
        Of ``create_event_source_mapping``. The dots that a notebook comes with stay dots: not answered yet.
    cloud : the local cloud
    role : ARN of a role that may read streams
    """
    return _Shard(settings, cloud, role) if isinstance(settings, dict) else settings


def webhooks_let_in(code: Any, client: Any, role: str) -> Any:
    """Return a trial that sends a module webhooks as Stripe signs them, genuine ones and others.

    Parameters
    ----------
    code, client, role : see :func:`statuses`; the signing secret is in the environment, as ``SECRET``
    """
    files = {"comparing.py": _COMPARING}
    return _LetIn(code, client, role, files, "comparing") if isinstance(code, str) else code


def sign_ups(code: Any, client: Any, role: str, pools: Any) -> Any:
    """Return a trial that puts a module before a user pool's sign-up, and lists what becomes of newcomers.

    Parameters
    ----------
    code, client, role : see :func:`statuses`
    pools : a boto3 client of Cognito's user pools
    """
    return _SignUps(code, client, role, pools) if isinstance(code, str) else code
