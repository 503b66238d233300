"""Trials of notebook 04: a policy asked what it allows, a group's health check, and a function moved to a new runtime.

What these return is asked by the check; what it sets it sets through boto3, on the notebook's cloud, and reads back
from there.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from helpers import policies, replacing, tables
from helpers.cloud import zip_function
from helpers.learn.trials import TrialFailed
from helpers.responsibility import runtime_stage

TODAY = date(2026, 11, 25)
START_S, PATIENCE_S = 150, 300
SLOW, HANGS, DEAD = "starts in 150 s", "hangs", "never starts"
KEPT, REPLACED, LOOP, NEVER, LATE = (
    "kept",
    "replaced",
    "replaced again and again",
    "never replaced",
    "replaced too late",
)
LONG_DAYS = 730
STAGE, PATCHES, ANSWER = "its stage", "its patches", "its answer"


@dataclass(frozen=True)
class _Rights:
    policy: Any

    def __call__(self, action: str, resource: str) -> str:
        """Say whether the policy allows a request."""
        return "allowed" if policies.allows(self.policy, action=action, resource=resource) else "denied"


def rights(policy: Any) -> Any:
    """Return what says of a request whether a policy allows it; dots stay dots: not answered yet.

    Parameters
    ----------
    policy : dict or str
        The policy, as a dict or as JSON.
    """
    return policy if policy is None or policy is ... else _Rights(policy)


@dataclass(frozen=True)
class _Group:
    settings: Mapping[str, Any]
    name: str
    scaling: Any
    balancers: Any

    def __call__(self, machine: str) -> str:
        """Set the group's health check as asked, read it back, and say what becomes of a machine."""
        self.scaling.update_auto_scaling_group(AutoScalingGroupName=self.name, **self.settings)
        check = self._check()
        if machine == SLOW:
            return KEPT if replacing.survives_start(check, start_s=START_S) else LOOP
        noticed_s = replacing.hang_noticed_s(check)
        if machine == DEAD:
            noticed_s = replacing.never_starts_noticed_s(check)
        return NEVER if noticed_s == replacing.NEVER else REPLACED if noticed_s <= PATIENCE_S else LATE

    def _check(self) -> replacing.HealthCheck:
        group = self.scaling.describe_auto_scaling_groups(AutoScalingGroupNames=[self.name])["AutoScalingGroups"][0]
        arns = group["TargetGroupARNs"]
        door = self.balancers.describe_target_groups(TargetGroupArns=arns)["TargetGroups"][0]
        return replacing.HealthCheck(
            type=group["HealthCheckType"],
            grace_s=group.get("HealthCheckGracePeriod", 0),
            interval_s=door["HealthCheckIntervalSeconds"],
            healthy=door["HealthyThresholdCount"],
            unhealthy=door["UnhealthyThresholdCount"],
        )


def group_with(settings: Any, name: str, scaling: Any, balancers: Any) -> Any:
    """Return what says how a group with this health check treats a machine.

    Parameters
    ----------
    settings : dict
        HealthCheckType and HealthCheckGracePeriod, as ``update_auto_scaling_group`` takes them. Dots stay dots.
    name : of the group
    scaling, balancers : boto3's clients of autoscaling and elbv2
    """
    return _Group(settings, name, scaling, balancers) if isinstance(settings, Mapping) else settings


@dataclass(frozen=True)
class _Moved:
    runtime: str
    code: str
    name: str
    client: Any

    def __call__(self, asked: str) -> Any:
        """Move the function, and say what was asked about it."""
        self.client.update_function_code(FunctionName=self.name, ZipFile=zip_function(self.code))
        self.client.update_function_configuration(FunctionName=self.name, Runtime=self.runtime)
        runtime = self.client.get_function_configuration(FunctionName=self.name)["Runtime"]
        if asked == ANSWER:
            return self._answer()
        stage = runtime_stage(runtime, today=TODAY)
        if asked == STAGE:
            return stage.stage
        ends = tables.runtimes().loc[runtime, "deprecated"]
        days = (ends.date() - TODAY).days if ends == ends else 0
        return "two years or more" if days >= LONG_DAYS else "less than two years" if days > 0 else "none"

    def _answer(self) -> Any:
        answer = self.client.invoke(FunctionName=self.name, Payload=json.dumps({"picture": "noon"}))
        told = json.loads(answer["Payload"].read())
        if "FunctionError" in answer:
            raise TrialFailed(f"{told.get('errorType', 'Error')}: {told.get('errorMessage', '')}"[:300])
        return told


def moved(runtime: Any, code: Any, name: str, client: Any) -> Any:
    """Return what moves a function to a runtime and tells how it fares there.

    Parameters
    ----------
    runtime : str
        AWS's name of it. Dots, here or as the code, stay dots: not answered yet.
    code : str
        The text of the function's module.
    name : of the function
    client : boto3's client of Lambda
    """
    return _Moved(runtime, code, name, client) if isinstance(runtime, str) and isinstance(code, str) else ...


def ship_old(client: Any, name: str, code: str, role: str, runtime: str) -> str:
    """Create a function on a runtime, or bring it back to it, invoke it, and return what it answers.

    Parameters
    ----------
    client : boto3's client of Lambda
    name, code, role, runtime : of the function
    """
    package = zip_function(code)
    try:
        client.create_function(
            FunctionName=name,
            Runtime=runtime,
            Handler="lambda_function.handler",
            Role=role,
            Code={"ZipFile": package},
            Timeout=20,
        )
    except client.exceptions.ResourceConflictException:  # the cell was run again
        client.update_function_code(FunctionName=name, ZipFile=package)
        client.update_function_configuration(FunctionName=name, Runtime=runtime)
    answer = client.invoke(FunctionName=name, Payload=json.dumps({"picture": "noon"}))
    told = json.loads(answer["Payload"].read())
    if "FunctionError" not in answer:
        return str(told)
    return f"{told['errorType']}: {told['errorMessage'].partition(' (')[0]}"  # a path of this machine follows


def subject_of(client: Any, queue: str) -> str:
    """Return the subject of the message that a topic has put into a queue, the newest, and take all out of it.

    Parameters
    ----------
    client : boto3's client of SQS
    queue : its URL
    """
    subject = "nothing"
    while messages := client.receive_message(QueueUrl=queue, MaxNumberOfMessages=10).get("Messages"):
        for one in messages:
            subject = json.loads(one["Body"])["Subject"]
            client.delete_message(QueueUrl=queue, ReceiptHandle=one["ReceiptHandle"])
    return subject
