"""Where a notebook's cells run: on this machine, on a named endpoint, or in an account that was shown and agreed to."""

from __future__ import annotations

import json

import boto3
import pytest
from moto import mock_aws

from helpers.cloud import LocalCloud, start_cloud
from helpers.cloud.target import TAG_KEY, TAG_VALUE, Elsewhere, OnlyOnThisMachine, RealAccount

TRUST = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": [
            {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}
        ],
    }
)

LOGS = json.dumps(
    {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "logs:PutLogEvents", "Resource": "*"}]}
)


@pytest.fixture
def plain(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    monkeypatch.delenv("WORKSHOP_TARGET", raising=False)
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    return monkeypatch


@pytest.fixture
def account(plain: pytest.MonkeyPatch):
    """moto plays the account: the calls are boto3's own, and none leaves the process."""
    plain.setenv("WORKSHOP_TARGET", "aws")
    plain.setenv("AWS_DEFAULT_REGION", "eu-central-1")
    with mock_aws(config={"lambda": {"use_docker": False}}):
        yield plain


def test_without_a_wish_the_cells_run_on_this_machine(plain: pytest.MonkeyPatch) -> None:
    with start_cloud() as cloud:
        assert isinstance(cloud, LocalCloud)
        assert LocalCloud.current() is cloud
    assert LocalCloud.current() is None


def test_the_cell_that_starts_may_be_run_again(plain: pytest.MonkeyPatch) -> None:
    with start_cloud() as cloud:
        assert start_cloud() is cloud


def test_an_endpoint_that_is_named_already_is_used_and_left_alone(plain: pytest.MonkeyPatch) -> None:
    plain.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:5000")
    said: list[str] = []
    with start_cloud(say=said.append) as cloud:
        assert isinstance(cloud, Elsewhere)
        assert said == ["These cells run on http://127.0.0.1:5000, which AWS_ENDPOINT_URL names."]


def test_a_clock_elsewhere_is_not_put_forward_and_one_sentence_says_so():
    with pytest.raises(OnlyOnThisMachine, match=r"clock\.advance\(\) looks into this machine's own cloud") as refused:
        Elsewhere("http://127.0.0.1:4566").clock.advance(days=1)
    assert str(refused.value).count(". ") == 0


@pytest.mark.parametrize("name", ["environments", "invocations", "recycle", "settle"])
def test_what_only_this_machine_can_tell_is_refused_in_one_sentence(name: str) -> None:
    with pytest.raises(OnlyOnThisMachine) as refused:
        getattr(Elsewhere("http://class:5000"), name)()
    assert refused.value._render_traceback_() == [str(refused.value)]
    assert "http://class:5000" in str(refused.value)


def test_an_unknown_target_is_named(plain: pytest.MonkeyPatch) -> None:
    plain.setenv("WORKSHOP_TARGET", "azure")
    with pytest.raises(ValueError, match="WORKSHOP_TARGET must be local or aws, got 'azure'"):
        start_cloud()


def test_before_anything_is_created_account_region_and_cost_are_shown(account: pytest.MonkeyPatch) -> None:
    said: list[str] = []
    with start_cloud(ask=lambda _: "yes", say=said.append) as cloud:
        assert isinstance(cloud, RealAccount)
    assert "123456789012" in said[0]
    assert "eu-central-1" in said[0]
    assert "USD" in said[1]


@pytest.mark.parametrize("reply", ["", "no", "y"])
def test_anything_but_yes_creates_nothing(account: pytest.MonkeyPatch, reply: str) -> None:
    with pytest.raises(OnlyOnThisMachine, match="Nothing was created"):
        start_cloud(ask=lambda _: reply, say=lambda _: None)


def test_without_a_region_nothing_is_asked(account: pytest.MonkeyPatch) -> None:
    account.delenv("AWS_DEFAULT_REGION")
    account.setenv("AWS_CONFIG_FILE", "/nonexistent")
    with pytest.raises(OnlyOnThisMachine, match="AWS_REGION"):
        start_cloud(ask=lambda _: pytest.fail("asked"), say=lambda _: None)


def test_what_is_created_is_tagged_and_removed_again(account: pytest.MonkeyPatch, zip_bytes: bytes) -> None:
    said: list[str] = []
    cloud = start_cloud(ask=lambda _: "yes", say=said.append)
    iam, lam, s3 = boto3.client("iam"), boto3.client("lambda"), boto3.client("s3")
    role = iam.create_role(RoleName="shop", AssumeRolePolicyDocument=TRUST)["Role"]["Arn"]
    iam.put_role_policy(RoleName="shop", PolicyName="logs", PolicyDocument=LOGS)
    s3.create_bucket(Bucket="shop", CreateBucketConfiguration={"LocationConstraint": "eu-central-1"})
    s3.put_object(Bucket="shop", Key="a", Body=b"a")
    with pytest.raises(iam.exceptions.EntityAlreadyExistsException):
        iam.create_role(RoleName="shop", AssumeRolePolicyDocument=TRUST)
    code = {"ZipFile": zip_bytes}
    made = {"Runtime": "python3.13", "Role": role, "Handler": "lambda_function.handler", "Code": code}
    arn = lam.create_function(FunctionName="shop", **made)["FunctionArn"]
    boto3.client("sqs").create_queue(QueueName="shop")
    assert lam.list_tags(Resource=arn)["Tags"] == {TAG_KEY: TAG_VALUE}
    assert iam.list_role_tags(RoleName="shop")["Tags"] == [{"Key": TAG_KEY, "Value": TAG_VALUE}]
    cloud.stop()
    assert lam.list_functions()["Functions"] == []
    assert iam.list_roles()["Roles"] == []
    assert s3.list_buckets()["Buckets"] == []
    assert boto3.client("sqs").list_queues().get("QueueUrls", []) == []
    assert sum(line.startswith("Removed") for line in said) == 4


def test_alarms_and_logs_are_tagged_and_removed_too(account: pytest.MonkeyPatch) -> None:
    cloud = start_cloud(ask=lambda _: "yes", say=lambda _: None)
    watch, logs = boto3.client("cloudwatch"), boto3.client("logs")
    logs.create_log_group(logGroupName="/shop")
    rule = {"EvaluationPeriods": 1, "Threshold": 1, "ComparisonOperator": "GreaterThanThreshold", "Period": 60}
    watch.put_metric_alarm(AlarmName="shop", Namespace="AWS/Lambda", MetricName="Errors", Statistic="Sum", **rule)
    arn = watch.describe_alarms()["MetricAlarms"][0]["AlarmArn"]
    assert watch.list_tags_for_resource(ResourceARN=arn)["Tags"] == [{"Key": TAG_KEY, "Value": TAG_VALUE}]
    assert logs.list_tags_log_group(logGroupName="/shop")["tags"] == {TAG_KEY: TAG_VALUE}
    cloud.stop()
    assert watch.describe_alarms()["MetricAlarms"] == []
    assert logs.describe_log_groups()["logGroups"] == []


def test_what_cannot_be_removed_is_named(account: pytest.MonkeyPatch) -> None:
    said: list[str] = []
    cloud = start_cloud(ask=lambda _: "yes", say=said.append)
    boto3.client("sqs").create_queue(QueueName="gone")
    sqs = boto3.client("sqs")
    sqs.delete_queue(QueueUrl=sqs.get_queue_url(QueueName="gone")["QueueUrl"])
    boto3.client("secretsmanager").create_secret(Name="kept", SecretString="x")
    cloud.stop()
    assert any(line.startswith("CreateSecret isn't among") for line in said)
    assert any(line.startswith("Still there") and "gone" in line for line in said)


def test_a_new_role_and_a_new_function_get_their_moment() -> None:
    waits = RealAccount._wait_for_role, RealAccount._wait_until_active
    not_yet = (None, {"Error": {"Message": "The role defined for the function cannot be assumed by Lambda."}})
    pending = (None, {"Error": {"Code": "ResourceConflictException"}})
    assert waits[0](not_yet, attempts=1) > 0
    assert waits[0](not_yet, attempts=100) is None
    assert waits[1](pending, attempts=1) > 0
    assert waits[1]((None, {}), attempts=1) is None


@pytest.fixture
def zip_bytes() -> bytes:
    import io
    import zipfile

    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as file:
        file.writestr("lambda_function.py", "def handler(event, context):\n    return event\n")
    return data.getvalue()
