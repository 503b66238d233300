"""Lambda's operations on event-source mappings, as AWS answers them, and the pollers behind them.

With the other files called ``moto_*``, one of the few places that touch moto's internals. moto keeps the mappings'
descriptions; what Lambda checks, and that somebody polls, is added here.
"""

from __future__ import annotations

import contextlib
import functools
import json
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

from moto.awslambda.exceptions import UnknownAliasException, UnknownFunctionException
from moto.awslambda.models import EventSourceMapping, LambdaBackend, LambdaFunction, lambda_backends
from moto.iam.models import iam_backends

from helpers.cloud.events import moto_queues, moto_streams, records
from helpers.cloud.events.asynchronous import deliver
from helpers.cloud.events.mappings import QUEUES, STREAM_DEFAULTS, Settings, check, kind_of, settings
from helpers.cloud.events.moto_common import replace_methods
from helpers.cloud.events.permissions import grants
from helpers.cloud.events.pollers import Host, Poller, Pollers
from helpers.cloud.events.queue_poller import QueuePoller
from helpers.cloud.events.stream_poller import StreamPoller
from helpers.cloud.moto_bridge import RECURSION_MAX
from helpers.cloud.moto_functions import AwsError, concurrency, resolve, unqualified

if TYPE_CHECKING:
    from helpers.cloud.engine import Engine

NUMBERS = (
    "BatchSize",
    "MaximumBatchingWindowInSeconds",
    "MaximumRetryAttempts",
    "MaximumRecordAgeInSeconds",
    "ParallelizationFactor",
    "TumblingWindowInSeconds",
)
NEEDED = {
    "sqs": ("ReceiveMessage", "DeleteMessage", "GetQueueAttributes"),
    "kinesis": ("GetRecords", "GetShardIterator", "DescribeStream", "ListShards"),
    "dynamodb": ("GetRecords", "GetShardIterator", "DescribeStream", "ListStreams"),
}
NO_QUEUE = (
    "Error occurred while ReceiveMessage. SQS Error Code: AWS.SimpleQueueService.NonExistentQueue. SQS Error Message: "
    "The specified queue does not exist."
)


def install(engine: Engine, undo: contextlib.ExitStack) -> Pollers:
    """Put pollers behind the mappings of a session.

    Parameters
    ----------
    engine : its bridge, service, timer, clock, quiet, problems and flows are there already
    undo : gets what gives moto its methods back
    """
    host = Host(
        invoke=engine.bridge.poll,
        paused=paused,
        attempt=engine.service.attempt,
        background=engine.service.background,
        deliver=functools.partial(tell, engine.client),
        record=engine.problems.record,
        timer=engine.timer,
        clock=engine.clock,
        quiet=engine.quiet,
        flows=engine.flows,
        depth_max=RECURSION_MAX,
    )
    pollers = Pollers(host)
    undo.callback(pollers.stop)
    Mappings(pollers).install(undo)
    moto_queues.install(pollers, undo)
    moto_streams.install(pollers, undo)
    return pollers


