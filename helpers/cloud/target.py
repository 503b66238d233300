"""Which cloud a notebook's boto3 talks to: this machine's, one that is already named, or the learner's own account.

:func:`start_cloud` decides by two environment variables. ``WORKSHOP_TARGET=aws`` asks for a real account;
``AWS_ENDPOINT_URL`` names another local one (a moto server for the class, LocalStack). Without them there is a
:class:`~helpers.cloud.session.LocalCloud`. What only this machine can tell (its processes, its clock) is refused
elsewhere in one sentence.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, NoReturn

import boto3
import botocore.session
from botocore.exceptions import BotoCoreError, ClientError

TAG_KEY, TAG_VALUE = "course", "from-racks-to-functions"
TARGETS = ("local", "aws")
ROLE_PATIENCE, ROLE_DELAY_S = 15, 2.0
# What one run of a notebook may cost in an account, at most: a few hundred short invocations, far inside the free tier.
ESTIMATE = "less than 0.01 USD a notebook, and 0 USD where the account's free tier isn't used up"


class OnlyOnThisMachine(RuntimeError):
    """A cell asked for what only the local cloud has; shown as one sentence, without a traceback."""

    def _render_traceback_(self) -> list[str]:
        return [str(self)]


def start_cloud(*, ask: Callable[[str], str] = input, say: Callable[[str], None] = print, **settings: Any) -> Any:
    """Start or join the cloud that the notebook's cells run on.

    Parameters
    ----------
    ask, say : how to speak with the learner before anything is created in a real account
    settings : for a local cloud; see :class:`~helpers.cloud.session.LocalCloud`

    Returns
    -------
    LocalCloud, or what stands for it elsewhere
        with the same methods; those that need this machine raise :class:`OnlyOnThisMachine` there

    Raises
    ------
    ValueError
        when ``WORKSHOP_TARGET`` is neither local nor aws
    OnlyOnThisMachine
        when the learner declines, or no credentials are found
    """
    target = os.environ.get("WORKSHOP_TARGET", "local").strip().lower() or "local"
    if target not in TARGETS:
        raise ValueError(f"WORKSHOP_TARGET must be local or aws, got {target!r}")
    if target == "aws":
        return RealAccount.open(ask=ask, say=say)
    from helpers.cloud.session import LocalCloud

    if (running := LocalCloud.current()) is not None:
        return running  # the cell was run again
    endpoint = os.environ.get("AWS_ENDPOINT_URL")
    if endpoint:
        say(f"These cells run on {endpoint}, which AWS_ENDPOINT_URL names.")
        return Elsewhere(endpoint)
    return LocalCloud.start(**settings)


class Elsewhere:
    """A cloud that somebody else runs: boto3 works, what lies behind it can't be seen.

    Parameters
    ----------
    where : its address, for the sentences
    """

    def __init__(self, where: str) -> None:
        self.where = where

    def stop(self) -> None:
        """Leave it as it is."""

    def __enter__(self) -> Elsewhere:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def browser_url(self, url: str) -> str:
        """Return the URL: what somebody else runs has an address of its own."""
        return url

    def __getattr__(self, name: str) -> Any:
        if name == "clock":
            return _ClockElsewhere(self)
        if name in ("rest_api_url", "load_balancer_url"):
            return self._refused(name)
        if name not in ("invocations", "environments", "problems", "flows", "recycle", "redeliver", "settle"):
            raise AttributeError(name)
        return self._refused(name)

    def _refused(self, name: str) -> Callable[..., NoReturn]:
        def refuse(*_: object, **__: object) -> NoReturn:
            raise OnlyOnThisMachine(f"{name}() looks into this machine's own cloud; on {self.where} there is none.")

        return refuse


class _ClockElsewhere:
    """A clock that nobody can put forward: whatever is asked of it is refused."""

    def __init__(self, cloud: Elsewhere) -> None:
        self._cloud = cloud

    def __getattr__(self, name: str) -> Callable[..., NoReturn]:
        if name.startswith("_"):
            raise AttributeError(name)
        return self._cloud._refused(f"clock.{name}")


@dataclass
class RealAccount(Elsewhere):
    """The learner's own account: what the notebook creates is tagged, and removed by :meth:`stop`."""

    account: str
    region: str
    say: Callable[[str], None]
    created: list[tuple[str, str, dict[str, Any]]] = field(default_factory=list)

    @classmethod
    def open(cls, *, ask: Callable[[str], str], say: Callable[[str], None]) -> RealAccount:
        """Show account, Region and costs, ask, and from then on tag and remember what is created."""
        session = boto3.session.Session()
        region = session.region_name
        if region is None:
            raise OnlyOnThisMachine("No Region is configured: set AWS_REGION, then start again.")
        try:
            identity = session.client("sts").get_caller_identity()
        except (BotoCoreError, ClientError) as error:
            raise OnlyOnThisMachine(f"No usable credentials of an AWS account were found: {error}") from None
        say(f"Account {identity['Account']}, as {identity['Arn']}, Region {region}.")
        say(f"Cost: {ESTIMATE}. What is created gets the tag {TAG_KEY}={TAG_VALUE}; cloud.stop() removes it.")
        if ask("Type yes to go on: ").strip().lower() != "yes":
            raise OnlyOnThisMachine("Nothing was created. Unset WORKSHOP_TARGET to run on this machine.")
        cloud = cls(account=identity["Account"], region=region, say=say)
        cloud._listen()
        return cloud

    def rest_api_url(self, rest_api_id: str, stage: str = "prod") -> str:
        """Return AWS's URL of a REST API's stage."""
        return f"https://{rest_api_id}.execute-api.{self.region}.amazonaws.com/{stage}"

    def load_balancer_url(self, arn: str, port: int | None = None) -> str:
        """Return AWS's URL of a load balancer."""
        client = boto3.client("elbv2", region_name=self.region)
        name = client.describe_load_balancers(LoadBalancerArns=[arn])["LoadBalancers"][0]["DNSName"]
        return f"http://{name}" if port is None else f"http://{name}:{port}"

    @property
    def where(self) -> str:  # type: ignore[override]
        """Name the account, for the sentences."""
        return f"AWS account {self.account}"

    def stop(self) -> None:
        """Remove what was created, the last first; say what had to stay."""
        if self._session is None:
            return
        boto3.DEFAULT_SESSION, self._session = self._before, None
        while self.created:
            service, operation, given = self.created.pop()
            try:
                REMOVALS[service, operation](boto3.client(service, region_name=self.region), given)
                self.say(f"Removed: {operation} {_named(given)}")
            except (BotoCoreError, ClientError) as error:
                self.say(f"Still there, please remove it: {operation} {_named(given)} ({error})")

    def _listen(self) -> None:
        """Hear of every call of boto3's default session."""
        core = botocore.session.get_session()
        core.register("provide-client-params.*.*", self._tag)
        core.register("after-call.*.*", self._remember)
        core.register("needs-retry.lambda.CreateFunction", self._wait_for_role)
        core.register("needs-retry.lambda.Invoke", self._wait_until_active)
        self._before, self._session = boto3.DEFAULT_SESSION, boto3.session.Session(botocore_session=core)
        boto3.DEFAULT_SESSION = self._session

    def _tag(self, params: dict[str, Any], model: Any, **_: Any) -> dict[str, Any] | None:
        key = (model.service_model.service_name, model.name)
        self._given = (key, params)
        if key not in REMOVALS or key not in TAGGING:
            return None
        return TAGGING[key](dict(params))

    def _remember(self, model: Any, http_response: Any, **_: Any) -> None:
        key, params = getattr(self, "_given", (None, {}))
        if key != (model.service_model.service_name, model.name) or http_response.status_code >= 300:
            return
        if key in REMOVALS:
            self.created.append((*key, dict(params)))
        elif model.name.startswith("Create"):
            self.say(f"{model.name} isn't among what cloud.stop() removes: please remove it yourself.")

    @staticmethod
    def _wait_for_role(response: Any, attempts: int, **_: Any) -> float | None:
        """Wait while a new role isn't known everywhere: Lambda may not assume it for some seconds."""
        text = "" if response is None else str(response[1].get("Error", {}).get("Message", ""))
        return ROLE_DELAY_S if "cannot be assumed" in text and attempts <= ROLE_PATIENCE else None

    @staticmethod
    def _wait_until_active(response: Any, attempts: int, **_: Any) -> float | None:
        """Wait while a new function is Pending."""
        text = "" if response is None else str(response[1].get("Error", {}).get("Code", ""))
        return ROLE_DELAY_S if text == "ResourceConflictException" and attempts <= ROLE_PATIENCE else None


