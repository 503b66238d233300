"""What notebook 09 runs in the cloud: programs that end with it, counters in six places, a long job in three ways."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.config import Config

from helpers.cloud import counting, programs
from helpers.cloud.counting import Counters
from helpers.cloud.deploying import make_role, make_table
from helpers.cloud.long_work import LongJob
from helpers.cloud.programs import Program, ProgramFailed, redis_command, start_redis

FOREVER = ["python", "-c", "print('ready', flush=True); import time; time.sleep(600)"]
KERNEL = """
import sys, time
from helpers.cloud import LocalCloud
from helpers.cloud.programs import Program
cloud = LocalCloud.start()
program = Program(cloud, {command!r}).ready()
print(program.pid, flush=True)
time.sleep(600)
"""


def lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    status = Path(f"/proc/{pid}/status")
    return not (status.exists() and "State:\tZ" in status.read_text())


def test_a_cloud_that_stops_ends_its_programs(start: Any) -> None:
    cloud, _ = start()  # before the file's own cloud is up
    program = Program(cloud, FOREVER).ready()
    cloud.stop()
    assert not program.alive
    assert not program.folder.exists()


def test_a_program_has_no_credentials_and_no_address_of_the_cloud(cloud: Any) -> None:
    with Program(cloud, ["python", "-c", "import os; print(sorted(os.environ))"]).ready() as program:
        assert "AWS" not in program.first_line


def test_a_program_that_ends_too_early_says_what_it_wrote(cloud: Any) -> None:
    with pytest.raises(ProgramFailed, match="ended with 3: no such port"):
        Program(cloud, ["python", "-c", "import sys; sys.stderr.write('no such port'); sys.exit(3)"]).ready()


@pytest.mark.thorough
def test_a_program_ends_when_its_kernel_is_killed(workshop: Any) -> None:
    kernel = subprocess.Popen([sys.executable, "-c", KERNEL.format(command=FOREVER)], stdout=subprocess.PIPE, text=True)
    assert kernel.stdout is not None
    pid = int(kernel.stdout.readline())
    assert lives(pid)
    kernel.send_signal(signal.SIGKILL)
    kernel.wait()
    workshop.until(lambda: not lives(pid))
    kernel.stdout.close()


def test_without_a_redis_server_there_is_none_and_one_sentence_says_so(cloud: Any, monkeypatch: Any) -> None:
    monkeypatch.setattr(programs.shutil, "which", lambda name: None)
    assert redis_command() is None
    assert start_redis(cloud) is None
    assert programs.NO_REDIS.count(". ") == 0


@pytest.mark.thorough
def test_redis_asks_for_its_password(cloud: Any) -> None:
    if redis_command() is None:
        pytest.skip("there is no redis-server on this machine")
    import redis

    program, url = start_redis(cloud)  # type: ignore[misc]
    with program:
        assert redis.Redis.from_url(url).incr("likes") == 1
        port = int(url.rpartition(":")[2].partition("/")[0])
        with pytest.raises(redis.AuthenticationError):
            redis.Redis(port=port).get("likes")
    assert not program.alive


def overlapping(owner: type, name: str, monkeypatch: Any) -> list[int]:
    """Note how many callers are within a method at a time; each waits a moment for company."""
    real, seen, inside, together = getattr(owner, name), [], [], threading.Event()

    def watched(*arguments: Any, **named: Any) -> Any:
        inside.append(1)
        seen.append(len(inside))
        if len(inside) > 1:
            together.set()
        together.wait(0.1)
        try:
            return real(*arguments, **named)
        finally:
            inside.pop()

    monkeypatch.setattr(owner, name, watched)
    return seen


def at_once(*calls: Any) -> None:
    threads = [threading.Thread(target=call) for call in calls]
    for one in threads:
        one.start()
    for one in threads:
        one.join()


def test_two_writes_to_a_table_decide_one_after_the_other(cloud: Any, workshop: Any, monkeypatch: Any) -> None:
    table = make_table(workshop.name("table"))
    from moto.dynamodb.models.table import Table

    seen = overlapping(Table, "put_item", monkeypatch)
    client, item = table.meta.client, {"id": "1"}
    at_once(*[lambda: client.put_item(TableName=table.name, Item=item)] * 2)
    assert seen == [1, 1]


def test_two_conditional_writes_to_an_object_decide_one_after_the_other(
    cloud: Any, workshop: Any, monkeypatch: Any
) -> None:
    s3, bucket = boto3.client("s3"), workshop.name("bucket")
    s3.create_bucket(Bucket=bucket)
    from moto.s3.models import S3Backend

    refused = []

    def put() -> None:
        try:
            s3.put_object(Bucket=bucket, Key="count", Body=b"1", IfNoneMatch="*")
        except s3.exceptions.ClientError as error:
            refused.append(error.response["Error"]["Code"])

    seen = overlapping(S3Backend, "put_object", monkeypatch)
    at_once(put, put)
    assert (seen, refused) == ([1], ["PreconditionFailed"])


def test_an_object_that_is_replaced_while_it_is_read_is_read_anew(cloud: Any, workshop: Any, monkeypatch: Any) -> None:
    s3 = boto3.client("s3", config=Config(retries={"total_max_attempts": 1}))
    bucket = workshop.name("bucket")
    s3.create_bucket(Bucket=bucket)
    s3.put_object(Bucket=bucket, Key="count", Body=b"1")
    from moto.s3.models import FakeKey

    real, closed = FakeKey.value, [True]

    def value(key: FakeKey) -> bytes:
        if closed.pop() if closed else False:
            raise ValueError("I/O operation on closed file.")
        return real.fget(key)

    monkeypatch.setattr(FakeKey, "value", property(value, real.fset))
    assert s3.get_object(Bucket=bucket, Key="count")["Body"].read() == b"1"
    assert closed == []


@pytest.mark.thorough
def test_only_what_adds_or_refuses_counts_right(cloud: Any, workshop: Any) -> None:
    counters = Counters(cloud, workshop.role)
    frame = counters.frame().set_index("way")
    counters.close()
    assert (frame.lost.drop([counting.MEMORY, counting.CARELESS]) == 0).all()
    assert frame.lost[counting.MEMORY] > 0
    assert frame.tries[counting.CAREFUL] >= frame.tries[counting.ADDED] == counting.CALLS
    assert frame.alone_ms[counting.MEMORY] < frame.alone_ms[counting.ADDED]


@pytest.mark.thorough
def test_what_a_broken_piece_costs_in_each_way(cloud: Any, workshop: Any) -> None:
    job = LongJob(cloud, make_role(workshop.name("role"), ["dynamodb:*", "sqs:*", "lambda:InvokeFunction"]))
    assert job.whole(400)[0] == "Task timed out after 1.00 seconds"
    assert job.all_ways(12).done.tolist() == [12, 12, 12]
    broken = job.all_ways(12, broken=7)
    assert broken.done.tolist() == [11, 10, 7]
    assert broken.left.tolist() == [1, 0, 0]
    assert job.by_itself(20, at_most=1)["done"] == 18
    assert job.by_schedule(12, 3).done.tolist() == [4, 8, 12]
