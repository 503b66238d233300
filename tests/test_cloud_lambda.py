"""Functions from packages, S3 and layers; updates, versions and aliases; what a caller sends and gets."""

from __future__ import annotations

import base64
import collections
import json
import os
import random
import re
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

ECHO = "def handler(event, context): return event\n"
SAYS = "def handler(event, context): return '{}'\n"
VARIABLE = "import os\ndef handler(event, context): return os.environ.get(event)\n"
MB = 1024 * 1024


def fault(error: pytest.ExceptionInfo[ClientError]) -> tuple[int, str]:
    response = error.value.response
    return response["ResponseMetadata"]["HTTPStatusCode"], response["Error"]["Code"]


# Where code comes from.


def test_a_function_runs_the_code_of_its_zip(workshop: Any) -> None:
    files = {
        "app.py": "from rates import VAT\ndef handler(event, context): return event * VAT\n",
        "rates.py": "VAT = 3",
    }
    assert workshop.call(workshop.make(files), 14) == 42


def test_a_handler_may_lie_in_a_folder(workshop: Any) -> None:
    name = workshop.make({"src/shop/orders.py": SAYS.format("ordered")}, Handler="src/shop/orders.handler")
    assert workshop.call(name) == "ordered"


def test_a_function_runs_the_code_of_an_object_in_s3(workshop: Any) -> None:
    s3 = boto3.client("s3")
    s3.create_bucket(Bucket="packages")
    s3.put_object(Bucket="packages", Key="app.zip", Body=workshop.zipped(SAYS.format("first")))
    name = workshop.make("", Code={"S3Bucket": "packages", "S3Key": "app.zip"})
    s3.put_object(Bucket="packages", Key="app.zip", Body=workshop.zipped(SAYS.format("second")))
    assert workshop.call(name) == "first"
    workshop.client.update_function_code(FunctionName=name, S3Bucket="packages", S3Key="app.zip")
    assert workshop.call(name) == "second"


def test_a_version_of_an_object_in_s3_can_be_named(workshop: Any) -> None:
    s3 = boto3.client("s3")
    s3.create_bucket(Bucket="kept")
    s3.put_bucket_versioning(Bucket="kept", VersioningConfiguration={"Status": "Enabled"})
    old, new = (
        s3.put_object(Bucket="kept", Key="app.zip", Body=workshop.zipped(SAYS.format(word)))["VersionId"]
        for word in ("old", "new")
    )
    name = workshop.make("", Code={"S3Bucket": "kept", "S3Key": "app.zip", "S3ObjectVersion": old})
    assert workshop.call(name) == "old"
    workshop.client.update_function_code(FunctionName=name, S3Bucket="kept", S3Key="app.zip", S3ObjectVersion=new)
    assert workshop.call(name) == "new"
    workshop.client.update_function_code(FunctionName=name, S3Bucket="kept", S3Key="app.zip", S3ObjectVersion=old)
    assert workshop.call(name) == "old"


def layer(workshop: Any, files: dict[str, str]) -> str:
    made = workshop.client.publish_layer_version(
        LayerName=workshop.name("layer"), Content={"ZipFile": workshop.zipped(files)}
    )
    return made["LayerVersionArn"]


def test_the_package_goes_before_its_layers_and_the_last_layer_before_the_first(workshop: Any) -> None:
    first = layer(workshop, {"python/a.py": "A = 1", "python/b.py": "B = 1", "python/c.py": "C = 1"})
    last = layer(workshop, {"python/a.py": "A = 2", "python/b.py": "B = 2"})
    source = "import a, b, c\ndef handler(event, context): return [a.A, b.B, c.C]\n"
    assert workshop.call(workshop.make({"app.py": source, "a.py": "A = 3"}, Layers=[first, last])) == [3, 2, 1]


def test_a_function_finds_the_layers_that_it_was_given_last(workshop: Any) -> None:
    one, two = (layer(workshop, {"python/which.py": f"NUMBER = {number}"}) for number in (1, 2))
    name = workshop.make("import which\ndef handler(event, context): return which.NUMBER\n", Layers=[one])
    assert workshop.call(name) == 1
    workshop.client.update_function_configuration(FunctionName=name, Layers=[two])
    assert workshop.call(name) == 2


