"""Provisioned concurrency: environments that are warm before anybody calls."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from typing import Any

import pandas as pd
import pytest
from botocore.exceptions import ClientError

PID = "import os\ndef handler(event, context): return os.getpid()\n"
KIND = "import os\ndef handler(event, context): return os.environ['AWS_LAMBDA_INITIALIZATION_TYPE']\n"
# Leaves a mark and waits for a file.
WAITS = """
    import os, pathlib, time
    def handler(event, context):
        folder = pathlib.Path(event["folder"])
        (folder / f"here-{context.aws_request_id}").touch()
        while not (folder / "go").exists():
            time.sleep(0.002)
        return os.getpid()
"""


def of(frame: pd.DataFrame, name: str) -> pd.DataFrame:
    return frame[frame.function == name].reset_index(drop=True)


@pytest.fixture
def provisioned(cloud: Any, workshop: Any) -> tuple[Any, Any, str, Callable[[int], None]]:
    """Return a function with a version, and what provisions it and waits."""
    name = workshop.make("import time, os\ntime.sleep(0.05)\n" + WAITS.replace("\n    ", "\n"), Publish=True)

    def provision(count: int, **settings: Any) -> None:
        given = {"Qualifier": "1", **settings}
        workshop.client.put_provisioned_concurrency_config(
            FunctionName=name, ProvisionedConcurrentExecutions=count, **given
        )
        workshop.until(
            lambda: workshop.client.get_provisioned_concurrency_config(FunctionName=name, **given)["Status"] == "READY"
        )

    return cloud, workshop, name, provision


def test_with_provisioned_concurrency_the_first_invocation_is_warm(provisioned: Any, held: Any) -> None:
    cloud, workshop, name, provision = provisioned
    provision(2)
    held = held(workshop)
    held.hold(name, 2, Qualifier="1")
    frame = of(cloud.environments(), name)
    assert set(held.let_go()) == set(frame.pid)
    rows = of(cloud.invocations(), name)
    assert not rows.cold.any()
    assert rows.init_ms.isna().all()
    assert (rows.billed_ms < rows.duration_ms + 1).all()


def test_a_function_knows_that_it_was_provisioned(workshop: Any) -> None:
    name = workshop.make(KIND, Publish=True)
    assert workshop.call(name, Qualifier="1") == "on-demand"
    workshop.client.put_provisioned_concurrency_config(
        FunctionName=name, Qualifier="1", ProvisionedConcurrentExecutions=1
    )
    workshop.until(lambda: workshop.call(name, Qualifier="1") == "provisioned-concurrency")


def test_what_provisioned_environments_cannot_take_spills_over_to_demand(provisioned: Any, held: Any) -> None:
    cloud, workshop, name, provision = provisioned
    provision(1)
    held = held(workshop)
    held.hold(name, 1, Qualifier="1")
    held.hold(name, 1, Qualifier="1")
    held.let_go()
    assert sorted(of(cloud.invocations(), name).cold) == [False, True]


def test_provisioned_environments_are_not_recycled_and_are_replaced_when_they_die(provisioned: Any) -> None:
    cloud, workshop, name, provision = provisioned
    cloud.recycle()
    provision(2)
    assert cloud.recycle() == 0
    before = set(of(cloud.environments(), name).pid)
    os.kill(min(before), signal.SIGKILL)

    def idle() -> set:
        frame = of(cloud.environments(), name)
        return set(frame[frame.state == "idle"].pid)

    workshop.until(lambda: len(idle() - {min(before)}) == 2)
    assert max(before) in idle()


def test_fewer_or_no_provisioned_environments_end_the_surplus(provisioned: Any) -> None:
    cloud, workshop, name, provision = provisioned
    provision(3)

    def idle() -> int:
        return int((of(cloud.environments(), name).state == "idle").sum())

    workshop.until(lambda: idle() == 3)
    provision(1)
    workshop.until(lambda: idle() == 1)
    workshop.client.delete_provisioned_concurrency_config(FunctionName=name, Qualifier="1")
    workshop.until(lambda: idle() == 0)
    with pytest.raises(workshop.client.exceptions.ProvisionedConcurrencyConfigNotFoundException):
        workshop.client.get_provisioned_concurrency_config(FunctionName=name, Qualifier="1")


def test_provisioned_concurrency_follows_its_alias_to_another_version(provisioned: Any) -> None:
    _, workshop, name, provision = provisioned
    workshop.client.create_alias(FunctionName=name, Name="live", FunctionVersion="1")
    provision(1, Qualifier="live")
    workshop.client.update_function_code(FunctionName=name, ZipFile=workshop.zipped(KIND), Publish=True)
    workshop.client.update_alias(FunctionName=name, Name="live", FunctionVersion="2")
    workshop.until(lambda: workshop.call(name, Qualifier="live") == "provisioned-concurrency")
    [listed] = workshop.client.list_provisioned_concurrency_configs(FunctionName=name)["ProvisionedConcurrencyConfigs"]
    assert listed["FunctionArn"].endswith(f"{name}:live")
    assert listed["RequestedProvisionedConcurrentExecutions"] == 1


def test_a_deleted_function_takes_its_provisioned_environments_along(provisioned: Any) -> None:
    cloud, workshop, name, provision = provisioned
    provision(2)
    workshop.client.delete_function(FunctionName=name)
    workshop.until(lambda: set(of(cloud.environments(), name).state) == {"stopped"})
    workshop.make(PID, FunctionName=name, Publish=True)
    workshop.call(name, Qualifier="1")
    assert cloud.recycle() >= 1
    assert set(of(cloud.environments(), name).state) == {"stopped"}


@pytest.mark.parametrize("qualifier", ["$LATEST", "7"])
def test_only_a_published_version_or_an_alias_can_be_provisioned(provisioned: Any, qualifier: str) -> None:
    _, workshop, name, _ = provisioned
    with pytest.raises(ClientError) as error:
        workshop.client.put_provisioned_concurrency_config(
            FunctionName=name, Qualifier=qualifier, ProvisionedConcurrentExecutions=1
        )
    assert error.value.response["Error"]["Code"] in ("InvalidParameterValueException", "ResourceNotFoundException")


def test_a_version_that_cannot_be_initialised_fails_and_is_not_started_again_and_again(
    cloud: Any, workshop: Any
) -> None:
    name = workshop.make("import nothing_of_this_name\n", Publish=True)
    workshop.client.put_provisioned_concurrency_config(
        FunctionName=name, Qualifier="1", ProvisionedConcurrentExecutions=2
    )

    def config() -> dict:
        return workshop.client.get_provisioned_concurrency_config(FunctionName=name, Qualifier="1")

    workshop.until(lambda: config()["Status"] == "FAILED")
    assert config()["StatusReason"] == "FUNCTION_ERROR_INIT_FAILURE"
    workshop.until(lambda: set(of(cloud.environments(), name).state) == {"stopped"})
    cloud.recycle()  # where dead environments are replaced
    assert len(of(cloud.environments(), name)) == 2
    assert any(
        "Phase: init\tStatus: error\tError Type: Runtime.ImportModuleError" in line for line in workshop.logs(name)
    )
