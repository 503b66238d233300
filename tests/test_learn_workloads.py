"""Exercises of notebook 07: learners' code behind a URL or fed with S3's events, and the check says what is off."""

import pytest

boto3 = pytest.importorskip("boto3")

from helpers.cloud import LocalCloud  # noqa: E402
from helpers.cloud.deploying import front_doors, make_role, make_table, public_url, ship  # noqa: E402
from helpers.learn import registry  # noqa: E402
from helpers.learn.verdict import judge  # noqa: E402
from helpers.learn.workloads import (  # noqa: E402
    due_in,
    posters_printed,
    shard_outcome,
    sign_ups,
    statuses,
    uploads_counted,
    webhooks_let_in,
)

LIKES = """
from aws_lambda_powertools.event_handler import APIGatewayHttpResolver, Response
from aws_lambda_powertools.event_handler.exceptions import NotFoundError

app, likes = APIGatewayHttpResolver(), {"noon": 7, "evening": 4}


@app.get("/pictures/<name>")
def picture(name):
    CHECK
    return {"likes": likes[name]}


handler = app.resolve
"""
COUNTER = """
import boto3

seen, counts = (boto3.resource("dynamodb").Table(name) for name in ("seen", "counts"))
known = set()


def handler(event, context):
    for record in event["Records"]:
        bucket, about = record["s3"]["bucket"]["name"], record["s3"]["object"]
        NAME
        counts.update_item(Key={"id": bucket}, UpdateExpression="ADD pictures :n", ExpressionAttributeValues={":n": 1})
"""
REMEMBER = """
        try:
            seen.put_item(Item={"id": f"{bucket} NAME"}, ConditionExpression="attribute_not_exists(id)")
        except seen.meta.client.exceptions.ConditionalCheckFailedException:
            continue
"""
DOOR = """
import hashlib
import hmac
import os
import time


def handler(event, context):
    header = event["headers"].get("stripe-signature", "t=0,v1=")
    told = dict(part.split("=") for part in header.split(","))
    text = told["t"] + "." + event["body"]
    wanted = hmac.new(os.environ["SECRET"].encode(), text.encode(), hashlib.sha256).hexdigest()
    genuine = hmac.compare_digest(told["v1"], wanted)
    fresh = time.time() - int(told["t"]) <= 300
    return {"statusCode": 200 if genuine and fresh else 400}
"""


@pytest.fixture(scope="module")
def lam():
    """Return a client of a cloud that has the notebook's tables."""
    with LocalCloud():
        make_role("shop", ["logs:*"])
        make_table("seen")
        yield boto3.client("lambda")


@pytest.fixture(scope="module")
def role(lam):
    return make_role("shop", ["logs:*"])


def api_verdict(check, lam, role):
    return judge(registry.find("07.1"), statuses(LIKES.replace("CHECK", check), lam, role))


def count_verdict(name, lam, role):
    code = COUNTER.replace("        NAME", name)
    return judge(registry.find("07.2"), uploads_counted(code, lam, role, make_table("counts")))


def door_verdict(code, lam, role):
    return judge(registry.find("07.3"), webhooks_let_in(code, lam, role))


def test_dots_are_no_answer_yet():
    for id, trial in ("07.1", statuses), ("07.3", webhooks_let_in):
        assert judge(registry.find(id), trial(..., None, "")).outcome == "unanswered"
    assert judge(registry.find("07.2"), uploads_counted(..., None, "", None)).outcome == "unanswered"


def test_a_404_for_what_is_missing_is_right(lam, role):
    assert api_verdict("if name not in likes: raise NotFoundError(name)", lam, role).outcome == "right"


@pytest.mark.thorough
@pytest.mark.parametrize(
    ("check", "idea"),
    [
        ("pass", "still breaks"),
        ("if name not in likes: return {'error': 'sorry'}", "is a success"),
        ("if name not in likes: return Response(500, 'text/plain', 'oh')", "500 says"),
    ],
)
def test_other_answers_are_told_apart(check, idea, lam, role):
    verdict = api_verdict(check, lam, role)
    assert verdict.outcome == "wrong"
    assert idea in verdict.idea