def test_a_layer_s_site_packages_count(workshop: Any) -> None:
    import sys

    folder = f"python/lib/python{sys.version_info.major}.{sys.version_info.minor}/site-packages"
    arn = layer(workshop, {f"{folder}/thing.py": "X = 5"})
    assert workshop.call(workshop.make("import thing\ndef handler(e, c): return thing.X\n", Layers=[arn])) == 5


def test_a_function_reads_its_environment_variables(workshop: Any) -> None:
    name = workshop.make(VARIABLE, Environment={"Variables": {"GREETING": "grüezi", "EMPTY": ""}})
    assert [workshop.call(name, key) for key in ("GREETING", "EMPTY", "MISSING")] == ["grüezi", "", None]


def test_a_function_knows_who_it_is_from_its_environment(workshop: Any) -> None:
    source = """
        import os
        NAMES = ("AWS_LAMBDA_FUNCTION_NAME", "AWS_LAMBDA_FUNCTION_VERSION", "AWS_LAMBDA_FUNCTION_MEMORY_SIZE",
                 "AWS_LAMBDA_LOG_GROUP_NAME", "AWS_REGION", "_HANDLER", "AWS_EXECUTION_ENV", "TZ",
                 "AWS_LAMBDA_INITIALIZATION_TYPE")
        def handler(event, context):
            return [os.environ[name] for name in NAMES]
    """
    name = workshop.make(source, MemorySize=512, Runtime="python3.12")
    assert workshop.call(name) == [
        name,
        "$LATEST",
        "512",
        f"/aws/lambda/{name}",
        "us-east-1",
        "app.handler",
        "AWS_Lambda_python3.12",
        ":UTC",
        "on-demand",
    ]


def test_environment_variables_above_four_kilobytes_are_refused(workshop: Any) -> None:
    with pytest.raises(ClientError, match="4KB") as error:
        workshop.make(ECHO, Environment={"Variables": {"LONG": "x" * 4096}})
    assert fault(error) == (400, "InvalidParameterValueException")


@pytest.mark.parametrize("package", [b"not a zip", b""])
def test_what_is_no_package_is_refused_at_once(workshop: Any, package: bytes) -> None:
    with pytest.raises(ClientError) as error:
        workshop.make("", Code={"ZipFile": package})
    assert fault(error) == (400, "InvalidParameterValueException")


def test_a_refused_update_leaves_the_function_as_it_was(workshop: Any) -> None:
    name = workshop.make(SAYS.format("good"))
    before = workshop.client.get_function_configuration(FunctionName=name)
    with pytest.raises(ClientError):
        workshop.client.update_function_code(FunctionName=name, ZipFile=b"not a zip")
    assert workshop.client.get_function_configuration(FunctionName=name)["CodeSha256"] == before["CodeSha256"]
    assert workshop.call(name) == "good"


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"Runtime": "nodejs22.x"}, "Runtime nodejs22.x"),
        ({"Runtime": "provided.al2023"}, "Runtime provided.al2023"),
        ({"PackageType": "Image", "Code": {"ImageUri": "1.dkr.ecr.us-east-1.amazonaws.com/app:1"}}, "container image"),
    ],
)
def test_what_cannot_run_here_says_so_when_invoked(workshop: Any, settings: dict, says: str) -> None:
    name = workshop.make(ECHO, **settings)
    with pytest.raises(ClientError, match=f"zip packages of Python functions.*{says}") as error:
        workshop.invoke(name)
    assert fault(error) == (502, "InvalidRuntimeException")


# Later invocations see exactly the code they should.


def test_the_next_invocation_runs_the_updated_code(workshop: Any) -> None:
    name = workshop.make(SAYS.format(0))
    for number in range(4):
        workshop.client.update_function_code(FunctionName=name, ZipFile=workshop.zipped(SAYS.format(number)))
        assert workshop.call(name) == str(number)


