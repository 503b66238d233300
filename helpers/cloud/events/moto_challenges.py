"""Custom authentication in moto's Cognito: a sign-in that three functions lead.

With the files of :mod:`helpers.cloud` that are called ``moto_*``, one of the few places that touch moto's internals.
DefineAuthChallenge looks at what happened so far and says what comes next; CreateAuthChallenge makes the challenge;
VerifyAuthChallengeResponse checks the answer, and DefineAuthChallenge is asked again. moto accepts this flow and does
nothing. What isn't here is the password within it (SRP_A): moto does not compute SRP.
"""

from __future__ import annotations

import uuid
from typing import Any

from moto.cognitoidp.exceptions import InvalidParameterException, NotAuthorizedError, UserNotConfirmedException
from moto.cognitoidp.exceptions import UserNotFoundError as UserNotFound
from moto.cognitoidp.models import CognitoIdpUser, CognitoIdpUserPool, UserStatus
from moto.cognitoidp.utils import check_secret_hash
from moto.core.exceptions import JsonRESTError

from helpers.cloud.clock import Clock
from helpers.cloud.events import cognito, moto_pools
from helpers.cloud.events.cognito import Conversation, HookError, Occasion

NOT_CONFIGURED = "Custom auth lambda trigger is not configured for the user pool."
REFUSED = "Incorrect username or password."
WAITING_MAX = 10_000


