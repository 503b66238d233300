"""What the reading of a module finds, and what it leaves alone."""

from __future__ import annotations

import pytest

from helpers.portability import moves, report
from helpers.portability.events import source_of_event
from helpers.portability.resources import fate_of

THUMBNAIL = '''
"""Doc: boto3."""
import json
import boto3 as aws
from botocore.exceptions import ClientError

s3 = aws.client("s3")

def handler(event, context):
    print(context.aws_request_id)
    return [work(record["s3"]) for record in event["Records"]]

def work(about):
    key = about["object"]["key"]
    text = s3.get_object(Bucket="b", Key=key)["Body"].read()
    # s3 is not in a comment
    words = text.decode().split()
    return len(words)
'''


def lines_of(source: str) -> list[str]:
    found = report(source)
    return [source.splitlines()[number - 1].strip() for number in sorted(found.lines)]


def test_a_line_is_awss_when_it_would_have_to_be_written_anew() -> None:
    plain = {line.strip() for line in THUMBNAIL.splitlines()} - set(lines_of(THUMBNAIL))
    assert {"import json", "def work(about):", "words = text.decode().split()", "return len(words)"} <= plain
    assert report(THUMBNAIL).code >= report(THUMBNAIL).lines
    assert len(report(THUMBNAIL).lines) == 8


def test_imports_are_found_under_any_name() -> None:
    assert report(THUMBNAIL).named("import") == ("boto3", "botocore.exceptions")


def test_the_parts_of_an_event_are_followed_into_other_functions() -> None:
    found = report(THUMBNAIL)
    assert "Records[].s3.object.key" in found.named("event shape")
    assert found.sources == ("S3",)


def test_the_context_is_awss() -> None:
    assert report(THUMBNAIL).named("context") == ("aws_request_id",)


def test_a_clients_service_is_a_resource_and_so_is_an_arn() -> None:
    source = "import boto3\nqueue = boto3.resource('sqs').Queue('q')\nrole = 'arn:aws:iam::1:role/r'\nqueue.purge()\n"
    assert report(source).named("resource") == ("sqs", "arn:aws:iam::1:role/r")
    assert set(report(source).named("call")) == {"boto3", "resource", "Queue", "purge", "queue"}


def test_a_table_kept_by_an_object_is_still_a_table() -> None:
    source = (
        "import boto3\nclass Orders:\n    def __init__(self):\n        self.t = boto3.resource('dynamodb').Table('t')\n"
    )
    source += "    def save(self, item):\n        self.t.put_item(Item=item)\n"
    assert report(source).named("call")[-1] == "put_item"
    assert len(report(source).lines) == 3


def test_only_lambdas_own_settings_are_awss() -> None:
    source = "import os\na = os.environ['AWS_REGION']\nb = os.getenv('LAMBDA_TASK_ROOT')\nc = os.environ.get('TABLE')\n"
    assert report(source).named("environment") == ("AWS_REGION", "LAMBDA_TASK_ROOT")


def test_what_an_api_wants_back_is_awss() -> None:
    source = "def handler(event, context):\n    return {'statusCode': 200,\n        'body': 'x'}\n"
    assert report(source).named("answer shape") == ("statusCode",)
    assert report(source).share == 1


def test_a_function_with_other_arguments_is_no_handler() -> None:
    assert report("def handle(order, shop):\n    return order['Records']\n").findings == ()


def test_a_module_of_ones_own_may_be_called_event() -> None:
    assert report("def add(event):\n    return event['Records']\n").findings == ()


@pytest.mark.parametrize("source", ["", "# nothing\n", '"""Only words."""\n'])
def test_no_code_owes_nothing(source: str) -> None:
    assert report(source).share == 0


def test_what_is_not_python_is_refused_with_its_line() -> None:
    with pytest.raises(ValueError, match="line 2 is not"):
        report("a = 1\nb = = 2\n")
    with pytest.raises(ValueError, match="source must be the text"):
        report(None)  # type: ignore[arg-type]


def test_the_shape_tells_the_sender() -> None:
    told = [
        source_of_event(path) for path in ("Records[].body", "rawPath", "detail-type", "Records[].s3x", "triggerSource")
    ]
    assert told == ["SQS", "HTTP API or function URL", "EventBridge", "", "Cognito"]


def test_marked_lines_stand_beside_the_text() -> None:
    assert report("import boto3\nx = 1\n").marked() == "┃ import boto3\n  x = 1"


def test_the_longest_name_decides_a_resources_fate() -> None:
    assert fate_of("AWS::Lambda::Function").verdict == "moves"
    assert fate_of("AWS::Lambda::Version").verdict == "ends"
    assert fate_of("Custom::Thing").elsewhere == "?"


def test_types_are_counted_once_each() -> None:
    queue = {"Type": "AWS::SQS::Queue"}
    frame = moves({"Resources": {"a": queue, "b": queue, "c": {"Type": "AWS::IAM::Role"}}})
    assert frame["count"].tolist() == [2, 1]
    with pytest.raises(ValueError, match="Resources"):
        moves({})