def test_the_next_invocation_has_the_updated_configuration(workshop: Any) -> None:
    name = workshop.make({"app.py": VARIABLE, "b.py": SAYS.format("b")}, Environment={"Variables": {"X": "1"}})
    assert workshop.call(name, "X") == "1"
    workshop.client.update_function_configuration(FunctionName=name, Environment={"Variables": {"X": "2"}})
    assert workshop.call(name, "X") == "2"
    workshop.client.update_function_configuration(FunctionName=name, MemorySize=256)
    assert workshop.call(name, "AWS_LAMBDA_FUNCTION_MEMORY_SIZE") == "256"
    workshop.client.update_function_configuration(FunctionName=name, Handler="b.handler")
    assert workshop.call(name) == "b"


def test_an_update_without_a_difference_keeps_the_environment(workshop: Any, cloud: Any) -> None:
    name = workshop.make("import os\ndef handler(event, context): return os.getpid()\n")
    assert workshop.call(name) == workshop.call(name)


def test_each_version_keeps_the_code_and_configuration_with_which_it_was_published(workshop: Any) -> None:
    source = "import os\ndef handler(event, context): return ['{}', os.environ['X'], context.function_version]\n"
    name = workshop.make(source.format("one"), Environment={"Variables": {"X": "1"}})
    first = workshop.client.publish_version(FunctionName=name)["Version"]
    workshop.client.update_function_code(FunctionName=name, ZipFile=workshop.zipped(source.format("two")))
    workshop.client.update_function_configuration(FunctionName=name, Environment={"Variables": {"X": "2"}})
    second = workshop.client.publish_version(FunctionName=name)["Version"]
    workshop.client.update_function_code(FunctionName=name, ZipFile=workshop.zipped(source.format("three")))
    assert workshop.call(name, Qualifier=first) == ["one", "1", "1"]
    assert workshop.call(name, Qualifier=second) == ["two", "2", "2"]
    assert workshop.call(name) == ["three", "2", "$LATEST"]
    assert workshop.invoke(name, Qualifier=second)["ExecutedVersion"] == "2"


def test_the_number_of_a_deleted_version_is_not_given_again(workshop: Any) -> None:
    name = workshop.make(SAYS.format(1), Publish=True)
    for number in (2, 3):
        workshop.client.update_function_code(
            FunctionName=name, ZipFile=workshop.zipped(SAYS.format(number)), Publish=True
        )
        workshop.client.delete_function(FunctionName=name, Qualifier=str(number - 1))
    assert workshop.call(name, Qualifier="3") == "3"
    with pytest.raises(workshop.client.exceptions.ResourceNotFoundException):
        workshop.invoke(name, Qualifier="2")


def published(workshop: Any, *words: str) -> str:
    """Make a function with a version for each word."""
    name = workshop.make(SAYS.format(words[0]), Publish=True)
    for word in words[1:]:
        workshop.client.update_function_code(
            FunctionName=name, ZipFile=workshop.zipped(SAYS.format(word)), Publish=True
        )
    return name


def test_an_alias_leads_to_the_version_it_points_to_now(workshop: Any) -> None:
    name = published(workshop, "one", "two")
    workshop.client.create_alias(FunctionName=name, Name="live", FunctionVersion="1")
    assert workshop.call(name, Qualifier="live") == "one"
    workshop.client.update_alias(FunctionName=name, Name="live", FunctionVersion="2")
    assert workshop.call(name, Qualifier="live") == "two"
    assert workshop.invoke(name, Qualifier="live")["ExecutedVersion"] == "2"


def test_an_alias_shares_its_traffic_out_by_weight(workshop: Any) -> None:
    name = published(workshop, "one", "two")
    weights = {"AdditionalVersionWeights": {"2": 0.25}}
    workshop.client.create_alias(FunctionName=name, Name="live", FunctionVersion="1", RoutingConfig=weights)
    random.seed(7)
    answers = [workshop.invoke(name, Qualifier="live") for _ in range(80)]
    seen = collections.Counter((answer["ExecutedVersion"], answer["Payload"]) for answer in answers)
    assert set(seen) == {("1", '"one"'), ("2", '"two"')}
    assert 8 <= seen["2", '"two"'] <= 35  # four standard deviations
    workshop.client.update_alias(FunctionName=name, Name="live", RoutingConfig={"AdditionalVersionWeights": {"2": 1.0}})
    assert {workshop.call(name, Qualifier="live") for _ in range(5)} == {"two"}


