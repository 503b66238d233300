"""Step Functions: moto's interpreter of state machines, at home in this cloud.

With the files of :mod:`helpers.cloud` that are called ``moto_*``, one of the few places that touch moto's internals.
moto parses and runs the Amazon States Language. By default it leaves that out, and in server mode its tasks look for a
server at a fixed port, with keys that this cloud does not know. Here tasks reach the session's own endpoint; waits and
the delays of retries pass :data:`~helpers.cloud.events.asynchronous.SPEED` times as fast, or when the clock is put
forward; ``cloud.settle()`` waits for executions; and they end with the cloud.

Time limits of tasks are not sped up: what they limit is code that runs.
"""

from __future__ import annotations

import contextlib
import json
import logging
import threading
import time
import uuid
from collections.abc import Callable
from contextvars import ContextVar
from datetime import UTC
from types import SimpleNamespace
from typing import Any

from botocore.exceptions import ClientError
from moto.core.config import default_user_config
from moto.core.exceptions import AWSError
from moto.stepfunctions.parser import api
from moto.stepfunctions.parser.api import ExecutionStatus, HistoryEventType, LambdaFunctionFailedEventDetails
from moto.stepfunctions.parser.asl.component.common.error_name.custom_error_name import CustomErrorName
from moto.stepfunctions.parser.asl.component.common.error_name.failure_event import FailureEvent, FailureEventException
from moto.stepfunctions.parser.asl.component.common.retry import retrier_decl
from moto.stepfunctions.parser.asl.component.state.exec.state_task.lambda_eval_utils import LambdaFunctionErrorException
from moto.stepfunctions.parser.asl.component.state.exec.state_task.service.state_task_service_callback import (
    StateTaskServiceCallback,
)
from moto.stepfunctions.parser.asl.component.state.exec.state_task.service.state_task_service_lambda import (
    StateTaskServiceLambda,
)
from moto.stepfunctions.parser.asl.component.state.exec.state_task.state_task_lambda import StateTaskLambda
from moto.stepfunctions.parser.asl.component.state.wait.wait_function.timestamp import Timestamp
from moto.stepfunctions.parser.asl.component.state.wait.wait_function.wait_function import WaitFunction
from moto.stepfunctions.parser.asl.eval.callback.callback import CallbackEndpoint, HeartbeatEndpoint
from moto.stepfunctions.parser.asl.eval.environment import Environment
from moto.stepfunctions.parser.asl.eval.event.event_detail import EventDetails
from moto.stepfunctions.parser.asl.eval.program_state import ProgramStopped, ProgramTimedOut
from moto.stepfunctions.parser.asl.jsonata import jsonata
from moto.stepfunctions.parser.asl.utils import boto_client
from moto.stepfunctions.parser.backend.execution_worker import ExecutionWorker
from moto.stepfunctions.parser.models import StepFunctionsParserBackend
from moto.stepfunctions.parser.utils import TMP_THREADS

from helpers.cloud.clock import Clock
from helpers.cloud.events.asynchronous import SPEED
from helpers.cloud.events.moto_common import replace_methods
from helpers.cloud.pauses import Pauses
from helpers.cloud.quiet import Quiet

PATIENCE_S = 5.0  # for threads whose work has been cut off
UNKNOWN = "Lambda.Unknown"  # of a function that ended without saying why

# On whose behalf a retry's delay passes.
delayed: ContextVar[Environment | None] = ContextVar("delayed", default=None)


