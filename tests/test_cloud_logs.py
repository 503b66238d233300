"""What a function's invocations leave in CloudWatch Logs, and what the answer carries of it."""

from __future__ import annotations

import base64
import json
import math
import re
from typing import Any

import boto3
import pytest

ECHO = "def handler(event, context): return event\n"
READER = """
    import base64, gzip
    def handler(event, context):
        print("heard", gzip.decompress(base64.b64decode(event["awslogs"]["data"])).decode())
"""
REPORT = re.compile(
    r"REPORT RequestId: (?P<id>[0-9a-f-]{36})\tDuration: (?P<duration>\d+\.\d\d) ms\t"
    r"Billed Duration: (?P<billed>\d+) ms\tMemory Size: (?P<size>\d+) MB\tMax Memory Used: (?P<used>\d+) MB\t"
    r"(?:Init Duration: (?P<init>\d+\.\d\d) ms\t)?\n"
)


def reports(workshop: Any, name: str) -> list[dict[str, str | None]]:
    """Return the parts of a function's REPORT lines."""
    lines = [line for line in workshop.logs(name) if line.startswith("REPORT")]
    matches = [REPORT.fullmatch(line) for line in lines]
    assert all(matches), lines
    return [match.groupdict() for match in matches]


def test_an_invocation_is_logged_in_aws_s_words_and_order(workshop: Any) -> None:
    name = workshop.make("print('loading')\ndef handler(event, context): print('at work')\n", Runtime="python3.13")
    first, second = (workshop.invoke(name)["ResponseMetadata"]["RequestId"] for _ in range(2))
    lines = workshop.logs(name)
    assert re.fullmatch(
        r"INIT_START Runtime Version: python:3\.13\.v\d+\t"
        r"Runtime Version ARN: arn:aws:lambda:us-east-1::runtime:[0-9a-f]{64}\n",
        lines[0],
    )
    assert lines[1:5] == [
        "loading\n",
        f"START RequestId: {first} Version: $LATEST\n",
        "at work\n",
        f"END RequestId: {first}\n",
    ]
    assert lines[6:9] == [f"START RequestId: {second} Version: $LATEST\n", "at work\n", f"END RequestId: {second}\n"]
    assert [report["id"] for report in reports(workshop, name)] == [first, second]
    assert len(lines) == 10


def test_the_report_s_numbers_are_those_of_the_frame(workshop: Any, cloud: Any) -> None:
    name = workshop.make(
        "import time\ntime.sleep(0.02)\ndef handler(event, context): time.sleep(0.01)\n", MemorySize=512
    )
    for _ in range(3):
        workshop.invoke(name)
    rows = cloud.invocations().query("function == @name")
    for report, row in zip(reports(workshop, name), rows.itertuples(), strict=True):
        assert report["id"] == row.request_id
        assert report["duration"] == f"{row.duration_ms:.2f}"
        assert report["billed"] == str(row.billed_ms)
        assert report["size"] == str(row.memory_mb) == "512"
        assert report["used"] == f"{row.max_memory_mb:.0f}"
        assert report["init"] == (f"{row.init_ms:.2f}" if row.cold else None)
    assert list(rows.cold) == [True, False, False]
    assert (rows.duration_ms >= 10).all()


def test_init_is_billed_with_the_invocation_that_waited_for_it(workshop: Any, cloud: Any) -> None:
    name = workshop.make("import time\ntime.sleep(0.1)\n" + ECHO, MemorySize=1024)
    workshop.invoke(name)
    workshop.invoke(name)
    cold, warm = cloud.invocations().query("function == @name").itertuples()
    assert cold.init_ms >= 100
    assert cold.billed_ms == math.ceil(cold.duration_ms + cold.init_ms)
    assert warm.billed_ms == math.ceil(warm.duration_ms)
    assert cold.usd - warm.usd == pytest.approx((cold.billed_ms - warm.billed_ms) / 1000 * 0.0000166667)
    assert warm.usd == pytest.approx(warm.billed_ms / 1000 * 0.0000166667 + 0.2e-6)


