"""moto's user pools, with their triggers: what each of them is told of a user, and what its answer does.

With the files of :mod:`helpers.cloud` that are called ``moto_*``, one of the few places that touch moto's internals.
When each trigger's time has come is told by :mod:`~helpers.cloud.events.moto_cognito`.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from contextvars import ContextVar
from types import MappingProxyType
from typing import Any

from joserfc import jwt
from moto.cognitoidp.exceptions import UsernameExistsException
from moto.cognitoidp.models import CognitoIdpUser, CognitoIdpUserPool, UserStatus
from moto.core.exceptions import JsonRESTError

from helpers.cloud.events import cognito
from helpers.cloud.events.cognito import HookError, Occasion, Overrides
from helpers.cloud.events.hooks import Hooks

BY_ADMINISTRATOR = "CLIENT_ID_NOT_APPLICABLE"
HEADER = {"kid": "dummy", "alg": "RS256"}  # as moto signs

# What the client sent along with the operation that is being answered.
asked: ContextVar[Mapping[str, Any]] = ContextVar("asked", default=MappingProxyType({}))


class Pools:
    """moto's user pools, with their triggers.

    Parameters
    ----------
    hooks : asks functions
    """

    def __init__(self, hooks: Hooks) -> None:
        self._hooks = hooks

    @staticmethod
    def configured(pool: CognitoIdpUserPool) -> Mapping[str, Any]:
        """Return the ARNs of a pool's triggers by name."""
        return pool.extended_config.get("LambdaConfig") or {}

    def ask(
        self,
        pool: CognitoIdpUserPool,
        trigger: str,
        reason: str,
        *,
        username: str,
        client_id: str = BY_ADMINISTRATOR,
        **request: Any,
    ) -> dict[str, Any] | None:
        """Run a trigger's function; return its response, or None where the pool has no such trigger."""
        arn = self.configured(pool).get(trigger.removesuffix("V2"))
        if trigger.startswith("PreTokenGeneration"):
            arn = (self.configured(pool).get("PreTokenGenerationConfig") or {}).get("LambdaArn") or arn
        if not arn:
            return None
        occasion = Occasion(pool.region, pool.id, pool.arn, username, client_id)
        try:
            return self._hooks.ask(arn, occasion, trigger, reason, request)
        except HookError as error:
            raise JsonRESTError(error.code, error.message) from None

    def let_in(
        self, pool: CognitoIdpUserPool, user: CognitoIdpUser, name: str, reason: str, client_id: str
    ) -> Mapping[str, Any]:
        """Ask PreSignUp about a new user, who isn't in the pool while the function decides; return what it said."""
        if not self.configured(pool).get("PreSignUp"):
            return {}
        del pool.users[user.username]
        given = self.ask(
            pool,
            "PreSignUp",
            reason,
            username=user.username,
            client_id=client_id,
            userAttributes={key: value for key, value in user.attribute_lookup.items() if key != "sub"},
            validationData={one["Name"]: one["Value"] for one in asked.get().get("ValidationData") or ()} or None,
            **metadata(),
        )
        if pool._get_user(name):
            raise UsernameExistsException("User already exists")
        pool.users[user.username] = user
        return given or {}

    def confirmed(self, pool: CognitoIdpUserPool, user: CognitoIdpUser, reason: str, client_id: str) -> None:
        """Tell PostConfirmation of a user."""
        self.ask(
            pool,
            "PostConfirmation",
            reason,
            username=user.username,
            client_id=client_id,
            userAttributes=attributes(user),
            **metadata(),
        )

    def before(self, pool: CognitoIdpUserPool, name: str, client_id: str) -> None:
        """Ask PreAuthentication about somebody who wants to sign in."""
        user = pool._get_user(name)
        hides = hides_missing(pool, client_id)
        if user is None and not hides:
            return
        self.ask(
            pool,
            "PreAuthentication",
            "Authentication",
            username=user.username if user else name,
            client_id=client_id,
            userAttributes=attributes(user) if user else {},
            validationData=asked.get().get("ClientMetadata"),
            **({"userNotFound": user is None} if hides else {}),
        )

    def after(self, pool: CognitoIdpUserPool, client_id: str, reason: str, result: dict[str, Any]) -> dict[str, Any]:
        """Tell PostAuthentication of a sign-in, and have PreTokenGeneration change its tokens; no word, no tokens."""
        tokens = (result or {}).get("AuthenticationResult")
        if not tokens:
            return result
        _, name = pool.access_tokens[tokens["AccessToken"]]
        user = pool._get_user(name)
        told = {"username": user.username, "client_id": client_id, "userAttributes": attributes(user)}
        more = {} if reason == "Authentication" and "AuthFlow" in asked.get() else metadata()
        try:
            if reason != "RefreshTokens":
                self.ask(pool, "PostAuthentication", "Authentication", **told, newDeviceUsed=False, **more)
            second = (self.configured(pool).get("PreTokenGenerationConfig") or {}).get(
                "LambdaVersion", "V1_0"
            ) != "V1_0"
            scopes = {"scopes": claims_of(tokens["AccessToken"]).get("scope", "").split()} if second else {}
            trigger = "PreTokenGenerationV2" if second else "PreTokenGeneration"
            given = self.ask(pool, trigger, reason, **told, groupConfiguration=groups(user), **scopes, **more)
            if given is not None:
                try:
                    changes = cognito.overrides(given)
                except HookError as error:
                    raise JsonRESTError(error.code, error.message) from None
                for kind, kept in (("IdToken", pool.id_tokens), ("AccessToken", pool.access_tokens)):
                    tokens[kind] = reissue(pool, tokens[kind], kept, changes)
        except JsonRESTError:
            pool.access_tokens.pop(tokens["AccessToken"], None)
            pool.id_tokens.pop(tokens["IdToken"], None)
            pool.refresh_tokens.pop(tokens.get("RefreshToken"), None)
            raise
        return result

    def migrate(self, pool: CognitoIdpUserPool, name: str, client_id: str, reason: str, **request: Any) -> None:
        """Have UserMigration bring a user who isn't there yet."""
        if pool._get_user(name) is not None:
            return
        given = self.ask(pool, "UserMigration", reason, username=name, client_id=client_id, **request)
        if not given or not given.get("userAttributes"):
            return
        status = UserStatus(given.get("finalUserStatus") or UserStatus.CONFIRMED)
        brought = [{"Name": key, "Value": value} for key, value in given["userAttributes"].items() if key != "username"]
        own = None if pool.extended_config.get("UsernameAttributes") else name
        user = CognitoIdpUser(pool.id, own, request.get("password"), status, brought)
        pool.users[user.username] = user