class Mappings:
    """The operations.

    Parameters
    ----------
    pollers : do the work
    """

    def __init__(self, pollers: Pollers) -> None:
        self.pollers = pollers

    def install(self, undo: contextlib.ExitStack) -> None:
        """Take the place of moto's."""
        mine = self
        described = EventSourceMapping.get_configuration
        change, remove = LambdaBackend.update_event_source_mapping, LambdaBackend.delete_event_source_mapping
        reserve, release = LambdaBackend.put_function_concurrency, LambdaBackend.delete_function_concurrency

        def get_configuration(esm: EventSourceMapping) -> dict[str, Any]:
            return mine.described(esm, described(esm))

        def create(backend: LambdaBackend, spec: dict[str, Any]) -> EventSourceMapping:
            return mine.create(backend, spec)

        def update(backend: LambdaBackend, uuid: str, spec: dict[str, Any]) -> EventSourceMapping:
            esm = known(backend, uuid)
            mine.update(backend, esm, spec)
            change(backend, uuid, {key: spec[key] for key in spec if key != "FunctionName"})
            esm.local_state = "Updating"
            return esm

        def delete(backend: LambdaBackend, uuid: str) -> EventSourceMapping:
            known(backend, uuid)
            mine.pollers.remove(uuid)
            return remove(backend, uuid)

        def listed(backend: LambdaBackend, arn: str | None, function: str | None) -> Iterable[EventSourceMapping]:
            found = list(backend._event_source_mappings.values())
            wanted = (function or "").rpartition(":function:")[2]
            return [
                esm
                for esm in found
                if arn in (None, esm.event_source_arn)
                and (not wanted or esm.function_arn.rpartition(":function:")[2] == wanted)
            ]

        def put_function_concurrency(backend: LambdaBackend, *arguments: Any, **named: Any) -> Any:
            answer = reserve(backend, *arguments, **named)
            mine.pollers.wake_all()
            return answer

        def delete_function_concurrency(backend: LambdaBackend, *arguments: Any, **named: Any) -> Any:
            answer = release(backend, *arguments, **named)
            mine.pollers.wake_all()
            return answer

        replace_methods(EventSourceMapping, {"get_configuration": get_configuration}, undo)
        methods = {
            "create_event_source_mapping": create,
            "update_event_source_mapping": update,
            "delete_event_source_mapping": delete,
            "list_event_source_mappings": listed,
            "put_function_concurrency": put_function_concurrency,
            "delete_function_concurrency": delete_function_concurrency,
        }
        replace_methods(LambdaBackend, methods, undo)

    def create(self, backend: LambdaBackend, spec: dict[str, Any]) -> EventSourceMapping:
        """Make a mapping, and begin to poll."""
        for name in ("FunctionName", "EventSourceArn"):
            if not spec.get(name):
                raise _invalid(f"{name} is missing")
        spec = _numbers(spec)
        fn, arn = self._checked(backend, spec)
        for esm in backend._event_source_mappings.values():
            if (esm.event_source_arn, esm.function_arn) == (spec["EventSourceArn"], arn):
                raise _conflict(esm)
        place = {"RegionName": backend.region_name, "AccountId": backend.account_id, "FunctionArn": arn}
        esm = EventSourceMapping({**spec, **place})
        esm.local_spec, esm.local_state = spec, "Creating"
        backend._event_source_mappings[esm.uuid] = esm
        poller = self._poller(settings(spec, uuid=esm.uuid, function=arn), unqualified(fn))
        self.pollers.add(poller, on=spec.get("Enabled") is not False)
        return esm

    def update(self, backend: LambdaBackend, esm: EventSourceMapping, changes: Mapping[str, Any]) -> None:
        """Change a mapping's settings."""
        before = getattr(esm, "local_spec", {})
        spec = _numbers({**before, **changes, "EventSourceArn": esm.event_source_arn})
        spec.setdefault("FunctionName", esm.function_arn)
        _, arn = self._checked(backend, spec)
        esm.local_spec, esm.function_arn, esm.function_name = spec, arn, spec["FunctionName"]
        new = settings(spec, uuid=esm.uuid, function=arn)
        self.pollers.update(esm.uuid, new, on=changes.get("Enabled"))

    def described(self, esm: EventSourceMapping, found: dict[str, Any]) -> dict[str, Any]:
        """Return a mapping's description: moto's, with what is so by default, and the state that it is in."""
        poller = self.pollers.get(esm.uuid)
        defaults: dict[str, Any] = {"MaximumBatchingWindowInSeconds": 0, "FunctionResponseTypes": []}
        if kind_of(esm.event_source_arn) in QUEUES:
            found.pop("StartingPosition", None)
        else:
            defaults |= STREAM_DEFAULTS
        if poller is not None:
            state = "Enabled" if poller.enabled else "Disabled"
            found |= {"State": state, "StateTransitionReason": poller.reason, "LastProcessingResult": poller.result}
        state = vars(esm).pop("local_state", None)  # said once, in the answer to the operation
        return {**defaults, **found, **({"State": state} if state else {})}

    def _poller(self, wanted: Settings, function: str) -> Poller:
        host = self.pollers.host
        if wanted.kind in QUEUES:
            queue = moto_queues.PolledQueue(wanted.source, host.clock, host.flows, host.record, self.pollers.wake)
            return QueuePoller(wanted, queue, host)
        if wanted.kind == "kinesis":
            stream: Any = moto_streams.PolledStream(wanted, lambda: role_of(function))
        else:
            stream = moto_streams.PolledTable(wanted)
        poller = StreamPoller(wanted, stream, host)
        stream.begun()
        return poller

    def _checked(self, backend: LambdaBackend, spec: Mapping[str, Any]) -> tuple[LambdaFunction, str]:
        """Return the function of a mapping that Lambda would let pass, and the ARN by which it is meant."""
        try:
            check(spec)
        except ValueError as error:
            raise _invalid(str(error)) from None
        used, fn = resolve(backend, spec["FunctionName"], None)
        source, kind = spec["EventSourceArn"], kind_of(spec["EventSourceArn"])
        found = {"kinesis": moto_streams.find_stream, "dynamodb": moto_streams.find_shard}.get(kind, moto_queues.find)
        there = found(source)
        if there is None:
            raise _invalid(NO_QUEUE if kind in QUEUES else f"Stream not found: {source}")
        if kind in QUEUES and there.visibility_timeout < int(fn.timeout):
            timeouts = f"{there.visibility_timeout} seconds is less than Function timeout: {fn.timeout} seconds"
            raise _invalid(f"Queue visibility timeout: {timeouts}")
        _check_role(fn, source, kind)
        return fn, f"{unqualified(fn)}:{used}" if used else unqualified(fn)