def test_max_memory_used_grows_with_what_a_function_holds_and_does_not_shrink(workshop: Any) -> None:
    name = workshop.make("def handler(event, context): return len(bytearray(b'x' * (event * 2**20)))\n", MemorySize=512)
    for size_mb in (0, 50, 0):
        workshop.call(name, size_mb)
    before, during, after = (int(report["used"]) for report in reports(workshop, name))
    assert 10 <= before <= 80
    assert 50 <= during - before <= 130  # the text and its copy
    assert after == during


def test_messages_of_several_lines_stay_whole(workshop: Any) -> None:
    name = workshop.make("""
        import logging
        log = logging.getLogger()
        def handler(event, context):
            print("one\\ntwo")
            log.warning("three\\nfour")
            print("five")
            log.info("not at this level")
            try:
                1 / 0
            except ZeroDivisionError:
                log.exception("six")
    """)
    request_id = workshop.invoke(name)["ResponseMetadata"]["RequestId"]
    lines = workshop.logs(name)[2:-2]
    assert lines[:2] == ["one\n", "two\n"]
    assert re.fullmatch(
        rf"\[WARNING\]\t\d{{4}}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{{3}}Z\t{request_id}\tthree\nfour\n", lines[2]
    )
    assert lines[3] == "five\n"
    assert lines[4].startswith("[ERROR]")
    assert 'File "/var/task/app.py", line 10, in handler' in lines[4]
    assert lines[4].rstrip().endswith("ZeroDivisionError: division by zero")
    assert len(lines) == 5


def test_an_exception_is_one_message(workshop: Any) -> None:
    name = workshop.make("def handler(event, context):\n    raise ValueError('no such order')\n")
    workshop.fail(name)
    [message] = [line for line in workshop.logs(name) if line.startswith("[ERROR]")]
    assert message == (
        "[ERROR] ValueError: no such order\nTraceback (most recent call last):\n"
        '\u00a0\u00a0File "/var/task/app.py", line 2, in handler\n'
        "\u00a0\u00a0\u00a0\u00a0raise ValueError('no such order')\n"
    )
    assert "Status" not in workshop.logs(name)[-1]  # for Lambda this went as it should


def test_what_a_function_prints_is_in_the_log_at_its_own_time(workshop: Any) -> None:
    name = workshop.make(ECHO)
    workshop.invoke(name)
    logs = boto3.client("logs")
    group = f"/aws/lambda/{name}"
    [stream] = logs.describe_log_streams(logGroupName=group)["logStreams"]
    assert re.fullmatch(r"\d{4}/\d\d/\d\d/\[\$LATEST\][0-9a-f]{32}", stream["logStreamName"])
    events = logs.filter_log_events(logGroupName=group, filterPattern="REPORT")["events"]
    assert len(events) == 1
    times = [event["timestamp"] for event in logs.filter_log_events(logGroupName=group)["events"]]
    assert times == sorted(times)


def test_each_environment_has_a_stream_of_its_own(workshop: Any, cloud: Any) -> None:
    name = workshop.make(ECHO, Publish=True)
    workshop.invoke(name)
    cloud.recycle()
    workshop.invoke(name)
    workshop.invoke(name, Qualifier="1")
    streams = boto3.client("logs").describe_log_streams(logGroupName=f"/aws/lambda/{name}")["logStreams"]
    versions = sorted(re.search(r"\[(.+)\]", stream["logStreamName"])[1] for stream in streams)
    assert versions == ["$LATEST", "$LATEST", "1"]


def test_a_function_may_log_into_a_group_of_its_choice(workshop: Any) -> None:
    group = workshop.name("/shop/orders")
    name = workshop.make(ECHO, LoggingConfig={"LogGroup": group})
    assert workshop.client.get_function_configuration(FunctionName=name)["LoggingConfig"] == {
        "LogFormat": "Text",
        "LogGroup": group,
    }
    workshop.invoke(name)
    assert len(workshop.logs(name, group)) == 4
    assert workshop.logs(name) == []


