"""Step Functions runs state machines here: functions, errors by AWS's names, waits by the cloud's clock."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

PUPPET = """
import os, tempfile, time

def handler(event, context):
    act = event.get("act")
    if act == "fail":
        raise ValueError("no stock")
    if act == "exit":
        os._exit(3)
    here = os.path.join(tempfile.gettempdir(), "here")
    if act == "once" and not os.path.exists(here):
        open(here, "w").close()
        raise ConnectionError("the bank did not answer")
    if act == "slow":
        time.sleep(60)
    return {"total": sum(event.get("prices", []))}
"""
Machine = Callable[..., str]


@pytest.fixture(scope="module")
def flows(cloud: Any) -> Any:
    return boto3.client("stepfunctions")


@pytest.fixture(scope="module")
def puppet(workshop: Any) -> str:
    name = workshop.make(PUPPET, Timeout=60)
    return workshop.client.get_function_configuration(FunctionName=name)["FunctionArn"]


@pytest.fixture(scope="module")
def machine(flows: Any, workshop: Any) -> Machine:
    def make(states: dict[str, Any], **settings: Any) -> str:
        definition = json.dumps({"StartAt": next(iter(states)), "States": states, **settings})
        name = workshop.name("machine")
        return flows.create_state_machine(name=name, roleArn=workshop.role, definition=definition)["stateMachineArn"]

    return make


def start(flows: Any, machine: str, given: Any) -> str:
    return flows.start_execution(stateMachineArn=machine, input=json.dumps(given))["executionArn"]


def run(cloud: Any, flows: Any, machine: str, given: Any) -> dict[str, Any]:
    execution = start(flows, machine, given)
    cloud.settle(20)
    return flows.describe_execution(executionArn=execution)


def after(cloud: Any, flows: Any, workshop: Any, execution: str, **ahead: float) -> dict[str, Any]:
    """Put the clock forward until an execution has ended: whatever waits, may begin to wait only now."""

    def ended() -> dict[str, Any] | None:
        cloud.clock.advance(**ahead)
        about = flows.describe_execution(executionArn=execution)
        return about if about["status"] != "RUNNING" else None

    return workshop.until(ended)


def history(flows: Any, execution: str) -> list[str]:
    return [event["type"] for event in flows.get_execution_history(executionArn=execution)["events"]]


def invoke(puppet: str, **settings: Any) -> dict[str, Any]:
    """Return a task that calls the function through the optimised integration."""
    parameters = {"FunctionName": puppet, "Payload.$": "$"}
    known = {"Type": "Task", "Resource": "arn:aws:states:::lambda:invoke", "Parameters": parameters}
    return {**known, "OutputPath": "$.Payload", **({} if "Next" in settings else {"End": True}), **settings}


def test_a_task_calls_a_function_by_its_arn_and_its_history_is_written(
    cloud: Any, flows: Any, machine: Machine, puppet: str
) -> None:
    done = run(cloud, flows, machine({"Sum": {"Type": "Task", "Resource": puppet, "End": True}}), {"prices": [2, 3]})
    assert (done["status"], json.loads(done["output"])) == ("SUCCEEDED", {"total": 5})
    assert history(flows, done["executionArn"]) == [
        "ExecutionStarted",
        "TaskStateEntered",
        "LambdaFunctionScheduled",
        "LambdaFunctionStarted",
        "LambdaFunctionSucceeded",
        "TaskStateExited",
        "ExecutionSucceeded",
    ]


@pytest.mark.parametrize(("act", "error"), [("fail", "ValueError"), ("exit", "Runtime.ExitError")])
def test_an_execution_that_fails_says_the_functions_error_and_is_on_record(
    cloud: Any, flows: Any, machine: Machine, puppet: str, act: str, error: str
) -> None:
    done = run(cloud, flows, machine({"Sum": invoke(puppet)}), {"act": act})
    assert (done["status"], done["error"]) == ("FAILED", error)
    assert cloud.problems().target.iloc[-1] == done["executionArn"]
    assert cloud.problems().cause.iloc[-1].startswith(error)


@pytest.mark.parametrize("resource", ["its ARN", "the integration"])
def test_a_throttled_function_is_an_error_of_lambdas(
    cloud: Any, flows: Any, machine: Machine, workshop: Any, resource: str
) -> None:
    name = workshop.make("def handler(event, context):\n    return event")
    workshop.client.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=0)
    arn = workshop.client.get_function_configuration(FunctionName=name)["FunctionArn"]
    task = invoke(arn) if resource == "the integration" else {"Type": "Task", "Resource": arn, "End": True}
    done = run(cloud, flows, machine({"Sum": task}), {})
    assert (done["status"], done["error"]) == ("FAILED", "Lambda.TooManyRequestsException")


def test_a_retry_comes_after_its_delay_which_is_over_when_the_clock_is_put_forward(
    cloud: Any, flows: Any, machine: Machine, puppet: str, workshop: Any
) -> None:
    again = {"ErrorEquals": ["ConnectionError"], "IntervalSeconds": 3600, "MaxAttempts": 2}
    arn = machine({"Pay": invoke(puppet, Retry=[again])})
    execution = start(flows, arn, {"act": "once"})
    assert after(cloud, flows, workshop, execution, hours=1)["status"] == "SUCCEEDED"
    assert history(flows, execution).count("TaskScheduled") == 2


def test_what_is_left_is_caught(cloud: Any, flows: Any, machine: Machine, puppet: str) -> None:
    caught = [{"ErrorEquals": ["States.TaskFailed"], "Next": "Refund", "ResultPath": "$.error"}]
    refund = {"Type": "Pass", "Parameters": {"refunded.$": "$.error.Error"}, "End": True}
    done = run(cloud, flows, machine({"Pay": invoke(puppet, Catch=caught), "Refund": refund}), {"act": "fail"})
    assert json.loads(done["output"]) == {"refunded": "ValueError"}


def test_a_task_that_takes_too_long_times_out(cloud: Any, flows: Any, machine: Machine, puppet: str) -> None:
    done = run(cloud, flows, machine({"Sum": invoke(puppet, TimeoutSeconds=1)}), {"act": "slow"})
    assert (done["status"], done["error"]) == ("FAILED", "States.Timeout")


def test_choices_maps_and_branches(cloud: Any, flows: Any, machine: Machine, puppet: str) -> None:
    each = {"ItemProcessor": {"StartAt": "Sum", "States": {"Sum": invoke(puppet)}}, "ItemsPath": "$.orders"}
    big = {"Variable": "$.size", "NumericGreaterThan": 1, "Next": "Both"}
    one = {"StartAt": "Each", "States": {"Each": {"Type": "Map", **each, "End": True}}}
    two = {"StartAt": "Note", "States": {"Note": {"Type": "Pass", "Result": "noted", "End": True}}}
    both = {"Type": "Parallel", "Branches": [one, two], "End": True}
    states = {"Size": {"Type": "Choice", "Choices": [big], "Default": "Small"}, "Both": both}
    arn = machine({**states, "Small": {"Type": "Fail", "Error": "TooSmall"}})
    done = run(cloud, flows, arn, {"size": 2, "orders": [{"prices": [1]}, {"prices": [2, 2]}]})
    assert json.loads(done["output"]) == [[{"total": 1}, {"total": 4}], "noted"]
    assert run(cloud, flows, arn, {"size": 0})["error"] == "TooSmall"


def test_the_newer_query_language_is_understood(cloud: Any, flows: Any, machine: Machine, puppet: str) -> None:
    task = {
        "Type": "Task",
        "Resource": "arn:aws:states:::lambda:invoke",
        "Arguments": {"FunctionName": puppet, "Payload": {"prices": "{% $states.input.lines.price %}"}},
        "Output": "{% $states.result.Payload.total * 2 %}",
        "End": True,
    }
    arn = machine({"Sum": task}, QueryLanguage="JSONata")
    assert run(cloud, flows, arn, {"lines": [{"price": 2}, {"price": 3}]})["output"] == "10"


@pytest.mark.parametrize("how", ["Seconds", "Timestamp"])
def test_a_wait_of_a_day_is_over_when_the_clock_is_put_forward(
    cloud: Any, flows: Any, machine: Machine, workshop: Any, how: str
) -> None:
    tomorrow = cloud.clock.now() + timedelta(days=1)
    until = {"Seconds": 86_400, "Timestamp": f"{tomorrow:%Y-%m-%dT%H:%M:%SZ}"}[how]
    execution = start(flows, machine({"Wait": {"Type": "Wait", how: until, "End": True}}), {})
    with pytest.raises(TimeoutError, match="1 executions"):
        cloud.settle(0.05)
    assert after(cloud, flows, workshop, execution, days=1)["status"] == "SUCCEEDED"


@pytest.mark.thorough
def test_tasks_reach_queues_topics_tables_and_buses(cloud: Any, flows: Any, machine: Machine, workshop: Any) -> None:
    sqs, dynamodb = boto3.client("sqs"), boto3.client("dynamodb")
    queue, table = sqs.create_queue(QueueName=workshop.name("queue"))["QueueUrl"], workshop.name("table")
    dynamodb.create_table(
        TableName=table,
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    topic = boto3.client("sns").create_topic(Name=workshop.name("topic"))["TopicArn"]
    arn = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    boto3.client("sns").subscribe(
        TopicArn=topic, Protocol="sqs", Endpoint=arn, Attributes={"RawMessageDelivery": "true"}
    )
    entry = {"Source": "shop", "DetailType": "sold", "Detail": {"id": 7}}
    tasks = {
        "sqs:sendMessage": {"QueueUrl": queue, "MessageBody.$": "$.id"},
        "sns:publish": {"TopicArn": topic, "Message.$": "$.id"},
        "dynamodb:putItem": {"TableName": table, "Item": {"id": {"S.$": "$.id"}}},
        "events:putEvents": {"Entries": [entry]},
    }
    names = list(tasks)
    states: dict[str, Any] = {
        name: {"Type": "Task", "Resource": f"arn:aws:states:::{name}", "Parameters": given, "ResultPath": None}
        for name, given in tasks.items()
    }
    for name, following in zip(names, [*names[1:], None], strict=True):
        states[name] |= {"Next": following} if following else {"End": True}
    assert run(cloud, flows, machine(states), {"id": "7"})["status"] == "SUCCEEDED"
    found = sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10)["Messages"]
    assert [message["Body"] for message in found] == ["7", "7"]
    assert dynamodb.scan(TableName=table)["Items"] == [{"id": {"S": "7"}}]


def asks(queue: str, **settings: Any) -> dict[str, Any]:
    """Return a task that waits until somebody sends its token back."""
    body = {"token.$": "$$.Task.Token"}
    task = {"Type": "Task", "Resource": "arn:aws:states:::sqs:sendMessage.waitForTaskToken", "End": True}
    return {**task, "Parameters": {"QueueUrl": queue, "MessageBody": body}, **settings}


def token(workshop: Any, queue: str) -> str:
    sqs = boto3.client("sqs")
    (message,) = workshop.until(lambda: sqs.receive_message(QueueUrl=queue).get("Messages"))
    return json.loads(message["Body"])["token"]


@pytest.fixture(scope="module")
def questions(workshop: Any) -> str:
    return boto3.client("sqs").create_queue(QueueName=workshop.name("questions"))["QueueUrl"]


def test_a_task_waits_for_its_token_and_the_cloud_is_quiet_meanwhile(
    cloud: Any, flows: Any, machine: Machine, questions: str, workshop: Any
) -> None:
    execution = start(flows, machine({"Ask": asks(questions)}), {})
    cloud.settle()
    assert flows.describe_execution(executionArn=execution)["status"] == "RUNNING"
    flows.send_task_success(taskToken=token(workshop, questions), output='"yes"')
    cloud.settle()
    assert flows.describe_execution(executionArn=execution)["output"] == '"yes"'


def test_an_answer_may_be_a_failure_or_never_come(
    cloud: Any, flows: Any, machine: Machine, questions: str, workshop: Any
) -> None:
    execution = start(flows, machine({"Ask": asks(questions)}), {})
    flows.send_task_failure(taskToken=token(workshop, questions), error="NotToday", cause="closed")
    cloud.settle()
    assert flows.describe_execution(executionArn=execution)["error"] == "NotToday"

    execution = start(flows, machine({"Ask": asks(questions, TimeoutSeconds=3600)}), {})
    token(workshop, questions)
    assert after(cloud, flows, workshop, execution, hours=1)["error"] == "States.Timeout"


def test_an_execution_that_waits_can_be_stopped(
    cloud: Any, flows: Any, machine: Machine, questions: str, workshop: Any
) -> None:
    execution = start(flows, machine({"Ask": asks(questions)}), {})
    token(workshop, questions)
    flows.stop_execution(executionArn=execution)
    workshop.until(lambda: flows.describe_execution(executionArn=execution)["status"] == "ABORTED")
    assert history(flows, execution)[-1] == "ExecutionAborted"


def test_an_event_on_the_bus_starts_an_execution(cloud: Any, flows: Any, machine: Machine, workshop: Any) -> None:
    arn = machine({"Note": {"Type": "Pass", "OutputPath": "$.detail", "End": True}})
    events, rule = boto3.client("events"), workshop.name("rule")
    events.put_rule(Name=rule, EventPattern=json.dumps({"source": ["shop"]}))
    events.put_targets(Rule=rule, Targets=[{"Id": "machine", "Arn": arn, "RoleArn": workshop.role}])
    events.put_events(Entries=[{"Source": "shop", "DetailType": "sold", "Detail": '{"id": 7}'}])
    cloud.settle()
    (done,) = flows.list_executions(stateMachineArn=arn)["executions"]
    assert json.loads(flows.describe_execution(executionArn=done["executionArn"])["output"]) == {"id": 7}


def test_a_definition_with_a_mistake_is_refused(flows: Any, machine: Machine) -> None:
    with pytest.raises(ClientError) as refused:
        machine({"Sum": {"Type": "Nonsense"}})
    assert refused.value.response["Error"]["Code"] == "InvalidDefinition"
