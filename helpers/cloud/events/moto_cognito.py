"""Where moto's Cognito asks functions: at sign-up, at confirmation, at sign-in and before tokens.

With the files of :mod:`helpers.cloud` that are called ``moto_*``, one of the few places that touch moto's internals.
moto keeps pools, users and tokens, and passes triggers over in silence. What a pool without triggers does stays as
moto does it; so do the messages that Cognito sends (CustomMessage and the custom senders are not asked, for moto sends
none). What each trigger is told is the subject of :mod:`~helpers.cloud.events.moto_pools`; custom authentication that
of :mod:`~helpers.cloud.events.moto_challenges`.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import Any

from moto.cognitoidp.models import CognitoIdpBackend, CognitoIdpUserPool, UserStatus
from moto.cognitoidp.responses import CognitoIdpResponse
from moto.core.exceptions import JsonRESTError

from helpers.cloud.clock import Clock
from helpers.cloud.events import cognito
from helpers.cloud.events.hooks import Hooks
from helpers.cloud.events.moto_challenges import Challenges
from helpers.cloud.events.moto_common import replace_methods
from helpers.cloud.events.moto_pools import BY_ADMINISTRATOR, Pools, asked, metadata

WITH_PASSWORD = ("USER_PASSWORD_AUTH", "ADMIN_USER_PASSWORD_AUTH", "ADMIN_NO_SRP_AUTH")
REFRESH = ("REFRESH_TOKEN", "REFRESH_TOKEN_AUTH")


def pool_of(backend: CognitoIdpBackend, client_id: str) -> CognitoIdpUserPool | None:
    """Return the pool that an app belongs to."""
    return next((pool for pool in list(backend.user_pools.values()) if client_id in pool.clients), None)


def install(hooks: Hooks, clock: Clock, undo: contextlib.ExitStack) -> None:
    """Have moto's Cognito ask functions until ``undo`` is closed.

    Parameters
    ----------
    hooks : asks them
    clock : says when a session of custom authentication is too old
    """
    pools = Pools(hooks)
    challenges = Challenges(pools, clock)
    names = ("sign_up", "confirm_sign_up", "admin_confirm_sign_up", "admin_create_user", "forgot_password")
    names += ("confirm_forgot_password", "initiate_auth", "admin_initiate_auth", "respond_to_auth_challenge")
    first: dict[str, Callable[..., Any]] = {name: getattr(CognitoIdpBackend, name) for name in names}
    answer = CognitoIdpResponse.call_action

    def call_action(request: CognitoIdpResponse) -> Any:
        try:
            sent = request.parameters
        except ValueError:  # not JSON: moto's own routes
            sent = {}
        before = asked.set(sent)
        try:
            return answer(request)
        finally:
            asked.reset(before)

    def sign_up(backend: CognitoIdpBackend, client_id: str, username: str, *rest: Any, **named: Any) -> Any:
        user, delivery = first["sign_up"](backend, client_id, username, *rest, **named)
        pool = backend.user_pools[user.user_pool_id]
        given = pools.let_in(pool, user, username, "SignUp", client_id)
        for flag, attribute in (("autoVerifyEmail", "email"), ("autoVerifyPhone", "phone_number")):
            if given.get(flag) and not user.attribute_lookup.get(attribute):
                del pool.users[user.username]
                raise JsonRESTError("InvalidParameterException", f"{flag} is true, and the user has no {attribute}.")
            if given.get(flag):
                user.update_attributes([{"Name": f"{attribute}_verified", "Value": "true"}])
        if not given.get("autoConfirmUser"):
            return user, delivery
        user.status = UserStatus.CONFIRMED
        pools.confirmed(pool, user, "ConfirmSignUp", client_id)
        return user, None  # no code is sent

    def confirm_sign_up(backend: CognitoIdpBackend, client_id: str, username: str) -> str:
        pool = pool_of(backend, client_id)
        user = pool._get_user(username) if pool else None
        waiting = user is not None and user.status is not UserStatus.CONFIRMED
        done = first["confirm_sign_up"](backend, client_id, username)
        if waiting:
            pools.confirmed(pool, user, "ConfirmSignUp", client_id)
        return done

    def admin_confirm_sign_up(backend: CognitoIdpBackend, user_pool_id: str, username: str) -> str:
        user = backend.admin_get_user(user_pool_id, username)
        waiting = user.status is not UserStatus.CONFIRMED
        done = first["admin_confirm_sign_up"](backend, user_pool_id, username)
        if waiting:
            pools.confirmed(backend.user_pools[user_pool_id], user, "ConfirmSignUp", BY_ADMINISTRATOR)
        return done

    def admin_create_user(backend: CognitoIdpBackend, user_pool_id: str, username: str, action: str, *rest: Any) -> Any:
        user = first["admin_create_user"](backend, user_pool_id, username, action, *rest)
        if action != "RESEND":  # what the function says about confirming and verifying doesn't count here
            pools.let_in(backend.user_pools[user_pool_id], user, username, "AdminCreateUser", BY_ADMINISTRATOR)
        return user

    def forgot_password(backend: CognitoIdpBackend, client_id: str, username: str) -> Any:
        if pool := pool_of(backend, client_id):
            pools.migrate(pool, username, client_id, "ForgotPassword", validationData=None, **metadata())
        return first["forgot_password"](backend, client_id, username)

    def confirm_forgot_password(backend: CognitoIdpBackend, client_id: str, username: str, *rest: Any) -> None:
        first["confirm_forgot_password"](backend, client_id, username, *rest)
        pool = pool_of(backend, client_id)
        pools.confirmed(pool, pool._get_user(username), "ConfirmForgotPassword", client_id)

    def authenticate(pool: CognitoIdpUserPool | None, client_id: str, flow: str, given: Any, go_on: Callable) -> Any:
        if pool is None or client_id not in pool.clients:
            return go_on()
        if flow == "CUSTOM_AUTH":
            return challenges.begin(pool, client_id, given or {})
        if flow in REFRESH:
            return pools.after(pool, client_id, "RefreshTokens", go_on())
        name = (given or {}).get("USERNAME", "")
        if flow in WITH_PASSWORD:
            sent = {"password": given.get("PASSWORD"), "validationData": asked.get().get("ClientMetadata")}
            pools.migrate(pool, name, client_id, "Authentication", **sent)
        pools.before(pool, name, client_id)
        return pools.after(pool, client_id, "Authentication", go_on())

    def initiate_auth(backend: CognitoIdpBackend, client_id: str, flow: str, given: dict[str, str]) -> Any:
        go_on = lambda: first["initiate_auth"](backend, client_id, flow, given)  # noqa: E731
        return authenticate(pool_of(backend, client_id), client_id, flow, given, go_on)

    def admin_initiate_auth(backend: CognitoIdpBackend, pool_id: str, client_id: str, flow: str, given: Any) -> Any:
        go_on = lambda: first["admin_initiate_auth"](backend, pool_id, client_id, flow, given)  # noqa: E731
        return authenticate(backend.user_pools.get(pool_id), client_id, flow, given, go_on)

    def respond_to_auth_challenge(
        backend: CognitoIdpBackend, session: str, client_id: str, challenge: str, given: dict[str, str]
    ) -> Any:
        pool = pool_of(backend, client_id)
        if pool is not None and challenge == cognito.CUSTOM:
            return challenges.go_on(pool, session, client_id, given or {})
        result = first["respond_to_auth_challenge"](backend, session, client_id, challenge, given)
        reason = "NewPasswordChallenge" if challenge == "NEW_PASSWORD_REQUIRED" else "Authentication"
        return result if pool is None else pools.after(pool, client_id, reason, result)

    ours = (sign_up, confirm_sign_up, admin_confirm_sign_up, admin_create_user, forgot_password)
    ours += (confirm_forgot_password, initiate_auth, admin_initiate_auth, respond_to_auth_challenge)
    replace_methods(CognitoIdpBackend, {method.__name__: method for method in ours}, undo)
    replace_methods(CognitoIdpResponse, {"call_action": call_action}, undo)