class Challenges:
    """The sign-ins that are under way.

    Parameters
    ----------
    pools : asks the functions
    clock : says when a session is too old
    """

    def __init__(self, pools: moto_pools.Pools, clock: Clock) -> None:
        self._pools, self._clock = pools, clock
        self._open: dict[str, Conversation] = {}

    def begin(self, pool: CognitoIdpUserPool, client_id: str, given: dict[str, str]) -> dict[str, Any]:
        """Answer InitiateAuth: with the first challenge, or with tokens if the functions want none."""
        client = pool.clients[client_id]
        allowed = client.extended_config.get("ExplicitAuthFlows")
        if allowed and not {"ALLOW_CUSTOM_AUTH", "CUSTOM_AUTH_FLOW_ONLY"} & set(allowed):
            raise InvalidParameterException("Auth flow not enabled for this client")
        if not self._pools.configured(pool).get("DefineAuthChallenge"):
            raise InvalidParameterException(NOT_CONFIGURED)
        name = given.get("USERNAME")
        if not name:
            raise InvalidParameterException("Missing required parameter USERNAME")
        if given.get("CHALLENGE_NAME", cognito.CUSTOM) != cognito.CUSTOM:
            raise InvalidParameterException("The local cloud has no SRP: CHALLENGE_NAME must be CUSTOM_CHALLENGE.")
        self._check_secret(client, name, given)
        user = pool._get_user(name)
        if user is None and not moto_pools.hides_missing(pool, client_id):
            raise UserNotFound("User does not exist.")
        self._pools.before(pool, name, client_id)
        _check(user)
        talk = Conversation(
            Occasion(pool.region, pool.id, pool.arn, user.username if user else name, client_id),
            signing_in=name,
            expires_s=self._clock.time_s() + 60 * client.extended_config["AuthSessionValidity"],
            user_found=user is not None,
        )
        return self._next(pool, talk)

    def go_on(self, pool: CognitoIdpUserPool, session: str, client_id: str, given: dict[str, str]) -> dict[str, Any]:
        """Answer RespondToAuthChallenge: with the next challenge, with tokens or with a refusal."""
        talk = self._open.get(session)
        if talk is None or talk.occasion.client_id != client_id or talk.occasion.pool_id != pool.id:
            raise NotAuthorizedError("Invalid session for the user.")
        if not given.get("ANSWER"):
            raise InvalidParameterException("Missing required parameter ANSWER")
        if given.get("USERNAME") not in (talk.signing_in, talk.occasion.username):
            raise NotAuthorizedError("Invalid session for the user.")
        self._check_secret(pool.clients[client_id], given["USERNAME"], given)
        if self._open.pop(session, None) is None:  # somebody else answered meanwhile
            raise NotAuthorizedError("Invalid session for the user, session can only be used once.")
        if self._clock.time_s() > talk.expires_s:
            raise NotAuthorizedError("Invalid session for the user, session is expired.")
        user = pool._get_user(talk.signing_in)
        _check(user)
        private = {"privateChallengeParameters": talk.private, "challengeAnswer": given["ANSWER"]}
        checked = self._ask(pool, talk, user, "VerifyAuthChallengeResponse", **private)
        talk.note(bool(checked.get("answerCorrect")))
        return self._next(pool, talk)

    def _next(self, pool: CognitoIdpUserPool, talk: Conversation) -> dict[str, Any]:
        user = pool._get_user(talk.signing_in)
        defined = self._ask(pool, talk, user, "DefineAuthChallenge", session=talk.results)
        try:
            step = cognito.next_step(defined)
        except HookError as error:
            raise JsonRESTError(error.code, error.message) from None
        client_id = talk.occasion.client_id
        if step == "refusal" or (step == "tokens" and user is None):
            raise NotAuthorizedError(REFUSED)
        if step == "tokens":
            result = pool.backend._log_user_in(pool, pool.clients[client_id], talk.signing_in)
            return self._pools.after(pool, client_id, "Authentication", result)
        if (other := defined["challengeName"]) != cognito.CUSTOM:
            message = f"The local cloud knows {cognito.CUSTOM} only, and DefineAuthChallenge wants {other}."
            raise InvalidParameterException(message)
        wanted = {"challengeName": cognito.CUSTOM, "session": talk.results}
        created = self._ask(pool, talk, user, "CreateAuthChallenge", **wanted)
        talk.private = created.get("privateChallengeParameters") or {}
        talk.metadata = created.get("challengeMetadata")
        public = created.get("publicChallengeParameters") or {}
        return {
            "ChallengeName": cognito.CUSTOM,
            "Session": self._keep(talk),
            "ChallengeParameters": {**public, "USERNAME": talk.occasion.username},
        }

    def _ask(
        self, pool: CognitoIdpUserPool, talk: Conversation, user: CognitoIdpUser | None, trigger: str, **request: Any
    ) -> dict[str, Any]:
        hides = moto_pools.hides_missing(pool, talk.occasion.client_id)
        given = self._pools.ask(
            pool,
            trigger,
            "Authentication",
            username=talk.occasion.username,
            client_id=talk.occasion.client_id,
            userAttributes=moto_pools.attributes(user) if user else {},
            **request,
            **({} if "AuthFlow" in moto_pools.asked.get() else moto_pools.metadata()),
            **({"userNotFound": not talk.user_found} if hides else {}),
        )
        if given is None:
            raise InvalidParameterException(NOT_CONFIGURED)
        return given

    def _keep(self, talk: Conversation) -> str:
        now_s = self._clock.time_s()
        for session, one in list(self._open.items()):
            if one.expires_s < now_s or len(self._open) >= WAITING_MAX:
                self._open.pop(session, None)
        session = f"{uuid.uuid4()}"
        self._open[session] = talk
        return session

    @staticmethod
    def _check_secret(client: Any, name: str, given: dict[str, str]) -> None:
        if client.generate_secret and not check_secret_hash(client.secret, client.id, name, given.get("SECRET_HASH")):
            raise NotAuthorizedError(f"Unable to verify secret hash for client {client.id}")


def _check(user: CognitoIdpUser | None) -> None:
    """Refuse somebody who may not sign in yet, or any more."""
    if user is None:
        return
    if not user.enabled:
        raise NotAuthorizedError("User is disabled.")
    if user.status is UserStatus.UNCONFIRMED:
        raise UserNotConfirmedException("User is not confirmed.")