class Flows:
    """The executions of one session.

    Parameters
    ----------
    client : a client of boto3 for a service in a Region, with the session's endpoint and keys
    clock, quiet : the cloud's
    record : takes note of executions that fail: source, target, cause
    """

    def __init__(
        self, client: Callable[..., Any], clock: Clock, quiet: Quiet, record: Callable[[str, str, str], None]
    ) -> None:
        self._client, self._clock, self._quiet, self._record = client, clock, quiet, record
        self._clients: dict[tuple[str, str], Any] = {}
        self.pauses = Pauses(clock)
        self._lock = threading.Lock()
        self._running: dict[str, ExecutionWorker] = {}
        self._on_token: dict[CallbackEndpoint, str] = {}  # who waits for an answer from outside, and its execution

    def waiting(self) -> int:
        """Return how many executions are under way, without those that wait for a task token to come back."""
        with self._lock:
            return len(set(self._running) - set(self._on_token.values()))

    def client(self, *, service_name: str, region_name: str, config: Any = None, **_: Any) -> Any:
        """Return a client for a task, whatever keys and endpoint moto asks for."""
        key = service_name, region_name
        if key not in self._clients:
            self._clients[key] = self._client(service_name, region_name=region_name, config=config)
        return self._clients[key]

    # An execution's life.

    def start(self, worker: ExecutionWorker) -> None:
        """Run an execution in the background."""
        arn = worker._evaluation_details.execution_details.arn
        with self._lock:
            self._running[arn] = worker
        self._quiet.changed()
        thread = threading.Thread(target=self._run, args=(arn, worker), name="local-cloud-flow", daemon=True)
        TMP_THREADS.append(thread)
        thread.start()

    def _run(self, arn: str, worker: ExecutionWorker) -> None:
        try:
            worker._execution_logic()
            execution = worker._execution_communication.execution
            state = worker.env.program_state()
            if isinstance(state, ProgramStopped):
                execution.error, execution.cause = state.error or None, state.cause or None
            if isinstance(execution.output, str):  # moto answers with the text itself, where AWS answers in JSON
                execution.output = json.dumps(execution.output)
            if execution.exec_status in (ExecutionStatus.FAILED, ExecutionStatus.TIMED_OUT):
                cause = ": ".join(filter(None, (execution.error or str(execution.exec_status), execution.cause)))
                self._record(f"state machine {execution.state_machine.name}", arn, cause)
        except Exception as error:  # moto's interpreter gave up
            self._record("Step Functions", arn, f"{type(error).__name__}: {error}")
        finally:
            with self._lock:
                self._running.pop(arn, None)
            self._quiet.changed()
            for thread in list(TMP_THREADS):
                if thread.ident is not None and not thread.is_alive():
                    with contextlib.suppress(ValueError):
                        TMP_THREADS.remove(thread)

    def close(self) -> None:
        """Stop all executions; their threads end soon, at the latest when the server does."""
        with self._lock:
            running = list(self._running.values())
        for worker in running:
            if worker.env is not None:
                worker.env.set_stop(stop_date=self._clock.now(), cause="The local cloud was stopped.", error=None)
        self.pauses.close()

    @staticmethod
    def join() -> None:
        """Wait for the threads of executions."""
        until_s = time.monotonic() + PATIENCE_S
        while TMP_THREADS:
            thread = TMP_THREADS.pop()
            if thread.ident is not None and thread is not threading.current_thread():
                thread.join(max(0.0, until_s - time.monotonic()))

    # What takes the place of moto's.

    def methods(self) -> dict[type, dict[str, Any]]:
        """Return the methods by class."""
        return {
            StepFunctionsParserBackend: {"start_execution": _named(StepFunctionsParserBackend.start_execution)},
            ExecutionWorker: {"start": lambda worker: self.start(worker)},
            WaitFunction: {
                "_wait_interval": lambda _, env, wait_seconds: self.pauses.wait(
                    wait_seconds, env.is_running, speed=SPEED
                )
            },
            Timestamp: {"_get_wait_seconds": self._until()},
            retrier_decl.RetrierDecl: {"_eval_body": self._retry()},
            StateTaskLambda: {"_from_error": _lambda_error(StateTaskLambda._from_error)},
            StateTaskServiceLambda: {"_from_error": _service_error(StateTaskServiceLambda._from_error)},
            Environment: self._ends(),
            **self._tokens(),
        }

    def _until(self) -> Any:
        clock = self._clock

        def _get_wait_seconds(wait: Timestamp, env: Environment) -> float:
            wait.string.eval(env=env)
            text = env.stack.pop()
            when = wait._from_timestamp_string(timestamp=text)
            if when is None:
                raise FailureEventException(wait._create_failure_event(env, text))
            return (when.replace(tzinfo=UTC) - clock.now()).total_seconds()  # moto takes UTC for local time

        return _get_wait_seconds

    def _retry(self) -> Any:
        first = retrier_decl.RetrierDecl._eval_body

        def _eval_body(retrier: Any, env: Environment) -> None:
            before = delayed.set(env)
            try:
                first(retrier, env)
            finally:
                delayed.reset(before)

        return _eval_body

    def sleep(self, seconds: float) -> None:
        """Let a retry's delay pass."""
        env = delayed.get()
        self.pauses.wait(seconds, env.is_running if env else lambda: True, speed=SPEED)

    def _ends(self) -> dict[str, Any]:
        """Return methods of an execution's environment that wake what waits in it."""
        pauses = self.pauses

        def ending(name: str) -> Any:
            first = getattr(Environment, name)

            def end(env: Environment, *arguments: Any, **named: Any) -> None:
                stopped = isinstance(env._program_state, (ProgramStopped, ProgramTimedOut))
                if not (stopped and name == "set_error"):  # what is cut off fails, and the execution was stopped
                    first(env, *arguments, **named)
                if name in ("set_stop", "set_timed_out") and not env.is_frame():
                    for endpoint in list(env.callback_pool_manager._pool.values()):
                        endpoint.interrupt_all()
                pauses.poke()

            return end

        return {name: ending(name) for name in ("set_ended", "set_error", "set_timed_out", "set_stop")}

    def _tokens(self) -> dict[type, dict[str, Any]]:
        """Return methods of tasks that wait for their token: by the cloud's clock, and woken at once."""
        flows, pauses = self, self.pauses
        wait_for_token = StateTaskServiceCallback._eval_wait_for_task_token
        notify, interrupt_all = CallbackEndpoint.notify, CallbackEndpoint.interrupt_all
        beat = HeartbeatEndpoint.notify

        def _eval_wait_for_task_token(
            task: Any,
            env: Environment,
            timeout_seconds: int,
            callback_endpoint: CallbackEndpoint,
            heartbeat_endpoint: Any,
        ) -> Any:
            if callback_endpoint.get_outcome() is None:
                with flows._lock:
                    flows._on_token[callback_endpoint] = env.states.context_object.context_object_data["Execution"][
                        "Id"
                    ]
                flows._quiet.changed()
            try:
                return wait_for_token(task, env, timeout_seconds, callback_endpoint, heartbeat_endpoint)
            finally:
                flows._answered(callback_endpoint)

        def wait(endpoint: CallbackEndpoint, timeout: float | None = None) -> Any:
            pauses.wait(
                threading.TIMEOUT_MAX if timeout is None else timeout, lambda: not endpoint._notify_event.is_set()
            )
            return endpoint.get_outcome()

        def answered(endpoint: CallbackEndpoint, outcome: Any) -> None:
            with flows._lock:  # no longer waiting before the sender hears that the answer has arrived
                notify(endpoint, outcome)
                flows._on_token.pop(endpoint, None)
            flows._quiet.changed()
            pauses.poke()

        def interrupted(endpoint: CallbackEndpoint) -> None:
            interrupt_all(endpoint)
            pauses.poke()

        def clear_and_wait(endpoint: HeartbeatEndpoint) -> bool:
            beaten = endpoint._next_heartbeat_event
            pauses.wait(endpoint._heartbeat_seconds, lambda: not beaten.is_set())
            found = beaten.is_set()
            beaten.clear()
            return found

        def heard(endpoint: HeartbeatEndpoint) -> None:
            beat(endpoint)
            pauses.poke()

        return {
            StateTaskServiceCallback: {"_eval_wait_for_task_token": _eval_wait_for_task_token},
            CallbackEndpoint: {"wait": wait, "notify": answered, "interrupt_all": interrupted},
            HeartbeatEndpoint: {"clear_and_wait": clear_and_wait, "notify": heard},
        }

    def _answered(self, endpoint: CallbackEndpoint) -> None:
        with self._lock:
            self._on_token.pop(endpoint, None)
        self._quiet.changed()


