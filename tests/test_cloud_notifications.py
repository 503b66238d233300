"""Buckets, topics and log groups notify functions as AWS does: its shapes, its queue, its permissions."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
import pytest
from aws_lambda_powertools.utilities.data_classes import CloudWatchLogsEvent, S3Event, SNSEvent
from botocore.exceptions import ClientError
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding

ECHO = "import json\ndef handler(event, context): print('heard', json.dumps(event))\n"
FAILS = "def handler(event, context): raise ValueError('no such picture')\n"


def arn_of(name: str) -> str:
    return f"arn:aws:lambda:us-east-1:123456789012:function:{name}"


def heard(workshop: Any, name: str) -> list[dict]:
    """Return the events that a function was invoked with, environment by environment."""
    lines = [line for line in workshop.logs(name) if line.startswith("heard ")]
    return [json.loads(line.removeprefix("heard ")) for line in lines]


def configure(bucket: str, *configurations: dict, **more: Any) -> None:
    boto3.client("s3").put_bucket_notification_configuration(
        Bucket=bucket, NotificationConfiguration={"LambdaFunctionConfigurations": list(configurations)}, **more
    )


def on(name: str, *events: str, **rules: str) -> dict:
    found = {"LambdaFunctionArn": arn_of(name), "Events": list(events) or ["s3:ObjectCreated:*"]}
    rules_ = [{"Name": name, "Value": value} for name, value in rules.items()]
    return found | ({"Filter": {"Key": {"FilterRules": rules_}}} if rules_ else {})


def recent(text: str) -> bool:
    return abs(datetime.now(UTC) - datetime.fromisoformat(text)) < timedelta(minutes=2)


@pytest.fixture
def bucket(workshop: Any) -> str:
    name = workshop.name("bucket")
    boto3.client("s3").create_bucket(Bucket=name)
    return name


@pytest.fixture(scope="module")
def shared(workshop: Any) -> str:
    """Return a function that repeats what it hears; its environment stays warm."""
    name = workshop.make(ECHO)
    for service in ("s3", "sns", "logs"):
        workshop.permit(name, f"{service}.amazonaws.com")
    return name


@pytest.fixture
def echo(workshop: Any, shared: str) -> Any:
    """Return the name of the shared function, and what it has heard since."""
    before = heard(workshop, shared)

    def events() -> list[dict]:
        return [one for one in heard(workshop, shared) if one not in before]

    return shared, events


def test_s3_s_event_has_every_documented_field_and_no_placeholder(cloud: Any, bucket: str, echo: Any) -> None:
    name, events = echo
    configure(bucket, on(name) | {"Id": "pictures"})
    answer = boto3.client("s3").put_object(Bucket=bucket, Key="holidays 2026/añ+o.jpg", Body=b"12345")
    cloud.settle()
    (event,) = events()
    (record,) = event["Records"]
    assert recent(record.pop("eventTime"))
    principal = record["userIdentity"]["principalId"]
    assert re.fullmatch(r"A[A-Z2-7]{13}", principal)
    assert re.fullmatch(r"[0-9A-F]{18}", record["s3"]["object"].pop("sequencer"))
    metadata = answer["ResponseMetadata"]
    assert record == {
        "eventVersion": "2.1",
        "eventSource": "aws:s3",
        "awsRegion": "us-east-1",
        "eventName": "ObjectCreated:Put",
        "userIdentity": {"principalId": principal},
        "requestParameters": {"sourceIPAddress": "127.0.0.1"},
        "responseElements": {"x-amz-request-id": metadata["RequestId"], "x-amz-id-2": metadata["HostId"]},
        "s3": {
            "s3SchemaVersion": "1.0",
            "configurationId": "pictures",
            "bucket": {"name": bucket, "ownerIdentity": {"principalId": principal}, "arn": f"arn:aws:s3:::{bucket}"},
            "object": {
                "key": "holidays+2026/a%C3%B1%2Bo.jpg",
                "size": 5,
                "eTag": answer["ETag"].strip('"'),
            },
        },
    }


def test_powertools_reads_s3_s_event(cloud: Any, bucket: str, echo: Any) -> None:
    name, events = echo
    configure(bucket, on(name))
    boto3.client("s3").put_object(Bucket=bucket, Key="a b.jpg", Body=b"123")
    cloud.settle()
    event = S3Event(events()[0])
    assert (event.bucket_name, event.object_key) == (bucket, "a b.jpg")
    assert event.record.s3.get_object.size == 3
    assert event.record.s3.bucket.owner_identity.principal_id == event.record.user_identity.principal_id


def test_each_way_of_creating_an_object_has_its_name(cloud: Any, bucket: str, echo: Any) -> None:
    name, events = echo
    configure(bucket, on(name))
    s3 = boto3.client("s3")
    s3.put_object(Bucket=bucket, Key="put", Body=b"1")
    s3.copy_object(Bucket=bucket, Key="copied", CopySource={"Bucket": bucket, "Key": "put"})
    upload = s3.create_multipart_upload(Bucket=bucket, Key="parts")["UploadId"]
    part = s3.upload_part(Bucket=bucket, Key="parts", UploadId=upload, PartNumber=1, Body=b"123")
    parts = {"Parts": [{"PartNumber": 1, "ETag": part["ETag"]}]}
    s3.complete_multipart_upload(Bucket=bucket, Key="parts", UploadId=upload, MultipartUpload=parts)
    cloud.settle()
    found = sorted((one["Records"][0]["eventName"], one["Records"][0]["s3"]["object"]["size"]) for one in events())
    assert found == [("ObjectCreated:CompleteMultipartUpload", 3), ("ObjectCreated:Copy", 1), ("ObjectCreated:Put", 1)]


def test_tags_and_rights_that_come_with_an_object_are_no_events_of_their_own(
    cloud: Any, bucket: str, echo: Any
) -> None:
    name, events = echo
    configure(bucket, on(name, "s3:ObjectTagging:*", "s3:ObjectAcl:Put"))
    s3 = boto3.client("s3")
    s3.put_object(Bucket=bucket, Key="k", Body=b"", Tagging="colour=red", ACL="public-read")
    s3.put_object_tagging(Bucket=bucket, Key="k", Tagging={"TagSet": [{"Key": "colour", "Value": "blue"}]})
    cloud.settle()
    (record,) = (one["Records"][0] for one in events())
    assert (record["eventName"], record["eventVersion"]) == ("ObjectTagging:Put", "2.3")


def test_a_form_that_posts_an_object_is_told_as_post(cloud: Any, bucket: str, echo: Any) -> None:
    import requests

    name, events = echo
    configure(bucket, on(name, "s3:ObjectCreated:Post"))
    form = boto3.client("s3").generate_presigned_post(bucket, "posted.txt")
    assert requests.post(form["url"], data=form["fields"], files={"file": b"1234"}).status_code < 300
    cloud.settle()
    assert [one["Records"][0]["eventName"] for one in events()] == ["ObjectCreated:Post"]


def test_removals_tell_which_version_went_and_where_a_marker_was_set(cloud: Any, bucket: str, echo: Any) -> None:
    name, events = echo
    configure(bucket, on(name, "s3:ObjectRemoved:*"))
    s3 = boto3.client("s3")
    s3.put_object(Bucket=bucket, Key="plain", Body=b"")
    s3.delete_object(Bucket=bucket, Key="plain")
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    version = s3.put_object(Bucket=bucket, Key="kept", Body=b"")["VersionId"]
    marker = s3.delete_object(Bucket=bucket, Key="kept")["VersionId"]
    s3.delete_object(Bucket=bucket, Key="kept", VersionId=version)
    cloud.settle()
    found = {
        (one["eventName"], one["s3"]["object"]["key"], one["s3"]["object"].get("versionId"))
        for one in (event["Records"][0] for event in events())
    }
    assert found == {
        ("ObjectRemoved:Delete", "plain", None),
        ("ObjectRemoved:DeleteMarkerCreated", "kept", marker),
        ("ObjectRemoved:Delete", "kept", version),
    }
    assert all("size" not in event["Records"][0]["s3"]["object"] for event in events())


def test_an_event_leaves_when_the_object_has_its_metadata_and_tags(
    cloud: Any, bucket: str, echo: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    s3, seen, buckets = boto3.client("s3"), [], cloud._engine.bridge._sources[0]

    def tell(*_: Any) -> None:
        seen.append(s3.head_object(Bucket=bucket, Key="k")["Metadata"])
        seen.append(s3.get_object_tagging(Bucket=bucket, Key="k")["TagSet"])

    monkeypatch.setattr(buckets, "tell", tell)
    configure(bucket, on(echo[0]))
    s3.put_object(Bucket=bucket, Key="k", Body=b"", Metadata={"camera": "one"}, Tagging="colour=red")
    assert seen == [{"camera": "one"}, [{"Key": "colour", "Value": "red"}]]


def test_prefix_and_suffix_must_both_fit_and_each_configuration_has_its_own(cloud: Any, bucket: str, echo: Any) -> None:
    name, events = echo
    configure(
        bucket,
        on(name, prefix="in/", suffix=".jpg") | {"Id": "pictures"},
        on(name, Prefix="in/", Suffix=".txt") | {"Id": "texts"},
    )
    for key in ("in/a.jpg", "in/b.txt", "in/c.png", "out/d.jpg", "in/e.JPG"):
        boto3.client("s3").put_object(Bucket=bucket, Key=key, Body=b"")
    cloud.settle()
    found = sorted(
        (one["s3"]["configurationId"], one["s3"]["object"]["key"]) for one in (e["Records"][0] for e in events())
    )
    assert found == [("pictures", "in/a.jpg"), ("texts", "in/b.txt")]


@pytest.mark.parametrize("rules", [{"prefix": ""}, {"prefix": "", "suffix": ".jpg"}])
def test_an_empty_filter_lets_everything_pass(cloud: Any, bucket: str, echo: Any, rules: dict[str, str]) -> None:
    name, events = echo
    configure(bucket, on(name, **rules))
    for key in ("a.jpg", "b.txt"):
        boto3.client("s3").put_object(Bucket=bucket, Key=key, Body=b"")
    cloud.settle()
    keys = sorted(event["Records"][0]["s3"]["object"]["key"] for event in events())
    assert keys == (["a.jpg"] if "suffix" in rules else ["a.jpg", "b.txt"])


def test_sequencers_grow_with_each_change_of_a_key(cloud: Any, bucket: str, echo: Any) -> None:
    name, events = echo
    configure(bucket, on(name))
    for size in (1, 2, 3):
        boto3.client("s3").put_object(Bucket=bucket, Key="k", Body=b"x" * size)
    cloud.settle()
    found = sorted((one["sequencer"], one["size"]) for one in (e["Records"][0]["s3"]["object"] for e in events()))
    assert [size for _, size in found] == [1, 2, 3]


def test_who_uploads_is_named_by_the_id_of_the_role_s_session(
    cloud: Any, workshop: Any, bucket: str, echo: Any
) -> None:
    name, events = echo
    configure(bucket, on(name))
    sts, iam = boto3.client("sts"), boto3.client("iam")
    session = sts.assume_role(RoleArn=workshop.role, RoleSessionName="camera")["Credentials"]
    camera = boto3.client(
        "s3",
        aws_access_key_id=session["AccessKeyId"],
        aws_secret_access_key=session["SecretAccessKey"],
        aws_session_token=session["SessionToken"],
    )
    camera.put_object(Bucket=bucket, Key="k", Body=b"")
    user = iam.create_user(UserName=workshop.name("user"))["User"]
    key = iam.create_access_key(UserName=user["UserName"])["AccessKey"]
    person = boto3.client("s3", aws_access_key_id=key["AccessKeyId"], aws_secret_access_key=key["SecretAccessKey"])
    person.put_object(Bucket=bucket, Key="k", Body=b"")
    cloud.settle()
    first, second = sorted((one["Records"][0] for one in events()), key=lambda one: one["eventTime"])
    assert re.fullmatch(r"AWS:AROA\w+:camera", first["userIdentity"]["principalId"])
    assert second["userIdentity"]["principalId"] == f"AWS:{user['UserId']}"


def test_the_caller_does_not_wait_for_the_function(cloud: Any, workshop: Any, bucket: str, tmp_path: Any) -> None:
    name = workshop.make(f"""
        import pathlib, time
        def handler(event, context):
            while not pathlib.Path({str(tmp_path / "go")!r}).exists(): time.sleep(0.002)
    """)
    workshop.permit(name, "s3.amazonaws.com")
    configure(bucket, on(name))
    boto3.client("s3").put_object(Bucket=bucket, Key="k", Body=b"")
    assert name not in set(cloud.invocations().function)
    (tmp_path / "go").touch()
    cloud.settle()
    assert list(cloud.invocations().query("function == @name").status) == ["success"]


def test_a_function_that_fails_is_tried_again_and_then_it_is_on_record(cloud: Any, workshop: Any, bucket: str) -> None:
    name = workshop.make(FAILS)
    workshop.permit(name, "s3.amazonaws.com")
    workshop.client.put_function_event_invoke_config(FunctionName=name, MaximumRetryAttempts=1)
    configure(bucket, on(name))
    boto3.client("s3").put_object(Bucket=bucket, Key="cat.jpg", Body=b"")
    cloud.settle()
    rows = cloud.invocations().query("function == @name")
    assert list(rows.status) == ["error"] * 2
    assert rows.request_id.nunique() == 1
    last = cloud.problems().iloc[-1]
    assert (last.source, last.target) == (f"s3://{bucket}/cat.jpg", f"{arn_of(name)}:$LATEST")
    assert last.cause == "RetriesExhausted: ValueError: no such picture"


def test_a_destination_without_permission_is_refused_and_the_cause_is_on_record(
    cloud: Any, workshop: Any, bucket: str
) -> None:
    name = workshop.make(ECHO)
    with pytest.raises(ClientError, match=r"\(InvalidArgument\).*Unable to validate the following destination"):
        configure(bucket, on(name))
    last = cloud.problems().iloc[-1]
    assert (last.source, last.target) == (f"s3://{bucket}", arn_of(name))
    assert last.cause.startswith("AccessDeniedException: s3.amazonaws.com is not authorized to perform: lambda:Invoke")
    assert "LambdaFunctionConfigurations" not in boto3.client("s3").get_bucket_notification_configuration(Bucket=bucket)


def test_permission_for_another_bucket_does_not_help(cloud: Any, workshop: Any, bucket: str) -> None:
    name = workshop.make(ECHO)
    workshop.client.add_permission(
        FunctionName=name,
        StatementId="one",
        Action="lambda:InvokeFunction",
        Principal="s3.amazonaws.com",
        SourceArn="arn:aws:s3:::another",
    )
    with pytest.raises(ClientError, match="Unable to validate"):
        configure(bucket, on(name))
    workshop.client.add_permission(
        FunctionName=name,
        StatementId="two",
        Action="lambda:InvokeFunction",
        Principal="s3.amazonaws.com",
        SourceArn=f"arn:aws:s3:::{bucket}",
        SourceAccount="123456789012",
    )
    configure(bucket, on(name))


def test_a_function_that_is_missing_is_refused_unless_the_caller_skips_the_validation(cloud: Any, bucket: str) -> None:
    with pytest.raises(ClientError, match="Unable to validate"):
        configure(bucket, on("nobody"))
    assert cloud.problems().iloc[-1].cause == f"ResourceNotFoundException: Function not found: {arn_of('nobody')}"
    configure(bucket, on("nobody"), SkipDestinationValidation=True)
    boto3.client("s3").put_object(Bucket=bucket, Key="k", Body=b"")
    last = cloud.problems().iloc[-1]
    assert (last.source, last.cause) == (
        f"s3://{bucket}/k",
        f"ResourceNotFoundException: Function not found: {arn_of('nobody')}",
    )


def test_two_configurations_must_not_compete_for_the_same_event(cloud: Any, bucket: str, echo: Any) -> None:
    name, _ = echo
    with pytest.raises(ClientError, match="cannot share a common event type"):
        configure(bucket, on(name), on(name, "s3:ObjectCreated:Put"))
    with pytest.raises(ClientError, match="ambiguously defined"):
        configure(bucket, on(name, prefix="in/"), on(name, suffix=".jpg"))
    configure(bucket, on(name), on(name, "s3:ObjectRemoved:*"))


def test_a_queue_and_a_topic_get_a_test_event_and_a_function_does_not(
    cloud: Any, workshop: Any, bucket: str, echo: Any
) -> None:
    name, events = echo
    s3, sqs = boto3.client("s3"), boto3.client("sqs")
    url = sqs.create_queue(QueueName=workshop.name("queue"))["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    both = {
        "QueueConfigurations": [{"QueueArn": arn, "Events": ["s3:ObjectRemoved:*"]}],
        "LambdaFunctionConfigurations": [on(name)],
    }
    with pytest.raises(ClientError, match="Unable to validate"):
        s3.put_bucket_notification_configuration(Bucket=bucket, NotificationConfiguration=both)
    statement = {
        "Effect": "Allow",
        "Principal": {"Service": "s3.amazonaws.com"},
        "Action": "sqs:SendMessage",
        "Resource": arn,
        "Condition": {"ArnLike": {"aws:SourceArn": f"arn:aws:s3:*:*:{bucket}"}},
    }
    policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": policy})
    s3.put_bucket_notification_configuration(Bucket=bucket, NotificationConfiguration=both)
    text = json.loads(sqs.receive_message(QueueUrl=url)["Messages"][0]["Body"])
    assert recent(text.pop("Time"))
    assert len(text.pop("HostId")) > 40
    assert len(text.pop("RequestId")) == 16
    assert text == {"Service": "Amazon S3", "Event": "s3:TestEvent", "Bucket": bucket}
    cloud.settle()
    assert events() == []


def test_sns_s_event_has_every_documented_field_and_no_placeholder(cloud: Any, workshop: Any, echo: Any) -> None:
    name, events = echo
    sns = boto3.client("sns")
    topic = sns.create_topic(Name=workshop.name("topic"))["TopicArn"]
    subscription = sns.subscribe(TopicArn=topic, Protocol="lambda", Endpoint=arn_of(name))["SubscriptionArn"]
    colour = {"colour": {"DataType": "String", "StringValue": "red"}}
    message_id = sns.publish(TopicArn=topic, Message="hello", Subject="greeting", MessageAttributes=colour)["MessageId"]
    cloud.settle()
    (event,) = events()
    (record,) = json.loads(json.dumps(event))["Records"]
    body = record.pop("Sns")
    assert record == {"EventSource": "aws:sns", "EventVersion": "1.0", "EventSubscriptionArn": subscription}
    assert recent(body.pop("Timestamp"))
    assert re.fullmatch(
        r"https://sns\.us-east-1\.amazonaws\.com/SimpleNotificationService-\w+\.pem", body.pop("SigningCertUrl")
    )
    assert len(body.pop("Signature")) == 344
    assert body == {
        "Type": "Notification",
        "MessageId": message_id,
        "TopicArn": topic,
        "Subject": "greeting",
        "Message": "hello",
        "SignatureVersion": "1",
        "UnsubscribeUrl": f"https://sns.us-east-1.amazonaws.com/?Action=Unsubscribe&SubscriptionArn={subscription}",
        "MessageAttributes": {"colour": {"Type": "String", "Value": "red"}},
    }
    read = SNSEvent(event)
    assert (read.sns_message, read.record.sns.message_attributes["colour"].value) == ("hello", "red")


def test_the_signature_of_a_message_can_be_verified(cloud: Any, workshop: Any, echo: Any) -> None:
    import base64

    from moto.sns.models import sns_backends

    name, events = echo
    sns = boto3.client("sns")
    topic = sns.create_topic(Name=workshop.name("topic"), Attributes={"SignatureVersion": "2"})["TopicArn"]
    sns.subscribe(TopicArn=topic, Protocol="lambda", Endpoint=arn_of(name))
    sns.publish(TopicArn=topic, Message="hello", Subject="greeting")
    cloud.settle()
    body = events()[0]["Records"][0]["Sns"]
    signed = ("Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type")
    text = "".join(f"{key}\n{body[key]}\n" for key in signed)
    file = body["SigningCertUrl"].rpartition("/")[2]
    pem = sns_backends["123456789012"]["us-east-1"]._message_public_keys[file]
    key = x509.load_pem_x509_certificate(pem).public_key()
    assert body["SignatureVersion"] == "2"
    key.verify(base64.b64decode(body["Signature"]), text.encode(), padding.PKCS1v15(), hashes.SHA256())


def test_a_filter_policy_decides_which_messages_reach_the_function(cloud: Any, workshop: Any, echo: Any) -> None:
    name, events = echo
    sns = boto3.client("sns")
    topic = sns.create_topic(Name=workshop.name("topic"))["TopicArn"]
    wanted = {"FilterPolicy": json.dumps({"colour": ["red"]})}
    sns.subscribe(TopicArn=topic, Protocol="lambda", Endpoint=arn_of(name), Attributes=wanted)
    for colour in ("red", "blue"):
        attributes = {"colour": {"DataType": "String", "StringValue": colour}}
        sns.publish(TopicArn=topic, Message=colour, MessageAttributes=attributes)
    cloud.settle()
    assert [one["Records"][0]["Sns"]["Message"] for one in events()] == ["red"]


def test_a_topic_without_permission_publishes_and_what_it_could_not_deliver_goes_to_the_dead_letter_queue(
    cloud: Any, workshop: Any
) -> None:
    name = workshop.make(ECHO)
    sns, sqs = boto3.client("sns"), boto3.client("sqs")
    url = sqs.create_queue(QueueName=workshop.name("queue"))["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    topic = sns.create_topic(Name=workshop.name("topic"))["TopicArn"]
    redrive = {"RedrivePolicy": json.dumps({"deadLetterTargetArn": arn})}
    sns.subscribe(TopicArn=topic, Protocol="lambda", Endpoint=arn_of(name), Attributes=redrive)
    sns.publish(TopicArn=topic, Message="hello")
    last = cloud.problems().iloc[-1]
    assert (last.source, last.target) == (topic, arn_of(name))
    assert last.cause.startswith("AccessDeniedException: sns.amazonaws.com is not authorized")
    assert json.loads(sqs.receive_message(QueueUrl=url)["Messages"][0]["Body"])["Message"] == "hello"


def test_log_messages_that_fit_the_filter_reach_the_subscriber(cloud: Any, workshop: Any, echo: Any) -> None:
    name, events = echo
    logs, group = boto3.client("logs"), workshop.name("group")
    logs.create_log_group(logGroupName=group)
    logs.create_log_stream(logGroupName=group, logStreamName="one")
    logs.put_subscription_filter(
        logGroupName=group, filterName="errors", filterPattern="?ERROR ?Fault", destinationArn=arn_of(name)
    )
    now = int(datetime.now(UTC).timestamp() * 1000)
    messages = ["INFO all well", "ERROR no such order", "Fault in line 3"]
    logs.put_log_events(
        logGroupName=group,
        logStreamName="one",
        logEvents=[{"timestamp": now, "message": message} for message in messages],
    )
    cloud.settle()
    (event,) = events()
    data = CloudWatchLogsEvent(event).parse_logs_data()
    assert (data.owner, data.log_group, data.log_stream) == ("123456789012", group, "one")
    assert (data.message_type, data.subscription_filters) == ("DATA_MESSAGE", ["errors"])
    assert [one.message for one in data.log_events] == messages[1:]
    assert all(re.fullmatch(r"\d{56}", one.get_id) for one in data.log_events)
    assert {one.timestamp for one in data.log_events} == {now}


def test_a_subscription_to_logs_needs_permission(cloud: Any, workshop: Any) -> None:
    name, group = workshop.make(ECHO), workshop.name("group")
    logs = boto3.client("logs")
    logs.create_log_group(logGroupName=group)
    with pytest.raises(ClientError, match="given CloudWatch Logs permission"):
        logs.put_subscription_filter(
            logGroupName=group, filterName="all", filterPattern="", destinationArn=arn_of(name)
        )


def test_a_function_that_writes_to_its_own_bucket_is_stopped_after_sixteen_rounds(
    cloud: Any, workshop: Any, bucket: str
) -> None:
    name = workshop.make(
        """
        import boto3
        s3 = boto3.client("s3")
        def handler(event, context):
            about = event["Records"][0]["s3"]
            s3.put_object(Bucket=about["bucket"]["name"], Key=about["object"]["key"] + "x", Body=b"")
        """
    )
    workshop.permit(name, "s3.amazonaws.com")
    configure(bucket, on(name))
    boto3.client("s3").put_object(Bucket=bucket, Key="x", Body=b"")
    cloud.settle()
    assert (cloud.invocations().function == name).sum() == 16
    last = cloud.problems().iloc[-1]
    assert (last.source, last.target) == (f"s3://{bucket}/{'x' * 17}", f"{arn_of(name)}:$LATEST")
    assert last.cause.startswith("RecursiveInvocationException: Lambda has detected your function being invoked in a")
    assert "busy" not in set(cloud.environments().query("function == @name").state)


def test_an_event_can_be_delivered_twice_and_is_the_same_to_the_byte(cloud: Any, bucket: str, echo: Any) -> None:
    name, events = echo
    configure(bucket, on(name))
    boto3.client("s3").put_object(Bucket=bucket, Key="k", Body=b"")
    cloud.settle()
    request_id = cloud.invocations().request_id.iloc[-1]
    cloud.redeliver(request_id)
    cloud.settle()
    first, second = events()
    assert first == second
    assert list(cloud.invocations().request_id[-2:]) == [request_id] * 2


def test_redelivering_what_was_never_accepted_says_so(cloud: Any) -> None:
    with pytest.raises(LookupError, match="no asynchronous event of this session has the request id 'none'"):
        cloud.redeliver("none")