def test_the_format_json_writes_objects(workshop: Any, cloud: Any) -> None:
    source = """
        import logging
        log = logging.getLogger()
        def handler(event, context):
            print("plain")
            log.info("hello %s", "you", extra={"order": 7})
            log.debug("not at this level")
            if event: raise ValueError("no such order")
    """
    name = workshop.make(source, LoggingConfig={"LogFormat": "JSON"})
    request_id = workshop.invoke(name)["ResponseMetadata"]["RequestId"]
    lines = workshop.logs(name)
    assert lines[2] == "plain\n"
    begun, started, logged, report = (json.loads(line) for line in (*lines[:2], lines[3], lines[4]))
    row = cloud.invocations().query("function == @name").iloc[0]
    assert begun["type"] == "platform.initStart"
    assert (begun["record"]["functionName"], begun["record"]["functionVersion"]) == (name, "$LATEST")
    assert (started["type"], started["record"]["requestId"]) == ("platform.start", request_id)
    assert started["record"]["functionArn"].endswith(f":function:{name}")
    assert (logged["level"], logged["message"], logged["requestId"]) == ("INFO", "hello you", request_id)
    assert report["type"] == "platform.report"
    assert report["record"]["requestId"] == request_id
    assert report["record"]["status"] == "success"
    assert report["record"]["metrics"]["billedDurationMs"] == row.billed_ms
    assert report["record"]["metrics"]["durationMs"] == pytest.approx(row.duration_ms, abs=0.001)
    assert report["record"]["metrics"]["initDurationMs"] == pytest.approx(row.init_ms, abs=0.001)
    assert len(lines) == 5
    workshop.fail(name, 1)
    error = next(found for line in workshop.logs(name)[7:] if (found := json.loads(line)).get("level") == "ERROR")
    assert (error["errorType"], error["errorMessage"]) == ("ValueError", "no such order")


def test_the_level_of_the_application_s_log_can_be_set(workshop: Any) -> None:
    source = "import logging\ndef handler(event, context): logging.getLogger().debug('fine print')\n"
    name = workshop.make(source, LoggingConfig={"LogFormat": "JSON", "ApplicationLogLevel": "DEBUG"})
    workshop.invoke(name)
    assert any("fine print" in line for line in workshop.logs(name))


def test_the_level_of_the_platform_s_log_can_be_set(workshop: Any) -> None:
    def kinds(level: str) -> list[str]:
        name = workshop.make(ECHO, LoggingConfig={"LogFormat": "JSON", "SystemLogLevel": level})
        workshop.invoke(name)
        return [json.loads(line)["type"].removeprefix("platform.") for line in workshop.logs(name)]

    assert kinds("INFO") == ["initStart", "start", "report"]
    assert kinds("DEBUG") == ["initStart", "start", "runtimeDone", "report"]
    assert kinds("WARN") == []


def test_a_timeout_in_json_has_its_status(workshop: Any) -> None:
    name = workshop.make(
        "import time\ndef handler(event, context): time.sleep(9)\n", Timeout=1, LoggingConfig={"LogFormat": "JSON"}
    )
    workshop.fail(name)
    done, report = (json.loads(line) for line in workshop.logs(name)[-2:])
    assert (done["type"], done["record"]["status"]) == ("platform.runtimeDone", "timeout")
    assert (report["record"]["status"], report["record"]["metrics"]["durationMs"]) == ("timeout", 1000)


def test_the_answer_carries_the_end_of_the_log_when_asked(workshop: Any) -> None:
    name = workshop.make("def handler(event, context): print('é' * event)\n")
    tail = base64.b64decode(workshop.invoke(name, 3, LogType="Tail")["LogResult"]).decode()
    assert tail.splitlines(keepends=True) == workshop.logs(name)
    long = base64.b64decode(workshop.invoke(name, 10_000, LogType="Tail")["LogResult"])
    assert 4000 < len(long) <= 4096
    assert long.decode().endswith(workshop.logs(name)[-1])
    assert "LogResult" not in workshop.invoke(name, 3, LogType="None")


def test_a_subscriber_is_sent_what_a_function_logs(workshop: Any) -> None:
    reader = workshop.make(READER)
    name = workshop.make("def handler(event, context): print('news')\n")
    logs = boto3.client("logs")
    logs.create_log_group(logGroupName=f"/aws/lambda/{name}")
    arn = workshop.client.get_function_configuration(FunctionName=reader)["FunctionArn"]
    workshop.permit(reader, "logs.amazonaws.com")
    logs.put_subscription_filter(
        logGroupName=f"/aws/lambda/{name}", filterName="all", filterPattern="", destinationArn=arn
    )
    workshop.invoke(name)
    workshop.until(lambda: any("heard" in line and "news" in line for line in workshop.logs(reader)))
