"""Logs, payloads and bills of single invocations are AWS's to the character."""

import base64
import json
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from helpers import tables
from helpers.cloud import faults, report
from helpers.cloud.report import Outcome
from helpers.pricing import Provisioned, SnapStart, lambda_bill

WHEN = datetime(2026, 10, 8, 7, 30, 29, 470_900, tzinfo=UTC)
ID = "79b5e81f-9cdd-4145-b1f6-7c50ef8a2a36"


def outcome(status="success", duration_ms=46.43, init_ms=None, **rest):
    rest = {"memory_mb": 128, "max_memory_mb": 35} | rest
    return Outcome(ID, "$LATEST", status, duration_ms, init_ms, **rest)


def text(it):
    return report.report(it, when=WHEN)


def event(line):
    return json.loads(line)


# Lines


def test_an_invocation_starts_and_ends_with_its_id():
    assert report.start(ID, "3", when=WHEN) == f"START RequestId: {ID} Version: 3"
    assert report.end(outcome(), when=WHEN) == f"END RequestId: {ID}"


def test_a_warm_report_has_no_init_and_ends_in_a_tab():
    expected = f"REPORT RequestId: {ID}\tDuration: 46.43 ms\tBilled Duration: 47 ms\tMemory Size: 128 MB\t"
    assert text(outcome()) == expected + "Max Memory Used: 35 MB\t"


def test_a_cold_report_shows_init_and_bills_it():
    line = text(outcome(init_ms=92.34))
    assert "\tBilled Duration: 139 ms\t" in line
    assert line.endswith("\tMax Memory Used: 35 MB\tInit Duration: 92.34 ms\t")


def test_a_timeout_ends_with_its_status_and_without_a_tab():
    line = text(outcome("timeout", 3000, 402.04, error_type="Sandbox.Timedout"))
    assert "\tDuration: 3000.00 ms\tBilled Duration: 3403 ms\t" in line
    assert line.endswith("\tInit Duration: 402.04 ms\tStatus: timeout")


def test_a_dead_process_is_named_in_the_report():
    line = text(outcome("error", 10935.7, error_type="Runtime.OutOfMemory"))
    assert line.endswith("\tMax Memory Used: 35 MB\tStatus: error\tError Type: Runtime.OutOfMemory")


def test_a_function_that_raised_leaves_no_trace_in_the_report():
    assert text(outcome("error", error_type="KeyError")) == text(outcome())


def test_an_init_repeated_in_the_invocation_is_only_in_the_duration():
    line = text(outcome("error", 95.78, 83.58, error_type="Runtime.ImportModuleError", init_in_invoke=True))
    assert "Init Duration" not in line
    assert "\tBilled Duration: 96 ms\t" in line


def test_a_restore_is_billed_in_whole_milliseconds():
    line = text(outcome(duration_ms=159.87, init_ms=117.2, initialization="snap-start"))
    assert "\tBilled Duration: 278 ms\t" in line
    assert line.endswith("\tRestore Duration: 117.20 ms\tBilled Restore Duration: 118 ms\t")


def test_a_failed_init_has_a_report_of_its_own():
    line = report.init_report(
        init_ms=150.79, phase="invoke", status="error", error_type="Runtime.UserCodeSyntaxError", when=WHEN
    )
    assert line == (
        "INIT_REPORT Init Duration: 150.79 ms\tPhase: invoke\tStatus: error\tError Type: Runtime.UserCodeSyntaxError"
    )


def test_an_init_that_went_well_shows_its_duration_alone():
    line = report.init_report(init_ms=9908.09, phase="init", status="success", initialization="snap-start", when=WHEN)
    assert line == "INIT_REPORT Init Duration: 9908.09 ms"


@pytest.mark.parametrize(
    ("runtime", "written"), [("python3.13", "python:3.13.v0"), ("nodejs22.x", "nodejs:22.v0"), ("java21", "java:21.v0")]
)
def test_an_environment_begins_with_its_runtime_version(runtime, written):
    version, arn = report.init_start(runtime, when=WHEN, region="eu-central-1").split("\t")
    assert version == f"INIT_START Runtime Version: {written}"
    head, digest = arn.rsplit(":", 1)
    assert head == "Runtime Version ARN: arn:aws:lambda:eu-central-1::runtime"
    assert len(digest) == 64


