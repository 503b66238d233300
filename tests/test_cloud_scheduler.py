"""EventBridge Scheduler: what is due runs, in order, with the event that AWS documents."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from cloud_ears import Ear, arn_of

OFF = {"Mode": "OFF"}
ROLE = "arn:aws:iam::123456789012:role/scheduler"


@pytest.fixture(scope="module")
def schedules(workshop: Any, ear: Ear) -> Any:
    """Return what makes schedules, and gives what their function has heard since the test began."""

    class Schedules:
        client = boto3.client("scheduler")
        heard, so_far = staticmethod(ear.heard), staticmethod(ear.so_far)

        def make(self, expression: str, given: Any = None, target: dict | None = None, **settings: Any) -> str:
            name = settings.pop("Name", None) or workshop.name("schedule")
            told = {"Arn": ear.arn, "RoleArn": ROLE, **(target or {})}
            if given is not None:
                told["Input"] = given if isinstance(given, str) else json.dumps(given)
            settings = {"FlexibleTimeWindow": OFF, **settings}
            self.client.create_schedule(Name=name, ScheduleExpression=expression, Target=told, **settings)
            return name

        def clear(self) -> None:
            for one in self.client.list_schedules()["Schedules"]:
                self.client.delete_schedule(Name=one["Name"], GroupName=one["GroupName"])
            ear.forget()

    return Schedules()


@pytest.fixture(autouse=True)
def afresh(schedules: Any) -> None:
    schedules.clear()


def next_time(cloud: Any, hour: int, minute: int = 0) -> datetime:
    now = cloud.clock.now()
    today = now.replace(hour=hour, minute=minute, second=0, microsecond=0)
    return today if today > now else today + timedelta(days=1)


def test_what_is_due_in_a_week_is_what_runs_and_in_order(cloud: Any, schedules: Any) -> None:
    at = "<aws.scheduler.scheduled-time>"
    for name, expression in {"report": "0 2 * * ? *", "clean": "0 3 ? * SUN *", "warm": "0 0/6 * * ? *"}.items():
        schedules.make(f"cron({expression})", {"job": name, "at": at})
    before = cloud.clock.now()
    after = cloud.clock.advance(days=7)
    heard = schedules.heard()
    due = []
    moment = before.replace(second=0, microsecond=0)
    while (moment := moment + timedelta(minutes=1)) <= after:
        hour_minute, sunday = (moment.hour, moment.minute), moment.isoweekday() == 7
        jobs = [("report", hour_minute == (2, 0)), ("clean", hour_minute == (3, 0) and sunday)]
        jobs.append(("warm", moment.hour % 6 == 0 and moment.minute == 0))
        due += [{"job": job, "at": moment.strftime("%Y-%m-%dT%H:%M:%SZ")} for job, is_due in jobs if is_due]
    assert heard == due
    assert len(due) in (7 + 1 + 28, 7 + 2 + 28)


def test_without_input_the_event_is_the_documented_one(cloud: Any, schedules: Any) -> None:
    when = next_time(cloud, 12)
    name = schedules.make("cron(0 12 * * ? *)")
    cloud.clock.advance(days=1)
    (event,) = schedules.heard()
    assert len(event.pop("id")) == 36
    assert event == {
        "version": "0",
        "detail-type": "Scheduled Event",
        "source": "aws.scheduler",
        "account": "123456789012",
        "time": when.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "region": "us-east-1",
        "resources": [f"arn:aws:scheduler:us-east-1:123456789012:schedule/default/{name}"],
        "detail": "{}",
    }


def test_the_keywords_of_an_input_are_filled_in(cloud: Any, schedules: Any) -> None:
    words = ("schedule-arn", "scheduled-time", "execution-id", "attempt-number")
    when = next_time(cloud, 12)
    name = schedules.make("cron(0 12 * * ? *)", {word: f"<aws.scheduler.{word}>" for word in words})
    cloud.clock.advance(days=1)
    (event,) = schedules.heard()
    assert event["schedule-arn"].endswith(f"schedule/default/{name}")
    assert event["scheduled-time"] == when.strftime("%Y-%m-%dT%H:%M:%SZ")
    assert len(event["execution-id"]) == 16
    assert event["attempt-number"] == "1"


def test_one_that_is_due_once_runs_once_and_deletes_itself_if_told_to(cloud: Any, schedules: Any) -> None:
    when = (cloud.clock.now() + timedelta(hours=5)).strftime("at(%Y-%m-%dT%H:%M:%S)")
    stays = schedules.make(when, {"job": "stays"})
    schedules.make(when, {"job": "goes"}, ActionAfterCompletion="DELETE")
    cloud.clock.advance(days=3)
    assert sorted(one["job"] for one in schedules.heard()) == ["goes", "stays"]
    assert [one["Name"] for one in schedules.client.list_schedules()["Schedules"]] == [stays]


def test_a_rate_runs_at_once_and_then_at_its_intervals_until_its_end(cloud: Any, schedules: Any) -> None:
    end = cloud.clock.now() + timedelta(hours=10, minutes=30)
    schedules.make("rate(3 hours)", {"at": "<aws.scheduler.scheduled-time>"}, EndDate=end)
    cloud.clock.advance(days=1)
    times = [datetime.fromisoformat(one["at"]) for one in schedules.heard()]
    assert [one - times[0] for one in times] == [timedelta(hours=3 * at) for at in range(4)]


def test_a_local_time_follows_its_zone(cloud: Any, schedules: Any) -> None:
    zone = "Pacific/Kiritimati"  # fourteen hours ahead, all year
    schedules.make("cron(0 9 * * ? *)", {"at": "<aws.scheduler.scheduled-time>"}, ScheduleExpressionTimezone=zone)
    cloud.clock.advance(days=1)
    (event,) = schedules.heard()
    assert event["at"].endswith("T19:00:00Z")


def test_a_flexible_window_delays_and_the_event_keeps_its_time(cloud: Any, schedules: Any) -> None:
    window = {"Mode": "FLEXIBLE", "MaximumWindowInMinutes": 60}
    schedules.make("cron(0 12 * * ? *)", {"at": "<aws.scheduler.scheduled-time>"}, FlexibleTimeWindow=window)
    moments: list[datetime] = []
    noon = next_time(cloud, 12)
    cloud.clock.advance(days=1, progress=lambda now, _: moments.append(now))
    (event,) = schedules.heard()
    assert datetime.fromisoformat(event["at"]) == noon
    assert noon <= moments[0] <= noon + timedelta(hours=1)


def test_a_disabled_schedule_does_nothing_until_it_is_enabled(cloud: Any, schedules: Any, ear: Ear) -> None:
    name = schedules.make("cron(0 12 * * ? *)", {"job": "one"}, State="DISABLED")
    cloud.clock.advance(days=2)
    assert schedules.heard() == []
    target = {"Arn": ear.arn, "RoleArn": ROLE, "Input": '{"job": "two"}'}
    schedules.client.update_schedule(
        Name=name, ScheduleExpression="cron(0 12 * * ? *)", FlexibleTimeWindow=OFF, Target=target, State="ENABLED"
    )
    cloud.clock.advance(days=2)
    assert schedules.heard() == [{"job": "two"}] * 2


def test_a_deleted_group_takes_its_schedules_along(cloud: Any, schedules: Any) -> None:
    schedules.client.create_schedule_group(Name="nightly")
    schedules.make("cron(0 12 * * ? *)", {"job": "gone"}, GroupName="nightly")
    schedules.client.delete_schedule_group(Name="nightly")
    cloud.clock.advance(days=2)
    assert schedules.heard() == []


def test_what_cannot_be_delivered_goes_to_the_dead_letter_queue(cloud: Any, schedules: Any, queue: Any) -> None:
    target = {"Arn": arn_of("nobody"), "DeadLetterConfig": {"Arn": queue.arn}}
    schedules.make("cron(0 12 * * ? *)", {"job": "lost"}, target)
    cloud.clock.advance(days=1)
    (letter,) = queue.read()
    told = {name: value["StringValue"] for name, value in letter["MessageAttributes"].items()}
    assert json.loads(letter["Body"]) == {"job": "lost"}
    assert told["TARGET_ARN"] == arn_of("nobody")
    assert told["ERROR_CODE"] == "ResourceNotFoundException"
    assert told["RETRY_ATTEMPTS"] == "0"
    assert cloud.problems()["target"].iloc[-1] == arn_of("nobody")


def test_queues_topics_buses_and_any_operation_are_targets_too(cloud: Any, schedules: Any, queue: Any) -> None:
    sns, events = boto3.client("sns"), boto3.client("events")
    topic = sns.create_topic(Name="told")["TopicArn"]
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=queue.arn, Attributes={"RawMessageDelivery": "true"})
    bus = events.create_event_bus(Name="jobs")["EventBusArn"]
    events.put_rule(Name="jobs", EventBusName="jobs", EventPattern='{"source": ["shop.jobs"]}')
    events.put_targets(
        Rule="jobs", EventBusName="jobs", Targets=[{"Id": "q", "Arn": queue.arn, "InputPath": "$.detail"}]
    )
    url = boto3.client("sqs").get_queue_url(QueueName=queue.arn.split(":")[-1])["QueueUrl"]
    about = {"DetailType": "due", "Source": "shop.jobs"}
    schedules.make("cron(0 12 * * ? *)", {"by": "queue"}, {"Arn": queue.arn})
    schedules.make("cron(0 12 * * ? *)", {"by": "topic"}, {"Arn": topic})
    schedules.make("cron(0 12 * * ? *)", {"by": "bus"}, {"Arn": bus, "EventBridgeParameters": about})
    universal = {"Arn": "arn:aws:scheduler:::aws-sdk:sqs:sendMessage"}
    schedules.make("cron(0 12 * * ? *)", {"QueueUrl": url, "MessageBody": '{"by": "operation"}'}, universal)
    cloud.clock.advance(days=1)
    cloud.settle()
    assert [json.loads(one["Body"])["by"] for one in queue.read()] == ["queue", "topic", "bus", "operation"]


@pytest.mark.parametrize(
    ("wrong", "complaint"),
    [
        ({"ScheduleExpression": "cron(0 10 * * *)"}, "six fields"),
        ({"ScheduleExpressionTimezone": "Mars/Olympus"}, "time zone"),
        ({"FlexibleTimeWindow": {"Mode": "FLEXIBLE"}}, "MaximumWindowInMinutes"),
        ({"EndDate": datetime(2026, 1, 1, tzinfo=UTC), "StartDate": datetime(2099, 1, 1, tzinfo=UTC)}, "EndDate"),
    ],
)
def test_what_the_scheduler_refuses_is_refused(schedules: Any, wrong: dict, complaint: str) -> None:
    settings = {"FlexibleTimeWindow": OFF, **wrong}
    expression = settings.pop("ScheduleExpression", "rate(1 day)")
    with pytest.raises(ClientError, match=complaint) as refused:
        schedules.make(expression, **settings)
    assert refused.value.response["Error"]["Code"] == "ValidationException"


def test_with_nobody_advancing_a_schedule_comes_due_by_the_real_clock(
    cloud: Any, schedules: Any, workshop: Any
) -> None:
    when = datetime.fromtimestamp(int(cloud.clock.time_s()) + 1, UTC).strftime("at(%Y-%m-%dT%H:%M:%S)")
    schedules.make(when, {"job": "real"})
    workshop.until(lambda: schedules.so_far() == [{"job": "real"}])


def test_a_machine_that_slept_for_an_hour_does_not_make_up_for_sixty_minutes_at_once(
    cloud: Any, schedules: Any, workshop: Any
) -> None:
    schedules.make("rate(1 minute)", {"job": "tick"})
    workshop.until(lambda: schedules.so_far() == [{"job": "tick"}])  # a rate runs at once, and after each interval
    cloud.clock._ahead_s += 3600  # as the wall clock does under a closed lid: nobody advances it
    cloud.clock._set_alarm(anew=True)
    workshop.until(lambda: len(schedules.so_far()) > 1)
    assert schedules.heard() == [{"job": "tick"}] * 2
