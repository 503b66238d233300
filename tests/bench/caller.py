"""One caller of one cloud: a process that invokes functions through boto3 whenever its standard input says so.

``python caller.py CLOUD [PYTHON]`` answers each line ``cold``, ``warm`` or ``door`` (through a function URL, in the
local cloud) with the milliseconds of one invocation, ``queue`` and ``consumer`` (in the local cloud) with the messages
a second that a function reads, or a plain program; it ends when its input does. The local cloud lets no call of its
process go elsewhere, so each cloud has a caller of its own. ``PYTHON`` is the interpreter that has ministack.
"""

from __future__ import annotations

import contextlib
import io
import itertools
import json
import subprocess
import sys
import time
import urllib.request
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import baselines
import boto3
from botocore.config import Config

OURS, MOTO, MOTO_HERE, MINISTACK = "local cloud", "moto", "moto in the caller's process", "ministack"


class Caller:
    """A caller as the bench sees it.

    Parameters
    ----------
    cloud : one of the names above
    python : the interpreter that has ministack
    """

    def __init__(self, cloud: str, python: Path | None = None) -> None:
        command = [sys.executable, __file__, cloud, str(python or "")]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self._read()

    def measure(self, what: str) -> float:
        """Return the milliseconds of one invocation, or for queues the messages a second."""
        self._process.stdin.write(f"{what}\n")
        self._process.stdin.flush()
        return float(self._read())

    def _read(self) -> str:
        if line := self._process.stdout.readline():
            return line
        raise RuntimeError(f"a caller has ended, exit code {self._process.wait()}")

    def __enter__(self) -> Caller:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.stdin.close()
        try:
            self._process.wait(15)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process.stdout.close()


def zipped(source: str = baselines.HANDLER) -> bytes:
    """Return a handler as a zip file."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("lambda_function.py", source)
    return buffer.getvalue()


@contextlib.contextmanager
def clients(cloud: str, python: str) -> Iterator[Callable[[str], Any]]:
    """Start a cloud; yield what makes a boto3 client for it."""
    if cloud == OURS:
        sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
        from helpers.cloud import LocalCloud

        with LocalCloud():
            yield boto3.client
        return
    start = {MOTO: baselines.moto, MOTO_HERE: baselines.moto_here, MINISTACK: lambda: baselines.ministack(python)}
    with start[cloud]() as endpoint:
        if cloud != MINISTACK:
            settings = json.dumps({"lambda": {"use_docker": False}}).encode()
            headers = {"Content-Type": "application/json"}
            urllib.request.urlopen(urllib.request.Request(f"{endpoint}/moto-api/config", settings, headers)).close()
        keys = {"aws_access_key_id": "123456789012", "aws_secret_access_key": "bench"}
        yield lambda service: boto3.client(
            service, endpoint_url=endpoint, region_name=baselines.REGION, config=Config(proxies={}), **keys
        )


def current() -> Any:
    """Return the local cloud of this process."""
    from helpers.cloud import LocalCloud

    return LocalCloud.current()


def create(functions: Any, name: str, role: str) -> None:
    """Create a function and wait until it can be invoked."""
    settings = {"Runtime": "python3.12", "Handler": "lambda_function.handler", "Role": role, "Timeout": 30}
    functions.create_function(FunctionName=name, Code={"ZipFile": zipped()}, **settings)
    functions.get_waiter("function_active_v2").wait(FunctionName=name, WaiterConfig={"Delay": 1})


def timed(functions: Any, name: str, *, first: bool) -> float:
    """Invoke a function; return the milliseconds, having checked that its process was new, or wasn't."""
    start = time.perf_counter()
    answer = functions.invoke(FunctionName=name, Payload=baselines.EVENT)
    body = answer["Payload"].read()
    took = (time.perf_counter() - start) * 1000
    calls = json.loads(body).get("calls")
    # moto without Docker gives the event back: it has no calls to count.
    if "FunctionError" in answer or (calls is not None and (calls == 1) != first):
        raise RuntimeError(f"{name} answered {body!r}")
    return took


