"""One caller of one cloud: a process that invokes functions through boto3 whenever its standard input says so.

``python caller.py CLOUD [PYTHON]`` answers each line ``cold``, ``warm`` or ``door`` (through a function URL, in the
local cloud) with the milliseconds of one invocation, and ends when its input does. The local cloud lets no call of its
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
        """Return the milliseconds of one invocation, ``cold``, ``warm`` or ``door``."""
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


def zipped() -> bytes:
    """Return the handler as a zip file."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("lambda_function.py", baselines.HANDLER)
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


def main() -> None:
    """Start the cloud, create the warm function, and do what the input says until it ends."""
    cloud, python = sys.argv[1:]
    with clients(cloud, python) as client:
        role = client("iam").create_role(RoleName="bench", AssumeRolePolicyDocument="{}")["Role"]["Arn"]
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
            else:
                name = f"cold-{next(numbers)}"
                create(functions, name, role)
                took = timed(functions, name, first=True)
                functions.delete_function(FunctionName=name)
            print(took, flush=True)


if __name__ == "__main__":
    main()