def _named(given: dict[str, Any]) -> str:
    return next((str(given[key]) for key in NAMES if key in given), "")


NAMES = (
    *("FunctionName", "RoleName", "Bucket", "QueueName", "Name", "TableName", "LayerName", "AlarmName"),
    "logGroupName",
    "StreamName",
)


def _pairs(params: dict[str, Any]) -> dict[str, Any]:
    return {**params, "Tags": [*params.get("Tags", []), {"Key": TAG_KEY, "Value": TAG_VALUE}]}


def _mapping(name: str) -> Callable[[dict[str, Any]], dict[str, Any]]:
    return lambda params: {**params, name: {**params.get(name, {}), TAG_KEY: TAG_VALUE}}


def _remove_role(iam: Any, given: dict[str, Any]) -> None:
    name = given["RoleName"]
    for policy in iam.list_attached_role_policies(RoleName=name)["AttachedPolicies"]:
        iam.detach_role_policy(RoleName=name, PolicyArn=policy["PolicyArn"])
    for policy in iam.list_role_policies(RoleName=name)["PolicyNames"]:
        iam.delete_role_policy(RoleName=name, PolicyName=policy)
    iam.delete_role(RoleName=name)


def _remove_bucket(s3: Any, given: dict[str, Any]) -> None:
    for page in s3.get_paginator("list_objects_v2").paginate(Bucket=given["Bucket"]):
        for item in page.get("Contents", []):
            s3.delete_object(Bucket=given["Bucket"], Key=item["Key"])
    s3.delete_bucket(Bucket=given["Bucket"])


