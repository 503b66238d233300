"""What Lambda tells CloudWatch, and alarms that go off by it, from invocations that really fail."""

import json
from datetime import timedelta

import pytest

boto3 = pytest.importorskip("boto3")

from helpers.cloud import LocalCloud  # noqa: E402
from helpers.cloud.alarms import state_of  # noqa: E402

RULE = {"threshold": 1, "comparison": "GreaterThanOrEqualToThreshold", "evaluation_periods": 3}
FAILS = "def handler(event, context):\n    return 1 / event['by']\n"
# The rows of AWS's page on missing data: values (0 is within the threshold, X beyond it, - a gap), how many of three
# must breach, and the state where a gap is missing, ignored, breaching, or not breaching.
AWS_SAYS = [
    ("0 - X - X", 3, "OK OK OK OK"),
    ("0 - - - -", 3, "OK OK OK OK"),
    ("- - - - -", 3, "INSUFFICIENT_DATA before ALARM OK"),
    ("0 X X - X", 3, "ALARM ALARM ALARM ALARM"),
    ("- - - - X", 3, "INSUFFICIENT_DATA before ALARM OK"),
    ("X - - - -", 3, "ALARM before ALARM OK"),
    ("0 - X - X", 2, "ALARM ALARM ALARM ALARM"),
    ("0 0 X 0 X", 2, "ALARM ALARM ALARM ALARM"),
    ("0 - X - -", 2, "OK OK ALARM OK"),
    ("- - - - 0", 2, "OK OK ALARM OK"),
    ("- - - - X", 2, "INSUFFICIENT_DATA before ALARM OK"),
]


@pytest.fixture(scope="module")
def cloud():
    with LocalCloud() as cloud:
        yield cloud


@pytest.fixture(scope="module")
def workshop(cloud):
    from conftest import Workshop

    return Workshop()


def sums(cloud, name, metric):
    found = boto3.client("cloudwatch").get_metric_statistics(
        Namespace="AWS/Lambda",
        MetricName=metric,
        Dimensions=[{"Name": "FunctionName", "Value": name}],
        StartTime=cloud.clock.now() - timedelta(hours=1),
        EndTime=cloud.clock.now() + timedelta(minutes=1),
        Period=60,
        Statistics=["Sum", "SampleCount", "Maximum"],
    )
    return found["Datapoints"]


def alarm_on(name, **more):
    settings = {"Statistic": "Sum", "Period": 60, "EvaluationPeriods": 1, "Threshold": 1}
    settings |= {"ComparisonOperator": "GreaterThanOrEqualToThreshold", "TreatMissingData": "notBreaching", **more}
    boto3.client("cloudwatch").put_metric_alarm(
        AlarmName=f"{name}-errors",
        Namespace="AWS/Lambda",
        MetricName="Errors",
        Dimensions=[{"Name": "FunctionName", "Value": name}],
        **settings,
    )
    return f"{name}-errors"


def state(alarm):
    return boto3.client("cloudwatch").describe_alarms(AlarmNames=[alarm])["MetricAlarms"][0]["StateValue"]


@pytest.mark.parametrize(("row", "of_three", "states"), AWS_SAYS)
def test_gaps_count_as_awss_table_says(row, of_three, states):
    values = [{"0": 0, "X": 1, "-": None}[one] for one in row.split()]
    rule = {**RULE, "datapoints_to_alarm": of_three, "before": "before"}
    kinds = ("missing", "ignore", "breaching", "notBreaching")
    assert [state_of(values, **rule, treat_missing=kind) for kind in kinds] == states.split()


def test_each_invocation_counts_in_the_minute_in_which_it_began(cloud, workshop):
    name = workshop.make(FAILS)
    for by in (1, 2, 0):
        workshop.invoke(name, {"by": by})
    assert sum(one["Sum"] for one in sums(cloud, name, "Invocations")) == 3
    assert sum(one["Sum"] for one in sums(cloud, name, "Errors")) == 1
    assert sum(one["SampleCount"] for one in sums(cloud, name, "Duration")) == 3
    assert all(one["Timestamp"].second == 0 for one in sums(cloud, name, "Invocations"))
    slowest = cloud.invocations().query("function == @name").duration_ms.max()
    assert max(one["Maximum"] for one in sums(cloud, name, "Duration")) == pytest.approx(slowest)


def test_a_throttled_call_is_no_invocation(cloud, workshop):
    name = workshop.make(FAILS)
    workshop.client.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=0)
    with pytest.raises(workshop.client.exceptions.TooManyRequestsException):
        workshop.invoke(name, {"by": 1})
    assert sum(one["Sum"] for one in sums(cloud, name, "Throttles")) == 1
    assert sums(cloud, name, "Invocations") == []


def test_an_alarm_goes_off_and_ends_and_tells_its_topic(cloud, workshop):
    sns, sqs = boto3.client("sns"), boto3.client("sqs")
    topic = sns.create_topic(Name="on-call")["TopicArn"]
    queue = sqs.create_queue(QueueName="pager")["QueueUrl"]
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=topic.replace(":sns:", ":sqs:").replace("on-call", "pager"))
    name = workshop.make(FAILS)
    alarm = alarm_on(name, AlarmActions=[topic], OKActions=[topic])
    assert state(alarm) == "INSUFFICIENT_DATA"
    workshop.invoke(name, {"by": 1})
    cloud.clock.advance(minutes=1)
    assert state(alarm) == "OK"
    workshop.invoke(name, {"by": 0})
    cloud.clock.advance(minutes=1)
    assert state(alarm) == "ALARM"
    cloud.clock.advance(hours=1)
    assert state(alarm) == "OK"
    told = []
    while found := sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10).get("Messages"):
        for one in found:
            told.append(json.loads(json.loads(one["Body"])["Message"]))
            sqs.delete_message(QueueUrl=queue, ReceiptHandle=one["ReceiptHandle"])
    assert [one["NewStateValue"] for one in told] == ["OK", "ALARM", "OK"]
    assert told[1]["Trigger"]["Dimensions"] == [{"name": "FunctionName", "value": name}]


def test_a_year_without_calls_leaves_an_alarm_as_it_was(cloud, workshop):
    name = workshop.make(FAILS)
    alarm = alarm_on(name, TreatMissingData="ignore")
    workshop.invoke(name, {"by": 0})
    cloud.clock.advance(days=365)
    assert state(alarm) == "ALARM"
