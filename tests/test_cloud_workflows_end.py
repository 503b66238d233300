"""Executions end with their cloud, and moto is as it was."""

from __future__ import annotations

import json
import threading
from typing import Any

import boto3
import pytest

SLOW = """
import time

def handler(event, context):
    time.sleep(60)
"""
DAY = {"Type": "Wait", "Seconds": 86_400, "End": True}


@pytest.mark.thorough
def test_waits_retries_tokens_and_functions_end_with_the_cloud_and_leave_no_thread(start: Any) -> None:
    cloud, workshop = start()
    flows, sqs = boto3.client("stepfunctions"), boto3.client("sqs")
    boto3.client("cognito-idp").create_user_pool(PoolName="pool")
    from moto.cognitoidp.models import CognitoIdpBackend
    from moto.core.config import default_user_config
    from moto.stepfunctions.parser.asl.component.common.retry import retrier_decl
    from moto.stepfunctions.parser.utils import TMP_THREADS

    queue = sqs.create_queue(QueueName="questions")["QueueUrl"]
    slow = workshop.client.get_function_configuration(FunctionName=workshop.make(SLOW, Timeout=90))["FunctionArn"]
    bad = workshop.client.get_function_configuration(FunctionName=workshop.make("handler = None"))["FunctionArn"]
    token = {"QueueUrl": queue, "MessageBody": {"token.$": "$$.Task.Token"}}
    tasks = {
        "wait": DAY,
        "slow": {"Type": "Task", "Resource": slow, "End": True},
        "token": {
            "Type": "Task",
            "Resource": "arn:aws:states:::sqs:sendMessage.waitForTaskToken",
            "Parameters": token,
            "End": True,
        },
        "retry": {
            "Type": "Task",
            "Resource": bad,
            "Retry": [{"ErrorEquals": ["States.ALL"], "IntervalSeconds": 86_400}],
            "End": True,
        },
        "map": {"Type": "Map", "ItemProcessor": {"StartAt": "Day", "States": {"Day": DAY}}, "End": True},
    }
    started = {}
    for name, task in tasks.items():
        definition = json.dumps({"StartAt": "Only", "States": {"Only": task}})
        arn = flows.create_state_machine(name=name, roleArn=workshop.role, definition=definition)["stateMachineArn"]
        started[name] = flows.start_execution(stateMachineArn=arn, input="[1, 2, 3]")["executionArn"]

    def under_way() -> bool:
        seen = {
            name: [event["type"] for event in flows.get_execution_history(executionArn=arn)["events"]]
            for name, arn in started.items()
        }
        return "LambdaFunctionFailed" in seen["retry"] and "TaskSubmitted" in seen["token"] and len(seen["map"]) > 8

    workshop.until(under_way)
    assert default_user_config["stepfunctions"]["execute_state_machine"]
    assert CognitoIdpBackend.sign_up.__module__.startswith("helpers.")
    cloud.stop()
    assert [thread.name for thread in threading.enumerate() if thread.name.startswith(("local-", "Thread-"))] == []
    assert not TMP_THREADS
    assert not default_user_config["stepfunctions"]["execute_state_machine"]
    assert retrier_decl.time.__name__ == "time"
    assert CognitoIdpBackend.sign_up.__module__ == "moto.cognitoidp.models"
