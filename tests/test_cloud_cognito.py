"""Cognito asks functions who may come in, through plain boto3."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from helpers.cloud.package import zip_function
from helpers.cloud.samples import handler_folder

PASSWORD = "Secret-123"
SIGN_UP = ("PreSignUp", "PostConfirmation")
SIGN_IN = ("PreAuthentication", "PostAuthentication", "PreTokenGeneration")
CUSTOM = ("DefineAuthChallenge", "CreateAuthChallenge", "VerifyAuthChallengeResponse")
# Says in its log what it was asked, and does what the user's name says.
PUPPET = """
import json, os, time

def handler(event, context):
    print(json.dumps(event))
    act, source, answer = event["userName"].partition("-")[0], event["triggerSource"], event["response"]
    if (act, source) in (("refused", "PreSignUp_SignUp"), ("barred", "PreAuthentication_Authentication")):
        raise ValueError("not you")
    if act == "nothing":
        return None
    if act == "odd":
        answer["autoConfirmUser"] = "yes"
    if act == "staff":
        answer |= {"autoConfirmUser": True, "autoVerifyEmail": True}
    if act == "late" and source == "PostConfirmation_ConfirmSignUp":
        raise ValueError("no profile")
    if source == "PreSignUp_SignUp" and act == "seen":
        import boto3
        users = boto3.client("cognito-idp").list_users(UserPoolId=event["userPoolId"])["Users"]
        raise ValueError(f"{len([one for one in users if one['Username'] == event['userName']])} seen")
    if act == "old" and source == "UserMigration_Authentication":
        if event["request"]["password"] != "Secret-123":
            raise ValueError("Bad password")
        answer |= {"userAttributes": {"email": "old@shop.example"}, "finalUserStatus": "CONFIRMED"}
    if event["version"] == "2":
        answer["claimsAndScopeOverrideDetails"] = {
            "idTokenGeneration": {"claimsToAddOrOverride": {"shop": {"id": 7}}},
            "accessTokenGeneration": {"claimsToAddOrOverride": {"tier": "gold"}, "scopesToAdd": ["pictures/read"]},
        }
    elif source.startswith("TokenGeneration"):
        added = {"shop": "7", "sub": "somebody else"}
        answer["claimsOverrideDetails"] = {
            "claimsToAddOrOverride": added, "groupOverrideDetails": {"groupsToOverride": ["guests"]}
        }
        if act == "deny":
            answer["claimsOverrideDetails"] = {"claimsToAddOrOverride": {"shop": 7}}
    return event
"""
SLOW = """
import os, time

def handler(event, context):
    while not os.path.exists(os.environ["GO"]):
        time.sleep(0.01)
    return event