def test_names_arns_and_qualifiers_lead_to_the_same_place(workshop: Any) -> None:
    source = "def handler(event, context): return [context.function_version, context.invoked_function_arn]\n"
    name = workshop.make(source, Publish=True)
    workshop.client.create_alias(FunctionName=name, Name="live", FunctionVersion="1")
    arn = f"arn:aws:lambda:us-east-1:123456789012:function:{name}"
    assert workshop.call(name) == workshop.call(arn) == ["$LATEST", arn]
    assert workshop.call(name, Qualifier="$LATEST") == ["$LATEST", f"{arn}:$LATEST"]
    for form in (f"{name}:1", f"{arn}:1"):
        assert workshop.call(form) == ["1", f"{arn}:1"]
    for form in (f"{name}:live", f"{arn}:live"):
        assert workshop.call(form) == ["1", f"{arn}:live"]
    assert workshop.call(name, Qualifier="live") == ["1", f"{arn}:live"]
    partial = f"123456789012:function:{name}"
    assert workshop.call(partial) == ["$LATEST", arn]
    assert workshop.call(f"{partial}:live") == ["1", f"{arn}:live"]


def test_a_function_made_anew_under_an_old_name_is_another(workshop: Any, cloud: Any) -> None:
    source = "COUNT = []\ndef handler(event, context):\n    COUNT.append(1)\n    return ['{}', len(COUNT)]\n"
    name = workshop.make(source.format("old"))
    assert [workshop.call(name) for _ in range(2)] == [["old", 1], ["old", 2]]
    for _ in range(3):  # the same code again: only the function is new
        workshop.client.delete_function(FunctionName=name)
        workshop.make(source.format("old"), FunctionName=name)
        assert [workshop.call(name) for _ in range(2)] == [["old", 1], ["old", 2]]


def test_a_deleted_function_is_not_found_and_leaves_no_environment(workshop: Any, cloud: Any) -> None:
    name = workshop.make(ECHO)
    workshop.call(name)
    workshop.client.delete_function(FunctionName=name)
    with pytest.raises(ClientError) as error:
        workshop.invoke(name)
    assert fault(error) == (404, "ResourceNotFoundException")
    [(pid, _)] = workshop.until(
        lambda: [
            (row.pid, row.state)
            for row in cloud.environments().itertuples()
            if row.function == name and row.state == "stopped"
        ]
    )
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


@pytest.mark.parametrize("settings", [{}, {"Qualifier": "7"}, {"Qualifier": "live"}])
def test_what_does_not_exist_is_not_found(workshop: Any, settings: dict) -> None:
    name = workshop.make(ECHO) if settings else "nobody"
    with pytest.raises(
        ClientError, match="Function not found: arn:aws:lambda:us-east-1:123456789012:function:"
    ) as error:
        workshop.invoke(name, **settings)
    assert fault(error) == (404, "ResourceNotFoundException")


# What the handler is given.


def test_the_context_describes_the_invocation(workshop: Any) -> None:
    source = """
        import time
        def handler(event, context):
            left = context.get_remaining_time_in_millis()
            time.sleep(0.05)
            return {
                "name": context.function_name, "version": context.function_version,
                "arn": context.invoked_function_arn, "memory": context.memory_limit_in_mb,
                "id": context.aws_request_id, "group": context.log_group_name, "stream": context.log_stream_name,
                "left": left, "spent": left - context.get_remaining_time_in_millis(),
                "client": context.client_context.custom, "identity": context.identity is None,
            }
    """
    name = workshop.make(source, Timeout=5, MemorySize=256)
    said = base64.b64encode(json.dumps({"custom": {"tenant": "blue"}}).encode()).decode()
    answer = workshop.invoke(name, ClientContext=said)
    found = json.loads(answer["Payload"])
    assert found["name"] == name
    assert found["version"] == "$LATEST"
    assert found["arn"] == f"arn:aws:lambda:us-east-1:123456789012:function:{name}"
    assert found["memory"] == "256"
    assert found["id"] == answer["ResponseMetadata"]["RequestId"]
    assert found["group"] == f"/aws/lambda/{name}"
    assert re.fullmatch(r"\d{4}/\d\d/\d\d/\[\$LATEST\][0-9a-f]{32}", found["stream"])
    assert 4000 < found["left"] <= 5000
    assert 50 <= found["spent"] < 1000
    assert found["client"] == {"tenant": "blue"}