def test_an_api_that_never_runs_is_quoted(lam, role):
    verdict = judge(registry.find("07.1"), statuses("import no_such_module", lam, role))
    assert verdict.outcome == "unusable"
    assert "no_such_module" in verdict.said


def test_an_upload_counts_once_by_key_and_sequencer(lam, role):
    name = REMEMBER.replace("NAME", "{about['key']} {about['sequencer']}")
    assert count_verdict(name, lam, role).outcome == "right"


@pytest.mark.thorough
@pytest.mark.parametrize(
    ("name", "idea"),
    [
        ("        pass", "Every delivery is counted"),
        (REMEMBER.replace("NAME", "{about['key']}"), "A new version"),
        ("        if about['sequencer'] in known: continue\n        known.add(about['sequencer'])", "Every delivery"),
        ("        continue", "Nothing is counted"),
    ],
)
def test_counting_too_much_or_too_little_is_told_apart(name, idea, lam, role):
    verdict = count_verdict(name, lam, role)
    assert verdict.outcome == "wrong"
    assert idea in verdict.idea


def test_a_door_that_checks_all_is_right(lam, role):
    assert door_verdict(DOOR, lam, role).outcome == "right"


@pytest.mark.thorough
@pytest.mark.parametrize(
    ("old", "new", "idea"),
    [
        ("hmac.compare_digest(told['v1'], wanted)", "told['v1'] == wanted", "== stops"),
        ("time.time() - int(told['t']) <= 300", "True", "An hour old"),
        (".get('stripe-signature', 't=0,v1=')", "['stripe-signature']", "No signature at all"),
        ("told['t'] + '.' + event['body']", "event['body']", "Nobody gets in"),
    ],
)
def test_each_hole_in_the_door_is_named(old, new, idea, lam, role):
    code = DOOR.replace('"', "'")
    assert old in code
    verdict = door_verdict(code.replace(old, new), lam, role)
    assert verdict.outcome == "wrong"
    assert idea in verdict.idea


@pytest.mark.thorough
def test_a_function_answers_behind_all_four_doors_and_can_be_shipped_again(lam, role):
    import requests

    for _ in range(2):
        arn = ship("look", "show_event", role)
        doors = front_doors(LocalCloud.current(), arn)
        found = {name: requests.get(url + "/a/b", timeout=60).json() for name, url in doors.items()}
        paths = {name: event.get("rawPath") or event["path"] for name, event in found.items()}
        assert paths == dict.fromkeys(("HTTP API", "function URL", "REST API", "load balancer"), "/a/b")
    assert public_url("look") == doors["function URL"]


@pytest.mark.parametrize("expression", ["cron(0 18 ? * 6L *)", "cron(0 18 ? * FRIL *)"])
def test_the_last_friday_can_be_written_as_a_number_or_a_name(expression):
    assert judge(registry.find("07.4"), due_in((expression, "Europe/Vienna"))).outcome == "right"
    assert judge(registry.find("07.4"), due_in(...)).outcome == "unanswered"


@pytest.mark.parametrize(
    ("expression", "zone", "idea"),
    [
        ("cron(0 18 ? * 5L *)", "Europe/Vienna", "Thursdays"),
        ("cron(0 18 ? * 6L *)", "UTC", "seven or eight"),
        ("cron(0 18 ? * FRI *)", "Europe/Vienna", "every Friday"),
        ("cron(0 18 L * ? *)", "Europe/Vienna", "last day of the month"),
        ("cron(0 18 ? * 6#4 *)", "Europe/Vienna", "fourth Friday"),
    ],
)
def test_other_schedules_are_told_apart(expression, zone, idea):
    verdict = judge(registry.find("07.4"), due_in((expression, zone)))
    assert verdict.outcome == "wrong"
    assert idea in verdict.idea


def test_a_schedule_that_aws_refuses_is_quoted():
    verdict = judge(registry.find("07.4"), due_in(("cron(0 18 * * 6L *)", "Europe/Vienna")))
    assert verdict.outcome == "unusable"
    assert "would refuse it" in verdict.said


GATE = """
def handler(event, context):
    email = event["request"]["userAttributes"]["email"]
    if STAFF:
        event["response"]["autoConfirmUser"] = True
    elif email.endswith("@throwaway.example"):
        REFUSE
    return event
"""
AS_IT_WAS, WHOLE = 'email.endswith("shop.example")', 'email.lower().endswith("@shop.example")'


