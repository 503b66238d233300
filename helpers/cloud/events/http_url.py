"""Function URLs: the shortest way from a browser to a function, with payload format 2.0.

What it answers by itself: 403 where the URL wants a signature or the function's policy does not let everybody in, 413
for more than 6 MB, 429 when the function is throttled, 502 when it fails, 404 where there is no such URL.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Any, Protocol

from helpers import tables
from helpers.cloud.events.http import Caller, Door, Functions, Refused, Reply, Request, Undelivered
from helpers.cloud.events.http_cors import Cors
from helpers.cloud.events.http_payload import Malformed, event_v2, reply_v2

FORBIDDEN = {
    "Message": "Forbidden. For troubleshooting Function URL authorization issues, see: "
    "https://docs.aws.amazon.com/lambda/latest/dg/urls-auth.html"
}
TIMEOUT_MAX_S = float(tables.limit("lambda.timeout").max) + 60


class Config(Protocol):
    """What the door reads of a URL's configuration."""

    arn: str
    account: str
    host: str
    settings: dict[str, Any]


class UrlDoor(Door):
    """All function URLs of a session.

    Parameters
    ----------
    functions, record : see :class:`~helpers.cloud.events.http.Door`
    find : the configuration of a URL by its id
    """

    source = "function URL"
    max_bytes = int(tables.limit("lambda.payload.sync").max * 1024 * 1024)

    def __init__(
        self,
        functions: Functions,
        record: Callable[[str, str, str], None],
        find: Callable[[str], Config | None],
    ) -> None:
        super().__init__(functions, record)
        self._find = find

    def answer(self, name: str, request: Request) -> Reply:
        """Return what the client of one URL gets."""
        config = self._find(name)
        if config is None:
            raise Refused(
                404, {"Message": None}, "There is no function URL of this id: it, or its function, was deleted"
            )
        cors = Cors.of(config.settings.get("Cors"))
        if cors and (reply := cors.preflight(request, 200)):
            return reply
        request_id = str(uuid.uuid4())
        try:
            reply = self._ask(config, request, request_id)
        except Refused as refused:
            refused.reply = refused.reply.plus(("x-amzn-RequestId", request_id))
            raise
        reply = reply.plus(("x-amzn-RequestId", request_id), ("X-Amzn-Trace-Id", request.trace))
        return cors.applied(request, reply) if cors else reply

    def _ask(self, config: Config, request: Request, request_id: str) -> Reply:
        context = {"accountId": "anonymous", "apiId": config.host.partition(".")[0], "requestId": request_id}
        caller = Caller("*", ("",), url_auth="NONE")
        if config.settings["AuthType"] == "AWS_IAM":
            key = self.functions.who_signed(request)
            if key is None:
                cause = "The URL has AuthType AWS_IAM, and the request no signature (Version 4) of a known access key"
                raise Refused(403, FORBIDDEN, cause, x_amzn_ErrorType="AccessDeniedException")
            context |= {"accountId": config.account, "authorizer": {"iam": _iam(key, config.account)}}
            caller = Caller(config.account, ("",), url_auth="AWS_IAM", trusted=True)
        if request.too_large:
            raise Refused(
                413,
                {"Message": f"Request must be smaller than {self.max_bytes} bytes for the InvokeFunction operation"},
                "The body is larger than the 6 MB that a function takes",
                x_amzn_ErrorType="RequestEntityTooLargeException",
            )
        event = event_v2(request, context={**context, "stage": "$default"}, host=config.host)
        try:
            answer = self.functions.invoke(config.arn, event, caller=caller, limit_s=TIMEOUT_MAX_S, trace=request.trace)
        except Undelivered as failed:
            raise _refusal(failed) from None
        if answer.function_error:
            cause = f"The function failed: {answer.payload.decode(errors='replace')[:500]}"
            raise Refused(502, "Internal Server Error", cause, x_amzn_ErrorType="InternalServerException")
        try:
            return reply_v2(answer.payload, "application/json")
        except Malformed as wrong:
            cause = f"The function's answer is malformed: {wrong}"
            raise Refused(502, "Internal Server Error", cause, x_amzn_ErrorType="InternalServerException") from None


def _refusal(failed: Undelivered) -> Refused:
    if failed.kind == "denied":
        return Refused(403, FORBIDDEN, failed.cause, x_amzn_ErrorType="AccessDeniedException")
    if failed.kind == "throttled":
        return Refused(429, failed.body, failed.cause, x_amzn_ErrorType="TooManyRequestsException")
    if failed.kind == "large":
        return Refused(413, failed.body, failed.cause, x_amzn_ErrorType="RequestEntityTooLargeException")
    status = {"missing": 404, "slow": 504}.get(failed.kind, 502)
    return Refused(status, failed.body or {"Message": None}, failed.cause)


def _iam(key: str, account: str) -> dict[str, Any]:
    return {
        "accessKey": key,
        "accountId": account,
        "callerId": key,
        "cognitoIdentity": None,
        "principalOrgId": None,
        "userArn": f"arn:aws:iam::{account}:root",
        "userId": key,
    }