def evaluate(expression: str) -> Any:
    """Evaluate JSONata: moto has left that to a virtual machine of Java, which it does not start."""
    from jsonata import Jsonata  # a module of grammar that only some state machines need

    try:
        return Jsonata(expression).evaluate(None)
    except Exception as error:
        raise jsonata.JSONataException("States.QueryEvaluationError", str(error)) from None


def _named(first: Any) -> Any:
    """Give an execution a name when its starter gave none: moto calls all of those None."""

    def start_execution(backend: Any, state_machine_arn: str, name: str | None = None, *rest: Any, **named: Any) -> Any:
        return first(backend, state_machine_arn, name or str(uuid.uuid4()), *rest, **named)

    return start_execution


def _lambda_error(first: Any) -> Any:
    """Name the errors of a task that is a function's ARN as Step Functions does: moto calls them Exception."""

    def _from_error(task: StateTaskLambda, env: Environment, ex: Exception) -> FailureEvent:
        failure = first(task, env, ex)
        if isinstance(ex, ClientError):
            error, cause = StateTaskServiceLambda._error_cause_from_client_error(ex)
        elif isinstance(ex, LambdaFunctionErrorException) and failure.error_name.error_name == "Exception":
            error, cause = UNKNOWN, ex.payload
        else:
            return failure
        return FailureEvent(
            env=env,
            error_name=CustomErrorName(error),
            event_type=HistoryEventType.LambdaFunctionFailed,
            event_details=EventDetails(
                lambdaFunctionFailedEventDetails=LambdaFunctionFailedEventDetails(error=error, cause=cause)
            ),
        )

    return _from_error