def _remove_function(client: Any, given: dict[str, Any]) -> None:
    client.delete_function(FunctionName=given["FunctionName"])
    # Lambda made the log group on the first invocation, and leaves it.
    _remove_log_group(boto3.client("logs", region_name=client.meta.region_name), f"/aws/lambda/{given['FunctionName']}")


def _remove_log_group(logs: Any, name: str) -> None:
    try:
        logs.delete_log_group(logGroupName=name)
    except logs.exceptions.ResourceNotFoundException:
        return


def _remove_mapping(client: Any, given: dict[str, Any]) -> None:
    asked = {"EventSourceArn": given["EventSourceArn"], "FunctionName": given["FunctionName"]}
    for one in client.list_event_source_mappings(**asked)["EventSourceMappings"]:
        client.delete_event_source_mapping(UUID=one["UUID"])


REMOVALS: dict[tuple[str, str], Callable[[Any, dict[str, Any]], None]] = {
    ("lambda", "CreateFunction"): _remove_function,
    ("lambda", "CreateEventSourceMapping"): _remove_mapping,
    ("iam", "CreateRole"): _remove_role,
    ("s3", "CreateBucket"): _remove_bucket,
    ("sqs", "CreateQueue"): lambda sqs, given: sqs.delete_queue(
        QueueUrl=sqs.get_queue_url(QueueName=given["QueueName"])["QueueUrl"]
    ),
    ("sns", "CreateTopic"): lambda sns, given: sns.delete_topic(
        TopicArn=sns.create_topic(Name=given["Name"])["TopicArn"]
    ),
    ("kinesis", "CreateStream"): lambda kinesis, given: kinesis.delete_stream(StreamName=given["StreamName"]),
    ("dynamodb", "CreateTable"): lambda table, given: table.delete_table(TableName=given["TableName"]),
    ("cloudwatch", "PutMetricAlarm"): lambda watch, given: watch.delete_alarms(AlarmNames=[given["AlarmName"]]),
    ("logs", "CreateLogGroup"): lambda logs, given: _remove_log_group(logs, given["logGroupName"]),
}
TAGGING: dict[tuple[str, str], Callable[[dict[str, Any]], dict[str, Any]]] = {
    ("lambda", "CreateFunction"): _mapping("Tags"),
    ("iam", "CreateRole"): _pairs,
    ("sqs", "CreateQueue"): _mapping("tags"),
    ("sns", "CreateTopic"): _pairs,
    ("dynamodb", "CreateTable"): _pairs,
    ("cloudwatch", "PutMetricAlarm"): _pairs,
    ("logs", "CreateLogGroup"): _mapping("tags"),
}
