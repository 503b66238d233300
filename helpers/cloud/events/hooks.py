"""Asking a function before somebody may come in: five seconds, three attempts, then an error.

Cognito's triggers are synchronous: whoever signs up or in waits for the function. The function that is too slow is not
stopped. It goes on, is billed, and may run three times for one sign-up.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Mapping
from typing import Any

from helpers import tables
from helpers.cloud.events import cognito
from helpers.cloud.events.cognito import Occasion
from helpers.cloud.events.http import Caller, Functions, Undelivered

PRINCIPAL = "cognito-idp.amazonaws.com"
LIMIT_S = float(tables.limit("cognito.trigger.timeout").max)
ATTEMPTS = int(tables.limit("cognito.trigger.attempts").max)
# What AWS's error says; a function that was deleted looks like one that may not be called.
CAUSES = {
    "slow": "Socket timeout while invoking Lambda function",
    "throttled": "TooManyRequestsException",
    "denied": "AccessDeniedException",
    "missing": "AccessDeniedException",
    "large": "RequestTooLargeException",
}
AGAIN = ("slow", "throttled")


class Hooks:
    """What asks the functions of user pools.

    Parameters
    ----------
    functions : the way to them
    record : takes note of what a client is told in a few words only: source, target, cause

    Attributes
    ----------
    limit_s : seconds for which each attempt is waited for: 5 on AWS, where nobody can change it; a lesson may
    """

    def __init__(self, functions: Functions, record: Callable[[str, str, str], None]) -> None:
        self._functions, self._record = functions, record
        self.limit_s = LIMIT_S

    def ask(
        self, arn: str, occasion: Occasion, trigger: str, reason: str, request: Mapping[str, Any]
    ) -> dict[str, Any]:
        """Run a trigger's function; return the response part of its answer.

        Parameters
        ----------
        arn : of the function
        occasion, trigger, reason, request : see :func:`helpers.cloud.events.cognito.event`

        Raises
        ------
        HookError
            when the function failed, gave no answer or one that can't be read
        """
        event = cognito.event(occasion, trigger, reason, request)
        name = trigger.removesuffix("V2")
        source = f"user pool {occasion.pool_id}"
        answer = None
        for attempt in range(1, ATTEMPTS + 1):
            try:
                answer = self._invoke(arn, event, occasion)
                break
            except Undelivered as undelivered:
                last = attempt == ATTEMPTS or undelivered.kind not in AGAIN
                told = f"attempt {attempt} of {ATTEMPTS}: " if undelivered.kind in AGAIN else ""
                self._record(source, arn, f"{event['triggerSource']}, {told}{undelivered.cause}")
                if last:
                    raise cognito.not_run(name, CAUSES.get(undelivered.kind, "ServiceException")) from None
        if answer.function_error is not None:
            raise cognito.failed(name, answer.payload)
        try:
            return cognito.response(trigger, answer.payload)
        except cognito.HookError:
            text = answer.payload.decode("utf-8", "replace")
            self._record(source, arn, f"{event['triggerSource']}: not the event with its response: {text[:200]}")
            raise

    def _invoke(self, arn: str, event: Mapping[str, Any], occasion: Occasion) -> Any:
        caller = Caller(PRINCIPAL, (occasion.pool_arn,))
        trace = f"Root=1-{int(time.time()):08x}-{secrets.token_hex(12)}"
        return self._functions.invoke(arn, event, caller=caller, limit_s=self.limit_s, trace=trace)