def _service_error(first: Any) -> Any:
    def _from_error(task: StateTaskServiceLambda, env: Environment, ex: Exception) -> FailureEvent:
        failure = first(task, env, ex)
        if isinstance(ex, LambdaFunctionErrorException) and failure.error_name.error_name == "Exception":
            failure.error_name = CustomErrorName(UNKNOWN)
            failure.event_details["taskFailedEventDetails"]["error"] = UNKNOWN
        return failure

    return _from_error


def install(
    client: Callable[..., Any],
    clock: Clock,
    quiet: Quiet,
    record: Callable[[str, str, str], None],
    afterwards: contextlib.ExitStack,
    undo: contextlib.ExitStack,
) -> None:
    """Have moto run state machines, until ``undo`` is closed.

    Parameters
    ----------
    client, clock, quiet, record : see :class:`Flows`
    afterwards : is closed when the server and all functions have ended
    """
    flows = Flows(client, clock, quiet, record)
    quiet.watch("executions", flows.waiting)
    for owner, methods in flows.methods().items():
        replace_methods(owner, methods, undo)
    for module, name, ours in (
        (boto_client, "boto3", SimpleNamespace(client=flows.client)),
        (retrier_decl, "time", SimpleNamespace(sleep=flows.sleep)),
        (jsonata, "_eval_jsonata", evaluate),
    ):
        undo.callback(setattr, module, name, getattr(module, name))
        setattr(module, name, ours)
    for error in vars(api).values():  # moto has their codes, and answers without one
        if isinstance(error, type) and issubclass(error, AWSError) and isinstance(vars(error).get("code"), str):
            replace_methods(error, {"TYPE": error.code}, undo)
    settings = default_user_config["stepfunctions"]
    undo.callback(settings.__setitem__, "execute_state_machine", settings["execute_state_machine"])
    settings["execute_state_machine"] = True
    quieten = logging.NullHandler()  # what the interpreter logs stands in the execution's history
    logging.getLogger("moto.stepfunctions").addHandler(quieten)
    afterwards.callback(logging.getLogger("moto.stepfunctions").removeHandler, quieten)
    undo.callback(flows.close)
    afterwards.callback(flows.join)