def door_of(functions: Any, name: str) -> str:
    """Return a URL of a function that everybody may call."""
    for statement, action in (("url", "lambda:InvokeFunctionUrl"), ("function", "lambda:InvokeFunction")):
        functions.add_permission(FunctionName=name, StatementId=statement, Action=action, Principal="*")
    return functions.create_function_url_config(FunctionName=name, AuthType="NONE")["FunctionUrl"]


def timed_door(url: str) -> float:
    """Call a function through its URL, as a browser would; return the milliseconds."""
    start = time.perf_counter()
    with urllib.request.urlopen(url, data=baselines.EVENT, timeout=30) as answer:
        answer.read()
    return (time.perf_counter() - start) * 1000


MESSAGES, BATCH = 500, 10
READER = "def handler(event, context):\n    return None\n"


def filled_queue(client: Callable[[str], Any], name: str) -> tuple[Any, str]:
    """Make a queue with messages in it; return its client and its URL."""
    sqs = client("sqs")
    url = sqs.create_queue(QueueName=name)["QueueUrl"]
    for first in range(0, MESSAGES, BATCH):
        entries = [{"Id": str(number), "MessageBody": str(number)} for number in range(first, first + BATCH)]
        sqs.send_message_batch(QueueUrl=url, Entries=entries)
    return sqs, url


def read_by_function(client: Callable[[str], Any], cloud: Any, role: str, name: str) -> float:
    """Let a function read a queue; return the messages a second, from its mapping to the last one."""
    sqs, url = filled_queue(client, name)
    functions = client("lambda")
    arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    functions.create_function(
        FunctionName=name,
        Runtime="python3.12",
        Handler="lambda_function.handler",
        Role=role,
        Code={"ZipFile": zipped(READER)},
    )
    start = time.perf_counter()
    made = functions.create_event_source_mapping(EventSourceArn=arn, FunctionName=name, BatchSize=BATCH)
    cloud.settle(60)
    took = time.perf_counter() - start
    records = cloud.invocations()
    if (records["function"] == name).sum() < MESSAGES / BATCH:
        raise RuntimeError("not all messages were read")
    functions.delete_event_source_mapping(UUID=made["UUID"])
    functions.delete_function(FunctionName=name)
    return MESSAGES / took


def read_by_consumer(client: Callable[[str], Any], name: str) -> float:
    """Read a queue as a plain program does; return the messages a second."""
    sqs, url = filled_queue(client, name)
    left, start = MESSAGES, time.perf_counter()
    while left:
        found = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=BATCH)["Messages"]
        handles = [{"Id": one["MessageId"], "ReceiptHandle": one["ReceiptHandle"]} for one in found]
        sqs.delete_message_batch(QueueUrl=url, Entries=handles)
        left -= len(found)
    return MESSAGES / (time.perf_counter() - start)


def main() -> None:
    """Start the cloud, create the warm function, and do what the input says until it ends."""
    cloud, python = sys.argv[1:]
    with clients(cloud, python) as client:
        role = client("iam").create_role(RoleName="bench", AssumeRolePolicyDocument="{}")["Role"]["Arn"]
        rights = {"Effect": "Allow", "Action": "sqs:*", "Resource": "*"}
        policy = json.dumps({"Version": "2012-10-17", "Statement": [rights]})
        client("iam").put_role_policy(RoleName="bench", PolicyName="read", PolicyDocument=policy)
        functions = client("lambda")
        create(functions, "warm", role)
        functions.invoke(FunctionName="warm", Payload=baselines.EVENT)["Payload"].read()
        url = door_of(functions, "warm") if cloud == OURS else ""
        print("ready", flush=True)
        numbers = itertools.count()
        for line in sys.stdin:
            if line.strip() == "warm":
                took = timed(functions, "warm", first=False)
            elif line.strip() == "door":
                took = timed_door(url)
            elif line.strip() == "queue":
                took = read_by_function(client, current(), role, f"queue-{next(numbers)}")
            elif line.strip() == "consumer":
                took = read_by_consumer(client, f"queue-{next(numbers)}")
            else:
                name = f"cold-{next(numbers)}"
                create(functions, name, role)
                took = timed(functions, name, first=True)
                functions.delete_function(FunctionName=name)
            print(took, flush=True)


if __name__ == "__main__":
    main()
