"""The events with which a Cognito user pool asks functions, and what their answers may say.

Nothing here calls a function: :mod:`~helpers.cloud.events.hooks` does, and
:mod:`~helpers.cloud.events.moto_cognito` hears of sign-ups and sign-ins in moto. Sources, as of 2023-06 and 2025-11:
"Customizing user pool workflows with Lambda triggers" and the pages on each trigger in Cognito's developer guide; the
wording of errors is as clients of AWS report it.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

COMMON = ("version", "triggerSource", "region", "userPoolId", "callerContext", "request", "response")
SDK = "aws-sdk-unknown-unknown"  # what Cognito says where a client doesn't tell its version

# What each trigger's response looks like when the function gets it, and the type that each field must have afterwards.
RESPONSES: dict[str, dict[str, tuple[Any, type | tuple[type, ...]]]] = {
    "PreSignUp": dict.fromkeys(("autoConfirmUser", "autoVerifyEmail", "autoVerifyPhone"), (False, bool)),
    "PostConfirmation": {},
    "PreAuthentication": {},
    "PostAuthentication": {},
    "DefineAuthChallenge": {
        "challengeName": (None, str),
        "issueTokens": (None, bool),
        "failAuthentication": (None, bool),
    },
    "CreateAuthChallenge": {
        "publicChallengeParameters": (None, dict),
        "privateChallengeParameters": (None, dict),
        "challengeMetadata": (None, str),
    },
    "VerifyAuthChallengeResponse": {"answerCorrect": (None, bool)},
    "PreTokenGeneration": {"claimsOverrideDetails": (None, dict)},
    "PreTokenGenerationV2": {"claimsAndScopeOverrideDetails": (None, dict)},
    "UserMigration": {
        "userAttributes": (None, dict),
        "finalUserStatus": (None, str),
        "messageAction": (None, str),
        "desiredDeliveryMediums": (None, list),
        "forceAliasCreation": (None, bool),
    },
}
# Claims that a function can't change: they say who the token is for, and how long.
FIXED_CLAIMS = frozenset(
    [
        *("acr", "amr", "aud", "at_hash", "auth_time", "azp", "client_id", "cognito:username", "exp", "iat"),
        *("identities", "iss", "jti", "nbf", "nonce", "origin_jti", "sub", "token_use", "username"),
    ]
)
CUSTOM = "CUSTOM_CHALLENGE"


class HookError(Exception):
    """What a caller of Cognito gets when a trigger fails: AWS's code and message."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code, self.message = code, message


def unreadable() -> HookError:
    """Return the error for an answer that Cognito can't make sense of."""
    return HookError("InvalidLambdaResponseException", "Unrecognizable lambda output")


def failed(trigger: str, answer: bytes) -> HookError:
    """Return the error for a function that raised an exception: the client reads its text.

    >>> failed("PreSignUp", b'{"errorMessage": "not from here"}').message
    'PreSignUp failed with error not from here.'
    """
    try:
        said = json.loads(answer)
        message = str(said.get("errorMessage", "")) if isinstance(said, dict) else ""
    except ValueError:
        message = ""
    return HookError("UserLambdaValidationException", f"{trigger} failed with error {message}.")


def not_run(trigger: str, cause: str) -> HookError:
    """Return the error for a function that could not be run, or did not answer in time."""
    return HookError("UnexpectedLambdaException", f"{trigger} invocation failed due to error {cause}.")


@dataclass(frozen=True)
class Occasion:
    """Whose sign-up or sign-in it is.

    Attributes
    ----------
    region, pool_id, pool_arn : of the user pool
    client_id : the app's; Cognito writes ``CLIENT_ID_NOT_APPLICABLE`` where an administrator acts
    username : as the pool knows it
    """

    region: str
    pool_id: str
    pool_arn: str
    username: str
    client_id: str = "CLIENT_ID_NOT_APPLICABLE"


def event(occasion: Occasion, trigger: str, reason: str, request: Mapping[str, Any]) -> dict[str, Any]:
    """Return a trigger's event.

    Parameters
    ----------
    occasion : whose it is
    trigger : its name in the pool's LambdaConfig, with V2 behind it for that version of PreTokenGeneration
    reason : the second half of ``triggerSource``
    request : what this trigger gets

    Examples
    --------
    >>> one = Occasion("us-east-1", "us-east-1_1", "arn", "ada")
    >>> event(one, "PreSignUp", "SignUp", {"userAttributes": {}})["triggerSource"]
    'PreSignUp_SignUp'
    """
    name = "TokenGeneration" if trigger.startswith("PreTokenGeneration") else trigger
    return {
        "version": "2" if trigger.endswith("V2") else "1",
        "triggerSource": f"{name}_{reason}",
        "region": occasion.region,
        "userPoolId": occasion.pool_id,
        "userName": occasion.username,
        "callerContext": {"awsSdkVersion": SDK, "clientId": occasion.client_id},
        "request": dict(request),
        "response": {name: start for name, (start, _) in RESPONSES[trigger].items()},
    }


def response(trigger: str, answer: bytes) -> dict[str, Any]:
    """Read a function's answer: the event that it got, with its response filled in.

    Raises
    ------
    HookError
        when the answer is something else, or a field of the response has another type

    Examples
    --------
    >>> response("PreSignUp", b'null')
    Traceback (most recent call last):
    helpers.cloud.events.cognito.HookError: Unrecognizable lambda output
    """
    try:
        said = json.loads(answer)
    except ValueError:
        raise unreadable() from None
    if not isinstance(said, dict) or any(name not in said for name in COMMON):
        raise unreadable()
    given = said["response"]
    if not isinstance(given, dict):
        raise unreadable()
    wanted = RESPONSES[trigger]
    for name, value in given.items():
        if name in wanted and value is not None and not isinstance(value, wanted[name][1]):
            raise unreadable()
    for name in ("publicChallengeParameters", "privateChallengeParameters", "userAttributes"):
        _texts(given.get(name))
    return given


