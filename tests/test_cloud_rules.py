"""EventBridge's rules: what lies on a bus reaches functions and other targets, and scheduled rules come due."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from cloud_ears import Ear, arn_of

from helpers.cloud.events.bus_events import input_of
from helpers.cloud.events.moto_delivery import Delivery
from helpers.cloud.events.moto_targets import Order, Targets
from helpers.cloud.flows import Flows
from helpers.cloud.problems import Problems
from helpers.cloud.timer import Timer

SALE = {"order": "o-17", "total": 42.5, "by": "Ada", "pictures": ["noon", "evening"]}


@pytest.fixture(scope="module")
def shop(cloud: Any, workshop: Any, ear: Ear) -> Any:
    """Return what makes rules for a function, and gives what it has heard since the test began."""

    class Shop:
        client = boto3.client("events")
        heard = staticmethod(ear.heard)

        def rule(self, pattern: dict | None = None, target: dict | None = None, **settings: Any) -> str:
            name, bus = workshop.name("rule"), settings.get("EventBusName", "default")
            if pattern is not None:
                settings["EventPattern"] = json.dumps(pattern)
            self.client.put_rule(Name=name, **settings)
            told = {"Id": "1", "Arn": ear.arn, **(target or {})}
            self.client.put_targets(Rule=name, EventBusName=bus, Targets=[told])
            self.made.append((name, bus))
            return name

        def tell(self, detail: Any = SALE, source: str = "shop.orders", kind: str = "Sale", **settings: Any) -> dict:
            entry = {"Source": source, "DetailType": kind, "Detail": json.dumps(detail), **settings}
            answer = self.client.put_events(Entries=[entry])
            cloud.settle()
            return answer["Entries"][0]

        def clear(self) -> None:
            for name, bus in getattr(self, "made", []):
                self.client.remove_targets(Rule=name, EventBusName=bus, Ids=["1"])
                self.client.delete_rule(Name=name, EventBusName=bus)
            self.made: list = []
            ear.forget()

    shop = Shop()
    workshop.permit(ear.function, "events.amazonaws.com")
    return shop


@pytest.fixture(autouse=True)
def afresh(shop: Any) -> None:
    shop.clear()


def test_a_function_gets_the_documented_event(shop: Any) -> None:
    shop.rule({"source": ["shop.orders"]})
    when = datetime(2026, 11, 25, 12, 30, 15, tzinfo=UTC)
    entry = shop.tell(Time=when, Resources=["arn:aws:s3:::pictures"])
    assert shop.heard() == [
        {
            "version": "0",
            "id": entry["EventId"],
            "detail-type": "Sale",
            "source": "shop.orders",
            "account": "123456789012",
            "time": "2026-11-25T12:30:15Z",
            "region": "us-east-1",
            "resources": ["arn:aws:s3:::pictures"],
            "detail": SALE,
        }
    ]


def test_an_event_without_a_time_has_that_of_the_cloud_s_clock(cloud: Any, shop: Any) -> None:
    cloud.clock.advance(days=3)
    shop.rule({"source": ["shop.orders"]})
    shop.tell()
    (event,) = shop.heard()
    assert abs(datetime.fromisoformat(event["time"]) - cloud.clock.now()).total_seconds() < 60


def test_only_what_fits_the_pattern_arrives(shop: Any) -> None:
    shop.rule({"source": ["shop.orders"], "detail": {"total": [{"numeric": [">=", 100]}], "by": [{"prefix": "A"}]}})
    for total, by in ((250, "Ada"), (99, "Ada"), (250, "Ben")):
        shop.tell({"total": total, "by": by})
    assert [one["detail"] for one in shop.heard()] == [{"total": 250, "by": "Ada"}]


def test_a_disabled_rule_rests_until_it_is_enabled(shop: Any) -> None:
    name = shop.rule({"source": ["shop.orders"]}, State="DISABLED")
    shop.tell({"n": 1})
    shop.client.enable_rule(Name=name)
    shop.tell({"n": 2})
    assert [one["detail"]["n"] for one in shop.heard()] == [2]


def test_a_bus_of_one_s_own_keeps_its_events_to_itself(shop: Any) -> None:
    shop.client.create_event_bus(Name="orders")
    shop.rule({"source": ["shop.orders"]}, {"Input": '"own"'}, EventBusName="orders")
    shop.rule({"source": ["shop.orders"]}, {"Input": '"default"'})
    shop.tell(EventBusName="orders")
    assert shop.heard() == ["own"]


def test_a_rule_hands_events_to_another_bus_but_not_to_a_third(cloud: Any, shop: Any) -> None:
    buses = {name: shop.client.create_event_bus(Name=name)["EventBusArn"] for name in ("second", "third")}
    shop.rule({"source": ["shop.orders"]}, {"Arn": buses["second"]})
    shop.rule({"source": ["shop.orders"]}, {"InputPath": "$.detail-type"}, EventBusName="second")
    shop.rule({"source": ["shop.orders"]}, {"Arn": buses["third"]}, EventBusName="second")
    shop.rule({"source": ["shop.orders"]}, {"Input": '"never"'}, EventBusName="third")
    shop.tell()
    assert shop.heard() == ["Sale"]
    assert "not sent on to a third" in cloud.problems()["cause"].iloc[-1]


@pytest.mark.parametrize(
    ("target", "expected"),
    [
        ({"Input": '{"fixed": 1}'}, '{"fixed": 1}'),
        ({"InputPath": "$.detail.pictures[1]"}, '"evening"'),
        ({"InputPath": "$.detail.pictures"}, '["noon", "evening"]'),
        ({"InputPath": "$.nothing"}, "null"),
    ],
)
def test_a_target_s_input_is_a_constant_or_a_part(target: dict, expected: str) -> None:
    assert input_of(target, {"detail": SALE}) == expected


@pytest.mark.parametrize(
    ("template", "expected"),
    [
        ('{"who": <by>, "total": <total>}', '{"who": "Ada", "total": 42.5}'),
        ('{"text": "<by> paid <total>"}', '{"text": "Ada paid 42.5"}'),
        ('"<by> bought <all>"', '"Ada bought [\\"noon\\", \\"evening\\"]"'),
        ('{"all": <all>}', '{"all": ["noon", "evening"]}'),
        ('{"is": <missing>, "in": "<missing>"}', '{"is": "", "in": ""}'),
        ('{"rule": "<aws.events.rule-name>"}', '{"rule": "sales"}'),
        ("{<unknown>}", "{<unknown>}"),
    ],
)
def test_a_template_is_filled_in_as_json_outside_quotes_and_as_text_within(template: str, expected: str) -> None:
    paths = {"by": "$.detail.by", "total": "$.detail.total", "all": "$.detail.pictures", "missing": "$.detail.no"}
    target = {"InputTransformer": {"InputPathsMap": paths, "InputTemplate": template}}
    assert input_of(target, {"detail": SALE}, rule_arn="arn:aws:events:us-east-1:1:rule/sales") == expected


def test_a_function_gets_what_the_transformer_makes(shop: Any) -> None:
    template = '{"thanks": "<by>", "event": <aws.events.event.json>}'
    transformer = {"InputPathsMap": {"by": "$.detail.by"}, "InputTemplate": template}
    shop.rule({"source": ["shop.orders"]}, {"InputTransformer": transformer})
    shop.tell()
    (event,) = shop.heard()
    assert (event["thanks"], event["event"]["detail"]) == ("Ada", SALE)


def test_without_permission_the_event_goes_to_the_dead_letter_queue(
    cloud: Any, shop: Any, workshop: Any, queue: Any
) -> None:
    closed = workshop.make("def handler(event, context): pass\n")
    name = shop.rule({"source": ["shop.orders"]}, {"Arn": arn_of(closed), "DeadLetterConfig": {"Arn": queue.arn}})
    shop.tell()
    (letter,) = queue.read()
    told = {name: value["StringValue"] for name, value in letter["MessageAttributes"].items()}
    assert json.loads(letter["Body"])["detail"] == SALE
    assert told["ERROR_CODE"] == "NO_PERMISSIONS"
    assert told["RULE_ARN"].endswith(f":rule/{name}")
    assert told["TARGET_ARN"] == arn_of(closed)
    assert cloud.problems()["cause"].iloc[-1].startswith("AccessDeniedException")


def test_a_permission_may_be_for_one_rule_only(cloud: Any, shop: Any, workshop: Any) -> None:
    closed = workshop.make("def handler(event, context): pass\n")
    rules = [shop.rule({"source": [source]}, {"Arn": arn_of(closed)}) for source in ("a", "b")]
    workshop.client.add_permission(
        FunctionName=closed,
        StatementId="one",
        Action="lambda:InvokeFunction",
        Principal="events.amazonaws.com",
        SourceArn=f"arn:aws:events:us-east-1:123456789012:rule/{rules[0]}",
    )
    for source in ("a", "b"):
        shop.tell(source=source)
    assert (cloud.invocations()["function"] == closed).sum() == 1


def test_queues_topics_and_logs_are_targets_too(cloud: Any, shop: Any, queue: Any) -> None:
    sns, logs = boto3.client("sns"), boto3.client("logs")
    topic = sns.create_topic(Name="sales")["TopicArn"]
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=queue.arn, Attributes={"RawMessageDelivery": "true"})
    logs.create_log_group(logGroupName="/aws/events/sales")
    log_group = "arn:aws:logs:us-east-1:123456789012:log-group:/aws/events/sales"
    for arn in (queue.arn, topic, log_group):
        shop.rule({"source": ["shop.orders"]}, {"Arn": arn, "InputPath": "$.detail"})
    shop.tell()
    assert [json.loads(one["Body"]) for one in queue.read()] == [SALE, SALE]
    assert set(cloud.flows().query("kind == 'EventBridge'")["target"]) >= {queue.arn, topic, log_group}
    (stream,) = logs.describe_log_streams(logGroupName="/aws/events/sales")["logStreams"]
    found = logs.get_log_events(logGroupName="/aws/events/sales", logStreamName=stream["logStreamName"])["events"]
    assert json.loads(found[0]["message"]) == SALE


def test_a_scheduled_rule_runs_at_its_times_in_utc_with_the_documented_event(cloud: Any, shop: Any) -> None:
    name = shop.rule(ScheduleExpression="cron(0 12 * * ? *)")
    cloud.clock.advance(days=2)
    first, second = shop.heard()
    assert (datetime.fromisoformat(second["time"]) - datetime.fromisoformat(first["time"])).days == 1
    assert {**first, "id": "", "time": first["time"][10:]} == {
        "version": "0",
        "id": "",
        "detail-type": "Scheduled Event",
        "source": "aws.events",
        "account": "123456789012",
        "time": "T12:00:00Z",
        "region": "us-east-1",
        "resources": [f"arn:aws:events:us-east-1:123456789012:rule/{name}"],
        "detail": {},
    }


def test_a_scheduled_rule_hears_no_events_and_a_disabled_one_is_not_due(cloud: Any, shop: Any) -> None:
    name = shop.rule(ScheduleExpression="rate(6 hours)")
    shop.tell()
    assert shop.heard() == []
    cloud.clock.advance(days=1)
    assert len(shop.heard()) == 4
    shop.client.disable_rule(Name=name)
    cloud.clock.advance(days=1)
    assert len(shop.heard()) == 4


def test_a_pattern_or_schedule_that_aws_refuses_is_refused(shop: Any) -> None:
    for wrong, code in (
        ({"EventPattern": '{"detail": {"a": [{"sounds-like": "b"}]}}'}, "InvalidEventPatternException"),
        ({"ScheduleExpression": "cron(0 12 * * *)"}, "ValidationException"),
        ({"ScheduleExpression": "rate(1 minutes)"}, "ValidationException"),
    ):
        with pytest.raises(ClientError) as refused:
            shop.client.put_rule(Name="wrong", **wrong)
        assert refused.value.response["Error"]["Code"] == code


def test_a_pattern_can_be_tried_before_it_is_used(shop: Any) -> None:
    event = json.dumps({"source": "shop.orders", "detail": {"total": 5}})
    for limit, result in ((1, True), (10, False)):
        pattern = json.dumps({"detail": {"total": [{"numeric": [">", limit]}]}})
        assert shop.client.test_event_pattern(EventPattern=pattern, Event=event)["Result"] is result


def test_an_upload_reaches_a_rule_with_the_documented_event(cloud: Any, shop: Any, workshop: Any) -> None:
    s3, bucket = boto3.client("s3"), workshop.name("bucket")
    s3.create_bucket(Bucket=bucket)
    s3.put_bucket_notification_configuration(Bucket=bucket, NotificationConfiguration={"EventBridgeConfiguration": {}})
    shop.rule({"source": ["aws.s3"], "detail": {"bucket": {"name": [bucket]}}})
    s3.put_object(Bucket=bucket, Key="holidays 2026/cat.jpg", Body=b"12345")
    s3.delete_object(Bucket=bucket, Key="holidays 2026/cat.jpg")
    created, deleted = sorted(shop.heard(), key=lambda one: one["detail-type"])  # each in an environment of its own
    about = created["detail"]["object"]
    assert (created["detail-type"], created["detail"]["reason"]) == ("Object Created", "PutObject")
    assert (about["key"], about["size"]) == ("holidays 2026/cat.jpg", 5)
    assert about["etag"] == "827ccb0eea8a706c4c34a16891f84e7b"
    assert int(about["sequencer"], 16) < int(deleted["detail"]["object"]["sequencer"], 16)
    assert (deleted["detail-type"], deleted["detail"]["deletion-type"]) == ("Object Deleted", "Permanently Deleted")
    assert created["resources"] == [f"arn:aws:s3:::{bucket}"]


def test_an_archive_keeps_events_and_replays_them(shop: Any) -> None:
    bus = "arn:aws:events:us-east-1:123456789012:event-bus/default"
    archive = shop.client.create_archive(ArchiveName="sales", EventSourceArn=bus)["ArchiveArn"]
    shop.rule({"source": ["shop.orders"]})
    entry = shop.tell()
    start, end = datetime(2020, 1, 1, tzinfo=UTC), datetime(2099, 1, 1, tzinfo=UTC)
    shop.client.start_replay(
        ReplayName="again", EventSourceArn=archive, EventStartTime=start, EventEndTime=end, Destination={"Arn": bus}
    )
    first, again = shop.heard()
    shop.client.delete_archive(ArchiveName="sales")
    assert first["id"] == entry["EventId"]
    assert (again["detail"], again["replay-name"]) == (SALE, "again")


def test_the_result_of_an_asynchronous_invocation_reaches_a_rule_s_function(
    cloud: Any, shop: Any, workshop: Any
) -> None:
    bus = "arn:aws:events:us-east-1:123456789012:event-bus/default"
    name = workshop.make("def handler(event, context): return 'done'\n")
    workshop.client.put_function_event_invoke_config(
        FunctionName=name, DestinationConfig={"OnSuccess": {"Destination": bus}}
    )
    shop.rule({"source": ["lambda"], "detail-type": ["Lambda Function Invocation Result - Success"]})
    workshop.invoke(name, {"n": 1}, InvocationType="Event")
    (event,) = shop.heard()
    assert event["detail"]["responsePayload"] == "done"


@pytest.mark.parametrize(("failures", "retries", "delivered"), [(2, 5, True), (9, 2, False)])
def test_a_throttled_delivery_is_tried_again_as_often_as_the_policy_says(
    failures: int, retries: int, delivered: bool, workshop: Any
) -> None:
    class Throttled(Exception):
        error_type = "TooManyRequestsException"

    tries: list[bytes] = []

    def deliver(arn: str, payload: bytes, *_: Any) -> Any:
        tries.append(payload)
        if len(tries) <= failures:
            raise Throttled("Rate Exceeded.")

    timer, problems = Timer(), Problems()
    delivery = Delivery(deliver, problems, strict=True, flows=Flows())
    targets = Targets(delivery, timer, lambda run: run(), lambda: None, speed=1000)
    order = Order(
        target={"Arn": arn_of("busy"), "RetryPolicy": {"MaximumRetryAttempts": retries}},
        text=lambda attempt: str(attempt),
        service=None,
        source_arn="rule",
        account="1",
        region="us-east-1",
        attributes=lambda *_: {},
        letter=lambda: "",
        to_bus=lambda *_: None,
    )
    targets.send(order)
    workshop.until(lambda: targets.waiting() == 0)
    timer.stop()
    assert tries == [str(attempt + 1).encode() for attempt in range(min(failures, retries) + 1)]
    assert len(problems.frame()) == (0 if delivered else 1)