def test_time_left_counts_from_the_invocation_and_not_from_init(workshop: Any) -> None:
    source = "import time\ntime.sleep(0.3)\ndef handler(e, c): return c.get_remaining_time_in_millis()\n"
    assert workshop.call(workshop.make(source, Timeout=1)) > 900


# What callers send and get.


@pytest.fixture(scope="module")
def echo(workshop: Any) -> str:
    return workshop.make(ECHO)


@pytest.mark.parametrize(
    "event",
    [
        None,
        0,
        -1.5,
        "",
        "schön 🚀   \x00",
        [],
        {"a": [1, {"b": None}], "ключ": True},
        2**53,
        "x" * 200_000,
    ],
    ids=lambda event: repr(event)[:20],
)
def test_an_event_arrives_as_it_was_sent_and_the_result_comes_back(workshop: Any, echo: str, event: object) -> None:
    assert workshop.call(echo, event) == event


def test_no_payload_is_an_empty_event(workshop: Any) -> None:
    answer = workshop.client.invoke(FunctionName=workshop.make(ECHO))
    assert answer["Payload"].read() == b"{}"


def test_an_event_of_six_megabytes_passes_and_one_byte_more_does_not(workshop: Any) -> None:
    name = workshop.make("def handler(event, context): return len(event)\n")
    largest = b'"' + b"x" * (6 * MB - 2) + b'"'
    assert workshop.call(name, largest) == 6 * MB - 2
    with pytest.raises(ClientError, match="Request must be smaller than 6291456 bytes") as error:
        workshop.invoke(name, largest + b" ")
    assert fault(error)[0] == 413


def test_an_asynchronous_event_may_have_one_megabyte(workshop: Any) -> None:
    name = workshop.make(ECHO)
    workshop.invoke(name, b'"' + b"x" * (MB - 2) + b'"', InvocationType="Event")
    with pytest.raises(ClientError, match="1048577 byte payload is too large for the Event invocation type") as error:
        workshop.invoke(name, b'"' + b"x" * (MB - 1) + b'"', InvocationType="Event")
    assert fault(error)[0] == 413


@pytest.mark.parametrize("kind", ["RequestResponse", "Event"])
def test_an_event_that_is_not_json_is_refused(workshop: Any, cloud: Any, kind: str) -> None:
    name = workshop.make(ECHO)
    with pytest.raises(ClientError, match="Could not parse request body into json") as error:
        workshop.invoke(name, b"{not json", InvocationType=kind)
    assert fault(error) == (400, "InvalidRequestContentException")
    assert name not in set(cloud.invocations().function)


def test_a_synchronous_answer_has_status_200_the_version_and_no_log_unless_asked(workshop: Any) -> None:
    answer = workshop.invoke(workshop.make(ECHO))
    assert answer["StatusCode"] == 200
    assert answer["ExecutedVersion"] == "$LATEST"
    assert "LogResult" not in answer
    assert "FunctionError" not in answer


def test_a_dry_run_answers_204_and_runs_nothing(workshop: Any, cloud: Any) -> None:
    name = workshop.make("raise SystemExit('ran')\n")
    answer = workshop.invoke(name, InvocationType="DryRun")
    assert (answer["StatusCode"], answer["Payload"]) == (204, "")
    assert name not in set(cloud.environments().function)
    with pytest.raises(workshop.client.exceptions.ResourceNotFoundException):
        workshop.invoke("nobody", InvocationType="DryRun")