"""


@pytest.fixture(scope="module")
def idp(cloud: Any) -> Any:
    return boto3.client("cognito-idp")


@pytest.fixture(scope="module")
def puppet(workshop: Any) -> str:
    name = workshop.make(PUPPET)
    workshop.permit(name, "cognito-idp.amazonaws.com")
    return name


@pytest.fixture(scope="module")
def make_pool(idp: Any, workshop: Any) -> Callable[..., tuple[str, str]]:
    def make(config: dict[str, Any], client: dict[str, Any] | None = None, **settings: Any) -> tuple[str, str]:
        pool = idp.create_user_pool(PoolName=workshop.name("pool"), LambdaConfig=config, **settings)["UserPool"]["Id"]
        app = idp.create_user_pool_client(UserPoolId=pool, ClientName="app", **(client or {}))["UserPoolClient"]
        return pool, app["ClientId"]

    return make


@pytest.fixture(scope="module")
def pool(make_pool: Callable[..., tuple[str, str]], workshop: Any, puppet: str) -> tuple[str, str]:
    """Return a pool whose sign-up and sign-in the puppet decides, and its app."""
    arn = arn_of(workshop, puppet)
    return make_pool(dict.fromkeys(SIGN_UP + SIGN_IN, arn))


def arn_of(workshop: Any, name: str) -> str:
    return workshop.client.get_function_configuration(FunctionName=name)["FunctionArn"]


def sign_up(idp: Any, app: str, name: str, email: str = "ada@shop.example", **more: Any) -> dict[str, Any]:
    attributes = [{"Name": "email", "Value": email}] if email else []
    return idp.sign_up(ClientId=app, Username=name, Password=PASSWORD, UserAttributes=attributes, **more)


def sign_in(idp: Any, app: str, name: str, **more: Any) -> dict[str, Any]:
    given = {"USERNAME": name, "PASSWORD": PASSWORD}
    return idp.initiate_auth(ClientId=app, AuthFlow="USER_PASSWORD_AUTH", AuthParameters=given, **more)


def begin(idp: Any, app: str, name: str) -> dict[str, Any]:
    return idp.initiate_auth(ClientId=app, AuthFlow="CUSTOM_AUTH", AuthParameters={"USERNAME": name})


def answer(idp: Any, app: str, name: str, session: str, text: str) -> dict[str, Any]:
    given = {"USERNAME": name, "ANSWER": text}
    return idp.respond_to_auth_challenge(
        ClientId=app, ChallengeName="CUSTOM_CHALLENGE", Session=session, ChallengeResponses=given
    )


def refusal(action: Callable[[], Any]) -> tuple[str, str]:
    with pytest.raises(ClientError) as refused:
        action()
    return refused.value.response["Error"]["Code"], refused.value.response["Error"]["Message"]


def claims(token: str) -> dict[str, Any]:
    part = token.split(".")[1]
    return json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))


def asked(workshop: Any, puppet: str, name: str) -> list[dict[str, Any]]:
    """Return the events about a user, in order."""
    events = [json.loads(line) for line in workshop.logs(puppet) if line.startswith("{")]
    return [event for event in events if event["userName"] == name]


def test_a_user_whom_presignup_confirms_can_sign_in_at_once_and_no_code_is_sent(idp: Any, pool: Any) -> None:
    signed_up = sign_up(idp, pool[1], "staff-ada")
    assert signed_up["UserConfirmed"]
    assert "CodeDeliveryDetails" not in signed_up
    user = idp.admin_get_user(UserPoolId=pool[0], Username="staff-ada")
    assert {"Name": "email_verified", "Value": "true"} in user["UserAttributes"]
    assert sign_in(idp, pool[1], "staff-ada")["AuthenticationResult"]["IdToken"]


def test_an_exception_in_presignup_is_what_the_visitor_reads_and_nobody_is_signed_up(idp: Any, pool: Any) -> None:
    code, message = refusal(lambda: sign_up(idp, pool[1], "refused-bob"))
    assert (code, message) == ("UserLambdaValidationException", "PreSignUp failed with error not you.")
    code, _ = refusal(lambda: idp.admin_get_user(UserPoolId=pool[0], Username="refused-bob"))
    assert code == "UserNotFoundException"


@pytest.mark.parametrize("act", ["nothing", "odd"])
def test_an_answer_that_is_not_the_event_with_its_response_is_unrecognizable(
    cloud: Any, idp: Any, pool: Any, act: str
) -> None:
    before = len(cloud.problems())
    code, message = refusal(lambda: sign_up(idp, pool[1], f"{act}-eve"))
    assert (code, message) == ("InvalidLambdaResponseException", "Unrecognizable lambda output")
    assert "PreSignUp_SignUp: not the event with its response" in cloud.problems().cause.iloc[before]


def test_without_a_permission_the_error_says_access_denied_and_the_problems_say_for_whom(
    cloud: Any, idp: Any, make_pool: Any, workshop: Any
) -> None:
    arn = arn_of(workshop, workshop.make("def handler(event, context):\n    return event"))
    _, app = make_pool({"PreSignUp": arn})
    code, message = refusal(lambda: sign_up(idp, app, "ada"))
    assert code == "UnexpectedLambdaException"
    assert message == "PreSignUp invocation failed due to error AccessDeniedException."
    assert 'Principal="cognito-idp.amazonaws.com"' in cloud.problems().cause.iloc[-1]


def test_the_user_is_not_in_the_pool_while_presignup_decides(idp: Any, pool: Any) -> None:
    assert refusal(lambda: sign_up(idp, pool[1], "seen-eve"))[1] == "PreSignUp failed with error 0 seen."


def test_to_verify_an_address_that_is_not_there_is_an_error(idp: Any, pool: Any) -> None:
    assert refusal(lambda: sign_up(idp, pool[1], "staff-nobody", email=""))[0] == "InvalidParameterException"


def test_sign_up_by_an_administrator_has_its_own_source_and_ignores_what_the_function_confirms(
    idp: Any, pool: Any, workshop: Any, puppet: str
) -> None:
    given = {"ValidationData": [{"Name": "from", "Value": "office"}], "ClientMetadata": {"app": "desk"}}
    user = idp.admin_create_user(UserPoolId=pool[0], Username="staff-kim", **given)["User"]
    assert user["UserStatus"] == "FORCE_CHANGE_PASSWORD"
    (event,) = asked(workshop, puppet, "staff-kim")
    assert event["triggerSource"] == "PreSignUp_AdminCreateUser"
    assert event["callerContext"]["clientId"] == "CLIENT_ID_NOT_APPLICABLE"
    assert event["request"]["validationData"] == {"from": "office"}
    assert event["request"]["clientMetadata"] == {"app": "desk"}


def test_the_events_of_signing_up_are_as_documented(idp: Any, pool: Any, workshop: Any, puppet: str) -> None:
    identity = sign_up(idp, pool[1], "visitor-mia", ClientMetadata={"page": "start"})["UserSub"]
    idp.confirm_sign_up(ClientId=pool[1], Username="visitor-mia", ConfirmationCode="123456")
    before, after = asked(workshop, puppet, "visitor-mia")
    common = {
        "version": "1",
        "region": "us-east-1",
        "userPoolId": pool[0],
        "userName": "visitor-mia",
        "callerContext": {"awsSdkVersion": "aws-sdk-unknown-unknown", "clientId": pool[1]},
    }
    assert before == {
        **common,
        "triggerSource": "PreSignUp_SignUp",
        "request": {
            "userAttributes": {"email": "ada@shop.example"},
            "validationData": None,
            "clientMetadata": {"page": "start"},
        },
        "response": {"autoConfirmUser": False, "autoVerifyEmail": False, "autoVerifyPhone": False},
    }
    known = {"sub": identity, "cognito:user_status": "CONFIRMED", "email": "ada@shop.example"}
    assert after == {
        **common,
        "triggerSource": "PostConfirmation_ConfirmSignUp",
        "request": {"userAttributes": known},
        "response": {},
    }


def test_a_user_is_confirmed_even_if_postconfirmation_fails_and_is_not_confirmed_twice(
    idp: Any, pool: Any, workshop: Any, puppet: str
) -> None:
    sign_up(idp, pool[1], "late-lea")
    confirm = {"ClientId": pool[1], "Username": "late-lea", "ConfirmationCode": "123456"}
    message = refusal(lambda: idp.confirm_sign_up(**confirm))[1]
    assert message == "PostConfirmation failed with error no profile."
    assert idp.admin_get_user(UserPoolId=pool[0], Username="late-lea")["UserStatus"] == "CONFIRMED"
    idp.confirm_sign_up(**confirm)
    assert len(asked(workshop, puppet, "late-lea")) == 2


def test_postconfirmation_hears_of_a_password_that_was_forgotten(
    idp: Any, pool: Any, workshop: Any, puppet: str
) -> None:
    sign_up(idp, pool[1], "staff-jo")
    idp.forgot_password(ClientId=pool[1], Username="staff-jo")
    idp.confirm_forgot_password(ClientId=pool[1], Username="staff-jo", ConfirmationCode="1", Password=PASSWORD)
    assert asked(workshop, puppet, "staff-jo")[-1]["triggerSource"] == "PostConfirmation_ConfirmForgotPassword"


def test_the_events_of_signing_in_are_as_documented_and_in_order(
    idp: Any, pool: Any, workshop: Any, puppet: str
) -> None:
    sign_up(idp, pool[1], "staff-tom")
    tokens = sign_in(idp, pool[1], "staff-tom", ClientMetadata={"page": "start"})["AuthenticationResult"]
    idp.initiate_auth(
        ClientId=pool[1], AuthFlow="REFRESH_TOKEN_AUTH", AuthParameters={"REFRESH_TOKEN": tokens["RefreshToken"]}
    )
    before, after, first, second = asked(workshop, puppet, "staff-tom")[2:]
    assert before["triggerSource"] == "PreAuthentication_Authentication"
    assert before["request"]["validationData"] == {"page": "start"}
    assert after["triggerSource"] == "PostAuthentication_Authentication"
    assert after["request"].keys() == {"userAttributes", "newDeviceUsed"}
    nothing = {"groupsToOverride": [], "iamRolesToOverride": [], "preferredRole": None}
    assert first["request"] == {"userAttributes": after["request"]["userAttributes"], "groupConfiguration": nothing}
    assert first["response"] == {"claimsOverrideDetails": None}
    sources = [first["triggerSource"], second["triggerSource"]]
    assert sources == ["TokenGeneration_Authentication", "TokenGeneration_RefreshTokens"]


def test_pretokengeneration_changes_the_claims_that_may_change(idp: Any, pool: Any) -> None:
    identity = sign_up(idp, pool[1], "staff-ann")["UserSub"]
    tokens = sign_in(idp, pool[1], "staff-ann")["AuthenticationResult"]
    about = claims(tokens["IdToken"])
    assert (about["shop"], about["sub"], about["cognito:groups"]) == ("7", identity, ["guests"])
    assert claims(tokens["AccessToken"])["cognito:groups"] == ["guests"]
    assert "shop" not in claims(tokens["AccessToken"])
    assert idp.get_user(AccessToken=tokens["AccessToken"])["Username"] == "staff-ann"


def test_the_second_version_changes_the_access_token_too(idp: Any, make_pool: Any, workshop: Any, puppet: str) -> None:
    arn = arn_of(workshop, puppet)
    pool, app = make_pool({"PreTokenGenerationConfig": {"LambdaVersion": "V2_0", "LambdaArn": arn}})
    sign_up(idp, app, "ada")
    idp.admin_confirm_sign_up(UserPoolId=pool, Username="ada")
    tokens = sign_in(idp, app, "ada")["AuthenticationResult"]
    assert claims(tokens["IdToken"])["shop"] == {"id": 7}
    access = claims(tokens["AccessToken"])
    assert (access["tier"], access["scope"]) == ("gold", "aws.cognito.signin.user.admin pictures/read")


def test_whom_preauthentication_refuses_gets_no_tokens(idp: Any, pool: Any) -> None:
    sign_up(idp, pool[1], "barred-bob")
    idp.admin_confirm_sign_up(UserPoolId=pool[0], Username="barred-bob")
    code, message = refusal(lambda: sign_in(idp, pool[1], "barred-bob"))
    assert (code, message) == ("UserLambdaValidationException", "PreAuthentication failed with error not you.")


def test_version_one_takes_claims_of_text_only_and_gives_no_tokens_otherwise(idp: Any, pool: Any) -> None:
    sign_up(idp, pool[1], "deny-eve")
    idp.admin_confirm_sign_up(UserPoolId=pool[0], Username="deny-eve")
    assert refusal(lambda: sign_in(idp, pool[1], "deny-eve"))[0] == "InvalidLambdaResponseException"


def test_a_slow_function_is_asked_three_times_and_goes_on_although_nobody_waits(
    cloud: Any, idp: Any, make_pool: Any, workshop: Any, tmp_path: Any
) -> None:
    go = tmp_path / "go"
    name = workshop.make(SLOW, Environment={"Variables": {"GO": str(go)}}, Timeout=30)
    workshop.permit(name, "cognito-idp.amazonaws.com")
    _, app = make_pool({"PreSignUp": arn_of(workshop, name)})
    assert cloud.hooks.limit_s == 5
    cloud.hooks.limit_s = 0.1
    try:
        code, message = refusal(lambda: sign_up(idp, app, "ada"))
    finally:
        cloud.hooks.limit_s = 5
    assert code == "UnexpectedLambdaException"
    assert message == "PreSignUp invocation failed due to error Socket timeout while invoking Lambda function."
    assert [cause.split(":")[0] for cause in cloud.problems().cause[-3:]] == [
        f"PreSignUp_SignUp, attempt {one} of 3" for one in (1, 2, 3)
    ]
    with pytest.raises(TimeoutError, match="3 functions for which nobody waits"):
        cloud.settle(0)
    go.touch()
    cloud.settle()
    assert set(cloud.invocations().query("function == @name").status) == {"success"}


@pytest.mark.thorough
def test_the_labs_gate_lets_colleagues_in_and_refuses_throw_away_addresses(
    idp: Any, make_pool: Any, workshop: Any
) -> None:
    gate = lab(workshop, "sign_up_gate", STAFF_DOMAINS="shop.example", REFUSED_DOMAINS="throw.example")
    _, app = make_pool({"PreSignUp": gate})
    assert sign_up(idp, app, "ada", "ada@Shop.example")["UserConfirmed"]
    assert not sign_up(idp, app, "bob", "bob@home.example")["UserConfirmed"]
    assert "throw.example are not welcome" in refusal(lambda: sign_up(idp, app, "eve", "eve@throw.example"))[1]


@pytest.mark.thorough
def test_the_labs_profile_is_written_once(idp: Any, make_pool: Any, workshop: Any) -> None:
    table = boto3.resource("dynamodb").create_table(
        TableName=workshop.name("profiles"),
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    arn = lab(workshop, "write_profile", TABLE=table.name)
    pool, app = make_pool({"PostConfirmation": arn})
    identity = sign_up(idp, app, "bob")["UserSub"]
    idp.admin_confirm_sign_up(UserPoolId=pool, Username="bob")
    (profile,) = table.scan()["Items"]
    assert (profile["id"], profile["name"], profile["email"]) == (identity, "bob", "ada@shop.example")


@pytest.mark.thorough
def test_the_labs_one_time_code_signs_in_whoever_has_it_and_nobody_after_three_tries(
    cloud: Any, idp: Any, make_pool: Any, workshop: Any
) -> None:
    sqs = boto3.client("sqs")
    outbox = sqs.create_queue(QueueName=workshop.name("outbox"))["QueueUrl"]
    pool, app = make_pool(dict.fromkeys(CUSTOM, lab(workshop, "sign_in_code", OUTBOX=outbox)))
    sign_up(idp, app, "ada")
    idp.admin_confirm_sign_up(UserPoolId=pool, Username="ada")

    first = begin(idp, app, "ada")
    assert first["ChallengeName"] == "CUSTOM_CHALLENGE"
    assert first["ChallengeParameters"] == {"sent_to": "a***@shop.example", "USERNAME": "ada"}
    code = json.loads(sqs.receive_message(QueueUrl=outbox)["Messages"][0]["Body"])["code"]
    again = answer(idp, app, "ada", first["Session"], "wrong")
    assert "Messages" not in sqs.receive_message(QueueUrl=outbox)  # the same code, not a second one
    assert refusal(lambda: answer(idp, app, "ada", first["Session"], code))[0] == "NotAuthorizedException"
    tokens = answer(idp, app, "ada", again["Session"], code)["AuthenticationResult"]
    assert idp.get_user(AccessToken=tokens["AccessToken"])["Username"] == "ada"

    session = begin(idp, app, "ada")["Session"]
    for _ in range(2):
        session = answer(idp, app, "ada", session, "wrong")["Session"]
    code, message = refusal(lambda: answer(idp, app, "ada", session, "wrong"))
    assert (code, message) == ("NotAuthorizedException", "Incorrect username or password.")

    session = begin(idp, app, "ada")["Session"]
    cloud.clock.advance(minutes=4)
    assert "session is expired" in refusal(lambda: answer(idp, app, "ada", session, "1"))[1]


def test_custom_authentication_without_its_functions_is_refused_in_awss_words(idp: Any, pool: Any) -> None:
    code, message = refusal(lambda: begin(idp, pool[1], "staff-ada"))
    assert code == "InvalidParameterException"
    assert message == "Custom auth lambda trigger is not configured for the user pool."


def test_a_user_who_is_not_there_yet_is_brought_at_the_first_sign_in(
    idp: Any, make_pool: Any, workshop: Any, puppet: str
) -> None:
    pool, app = make_pool({"UserMigration": arn_of(workshop, puppet)})
    assert sign_in(idp, app, "old-user")["AuthenticationResult"]
    assert idp.admin_get_user(UserPoolId=pool, Username="old-user")["UserStatus"] == "CONFIRMED"


def lab(workshop: Any, folder: str, **variables: str) -> str:
    package = {"ZipFile": zip_function(handler_folder(folder))}
    name = workshop.make("", Code=package, Environment={"Variables": variables})
    workshop.permit(name, "cognito-idp.amazonaws.com")
    return arn_of(workshop, name)
