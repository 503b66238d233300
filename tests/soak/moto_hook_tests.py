"""moto's own tests of Cognito and Step Functions, with this cloud's bridge in place and without.

``python tests/soak/moto_hook_tests.py`` fetches moto's tests as ``moto_docker_tests.py`` does, runs those of the two
services twice, and fails when one that passes on plain moto does not pass with the bridge: moto's behaviour for
everything that the bridge is not about stays as it was. Pools without triggers and all of custom authentication's
errors go through our methods; so do waits, retries and task tokens of state machines.
"""

from __future__ import annotations

import argparse
import contextlib
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import moto_docker_tests as docker

SERVICES = ("test_cognitoidp", "test_stepfunctions")
# What these tests import besides, without what that would bring along.
MORE = ("pycognito==2024.5.1", "pyotp==2.9.0", "envs==1.4", "pyjwt==2.10.1")
BRIDGE, PLAIN = "moto_hook_tests:bridge", "contextlib:nullcontext"
# What fails with the bridge because AWS and moto differ, and the bridge follows AWS.
EXPECTED: dict[str, str] = {}


class NoFunctions:
    """No function may be asked: moto's tests configure none that exist."""

    def invoke(self, arn: str, event: Any, **_: Any) -> Any:
        """Say which function was wanted."""
        raise AssertionError(f"a trigger was asked: {arn} {event}")


@contextlib.contextmanager
def bridge() -> Iterator[None]:
    """Put our side of both services in place; whether state machines run is for each test to say, as in moto."""
    import boto3
    from moto.core.config import default_user_config

    from helpers.cloud.clock import Clock
    from helpers.cloud.events.hooks import Hooks
    from helpers.cloud.quiet import Quiet

    clock, quiet = Clock(), Quiet()
    settings = default_user_config["stepfunctions"]
    with contextlib.ExitStack() as afterwards, contextlib.ExitStack() as undo:
        from helpers.cloud.events import moto_cognito, moto_workflows

        moto_cognito.install(Hooks(NoFunctions(), lambda *_: None), clock, undo)
        before = settings["execute_state_machine"]
        moto_workflows.install(boto3.client, clock, quiet, lambda *_: None, afterwards, undo)
        settings["execute_state_machine"] = before
        yield


def outcomes(rows: list[dict[str, Any]]) -> dict[str, str]:
    """Return what came of each test; a set-up or teardown that failed counts as failed."""
    found: dict[str, str] = {}
    for row in rows:
        if "outcome" in row and found.get(row["test"]) != "failed":
            found[row["test"]] = row["outcome"]
    return found


def main() -> int:
    """Fetch, run twice, compare; return 0 if nothing got worse, 1 if something did, 2 if the tests cannot be had."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--folder", type=Path, help="keep moto's tests and what they import here, for the next time")
    parser.add_argument("--timeout", type=float, default=1800, help="seconds for each of the two runs")
    options = parser.parse_args()
    with contextlib.ExitStack() as stack:
        folder = options.folder or Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="moto-tests-")))
        folder.mkdir(parents=True, exist_ok=True)
        folder = folder.resolve()
        if fault := docker.fetch(folder):
            print(fault, file=sys.stderr)
            return docker.NO_TESTS
        target = str(folder / "extras")
        if fault := docker.pip("install", "--quiet", "--no-deps", "--upgrade", "--target", target, *MORE):
            print(f"what moto's tests import cannot be had: {fault}", file=sys.stderr)
            return docker.NO_TESTS
        extras = {docker.EXTRAS_VARIABLE: target}
        ran, said = {}, {}
        for name, executor in (("plain moto", PLAIN), ("with the bridge", BRIDGE)):
            environment = docker.clean_environment() | extras | {docker.EXECUTOR_VARIABLE: executor}
            rows = docker.run(folder, list(SERVICES), environment, timeout_s=options.timeout, loud=False)
            ran[executor] = outcomes(rows)
            said[executor] = {row["test"]: row["text"] for row in rows if row.get("outcome") == "failed"}
            counts = ", ".join(f"{count} {what}" for what, count in Counter(ran[executor].values()).most_common())
            print(f"{name}: {counts}")
    worse = [
        test
        for test, outcome in ran[PLAIN].items()
        if outcome == "passed" and ran[BRIDGE].get(test) != "passed" and test.partition("::")[2] not in EXPECTED
    ]
    for test in worse:
        lines = [line[1:].strip() for line in said[BRIDGE].get(test, "did not run").splitlines() if line[:2] == "E "]
        print(f"! {test}: {(lines or ['did not run'])[0][:160]}")
    return int(bool(worse) or not ran[PLAIN])


if __name__ == "__main__":
    sys.exit(main())
