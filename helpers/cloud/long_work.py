"""A long job in three ways on one cloud: a queue of pieces, a state machine, a function that goes on by itself.

The pieces are fingerprints of pictures (``data/handlers/long_job``), each noted in a table, so that what is done can be
counted whatever became of the rest. Everything is real: the queue's mapping, moto's interpreter of state machines, and
the asynchronous invocations that a function makes of itself.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import boto3

from helpers.cloud.deploying import make_table
from helpers.cloud.package import zip_function
from helpers.cloud.samples import handler_folder

if TYPE_CHECKING:
    import pandas as pd

FOLDER, TABLE = "long_job", "pieces"
TIMEOUTS_S = {"whole": 1, "part": 20, "from_queue": 20, "go_on": 20}
IN_A_PART, IN_A_ROUND = 3, 4
TRIES = 2
SETTLE_S = 120
QUARTER_MIN = 15

_PART = {
    "Type": "Task",
    "Resource": "arn:aws:states:::lambda:invoke",
    "Parameters": {"FunctionName": "part", "Payload.$": "$"},
    "OutputPath": "$.Payload",
    "Retry": [{"ErrorEquals": ["States.ALL"], "MaxAttempts": 1, "IntervalSeconds": 30}],
    "Catch": [{"ErrorEquals": ["States.ALL"], "Next": "Lost"}],
    "End": True,
}
STATES: Mapping[str, Any] = {
    "StartAt": "Parts",
    "States": {
        "Parts": {
            "Type": "Map",
            "ItemsPath": "$.parts",
            "MaxConcurrency": 2,
            "ItemProcessor": {
                "ProcessorConfig": {"Mode": "INLINE"},
                "StartAt": "Part",
                "States": {"Part": _PART, "Lost": {"Type": "Pass", "Result": "lost", "End": True}},
            },
            "End": True,
        }
    },
}


class LongJob:
    """The functions, the queue and the state machine of the job, in a cloud that is up.

    Parameters
    ----------
    cloud : a local cloud
    role : ARN of the functions' role: DynamoDB, SQS and Lambda
    """

    def __init__(self, cloud: Any, role: str) -> None:
        self._cloud, self._role = cloud, role
        self._table = make_table(TABLE)
        self._lambda, self._sqs = boto3.client("lambda"), boto3.client("sqs")
        package = zip_function(handler_folder(FOLDER))
        settings = {"Runtime": "python3.13", "Role": role, "MemorySize": 256, "Code": {"ZipFile": package}}
        settings["Environment"] = {"Variables": {"TABLE": TABLE}}
        there = {one["FunctionName"] for one in self._lambda.list_functions()["Functions"]}
        for name, timeout_s in TIMEOUTS_S.items():
            if name not in there:
                self._lambda.create_function(FunctionName=name, Handler=f"app.{name}", Timeout=timeout_s, **settings)
        self._dead, self._queue = self._queues()
        self._machine = self._state_machine(role)

    def whole(self, pieces: int) -> tuple[str, int]:
        """Run the job in one invocation, with a limit of one second; return what comes back, and what is done."""
        job = _new("whole")
        answer = self._lambda.invoke(FunctionName="whole", Payload=json.dumps({"job": job, "pieces": pieces}))
        told = json.loads(answer["Payload"].read())
        said = told["errorMessage"].partition("Error: ")[2] if "FunctionError" in answer else "it is done"
        return said, self.done(job)

    def by_queue(self, pieces: int, broken: int | None = None) -> dict[str, Any]:
        """Send a message for each piece, wait until all is quiet, and count."""
        return self._counted("queue", pieces, lambda job: self._send(job, pieces, broken))

    def by_workflow(self, pieces: int, broken: int | None = None) -> dict[str, Any]:
        """Start the state machine over parts of three pieces, wait, and count."""

        def start(job: str) -> None:
            firsts = range(0, pieces, IN_A_PART)
            parts = [{"job": job, "first": n, "end": min(n + IN_A_PART, pieces), "broken": broken} for n in firsts]
            boto3.client("stepfunctions").start_execution(
                stateMachineArn=self._machine, input=json.dumps({"parts": parts})
            )

        return self._counted("workflow", pieces, start)

    def by_itself(self, pieces: int, broken: int | None = None, at_most: int = IN_A_ROUND) -> dict[str, Any]:
        """Start the function that goes on by itself, after so many pieces at most; wait, and count."""
        event = {"pieces": pieces, "broken": broken, "at_most": at_most}

        def start(job: str) -> None:
            payload = json.dumps({"job": job, **event})
            self._lambda.invoke(FunctionName="go_on", InvocationType="Event", Payload=payload)

        return self._counted("by itself", pieces, start)

    def by_schedule(self, pieces: int, rounds: int) -> pd.DataFrame:
        """Let a schedule call the function so often, every 15 minutes of the cloud's clock; count after each.

        Returns
        -------
        DataFrame
            after_min (of the cloud's clock), done, of
        """
        import pandas as pd

        schedules, job = boto3.client("scheduler"), _new("schedule")
        function = self._lambda.get_function(FunctionName="go_on")["Configuration"]["FunctionArn"]
        event = {"job": job, "pieces": pieces, "at_most": IN_A_ROUND, "calls_itself": False}
        target = {"Arn": function, "RoleArn": self._role, "Input": json.dumps(event)}
        every = {"ScheduleExpression": f"rate({QUARTER_MIN} minutes)", "FlexibleTimeWindow": {"Mode": "OFF"}}
        # Without a date it would begin at once. A minute is left for this machine to be slow in.
        begin = self._cloud.clock.now() + timedelta(minutes=QUARTER_MIN - 1)
        schedules.create_schedule(Name=job, Target=target, StartDate=begin, **every)
        rows = []
        for number in range(1, rounds + 1):
            self._cloud.clock.advance(minutes=QUARTER_MIN)
            self._cloud.settle(SETTLE_S)
            rows.append((number * QUARTER_MIN, self.done(job), pieces))
        schedules.delete_schedule(Name=job)
        return pd.DataFrame(rows, columns=["after_min", "done", "of"])

    def all_ways(self, pieces: int, broken: int | None = None) -> pd.DataFrame:
        """Run the job in the three ways; return done, of, invocations, failed and left (messages put aside) of each."""
        import pandas as pd

        rows = [way(pieces, broken) for way in (self.by_queue, self.by_workflow, self.by_itself)]
        return pd.DataFrame(rows).set_index("way")

    def done(self, job: str) -> int:
        """Return how many pieces of a job have noted their result."""
        return sum(one["id"].startswith(f"{job}/") for one in self._table.scan()["Items"])

    def _counted(self, way: str, pieces: int, start: Callable[[str], None]) -> dict[str, Any]:
        before, job = len(self._cloud.invocations()), _new(way)
        start(job)
        self._cloud.settle(SETTLE_S)
        made = self._cloud.invocations().iloc[before:]
        failed = int((made["status"] != "success").sum())
        left = self._left() if way == "queue" else 0
        return {
            "way": way,
            "done": self.done(job),
            "of": pieces,
            "invocations": len(made),
            "failed": failed,
            "left": left,
        }

    def _send(self, job: str, pieces: int, broken: int | None) -> None:
        letters = [{"job": job, "number": number, "broken": broken} for number in range(pieces)]
        for first in range(0, pieces, 10):  # as many as one request may hold
            batch = [{"Id": str(one["number"]), "MessageBody": json.dumps(one)} for one in letters[first : first + 10]]
            self._sqs.send_message_batch(QueueUrl=self._queue, Entries=batch)

    def _left(self) -> int:
        """Take what was put aside out of the dead-letter queue, and count it."""
        found = self._sqs.receive_message(QueueUrl=self._dead, MaxNumberOfMessages=10).get("Messages", [])
        for one in found:
            self._sqs.delete_message(QueueUrl=self._dead, ReceiptHandle=one["ReceiptHandle"])
        return len(found)

    def _queues(self) -> tuple[str, str]:
        dead = self._sqs.create_queue(QueueName="pieces-put-aside")["QueueUrl"]
        redrive = json.dumps({"deadLetterTargetArn": self._arn(dead), "maxReceiveCount": TRIES})
        attributes = {"VisibilityTimeout": str(6 * TIMEOUTS_S["from_queue"]), "RedrivePolicy": redrive}
        queue = self._sqs.create_queue(QueueName="pieces", Attributes=attributes)["QueueUrl"]
        what = {"EventSourceArn": self._arn(queue), "FunctionName": "from_queue"}
        if not self._lambda.list_event_source_mappings(**what)["EventSourceMappings"]:
            self._lambda.create_event_source_mapping(**what, BatchSize=1, ScalingConfig={"MaximumConcurrency": 2})
        return dead, queue

    def _arn(self, url: str) -> str:
        return self._sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]

    def _state_machine(self, role: str) -> str:
        machines = boto3.client("stepfunctions")
        there = {one["name"]: one["stateMachineArn"] for one in machines.list_state_machines()["stateMachines"]}
        if "parts" in there:
            return there["parts"]
        return machines.create_state_machine(name="parts", definition=json.dumps(STATES), roleArn=role)[
            "stateMachineArn"
        ]


def _new(way: str) -> str:
    return f"{way}-{secrets.token_hex(4)}"
