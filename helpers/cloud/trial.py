"""Functions that exist to be measured: made for a measurement, started cold as often as needed, then removed.

A :class:`Variant` says what to run, :func:`deployed` makes functions of some variants for as long as a ``with`` block
lasts, and a :class:`Trial` invokes one of them as any caller would, through boto3.
:mod:`helpers.cloud.measure` and :mod:`helpers.cloud.anatomy` decide what to measure, and how often.

Python compiles what it imports, which takes several times as long as importing it, and keeps the result if it may.
Whether this machine's packages have been compiled depends on how they were installed. So that no figure depends on
that, :meth:`Trial.settle` compiles them into a folder of the session; only the function's own package is compiled at
each start, as it is on AWS, where it lies in a folder that is read-only.
"""

from __future__ import annotations

import json
import math
import shutil
import tempfile
import threading
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

from helpers.checks import number
from helpers.cloud.calls import Invocation
from helpers.cloud.code import UNPACKED_MAX_BYTES
from helpers.cloud.environment import Environment
from helpers.cloud.package import MODULE
from helpers.cloud.session import LocalCloud
from helpers.cloud.target import OnlyOnThisMachine
from helpers.cloud.unpacking import remove_tree, unpack

READY_S = 60.0
POLL_S = 0.05  # each look is a call of the API, which takes its part of the processor

Progress = Callable[[int, int], object]


@dataclass(frozen=True)
class Variant:
    """One way to deploy a function.

    Parameters
    ----------
    package : the zip, as :func:`~helpers.cloud.package.zip_function` makes it
    handler : module and function
    event : what it is invoked with
    memory_mb : its memory; more makes nothing faster here
    provisioned : environments that are kept initialised; with 0, there are none
    snapstart : publish a version with SnapStart. The local cloud runs the hooks before a snapshot and after a restore,
        one right after the other in each new environment; it takes no snapshot, so that INIT is not shortened. On AWS
        the hooks before the snapshot run once, when the version is published
    variables : environment variables
    """

    package: bytes = field(repr=False)
    handler: str = f"{MODULE}.handler"
    event: Any = None
    memory_mb: int = 512
    provisioned: int = 0
    snapstart: bool = False
    variables: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Call:
    """One invocation: as its caller saw it and as the platform recorded it. Moments are on the monotonic clock."""

    asked_s: float
    answered_s: float
    record: Invocation
    environment: Environment | None

    @property
    def client_ms(self) -> float:
        """From the caller's call of boto3 to the answer in its hands."""
        return (self.answered_s - self.asked_s) * 1000

    @property
    def init_ms(self) -> float:
        """How long the request waited for INIT; not a number where it did not."""
        return math.nan if self.record.init_ms is None else self.record.init_ms

    @property
    def after_restore_ms(self) -> float:
        """With SnapStart, the part of INIT from the restore on: the hooks after it."""
        one = self.environment
        if one is None or one.restored_s is None or one.init_ms is None or not self.record.cold:
            return math.nan
        return one.init_ms - (one.restored_s - one.started_s) * 1000


@dataclass
class Trial:
    """A function in the cloud that is there to be measured."""

    cloud: LocalCloud
    client: Any
    name: str
    variant: Variant
    qualifier: str | None = None

    def settle(self) -> Call:
        """Make its first start, which compiles and brings files into memory, then give it its final configuration.

        This comes first, and is nobody's measurement.
        """
        compiled = self._compiled_into()
        self._configure({"PYTHONPYCACHEPREFIX": compiled, "PYTHONDONTWRITEBYTECODE": ""})
        self.cloud.recycle()
        call = self.call()
        code = call.environment.function.code.resolve()
        shutil.rmtree(f"{compiled}{code}", ignore_errors=True)
        self._configure({"PYTHONPYCACHEPREFIX": compiled})
        return call

    def cold(self) -> Call:
        """Invoke it when no idle environment is left, or, if some are provisioned, in a new one of those."""
        self.cloud.recycle()
        if self.variant.provisioned:
            self._provision()
        return self.call()

    def call(self) -> Call:
        """Invoke it as it is.

        Raises
        ------
        RuntimeError
            when the function fails
        """
        payload = json.dumps(self.variant.event)
        version = {"Qualifier": self.qualifier} if self.qualifier else {}
        asked_s = time.monotonic()
        answer = self.client.invoke(FunctionName=self.name, Payload=payload, **version)
        said = answer["Payload"].read()
        answered_s = time.monotonic()
        if "FunctionError" in answer:
            raise RuntimeError(f"a function that is measured must not fail, got {said.decode()[:500]}")
        request_id = answer["ResponseMetadata"]["RequestId"]
        service = self.cloud._any().service
        record = next(one for one in reversed(service.records) if one.request_id == request_id)
        environment = next((one for one in service.environments() if one.id == record.environment), None)
        return Call(asked_s, answered_s, record, environment)

    def unpack_ms(self) -> float:
        """Measure how long unpacking its package takes, into a folder that is removed again."""
        with tempfile.TemporaryDirectory(prefix="unpacked-") as folder:
            target = Path(folder) / "code"
            try:
                began_s = time.monotonic()
                unpack(self.variant.package, target, max_unzipped_bytes=UNPACKED_MAX_BYTES)
                return (time.monotonic() - began_s) * 1000
            finally:
                remove_tree(target)

    def _compiled_into(self) -> str:
        return str((self.cloud._running().folder / "compiled").resolve())

    def _configure(self, variables: Mapping[str, str]) -> None:
        variables = {**variables, **self.variant.variables}
        self.client.update_function_configuration(FunctionName=self.name, Environment={"Variables": variables})
        if self.variant.provisioned or self.variant.snapstart:
            self.qualifier = self.client.publish_version(FunctionName=self.name)["Version"]

    def _provision(self) -> None:
        """Let go of provisioned environments, which may have served already, and wait for new ones."""
        which = {"FunctionName": self.name, "Qualifier": self.qualifier}
        before = [one for one in self.cloud._any().service.environments() if one.function.name == self.name]
        with suppress(self.client.exceptions.ClientError):  # there is none at first
            self.client.delete_provisioned_concurrency_config(**which)
        self._wait(lambda: not any(one.alive for one in before), "the end of provisioned environments")
        self.client.put_provisioned_concurrency_config(
            **which, ProvisionedConcurrentExecutions=self.variant.provisioned
        )

        def ready() -> bool:
            found = self.client.get_provisioned_concurrency_config(**which)
            if found["Status"] == "FAILED":
                raise RuntimeError(
                    f"provisioned concurrency failed: {found.get('StatusReason', 'no reason was given')}"
                )
            return found["Status"] == "READY"

        self._wait(ready, "provisioned environments")

    @staticmethod
    def _wait(condition: Callable[[], bool], what: str) -> None:
        deadline_s, pause = time.monotonic() + READY_S, threading.Event()
        while not condition():
            if time.monotonic() > deadline_s:
                raise TimeoutError(f"{what} did not come within {READY_S:.0f} s")
            pause.wait(POLL_S)