def _texts(values: Any) -> None:
    """See to it that a map has texts only, as Cognito wants it."""
    if isinstance(values, dict) and not all(isinstance(one, str) for one in values.values()):
        raise unreadable()


# Custom authentication: a conversation that the functions lead.


@dataclass
class Conversation:
    """A sign-in by custom authentication, from InitiateAuth to tokens or refusal.

    Attributes
    ----------
    signing_in : the name that the user gave, perhaps an alias
    expires_s : when an answer comes too late, by the cloud's clock
    user_found : whether the pool has such a user; some apps don't let on that it has not
    results : what DefineAuthChallenge reads: each challenge so far, with its result
    private : what VerifyAuthChallengeResponse gets of the challenge that is open
    """

    occasion: Occasion
    signing_in: str
    expires_s: float
    user_found: bool = True
    results: list[dict[str, Any]] = field(default_factory=list)
    private: dict[str, str] = field(default_factory=dict)
    metadata: str | None = None

    def note(self, correct: bool) -> None:
        """Add the open challenge, with its result, to the list."""
        result = {"challengeName": CUSTOM, "challengeResult": correct, "challengeMetadata": self.metadata}
        self.results.append({name: value for name, value in result.items() if value is not None})
        self.private, self.metadata = {}, None


def next_step(defined: Mapping[str, Any]) -> str:
    """Return what DefineAuthChallenge decided: ``tokens``, ``refusal`` or ``challenge``.

    Raises
    ------
    HookError
        when it decided nothing

    Examples
    --------
    >>> next_step({"issueTokens": True, "failAuthentication": False})
    'tokens'
    """
    if defined.get("failAuthentication"):
        return "refusal"
    if defined.get("issueTokens"):
        return "tokens"
    if defined.get("challengeName"):
        return "challenge"
    raise unreadable()


# What PreTokenGeneration may change in tokens.


@dataclass(frozen=True)
class Overrides:
    """Changes of the claims in both tokens.

    Attributes
    ----------
    id_claims, access_claims : to add or replace
    id_without, access_without : to leave out, also when they were added
    scopes, without_scopes : of the access token, to add and to take away
    groups : what replaces ``cognito:groups``, or None to leave them
    roles, preferred_role : what replaces ``cognito:roles`` and ``cognito:preferred_role`` in the ID token
    """

    id_claims: Mapping[str, Any] = field(default_factory=dict)
    id_without: Iterable[str] = ()
    access_claims: Mapping[str, Any] = field(default_factory=dict)
    access_without: Iterable[str] = ()
    scopes: Iterable[str] = ()
    without_scopes: Iterable[str] = ()
    groups: tuple[str, ...] | None = None
    roles: tuple[str, ...] = ()
    preferred_role: str | None = None

    def applied(self, claims: Mapping[str, Any]) -> dict[str, Any]:
        """Return a token's claims with the changes that concern it."""
        changed = dict(claims)
        is_id = claims.get("token_use") == "id"
        if self.groups is not None:
            changed.pop("cognito:groups", None)
            changed |= {"cognito:groups": list(self.groups)} if self.groups else {}
            if is_id:
                changed |= {"cognito:roles": list(self.roles)} if self.roles else {}
                changed |= {"cognito:preferred_role": self.preferred_role} if self.preferred_role else {}
        added, without = (self.id_claims, self.id_without) if is_id else (self.access_claims, self.access_without)
        changed |= {name: value for name, value in added.items() if name not in FIXED_CLAIMS}
        for name in without:
            if name not in FIXED_CLAIMS:
                changed.pop(name, None)
        if not is_id and "scope" in changed:
            kept = [one for one in changed["scope"].split() if one not in set(self.without_scopes)]
            changed["scope"] = " ".join(dict.fromkeys([*kept, *self.scopes]))
        return changed


def overrides(given: Mapping[str, Any]) -> Overrides:
    """Read PreTokenGeneration's response, of either version.

    Raises
    ------
    HookError
        when version 1 has a claim that isn't text: it knows no others
    """
    second = given.get("claimsAndScopeOverrideDetails")
    if second:
        ours, theirs = second.get("idTokenGeneration") or {}, second.get("accessTokenGeneration") or {}
        return Overrides(
            id_claims=ours.get("claimsToAddOrOverride") or {},
            id_without=ours.get("claimsToSuppress") or (),
            access_claims=theirs.get("claimsToAddOrOverride") or {},
            access_without=theirs.get("claimsToSuppress") or (),
            scopes=theirs.get("scopesToAdd") or (),
            without_scopes=theirs.get("scopesToSuppress") or (),
            **_groups(second),
        )
    first = given.get("claimsOverrideDetails") or {}
    claims = first.get("claimsToAddOrOverride") or {}
    _texts(claims)
    return Overrides(id_claims=claims, id_without=first.get("claimsToSuppress") or (), **_groups(first))


def _groups(details: Mapping[str, Any]) -> dict[str, Any]:
    if "groupOverrideDetails" not in details:
        return {}
    wanted = details["groupOverrideDetails"] or {}  # an empty one takes all groups away
    return {
        "groups": tuple(wanted.get("groupsToOverride") or ()),
        "roles": tuple(wanted.get("iamRolesToOverride") or ()),
        "preferred_role": wanted.get("preferredRole"),
    }