def gate_verdict(staff, refuse, lam, role):
    code = GATE.replace("STAFF", staff).replace("REFUSE", refuse)
    return judge(registry.find("07.7"), sign_ups(code, lam, role, boto3.client("cognito-idp")))


def test_a_gate_that_compares_whole_domains_and_refuses_by_an_exception_is_right(lam, role):
    assert gate_verdict(WHOLE, "raise ValueError('no')", lam, role).outcome == "right"


@pytest.mark.thorough
@pytest.mark.parametrize(
    ("staff", "refuse", "idea"),
    [
        (AS_IT_WAS, "return None", "her address ends as staff's do"),
        (AS_IT_WAS.replace("email", "email.lower()"), "raise ValueError", "What is the whole domain"),
        (WHOLE.replace(".lower()", ""), "raise ValueError", "domains know no upper case"),
        (WHOLE, "return None", "None is no refusal"),
        (WHOLE, "pass", "gets in somehow"),
    ],
)
def test_each_fault_of_the_gate_is_named(staff, refuse, idea, lam, role):
    verdict = gate_verdict(staff, refuse, lam, role)
    assert verdict.outcome == "wrong"
    assert idea in verdict.idea


def test_a_gate_that_never_runs_is_quoted(lam, role):
    trial = sign_ups("import no_such_module", lam, role, boto3.client("cognito-idp"))
    assert "no_such_module" in judge(registry.find("07.7"), trial).said


PRESS = """
import json

import boto3

posters = boto3.resource("dynamodb").Table("posters")


def handler(event, context):
    failed = []
    for record in event["Records"]:
        try:
            posters.put_item(Item=json.loads(record["body"]))
        except ValueError:
            failed.append({"itemIdentifier": record["messageId"]})
    return {"batchItemFailures": failed}
"""


def press_verdict(code, lam, role):
    make_table("posters")
    return judge(registry.find("07.5"), posters_printed(code, lam, role))


def test_a_press_that_reports_what_failed_is_right(lam, role):
    assert press_verdict(PRESS, lam, role).outcome == "right"
    assert judge(registry.find("07.5"), posters_printed(..., lam, role)).outcome == "unanswered"


@pytest.mark.thorough
@pytest.mark.parametrize(
    ("old", "new", "idea"),
    [
        ("except ValueError", "except KeyError", "The batch ends with the exception"),
        ('"itemIdentifier": record["messageId"]', '"itemIdentifier": record["body"]', "another form"),
        ('failed.append({"itemIdentifier": record["messageId"]})', "pass", "who hears of it"),
        ('record["messageId"]})', 'record["messageId"]}); break', "nobody reports the last two"),
    ],
)
def test_what_the_press_does_wrong_is_named(old, new, idea, lam, role):
    assert old in PRESS
    verdict = press_verdict(PRESS.replace(old, new), lam, role)
    assert verdict.outcome == "wrong"
    assert idea in verdict.idea


def shard_verdict(settings, lam):
    role = make_role("reader", ["logs:*", "kinesis:*"])
    return judge(registry.find("07.6"), shard_outcome(settings, LocalCloud.current(), role))


def test_halving_with_a_limit_lets_a_shard_go_on(lam):
    assert shard_verdict({"BisectBatchOnFunctionError": True, "MaximumRetryAttempts": 0}, lam).outcome == "right"
    assert shard_verdict(..., lam).outcome == "unanswered"


@pytest.mark.parametrize(
    ("settings", "idea"),
    [
        ({"BisectBatchOnFunctionError": True}, "Nothing ends it"),
        ({"MaximumRetryAttempts": 0}, "took the whole batch with it"),
    ],
)
def test_a_shard_that_waits_or_loses_too_much_is_told_apart(settings, idea, lam):
    verdict = shard_verdict(settings, lam)
    assert verdict.outcome == "wrong"
    assert idea in verdict.idea


def test_settings_that_lambda_refuses_are_quoted(lam):
    verdict = shard_verdict({"MaximumRetryAttempts": 0, "ParallelizationFactor": 50}, lam)
    assert verdict.outcome == "unusable"
    assert "ParallelizationFactor must be between 1 and 10" in verdict.said
