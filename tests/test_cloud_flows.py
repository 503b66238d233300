"""The ways of events are counted, and pollers rest when nothing comes."""

from __future__ import annotations

import threading
from typing import Any

import boto3
from moto.kinesis.models import Stream
from moto.sqs.models import Queue

ECHO = "def handler(event, context): return event\n"
FAILS = "def handler(event, context): raise ValueError('no')\n"


def arn_of(name: str) -> str:
    return f"arn:aws:lambda:us-east-1:123456789012:function:{name}"


def ways(cloud: Any, source: str) -> dict[tuple[str, str], tuple[int, int]]:
    frame = cloud.flows()
    rows = frame[frame["source"] == source].to_dict("records")
    return {(row["target"], row["kind"]): (row["delivered"], row["failed"]) for row in rows}


def test_fifteen_mappings_that_have_nothing_to_do_have_no_thread_and_nothing_to_wait_for(start: Any) -> None:
    add, put = Queue.add_message, Stream.put_record
    before = set(threading.enumerate())
    cloud, workshop = start()
    engine = cloud._engine
    quiet = {thread.name for thread in set(threading.enumerate()) - before}
    role = workshop.role.rpartition("/")[2]
    rights = '{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "sqs:*", "Resource": "*"}]}'
    boto3.client("iam").put_role_policy(RoleName=role, PolicyName="read", PolicyDocument=rights)
    name, sqs = workshop.make(ECHO), boto3.client("sqs")
    due = len(engine.timer._due)
    for number in range(15):
        sqs.create_queue(QueueName=f"queue-{number}")
        source = f"arn:aws:sqs:us-east-1:123456789012:queue-{number}"
        workshop.client.create_event_source_mapping(EventSourceArn=source, FunctionName=name)
    cloud.settle()
    workers = ("local-cloud-worker", "local-cloud-attempt")  # these end by themselves
    there = [thread.name for thread in set(threading.enumerate()) - before if not thread.name.startswith("Thread-")]
    assert {one for one in there if one not in workers} <= quiet
    assert there.count("local-cloud-worker") <= 16
    assert len(engine.timer._due) <= due
    cloud.stop()
    assert (Queue.add_message, Stream.put_record) == (add, put)


def test_a_topic_s_fan_out_is_counted_way_by_way(cloud: Any, workshop: Any) -> None:
    sns, sqs = boto3.client("sns"), boto3.client("sqs")
    topic = sns.create_topic(Name="uploads")["TopicArn"]
    names = [workshop.make(ECHO), workshop.make(ECHO), workshop.make(FAILS)]
    for name in names:
        workshop.permit(name, "sns.amazonaws.com")
        sns.subscribe(TopicArn=topic, Protocol="lambda", Endpoint=arn_of(name))
    workshop.client.put_function_event_invoke_config(FunctionName=names[2], MaximumRetryAttempts=0)
    sqs.create_queue(QueueName="archive")
    archive = "arn:aws:sqs:us-east-1:123456789012:archive"
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=archive)
    sns.publish(TopicArn=topic, Message="a cat")
    cloud.settle()
    assert ways(cloud, topic) == {
        (arn_of(names[0]), "SNS"): (1, 0),
        (arn_of(names[1]), "SNS"): (1, 0),
        (arn_of(names[2]), "SNS"): (0, 1),
        (archive, "SNS"): (1, 0),
    }


def test_what_a_function_leaves_to_a_destination_is_counted(cloud: Any, workshop: Any) -> None:
    name = workshop.make(FAILS)
    boto3.client("sqs").create_queue(QueueName="failures")
    failures = "arn:aws:sqs:us-east-1:123456789012:failures"
    workshop.client.put_function_event_invoke_config(
        FunctionName=name, MaximumRetryAttempts=0, DestinationConfig={"OnFailure": {"Destination": failures}}
    )
    workshop.client.invoke(FunctionName=name, InvocationType="Event")
    cloud.settle()
    assert ways(cloud, arn_of(name)) == {(failures, "on failure"): (1, 0)}
    assert ways(cloud, "a caller")[arn_of(name), "asynchronous"] == (0, 1)


def test_a_bucket_s_notifications_are_counted(cloud: Any, workshop: Any) -> None:
    name, s3 = workshop.make(ECHO), boto3.client("s3")
    workshop.permit(name, "s3.amazonaws.com")
    s3.create_bucket(Bucket="photos")
    configuration = {"LambdaFunctionArn": arn_of(name), "Events": ["s3:ObjectCreated:*"]}
    s3.put_bucket_notification_configuration(
        Bucket="photos", NotificationConfiguration={"LambdaFunctionConfigurations": [configuration]}
    )
    s3.put_object(Bucket="photos", Key="cat.png", Body=b"1")
    cloud.settle()
    assert ways(cloud, "arn:aws:s3:::photos") == {(arn_of(name), "S3"): (1, 0)}