def test_the_lines_of_older_logs_can_still_be_written():
    assert report.timed_out(ID, 3, when=WHEN) == f"2026-10-08T07:30:29.470Z {ID} Task timed out after 3.00 seconds"
    assert (
        report.exited(ID, "") == f"RequestId: {ID} Error: Runtime exited without providing a reason\nRuntime.ExitError"
    )


# JSON


def test_a_json_report_has_its_metrics_and_status():
    line = report.report(
        outcome(duration_ms=1233.96, init_ms=463.512, memory_mb=256, max_memory_mb=123), when=WHEN, log_format="JSON"
    )
    assert line == (
        '{"time":"2026-10-08T07:30:29.470Z","type":"platform.report","record":{"requestId":"' + ID + '","metrics":'
        '{"durationMs":1233.96,"billedDurationMs":1698,"memorySizeMB":256,"maxMemoryUsedMB":123,'
        '"initDurationMs":463.512},"status":"success"}}'
    )


def test_a_json_report_names_the_platforms_error_only():
    died = event(report.report(outcome("error", error_type="Runtime.ExitError"), when=WHEN, log_format="JSON"))
    raised = event(report.report(outcome("error", error_type="KeyError"), when=WHEN, log_format="JSON"))
    assert died["record"]["errorType"] == "Runtime.ExitError"
    assert raised["record"]["status"] == "error"
    assert "errorType" not in raised["record"]


def test_a_json_restore_has_metrics_of_its_own():
    it = outcome(duration_ms=10.0, init_ms=20.5, initialization="snap-start")
    metrics = event(report.report(it, when=WHEN, log_format="JSON"))["record"]["metrics"]
    assert (metrics["restoreDurationMs"], metrics["billedRestoreDurationMs"]) == (20.5, 21)
    assert "initDurationMs" not in metrics


def test_json_logs_end_an_invocation_only_when_it_failed():
    assert report.end(outcome(), when=WHEN, log_format="JSON") is None
    failed = event(report.end(outcome("timeout", 5001.1824), when=WHEN, log_format="JSON"))
    assert failed["type"] == "platform.runtimeDone"
    assert failed["record"] == {"requestId": ID, "status": "timeout", "metrics": {"durationMs": 5001.182}}


def test_json_logs_at_debug_end_every_invocation():
    line = report.end(outcome(), when=WHEN, log_format="JSON", log_level="DEBUG")
    assert event(line)["record"]["status"] == "success"


def test_a_json_start_says_which_function_if_it_is_known():
    line = report.start(ID, "$LATEST", when=WHEN, log_format="JSON", function_arn="arn:f")
    assert event(line)["record"] == {"requestId": ID, "functionArn": "arn:f", "version": "$LATEST"}
    assert "functionArn" not in report.start(ID, "$LATEST", when=WHEN, log_format="JSON")


def test_a_json_init_says_how_the_environment_came_to_be():
    line = report.init_start("python3.13", when=WHEN, log_format="JSON", function_name="orders", version="$LATEST")
    record = event(line)["record"]
    assert record["initializationType"] == "on-demand"
    assert (record["phase"], record["runtimeVersion"]) == ("init", "python:3.13.v0")
    assert (record["functionName"], record["functionVersion"]) == ("orders", "$LATEST")


def test_a_json_init_report_has_status_phase_and_duration():
    line = report.init_report(init_ms=173.7784, phase="init", status="timeout", when=WHEN, log_format="JSON")
    assert event(line)["record"] == {
        "initializationType": "on-demand",
        "phase": "init",
        "status": "timeout",
        "metrics": {"durationMs": 173.778},
    }


def test_times_are_utc_whatever_zone_they_come_in():
    elsewhere = WHEN.astimezone(timezone(timedelta(hours=5, minutes=30)))
    assert faults.timestamp(elsewhere) == faults.timestamp(WHEN) == "2026-10-08T07:30:29.470Z"
    with pytest.raises(ValueError, match="when must know its time zone"):
        faults.timestamp(datetime(2026, 1, 1))


# Bills


@pytest.mark.parametrize(
    ("duration_ms", "init_ms", "billed"),
    [
        (0.0004, None, 1),
        (1.0, None, 1),
        (1.0001, None, 2),
        (0.1 + 0.2 + 0.7, None, 1),  # 1 and some binary noise
        (100.1, 200.9, 301),
        (1248.31, 293.05, 1542),  # rounding each part would give 1543
        (344356.22, 399.33, 344756),
    ],
)
def test_init_and_duration_are_added_before_they_are_rounded_up(duration_ms, init_ms, billed):
    assert report.billed_ms(outcome(duration_ms=duration_ms, init_ms=init_ms)) == billed