@contextmanager
def deployed(cloud: LocalCloud, variants: Mapping[str, bytes | Variant]) -> Iterator[dict[str, Trial]]:
    """Make a function of each variant, and remove them all at the end, with their role and their logs.

    Parameters
    ----------
    cloud : a local cloud that is up
    variants : by name; bytes stand for a :class:`Variant` of that package

    Raises
    ------
    ValueError
        when there are no variants
    OnlyOnThisMachine
        when the cloud is not this machine's own
    """
    if not variants:
        raise ValueError("variants must name at least one package, got none")
    if not isinstance(cloud, LocalCloud):
        raise OnlyOnThisMachine(f"Starts are measured in a LocalCloud on this machine, got {type(cloud).__name__}.")
    client, iam, logs = (clients(cloud.endpoint)[service] for service in ("lambda", "iam", "logs"))
    with ExitStack() as undo:
        mark = uuid.uuid4().hex[:8]
        role = iam.create_role(RoleName=f"measured-{mark}", AssumeRolePolicyDocument="{}")["Role"]["Arn"]
        undo.callback(iam.delete_role, RoleName=f"measured-{mark}")
        trials: dict[str, Trial] = {}
        for place, (label, given) in enumerate(variants.items()):
            variant = given if isinstance(given, Variant) else Variant(given)
            name = f"measured-{mark}-{place}"
            undo.callback(_remove, client, logs, name)
            client.create_function(
                FunctionName=name,
                Runtime="python3.13",
                Role=role,
                Handler=variant.handler,
                Code={"ZipFile": variant.package},
                MemorySize=variant.memory_mb,
                Timeout=60,
                SnapStart={"ApplyOn": "PublishedVersions" if variant.snapstart else "None"},
            )
            trials[label] = Trial(cloud, client, name, variant)
        yield trials


@lru_cache(maxsize=1)
def clients(endpoint: str) -> dict[str, Any]:
    """Return clients of a cloud, made once: each takes longer to make than some functions take to start."""
    import boto3
    from botocore.config import Config

    # Not boto3's default session: measurements may run on a thread of their own.
    session, once = boto3.session.Session(), Config(retries={"total_max_attempts": 1}, read_timeout=900)
    return {service: session.client(service, config=once) for service in ("lambda", "iam", "logs")}


def _remove(client: Any, logs: Any, name: str) -> None:
    with suppress(client.exceptions.ResourceNotFoundException):
        client.delete_function(FunctionName=name)
    with suppress(logs.exceptions.ResourceNotFoundException):
        logs.delete_log_group(logGroupName=f"/aws/lambda/{name}")


class Steps:
    """Counts what was measured, tells who wants to know, and hears whether to go on.

    Parameters
    ----------
    total : how many measurements there will be
    progress : called with (done, total) after each; it may return False to stop
    cancel : an event that stops it, too
    """

    def __init__(self, total: int, progress: Progress | None, cancel: threading.Event | None) -> None:
        self.done, self.total, self.stopped = 0, total, False
        self._progress, self._cancel = progress, cancel

    def go_on(self) -> bool:
        """Say whether the next measurement shall be made."""
        self.stopped = self.stopped or (self._cancel is not None and self._cancel.is_set())
        return not self.stopped

    def one_more(self) -> None:
        """Count one measurement."""
        self.done += 1
        if self._progress is not None and self._progress(self.done, self.total) is False:
            self.stopped = True


def counted(name: str, value: int, least: int = 1) -> int:
    """Return a whole number of repetitions, or say what is wrong with it."""
    return int(number(name, value, least, 100_000))