def metadata() -> dict[str, Any]:
    """Return the client's metadata, as most triggers get it."""
    given = asked.get().get("ClientMetadata")
    return {"clientMetadata": given} if given else {}


def attributes(user: CognitoIdpUser) -> dict[str, str]:
    """Return a user's attributes, with the status that Cognito adds."""
    status = {"cognito:user_status": UserStatus(user.status).value}
    return {"sub": user.id, **status, **user.attribute_lookup}


def hides_missing(pool: CognitoIdpUserPool, client_id: str) -> bool:
    """Say whether an app doesn't let on that a user doesn't exist."""
    client = pool.clients.get(client_id)
    return client is not None and client.extended_config.get("PreventUserExistenceErrors") == "ENABLED"


def groups(user: CognitoIdpUser) -> dict[str, Any]:
    """Return a user's groups and their roles, as PreTokenGeneration gets them."""
    ranked = sorted(user.groups, key=lambda one: (one.precedence is None, one.precedence, one.group_name))
    roles = [one.role_arn for one in ranked if one.role_arn]
    return {
        "groupsToOverride": [one.group_name for one in ranked],
        "iamRolesToOverride": roles,
        "preferredRole": roles[0] if roles else None,
    }


def claims_of(token: str) -> dict[str, Any]:
    """Return the claims in a token."""
    part = token.split(".")[1]
    return json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))


def reissue(pool: CognitoIdpUserPool, token: str, kept: dict[str, Any], changes: Overrides) -> str:
    """Sign a token again with other claims, and have the pool know it in the place of the first."""
    changed = jwt.encode(HEADER, changes.applied(claims_of(token)), pool.json_web_key)
    kept[changed] = kept.pop(token)
    return changed