def test_the_longest_timeout_is_billed_together_with_its_init():
    it = outcome("timeout", 900_000, 502.37)
    assert "\tBilled Duration: 900503 ms\t" in text(it)
    assert report.usd(it) > report.usd(outcome("timeout", 900_000))


def test_init_ahead_of_the_invocation_is_not_billed_with_it():
    assert report.billed_ms(outcome(duration_ms=10, init_ms=500, initialization="provisioned-concurrency")) == 10


@given(
    duration_ms=st.floats(0.001, 900_000),
    init_ms=st.none() | st.floats(0.001, 10_000),
    memory_mb=st.integers(128, 10_240),
    architecture=st.sampled_from(["x86_64", "arm64"]),
)
def test_an_invocation_costs_what_a_bill_for_one_request_says(duration_ms, init_ms, memory_mb, architecture):
    bill = lambda_bill(
        requests=1,
        duration_ms=duration_ms,
        init_ms=init_ms or 0,
        cold_start_share=1 if init_ms else 0,
        memory_mb=memory_mb,
        architecture=architecture,
        free_tier=False,
    )
    it = outcome(duration_ms=duration_ms, init_ms=init_ms, memory_mb=memory_mb)
    assert report.usd(it, architecture=architecture) == bill.total


def test_provisioned_invocations_have_their_own_rate():
    bill = lambda_bill(
        requests=1, duration_ms=100, memory_mb=1024, free_tier=False, provisioned=Provisioned(environments=0)
    )
    it = outcome(duration_ms=100, init_ms=900, memory_mb=1024, initialization="provisioned-concurrency")
    assert report.usd(it) == bill.total < report.usd(outcome(duration_ms=100, memory_mb=1024))


def test_a_restore_is_paid_by_the_invocation_that_caused_it():
    bill = lambda_bill(
        requests=1, duration_ms=150, memory_mb=1024, free_tier=False, snapstart=SnapStart(cached_hours=0, restores=1)
    )
    it = outcome(duration_ms=100, init_ms=49.5, memory_mb=1024, initialization="snap-start")
    assert report.usd(it) == bill.total


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"status": "failed"}, "status must be one of success, error, timeout, got 'failed'"),
        ({"duration_ms": 0}, "duration_ms must be more than 0"),
        ({"init_ms": -1}, "init_ms must be 0 or more"),
        ({"initialization": "warm"}, "initialization must be one of on-demand"),
    ],
)
def test_an_impossible_outcome_is_refused_in_the_callers_words(wrong, words):
    with pytest.raises(ValueError, match=words):
        outcome(**wrong)


# Payloads


def test_every_payload_is_json():
    payloads = [
        report.timeout_error(ID, 3),
        report.init_timeout_error(ID, 3),
        report.exit_error(ID, 1),
        report.response_too_large(7_000_000),
    ]
    for payload in payloads:
        assert json.loads(json.dumps(payload)) == payload
        assert set(payload) == {"errorType", "errorMessage"}


def test_a_timeout_is_the_sandboxs_with_or_without_init():
    expected = {
        "errorType": "Sandbox.Timedout",
        "errorMessage": f"RequestId: {ID} Error: Task timed out after 0.50 seconds",
    }
    assert report.timeout_error(ID, 0.5) == report.init_timeout_error(ID, 0.5) == expected


@pytest.mark.parametrize(
    ("returncode", "reason"),
    [
        (0, ""),
        (1, "exit status 1"),
        (137, "exit status 137"),
        (-9, "signal: killed"),
        (-11, "signal: segmentation fault"),
        (-6, "signal: aborted"),
        (-99, "signal: signal 99"),
    ],
)
def test_a_process_ends_in_the_words_of_go(returncode, reason):
    assert report.exit_reason(returncode) == reason


def test_a_process_that_just_left_gave_no_reason():
    assert report.exit_error(ID, 0) == {
        "errorType": "Runtime.ExitError",
        "errorMessage": f"RequestId: {ID} Error: Runtime exited without providing a reason",
    }