def known(backend: LambdaBackend, uuid: str) -> EventSourceMapping:
    """Return a mapping that is there."""
    esm = backend._event_source_mappings.get(uuid)
    if esm is None:
        message = "The resource you requested does not exist."
        raise AwsError(404, "ResourceNotFoundException", {"Message": message, "Type": "User"})
    return esm


def paused(function: str) -> bool:
    """Say whether a function may not run at all."""
    fn = _function(function)
    return fn is not None and concurrency(fn)[0] == 0


def role_of(function: str) -> str:
    """Return a function's role, as far as there is one."""
    fn = _function(function)
    return fn.role if fn is not None else ""


def _function(arn: str) -> LambdaFunction | None:
    _, _, _, region, account, _ = arn.split(":", 5)
    try:
        return resolve(lambda_backends[account][region], arn, None)[1]
    except (UnknownFunctionException, UnknownAliasException):
        return None


def tell(client: Callable[..., Any], destination: str, record: dict[str, Any], event: str, mapping: str) -> None:
    """Tell a queue, a topic or a bucket of records that were given up."""
    if destination.split(":")[2] != "s3":
        deliver(client, destination, json.dumps(record), {})
        return
    when = datetime.fromisoformat(record["timestamp"])
    key, content = records.discarded_object(record, event, mapping=mapping, when=when)
    client("s3").put_object(Bucket=destination.split(":")[5], Key=key, Body=content.encode())


def _check_role(fn: LambdaFunction, source: str, kind: str) -> None:
    """Refuse a function whose role may not read the source. A role that isn't there can't be asked."""
    role = next((one for one in iam_backends[fn.account_id]["aws"].get_roles() if one.arn == fn.role), None)
    if role is None:
        return
    documents = [*role.policies.values(), *(one.document for one in role.managed_policies.values())]
    statements = []
    for document in documents:
        found = json.loads(document) if isinstance(document, str) else document
        listed = found.get("Statement", [])
        statements += listed if isinstance(listed, list) else [listed]
    service = "sqs" if kind in QUEUES else kind
    for action in NEEDED[service]:
        if not grants(statements, action=f"{service}:{action}", resource=source):
            if service == "sqs":
                raise _invalid(f"The provided execution role does not have permissions to call {action} on SQS")
            *most, last = NEEDED[service]
            raise _invalid(
                f"Cannot access stream {source}. Please ensure the role can perform the {', '.join(most)}, and {last} "
                "Actions on your stream in IAM."
            )


def _numbers(spec: Mapping[str, Any]) -> dict[str, Any]:
    """Return parameters with numbers where CloudFormation may have text."""
    return {key: int(value) if key in NUMBERS and value is not None else value for key, value in spec.items()}


def _invalid(message: str) -> AwsError:
    return AwsError(400, "InvalidParameterValueException", {"Type": "User", "message": message})


def _conflict(esm: EventSourceMapping) -> AwsError:
    message = (
        f'The event source arn (" {esm.event_source_arn} ") and function (" {esm.function_arn} ") provided mapping '
        f"already exists. Please update or delete the existing mapping with UUID {esm.uuid}"
    )
    return AwsError(409, "ResourceConflictException", {"Type": "User", "Message": message})