def test_a_process_killed_for_its_memory_has_a_type_of_its_own():
    killed = report.exit_error(ID, -9, out_of_memory=True)
    assert killed["errorType"] == "Runtime.OutOfMemory"
    assert killed["errorMessage"].endswith("Error: Runtime exited with error: signal: killed")


def test_payloads_that_fit_have_no_error():
    with pytest.raises(ValueError, match="size_bytes must be more than 6291556, got 6291556"):
        report.response_too_large(6_291_556)
    with pytest.raises(ValueError, match="size_bytes must be more than 1048576"):
        report.request_too_large(1_048_576, "Event")


def test_limits_in_messages_are_those_of_the_table():
    assert tables.limit("lambda.payload.sync").max * 1024**2 == faults.REQUEST_LIMIT_BYTES
    assert tables.limit("lambda.payload.async").max * 1024**2 == faults.EVENT_LIMIT_BYTES


def test_an_event_above_six_megabytes_does_not_get_as_far_as_its_own_limit():
    message = "Request must be smaller than 6291456 bytes for the InvokeFunction operation"
    assert report.request_too_large(7_000_000, "Event") == report.request_too_large(7_000_000) == {"Message": message}


@pytest.mark.parametrize("reason", report.REASONS)
def test_a_throttle_says_which_limit_it_was(reason):
    assert list(report.throttle(reason).items()) == [
        ("Reason", reason), ("Type", "User"), ("message", "Rate Exceeded.")
    ]  # fmt: skip


def test_an_unknown_throttle_is_refused():
    with pytest.raises(ValueError, match="reason must be one of"):
        report.throttle("TooBusy")


# The log's tail, destinations, dead letters


def test_a_tail_holds_the_last_kilobytes_of_the_log():
    tail = base64.b64decode(report.log_tail(["x" * 5000, "END RequestId: 1"]))
    assert len(tail) == 4096
    assert tail.endswith(b"x\nEND RequestId: 1\n")


def test_a_tail_adds_no_second_newline():
    assert base64.b64decode(report.log_tail(["one\n", "two"])) == b"one\ntwo\n"


def test_a_tail_does_not_begin_in_the_middle_of_a_character():
    assert base64.b64decode(report.log_tail(["€" * 2000])).decode() == "€" * 1365 + "\n"


def test_a_destination_receives_request_and_response():
    failed = {"errorMessage": "no such order", "errorType": "KeyError"}
    record = report.destination_record(
        request_id=ID,
        function_arn="arn:f:$LATEST",
        condition="RetriesExhausted",
        invoke_count=3,
        request_payload={"order": 7},
        response_payload=failed,
        function_error="Unhandled",
        when=WHEN,
    )
    assert record == {
        "version": "1.0",
        "timestamp": "2026-10-08T07:30:29.470Z",
        "requestContext": {
            "requestId": ID,
            "functionArn": "arn:f:$LATEST",
            "condition": "RetriesExhausted",
            "approximateInvokeCount": 3,
        },
        "requestPayload": {"order": 7},
        "responseContext": {"statusCode": 200, "executedVersion": "$LATEST", "functionError": "Unhandled"},
        "responsePayload": failed,
    }


def test_a_success_has_no_function_error():
    record = report.destination_record(
        request_id=ID, function_arn="arn:f:1", condition="Success", invoke_count=1, request_payload=None, when=WHEN
    )
    assert record["responseContext"] == {"statusCode": 200, "executedVersion": "$LATEST"}
    assert record["responsePayload"] is None


def test_an_event_that_never_ran_has_no_response():
    record = report.destination_record(
        request_id=ID,
        function_arn="arn:f:$LATEST",
        condition="ZeroReservedConcurrency",
        invoke_count=0,
        request_payload={},
        when=WHEN,
    )
    assert not {"responseContext", "responsePayload"} & set(record)


def test_a_dead_letter_carries_its_error_as_attributes():
    assert report.dead_letter_attributes(ID, "no such order") == {
        "RequestID": {"DataType": "String", "StringValue": ID},
        "ErrorCode": {"DataType": "Number", "StringValue": "200"},
        "ErrorMessage": {"DataType": "String", "StringValue": "no such order"},
    }


def test_a_dead_letter_keeps_a_kilobyte_of_the_message_and_no_empty_one():
    assert report.dead_letter_attributes(ID, "€" * 1000)["ErrorMessage"]["StringValue"] == "€" * 341
    assert "ErrorMessage" not in report.dead_letter_attributes(ID, "", error_code=429)
